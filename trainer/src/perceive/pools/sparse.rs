//! A sparse matrix by rows, multiplied with a batch whose columns are samples.

use nalgebra::DMatrix;

/// Samples taken at once: they lie side by side, so that the sums vectorise though the indices jump.
const LANES: usize = 16;

/// Row `i` is entries `starts[i] .. starts[i + 1]`.
#[derive(Clone, Debug)]
pub(super) struct Rows {
    starts: Vec<usize>,
    entries: Vec<(u32, f32)>,
}

impl Rows {
    /// From the entries of each row.
    pub fn new<'a>(rows: impl IntoIterator<Item = &'a [(usize, f32)]>) -> Self {
        let (mut starts, mut entries) = (vec![0], Vec::new());
        for row in rows {
            entries.extend(row.iter().map(|&(column, value)| (column as u32, value)));
            starts.push(entries.len());
        }
        Self { starts, entries }
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// The columns and values of a row.
    pub fn row(&self, i: usize) -> impl Iterator<Item = (usize, f32)> {
        self.entries[self.starts[i]..self.starts[i + 1]]
            .iter()
            .map(|&(column, value)| (column as usize, value))
    }

    /// `Y = after(A before(X))`, with both functions of each entry.
    pub fn multiply(
        &self,
        x: &DMatrix<f32>,
        y: &mut DMatrix<f32>,
        before: impl Fn(f32) -> f32,
        after: impl Fn(f32) -> f32,
    ) {
        let (inner, rows) = (x.nrows(), self.len());
        assert_eq!(y.shape(), (rows, x.ncols()), "multiply: the result has another shape");
        let mut block = vec![[0.0; LANES]; inner];
        let samples = x.as_slice().chunks(LANES * inner.max(1));
        for (x, y) in samples.zip(y.as_mut_slice().chunks_mut(LANES * rows.max(1))) {
            for (lane, x) in x.chunks_exact(inner).enumerate() {
                block.iter_mut().zip(x).for_each(|(block, &x)| block[lane] = before(x));
            }
            for (i, bounds) in self.starts.windows(2).enumerate() {
                let mut sums = [0.0; LANES];
                for &(column, value) in &self.entries[bounds[0]..bounds[1]] {
                    let x = &block[column as usize];
                    sums.iter_mut().zip(x).for_each(|(sum, x)| *sum += value * x);
                }
                y[i..].iter_mut().step_by(rows).zip(sums).for_each(|(y, sum)| *y = after(sum));
            }
        }
    }
}
