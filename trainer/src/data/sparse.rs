//! Sparse vectors seen through a random matrix: a problem without a data set, on which methods are compared.
//!
//! ```text
//! y = A z + n,   A_ij ~ N(0, 1/M),   z_i ~ N(0, 1) with probability ρ, else 0,   n_i ~ N(0, σ²)
//! ```
//! with σ such that `E‖A z‖² / E‖n‖²` is the signal-to-noise ratio. Borgerding, Schniter & Rangan (2017) and those who
//! came after them take `M × N = 250 × 500`, `ρ = 0.1`, 40 dB.

use crate::worlds::Rng;
use nalgebra::DMatrix;
use rand::RngExt;

/// A problem: its matrix, and how vectors are drawn.
#[derive(Clone, Debug)]
pub struct Sparse {
    /// `A`.
    pub dictionary: DMatrix<f32>,
    /// `ρ`, the share of entries that are not zero.
    density: f64,
    /// `σ`.
    noise: f32,
}

impl Sparse {
    /// Draws the matrix, `rows × units`; `snr` in decibels.
    pub fn new((rows, units): (usize, usize), density: f64, snr: f64, rng: &mut Rng) -> Self {
        let mut dictionary = DMatrix::zeros(rows, units);
        fill_normal(dictionary.as_mut_slice(), rng);
        dictionary /= (rows as f32).sqrt();
        // E‖A z‖² = ρN, spread over M entries.
        let power = density * units as f64 / rows as f64;
        Self { dictionary, density, noise: (power * 10f64.powf(-0.1 * snr)).sqrt() as f32 }
    }

    /// Observations `y` and codes `z`, one sample a column.
    pub fn draw(&self, samples: usize, rng: &mut Rng) -> (DMatrix<f32>, DMatrix<f32>) {
        let (rows, units) = self.dictionary.shape();
        let support: Vec<bool> = (0..units * samples).map(|_| rng.random_bool(self.density)).collect();
        let mut values = vec![0.0; support.iter().filter(|&&on| on).count()];
        fill_normal(&mut values, rng);
        let mut values = values.into_iter();
        let codes = support.into_iter().map(|on| if on { values.next().unwrap_or(0.0) } else { 0.0 });
        let z = DMatrix::from_iterator(units, samples, codes);
        let mut y = DMatrix::zeros(rows, samples);
        fill_normal(y.as_mut_slice(), rng);
        y.gemm(1.0, &self.dictionary, &z, self.noise);
        (y, z)
    }
}

/// Standard normal numbers, two from each of Box and Muller's transforms.
pub fn fill_normal(numbers: &mut [f32], rng: &mut Rng) {
    for pair in numbers.chunks_mut(2) {
        let radius = (-2.0 * (1.0 - rng.random::<f32>()).ln()).sqrt();
        let (sin, cos) = (std::f32::consts::TAU * rng.random::<f32>()).sin_cos();
        pair.iter_mut().zip([radius * cos, radius * sin]).for_each(|(number, drawn)| *number = drawn);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    #[test]
    fn density_variance_and_noise_are_as_asked() {
        let rng = &mut Rng::seed_from_u64(1);
        let problem = Sparse::new((250, 500), 0.1, 40.0, rng);
        let (y, z) = problem.draw(400, rng);
        let on = z.iter().filter(|z| **z != 0.0).count() as f32;
        assert!((on / z.len() as f32 - 0.1).abs() < 0.003);
        assert!((z.norm_squared() / on - 1.0).abs() < 0.05);
        let signal = &problem.dictionary * &z;
        let snr = 10.0 * (signal.norm_squared() / (y - signal).norm_squared()).log10();
        assert!((snr - 40.0).abs() < 0.3, "{snr}");
        assert!((problem.dictionary.norm_squared() / 500.0 - 1.0).abs() < 0.02);
    }
}
