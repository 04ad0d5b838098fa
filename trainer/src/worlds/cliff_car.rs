//! A car on a road along a cliff: [`car`](super::car)'s bicycle, and an edge over which it falls. The lecture's example of
//! what must not be tried out. All of its state is seen; `y` is measured from the middle of the lane.
//!
//! `cost = y²/4 + 4 sin² ½ψ + (v − 8)²/20 + 0.02 a² + 0.2 δ²` is charged before the step, and a fall costs 100 more and ends
//! the episode. Beside the lane, away from the edge, is open country. The reward is the cost's negative.

use super::{
    Rng, World,
    car::Car,
    practice::{About, Practice},
};
use forethought::feature::Angles;
use rand::RngExt;

/// How far the edge is from the middle of the lane, to the right, in m.
pub const EDGE: f64 = 1.0;
/// What a fall costs.
pub const FALL: f64 = 100.0;
/// Speed that is wanted, in m/s.
pub const CRUISE: f64 = 8.0;
/// How far the car should come in an episode, in m: 8 m/s less the time to get there.
pub const FAR: f64 = 60.0;

/// The plant.
#[derive(Clone, Debug, Default)]
pub struct CliffCar {
    car: Car,
}

impl CliffCar {
    /// Whether it has left the edge.
    pub fn fallen(&self) -> bool {
        self.car.x[1] < -EDGE
    }

    /// Whether it has come as far as it should, and has not fallen.
    pub fn arrived(&self) -> bool {
        self.car.x[0] >= FAR && !self.fallen()
    }
}

impl World for CliffCar {
    /// Somewhere in the lane, roughly along it, at town speed.
    fn reset(&mut self, rng: &mut Rng) {
        let (y, heading) = (rng.random_range(-0.4..1.0), rng.random_range(-0.4..0.4));
        self.car.x = [0.0, y, heading, rng.random_range(4.0..10.0)];
    }

    fn state(&self) -> Vec<f32> {
        self.car.state()
    }

    fn step(&mut self, action: &[f32]) -> f64 {
        let limited = Self::ABOUT.limit(action);
        let [push, steering] = [f64::from(limited[0]), f64::from(limited[1])];
        let [_, y, heading, speed] = self.car.x;
        let cost = 0.25 * y.powi(2)
            + 4.0 * (0.5 * heading).sin().powi(2)
            + 0.05 * (speed - CRUISE).powi(2)
            + 0.02 * push.powi(2)
            + 0.2 * steering.powi(2);
        self.car.step(action);
        -cost - if self.fallen() { FALL } else { 0.0 }
    }

    fn over(&self) -> bool {
        self.fallen()
    }

    fn episode(&self) -> usize {
        self.car.episode()
    }
}

impl Practice for CliffCar {
    const ABOUT: About = About {
        name: "car by a cliff",
        angles: Angles(0b0100),
        // Where along the road it is makes no difference; how far from the edge does.
        places: &[0],
        ..Car::ABOUT
    };

    fn exact(&self) -> Vec<f64> {
        self.car.exact()
    }

    fn place(&mut self, x: &[f64]) {
        self.car.place(x);
    }

    /// A learner whose instructor pulls the wheel where it gets close.
    fn explore(&mut self, rng: &mut Rng) -> Vec<f32> {
        let [_, y, heading, speed] = self.car.x;
        let push = rng.random_range(-2.0..2.0) - 0.4 * (speed - CRUISE);
        let steering = rng.random_range(-0.1..0.1) - 0.05 * y - 0.4 * heading;
        Self::ABOUT.limit(&[push as f32, steering as f32])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::worlds::tests::agrees;
    use forethought::predict::physics;
    use rand::SeedableRng;

    #[test]
    fn the_chips_physics_is_this_world_in_single_precision() {
        agrees(&physics::car::Car::default(), CliffCar::default(), 1e-5);
    }

    #[test]
    fn the_cost_and_the_fall() {
        let mut world = CliffCar::default();
        world.place(&[0.0, -0.6, 0.0, 10.0]);
        assert!((world.step(&[1.0, 0.5]) + 0.09 + 0.2 + 0.02 + 0.05).abs() < 1e-9);
        assert!(!world.over());
        world.place(&[0.0, -0.9, -0.5, 8.0]);
        assert!(world.step(&[0.0, 0.0]) < -FALL);
        assert!(world.over() && !world.arrived());
    }

    #[test]
    fn who_steers_towards_the_lane_arrives_and_who_does_not_may_fall() {
        let (mut world, rng) = (CliffCar::default(), &mut Rng::seed_from_u64(1));
        let mut drive = |steer: f32| {
            let one = |_| {
                world.reset(rng);
                let mut steps = 0;
                while steps < world.episode() && !world.over() {
                    let x = world.state();
                    world.step(&[8.0 - x[3], steer * (-0.3 * x[1] - 1.5 * x[2])]);
                    steps += 1;
                }
                [usize::from(world.arrived()), usize::from(world.fallen())]
            };
            (0..100).map(one).fold([0; 2], |sum, one| [sum[0] + one[0], sum[1] + one[1]])
        };
        assert_eq!(drive(1.0), [100, 0]);
        let [arrived, fallen] = drive(0.0);
        assert!(fallen > 30 && arrived + fallen == 100, "{arrived} arrived, {fallen} fell");
    }
}
