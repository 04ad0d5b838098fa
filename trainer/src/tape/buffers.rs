//! Memory that is used again.
//!
//! A training step makes the same few hundred matrices each time. Fresh memory for them comes from
//! the kernel page by page; recycled memory is still in the cache.

use std::collections::BTreeMap;

use nalgebra::{DMatrix, Dyn, VecStorage};

use super::fast::wide;

/// Memory by length.
#[derive(Default)]
pub(super) struct Buffers {
    /// There are few lengths: a tree finds them sooner than a hash.
    shelves: BTreeMap<usize, Shelf>,
}

/// Memory of one length.
#[derive(Default)]
struct Shelf {
    free: Vec<Vec<f32>>,
    /// How many are out. No more than these are taken back, so that matrices which come from
    /// elsewhere, such as data, do not pile up here.
    lent: usize,
}

impl Buffers {
    /// A matrix of arbitrary content, for those who overwrite all of it.
    pub fn scratch(&mut self, rows: usize, columns: usize) -> DMatrix<f32> {
        let data = self.lend(rows * columns).unwrap_or_else(|| vec![0.0; rows * columns]);
        matrix(rows, columns, data)
    }

    /// A matrix of zeros.
    pub fn zeros(&mut self, rows: usize, columns: usize) -> DMatrix<f32> {
        let mut zeros = self.scratch(rows, columns);
        zeros.fill(0.0);
        zeros
    }

    /// A matrix of given entries, column by column.
    pub fn collect(
        &mut self,
        rows: usize,
        columns: usize,
        entries: impl Iterator<Item = f32>,
    ) -> DMatrix<f32> {
        let mut data = self.lend(rows * columns).unwrap_or_default();
        data.clear();
        wide(
            #[inline(always)]
            || data.extend(entries),
        );
        matrix(rows, columns, data)
    }

    /// Takes back the memory of a matrix.
    pub fn recycle(&mut self, matrix: DMatrix<f32>) {
        let data = Vec::from(matrix.data);
        if let Some(shelf) = self.shelves.get_mut(&data.len()).filter(|shelf| shelf.lent > 0) {
            shelf.lent -= 1;
            shelf.free.push(data);
        }
    }

    fn lend(&mut self, length: usize) -> Option<Vec<f32>> {
        let shelf = self.shelves.entry(length).or_default();
        shelf.lent += 1;
        shelf.free.pop()
    }
}

/// Without a copy, which `DMatrix::from_vec` does not promise.
fn matrix(rows: usize, columns: usize, data: Vec<f32>) -> DMatrix<f32> {
    DMatrix::from_data(VecStorage::new(Dyn(rows), Dyn(columns), data))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_lent_comes_back_and_nothing_else() {
        let mut buffers = Buffers::default();
        let lent = buffers.scratch(3, 4);
        let address = lent.as_ptr();
        buffers.recycle(DMatrix::zeros(5, 5));
        buffers.recycle(lent);
        buffers.recycle(DMatrix::zeros(4, 3));
        assert_eq!(buffers.shelves.values().map(|shelf| shelf.free.len()).sum::<usize>(), 1);
        assert_eq!(buffers.collect(2, 6, (0..12).map(|i| i as f32)).as_ptr(), address);
    }
}
