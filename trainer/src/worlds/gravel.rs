//! A car on gravel: [`car`](super::car)'s bicycle, a place to come to soon, and a speed above which the tyres let go.
//!
//! `cost = 0.01 ‖place − goal‖² + 0.1 a² + δ²` is charged before the step, and a skid costs 200 more and ends the episode. The
//! reward is the cost's negative.

use super::{
    Rng, World,
    car::Car,
    practice::{About, Practice},
};
use rand::RngExt;

/// The speed that the tyres hold, in m/s.
pub const GRIP: f64 = 6.0;
/// What a skid costs.
pub const SKID: f64 = 200.0;
/// What a squared m from the goal, the origin, costs at every step.
pub const FAR: f64 = 0.01;

/// The plant.
#[derive(Clone, Debug, Default)]
pub struct Gravel {
    car: Car,
}

impl World for Gravel {
    /// Far from the goal, roughly facing it, slowly.
    fn reset(&mut self, rng: &mut Rng) {
        let (y, heading) = (rng.random_range(-3.0..3.0), rng.random_range(-0.3..0.3));
        self.car.x = [-25.0, y, heading, rng.random_range(0.0..3.0)];
    }

    fn state(&self) -> Vec<f32> {
        self.car.state()
    }

    fn step(&mut self, action: &[f32]) -> f64 {
        let limited = Self::ABOUT.limit(action);
        let [push, steering] = [f64::from(limited[0]), f64::from(limited[1])];
        let [x, y, ..] = self.car.x;
        self.car.step(action);
        let skid = if self.over() { SKID } else { 0.0 };
        -FAR * (x.powi(2) + y.powi(2)) - 0.1 * push.powi(2) - steering.powi(2) - skid
    }

    fn over(&self) -> bool {
        self.car.x[3].abs() > GRIP
    }

    fn episode(&self) -> usize {
        self.car.episode()
    }
}

impl Practice for Gravel {
    const ABOUT: About = About { name: "car on gravel", ..Car::ABOUT };

    fn exact(&self) -> Vec<f64> {
        self.car.exact()
    }

    fn place(&mut self, x: &[f64]) {
        self.car.place(x);
    }

    /// A learner's: see [`Car`].
    fn explore(&mut self, rng: &mut Rng) -> Vec<f32> {
        self.car.explore(rng)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cost_and_the_skid() {
        let mut world = Gravel::default();
        world.place(&[-3.0, 4.0, 0.0, 5.0]);
        assert!((world.step(&[1.0, 0.5]) + 0.25 + 0.1 + 0.25).abs() < 1e-9 && !world.over());
        world.place(&[0.0, 0.0, 0.0, GRIP]);
        assert!(world.step(&[4.0, 0.0]) < -SKID && world.over());
    }
}
