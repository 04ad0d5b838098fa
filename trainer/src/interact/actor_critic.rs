//! Soft actor-critic (Haarnoja et al. 2018): a critic learned from what was lived stands in for the cost that nobody may
//! look into; the actor climbs it, and stays as random as it can afford.
//!
//! ```text
//! Q_i(x, u) ≈ r + γ [min_j Q̄_j(x', u') − α ln π(u'|x')],   u' ~ π(x'),  i = 1, 2;   Q̄ ← Q̄ + τ (Q − Q̄)
//! π:  least mean of α ln π(u|x) − min_i Q_i(x, u);           α:  entropy → −NU
//! ```

use super::{
    Learner,
    life::{Life, Moment},
};
use crate::{
    network::{Input, Trunk, Weights, columns, lift},
    optim::{Adam, AdamConfig, Schedule},
    policy::{Policy, gaussian::Gaussian},
    tape::{ParameterSet, Tape, Var},
    worlds::{Rng, practice::About},
};
use anyhow::Result;
use nalgebra::DMatrix;
use rand::{RngExt, SeedableRng};

/// Hyper-parameters.
#[derive(Clone, Debug)]
pub struct Config {
    /// Units of each hidden layer, of actor and critics.
    pub hidden: usize,
    /// Moments in a batch.
    pub batch: usize,
    /// Interactions under uniformly random actions before anything is learned: a critic of nothing teaches nothing.
    pub first: usize,
    /// Interactions between two looks at it.
    pub look: usize,
    /// Updates after each interaction. More squeeze more out of each, until the critic believes its own errors.
    pub updates: usize,
    /// Learning rate of actor and critics.
    pub rate: f32,
    /// `γ`.
    pub discount: f32,
    /// `τ`, share of the target critics that is renewed in an update.
    pub renewal: f32,
    /// Typical return: what the critics' outputs are multiplied with, so that networks see numbers of about 1.
    pub scale: f32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            hidden: 64,
            batch: 128,
            first: 500,
            look: 100,
            updates: 1,
            rate: 3e-3,
            discount: 0.99,
            renewal: 0.01,
            scale: 100.0,
        }
    }
}

/// Actor, critics and all that was lived.
pub struct ActorCritic {
    config: Config,
    about: About,
    actor: Policy<Gaussian>,
    critics: Critics,
    target: Critics,
    adams: [Adam; 2],
    /// `ln α`, of rewards in units of `scale`.
    ln_alpha: f32,
    memory: Vec<Moment>,
    tape: Tape,
    rng: Rng,
}

/// Two critics: of two that err, the gloomier one is believed.
#[derive(Clone)]
struct Critics {
    params: ParameterSet,
    trunks: [Trunk<3>; 2],
}

impl Critics {
    fn of(&self, tape: &Tape, frozen: bool, lifted: (Var, Var), u: Var) -> [Var; 2] {
        let weights = Weights { tape, params: &self.params, frozen };
        [0, 1].map(|i| self.trunks[i].forward(weights, [lifted.0, lifted.1, u]))
    }

    /// The smaller value of each pair, as a row.
    fn least(&self, tape: &Tape, lifted: (Var, Var), u: Var) -> Var {
        let [a, b] = self.of(tape, true, lifted, u);
        // min(a, b) = a − max(0, a − b)
        tape.sub(a, tape.relu(tape.sub(a, b)))
    }
}

impl ActorCritic {
    /// Somebody who knows nothing. `scale` is the typical magnitude of each state component.
    pub fn new(config: &Config, about: About, scale: &[f32], seed: u64) -> Self {
        let mut rng = Rng::seed_from_u64(seed);
        let head = Gaussian::new((about.low, about.high));
        let actor = Policy::with(head, config.hidden, about.angles, scale.to_vec(), &mut rng);
        let mut params = ParameterSet::new();
        let trunks = [0, 1].map(|_| {
            let inputs = [
                Input { name: "w_x", scale: scale.to_vec() },
                Input { name: "w_s", scale: vec![1.0; about.angles.count()] },
                Input { name: "w_u", scale: about.high.to_vec() },
            ];
            Trunk::new(&mut params, inputs, config.hidden, vec![1.0], &mut rng)
        });
        let critics = Critics { params, trunks };
        let adam = || {
            let rate = Schedule::Constant(config.rate);
            Adam::new(AdamConfig { rate, clip: Some(10.0), ..AdamConfig::default() })
        };
        Self {
            about,
            actor,
            target: critics.clone(),
            critics,
            adams: [adam(), adam()],
            ln_alpha: -4.0,
            memory: Vec::new(),
            tape: Tape::new(),
            rng,
            config: config.clone(),
        }
    }

