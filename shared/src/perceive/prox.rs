//! Proximal operators: what a penalty does to a code in one step of inference.
//!
//! ```text
//! prox_{tΩ}(v) = argmin_z ½‖z − v‖² + t Ω(z)
//! ```
//! Each is exact (Parikh & Boyd, *Proximal algorithms*, 2014, chapter 6; Bach et al., *Optimization with
//! sparsity-inducing penalties*, 2012).

use crate::math;

/// The soft threshold `sign(v)·max(|v|−t, 0)`: the proximal operator of `t‖·‖₁`.
pub fn soft(v: f32, t: f32) -> f32 {
    if v > t {
        v - t
    } else if v < -t {
        v + t
    } else {
        0.0
    }
}

/// The rectified threshold `max(v−t, 0)`: the same under the constraint `z ≥ 0`.
pub fn rectified(v: f32, t: f32) -> f32 {
    if v > t { v - t } else { 0.0 }
}

/// The group threshold `z ← z·max(1 − t/‖z‖, 0)`: the proximal operator of `t‖·‖₂`, which turns a pool off as a whole.
pub fn group(z: &mut [f32], t: f32) {
    let norm = math::sqrt(z.iter().fold(0.0, |sum, z| sum + z * z));
    let share = if norm > t { 1.0 - t / norm } else { 0.0 };
    z.iter_mut().for_each(|z| *z *= share);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// The optimality condition of `½‖z − v‖² + t‖z‖`: `v − z = t z/‖z‖`, or `‖v‖ ≤ t` where `z = 0`.
        #[test]
        fn the_group_threshold_is_optimal(v in prop::array::uniform4(-2.0f32..2.0), t in 0.0f32..3.0) {
            let mut z = v;
            group(&mut z, t);
            let norm = |v: &[f32]| v.iter().map(|v| f64::from(v * v)).sum::<f64>().sqrt();
            let length = norm(&z);
            if length == 0.0 {
                prop_assert!(norm(&v) <= f64::from(t) + 1e-5);
            } else {
                for (v, z) in v.into_iter().zip(z) {
                    let pull = f64::from(t) * f64::from(z) / length;
                    prop_assert!((f64::from(v - z) - pull).abs() < 1e-4);
                }
            }
        }
    }
}
