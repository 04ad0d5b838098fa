//! Whitening: a linear map after which all components have variance 1 and none is correlated with another.
//!
//! With the covariance `C = E Λ Eᵀ` of the patches and their mean `μ`, in the directions that are kept:
//!
//! ```text
//! PCA   y = Λ^(−½) Eᵀ (x − μ)        components, strongest first
//! ZCA   y = E Λ^(−½) Eᵀ (x − μ)      the nearest to x: a whitened patch still looks like one
//! ```

use nalgebra::{DMatrix, DVector, SymmetricEigen};
use serde::{Deserialize, Serialize};

/// Which of the whitening maps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Into the directions of the principal components: fewer numbers if fewer are kept.
    Pca,
    /// Back in the pixels' own axes: as many numbers as pixels.
    Zca,
}

/// Which directions are kept. The weak ones of photographs are noise, and whitening would blow it up.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Keep {
    /// So many of the strongest, exactly whitened; the others are dropped. For patches whose own mean was removed it is
    /// at most one less than the pixels.
    Components(usize),
    /// All, with the gain `(λ + ε·λ̄)^(−½)`, where `λ̄` is the mean variance: weak directions are damped. 0.01 to 0.1
    /// suits photographs.
    Epsilon(f32),
}

/// A fitted map with its (pseudo-)inverse.
#[derive(Clone, Debug)]
pub struct Whitening {
    /// `W`: from centred pixels to whitened components.
    pub forward: DMatrix<f32>,
    /// `W⁺`: back.
    pub backward: DMatrix<f32>,
    /// `μ`, the mean of the patches that it was fitted to, a column.
    pub mean: DMatrix<f32>,
}

impl Whitening {
    /// Fits the map to patches, one a column. Directions with less than 10⁻⁶ of the strongest's variance, which no f32
    /// can tell from 0, are dropped in any case.
    pub fn fit(patches: &DMatrix<f32>, kind: Kind, keep: Keep) -> Self {
        let x = patches.map(f64::from);
        let mean = x.column_mean();
        let centred = DMatrix::from_columns(&x.column_iter().map(|c| c - &mean).collect::<Vec<_>>());
        let covariance = &centred * centred.transpose() / x.ncols() as f64;
        let average = covariance.trace() / x.nrows() as f64;
        let eigen = SymmetricEigen::new(covariance);
        let mut order: Vec<usize> = (0..x.nrows()).collect();
        order.sort_by(|&a, &b| eigen.eigenvalues[b].total_cmp(&eigen.eigenvalues[a]));
        let strongest = order.first().map_or(0.0, |&i| eigen.eigenvalues[i]);
        order.retain(|&i| eigen.eigenvalues[i] > 1e-6 * strongest);
        let floor = match keep {
            Keep::Components(n) => {
                order.truncate(n);
                0.0
            }
            Keep::Epsilon(epsilon) => f64::from(epsilon) * average,
        };
        let axes = eigen.eigenvectors.select_columns(&order);
        let deviation =
            DVector::from_iterator(order.len(), order.iter().map(|&i| (eigen.eigenvalues[i] + floor).sqrt()));
        let scaled = |scale: &dyn Fn(f64) -> f64| &axes * DMatrix::from_diagonal(&deviation.map(scale));
        let (mut forward, mut backward) = (scaled(&|d| 1.0 / d).transpose(), scaled(&|d| d));
        if kind == Kind::Zca {
            (forward, backward) = (&axes * forward, backward * axes.transpose());
        }
        let mean = DMatrix::from_column_slice(mean.len(), 1, mean.as_slice());
        Self { forward: forward.cast(), backward: backward.cast(), mean: mean.cast() }
    }

    /// Whitens patches, one a column.
    pub fn apply(&self, patches: &DMatrix<f32>) -> DMatrix<f32> {
        let mut centred = patches.clone();
        centred.column_iter_mut().for_each(|mut patch| patch -= self.mean.column(0));
        &self.forward * centred
    }

    /// The patches that whitened ones came from, but for what was dropped.
    pub fn unapply(&self, whitened: &DMatrix<f32>) -> DMatrix<f32> {
        let mut patches = &self.backward * whitened;
        patches.column_iter_mut().for_each(|mut patch| patch += self.mean.column(0));
        patches
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        data::patches::remove_mean,
        worlds::{Rng, camera::normal},
    };
    use rand::SeedableRng;

    /// Correlated patches of 12 pixels, with a mean or without.
    fn patches(own_mean: bool) -> DMatrix<f32> {
        let rng = &mut Rng::seed_from_u64(5);
        let mix = DMatrix::from_fn(12, 12, |_, _| normal(rng) as f32);
        let mut x = &mix * DMatrix::from_fn(12, 4000, |_, _| normal(rng) as f32);
        x.add_scalar_mut(0.5);
        if !own_mean {
            remove_mean(&mut x);
        }
        x
    }

    fn covariance(y: &DMatrix<f32>) -> DMatrix<f32> {
        y * y.transpose() / y.ncols() as f32
    }

    #[test]
    fn whitened_components_are_uncorrelated_with_variance_one() {
        let x = patches(true);
        for kind in [Kind::Pca, Kind::Zca] {
            let white = Whitening::fit(&x, kind, Keep::Epsilon(0.0));
            let y = white.apply(&x);
            assert!((covariance(&y) - DMatrix::identity(12, 12)).amax() < 1e-3, "{kind:?}");
            assert!((white.unapply(&y) - &x).amax() < 1e-3 * x.amax(), "{kind:?} is inverted");
        }
    }

    #[test]
    fn zca_is_symmetric_and_pca_is_ordered() {
        let x = patches(true);
        let zca = Whitening::fit(&x, Kind::Zca, Keep::Epsilon(0.01)).forward;
        assert!((&zca - zca.transpose()).amax() < 1e-5 * zca.amax());
        let pca = Whitening::fit(&x, Kind::Pca, Keep::Components(5));
        assert_eq!(pca.forward.shape(), (5, 12));
        let gains: Vec<_> = pca.forward.row_iter().map(|row| row.norm()).collect();
        assert!(gains.is_sorted(), "the strongest direction needs the smallest gain: {gains:?}");
    }

    #[test]
    fn a_direction_without_variance_is_dropped_and_not_blown_up() {
        let x = patches(false);
        let white = Whitening::fit(&x, Kind::Pca, Keep::Components(12));
        assert_eq!(white.forward.nrows(), 11);
        assert!((covariance(&white.apply(&x)) - DMatrix::identity(11, 11)).amax() < 1e-3);
        assert!((white.unapply(&white.apply(&x)) - &x).amax() < 1e-3 * x.amax());
    }

    #[test]
    fn epsilon_damps_weak_directions() {
        let x = patches(true);
        let y = Whitening::fit(&x, Kind::Pca, Keep::Epsilon(0.1)).apply(&x);
        let variances = covariance(&y).diagonal();
        assert!(variances[0] > 0.9 && variances[11] < 0.5 && variances[11] < variances[0]);
    }
}