    fn update(&mut self) -> Result<()> {
        let Self { config, about, actor, critics, target, tape, rng, .. } = self;
        let chosen: Vec<&Moment> =
            (0..config.batch).map(|_| &self.memory[rng.random_range(0..self.memory.len())]).collect();
        let list = |of: fn(&Moment) -> &[f32]| columns(&chosen.iter().map(|m| of(m)).collect::<Vec<_>>());
        let row = |of: &dyn Fn(&Moment) -> f32| {
            DMatrix::from_iterator(1, chosen.len(), chosen.iter().map(|m| of(m)))
        };
        let (states, actions, next) = (list(|m| &m.state), list(|m| &m.action), list(|m| &m.next));
        let alpha = self.ln_alpha.exp();

        tape.clear();
        let later = lift(tape, about.angles, tape.constant(next));
        let drawn = actor.head().draw(tape, actor.outputs(tape, true, later), rng);
        let worth = target.least(tape, later, drawn.action);
        let worth = tape.sub(worth, tape.scale(drawn.log_density, alpha));
        let goes_on = tape.constant(row(&|m| if m.over { 0.0 } else { config.discount }));
        let reward = tape.constant(row(&|m| m.reward / config.scale));
        let goal = tape.detach(tape.add(reward, tape.mul(goes_on, worth)));
        let now = lift(tape, about.angles, tape.constant(states));
        let [a, b] = critics.of(tape, false, now, tape.constant(actions));
        let misfit = |q| tape.mean_square(tape.sub(q, goal));
        tape.backward(tape.add(misfit(a), misfit(b)));
        self.adams[0].step(&mut critics.params, tape)?;

        // The critics are new, and so is the tape.
        let states = list(|m| &m.state);
        tape.clear();
        let now = lift(tape, about.angles, tape.constant(states));
        let drawn = actor.head().draw(tape, actor.outputs(tape, false, now), rng);
        let worth = critics.least(tape, now, drawn.action);
        let log_density = tape.mean(drawn.log_density);
        let entropy = -tape.scalar(log_density);
        tape.backward(tape.sub(tape.scale(log_density, alpha), tape.mean(worth)));
        self.adams[1].step(&mut actor.params, tape)?;

        let wanted = -(about.low.len() as f32);
        self.ln_alpha += config.rate * (wanted - entropy).clamp(-1.0, 1.0);
        for id in target.params.ids() {
            let step = (&critics.params[id] - &target.params[id]) * config.renewal;
            target.params[id] += step;
        }
        Ok(())
    }
}

impl Learner for ActorCritic {
    fn live(&mut self, life: &mut Life<'_>) -> Result<()> {
        for _ in 0..self.config.look {
            let action = if self.memory.len() < self.config.first {
                let ranges = self.about.low.iter().zip(self.about.high);
                ranges.map(|(low, high)| self.rng.random_range(*low..*high)).collect()
            } else {
                let state = DMatrix::from_vec(self.about.state.len(), 1, life.state());
                self.actor.draw(&state, &mut self.rng).as_slice().to_vec()
            };
            self.memory.push(life.step(&action));
            if self.memory.len() >= self.config.first {
                for _ in 0..self.config.updates {
                    self.update()?;
                }
            }
        }
        Ok(())
    }

    fn best(&self, states: &DMatrix<f32>) -> DMatrix<f32> {
        self.actor.best(states)
    }
}
