//! A car on an open plane, a kinematic bicycle: place of the rear axle, heading, speed. All of its state is seen.
//!
//! `cost = (v − 8)²/10 + 0.1 a² + δ²` is charged before the step: drive smoothly at 8 m/s. The reward is its negative.

use super::{
    Rng, World,
    motion::{runge_kutta, shown},
    practice::{About, Practice, Pushes},
};
use forethought::{artifact::Plant, feature::Angles};
use rand::RngExt;
use std::f64::consts::PI;

/// Time step, in s.
pub const DT: f64 = 0.1;
/// Largest acceleration, in m/s².
pub const MAX_PUSH: f32 = 4.0;
/// Largest steering angle, in rad.
pub const MAX_STEERING: f32 = 0.5;
/// Steps in an episode.
pub const EPISODE: usize = 100;

/// Distance of the axles, in m.
const WHEELBASE: f64 = 2.7;
/// Speed lost to friction, in 1/s.
const DRAG: f64 = 0.05;
/// Speed that is wanted, in m/s.
const CRUISE: f64 = 8.0;

/// The plant.
#[derive(Clone, Debug, Default)]
pub struct Car {
    /// Place, heading, speed.
    pub x: [f64; 4],
    pushes: Pushes<2>,
}

/// `ẋ` under acceleration and steering.
fn rate(&[_, _, heading, speed]: &[f64; 4], [push, steering]: [f64; 2]) -> [f64; 4] {
    let (sin, cos) = heading.sin_cos();
    [speed * cos, speed * sin, speed * steering.tan() / WHEELBASE, push - DRAG * speed]
}

impl World for Car {
    fn reset(&mut self, rng: &mut Rng) {
        let mut within = |reach: f64| rng.random_range(-reach..reach);
        let [x, y, heading] = [20.0, 20.0, PI].map(&mut within);
        self.x = [x, y, heading, rng.random_range(0.0..14.0)];
    }

    fn state(&self) -> Vec<f32> {
        shown(&self.x, Self::ABOUT.angles)
    }

    fn step(&mut self, action: &[f32]) -> f64 {
        let limited = Self::ABOUT.limit(action);
        let [push, steering] = [f64::from(limited[0]), f64::from(limited[1])];
        let cost = (self.x[3] - CRUISE).powi(2) / 10.0 + 0.1 * push.powi(2) + steering.powi(2);
        runge_kutta(&mut self.x, |x| rate(x, [push, steering]), DT);
        -cost
    }

    fn episode(&self) -> usize {
        EPISODE
    }
}

impl Practice for Car {
    const ABOUT: About = About {
        name: "car",
        plant: Plant::Car,
        state: &["x (m)", "y (m)", "ψ (rad)", "v (m/s)"],
        angles: Angles(0b0100),
        places: &[0, 1],
        low: &[-MAX_PUSH, -MAX_STEERING],
        high: &[MAX_PUSH, MAX_STEERING],
        dt: DT,
    };

    fn exact(&self) -> Vec<f64> {
        self.x.to_vec()
    }

    fn place(&mut self, x: &[f64]) {
        self.x.copy_from_slice(x);
    }

    /// A learner: roughly the wanted speed, the wheel now here and now there.
    fn explore(&mut self, rng: &mut Rng) -> Vec<f32> {
        let [faster, turn] = self.pushes.next(rng);
        let push = 4.0 * faster - 0.4 * (self.x[3] - CRUISE);
        let action = [push, 0.5 * turn + rng.random_range(-0.02..0.02)];
        Self::ABOUT.limit(&action.map(|u| u as f32))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::worlds::tests::agrees;
    use forethought::predict::physics::car;

    #[test]
    fn the_chips_physics_is_this_world_in_single_precision() {
        agrees(&car::Car::default(), Car::default(), 1e-5);
    }
}
