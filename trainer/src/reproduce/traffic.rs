//! The native highway beside recorded traffic of highway-env: the same roads, the same drivers, other dice.

use super::{Outcome, Setting, median};
use crate::{
    bench,
    data::traffic::Log,
    report::{
        Figure, Report,
        plot::{Axis, Plot, Series},
        points::Point,
        tiles::Raster,
        traffic::view,
    },
    results::Row,
    worlds::{
        Rng,
        traffic::{Config, DT, Highway, recording::Recording},
    },
};
use anyhow::Result;
use rand::SeedableRng;

const SOURCE: &str = "the recorded log";

/// What is laid side by side.
struct Statistics {
    speed: f64,
    /// Standard deviation of speeds.
    spread: f64,
    gap: f64,
    middle_gap: f64,
    changes: f64,
    /// Cars that crashed.
    crashes: f64,
}

/// Frames between two that gaps are taken from: a second.
const STRIDE: usize = 5;

impl Statistics {
    fn of(recordings: &[Recording]) -> Self {
        let (speeds, gaps) = (speeds(recordings), gaps(recordings));
        let speed = mean(&speeds);
        let variance = mean(&speeds.iter().map(|v| (v - speed).powi(2)).collect::<Vec<_>>());
        let changes: usize = recordings.iter().map(Recording::lane_changes).sum();
        let kilometres: f64 = recordings.iter().map(Recording::kilometres).sum();
        let last = recordings.iter().filter_map(|recording| recording.frames.last()).flatten();
        Self {
            speed,
            spread: variance.sqrt(),
            gap: mean(&gaps),
            middle_gap: median(&gaps),
            changes: changes as f64 / kilometres,
            crashes: last.filter(|car| car.crashed).count() as f64,
        }
    }

    /// By name and unit, and by how many per cent a simulation may be off; nothing for crashes, which are counted.
    fn list(&self) -> [(&'static str, f64, &'static str, Option<f64>); 6] {
        [
            ("mean speed", self.speed, "m/s", Some(3.0)),
            ("deviation of speeds", self.spread, "m/s", Some(15.0)),
            ("mean gap", self.gap, "m", Some(10.0)),
            ("median gap", self.middle_gap, "m", Some(10.0)),
            ("lane changes", self.changes, "per km", Some(15.0)),
            ("cars crashed", self.crashes, "", None),
        ]
    }
}

pub(super) fn run(setting: &Setting) -> Result<Outcome> {
    let log = Log::highway(&setting.data)?;
    let episodes = if setting.quick { 5 } else { log.episodes.len() };
    let simulate = |seed| Highway::new(Config::default()).record(episodes, &mut Rng::seed_from_u64(seed));
    let runs: Vec<_> = setting.seeds().into_iter().map(simulate).collect();
    let recorded = Statistics::of(&log.episodes).list();
    let simulated: Vec<_> = runs.iter().map(|run| Statistics::of(run).list()).collect();

    let mut rows = Vec::new();
    for (i, &(what, reference, unit, bound)) in recorded.iter().enumerate() {
        let values: Vec<_> = simulated.iter().map(|list| list[i].1).collect();
        let value = median(&values);
        let row = Row::new(what, value, unit).beside(reference, SOURCE);
        let Some(bound) = bound else {
            rows.push(row.at_most(0.0));
            continue;
        };
        rows.push(row);
        let off = 100.0 * (value / reference - 1.0).abs();
        rows.push(Row::new(format!("{what}: off by"), off, "%").at_most(bound));
    }
    rows.push(bench::highway());

    let notes = vec![
        format!(
            "{episodes} episodes of {} cars and {} steps of {DT} s for each of {} seeds, medians; the log has {} episodes of {} cars.",
            Config::default().cars,
            Config::default().episode,
            runs.len(),
            log.episodes.len(),
            log.episodes[0].cars(),
        ),
        "A gap is the free road between a car and the next ahead whose middle is in the same lane, once a second; a lane change \
         is counted where a car's middle passes the line."
            .into(),
        "A car-step is one car for 0.2 s: its driver decides and its bicycle moves three times.".into(),
    ];
    Ok(Outcome { rows, report: pictures(&log.episodes, &runs[0]), notes })
}

