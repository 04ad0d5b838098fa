//! Products with matrices.

use super::columns::add_row_sums;
use super::{Tape, Var};

impl Tape {
    /// `Y = A X`: an NH×NX matrix times NX×B samples.
    pub fn matmul(&self, a: Var, x: Var) -> Var {
        let (rows, columns) = self.product_shape("matmul", a, x);
        self.record(
            &[a, x],
            |forward| {
                let mut y = forward.scratch(rows, columns);
                forward.multiply(&mut y, a, x, 0.0);
                y
            },
            move |backward| backward.multiply(a, x),
        )
    }

    /// `X = Aᵀ Y`: a layer run backwards, as the gradient of a network in its input is. `Ȳ += A X̄` and `Ā += Y X̄ᵀ`.
    pub fn matmul_transposed(&self, a: Var, y: Var) -> Var {
        let ((rows, columns), (y_rows, samples)) = self.shapes(a, y);
        assert!(rows == y_rows, "matmul_transposed: {rows}x{columns} transposed times {y_rows}x{samples}");
        self.record(
            &[a, y],
            |forward| {
                let mut x = forward.scratch(columns, samples);
                forward.multiply_transposed(&mut x, a, y, 0.0);
                x
            },
            move |backward| backward.multiply_transposed(a, y),
        )
    }

    /// `Y = Σ_i A_i X_i + b`: a layer with several inputs, such as `W_x x + W_u u + b`, each with a
    /// matrix of its own; `b` is a column, added to every sample.
    pub fn affine<const N: usize>(&self, products: [(Var, Var); N], b: Var) -> Var {
        const { assert!(N > 0, "an affine map needs an input") }
        let (rows, columns) = self.product_shape("affine", products[0].0, products[0].1);
        for (a, x) in products {
            let shape = self.product_shape("affine", a, x);
            assert!(shape == (rows, columns), "affine: {shape:?} and {:?} differ", (rows, columns));
        }
        self.demand_column("affine", rows, b);
        let inputs: Vec<Var> = products.iter().flat_map(|&(a, x)| [a, x]).chain([b]).collect();
        self.record(
            &inputs,
            |forward| {
                let mut y = forward.scratch(rows, columns);
                let b = forward.value(b).as_slice();
                // No rows are no chunks.
                y.as_mut_slice().chunks_exact_mut(rows.max(1)).for_each(|y| y.copy_from_slice(b));
                for (a, x) in products {
                    forward.multiply(&mut y, a, x, 1.0);
                }
                y
            },
            move |backward| {
                products.iter().for_each(|&(a, x)| backward.multiply(a, x));
                let y_bar = backward.gradient;
                if let Some(b_bar) = backward.sum(b) {
                    add_row_sums(b_bar, y_bar.as_slice());
                }
            },
        )
    }

    /// The shape of `A X`.
    fn product_shape(&self, operation: &str, a: Var, x: Var) -> (usize, usize) {
        let ((rows, inner), (x_rows, columns)) = self.shapes(a, x);
        assert!(inner == x_rows, "{operation}: {rows}x{inner} times {x_rows}x{columns}");
        (rows, columns)
    }
}

#[cfg(test)]
mod tests {
    use super::super::check::{check_gradients, random};
    use super::Tape;

    #[test]
    fn matmul_gradient() {
        check_gradients(&[random(8, 7, 1), random(7, 9, 2)], |tape, v| tape.matmul(v[0], v[1]));
        check_gradients(&[random(2, 7, 1), random(7, 9, 2)], |tape, v| tape.matmul(v[0], v[1]));
        check_gradients(&[random(8, 3, 1), random(3, 9, 2)], |tape, v| tape.matmul(v[0], v[1]));
        check_gradients(&[random(4, 4, 1)], |tape, v| tape.matmul(v[0], v[0]));
    }

    #[test]
    fn matmul_transposed_gradient() {
        for (rows, columns, samples) in [(8, 7, 9), (1, 7, 9), (8, 2, 9), (2, 3, 2)] {
            let inputs = [random(rows, columns, 1), random(rows, samples, 2)];
            let tape = Tape::new();
            let product =
                tape.matmul_transposed(tape.constant(inputs[0].clone()), tape.constant(inputs[1].clone()));
            assert!((&*tape.value(product) - inputs[0].transpose() * &inputs[1]).amax() < 1e-5);
            check_gradients(&inputs, |tape, v| tape.matmul_transposed(v[0], v[1]));
        }
    }

    #[test]
    fn affine_gradient() {
        let inputs = [random(6, 7, 1), random(7, 8, 2), random(6, 2, 3), random(2, 8, 4), random(6, 1, 5)];
        check_gradients(&inputs, |tape, v| tape.affine([(v[0], v[1]), (v[2], v[3])], v[4]));
    }

    #[test]
    fn two_layers_unrolled_over_five_steps() {
        // x ← x + V tanh(W x + b)
        let inputs = [random(9, 3, 1), random(3, 9, 2), random(9, 1, 3), random(3, 6, 4)];
        check_gradients(&inputs, |tape, v| {
            (0..5).fold(v[3], |x, _| {
                let hidden = tape.tanh(tape.affine([(v[0], x)], v[2]));
                tape.add(x, tape.matmul(v[1], hidden))
            })
        });
    }

    #[test]
    #[should_panic(expected = "matmul: 3x4 times 3x4")]
    fn inner_sizes_must_agree() {
        let tape = Tape::new();
        let x = tape.constant(random(3, 4, 1));
        tape.matmul(x, x);
    }
}
