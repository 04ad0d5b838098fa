//! Sums and losses: 1×1 nodes, summed in f64.

use super::columns::zip_column;
use super::{Forward, Tape, Var, fast};

impl Tape {
    /// `Σ_ij x_ij`
    pub fn sum(&self, x: Var) -> Var {
        self.weighted_sum(x, 1.0, |x| x, |_| 1.0)
    }

    /// The mean of all entries.
    pub fn mean(&self, x: Var) -> Var {
        self.weighted_sum(x, 1.0 / self.entries(x), |x| x, |_| 1.0)
    }

    /// `Σ_ij x_ij²`
    pub fn sum_square(&self, x: Var) -> Var {
        self.weighted_sum(x, 1.0, |x| x * x, |x| 2.0 * x)
    }

    /// The mean of all squared entries.
    pub fn mean_square(&self, x: Var) -> Var {
        self.weighted_sum(x, 1.0 / self.entries(x), |x| x * x, |x| 2.0 * x)
    }

    /// `1/B Σ_j Σ_i w_i x_ij²`: a quadratic cost with a column of weights, averaged over the samples.
    pub fn weighted_square(&self, x: Var, weights: Var) -> Var {
        let (rows, columns) = self.shape(x);
        self.demand_column("weighted_square", rows, weights);
        let factor = 1.0 / columns.max(1) as f32;
        self.record(
            &[x, weights],
            |forward| {
                let (x, w) = (forward.value(x), forward.value(weights).as_slice());
                let samples = x.as_slice().chunks_exact(rows.max(1));
                let cost = |x: &[f32]| x.iter().zip(w).map(|(x, w)| w * x * x).sum::<f32>();
                scalar(forward, f64::from(factor) * samples.map(|x| f64::from(cost(x))).sum::<f64>())
            },
            move |backward| {
                let y_bar = factor * backward.gradient[0];
                let (x_value, w) = (backward.value(x), backward.value(weights).as_slice());
                if let Some(x_bar) = backward.sum(x) {
                    zip_column(x_bar, x_value, w, |x_bar, x, w| *x_bar += y_bar * 2.0 * w * x);
                }
                if let Some(w_bar) = backward.sum(weights) {
                    super::columns::fold_column(w_bar, x_value, x_value, |x, _| y_bar * x * x);
                }
            },
        )
    }

    /// `−1/B Σ_j Σ_i p_ij ln softmax(x_j)_i`: the cross-entropy of logits `x` with labels `p`, whose
    /// columns are one-hot (or any distribution) and constant.
    pub fn log_softmax_cross_entropy(&self, logits: Var, labels: Var) -> Var {
        let ((rows, columns), (p_rows, p_columns)) = self.shapes(logits, labels);
        assert!(
            (rows, columns) == (p_rows, p_columns),
            "log_softmax_cross_entropy: {rows}x{columns} and {p_rows}x{p_columns} differ",
        );
        let factor = 1.0 / columns.max(1) as f32;
        self.record(
            &[logits],
            |forward| {
                let x = forward.value(logits).as_slice().chunks_exact(rows.max(1));
                let p = forward.value(labels).as_slice().chunks_exact(rows.max(1));
                let sample = |(x, p): (&[f32], &[f32])| -> f64 {
                    let log_sum = log_sum_exp(x);
                    x.iter().zip(p).map(|(x, p)| f64::from(p * (log_sum - x))).sum()
                };
                scalar(forward, f64::from(factor) * x.zip(p).map(sample).sum::<f64>())
            },
            // x̄_j = (softmax(x_j) − p_j) / B
            move |backward| {
                let y_bar = factor * backward.gradient[0];
                let x = backward.value(logits).as_slice().chunks_exact(rows.max(1));
                let p = backward.value(labels).as_slice().chunks_exact(rows.max(1));
                let Some(x_bar) = backward.sum(logits) else { return };
                let samples = x_bar.as_mut_slice().chunks_exact_mut(rows.max(1)).zip(x.zip(p));
                for (x_bar, (x, p)) in samples {
                    let log_sum = log_sum_exp(x);
                    x_bar.iter_mut().zip(x.iter().zip(p)).for_each(|(x_bar, (x, p))| {
                        *x_bar += y_bar * (fast::exp(x - log_sum) - p);
                    });
                }
            },
        )
    }

    /// `factor Σ_ij f(x_ij)`
    fn weighted_sum(
        &self,
        x: Var,
        factor: f32,
        f: impl Fn(f32) -> f32,
        slope: impl Fn(f32) -> f32 + Send + 'static,
    ) -> Var {
        self.record(
            &[x],
            |forward| {
                let blocks = forward.value(x).as_slice().chunks(64);
                let block = |x: &[f32]| f64::from(x.iter().map(|&x| f(x)).sum::<f32>());
                scalar(forward, f64::from(factor) * blocks.map(block).sum::<f64>())
            },
            move |backward| {
                let y_bar = factor * backward.gradient[0];
                let x_value = backward.value(x).as_slice();
                backward.add(x, x_value.iter().map(|&x| y_bar * slope(x)));
            },
        )
    }

    fn entries(&self, x: Var) -> f32 {
        self.value(x).len().max(1) as f32
    }
}

fn scalar(forward: &mut Forward, value: f64) -> nalgebra::DMatrix<f32> {
    forward.collect((1, 1), std::iter::once(value as f32))
}

/// `ln Σ_i exp(x_i)`, without overflow.
pub(super) fn log_sum_exp(x: &[f32]) -> f32 {
    let largest = x.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    largest + x.iter().map(|x| fast::exp(x - largest)).sum::<f32>().ln()
}

#[cfg(test)]
mod tests {
    use super::super::check::{check_gradients, random};
    use super::*;
    use nalgebra::DMatrix;

    #[test]
    fn gradients() {
        let inputs = [random(5, 4, 1), random(5, 1, 2)];
        check_gradients(&inputs[..1], |tape, v| tape.sum(v[0]));
        check_gradients(&inputs[..1], |tape, v| tape.mean(v[0]));
        check_gradients(&inputs[..1], |tape, v| tape.sum_square(v[0]));
        check_gradients(&inputs[..1], |tape, v| tape.mean_square(v[0]));
        check_gradients(&inputs, |tape, v| tape.weighted_square(v[0], v[1]));
        check_gradients(&inputs[..1], |tape, v| {
            let labels = DMatrix::from_fn(5, 4, |i, j| if i == (2 * j) % 5 { 1.0 } else { 0.0 });
            tape.log_softmax_cross_entropy(v[0], tape.constant(labels))
        });
    }

    #[test]
    fn cross_entropy_of_equal_logits_is_the_logarithm_of_their_number() {
        let tape = Tape::new();
        let labels = tape.constant(DMatrix::from_fn(8, 3, |i, j| f32::from(u8::from(i == j))));
        for logit in [-1e4, 0.0, 1e4] {
            let logits = tape.constant(DMatrix::from_element(8, 3, logit));
            let loss = tape.scalar(tape.log_softmax_cross_entropy(logits, labels));
            assert!((loss - 8.0f32.ln()).abs() < 1e-3, "{loss}");
        }
    }
}
