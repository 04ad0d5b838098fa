//! The forward model of driving in dense traffic: a conditional variational autoencoder with z-dropout, on sequences of
//! views and states together (Henaff, Canziani & LeCun, *Model-predictive policy learning with uncertainty regularization
//! for driving in dense traffic*, ICLR 2019).
//!
//! ```text
//! h  = enc(views, state)              what was seen
//! z ~ N(μ, σ²), (μ, log σ²) = q(h, enc'(next view))     in training; z ~ N(0, I) in use
//! h ← h + A(u) + W_z z,   h ← h + U(h)
//! next view = last + dec(h),   next state = last + out(h)
//! ```
//! The loss is the squared error of views and states plus `β KL(q ‖ N(0, I))`, over steps fed back into themselves.
//! **z-dropout**: at every step, with some probability, z is drawn from the prior instead and its KL term is dropped: so
//! the model cannot rely on z for what the action says already. Training starts from a deterministic model, the same
//! without z.
//!
//! The car's own channel is the same in every view: the model neither sees nor predicts it.

mod layers;
mod train;
mod windows;

pub use windows::{Batch, Detour, Place, Windows};

use crate::{
    network::Weights,
    tape::{ParameterSet, Tape, Var},
    worlds::{
        Rng,
        camera::normal,
        traffic::{DT, view::Grid},
    },
};
use forethought::perceive::maps::Maps;
use layers::{Conv, Dense};
use nalgebra::DMatrix;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// Channels of a view that the model sees and predicts: what is no lane, and other cars.
pub const SEEN: usize = 2;
/// Numbers in a state: place across the road, heading, speed.
pub const STATE: usize = 3;
/// Numbers in an action: acceleration and rate of turning.
pub const ACTION: usize = 2;

/// Hyper-parameters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Views that the model sees at once. Speeds of others are only in their differences: 4 span 0.6 s.
    pub past: usize,
    /// Maps of the encoder's first layer, at half the resolution of a view.
    pub fine: usize,
    /// Maps of `h`, at a quarter of it.
    pub maps: usize,
    /// Units of the small layers: of state, action, posterior and the state's decoder.
    pub hidden: usize,
    /// Numbers in z. The paper has 32; what a few cars may do in 0.2 s is less.
    pub latent: usize,
    /// `β`, weight of the KL divergence, where errors are in units of what copying the last view and state costs.
    /// Larger: z carries less. The paper's.
    pub kl: f32,
    /// Probability of z-dropout at a step, in the second half of the training; 0 is an ordinary conditional VAE.
    pub dropout: f64,
    /// Largest `log σ²`.
    pub log_variance: f32,
    /// Weight of the state's error beside the view's.
    pub state: f32,
    /// Steps that are fed back.
    pub horizon: usize,
    /// Windows in a batch.
    pub batch: usize,
    /// Steps of Adam of the deterministic model, on half of the horizon but for the last fifth of them.
    pub deterministic: usize,
    /// Steps of Adam of the stochastic model.
    pub stochastic: usize,
    /// Learning rate at the start of each; it falls to 0 along a half cosine. The paper has 1e-4 for days of training.
    pub rate: f32,
    /// Largest norm of the gradient.
    pub clip: f32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            past: 4,
            fine: 16,
            maps: 32,
            hidden: 32,
            latent: 8,
            kl: 1e-6,
            dropout: 0.5,
            log_variance: 4.0,
            state: 0.1,
            horizon: 20,
            batch: 8,
            deterministic: 1000,
            stochastic: 300,
            rate: 2e-3,
            clip: 5.0,
        }
    }
}

/// What is divided by what, so that the network sees numbers of about 1.
#[derive(Clone, Debug)]
pub struct Scales {
    /// Mean and deviation of states.
    pub state: [(f32, f32); STATE],
    /// Deviation of a state's change in a step.
    pub change: [f32; STATE],
    /// Deviation of actions.
    pub action: [f32; ACTION],
    /// What copying the last view and state costs, step by step: the units of losses.
    pub copying: Vec<Copying>,
}

/// Mean squared errors of copying the last view and state so many steps on.
#[derive(Clone, Copy, Debug)]
pub struct Copying {
    /// Of views, channel by channel.
    pub view: [f32; SEEN],
    /// Of states, component by component.
    pub state: [f32; STATE],
}

/// A batch of what was seen, as data or as what the model predicted.
#[derive(Clone, Debug)]
pub struct Past {
    /// The last views, the newest first: [`SEEN`] channels, one position a column.
    pub views: Vec<Var>,
    /// The last states, the newest first, one a column.
    pub states: Vec<Var>,
}

