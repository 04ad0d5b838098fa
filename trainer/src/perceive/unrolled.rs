//! Encoders that unroll an iteration into layers, and how they are trained: depth by depth, on fresh data.
//!
//! With every depth the newest layer first learns alone, while those before it are constants and cost no backward pass;
//! then the few numbers that each layer has of its own; then all weights, while the rate falls. What a depth has learnt
//! is where the next one starts, so that no deep network is ever trained from nothing (Borgerding, Schniter & Rangan
//! 2017, section IV).

use crate::{
    export::{Tensors, WeightFile},
    optim::{Adam, AdamConfig, Schedule},
    tape::{Id, ParameterSet, Tape, Var},
};
use anyhow::Result;
use forethought::artifact::{self, Header, Provenance, Sensors};
use nalgebra::DMatrix;
use serde::{Deserialize, Serialize};

/// Hyper-parameters of the training.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Samples in a batch.
    pub batch: usize,
    /// Steps in which the newest layer learns alone: a few, since it has few parameters that are its own.
    pub alone: usize,
    /// Steps in which steps and thresholds of all layers learn together.
    pub scales: usize,
    /// Adam's rate in both.
    pub scale_rate: f32,
    /// Steps in which all weights learn together, at each depth.
    pub joint: usize,
    /// The same at the last depth, which is the one that is used.
    pub last: usize,
    /// Adam's rate then. It moves whole matrices, and so is smaller.
    pub rate: f32,
    /// Both rates fall to this share of themselves, along a half cosine.
    pub fall: f32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            batch: 128,
            alone: 50,
            scales: 0,
            scale_rate: 1e-2,
            joint: 60,
            last: 200,
            rate: 5e-4,
            fall: 0.02,
        }
    }
}

/// What is minimised, for each sample.
#[derive(Clone, Debug)]
pub enum Objective {
    /// `½‖z* − z‖²`: the codes are known, or inferred beforehand.
    Codes,
    /// `½‖y − D z‖² + λ‖z‖₁`: nothing but observations is needed.
    Lasso {
        /// `D`.
        dictionary: DMatrix<f32>,
        /// `λ`.
        lambda: f32,
    },
}

/// Observations and the codes that they should have, one sample a column.
pub type Batch = (DMatrix<f32>, DMatrix<f32>);

/// An encoder of layers that are all alike.
pub trait Unrolled {
    /// The weights.
    fn params(&mut self) -> &mut ParameterSet;

    /// The code of observations after so many layers. Where only the last is to be `trained`, those before it are
    /// constants.
    fn unroll(&self, tape: &Tape, y: Var, layers: usize, trained: Trained) -> Var;

    /// Brings the weights back to their bounds after a step.
    fn constrain(&mut self) {}

    /// What the newest layer starts with, when the ones before it have learnt.
    fn grow(&mut self, _layers: usize) {}

    /// Adds the part `perceive` of an encoder of so many layers, and says how it runs.
    fn export(&self, layers: usize, tensors: &mut Tensors) -> artifact::Encoder;

    /// The weight file of an encoder of so many layers, for observations in any range.
    fn weight_file(&self, layers: usize, task: &str, seed: u64) -> Result<WeightFile> {
        let mut tensors = Tensors::default();
        let encoder = self.export(layers, &mut tensors);
        let (ny, nc) = self.sizes();
        let sensors = Sensors { low: f32::MIN, high: f32::MAX };
        let provenance = Provenance { trainer: env!("CARGO_PKG_VERSION"), task, seed, data: 0 };
        tensors.pack(Header::perception((ny as u32, nc as u32, nc as u16), sensors, encoder, provenance))
    }

    /// Numbers in an observation, and units of the code.
    fn sizes(&self) -> (usize, usize);

    /// Codes of observations.
    fn codes(&self, y: &DMatrix<f32>, layers: usize) -> DMatrix<f32> {
        let tape = Tape::new();
        let code = self.unroll(&tape, tape.constant(y.clone()), layers, Trained::Nothing);
        tape.value(code).clone_owned()
    }
}

