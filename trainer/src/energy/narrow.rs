//! Autoencoders whose code can carry little: it is narrow, or noise is added to it and its size costs something.
//!
//! ```text
//! min E ½‖Dec(Enc(y) + σε) − y‖² + ½β‖Enc(y)‖²         F = ½‖Dec(Enc(y)) − y‖²
//! ```
//! Both limit how many observations can have a low energy. The price keeps the code from outgrowing the noise: a component
//! of variance `s²` then carries about `½ log₂(1 + s²/σ²)` bits. (LeCun's lecture: noise in the code; a variational autoencoder
//! learns the noise too, Kingma & Welling 2014.)

use super::{
    Autoencoder,
    fit::{Pace, fit},
};
use crate::worlds::{Rng, camera::normal};
use anyhow::{Result, ensure};
use nalgebra::DMatrix;
use serde::{Deserialize, Serialize};

/// Hyper-parameters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// `σ`. 0 leaves the width of the code as its only limit.
    pub noise: f32,
    /// `β`, in units of the data's `½‖error‖²`.
    pub price: f32,
    /// Samples in a batch.
    pub batch: usize,
    /// Steps of Adam.
    pub steps: usize,
    /// Adam's rate at the start; it falls to 0 along a half cosine.
    pub rate: f32,
}

impl Default for Config {
    fn default() -> Self {
        Self { noise: 0.0, price: 0.0, batch: 256, steps: 3000, rate: 2e-3 }
    }
}

/// Trains on batches of samples. `progress` sees the step and the mean loss.
pub fn train(
    autoencoder: &mut Autoencoder,
    config: &Config,
    data: impl FnMut(usize, &mut Rng) -> DMatrix<f32>,
    rng: &mut Rng,
    progress: impl FnMut(usize, f32),
) -> Result<()> {
    let &Config { noise, price, batch, steps, rate } = config;
    ensure!(
        noise.is_finite() && noise >= 0.0 && price.is_finite() && price >= 0.0,
        "narrow.noise and narrow.price must be numbers of at least 0, not {noise} and {price}"
    );
    fit(
        autoencoder,
        Pace { batch, steps, rate },
        data,
        rng,
        |autoencoder, tape, y, rng| {
            let y = tape.constant(y);
            let code = autoencoder.code(tape, false, y, None);
            let (rows, columns) = tape.shape(code);
            let disturbance = DMatrix::from_fn(rows, columns, |_, _| noise * normal(rng) as f32);
            let back = autoencoder.back(tape, false, tape.add(code, tape.constant(disturbance)));
            let missed = tape.scale(tape.sum_square(tape.sub(back, y)), 0.5);
            tape.add(missed, tape.scale(tape.sum_square(code), 0.5 * price))
        },
        progress,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{energy::Energy, network::Unit};
    use rand::SeedableRng;

    /// Points on a line through the plane.
    fn line(n: usize, rng: &mut Rng) -> DMatrix<f32> {
        let mut y = DMatrix::from_fn(2, n, |_, _| normal(rng) as f32);
        y.column_iter_mut().for_each(|mut y| y[1] = 0.5 * y[0]);
        y
    }

    #[test]
    fn a_narrow_code_and_a_noisy_one_know_the_line_and_not_the_plane() {
        let noisy = Config { noise: 0.5, price: 0.01, ..Config::default() };
        for (width, config) in [(1, Config::default()), (2, noisy)] {
            let rng = &mut Rng::seed_from_u64(1);
            let mut autoencoder = Autoencoder::new((2, 0), &[16, width], Unit::Tanh, rng);
            let config = Config { steps: 600, batch: 64, ..config };
            train(&mut autoencoder, &config, line, rng, |_, _| ()).expect("trained");
            let mean = |y| autoencoder.of(y, None).iter().sum::<f32>() / y.ncols() as f32;
            let on = line(300, rng);
            let off = DMatrix::from_fn(2, 300, |i, j| if i == 0 { on[(0, j)] } else { -on[(1, j)] });
            assert!(5.0 * mean(&on) < mean(&off), "{} {} of width {width}", mean(&on), mean(&off));
        }
    }

    #[test]
    fn negative_noise_is_refused() {
        let rng = &mut Rng::seed_from_u64(1);
        let mut autoencoder = Autoencoder::new((2, 0), &[2], Unit::Tanh, rng);
        let config = Config { noise: -1.0, ..Config::default() };
        let said = train(&mut autoencoder, &config, line, rng, |_, _| ()).expect_err("refused").to_string();
        assert!(said.contains("narrow.noise"), "{said}");
    }
}
