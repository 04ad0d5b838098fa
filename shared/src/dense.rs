//! Matrix–vector products with the weights read in place.
//!
//! A matrix of `rows × cols` is stored in **panels**: first as many panels of [`PANEL`] rows as fit, then, for the
//! rows that are left, at most one panel each of 8, 4, 2 and 1 rows. Inside a panel the weights of one column lie side
//! by side, so the rows of a panel share each loaded input and their sums stay in registers; no row is padded.
//! Each row still sums its columns from first to last, so a result does not depend on the panel it sits in.

/// Rows of a full panel. Sixteen accumulators fill half of the Cortex-M4F's register file; the other half holds weights.
pub const PANEL: usize = 16;

/// A weight matrix `W` (`rows × cols`) somewhere in flash.
#[derive(Clone, Copy, Debug, Default)]
pub struct Dense<'a> {
    rows: usize,
    cols: usize,
    panels: &'a [f32],
}

impl<'a> Dense<'a> {
    /// Wraps weights that are already in panel order; `None` unless there are exactly `rows · cols` of them.
    pub fn new(rows: usize, cols: usize, panels: &'a [f32]) -> Option<Self> {
        (rows.checked_mul(cols)? == panels.len()).then_some(Self { rows, cols, panels })
    }

    /// Length of the output.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Length of the input.
    pub fn cols(&self) -> usize {
        self.cols
    }

    /// Where the weight of row `row`, column `col` of a `rows × cols` matrix is stored. The exporter packs by it.
    ///
    /// # Panics
    /// When there is no such row or column. No kernel calls it.
    pub const fn position(rows: usize, cols: usize, row: usize, col: usize) -> usize {
        assert!(row < rows && col < cols, "no such weight");
        let mut start = 0;
        let mut height = PANEL;
        loop {
            if row - start < height && start + height <= rows {
                return start * cols + col * height + (row - start);
            } else if start + height <= rows {
                start += height;
            } else {
                height /= 2;
            }
        }
    }

    /// `y += W x`, for an `x` of at least `cols` entries. `y` holds the bias, or what other inputs have added. Entries
    /// past `rows` and `cols` are left alone.
    pub fn add(&self, x: &[f32], y: &mut [f32]) {
        self.visit(y, Add(Rows::first(x, self.cols)));
    }

    /// `y = b + W x`, on the front of `y`, as far as `b` goes.
    pub fn affine(&self, b: &[f32], x: &[f32], y: &mut [f32]) {
        for (y, b) in y.iter_mut().zip(b) {
            *y = *b;
        }
        self.add(x, y);
    }

    /// `y += W_{·k} x`: one column. A matrix without a column `k` adds nothing.
    pub fn add_column(&self, k: usize, x: f32, y: &mut [f32]) {
        self.visit(y, Column { k, x });
    }

    /// `gx += Wᵀ g`: the pullback of [`add`](Self::add), from the output's gradient `g` to the input's.
    pub fn pull(&self, g: &[f32], gx: &mut [f32]) {
        self.visit(g, Pull(gx));
    }

    /// Walks the panels from the first row to the last, in step with the slice of one entry a row.
    #[inline(always)]
    fn visit<R: Rows>(&self, rows: R, mut kernel: impl Kernel<R>) {
        if self.panels.is_empty() {
            return; // an input of no width, such as the latent of a model without one
        }
        let rest = (self.panels, rows.first(self.rows));
        let rest = panels::<PANEL, R>(self.cols, rest, &mut kernel);
        let rest = panels::<8, R>(self.cols, rest, &mut kernel);
        let rest = panels::<4, R>(self.cols, rest, &mut kernel);
        let rest = panels::<2, R>(self.cols, rest, &mut kernel);
        panels::<1, R>(self.cols, rest, &mut kernel);
    }
}

/// Hands every panel of height `P` at the front of `rest` to the kernel and returns what follows them.
#[inline(always)]
fn panels<'w, const P: usize, R: Rows>(
    cols: usize,
    rest: (&'w [f32], R),
    kernel: &mut impl Kernel<R>,
) -> (&'w [f32], R) {
    let (mut weights, mut rows) = rest;
    while let Some((panel, after)) = weights.split_at_checked(P * cols) {
        match rows.split::<P>() {
            Ok((chunk, tail)) => {
                kernel.panel(panel.as_chunks::<P>().0, chunk);
                (weights, rows) = (after, tail);
            }
            Err(all) => return (weights, all),
        }
    }
    (weights, rows)
}

/// A slice with one entry a row: the outputs of a product, or the gradients that come back.
trait Rows: Sized {
    type Chunk<const P: usize>;
    fn first(self, n: usize) -> Self;
    fn split<const P: usize>(self) -> Result<(Self::Chunk<P>, Self), Self>;
}

impl<'s> Rows for &'s [f32] {
    type Chunk<const P: usize> = &'s [f32; P];

    fn first(self, n: usize) -> Self {
        self.split_at_checked(n).map_or(self, |(head, _)| head)
    }

    fn split<const P: usize>(self) -> Result<(Self::Chunk<P>, Self), Self> {
        self.split_first_chunk().ok_or(self)
    }
}

impl<'s> Rows for &'s mut [f32] {
    type Chunk<const P: usize> = &'s mut [f32; P];

    fn first(self, n: usize) -> Self {
        let n = n.min(self.len());
        self.split_at_mut_checked(n).map_or(Default::default(), |(head, _)| head)
    }

    fn split<const P: usize>(self) -> Result<(Self::Chunk<P>, Self), Self> {
        if self.len() < P {
            return Err(self);
        }
        self.split_first_chunk_mut().ok_or(Default::default())
    }
}

