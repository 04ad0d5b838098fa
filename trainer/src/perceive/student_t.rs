//! Product of Student-t experts with topography (Osindero, Welling & Hinton, *Neural Computation* 2006):
//!
//! ```text
//! F(x) = Σ_i α log(1 + ½ Σ_j h_ij (J_j x)²),   p(x) ∝ e^(−F(x)),   x whitened
//! ```
//! More filters `J` than components, so that neither a rotation nor a determinant says what keeps the energy from being low
//! everywhere. Contrastive divergence does: energy is pulled down at patches and pushed up where a short Hamiltonian Monte
//! Carlo walk, starting from those patches, ends up:
//!
//! ```text
//! ΔJ ∝ ⟨∂F/∂J⟩_walked − ⟨∂F/∂J⟩_patches
//! ```

use super::pools::{Pools, Weights};
use crate::worlds::{Rng, camera::normal};
use anyhow::Result;
use nalgebra::DMatrix;
use rand::RngExt;
use serde::{Deserialize, Serialize};

/// Hyper-parameters.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Rows and columns of the torus of units.
    pub map: [usize; 2],
    /// Side of the square neighbourhoods, one around every unit.
    pub window: usize,
    /// Their side in the first half of the training: wide ones order the map as a whole before the final ones refine it.
    pub first_window: usize,
    /// `α`, how heavy the experts' weight is: small makes long tails.
    pub alpha: f32,
    /// Patches in a batch.
    pub batch: usize,
    /// Updates of the filters.
    pub steps: usize,
    /// Learning rate at the start; it falls to 0 in a straight line.
    pub rate: f32,
    /// How much of the last update is made again.
    pub momentum: f32,
    /// Leapfrog steps of a walk.
    pub leaps: usize,
    /// Share of the walks that should be accepted; the length of a leap is kept so that they are.
    pub accepted: f32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            map: [14, 14],
            window: 3,
            first_window: 5,
            alpha: 0.5,
            batch: 200,
            steps: 4000,
            rate: 0.1,
            momentum: 0.9,
            leaps: 10,
            accepted: 0.9,
        }
    }
}

/// The energy.
#[derive(Clone, Debug)]
pub struct StudentT {
    /// `J`, one filter a row.
    pub filters: DMatrix<f32>,
    /// `h`.
    pub pools: Pools,
    /// `h` in the first half of the training.
    first: Pools,
    /// `α`.
    pub alpha: f32,
    /// Length of a leap of the walk.
    pub leap: f32,
}

impl StudentT {
    /// Starts from random filters of unit length.
    pub fn new(config: &Config, pools: Pools, components: usize, rng: &mut Rng) -> Result<Self> {
        let first = Pools::torus(config.map, [config.first_window; 2], [1, 1], Weights::Flat)?;
        let mut filters = DMatrix::from_fn(pools.units(), components, |_, _| normal(rng) as f32);
        for mut filter in filters.row_iter_mut() {
            filter.normalize_mut();
        }
        Ok(Self { filters, pools, first, alpha: config.alpha, leap: 0.1 })
    }

    /// Scales the filters so that the distribution is as wide as the patches: whatever `F`, under `e^(−F)` the mean of
    /// `xᵀ∂F/∂x` is the number of components.
    pub fn fit_width(&mut self, x: &DMatrix<f32>) {
        let width = |filters: &DMatrix<f32>| {
            let y = filters * x;
            y.dot(&self.energies(&y).1) / x.ncols() as f32
        };
        let (mut low, mut high) = (1e-3f32, 1e3);
        for _ in 0..40 {
            let middle = (low * high).sqrt();
            if width(&(&self.filters * middle)) < x.nrows() as f32 { low = middle } else { high = middle }
        }
        self.filters *= low;
    }

    /// `F` of each sample, and `∂F/∂y` for the filters' outputs `y = J x`.
    fn energies(&self, y: &DMatrix<f32>) -> (Vec<f32>, DMatrix<f32>) {
        // 1 + ½ Σ h y² = ½ v² with v² = 2 + Σ h y²
        let v = self.pools.pooled(y, 2.0);
        let energies =
            v.column_iter().map(|v| self.alpha * v.iter().map(|v| (0.5 * v * v).ln()).sum::<f32>());
        let energies = energies.collect();
        let mut slope = DMatrix::zeros(y.nrows(), y.ncols());
        // ∂F/∂y_j = α y_j Σ_i 2 h_ij / v_i²
        self.pools.pull_into(&v.map(|v| 0.5 * v * v), &mut slope);
        slope.zip_apply(y, |slope, y| *slope *= self.alpha * y);
        (energies, slope)
    }

    /// `F` of each sample.
    pub fn energy(&self, x: &DMatrix<f32>) -> Vec<f32> {
        self.energies(&(&self.filters * x)).0
    }

    /// `⟨∂F/∂J⟩` over a batch.
    pub fn gradient(&self, x: &DMatrix<f32>) -> DMatrix<f32> {
        self.energies(&(&self.filters * x)).1 * x.transpose() / x.ncols().max(1) as f32
    }

