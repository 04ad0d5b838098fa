//! One training step on several cores: each takes some of the batch's samples.

use std::ops::Range;
use std::thread;

use super::{Tape, Var};

/// Tapes that differentiate one loss together, each on a thread of its own with a share of the
/// samples.
///
/// ```ignore
/// let mut team = Team::new(2);
/// let loss = team.backward(batch.ncols(), |tape, share| {
///     let x = tape.constant(batch.columns_range(share).into_owned());
///     tape.mean_square(model.forward(tape, &params, x))
/// });
/// adam.step(&mut params, team.tape())?;
/// ```
///
/// The sums are always taken in the same order, so the result depends on the number of shares, but
/// not on the machine.
pub struct Team {
    tapes: Vec<Tape>,
}

impl Team {
    /// A team of `shares` tapes; 2 suits a batch of a hundred samples, whose shares should not get
    /// much smaller.
    ///
    /// # Panics
    /// If `shares` is zero.
    pub fn new(shares: usize) -> Self {
        assert!(shares > 0, "a team needs a tape");
        Self { tapes: std::iter::repeat_with(Tape::new).take(shares).collect() }
    }

    /// Clears the tapes, records `loss` of each share of `0..samples`, and differentiates their
    /// mean, weighted by the shares' sizes: `loss` must itself be a **mean over its samples**.
    /// Returns that mean; the gradients of watched parameters are then on [`Team::tape`].
    pub fn backward(&mut self, samples: usize, loss: impl Fn(&Tape, Range<usize>) -> Var + Sync) -> f32 {
        let shares = self.tapes.len().min(samples.max(1));
        let (first, others) = self.tapes.split_first_mut().expect("a team has a tape");
        let others = &mut others[..shares - 1];
        let run = |tape: &mut Tape, share: usize| {
            tape.clear();
            let range = share * samples / shares..(share + 1) * samples / shares;
            let weight = range.len() as f32 / samples as f32;
            let loss = loss(tape, range);
            tape.backward_scaled(loss, weight);
            weight * tape.scalar(loss)
        };
        let run = &run;
        let losses: f32 = thread::scope(|scope| {
            let workers: Vec<_> = (1..)
                .zip(others.iter_mut())
                .map(|(share, tape)| scope.spawn(move || run(tape, share)))
                .collect();
            let own = run(first, 0);
            let join = |worker: thread::ScopedJoinHandle<f32>| {
                worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            };
            workers.into_iter().map(join).fold(own, |sum, loss| sum + loss)
        });
        others.iter_mut().for_each(|other| first.absorb(other));
        losses
    }

    /// The tape that holds the gradients of the whole batch.
    pub fn tape(&self) -> &Tape {
        &self.tapes[0]
    }
}

impl Tape {
    /// Adds the gradients another tape found for the same watched parameters.
    fn absorb(&mut self, other: &mut Tape) {
        let (graph, other) = (self.graph.get_mut(), other.graph.get_mut());
        for (key, (leaf, _)) in &other.leaves {
            let Some(gradient) = &other.gradients[leaf.0] else { continue };
            let (own, _) = graph.leaves.get(key).expect("all shares watch the same parameters");
            let sum = graph.gradients[own.0].as_mut().expect("`backward` gave it a gradient");
            *sum += gradient;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::ParameterSet;
    use super::super::check::random;
    use super::*;

    #[test]
    fn a_team_finds_the_gradient_of_the_whole_batch() {
        let mut params = ParameterSet::new();
        let w = params.add("w", random(4, 6, 1));
        let batch = random(6, 17, 2);
        let loss = |tape: &Tape, share: Range<usize>| {
            let x = tape.constant(batch.columns_range(share).into_owned());
            tape.mean_square(tape.tanh(tape.matmul(tape.watch(&params, w), x)))
        };
        let mut alone = Team::new(1);
        let expected = alone.backward(17, loss);
        for shares in [2, 3, 40] {
            let mut team = Team::new(shares);
            assert!((team.backward(17, loss) - expected).abs() < 1e-6);
            let gradient = team.tape().gradient_of(&params, w).unwrap();
            let expected = alone.tape().gradient_of(&params, w).unwrap();
            assert!((&*gradient - &*expected).amax() < 1e-6);
        }
    }
}