/// What is done with one panel: its columns of `P` weights, and its `P` rows.
trait Kernel<R: Rows> {
    fn panel<const P: usize>(&mut self, columns: &[[f32; P]], rows: R::Chunk<P>);
}

struct Add<'x>(&'x [f32]);

impl<'y> Kernel<&'y mut [f32]> for Add<'_> {
    #[inline(always)]
    fn panel<const P: usize>(&mut self, columns: &[[f32; P]], y: &'y mut [f32; P]) {
        let mut sums = *y;
        // Four columns a round, so that counting them costs little beside the work.
        let ((columns, last), (fours, xs)) = (columns.as_chunks::<4>(), self.0.as_chunks::<4>());
        for (columns, xs) in columns.iter().zip(fours) {
            for (column, &x) in columns.iter().zip(xs) {
                for (sum, w) in sums.iter_mut().zip(column) {
                    *sum += w * x;
                }
            }
        }
        for (column, &x) in last.iter().zip(xs) {
            for (sum, w) in sums.iter_mut().zip(column) {
                *sum += w * x;
            }
        }
        *y = sums;
    }
}

struct Column {
    k: usize,
    x: f32,
}

impl<'y> Kernel<&'y mut [f32]> for Column {
    #[inline(always)]
    fn panel<const P: usize>(&mut self, columns: &[[f32; P]], y: &'y mut [f32; P]) {
        if let Some(column) = columns.get(self.k) {
            for (y, w) in y.iter_mut().zip(column) {
                *y += w * self.x;
            }
        }
    }
}

struct Pull<'x>(&'x mut [f32]);

impl<'g> Kernel<&'g [f32]> for Pull<'_> {
    #[inline(always)]
    fn panel<const P: usize>(&mut self, columns: &[[f32; P]], g: &'g [f32; P]) {
        let g = *g;
        for (column, gx) in columns.iter().zip(self.0.iter_mut()) {
            *gx += dot(column, &g);
        }
    }
}

/// `Σ aᵢ bᵢ` in four interleaved sums: the fixed order that a vector unit likes too.
#[inline(always)]
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    let ((a4, a1), (b4, b1)) = (a.as_chunks::<4>(), b.as_chunks::<4>());
    let mut sums = [0.0; 4];
    for (a, b) in a4.iter().zip(b4) {
        for (sum, (a, b)) in sums.iter_mut().zip(a.iter().zip(b)) {
            *sum += a * b;
        }
    }
    let [s0, s1, s2, s3] = sums;
    let tail = a1.iter().zip(b1).fold(0.0, |sum, (a, b)| sum + a * b);
    ((s0 + s2) + (s1 + s3)) + tail
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::{vec, vec::Vec};

    fn pack(rows: usize, cols: usize, w: impl Fn(usize, usize) -> f32) -> Vec<f32> {
        let mut packed = vec![f32::NAN; rows * cols];
        for row in 0..rows {
            for col in 0..cols {
                packed[Dense::position(rows, cols, row, col)] = w(row, col);
            }
        }
        packed
    }

    proptest! {
        #[test]
        fn every_row_sums_its_columns_in_order(rows in 0usize..70, cols in 0usize..40, seed in any::<u32>()) {
            let w = |r: usize, c: usize| ((r * 31 + c * 17 + seed as usize % 1000) % 23) as f32 * 0.37 - 4.0;
            let packed = pack(rows, cols, w);
            let dense = Dense::new(rows, cols, &packed).unwrap();
            let x: Vec<f32> = (0..cols).map(|c| (c as f32 * 0.7).sin()).collect();
            let bias: Vec<f32> = (0..rows + 3).map(|r| r as f32 * 0.1).collect();
            let mut y = bias.clone();
            dense.add(&x, &mut y);
            for r in 0..rows {
                let sum = x.iter().enumerate().fold(bias[r], |sum, (c, x)| sum + w(r, c) * x);
                prop_assert_eq!(sum.to_bits(), y[r].to_bits());
            }
            prop_assert_eq!(&bias[rows..], &y[rows..], "rows past the end are left alone");

            let mut by_column = bias.clone();
            for (c, &x) in x.iter().enumerate() {
                dense.add_column(c, x, &mut by_column);
            }
            dense.add_column(cols, 1.0, &mut by_column);
            prop_assert_eq!(by_column, y, "column by column");
        }

        #[test]
        fn pull_is_the_transpose(rows in 0usize..70, cols in 0usize..40, seed in any::<u32>()) {
            let w = |r: usize, c: usize| ((r * 13 + c * 7 + seed as usize % 1000) % 19) as f32 * 0.21 - 2.0;
            let packed = pack(rows, cols, w);
            let dense = Dense::new(rows, cols, &packed).unwrap();
            let g: Vec<f32> = (0..rows).map(|r| (r as f32 * 1.3).cos()).collect();
            let mut gx = vec![0.5; cols];
            dense.pull(&g, &mut gx);
            for (c, gx) in gx.into_iter().enumerate() {
                let exact: f64 = 0.5 + (0..rows).map(|r| f64::from(w(r, c)) * f64::from(g[r])).sum::<f64>();
                prop_assert!((exact - f64::from(gx)).abs() < 1e-4);
            }
        }
    }

    /// The worked example of `artifact/FORMAT.md`.
    #[test]
    fn panels_lie_as_specified() {
        let expected = [0, 10, 20, 30, 1, 11, 21, 31, 2, 12, 22, 32, 40, 50, 41, 51, 42, 52, 60, 61, 62];
        assert_eq!(pack(7, 3, |row, col| (10 * row + col) as f32), expected.map(|w| w as f32));
    }

    #[test]
    fn wrong_weight_count_is_refused() {
        assert!(Dense::new(2, 3, &[0.0; 5]).is_none());
        assert!(Dense::new(usize::MAX, 2, &[]).is_none());
    }
}
