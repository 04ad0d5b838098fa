//! Convolution and its transpose, as matrix products over unfolded windows.
//!
//! On the tape a batch of stacks of [`Maps`] is a matrix with one channel a row and one position a column: the
//! positions of the first sample, row by row from the top, then those of the second, and so on. In memory that is
//! one sample after the other, each as `shared` has it. So what has one number a channel (biases, thresholds, gains,
//! pools of features) is an operation like that of any other layer.
//!
//! A few samples at a time are unfolded into a matrix with one window a column, which stays in the cache, and
//! multiplied by the filters. The pullback unfolds again rather than keep `side²` times as much as the input.

use forethought::perceive::maps::Maps;
use nalgebra::{DMatrix, DMatrixView, DMatrixViewMut};

use super::buffers::Buffers;
use super::product::{transpose, transposed_view};
use super::{Tape, Var};

impl Tape {
    /// Every filter, a row of `w`, at every place of its window that lies inside the maps:
    /// `y_k(p) = Σ_{c,q} w_k(c, q) x_c(p + q)`. A row holds its window as [`Maps`] lie.
    ///
    /// # Panics
    /// If `x` holds no stacks of `maps`, or the filters have another size than `side × side` of them.
    pub fn convolve(&self, w: Var, x: Var, maps: Maps, side: usize) -> Var {
        let windows = Windows::new("convolve", maps, side);
        let (filters, batch) = self.demand_filters("convolve", w, &windows, (x, maps));
        self.record(
            &[w, x],
            |forward| {
                let mut y = forward.scratch(filters, windows.places.positions() * batch);
                let (w, x) = (forward.value(w), forward.value(x));
                windows.correlate(w, x, &mut y, 0.0, forward.buffers);
                y
            },
            move |backward| {
                let (w_value, x_value, y_bar) = (backward.value(w), backward.value(x), backward.gradient);
                if let Some((mut x_bar, beta)) = backward.take(x) {
                    windows.spread(w_value, y_bar, &mut x_bar, beta, backward.buffers);
                    backward.put(x, x_bar);
                }
                if let Some((mut w_bar, beta)) = backward.take(w) {
                    windows.outer(y_bar, x_value, &mut w_bar, beta, backward.buffers);
                    backward.put(w, w_bar);
                }
            },
        )
    }

    /// The transpose of [`convolve`](Self::convolve), which makes `maps` of what that makes of them: every filter is
    /// added at every place, as often as its code says: `x_c(p + q) = Σ_k w_k(c, q) z_k(p)`.
    ///
    /// # Panics
    /// As [`convolve`](Self::convolve).
    pub fn convolve_transposed(&self, w: Var, z: Var, maps: Maps, side: usize) -> Var {
        let windows = Windows::new("convolve_transposed", maps, side);
        let places = Maps { channels: self.shape(z).0, ..windows.places };
        let (filters, batch) = self.demand_filters("convolve_transposed", w, &windows, (z, places));
        assert!(filters == places.channels, "convolve_transposed: {filters} filters, {places:?}");
        self.record(
            &[w, z],
            |forward| {
                let mut x = forward.scratch(maps.channels, maps.positions() * batch);
                let (w, z) = (forward.value(w), forward.value(z));
                windows.spread(w, z, &mut x, 0.0, forward.buffers);
                x
            },
            move |backward| {
                let (w_value, z_value, x_bar) = (backward.value(w), backward.value(z), backward.gradient);
                if let Some((mut z_bar, beta)) = backward.take(z) {
                    windows.correlate(w_value, x_bar, &mut z_bar, beta, backward.buffers);
                    backward.put(z, z_bar);
                }
                if let Some((mut w_bar, beta)) = backward.take(w) {
                    windows.outer(z_value, x_bar, &mut w_bar, beta, backward.buffers);
                    backward.put(w, w_bar);
                }
            },
        )
    }

    /// How many samples of `maps` the matrix holds.
    pub(super) fn demand_maps(&self, operation: &str, x: Var, maps: Maps) -> usize {
        let (rows, columns) = self.shape(x);
        let whole = rows == maps.channels && columns.is_multiple_of(maps.positions().max(1));
        assert!(whole, "{operation}: {rows}x{columns} holds no stacks of {maps:?}");
        columns / maps.positions().max(1)
    }

