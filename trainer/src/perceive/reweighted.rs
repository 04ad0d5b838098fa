//! Inference under a group penalty for a whole batch: accelerated descent with a parabola in the penalty's place.
//!
//! ```text
//! E(z) = ½‖x − D z‖² + λ Σ_i √(ε + Σ_j w_ij z_j²) + α‖z − F‖²
//! u = y + s (Dᵀ(x − D y) − 2α (y − F)),   z_j ← u_j / (1 + s λ Σ_i w_ij/v_i(y)),   s = 1/(‖D‖² + 2α)
//! ```
//! with `y` ahead of `z` by Nesterov's momentum. The parabola `½ Σ_i w_ij z_j²/v_i(y)` touches the penalty at `y` from
//! above, so that without momentum every iteration lowers the energy. `F` is an encoder's guess.

use super::pools::Pools;
use nalgebra::DMatrix;

/// A linear decoder `x ≈ D z`, dense or not. Samples are columns.
pub trait Decoder {
    /// `x ← x − D z`.
    fn subtract(&self, z: &DMatrix<f32>, x: &mut DMatrix<f32>);

    /// `c ← Dᵀ r`.
    fn correlate(&self, r: &DMatrix<f32>, c: &mut DMatrix<f32>);
}

/// What is minimised, and how far.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `λ`.
    pub lambda: f32,
    /// `ε`, positive.
    pub epsilon: f32,
    /// `α`.
    pub alpha: f32,
    /// Iterations.
    pub iterations: usize,
}

/// The codes of `x` from the encoder's `guess`; `lipschitz` is `‖D‖²` or more.
pub fn infer(
    decoder: &impl Decoder,
    pools: &Pools,
    x: &DMatrix<f32>,
    guess: &DMatrix<f32>,
    lipschitz: f32,
    settings: &Settings,
) -> DMatrix<f32> {
    let Settings { lambda, epsilon, alpha, iterations } = *settings;
    let step = 1.0 / (lipschitz + 2.0 * alpha);
    let pull_back = 2.0 * alpha * step;
    let (units, samples) = guess.shape();
    let (mut z, mut ahead) = (guess.clone(), guess.clone());
    let mut residual = x.clone();
    let mut drive = DMatrix::zeros(units, samples);
    let mut strength = DMatrix::zeros(units, samples);
    let mut v = DMatrix::zeros(pools.count(), samples);
    let mut t = 1.0f32;
    for _ in 0..iterations {
        residual.copy_from(x);
        decoder.subtract(&ahead, &mut residual);
        decoder.correlate(&residual, &mut drive);
        pools.pool_into(&ahead, epsilon, &mut v);
        pools.pull_into(&v, &mut strength);
        let t_next = 0.5 + (0.25 + t * t).sqrt();
        let push = (t - 1.0) / t_next;
        t = t_next;
        let inputs = drive.as_slice().iter().zip(strength.as_slice()).zip(guess.as_slice());
        let codes = z.as_mut_slice().iter_mut().zip(ahead.as_mut_slice());
        for ((z, ahead), ((drive, strength), guess)) in codes.zip(inputs) {
            let u = *ahead + step * drive - pull_back * (*ahead - guess);
            let next = u / (1.0 + step * lambda * strength);
            *ahead = next + push * (next - *z);
            *z = next;
        }
    }
    z
}

/// The energy `E(z)` without the encoder's term, a sample: reconstruction and penalty.
pub fn energy(
    decoder: &impl Decoder,
    pools: &Pools,
    x: &DMatrix<f32>,
    z: &DMatrix<f32>,
    settings: &Settings,
) -> [f32; 2] {
    let mut residual = x.clone();
    decoder.subtract(z, &mut residual);
    let share = 1.0 / x.ncols().max(1) as f32;
    let penalty = settings.lambda * pools.pooled(z, settings.epsilon).sum();
    [0.5 * share * residual.norm_squared(), share * penalty]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{perceive::pools::Weights, tape::check::random};

    struct Dense(DMatrix<f32>);

    impl Decoder for Dense {
        fn subtract(&self, z: &DMatrix<f32>, x: &mut DMatrix<f32>) {
            *x -= &self.0 * z;
        }

        fn correlate(&self, r: &DMatrix<f32>, c: &mut DMatrix<f32>) {
            *c = self.0.transpose() * r;
        }
    }

    fn setup() -> (Dense, Pools, DMatrix<f32>, DMatrix<f32>, f32) {
        let pools = Pools::torus([4, 4], [3, 3], [1, 1], Weights::Flat).unwrap();
        let dictionary = Dense(random(10, 16, 1));
        let lipschitz = dictionary.0.norm_squared();
        (dictionary, pools, random(10, 7, 2), 0.3 * random(16, 7, 3), lipschitz)
    }

    fn total(settings: &Settings) -> f64 {
        let (decoder, pools, x, guess, lipschitz) = setup();
        let z = infer(&decoder, &pools, &x, &guess, lipschitz, settings);
        let near = settings.alpha * (&z - guess).norm_squared() / 7.0;
        energy(&decoder, &pools, &x, &z, settings).iter().map(|&e| f64::from(e)).sum::<f64>()
            + f64::from(near)
    }

    #[test]
    fn the_energy_falls_to_where_its_gradient_vanishes() {
        let settings = |iterations| Settings { lambda: 0.3, epsilon: 1e-2, alpha: 0.2, iterations };
        let energies = [0, 1, 10, 100].map(|iterations| total(&settings(iterations)));
        assert!(energies.windows(2).all(|pair| pair[1] < pair[0]), "{energies:?}");
        let (Dense(dictionary), pools, x, guess, lipschitz) = setup();
        let settings = settings(3000);
        let z = infer(&Dense(dictionary.clone()), &pools, &x, &guess, lipschitz, &settings);
        let mut strength = DMatrix::zeros(16, 7);
        pools.pull_into(&pools.pooled(&z, settings.epsilon), &mut strength);
        let gradient = dictionary.transpose() * (&dictionary * &z - x)
            + settings.lambda * strength.component_mul(&z)
            + 2.0 * settings.alpha * (&z - guess);
        assert!(gradient.amax() < 1e-3, "{}", gradient.amax());
    }
}
