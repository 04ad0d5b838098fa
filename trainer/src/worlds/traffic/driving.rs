//! Driving in the midst of traffic, for a driver who [watches](super::around) the nearest cars: that is the state.

use super::{Config, Highway, around};
use crate::worlds::{Rng, World};

/// The car that is driven, counted from the rear of the platoon: in the midst of it.
const EGO: usize = 15;

/// A highway and who drives on it. An episode ends at a collision or beyond the edge of the road.
#[derive(Clone, Debug)]
pub struct Driving(Highway);

impl Default for Driving {
    fn default() -> Self {
        Self(Highway::new(Config { ego: EGO, ..Config::default() }))
    }
}

impl Driving {
    /// A step in which the simulator's own driver drives.
    pub fn go_on(&mut self) {
        self.0.advance(None);
    }

    /// How far along the road the car is, in m.
    pub fn place(&self) -> f64 {
        self.0.ego().x
    }
}

impl World for Driving {
    fn reset(&mut self, rng: &mut Rng) {
        self.0.reset(rng);
    }

    fn state(&self) -> Vec<f32> {
        around::watch(self.0.road(), self.0.cars(), EGO).to_vec()
    }

    /// Drives the car with an acceleration and a rate of turning; the reward is the way along the road, in m.
    fn step(&mut self, action: &[f32]) -> f64 {
        self.0.step(action)
    }

    fn over(&self) -> bool {
        self.0.ego().crashed || self.0.off_road()
    }

    fn episode(&self) -> usize {
        self.0.episode()
    }
}
