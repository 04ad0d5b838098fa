//! What an operation sees while it computes its value, and while it passes its gradient on.

use nalgebra::DMatrix;

use super::buffers::Buffers;
use super::fast::wide;
use super::product;
use super::{Node, Var};

/// The forward pass of one operation: the values of its inputs, and memory for its own.
pub struct Forward<'a> {
    pub(super) nodes: &'a [Node],
    pub(super) buffers: &'a mut Buffers,
}

impl<'a> Forward<'a> {
    /// The value of an input.
    pub fn value(&self, x: Var) -> &'a DMatrix<f32> {
        &self.nodes[x.0].value
    }

    /// The matrix of the given entries, column by column.
    pub fn collect(
        &mut self,
        (rows, columns): (usize, usize),
        entries: impl Iterator<Item = f32>,
    ) -> DMatrix<f32> {
        self.buffers.collect(rows, columns, entries)
    }

    /// `f` of each entry of `x`.
    pub fn map(&mut self, x: Var, f: impl Fn(f32) -> f32) -> DMatrix<f32> {
        let x = self.value(x);
        self.collect(x.shape(), x.as_slice().iter().map(|&x| f(x)))
    }

    /// A matrix of arbitrary content: overwrite all of it.
    pub fn scratch(&mut self, rows: usize, columns: usize) -> DMatrix<f32> {
        self.buffers.scratch(rows, columns)
    }

    /// `y ← A x + beta y`
    pub(super) fn multiply(&mut self, y: &mut DMatrix<f32>, a: Var, x: Var, beta: f32) {
        product::multiply(y, self.value(a), self.value(x), beta, self.buffers);
    }

    /// `x ← Aᵀ y + beta x`
    pub(super) fn multiply_transposed(&mut self, x: &mut DMatrix<f32>, a: Var, y: Var, beta: f32) {
        product::multiply_transposed(x, self.value(a), self.value(y), beta, self.buffers);
    }
}

/// The backward pass of one operation `Y = f(X, …)`: the values, its output gradient `Ȳ`, and the
/// gradients of its inputs, which only ever grow by addition.
pub struct Backward<'a> {
    /// `Y`
    pub output: &'a DMatrix<f32>,
    /// `Ȳ`
    pub gradient: &'a DMatrix<f32>,
    pub(super) nodes: &'a [Node],
    pub(super) gradients: &'a mut [Option<DMatrix<f32>>],
    pub(super) buffers: &'a mut Buffers,
}

impl<'a> Backward<'a> {
    /// The value of an input.
    pub fn value(&self, x: Var) -> &'a DMatrix<f32> {
        &self.nodes[x.0].value
    }

    /// Whether the gradient of `x` is wanted, for operations that can save work.
    pub fn wants(&self, x: Var) -> bool {
        self.nodes[x.0].requires_grad
    }

    /// `X̄ += entries`, given column by column. Nothing is computed if `X̄` is not wanted.
    pub fn add(&mut self, x: Var, entries: impl Iterator<Item = f32>) {
        if !self.wants(x) {
            return;
        }
        match &mut self.gradients[x.0] {
            Some(sum) => wide(
                #[inline(always)]
                || sum.as_mut_slice().iter_mut().zip(entries).for_each(|(s, e)| *s += e),
            ),
            first => {
                let (rows, columns) = self.nodes[x.0].value.shape();
                *first = Some(self.buffers.collect(rows, columns, entries));
            }
        }
    }

    /// `X̄` itself, to be added to; `None` if it is not wanted.
    pub fn sum(&mut self, x: Var) -> Option<&mut DMatrix<f32>> {
        if !self.wants(x) {
            return None;
        }
        let (rows, columns) = self.nodes[x.0].value.shape();
        Some(self.gradients[x.0].get_or_insert_with(|| self.buffers.zeros(rows, columns)))
    }

    /// The pullback of `Y = A X`: `X̄ += Aᵀ Ȳ` and `Ā += Ȳ Xᵀ`.
    pub(super) fn multiply(&mut self, a: Var, x: Var) {
        let (a_value, x_value, y_bar) = (self.value(a), self.value(x), self.gradient);
        if let Some((mut x_bar, beta)) = self.take(x) {
            product::multiply_transposed(&mut x_bar, a_value, y_bar, beta, self.buffers);
            self.put(x, x_bar);
        }
        if let Some((mut a_bar, beta)) = self.take(a) {
            product::multiply_outer(&mut a_bar, y_bar, x_value, beta, self.buffers);
            self.put(a, a_bar);
        }
    }

    /// The pullback of `X = Aᵀ Y`: `Ȳ += A X̄` and `Ā += Y X̄ᵀ`.
    pub(super) fn multiply_transposed(&mut self, a: Var, y: Var) {
        let (a_value, y_value, x_bar) = (self.value(a), self.value(y), self.gradient);
        if let Some((mut y_bar, beta)) = self.take(y) {
            product::multiply(&mut y_bar, a_value, x_bar, beta, self.buffers);
            self.put(y, y_bar);
        }
        if let Some((mut a_bar, beta)) = self.take(a) {
            product::multiply_outer(&mut a_bar, y_value, x_bar, beta, self.buffers);
            self.put(a, a_bar);
        }
    }

    /// Takes the wanted `X̄` out, with the factor `beta` by which its content counts: 1, or 0 if
    /// nothing was added to it yet and the content is arbitrary.
    pub(super) fn take(&mut self, x: Var) -> Option<(DMatrix<f32>, f32)> {
        if !self.wants(x) {
            return None;
        }
        let (rows, columns) = self.nodes[x.0].value.shape();
        let sum = self.gradients[x.0].take().map(|sum| (sum, 1.0));
        Some(sum.unwrap_or_else(|| (self.buffers.scratch(rows, columns), 0.0)))
    }

    /// Puts a gradient back that was [taken](Self::take).
    pub(super) fn put(&mut self, x: Var, gradient: DMatrix<f32>) {
        self.gradients[x.0] = Some(gradient);
    }
}
