//! Logs of traffic: every car of every episode at every step, from a CSV file (gzip or plain).
//!
//! A row is one car at one moment: `episode, t, vehicle` (counted from 0, in this order), `x, y` in m, `heading` in rad,
//! `speed` in m/s, `crashed` 0 or 1; other columns are left alone. Steps are 0.2 s apart and lanes 4 m wide. What a car
//! does is taken from where it goes: a command in a log may have been given for a part of a step only.

use super::{digest, file};
use crate::worlds::traffic::{
    DT,
    car::Car,
    recording::Recording,
    road::{LANE, Road},
};
use anyhow::{Context, Result, bail, ensure};
use std::{io::Read, path::Path};

/// The file of recorded highway traffic among the data sets.
pub const HIGHWAY: &str = "highway-env-traffic.csv.gz";

/// Recorded episodes.
#[derive(Clone, Debug)]
pub struct Log {
    /// One recording an episode.
    pub episodes: Vec<Recording>,
    /// CRC-32 over all places and speeds: which data this is.
    pub digest: u32,
}

/// The columns that are read.
const COLUMNS: [&str; 8] = ["episode", "t", "vehicle", "x", "y", "heading", "speed", "crashed"];

/// The largest jump of a car between two frames, beyond what its speed explains, in m.
const JUMP: f64 = 3.0;

impl Log {
    /// Reads a log of a road with so many lanes.
    pub fn read(path: &Path, lanes: usize) -> Result<Self> {
        Self::parse(file::open(path)?, lanes).with_context(|| format!("in the log {}", path.display()))
    }

    /// The highway's log in a folder of data sets.
    pub fn highway(folder: &Path) -> Result<Self> {
        let path = folder.join(HIGHWAY);
        ensure!(
            path.is_file(),
            "there is no {}: record traffic of four lanes in highway-env, every vehicle at 5 Hz, with the columns {}",
            path.display(),
            COLUMNS.join(",")
        );
        Self::read(&path, 4)
    }

    /// [`read`](Self::read) from text.
    pub fn parse(reader: impl Read, lanes: usize) -> Result<Self> {
        let mut csv = csv::Reader::from_reader(reader);
        let header = csv.headers().context("the first line must name the columns")?.clone();
        let mut places = [0; COLUMNS.len()];
        for (place, name) in places.iter_mut().zip(COLUMNS) {
            let found = header.iter().position(|column| column.trim() == name);
            *place = found
                .with_context(|| format!("there is no column `{name}`: it needs {}", COLUMNS.join(", ")))?;
        }
        let road = Road { lanes };
        let mut episodes: Vec<Recording> = Vec::new();
        let mut current = f64::NAN;
        for row in csv.records() {
            let row = row.context("a row cannot be read")?;
            let line = row.position().map_or(0, csv::Position::line);
            let [episode, t, vehicle, x, y, heading, speed, crashed] = numbers(&row, line, places)?;
            let car = Car { x, y, heading, speed, crashed: crashed != 0.0 };
            ensure!(
                heading.abs() <= std::f64::consts::PI && (0.0..100.0).contains(&speed),
                "line {line}: heading {heading}, speed {speed}: radians and m/s are needed; convert degrees and km/h"
            );
            let edges = road.edges();
            ensure!(
                (edges.0 - LANE..=edges.1 + LANE).contains(&y),
                "line {line}: y = {y} is far off a road of {lanes} lanes of {LANE} m, whose first centre is at 0"
            );
            if episode != current {
                current = episode;
                episodes.push(Recording { road, frames: Vec::new() });
            }
            if let Some(recording) = episodes.last_mut() {
                place(recording, (t, vehicle), car).with_context(|| format!("line {line}"))?;
            }
        }
        ensure!(!episodes.is_empty(), "there is no row below the names of the columns");
        for (number, recording) in episodes.iter().enumerate() {
            let (cars, frames) = (recording.cars(), recording.frames.len());
            ensure!(frames > 1, "episode {number} has one step: there is nothing to see in it; remove it");
            if let Some(t) = recording.frames.iter().position(|frame| frame.len() != cars) {
                bail!("episode {number}, t = {t}: not all of the {cars} vehicles have a row; complete them");
            }
        }
        let cars = episodes.iter().flat_map(|recording| recording.frames.iter().flatten());
        let seen: Vec<f32> = cars.flat_map(|car| [car.x as f32, car.y as f32, car.speed as f32]).collect();
        Ok(Self { digest: digest(&seen), episodes })
    }
}

