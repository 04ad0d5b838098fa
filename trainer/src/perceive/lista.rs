//! LISTA trained on three criteria at once, after the discriminative recurrent sparse autoencoder (Rolfe & LeCun, 2013):
//!
//! ```text
//! ½‖y − ȳ − D z‖² + λ‖z‖₁ + γ ½‖m − R z − r‖²
//! ```
//! reconstruction through a linear decoder, L1 on the code, and a linear read-out `m` of the code; here `m` are the
//! features of the state that the filter wants measured.

use super::inference::{largest_eigenvalue, normalise};
use crate::{
    export::Tensors,
    optim::{Adam, AdamConfig, Schedule},
    tape::{Id, ParameterSet, Tape, Var},
    worlds::{Rng, camera::normal},
};
use anyhow::Result;
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

/// An encoder with its decoder and read-out.
#[derive(Clone, Debug)]
pub struct Lista {
    /// The weights.
    pub params: ParameterSet,
    w_e: Id,
    s: Id,
    threshold: Id,
    dictionary: Id,
    readout: Id,
    offset: Id,
    /// `ȳ`, the mean observation.
    mean: DMatrix<f32>,
    iterations: usize,
}

impl Lista {
    /// Starts from random observations as atoms, and from the weights with which the encoder is ISTA:
    /// `W_e = Dᵀ/L`, `S = I − DᵀD/L`, `θ = λ/L`.
    pub fn new(config: &Config, (y, m): &Batch, rng: &mut Rng) -> Self {
        let (ny, units) = (y.nrows(), config.units);
        let mean = DMatrix::from_column_slice(ny, 1, y.column_mean().as_slice());
        let mut dictionary = DMatrix::from_fn(ny, units, |_, _| 0.01 * normal(rng) as f32);
        for mut atom in dictionary.column_iter_mut() {
            atom += y.column(rng.random_range(0..y.ncols())) - mean.column(0);
        }
        normalise(&mut dictionary);
        let gram = dictionary.transpose() * &dictionary;
        let lipschitz = largest_eigenvalue(&gram);
        let mut params = ParameterSet::new();
        let mut add = |name: &str, value| params.add(name, value);
        Self {
            w_e: add("w_e", dictionary.transpose() / lipschitz),
            s: add("s", DMatrix::identity(units, units) - gram / lipschitz),
            threshold: add("threshold", DMatrix::from_element(units, 1, config.sparsity / lipschitz)),
            dictionary: add("dictionary", dictionary),
            readout: add("readout", DMatrix::zeros(m.nrows(), units)),
            offset: add("offset", DMatrix::zeros(m.nrows(), 1)),
            params,
            mean,
            iterations: config.iterations,
        }
    }

    /// The code of centred observations.
    fn encode(&self, tape: &Tape, centred: Var) -> Var {
        let weight = |id| tape.watch(&self.params, id);
        let (w_e, s, threshold) = (weight(self.w_e), weight(self.s), weight(self.threshold));
        let drive = tape.matmul(w_e, centred);
        let mut z = tape.shrink(drive, threshold);
        for _ in 0..self.iterations {
            z = tape.shrink(tape.add(drive, tape.matmul(s, z)), threshold);
        }
        z
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
            let z = self.encode(&tape, y);
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
        let z = self.encode(&tape, self.centre(&tape, y));
        let weight = |id| tape.freeze(&self.params, id);
        let m = tape.affine([(weight(self.readout), z)], weight(self.offset));
        (tape.value(z).clone_owned(), tape.value(m).clone_owned())
    }

    /// `D`, one atom a column.
    pub fn dictionary(&self) -> &DMatrix<f32> {
        &self.params[self.dictionary]
    }

    /// Adds the parts `perceive` and `readout`.
    pub fn export(&self, tensors: &mut Tensors) {
        let value = |id| self.params[id].clone();
        tensors.matrix("perceive", "w_e", value(self.w_e));
        tensors.matrix("perceive", "bias", -(value(self.w_e) * &self.mean));
        tensors.matrix("perceive", "s", value(self.s));
        tensors.matrix("perceive", "threshold", value(self.threshold));
        tensors.matrix("perceive", "dictionary", value(self.dictionary));
        tensors.matrix("perceive", "mean", self.mean.clone());
        tensors.matrix("readout", "w", value(self.readout));
        tensors.matrix("readout", "b", value(self.offset));
    }
}