impl Past {
    /// With a newer view and state; the oldest view is forgotten.
    fn then(&self, view: Var, state: Var) -> Self {
        let newer =
            |new: Var, old: &[Var]| [new].into_iter().chain(old.iter().copied()).take(old.len()).collect();
        Self { views: newer(view, &self.views), states: newer(state, &self.states) }
    }
}

/// Where z comes from.
#[derive(Clone, Copy, Debug)]
pub enum Latent {
    /// There is none: the deterministic model.
    Absent,
    /// A given one, one a column.
    Given(Var),
}

/// The model and its parameters.
#[derive(Clone, Debug)]
pub struct Mpur {
    /// The weights.
    pub params: ParameterSet,
    config: Config,
    scales: Scales,
    /// A view's channels that are seen.
    seen: Maps,
    /// Length of a cell, in m.
    length: f32,
    encoder: [Conv; 2],
    state: [Dense; 2],
    /// Of the next view, for the posterior.
    future: [Conv; 2],
    posterior: [Dense; 3],
    latent: Dense,
    action: [Dense; 2],
    inner: Conv,
    decoder: [Conv; 2],
    out: [Dense; 2],
}

impl Mpur {
    /// An untrained model, which copies what it saw last.
    pub fn new(config: &Config, grid: &Grid, scales: Scales, rng: &mut Rng) -> Self {
        let Config { past, fine, maps, hidden, latent, .. } = *config;
        let seen = Maps { channels: SEEN, ..grid.maps() };
        let half = Maps { rows: seen.rows / 2, cols: seen.cols / 2, channels: 0 };
        let quarter = Maps { rows: half.rows / 2, cols: half.cols / 2, channels: maps };
        let (h, channels) = (quarter.len(), SEEN + past - 1);
        let mut params = ParameterSet::new();
        let p = &mut params;
        let at = |size: Maps, channels| Maps { channels, ..size };
        Self {
            encoder: [
                Conv::new(p, "enc1", at(half, 4 * channels), fine, 1.0, rng),
                Conv::new(p, "enc2", at(quarter, 4 * fine), maps, 1.0, rng),
            ],
            state: [Dense::new(p, "s1", STATE, hidden, 1.0, rng), Dense::new(p, "s2", hidden, h, 0.5, rng)],
            future: [
                Conv::new(p, "next1", at(half, 4 * SEEN), fine, 1.0, rng),
                Conv::new(p, "next2", at(quarter, 4 * fine), fine, 1.0, rng),
            ],
            posterior: [
                Dense::new(p, "q_h", h, hidden, 0.5, rng),
                Dense::new(p, "q_next", fine * quarter.positions(), hidden, 1.0, rng),
                Dense::new(p, "q", hidden, 2 * latent, 0.3, rng),
            ],
            latent: Dense::new(p, "z", latent, h, 0.3, rng),
            action: [Dense::new(p, "u1", ACTION, hidden, 1.0, rng), Dense::new(p, "u2", hidden, h, 0.5, rng)],
            inner: Conv::new(p, "inner", quarter, maps, 0.5, rng),
            decoder: [
                Conv::new(p, "dec1", quarter, 4 * fine, 1.0, rng),
                Conv::new(p, "dec2", at(half, 2 * fine + 4 * channels), 4 * SEEN, 0.3, rng),
            ],
            out: [Dense::new(p, "o1", h, hidden, 1.0, rng), Dense::new(p, "o2", hidden, STATE, 0.3, rng)],
            params,
            config: config.clone(),
            scales,
            seen,
            length: grid.length as f32,
        }
    }

    /// How the model was made.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The shape of views as the model sees them.
    pub fn seen(&self) -> Maps {
        self.seen
    }

    /// A z of the prior for each sample of a batch.
    pub fn prior(&self, tape: &Tape, batch: usize, rng: &mut Rng) -> Var {
        tape.constant(noise(self.config.latent, batch, rng))
    }

    /// The next view and state for actions, one a column. A frozen model passes gradients on to actions and states but
    /// gets none itself.
    pub fn step(&self, tape: &Tape, frozen: bool, past: &Past, action: Var, z: Latent) -> (Var, Var) {
        let weights = Weights { tape, params: &self.params, frozen };
        let seen = self.see(weights, past, action);
        self.imagine(weights, past, &seen, action, z)
    }

