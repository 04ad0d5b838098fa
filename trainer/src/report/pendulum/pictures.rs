//! The pictures of the pendulum's report.

use super::{Frame, Rollout, Tuning};
use crate::{
    evaluate::Flight,
    report::{
        Figure,
        colour::{self, BLUE, GRID, INK, MUTED, Rgb, VERMILLION},
        number,
        plot::{Axis, Plot, Series},
        points::{self, Point},
        svg::{Anchor, Svg},
        tiles::{self, Raster},
    },
    tasks::pendulum::COORDINATES,
    worlds::{
        camera::SIDE,
        pendulum::{DT, MAX_SPEED, MAX_TORQUE, wrap},
    },
};
use nalgebra::DMatrix;
use std::f64::consts::PI;

/// All atoms, eight to a row, or sixteen smaller ones if there are many.
pub(super) fn dictionary(atoms: &DMatrix<f32>) -> Figure {
    let (columns, pixel) = if atoms.ncols() <= 64 { (8, 4) } else { (16, 2) };
    Figure::raster(&tiles::dictionary(atoms, SIDE, columns, pixel), "atoms of the dictionary")
}

/// Eight frames in a row: the frame, its reconstruction and its code as bars.
pub(super) fn frames(frames: &[Frame]) -> Svg {
    const LABELS: f64 = 92.0;
    const TILE: f64 = 72.0;
    const BARS: f64 = 52.0;
    let shown = &frames[..frames.len().min(8)];
    let pitch = (f64::from(Plot::FULL) - LABELS - TILE) / (shown.len().max(2) - 1) as f64;
    let rows = [20.0, 20.0 + TILE + 8.0, 20.0 + 2.0 * (TILE + 8.0) + 4.0];
    let mut svg = Svg::new(Plot::FULL, (rows[2] + BARS + 4.0) as u32);
    for (y, label) in rows.into_iter().zip(["frame", "from its code", "code"]) {
        let middle = y + if label == "code" { BARS } else { TILE } / 2.0 + 4.0;
        svg.text((0.0, middle), Anchor::Start, 11.5, INK, label);
    }
    let top = tiles::largest(&shown.iter().flat_map(|f| &f.code).copied().collect::<Vec<_>>());
    for (i, frame) in shown.iter().enumerate() {
        let x = LABELS + i as f64 * pitch;
        let angle = format!("{} rad", number(frame.theta.into(), 2));
        svg.text((x + TILE / 2.0, 12.0), Anchor::Middle, 11.5, INK, &angle);
        svg.image((x, rows[0]), (TILE, TILE), &Raster::grey(&frame.pixels, SIDE));
        svg.image((x, rows[1]), (TILE, TILE), &Raster::grey(&frame.reconstruction, SIDE));
        let width = TILE / frame.code.len().max(1) as f64;
        svg.rectangle((x, rows[2] + BARS), (TILE, 0.7), INK);
        for (unit, &value) in frame.code.iter().enumerate() {
            let height = BARS * f64::from((value / top).clamp(0.0, 1.0));
            if height > 0.2 {
                let corner = (x + unit as f64 * width, rows[2] + BARS - height);
                svg.rectangle(corner, (width.max(1.2), height), BLUE);
            }
        }
    }
    svg
}

/// Units by the angle at which they are most active; those that never are come last.
fn by_preference(codes: &DMatrix<f32>) -> Vec<usize> {
    let best = |unit: usize| {
        let row = codes.row(unit);
        let (at, peak) = row.iter().enumerate().fold((0, 0.0), |m, (i, &v)| if v > m.1 { (i, v) } else { m });
        if peak > 0.0 { at } else { usize::MAX }
    };
    let mut units: Vec<_> = (0..codes.nrows()).collect();
    units.sort_by_key(|&unit| best(unit));
    units
}

/// Activity of all units over the angle, and below it the error of the angle that is read out.
pub(super) fn tuning(tuning: &Tuning) -> Figure {
    let (units, angles) = tuning.codes.shape();
    let order = by_preference(&tuning.codes);
    // The first row of a picture is its top, the first unit is at the bottom.
    let sorted = DMatrix::from_fn(units, angles, |r, c| tuning.codes[(order[units - 1 - r], c)]);
    let top = tiles::largest(sorted.as_slice());
    let activity = Plot::new(Axis::angle(""), Axis::linear("unit, sorted").range(0.0, units as f64))
        .size(Plot::FULL, 320)
        .background(Raster::matrix(&sorted, top, colour::heat))
        .key(&format!("activity, 0 to {}", number(top.into(), 1)), colour::heat);
    let errors = tuning.angles.iter().zip(&tuning.readout_error);
    let errors = errors.map(|(&angle, &error)| (f64::from(angle), f64::from(error))).collect();
    let readout = Plot::new(Axis::angle("angle / rad"), Axis::linear("error of the angle read out / rad"))
        .size(Plot::FULL, 170)
        .level(0.0)
        .with(Series::line("", errors));
    Figure::stack([activity, readout])
}

