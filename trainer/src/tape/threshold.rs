//! The nonlinearities of sparse coding, with a learned threshold `θ_i` for each unit (a column).

use nalgebra::DMatrix;

use super::columns::fold_column;
use super::{Backward, Tape, Var};

impl Tape {
    /// `y_ij = sign(x_ij) max(0, |x_ij| − θ_i)`: LISTA's `h_θ`, the proximal map of `θ |y|`.
    pub fn soft_threshold(&self, x: Var, theta: Var) -> Var {
        self.demand_column("soft_threshold", self.shape(x).0, theta);
        self.with_column(x, theta, soft, move |backward| pull_back_shrinkage(backward, x, theta))
    }

    /// `y_ij = max(0, x_ij − θ_i)`: the one-sided shrinkage of a non-negative code.
    pub fn shrink(&self, x: Var, theta: Var) -> Var {
        self.demand_column("shrink", self.shape(x).0, theta);
        self.with_column(x, theta, rectified, move |backward| pull_back_shrinkage(backward, x, theta))
    }
}

/// `sign(v) max(0, |v| − θ)`: `v` less its projection onto [−θ, θ], without a branch; a negative θ counts as zero.
#[inline]
pub(super) fn soft(v: f32, theta: f32) -> f32 {
    let theta = theta.max(0.0);
    v - v.max(-theta).min(theta)
}

/// `max(0, v − θ)`
#[inline]
pub(super) fn rectified(v: f32, theta: f32) -> f32 {
    (v - theta).max(0.0)
}

/// The slope in `v` of either, from its output.
#[inline]
pub(super) fn open(y: f32) -> f32 {
    if y != 0.0 { 1.0 } else { 0.0 }
}

/// Both have slope 1 in `x` and `−sign(y)` in `θ` where the output is not zero, and else 0.
fn pull_back_shrinkage(backward: &mut Backward, x: Var, theta: Var) {
    let (y, y_bar) = (backward.output, backward.gradient);
    backward.add(x, y_bar.as_slice().iter().zip(y.as_slice()).map(|(y_bar, &y)| y_bar * open(y)));
    if let Some(theta_bar) = backward.sum(theta) {
        add_threshold_gradient(theta_bar, y_bar, y);
    }
}

/// `θ̄_i −= Σ_j sign(y_ij) ȳ_ij`
pub(super) fn add_threshold_gradient(theta_bar: &mut DMatrix<f32>, y_bar: &DMatrix<f32>, y: &DMatrix<f32>) {
    fold_column(theta_bar, y_bar, y, |y_bar, y| -y_bar * open(y).copysign(y));
}

#[cfg(test)]
mod tests {
    use super::super::check::{check_gradients, random};
    use super::*;

    /// Entries in ±[0.3, 1.3] or ±0.1: away from the kinks at ±0.2.
    fn inputs() -> [DMatrix<f32>; 2] {
        let x = random(5, 8, 1).map(|x| if x.abs() < 0.3 { x / 3.0 } else { x + 0.3 * x.signum() });
        [x, DMatrix::from_element(5, 1, 0.2)]
    }

    #[test]
    fn gradients() {
        check_gradients(&inputs(), |tape, v| tape.soft_threshold(v[0], v[1]));
        check_gradients(&inputs(), |tape, v| tape.shrink(v[0], v[1]));
    }

    #[test]
    fn values() {
        let tape = Tape::new();
        let x = tape.constant(DMatrix::from_row_slice(2, 3, &[-3.0, 0.5, 3.0, 1.0, -1.0, 2.0]));
        let theta = tape.constant(DMatrix::from_row_slice(2, 1, &[1.0, 0.0]));
        let soft = DMatrix::from_row_slice(2, 3, &[-2.0, 0.0, 2.0, 1.0, -1.0, 2.0]);
        assert_eq!(*tape.value(tape.soft_threshold(x, theta)), soft);

        let one_sided = DMatrix::from_row_slice(2, 3, &[0.0, 0.0, 2.0, 1.0, 0.0, 2.0]);
        assert_eq!(*tape.value(tape.shrink(x, theta)), one_sided);
    }
}
