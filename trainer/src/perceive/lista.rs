//! LISTA with free weights (Gregor & LeCun, ICML 2010).
//!
//! ```text
//! b = W_e (y − ȳ),   z⁰ = h_θ(b),   zᵗ⁺¹ = h_θ(b + S zᵗ)
//! ```
//! Where layers have gains, `γ_t (α_t b + β_t zᵗ + S zᵗ)` stands in place of `b + S zᵗ`.
//!
//! It learns in two ways. On given codes or on the lasso objective, depth by depth, as all [unrolled](super::unrolled)
//! encoders do. Or on three criteria at once, after the discriminative recurrent sparse autoencoder (Rolfe & LeCun 2013):
//!
//! ```text
//! ½‖y − ȳ − D z‖² + λ‖z‖₁ + γ ½‖m − R z − r‖²
//! ```
//! reconstruction through a linear decoder, L1 on the code, and a linear read-out `m` of the code; there `m` are the
//! features of the state that the filter wants measured.

use super::{
    coupled::analytic,
    inference::{largest_eigenvalue, normalise},
    unrolled::{Trained, Unrolled, spread, weight},
};
use crate::{
    export::Tensors,
    optim::{Adam, AdamConfig, Schedule},
    tape::{Id, ParameterSet, Tape, Var},
    worlds::{Rng, camera::normal},
};
use anyhow::Result;
use forethought::artifact::{self, Activation};
use nalgebra::DMatrix;
use rand::RngExt;
use serde::{Deserialize, Serialize};

/// Hyper-parameters.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// `NC`, units of the code.
    pub units: usize,
    /// `T`, times that the code is fed back.
    pub iterations: usize,
    /// `λ`, weight of the L1 norm: larger makes fewer units active at once.
    pub sparsity: f32,
    /// `γ`, weight of the read-out: the code must first of all tell the state.
    pub readout: f32,
    /// Observations in a batch.
    pub batch: usize,
    /// Steps of Adam.
    pub steps: usize,
    /// Learning rate at the start; it falls to 0 along a half cosine.
    pub rate: f32,
}

impl Default for Config {
    fn default() -> Self {
        Self { units: 64, iterations: 2, sparsity: 0.05, readout: 10.0, batch: 128, steps: 4000, rate: 2e-3 }
    }
}

/// A labelled batch: observations and measured features, one sample a column.
pub type Batch = (DMatrix<f32>, DMatrix<f32>);

/// An encoder with its decoder and, where features are measured, its read-out.
#[derive(Clone, Debug)]
pub struct Lista {
    /// The weights.
    pub params: ParameterSet,
    w_e: Id,
    s: Id,
    /// Of all layers, or of each.
    thresholds: Vec<Id>,
    /// `α, β, γ` of each layer, or none.
    gains: Vec<[Id; 3]>,
    dictionary: Id,
    /// `R` and `r`, of no rows where nothing is measured.
    readout: Id,
    offset: Id,
    /// `ȳ`, the mean observation.
    mean: DMatrix<f32>,
    iterations: usize,
    activation: Activation,
}

/// With which weights LISTA starts, given a dictionary `D`.
#[derive(Clone, Copy, Debug)]
pub enum Start {
    /// Those with which it is ISTA: `W_e = Dᵀ/L`, `S = I − DᵀD/L`, `θ = λ/L`.
    Ista {
        /// `λ`.
        lambda: f32,
    },
    /// `W_e = Wᵀ` and `S = I − WᵀD` with the [analytic] weights `W`; each layer has thresholds of its own, that fall.
    Analytic {
        /// `θ` of the first layer, and its factor from layer to layer.
        threshold: (f32, f32),
        /// How much noise counts in the weights, beside coherence.
        ridge: f32,
        /// Layers.
        layers: usize,
        /// Whether each layer has gains of its own. Without them all layers shrink alike, and what a high threshold takes
        /// from the active units in the first layers cannot be given back.
        gains: bool,
    },
}

