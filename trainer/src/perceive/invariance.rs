//! What a unit and its pool still see of the unit's favourite stimulus when that is moved or turned.
//!
//! A unit's answer falls, and comes back, with the phase of its stripes; its pool holds neighbours that like other phases,
//! places and angles a little, so the pool's answer must fall more slowly: it is invariant to what varies inside a pool.

use super::{gabor::Gabor, pools::Pools};
use nalgebra::DMatrix;

/// How the stimulus is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// By pixels, across its stripes.
    Shift,
    /// By radians.
    Turn,
}

/// Mean answers, each unit's and each pool's as a share of its answer to the unchanged stimulus.
#[derive(Clone, Debug)]
pub struct Curves {
    /// How much was changed.
    pub change: Vec<f32>,
    /// Of single units, `|z_j|`.
    pub unit: Vec<f32>,
    /// Of pools, `√(Σ_j w_ij z_j²)`.
    pub pool: Vec<f32>,
}

impl Curves {
    /// The mean of a curve over all changes: 1 is fully invariant.
    pub fn kept(curve: &[f32]) -> f64 {
        curve.iter().copied().map(f64::from).sum::<f64>() / curve.len().max(1) as f64
    }
}

/// Changes each unit's own [`Gabor`] function by up to `most` either way. Units that it does not describe are left out.
/// `encode` turns patches (columns) into codes.
pub fn curves(
    gabors: &[Gabor],
    side: usize,
    pools: &Pools,
    change: Change,
    most: f32,
    encode: impl Fn(&DMatrix<f32>) -> DMatrix<f32>,
) -> Curves {
    const STEPS: usize = 25;
    let amounts: Vec<f32> = (0..STEPS).map(|i| most * (2.0 * i as f32 / (STEPS - 1) as f32 - 1.0)).collect();
    let units: Vec<(usize, &Gabor)> = gabors.iter().enumerate().filter(|(_, g)| g.is_local(side)).collect();
    let stimuli: Vec<f32> = units
        .iter()
        .flat_map(|(_, gabor)| amounts.iter().map(|&amount| (*gabor, amount)))
        .flat_map(|(gabor, amount)| match change {
            Change::Shift => gabor.draw(side, amount, 0.0),
            Change::Turn => gabor.draw(side, 0.0, amount),
        })
        .collect();
    let mut curves = Curves { unit: vec![0.0; STEPS], pool: vec![0.0; STEPS], change: amounts };
    if units.is_empty() {
        return curves;
    }
    let code = encode(&DMatrix::from_vec(side * side, stimuli.len() / (side * side), stimuli));
    let pooled = pools.pooled(&code, 0.0);
    let mut counted = 0;
    for (nth, &(unit, _)) in units.iter().enumerate() {
        let first = nth * STEPS;
        let middle = first + STEPS / 2;
        // Of the pools that hold the unit, the one that answers most.
        let homes = pools.homes(unit).map(|(pool, _)| pool);
        let Some(home) = homes.max_by(|&a, &b| pooled[(a, middle)].total_cmp(&pooled[(b, middle)])) else {
            continue;
        };
        let (of_unit, of_pool) = (code[(unit, middle)].abs(), pooled[(home, middle)]);
        if of_unit <= 0.0 {
            continue;
        }
        counted += 1;
        for step in 0..STEPS {
            curves.unit[step] += code[(unit, first + step)].abs() / of_unit;
            curves.pool[step] += pooled[(home, first + step)] / of_pool;
        }
    }
    let share = 1.0 / counted.max(1) as f32;
    curves.unit.iter_mut().chain(&mut curves.pool).for_each(|value| *value *= share);
    curves
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_in_quadrature_is_invariant_to_shifts_and_its_units_are_not() {
        // Two filters a quarter of a wave apart, pooled: the sum of their squares hardly changes with phase.
        let even = Gabor {
            x: 7.5,
            y: 7.5,
            across: 0.4,
            frequency: 0.2,
            width: 2.5,
            length: 2.5,
            even: 1.0,
            odd: 0.0,
            explained: 1.0,
        };
        let odd = Gabor { even: 0.0, odd: 1.0, ..even };
        let filters: Vec<f32> = [even, odd].iter().flat_map(|gabor| gabor.draw(16, 0.0, 0.0)).collect();
        let filters = DMatrix::from_vec(256, 2, filters).transpose();
        let pools = Pools::disjoint(2, 2).unwrap();
        let curves = curves(&[even, odd], 16, &pools, Change::Shift, 2.5, |x| &filters * x);
        assert!((curves.unit[12] - 1.0).abs() < 1e-6 && (curves.pool[12] - 1.0).abs() < 1e-6);
        // A quarter of a wave away the unit is silent, and the pool is not.
        assert!(curves.unit[18] < 0.15 && curves.pool[18] > 0.85, "{curves:?}");
        assert!(Curves::kept(&curves.pool) > 1.3 * Curves::kept(&curves.unit));
    }
}
