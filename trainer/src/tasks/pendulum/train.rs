//! Trains every part of the agent, each on what the ones before it have become.

use super::{ANGLES, Config, MEASURED};
use crate::{
    data::log::{Episode, Log},
    energy::{Encoded, Energy, threshold},
    estimate::kalman,
    perceive::lista::{Batch, Lista},
    policy::Policy,
    predict::network::{Known, Network},
    tasks::Progress,
    value::{Table, Value, table::Space},
    worlds::{
        Rng,
        camera::{Camera, SIDE},
        pendulum::{MAX_SPEED, MAX_TORQUE},
    },
};
use anyhow::{Result, ensure};
use nalgebra::DMatrix;
use rand::{RngExt, SeedableRng};
use std::f64::consts::PI;

/// A labelled batch of frames at angles all round.
pub fn frames(camera: &Camera, n: usize, rng: &mut Rng) -> Batch {
    let angles: Vec<f64> = (0..n).map(|_| rng.random_range(-PI..PI)).collect();
    let pixels = angles.iter().flat_map(|&theta| camera.film(theta, rng)).collect();
    let features = angles.iter().flat_map(|theta| [theta.cos() as f32, theta.sin() as f32]).collect();
    (DMatrix::from_vec(SIDE * SIDE, n, pixels), DMatrix::from_vec(MEASURED.len(), n, features))
}

/// Frames behind the threshold of what is strange.
const HEALTHY: usize = 20_000;

/// How an encoder judges frames: by what it misses of them.
fn eyes(encoder: &Lista) -> Encoded<Lista> {
    Encoded {
        layers: encoder.layers(),
        dictionary: encoder.dictionary().clone(),
        mean: encoder.mean().clone(),
        lambda: 0.0,
        encoder: encoder.clone(),
    }
}

/// The trained parts of an agent.
#[derive(Debug)]
pub struct Trained {
    /// The encoder.
    pub encoder: Lista,
    /// The forward model.
    pub model: Network,
    /// The policy.
    pub policy: Policy,
    /// What is still to be paid from a state on.
    pub value: Value,
    /// `Q`.
    pub process: Vec<f32>,
    /// `R`.
    pub noise: Vec<f32>,
    /// The largest energy of a familiar frame.
    pub threshold: f32,
    /// What the model was trained on.
    pub log: Log,
}

/// Trains every part.
pub fn train(config: &Config, log: Option<Log>, seed: u64, progress: &mut Progress<'_>) -> Result<Trained> {
    config.check()?;
    let rng = &mut Rng::seed_from_u64(seed);
    let camera = config.film();
    let torque = (-MAX_TORQUE, MAX_TORQUE);
    let log = log.unwrap_or_else(|| Log::record(&mut config.world(), torque, config.recording.episodes, rng));
    ensure!(
        log.episodes.len() > 1,
        "the log has one episode; it needs two or more, since some are held out to test the model"
    );
    let (training, held_out) = log.split(config.model.held_out);

    let known = Known { angles: ANGLES, ..Known::default() };
    let mut model = Network::new(&config.model, known, training, rng)?;
    model.train(&config.model, training, rng, |stage, step, of, loss| {
        progress(
            if stage == "one step" { "model, one step" } else { "model, fed back" },
            step,
            of,
            &[("error", loss)],
        );
    })?;
    let process =
        kalman::process_noise(&model, ANGLES, held_out, config.filter.inflation, config.filter.floor);

    let mut encoder = Lista::new(&config.encoder, &frames(&camera, 1024, rng), rng);
    encoder.train(
        &config.encoder,
        |n| frames(&camera, n, rng),
        |step, [reconstruction, sparsity, readout]| {
            let losses = [("reconstruction", reconstruction), ("L1", sparsity), ("read-out", readout)];
            progress("encoder", step, config.encoder.steps, &losses);
        },
    )?;
    let (unseen, truth) = frames(&camera, 4096, rng);
    let noise = kalman::measurement_noise(&encoder.run(&unseen).1, &truth);
    // Frames of their own, so that the rest of the training does not depend on how many they are.
    let (healthy, _) = frames(&camera, HEALTHY, &mut Rng::seed_from_u64(!seed));
    let threshold = threshold(&eyes(&encoder).of(&healthy, None), config.watch.rate);

    let mut policy =
        Policy::new(&config.policy, ANGLES, vec![1.0, MAX_SPEED as f32], (&[torque.0], &[torque.1]), rng);
    let speed = MAX_SPEED as f32;
    let space = Space {
        angles: ANGLES,
        state: &[-PI as f32..=PI as f32, -speed..=speed],
        action: &[torque.0..=torque.1],
    };
    let mut value = Value::Table(Table::solve(&config.value, space, (&model, &config.objective()))?);
    // Starts from everywhere that the log has been.
    let seen: Vec<_> = training.iter().flat_map(|e| &e.states).cloned().collect();
    policy.train(
        &mut value,
        &config.policy,
        (&model, &config.objective()),
        rng,
        |rng| seen[rng.random_range(0..seen.len())].clone(),
        |step, cost| progress("policy", step, config.policy.steps, &[("cost", cost)]),
    )?;
    Ok(Trained { encoder, model, policy, value, process, noise, threshold, log })
}

impl Trained {
    /// Teaches the policy what the planner would do, through the learned model.
    pub fn distil(&mut self, config: &Config, seed: u64, progress: &mut Progress<'_>) -> Result<()> {
        let rng = &mut Rng::seed_from_u64(seed);
        let (training, _) = self.log.split(config.model.held_out);
        let seen: Vec<_> = training.iter().flat_map(|e| &e.states).collect();
        self.policy.distil(
            &self.value,
            (&config.distillation, &config.policy, config.planner.horizon.into()),
            (&self.model, &config.objective()),
            rng,
            |rng| seen[rng.random_range(0..seen.len())].clone(),
            |step, cost| progress("distillation", step, config.distillation.steps, &[("cost", cost)]),
        )
    }

    /// The episodes that the model has not seen.
    pub fn held_out(&self, config: &Config) -> &[Episode] {
        self.log.split(config.model.held_out).1
    }
}
