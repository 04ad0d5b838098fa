//! Energies: `F(y)` is low where `y` looks like the data and high elsewhere; `F(y|x)` where `y` fits `x`.
//!
//! One notion for all that can score: sparse coders and other decoders by what they cannot reconstruct, networks that were
//! trained to tell data from what is not, forward models by what they did not expect. An [`Energy`] is written on the
//! [tape](crate::tape), so its gradient in `y` is there without further work: to look at, to descend, to sample by.
//!
//! What keeps an energy from being low everywhere is either the little that it can express (`decoders`, [`narrow`]), or
//! points at which it is pushed up: corrupted data ([`denoising`]), where chains and walks end ([`rbm`],
//! [`contrastive`]), or what a generator makes ([`gan`]). (LeCun's lecture; LeCun, Chopra, Hadsell, Ranzato & Huang, *A tutorial on energy-based
//! learning*, 2006.)

pub mod contrastive;
mod decoders;
pub mod denoising;
pub mod export;
mod fit;
mod forward;
pub mod gan;
mod inferred;
pub mod modes;
pub mod narrow;
mod network;
pub mod rbm;
mod threshold;

pub use decoders::{Encoded, Means, Principal, Sparse};
pub use forward::Surprise;
pub use inferred::Inferred;
pub use network::{Autoencoder, Scalar};
pub use threshold::{auc, threshold};

use crate::{
    tape::{Tape, Var},
    worlds::{Rng, camera::normal},
};
use nalgebra::DMatrix;

/// `F(y)`, or `F(y|x)`.
pub trait Energy: Sync {
    /// The energy of each column of `y` as a row, in any unit. `x` has a column for each of `y`'s, where there is a condition.
    /// Parameters get no gradient.
    fn on(&self, tape: &Tape, y: Var, x: Option<Var>) -> Var;

    /// The energy of each sample.
    fn of(&self, y: &DMatrix<f32>, x: Option<&DMatrix<f32>>) -> Vec<f32> {
        let tape = Tape::new();
        let x = x.map(|x| tape.constant(x.clone()));
        let energies = self.on(&tape, tape.constant(y.clone()), x);
        tape.value(energies).as_slice().to_vec()
    }

    /// `∂F/∂y` of each sample.
    fn slope(&self, y: &DMatrix<f32>, x: Option<&DMatrix<f32>>) -> DMatrix<f32> {
        let tape = Tape::new();
        let at = tape.parameter(y);
        let x = x.map(|x| tape.constant(x.clone()));
        tape.backward(tape.sum(self.on(&tape, at, x)));
        tape.gradient(at).clone_owned()
    }
}

/// How an energy is descended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Descent {
    /// Steps, all of which are made: the budget.
    pub steps: usize,
    /// Step per unit of slope, η. A half of a squared distance is descended in one step of rate 1.
    pub rate: f32,
    /// The longest step of a sample: longer ones are cut. Energies with cliffs want one.
    pub longest: f32,
}

impl Default for Descent {
    fn default() -> Self {
        Self { steps: 50, rate: 0.1, longest: f32::INFINITY }
    }
}

/// `y ← y − η ∂F/∂y`, from each column of `y`.
pub fn descend(
    energy: &dyn Energy,
    y: &DMatrix<f32>,
    x: Option<&DMatrix<f32>>,
    descent: &Descent,
) -> DMatrix<f32> {
    walk(energy, y, x, descent, |_| ())
}

/// `y ← y − η ∂F/∂y + σ ε`, `ε ~ N(0, I)`: with `σ² = 2ηT` and small steps it samples `p(y) ∝ exp(−F(y)/T)`. (Short walks
/// with less noise are what contrastive training mostly uses: the ratio is then a setting of its own.)
pub fn langevin(
    energy: &dyn Energy,
    y: &DMatrix<f32>,
    x: Option<&DMatrix<f32>>,
    descent: &Descent,
    noise: f32,
    rng: &mut Rng,
) -> DMatrix<f32> {
    walk(energy, y, x, descent, |y| y.iter_mut().for_each(|y| *y += noise * normal(rng) as f32))
}

fn walk(
    energy: &dyn Energy,
    y: &DMatrix<f32>,
    x: Option<&DMatrix<f32>>,
    descent: &Descent,
    mut after: impl FnMut(&mut DMatrix<f32>),
) -> DMatrix<f32> {
    let mut y = y.clone();
    for _ in 0..descent.steps {
        let mut step = energy.slope(&y, x) * descent.rate;
        for mut step in step.column_iter_mut() {
            let length = step.norm();
            if length > descent.longest {
                step *= descent.longest / length;
            }
        }
        y -= step;
        after(&mut y);
    }
    y
}

/// `½‖r_j‖²` of each column, as a row.
fn half_squares(tape: &Tape, residual: Var) -> Var {
    tape.scale(tape.sum_rows(tape.square(residual)), 0.5)
}

/// `y_j − μ`.
fn less(tape: &Tape, y: Var, mean: &DMatrix<f32>) -> Var {
    tape.add_bias(y, tape.constant(-mean))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use rand::SeedableRng;

    /// Compares the slope of an energy with central differences.
    pub(crate) fn check_slope(energy: &dyn Energy, y: &DMatrix<f32>, x: Option<&DMatrix<f32>>) {
        const STEP: f32 = 4e-3;
        let slope = energy.slope(y, x);
        for i in 0..y.nrows() {
            let at = |step: f32| {
                let mut moved = y.clone();
                moved.row_mut(i).add_scalar_mut(step);
                energy.of(&moved, x)
            };
            for (j, (above, below)) in at(STEP).into_iter().zip(at(-STEP)).enumerate() {
                let difference = (above - below) / (2.0 * STEP);
                let error = (slope[(i, j)] - difference).abs();
                assert!(
                    error < 5e-3 * difference.abs().max(1.0),
                    "sample {j}: slope {}, difference {difference}",
                    slope[(i, j)]
                );
            }
        }
    }

    /// `½‖y − x‖²`.
    struct Bowl;

    impl Energy for Bowl {
        fn on(&self, tape: &Tape, y: Var, x: Option<Var>) -> Var {
            half_squares(tape, x.map_or(y, |x| tape.sub(y, x)))
        }
    }

    #[test]
    fn descent_ends_at_the_bottom_and_its_steps_are_cut() {
        let (y, x) = (DMatrix::from_element(2, 3, 4.0), DMatrix::from_element(2, 3, 1.0));
        let descent = Descent { steps: 100, rate: 0.2, ..Descent::default() };
        assert!((descend(&Bowl, &y, Some(&x), &descent) - &x).amax() < 1e-4);
        let one = Descent { steps: 1, longest: 0.1, ..descent };
        let moved = descend(&Bowl, &y, None, &one);
        assert!((&y - moved).column_iter().all(|step| (step.norm() - 0.1).abs() < 1e-6));
    }

    /// Under `½‖y‖²` at temperature 1 samples are standard normal.
    #[test]
    fn langevin_samples_the_distribution() {
        let rng = &mut Rng::seed_from_u64(3);
        let (rate, steps) = (0.05f32, 200);
        let descent = Descent { steps, rate, ..Descent::default() };
        let y = langevin(&Bowl, &DMatrix::zeros(1, 4000), None, &descent, (2.0 * rate).sqrt(), rng);
        let variance = y.norm_squared() / 4000.0;
        assert!((variance - 1.0).abs() < 0.1, "{variance}");
    }
}
