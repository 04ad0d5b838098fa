//! How they got there: scores, and crashes, over what was lived.

use super::{
    Lives,
    trial::{Look, METHODS, Problem, Run},
};
use crate::report::{
    Report,
    colour::{BLUE, GREEN, Rgb, VERMILLION},
    plot::{Axis, Plot, Series},
};

/// In the order of the methods.
const COLOURS: [Rgb; METHODS.len()] = [BLUE, VERMILLION, GREEN];

/// Adds a section for one problem.
pub(super) fn show<W>(report: &mut Report, problem: &Problem<W>, lives: &Lives, crashes: bool) {
    report.section(&format!("The {}", problem.about.name));
    let (low, high) = problem.shown;
    let scores = Plot::new(Axis::log("interactions"), Axis::linear(problem.unit).range(low, high));
    report.figure(
        &format!(
            "A line for each life, until it is solved, at {} (the thin line). The score of the best actions known at that time.",
            problem.solved
        ),
        curves(scores.level(problem.solved), lives, |look| look.score),
    );
    if crashes {
        let plot = Plot::new(Axis::log("interactions"), Axis::log("crashes + 1"));
        report.figure(
            "Crashes on the way, and one, so that none has its place.",
            curves(plot, lives, |look| look.crashes as f64 + 1.0),
        );
    }
}

fn curves(plot: Plot, lives: &Lives, of: impl Fn(&Look) -> f64) -> Plot {
    let line = |method: usize, life: usize, run: &Run| {
        let name = if life == 0 { METHODS[method].name() } else { "" };
        let points = run.looks.iter().map(|look| (look.interactions as f64, of(look))).collect();
        Series::line(name, points).colour(COLOURS[method]).weight(1.2)
    };
    let end = |method: usize, run: &Run| {
        Series::dots("", vec![(run.end().interactions as f64, of(&run.end()))]).colour(COLOURS[method])
    };
    // The longest lives lie at the back.
    (0..METHODS.len()).rev().fold(plot, |plot, method| {
        let lines = lives[method].iter().enumerate().map(|(life, run)| line(method, life, run));
        let solved = lives[method].iter().filter(|run| run.solved).map(|run| end(method, run));
        plot.with_all(lines).with_all(solved.collect::<Vec<_>>())
    })
}
