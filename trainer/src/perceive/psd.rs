//! Predictive sparse decomposition (Kavukcuoglu, Ranzato & LeCun, 2008): a dictionary, and a predictor of its codes.
//!
//! ```text
//! E(y, z) = ½‖y − D z‖² + λ‖z‖₁ + α ½‖z − F(y)‖²,   F(y) = g ⊙ tanh(W y + b)
//! ```
//! By turns: find the best codes of a batch, starting from what is predicted; then one step on `D`, `g`, `W` and `b`,
//! the atoms back to unit length. The codes of the one are drawn to what the other can predict.

use super::{
    inference::{L1, Settings, fista, normalise},
    online,
    unrolled::{Trained, Unrolled, weight},
};
use crate::{
    export::Tensors,
    optim::{Adam, AdamConfig, Schedule},
    tape::{Id, ParameterSet, Tape, Var},
    worlds::Rng,
};
use anyhow::Result;
use forethought::artifact;
use nalgebra::DMatrix;
use serde::{Deserialize, Serialize};

/// Hyper-parameters.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// `NC`, units of the code.
    pub units: usize,
    /// `λ`: larger makes fewer units active at once, and filters more alike to edges.
    pub sparsity: f32,
    /// `α`: how much a code has to be what the predictor says. The paper's 1.
    pub prediction: f32,
    /// Samples in a batch.
    pub batch: usize,
    /// Batches.
    pub steps: usize,
    /// Adam's rate at the start; it falls to 0 along a half cosine.
    pub rate: f32,
    /// FISTA's iterations for the codes of a batch. It starts near them and needs few.
    pub iterations: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            units: 64,
            sparsity: 0.5,
            prediction: 1.0,
            batch: 128,
            steps: 6000,
            rate: 3e-3,
            iterations: 25,
        }
    }
}

/// A dictionary with its predictor.
#[derive(Clone, Debug)]
pub struct Psd {
    params: ParameterSet,
    dictionary: Id,
    w: Id,
    bias: Id,
    gain: Id,
}

impl Psd {
    /// Starts from random observations as atoms, and the same as filters.
    pub fn new(config: &Config, y: &DMatrix<f32>, rng: &mut Rng) -> Self {
        let dictionary = online::from_samples(y, config.units, rng);
        let mut params = ParameterSet::new();
        Self {
            w: params.add("w", dictionary.transpose()),
            dictionary: params.add("dictionary", dictionary),
            bias: params.add("bias", DMatrix::zeros(config.units, 1)),
            gain: params.add("gain", DMatrix::from_element(config.units, 1, 1.0)),
            params,
        }
    }

    /// `D`, one atom a column.
    pub fn dictionary(&self) -> &DMatrix<f32> {
        &self.params[self.dictionary]
    }

    /// `Wᵀ`, one filter of the predictor a column.
    pub fn filters(&self) -> DMatrix<f32> {
        self.params[self.w].transpose()
    }

    /// The codes that minimise `E`: FISTA on `½‖[y; √α F] − [D; √α I] z‖² + λ‖z‖₁`, from the prediction `F` on.
    pub fn infer(&self, config: &Config, y: &DMatrix<f32>, iterations: usize) -> DMatrix<f32> {
        let (dictionary, predicted) = (self.dictionary(), self.codes(y, 1));
        let root = config.prediction.sqrt();
        let (ny, nc) = dictionary.shape();
        let mut both = DMatrix::zeros(ny + nc, nc);
        both.rows_mut(0, ny).copy_from(dictionary);
        both.rows_mut(ny, nc).fill_diagonal(root);
        let mut wanted = DMatrix::zeros(ny + nc, y.ncols());
        wanted.rows_mut(0, ny).copy_from(y);
        wanted.rows_mut(ny, nc).copy_from(&(&predicted * root));
        let settings = Settings { iterations, tolerance: 0.0, start: Some(predicted) };
        fista(&both, &wanted, &L1 { lambda: config.sparsity }, &settings, |_, _| ())
    }

    /// Trains on fresh batches. `progress` sees the step and the model.
    pub fn train(
        &mut self,
        config: &Config,
        mut batch: impl FnMut(usize) -> DMatrix<f32>,
        mut progress: impl FnMut(usize, &Self),
    ) -> Result<()> {
        let total = config.steps as u64;
        let rate = Schedule::Cosine { peak: config.rate, floor: 0.0, warm_up: total / 50, total };
        let mut adam = Adam::new(AdamConfig { rate, ..AdamConfig::default() });
        let mut tape = Tape::new();
        let half_share = 0.5 / config.batch as f32;
        for step in 0..config.steps {
            progress(step, self);
            tape.clear();
            let y = batch(config.batch);
            let z = tape.constant(self.infer(config, &y, config.iterations));
            let y = tape.constant(y);
            let missed = tape.sub(tape.matmul(tape.watch(&self.params, self.dictionary), z), y);
            let wrong = tape.sub(self.unroll(&tape, y, 1, Trained::All), z);
            let reconstruction = tape.scale(tape.sum_square(missed), half_share);
            let prediction = tape.scale(tape.sum_square(wrong), half_share * config.prediction);
            tape.backward(tape.add(reconstruction, prediction));
            adam.step(&mut self.params, &tape)?;
            normalise(&mut self.params[self.dictionary]);
        }
        progress(config.steps, self);
        Ok(())
    }
}

impl Unrolled for Psd {
    fn params(&mut self) -> &mut ParameterSet {
        &mut self.params
    }

    fn sizes(&self) -> (usize, usize) {
        self.dictionary().shape()
    }

    /// The dictionary is there for those who want to see what a code stands for.
    fn export(&self, _layers: usize, tensors: &mut Tensors) -> artifact::Encoder {
        let value = |id| self.params[id].clone();
        tensors.matrix("perceive", "w", value(self.w));
        tensors.matrix("perceive", "bias", value(self.bias));
        tensors.matrix("perceive", "gain", value(self.gain));
        tensors.matrix("perceive", "dictionary", value(self.dictionary));
        tensors.matrix("perceive", "mean", DMatrix::zeros(self.sizes().0, 1));
        artifact::Encoder::Psd
    }

    /// One layer, whatever is asked for.
    fn unroll(&self, tape: &Tape, y: Var, _layers: usize, trained: Trained) -> Var {
        let weight = |id| weight(tape, &self.params, id, trained == Trained::All);
        let sums = tape.affine([(weight(self.w), y)], weight(self.bias));
        tape.mul_col(tape.tanh(sums), weight(self.gain))
    }
}
