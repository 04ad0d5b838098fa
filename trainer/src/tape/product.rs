//! Matrix products, each in the form that is fast for its shape.
//!
//! nalgebra hands products whose sizes all exceed 5 to matrixmultiply (SIMD kernels),
//! and that takes any strides, so that a transposed *view* costs little; `tr_mul` and `gemm_tr`
//! instead compute scalar products one by one, ten times slower. Thin products (a head with one
//! output, a state of three) get loops of their own over contiguous columns.

use nalgebra::{DMatrix, DMatrixView, DMatrixViewMut, Dyn};

use super::buffers::Buffers;
use super::fast::wide;

/// Up to this size nalgebra does not use matrixmultiply, and its own loops do not take transposed views.
pub(super) const THIN: usize = 5;

/// `Y ← A X + beta Y`; with `beta = 0` the content of `Y` is not read.
pub(super) fn multiply(
    y: &mut DMatrix<f32>,
    a: &DMatrix<f32>,
    x: &DMatrix<f32>,
    beta: f32,
    buffers: &mut Buffers,
) {
    let (rows, inner) = a.shape();
    if rows.min(inner).min(x.ncols()) > THIN {
        gemm(y.as_view_mut(), view(a.as_slice(), rows), view(x.as_slice(), inner), beta);
    } else if rows > THIN {
        combine(y, a, x, beta);
    } else {
        let a_transposed = transpose(a, buffers);
        dots(y, &a_transposed, x, beta);
        buffers.recycle(a_transposed);
    }
}

/// `X ← Aᵀ Y + beta X`; with `beta = 0` the content of `X` is not read.
pub(super) fn multiply_transposed(
    x: &mut DMatrix<f32>,
    a: &DMatrix<f32>,
    y: &DMatrix<f32>,
    beta: f32,
    buffers: &mut Buffers,
) {
    let (inner, rows) = a.shape();
    if rows.min(inner).min(y.ncols()) > THIN {
        gemm(x.as_view_mut(), transposed_view(a.as_slice(), inner), view(y.as_slice(), inner), beta);
    } else if inner <= THIN && rows > THIN {
        let a_transposed = transpose(a, buffers);
        combine(x, &a_transposed, y, beta);
        buffers.recycle(a_transposed);
    } else {
        dots(x, a, y, beta);
    }
}

/// `Y ← A X + beta Y`, each column as a combination of those of `A`, taken up to four at a time.
fn combine(y: &mut DMatrix<f32>, a: &DMatrix<f32>, x: &DMatrix<f32>, beta: f32) {
    wide(
        #[inline(always)]
        || {
            let (rows, inner) = a.shape();
            for j in 0..x.ncols() {
                let y = &mut y.as_mut_slice()[j * rows..][..rows];
                let x = &x.as_slice()[j * inner..][..inner];
                let mut beta = beta;
                for (a, x) in a.as_slice().chunks(4 * rows).zip(x.chunks(4)) {
                    match *x {
                        [x0, x1, x2, x3] => add_columns(y, a, [x0, x1, x2, x3], beta),
                        [x0, x1, x2] => add_columns(y, a, [x0, x1, x2], beta),
                        [x0, x1] => add_columns(y, a, [x0, x1], beta),
                        _ => add_columns(y, a, [x[0]], beta),
                    }
                    beta = 1.0;
                }
            }
        },
    );
}

/// `y ← Σ_k a_k x_k + beta y`
#[inline(always)]
fn add_columns<const K: usize>(y: &mut [f32], a: &[f32], x: [f32; K], beta: f32) {
    let rows = y.len();
    let a: [&[f32]; K] = std::array::from_fn(|k| &a[k * rows..][..rows]);
    // Plain loops: through iterators of iterators the compiler no longer sees that it can take eight rows at a time.
    for i in 0..rows {
        let mut sum = a[0][i] * x[0];
        for k in 1..K {
            sum += a[k][i] * x[k];
        }
        y[i] = if beta == 0.0 { sum } else { beta * y[i] + sum };
    }
}

/// `X ← Aᵀ Y + beta X`, each entry as a scalar product of columns.
fn dots(x: &mut DMatrix<f32>, a: &DMatrix<f32>, y: &DMatrix<f32>, beta: f32) {
    wide(
        #[inline(always)]
        || {
            let (inner, rows) = a.shape();
            for j in 0..y.ncols() {
                let x = &mut x.as_mut_slice()[j * rows..][..rows];
                let y = &y.as_slice()[j * inner..][..inner];
                for (i, x) in x.iter_mut().enumerate() {
                    let kept = if beta == 0.0 { 0.0 } else { beta * *x };
                    *x = kept + dot(&a.as_slice()[i * inner..][..inner], y);
                }
            }
        },
    );
}

/// `A ← Y Xᵀ + beta A`; with `beta = 0` the content of `A` is not read.
pub(super) fn multiply_outer(
    a: &mut DMatrix<f32>,
    y: &DMatrix<f32>,
    x: &DMatrix<f32>,
    beta: f32,
    buffers: &mut Buffers,
) {
    let (rows, inner, columns) = (y.nrows(), y.ncols(), x.nrows());
    if rows.min(inner).min(columns) > THIN {
        let (y, x) = (view(y.as_slice(), rows), transposed_view(x.as_slice(), columns));
        return gemm(a.as_view_mut(), y, x, beta);
    }
    if beta == 0.0 {
        a.fill(0.0);
    }
    if rows == 0 || columns == 0 {
        return;
    }
    if rows > THIN || columns <= THIN {
        add_outer_products(a.as_mut_slice(), y, x);
    } else {
        // Long columns make the inner loop: Aᵀ ← X Yᵀ.
        let mut sum = buffers.zeros(columns, rows);
        add_outer_products(sum.as_mut_slice(), x, y);
        for (i, a_row) in sum.as_slice().chunks_exact(columns).enumerate() {
            a.as_mut_slice()[i..].iter_mut().step_by(rows).zip(a_row).for_each(|(a, s)| *a += s);
        }
        buffers.recycle(sum);
    }
}

