//! Training: first without z, then with it.

use super::{Batch, Config, Latent, Mpur, OTHERS, STATE, Scene, Windows};
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

/// What places may be off by and cost 1, in m for a second squared: others accelerate by about as much, halved.
const OFF: [f32; 2] = [0.5, 0.25];

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
            let places: Vec<_> = (0..batch).map(|_| windows.draw_with_detours(config.detours, rng)).collect();
            let batch = windows.batch(&places);
            let Losses { error, kl } = self.losses(&tape, &batch, stochastic.then_some(dropout), rng);
            let loss = kl.map_or(error, |kl| tape.add(error, tape.scale(kl, config.kl)));
            progress(Progress { step, error: tape.scalar(error), kl: kl.map_or(0.0, |kl| tape.scalar(kl)) });
            tape.backward(loss);
            adam.step(&mut self.params, &tape)?;
        }
        Ok(())
    }

    /// The mean error of all steps, each step from what the model predicted before it, and the mean KL divergence of the
    /// draws of z from the posterior. Without a probability of z-dropout there is no z.
    fn losses(&self, tape: &Tape, batch: &Batch, dropout: Option<f64>, rng: &mut Rng) -> Losses {
        let weights = Weights { tape, params: &self.params, frozen: false };
        let cars = self.look(batch);
        let tracks = cars.followed(&self.geometry, &batch.next);
        let states: Vec<_> =
            std::iter::once(&batch.states[0]).chain(batch.next.iter().map(|moment| &moment.state)).collect();
        let mut scene = Scene::new(tape, &cars, &batch.states[0]);
        let mut z = Latent::Absent;
        let (mut errors, mut divergences) = (Vec::new(), Vec::new());
        let horizon = batch.actions.len();
        for (k, (action, next)) in batch.actions.iter().zip(&batch.next).enumerate() {
            let seen = self.see(weights, scene);
            if let (Some(dropout), 0) = (dropout, k % self.config.hold) {
                // z-dropout: for the whole batch, from the prior.
                let noise = tape.constant(self.prior(batch.len(), rng));
                z = Latent::Given(if rng.random_bool(dropout) {
                    noise
                } else {
                    let hold = self.config.hold.min(horizon - k);
                    let came = cars.came(self.geometry.dt, self.config.own, &tracks, &states, (k, hold));
                    let posterior = self.propose(weights, &seen, &tracks[k].places, came);
                    divergences.push(divergence(tape, posterior.0, posterior.1));
                    drawn(tape, posterior, noise)
                });
            }
            scene = self.imagine(weights, scene, &seen, tape.constant(action.clone()), z);
            let [of_state, of_places] = self.config.weights;
            let copying = &self.scales.copying[k];
            let column =
                |weights: &[f32]| tape.constant(DMatrix::from_column_slice(weights.len(), 1, weights));
            let others = next.view.row(OTHERS).into_owned();
            let others = tape.constant(DMatrix::from_column_slice(1, others.len(), others.as_slice()));
            let off = tape.sub(self.draw(tape, scene.places, scene.there), others);
            errors.push(tape.weighted_square(off, column(&[1.0 / copying.view])));
            let off = tape.sub(scene.state, tape.constant(next.state.clone()));
            let weight = copying.state.map(|copy| of_state / copy / STATE as f32);
            errors.push(tape.weighted_square(off, column(&weight)));
            // Of all cars of the batch those that are in view, and no more for those near at hand than for a second's way.
            let track = &tracks[k + 1];
            let off = tape.sub(scene.places, tape.constant(track.places.clone()));
            let off = tape.mul_row(off, tape.constant(track.there.clone()));
            let time = ((k + 1) as f32 * self.geometry.dt).max(1.0);
            let share = track.there.ncols() as f32 / track.there.sum().max(1.0);
            let weight = OFF.map(|off| of_places * share / (off * time * time).powi(2));
            errors.push(tape.weighted_square(off, column(&weight)));
        }
        let total = |parts: &[Var], share: f32| tape.scale(tape.sum(tape.stack(parts)), share);
        let draws = divergences.len().max(1) as f32;
        Losses {
            error: total(&errors, 1.0 / horizon as f32),
            kl: (!divergences.is_empty()).then(|| total(&divergences, 1.0 / draws)),
        }
    }
}