fn pictures(recorded: &[Recording], simulated: &[Recording]) -> Report {
    let mut report = Report::new("Highway traffic", "IDM and MOBIL, native beside recorded");
    report.section("Side by side");
    let both = |label: &str, width, of: &dyn Fn(&[Recording]) -> Vec<f64>, range: (f64, f64)| {
        Plot::new(Axis::linear(label), Axis::linear("share (%)").range(0.0, 1.1 * peak(&of(recorded), range)))
            .size(width, 240)
            .with(Series::line("recorded", histogram(&of(recorded), range)))
            .with(Series::dashed("simulated", histogram(&of(simulated), range)))
    };
    report.figures(
        "Speeds of all cars at all times, and free road to the car ahead.",
        [
            both("speed (m/s)", Plot::HALF, &speeds, (10.0, 26.0)),
            both("gap (m)", Plot::HALF, &gaps, (0.0, 160.0)),
        ],
    );
    report.figure(
        "Lane changes of a car in a second, as the platoon spreads out.",
        Plot::new(Axis::linear("time (s)"), Axis::linear("changes of a car in a second"))
            .with(Series::line("recorded", changes(recorded)))
            .with(Series::dashed("simulated", changes(simulated))),
    );
    report.section("What a car sees");
    let strip = |recording: &Recording, car: usize, title: &str| {
        let frames = (0..8).map(|k| draw(recording, 25 + 5 * k, car)).collect::<Vec<_>>();
        Figure::raster(&Raster::mosaic(&frames, 2, 3).enlarged(5), "views of a car").titled(title)
    };
    report.figures(
        "One car's view once a second, forward to the right, 128 m long and 16 m wide: itself red, others blue, grey what is no \
         lane. Read row by row.",
        [strip(&recorded[0], 3, "recorded"), strip(&simulated[0], 3, "simulated")],
    );
    report
}

/// The view of a car.
fn draw(recording: &Recording, t: usize, car: usize) -> Raster {
    let grid = Config::default().grid;
    let mut seen = vec![0.0; grid.maps().len()];
    grid.draw(recording.road, &recording.frames[t], car, &mut seen);
    view(&seen, grid.along)
}

fn speeds(recordings: &[Recording]) -> Vec<f64> {
    recordings.iter().flat_map(|recording| recording.frames.iter().flatten().map(|car| car.speed)).collect()
}

fn gaps(recordings: &[Recording]) -> Vec<f64> {
    let frames = |recording: &Recording| (0..recording.frames.len()).step_by(STRIDE);
    recordings.iter().flat_map(|recording| frames(recording).flat_map(|t| recording.gaps(t))).collect()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

/// Bars of a histogram.
const BARS: usize = 40;

/// Shares of values in per cent, bar by bar.
fn shares(values: &[f64], (low, high): (f64, f64)) -> [f64; BARS] {
    let mut shares = [0.0; BARS];
    for value in values {
        let place = (value - low) / (high - low) * BARS as f64;
        if let Some(share) = shares.get_mut(place.floor() as usize).filter(|_| place >= 0.0) {
            *share += 100.0 / values.len() as f64;
        }
    }
    shares
}

fn peak(values: &[f64], range: (f64, f64)) -> f64 {
    shares(values, range).into_iter().fold(0.0, f64::max)
}

/// A histogram as a staircase.
fn histogram(values: &[f64], range: (f64, f64)) -> Vec<Point> {
    let width = (range.1 - range.0) / BARS as f64;
    let stair = |(i, share): (usize, f64)| {
        let left = range.0 + width * i as f64;
        [(left, share), (left + width, share)]
    };
    shares(values, range).into_iter().enumerate().flat_map(stair).collect()
}

/// Lane changes of a car in a second, second by second.
fn changes(recordings: &[Recording]) -> Vec<Point> {
    let second = |s: usize| {
        let part = |recording: &Recording| {
            let frames = recording.frames.iter().skip(s * STRIDE).take(STRIDE + 1).cloned().collect();
            Recording { road: recording.road, frames }.lane_changes()
        };
        let cars: usize = recordings.iter().map(Recording::cars).sum();
        let count: usize = recordings.iter().map(part).sum();
        (s as f64 + 0.5, count as f64 / cars as f64)
    };
    let seconds = recordings.first().map_or(0, |recording| (recording.frames.len() - 1) / STRIDE);
    (0..seconds).map(second).collect()
}
