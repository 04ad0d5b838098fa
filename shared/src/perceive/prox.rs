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

/// The soft threshold of what is smaller than `bound`; what is not passes as it is, if it exceeds the threshold at all.
pub fn soft_below(v: f32, t: f32, bound: f32) -> f32 {
    if v.abs() > t && v.abs() >= bound { v } else { soft(v, t) }
}

/// The magnitude of the `n`-th largest entry, counted from 1: infinite for `n = 0`, and 0 if there are not so many.
///
/// It is built bit by bit from the top, as the largest number that `n` entries reach: no memory, no order, and the
/// same effort for every input.
pub fn nth_largest(v: &[f32], n: usize) -> f32 {
    if n == 0 {
        return f32::INFINITY;
    }
    // Magnitudes are ordered as their bits are.
    let mut bound = 0;
    for bit in (0..31).rev() {
        let higher = bound | 1 << bit;
        if v.iter().filter(|v| v.abs().to_bits() >= higher).count() >= n {
            bound = higher;
        }
    }
    f32::from_bits(bound)
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

/// Stands for the parent of a root in [`tree`].
pub const ROOT: u16 = u16::MAX;

/// The proximal operator of `t Σ_g w_g ‖z_g‖₂` where group `g` is node `g` of a tree with all its descendants, exact in one
/// pass (Jenatton, Mairal, Obozinski & Bach, ICML 2010): leaves first,
///
/// ```text
/// z_g ← z_g·max(1 − t w_g/‖z_g‖, 0)
/// ```
/// so that a unit is only on where all its ancestors are. Parents are numbered before their children, a root's parent is
/// [`ROOT`]. `scratch` is as long as `z`; whatever is in it is overwritten.
pub fn tree(z: &mut [f32], parents: &[u16], weights: &[f32], t: f32, scratch: &mut [f32]) {
    scratch.fill(0.0);
    // Up: a node's place in `scratch` collects the squares of its subtree, then holds the share that its group keeps.
    let nodes = z.iter().zip(parents.iter().zip(weights)).enumerate();
    for (node, (z, (&parent, weight))) in nodes.rev() {
        let Some(place) = scratch.get_mut(node) else { continue };
        let square = *place + z * z;
        let (norm, limit) = (math::sqrt(square), t * weight);
        let share = if norm > limit { 1.0 - limit / norm } else { 0.0 };
        *place = share;
        if let Some(above) = scratch.get_mut(usize::from(parent)) {
            *above += share * share * square;
        }
    }
    // Down: each unit is shrunk by its own group and by all above it.
    for (node, (z, &parent)) in z.iter_mut().zip(parents).enumerate() {
        let above = scratch.get(usize::from(parent)).copied().unwrap_or(1.0);
        if let Some(share) = scratch.get_mut(node) {
            *share *= above;
            *z *= *share;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_nth_largest_is_that_of_a_sorted_list(
            v in prop::collection::vec(-9.0f32..9.0, 1..40), n in 0usize..50
        ) {
            let mut sorted: std::vec::Vec<_> = v.iter().map(|v| v.abs()).collect();
            sorted.sort_by(|a, b| b.total_cmp(a));
            let expected = if n == 0 { f32::INFINITY } else { sorted.get(n - 1).copied().unwrap_or(0.0) };
            prop_assert_eq!(nth_largest(&v, n), expected);
        }

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
