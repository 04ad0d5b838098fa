//! REINFORCE with a baseline (Williams 1992): actions that turned out better than expected become more likely.
//!
//! ```text
//! ∇J = mean of A_t ∇ ln π(u_t | x_t),   A_t = Σ_{k≥t} γᵏ⁻ᵗ r_k − V(x_t), brought to deviation 1
//! ```
//! What is lived is looked at once and forgotten. At the end of the time, which is no end of the world, `V` says what would
//! have come.

use super::{
    Learner,
    life::{Life, Moment},
};
use crate::{
    network::{columns, lift},
    optim::{Adam, AdamConfig, Schedule},
    policy::{Policy, gaussian::Gaussian},
    tape::{Halves, Tape},
    value::Network,
    worlds::{Rng, practice::About},
};
use anyhow::Result;
use nalgebra::DMatrix;
use rand::SeedableRng;

/// Hyper-parameters.
#[derive(Clone, Debug)]
pub struct Config {
    /// Units of each hidden layer, of policy and value.
    pub hidden: usize,
    /// Episodes that one step of the policy looks at.
    pub episodes: usize,
    /// Learning rate of the policy.
    pub rate: f32,
    /// The same of the value.
    pub value_rate: f32,
    /// Steps of the value after each batch of episodes.
    pub value_steps: usize,
    /// `γ`.
    pub discount: f32,
    /// What a unit of entropy is worth, in deviations of the advantage: without it the policy stops exploring early.
    pub entropy: f32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            hidden: 64,
            episodes: 10,
            rate: 3e-3,
            value_rate: 5e-3,
            value_steps: 20,
            discount: 0.97,
            entropy: 1e-3,
        }
    }
}

/// Policy and baseline.
pub struct ScoreFunction {
    config: Config,
    about: About,
    policy: Policy<Gaussian>,
    value: Network,
    adams: [Adam; 2],
    rng: Rng,
}

/// One lived step with its action before it was bounded.
struct Lived {
    moment: Moment,
    free: Vec<f32>,
}

impl ScoreFunction {
    /// Somebody who knows nothing. `scale` is the typical magnitude of each state component.
    pub fn new(config: &Config, about: About, scale: &[f32], seed: u64) -> Self {
        let mut rng = Rng::seed_from_u64(seed);
        let head = Gaussian::new((about.low, about.high));
        let policy = Policy::with(head, config.hidden, about.angles, scale.to_vec(), &mut rng);
        let value = Network::new(config.hidden, about.angles, scale.to_vec(), &mut rng);
        let adam = |rate| {
            let rate = Schedule::Constant(rate);
            Adam::new(AdamConfig { rate, clip: Some(1.0), ..AdamConfig::default() })
        };
        let adams = [adam(config.rate), adam(config.value_rate)];
        Self { config: config.clone(), about, policy, value, adams, rng }
    }

    fn episode(&mut self, life: &mut Life<'_>) -> Vec<Lived> {
        let mut lived = Vec::new();
        loop {
            let tape = Tape::new();
            let x = tape.constant(DMatrix::from_vec(self.about.state.len(), 1, life.state()));
            let out = self.policy.outputs(&tape, true, lift(&tape, self.about.angles, x));
            let drawn = self.policy.head().draw(&tape, out, &mut self.rng);
            let moment = life.step(tape.value(drawn.action).as_slice());
            lived.push(Lived { moment, free: tape.value(drawn.free).as_slice().to_vec() });
            if life.age() == 0 {
                return lived;
            }
        }
    }

    fn values(&self, states: &DMatrix<f32>) -> DMatrix<f32> {
        let tape = Tape::new();
        let lifted = lift(&tape, self.about.angles, tape.constant(states.clone()));
        tape.value(self.value.of(&tape, true, lifted)).clone_owned()
    }
}

impl Learner for ScoreFunction {
    fn live(&mut self, life: &mut Life<'_>) -> Result<()> {
        let (mut lived, mut returns) = (Vec::new(), Vec::new());
        for _ in 0..self.config.episodes {
            let episode = self.episode(life);
            let last = &episode[episode.len() - 1].moment;
            // The value is of costs, as everywhere here: the negative of what rewards add up to.
            let mut cost =
                if last.over { 0.0 } else { self.values(&columns(std::slice::from_ref(&last.next)))[0] };
            let mut costs: Vec<f32> = Vec::with_capacity(episode.len());
            for step in episode.iter().rev() {
                cost = self.config.discount * cost - step.moment.reward;
                costs.push(cost);
            }
            returns.extend(costs.into_iter().rev());
            lived.extend(episode);
        }
        let states = columns(&lived.iter().map(|l| l.moment.state.as_slice()).collect::<Vec<_>>());
        let free = columns(&lived.iter().map(|l| l.free.as_slice()).collect::<Vec<_>>());
        let returns = DMatrix::from_vec(1, returns.len(), returns);
        let mut advantage = self.values(&states) - &returns;
        let mean = advantage.mean();
        let deviation = advantage.map(|a| (a - mean).powi(2)).mean().sqrt().max(1e-6);
        advantage.iter_mut().for_each(|a| *a = (*a - mean) / deviation);

        let tape = Tape::new();
        let lifted = lift(&tape, self.about.angles, tape.constant(states.clone()));
        let out = self.policy.outputs(&tape, false, lifted);
        let density = self.policy.head().log_density(&tape, out, tape.constant(free));
        let praise = tape.mean(tape.mul(density, tape.constant(advantage)));
        let spread = tape.scale(self.policy.head().spread(&tape, out), self.config.entropy);
        tape.backward(tape.scale(tape.add(praise, spread), -1.0));
        self.adams[0].step(&mut self.policy.params, &tape)?;
        let mut halves = Halves::new();
        let (states, returns) = ([states], [returns]);
        for _ in 0..self.config.value_steps {
            let with = (&mut halves, &mut self.adams[1]);
            self.value.regress(with, self.about.angles, &[(&states[..], &returns[..])])?;
        }
        Ok(())
    }

    fn best(&self, states: &DMatrix<f32>) -> DMatrix<f32> {
        self.policy.best(states)
    }
}
