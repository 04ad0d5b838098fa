//! Online dictionary learning (Mairal, Bach, Ponce & Sapiro, ICML 2009): what batches of codes say about the dictionary
//! is kept in two small matrices, and the dictionary is the best one for them.
//!
//! ```text
//! A ← β A + Z Zᵀ,   B ← β B + X Zᵀ,   min_D ½ tr(DᵀD A) − tr(Dᵀ B)   over ‖d_k‖ = 1
//! ```
//! one atom after the other: `d_k ← d_k + (b_k − D a_k)/A_kk`, back to unit length. No learning rate is needed.

use super::inference::{Penalty, Settings, fista, normalise, objective};
use crate::worlds::{Rng, camera::normal};
use nalgebra::DMatrix;
use rand::RngExt;

/// What the codes so far say of the dictionary.
#[derive(Clone, Debug)]
pub struct Online {
    /// `A`, codes by codes.
    codes: DMatrix<f32>,
    /// `B`, observations by codes.
    products: DMatrix<f32>,
    /// `β`, how much of the past is kept when a batch is absorbed: early codes belong to dictionaries long gone.
    keep: f32,
}

impl Online {
    /// Nothing seen yet. `keep` = 1 − 1/n remembers about the last `n` batches.
    pub fn new(observation: usize, units: usize, keep: f32) -> Self {
        Self { codes: DMatrix::zeros(units, units), products: DMatrix::zeros(observation, units), keep }
    }

    /// Takes in a batch of observations and their codes, one sample a column.
    pub fn absorb(&mut self, x: &DMatrix<f32>, z: &DMatrix<f32>) {
        let (transposed, share) = (z.transpose(), 1.0 / z.ncols().max(1) as f32);
        self.codes.gemm(share, z, &transposed, self.keep);
        self.products.gemm(share, x, &transposed, self.keep);
    }

    /// Improves every atom once. Atoms that no code uses stay as they are.
    pub fn improve(&self, dictionary: &mut DMatrix<f32>) {
        for k in 0..dictionary.ncols() {
            let use_of = self.codes[(k, k)];
            if use_of > UNUSED {
                let pull = (self.products.column(k) - &*dictionary * self.codes.column(k)) / use_of;
                let mut atom = dictionary.column_mut(k);
                atom += pull;
                let norm = atom.norm();
                if norm > 0.0 {
                    atom /= norm;
                }
            }
        }
    }

    /// Puts random observations in the place of atoms that no code uses, and says how many. Noise would die again.
    pub fn revive(&mut self, dictionary: &mut DMatrix<f32>, x: &DMatrix<f32>, rng: &mut Rng) -> usize {
        let dead: Vec<_> = (0..dictionary.ncols()).filter(|&k| self.codes[(k, k)] <= UNUSED).collect();
        for &k in &dead {
            let observation = x.column(rng.random_range(0..x.ncols()));
            let norm = observation.norm();
            if norm > 0.0 {
                dictionary.set_column(k, &(observation / norm));
            }
        }
        dead.len()
    }
}

/// How a dictionary is learned by turns: the codes of a batch, then the atoms.
#[derive(Clone, Debug)]
pub struct Turns {
    /// Samples in a batch.
    pub batch: usize,
    /// Batches.
    pub batches: usize,
    /// Batches that the dictionary remembers: `1/(1 − β)`.
    pub memory: f32,
    /// FISTA's iterations for a batch.
    pub iterations: usize,
}

impl Turns {
    /// Learns a dictionary for a penalty. Unused atoms are revived in the first quarter of the time. `progress` sees the batch and
    /// the mean objective.
    pub fn learn(
        &self,
        dictionary: &mut DMatrix<f32>,
        penalty: &dyn Penalty,
        mut batch: impl FnMut(usize) -> DMatrix<f32>,
        rng: &mut Rng,
        mut progress: impl FnMut(usize, f32),
    ) {
        let settings = Settings { iterations: self.iterations, tolerance: 1e-3, start: None };
        let mut online = Online::new(dictionary.nrows(), dictionary.ncols(), 1.0 - 1.0 / self.memory);
        for step in 0..self.batches {
            let x = batch(self.batch);
            let z = fista(dictionary, &x, penalty, &settings, |_, _| ());
            progress(step, objective(dictionary, &x, &z, penalty).iter().sum::<f32>() / self.batch as f32);
            online.absorb(&x, &z);
            online.improve(dictionary);
            if step % REVIVAL == REVIVAL - 1 && step < self.batches / 4 {
                online.revive(dictionary, &x, rng);
            }
        }
    }
}

/// Batches between two looks for unused atoms.
const REVIVAL: usize = 10;

/// Mean square of a unit that counts as not used.
const UNUSED: f32 = 1e-8;

/// Random observations and a little noise as atoms, of unit length.
pub fn from_samples(x: &DMatrix<f32>, units: usize, rng: &mut Rng) -> DMatrix<f32> {
    let spread = (x.norm_squared() / x.len().max(1) as f32).sqrt();
    let mut dictionary = DMatrix::from_fn(x.nrows(), units, |_, _| 0.1 * spread * normal(rng) as f32);
    for mut atom in dictionary.column_iter_mut() {
        atom += x.column(rng.random_range(0..x.ncols()));
    }
    normalise(&mut dictionary);
    dictionary
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    /// With the true codes the dictionary that made the data is found.
    #[test]
    fn the_dictionary_of_known_codes_is_found() {
        let mut rng = Rng::seed_from_u64(3);
        let mut random = |rows, cols| DMatrix::from_fn(rows, cols, |_, _| normal(&mut rng) as f32);
        let (mut truth, z, mut found) = (random(10, 6), random(6, 400), random(10, 6));
        normalise(&mut truth);
        normalise(&mut found);
        let mut online = Online::new(10, 6, 1.0);
        online.absorb(&(&truth * &z), &z);
        for _ in 0..100 {
            online.improve(&mut found);
        }
        assert!((found - truth).amax() < 1e-3);
    }
}
