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
//!
//! The model may be [any that can be stepped on the tape](Foresee), learned or physics, with or without latent samples. The
//! policy may be any whose action follows its parameters: [`deterministic`], or drawn by noise that is put in from
//! outside, as the [`gaussian`] and the [`categorical`] one are. What a planner knows beyond that can be
//! [`distilled`] into it.

pub mod categorical;
pub mod deterministic;
pub mod distilled;
pub mod driving;
pub mod gaussian;

use crate::{
    network::{Input, Trunk, Weights, columns, lift},
    optim::{Adam, AdamConfig, Schedule},
    predict::Foresee,
    tape::{Halves, ParameterSet, Tape, Var},
    value::Value,
    worlds::Rng,
};
use anyhow::Result;
use forethought::{artifact::Term, feature::Angles};
use nalgebra::DMatrix;
use rand::{RngExt, SeedableRng};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

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
    /// `γ`: 0.995 looks 200 steps ahead, a whole episode of the pendulum.
    pub discount: f32,
    /// Chance that a trajectory starts anew after a batch. If few do, a policy that never comes to the goal never
    /// learns to stay there.
    pub restart: f64,
    /// Learning rate at the start; it falls to 0 along a half cosine.
    pub rate: f32,
    /// Share of the steps in which the learning rates rise: the value has to learn first. A policy that runs ahead of it
    /// sees only the steps that are unrolled, and may drive itself flat out, where it has no gradient to come back by.
    pub warm_up: f32,
    /// Learning rate of the value in units of the policy's: it must be ahead of the policy. With 0 it stays as it is.
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
            discount: 0.995,
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

/// What a step costs, as something to be differentiated.
pub trait Stage: Sync {
    /// The cost of each column of a batch of states and actions, as a row.
    fn stage(&self, tape: &Tape, x: Var, u: Var) -> Var;
}

impl<F: Fn(&Tape, Var, Var) -> Var + Sync> Stage for F {
    fn stage(&self, tape: &Tape, x: Var, u: Var) -> Var {
        self(tape, x, u)
    }
}

impl Stage for Objective {
    /// As the chip computes it, by the same kernels.
    fn stage(&self, tape: &Tape, x: Var, u: Var) -> Var {
        let samples = tape.shape(x).1;
        let (terms, weights) = (self.terms.clone(), self.action.clone());
        tape.record(
            &[x, u],
            |forward| {
                let columns = forward.value(x).column_iter().zip(forward.value(u).column_iter());
                let paid = columns.map(|(x, u)| {
                    let effort: f32 = u.iter().zip(&self.action).map(|(u, r)| r * u * u).sum();
                    self.terms.iter().fold(effort, |sum, term| sum + term.paid(x.as_slice(), term.weight))
                });
                forward.collect((1, samples), paid)
            },
            move |backward| {
                let (x_value, u_value, y_bar) = (backward.value(x), backward.value(u), backward.gradient);
                if let Some(x_bar) = backward.sum(x) {
                    for ((x, &y_bar), mut x_bar) in
                        x_value.column_iter().zip(y_bar.iter()).zip(x_bar.column_iter_mut())
                    {
                        let (x, x_bar) = (x.as_slice(), x_bar.as_mut_slice());
                        terms.iter().for_each(|term| term.slope(x, y_bar * term.weight, x_bar));
                    }
                }
                if let Some(u_bar) = backward.sum(u) {
                    for ((u, &y_bar), mut u_bar) in
                        u_value.column_iter().zip(y_bar.iter()).zip(u_bar.column_iter_mut())
                    {
                        for (u_bar, (u, r)) in u_bar.iter_mut().zip(u.iter().zip(&weights)) {
                            *u_bar += 2.0 * y_bar * r * u;
                        }
                    }
                }
            },
        )
    }
}

/// What the outputs of a policy's network mean.
pub trait Head: Sync {
    /// How many there are.
    fn outputs(&self) -> usize;

    /// The actions for a batch of outputs, drawn where they are random; gradients flow through them to the outputs.
    fn act(&self, tape: &Tape, out: Var, rng: &mut Rng) -> Var;

    /// The actions that are best as far as the policy knows: nothing is drawn.
    fn best(&self, tape: &Tape, out: Var) -> Var;
}

/// The range of each component of an action.
#[derive(Clone, Debug)]
pub struct Range {
    low: Vec<f32>,
    high: Vec<f32>,
}

impl Range {
    /// From the low ends and the high ends.
    pub fn new((low, high): (&[f32], &[f32])) -> Self {
        Self { low: low.to_vec(), high: high.to_vec() }
    }

