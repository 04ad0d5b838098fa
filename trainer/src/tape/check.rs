//! Finite-difference checks, for the tests of every operation.

use nalgebra::DMatrix;
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::{Tape, Var};

/// A matrix of entries uniform in [−1, 1).
pub(crate) fn random(rows: usize, columns: usize, seed: u64) -> DMatrix<f32> {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    DMatrix::from_fn(rows, columns, |_, _| rng.random_range(-1.0..1.0))
}

/// Compares the gradients of `loss = Σ R ⊙ f(inputs)`, for a random `R`, with central differences.
/// The loss is summed in f64, so that only the rounding of `f` itself limits the differences.
pub(crate) fn check_gradients(inputs: &[DMatrix<f32>], f: impl Fn(&Tape, &[Var]) -> Var) {
    const STEP: f32 = 4e-3;
    let tape = Tape::new();
    let vars: Vec<Var> = inputs.iter().map(|input| tape.parameter(input)).collect();
    let y = f(&tape, &vars);
    let (rows, columns) = tape.shape(y);
    let r = random(rows, columns, 99);
    tape.backward(tape.sum(tape.mul(y, tape.constant(r.clone()))));

    let loss = |inputs: &[DMatrix<f32>]| -> f64 {
        let tape = Tape::new();
        let vars: Vec<Var> = inputs.iter().map(|input| tape.constant(input.clone())).collect();
        let y = f(&tape, &vars);
        tape.value(y).iter().zip(&r).map(|(&y, &r)| f64::from(y) * f64::from(r)).sum()
    };
    let mut moved = inputs.to_vec();
    for (which, var) in vars.iter().enumerate() {
        for entry in 0..inputs[which].len() {
            let x = inputs[which][entry];
            let (above, below) = (x + STEP, x - STEP);
            moved[which][entry] = above;
            let loss_above = loss(&moved);
            moved[which][entry] = below;
            let loss_below = loss(&moved);
            moved[which][entry] = x;
            let difference = (loss_above - loss_below) / f64::from(above - below);
            let gradient = f64::from(tape.gradient(*var)[entry]);
            assert!(
                (gradient - difference).abs() <= 2e-3 * difference.abs().max(0.3),
                "input {which}, entry {entry}: gradient {gradient}, difference {difference}",
            );
        }
    }
}
