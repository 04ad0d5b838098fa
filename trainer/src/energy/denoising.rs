//! Denoising: energies that learn to point from corrupted samples back to clean ones.
//!
//! ```text
//! autoencoder   min E ½‖Dec(Enc(y + σε)) − y‖²                 r(y) − y ≈ σ² ∂log p/∂y      F = ½‖r(y) − y‖²
//! score         min E ½‖y + σε − ∂F/∂y(y + σε) − y‖²           ∂F/∂y ≈ −σ² ∂log p/∂y
//! ```
//! Corruption makes the contrastive points, so nothing has to be sampled. (Vincent, Larochelle, Bengio & Manzagol, ICML 2008;
//! Alain & Bengio, JMLR 2014.) The autoencoder's energy is small where its answer is near its question: at the data, but
//! also halfway between. The second form gives a scalar energy whose descent by a step of rate 1 *is* the denoising (Vincent,
//! *A connection between score matching and denoising autoencoders*, 2011). Noise of several deviations shows the way from
//! near and from far.

use super::{
    Autoencoder, Scalar,
    fit::{Pace, Weighted, fit},
};
use crate::{
    network::Weights,
    tape::{Tape, Var},
    worlds::{Rng, camera::normal},
};
use anyhow::{Result, ensure};
use nalgebra::DMatrix;
use rand::RngExt;
use serde::{Deserialize, Serialize};

/// Hyper-parameters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Least and largest deviation of the noise; each sample draws its own, evenly in the logarithm. In units of the data.
    /// The largest is how far from the data the energy still pulls back.
    pub noise: [f32; 2],
    /// Samples in a batch.
    pub batch: usize,
    /// Steps of Adam.
    pub steps: usize,
    /// Adam's rate at the start; it falls to 0 along a half cosine.
    pub rate: f32,
}

impl Default for Config {
    fn default() -> Self {
        Self { noise: [0.05, 0.5], batch: 256, steps: 3000, rate: 2e-3 }
    }
}

/// What can learn to denoise.
pub trait Denoise: Weighted {
    /// The clean samples that corrupted ones are taken for, with weights that learn.
    fn clean(&self, tape: &Tape, corrupted: Var) -> Var;
}

impl Denoise for Autoencoder {
    fn clean(&self, tape: &Tape, corrupted: Var) -> Var {
        self.pass(tape, false, corrupted, None).1
    }
}

impl Denoise for Scalar {
    fn clean(&self, tape: &Tape, corrupted: Var) -> Var {
        let weights = Weights { tape, params: &self.params, frozen: false };
        tape.sub(corrupted, self.mlp.with_slope(weights, corrupted, None).1)
    }
}

/// Adds noise of each sample's own deviation.
fn corrupt(y: &DMatrix<f32>, [least, largest]: [f32; 2], rng: &mut Rng) -> DMatrix<f32> {
    let mut corrupted = y.clone();
    for mut y in corrupted.column_iter_mut() {
        let deviation = least * (largest / least).powf(rng.random::<f32>());
        y.iter_mut().for_each(|y| *y += deviation * normal(rng) as f32);
    }
    corrupted
}

/// Trains on batches of clean samples. `progress` sees the step and the mean of `½‖error‖²`.
pub fn train(
    energy: &mut impl Denoise,
    config: &Config,
    data: impl FnMut(usize, &mut Rng) -> DMatrix<f32>,
    rng: &mut Rng,
    progress: impl FnMut(usize, f32),
) -> Result<()> {
    let [least, largest] = config.noise;
    ensure!(
        0.0 < least && least <= largest && largest.is_finite(),
        "denoising.noise must be two deviations above 0, the smaller first, not {least} and {largest}"
    );
    let &Config { batch, steps, rate, .. } = config;
    fit(
        energy,
        Pace { batch, steps, rate },
        data,
        rng,
        |energy, tape, y, rng| {
            let corrupted = tape.constant(corrupt(&y, config.noise, rng));
            let error = tape.sub(energy.clean(tape, corrupted), tape.constant(y));
            tape.scale(tape.sum_square(error), 0.5)
        },
        progress,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        energy::{Descent, Energy, descend},
        network::Unit,
    };
    use rand::SeedableRng;

    /// Points on the unit circle.
    fn circle(n: usize, rng: &mut Rng) -> DMatrix<f32> {
        let mut y = DMatrix::from_fn(2, n, |_, _| normal(rng) as f32);
        for mut y in y.column_iter_mut() {
            y.normalize_mut();
        }
        y
    }

    /// Mean distance from the circle.
    fn off(y: &DMatrix<f32>) -> f32 {
        y.column_iter().map(|y| (y.norm() - 1.0).abs()).sum::<f32>() / y.ncols() as f32
    }

    #[test]
    fn descent_brings_corrupted_samples_back() {
        let config = Config { noise: [0.1, 0.3], steps: 800, ..Config::default() };
        let rng = &mut Rng::seed_from_u64(1);
        let start = circle(300, rng) * 1.3;

        let mut scalar = Scalar::new((2, 0), &[48, 48], Unit::Tanh, rng);
        train(&mut scalar, &config, circle, rng, |_, _| ()).expect("trained");
        let descent = Descent { steps: 5, rate: 1.0, longest: 0.3 };
        let back = descend(&scalar, &start, None, &descent);
        assert!(off(&back) < 0.06, "{} of {}", off(&back), off(&start));

        let mut autoencoder = Autoencoder::new((2, 0), &[48, 48], Unit::Tanh, rng);
        train(&mut autoencoder, &config, circle, rng, |_, _| ()).expect("trained");
        let mean = |y| autoencoder.of(y, None).iter().sum::<f32>() / y.ncols() as f32;
        assert!(mean(&circle(300, rng)) < 0.3 * mean(&start));
    }

    #[test]
    fn noise_without_a_range_is_refused() {
        let rng = &mut Rng::seed_from_u64(1);
        let mut scalar = Scalar::new((2, 0), &[4], Unit::Tanh, rng);
        let config = Config { noise: [0.5, 0.1], ..Config::default() };
        let said = train(&mut scalar, &config, circle, rng, |_, _| ()).expect_err("refused").to_string();
        assert!(said.contains("denoising.noise"), "{said}");
    }
}
