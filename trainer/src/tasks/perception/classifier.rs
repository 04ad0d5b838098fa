//! A linear classifier of codes, for encoders that are trained without labels: the ridge regression of what it should
//! answer, 1 for a sample's class and 0 for the others.
//!
//! ```text
//! C = ⟨(t − t̄) (z − z̄)ᵀ⟩ (⟨(z − z̄) (z − z̄)ᵀ⟩ + ε σ² I)⁻¹,   b = t̄ − C z̄
//! ```

use nalgebra::DMatrix;

/// `ε`, beside the mean variance `σ²` of a unit: enough that units which are never on do no harm.
const RIDGE: f32 = 1e-3;

/// `C` and `b` from codes and targets, one sample a column.
pub fn fit(z: &DMatrix<f32>, targets: &DMatrix<f32>) -> (DMatrix<f32>, DMatrix<f32>) {
    let centred = |m: &DMatrix<f32>| {
        let mean = DMatrix::from_column_slice(m.nrows(), 1, m.column_mean().as_slice());
        let mut m = m.clone();
        m.column_iter_mut().for_each(|mut sample| sample -= mean.column(0));
        (m, mean)
    };
    let ((z, z_mean), (t, t_mean)) = (centred(z), centred(targets));
    let transposed = z.transpose();
    let mut covariance = &z * &transposed;
    let ridge = RIDGE * covariance.trace() / covariance.nrows() as f32;
    for unit in 0..covariance.nrows() {
        // All silent: nothing to divide by, and nothing to say.
        covariance[(unit, unit)] += ridge.max(f32::MIN_POSITIVE);
    }
    let products = &z * t.transpose();
    let c = covariance
        .cholesky()
        .map_or(DMatrix::zeros(t.nrows(), z.nrows()), |f| f.solve(&products).transpose());
    let b = t_mean - &c * z_mean;
    (c, b)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::worlds::{Rng, camera::normal};
    use rand::SeedableRng;

    #[test]
    fn classes_that_a_plane_parts_are_told_apart_and_silent_units_do_no_harm() {
        let rng = &mut Rng::seed_from_u64(6);
        let z = DMatrix::from_fn(4, 300, |unit, i| {
            let side = if i % 2 == 0 { 1.0 } else { -1.0 };
            if unit == 3 { 0.0 } else { 0.3 * normal(rng) as f32 + if unit == 1 { side } else { 2.0 } }
        });
        let targets = DMatrix::from_fn(2, 300, |class, i| f32::from(i % 2 == class));
        let (c, b) = fit(&z, &targets);
        let right = z.column_iter().enumerate().filter(|(i, z)| {
            let scores = &c * z + &b;
            (scores[0] > scores[1]) == (i % 2 == 0)
        });
        assert!(right.count() > 290);
        // Where nothing is ever on, the answer is the average.
        let (c, b) = fit(&DMatrix::zeros(3, 10), &DMatrix::from_element(1, 10, 0.5));
        assert!(c.amax() == 0.0 && (b[0] - 0.5).abs() < 1e-6);
    }
}