impl Trained {
    /// Whether the numbers that layer `t`, counted from 0, has of its own learn, where there are so many layers.
    pub(super) fn layer(self, t: usize, layers: usize) -> bool {
        match self {
            Self::Nothing => false,
            Self::Last => t + 1 == layers,
            Self::Scales | Self::All => true,
        }
    }
}

/// Which weights learn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trained {
    /// None: to run it.
    Nothing,
    /// The numbers that the last layer has of its own.
    Last,
    /// Those of all layers.
    Scales,
    /// All of them.
    All,
}

/// Trains at each of the depths, from the smallest to the largest. `reached` sees the encoder when a depth is done.
pub fn train<E: Unrolled>(
    encoder: &mut E,
    config: &Config,
    depths: &[usize],
    objective: &Objective,
    mut batch: impl FnMut(usize) -> Batch,
    mut reached: impl FnMut(&E, usize) -> Result<()>,
) -> Result<()> {
    let mut tape = Tape::new();
    for (i, &layers) in depths.iter().enumerate() {
        encoder.grow(layers);
        let joint = if i + 1 == depths.len() { config.last } else { config.joint };
        let stages = [
            (Trained::Last, config.alone, config.scale_rate),
            (Trained::Scales, config.scales, config.scale_rate),
            (Trained::All, joint, config.rate),
        ];
        for (trained, steps, peak) in stages {
            let total = steps as u64;
            let rate = Schedule::Cosine { peak, floor: config.fall * peak, warm_up: total / 20, total };
            let mut adam = Adam::new(AdamConfig { rate, beta2: 0.99, ..AdamConfig::default() });
            for _ in 0..steps {
                tape.clear();
                let (y, target) = batch(config.batch);
                let y = tape.constant(y);
                let z = encoder.unroll(&tape, y, layers, trained);
                tape.backward(objective.loss(&tape, (y, z), target));
                adam.step(encoder.params(), &tape)?;
                encoder.constrain();
            }
        }
        reached(encoder, layers)?;
    }
    Ok(())
}

impl Objective {
    fn loss(&self, tape: &Tape, (y, z): (Var, Var), target: DMatrix<f32>) -> Var {
        let half_share = 0.5 / tape.shape(y).1 as f32;
        match self {
            Self::Codes => tape.scale(tape.sum_square(tape.sub(z, tape.constant(target))), half_share),
            Self::Lasso { dictionary, lambda } => {
                let missed = tape.sub(tape.matmul(tape.constant(dictionary.clone()), z), y);
                let reconstruction = tape.scale(tape.sum_square(missed), half_share);
                tape.add(reconstruction, tape.scale(tape.sum(tape.abs(z)), 2.0 * half_share * lambda))
            }
        }
    }
}

/// A weight as a node: a constant, unless it learns.
pub(super) fn weight(tape: &Tape, params: &ParameterSet, id: Id, learns: bool) -> Var {
    if learns { tape.watch(params, id) } else { tape.freeze(params, id) }
}

