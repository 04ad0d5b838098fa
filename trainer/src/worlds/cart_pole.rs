//! The cart-pole: a pole on a hinge on a cart on a rail, to be swung up by pushing the cart. All of its state is seen.
//!
//! θ = 0 points up; `cost = ½x² + 0.05 ẋ² + 2(1 − cos θ) + 0.01 θ̇² + 0.001 F²` is charged before the step; the reward is its
//! negative.

use super::{
    Rng, World,
    motion::{semi_implicit, shown},
    practice::{About, Practice, Pushes},
};
use forethought::{artifact::Plant, feature::Angles};
use rand::RngExt;
use std::f64::consts::PI;

/// Time step, in s.
pub const DT: f64 = 0.05;
/// Largest force, in N.
pub const MAX_FORCE: f32 = 10.0;
/// Where the rail ends, in m from its middle.
pub const RAIL: f64 = 2.4;
/// Steps in an episode.
pub const EPISODE: usize = 100;
/// The pole's angle, among `(x, ẋ, θ, θ̇)`.
pub const ANGLES: Angles = Angles(0b0100);

const GRAVITY: f64 = 9.8;
const CART: f64 = 1.0;
const POLE: f64 = 0.1;
/// Half of the pole's length, in m.
const HALF_LENGTH: f64 = 0.5;

/// The plant.
#[derive(Clone, Debug)]
pub struct CartPole {
    /// Position, speed, angle (not wrapped), angular speed.
    pub x: [f64; 4],
    pushes: Pushes<1>,
}

impl Default for CartPole {
    /// The pole hangs at rest in the middle of the rail.
    fn default() -> Self {
        Self { x: [0.0, 0.0, PI, 0.0], pushes: Pushes::default() }
    }
}

/// `ẋ` under a force.
fn rate([_, v, theta, omega]: &[f64; 4], force: f64) -> [f64; 4] {
    let (sin, cos) = theta.sin_cos();
    let (mass, moment) = (CART + POLE, POLE * HALF_LENGTH);
    let push = (force + moment * omega.powi(2) * sin) / mass;
    let turn = (GRAVITY * sin - cos * push) / (HALF_LENGTH * (4.0 / 3.0 - POLE * cos.powi(2) / mass));
    [*v, push - moment * turn * cos / mass, *omega, turn]
}

impl CartPole {
    /// Kinetic and potential energy, in J: without a force it stays what it is.
    pub fn energy(&self) -> f64 {
        let [_, v, theta, omega] = self.x;
        let moment = POLE * HALF_LENGTH;
        0.5 * (CART + POLE) * v.powi(2)
            + moment * v * omega * theta.cos()
            + 2.0 / 3.0 * moment * HALF_LENGTH * omega.powi(2)
            + moment * GRAVITY * theta.cos()
    }
}

impl World for CartPole {
    fn reset(&mut self, rng: &mut Rng) {
        let mut within = |reach: f64| rng.random_range(-reach..reach);
        self.x = [within(1.0), within(1.0), within(PI), within(2.0)];
    }

    fn state(&self) -> Vec<f32> {
        shown(&self.x, ANGLES)
    }

    fn step(&mut self, action: &[f32]) -> f64 {
        let force = f64::from(action[0].clamp(-MAX_FORCE, MAX_FORCE));
        let [x, v, theta, omega] = self.x;
        let cost = 0.5 * x.powi(2)
            + 0.05 * v.powi(2)
            + 2.0 * (1.0 - theta.cos())
            + 0.01 * omega.powi(2)
            + 0.001 * force.powi(2);
        semi_implicit(&mut self.x, |x| rate(x, force), [false, true, false, true], DT);
        -cost
    }

    fn episode(&self) -> usize {
        EPISODE
    }
}

impl Practice for CartPole {
    const ABOUT: About = About {
        name: "cart-pole",
        plant: Plant::CartPole,
        state: &["x (m)", "ẋ (m/s)", "θ (rad)", "θ̇ (rad/s)"],
        angles: ANGLES,
        places: &[0],
        low: &[-MAX_FORCE],
        high: &[MAX_FORCE],
        dt: DT,
    };

    fn exact(&self) -> Vec<f64> {
        self.x.to_vec()
    }

    fn place(&mut self, x: &[f64]) {
        self.x.copy_from_slice(x);
    }

    /// Pushes that swing the pole, while the cart stays near the middle.
    fn explore(&mut self, rng: &mut Rng) -> Vec<f32> {
        let [x, v, ..] = self.x;
        let [push] = self.pushes.next(rng);
        Self::ABOUT.limit(&[(10.0 * push - 2.0 * x - 1.5 * v) as f32])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::worlds::{motion::runge_kutta, pendulum::wrap, tests::agrees};
    use forethought::predict::physics::cart_pole;

    #[test]
    fn the_published_step_and_its_cost() {
        let mut world = CartPole { x: [0.1, -0.2, 0.3, 0.4], ..CartPole::default() };
        assert!((world.step(&[3.0]) + 0.106_927_02).abs() < 1e-8);
        let truth = [0.096_773_44, -0.064_531_13, 0.321_153_99, 0.423_079_82];
        assert!(world.x.iter().zip(truth).all(|(x, truth)| (x - truth).abs() < 1e-8), "{:?}", world.x);
    }

    #[test]
    fn the_chips_physics_is_this_world_in_single_precision() {
        agrees(&cart_pole::CartPole::default(), CartPole::default(), 1e-5);
    }

    #[test]
    fn without_a_force_energy_stays() {
        let mut world = CartPole::default();
        world.x[2] = 2.0;
        let before = world.energy();
        for _ in 0..2000 {
            runge_kutta(&mut world.x, |x| rate(x, 0.0), 0.01);
        }
        assert!((world.energy() - before).abs() < 1e-5);
        assert!(wrap(world.x[2]).abs() > 1.9, "it does not swing higher than it came from");
    }
}
