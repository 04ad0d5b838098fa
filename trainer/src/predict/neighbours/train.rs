//! Training: first without z, then with it.

use super::{Batch, EACH, NEIGHBOURS, Neighbours, OWN, SIZE, Windows, windows::changes};
use crate::{
    network::Weights,
    optim::{Adam, AdamConfig, Schedule},
    predict::variational::{Progress, divergence, drawn},
    tape::{Tape, Var},
    worlds::Rng,
};
use anyhow::Result;
use nalgebra::DMatrix;
use rand::RngExt;

impl Neighbours {
    /// Trains the deterministic model.
    pub fn train_deterministic(
        &mut self,
        windows: &Windows<'_>,
        rng: &mut Rng,
        progress: impl FnMut(Progress),
    ) -> Result<()> {
        self.train(windows, None, rng, progress)
    }

    /// Trains the stochastic model from where the deterministic one ended, with a probability of z-dropout.
    pub fn train_stochastic(
        &mut self,
        windows: &Windows<'_>,
        z_dropout: f64,
        rng: &mut Rng,
        progress: impl FnMut(Progress),
    ) -> Result<()> {
        self.train(windows, Some(z_dropout), rng, progress)
    }

    fn train(
        &mut self,
        windows: &Windows<'_>,
        stochastic: Option<f64>,
        rng: &mut Rng,
        mut progress: impl FnMut(Progress),
    ) -> Result<()> {
        let steps = if stochastic.is_some() { self.config.stochastic } else { self.config.deterministic };
        let adam = || {
            let rate = Schedule::Cosine {
                peak: self.config.rate,
                floor: 0.0,
                warm_up: steps as u64 / 20,
                total: steps as u64,
            };
            Adam::new(AdamConfig { rate, clip: Some(5.0), ..AdamConfig::default() })
        };
        let (mut adam, mut of_posterior) = (adam(), adam());
        let mut tape = Tape::new();
        for step in 0..steps {
            tape.clear();
            // First z has to mean something, else dropping it teaches to leave it alone.
            let z_dropout = stochastic.map(|p| if 2 * step < steps { 0.0 } else { p });
            let batch = windows.draw(self.config.batch, rng);
            let (error, kl) = self.losses(&tape, &batch, z_dropout, rng);
            progress(Progress { step, error: tape.scalar(error), kl: tape.scalar(kl) });
            tape.backward(tape.add(error, tape.scale(kl, self.config.kl)));
            adam.step(&mut self.params, &tape)?;
            if stochastic.is_some() {
                of_posterior.step(&mut self.posterior, &tape)?;
            }
        }
        Ok(())
    }

    /// The mean error of all steps, each from what the model predicted before it, and the mean divergence.
    fn losses(&self, tape: &Tape, batch: &Batch, z_dropout: Option<f64>, rng: &mut Rng) -> (Var, Var) {
        let n = batch.len();
        let there = tape.constant(batch.there.clone());
        let masks = self.masks(n, rng);
        let mut x = tape.constant(batch.seen[0].clone());
        let nothing = tape.constant(DMatrix::zeros(1, 1));
        let (z, kl) = match z_dropout {
            None => (tape.constant(self.without(n)), nothing),
            // z-dropout: for the whole batch, from the prior.
            Some(p) if rng.random_bool(p) => (tape.constant(self.prior(n, rng)), nothing),
            Some(_) => self.inferred(tape, batch, rng),
        };
        let mut errors = Vec::new();
        for (k, action) in batch.actions.iter().enumerate() {
            let action = tape.constant(action.clone());
            x = self.step((tape, false), x, there, (action, z), Some(&masks));
            let truth = tape.constant(batch.seen[k + 1].clone());
            let weights: Vec<f32> =
                self.scales.constant[k].iter().map(|square| 1.0 / square / SIZE as f32).collect();
            let off = tape.mul(tape.sub(x, truth), tape.constant(relevant(&batch.there)));
            errors.push(tape.weighted_square(off, tape.constant(DMatrix::from_vec(SIZE, 1, weights))));
        }
        let mean =
            |parts: &[Var]| tape.scale(tape.sum(tape.stack(parts)), 1.0 / batch.actions.len().max(1) as f32);
        (mean(&errors), kl)
    }

    /// A z of each window, drawn from what the posterior makes of all that happened in it, and how far that is from the prior.
    fn inferred(&self, tape: &Tape, batch: &Batch, rng: &mut Rng) -> (Var, Var) {
        let steps = batch.actions.len();
        let share = 1.0 / steps as f32;
        let action =
            batch.actions.iter().skip(1).fold(batch.actions[0].clone(), |sum, action| sum + action) * share;
        // Speeds go on changing as they did: of a window this is about as large as a step's change is.
        let change = changes(&batch.seen[0], &batch.seen[steps]) * (2.0 * share);
        let inputs = [&batch.seen[0], &action, &change].map(|input| tape.constant(input.clone()));
        let weights = Weights { tape, params: &self.posterior, frozen: false };
        let both = self.propose.forward(weights, inputs);
        let latent = self.config.latent;
        let mean = tape.rows(both, 0, latent);
        let log_variance = tape.clamp(tape.rows(both, latent, latent), -20.0, 4.0);
        let draw = tape.constant(self.prior(batch.len(), rng));
        (drawn(tape, (mean, log_variance), draw), divergence(tape, mean, log_variance))
    }
}

/// 1 for every number that is somebody's, 0 for those of neighbours who do not exist.
pub(super) fn relevant(there: &DMatrix<f32>) -> DMatrix<f32> {
    DMatrix::from_fn(SIZE, there.ncols(), |i, j| match i.checked_sub(OWN) {
        Some(i) if i / EACH < NEIGHBOURS => there[(i / EACH, j)],
        _ => 1.0,
    })
}