/// The column in which a 1×1 parameter stands in every row.
pub(super) fn spread(tape: &Tape, scalar: Var, rows: usize) -> Var {
    tape.matmul(tape.constant(DMatrix::from_element(rows, 1, 1.0)), scalar)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        data::sparse::Sparse,
        mind,
        perceive::{
            coupled::{self, Coupled, Weights},
            inference::normalise,
            lamp::{self, Lamp},
            lcod::Lcod,
            lista::{Lista, Start},
            psd::{self, Psd},
        },
        worlds::Rng,
    };
    use forethought::artifact::Activation;
    use rand::SeedableRng;

    const LAYERS: usize = 3;

    fn problem() -> (Sparse, Rng) {
        let mut rng = Rng::seed_from_u64(5);
        let mut problem = Sparse::new((24, 48), 0.1, 30.0, &mut rng);
        normalise(&mut problem.dictionary);
        (problem, rng)
    }

    /// Trains a little, to the codes and then on the objective, and compares the exported file, run by the kernels of
    /// the chip, with the trainer's own forward pass. Returns the mean square error before and after.
    fn learns(mut encoder: impl Unrolled) -> (f32, f32) {
        let (problem, mut rng) = problem();
        let (y, z) = problem.draw(200, &mut rng);
        let before = (encoder.codes(&y, LAYERS) - &z).norm_squared();
        let config =
            Config { batch: 64, alone: 10, scales: 20, joint: 20, last: 60, rate: 2e-3, ..Config::default() };
        let lasso = Objective::Lasso { dictionary: problem.dictionary.clone(), lambda: 0.05 };
        for objective in [lasso, Objective::Codes] {
            let depths = [1, LAYERS];
            let draw = |n: usize| problem.draw(n, &mut rng);
            train(&mut encoder, &config, &depths, &objective, draw, |_, _| Ok(())).unwrap();
        }
        let expected = encoder.codes(&y, LAYERS);
        let file = encoder.weight_file(LAYERS, "test", 0).unwrap();
        let mut exported = mind::encoder(&file.parse().unwrap()).unwrap();
        for (y, expected) in y.column_iter().zip(expected.column_iter()) {
            let code = exported(y.as_slice()).code;
            for (code, expected) in code.iter().zip(expected.iter()) {
                assert!((code - expected).abs() < 1e-5, "{code} {expected}");
            }
        }
        (before, (expected - z).norm_squared())
    }

    #[test]
    fn every_encoder_learns_and_its_file_gives_the_same_codes() {
        let (problem, mut rng) = problem();
        let dictionary = &problem.dictionary;
        // Not 0, so that it is noticed if somebody forgets it.
        let mean = DMatrix::from_fn(24, 1, |i, _| 0.01 * i as f32);
        let shrinkage = |weights, bypass| {
            let config = coupled::Config { layers: LAYERS, weights, bypass, most: 0.1, ..Default::default() };
            Coupled::new(&config, dictionary.clone(), mean.clone())
        };
        let analytic = |gains| {
            let start = Start::Analytic { threshold: (0.2, 0.8), ridge: 0.0, layers: LAYERS, gains };
            Lista::of(dictionary.clone(), mean.clone(), start, Activation::Soft)
        };
        let y = problem.draw(100, &mut rng).0;
        let learnt = [
            learns(shrinkage(Weights::Learned, 0.0)),
            learns(shrinkage(Weights::Learned, 0.05)),
            learns(shrinkage(Weights::Analytic, 0.05)),
            learns(shrinkage(Weights::Dictionary, 0.0)),
            learns(Lamp::new(
                &lamp::Config { layers: LAYERS, ..Default::default() },
                dictionary.clone(),
                mean.clone(),
            )),
            learns(Lcod::new(dictionary, mean.clone(), 0.1)),
            learns(analytic(false)),
            learns(analytic(true)),
            learns(Lista::of(
                dictionary.clone(),
                mean.clone(),
                Start::Ista { lambda: 0.1 },
                Activation::Rectified,
            )),
            learns(Psd::new(&psd::Config { units: 48, ..Default::default() }, &y, &mut rng)),
        ];
        for (before, after) in learnt {
            assert!(after < before, "{before} to {after}");
        }
    }

    /// With nothing learnt, coupled shrinkage is ISTA, and LISTA with the weights of ISTA is the same.
    #[test]
    fn untrained_they_are_ista() {
        let (problem, mut rng) = problem();
        let (y, _) = problem.draw(5, &mut rng);
        let (dictionary, mean) = (problem.dictionary, DMatrix::zeros(24, 1));
        let coupled = Coupled::ista(dictionary.clone(), mean.clone(), 0.1, LAYERS).codes(&y, LAYERS);
        let start = Start::Ista { lambda: 0.1 };
        let lista = Lista::of(dictionary, mean, start, Activation::Soft).codes(&y, LAYERS);
        assert!((coupled - lista).amax() < 1e-4);
    }
}
