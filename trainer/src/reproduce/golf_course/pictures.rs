//! Energies as maps, with data and descents.

use super::{
    AWAY, NAMES, curve,
    measure::{EDGE, Measured, WINDOW},
};
use crate::report::{
    Figure, Report,
    colour::{self, BLUE, VERMILLION},
    number,
    plot::{Axis, Plot, Series},
    tiles::Raster,
};

/// The energy that is drawn darkest, in units of the rise to [`AWAY`].
const DARK: f32 = 3.0;

pub(super) fn show(report: &mut Report, runs: &[Vec<Measured>]) {
    let run = &runs[0];
    report.section("Maps").figures(
        &format!(
            "Each energy in units of its own rise from the data to {AWAY} away: white is as low as the data or lower, dark is {DARK} or more. \
             The curve on which the data lies is blue; descents of 100 steps from {AWAY} away are red, their ends dots. First seed."
        ),
        run.iter().zip(NAMES).map(|(run, name)| {
            let heading = format!("{name}: {} %", number(100.0 * run.reached, 0));
            map(run).titled(&heading)
        }),
    );
    report.section("Along a line").figures(
        "The same energies along the horizontal line through the middle, which crosses the curve where the blue lines are.",
        run.iter().zip(NAMES).map(|(run, name)| profile(run).titled(name)),
    );
}

fn map(run: &Measured) -> Figure {
    let heat = Raster::map(&run.map, EDGE, |energy| colour::heat((energy / DARK).clamp(0.0, 1.0).sqrt()));
    let half = f64::from(WINDOW);
    let axis = || Axis::linear("").range(-half, half);
    let point = |[x, y]: [f32; 2]| (f64::from(x), f64::from(y));
    let line = (0..=200).map(|i| point(curve(i as f32 / 200.0))).collect();
    let paths = run.paths.iter().map(|path| {
        Series::line("", path.iter().copied().map(point).collect()).colour(VERMILLION).weight(0.8)
    });
    let ends = run.paths.iter().filter_map(|path| path.last().copied()).map(point).collect();
    Plot::new(axis(), axis())
        .size(Plot::THIRD, Plot::THIRD - 7)
        .background(heat)
        .with(Series::line("", line).colour(BLUE).weight(1.0))
        .with_all(paths)
        .with(Series::dots("", ends).colour(VERMILLION).weight(2.0))
        .into()
}

fn profile(run: &Measured) -> Figure {
    let half = f64::from(WINDOW);
    let row = &run.map[EDGE / 2 * EDGE..][..EDGE];
    let x = |i: usize| half * (2.0 * i as f64 / (EDGE - 1) as f64 - 1.0);
    let points = row.iter().enumerate().map(|(i, e)| (x(i), f64::from(e.clamp(-1.0, 6.0)))).collect();
    // Where the curve crosses the line.
    let along: Vec<_> = (0..=2000).map(|i| curve(i as f32 / 2000.0)).collect();
    let crossings = along.windows(2).filter(|pair| pair[0][1] * pair[1][1] <= 0.0);
    let marks = crossings.map(|pair| {
        let x = f64::from(pair[0][0]);
        Series::line("", vec![(x, -1.0), (x, 6.0)]).colour(BLUE).weight(0.7)
    });
    Plot::new(Axis::linear("").range(-half, half), Axis::linear("").range(-1.0, 6.0))
        .size(Plot::THIRD, 140)
        .with_all(marks)
        .with(Series::line("", points).colour(VERMILLION).weight(1.2))
        .into()
}
