//! What the report shows of an agent: everything by the exported file, run by the kernels of the chip.

use super::{ANGLES, COORDINATES, Config, Trained};
use crate::{
    data::log::{Episode, coordinates},
    evaluate::Flight,
    mind,
    predict::open_loop,
    report::pendulum::{Frame, PendulumReport, Rollout, Tuning},
    worlds::{Rng, camera::Camera, pendulum::wrap},
};
use anyhow::{Context, Result};
use forethought::artifact::Artifact;
use nalgebra::DMatrix;
use rand::SeedableRng;
use serde::Serialize;
use std::f64::consts::{PI, TAU};

/// RMSE of the exported model on episodes that it has not seen, over the standard deviation of each coordinate.
#[derive(Clone, Debug, Serialize)]
pub struct ModelError {
    /// The coordinate of the log.
    pub coordinate: &'static str,
    /// One step ahead.
    pub one: f32,
    /// Twenty steps ahead, open loop.
    pub twenty: f32,
}

/// Measures the exported model, run by the kernels of the chip, on episodes.
pub fn model_errors(artifact: &Artifact<'_>, episodes: &[Episode]) -> Result<Vec<ModelError>> {
    let model = mind::model(artifact)?;
    let ahead = |steps| open_loop::errors(&model, (episodes, ANGLES), (steps, 1));
    let (one, twenty) = (ahead(1), ahead(20));
    let shares = one.iter().zip(&twenty).zip(open_loop::deviations(episodes, ANGLES));
    let errors = COORDINATES.iter().zip(shares).map(|(coordinate, ((one, twenty), deviation))| ModelError {
        coordinate,
        one: (one / deviation) as f32,
        twenty: (twenty / deviation) as f32,
    });
    Ok(errors.collect())
}

/// Angles at which the code is shown as a function of the angle.
const ANGLES_SHOWN: usize = 360;
/// Steps of a model's roll-out that are shown: three seconds.
const STEPS_SHOWN: usize = 60;

/// Fills the pictures of the report; scores, learning curves and the flight to show come from elsewhere.
pub fn portrait(
    config: &Config,
    artifact: &Artifact<'_>,
    trained: &Trained,
    flight: Flight,
) -> Result<PendulumReport> {
    let held_out = trained.held_out(config);
    let seed = artifact.header().provenance.seed;
    let settings = [
        ("units of the code", config.encoder.units.to_string()),
        ("iterations of the encoder", config.encoder.iterations.to_string()),
        ("hidden units of the model", config.model.hidden.to_string()),
        ("planning horizon", format!("{} steps", config.planner.horizon)),
        ("iterations for a decision, at most", config.planner.iterations.to_string()),
        ("episodes in the log", trained.log.episodes.len().to_string()),
        ("checksum of the log", format!("{:08x}", trained.log.digest)),
        ("checksum of the weight file", format!("{:08x}", artifact.checksum())),
    ];
    Ok(PendulumReport {
        seed,
        episodes: 0,
        scores: Vec::new(),
        atoms: trained.encoder.dictionary().clone(),
        frames: frames(artifact, &config.film(), &mut Rng::seed_from_u64(seed))?,
        tuning: tuning(artifact)?,
        curves: Vec::new(),
        model_errors: model_errors(artifact, held_out)?,
        rollouts: rollouts(artifact, held_out)?,
        flight,
        settings: settings.map(|(name, value)| (name.to_owned(), value)).to_vec(),
    })
}

/// Eight frames, what the encoder makes of them, and what the decoder makes of that.
fn frames(artifact: &Artifact<'_>, camera: &Camera, rng: &mut Rng) -> Result<Vec<Frame>> {
    let mut encoder = mind::encoder(artifact)?;
    let frame = |i| {
        let theta = -PI + TAU * (f64::from(i) + 0.5) / 8.0;
        let pixels = camera.film(theta, rng);
        let mind::Perceived { code, reconstruction, .. } = encoder(&pixels);
        let reconstruction = reconstruction.context("the agent was exported without its decoder")?;
        Ok(Frame { theta: theta as f32, pixels, reconstruction, code })
    };
    (0..8).map(frame).collect()
}

/// The code and the error of the read-out all round, without noise.
fn tuning(artifact: &Artifact<'_>) -> Result<Tuning> {
    let mut encoder = mind::encoder(artifact)?;
    let angles: Vec<f64> =
        (0..ANGLES_SHOWN).map(|i| -PI + TAU * (i as f64 + 0.5) / ANGLES_SHOWN as f64).collect();
    let seen: Vec<_> = angles.iter().map(|&theta| encoder(&Camera::render(theta))).collect();
    let codes: Vec<f32> = seen.iter().flat_map(|s| s.code.iter().copied()).collect();
    let error = |(s, theta): (&mind::Perceived, &f64)| {
        wrap(f64::from(s.features[1].atan2(s.features[0])) - theta) as f32
    };
    Ok(Tuning {
        readout_error: seen.iter().zip(&angles).map(error).collect(),
        codes: DMatrix::from_vec(codes.len() / ANGLES_SHOWN, ANGLES_SHOWN, codes),
        angles: angles.into_iter().map(|a| a as f32).collect(),
    })
}

/// The beginnings of three held-out episodes, and what the model makes of them when it sees only the actions.
fn rollouts(artifact: &Artifact<'_>, episodes: &[Episode]) -> Result<Vec<Rollout>> {
    let model = mind::model(artifact)?;
    let stretch = |episode: &Episode| {
        let steps = episode.actions.len().min(STEPS_SHOWN);
        let imagined = open_loop::imagined(&model, episode, 0, steps);
        let path = |states: &[Vec<f32>]| states.iter().map(|x| coordinates(ANGLES, x)).collect();
        Rollout { truth: path(&episode.states[..=steps]), model: path(&imagined) }
    };
    Ok(episodes.iter().take(3).map(stretch).collect())
}