    /// `h = enc(views, state)`, one position a column, and the finer maps below it.
    ///
    /// What others do is seen in differences of views, and so it is what they do beside the car itself, whose speed is
    /// known. Older views are moved to where they would be had the car driven then as fast as the action lets it drive now.
    fn see(&self, weights: Weights<'_>, past: &Past, action: Var) -> Encoded {
        let tape = weights.tape;
        let speed = |&state: &Var| tape.rows(state, 2, 1);
        let gained = tape.scale(tape.rows(action, 0, 1), 0.5 * DT as f32);
        let now = tape.rows(past.views[0], OTHERS, 1);
        let mut moved = Vec::new();
        // How much farther the car would have come.
        let mut farther: Option<Var> = None;
        let pairs = past.states.iter().zip(past.states.iter().skip(1));
        for (back, (view, (newer, older))) in (1..).zip(past.views.iter().skip(1).zip(pairs)) {
            let faster =
                tape.add(tape.sub(speed(&past.states[0]), mean(tape, speed(newer), speed(older))), gained);
            let step = tape.scale(faster, DT as f32 / self.length);
            let total = farther.map_or(step, |farther| tape.add(farther, step));
            farther = Some(total);
            let view = self.shifted(tape, tape.rows(*view, OTHERS, 1), total);
            // As large as views: cars move by a tenth of a cell in a step.
            moved.push(tape.scale(tape.sub(now, view), 1.0 / (CHANGE * back as f32)));
        }
        let channels: Vec<_> = past.views.first().copied().into_iter().chain(moved).collect();
        let views = tape.stack(&channels);
        let channels = SEEN + past.views.len() - 1;
        let blocks = tape.space_to_depth(views, Maps { channels, ..self.seen });
        let (fine, h) = self.encode(weights, &self.encoder, blocks);
        let state = self.standardised(tape, past.states[0]);
        let state = self.state[1].apply(weights, tape.relu(self.state[0].apply(weights, state)));
        let h = tape.add(h, tape.reshape(state, self.config.maps));
        Encoded { blocks, fine, h }
    }

    /// One channel moved forward by so many cells, a row with one number a sample: to first order, as shares of cells move.
    fn shifted(&self, tape: &Tape, x: Var, by: Var) -> Var {
        let one = Maps { channels: 1, ..self.seen };
        let padded = Maps { rows: one.rows + 2, cols: one.cols + 2, channels: 1 };
        // What is behind a cell and what is ahead of it, less what is in it.
        let mut filters = DMatrix::zeros(2, 9);
        (filters[(0, 3)], filters[(0, 4)], filters[(1, 5)], filters[(1, 4)]) = (1.0, -1.0, 1.0, -1.0);
        let differences = tape.convolve(tape.constant(filters), tape.pad(x, one, 1), padded, 3);
        let part = |row, by| {
            let samples = tape.reshape(tape.rows(differences, row, 1), one.positions());
            tape.reshape(tape.mul_row(samples, by), 1)
        };
        let size = tape.abs(by);
        let forward = part(0, tape.scale(tape.add(size, by), 0.5));
        let backward = part(1, tape.scale(tape.sub(size, by), 0.5));
        tape.add(x, tape.add(forward, backward))
    }

    /// Two layers of convolution on blocks of 2 × 2, the second on blocks of the first's maps.
    fn encode(&self, weights: Weights<'_>, layers: &[Conv; 2], blocks: Var) -> (Var, Var) {
        let tape = weights.tape;
        let fine = tape.relu(layers[0].apply(weights, blocks));
        let blocks = tape.space_to_depth(fine, layers[0].maps_out());
        (fine, tape.relu(layers[1].apply(weights, blocks)))
    }

    /// `μ` and `log σ²` of the posterior, one sample a column, from what was seen and the view that came.
    fn propose(&self, weights: Weights<'_>, seen: &Encoded, next: Var) -> (Var, Var) {
        let tape = weights.tape;
        let blocks = tape.space_to_depth(next, self.seen);
        let (_, future) = self.encode(weights, &self.future, blocks);
        let flat = |x: Var, layer: &Conv| tape.reshape(x, layer.maps_out().len());
        let (h, future) = (flat(seen.h, &self.encoder[1]), flat(future, &self.future[1]));
        let [of_h, of_next, last] = &self.posterior;
        let hidden = tape.relu(tape.add(of_h.apply(weights, h), of_next.apply(weights, future)));
        let both = last.apply(weights, hidden);
        let n = self.config.latent;
        let log_variance = tape.clamp(tape.rows(both, n, n), -20.0, self.config.log_variance);
        (tape.rows(both, 0, n), log_variance)
    }

