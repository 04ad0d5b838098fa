//! A rocket in a plane above the Moon: position, angle from upright, their rates, fuel. All of its state is seen.
//!
//! The lecture's example: reach the station, which is the origin, on little fuel. `cost = (x² + y²)/100 + T/T_max` is charged before the step; the
//! reward is its negative.

use super::{
    Rng, World,
    motion::{runge_kutta, shown},
    practice::{About, Practice, Pushes},
};
use forethought::{artifact::Plant, feature::Angles};
use rand::RngExt;

/// Time step, in s.
pub const DT: f64 = 0.1;
/// Largest thrust, in kN.
pub const MAX_THRUST: f32 = 6.0;
/// Largest angle of the nozzle, in rad.
pub const MAX_NOZZLE: f32 = 0.5;
/// Steps in an episode.
pub const EPISODE: usize = 100;

const GRAVITY: f64 = 1.62;
/// Mass without fuel, in t.
const DRY: f64 = 1.0;
/// Thrust per fuel burnt in a second.
const EXHAUST: f64 = 30.0;
/// Distance of the nozzle from the middle over the squared radius of gyration.
const LEVER: f64 = 0.5;

/// Where an episode begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Start {
    /// Anywhere a model should know, with fuel that may run out.
    #[default]
    Anywhere,
    /// Near the station, not much faster than it, and with fuel to arrive and to stay there.
    Rendezvous,
}

impl Start {
    /// How far each component may be from 0, and the range of the fuel.
    fn ranges(self) -> ([f64; 6], std::ops::Range<f64>) {
        match self {
            Self::Anywhere => ([10.0, 10.0, 0.5, 2.0, 2.0, 0.3], 0.3..1.2),
            Self::Rendezvous => ([5.0, 5.0, 0.3, 1.0, 1.0, 0.1], 1.2..1.6),
        }
    }
}

/// The plant.
#[derive(Clone, Debug)]
pub struct Rocket {
    /// Position, angle, their rates, fuel.
    pub x: [f64; 7],
    start: Start,
    pushes: Pushes<2>,
}

impl Default for Rocket {
    /// At rest at the station, with a full tank.
    fn default() -> Self {
        Self { x: [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0], start: Start::default(), pushes: Pushes::default() }
    }
}

impl Rocket {
    /// What is called so in weight files.
    pub const RENDEZVOUS: &str = "rendezvous";

    /// One that begins so.
    pub fn starting(start: Start) -> Self {
        Self { start, ..Self::default() }
    }
}

/// `ẋ` under thrust and nozzle.
fn rate(&[_, _, theta, v, w, omega, fuel]: &[f64; 7], [thrust, nozzle]: [f64; 2]) -> [f64; 7] {
    let thrust = if fuel > 0.0 { thrust } else { 0.0 };
    let push = thrust / (DRY + fuel);
    let (sin, cos) = (theta + nozzle).sin_cos();
    [v, w, omega, -push * sin, push * cos - GRAVITY, -LEVER * push * nozzle.sin(), -thrust / EXHAUST]
}

impl World for Rocket {
    fn reset(&mut self, rng: &mut Rng) {
        let (reach, fuel) = self.start.ranges();
        let [x, y, theta, v, w, omega] = reach.map(|reach| rng.random_range(-reach..reach));
        self.x = [x, y, theta, v, w, omega, rng.random_range(fuel)];
    }

    fn state(&self) -> Vec<f32> {
        shown(&self.x, Self::ABOUT.angles)
    }

    fn step(&mut self, action: &[f32]) -> f64 {
        let limited = Self::ABOUT.limit(action);
        let [x, y, ..] = self.x;
        let cost = (x.powi(2) + y.powi(2)) / 100.0 + f64::from(limited[0] / MAX_THRUST);
        let u = [f64::from(limited[0]), f64::from(limited[1])];
        runge_kutta(&mut self.x, |x| rate(x, u), DT);
        self.x[6] = self.x[6].max(0.0);
        -cost
    }

    fn episode(&self) -> usize {
        EPISODE
    }
}

impl Practice for Rocket {
    const ABOUT: About = About {
        name: "rocket",
        plant: Plant::Rocket,
        state: &["x (m)", "y (m)", "θ (rad)", "v (m/s)", "w (m/s)", "ω (rad/s)", "fuel (t)"],
        angles: Angles(0b0000100),
        places: &[0, 1],
        low: &[0.0, -MAX_NOZZLE],
        high: &[MAX_THRUST, MAX_NOZZLE],
        dt: DT,
    };

    fn exact(&self) -> Vec<f64> {
        self.x.to_vec()
    }

    fn place(&mut self, x: &[f64]) {
        self.x.copy_from_slice(x);
    }

    /// A pilot who keeps the craft upright and up, while thrust and lean are pushed about.
    fn explore(&mut self, rng: &mut Rng) -> Vec<f32> {
        let [x, y, theta, v, w, omega, fuel] = self.x;
        let [harder, lean] = self.pushes.next(rng);
        let wanted = (0.02 * x + 0.08 * v + 0.5 * lean).clamp(-0.8, 0.8);
        let lift = (DRY + fuel) * (GRAVITY - 0.1 * y - 0.4 * w) + 2.0 * harder;
        let nozzle = 1.2 * (theta - wanted) + 1.8 * omega + rng.random_range(-0.1..0.1);
        Self::ABOUT.limit(&[lift as f32, nozzle as f32])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::worlds::tests::agrees;
    use forethought::predict::physics::rocket;

    #[test]
    fn the_chips_physics_is_this_world_in_single_precision() {
        agrees(&rocket::Rocket::default(), Rocket::default(), 1e-5);
    }

    #[test]
    fn an_empty_tank_is_the_end_of_thrust() {
        let mut world = Rocket { x: [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.001], ..Rocket::default() };
        world.step(&[MAX_THRUST, 0.0]);
        assert_eq!(world.x[6], 0.0);
        let before = world.x[4];
        world.step(&[MAX_THRUST, 0.5]);
        assert!((world.x[4] - before + GRAVITY * DT).abs() < 1e-12 && world.x[5] == 0.0);
    }
}