/// The numbers of a row.
fn numbers<const N: usize>(row: &csv::StringRecord, line: u64, places: [usize; N]) -> Result<[f64; N]> {
    let mut numbers = [0.0f64; N];
    for ((number, place), name) in numbers.iter_mut().zip(places).zip(COLUMNS) {
        let text = row.get(place).unwrap_or_default().trim();
        *number =
            text.parse().with_context(|| format!("line {line}, column {name}: `{text}` is no number"))?;
        ensure!(number.is_finite(), "line {line}, column {name}: {number} is not finite; remove the episode");
    }
    Ok(numbers)
}

/// Puts a car into its frame.
fn place(recording: &mut Recording, (t, vehicle): (f64, f64), car: Car) -> Result<()> {
    let frames = &mut recording.frames;
    if vehicle == 0.0 && t == frames.len() as f64 {
        frames.push(Vec::new());
    }
    let now = frames.len().checked_sub(1);
    let expected = frames.last().map_or(0, Vec::len);
    ensure!(
        now.is_some_and(|now| t == now as f64) && vehicle == expected as f64,
        "t = {t}, vehicle {vehicle}: rows must be sorted by episode, t and vehicle, all counted from 0 without a gap"
    );
    let before = frames.iter().rev().nth(1).and_then(|frame| frame.get(expected));
    if let Some(before) = before {
        let way = (car.x - before.x).hypot(car.y - before.y);
        ensure!(
            (way - before.speed * DT).abs() < JUMP,
            "vehicle {vehicle} came {way:.1} m in a step at {:.1} m/s: steps of {DT} s, metres and m/s are needed",
            before.speed
        );
    }
    if let Some(frame) = frames.last_mut() {
        frame.push(car);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "episode,t,vehicle,x,y,heading,speed,acceleration,steering,crashed\n";
    const ROWS: [&str; 6] = [
        "0,0,0,10.0,4.0,0.0,20.0,0.0,0.0,0\n",
        "0,0,1,30.0,0.0,0.0,10.0,0.0,0.0,0\n",
        "0,1,0,14.0,4.0,0.1,21.0,0.0,0.0,0\n",
        "0,1,1,32.0,0.0,0.0,10.0,0.0,0.0,1\n",
        "7,0,0,10.0,4.0,0.0,20.0,0.0,0.0,0\n",
        "7,1,0,14.0,4.0,0.0,20.0,0.0,0.0,0\n",
    ];

    fn parse(rows: &[&str]) -> Result<Log> {
        Log::parse((HEADER.to_owned() + &rows.concat()).as_bytes(), 4)
    }

    #[test]
    fn rows_become_frames_of_cars() {
        let log = parse(&ROWS).expect("a log");
        assert_eq!(log.episodes.len(), 2);
        let first = &log.episodes[0];
        assert_eq!((first.frames.len(), first.cars()), (2, 2));
        assert!(first.frames[1][1].crashed && !first.frames[0][1].crashed);
        assert_eq!(first.frames[1][0].state(), [4.0, 0.1, 21.0]);
        assert_eq!(first.action(0, 0), [5.0, 0.5]);
    }

    #[test]
    fn whatever_is_wrong_is_told_in_a_sentence() {
        let changed = |row: usize, from: &str, to: &str| {
            let mut rows = ROWS.map(str::to_owned);
            rows[row] = rows[row].replacen(from, to, 1);
            let rows: Vec<_> = rows.iter().map(String::as_str).collect();
            format!("{:#}", parse(&rows).expect_err("something is wrong"))
        };
        assert!(changed(2, "14.0", "NaN").contains("line 4, column x: NaN is not finite"));
        assert!(changed(2, "14.0", "far").contains("line 4, column x: `far` is no number"));
        assert!(changed(2, "14.0", "140.0").contains("line 4: vehicle 0 came 130.0 m in a step at 20.0 m/s"));
        assert!(changed(1, "10.0", "360.0").contains("line 3: heading 0, speed 360: radians and m/s"));
        assert!(changed(1, ",0.0,", ",400.0,").contains("line 3: y = 400 is far off a road of 4 lanes"));
        assert!(changed(3, "0,1,1", "0,1,2").contains("line 5: t = 1, vehicle 2: rows must be sorted"));
        assert!(changed(2, "0,1,0", "0,3,0").contains("line 4: t = 3, vehicle 0: rows must be sorted"));
        let said = |rows: &[&str]| format!("{:#}", parse(rows).expect_err("something is wrong"));
        assert!(said(&ROWS[..3]).contains("episode 0, t = 1: not all of the 2 vehicles have a row"));
        assert!(said(&ROWS[..5]).contains("episode 1 has one step"));
        assert!(said(&[]).contains("there is no row"));
        let header = Log::parse("episode,t,vehicle,x,y\n".as_bytes(), 4).expect_err("no heading");
        assert!(header.to_string().contains("there is no column `heading`"));
        let folder = Log::highway(Path::new("nowhere")).expect_err("no file");
        assert!(folder.to_string().contains("there is no nowhere/highway-env-traffic.csv.gz"));
    }
}