    /// One Hamiltonian Monte Carlo walk from each sample; what is refused stays where it was. Says which share was accepted.
    ///
    /// ```text
    /// p ~ N(0, 1);   p ← p − ½δ ∂F/∂x, then (x ← x + δ p, p ← p − δ ∂F/∂x) leap by leap, the last of them by half
    /// accepted with probability min(1, e^(F + ½‖p‖² before − after))
    /// ```
    pub fn walk(&self, start: &DMatrix<f32>, leaps: usize, rng: &mut Rng) -> (DMatrix<f32>, f32) {
        let transposed = self.filters.transpose();
        let slope = |x: &DMatrix<f32>| {
            let (energies, slope) = self.energies(&(&self.filters * x));
            (energies, &transposed * slope)
        };
        let kinetic = |p: &DMatrix<f32>| p.column_iter().map(|p| 0.5 * p.norm_squared()).collect::<Vec<_>>();
        let mut x = start.clone();
        let mut p = DMatrix::from_fn(x.nrows(), x.ncols(), |_, _| normal(rng) as f32);
        let (before, mut force) = slope(&x);
        let mut after = before.clone();
        let moving = kinetic(&p);
        for _ in 0..leaps {
            p -= &force * (0.5 * self.leap);
            x += &p * self.leap;
            (after, force) = slope(&x);
            p -= &force * (0.5 * self.leap);
        }
        let mut accepted = 0;
        for (j, ended) in kinetic(&p).into_iter().enumerate() {
            let change = (before[j] + moving[j]) - (after[j] + ended);
            if rng.random::<f32>() < change.exp() {
                accepted += 1;
            } else {
                x.set_column(j, &start.column(j));
            }
        }
        (x, accepted as f32 / start.ncols().max(1) as f32)
    }

    /// Learns from batches of whitened patches. `progress` sees the step, how much lower the patches' energy is than that of
    /// the walks' ends, and the share of walks accepted.
    pub fn train(
        &mut self,
        config: &Config,
        mut batch: impl FnMut(usize) -> DMatrix<f32>,
        rng: &mut Rng,
        mut progress: impl FnMut(usize, f32, f32),
    ) {
        let mut velocity = DMatrix::zeros(self.filters.nrows(), self.filters.ncols());
        std::mem::swap(&mut self.pools, &mut self.first);
        for step in 0..config.steps {
            if step == config.steps / 2 {
                std::mem::swap(&mut self.pools, &mut self.first);
            }
            let x = batch(config.batch);
            let (walked, accepted) = self.walk(&x, config.leaps, rng);
            let mean = |x: &DMatrix<f32>| self.energy(x).iter().sum::<f32>() / config.batch as f32;
            progress(step, mean(&walked) - mean(&x), accepted);
            let rate = config.rate * (1.0 - step as f32 / config.steps as f32);
            let push = self.gradient(&walked) - self.gradient(&x);
            velocity = velocity * config.momentum + push * (rate * (1.0 - config.momentum));
            self.filters += &velocity;
            self.leap *= if accepted > config.accepted { 1.02 } else { 0.98 };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tape::check::random;
    use rand::SeedableRng;

    fn model() -> StudentT {
        let pools = Pools::torus([3, 4], [3, 3], [1, 1], Weights::Flat).unwrap();
        StudentT::new(&Config::default(), pools, 5, &mut Rng::seed_from_u64(1)).unwrap()
    }

    #[test]
    fn gradient() {
        let (mut model, x) = (model(), random(5, 20, 2));
        let gradient = model.gradient(&x);
        for (i, j) in [(0, 0), (5, 3), (11, 4)] {
            let mut at = |step: f32| {
                model.filters[(i, j)] += step;
                let value = model.energy(&x).iter().sum::<f32>() / 20.0;
                model.filters[(i, j)] -= step;
                value
            };
            let slope = (at(1e-2) - at(-1e-2)) / 2e-2;
            assert!((slope - gradient[(i, j)]).abs() < 1e-2, "{slope} {}", gradient[(i, j)]);
        }
    }

    /// A walk leaves the distribution `e^(−F)` as it is: in one dimension its spread is known by numerical integration.
    #[test]
    fn walks_end_where_the_distribution_is() {
        let pools = Pools::disjoint(1, 1).unwrap();
        let config = Config { alpha: 3.0, ..Config::default() };
        let mut model = StudentT::new(&config, pools, 1, &mut Rng::seed_from_u64(4)).unwrap();
        model.leap = 0.3;
        let rng = &mut Rng::seed_from_u64(5);
        let mut x = DMatrix::zeros(1, 4000);
        for _ in 0..30 {
            x = model.walk(&x, 10, rng).0;
        }
        // p(x) ∝ (1 + x²/2)^(−3): a Student-t of 5 degrees of freedom, scaled by √(2/5); its variance is 2/3.
        let variance = x.norm_squared() / 4000.0;
        assert!((variance - 2.0 / 3.0).abs() < 0.1, "{variance}");
    }
}
