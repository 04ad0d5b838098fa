//! The report of the default agent: the pendulum seen through a small camera.

mod pictures;

use super::{
    Report, Row, number,
    training::{self, Curve},
};
use crate::{
    evaluate::{Flight, Score},
    tasks::pendulum::{ModelError, OPTIMUM},
    worlds::{camera::SIDE, pendulum::DT},
};
use nalgebra::DMatrix;

/// Everything that the report shows, as plain numbers. Whatever is left empty is left out.
#[derive(Clone, Debug, Default)]
pub struct PendulumReport {
    /// The seed of the training.
    pub seed: u64,
    /// Episodes behind each score.
    pub episodes: usize,
    /// What came back, one row for each way of flying.
    pub scores: Vec<ScoreRow>,
    /// The dictionary: one atom a column.
    pub atoms: DMatrix<f32>,
    /// Examples of camera frames.
    pub frames: Vec<Frame>,
    /// What the code does all round the circle.
    pub tuning: Tuning,
    /// How the losses fell, stage by stage.
    pub curves: Vec<Curve>,
    /// How far the exported model is off on held-out episodes.
    pub model_errors: Vec<ModelError>,
    /// Open loop against truth.
    pub rollouts: Vec<Rollout>,
    /// One swing-up from pixels.
    pub flight: Flight,
    /// Names and values of settings.
    pub settings: Vec<(String, String)>,
}

/// A mean return.
#[derive(Clone, Debug)]
pub struct ScoreRow {
    /// How the agent flew.
    pub name: String,
    /// Mean return over all episodes.
    pub score: Score,
    /// The least mean that is demanded.
    pub bound: Option<f64>,
}

/// A camera frame and what the encoder makes of it.
#[derive(Clone, Debug, Default)]
pub struct Frame {
    /// The angle that was filmed, in rad.
    pub theta: f32,
    /// What the camera shows, row by row.
    pub pixels: Vec<f32>,
    /// The same frame from its code.
    pub reconstruction: Vec<f32>,
    /// The code.
    pub code: Vec<f32>,
}

/// The code at many angles.
#[derive(Clone, Debug)]
pub struct Tuning {
    /// Angles in rad, evenly spaced from −π to π.
    pub angles: Vec<f32>,
    /// Activity: units × angles.
    pub codes: DMatrix<f32>,
    /// Angle that is read out less the true angle, wrapped, in rad.
    pub readout_error: Vec<f32>,
}

impl Default for Tuning {
    fn default() -> Self {
        Self { angles: vec![], codes: DMatrix::zeros(0, 0), readout_error: vec![] }
    }
}

/// A stretch of a held-out episode: coordinates `(cos θ, sin θ, ω)` step by step, from the same start.
#[derive(Clone, Debug, Default)]
pub struct Rollout {
    /// What happened.
    pub truth: Vec<Vec<f32>>,
    /// What the model imagined under the same torques.
    pub model: Vec<Vec<f32>>,
}

/// The report as one HTML file.
pub fn html(data: &PendulumReport) -> String {
    let subtitle = format!(
        "A pendulum seen through a {SIDE} × {SIDE} pixel camera, swung up and held · seed {}",
        data.seed
    );
    let mut report = Report::new("Pendulum", &subtitle);
    scores(&mut report, data);
    perception(&mut report, data);
    model(&mut report, data);
    flight(&mut report, &data.flight);
    training(&mut report, data);
    report.finish()
}

fn scores(report: &mut Report, data: &PendulumReport) {
    if data.scores.is_empty() {
        return;
    }
    report.section("Scores");
    report.paragraph(&format!(
        "Mean return over {} resets of Pendulum-v1, ± its standard error. An episode is 200 steps of {DT}\u{a0}s; each step \
         costs θ² + 0.1 ω² + 0.001 u². The best that any controller can reach from these resets, the true state known, \
         is {} on average. The agent is the exported file, run by the kernels that run on the chip.",
        data.episodes,
        number(OPTIMUM, 1)
    ));
    let row = |row: &ScoreRow| {
        let Score { mean, error } = row.score;
        let bound = row.bound.map_or(String::new(), |b| format!("≥ {}", number(b, 1)));
        let score = format!("{} ± {}", number(mean, 1), number(error, 1));
        let holds = row.bound.map(|b| mean >= b);
        Row::new([row.name.clone(), score, number(mean - OPTIMUM, 1), bound]).holds(holds)
    };
    let optimum = Row::from(["optimum", &number(OPTIMUM, 1), "", ""]);
    let rows = data.scores.iter().map(row).chain([optimum]);
    report.table(&["agent", "return", "return − optimum", "demanded"], rows);
}