    /// Components of an action.
    pub fn len(&self) -> usize {
        self.low.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.low.is_empty()
    }

    /// Stretches `[−1, 1]` to the range.
    pub fn stretch(&self, tape: &Tape, u: Var) -> Var {
        let range = |f: fn(f32, f32) -> f32| {
            let column = self.low.iter().zip(&self.high).map(|(&low, &high)| f(low, high));
            tape.constant(DMatrix::from_iterator(self.low.len(), 1, column))
        };
        let centred = tape.mul_col(u, range(|low, high| 0.5 * (high - low)));
        tape.add_bias(centred, range(|low, high| 0.5 * (low + high)))
    }
}

/// What was met while a model was unrolled from half of a batch.
pub struct Unrolled {
    /// The states of each step, one a column.
    pub states: Vec<Arc<DMatrix<f32>>>,
    /// What is to be paid from each on, as a row.
    pub returns: Vec<Arc<DMatrix<f32>>>,
    /// The states at the end.
    pub end: Arc<DMatrix<f32>>,
    /// This half's part of the mean cost of a step.
    pub cost: f32,
}

/// A policy and its parameters: a network that looks at the state, and a head that says what comes of it.
#[derive(Clone, Debug)]
pub struct Policy<H = deterministic::Deterministic> {
    /// The weights.
    pub params: ParameterSet,
    angles: Angles,
    trunk: Trunk<2>,
    head: H,
}

impl<H: Head> Policy<H> {
    /// An untrained policy. `scale` is the typical magnitude of each state component; one that is infinite is not seen.
    pub fn with(head: H, hidden: usize, angles: Angles, scale: Vec<f32>, rng: &mut Rng) -> Self {
        let mut params = ParameterSet::new();
        let inputs = [Input { name: "w_x", scale }, Input { name: "w_s", scale: vec![1.0; angles.count()] }];
        let trunk = Trunk::new(&mut params, inputs, hidden, vec![1.0; head.outputs()], rng);
        Self { params, angles, trunk, head }
    }

    /// What the outputs mean.
    pub fn head(&self) -> &H {
        &self.head
    }

    /// The network's outputs for a batch of [lifted](lift) states.
    pub fn outputs(&self, tape: &Tape, frozen: bool, lifted: (Var, Var)) -> Var {
        self.trunk.forward(Weights { tape, params: &self.params, frozen }, [lifted.0, lifted.1])
    }

    /// The best actions for states, one a column.
    pub fn best(&self, states: &DMatrix<f32>) -> DMatrix<f32> {
        self.answer(states, |tape, out| self.head.best(tape, out))
    }

    /// Actions for states, one a column, drawn where they are random.
    pub fn draw(&self, states: &DMatrix<f32>, rng: &mut Rng) -> DMatrix<f32> {
        self.answer(states, |tape, out| self.head.act(tape, out, rng))
    }

    fn answer(&self, states: &DMatrix<f32>, act: impl FnOnce(&Tape, Var) -> Var) -> DMatrix<f32> {
        let tape = Tape::new();
        let lifted = lift(&tape, self.angles, tape.constant(states.clone()));
        let u = act(&tape, self.outputs(&tape, true, lifted));
        tape.value(u).clone_owned()
    }

    /// Unrolls the model under the policy from a batch of states: the states that are met, their costs, and where it ends.
    fn imagine(
        &self,
        tape: &Tape,
        (model, objective): (&(impl Foresee + ?Sized), &impl Stage),
        start: DMatrix<f32>,
        horizon: usize,
        rng: &mut Rng,
    ) -> (Vec<Var>, Vec<Var>, Var) {
        let mut step = model.unroll(rng);
        let mut x = tape.constant(start);
        let (mut visited, mut costs) = (Vec::new(), Vec::new());
        for _ in 0..horizon {
            let lifted = lift(tape, self.angles, x);
            let u = self.head.act(tape, self.outputs(tape, false, lifted), rng);
            visited.push(x);
            costs.push(objective.stage(tape, x, u));
            x = step(tape, x, lifted, u);
        }
        (visited, costs, x)
    }

