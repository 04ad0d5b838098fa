//! The default agent: a pendulum seen through a small camera, swung up and held.

mod export;
mod portrait;
mod train;

pub use export::{export, export_tracker, export_without_value};
pub use portrait::{ModelError, model_errors, portrait};
pub use train::{Trained, frames, train};

use crate::{
    perceive::lista,
    policy::{self, Objective},
    predict::network,
    value::table,
    worlds::{camera::Camera, pendulum::Pendulum},
};
use anyhow::{Result, ensure};
use forethought::{
    artifact::Term,
    feature::{Angles, Feature, Map},
};
use serde::{Deserialize, Serialize};

/// The task's name on the command line.
pub const NAME: &str = "pendulum";
/// The state is `(θ, ω)`.
pub const NX: usize = 2;
/// θ is an angle.
pub const ANGLES: Angles = Angles(0b01);
/// The log's coordinates of a state.
pub const COORDINATES: [&str; 3] = ["cos θ", "sin θ", "ω"];

/// What the read-out measures.
pub const MEASURED: [Feature; 2] = [Feature { index: 0, map: Map::Cos }, Feature { index: 0, map: Map::Sin }];
/// The optimal mean return over resets.
pub const OPTIMUM: f64 = -136.4;

/// Everything that can be set in a `--config` file.
#[derive(Clone, Debug, Serialize, Deserialize)]
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
    /// What is still to be paid after the horizon.
    pub value: table::Config,
    /// What the policy learns of the planner.
    pub distillation: policy::distilled::Config,
    /// What the agent thinks strange.
    pub watch: WatchConfig,
    /// The filter.
    pub filter: FilterConfig,
    /// The planner.
    pub planner: PlannerConfig,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            recording: Recording::default(),
            camera: CameraConfig::default(),
            encoder: lista::Config::default(),
            model: network::Config::default(),
            // The value is computed beforehand and discounts nothing; as it is right from the first step on, a short unrolling
            // does, and its gradients are tamer: the policy alone returns −145 with 8 steps and −149 with 16.
            policy: policy::Config { horizon: 8, discount: 1.0, ..policy::Config::default() },
            // Speeds matter more than angles: a table of 112 and 80 is larger, and pays 301 from hanging instead of 298.5.
            value: table::Config { points: vec![48, 160], ..table::Config::default() },
            distillation: policy::distilled::Config::default(),
            watch: WatchConfig::default(),
            filter: FilterConfig::default(),
            planner: PlannerConfig::default(),
        }
    }
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

/// What the agent thinks strange: frames of which encoder and decoder miss more than of nearly all healthy ones.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WatchConfig {
    /// The share of healthy frames that may be thought strange, and are then left aside: one in a thousand costs nothing.
    pub rate: f32,
    /// Strange frames in a row, of which the last raises the alarm and the safe action is taken. Three healthy ones in a row
    /// are strange once in 10⁹ steps.
    pub patience: u16,
    /// How often in a row a frame may be the one before over again, to the last bit. With noise on every pixel none is; a
    /// camera without noise is never thought frozen.
    pub frozen: u16,
}

impl Default for WatchConfig {
    fn default() -> Self {
        Self { rate: 1e-3, patience: 3, frozen: 1 }
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
            horizon: 10,
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
    /// The configured camera.
    pub fn film(&self) -> Camera {
        Camera { noise: self.camera.noise, occlusion: self.camera.occlusion }
    }

    /// A world with the configured camera.
    pub fn world(&self) -> Pendulum {
        Pendulum::new(self.film())
    }

    /// The cost of Pendulum-v1.
    pub fn objective(&self) -> Objective {
        let PlannerConfig { terminal_angle, terminal_speed, .. } = self.planner;
        let terms = vec![
            Term { terminal: terminal_angle, ..Term::squared(Map::Angle, 0, 0.0, 1.0) },
            Term { terminal: terminal_speed, ..Term::squared(Map::Value, 1, 0.0, 0.1) },
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
            (0.0..1.0).contains(&self.watch.rate) && self.watch.patience > 0,
            "watch.rate must be at least 0 and less than 1, and watch.patience at least 1"
        );
        self.value.check("value", NX, 1)?;
        ensure!(
            (0.0..1.0).contains(&self.model.held_out),
            "model.held_out must be a share between 0 and 1, not {}",
            self.model.held_out
        );
        Ok(())
    }
}