/// `A += Σ_j y_j x_jᵀ` over the columns `j`.
fn add_outer_products(a: &mut [f32], y: &DMatrix<f32>, x: &DMatrix<f32>) {
    wide(
        #[inline(always)]
        || {
            let rows = y.nrows();
            let samples = y.as_slice().chunks_exact(rows).zip(x.as_slice().chunks_exact(x.nrows()));
            for (y, x) in samples {
                a.chunks_exact_mut(rows).zip(x).for_each(|(a, &x)| add_scaled(a, x, y));
            }
        },
    );
}

/// `y += scale x`
#[inline(always)]
pub(super) fn add_scaled(y: &mut [f32], scale: f32, x: &[f32]) {
    y.iter_mut().zip(x).for_each(|(y, x)| *y += scale * x);
}

/// `aᵀ b`, summed in eight lanes so that it vectorises.
#[inline(always)]
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let (a_blocks, a_rest) = a.as_chunks::<8>();
    let (b_blocks, b_rest) = b.as_chunks::<8>();
    let mut lanes = [0.0; 8];
    for (a, b) in a_blocks.iter().zip(b_blocks) {
        for lane in 0..8 {
            lanes[lane] += a[lane] * b[lane];
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    lanes.iter().sum::<f32>() + rest
}

/// `Aᵀ` as a copy.
pub(super) fn transpose(a: &DMatrix<f32>, buffers: &mut Buffers) -> DMatrix<f32> {
    let (rows, columns) = a.shape();
    let entries = (0..rows).flat_map(|i| a.as_slice().iter().skip(i).step_by(rows).copied());
    buffers.collect(columns, rows, entries)
}

/// A matrix with any strides, as matrixmultiply takes it.
pub(super) type Strided<'a> = DMatrixView<'a, f32, Dyn, Dyn>;

/// `Y ← A X + beta Y` where no size is thin. A large product is shared between two threads, each with half of the rows:
/// every entry is summed as it would be by one.
pub(super) fn gemm(mut y: DMatrixViewMut<'_, f32>, a: Strided<'_>, x: Strided<'_>, beta: f32) {
    /// Multiply-adds from which on a second thread is worth waking: some tens of microseconds of one core.
    const LARGE: usize = 1 << 22;
    let rows = y.nrows();
    // Whole blocks of rows: of few rows there is but one.
    let half = (rows / 2).next_multiple_of(16);
    if half >= rows || rows * a.ncols() * x.ncols() < LARGE || rayon::current_num_threads() < 2 {
        return y.gemm(1.0, &a, &x, beta);
    }
    let (mut top, mut bottom) = y.rows_range_pair_mut(..half, half..);
    rayon::join(
        || top.gemm(1.0, &a.rows_range(..half), &x, beta),
        || bottom.gemm(1.0, &a.rows_range(half..), &x, beta),
    );
}

/// Columns of `rows` entries each, as a matrix.
pub(super) fn view(columns: &[f32], rows: usize) -> Strided<'_> {
    DMatrixView::from_slice_with_strides(columns, rows, columns.len() / rows.max(1), 1, rows)
}

/// The transpose of columns of `rows` entries each.
pub(super) fn transposed_view(columns: &[f32], rows: usize) -> Strided<'_> {
    DMatrixView::from_slice_with_strides(columns, columns.len() / rows.max(1), rows, rows, 1)
}

#[cfg(test)]
mod tests {
    use super::super::Tape;
    use super::super::check::random;

    #[test]
    fn every_shape_agrees_with_nalgebra() {
        for (rows, inner, columns) in [
            (20, 33, 17),
            (210, 190, 130),
            (1, 40, 30),
            (3, 9, 2),
            (40, 3, 9),
            (4, 4, 4),
            (7, 6, 1),
            (1, 1, 1),
        ] {
            let (a, x) = (random(rows, inner, 1), random(inner, columns, 2));
            let y = &a * &x;
            let tape = Tape::new();
            let (a_var, x_var) = (tape.parameter(&a), tape.parameter(&x));
            let y_var = tape.matmul(a_var, x_var);
            assert!((&*tape.value(y_var) - &y).amax() < 1e-5, "{rows}x{inner}x{columns}");

            tape.backward(tape.sum_square(y_var));
            let (a_bar, x_bar) = (2.0 * &y * x.transpose(), 2.0 * a.transpose() * &y);
            assert!((&*tape.gradient(a_var) - a_bar).amax() < 1e-3, "{rows}x{inner}x{columns}");
            assert!((&*tape.gradient(x_var) - x_bar).amax() < 1e-3, "{rows}x{inner}x{columns}");
        }
    }

    /// Large products of few rows, which two threads cannot share, and of a few more.
    #[test]
    fn large_products_of_few_rows_agree_too() {
        for rows in [8, 16, 17, 33] {
            let (a, x) = (random(rows, 64, 1), random(64, 9000, 2));
            let tape = Tape::new();
            let y = tape.matmul(tape.constant(a.clone()), tape.constant(x.clone()));
            assert!((&*tape.value(y) - a * x).amax() < 1e-4, "{rows} rows");
        }
    }
}
