//! A world of noise: whatever a mind's sensors can show, each number on its own. Nothing can be done in it but to compare
//! what two copies of a mind make of it.

use super::{Rng, World};
use forethought::artifact::{Artifact, Sensors};
use rand::RngExt;

/// So many numbers, each within its range.
#[derive(Clone, Debug)]
pub struct Noise {
    ranges: Vec<(f32, f32)>,
}

impl Noise {
    /// What the mind of an artifact can be shown: what it was shown in training where the file says so, otherwise
    /// whatever the sensors' range allows.
    pub fn of(artifact: &Artifact<'_>) -> Self {
        let (Sensors { low, high }, n) = (artifact.header().sensors, artifact.sizes().ny());
        let trained = |name| artifact.vector("range", name, n).ok();
        let ranges = match (trained("low"), trained("high")) {
            (Some(low), Some(high)) => low.iter().copied().zip(high.iter().copied()).collect(),
            _ => vec![(low, high); n],
        };
        Self { ranges }
    }
}

impl World for Noise {
    fn reset(&mut self, _: &mut Rng) {}

    fn state(&self) -> Vec<f32> {
        Vec::new()
    }

    fn observe(&mut self, rng: &mut Rng) -> Vec<f32> {
        let mut number = |&(low, high): &(f32, f32)| {
            let share: f32 = rng.random();
            (low * (1.0 - share) + high * share).max(low).min(high)
        };
        self.ranges.iter().map(&mut number).collect()
    }

    fn step(&mut self, _: &[f32]) -> f64 {
        0.0
    }

    fn episode(&self) -> usize {
        usize::MAX
    }
}