/// What the tuning picture shows, with numbers.
pub(super) fn tuning_caption(tuning: &Tuning) -> String {
    let (units, angles) = tuning.codes.shape();
    let active = tuning.codes.row_iter().filter(|row| row.iter().any(|&v| v > 0.0)).count();
    let at_once = tuning.codes.iter().filter(|&&v| v > 0.0).count() as f64 / angles.max(1) as f64;
    let n = tuning.readout_error.len().max(1) as f64;
    let square: f64 = tuning.readout_error.iter().map(|&e| f64::from(e).powi(2)).sum();
    format!(
        "Above: activity of each unit as the rod turns once round, units sorted by the angle they like best. {active} of \
         {units} units are ever active, {} at once on average. Below: the angle that is read out of the code less the \
         true one; root mean square {} rad.",
        number(at_once, 1),
        number((square / n).sqrt(), 3)
    )
}

/// Three stretches side by side, three coordinates each.
pub(super) fn rollouts(rollouts: &[Rollout]) -> Vec<Figure> {
    let axes = || {
        let speed = Axis::linear("speed / (rad/s)").range(-MAX_SPEED, MAX_SPEED);
        [Axis::linear("cos θ").range(-1.05, 1.05), Axis::linear("sin θ").range(-1.05, 1.05), speed]
    };
    let column = |rollout: &Rollout| {
        let path = |states: &[Vec<f32>], i: usize| {
            points::sampled(states.iter().map(|s| s.get(i).copied().unwrap_or(f32::NAN)), DT)
        };
        Figure::stack(axes().into_iter().enumerate().map(|(i, axis)| {
            let name = |text: &'static str| if i == 0 { text } else { "" };
            let last = i + 1 == COORDINATES.len();
            Plot::new(Axis::linear(if last { "time / s" } else { "" }), axis)
                .size(Plot::THIRD, if last { 157 } else { 140 })
                .with(Series::line(name("truth"), path(&rollout.truth, i)).colour(MUTED).weight(2.2))
                .with(Series::dashed(name("model"), path(&rollout.model, i)).colour(VERMILLION))
        }))
    };
    rollouts.iter().take(3).map(column).collect()
}

/// One component of a list of states or actions.
fn component(rows: &[Vec<f32>], i: usize) -> impl Iterator<Item = f32> {
    rows.iter().map(move |row| row.get(i).copied().unwrap_or(f32::NAN))
}

/// Angle, speed and torque over time.
pub(super) fn flight(flight: &Flight) -> Figure {
    let end = flight.states.len() as f64 * DT;
    let time = |label| Axis::linear(label).range(0.0, end.max(DT));
    let both = |y: Axis, i: usize, trace: fn(&[Point]) -> Vec<Point>| {
        let path = |rows: &[Vec<f32>]| trace(&points::sampled(component(rows, i), DT));
        let [truth, estimate] = if i == 0 { ["truth", "estimate"] } else { ["", ""] };
        Plot::new(time(""), y)
            .size(Plot::FULL, 175)
            .with(Series::line(truth, path(&flight.states)).colour(MUTED).weight(2.2))
            .with(Series::dashed(estimate, path(&flight.estimates)).colour(VERMILLION))
    };
    let torque = points::held(component(&flight.actions, 0), DT);
    let limit = f64::from(MAX_TORQUE);
    let torque = Plot::new(time("time / s"), Axis::linear("torque / (N m)").range(-1.1 * limit, 1.1 * limit))
        .size(Plot::FULL, 150)
        .with(Series::line("", torque).weight(1.4));
    Figure::stack([
        both(Axis::angle("angle / rad"), 0, points::round_y),
        both(Axis::linear("speed / (rad/s)"), 1, <[Point]>::to_vec),
        torque,
    ])
}

/// The step after which the rod stays upright, or the last one.
fn upright(flight: &Flight) -> usize {
    let far = |state: &Vec<f32>| state.first().is_none_or(|theta| theta.is_nan() || theta.abs() >= 0.2);
    flight.states.iter().rposition(far).map_or(0, |t| t + 1)
}

