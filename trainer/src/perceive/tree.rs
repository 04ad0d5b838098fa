//! Tree-structured sparse coding, the lecture's "Russian dolls" (Jenatton, Mairal, Obozinski & Bach, ICML 2010):
//!
//! ```text
//! min_D Σ_x min_z ½‖x − D z‖² + λ Σ_g w_g ‖z_g‖,   ‖d_k‖ = 1
//! ```
//! One unit a node; the group `g` is a node with all its descendants. A unit can only be on when all its ancestors are: near
//! the root units are generic and often on, deep in the tree selective and rare, and an image activates few branches.
//! The proximal operator is exact in one pass ([`tree`](forethought::perceive::prox::tree)).

use super::{
    inference::{Settings, fista, objective},
    online::{Turns, from_samples},
    pools::{GroupSparsity, Pools, Tree},
};
use crate::worlds::Rng;
use anyhow::Result;
use nalgebra::DMatrix;
use serde::{Deserialize, Serialize};

/// Hyper-parameters.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Roots, and the children of a node at each level. Start with more than will be used, and prune.
    pub branching: Vec<usize>,
    /// `λ`, the weight of the root's group: of the whole code.
    pub sparsity: f32,
    /// How much heavier a group is than the one above it. 1 already makes deep units sparser than those above them.
    pub growth: f32,
    /// Patches in a batch.
    pub batch: usize,
    /// Batches: one update of the dictionary after each.
    pub batches: usize,
    /// Batches that the dictionary remembers.
    pub memory: f32,
    /// FISTA's iterations for a batch.
    pub iterations: usize,
    /// A branch is pruned if its top unit is on in less than this share of the patches.
    pub prune: f32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            branching: vec![1, 14, 3, 3],
            sparsity: 0.15,
            growth: 1.0,
            batch: 400,
            batches: 200,
            memory: 30.0,
            iterations: 60,
            prune: 0.05,
        }
    }
}

/// A dictionary whose atoms are the nodes of a tree.
#[derive(Clone, Debug)]
pub struct TreeCoder {
    /// One atom of unit length a column.
    pub dictionary: DMatrix<f32>,
    /// The penalty.
    pub penalty: GroupSparsity,
    tree: Tree,
    growth: f32,
}

impl TreeCoder {
    /// Starts from random patches.
    pub fn new(config: &Config, x: &DMatrix<f32>, rng: &mut Rng) -> Result<Self> {
        let tree = Tree::balanced(&config.branching)?;
        let dictionary = from_samples(x, tree.nodes(), rng);
        Self::with(dictionary, tree, config.sparsity, config.growth)
    }

    fn with(dictionary: DMatrix<f32>, tree: Tree, lambda: f32, growth: f32) -> Result<Self> {
        let pools = Pools::from_tree(tree.clone(), |level| growth.powi(level as i32))?;
        let penalty = GroupSparsity { pools, lambda, epsilon: 0.0, sweeps: 1 };
        Ok(Self { dictionary, penalty, tree, growth })
    }

    /// The tree.
    pub fn tree(&self) -> &Tree {
        &self.tree
    }

    /// The best codes of patches.
    pub fn infer(&self, x: &DMatrix<f32>, iterations: usize) -> DMatrix<f32> {
        let settings = Settings { iterations, tolerance: 1e-3, start: None };
        fista(&self.dictionary, x, &self.penalty, &settings, |_, _| ())
    }

    /// The mean of the criterion over patches and their codes.
    pub fn criterion(&self, x: &DMatrix<f32>, z: &DMatrix<f32>) -> f32 {
        objective(&self.dictionary, x, z, &self.penalty).iter().sum::<f32>() / x.ncols().max(1) as f32
    }

    /// Learns the dictionary from so many batches. `progress` sees the batch and the criterion.
    pub fn train(
        &mut self,
        config: &Config,
        batches: usize,
        batch: impl FnMut(usize) -> DMatrix<f32>,
        rng: &mut Rng,
        progress: impl FnMut(usize, f32),
    ) {
        let Config { batch: n, memory, iterations, .. } = *config;
        let turns = Turns { batch: n, batches, memory, iterations };
        turns.learn(&mut self.dictionary, &self.penalty, batch, rng, progress);
    }

    /// Without the branches whose top unit is on in less than a share `rare` of the samples.
    pub fn pruned(&self, rates: &[f32], rare: f32) -> Result<Self> {
        let nodes = self.tree.without(|node| rates[node] < rare);
        let dictionary = self.dictionary.select_columns(&nodes);
        Self::with(dictionary, self.tree.of(&nodes)?, self.penalty.lambda, self.growth)
    }
}

/// How often each unit is on: the share of the samples in which it is not zero.
pub fn rates(z: &DMatrix<f32>) -> Vec<f32> {
    let share = 1.0 / z.ncols().max(1) as f32;
    z.row_iter().map(|unit| share * unit.iter().filter(|z| **z != 0.0).count() as f32).collect()
}
