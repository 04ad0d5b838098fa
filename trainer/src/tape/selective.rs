//! Soft thresholds that differ from sample to sample.

use super::{Tape, Var};
use forethought::perceive::prox;

impl Tape {
    /// The soft threshold of all but the `largest` entries of each sample: those pass as they are, if they exceed their
    /// threshold at all. (Support selection: what is surely in the support need not be shrunk.)
    pub fn soft_threshold_except(&self, x: Var, theta: Var, largest: usize) -> Var {
        let (rows, columns) = self.shape(x);
        self.demand_column("soft_threshold_except", rows, theta);
        self.record(
            &[x, theta],
            |forward| {
                let (x, theta) = (forward.value(x).as_slice(), forward.value(theta).as_slice());
                let mut y = forward.scratch(rows, columns);
                let samples = y.as_mut_slice().chunks_exact_mut(rows.max(1));
                for (y, x) in samples.zip(x.chunks_exact(rows.max(1))) {
                    let bound = prox::nth_largest(x, largest);
                    for (y, (&x, &theta)) in y.iter_mut().zip(x.iter().zip(theta)) {
                        *y = prox::soft_below(x, theta.max(0.0), bound);
                    }
                }
                y
            },
            // What passed as it was owes nothing to θ.
            move |backward| {
                let (y, y_bar, x_value) = (backward.output, backward.gradient, backward.value(x));
                let open = |y: f32| if y != 0.0 { 1.0 } else { 0.0 };
                backward.add(x, y_bar.as_slice().iter().zip(y.as_slice()).map(|(y_bar, &y)| y_bar * open(y)));
                let Some(theta_bar) = backward.sum(theta) else { return };
                let samples = y.as_slice().iter().zip(x_value.as_slice()).zip(y_bar.as_slice());
                let theta_bar = theta_bar.as_mut_slice();
                for (i, ((&y, &x), y_bar)) in samples.enumerate() {
                    if y != 0.0 && y != x {
                        theta_bar[i % rows] -= y_bar * 1.0f32.copysign(y);
                    }
                }
            },
        )
    }

    /// `y_ij = sign(x_ij) max(0, |x_ij| − θ_j)`, with a threshold for each sample (a row).
    pub fn soft_threshold_rows(&self, x: Var, theta: Var) -> Var {
        let (rows, columns) = self.demand_row("soft_threshold_rows", x, theta);
        self.record(
            &[x, theta],
            |forward| {
                let (x, theta) = (forward.value(x).as_slice(), forward.value(theta).as_slice());
                let mut y = forward.scratch(rows, columns);
                let samples = y.as_mut_slice().chunks_exact_mut(rows.max(1));
                for ((y, x), &theta) in samples.zip(x.chunks_exact(rows.max(1))).zip(theta) {
                    let theta = theta.max(0.0);
                    y.iter_mut().zip(x).for_each(|(y, x)| *y = x - x.max(-theta).min(theta));
                }
                y
            },
            move |backward| {
                let (y, y_bar) = (backward.output.as_slice(), backward.gradient.as_slice());
                let open = |y: f32| if y != 0.0 { 1.0 } else { 0.0 };
                backward.add(x, y_bar.iter().zip(y).map(|(y_bar, &y)| y_bar * open(y)));
                let Some(theta_bar) = backward.sum(theta) else { return };
                let samples = y.chunks_exact(rows.max(1)).zip(y_bar.chunks_exact(rows.max(1)));
                for (theta_bar, (y, y_bar)) in theta_bar.as_mut_slice().iter_mut().zip(samples) {
                    let pull = y.iter().zip(y_bar).map(|(&y, y_bar)| y_bar * open(y).copysign(y));
                    *theta_bar -= pull.sum::<f32>();
                }
            },
        )
    }
}

#[cfg(test)]
mod tests {
    use super::super::check::{check_gradients, random};
    use super::*;
    use nalgebra::DMatrix;

    #[test]
    fn gradients() {
        // Away from the kinks at ±0.2, and all magnitudes different.
        let x = random(5, 8, 1).map(|x| if x.abs() < 0.3 { x / 3.0 } else { x + 0.3 * x.signum() });
        let inputs = [x.clone(), DMatrix::from_element(5, 1, 0.2)];
        check_gradients(&inputs, |tape, v| tape.soft_threshold_except(v[0], v[1], 2));
        let inputs = [x, DMatrix::from_element(1, 8, 0.2)];
        check_gradients(&inputs, |tape, v| tape.soft_threshold_rows(v[0], v[1]));
    }

    #[test]
    fn values() {
        let tape = Tape::new();
        let x = tape.constant(DMatrix::from_row_slice(2, 3, &[-3.0, 0.5, 3.0, 1.0, -1.0, 2.0]));
        let theta = tape.constant(DMatrix::from_row_slice(2, 1, &[1.0, 0.0]));
        let soft = tape.value(tape.soft_threshold(x, theta));
        assert_eq!(tape.value(tape.soft_threshold_except(x, theta, 0)), soft);
        let except = DMatrix::from_row_slice(2, 3, &[-3.0, 0.0, 3.0, 1.0, -1.0, 2.0]);
        assert_eq!(*tape.value(tape.soft_threshold_except(x, theta, 1)), except);

        let theta = tape.constant(DMatrix::from_row_slice(1, 3, &[1.0, 0.0, 2.5]));
        let by_sample = DMatrix::from_row_slice(2, 3, &[-2.0, 0.5, 0.5, 0.0, -1.0, 0.0]);
        assert_eq!(*tape.value(tape.soft_threshold_rows(x, theta)), by_sample);
    }
}
