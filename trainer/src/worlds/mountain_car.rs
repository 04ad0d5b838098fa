//! The mountain car: an engine too weak for the slope, so the car has to swing back first. Both of Gymnasium's versions,
//! MountainCar-v0 (back, coast, forth) and MountainCarContinuous-v0. All of its state is seen.
//!
//! ```text
//! v' = clamp(v + power u − 0.0025 cos 3x, ±0.07),   x' = clamp(x + v', −1.2, 0.6),   v' = 0 at the left wall
//! ```
//! It ends at the goal. (Moore 1990.)

use super::{
    Rng, World,
    practice::{About, Practice, Pushes},
};
use forethought::{artifact::Plant, feature::Angles, predict::physics::mountain_car};
use rand::RngExt;

/// Where the left wall stands, in m; the bottom of the valley is at −π/6.
pub const WALL: f64 = -1.2;
/// The end of the track on the right.
pub const END: f64 = 0.6;
/// Largest speed, in m a step.
pub const MAX_SPEED: f64 = 0.07;

const GRAVITY: f64 = 0.0025;

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// −1, 0 or 1, rounded from the action; a step costs 1; the goal is at 0.5; 200 steps.
    Discrete,
    /// From −1 to 1; a step costs `0.1 u²`; the goal, at 0.45, is worth 100; 999 steps.
    Continuous,
}

impl Engine {
    /// Change of speed under full throttle, in m a step².
    pub fn power(self) -> f64 {
        match self {
            Self::Discrete => 0.001,
            Self::Continuous => 0.0015,
        }
    }

    /// Where the goal begins.
    pub fn goal(self) -> f64 {
        match self {
            Self::Discrete => 0.5,
            Self::Continuous => 0.45,
        }
    }

    /// What the plant is.
    pub fn about(self) -> About {
        match self {
            Self::Discrete => About { name: "mountain-car", ..MountainCar::ABOUT },
            Self::Continuous => MountainCar::ABOUT,
        }
    }

    /// Constants of the chip's physics.
    pub fn constants(self) -> mountain_car::Constants {
        mountain_car::Constants { power: self.power() as f32, ..Default::default() }
    }
}

/// The car.
#[derive(Clone, Debug)]
pub struct MountainCar {
    engine: Engine,
    /// Place, in m.
    pub x: f64,
    /// Speed, in m a step.
    pub v: f64,
    pushes: Pushes<1>,
}

impl MountainCar {
    /// At rest in the middle of where it starts.
    pub fn new(engine: Engine) -> Self {
        Self { engine, x: -0.5, v: 0.0, pushes: Pushes::default() }
    }
}

impl World for MountainCar {
    fn reset(&mut self, rng: &mut Rng) {
        (self.x, self.v) = (rng.random_range(-0.6..-0.4), 0.0);
    }

    fn state(&self) -> Vec<f32> {
        vec![self.x as f32, self.v as f32]
    }

    fn step(&mut self, action: &[f32]) -> f64 {
        let asked = f64::from(action[0].clamp(-1.0, 1.0));
        let u = if self.engine == Engine::Discrete { asked.round() } else { asked };
        let v = self.v + u * self.engine.power() - GRAVITY * (3.0 * self.x).cos();
        self.v = v.clamp(-MAX_SPEED, MAX_SPEED);
        self.x = (self.x + self.v).clamp(WALL, END);
        if self.x == WALL {
            self.v = self.v.max(0.0);
        }
        match self.engine {
            Engine::Discrete => -1.0,
            // Gymnasium charges what was asked for, in range or not.
            Engine::Continuous => {
                (if self.over() { 100.0 } else { 0.0 }) - 0.1 * f64::from(action[0]).powi(2)
            }
        }
    }

    fn over(&self) -> bool {
        self.x >= self.engine.goal() && self.v >= 0.0
    }

    fn episode(&self) -> usize {
        match self.engine {
            Engine::Discrete => 200,
            Engine::Continuous => 999,
        }
    }
}

impl Practice for MountainCar {
    /// Of the continuous version.
    const ABOUT: About = About {
        name: "mountain-car-continuous",
        plant: Plant::MountainCar,
        state: &["x (m)", "v (m/step)"],
        angles: Angles(0),
        places: &[],
        low: &[-1.0],
        high: &[1.0],
        dt: 1.0,
    };

    fn exact(&self) -> Vec<f64> {
        vec![self.x, self.v]
    }

    fn place(&mut self, x: &[f64]) {
        (self.x, self.v) = (x[0], x[1]);
    }

    /// Throttle that mostly goes with the motion, so that the car swings up and all of the valley is seen.
    fn explore(&mut self, rng: &mut Rng) -> Vec<f32> {
        let [push] = self.pushes.next(rng);
        vec![(push + 0.5 * self.v.signum()).clamp(-1.0, 1.0) as f32]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::worlds::tests::agrees;
    use forethought::predict::physics::integrate::SemiImplicit;
    use rand::SeedableRng;

    /// Drives until the episode ends: how many steps, and what they were worth.
    fn drive(engine: Engine, policy: impl Fn(&MountainCar) -> f32) -> (usize, f64) {
        let mut car = MountainCar::new(engine);
        car.reset(&mut Rng::seed_from_u64(3));
        let (mut steps, mut total) = (0, 0.0);
        while steps < car.episode() && !car.over() {
            total += car.step(&[policy(&car)]);
            steps += 1;
        }
        (steps, total)
    }

    #[test]
    fn the_chips_physics_is_this_world_in_single_precision() {
        let plant = SemiImplicit(Engine::Continuous.constants());
        agrees(&plant, MountainCar::new(Engine::Continuous), 1e-6);
    }

    #[test]
    fn one_step_by_hand() {
        // cos(−1.5) = 0.070 737 201 667 7
        let mut car = MountainCar::new(Engine::Continuous);
        assert!((car.step(&[0.5]) + 0.025).abs() < 1e-12);
        let v = 0.000_75 - 0.0025 * 0.070_737_201_667_7;
        assert!((car.v - v).abs() < 1e-15 && (car.x - (v - 0.5)).abs() < 1e-15);
        let mut car = MountainCar::new(Engine::Discrete);
        assert_eq!(car.step(&[0.8]), -1.0);
        assert!((car.v - (0.001 - 0.0025 * 0.070_737_201_667_7)).abs() < 1e-15, "throttle is rounded");
    }

    #[test]
    fn full_throttle_does_not_climb_but_swinging_does() {
        for engine in [Engine::Discrete, Engine::Continuous] {
            let (steps, _) = drive(engine, |_| 1.0);
            assert_eq!(steps, MountainCar::new(engine).episode());
            let (steps, total) = drive(engine, |car| if car.v < 0.0 { -1.0 } else { 1.0 });
            assert!(steps < 150, "{engine:?}: {steps}");
            let expected = if engine == Engine::Discrete { 0.0 } else { 100.0 + 0.9 * steps as f64 };
            assert!((total - expected + steps as f64).abs() < 1e-9, "{total} in {steps} steps");
        }
    }

    #[test]
    fn the_wall_takes_all_speed() {
        let mut car = MountainCar::new(Engine::Continuous);
        car.place(&[-1.19, -0.06]);
        car.step(&[-1.0]);
        assert_eq!((car.x, car.v), (WALL, 0.0));
    }
}