    /// How many filters and samples there are.
    fn demand_filters(
        &self,
        operation: &str,
        w: Var,
        windows: &Windows,
        maps: (Var, Maps),
    ) -> (usize, usize) {
        let (filters, inner) = self.shape(w);
        let length = windows.len();
        assert!(inner == length, "{operation}: {filters}x{inner} filters for windows of {length}");
        (filters, self.demand_maps(operation, maps.0, maps.1))
    }
}

/// Numbers that are unfolded at once, unless one sample has more: they fit into the second-level cache.
const UNFOLDED: usize = 1 << 17;

/// The windows of `side × side` positions inside a stack of maps.
#[derive(Clone, Copy)]
struct Windows {
    maps: Maps,
    side: usize,
    /// Where they lie, as maps of one channel.
    places: Maps,
}

impl Windows {
    fn new(operation: &str, maps: Maps, side: usize) -> Self {
        let places = maps.windows(side, 1, 1);
        let places =
            places.unwrap_or_else(|| panic!("{operation}: no window of {side}x{side} fits {maps:?}"));
        Self { maps, side, places }
    }

    /// Numbers in a window.
    fn len(&self) -> usize {
        self.maps.window(self.side)
    }

    /// `Y ← W ⋆ X + beta Y`
    fn correlate(
        &self,
        w: &DMatrix<f32>,
        x: &DMatrix<f32>,
        y: &mut DMatrix<f32>,
        beta: f32,
        buffers: &mut Buffers,
    ) {
        let (filters, chunk, mut unfolded) = (w.nrows(), self.chunk(), self.scratch(buffers));
        let chunks = x.as_slice().chunks(chunk * self.maps.len());
        for (x, y) in chunks.zip(y.as_mut_slice().chunks_mut(chunk * filters * self.places.positions())) {
            let n = y.len() / filters;
            self.unfold(x, unfolded.as_mut_slice());
            DMatrixViewMut::from_slice(y, filters, n).gemm(1.0, w, &unfolded.columns(0, n), beta);
        }
        buffers.recycle(unfolded);
    }

    /// `W ← Y ⋆ X + beta W`, the sum over all places of what was there times the window there.
    fn outer(
        &self,
        y: &DMatrix<f32>,
        x: &DMatrix<f32>,
        w: &mut DMatrix<f32>,
        mut beta: f32,
        buffers: &mut Buffers,
    ) {
        let (filters, chunk, mut unfolded) = (w.nrows(), self.chunk(), self.scratch(buffers));
        let chunks = x.as_slice().chunks(chunk * self.maps.len());
        for (x, y) in chunks.zip(y.as_slice().chunks(chunk * filters * self.places.positions())) {
            let n = y.len() / filters;
            self.unfold(x, unfolded.as_mut_slice());
            let windows = transposed_view(&unfolded.as_slice()[..self.len() * n], self.len());
            w.gemm(1.0, &DMatrixView::from_slice(y, filters, n), &windows, beta);
            beta = 1.0;
        }
        buffers.recycle(unfolded);
    }

    /// `X ← W ∗ Z + beta X`
    fn spread(
        &self,
        w: &DMatrix<f32>,
        z: &DMatrix<f32>,
        x: &mut DMatrix<f32>,
        beta: f32,
        buffers: &mut Buffers,
    ) {
        if beta == 0.0 {
            x.fill(0.0);
        }
        let (filters, chunk, mut unfolded) = (w.nrows(), self.chunk(), self.scratch(buffers));
        // A copy, not a view: where a size is small, nalgebra 0.35 multiplies column by column, and reads and writes past
        // the end of columns with a stride.
        let transposed = transpose(w, buffers);
        let chunks = x.as_mut_slice().chunks_mut(chunk * self.maps.len());
        for (x, z) in chunks.zip(z.as_slice().chunks(chunk * filters * self.places.positions())) {
            let n = z.len() / filters;
            unfolded.columns_mut(0, n).gemm(1.0, &transposed, &DMatrixView::from_slice(z, filters, n), 0.0);
            self.fold(unfolded.as_slice(), x);
        }
        buffers.recycle(transposed);
        buffers.recycle(unfolded);
    }

    /// Samples that are unfolded at once.
    fn chunk(&self) -> usize {
        (UNFOLDED / (self.len() * self.places.positions())).max(1)
    }

