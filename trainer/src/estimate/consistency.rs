//! Whether a filter knows how good it is: the normalised estimation error squared `(x − x̂)ᵀ P⁻¹ (x − x̂)` has to be χ² with as
//! many degrees of freedom as the state has components (Bar-Shalom, Li & Kirubarajan 2001, section 5.4).

use anyhow::{Context, Result};
use forethought::feature::Angles;
use nalgebra::DMatrix;

/// The normalised estimation error squared of one estimate; errors of angles are the short way round.
pub fn nees(angles: Angles, truth: &[f64], estimate: &[f64], covariance: &DMatrix<f64>) -> Result<f64> {
    let errors = truth
        .iter()
        .zip(estimate)
        .enumerate()
        .map(|(i, (x, e))| if angles.contains(i) { crate::worlds::pendulum::wrap(x - e) } else { x - e });
    let error = nalgebra::DVector::from_iterator(truth.len(), errors);
    let cholesky = covariance.clone().cholesky().context("a covariance is not positive definite")?;
    Ok(error.dot(&cholesky.solve(&error)))
}

/// Between which values the mean of `n` independent χ² numbers of `freedom` degrees lies with a chance of 95 %.
///
/// `n` times the mean is χ² with `n · freedom` degrees; its quantiles are Wilson and Hilferty's.
pub fn band(freedom: usize, n: usize) -> (f64, f64) {
    let degrees = (n * freedom) as f64;
    let quantile = |z: f64| {
        let spread = 2.0 / (9.0 * degrees);
        degrees * (1.0 - spread + z * spread.sqrt()).powi(3) / n as f64
    };
    (quantile(-1.959_964), quantile(1.959_964))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bands_are_those_of_the_tables() {
        // χ² of 200 degrees: 2.5 % below 162.728, 97.5 % below 241.058.
        let (low, high) = band(2, 100);
        assert!((low - 1.62728).abs() < 1e-3 && (high - 2.41058).abs() < 1e-3, "{low} {high}");
        // Of 20 degrees: 9.591 and 34.170.
        let (low, high) = band(4, 5);
        assert!((low - 9.591 / 5.0).abs() < 5e-3 && (high - 34.170 / 5.0).abs() < 5e-3, "{low} {high}");
    }

    #[test]
    fn errors_are_counted_in_deviations_and_go_the_short_way_round() {
        let covariance = DMatrix::from_row_slice(2, 2, &[0.04, 0.0, 0.0, 0.25]);
        let found = nees(Angles(1), &[3.1, 1.0], &[0.2 - 3.183_185_307_179_586, 0.5], &covariance).unwrap();
        assert!((found - 2.0).abs() < 1e-9, "{found}");
    }
}
