//! Samples brought to unit length.

use super::{Tape, Var};

impl Tape {
    /// `y_j = x_j / ‖x_j‖` for every column `j`; a column of zeros stays one, and passes no gradient on.
    pub fn unit_columns(&self, x: Var) -> Var {
        let (rows, columns) = self.shape(x);
        self.record(
            &[x],
            |forward| {
                let x = forward.value(x).as_slice();
                let mut y = forward.scratch(rows, columns);
                let samples = y.as_mut_slice().chunks_exact_mut(rows.max(1));
                for (y, x) in samples.zip(x.chunks_exact(rows.max(1))) {
                    let scale = reciprocal_norm(x);
                    y.iter_mut().zip(x).for_each(|(y, x)| *y = scale * x);
                }
                y
            },
            // x̄ = (ȳ − y yᵀȳ) / ‖x‖
            move |backward| {
                let (x_value, y, y_bar) = (backward.value(x), backward.output, backward.gradient);
                let Some(x_bar) = backward.sum(x) else { return };
                let column = |j: usize| j * rows..(j + 1) * rows;
                for j in 0..columns {
                    let (y, y_bar) = (&y.as_slice()[column(j)], &y_bar.as_slice()[column(j)]);
                    let scale = reciprocal_norm(&x_value.as_slice()[column(j)]);
                    let along: f32 = y.iter().zip(y_bar).map(|(y, y_bar)| y * y_bar).sum();
                    let x_bar = x_bar.as_mut_slice()[column(j)].iter_mut();
                    for (x_bar, (y, y_bar)) in x_bar.zip(y.iter().zip(y_bar)) {
                        *x_bar += scale * (y_bar - along * y);
                    }
                }
            },
        )
    }
}

/// `1/‖x‖`, and 0 of zeros.
fn reciprocal_norm(x: &[f32]) -> f32 {
    let square: f32 = x.iter().map(|x| x * x).sum();
    if square > 0.0 { 1.0 / square.sqrt() } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::super::check::{check_gradients, random};
    use super::*;

    #[test]
    fn gradients() {
        check_gradients(&[random(5, 4, 1)], |tape, v| tape.unit_columns(v[0]));
    }

    #[test]
    fn lengths_are_one_and_zeros_stay() {
        let tape = Tape::new();
        let mut value = random(5, 4, 1);
        value.column_mut(2).fill(0.0);
        let x = tape.parameter(&value);
        let y = tape.unit_columns(x);
        let lengths: Vec<f32> = tape.value(y).column_iter().map(|y| y.norm()).collect();
        assert!([1.0, 1.0, 0.0, 1.0].iter().zip(&lengths).all(|(a, b)| (a - b).abs() < 1e-6), "{lengths:?}");
        tape.backward(tape.sum(y));
        assert_eq!(tape.gradient(x).column(2).norm(), 0.0);
    }
}
