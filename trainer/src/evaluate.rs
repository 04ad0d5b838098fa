//! Flies an artifact in its world and counts what comes back; asks a recogniser about all that it is shown.

use crate::{
    mind,
    worlds::{Rng, World},
};
use anyhow::{Context, Result};
use forethought::{
    agent::{Mode, Reading},
    artifact::{Artifact, ArtifactError},
    perceive::classifier::class,
};
use nalgebra::DMatrix;
use rand::SeedableRng;
use rayon::prelude::*;
use serde::Serialize;

/// What the agent is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum View {
    /// The sensors.
    Sensors,
    /// The true state.
    State,
}

/// One flight, step by step.
#[derive(Clone, Debug, Default)]
pub struct Flight {
    /// Sum of the rewards.
    pub total: f64,
    /// True states, before each step.
    pub states: Vec<Vec<f32>>,
    /// Estimated states at the same time.
    pub estimates: Vec<Vec<f32>>,
    /// Actions.
    pub actions: Vec<Vec<f32>>,
    /// The states that each plan led through.
    pub plans: Vec<Vec<Vec<f32>>>,
    /// Readings that were refused or left aside as outliers.
    pub refused: usize,
}

/// The generator of one episode: the same start and noise for every agent.
pub fn episode_rng(seed: u64, episode: usize) -> Rng {
    Rng::seed_from_u64(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(episode as u64))
}

/// Flies from where the world is for one episode.
pub fn fly(
    mind: &mut dyn mind::Mind,
    world: &mut dyn World,
    (view, mode): (View, Mode),
    rng: &mut Rng,
) -> Flight {
    mind.reset();
    let mut flight = Flight::default();
    for _ in 0..world.episode() {
        let state = world.state();
        let sensors = world.observe(rng);
        let reading = match view {
            View::Sensors => Reading::Sensors(&sensors),
            View::State => Reading::State(&state),
        };
        let (action, diagnostics, refused) = mind.step(reading, mode);
        flight.refused += usize::from(refused.is_some() || diagnostics.outlier || diagnostics.strange);
        flight.total += world.step(&action);
        flight.states.push(state);
        flight.estimates.push(mind.estimate());
        flight.plans.push(mind.planned());
        flight.actions.push(action);
        if world.over() {
            break;
        }
    }
    flight
}

/// Mean and standard error of returns.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Score {
    /// Mean return.
    pub mean: f64,
    /// Standard error of the mean.
    pub error: f64,
}

impl Score {
    /// Of a list of returns.
    pub fn of(returns: &[f64]) -> Self {
        let n = returns.len() as f64;
        let mean = returns.iter().sum::<f64>() / n;
        let variance = returns.iter().map(|r| (r - mean).powi(2)).sum::<f64>() / (n - 1.0).max(1.0);
        Self { mean, error: (variance / n).sqrt() }
    }
}

/// Flies `episodes` seeded episodes on all cores and returns their flights in order.
pub fn episodes<W: World>(
    artifact: &Artifact<'_>,
    world: impl Fn() -> W + Sync,
    how: (View, Mode),
    episodes: usize,
    seed: u64,
) -> Result<Vec<Flight>, ArtifactError> {
    let one = |episode| {
        let (mut world, mut rng) = (world(), episode_rng(seed, episode));
        world.reset(&mut rng);
        Ok(fly(&mut *mind::load(artifact)?, &mut world, how, &mut rng))
    };
    (0..episodes).into_par_iter().map(one).collect()
}

/// The class that a recogniser gives to each observation, one a column; on all cores.
pub fn classes(artifact: &Artifact<'_>, observations: &DMatrix<f32>) -> Result<Vec<usize>> {
    let scores = answers(artifact, observations)?;
    let best = |scores: &Vec<f32>| class(scores).context("the weight file has no classes");
    scores.iter().map(best).collect()
}

/// What a mind that remembers nothing answers to each observation, one a column; on all cores.
pub fn answers(artifact: &Artifact<'_>, observations: &DMatrix<f32>) -> Result<Vec<Vec<f32>>> {
    const SHARE: usize = 64;
    let share = |start: usize| {
        let mut mind = mind::load(artifact)?;
        let answer = |i| {
            let seen = observations.column(i);
            let (answer, _, refused) = mind.step(Reading::Sensors(seen.as_slice()), Mode::Plan);
            refused.map_or(Ok(answer), Err).with_context(|| format!("observation {i}"))
        };
        (start..observations.ncols().min(start + SHARE)).map(answer).collect::<Result<Vec<_>>>()
    };
    let starts: Vec<_> = (0..observations.ncols()).step_by(SHARE).collect();
    Ok(starts.into_par_iter().map(share).collect::<Result<Vec<_>>>()?.concat())
}
