//! Topographic dictionary learning, the decoder-only map (Mairal, Jenatton, Obozinski & Bach, *Convex and network flow
//! optimization for structured sparsity*, JMLR 2011):
//!
//! ```text
//! min_D Σ_x min_z ½‖x − D z‖² + λ Σ_i √(ε + Σ_{j∈P_i} w_ij z_j²),   ‖d_k‖ = 1
//! ```
//! with overlapping pools `P_i`. No encoder: a code is always the result of inference.

use super::{
    inference::{Settings, fista},
    online::{Turns, from_samples},
    pools::{GroupSparsity, Pools},
};
use crate::worlds::Rng;
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
    /// FISTA's iterations for a batch.
    pub iterations: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            map: [16, 16],
            window: 3,
            sparsity: 0.05,
            epsilon: 1e-5,
            batch: 500,
            batches: 300,
            memory: 30.0,
            iterations: 40,
        }
    }
}

/// The dictionary.
#[derive(Clone, Debug)]
pub struct StructuredDictionary {
    /// One atom of unit length a column.
    pub dictionary: DMatrix<f32>,
    /// The penalty.
    pub penalty: GroupSparsity,
}

impl StructuredDictionary {
    /// Starts from random patches.
    pub fn new(config: &Config, pools: Pools, x: &DMatrix<f32>, rng: &mut Rng) -> Self {
        let dictionary = from_samples(x, pools.units(), rng);
        let penalty = GroupSparsity { pools, lambda: config.sparsity, epsilon: config.epsilon, sweeps: 1 };
        Self { dictionary, penalty }
    }

    /// The best codes of patches.
    pub fn infer(&self, x: &DMatrix<f32>, iterations: usize) -> DMatrix<f32> {
        let settings = Settings { iterations, tolerance: 0.0, start: None };
        fista(&self.dictionary, x, &self.penalty, &settings, |_, _| ())
    }

    /// Learns from batches of patches. `progress` sees the batch and the mean of the criterion.
    pub fn train(
        &mut self,
        config: &Config,
        batch: impl FnMut(usize) -> DMatrix<f32>,
        rng: &mut Rng,
        progress: impl FnMut(usize, f32),
    ) {
        let Config { batch: n, batches, memory, iterations, .. } = *config;
        let turns = Turns { batch: n, batches, memory, iterations };
        turns.learn(&mut self.dictionary, &self.penalty, batch, rng, progress);
    }
}
