//! Selecting, stacking and summing rows.

use super::{Tape, Var};

impl Tape {
    /// Rows `start` to `start + count` of `x`.
    pub fn rows(&self, x: Var, start: usize, count: usize) -> Var {
        let (rows, columns) = self.shape(x);
        assert!(start + count <= rows, "rows: {start}..{} of {rows}x{columns}", start + count);
        let band = move |length: usize| move |j: usize| j * length + start..j * length + start + count;
        self.record(
            &[x],
            |forward| {
                let x = forward.value(x).as_slice();
                // A single row is no place for a call of `memcpy` per number.
                if count == 1 {
                    return forward.collect((1, columns), x.iter().skip(start).step_by(rows).copied());
                }
                let mut y = forward.scratch(count, columns);
                for (j, y) in y.as_mut_slice().chunks_exact_mut(count.max(1)).enumerate() {
                    y.copy_from_slice(&x[band(rows)(j)]);
                }
                y
            },
            move |backward| {
                let y_bar = backward.gradient.as_slice();
                let Some(x_bar) = backward.sum(x) else { return };
                if count == 1 {
                    let row = x_bar.as_mut_slice().iter_mut().skip(start).step_by(rows);
                    return row.zip(y_bar).for_each(|(x_bar, y_bar)| *x_bar += y_bar);
                }
                for (j, y_bar) in y_bar.chunks_exact(count.max(1)).enumerate() {
                    let x_bar = &mut x_bar.as_mut_slice()[band(rows)(j)];
                    x_bar.iter_mut().zip(y_bar).for_each(|(x_bar, y_bar)| *x_bar += y_bar);
                }
            },
        )
    }

    /// All rows of the first, then those of the second, and so on.
    pub fn stack(&self, parts: &[Var]) -> Var {
        let shapes: Vec<_> = parts.iter().map(|&part| self.shape(part)).collect();
        let columns = shapes.first().expect("stack: nothing to stack").1;
        assert!(shapes.iter().all(|shape| shape.1 == columns), "stack: {shapes:?} differ in columns");
        let rows: usize = shapes.iter().map(|shape| shape.0).sum();
        let inputs = parts.to_vec();
        self.record(
            parts,
            |forward| {
                let mut y = forward.scratch(rows, columns);
                let mut start = 0;
                for &part in parts {
                    let part = forward.value(part);
                    if part.nrows() == 1 {
                        let row = y.as_mut_slice().iter_mut().skip(start).step_by(rows);
                        row.zip(part.as_slice()).for_each(|(y, part)| *y = *part);
                        start += 1;
                        continue;
                    }
                    for (j, part) in part.as_slice().chunks_exact(part.nrows().max(1)).enumerate() {
                        let top = j * rows + start;
                        y.as_mut_slice()[top..top + part.len()].copy_from_slice(part);
                    }
                    start += part.nrows();
                }
                y
            },
            move |backward| {
                let y_bar = backward.gradient.as_slice();
                let mut start = 0;
                for &part in &inputs {
                    let count = backward.value(part).nrows();
                    if let Some(sum) = backward.sum(part) {
                        let columns = sum.as_mut_slice().chunks_exact_mut(count.max(1));
                        for (sum, y_bar) in columns.zip(y_bar.chunks_exact(rows)) {
                            let y_bar = &y_bar[start..start + count];
                            sum.iter_mut().zip(y_bar).for_each(|(sum, y_bar)| *sum += y_bar);
                        }
                    }
                    start += count;
                }
            },
        )
    }

    /// `y_j = Σ_i x_ij`: each sample's sum, as a row.
    pub fn sum_rows(&self, x: Var) -> Var {
        let (rows, columns) = self.shape(x);
        self.record(
            &[x],
            |forward| {
                let x = forward.value(x).as_slice();
                let mut y = forward.scratch(1, columns);
                y.fill(0.0);
                let sums = y.as_mut_slice().iter_mut().zip(x.chunks_exact(rows.max(1)));
                sums.for_each(|(y, x)| *y = x.iter().sum());
                y
            },
            move |backward| {
                let y_bar = backward.gradient.as_slice();
                let Some(x_bar) = backward.sum(x) else { return };
                let columns = x_bar.as_mut_slice().chunks_exact_mut(rows.max(1));
                for (x_bar, y_bar) in columns.zip(y_bar) {
                    x_bar.iter_mut().for_each(|x_bar| *x_bar += y_bar);
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
        let inputs = [random(5, 4, 1), random(2, 4, 2)];
        check_gradients(&inputs[..1], |tape, v| tape.rows(v[0], 1, 3));
        check_gradients(&inputs[..1], |tape, v| tape.sum_rows(v[0]));
        check_gradients(&inputs, |tape, v| tape.stack(&[v[1], v[0], v[1]]));
    }

    #[test]
    fn rows_undo_stack() {
        let tape = Tape::new();
        let (a, b) = (tape.constant(random(5, 4, 1)), tape.constant(random(2, 4, 2)));
        let both = tape.stack(&[a, b]);
        assert_eq!(*tape.value(tape.rows(both, 0, 5)), *tape.value(a));
        assert_eq!(*tape.value(tape.rows(both, 5, 2)), *tape.value(b));
    }

    #[test]
    #[should_panic(expected = "rows: 4..6 of 5x4")]
    fn rows_must_exist() {
        let tape = Tape::new();
        tape.rows(tape.constant(random(5, 4, 1)), 4, 2);
    }
}
