//! The log of a user's plant: one row a time step, the columns named by the task file, everything checked line by line.
//!
//! A row has the state and the action that was taken in it; the next row of the same episode has what came of it.

use crate::data::{
    file,
    log::{Episode, Log},
};
use anyhow::{Context, Result, bail, ensure};
use csv::StringRecord;
use serde::{Deserialize, Serialize};
use std::{collections::HashSet, io::Read, path::PathBuf};

/// The section `[data]`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The CSV log, gzip or plain, whose first line names the columns; a relative path counts from where the task file is.
    pub path: PathBuf,
    /// The column that numbers or names the episodes: rows with the same entry follow each other. Without it all rows are one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub episode: Option<String>,
    /// The column of the time, in seconds. Without it rows are taken to be equally long apart.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
    /// Seconds from row to row; by default what the first two rows show.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<f64>,
    /// What becomes of an episode where rows are missing.
    #[serde(default)]
    pub gaps: Gaps,
}

/// What becomes of an episode where rows are missing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Gaps {
    /// The log is refused: a gap that nobody knows of would be learned as a jump.
    #[default]
    Refuse,
    /// The rows after the gap are an episode of their own.
    Split,
}

/// A section `[[state]]` or `[[action]]`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Column {
    /// Its name in the first line of the log.
    pub column: String,
    /// Its unit, for the report. An angle's is `rad` or `deg`; the model has radians.
    #[serde(default)]
    pub unit: String,
    /// The least value that is possible, in that unit: whatever is less is refused, which finds mistaken units.
    pub low: f64,
    /// The largest.
    pub high: f64,
    /// Whether it is an angle, which comes round again.
    #[serde(default)]
    pub angle: bool,
    /// Whether it is a place that nothing depends on, as on an open plane: the model then does not look at it.
    #[serde(default)]
    pub place: bool,
}

impl Column {
    /// Whether the section makes sense.
    pub fn check(&self) -> Result<()> {
        let name = &self.column;
        ensure!(
            self.low.is_finite() && self.high.is_finite() && self.low < self.high,
            "column `{name}`: low must be below high, not {} and {}",
            self.low,
            self.high
        );
        ensure!(
            !self.angle || ["rad", "deg"].contains(&self.unit.as_str()),
            "column `{name}` is an angle: its unit must be \"rad\" or \"deg\", not \"{}\"",
            self.unit
        );
        ensure!(!(self.angle && self.place), "column `{name}` cannot be an angle and a place");
        Ok(())
    }

    /// What the model has for a value of the log.
    pub fn scale(&self) -> f64 {
        if self.angle && self.unit == "deg" { std::f64::consts::PI / 180.0 } else { 1.0 }
    }

    /// Its range in the model's unit; of an angle, the whole circle.
    pub fn range(&self) -> (f32, f32) {
        use std::f32::consts::PI;
        if self.angle {
            return (-PI, PI);
        }
        (self.low as f32, self.high as f32)
    }

    /// Its name with the model's unit.
    pub fn label(&self) -> String {
        let unit = if self.angle { "rad" } else { &self.unit };
        if unit.is_empty() { self.column.clone() } else { format!("{} ({unit})", self.column) }
    }

    /// The model's number for a value that was read, or what is wrong with it.
    pub(super) fn accept(&self, value: f64) -> Result<f32> {
        let (low, high, unit) = (self.low, self.high, &self.unit);
        if !(low..=high).contains(&value) {
            let turned = if unit == "rad" { value.to_radians() } else { f64::NAN };
            let guess = if self.angle && (low..=high).contains(&turned) {
                format!("is the log in degrees? then write unit = \"deg\" for `{}`", self.column)
            } else {
                format!("correct the row, the unit, or low and high of `{}`", self.column)
            };
            bail!("{value} is outside {low} to {high} {unit}: {guess}");
        }
        let value = value * self.scale();
        Ok(if self.angle { forethought::math::wrap(value as f32) } else { value as f32 })
    }
}

/// Longer or shorter steps than this share are gaps.
const JITTER: f64 = 0.2;
/// An episode of a log with fewer than so many is cut into as many pieces: some have to be held out.
const PIECES: usize = 10;

impl Config {
    /// Whether the section makes sense.
    pub fn check(&self) -> Result<()> {
        if let Some(step) = self.step {
            ensure!(step.is_finite() && step > 0.0, "data.step must be above 0 seconds, not {step}");
        }
        ensure!(
            self.gaps == Gaps::Refuse || self.time.is_some(),
            "data.gaps = \"split\" needs data.time: without a column of the time no gap is seen"
        );
        Ok(())
    }

    /// Reads and checks the log.
    pub fn load(&self, state: &[Column], action: &[Column]) -> Result<Log> {
        let name = self.path.display();
        let log = self
            .parse(file::open(&self.path)?, state, action)
            .with_context(|| format!("in the log {name}"))?;
        Ok(log)
    }

