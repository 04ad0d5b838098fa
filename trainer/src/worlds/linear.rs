//! The world that a controller over a linear plant believes in: its own matrices and its own cost. It starts where the
//! artifact says, or from rest at the origin.

use super::{Rng, World};
use crate::mind;
use forethought::{
    artifact::{Artifact, ArtifactError},
    cost::Cost,
};

/// Steps in an episode.
pub const EPISODE: usize = 100;

/// From a state and an action to the next state.
type Step<'a> = Box<dyn Fn(&[f32], &[f32]) -> Vec<f32> + Send + 'a>;

/// The plant.
pub struct Linear<'a> {
    model: Step<'a>,
    cost: Cost<'a, { mind::NH }>,
    start: Vec<f32>,
    state: Vec<f32>,
}

impl<'a> Linear<'a> {
    /// Of the controller in an artifact.
    pub fn of(artifact: &Artifact<'a>) -> Result<Self, ArtifactError> {
        let nx = artifact.sizes().nx();
        let start = if artifact.header().has_tensor("trial", "start") {
            artifact.vector("trial", "start", nx)?.to_vec()
        } else {
            vec![0.0; nx]
        };
        Ok(Self {
            model: Box::new(mind::model(artifact)?),
            cost: Cost::load(artifact)?,
            state: start.clone(),
            start,
        })
    }
}

impl World for Linear<'_> {
    fn reset(&mut self, _: &mut Rng) {
        self.state.clone_from(&self.start);
    }

    fn state(&self) -> Vec<f32> {
        self.state.clone()
    }

    fn step(&mut self, action: &[f32]) -> f64 {
        let paid = self.cost.stage(&self.state, action);
        self.state = (self.model)(&self.state, action);
        -f64::from(paid)
    }

    fn episode(&self) -> usize {
        EPISODE
    }
}
