//! The world that a tracker believes in: its own forward model with the process noise, the sensors and the prior that its
//! filter expects. Every sensor misses three readings of ten, and the action is any within ±1, held for a while.

use super::{Rng, World, camera::normal};
use crate::mind;
use forethought::{
    artifact::{Artifact, ArtifactError, Estimator},
    feature::{Angles, Map},
};
use rand::RngExt;

/// Chance that a sensor shows nothing.
const MISSING: f64 = 0.3;
/// Steps that an action is held for.
const HELD: usize = 10;
/// Steps in an episode.
const EPISODE: usize = 200;

/// From a state and an action to the next state.
type Step<'a> = Box<dyn Fn(&[f32], &[f32]) -> Vec<f32> + 'a>;

/// A plant, seen through a tracker's sensors.
pub struct Tracked<'a> {
    model: Step<'a>,
    angles: Angles,
    estimator: Estimator,
    mean: &'a [f32],
    prior: &'a [f32],
    process: &'a [f32],
    noise: &'a [f32],
    state: Vec<f32>,
    action: Vec<f32>,
    steps: usize,
}

impl<'a> Tracked<'a> {
    /// Of the tracker in an artifact. A steady filter has forgotten prior and process noise: there they are 0.
    pub fn of(artifact: &Artifact<'a>) -> Result<Self, ArtifactError> {
        let (header, nx) = (artifact.header(), artifact.sizes().nx());
        let vector = |name, len| artifact.vector("estimate", name, len);
        let variances =
            |name| if header.has_tensor("estimate", name) { vector(name, nx) } else { Ok(&[][..]) };
        Ok(Self {
            model: Box::new(mind::model(artifact)?),
            angles: header.angles,
            estimator: header.estimator.clone(),
            mean: vector("mean", nx)?,
            prior: variances("prior")?,
            process: variances("process")?,
            noise: vector("noise", header.estimator.measured.len())?,
            state: Vec::new(),
            action: vec![0.0; header.sizes.nu()],
            steps: 0,
        })
    }
}

/// Adds noise of these variances.
fn disturb(values: &mut [f32], variances: &[f32], rng: &mut Rng) {
    for (value, variance) in values.iter_mut().zip(variances) {
        *value += variance.sqrt() * normal(rng) as f32;
    }
}

impl World for Tracked<'_> {
    fn reset(&mut self, rng: &mut Rng) {
        self.state = self.mean.to_vec();
        disturb(&mut self.state, self.prior, rng);
        self.angles.wrap(&mut self.state);
        self.steps = 0;
    }

    fn state(&self) -> Vec<f32> {
        self.state.clone()
    }

    /// The world moves on here, where there is chance: what is shown are the features then, and the action that led there.
    fn observe(&mut self, rng: &mut Rng) -> Vec<f32> {
        if self.steps > 0 {
            self.state = (self.model)(&self.state, &self.action);
            disturb(&mut self.state, self.process, rng);
            self.angles.wrap(&mut self.state);
        }
        let mut seen: Vec<_> = self
            .estimator
            .measured
            .iter()
            .map(|feature| {
                let x = self.state[usize::from(feature.index)];
                match feature.map {
                    Map::Value | Map::Angle => x,
                    Map::Cos => x.cos(),
                    Map::Sin => x.sin(),
                }
            })
            .collect();
        disturb(&mut seen, self.noise, rng);
        let mut rest = &mut seen[..];
        for gate in &self.estimator.gates {
            let (sensor, after) = rest.split_at_mut(gate.features.into());
            if rng.random_bool(MISSING) {
                sensor.fill(f32::NAN);
            }
            rest = after;
        }
        let reading = seen.iter().chain(&self.action).copied().collect();
        if self.steps.is_multiple_of(HELD) {
            self.action.fill_with(|| rng.random_range(-1.0..1.0));
        }
        reading
    }

    /// What a tracker says changes nothing; the action for the next step is this world's own.
    fn step(&mut self, _: &[f32]) -> f64 {
        self.steps += 1;
        0.0
    }

    fn episode(&self) -> usize {
        EPISODE
    }
}
