//! The mode test: mixtures of small Gaussians, and how much of them a generator makes.
//!
//! 2,500 samples; of high quality is a sample within 3σ of a mode, and covered is a mode with at least one of these (Srivastava et al.,
//! *VEEGAN*, 2017; Lin et al., *PacGAN*, 2018). The reverse KL divergence is that of the shares of samples that are nearest to
//! each mode from equal shares:
//!
//! ```text
//! KL(q ‖ p) = Σ_k q_k log(q_k / p_k),   p_k = 1/K
//! ```

use crate::worlds::{Rng, camera::normal};
use nalgebra::DMatrix;
use rand::RngExt;

/// Samples that are judged.
pub const SAMPLES: usize = 2500;

/// Equal Gaussians in the plane.
#[derive(Clone, Debug, PartialEq)]
pub struct Modes {
    /// Their centres.
    pub centres: Vec<[f32; 2]>,
    /// Their deviation σ.
    pub deviation: f32,
}

/// What samples are worth.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Quality {
    /// Modes covered.
    pub covered: usize,
    /// Share of samples of high quality.
    pub high: f64,
    /// Reverse KL divergence, in nats.
    pub divergence: f64,
}

impl Modes {
    /// Eight on a circle of radius 1, σ = 0.01.
    pub fn ring() -> Self {
        let angle = |k: usize| std::f32::consts::TAU * k as f32 / 8.0;
        let centres = (0..8).map(|k| [angle(k).cos(), angle(k).sin()]).collect();
        Self { centres, deviation: 0.01 }
    }

    /// Twenty-five at `{−4, −2, 0, 2, 4}²`, σ = 0.05.
    pub fn grid() -> Self {
        let at = |k: usize| 2.0 * k as f32 - 4.0;
        let centres = (0..25).map(|k| [at(k % 5), at(k / 5)]).collect();
        Self { centres, deviation: 0.05 }
    }

    /// The same in units in which coordinates are about 1, as networks want them, and that unit.
    pub fn normalised(&self) -> (Self, f32) {
        let squares = self.centres.iter().flatten().map(|c| c * c).sum::<f32>();
        let unit = (squares / (2 * self.centres.len()) as f32).sqrt();
        let centres = self.centres.iter().map(|c| c.map(|c| c / unit)).collect();
        (Self { centres, deviation: self.deviation / unit }, unit)
    }

    /// Samples, one a column.
    pub fn draw(&self, n: usize, rng: &mut Rng) -> DMatrix<f32> {
        let mut y = DMatrix::zeros(2, n);
        for mut y in y.column_iter_mut() {
            let centre = self.centres[rng.random_range(0..self.centres.len())];
            for (y, c) in y.iter_mut().zip(centre) {
                *y = c + self.deviation * normal(rng) as f32;
            }
        }
        y
    }

    /// How much of the mixture samples show.
    pub fn judge(&self, y: &DMatrix<f32>) -> Quality {
        let mut counts = vec![0usize; self.centres.len()];
        let mut covered = vec![false; self.centres.len()];
        let mut high = 0;
        for y in y.column_iter() {
            let distance = |c: &[f32; 2]| (y[0] - c[0]).hypot(y[1] - c[1]);
            let nearest = self.centres.iter().map(distance).enumerate().min_by(|a, b| a.1.total_cmp(&b.1));
            let Some((k, distance)) = nearest else { continue };
            counts[k] += 1;
            if distance <= 3.0 * self.deviation {
                covered[k] = true;
                high += 1;
            }
        }
        let n = y.ncols().max(1) as f64;
        let shares = counts.iter().filter(|&&count| count > 0).map(|&count| count as f64 / n);
        let divergence = shares.map(|q| q * (q * self.centres.len() as f64).ln()).sum();
        Quality { covered: covered.iter().filter(|c| **c).count(), high: high as f64 / n, divergence }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    /// Of a Gaussian in the plane 1 − e^(−9/2) = 98.9 % are within 3σ.
    #[test]
    fn the_mixture_itself_is_nearly_perfect() {
        for modes in [Modes::ring(), Modes::grid(), Modes::grid().normalised().0] {
            let quality = modes.judge(&modes.draw(SAMPLES, &mut Rng::seed_from_u64(1)));
            assert_eq!(quality.covered, modes.centres.len());
            assert!((quality.high - 0.989).abs() < 0.01, "{quality:?}");
            assert!(quality.divergence < 0.02, "{quality:?}");
        }
    }

    #[test]
    fn one_mode_of_eight_is_the_logarithm_of_eight_away() {
        let modes = Modes::ring();
        let y = DMatrix::from_fn(2, 100, |i, j| modes.centres[3][i] + if j < 30 { 0.1 } else { 0.0 });
        let quality = modes.judge(&y);
        assert_eq!(quality.covered, 1);
        assert!((quality.high - 0.7).abs() < 1e-9 && (quality.divergence - 8f64.ln()).abs() < 1e-6);
    }
}
