//! A forward model learned from a log: `x' = x + scale ∘ o(x̃, sin, u)`.
//!
//! First one step ahead, on transitions in random order; then several steps fed back into itself, on windows of
//! trajectories, so that errors which build up are paid for.

use crate::{
    data::log::Episode,
    export::Tensors,
    network::{Input, Trunk, Weights, lift},
    optim::{Adam, AdamConfig, Schedule},
    tape::{ParameterSet, Tape, Var},
    worlds::Rng,
};
use anyhow::{Result, ensure};
use forethought::feature::Angles;
use nalgebra::DMatrix;
use rand::RngExt;
use serde::{Deserialize, Serialize};

/// Hyper-parameters.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Units of each hidden layer. Most of a plan's time goes into these; 32 predict the pendulum to well below 1 %.
    pub hidden: usize,
    /// Transitions or windows in a batch.
    pub batch: usize,
    /// Steps of Adam on single transitions.
    pub one_step: usize,
    /// Steps of Adam on windows.
    pub multi_step: usize,
    /// Transitions in a window: how far the model is fed back into itself.
    pub window: usize,
    /// Learning rate at the start of each stage; it falls to 0 along a half cosine.
    pub rate: f32,
    /// Share of the episodes that is held out for the report.
    pub held_out: f64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            hidden: 32,
            batch: 256,
            one_step: 8000,
            multi_step: 4000,
            window: 16,
            rate: 5e-3,
            held_out: 0.1,
        }
    }
}

/// A learned model and its parameters.
#[derive(Clone, Debug)]
pub struct Network {
    /// The weights.
    pub params: ParameterSet,
    angles: Angles,
    trunk: Trunk<3>,
}

impl Network {
    /// A model that copies its state, with scales taken from the log.
    pub fn new(config: &Config, angles: Angles, episodes: &[Episode], rng: &mut Rng) -> Result<Self> {
        ensure!(episodes.iter().any(|e| !e.actions.is_empty()), "the log has no transition to learn from");
        let nx = episodes[0].states[0].len();
        let nu = episodes.iter().flat_map(|e| &e.actions).next().map_or(0, Vec::len);
        let (x, u) = (|i| magnitude(states(episodes, i)), |i| magnitude(actions(episodes, i)));
        let scale_x = (0..nx).map(|i| if angles.contains(i) { 1.0 } else { x(i) }).collect();
        let change = (0..nx).map(|i| magnitude(changes(episodes, angles, i))).collect();
        let inputs = [
            Input { name: "w_x", scale: scale_x },
            Input { name: "w_s", scale: vec![1.0; angles.count()] },
            Input { name: "w_u", scale: (0..nu).map(u).collect() },
        ];
        let mut params = ParameterSet::new();
        let trunk = Trunk::new(&mut params, inputs, config.hidden, change, rng);
        Ok(Self { params, angles, trunk })
    }

    /// The next states of a batch; `lifted` is [`lift`] of `x`.
    pub fn step(&self, tape: &Tape, frozen: bool, x: Var, lifted: (Var, Var), u: Var) -> Var {
        let weights = Weights { tape, params: &self.params, frozen };
        tape.add(x, self.trunk.forward(weights, [lifted.0, lifted.1, u]))
    }

