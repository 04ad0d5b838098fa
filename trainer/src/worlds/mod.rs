//! Worlds: what an agent lives in. The truth that models are trained on and plans are tried in.

pub mod camera;
pub mod cart_pole;
pub mod digits;
pub mod motion;
pub mod noise;
pub mod pendulum;
pub mod tracked;
pub mod traffic;

use rand_xoshiro::Xoshiro256PlusPlus;

/// The generator of all randomness: portable, so a seed gives the same numbers on every machine.
pub type Rng = Xoshiro256PlusPlus;

/// A world that shows something, is acted on, and goes on in discrete time.
pub trait World {
    /// A new episode from a random start.
    fn reset(&mut self, rng: &mut Rng);

    /// The true state in the model's coordinates, angles in `[−π, π)`.
    fn state(&self) -> Vec<f32>;

    /// What the sensors show.
    fn observe(&mut self, rng: &mut Rng) -> Vec<f32>;

    /// Acts for one time step and returns the reward.
    fn step(&mut self, action: &[f32]) -> f64;

    /// Steps in an episode.
    fn episode(&self) -> usize;
}
