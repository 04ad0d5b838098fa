//! The policy, trained by backpropagating the summed cost through the frozen model and the policy, over many starts; and
//! the value of a state under it, which stands for all that comes after the steps that are unrolled.
//!
//! ```text
//! J(π) = mean over starts of Σ_{t<H} γᵗ cost(x_t, π(x_t)) + γᴴ V(x_H),   x_{t+1} = f(x_t, π(x_t))
//! V(x_t) ≈ Σ_{t≤k<H} γᵏ⁻ᵗ cost(x_k, π(x_k)) + γᴴ⁻ᵗ V(x_H)
//! ```
//! The policy's gradient flows through every step of the model, every use of the policy, and the value at the end, so a
//! short unrolling does: long ones have gradients that explode where the world is chaotic. Each batch goes on where
//! the last one ended, or starts anew.

use crate::{
    export::Tensors,
    network::{Input, Trunk, Weights, columns, lift},
    optim::{Adam, AdamConfig, Schedule},
    predict::network::Network,
    tape::{ParameterSet, Tape, Var},
    value::Value,
    worlds::Rng,
};
use anyhow::Result;
use forethought::{
    artifact::Term,
    feature::{Angles, Map},
};
use nalgebra::DMatrix;
use rand::RngExt;
use serde::{Deserialize, Serialize};

/// Hyper-parameters.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Units of each hidden layer, of policy and value.
    pub hidden: usize,
    /// Trajectories in a batch.
    pub batch: usize,
    /// Steps of Adam.
    pub steps: usize,
    /// `H`, steps that the model is unrolled. Few make the value do the work, many make steep gradients.
    pub horizon: usize,
    /// `γ`: 0.99 looks 100 steps ahead, two swings of the pendulum.
    pub discount: f32,
    /// Chance that a trajectory starts anew after a batch. If few do, a policy that never comes to the goal never
    /// learns to stay there.
    pub restart: f64,
    /// Learning rate at the start; it falls to 0 along a half cosine.
    pub rate: f32,
    /// Share of the steps in which the learning rates rise: the value has to learn first. A policy that runs ahead of it
    /// sees only the steps that are unrolled, and may drive itself flat out, where it has no gradient to come back by.
    pub warm_up: f32,
    /// Learning rate of the value in units of the policy's: it must be ahead of the policy.
    pub value_rate: f32,
    /// Share of the target value that is renewed at each step: slow, or the value chases itself.
    pub renewal: f32,
    /// Largest norm of the gradient: unrolled models have rare, very steep places.
    pub clip: f32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            hidden: 32,
            batch: 128,
            steps: 3000,
            horizon: 16,
            discount: 0.99,
            restart: 0.5,
            rate: 2e-3,
            warm_up: 0.1,
            value_rate: 2.0,
            renewal: 0.05,
            clip: 1.0,
        }
    }
}

/// What is to be achieved, as the trainer sees it.
#[derive(Clone, Debug)]
pub struct Objective {
    /// Quadratic terms of the state.
    pub terms: Vec<Term>,
    /// Weights of the squared actions.
    pub action: Vec<f32>,
}

impl Objective {
    /// The cost of each column of a batch of states and actions, as a row.
    pub fn stage(&self, tape: &Tape, x: Var, u: Var) -> Var {
        let term = |term: &Term| {
            let value = tape.rows(x, term.feature.index.into(), 1);
            let value = match term.feature.map {
                Map::Value | Map::Angle => value,
                Map::Cos => tape.cos(value),
                Map::Sin => tape.sin(value),
            };
            let error = tape.offset(value, -term.target);
            let error = if term.feature.map == Map::Angle { tape.wrap(error) } else { error };
            tape.scale(tape.square(error), term.weight)
        };
        let effort = |(j, &weight): (usize, &f32)| tape.scale(tape.square(tape.rows(u, j, 1)), weight);
        let parts = self.terms.iter().map(term).chain(self.action.iter().enumerate().map(effort));
        parts.reduce(|sum, part| tape.add(sum, part)).expect("every action has a weight")
    }
}

/// A policy and its parameters.
#[derive(Clone, Debug)]
pub struct Policy {
    /// The weights.
    pub params: ParameterSet,
    angles: Angles,
    trunk: Trunk<2>,
    low: Vec<f32>,
    high: Vec<f32>,
}

