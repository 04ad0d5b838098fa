//! What a filter looks for: the Gabor function that is nearest to it.
//!
//! ```text
//! g(x, y) = (a cos 2πfu − b sin 2πfu) · exp(−u²/2σ_u² − v²/2σ_v²)
//! u, v = (x − x₀, y − y₀) turned by φ: across the stripes and along them
//! ```
//! It starts at the peak of the spectrum and at the centre of the filter's energy, and moves by a pattern search; `a` and
//! `b` follow from least squares at every place.

use nalgebra::DMatrix;
use rayon::prelude::*;
use std::f32::consts::{PI, SQRT_2, TAU};

/// A Gabor function on a square patch. Lengths are in pixels, `x` to the right and `y` down from the first pixel's
/// centre.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gabor {
    /// `x₀`.
    pub x: f32,
    /// `y₀`.
    pub y: f32,
    /// `φ`, the direction across the stripes, from `x` towards `y`.
    pub across: f32,
    /// `f`, cycles a pixel.
    pub frequency: f32,
    /// `σ_u`, across the stripes.
    pub width: f32,
    /// `σ_v`, along the stripes.
    pub length: f32,
    /// `a`, the even part.
    pub even: f32,
    /// `b`, the odd part.
    pub odd: f32,
    /// The share of the filter's energy that the function explains: 1 is a Gabor function, noise is near 0.
    pub explained: f32,
}

impl Gabor {
    /// Fits every column of `filters`, square patches row by row from the top.
    pub fn fit_all(filters: &DMatrix<f32>, side: usize) -> Vec<Self> {
        let filters: Vec<&[f32]> = filters.as_slice().chunks_exact(side * side).collect();
        filters.par_iter().map(|filter| Self::fit(filter, side)).collect()
    }

    /// Fits one filter.
    pub fn fit(filter: &[f32], side: usize) -> Self {
        let mut best = Self::start(filter, side);
        best.solve(filter, side);
        let most = side as f32;
        let mut scale = 1.0f32;
        while scale > 0.02 {
            let before = best.explained;
            for parameter in 0..6 {
                for way in [scale, -scale] {
                    let mut moved = best;
                    match parameter {
                        0 => moved.x = (moved.x + way).clamp(-1.0, most),
                        1 => moved.y = (moved.y + way).clamp(-1.0, most),
                        2 => moved.across += 0.2 * way,
                        3 => moved.frequency = (moved.frequency + 0.03 * way).clamp(0.25 / most, 0.5),
                        4 => moved.width = (moved.width * (0.3 * way).exp()).clamp(0.6, most),
                        _ => moved.length = (moved.length * (0.3 * way).exp()).clamp(0.6, most),
                    }
                    moved.solve(filter, side);
                    if moved.explained > best.explained {
                        best = moved;
                    }
                }
            }
            if best.explained < before + 1e-4 {
                scale *= 0.5;
            }
        }
        best
    }

    /// The angle of the stripes as the eye sees them, anticlockwise from the horizontal, in `[0, π)`.
    pub fn orientation(&self) -> f32 {
        (PI / 2.0 - self.across).rem_euclid(PI)
    }

    /// `arg(a + ib)`: 0 is a light stripe in the middle, ±π/2 an edge.
    pub fn phase(&self) -> f32 {
        self.odd.atan2(self.even)
    }

    /// Whether this describes the filter, and the filter is a spot within the patch: its middle lies inside, and the
    /// ellipse of one `σ` covers at most a quarter of the patch.
    pub fn is_local(&self, side: usize) -> bool {
        let side = side as f32;
        let inside = -0.5..=side - 0.5;
        let small = PI * self.width * self.length <= 0.25 * side * side;
        self.explained >= 0.5 && small && inside.contains(&self.x) && inside.contains(&self.y)
    }

    /// The function itself on a patch, moved by `across` pixels across its stripes and turned by `turn`.
    pub fn draw(&self, side: usize, across: f32, turn: f32) -> Vec<f32> {
        let (sin, cos) = self.across.sin_cos();
        let moved =
            Self { x: self.x + across * cos, y: self.y + across * sin, across: self.across + turn, ..*self };
        let mut patch = Vec::with_capacity(side * side);
        moved.for_each(side, |cosine, sine| patch.push(moved.even * cosine - moved.odd * sine));
        patch
    }

