//! How something was trained: its learning curves and settings.

use super::{
    Figure, Report, Row, colour,
    plot::{Axis, Plot},
    points::{self, Point},
};

/// The losses of one stage of training.
#[derive(Clone, Debug, Default)]
pub struct Curve {
    /// The stage.
    pub name: String,
    /// Named losses: step and value.
    pub losses: Vec<(String, Vec<(usize, f32)>)>,
}

/// A section of the losses of all stages, if there are any.
pub fn curves(report: &mut Report, curves: &[Curve]) {
    if !curves.is_empty() {
        report.section("How it was trained");
        report.figures(
            "The losses of each stage. Lines are means over neighbouring steps, bands all the values between.",
            curves.iter().map(curve),
        );
    }
}

/// A section of names and values of settings, if there are any.
pub fn settings(report: &mut Report, settings: &[(String, String)]) {
    if !settings.is_empty() {
        report.section("Settings");
        report.table(&["setting", "value"], settings.iter().map(|(name, value)| Row::new([name, value])));
    }
}

/// The losses of one stage.
fn curve(curve: &Curve) -> Figure {
    let last = curve.losses.iter().flat_map(|(_, values)| values).map(|v| v.0).max().unwrap_or(0);
    let steps = Axis::linear("step").range(0.0, (last + 1) as f64);
    let plot = Plot::new(steps, Axis::log("loss")).size(Plot::HALF, 220);
    let plot = (0..).zip(&curve.losses).fold(plot, |plot, (i, (name, values))| {
        let points: Vec<Point> = values.iter().map(|&(step, v)| (step as f64, f64::from(v))).collect();
        let name = if curve.losses.len() > 1 { name } else { "" };
        plot.with_noisy(name, points::thinned(&points, 200), colour::SERIES[i % colour::SERIES.len()])
    });
    Figure::from(plot).titled(&curve.name)
}