    fn scratch(&self, buffers: &mut Buffers) -> DMatrix<f32> {
        buffers.scratch(self.len(), self.chunk() * self.places.positions())
    }

    /// Writes one window a column.
    fn unfold(&self, samples: &[f32], windows: &mut [f32]) {
        let run = self.side * self.maps.channels;
        let per_sample = self.len() * self.places.positions();
        for (x, windows) in samples.chunks_exact(self.maps.len()).zip(windows.chunks_exact_mut(per_sample)) {
            self.runs(|at, to| windows[to..to + run].copy_from_slice(&x[at..at + run]));
        }
    }

    /// Adds every window where it lies: the transpose of [`unfold`](Self::unfold).
    fn fold(&self, windows: &[f32], samples: &mut [f32]) {
        let run = self.side * self.maps.channels;
        let per_sample = self.len() * self.places.positions();
        for (x, windows) in samples.chunks_exact_mut(self.maps.len()).zip(windows.chunks_exact(per_sample)) {
            self.runs(|at, from| {
                x[at..at + run].iter_mut().zip(&windows[from..from + run]).for_each(|(x, w)| *x += w);
            });
        }
    }

    /// Every run of numbers of every window: where it starts in the sample, and where in the windows.
    #[inline(always)]
    fn runs(&self, mut f: impl FnMut(usize, usize)) {
        let Self { maps, side, places } = *self;
        let mut in_windows = 0;
        for row in 0..places.rows {
            for col in 0..places.cols {
                for i in 0..side {
                    f(((row + i) * maps.cols + col) * maps.channels, in_windows);
                    in_windows += side * maps.channels;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::check::{check_gradients, random};
    use super::*;

    const MAPS: Maps = Maps { rows: 5, cols: 6, channels: 3 };

    #[test]
    fn gradients() {
        let inputs = [random(7, MAPS.window(3), 1), random(3, 2 * MAPS.positions(), 2)];
        check_gradients(&inputs, |tape, v| tape.convolve(v[0], v[1], MAPS, 3));
        let codes = random(7, 2 * 3 * 4, 3);
        check_gradients(&[inputs[0].clone(), codes], |tape, v| tape.convolve_transposed(v[0], v[1], MAPS, 3));
    }

    #[test]
    fn a_filter_is_moved_over_every_place() {
        let tape = Tape::new();
        // One filter that picks the second channel of the window's last position.
        let mut w = DMatrix::zeros(1, MAPS.window(3));
        w[8 * 3 + 1] = 1.0;
        let x = random(3, 2 * MAPS.positions(), 1);
        let y = tape.convolve(tape.constant(w), tape.constant(x.clone()), MAPS, 3);
        assert_eq!(tape.shape(y), (1, 2 * 12));
        for (i, y) in tape.value(y).iter().enumerate() {
            let (sample, row, col) = (i / 12, i % 12 / 4, i % 4);
            assert_eq!(*y, x[(1, sample * 30 + (row + 2) * 6 + col + 2)]);
        }
    }

    /// `⟨W ⋆ X, Z⟩ = ⟨X, W ∗ Z⟩`, over more samples than are unfolded at once.
    #[test]
    fn transposed_is_the_transpose() {
        let maps = Maps { rows: 28, cols: 28, channels: 4 };
        let (w, x, z) = (random(8, 100, 1), random(4, 5 * 784, 2), random(8, 5 * 576, 3));
        let tape = Tape::new();
        let [w, x_var, z_var] = [&w, &x, &z].map(|m| tape.constant(m.clone()));
        let y = tape.value(tape.convolve(w, x_var, maps, 5));
        let back = tape.value(tape.convolve_transposed(w, z_var, maps, 5));
        let inner = |a: &DMatrix<f32>, b: &DMatrix<f32>| -> f64 {
            a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum()
        };
        let (forward, backward) = (inner(&y, &z), inner(&x, &back));
        assert!((forward - backward).abs() < 1e-3 * forward.abs().max(10.0), "{forward} {backward}");
    }

    #[test]
    #[should_panic(expected = "convolve: no window of 6x6 fits")]
    fn a_window_must_fit() {
        let tape = Tape::new();
        let (w, x) = (tape.constant(random(7, 108, 1)), tape.constant(random(3, 30, 2)));
        tape.convolve(w, x, MAPS, 6);
    }
}
