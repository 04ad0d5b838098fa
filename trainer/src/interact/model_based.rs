//! Collect, fit, improve: models are learned from what was lived, and the policy is improved in them, by gradients of a cost
//! that is known.
//!
//! The first steps are careful: small actions. Several models are learned, each from a start of its own, and each
//! unrolling believes in one of them, so that the policy avoids what only some of them hold for safe: crashes are
//! imagined instead of suffered.

use super::{Learner, life::Life};
use crate::{
    data::log::Episode,
    network::columns,
    policy::{self, Policy, Stage},
    predict::network::{self, Known, Network},
    tape::Tape,
    value::Value,
    worlds::{Rng, practice::About},
};
use anyhow::Result;
use nalgebra::DMatrix;
use rand::{RngExt, SeedableRng};
use rayon::prelude::*;

/// Hyper-parameters.
#[derive(Clone, Debug)]
pub struct Config {
    /// Models that must agree.
    pub members: usize,
    /// Interactions between two lessons. Thinking is free: the world waits.
    pub stretch: usize,
    /// Interactions under careful random actions, before the first lesson.
    pub first: usize,
    /// Largest action of these, as a share of the range.
    pub careful: f32,
    /// How each model is learned, anew each time: one that goes on learning clings to what it saw first.
    pub model: network::Config,
    /// How the policy is improved, each time with this many steps.
    pub policy: policy::Config,
    /// Steps that are imagined to choose a policy: long enough to see where it ends up.
    pub foresight: usize,
    /// Deviation of what is added to the policy's actions while living, as a share of the range: a policy alone shows
    /// its models nothing new.
    pub noise: f32,
}

/// Models, policy, and all that was lived.
pub struct ModelBased<C> {
    config: Config,
    about: About,
    cost: C,
    models: Vec<Network>,
    policy: Policy,
    value: Value,
    scale: Vec<f32>,
    log: Vec<Episode>,
    /// The push that is held, and for how long.
    held: Vec<f32>,
    left: usize,
    rng: Rng,
}

impl<C: Stage + Sync> ModelBased<C> {
    /// Somebody who knows what things cost, and nothing of how they move. `scale` is the typical magnitude of each state
    /// component.
    pub fn new(config: &Config, about: About, cost: C, scale: &[f32], seed: u64) -> Self {
        let mut rng = Rng::seed_from_u64(seed);
        let (policy, value) = beginner(config, about, scale, &mut rng);
        Self {
            config: config.clone(),
            about,
            cost,
            models: Vec::new(),
            policy,
            value,
            scale: scale.to_vec(),
            log: Vec::new(),
            held: Vec::new(),
            left: 0,
            rng,
        }
    }

    /// What is believed of the world.
    pub fn models(&self) -> &[Network] {
        &self.models
    }

    fn collect(&mut self, life: &mut Life<'_>, steps: usize, careful: bool) {
        let Self { config, about, policy, rng, log, held, left, .. } = self;
        let half: Vec<_> = about.low.iter().zip(about.high).map(|(low, high)| 0.5 * (high - low)).collect();
        let reach = if careful { config.careful } else { config.noise };
        for _ in 0..steps {
            if life.age() == 0 {
                log.push(Episode { states: vec![life.state()], actions: Vec::new() });
            }
            if *left == 0 {
                *held = half.iter().map(|_| rng.random_range(-1.0..1.0f32)).collect();
                *left = rng.random_range(1..8);
            }
            *left -= 1;
            let best = policy.best(&columns(&[life.state()]));
            let action: Vec<f32> =
                best.iter().zip(&*held).zip(&half).map(|((u, h), half)| u + reach * half * h).collect();
            let moment = life.step(&about.limit(&action));
            if let Some(episode) = log.last_mut() {
                episode.states.push(moment.next);
                episode.actions.push(moment.action);
            }
        }
    }

    fn fit(&mut self) -> Result<()> {
        let Self { config, about, log, rng, .. } = self;
        let known = Known { angles: about.angles, places: about.places.to_vec(), physics: None };
        let seeds: Vec<u64> = (0..config.members).map(|_| rng.random()).collect();
        let fit = |seed: u64| {
            let rng = &mut Rng::seed_from_u64(seed);
            let mut model = Network::new(&config.model, known.clone(), log, rng)?;
            model.train(&config.model, log, rng, |_, _, _, _| ())?;
            Ok(model)
        };
        self.models = seeds.into_par_iter().map(fit).collect::<Result<_>>()?;
        Ok(())
    }

    /// The old policy goes to school again beside a beginner, and whoever pays less in imagination lives on. (An old one
    /// that a poor model has led to drive flat out has no gradient to come back by; a beginner has to learn it all again.)
    fn improve(&mut self) -> Result<()> {
        let Self { config, about, cost, models, policy, value, scale, log, rng, .. } = self;
        let seen: Vec<_> = log.iter().flat_map(|e| &e.states).collect();
        let start = |rng: &mut Rng| seen[rng.random_range(0..seen.len())].clone();
        let old = (policy.clone(), value.clone());
        let pupils = [old, beginner(config, *about, scale, rng)];
        let seeds: [u64; 2] = [rng.random(), rng.random()];
        let starts = columns(&(0..config.policy.batch).map(|_| start(rng)).collect::<Vec<_>>());
        let train = |((mut policy, mut value), seed): ((Policy, Value), u64)| -> Result<_> {
            let rng = &mut Rng::seed_from_u64(seed);
            policy.train(&mut value, &config.policy, (models.as_slice(), &*cost), rng, start, |_, _| ())?;
            let tape = Tape::new();
            let price = models.iter().map(|model| {
                tape.scalar(policy.cost(&tape, (model, &*cost), starts.clone(), config.foresight, rng))
            });
            let price: f32 = price.sum();
            Ok((if price.is_nan() { f32::INFINITY } else { price }, policy, value))
        };
        let pupils: Vec<_> = pupils.into_iter().zip(seeds).collect();
        let pupils = pupils.into_par_iter().map(train).collect::<Result<Vec<_>>>()?;
        let best = pupils.into_iter().min_by(|a, b| a.0.total_cmp(&b.0));
        if let Some((_, best_policy, best_value)) = best {
            (*policy, *value) = (best_policy, best_value);
        }
        Ok(())
    }
}

/// A policy and a value that know nothing.
fn beginner(config: &Config, about: About, scale: &[f32], rng: &mut Rng) -> (Policy, Value) {
    let range = (about.low, about.high);
    let policy = Policy::new(&config.policy, about.angles, scale.to_vec(), range, rng);
    (policy, Value::new(config.policy.hidden, about.angles, scale.to_vec(), rng))
}

impl<C: Stage + Sync> Learner for ModelBased<C> {
    fn live(&mut self, life: &mut Life<'_>) -> Result<()> {
        let careful = self.log.is_empty();
        self.collect(life, if careful { self.config.first } else { self.config.stretch }, careful);
        self.fit()?;
        self.improve()
    }

    fn best(&self, states: &DMatrix<f32>) -> DMatrix<f32> {
        self.policy.best(states)
    }
}
