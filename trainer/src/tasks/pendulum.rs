//! The default agent: a pendulum seen through a small camera, swung up and held.

use crate::{
    data::log::{Episode, Log, coordinates},
    estimate::kalman,
    export::{Tensors, WeightFile},
    mind,
    perceive::lista::{self, Batch, Lista},
    policy::{self, Objective, Policy},
    predict::network::{self, Network},
    value::Value,
    worlds::{
        Rng,
        camera::{Camera, SIDE},
        pendulum::{MAX_SPEED, MAX_TORQUE, Pendulum},
    },
};
use anyhow::{Result, ensure};
use forethought::{
    artifact::{
        self, Activation, Artifact, CostTerms, EncoderKind, Estimator, Header, Model, Planner, Provenance,
        Sensors, Sizes, Term, VERSION,
    },
    feature::{Angles, Feature, Map},
};
use nalgebra::DMatrix;
use rand::{RngExt, SeedableRng};
use serde::{Deserialize, Serialize};
use std::f64::consts::PI;

/// The task's name on the command line.
pub const NAME: &str = "pendulum";
/// The state is `(θ, ω)`.
pub const NX: usize = 2;
/// θ is an angle.
pub const ANGLES: Angles = Angles(0b01);
/// What the read-out measures.
pub const MEASURED: [Feature; 2] = [Feature { index: 0, map: Map::Cos }, Feature { index: 0, map: Map::Sin }];
/// The optimal mean return over resets.
pub const OPTIMUM: f64 = -136.4;

/// Everything that can be set in a `--config` file.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// What the log is recorded from, when none is given.
    pub recording: Recording,
    /// The camera's pictures.
    pub camera: CameraConfig,
    /// The encoder.
    pub encoder: lista::Config,
    /// The forward model.
    pub model: network::Config,
    /// The policy.
    pub policy: policy::Config,
    /// The filter.
    pub filter: FilterConfig,
    /// The planner.
    pub planner: PlannerConfig,
}

/// What the log is recorded from.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Recording {
    /// Episodes of 200 steps.
    pub episodes: usize,
}

impl Default for Recording {
    fn default() -> Self {
        Self { episodes: 100 }
    }
}

/// The camera's pictures.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CameraConfig {
    /// Standard deviation of the noise on each pixel, whose brightness is 0 to 1.
    pub noise: f64,
    /// Chance that a patch is covered in a frame.
    pub occlusion: f64,
}

impl Default for CameraConfig {
    fn default() -> Self {
        let Camera { noise, occlusion } = Camera::default();
        Self { noise, occlusion }
    }
}

/// The filter.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FilterConfig {
    /// The measured variance of the model's errors is taken this many times: they are not independent in time.
    pub inflation: f32,
    /// Smallest process variance.
    pub floor: f32,
    /// Largest normalised innovation squared; a consistent filter with two measurements exceeds 25 once in 270,000.
    pub gate: f32,
    /// Refused observations in a row after which the filter starts anew.
    pub patience: u16,
}

impl Default for FilterConfig {
    fn default() -> Self {
        Self { inflation: 4.0, floor: 1e-6, gate: 25.0, patience: 5 }
    }
}

/// The planner.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PlannerConfig {
    /// `H`, steps that are planned ahead.
    pub horizon: u16,
    /// Trajectories that one decision may try.
    pub iterations: u16,
    /// Share of the last direction that is kept.
    pub momentum: f32,
    /// First step along the gradient, as a share of the action's range.
    pub step: f32,
    /// Converged when an iteration gains less than this share of the cost.
    pub tolerance: f32,
    /// Weight of θ² at the end of the horizon.
    pub terminal_angle: f32,
    /// Weight of ω² at the end of the horizon.
    pub terminal_speed: f32,
}

impl Default for PlannerConfig {
    fn default() -> Self {
        Self {
            horizon: 20,
            iterations: 10,
            momentum: 0.7,
            step: 0.3,
            tolerance: 1e-4,
            terminal_angle: 0.0,
            terminal_speed: 0.0,
        }
    }
}

