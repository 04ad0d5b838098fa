//! The lecture's pen: it stands on its tip, a hand moves it a little and lets go. It falls, and nobody can know to which
//! side: the future is a circle around its foot.

use super::{Rng, World, camera::normal};
use rand::RngExt;
use std::f64::consts::PI;

/// How far the hand moves the pen at most, in lengths of the pen.
pub const REACH: f64 = 0.5;
/// Deviation of where the end of the fallen pen is found, in lengths of the pen.
pub const NOISE: f64 = 0.01;

/// A pen of length 1.
#[derive(Clone, Debug, Default)]
pub struct Pen {
    /// Where its end is, seen from above: over the foot while it stands.
    end: [f64; 2],
    /// The side it will fall to, which is nowhere to be seen; and how exactly that is seen afterwards.
    direction: f64,
    noise: [f64; 2],
}

impl World for Pen {
    fn reset(&mut self, rng: &mut Rng) {
        self.end = [rng.random_range(-1.0..1.0), rng.random_range(-1.0..1.0)];
        self.direction = rng.random_range(-PI..PI);
        self.noise = [normal(rng), normal(rng)];
    }

    fn state(&self) -> Vec<f32> {
        self.end.map(|v| v as f32).to_vec()
    }

    fn step(&mut self, action: &[f32]) -> f64 {
        let (sin, cos) = self.direction.sin_cos();
        for (i, along) in [cos, sin].into_iter().enumerate() {
            self.end[i] += REACH * f64::from(action[i].clamp(-1.0, 1.0)) + along + NOISE * self.noise[i];
        }
        0.0
    }

    fn episode(&self) -> usize {
        1
    }
}

/// Where the pen's foot is when it falls: the middle of all its futures.
pub fn foot(state: &[f32], action: &[f32]) -> [f64; 2] {
    std::array::from_fn(|i| f64::from(state[i]) + REACH * f64::from(action[i]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    #[test]
    fn it_falls_its_own_length_to_any_side() {
        let (mut pen, mut rng) = (Pen::default(), Rng::seed_from_u64(1));
        let mut sides = [0; 8];
        for _ in 0..800 {
            pen.reset(&mut rng);
            let (before, action) = (pen.state(), [0.5, -1.0]);
            pen.step(&action);
            let (end, foot) = (pen.state(), foot(&before, &action));
            let (x, y) = (f64::from(end[0]) - foot[0], f64::from(end[1]) - foot[1]);
            assert!((x.hypot(y) - 1.0).abs() < 5.0 * NOISE);
            sides[((y.atan2(x) + PI) / (PI / 4.0)) as usize % 8] += 1;
        }
        assert!(sides.iter().all(|&n| (60..140).contains(&n)), "{sides:?}");
    }
}
