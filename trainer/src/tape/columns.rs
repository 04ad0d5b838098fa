//! A column of per-unit values, applied to every sample.

use nalgebra::DMatrix;

use super::{Tape, Var};

impl Tape {
    /// `y_j = x_j + b` for every column `j`.
    pub fn add_bias(&self, x: Var, b: Var) -> Var {
        self.demand_column("add_bias", self.shape(x).0, b);
        self.with_column(
            x,
            b,
            |x, b| x + b,
            move |backward| {
                let y_bar = backward.gradient;
                backward.add(x, y_bar.iter().copied());
                if let Some(b_bar) = backward.sum(b) {
                    add_row_sums(b_bar, y_bar.as_slice());
                }
            },
        )
    }

    /// `y_j = s ⊙ x_j` for every column `j`.
    pub fn mul_col(&self, x: Var, s: Var) -> Var {
        self.demand_column("mul_col", self.shape(x).0, s);
        self.with_column(
            x,
            s,
            |x, s| x * s,
            move |backward| {
                let (y_bar, x_value) = (backward.gradient, backward.value(x));
                let s_value = backward.value(s).as_slice();
                if let Some(x_bar) = backward.sum(x) {
                    zip_column(x_bar, y_bar, s_value, |x_bar, y_bar, s| *x_bar += y_bar * s);
                }
                if let Some(s_bar) = backward.sum(s) {
                    fold_column(s_bar, y_bar, x_value, |y_bar, x| y_bar * x);
                }
            },
        )
    }

    /// `y_j = r_j x_j`: each sample times its entry of a row.
    pub fn mul_row(&self, x: Var, r: Var) -> Var {
        let (rows, columns) = self.demand_row("mul_row", x, r);
        self.record(
            &[x, r],
            |forward| {
                let (x, r) = (forward.value(x).as_slice(), forward.value(r).as_slice());
                let samples = x.chunks_exact(rows.max(1)).zip(r);
                forward.collect((rows, columns), samples.flat_map(|(x, r)| x.iter().map(move |x| r * x)))
            },
            move |backward| {
                let (y_bar, x_value) = (backward.gradient.as_slice(), backward.value(x).as_slice());
                let r_value = backward.value(r).as_slice();
                let samples = || y_bar.chunks_exact(rows.max(1));
                let products = samples().zip(r_value);
                backward.add(x, products.flat_map(|(y_bar, r)| y_bar.iter().map(move |y_bar| r * y_bar)));
                let dots = samples().zip(x_value.chunks_exact(rows.max(1)));
                backward.add(r, dots.map(|(y_bar, x)| y_bar.iter().zip(x).map(|(y_bar, x)| y_bar * x).sum()));
            },
        )
    }

    /// `y_j = f(x_j)`, `∂f/∂x_j`: a number of each sample and its slopes, which something outside the tape has computed.
    pub fn known(&self, x: Var, values: Vec<f32>, slopes: DMatrix<f32>) -> Var {
        let (rows, columns) = self.shape(x);
        assert!(
            values.len() == columns && slopes.shape() == (rows, columns),
            "known: {columns} values and slopes of {rows}x{columns} are needed, not {} and {}x{}",
            values.len(),
            slopes.nrows(),
            slopes.ncols()
        );
        self.record(
            &[x],
            |forward| forward.collect((1, columns), values.into_iter()),
            move |backward| {
                let samples = slopes.as_slice().chunks_exact(rows.max(1)).zip(backward.gradient.as_slice());
                backward.add(x, samples.flat_map(|(slope, y_bar)| slope.iter().map(move |s| y_bar * s)));
            },
        )
    }

