//! Local contrast normalisation: what is bright or strong in its neighbourhood, over all maps.
//!
//! ```text
//! v_c(p) = x_c(p) − Σ_{c,q} w(q) x_c(p + q) / C,   y_c(p) = v_c(p) / max(f, √(Σ_{c,q} w(q) v_c(p + q)² / C))
//! ```
//! `w` is a Gaussian window that sums to 1 over what lies inside the maps, and the floor `f` keeps flat places flat.
//! Jarrett, Kavukcuoglu, Ranzato & LeCun, ICCV 2009, with 9×9 positions and a deviation of 1.591.

use super::maps::Maps;
use crate::math;

/// Most rows and columns of a window.
pub const SIDE: usize = 15;

/// A window and a floor.
#[derive(Clone, Copy, Debug)]
pub struct Normalisation {
    maps: Maps,
    /// The window is a product of this with itself; what is past `side` is 0.
    weights: [f32; SIDE],
    side: usize,
    floor: f32,
}

impl Normalisation {
    /// A Gaussian window of `side × side` positions with the given deviation. `None` unless `side` is odd and at most [`SIDE`],
    /// and deviation and floor are positive numbers.
    pub fn new(maps: Maps, side: usize, deviation: f32, floor: f32) -> Option<Self> {
        let positive = |v: f32| v.is_finite() && v > 0.0;
        if side.is_multiple_of(2)
            || side > SIDE
            || maps.is_empty()
            || !positive(deviation)
            || !positive(floor)
        {
            return None;
        }
        let mut weights = [0.0; SIDE];
        for (i, weight) in weights.iter_mut().take(side).enumerate() {
            let distance = (i as f32 - (side / 2) as f32) / deviation;
            *weight = math::exp(-0.5 * distance * distance);
        }
        Some(Self { maps, weights, side, floor })
    }

    /// Normalises the maps in place. `scratch` needs two numbers a position, else nothing happens.
    pub fn run(&self, x: &mut [f32], scratch: &mut [f32]) {
        let positions = self.maps.positions();
        let Some((plane, rest)) = scratch.split_at_mut_checked(positions) else { return };
        let Some((half, _)) = rest.split_at_mut_checked(positions) else { return };
        let (channels, share) = (self.maps.channels.max(1), 1.0 / self.maps.channels as f32);

        for (mean, x) in plane.iter_mut().zip(x.chunks_exact(channels)) {
            *mean = share * x.iter().fold(0.0, |sum, x| sum + x);
        }
        self.blur(plane, half);
        for (x, mean) in x.chunks_exact_mut(channels).zip(plane.iter()) {
            x.iter_mut().for_each(|x| *x -= mean);
        }

        for (energy, x) in plane.iter_mut().zip(x.chunks_exact(channels)) {
            *energy = share * x.iter().fold(0.0, |sum, x| sum + x * x);
        }
        self.blur(plane, half);
        for (x, energy) in x.chunks_exact_mut(channels).zip(plane.iter()) {
            let deviation = math::sqrt(*energy);
            let scale = 1.0 / if deviation > self.floor { deviation } else { self.floor };
            x.iter_mut().for_each(|x| *x *= scale);
        }
    }

    /// The window's mean around every position of a plane.
    fn blur(&self, plane: &mut [f32], half: &mut [f32]) {
        self.blur_lines(plane, half, self.maps.cols, 1);
        self.blur_lines(half, plane, self.maps.rows, self.maps.cols);
    }

    /// The same along lines of `length` positions that are `step` apart.
    fn blur_lines(&self, from: &[f32], to: &mut [f32], length: usize, step: usize) {
        let reach = self.side / 2;
        for (index, to) in to.iter_mut().enumerate() {
            let along = index / step.max(1) % length.max(1);
            let start = index.wrapping_sub(reach * step);
            let (mut sum, mut mass) = (0.0, 0.0);
            for (i, weight) in self.weights.iter().take(self.side).enumerate() {
                // Inside the line: `reach ≤ along + i < length + reach`.
                if (reach..length + reach).contains(&(along + i))
                    && let Some(x) = from.get(start.wrapping_add(i * step))
                {
                    sum += weight * x;
                    mass += weight;
                }
            }
            *to = sum / mass;
        }
    }
}
