//! Pools of units: one description for groups, maps, trees and graphs.
//!
//! ```text
//! v_i = √(ε + Σ_j w_ij z_j²),   Ω(z) = λ Σ_i v_i
//! ```
//! The sum over pools of the norm inside each: few pools are on at once, how many of a pool's units are on costs little.
//! So units that are on together gather in one pool, and where pools overlap along a map, neighbours become alike
//! (Hyvärinen & Hoyer 2001; Kavukcuoglu, Ranzato, Fergus & LeCun, CVPR 2009).

mod build;
mod penalty;
mod sparse;
mod tree;

pub use build::Weights;
pub use penalty::GroupSparsity;
pub use tree::Tree;

use crate::tape::{Tape, Var};
use nalgebra::DMatrix;
use sparse::Rows;
use std::sync::Arc;

/// How pools lie to each other: it decides which proximal operator is exact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Arrangement {
    /// No unit is in two pools, and the units of one pool weigh the same.
    Disjoint,
    /// Anything else.
    Overlapping,
    /// Pool `i` is node `i` and all its descendants.
    Tree(Tree),
}

/// Which unit counts how much in which pool: `w_ij ≥ 0` of unit `j` in pool `i`.
#[derive(Clone, Debug)]
pub struct Pools {
    /// `w`, one row a pool.
    members: Rows,
    /// `wᵀ`, one row a unit.
    homes: Rows,
    arrangement: Arrangement,
}

impl Pools {
    /// Number of units.
    pub fn units(&self) -> usize {
        self.homes.len()
    }

    /// Number of pools.
    pub fn count(&self) -> usize {
        self.members.len()
    }

    /// The units `j` of pool `i` with their weights `w_ij`.
    pub fn members(&self, pool: usize) -> impl Iterator<Item = (usize, f32)> {
        self.members.row(pool)
    }

    /// The pools `i` that unit `j` is in, with its weights `w_ij`.
    pub fn homes(&self, unit: usize) -> impl Iterator<Item = (usize, f32)> {
        self.homes.row(unit)
    }

    /// How the pools lie to each other.
    pub fn arrangement(&self) -> &Arrangement {
        &self.arrangement
    }

    /// `v_i = √(ε + Σ_j w_ij z_j²)` of every sample: one pool a row, one sample a column.
    pub fn pooled(&self, z: &DMatrix<f32>, epsilon: f32) -> DMatrix<f32> {
        let mut v = DMatrix::zeros(self.count(), z.ncols());
        self.pool_into(z, epsilon, &mut v);
        v
    }

    /// The same into a matrix of the right size.
    pub fn pool_into(&self, z: &DMatrix<f32>, epsilon: f32, v: &mut DMatrix<f32>) {
        self.members.multiply(z, v, |z| z * z, |sum| (epsilon + sum).sqrt());
    }

    /// `r_j = Σ_i w_ij / v_i` of every sample: what the pools ask of each unit. The gradient of `Σ_i v_i` is `r ⊙ z`,
    /// and `½ r_j z_j²` is, but for a constant, the parabola that touches it from above.
    pub fn pull_into(&self, v: &DMatrix<f32>, r: &mut DMatrix<f32>) {
        self.homes.multiply(v, r, inverse, |sum| sum);
    }

    /// [`pooled`](Self::pooled) as an operation of the tape: `z̄ += z ⊙ wᵀ(v̄/v)`.
    pub fn pool(self: &Arc<Self>, tape: &Tape, z: Var, epsilon: f32) -> Var {
        let pools = self.clone();
        tape.record(
            &[z],
            |forward| self.pooled(forward.value(z), epsilon),
            move |backward| {
                let z_value = backward.value(z);
                let slopes = backward.gradient.zip_map(backward.output, |v_bar, v| v_bar * inverse(v));
                let mut pull = DMatrix::zeros(z_value.nrows(), z_value.ncols());
                pools.homes.multiply(&slopes, &mut pull, |slope| slope, |sum| sum);
                backward.add(z, z_value.as_slice().iter().zip(pull.as_slice()).map(|(z, pull)| z * pull));
            },
        )
    }
}

/// `1/v`, and a very large number where a pool without `ε` is silent.
fn inverse(v: f32) -> f32 {
    1.0 / v.max(1e-12)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tape::check::{check_gradients, random};

    #[test]
    fn the_batch_form_is_the_sum_over_members() {
        let pools = Pools::torus([6, 8], [4, 4], [2, 2], Weights::Gaussian { sigma: 1.5 }).unwrap();
        let z = random(48, 21, 1); // a full block of samples and a rest
        let v = pools.pooled(&z, 0.01);
        let mut r = DMatrix::zeros(48, 21);
        pools.pull_into(&v, &mut r);
        for sample in 0..21 {
            for pool in 0..pools.count() {
                let sum: f32 = pools.members(pool).map(|(j, w)| w * z[(j, sample)] * z[(j, sample)]).sum();
                assert!((v[(pool, sample)] - (0.01 + sum).sqrt()).abs() < 1e-5);
            }
            for unit in 0..48 {
                let sum: f32 = pools.homes(unit).map(|(i, w)| w / v[(i, sample)]).sum();
                assert!((r[(unit, sample)] - sum).abs() < 1e-4);
            }
        }
    }

    #[test]
    fn gradients() {
        let torus = Arc::new(Pools::torus([4, 4], [2, 3], [2, 1], Weights::Flat).unwrap());
        check_gradients(&[random(16, 3, 2)], |tape, v| torus.pool(tape, v[0], 0.1));
        let tree = Arc::new(Pools::tree(&[2, 2, 2], |level| 1.0 / (1 + level) as f32).unwrap());
        check_gradients(&[random(14, 3, 2)], |tape, v| tree.pool(tape, v[0], 0.1));
    }
}
