//! A car on a meadow with a pond that is on no map: [`car`](super::car)'s bicycle, a place to come to, and a place to end in.
//!
//! `cost = 0.02 ‖place − goal‖² + 0.1 a² + δ²` is charged before the step, and the pond costs 100 more and ends the episode. The
//! reward is the cost's negative.

use super::{
    Rng, World,
    car::Car,
    practice::{About, Practice},
};
use forethought::feature::Angles;
use rand::RngExt;

/// The pond is round, its middle at (0, 0), its radius in m.
pub const RADIUS: f64 = 2.0;
/// What it costs to end in it.
pub const WET: f64 = 100.0;
/// Where the car should come to, in m.
pub const GOAL: [f64; 2] = [7.0, 0.0];
/// What a squared m from there costs at every step.
pub const FAR: f64 = 0.02;
/// Half the width of the meadow on which a log is driven, in m.
pub const MEADOW: f64 = 10.0;

/// The plant.
#[derive(Clone, Debug, Default)]
pub struct Pond {
    car: Car,
}

/// How far a state is from the middle of the pond, in m.
pub fn distance(x: &[f32]) -> f64 {
    f64::from(x[0]).hypot(f64::from(x[1]))
}

impl Pond {
    /// A learner's start: anywhere on the meadow, whichever way, at any speed that will be driven.
    pub fn anywhere(&mut self, rng: &mut Rng) {
        let mut within = |reach: f64| rng.random_range(-reach..reach);
        let [x, y, heading] = [MEADOW, MEADOW, std::f64::consts::PI].map(&mut within);
        self.car.x = [x, y, heading, rng.random_range(0.0..8.0)];
    }

    /// An action of a learner: see [`Car`].
    pub fn explore(&mut self, rng: &mut Rng) -> Vec<f32> {
        self.car.explore(rng)
    }
}

impl World for Pond {
    /// On the other side of the pond, roughly facing the goal.
    fn reset(&mut self, rng: &mut Rng) {
        let (y, heading) = (rng.random_range(-1.5..1.5), rng.random_range(-0.3..0.3));
        self.car.x = [-7.0, y, heading, rng.random_range(1.0..4.0)];
    }

    fn state(&self) -> Vec<f32> {
        self.car.state()
    }

    fn step(&mut self, action: &[f32]) -> f64 {
        let limited = Car::ABOUT.limit(action);
        let [push, steering] = [f64::from(limited[0]), f64::from(limited[1])];
        let [x, y, ..] = self.car.x;
        let away = (x - GOAL[0]).powi(2) + (y - GOAL[1]).powi(2);
        self.car.step(action);
        -FAR * away - 0.1 * push.powi(2) - steering.powi(2) - if self.over() { WET } else { 0.0 }
    }

    fn over(&self) -> bool {
        distance(&self.car.state()) < RADIUS
    }

    fn episode(&self) -> usize {
        self.car.episode()
    }
}

/// What it is: [`Car`]'s, but where it is makes a difference.
pub const ABOUT: About = About { name: "car by a pond", angles: Angles(0b0100), places: &[], ..Car::ABOUT };

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    #[test]
    fn who_drives_straight_on_ends_in_the_pond_and_pays_for_it() {
        let (mut world, rng) = (Pond::default(), &mut Rng::seed_from_u64(1));
        world.reset(rng);
        world.car.x = [-7.0, 0.0, 0.0, 4.0];
        let first = world.step(&[1.0, 0.5]);
        assert!((first + FAR * 196.0 + 0.1 + 0.25).abs() < 1e-6, "{first}");
        world.car.x = [-2.1, 0.0, 0.0, 4.0];
        assert!(world.step(&[0.0, 0.0]) < -WET && world.over());
    }
}
