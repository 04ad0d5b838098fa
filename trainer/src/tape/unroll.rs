//! A code that is fed back into itself through one shared matrix, as a single operation.

use nalgebra::{DMatrix, DMatrixViewMut};

use super::product::{self, transposed_view, view};
use super::{Backward, Tape, Var, threshold};

/// The non-linearity of a recurrent encoder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shrinkage {
    /// `sign(v) max(0, |v| − θ)`
    Soft,
    /// `max(0, v − θ)`
    Rectified,
}

/// What [`Tape::unroll`] gives.
#[derive(Clone, Copy, Debug)]
pub struct Unrolled {
    /// `zᵀ`, the code after the last iteration.
    pub code: Var,
    /// `z¹ … zᵀ` side by side, to look at: no gradient flows through it.
    pub path: Var,
}

impl Tape {
    /// `z¹ = h_θ(b)`, `zᵗ⁺¹ = h_θ(b + S zᵗ)` up to `zᵀ`, for drives `b` (one sample a column) and one threshold a unit.
    ///
    /// The same as `T` separate operations, in less time: the gradient of the shared matrix is a single product of all
    /// iterations side by side, `S̄ = [Δ² … Δᵀ] [z¹ … zᵀ⁻¹]ᵀ`, and sums and thresholds are taken in place.
    pub fn unroll(
        &self,
        drive: Var,
        s: Var,
        theta: Var,
        iterations: usize,
        shrinkage: Shrinkage,
    ) -> Unrolled {
        let ((units, samples), (s_rows, s_columns)) = self.shapes(drive, s);
        assert!(
            (s_rows, s_columns) == (units, units),
            "unroll: a matrix of {units}x{units} is needed, not {s_rows}x{s_columns}",
        );
        assert!(iterations > 0, "unroll: no iteration");
        self.demand_column("unroll", units, theta);
        let block = units * samples;
        let thin = units.min(samples) <= product::THIN;
        // The path is a node of its own, so that its memory is recycled like that of any other.
        let path = self.record(
            &[],
            |forward| {
                let (b, s, theta) = (forward.value(drive).as_slice(), forward.value(s), forward.value(theta));
                let mut path = forward.scratch(units, samples * iterations);
                for t in 0..iterations {
                    let (past, z) = path.as_mut_slice()[..(t + 1) * block].split_at_mut(t * block);
                    z.copy_from_slice(b);
                    if t > 0 {
                        let (past, mut z) = (view(&past[past.len() - block..], units), view_mut(z, units));
                        if thin {
                            z.gemm(1.0, s, &past, 1.0);
                        } else {
                            product::gemm(z, view(s.as_slice(), units), past, 1.0);
                        }
                    }
                    let samples = z.chunks_exact_mut(units.max(1));
                    match shrinkage {
                        Shrinkage::Soft => samples.for_each(|z| shrink(z, theta, threshold::soft)),
                        Shrinkage::Rectified => samples.for_each(|z| shrink(z, theta, threshold::rectified)),
                    }
                }
                path
            },
            |_| (),
        );
        let code = self.record(
            &[drive, s, theta],
            |forward| {
                let path = forward.value(path).as_slice();
                forward.collect((units, samples), path[path.len() - block..].iter().copied())
            },
            move |backward| pull_back(backward, [drive, s, theta], path, iterations),
        );
        Unrolled { code, path }
    }
}

/// With `Δᵗ` the gradient of what goes into the threshold of iteration `t`, zero where `zᵗ` is:
/// `Δᵀ = z̄ᵀ`, `Δᵗ = Sᵀ Δᵗ⁺¹`, `b̄ = Σ Δᵗ`, `θ̄ = −Σ sign(zᵗ) Δᵗ`.
fn pull_back(backward: &mut Backward, [drive, s, theta]: [Var; 3], path: Var, iterations: usize) {
    let (path, s_value, y_bar) = (backward.value(path), backward.value(s), backward.gradient);
    let (units, samples) = y_bar.shape();
    let block = units * samples;
    let mut deltas = backward.buffers.scratch(units, samples * iterations);
    for t in (0..iterations).rev() {
        let (past, future) = deltas.as_mut_slice().split_at_mut((t + 1) * block);
        let delta = &mut past[t * block..];
        if t + 1 == iterations {
            delta.copy_from_slice(y_bar.as_slice());
        } else {
            let next = view(&future[..block], units);
            let mut delta = view_mut(delta, units);
            if units.min(samples) > product::THIN {
                product::gemm(delta, transposed_view(s_value.as_slice(), units), next, 0.0);
            } else {
                delta.gemm_tr(1.0, s_value, &next, 0.0);
            }
        }
        let z = &path.as_slice()[t * block..][..block];
        delta.iter_mut().zip(z).for_each(|(delta, &z)| *delta *= threshold::open(z));
    }
    if let Some((mut s_bar, beta)) = backward.take(s) {
        let (later, earlier) = (&deltas.as_slice()[block..], &path.as_slice()[..(iterations - 1) * block]);
        if units.min(later.len() / units.max(1)) > product::THIN {
            product::gemm(s_bar.as_view_mut(), view(later, units), transposed_view(earlier, units), beta);
        } else {
            s_bar.gemm(1.0, &view(later, units), &view(earlier, units).transpose(), beta);
        }
        backward.gradients[s.0] = Some(s_bar);
    }
    if let Some(theta_bar) = backward.sum(theta) {
        threshold::add_threshold_gradient(theta_bar, &deltas, path);
    }
    if let Some(drive_bar) = backward.sum(drive) {
        for delta in deltas.as_slice().chunks_exact(block.max(1)) {
            drive_bar.as_mut_slice().iter_mut().zip(delta).for_each(|(sum, delta)| *sum += delta);
        }
    }
    backward.buffers.recycle(deltas);
}