    /// Trains both stages. `progress` sees the stage, the step and the loss.
    pub fn train(
        &mut self,
        config: &Config,
        episodes: &[Episode],
        rng: &mut Rng,
        mut progress: impl FnMut(&'static str, usize, f32),
    ) -> Result<()> {
        let window = config.window;
        ensure!(
            episodes.iter().any(|e| e.actions.len() >= window),
            "no episode of the log is as long as the training window of {window} steps"
        );
        // One step: errors in units of a typical change. Several: in units of a typical state.
        let changes = (0..self.nx(episodes)).map(|i| magnitude(changes(episodes, self.angles, i)));
        let one = changes.map(|s| 1.0 / s.powi(2)).collect();
        let states = (0..self.nx(episodes))
            .map(|i| if self.angles.contains(i) { 1.0 } else { magnitude(states(episodes, i)) });
        let many = states.map(|s| 1.0 / s.powi(2)).collect();
        self.stage(config, ("one step", 1, config.one_step, config.rate), one, episodes, rng, &mut progress)?;
        let stage = ("several steps", window, config.multi_step, 0.4 * config.rate);
        self.stage(config, stage, many, episodes, rng, &mut progress)
    }

    fn nx(&self, episodes: &[Episode]) -> usize {
        episodes[0].states[0].len()
    }

    fn stage(
        &mut self,
        config: &Config,
        (name, window, steps, rate): (&'static str, usize, usize, f32),
        weights: Vec<f32>,
        episodes: &[Episode],
        rng: &mut Rng,
        progress: &mut impl FnMut(&'static str, usize, f32),
    ) -> Result<()> {
        let schedule = Schedule::Cosine { peak: rate, floor: 0.0, warm_up: 20, total: steps as u64 };
        let mut adam = Adam::new(AdamConfig { rate: schedule, ..AdamConfig::default() });
        let long_enough: Vec<_> = episodes.iter().filter(|e| e.actions.len() >= window).collect();
        let mut tape = Tape::new();
        for step in 0..steps {
            tape.clear();
            let starts: Vec<_> = (0..config.batch)
                .map(|_| {
                    let episode = long_enough[rng.random_range(0..long_enough.len())];
                    (episode, rng.random_range(0..=episode.actions.len() - window))
                })
                .collect();
            let weight = tape.constant(DMatrix::from_column_slice(weights.len(), 1, &weights));
            let batch = |rows: &dyn Fn(&Episode, usize) -> Vec<f32>| {
                let columns: Vec<_> = starts.iter().flat_map(|&(e, t)| rows(e, t)).collect();
                tape.constant(DMatrix::from_vec(columns.len() / starts.len(), starts.len(), columns))
            };
            let mut x = batch(&|e, t| e.states[t].clone());
            let mut losses = Vec::new();
            for k in 0..window {
                let u = batch(&|e, t| e.actions[t + k].clone());
                x = self.step(&tape, false, x, lift(&tape, self.angles, x), u);
                let error = tape.sub(x, batch(&|e, t| e.states[t + k + 1].clone()));
                losses.push(tape.weighted_square(self.wrapped(&tape, error), weight));
            }
            let loss = tape.scale(tape.sum(tape.stack(&losses)), 1.0 / window as f32);
            progress(name, step, tape.scalar(loss));
            tape.backward(loss);
            adam.step(&mut self.params, &tape)?;
        }
        Ok(())
    }

    /// Differences of angles, wrapped.
    fn wrapped(&self, tape: &Tape, error: Var) -> Var {
        let rows: Vec<_> = (0..tape.shape(error).0)
            .map(|i| {
                let row = tape.rows(error, i, 1);
                if self.angles.contains(i) { tape.wrap(row) } else { row }
            })
            .collect();
        tape.stack(&rows)
    }

    /// Adds the part `predict`.
    pub fn export(&self, tensors: &mut Tensors) {
        self.trunk.export(&self.params, "predict", tensors);
        let hidden = self.params[self.params.ids().next().expect("a network has weights")].nrows();
        tensors.matrix("predict", "w_z", DMatrix::zeros(hidden, 0));
    }
}

fn states(episodes: &[Episode], i: usize) -> impl Iterator<Item = f32> {
    episodes.iter().flat_map(move |e| e.states.iter().map(move |x| x[i]))
}

fn actions(episodes: &[Episode], i: usize) -> impl Iterator<Item = f32> {
    episodes.iter().flat_map(move |e| e.actions.iter().map(move |u| u[i]))
}

fn changes(episodes: &[Episode], angles: Angles, i: usize) -> impl Iterator<Item = f32> {
    let change = move |pair: &[Vec<f32>]| {
        let change = pair[1][i] - pair[0][i];
        if angles.contains(i) { forethought::math::wrap(change) } else { change }
    };
    episodes.iter().flat_map(move |e| e.states.windows(2).map(change))
}

/// Root mean square, but never 0: a component that does not move keeps its unit.
fn magnitude(values: impl Iterator<Item = f32>) -> f32 {
    let (n, sum) = values.fold((0.0, 0.0), |(n, sum), v| (n + 1.0, sum + f64::from(v).powi(2)));
    let rms = (sum / f64::max(n, 1.0)).sqrt() as f32;
    if rms > 1e-6 { rms } else { 1.0 }
}
