//! One of a few actions: the network gives a score for each.
//!
//! ```text
//! ln π_k = score_k − ln Σ exp score;      k = argmax (score + g),  g Gumbel noise      has the distribution π
//! ```
//! Where gradients are to flow through what is drawn, they flow as if it were the softmax of `(score + g)/τ` (the
//! straight-through estimate: Jang, Gu & Poole 2017). It is biased, the less the smaller τ; the score function
//! `∇ ln π_k` is not, and noisier.

use super::Head;
use crate::{
    tape::{Tape, Var},
    worlds::Rng,
};
use nalgebra::DMatrix;
use rand::RngExt;

/// τ: gradients of a softer choice reach more actions, those of a harder one are truer.
const TEMPERATURE: f32 = 1.0;

/// Scores of a list of actions.
#[derive(Clone, Debug)]
pub struct Categorical {
    /// One a column.
    actions: DMatrix<f32>,
}

impl Categorical {
    /// Any of these actions, one a column.
    pub fn new(actions: DMatrix<f32>) -> Self {
        Self { actions }
    }

    /// How likely each action is, as logarithms.
    pub fn log_shares(&self, tape: &Tape, out: Var) -> Var {
        tape.log_softmax(out)
    }

    /// Which actions are drawn.
    pub fn choose(&self, tape: &Tape, out: Var, rng: &mut Rng) -> Vec<usize> {
        let scores = tape.value(out);
        largest(&(scores.as_ref() + gumbel(scores.shape(), rng)))
    }

    /// `ln π` of chosen actions, as a row.
    pub fn log_density(&self, tape: &Tape, out: Var, chosen: &[usize]) -> Var {
        let shares = self.log_shares(tape, out);
        tape.sum_rows(tape.mul(shares, tape.constant(self.one_hot(chosen))))
    }

    fn one_hot(&self, chosen: &[usize]) -> DMatrix<f32> {
        DMatrix::from_fn(self.actions.ncols(), chosen.len(), |k, j| f32::from(u8::from(chosen[j] == k)))
    }
}

impl Head for Categorical {
    fn outputs(&self) -> usize {
        self.actions.ncols()
    }

    fn act(&self, tape: &Tape, out: Var, rng: &mut Rng) -> Var {
        let disturbed = tape.add(out, tape.constant(gumbel(tape.shape(out), rng)));
        let hard = tape.constant(self.one_hot(&largest(&tape.value(disturbed))));
        let soft = tape.exp(tape.log_softmax(tape.scale(disturbed, 1.0 / TEMPERATURE)));
        // The value of the hard choice, the slope of the soft one.
        let shares = tape.add(hard, tape.sub(soft, tape.detach(soft)));
        tape.matmul(tape.constant(self.actions.clone()), shares)
    }

    fn best(&self, tape: &Tape, out: Var) -> Var {
        tape.constant(self.actions.select_columns(&largest(&tape.value(out))))
    }
}

/// `−ln(−ln r)` of uniform numbers.
fn gumbel((rows, columns): (usize, usize), rng: &mut Rng) -> DMatrix<f32> {
    // 1 − r is above 0, and its logarithm is finite.
    DMatrix::from_fn(rows, columns, |_, _| {
        let r = 1.0 - rng.random::<f64>();
        -(-r.ln()).max(f64::MIN_POSITIVE).ln() as f32
    })
}

/// The row of the largest entry of each column.
fn largest(scores: &DMatrix<f32>) -> Vec<usize> {
    scores.column_iter().map(|column| column.argmax().0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tape::check::{check_gradients, random};
    use rand::SeedableRng;

    fn three() -> Categorical {
        Categorical::new(DMatrix::from_row_slice(1, 3, &[-1.0, 0.0, 2.0]))
    }

    #[test]
    fn actions_come_as_often_as_their_scores_say() {
        let (tape, rng, n) = (Tape::new(), &mut Rng::seed_from_u64(1), 20_000);
        let scores = [0.5f32, -0.3, 1.1];
        let out = tape.constant(DMatrix::from_fn(3, n, |k, _| scores[k]));
        let drawn = tape.value(three().act(&tape, out, rng));
        let sum: f32 = scores.iter().map(|s| s.exp()).sum();
        for (score, action) in scores.iter().zip([-1.0, 0.0, 2.0]) {
            let share = drawn.iter().filter(|u| (**u - action).abs() < 1e-5).count() as f32 / n as f32;
            assert!((share - score.exp() / sum).abs() < 0.012, "{action}: {share}");
        }
        assert!(tape.value(three().best(&tape, out)).iter().all(|u| *u == 2.0));
    }

    #[test]
    fn the_score_functions_gradient() {
        check_gradients(&[random(3, 4, 1)], |tape, v| three().log_density(tape, v[0], &[0, 2, 1, 2]));
    }

    #[test]
    fn a_slope_through_the_choice_points_to_the_better_action() {
        // The cost is the action itself: its gradient raises the score of the smallest one.
        let (tape, rng) = (Tape::new(), &mut Rng::seed_from_u64(3));
        let out = tape.parameter(&DMatrix::zeros(3, 500));
        tape.backward(tape.mean(three().act(&tape, out, rng)));
        let slopes = tape.gradient(out).column_sum();
        assert!(slopes[0] < 0.0 && slopes[2] > 0.0, "{slopes}");
    }
}