    /// The strongest of a fan of waves, in the middle of the filter's energy.
    fn start(filter: &[f32], side: usize) -> Self {
        let mut moments = [0.0f32; 5]; // energy, its first moments, its second about the patch's corner together
        for (pixel, value) in filter.iter().enumerate() {
            let (x, y) = ((pixel % side) as f32, (pixel / side) as f32);
            for (moment, power) in moments.iter_mut().zip([1.0, x, y, x * x, y * y]) {
                *moment += value * value * power;
            }
        }
        let [energy, x, y, xx, yy] = moments;
        let energy = energy.max(f32::MIN_POSITIVE);
        let (x, y) = (x / energy, y / energy);
        let variance = 0.5 * ((xx + yy) / energy - x * x - y * y);
        // The energy is the square of the envelope, so the envelope is √2 wider.
        let sigma = (SQRT_2 * variance.max(0.0).sqrt()).clamp(0.8, 0.5 * side as f32);
        let wide = Self {
            x,
            y,
            across: 0.0,
            frequency: 0.0,
            width: sigma,
            length: sigma,
            even: 0.0,
            odd: 0.0,
            explained: 0.0,
        };
        const ANGLES: usize = 18;
        let lowest = 0.5 / side as f32;
        let mut best = wide;
        for step in 0..10 {
            for angle in 0..ANGLES {
                let frequency = lowest + (0.45 - lowest) * step as f32 / 9.0;
                let mut wave = Self { across: PI * angle as f32 / ANGLES as f32, frequency, ..wide };
                wave.solve(filter, side);
                if wave.explained > best.explained || best.frequency == 0.0 {
                    best = wave;
                }
            }
        }
        best
    }

    /// Least squares for `a` and `b`, and how much of the filter they explain.
    fn solve(&mut self, filter: &[f32], side: usize) {
        let (mut cc, mut cs, mut ss, mut fc, mut fs, mut energy) = (0.0f32, 0.0, 0.0, 0.0, 0.0, 0.0);
        let mut values = filter.iter();
        self.for_each(side, |cosine, sine| {
            let f = values.next().copied().unwrap_or(0.0);
            cc += cosine * cosine;
            cs += cosine * sine;
            ss += sine * sine;
            fc += f * cosine;
            fs += f * sine;
            energy += f * f;
        });
        let determinant = cc * ss - cs * cs;
        let (even, minus_odd) = if determinant > 1e-6 * cc * ss {
            ((fc * ss - fs * cs) / determinant, (fs * cc - fc * cs) / determinant)
        } else {
            (fc / cc.max(f32::MIN_POSITIVE), 0.0)
        };
        (self.even, self.odd) = (even, -minus_odd);
        self.explained = (even * fc + minus_odd * fs) / energy.max(f32::MIN_POSITIVE);
    }

    /// Both waves under the envelope, pixel by pixel.
    fn for_each(&self, side: usize, mut wave: impl FnMut(f32, f32)) {
        let (sin, cos) = self.across.sin_cos();
        let (width, length) = (0.5 / (self.width * self.width), 0.5 / (self.length * self.length));
        for row in 0..side {
            for column in 0..side {
                let (x, y) = (column as f32 - self.x, row as f32 - self.y);
                let (u, v) = (cos * x + sin * y, cos * y - sin * x);
                let envelope = (-u * u * width - v * v * length).exp();
                let (sine, cosine) = (TAU * self.frequency * u).sin_cos();
                wave(envelope * cosine, envelope * sine);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tape::check::random;

    fn example(across: f32, phase: f32) -> Gabor {
        let (odd, even) = phase.sin_cos();
        Gabor { x: 5.0, y: 6.5, across, frequency: 0.17, width: 1.8, length: 2.6, even, odd, explained: 1.0 }
    }

    #[test]
    fn what_was_drawn_is_found() {
        for (across, phase) in [(0.0, 0.0), (0.7, 1.2), (1.4, -2.0), (2.5, 0.4), (3.0, 2.9)] {
            let drawn = example(across, phase);
            let found = Gabor::fit(&drawn.draw(12, 0.0, 0.0), 12);
            assert!(found.explained > 0.999, "{found:?}");
            let apart = (found.orientation() - drawn.orientation()).rem_euclid(PI);
            assert!(apart.min(PI - apart) < 0.02, "{found:?}");
            assert!((found.x - 5.0).abs() < 0.05 && (found.y - 6.5).abs() < 0.05, "{found:?}");
            assert!((found.frequency - 0.17).abs() < 0.005, "{found:?}");
            // Turning by half a turn changes the sign of the odd part.
            assert!((found.phase().cos() - phase.cos()).abs() < 0.05, "{found:?}");
            assert!(found.is_local(12));
        }
    }

    #[test]
    fn horizontal_stripes_have_orientation_zero() {
        let stripes: Vec<f32> = (0..144).map(|pixel| (0.9 * (pixel / 12) as f32).sin()).collect();
        let found = Gabor::fit(&stripes, 12);
        let angle = found.orientation();
        assert!(angle.min(PI - angle) < 0.05, "{found:?}");
        assert!(!found.is_local(12));
        // Rising to the right on the screen, where y points down.
        let rising: Vec<f32> =
            (0..144).map(|pixel| (0.6 * ((pixel % 12) + (pixel / 12)) as f32).sin()).collect();
        assert!((Gabor::fit(&rising, 12).orientation() - PI / 4.0).abs() < 0.05);
    }

    #[test]
    fn noise_is_no_gabor() {
        let noise = random(144, 20, 1);
        let fits = Gabor::fit_all(&noise, 12);
        assert!(fits.iter().all(|fit| fit.explained < 0.5 && !fit.is_local(12)));
    }
}