/// The path through angle and speed, and plans made on the way until the rod is up.
pub(super) fn phase(flight: &Flight) -> Plot {
    // A plan leads on beyond ±π.
    let point = |s: &Vec<f32>| Some((wrap(f64::from(*s.first()?)), f64::from(*s.get(1)?)));
    let path = |states: &mut dyn Iterator<Item = &Vec<f32>>| {
        points::round_x(&states.filter_map(point).collect::<Vec<_>>())
    };
    let until = upright(flight).clamp(1, flight.states.len().max(1));
    let every = until.div_ceil(12).max(1);
    let moments: Vec<usize> = (0..until.min(flight.plans.len())).step_by(every).collect();
    let hue = |i: usize| colour::time(i as f32 / moments.len().saturating_sub(1).max(1) as f32);
    let speed = Axis::linear("speed / (rad/s)").range(-MAX_SPEED - 0.5, MAX_SPEED + 0.5);
    let last = number(moments.last().map_or(0.0, |&t| t as f64 * DT), 1);
    let mut plot = Plot::new(Axis::angle("angle / rad"), speed)
        .size(Plot::FULL, 470)
        .with(Series::line("path", path(&mut flight.states.iter())).colour(INK).weight(1.5))
        .key(&format!("plans, made at 0 to {last} s"), colour::time);
    for (i, &t) in moments.iter().enumerate() {
        // The plan was made from the estimate: that is where its line begins.
        let from = flight.estimates.get(t).or(flight.states.get(t));
        let planned = path(&mut from.into_iter().chain(&flight.plans[t]));
        let start = planned.first().copied().into_iter().collect();
        plot = plot
            .with(Series::line("", planned).colour(hue(i)).weight(1.3))
            .with(Series::dots("", start).colour(hue(i)).weight(3.2));
    }
    plot
}

/// Small drawings of the pendulum in time, until about a second after it stands.
pub(super) fn strip(flight: &Flight) -> Svg {
    const COLUMNS: usize = 12;
    const ROWS: usize = 2;
    const ROD: f64 = 22.0;
    const PITCH: (f64, f64) = (Plot::FULL as f64 / COLUMNS as f64, 82.0);
    let second = (1.0 / DT) as usize;
    let end = (upright(flight) + second).min(flight.states.len());
    let every = ((end as f64 / (COLUMNS * ROWS) as f64).round() as usize).max(1);
    let moments: Vec<usize> = (0..flight.states.len()).step_by(every).take(COLUMNS * ROWS).collect();
    let rows = moments.len().div_ceil(COLUMNS).max(1);
    let mut svg = Svg::new(Plot::FULL, (rows as f64 * PITCH.1) as u32);
    for (i, &t) in moments.iter().enumerate() {
        let corner = ((i % COLUMNS) as f64 * PITCH.0, (i / COLUMNS) as f64 * PITCH.1);
        let centre = (corner.0 + PITCH.0 / 2.0, corner.1 + ROD + 6.0);
        let torque = flight.actions.get(t).and_then(|u| u.first()).copied().unwrap_or(0.0);
        let theta = flight.states[t].first().copied().unwrap_or(f32::NAN);
        if theta.is_finite() {
            drawing(&mut svg, centre, (theta.into(), torque.into()), ROD);
        }
        let time = format!("{} s", number(t as f64 * DT, 2));
        svg.text((centre.0, centre.1 + ROD + 20.0), Anchor::Middle, 10.5, MUTED, &time);
    }
    svg
}

/// A rod with its bob, the way the camera sees it, and the torque as a bar below.
fn drawing(svg: &mut Svg, (x, y): (f64, f64), (theta, torque): (f64, f64), rod: f64) {
    let bob = (x - rod * theta.sin(), y - rod * theta.cos());
    // The closer to upright, the warmer.
    let colour: Rgb = if theta.abs() < PI / 8.0 { VERMILLION } else { BLUE };
    svg.disc((x, y), rod, GRID);
    svg.line((x, y), bob, 3.0, colour);
    svg.disc(bob, 4.6, colour);
    svg.disc((x, y), 2.0, INK);
    let length = torque / f64::from(MAX_TORQUE) * rod;
    svg.rectangle((x - length.max(0.0), y + rod + 6.0), (length.abs(), 3.0), INK);
    svg.rectangle((x - 0.4, y + rod + 4.5), (0.8, 6.0), MUTED);
}
