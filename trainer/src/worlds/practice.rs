//! Practice: how a plant is explored so that a model of it can be learned.

use super::{Rng, World};
use forethought::{artifact::Plant, feature::Angles};
use rand::RngExt;

/// A world whose whole state is seen, and whose equations are built in.
pub trait Practice: World {
    /// What it is.
    const ABOUT: About;

    /// The state in double precision, angles not wrapped.
    fn exact(&self) -> Vec<f64>;

    /// Puts the plant into a state.
    fn place(&mut self, x: &[f64]);

    /// An action that explores: random, but so that the plant stays where it is to be known.
    fn explore(&mut self, rng: &mut Rng) -> Vec<f32>;
}

/// What a plant is.
#[derive(Clone, Copy, Debug)]
pub struct About {
    /// Its name.
    pub name: &'static str,
    /// Its equations.
    pub plant: Plant,
    /// Its components of state, with their units.
    pub state: &'static [&'static str],
    /// Those that are angles.
    pub angles: Angles,
    /// Those that the equations do not look at: places on an open plane.
    pub places: &'static [usize],
    /// The range of its actions.
    pub low: &'static [f32],
    /// Its upper end.
    pub high: &'static [f32],
    /// The time step, in s.
    pub dt: f64,
}

impl About {
    /// Brings an action into its range.
    pub fn limit(&self, action: &[f32]) -> Vec<f32> {
        let ranges = self.low.iter().zip(self.high);
        action.iter().zip(ranges).map(|(u, (low, high))| u.clamp(*low, *high)).collect()
    }
}

/// A random push in `[−1, 1)`, held for a random time.
#[derive(Clone, Copy, Debug, Default)]
pub struct Push {
    held: f64,
    left: u32,
}

impl Push {
    /// The push of the next step; each is held for 1 to `longest` steps.
    pub fn next(&mut self, longest: u32, rng: &mut Rng) -> f64 {
        if self.left == 0 {
            (self.held, self.left) = (rng.random_range(-1.0..1.0), rng.random_range(1..=longest));
        }
        self.left -= 1;
        self.held
    }
}

/// Random pushes, one of each of several actions.
#[derive(Clone, Debug)]
pub struct Pushes<const N: usize>([Push; N]);

impl<const N: usize> Default for Pushes<N> {
    fn default() -> Self {
        Self([Push::default(); N])
    }
}

impl<const N: usize> Pushes<N> {
    /// The pushes of the next step.
    pub fn next(&mut self, rng: &mut Rng) -> [f64; N] {
        /// Long enough to carry a plant far.
        const LONGEST: u32 = 11;
        self.0.each_mut().map(|push| push.next(LONGEST, rng))
    }
}