    /// One step of training: unrolls the model from a batch of states, half of them in another thread, and takes a step down the
    /// gradient of what is to be paid, with `value` for all that comes after the horizon, where there is one.
    pub fn step(
        &mut self,
        (halves, adam): (&mut Halves, &mut Adam),
        config: &Config,
        (model, objective): (&(impl Foresee + ?Sized), &impl Stage),
        value: Option<&Value>,
        states: &[Vec<f32>],
        rng: &mut Rng,
    ) -> Result<Vec<Unrolled>> {
        let policy = &*self;
        let seeds: [u64; 2] = [rng.random(), rng.random()];
        let share = 1.0 / (config.horizon * states.len()) as f32;
        let unrolled = halves.backward(states.len(), |tape, half, samples| {
            let rng = &mut Rng::seed_from_u64(seeds[half]);
            let start = columns(&states[samples]);
            let none = tape.constant(DMatrix::zeros(1, start.ncols()));
            let (visited, costs, x) = policy.imagine(tape, (model, objective), start, config.horizon, rng);
            let end = value.map_or(none, |value| value.of(tape, policy.angles, x));
            // Backwards: what is to be paid from each step on.
            let mut returns = vec![end];
            for &cost in costs.iter().rev() {
                let later = tape.scale(returns[returns.len() - 1], config.discount);
                returns.push(tape.add(cost, later));
            }
            let loss = tape.scale(tape.sum(returns[config.horizon]), share);
            returns.reverse();
            let values = |vars: &[Var]| vars.iter().map(|&x| tape.value(x)).collect();
            let cost = share * costs.iter().map(|&cost| tape.value(cost).sum()).sum::<f32>();
            let returns = values(&returns[..config.horizon]);
            (loss, Unrolled { states: values(&visited), returns, end: tape.value(x), cost })
        });
        adam.step(&mut self.params, halves.sum())?;
        Ok(unrolled)
    }

    /// The mean cost of a step over an unrolling from `start`: what training descends, but for the value at the end.
    pub fn cost(
        &self,
        tape: &Tape,
        how: (&(impl Foresee + ?Sized), &impl Stage),
        start: DMatrix<f32>,
        horizon: usize,
        rng: &mut Rng,
    ) -> Var {
        let (_, costs, _) = self.imagine(tape, how, start, horizon, rng);
        tape.mean(tape.stack(&costs))
    }