impl Config {
    /// A world with the configured camera.
    pub fn world(&self) -> Pendulum {
        Pendulum::new(Camera { noise: self.camera.noise, occlusion: self.camera.occlusion })
    }

    /// The cost of Pendulum-v1.
    pub fn objective(&self) -> Objective {
        let term = |map, index, weight, terminal| Term {
            feature: Feature { index, map },
            target: 0.0,
            weight,
            terminal,
        };
        let terms = vec![
            term(Map::Angle, 0, 1.0, self.planner.terminal_angle),
            term(Map::Value, 1, 0.1, self.planner.terminal_speed),
        ];
        Objective { terms, action: vec![0.001] }
    }

    /// One sentence about the first setting that makes no sense.
    pub fn check(&self) -> Result<()> {
        let positive = [
            ("recording.episodes", self.recording.episodes),
            ("encoder.units", self.encoder.units),
            ("encoder.batch", self.encoder.batch),
            ("encoder.steps", self.encoder.steps),
            ("model.hidden", self.model.hidden),
            ("model.batch", self.model.batch),
            ("model.window", self.model.window),
            ("policy.hidden", self.policy.hidden),
            ("policy.batch", self.policy.batch),
            ("policy.horizon", self.policy.horizon),
            ("planner.horizon", self.planner.horizon.into()),
        ];
        for (name, value) in positive {
            ensure!(value > 0, "{name} must be at least 1");
        }
        ensure!(self.camera.noise >= 0.0, "camera.noise must be at least 0, not {}", self.camera.noise);
        ensure!(
            (0.0..=1.0).contains(&self.camera.occlusion),
            "camera.occlusion must be a chance between 0 and 1, not {}",
            self.camera.occlusion
        );
        ensure!(
            (0.0..1.0).contains(&self.model.held_out),
            "model.held_out must be a share between 0 and 1, not {}",
            self.model.held_out
        );
        Ok(())
    }
}

/// A labelled batch of frames at angles all round.
pub fn frames(camera: &Camera, n: usize, rng: &mut Rng) -> Batch {
    let angles: Vec<f64> = (0..n).map(|_| rng.random_range(-PI..PI)).collect();
    let pixels = angles.iter().flat_map(|&theta| camera.film(theta, rng)).collect();
    let features = angles.iter().flat_map(|theta| [theta.cos() as f32, theta.sin() as f32]).collect();
    (DMatrix::from_vec(SIDE * SIDE, n, pixels), DMatrix::from_vec(MEASURED.len(), n, features))
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
    /// What the model was trained on.
    pub log: Log,
}