impl Lista {
    /// Starts from random observations as atoms, as ISTA.
    pub fn new(config: &Config, (y, m): &Batch, rng: &mut Rng) -> Self {
        let (ny, units) = (y.nrows(), config.units);
        let mean = DMatrix::from_column_slice(ny, 1, y.column_mean().as_slice());
        let mut dictionary = DMatrix::from_fn(ny, units, |_, _| 0.01 * normal(rng) as f32);
        for mut atom in dictionary.column_iter_mut() {
            atom += y.column(rng.random_range(0..y.ncols())) - mean.column(0);
        }
        normalise(&mut dictionary);
        let start = Start::Ista { lambda: config.sparsity };
        let mut lista = Self::of(dictionary, mean, start, Activation::Rectified);
        lista.iterations = config.iterations;
        lista.params[lista.readout] = DMatrix::zeros(m.nrows(), units);
        lista.params[lista.offset] = DMatrix::zeros(m.nrows(), 1);
        lista
    }

    /// An encoder for a dictionary that is known, without a read-out.
    pub fn of(dictionary: DMatrix<f32>, mean: DMatrix<f32>, start: Start, activation: Activation) -> Self {
        let units = dictionary.ncols();
        let threshold = |theta| DMatrix::from_element(units, 1, theta);
        let (w_e, s, thresholds, gained) = match start {
            Start::Ista { lambda } => {
                let gram = dictionary.transpose() * &dictionary;
                let lipschitz = largest_eigenvalue(&gram);
                let w_e = dictionary.transpose() / lipschitz;
                let s = DMatrix::identity(units, units) - gram / lipschitz;
                (w_e, s, vec![threshold(lambda / lipschitz)], 0)
            }
            Start::Analytic { threshold: (theta, factor), ridge, layers, gains } => {
                let w_e = analytic(&dictionary, ridge).transpose();
                let s = DMatrix::identity(units, units) - &w_e * &dictionary;
                let thresholds = (0..layers).map(|t| threshold(theta * factor.powi(t as i32))).collect();
                (w_e, s, thresholds, if gains { layers } else { 0 })
            }
        };
        let mut params = ParameterSet::new();
        let mut gain = |name, value| params.add(name, DMatrix::from_element(1, 1, value));
        Self {
            gains: (0..gained)
                .map(|_| [("α", 1.0), ("β", 0.0), ("γ", 1.0)].map(|(name, value)| gain(name, value)))
                .collect(),
            w_e: params.add("w_e", w_e),
            s: params.add("s", s),
            iterations: thresholds.len() - 1,
            thresholds: thresholds.into_iter().map(|theta| params.add("threshold", theta)).collect(),
            dictionary: params.add("dictionary", dictionary),
            readout: params.add("readout", DMatrix::zeros(0, units)),
            offset: params.add("offset", DMatrix::zeros(0, 1)),
            params,
            mean,
            activation,
        }
    }

    /// The code of centred observations after so many layers.
    fn encode(&self, tape: &Tape, centred: Var, layers: usize, trained: Trained) -> Var {
        let weight = |id, learns| weight(tape, &self.params, id, learns);
        let all = trained == Trained::All;
        let (w_e, s) = (weight(self.w_e, all), weight(self.s, all));
        let drive = tape.matmul(w_e, centred);
        let mut z = None;
        for (t, &theta) in (0..layers).zip(self.thresholds.iter().cycle()) {
            let learns = trained.layer(t, layers);
            let theta = weight(theta, learns);
            let v = match self.gains.get(t) {
                None => z.map_or(drive, |z| tape.add(drive, tape.matmul(s, z))),
                Some(gains) => {
                    let [alpha, beta, gamma] =
                        gains.map(|id| spread(tape, weight(id, learns), self.sizes().1));
                    let drive = tape.mul_col(drive, alpha);
                    let own = |z| tape.add(tape.mul_col(z, beta), tape.matmul(s, z));
                    tape.mul_col(z.map_or(drive, |z| tape.add(drive, own(z))), gamma)
                }
            };
            z = Some(match self.activation {
                Activation::Soft => tape.soft_threshold(v, theta),
                Activation::Rectified => tape.shrink(v, theta),
            });
        }
        z.expect("an encoder has layers")
    }

    /// Observations less their mean.
    fn centre(&self, tape: &Tape, y: &DMatrix<f32>) -> Var {
        tape.add_bias(tape.constant(y.clone()), tape.constant(-&self.mean))
    }

