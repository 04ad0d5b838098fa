//! Gymnasium's Pendulum-v1, to the bit of its arithmetic, plus a small camera.
//!
//! θ = 0 points up; `cost = wrap(θ)² + 0.1 ω² + 0.001 u²` is charged before the step; the reward is its negative.

use super::{
    Rng, World,
    camera::Camera,
    practice::{About, Practice},
};
use forethought::{artifact::Plant, feature::Angles};
use rand::RngExt;
use std::f64::consts::{PI, TAU};

/// Time step, in s.
pub const DT: f64 = 0.05;
/// Largest torque, in N m.
pub const MAX_TORQUE: f32 = 2.0;
/// Largest angular speed, in rad/s.
pub const MAX_SPEED: f64 = 8.0;
/// Steps in an episode.
pub const EPISODE: usize = 200;

/// The plant and the camera that films it.
#[derive(Clone, Debug)]
pub struct Pendulum {
    /// Angle, in rad, not wrapped.
    pub theta: f64,
    /// Angular speed, in rad/s.
    pub omega: f64,
    camera: Camera,
}

impl Pendulum {
    /// Hangs at rest until [`reset`](World::reset).
    pub fn new(camera: Camera) -> Self {
        Self { theta: PI, omega: 0.0, camera }
    }

    /// Starts from a given state.
    pub fn set(&mut self, theta: f64, omega: f64) {
        (self.theta, self.omega) = (theta, omega);
    }
}

impl World for Pendulum {
    fn reset(&mut self, rng: &mut Rng) {
        self.set(rng.random_range(-PI..PI), rng.random_range(-1.0..1.0));
    }

    fn state(&self) -> Vec<f32> {
        vec![wrap(self.theta) as f32, self.omega as f32]
    }

    fn observe(&mut self, rng: &mut Rng) -> Vec<f32> {
        self.camera.film(self.theta, rng)
    }

    fn step(&mut self, action: &[f32]) -> f64 {
        let u = action[0].clamp(-MAX_TORQUE, MAX_TORQUE);
        // Gymnasium squares and scales the action in single precision, the rest is double.
        let cost = wrap(self.theta).powi(2) + 0.1 * self.omega.powi(2) + f64::from(0.001 * (u * u));
        let omega = self.omega + (15.0 * self.theta.sin() + f64::from(3.0 * u)) * DT;
        self.omega = omega.clamp(-MAX_SPEED, MAX_SPEED);
        self.theta += self.omega * DT;
        -cost
    }

    fn episode(&self) -> usize {
        EPISODE
    }
}

impl Practice for Pendulum {
    const ABOUT: About = About {
        name: "pendulum",
        plant: Plant::Pendulum,
        state: &["θ (rad)", "ω (rad/s)"],
        angles: Angles(0b01),
        places: &[],
        low: &[-MAX_TORQUE],
        high: &[MAX_TORQUE],
        dt: DT,
    };

    fn exact(&self) -> Vec<f64> {
        vec![self.theta, self.omega]
    }

    fn place(&mut self, x: &[f64]) {
        self.set(x[0], x[1]);
    }

    /// Torques that pump energy in, most of the time.
    fn explore(&mut self, rng: &mut Rng) -> Vec<f32> {
        Self::ABOUT.limit(&[rng.random_range(-2.0..2.0) + self.omega.signum() as f32])
    }
}

/// Brings an angle to `[−π, π)`.
pub fn wrap(angle: f64) -> f64 {
    (angle + PI).rem_euclid(TAU) - PI
}

#[cfg(test)]
mod tests {
    use super::*;
    use forethought::{Zero, predict::ForwardModel, predict::physics};
    use rand::SeedableRng;

    #[test]
    fn the_chips_physics_is_this_world_in_single_precision() {
        let mut world = Pendulum::new(Camera::default());
        let rng = &mut Rng::seed_from_u64(5);
        let model = physics::pendulum::Pendulum::default();
        for _ in 0..2000 {
            let (theta, omega) = (rng.random_range(-PI..PI), rng.random_range(-8.0..8.0));
            let u = rng.random_range(-2.0..2.0f32);
            world.set(theta, omega);
            world.step(&[u]);
            let mut next = [0.0; 2];
            let mut trace = Zero::ZERO;
            model.step(&mut trace, &[theta as f32, omega as f32], &[u], &[], &mut next);
            assert!((f64::from(next[0]) - world.theta).abs() < 2e-6);
            assert!((f64::from(next[1]) - world.omega).abs() < 2e-6);
        }
    }

    #[test]
    fn the_cost_is_charged_before_the_step_and_torque_is_clipped() {
        let mut world = Pendulum::new(Camera::default());
        world.set(1.0, 2.0);
        assert!((world.step(&[5.0]) + 1.0 + 0.4 + 0.004).abs() < 1e-9);
        world.set(0.0, 7.9);
        world.step(&[2.0]);
        assert_eq!(world.omega, MAX_SPEED);
        world.set(PI + 0.1, 0.0);
        assert!((f64::from(world.state()[0]) - (0.1 - PI)).abs() < 1e-6, "the state is wrapped");
    }
}
