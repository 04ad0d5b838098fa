//! Topographic dictionary learning, the decoder-only map (Mairal, Jenatton, Obozinski & Bach, *Convex and network flow
//! optimization for structured sparsity*, JMLR 2011):
//!
//! ```text
//! min_D Σ_x min_z ½‖x − D z‖² + λ Σ_i √(ε + Σ_{j∈P_i} w_ij z_j²),   ‖d_k‖ = 1
//! ```
//! with overlapping pools `P_i`. No encoder: a code is always the result of inference.

use super::{
    inference::{largest_eigenvalue, normalise},
    online::Online,
    pools::Pools,
    reweighted::{Settings, energy, infer},
    topographic::Dictionary,
};
use crate::worlds::{Rng, camera::normal};
use nalgebra::DMatrix;
use serde::{Deserialize, Serialize};

/// Hyper-parameters.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Rows and columns of the torus of units.
    pub map: [usize; 2],
    /// Side of the square pools, one around every unit.
    pub window: usize,
    /// `λ`, beside patches of unit length on average.
    pub sparsity: f32,
    /// `ε`: rounds the root where a pool is silent. Small beside the squares of codes that are on.
    pub epsilon: f32,
    /// Patches in a batch.
    pub batch: usize,
    /// Batches: one update of the dictionary after each.
    pub batches: usize,
    /// Batches that the dictionary remembers.
    pub memory: f32,
    /// Iterations of inference.
    pub iterations: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            map: [16, 16],
            window: 4,
            sparsity: 0.02,
            epsilon: 1e-4,
            batch: 250,
            batches: 1500,
            memory: 50.0,
            iterations: 25,
        }
    }
}

/// The dictionary.
#[derive(Clone, Debug)]
pub struct StructuredDictionary {
    /// One atom of unit length a column.
    pub dictionary: DMatrix<f32>,
    /// Which units are pooled.
    pub pools: Pools,
    settings: Settings,
}

impl StructuredDictionary {
    /// Starts from random directions: atoms that began as patches would already be specialised, each in its own way.
    pub fn new(config: &Config, pools: Pools, components: usize, rng: &mut Rng) -> Self {
        let mut dictionary = DMatrix::from_fn(components, pools.units(), |_, _| normal(rng) as f32);
        normalise(&mut dictionary);
        let Config { sparsity: lambda, epsilon, iterations, .. } = *config;
        Self { dictionary, pools, settings: Settings { lambda, epsilon, alpha: 0.0, iterations } }
    }

    /// The codes of patches, and the mean of the criterion.
    pub fn infer(&self, x: &DMatrix<f32>) -> (DMatrix<f32>, f32) {
        let dictionary = Dictionary::new(self.dictionary.clone());
        let lipschitz = largest_eigenvalue(&(&dictionary.transposed * &dictionary.atoms));
        // Not from zero: the parabola that touches the penalty there is steep, and the first steps would be short.
        let start = &dictionary.transposed * x / lipschitz;
        let z = infer(&dictionary, &self.pools, x, &start, lipschitz, &self.settings);
        let criterion = energy(&dictionary, &self.pools, x, &z, &self.settings).iter().sum();
        (z, criterion)
    }

    /// Learns from batches of patches. `progress` sees the batch and the mean of the criterion.
    pub fn train(
        &mut self,
        config: &Config,
        mut batch: impl FnMut(usize) -> DMatrix<f32>,
        mut progress: impl FnMut(usize, f32),
    ) {
        let (rows, units) = self.dictionary.shape();
        let mut online = Online::new(rows, units, 1.0 - 1.0 / config.memory);
        for step in 0..config.batches {
            let x = batch(config.batch);
            let (z, criterion) = self.infer(&x);
            progress(step, criterion);
            online.absorb(&x, &z);
            online.improve(&mut self.dictionary);
        }
    }
}
