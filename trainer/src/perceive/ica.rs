//! Topographic independent component analysis, the encoder-only map (Hyvärinen & Hoyer, *Vision Research* 2001):
//!
//! ```text
//! min_W ⟨ Σ_i √(ε + Σ_j h_ij y_j²) ⟩,   y = W x,   W Wᵀ = I,   x whitened
//! ```
//! No decoder and no inference: the code is one product. That it cannot collapse is the merit of the constraint alone, kept by
//! `W ← (W Wᵀ)^(−½) W` after every step. The pools `h` make neighbours fire together.

use super::pools::{Pools, Weights};
use crate::worlds::{Rng, camera::normal};
use anyhow::{Result, ensure};
use nalgebra::DMatrix;
use serde::{Deserialize, Serialize};

/// Hyper-parameters.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Rows and columns of the torus of units; their product is the number of components that whitening must keep.
    pub map: [usize; 2],
    /// Side of the square neighbourhoods, one around every unit.
    pub window: usize,
    /// Their side in the first half of the training: wide ones order the map as a whole before the final ones refine it.
    pub first_window: usize,
    /// `ε`: rounds the root where a pool is silent, beside components of variance 1.
    pub epsilon: f32,
    /// Patches in a batch: so many that its gradient is nearly the true one.
    pub batch: usize,
    /// Steps down the gradient.
    pub steps: usize,
    /// Length of a step at the start, as a share of `‖W‖`; it falls to 0 in a straight line.
    pub rate: f32,
    /// How much of the last step is taken again.
    pub momentum: f32,
}

impl Default for Config {
    /// The paper's map and neighbourhoods.
    fn default() -> Self {
        Self {
            map: [10, 16],
            window: 3,
            first_window: 5,
            epsilon: 0.1,
            batch: 2000,
            steps: 6000,
            rate: 0.02,
            momentum: 0.9,
        }
    }
}

/// The encoder.
#[derive(Clone, Debug)]
pub struct Ica {
    /// `W`, orthonormal: one filter a row.
    pub filters: DMatrix<f32>,
    /// `h`.
    pub pools: Pools,
    /// `h` in the first half of the training.
    first: Pools,
    /// `ε`.
    pub epsilon: f32,
}

impl Ica {
    /// Starts from a random rotation of `components` whitened components.
    pub fn new(config: &Config, pools: Pools, components: usize, rng: &mut Rng) -> Result<Self> {
        let units = pools.units();
        ensure!(
            units == components,
            "a map of {units} units needs as many whitened components, but there are {components}: change the map or the whitening"
        );
        let mut filters = DMatrix::from_fn(units, units, |_, _| normal(rng) as f32);
        orthonormalise(&mut filters);
        let first = Pools::torus(config.map, [config.first_window; 2], [1, 1], Weights::Flat)?;
        Ok(Self { filters, pools, first, epsilon: config.epsilon })
    }

    /// The mean of the criterion on whitened patches, and its gradient: `∂/∂W = ⟨(y ⊙ hᵀ(1/v)) xᵀ⟩`.
    pub fn criterion(&self, x: &DMatrix<f32>) -> (f32, DMatrix<f32>) {
        self.criterion_with(&self.pools, x)
    }

    fn criterion_with(&self, pools: &Pools, x: &DMatrix<f32>) -> (f32, DMatrix<f32>) {
        let mut y = &self.filters * x;
        let v = pools.pooled(&y, self.epsilon);
        let mut pull = DMatrix::zeros(y.nrows(), y.ncols());
        pools.pull_into(&v, &mut pull);
        y.component_mul_assign(&pull);
        let share = 1.0 / x.ncols().max(1) as f32;
        (v.sum() * share, y * x.transpose() * share)
    }