impl Policy {
    /// A policy that rests at the middle of its range. `scale` is the typical magnitude of each state component.
    pub fn new(
        config: &Config,
        angles: Angles,
        scale: Vec<f32>,
        (low, high): (&[f32], &[f32]),
        rng: &mut Rng,
    ) -> Self {
        let mut params = ParameterSet::new();
        let inputs = [Input { name: "w_x", scale }, Input { name: "w_s", scale: vec![1.0; angles.count()] }];
        let trunk = Trunk::new(&mut params, inputs, config.hidden, vec![1.0; low.len()], rng);
        Self { params, angles, trunk, low: low.to_vec(), high: high.to_vec() }
    }

    /// The actions for a batch of [lifted](lift) states.
    fn act(&self, tape: &Tape, lifted: (Var, Var)) -> Var {
        let weights = Weights { tape, params: &self.params, frozen: false };
        let out = tape.tanh(self.trunk.forward(weights, [lifted.0, lifted.1]));
        let range = |f: fn(f32, f32) -> f32| {
            let column = self.low.iter().zip(&self.high).map(|(&low, &high)| f(low, high));
            tape.constant(DMatrix::from_iterator(self.low.len(), 1, column))
        };
        let centred = tape.mul_col(out, range(|low, high| 0.5 * (high - low)));
        tape.add_bias(centred, range(|low, high| 0.5 * (low + high)))
    }

    /// Trains policy and value through the frozen model, from starts that `start` draws. `progress` sees the step and the
    /// mean cost of a time step.
    pub fn train(
        &mut self,
        value: &mut Value,
        config: &Config,
        (model, objective): (&Network, &Objective),
        rng: &mut Rng,
        mut start: impl FnMut(&mut Rng) -> Vec<f32>,
        mut progress: impl FnMut(usize, f32),
    ) -> Result<()> {
        let adam = |rate| {
            let rate = Schedule::Cosine {
                peak: rate,
                floor: 0.0,
                warm_up: (config.steps as f32 * config.warm_up) as u64,
                total: config.steps as u64,
            };
            Adam::new(AdamConfig { rate, clip: Some(config.clip), ..AdamConfig::default() })
        };
        let (mut adam, mut value_adam) = (adam(config.rate), adam(config.rate * config.value_rate));
        let mut target = value.clone();
        let mut tape = Tape::new();
        let mut states: Vec<Vec<f32>> = (0..config.batch).map(|_| start(rng)).collect();
        for step in 0..config.steps {
            tape.clear();
            let mut x = tape.constant(columns(&states));
            let (mut visited, mut costs) = (Vec::new(), Vec::new());
            for _ in 0..config.horizon {
                let lifted = lift(&tape, self.angles, x);
                let u = self.act(&tape, lifted);
                visited.push(x);
                costs.push(objective.stage(&tape, x, u));
                x = model.step(&tape, true, x, lifted, u);
            }
            let end = target.of(&tape, true, lift(&tape, self.angles, x));
            // Backwards: what is to be paid from each step on.
            let mut returns = vec![end];
            for &cost in costs.iter().rev() {
                let later = tape.scale(returns[returns.len() - 1], config.discount);
                returns.push(tape.add(cost, later));
            }
            let loss = tape.scale(tape.mean(returns[config.horizon]), 1.0 / config.horizon as f32);
            progress(step, tape.scalar(tape.mean(tape.stack(&costs))));
            tape.backward(loss);
            let visited: Vec<_> = visited.iter().map(|&x| tape.value(x).clone_owned()).collect();
            let returns: Vec<_> = returns[1..].iter().rev().map(|&r| tape.value(r).clone_owned()).collect();
            states = tape.value(x).column_iter().map(|c| c.iter().copied().collect()).collect();
            adam.step(&mut self.params, &tape)?;

            tape.clear();
            value.regress(&mut tape, &mut value_adam, self.angles, &visited, &returns)?;
            target.follow(value, config.renewal);
            for state in &mut states {
                self.angles.wrap(state);
                if rng.random_bool(config.restart) {
                    *state = start(rng);
                }
            }
        }
        Ok(())
    }

    /// Adds the part `policy`.
    pub fn export(&self, tensors: &mut Tensors) {
        self.trunk.export(&self.params, "policy", tensors);
    }
}