/// What training tells of its progress: the stage, its step of how many, and named losses.
pub type Progress<'a> = dyn FnMut(&'static str, usize, usize, &[(&'static str, f32)]) + 'a;

/// Trains every part.
pub fn train(config: &Config, log: Option<Log>, seed: u64, progress: &mut Progress<'_>) -> Result<Trained> {
    config.check()?;
    let rng = &mut Rng::seed_from_u64(seed);
    let camera = Camera { noise: config.camera.noise, occlusion: config.camera.occlusion };
    let torque = (-MAX_TORQUE, MAX_TORQUE);
    let log = log.unwrap_or_else(|| Log::record(&mut config.world(), torque, config.recording.episodes, rng));
    ensure!(
        log.episodes.len() > 1,
        "the log has one episode; it needs two or more, since some are held out to test the model"
    );
    let (training, held_out) = log.split(config.model.held_out);

    let mut model = Network::new(&config.model, ANGLES, training, rng)?;
    model.train(&config.model, training, rng, |stage, step, loss| {
        let of = if stage == "one step" { config.model.one_step } else { config.model.multi_step };
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

    let mut policy =
        Policy::new(&config.policy, ANGLES, vec![1.0, MAX_SPEED as f32], (&[torque.0], &[torque.1]), rng);
    let mut value = Value::new(config.policy.hidden, ANGLES, vec![1.0, MAX_SPEED as f32], rng);
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
    Ok(Trained { encoder, model, policy, value, process, noise, log })
}

/// Packs an agent.
pub fn export(config: &Config, trained: &Trained, model: Model, seed: u64) -> Result<WeightFile> {
    let mut tensors = Tensors::default();
    trained.encoder.export(&mut tensors);
    trained.model.export(&mut tensors);
    trained.policy.export(&mut tensors);
    trained.value.export(&mut tensors);
    // Before anything is seen: any angle, and the speeds of a reset.
    tensors.vector("estimate", "mean", &[0.0, 0.0]);
    tensors.vector("estimate", "prior", &[(PI * PI / 3.0) as f32, 1.0 / 3.0]);
    tensors.vector("estimate", "process", &trained.process);
    tensors.vector("estimate", "noise", &trained.noise);
    tensors.vector("action", "low", &[-MAX_TORQUE]);
    tensors.vector("action", "high", &[MAX_TORQUE]);
    tensors.vector("action", "safe", &[0.0]);
    let objective = config.objective();
    tensors.vector("cost", "action", &objective.action);
    let planner = &config.planner;
    let header = Header {
        version: VERSION,
        sizes: Sizes {
            observation: (SIDE * SIDE) as u32,
            code: config.encoder.units as u32,
            state: NX as u16,
            action: 1,
            latent: 0,
            hidden: config.model.hidden.max(config.policy.hidden) as u16,
            horizon: planner.horizon,
        },
        angles: ANGLES,
        sensors: Sensors { low: 0.0, high: 1.0 },
        encoder: artifact::Encoder {
            kind: EncoderKind::Lista,
            activation: Activation::Rectified,
            iterations: config.encoder.iterations as u16,
        },
        model,
        estimator: Estimator {
            measured: MEASURED.into_iter().collect(),
            gate: config.filter.gate,
            patience: config.filter.patience,
        },
        cost: CostTerms { terms: objective.terms.into_iter().collect() },
        planner: Planner {
            iterations: planner.iterations,
            momentum: planner.momentum,
            step: planner.step,
            tolerance: planner.tolerance,
        },
        provenance: Provenance {
            trainer: env!("CARGO_PKG_VERSION"),
            task: NAME,
            seed,
            data: trained.log.digest,
        },
        tensors: Default::default(),
    };
    tensors.pack(header)
}

impl Trained {
    /// The episodes that the model has not seen.
    pub fn held_out(&self, config: &Config) -> &[Episode] {
        self.log.split(config.model.held_out).1
    }
}

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

/// The log's coordinates of a state.
pub const COORDINATES: [&str; 3] = ["cos θ", "sin θ", "ω"];

/// Measures the exported model, run by the kernels of the chip, on episodes.
pub fn model_errors(artifact: &Artifact<'_>, episodes: &[Episode]) -> Result<Vec<ModelError>> {
    let model = mind::model(artifact)?;
    let ahead = |steps: usize| {
        let mut squares = [0.0f64; COORDINATES.len()];
        let mut n = 0.0;
        for episode in episodes {
            for t in 0..(episode.actions.len() + 1).saturating_sub(steps) {
                let actions = &episode.actions[t..t + steps];
                let end = actions.iter().fold(episode.states[t].clone(), |x, u| model(&x, u));
                let (end, truth) =
                    (coordinates(ANGLES, &end), coordinates(ANGLES, &episode.states[t + steps]));
                squares
                    .iter_mut()
                    .zip(end.iter().zip(&truth))
                    .for_each(|(s, (a, b))| *s += f64::from(a - b).powi(2));
                n += 1.0;
            }
        }
        squares.map(|s| (s / n).sqrt())
    };
    let (one, twenty) = (ahead(1), ahead(20));
    let all: Vec<_> = episodes.iter().flat_map(|e| &e.states).map(|x| coordinates(ANGLES, x)).collect();
    let errors = COORDINATES.iter().enumerate().map(|(i, coordinate)| {
        let n = all.len() as f64;
        let mean = all.iter().map(|x| f64::from(x[i])).sum::<f64>() / n;
        let deviation = (all.iter().map(|x| (f64::from(x[i]) - mean).powi(2)).sum::<f64>() / n).sqrt();
        ModelError { coordinate, one: (one[i] / deviation) as f32, twenty: (twenty[i] / deviation) as f32 }
    });
    Ok(errors.collect())
}
