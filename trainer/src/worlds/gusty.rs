//! Gusty weather on the [road along a cliff](super::cliff_car): now and then, at no time that anybody could foresee, the wind
//! shoves the car towards the edge.

use super::{
    Rng, World,
    cliff_car::{CliffCar, FALL},
    practice::Practice,
};
use rand::{RngExt, SeedableRng};

/// The chance of a gust in a step.
pub const CHANCE: f64 = 0.04;
/// How far a gust shoves the car, in m.
pub const SHOVE: std::ops::Range<f64> = 0.3..1.2;

/// The car and the weather, which has a generator of its own.
#[derive(Clone, Debug)]
pub struct Gusty {
    car: CliffCar,
    weather: Rng,
}

impl Default for Gusty {
    fn default() -> Self {
        Self { car: CliffCar::default(), weather: Rng::seed_from_u64(0) }
    }
}

impl Gusty {
    /// Whether it has left the edge.
    pub fn fallen(&self) -> bool {
        self.car.fallen()
    }

    /// An action of a learner: see [`CliffCar`].
    pub fn explore(&mut self, rng: &mut Rng) -> Vec<f32> {
        self.car.explore(rng)
    }
}

impl World for Gusty {
    fn reset(&mut self, rng: &mut Rng) {
        self.car.reset(rng);
        self.weather = Rng::seed_from_u64(rng.random());
    }

    fn state(&self) -> Vec<f32> {
        self.car.state()
    }

    fn step(&mut self, action: &[f32]) -> f64 {
        let reward = self.car.step(action);
        if self.car.over() || !self.weather.random_bool(CHANCE) {
            return reward;
        }
        let mut x = self.car.exact();
        x[1] -= self.weather.random_range(SHOVE);
        self.car.place(&x);
        reward - if self.car.fallen() { FALL } else { 0.0 }
    }

    fn over(&self) -> bool {
        self.car.over()
    }

    fn episode(&self) -> usize {
        self.car.episode()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gusts_come_as_often_as_they_should_and_only_towards_the_edge() {
        let (mut world, rng) = (Gusty::default(), &mut Rng::seed_from_u64(1));
        let (mut gusts, mut steps) = (0, 0);
        for _ in 0..200 {
            world.reset(rng);
            while !world.over() && steps % 100 != 99 {
                let mut calm = world.car.clone();
                let action = world.explore(rng);
                let (there, here) = (calm.step(&action), world.step(&action));
                let shoved = f64::from(calm.state()[1] - world.state()[1]);
                assert!(shoved == 0.0 || (SHOVE.start - 1e-3..SHOVE.end + 1e-3).contains(&shoved));
                assert!((there - here).abs() < 1e-9 || (world.fallen() && there - here == FALL));
                gusts += usize::from(shoved > 0.0);
                steps += 1;
            }
            steps += 1;
        }
        let share = gusts as f64 / steps as f64;
        assert!((0.7 * CHANCE..1.3 * CHANCE).contains(&share), "{share}");
    }
}
