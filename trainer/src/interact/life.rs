//! A life in a world, which is counted: each step, and each crash.

use crate::worlds::{Rng, World};
use rand::SeedableRng;

/// One step of a life.
#[derive(Clone, Debug)]
pub struct Moment {
    /// Where it began.
    pub state: Vec<f32>,
    /// What was done.
    pub action: Vec<f32>,
    /// What it was worth.
    pub reward: f32,
    /// Where it led.
    pub next: Vec<f32>,
    /// Nothing comes after it: a goal, or a crash. The end of the time is no such end.
    pub over: bool,
}

/// A world and whoever lives in it.
pub struct Life<'w> {
    world: Box<dyn World + 'w>,
    rng: Rng,
    age: usize,
    /// Steps that were lived.
    pub interactions: usize,
    /// Episodes that ended before their time.
    pub ends: usize,
}

impl<'w> Life<'w> {
    /// Begins the first episode.
    pub fn new(world: impl World + 'w, seed: u64) -> Self {
        let mut world: Box<dyn World + 'w> = Box::new(world);
        let mut rng = Rng::seed_from_u64(seed);
        world.reset(&mut rng);
        Self { world, rng, age: 0, interactions: 0, ends: 0 }
    }

    /// Where it is.
    pub fn state(&self) -> Vec<f32> {
        self.world.state()
    }

    /// Steps since the episode began: 0 where a new one begins.
    pub fn age(&self) -> usize {
        self.age
    }

    /// Acts for one step. A new episode follows one that has ended.
    pub fn step(&mut self, action: &[f32]) -> Moment {
        let state = self.world.state();
        let reward = self.world.step(action) as f32;
        let (next, over) = (self.world.state(), self.world.over());
        self.interactions += 1;
        self.age += 1;
        self.ends += usize::from(over);
        if over || self.age == self.world.episode() {
            self.world.reset(&mut self.rng);
            self.age = 0;
        }
        Moment { state, action: action.to_vec(), reward, next, over }
    }

    /// Lives to the end of the episode.
    pub fn episode(&mut self, mut policy: impl FnMut(&[f32]) -> Vec<f32>) -> Vec<Moment> {
        let mut moments = Vec::new();
        loop {
            let action = policy(&self.world.state());
            moments.push(self.step(&action));
            if self.age == 0 {
                return moments;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::worlds::{camera::Camera, cliff_car::CliffCar, pendulum::Pendulum};

    #[test]
    fn steps_and_early_ends_are_counted() {
        let mut life = Life::new(CliffCar::default(), 1);
        let moments: usize = (0..10).map(|_| life.episode(|_| vec![0.0, -0.5]).len()).sum();
        assert_eq!((life.interactions, life.ends), (moments, 10), "whoever steers to the right falls");
        let mut life = Life::new(Pendulum::new(Camera::default()), 1);
        let moments = life.episode(|_| vec![1.0]);
        assert_eq!((moments.len(), life.interactions, life.ends), (200, 200, 0));
        assert!(moments.windows(2).all(|pair| pair[0].next == pair[1].state));
        assert!(moments.iter().all(|m| !m.over && m.reward <= 0.0));
    }
}
