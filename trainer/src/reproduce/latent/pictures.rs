//! Futures as fans, and energies as maps.

use super::{
    Example,
    measure::{self, Measured},
};
use crate::report::{
    Figure, Report,
    colour::{self, BLUE, MUTED, VERMILLION},
    plot::{Axis, Plot, Series},
    tiles::Raster,
};

pub(super) fn show(report: &mut Report, example: &Example, runs: &[Vec<Measured>]) {
    let run = &runs[0];
    report.section(&format!("The {}", example.name)).figures(
        "What the exported files predict from one state, a line for each latent that travels with the file. Grey: what may happen.",
        run.iter().zip(&example.limits).map(|(measured, limit)| fan(example, measured).titled(limit.0)),
    );
    report.figures(
        &format!(
            "The energy of every next state after z has been inferred: white is low, as on the data, dark is {DARK} or more. A limited z \
             leaves low energy where futures are; an unlimited one explains everything."
        ),
        run.iter().zip(&example.limits).map(|(measured, limit)| map(example, measured).titled(limit.0)),
    );
}

/// The energy that is drawn darkest.
const DARK: f32 = 0.2;

fn axes(example: &Example) -> Plot {
    let ([width, height], level) = example.window;
    // Less what stands beside and below the axes, so that a circle is round.
    let size = (f64::from(Plot::THIRD - 56) * height / width) as u32 + 49;
    Plot::new(Axis::linear("").range(-width, width), Axis::linear("").range(level - height, level + height))
        .size(Plot::THIRD, size)
}

fn futures(example: &Example) -> Series {
    let (x, u) = measure::usual(example);
    let points = (example.futures)(&x, &u).into_iter().map(|[x, y]| (x, y)).collect();
    Series::dots("", points).colour(MUTED).weight(4.0)
}

fn fan(example: &Example, measured: &Measured) -> Figure {
    let lines = measured
        .fan
        .iter()
        .map(|&[x, y]| Series::line("", vec![(0.0, 0.0), (x, y)]).colour(BLUE).weight(0.5));
    let ends = measured.fan.iter().map(|&[x, y]| (x, y)).collect();
    let plot = axes(example).with(futures(example)).with_all(lines);
    plot.with(Series::dots("", ends).colour(VERMILLION).weight(1.8)).into()
}

fn map(example: &Example, measured: &Measured) -> Figure {
    let heat = Raster::map(&measured.map, measure::EDGE, |energy| {
        colour::heat((energy / DARK).clamp(0.0, 1.0).sqrt())
    });
    axes(example).background(heat).with(futures(example).weight(1.5)).into()
}
