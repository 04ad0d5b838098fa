//! A world of noise: whatever a mind's sensors can show, each number on its own. Nothing can be done in it but to compare
//! what two copies of a mind make of it.

use super::{Rng, World};
use forethought::artifact::{Artifact, Sensors};
use rand::RngExt;

/// So many numbers within the range of the sensors.
#[derive(Clone, Debug)]
pub struct Noise {
    sensors: Sensors,
    observation: usize,
}

impl Noise {
    /// What the mind of an artifact can be shown.
    pub fn of(artifact: &Artifact<'_>) -> Self {
        Self { sensors: artifact.header().sensors, observation: artifact.sizes().ny() }
    }
}

impl World for Noise {
    fn reset(&mut self, _: &mut Rng) {}

    fn state(&self) -> Vec<f32> {
        Vec::new()
    }

    fn observe(&mut self, rng: &mut Rng) -> Vec<f32> {
        let Sensors { low, high } = self.sensors;
        let mut number = || {
            let share: f32 = rng.random();
            (low * (1.0 - share) + high * share).clamp(low, high)
        };
        (0..self.observation).map(|_| number()).collect()
    }

    fn step(&mut self, _: &[f32]) -> f64 {
        0.0
    }

    fn episode(&self) -> usize {
        usize::MAX
    }
}
