//! Preprocessing: one affine map `y = A (x − μ)`, `μ` the mean sample. An encoder that begins with a linear map, and a decoder that
//! ends with one, [take it in](crate::perceive::fold), so the exported file knows nothing of it.

use crate::data::whitening::{Keep, Kind, Whitening};
use nalgebra::DMatrix;
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;

/// What is done to samples before they are learned from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Preprocess {
    /// Only the mean sample is taken off.
    #[default]
    None,
    /// Each sample's own mean is taken off: brightness says little about what is there.
    Mean,
    /// Components are uncorrelated and have variance 1: what photographs need before filters can be told apart.
    Whiten,
}

impl Preprocess {
    /// Fits the map to samples, one a column. What it makes of them has no direction without variance, so that
    /// `A A⁺ = I`: there is nothing in `y` that folded weights could lose.
    pub fn fit(self, keep: Keep, x: &DMatrix<f32>) -> Whitening {
        let forward = match self {
            Self::None => DMatrix::identity(x.nrows(), x.nrows()),
            Self::Mean => without_mean(x.nrows()),
            Self::Whiten => return Whitening::fit(x, Kind::Pca, keep),
        };
        let mean = DMatrix::from_column_slice(x.nrows(), 1, x.column_mean().as_slice());
        // The rows are orthonormal.
        Whitening { backward: forward.transpose(), forward, mean }
    }
}

/// An orthonormal basis, one vector a row, of all that has mean 0 (Helmert's): row `k` compares number `k + 1` with the
/// mean of those before it.
fn without_mean(n: usize) -> DMatrix<f32> {
    DMatrix::from_fn(n.saturating_sub(1), n, |row, col| {
        let k = (row + 1) as f32;
        let scale = 1.0 / (k * (k + 1.0)).sqrt();
        match col.cmp(&(row + 1)) {
            Ordering::Less => scale,
            Ordering::Equal => -k * scale,
            Ordering::Greater => 0.0,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        export::Tensors,
        perceive::fold::fold,
        worlds::{Rng, camera::normal},
    };
    use rand::SeedableRng;

    #[test]
    fn folded_weights_do_to_raw_samples_what_the_others_do_to_preprocessed_ones() {
        let rng = &mut Rng::seed_from_u64(4);
        let mut random = |rows, cols| DMatrix::from_fn(rows, cols, |_, _| normal(rng) as f32);
        let mut x = random(9, 9) * random(9, 500);
        x.add_scalar_mut(0.5);
        for (kind, keep) in [
            (Preprocess::None, Keep::Epsilon(0.0)),
            (Preprocess::Mean, Keep::Epsilon(0.0)),
            (Preprocess::Whiten, Keep::Epsilon(0.05)),
            (Preprocess::Whiten, Keep::Components(6)),
        ] {
            let map = kind.fit(keep, &x);
            let y = map.apply(&x);
            let (w, bias, mean) = (random(5, y.nrows()), random(5, 1), random(y.nrows(), 1));
            let (z, dictionary) = (random(5, 500), random(y.nrows(), 5));
            let mut tensors = Tensors::default();
            let columns = |m: &DMatrix<f32>| DMatrix::from_fn(m.nrows(), 500, |row, _| m[row]);
            tensors.matrix("perceive", "w_e", w.clone());
            tensors.matrix("perceive", "bias", bias.clone());
            tensors.matrix("perceive", "dictionary", dictionary.clone());
            tensors.matrix("perceive", "mean", mean.clone());
            fold(&map, &mut tensors);
            let mut folded = |name| tensors.take("perceive", name).expect("a tensor");
            let driven = folded("w_e") * &x + columns(&folded("bias"));
            let expected = &w * &y + columns(&bias);
            assert!((driven - &expected).amax() < 1e-4 * expected.amax(), "{kind:?} {keep:?}, encoder");
            let decoded = map.apply(&(folded("dictionary") * &z + columns(&folded("mean"))));
            let expected = dictionary * &z + columns(&mean);
            assert!((decoded - &expected).amax() < 1e-3 * expected.amax(), "{kind:?} {keep:?}, decoder");
        }
    }

    #[test]
    fn a_sample_without_its_mean_keeps_its_length() {
        let basis = without_mean(6);
        assert!((&basis * basis.transpose() - DMatrix::identity(5, 5)).amax() < 1e-6);
        assert!((basis * DMatrix::from_element(6, 1, 3.0)).amax() < 1e-5);
    }
}
