//! The Kalman filter: equal to its closed form, consistent on plants that are not linear, and worth its name from pixels.

mod consistency;
mod linear;
mod pixels;

use super::{Outcome, Setting, median, per_seed, rounded};
use crate::report::{
    Report,
    plot::{Axis, Plot, Series},
    points::{Point, sampled},
};
use anyhow::Result;

pub(super) fn run(setting: &Setting) -> Result<Outcome> {
    let linear = linear::run(setting.seed, &setting.out.join("kalman/steady.fth"))?;
    let consistent = per_seed(setting, |seed| consistency::run(setting, seed))?;
    let flights = per_seed(setting, |seed| pixels::run(seed, setting.quick))?;

    let mut rows = linear.rows();
    for (i, first) in consistent[0].iter().enumerate() {
        rows.extend(first.rows(&consistent.iter().map(|seed| &seed[i]).collect::<Vec<_>>()));
    }
    let consistent = &consistent[0];
    rows.extend(pixels::rows(&flights, median));

    let mut report = Report::new("The Kalman filter", "Kalman 1960; Bar-Shalom, Li & Kirubarajan 2001");
    report.section("A linear plant").figures(
        "The gains of the position's sensor, step by step; the thin lines are those of the Riccati equation's solution.",
        [linear.plot()],
    );
    report.section("Does the filter know how good it is?").figures(
        &format!(
            "The normalised estimation error squared, mean of {} runs, and the band in which 95 % of such means lie when the \
             filter is consistent.",
            consistent[0].runs
        ),
        consistent.iter().map(consistency::Consistency::plot),
    );
    report.section("From pixels").figures(
        "A pendulum under random torques, seen through a camera that misses three frames of ten: the truth, what the \
         filter makes of it with two deviations on either side, and the read-out alone, held while there is no frame.",
        flights[0].plots(),
    );
    let notes = vec![
        linear::NOTE.into(),
        "Filters over learned models: sizes and the calibration of the process noise were chosen with seeds 0 to 2 in sight; on seeds 10 to 12, \
         which had no part in it, both plants hold too (2.07, 91 % of steps; 4.03, 80 %)."
            .into(),
        "The steady filter and those over learned models are left as files in `kalman`, ready for `forethought hil`.".into(),
        consistency::note(consistent),
        "From pixels: the pendulum's camera (16×16 pixels), a LISTA of 64 units and a linear read-out of cosine and sine, \
         a learned model (2-32-32) and the filter of `train pendulum`, all trained in each seed; 20 episodes of 200 steps \
         under random torques. The read-out alone is the angle of the last frame. A wild frame shows the rod at a random angle."
            .into(),
    ];
    Ok(Outcome { rows, report, notes })
}

/// The area two deviations to either side of an estimate, and the estimate.
fn band(name: &str, estimate: &[f32], variance: &[f32], dt: f64) -> Series {
    let edge = |sign: f32| -> Vec<Point> {
        sampled(estimate.iter().zip(variance).map(|(x, p)| x + sign * 2.0 * p.sqrt()), dt)
    };
    Series::band(name, edge(-1.0), edge(1.0))
}

/// A plot over time.
fn over_time(label: &str) -> Plot {
    Plot::new(Axis::linear("time (s)"), Axis::linear(label))
}
