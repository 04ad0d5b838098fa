//! Scores as logarithms of shares.

use super::{Tape, Var, fast, loss::log_sum_exp};

impl Tape {
    /// `y_j = x_j − ln Σ_i exp(x_ij)` for every column `j`: the logarithm of its softmax.
    pub fn log_softmax(&self, x: Var) -> Var {
        let (rows, columns) = self.shape(x);
        let rows = rows.max(1);
        self.record(
            &[x],
            |forward| {
                let x = forward.value(x).as_slice();
                let mut y = forward.scratch(rows, columns);
                for (y, x) in y.as_mut_slice().chunks_exact_mut(rows).zip(x.chunks_exact(rows)) {
                    let log_sum = log_sum_exp(x);
                    y.iter_mut().zip(x).for_each(|(y, x)| *y = x - log_sum);
                }
                y
            },
            // x̄_j = ȳ_j − softmax(x_j) Σ_i ȳ_ij
            move |backward| {
                let (y, y_bar) = (backward.output.as_slice(), backward.gradient.as_slice());
                let Some(x_bar) = backward.sum(x) else { return };
                let samples = x_bar.as_mut_slice().chunks_exact_mut(rows);
                for (x_bar, (y, y_bar)) in samples.zip(y.chunks_exact(rows).zip(y_bar.chunks_exact(rows))) {
                    let sum: f32 = y_bar.iter().sum();
                    let entries = x_bar.iter_mut().zip(y.iter().zip(y_bar));
                    entries.for_each(|(x_bar, (y, y_bar))| *x_bar += y_bar - fast::exp(*y) * sum);
                }
            },
        )
    }
}

#[cfg(test)]
mod tests {
    use super::super::check::{check_gradients, random};
    use super::*;

    #[test]
    fn gradients() {
        check_gradients(&[random(5, 4, 1)], |tape, v| tape.log_softmax(v[0]));
    }

    #[test]
    fn shares_add_up_to_one_however_large_the_scores() {
        for size in [1.0, 1e4] {
            let tape = Tape::new();
            let y = tape.log_softmax(tape.constant(random(5, 4, 1) * size));
            let sums = tape.value(tape.sum_rows(tape.exp(y)));
            assert!(sums.iter().all(|sum| (sum - 1.0).abs() < 1e-5), "{sums}");
        }
    }
}