fn perception(report: &mut Report, data: &PendulumReport) {
    if data.atoms.is_empty() && data.frames.is_empty() && data.tuning.angles.is_empty() {
        return;
    }
    report.section("What it sees");
    if !data.atoms.is_empty() {
        let units = data.atoms.ncols();
        let caption = format!(
            "The dictionary: {units} atoms of {SIDE} × {SIDE} pixels, in the order of the units. A frame is taken for the \
             mean frame plus a sum of few atoms. Each atom is scaled to its own largest weight: blue darkens a pixel, \
             white leaves it, red brightens it."
        );
        report.figure(&caption, pictures::dictionary(&data.atoms));
    }
    if !data.frames.is_empty() {
        let caption = "Camera frames at several angles, the same frames put together again from their codes, and the \
                       codes: one bar for each unit, in the order of the dictionary. At θ = 0 the rod points up, at \
                       θ = π/2 to the left.";
        report.figure(caption, pictures::frames(&data.frames));
    }
    if !data.tuning.angles.is_empty() {
        report.figure(&pictures::tuning_caption(&data.tuning), pictures::tuning(&data.tuning));
    }
}

fn model(report: &mut Report, data: &PendulumReport) {
    if data.model_errors.is_empty() && data.rollouts.is_empty() {
        return;
    }
    report.section("What it imagines");
    if !data.model_errors.is_empty() {
        report.paragraph(
            "Errors of the forward model on held-out episodes: root mean square, as a share of the coordinate's standard \
             deviation. Twenty steps are 1\u{a0}s in which the model is fed nothing but its own states and the torques.",
        );
        let percent = |v: f32| format!("{} %", number(100.0 * f64::from(v), if v < 0.01 { 3 } else { 2 }));
        let row = |e: &ModelError| [e.coordinate.to_owned(), percent(e.one), percent(e.twenty)];
        report.table(&["coordinate", "1 step ahead", "20 steps ahead"], data.model_errors.iter().map(row));
    }
    if !data.rollouts.is_empty() {
        let caption = "Stretches of held-out episodes: what happened (solid), and what the model imagines from the first \
                       state and the same torques, open loop (dashed).";
        report.figures(caption, pictures::rollouts(&data.rollouts));
    }
}

/// Adds the pictures of a flight from pixels.
pub fn flight(report: &mut Report, flight: &Flight) {
    if flight.states.is_empty() {
        return;
    }
    report.section("A swing-up");
    report.paragraph(&format!(
        "One episode from pixels, with a return of {}. {} of {} readings were refused or left aside as outliers.",
        number(flight.total, 1),
        flight.refused,
        flight.states.len()
    ));
    report.figure(
        "The pendulum in time, as the camera sees it. The bar is the torque: to \
         the left of its mark it pushes counter-clockwise.",
        pictures::strip(flight),
    );
    report.figure(
        "Angle and speed, true and as the filter estimates them from the frames, and the torque. At 0 rad the rod stands \
         upright, at ±π it hangs.",
        pictures::flight(flight),
    );
    if flight.plans.iter().any(|p| !p.is_empty()) {
        report.figure(
            "The same swing-up as a path through angle and speed. Coloured lines are plans: where the agent \
             meant to go over its horizon, each from the dot where it was made; colour tells when. The rod stands at \
             (0,\u{a0}0).",
            pictures::phase(flight),
        );
    }
}

fn training(report: &mut Report, data: &PendulumReport) {
    training::curves(report, &data.curves);
    training::settings(report, &data.settings);
}