    /// Trains policy and value through the frozen model, from starts that `start` draws. `progress` sees the step and the
    /// mean cost of a time step.
    pub fn train(
        &mut self,
        value: &mut Value,
        config: &Config,
        (model, objective): (&(impl Foresee + ?Sized), &impl Stage),
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
        let mut halves = Halves::new();
        let mut states: Vec<Vec<f32>> = (0..config.batch).map(|_| start(rng)).collect();
        for step in 0..config.steps {
            let with = (&mut halves, &mut adam);
            let unrolled = self.step(with, config, (model, objective), Some(&target), &states, rng)?;
            progress(step, unrolled.iter().map(|half| half.cost).sum());
            let ends = unrolled.iter().flat_map(|half| half.end.column_iter());
            states = ends.map(|x| x.iter().copied().collect()).collect();
            // A table has nothing to learn.
            if let (Value::Network(value), Value::Network(target)) = (&mut *value, &mut target)
                && config.value_rate > 0.0
            {
                let parts = unrolled.iter().map(|half| (&half.states[..], &half.returns[..]));
                let parts: Vec<_> = parts.collect();
                value.regress((&mut halves, &mut value_adam), self.angles, &parts)?;
                target.follow(value, config.renewal);
            }
            for state in &mut states {
                self.angles.wrap(state);
                if rng.random_bool(config.restart) {
                    *state = start(rng);
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{categorical::Categorical, gaussian::Gaussian, *};
    use crate::predict::{
        latent::{self, Latent, Limit, Sampled},
        residual::Physics,
        toys::{Cart, coin},
    };
    use crate::tape::check::{check_gradients, random};
    use forethought::{
        artifact::{Plant, Side},
        feature::Map,
    };

    /// What it costs the cart to be away from the middle.
    fn cart(tape: &Tape, x: Var, u: Var) -> Var {
        let away = tape.sum_rows(tape.square(tape.rows(x, 0, 2)));
        tape.add(away, tape.scale(tape.square(tape.rows(u, 0, 1)), 0.01))
    }

    /// The cost of the best actions of a policy over 40 steps from fixed starts.
    fn price<H: Head>(policy: &Policy<H>) -> f32 {
        let mut x = DMatrix::from_row_slice(2, 3, &[1.0, -1.0, 0.5, 0.0, 0.3, -0.5]);
        let mut sum = 0.0;
        for _ in 0..40 {
            let u = policy.best(&x);
            sum += x.norm_squared();
            let speed = x.row(1) + 0.2 * &u;
            let place = x.row(0) + 0.2 * &speed;
            x = DMatrix::from_rows(&[place, speed]);
        }
        sum
    }

    fn learns<H: Head>(head: H) {
        let rng = &mut Rng::seed_from_u64(1);
        let config = Config { steps: 300, hidden: 16, batch: 32, ..Config::default() };
        let mut policy = Policy::with(head, config.hidden, Angles(0), vec![1.0, 1.0], rng);
        let mut value = Value::new(config.hidden, Angles(0), vec![1.0, 1.0], rng);
        let before = price(&policy);
        let start = |rng: &mut Rng| (0..2).map(|_| rng.random_range(-1.0..1.0)).collect();
        policy.train(&mut value, &config, (&Cart, &cart), rng, start, |_, _| ()).expect("trained");
        let after = price(&policy);
        assert!(after < 0.3 * before, "from {before} to {after}");
    }

    #[test]
    fn each_kind_of_policy_learns_to_stop_in_the_middle() {
        let range: (&[f32], &[f32]) = (&[-2.0], &[2.0]);
        learns(deterministic::Deterministic::new(range));
        learns(Gaussian::new(range));
        learns(Categorical::new(DMatrix::from_row_slice(1, 3, &[-2.0, 0.0, 2.0])));
    }

    #[test]
    fn the_objective_has_the_right_gradient() {
        let side = |map, side, index| Term { side, ..Term::squared(map, index, 0.1, 0.7) };
        let terms = vec![
            side(Map::Angle, Side::Both, 0),
            side(Map::Cos, Side::Both, 1),
            side(Map::Sin, Side::Both, 1),
            side(Map::Value, Side::Above, 2),
            side(Map::Value, Side::Below, 2),
        ];
        let objective = Objective { terms, action: vec![0.3, 0.0] };
        check_gradients(&[random(3, 4, 1), random(2, 4, 2)], |tape, v| objective.stage(tape, v[0], v[1]));
    }

    #[test]
    fn gradients_flow_through_physics() {
        // A car too slow: its policy learns to push.
        let rng = &mut Rng::seed_from_u64(2);
        let physics = Physics::new(Plant::Car, &[2.7, 0.05, 0.1]).expect("a car");
        let term = Term::squared(Map::Value, 3, 8.0, 1.0);
        let objective = Objective { terms: vec![term], action: vec![0.0, 1.0] };
        let config = Config { steps: 150, hidden: 8, batch: 16, ..Config::default() };
        let scale = vec![f32::INFINITY, f32::INFINITY, 1.0, 8.0];
        let mut policy = Policy::new(&config, Angles(4), scale.clone(), (&[-4.0, -0.5], &[4.0, 0.5]), rng);
        let mut value = Value::new(8, Angles(4), scale, rng);
        let start = |rng: &mut Rng| vec![0.0, 0.0, 0.0, rng.random_range(0.0..10.0)];
        policy.train(&mut value, &config, (&physics, &objective), rng, start, |_, _| ()).expect("trained");
        let u = policy.best(&DMatrix::from_column_slice(4, 1, &[0.0, 0.0, 0.0, 2.0]));
        assert!(u[0] > 2.0, "{u}");
    }

    #[test]
    fn futures_are_drawn_in_the_shares_in_which_they_happen() {
        // s' = s + u ± 1: a policy can only go to the middle, and its model must show it both sides.
        let rng = &mut Rng::seed_from_u64(3);
        let data = coin(1000, rng);
        let limit = Limit::Discrete { codewords: 2 };
        let config = latent::Config { limit, steps: 300, hidden: 16, ..latent::Config::default() };
        let mut model = Latent::new(&config, &data, rng);
        model.train(&data, rng, |_, _| ()).expect("trained");
        let sampled = Sampled::new(&model, &data, rng);
        let tape = Tape::new();
        let x = tape.parameter(&DMatrix::from_element(1, 400, 0.5));
        let u = tape.constant(DMatrix::from_element(1, 400, 0.25));
        let next = sampled.unroll(rng)(&tape, x, lift(&tape, Angles(0), x), u);
        let ends = tape.value(next);
        let near = |at: f32| ends.iter().filter(|e| (**e - at).abs() < 0.4).count();
        assert!(near(1.75) > 140 && near(-0.25) > 140, "{} and {}", near(1.75), near(-0.25));
        tape.backward(tape.mean(next));
        let slope: f32 = tape.gradient(x).iter().sum();
        assert!((slope - 1.0).abs() < 0.3, "{slope}");
    }
}