    /// Decodes what comes next.
    fn imagine(
        &self,
        weights: Weights<'_>,
        past: &Past,
        seen: &Encoded,
        action: Var,
        z: Latent,
    ) -> (Var, Var) {
        let tape = weights.tape;
        let maps = self.config.maps;
        let column = |values: Vec<f32>| tape.constant(DMatrix::from_vec(values.len(), 1, values));
        let action = tape.mul_col(action, column(self.scales.action.iter().map(|s| 1.0 / s).collect()));
        let moved = self.action[1].apply(weights, tape.relu(self.action[0].apply(weights, action)));
        let mut h = tape.add(seen.h, tape.reshape(moved, maps));
        if let Latent::Given(z) = z {
            h = tape.add(h, tape.reshape(self.latent.apply(weights, z), maps));
        }
        let h = tape.relu(tape.add(h, self.inner.apply(weights, tape.relu(h))));

        let up = self.decoder[0].apply(weights, h);
        let half = Maps { channels: self.config.fine, ..self.encoder[0].maps_out() };
        let up = tape.relu(tape.depth_to_space(up, half));
        let change = self.decoder[1].apply(weights, tape.stack(&[up, seen.fine, seen.blocks]));
        let change = tape.scale(tape.depth_to_space(change, self.seen), CHANGE);
        let view = tape.add(past.views[0], change);

        let flat = tape.reshape(h, self.inner.maps_out().len());
        let change = self.out[1].apply(weights, tape.relu(self.out[0].apply(weights, flat)));
        let state = tape.add(past.states[0], tape.mul_col(change, column(self.scales.change.to_vec())));
        (view, state)
    }

    /// States with mean 0 and deviation 1.
    fn standardised(&self, tape: &Tape, state: Var) -> Var {
        let column = |f: &dyn Fn(&(f32, f32)) -> f32| {
            let values: Vec<_> = self.scales.state.iter().map(f).collect();
            tape.constant(DMatrix::from_vec(STATE, 1, values))
        };
        tape.mul_col(tape.add_bias(state, column(&|s| -s.0)), column(&|s| 1.0 / s.1))
    }

    /// Views and states of a batch of windows, as many steps as it has actions; `latent` is asked for z step by step.
    /// Nothing is recorded for gradients.
    pub fn forecast(&self, batch: &Batch, mut latent: impl FnMut(&Tape) -> Latent) -> Vec<Moment> {
        let mut views: VecDeque<_> = batch.views.iter().cloned().collect();
        let mut states: VecDeque<_> = batch.states.iter().cloned().collect();
        let mut tape = Tape::new();
        let mut step = |action: &DMatrix<f32>| {
            tape.clear();
            let past = Past {
                views: views.iter().map(|view| tape.constant(view.clone())).collect(),
                states: states.iter().map(|state| tape.constant(state.clone())).collect(),
            };
            let z = latent(&tape);
            let (view, next) = self.step(&tape, true, &past, tape.constant(action.clone()), z);
            let moment =
                Moment { view: tape.value(view).clone_owned(), state: tape.value(next).clone_owned() };
            views.pop_back();
            views.push_front(moment.view.clone());
            states.pop_back();
            states.push_front(moment.state.clone());
            moment
        };
        batch.actions.iter().map(&mut step).collect()
    }
}

/// By how much a cell changes in a step where something moves.
const CHANGE: f32 = 0.1;

/// The row of other cars in views as the model sees them.
pub const OTHERS: usize = 1;

/// What a batch of cars sees at a moment.
#[derive(Clone, Debug)]
pub struct Moment {
    /// Views: [`SEEN`] channels, one position a column, sample after sample.
    pub view: DMatrix<f32>,
    /// States, one a column.
    pub state: DMatrix<f32>,
}

/// What was seen, encoded.
struct Encoded {
    /// Blocks of what is seen and how it moves, at half the resolution.
    blocks: Var,
    /// Maps of them.
    fine: Var,
    /// `h`.
    h: Var,
}

fn mean(tape: &Tape, a: Var, b: Var) -> Var {
    tape.scale(tape.add(a, b), 0.5)
}

/// Numbers of a normal distribution.
fn noise(rows: usize, cols: usize, rng: &mut Rng) -> DMatrix<f32> {
    DMatrix::from_fn(rows, cols, |_, _| normal(rng) as f32)
}

#[cfg(test)]
mod tests;