    /// Trains on fresh batches. `progress` sees the step and the three criteria: reconstruction, L1, read-out.
    pub fn train(
        &mut self,
        config: &Config,
        mut batch: impl FnMut(usize) -> Batch,
        mut progress: impl FnMut(usize, [f32; 3]),
    ) -> Result<()> {
        let schedule =
            Schedule::Cosine { peak: config.rate, floor: 0.0, warm_up: 50, total: config.steps as u64 };
        let mut adam = Adam::new(AdamConfig { rate: schedule, ..AdamConfig::default() });
        let mut tape = Tape::new();
        let share = 1.0 / config.batch as f32;
        for step in 0..config.steps {
            tape.clear();
            let (y, m) = batch(config.batch);
            let y = self.centre(&tape, &y);
            let z = self.encode(&tape, y, self.layers(), Trained::All);
            let weight = |id| tape.watch(&self.params, id);
            let missed = tape.sub(tape.matmul(weight(self.dictionary), z), y);
            let wrong =
                tape.sub(tape.affine([(weight(self.readout), z)], weight(self.offset)), tape.constant(m));
            // z ≥ 0, so its L1 norm is its sum.
            let criteria = [
                tape.scale(tape.sum_square(missed), 0.5 * share),
                tape.scale(tape.sum(z), config.sparsity * share),
                tape.scale(tape.sum_square(wrong), 0.5 * config.readout * share),
            ];
            progress(step, criteria.map(|c| tape.scalar(c)));
            tape.backward(tape.sum(tape.stack(&criteria)));
            adam.step(&mut self.params, &tape)?;
            // Without this bound the code could shrink for free while the atoms grow.
            normalise(&mut self.params[self.dictionary]);
        }
        Ok(())
    }

    /// Codes and read-outs of observations.
    pub fn run(&self, y: &DMatrix<f32>) -> Batch {
        let tape = Tape::new();
        let z = self.encode(&tape, self.centre(&tape, y), self.layers(), Trained::Nothing);
        let weight = |id| tape.freeze(&self.params, id);
        let m = tape.affine([(weight(self.readout), z)], weight(self.offset));
        (tape.value(z).clone_owned(), tape.value(m).clone_owned())
    }

    /// Layers: iterations, and one before them.
    pub fn layers(&self) -> usize {
        self.iterations + 1
    }

    /// `ȳ`, the mean observation, as a column.
    pub fn mean(&self) -> &DMatrix<f32> {
        &self.mean
    }

    /// `D`, one atom a column.
    pub fn dictionary(&self) -> &DMatrix<f32> {
        &self.params[self.dictionary]
    }
}

impl Unrolled for Lista {
    fn params(&mut self) -> &mut ParameterSet {
        &mut self.params
    }

    fn sizes(&self) -> (usize, usize) {
        self.params[self.dictionary].shape()
    }

    /// Adds the part `readout` too, where features are measured.
    fn export(&self, layers: usize, tensors: &mut Tensors) -> artifact::Encoder {
        let value = |id| self.params[id].clone();
        tensors.matrix("perceive", "w_e", value(self.w_e));
        tensors.matrix("perceive", "bias", -(value(self.w_e) * &self.mean));
        tensors.matrix("perceive", "s", value(self.s));
        let thresholds = self.thresholds.iter().take(layers);
        let thresholds: Vec<f32> = thresholds.flat_map(|&id| self.params[id].as_slice()).copied().collect();
        tensors.vector("perceive", "threshold", &thresholds);
        if !self.gains.is_empty() {
            let gains = self.gains[..layers].iter().flatten().map(|&id| self.params[id][0]);
            tensors.vector("perceive", "gains", &gains.collect::<Vec<_>>());
        }
        tensors.matrix("perceive", "dictionary", value(self.dictionary));
        tensors.matrix("perceive", "mean", self.mean.clone());
        if self.params[self.readout].nrows() > 0 {
            tensors.matrix("readout", "w", value(self.readout));
            tensors.matrix("readout", "b", value(self.offset));
        }
        artifact::Encoder::Lista { iterations: layers as u16 - 1, activation: self.activation }
    }

    fn unroll(&self, tape: &Tape, y: Var, layers: usize, trained: Trained) -> Var {
        let centred = tape.add_bias(y, tape.constant(-&self.mean));
        self.encode(tape, centred, layers, trained)
    }

    fn constrain(&mut self) {
        for &theta in &self.thresholds {
            self.params[theta].iter_mut().for_each(|theta| *theta = theta.max(0.0));
        }
    }
}