    /// `y_ij = f(x_ij, c_i)`
    pub(super) fn with_column(
        &self,
        x: Var,
        c: Var,
        f: impl Fn(f32, f32) -> f32,
        pullback: impl Fn(&mut super::Backward) + Send + 'static,
    ) -> Var {
        self.record(
            &[x, c],
            |forward| {
                let (x, c) = (forward.value(x), forward.value(c).as_slice());
                let mut y = forward.scratch(x.nrows(), x.ncols());
                zip_column(&mut y, x, c, |y, x, c| *y = f(x, c));
                y
            },
            pullback,
        )
    }

    /// Panics unless `r` is a row with an entry for every column of `x`, whose shape it returns.
    pub(super) fn demand_row(&self, operation: &str, x: Var, r: Var) -> (usize, usize) {
        let ((rows, columns), (r_rows, r_columns)) = self.shapes(x, r);
        assert!(
            (r_rows, r_columns) == (1, columns),
            "{operation}: a row of 1x{columns} is needed, not {r_rows}x{r_columns}",
        );
        (rows, columns)
    }

    /// Panics unless `c` is a column of `rows` entries.
    pub(super) fn demand_column(&self, operation: &str, rows: usize, c: Var) {
        let (c_rows, c_columns) = self.shape(c);
        assert!(
            (c_rows, c_columns) == (rows, 1),
            "{operation}: a column of {rows}x1 is needed, not {c_rows}x{c_columns}",
        );
    }
}

/// `f(y_ij, x_ij, c_i)` for all entries.
#[inline]
pub(super) fn zip_column(y: &mut DMatrix<f32>, x: &DMatrix<f32>, c: &[f32], f: impl Fn(&mut f32, f32, f32)) {
    let length = c.len().max(1);
    let y_columns = y.as_mut_slice().chunks_exact_mut(length);
    for (y, x) in y_columns.zip(x.as_slice().chunks_exact(length)) {
        y.iter_mut().zip(x).zip(c).for_each(|((y, &x), &c)| f(y, x, c));
    }
}

/// `c_i += Σ_j f(y_ij, x_ij)`
#[inline]
pub(super) fn fold_column(
    c: &mut DMatrix<f32>,
    y: &DMatrix<f32>,
    x: &DMatrix<f32>,
    f: impl Fn(f32, f32) -> f32,
) {
    let c = c.as_mut_slice();
    let length = c.len().max(1);
    let samples = y.as_slice().chunks_exact(length).zip(x.as_slice().chunks_exact(length));
    for (y, x) in samples {
        c.iter_mut().zip(y).zip(x).for_each(|((c, &y), &x)| *c += f(y, x));
    }
}

/// `c_i += Σ_j y_ij`
pub(super) fn add_row_sums(c: &mut DMatrix<f32>, y: &[f32]) {
    let c = c.as_mut_slice();
    for y in y.chunks_exact(c.len().max(1)) {
        c.iter_mut().zip(y).for_each(|(c, y)| *c += y);
    }
}

#[cfg(test)]
mod tests {
    use super::super::check::{check_gradients, random};
    use super::Tape;

    #[test]
    fn gradients() {
        let inputs = [random(5, 4, 1), random(5, 1, 2)];
        check_gradients(&inputs, |tape, v| tape.add_bias(v[0], v[1]));
        check_gradients(&inputs, |tape, v| tape.mul_col(v[0], v[1]));
        check_gradients(&[random(5, 4, 1), random(1, 4, 2)], |tape, v| tape.mul_row(v[0], v[1]));
        // f(x) = Σ x³, computed outside.
        check_gradients(&[random(5, 4, 1)], |tape, v| {
            let x = tape.value(v[0]);
            let values = x.column_iter().map(|x| x.iter().map(|x| x * x * x).sum()).collect();
            tape.known(v[0], values, x.map(|x| 3.0 * x * x))
        });
    }

    #[test]
    #[should_panic(expected = "add_bias: a column of 5x1 is needed, not 4x1")]
    fn the_column_must_fit() {
        let tape = Tape::new();
        tape.add_bias(tape.constant(random(5, 4, 1)), tape.constant(random(4, 1, 1)));
    }
}
