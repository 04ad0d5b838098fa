//! A batch in two halves, each on a tape of its own and in a thread of its own.
//!
//! What is unrolled over time is a long chain of small operations, too small to be shared between threads one by one. Its
//! samples have nothing to do with each other. There are two halves on every machine, so that however many threads it has
//! it sums in the same order.

use std::ops::Range;

use super::{Tape, Var, parameters::Key};

/// The tapes of both halves.
#[derive(Default)]
pub struct Halves {
    tapes: [Tape; 2],
}

impl Halves {
    /// Empty tapes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Clears both tapes, lets `write` record the part of the loss of each half of `batch` samples, and differentiates the sum
    /// of both. `write` is told which half it is, and which samples are in it; what it returns beside the loss comes back. A
    /// batch of one sample has but one half.
    pub fn backward<T: Send>(
        &mut self,
        batch: usize,
        write: impl Fn(&Tape, usize, Range<usize>) -> (Var, T) + Sync,
    ) -> Vec<T> {
        let [first, second] = &mut self.tapes;
        let run = |tape: &mut Tape, half, samples| {
            tape.clear();
            let (loss, beside) = write(tape, half, samples);
            tape.backward(loss);
            beside
        };
        let middle = batch.div_ceil(2);
        if middle == batch {
            return vec![run(first, 0, 0..batch)];
        }
        let (a, b) = rayon::join(|| run(first, 0, 0..middle), || run(second, 1, middle..batch));
        first.add_gradients(second);
        // It lets go of the parameters, which are about to change.
        second.clear();
        vec![a, b]
    }

    /// The tape with the gradients of the sum, for whoever takes the step.
    pub fn sum(&self) -> &Tape {
        &self.tapes[0]
    }
}

impl Tape {
    /// Adds the gradients that another tape has of parameters which this one watches as well.
    fn add_gradients(&mut self, other: &mut Self) {
        let (graph, other) = (self.graph.get_mut(), other.graph.get_mut());
        let wanted = |(_, _, wanted): &Key| *wanted;
        for (key, (from, _)) in other.leaves.iter().filter(|(key, _)| wanted(key)) {
            let (to, _) = graph.leaves.get(key).expect("both halves watch the same parameters");
            if let (Some(sum), Some(part)) = (&mut graph.gradients[to.0], &other.gradients[from.0]) {
                *sum += part;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{ParameterSet, check::random};
    use super::*;

    #[test]
    fn the_gradient_of_the_halves_is_that_of_the_whole() {
        let mut params = ParameterSet::new();
        let (w, b) = (params.add("w", random(3, 4, 1)), params.add("b", random(3, 1, 2)));
        for batch in [1, 2, 7] {
            let x = random(4, batch, 3);
            let loss = |tape: &Tape, samples: Range<usize>| {
                let x = tape.constant(x.columns_range(samples).into_owned());
                let y = tape.tanh(tape.affine([(tape.watch(&params, w), x)], tape.watch(&params, b)));
                tape.sum_square(y)
            };
            let whole = Tape::new();
            whole.backward(loss(&whole, 0..batch));
            let mut halves = Halves::new();
            // Tapes are cleared: the second time is as the first.
            for _ in 0..2 {
                let seen = halves.backward(batch, |tape, half, samples| {
                    (loss(tape, samples.clone()), (half, samples.len()))
                });
                assert_eq!(seen.iter().map(|(_, n)| n).sum::<usize>(), batch);
                assert!(seen.iter().enumerate().all(|(i, (half, _))| i == *half));
                for id in [w, b] {
                    let (a, b) = (halves.sum().gradient_of(&params, id), whole.gradient_of(&params, id));
                    let (a, b) = (a.expect("a gradient"), b.expect("a gradient"));
                    assert!((&*a - &*b).amax() < 1e-5, "{batch}");
                }
            }
        }
    }
}
