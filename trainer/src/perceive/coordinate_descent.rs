//! Coordinate descent on the lasso: one unit at a time, each to its exact optimum.
//!
//! ```text
//! z_k ← h_λ(d_kᵀ (y − Σ_{i≠k} d_i z_i)),   ‖d_k‖ = 1
//! ```
//! In the order of the units (Friedman, Hastie & Tibshirani 2010), or always the one that changes most (Li & Osher
//! 2009), which [LCoD](super::lcod) unrolls.

use forethought::perceive::prox;
use nalgebra::DMatrix;
use rayon::prelude::*;

/// Whose turn it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// One unit after the other.
    Cyclic,
    /// The unit that changes most.
    Greedy,
}

/// The codes after so many turns, one sample a column. The dictionary's atoms must have unit length.
pub fn coordinate_descent(
    dictionary: &DMatrix<f32>,
    y: &DMatrix<f32>,
    lambda: f32,
    order: Order,
    turns: usize,
) -> DMatrix<f32> {
    let (units, transposed) = (dictionary.ncols(), dictionary.transpose());
    // What competes with each unit: S = I − DᵀD.
    let s = DMatrix::identity(units, units) - &transposed * dictionary;
    let drive = transposed * y;
    let mut z = DMatrix::zeros(units, y.ncols());
    let samples =
        z.as_mut_slice().par_chunks_mut(units.max(1)).zip(drive.as_slice().par_chunks(units.max(1)));
    samples.for_each(|(z, drive): (&mut [f32], &[f32])| {
        let mut drive = drive.to_vec();
        for turn in 0..turns {
            let change = |k: usize| prox::soft(drive[k], lambda) - z[k];
            let k = match order {
                Order::Cyclic => turn % units,
                Order::Greedy => {
                    (1..units).fold(0, |best, k| if change(k).abs() > change(best).abs() { k } else { best })
                }
            };
            let change = change(k);
            if change != 0.0 {
                z[k] += change;
                drive.iter_mut().zip(s.column(k).iter()).for_each(|(drive, s)| *drive += s * change);
            }
        }
    });
    z
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        data::sparse::Sparse,
        perceive::{
            inference::{L1, Settings, fista, normalise},
            lcod::Lcod,
            unrolled::Unrolled,
        },
        worlds::Rng,
    };
    use rand::SeedableRng;

    #[test]
    fn both_orders_reach_the_optimum_and_greedy_is_what_lcod_starts_as() {
        let rng = &mut Rng::seed_from_u64(2);
        let mut problem = Sparse::new((20, 40), 0.1, 30.0, rng);
        normalise(&mut problem.dictionary);
        let (y, _) = problem.draw(6, rng);
        let settings = Settings { iterations: 2000, tolerance: 0.0, start: None };
        let best = fista(&problem.dictionary, &y, &L1 { lambda: 0.1 }, &settings, |_, _| ());
        for order in [Order::Cyclic, Order::Greedy] {
            let z = coordinate_descent(&problem.dictionary, &y, 0.1, order, 8000);
            assert!((z - &best).amax() < 2e-3, "{order:?}");
        }
        let some = coordinate_descent(&problem.dictionary, &y, 0.1, Order::Greedy, 7);
        let mut once_more = &problem.dictionary.transpose() * (&y - &problem.dictionary * &some) + &some;
        once_more.iter_mut().for_each(|v| *v = prox::soft(*v, 0.1));
        let lcod = Lcod::new(&problem.dictionary, DMatrix::zeros(20, 1), 0.1).codes(&y, 7);
        assert!((lcod - once_more).amax() < 1e-4);
    }
}