fn shrink(z: &mut [f32], theta: &DMatrix<f32>, h: impl Fn(f32, f32) -> f32) {
    z.iter_mut().zip(theta.as_slice()).for_each(|(z, &theta)| *z = h(*z, theta));
}

/// Samples of `units` entries each, to be written to.
fn view_mut(samples: &mut [f32], units: usize) -> DMatrixViewMut<'_, f32> {
    let columns = samples.len() / units.max(1);
    DMatrixViewMut::from_slice(samples, units, columns)
}

#[cfg(test)]
mod tests {
    use super::super::check::{check_gradients, random};
    use super::*;

    const UNITS: usize = 4;
    const SAMPLES: usize = 3;

    /// Drives, a matrix and thresholds; the first at random of which no entry comes near a kink in four iterations, with
    /// the margin that finite differences need.
    fn inputs() -> [DMatrix<f32>; 3] {
        let theta = 0.2;
        let far = |v: &f32| (v.abs() - theta).abs() > 0.02;
        let smooth = |[drive, s, _]: &[DMatrix<f32>; 3]| {
            [threshold::soft, threshold::rectified].into_iter().all(|h| {
                let mut v = drive.clone();
                (0..4).all(|_| {
                    let clear = v.iter().all(far);
                    v = drive + s * v.map(|v| h(v, theta));
                    clear
                })
            })
        };
        let candidate = |seed| {
            let (drive, s) = (random(UNITS, SAMPLES, seed), random(UNITS, UNITS, seed + 1));
            [2.0 * drive, 0.5 * s, DMatrix::from_element(UNITS, 1, theta)]
        };
        (1..).map(candidate).find(smooth).expect("some are smooth")
    }

    #[test]
    fn gradients() {
        for shrinkage in [Shrinkage::Soft, Shrinkage::Rectified] {
            for iterations in [1, 2, 4] {
                check_gradients(&inputs(), |tape, v| {
                    tape.unroll(v[0], v[1], v[2], iterations, shrinkage).code
                });
            }
        }
    }

    #[test]
    fn it_is_what_it_says() {
        let tape = Tape::new();
        let [drive, s, theta] = inputs().map(|input| tape.parameter(&input));
        let separate = |h: &dyn Fn(Var) -> Var| {
            let mut z = h(drive);
            for _ in 0..3 {
                z = h(tape.add(drive, tape.matmul(s, z)));
            }
            z
        };
        let cases = [
            (Shrinkage::Soft, separate(&|v| tape.soft_threshold(v, theta))),
            (Shrinkage::Rectified, separate(&|v| tape.shrink(v, theta))),
        ];
        for (shrinkage, expected) in cases {
            let unrolled = tape.unroll(drive, s, theta, 4, shrinkage);
            assert!((&*tape.value(unrolled.code) - &*tape.value(expected)).amax() < 1e-5);
            assert_eq!(tape.value(unrolled.path).columns(3 * SAMPLES, SAMPLES), *tape.value(unrolled.code));
        }
    }

    #[test]
    #[should_panic(expected = "unroll: a matrix of 4x4 is needed, not 5x4")]
    fn the_matrix_must_fit() {
        let tape = Tape::new();
        let [drive, _, theta] = inputs().map(|input| tape.constant(input));
        tape.unroll(drive, tape.constant(random(5, 4, 1)), theta, 2, Shrinkage::Soft);
    }
}