    /// Learns from batches of whitened patches. `progress` sees the step and the criterion.
    pub fn train(
        &mut self,
        config: &Config,
        mut batch: impl FnMut(usize) -> DMatrix<f32>,
        mut progress: impl FnMut(usize, f32),
    ) {
        let mut velocity = DMatrix::zeros(self.filters.nrows(), self.filters.ncols());
        for step in 0..config.steps {
            let pools = if 2 * step < config.steps { &self.first } else { &self.pools };
            let (criterion, gradient) = self.criterion_with(pools, &batch(config.batch));
            progress(step, criterion);
            // Along the manifold of rotations only the antisymmetric part of G Wᵀ turns W.
            let turn = &gradient * self.filters.transpose();
            let along = (&turn - turn.transpose()) * &self.filters;
            let left = 1.0 - step as f32 / config.steps as f32;
            let length =
                config.rate * left * (along.nrows() as f32).sqrt() / along.norm().max(f32::MIN_POSITIVE);
            velocity = velocity * config.momentum - along * (length * (1.0 - config.momentum));
            self.filters += &velocity;
            orthonormalise(&mut self.filters);
        }
    }
}

/// `W ← (W Wᵀ)^(−½) W`, the nearest orthonormal matrix, by Newton and Schulz's iteration `W ← ½ (3 − W Wᵀ) W`: products
/// only, and two or three of them when `W` was nearly orthonormal.
pub fn orthonormalise(w: &mut DMatrix<f32>) {
    let n = w.nrows();
    // It converges when no singular value is above √3.
    let largest = super::inference::largest_eigenvalue(&(&*w * w.transpose())).sqrt();
    if largest > 1.5 {
        *w /= largest;
    }
    for _ in 0..100 {
        let gram = &*w * w.transpose();
        let off = (&gram - DMatrix::identity(n, n)).amax();
        if off < 1e-5 {
            break;
        }
        *w = &*w * 1.5 - gram * &*w * 0.5;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tape::check::random;
    use rand::SeedableRng;

    fn small() -> Config {
        Config { map: [3, 4], window: 3, first_window: 3, steps: 100, ..Config::default() }
    }

    fn pools() -> Pools {
        Pools::torus([3, 4], [3, 3], [1, 1], Weights::Flat).unwrap()
    }

    fn ica(seed: u64) -> Ica {
        Ica::new(&small(), pools(), 12, &mut Rng::seed_from_u64(seed)).unwrap()
    }

    #[test]
    fn gradient() {
        let (mut ica, x) = (ica(1), random(12, 30, 2));
        let gradient = ica.criterion(&x).1;
        for (i, j) in [(0, 0), (5, 7), (11, 3)] {
            let mut at = |step: f32| {
                ica.filters[(i, j)] += step;
                let value = ica.criterion(&x).0;
                ica.filters[(i, j)] -= step;
                value
            };
            let slope = (at(1e-2) - at(-1e-2)) / 2e-2;
            assert!((slope - gradient[(i, j)]).abs() < 1e-2, "{slope} {}", gradient[(i, j)]);
        }
    }

    #[test]
    fn filters_stay_orthonormal_and_the_criterion_falls() {
        let (mut ica, x) = (ica(3), random(12, 200, 4).map(|v| v * v * v));
        let (mut first, mut last) = (0.0, 0.0);
        ica.train(&small(), |_| x.clone(), |step, c| if step == 0 { first = c } else { last = c });
        assert!(last < first, "{first} {last}");
        assert!((&ica.filters * ica.filters.transpose() - DMatrix::identity(12, 12)).amax() < 1e-4);
    }

    /// The polar factor, which a singular value decomposition gives too.
    #[test]
    fn the_nearest_orthonormal_matrix_is_found() {
        let mut w = random(9, 9, 5) * 3.0;
        let svd = w.clone().svd(true, true);
        let nearest = svd.u.unwrap() * svd.v_t.unwrap();
        orthonormalise(&mut w);
        assert!((w - nearest).amax() < 1e-3);
    }

    #[test]
    fn a_map_that_does_not_fit_is_told() {
        let pools = Pools::torus([3, 4], [3, 3], [1, 1], Weights::Flat).unwrap();
        let said =
            Ica::new(&Config::default(), pools, 10, &mut Rng::seed_from_u64(0)).unwrap_err().to_string();
        assert!(said.contains("12 units needs as many whitened components, but there are 10"));
    }
}
