//! Training a network by Adam on batches of samples: what differs is the loss.

use crate::{
    optim::{Adam, AdamConfig, Schedule},
    tape::{ParameterSet, Tape, Var},
    worlds::Rng,
};
use anyhow::Result;
use nalgebra::DMatrix;

/// How long, and in which steps.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// Samples in a batch.
    pub batch: usize,
    /// Steps of Adam.
    pub steps: usize,
    /// Its rate at the start; it falls to 0 along a half cosine.
    pub rate: f32,
}

/// What has weights.
pub trait Weighted {
    /// The weights.
    fn weights(&mut self) -> &mut ParameterSet;
}

/// Trains. `loss` is a sum over a batch; `progress` sees the step and its mean.
pub(super) fn fit<E: Weighted>(
    energy: &mut E,
    pace: Pace,
    mut data: impl FnMut(usize, &mut Rng) -> DMatrix<f32>,
    rng: &mut Rng,
    loss: impl Fn(&E, &Tape, DMatrix<f32>, &mut Rng) -> Var,
    mut progress: impl FnMut(usize, f32),
) -> Result<()> {
    let total = pace.steps as u64;
    let rate = Schedule::Cosine { peak: pace.rate, floor: 0.0, warm_up: total / 50, total };
    let mut adam = Adam::new(AdamConfig { rate, ..AdamConfig::default() });
    let mut tape = Tape::new();
    for step in 0..pace.steps {
        tape.clear();
        let y = data(pace.batch, rng);
        let loss = tape.scale(loss(energy, &tape, y, rng), 1.0 / pace.batch as f32);
        progress(step, tape.scalar(loss));
        tape.backward(loss);
        adam.step(energy.weights(), &tape)?;
    }
    Ok(())
}