    /// [`load`](Self::load) from text.
    pub fn parse(&self, reader: impl Read, state: &[Column], action: &[Column]) -> Result<Log> {
        let mut csv = csv::ReaderBuilder::new().flexible(true).from_reader(reader);
        let header = csv.headers().context("line 1 must name the columns")?.clone();
        let find = |name: &str| {
            header.iter().position(|h| h.trim() == name).with_context(|| {
                let there: Vec<_> = header.iter().map(str::trim).collect();
                format!(
                    "line 1: there is no column `{name}` among {}; correct its name in the task file",
                    there.join(", ")
                )
            })
        };
        let place = |columns: &[Column]| columns.iter().map(|c| find(&c.column)).collect::<Result<Vec<_>>>();
        let (states, actions) = (place(state)?, place(action)?);
        let episode = self.episode.as_deref().map(find).transpose()?;
        let time = self.time.as_deref().map(find).transpose()?;

        let mut reading = Reading::new(self);
        for row in csv.records() {
            let row = row.context("a row cannot be read: is this a CSV file?")?;
            let line = row.position().map_or(0, csv::Position::line);
            ensure!(
                row.len() == header.len(),
                "line {line} has {} values, but line 1 names {} columns: complete or remove the row",
                row.len(),
                header.len()
            );
            let number = |at: usize| number(&row, at, &header, line);
            let take = |columns: &[Column], places: &[usize]| -> Result<Vec<f32>> {
                let of = |(column, at): (&Column, &usize)| {
                    column
                        .accept(number(*at)?)
                        .with_context(|| format!("line {line}, column {}", column.column))
                };
                columns.iter().zip(places).map(of).collect()
            };
            let now = (episode.map(|at| row[at].trim().to_owned()), time.map(number).transpose()?);
            reading.see(line, now, take(state, &states)?, take(action, &actions)?)?;
        }
        reading.finish()
    }
}

fn number(row: &StringRecord, at: usize, header: &StringRecord, line: u64) -> Result<f64> {
    let (text, name) = (row[at].trim(), header[at].trim());
    ensure!(!text.is_empty(), "line {line}, column {name}: there is no number; complete or remove the row");
    let value: f64 = text.parse().ok().with_context(|| {
        format!("line {line}, column {name}: `{text}` is no number; correct or remove the row")
    })?;
    ensure!(value.is_finite(), "line {line}, column {name}: {text} is not a finite number; remove the row");
    Ok(value)
}

/// Rows on their way to episodes.
struct Reading<'a> {
    config: &'a Config,
    episodes: Vec<Episode>,
    /// The line that the current episode begins in, its name and its last time.
    current: Option<(u64, Option<String>, Option<f64>)>,
    /// Names of episodes that are over.
    over: HashSet<String>,
    step: Option<f64>,
}

impl<'a> Reading<'a> {
    fn new(config: &'a Config) -> Self {
        Self { config, episodes: Vec::new(), current: None, over: HashSet::new(), step: config.step }
    }

    fn see(
        &mut self,
        line: u64,
        (name, time): (Option<String>, Option<f64>),
        x: Vec<f32>,
        u: Vec<f32>,
    ) -> Result<()> {
        let begins = match &self.current {
            None => true,
            Some((_, last, _)) if *last != name => true,
            Some((_, _, before)) => {
                let (before, now) = (before.unwrap_or_default(), time.unwrap_or_default());
                time.is_some() && self.is_gap(line, before, now)?
            }
        };
        if begins {
            self.end()?;
            if let Some(name) = &name
                && self.over.contains(name)
                && self.config.gaps == Gaps::Refuse
            {
                bail!(
                    "line {line}: episode {name} was over and begins again: sort the rows by episode, or name it anew"
                );
            }
            self.episodes.push(Episode::default());
            self.current = Some((line, name.clone(), time));
            self.over.extend(name);
        }
        if let Some((_, _, last)) = &mut self.current {
            *last = time;
        }
        if let Some(episode) = self.episodes.last_mut() {
            episode.states.push(x);
            episode.actions.push(u);
        }
        Ok(())
    }

    /// Whether rows are missing between two times, if gaps are allowed.
    fn is_gap(&mut self, line: u64, before: f64, now: f64) -> Result<bool> {
        let passed = now - before;
        ensure!(
            passed > 0.0,
            "line {line}: the time goes from {before} to {now} s: sort the rows, or name in data.episode the column that tells \
             episodes apart"
        );
        let step = *self.step.get_or_insert(passed);
        if (passed - step).abs() <= JITTER * step {
            return Ok(false);
        }
        ensure!(
            self.config.gaps == Gaps::Split,
            "line {line}: the time step is {passed:.6} s where {step:.6} s is usual: resample the log, or write data.gaps = \"split\" to \
             begin an episode there"
        );
        Ok(true)
    }

    /// The action of an episode's last row led nowhere.
    fn end(&mut self) -> Result<()> {
        let Some((line, name, _)) = &self.current else { return Ok(()) };
        let Some(episode) = self.episodes.last_mut() else { return Ok(()) };
        if episode.states.len() < 2 {
            // What is left between two gaps may be short.
            if self.config.gaps == Gaps::Split {
                self.episodes.pop();
                return Ok(());
            }
            let name = name.as_ref().map_or(String::new(), |name| format!(" {name}"));
            bail!(
                "line {line}: the episode{name} has one row, but a step needs two: remove it, or complete it"
            );
        }
        episode.actions.pop();
        Ok(())
    }

    fn finish(mut self) -> Result<Log> {
        self.end()?;
        ensure!(!self.episodes.is_empty(), "there is no row of numbers, or none with another after it");
        let few = self.episodes.len() < PIECES;
        let pieces = self.episodes.iter().flat_map(|episode| cut(episode, if few { PIECES } else { 1 }));
        let log = Log::new(pieces.collect());
        ensure!(log.episodes.len() > 1, "the log has one step; some have to be held out, so it needs many");
        Ok(log)
    }
}

/// Cuts an episode into pieces of equal length; where one ends the next begins.
fn cut(episode: &Episode, pieces: usize) -> Vec<Episode> {
    let length = episode.actions.len().div_ceil(pieces);
    let starts = (0..episode.actions.len()).step_by(length);
    let piece = |from: usize| {
        let to = (from + length).min(episode.actions.len());
        Episode { states: episode.states[from..=to].to_vec(), actions: episode.actions[from..to].to_vec() }
    };
    starts.map(piece).collect()
}
