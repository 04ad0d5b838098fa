//! Training: first without z, then with it.

use super::{Batch, Config, Latent, Mpur, SEEN, STATE, Windows};
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

/// The sum of a batch's losses over the horizon.
struct Losses {
    error: Var,
    kl: Option<Var>,
}

impl Mpur {
    /// Trains the deterministic model. Most steps are on half of the horizon, with twice the batch.
    pub fn train_deterministic(
        &mut self,
        config: &Config,
        windows: &Windows<'_>,
        rng: &mut Rng,
        progress: impl FnMut(Progress),
    ) -> Result<()> {
        self.train(config, windows, false, rng, progress)
    }

    /// Trains the stochastic model from where the deterministic one ended.
    pub fn train_stochastic(
        &mut self,
        config: &Config,
        windows: &Windows<'_>,
        rng: &mut Rng,
        progress: impl FnMut(Progress),
    ) -> Result<()> {
        self.train(config, windows, true, rng, progress)
    }

    fn train(
        &mut self,
        config: &Config,
        windows: &Windows<'_>,
        stochastic: bool,
        rng: &mut Rng,
        mut progress: impl FnMut(Progress),
    ) -> Result<()> {
        let steps = if stochastic { config.stochastic } else { config.deterministic };
        let rate = Schedule::Cosine {
            peak: config.rate,
            floor: 0.0,
            warm_up: steps as u64 / 20,
            total: steps as u64,
        };
        let mut adam = Adam::new(AdamConfig { rate, clip: Some(config.clip), ..AdamConfig::default() });
        let short = windows.within(config.horizon.div_ceil(2));
        let mut tape = Tape::new();
        for step in 0..steps {
            tape.clear();
            let whole = stochastic || 5 * step >= 4 * steps;
            let (windows, batch) = if whole { (windows, config.batch) } else { (&short, 2 * config.batch) };
            // First z has to mean something, else dropping it teaches to leave it alone.
            let dropout = if 2 * step < steps { 0.0 } else { config.dropout };
            let places: Vec<_> = (0..batch).map(|_| windows.draw_with_detours(rng)).collect();
            let batch = windows.batch(&places);
            let Losses { error, kl } = self.losses(&tape, &batch, stochastic.then_some(dropout), rng);
            let loss = kl.map_or(error, |kl| tape.add(error, tape.scale(kl, config.kl)));
            progress(Progress { step, error: tape.scalar(error), kl: kl.map_or(0.0, |kl| tape.scalar(kl)) });
            tape.backward(loss);
            adam.step(&mut self.params, &tape)?;
        }
        Ok(())
    }

    /// The mean error of all steps, each step from what the model predicted before it, and the KL divergences
    /// of the steps whose z was the posterior's, by the number of all steps. Without a probability of z-dropout there is no z.
    fn losses(&self, tape: &Tape, batch: &Batch, dropout: Option<f64>, rng: &mut Rng) -> Losses {
        let weights = Weights { tape, params: &self.params, frozen: false };
        let share = 1.0 / batch.actions.len() as f32;
        let mut past = batch.past(tape);
        let (mut errors, mut divergences) = (Vec::new(), Vec::new());
        for ((action, next), copying) in batch.actions.iter().zip(&batch.next).zip(&self.scales.copying) {
            let (action, truth) = (tape.constant(action.clone()), tape.constant(next.view.clone()));
            let seen = self.see(weights, &past, action);
            let z = match dropout {
                None => Latent::Absent,
                // z-dropout: for the whole batch, from the prior.
                Some(dropout) if rng.random_bool(dropout) => {
                    Latent::Given(self.prior(tape, batch.len(), rng))
                }
                Some(_) => {
                    let (mean, log_variance) = self.propose(weights, &seen, truth);
                    divergences.push(divergence(tape, mean, log_variance));
                    let draw = self.prior(tape, batch.len(), rng);
                    Latent::Given(drawn(tape, (mean, log_variance), draw))
                }
            };
            let (view, state) = self.imagine(weights, &past, &seen, action, z);
            let column =
                |weights: &[f32]| tape.constant(DMatrix::from_column_slice(weights.len(), 1, weights));
            let weight = copying.view.map(|copy| 1.0 / copy / SEEN as f32);
            errors.push(tape.weighted_square(tape.sub(view, truth), column(&weight)));
            let off = tape.sub(state, tape.constant(next.state.clone()));
            let weight = copying.state.map(|copy| self.config.state / copy / STATE as f32);
            errors.push(tape.weighted_square(off, column(&weight)));
            past = past.then(view, state);
        }
        let total = |parts: &[Var]| tape.scale(tape.sum(tape.stack(parts)), share);
        Losses { error: total(&errors), kl: (!divergences.is_empty()).then(|| total(&divergences)) }
    }
}
