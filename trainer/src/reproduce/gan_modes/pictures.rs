//! Samples through the training, as strips, and the losses.

use super::{DRAWN, LOOKS, Run, Test};
use crate::report::{
    Figure, Report,
    colour::{BLUE, GRID, INK, VERMILLION},
    number,
    svg::{Anchor, Svg},
};

pub(super) fn show(report: &mut Report, test: &Test, runs: &[Vec<Run>]) {
    let run = &runs[0];
    report.section("Samples through the training");
    report.figures(
        "600 samples of the averaged generator (blue) over the modes (red circles, 6σ in radius), at shares of the training. First seed.",
        test.games.iter().zip(run).map(|(game, run)| {
            let heading = format!(
                "{}: {} of {} modes, {} % of high quality",
                game.name,
                run.quality.covered,
                test.modes.centres.len(),
                number(100.0 * run.quality.high, 1)
            );
            strip(test, run).titled(&heading)
        }),
    );
    report.section("Two losses, no one of which has to fall").figures(
        "Means over 20 steps; rates fall to 0 towards the end. First seed.",
        test.games.iter().zip(run).map(|(game, run)| Figure::from(run.losses.plot()).titled(game.name)),
    );
}

/// Side of a panel in pixels.
const SIDE: f64 = 118.0;
/// Pixels between two.
const GAP: f64 = 8.0;

fn strip(test: &Test, run: &Run) -> Figure {
    let width = run.strip.len() as f64 * (SIDE + GAP) - GAP;
    let mut svg = Svg::new(width.ceil() as u32, (SIDE + 16.0) as u32);
    let scale = SIDE / f64::from(2.0 * test.window);
    for (k, samples) in run.strip.iter().enumerate() {
        let left = k as f64 * (SIDE + GAP);
        svg.rectangle((left, 0.0), (SIDE, SIDE), GRID);
        svg.rectangle((left + 1.0, 1.0), (SIDE - 2.0, SIDE - 2.0), [255; 3]);
        let at = |x: f32, y: f32| {
            let inside = x.abs() < test.window && y.abs() < test.window;
            let (x, y) = (f64::from(x + test.window) * scale, f64::from(test.window - y) * scale);
            inside.then_some((left + x, y))
        };
        for [x, y] in &test.modes.centres {
            if let Some((x, y)) = at(*x, *y) {
                let radius = 6.0 * f64::from(test.modes.deviation) * scale;
                let turn = |i: usize| std::f64::consts::TAU * i as f64 / 24.0;
                let circle = (0..=24).map(|i| (x + radius * turn(i).cos(), y + radius * turn(i).sin()));
                svg.curve(circle, 0.8, VERMILLION);
            }
        }
        for place in samples.column_iter().filter_map(|y| at(y[0], y[1])) {
            svg.disc(place, 0.8, BLUE);
        }
        let share = number(100.0 * (DRAWN[k] + 1) as f64 / LOOKS as f64, 0);
        svg.text((left + 0.5 * SIDE, SIDE + 13.0), Anchor::Middle, 11.0, INK, &format!("{share} %"));
    }
    svg.into()
}
