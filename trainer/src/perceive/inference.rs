//! Inference of sparse codes, the best that an encoder can learn to predict.
//!
//! ```text
//! z* = argmin_z ½‖x − D z‖² + Ω(z)
//! ISTA:   z ← prox_{Ω/L}(z + Dᵀ(x − D z)/L),   L = ‖D‖²
//! FISTA:  the same from y = z + (t−1)/t' (z − z_before),   t' = ½ + √(¼ + t²)
//! ```
//! Beck & Teboulle, *A fast iterative shrinkage-thresholding algorithm*, SIAM J. Imaging Sciences 2009. Samples are
//! columns: a batch costs two matrix products an iteration.

use forethought::perceive::prox;
use nalgebra::DMatrix;
use rayon::prelude::*;

/// What makes a code sparse. Every part of it includes its weight `λ`.
pub trait Penalty: Sync {
    /// `Ω(z)` of one sample's code.
    fn value(&self, z: &[f32]) -> f32;

    /// `z ← argmin_u ½‖u − z‖² + t Ω(u)`.
    fn prox(&self, z: &mut [f32], t: f32);

    /// The least `s ≥ 1` for which `c/s` is in the dual's feasible set, `c = Dᵀr` the residual's correlation with each
    /// atom: it gives the duality gap. `None` where the dual is not known.
    fn dual_scale(&self, _correlation: &[f32]) -> Option<f32> {
        None
    }
}

/// `λ‖z‖₁`.
#[derive(Clone, Copy, Debug)]
pub struct L1 {
    /// `λ`.
    pub lambda: f32,
}

impl Penalty for L1 {
    fn value(&self, z: &[f32]) -> f32 {
        self.lambda * z.iter().map(|z| z.abs()).sum::<f32>()
    }

    fn prox(&self, z: &mut [f32], t: f32) {
        z.iter_mut().for_each(|z| *z = prox::soft(*z, t * self.lambda));
    }

    fn dual_scale(&self, correlation: &[f32]) -> Option<f32> {
        Some(correlation.iter().fold(1.0, |s, c| s.max(c.abs() / self.lambda)))
    }
}

/// `λ‖z‖₁` under the constraint `z ≥ 0`.
#[derive(Clone, Copy, Debug)]
pub struct NonNegative {
    /// `λ`.
    pub lambda: f32,
}

impl Penalty for NonNegative {
    fn value(&self, z: &[f32]) -> f32 {
        self.lambda * z.iter().sum::<f32>()
    }

    fn prox(&self, z: &mut [f32], t: f32) {
        z.iter_mut().for_each(|z| *z = prox::rectified(*z, t * self.lambda));
    }

    fn dual_scale(&self, correlation: &[f32]) -> Option<f32> {
        Some(correlation.iter().fold(1.0, |s, c| s.max(c / self.lambda)))
    }
}

/// When inference ends.
#[derive(Clone, Debug)]
pub struct Settings {
    /// At most so many iterations.
    pub iterations: usize,
    /// Ends earlier, when every sample's [duality gap](gap) is below this share of `½‖x‖²`; or, where the dual is not
    /// known, when no code moves by more than this share of its length. 0 never ends earlier.
    pub tolerance: f32,
    /// The codes to start from; zero without.
    pub start: Option<DMatrix<f32>>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { iterations: 1000, tolerance: 1e-4, start: None }
    }
}

/// Iterations between two looks at the duality gap: it costs as much as one of them.
const LOOK: usize = 10;

/// Iterative shrinkage and thresholding. `watch` sees the codes after each iteration, counted from 1.
pub fn ista(
    dictionary: &DMatrix<f32>,
    x: &DMatrix<f32>,
    penalty: &dyn Penalty,
    settings: &Settings,
    watch: impl FnMut(usize, &DMatrix<f32>),
) -> DMatrix<f32> {
    descend(dictionary, x, penalty, settings, false, watch)
}

/// The same with Nesterov's momentum: the error falls with the square of the iterations.
pub fn fista(
    dictionary: &DMatrix<f32>,
    x: &DMatrix<f32>,
    penalty: &dyn Penalty,
    settings: &Settings,
    watch: impl FnMut(usize, &DMatrix<f32>),
) -> DMatrix<f32> {
    descend(dictionary, x, penalty, settings, true, watch)
}

fn descend(
    dictionary: &DMatrix<f32>,
    x: &DMatrix<f32>,
    penalty: &dyn Penalty,
    settings: &Settings,
    momentum: bool,
    mut watch: impl FnMut(usize, &DMatrix<f32>),
) -> DMatrix<f32> {
    let (units, samples) = (dictionary.ncols(), x.ncols());
    let transposed = dictionary.transpose();
    let gram = &transposed * dictionary;
    let step = 1.0 / largest_eigenvalue(&gram);
    let drive = &transposed * x;
    let mut z = settings.start.clone().unwrap_or_else(|| DMatrix::zeros(units, samples));
    let (mut ahead, mut next, mut t) = (z.clone(), z.clone(), 1.0f32);
    for iteration in 1..=settings.iterations {
        // next = prox(ahead + (Dᵀx − DᵀD ahead)/L)
        next.copy_from(&drive);
        next.gemm(-step, &gram, &ahead, step);
        next += &ahead;
        next.as_mut_slice().par_chunks_mut(units.max(1)).for_each(|z| penalty.prox(z, step));
        let t_next = 0.5 + (0.25 + t * t).sqrt();
        let push = if momentum { (t - 1.0) / t_next } else { 0.0 };
        let moves = ahead.as_mut_slice().iter_mut().zip(z.as_slice()).zip(next.as_slice());
        moves.for_each(|((ahead, before), next)| *ahead = next + push * (next - before));
        t = t_next;
        std::mem::swap(&mut z, &mut next);
        watch(iteration, &z);
        if settings.tolerance > 0.0
            && iteration.is_multiple_of(LOOK)
            && ended(dictionary, x, &z, &next, penalty, settings.tolerance)
        {
            break;
        }
    }
    z
}

fn ended(
    dictionary: &DMatrix<f32>,
    x: &DMatrix<f32>,
    z: &DMatrix<f32>,
    before: &DMatrix<f32>,
    penalty: &dyn Penalty,
    tolerance: f32,
) -> bool {
    match gap(dictionary, x, z, penalty) {
        Some(gaps) => {
            gaps.iter().zip(x.column_iter()).all(|(gap, x)| *gap <= tolerance * 0.5 * x.norm_squared())
        }
        None => z
            .column_iter()
            .zip(before.column_iter())
            .all(|(z, before)| (z - before).norm() <= tolerance * z.norm()),
    }
}

/// `½‖x − D z‖² + Ω(z)` of each sample.
pub fn objective(
    dictionary: &DMatrix<f32>,
    x: &DMatrix<f32>,
    z: &DMatrix<f32>,
    penalty: &dyn Penalty,
) -> Vec<f32> {
    let residual = x - dictionary * z;
    let samples = residual.column_iter().zip(z.as_slice().chunks_exact(z.nrows().max(1)));
    samples.map(|(r, z)| 0.5 * r.norm_squared() + penalty.value(z)).collect()
}

/// How far each sample's objective can at most be above its optimum:
///
/// ```text
/// gap = P(z) − (½‖x‖² − ½‖x − r/s‖²),   r = x − D z,   s = dual_scale(Dᵀ r)
/// ```
/// `None` where the penalty's dual is not known.
pub fn gap(
    dictionary: &DMatrix<f32>,
    x: &DMatrix<f32>,
    z: &DMatrix<f32>,
    penalty: &dyn Penalty,
) -> Option<Vec<f32>> {
    let residual = x - dictionary * z;
    let correlation = dictionary.transpose() * &residual;
    (0..x.ncols())
        .map(|j| {
            let column = |m: &DMatrix<f32>| j * m.nrows()..(j + 1) * m.nrows();
            let scale = penalty.dual_scale(&correlation.as_slice()[column(&correlation)])?;
            let (x, r) = (x.column(j), residual.column(j));
            let primal = 0.5 * r.norm_squared() + penalty.value(&z.as_slice()[column(z)]);
            let dual = 0.5 * x.norm_squared() - 0.5 * (x - r / scale).norm_squared();
            Some(primal - dual)
        })
        .collect()
}

/// Brings every atom to unit length.
pub fn normalise(dictionary: &mut DMatrix<f32>) {
    for mut atom in dictionary.column_iter_mut() {
        let norm = atom.norm();
        if norm > 0.0 {
            atom /= norm;
        }
    }
}

/// The largest eigenvalue of a positive semi-definite matrix, by power iteration.
pub fn largest_eigenvalue(gram: &DMatrix<f32>) -> f32 {
    // Not all ones: they can be orthogonal to the vector that is sought.
    let mut v = DMatrix::from_fn(gram.ncols(), 1, |i, _| 1.0 + 0.5 * (i as f32).sin());
    let mut value = 1.0;
    for _ in 0..100 {
        v = gram * v;
        value = v.norm();
        v /= value;
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::worlds::{Rng, camera::normal};
    use rand::SeedableRng;

    fn problem(rows: usize, units: usize, samples: usize) -> (DMatrix<f32>, DMatrix<f32>) {
        let mut rng = Rng::seed_from_u64(1);
        let mut random = |rows, cols| DMatrix::from_fn(rows, cols, |_, _| normal(&mut rng) as f32);
        let mut dictionary = random(rows, units);
        normalise(&mut dictionary);
        (dictionary, random(rows, samples))
    }

    /// With an orthonormal dictionary the optimum is known: the threshold of `Dᵀx`.
    #[test]
    fn the_optimum_of_an_orthonormal_dictionary_is_a_threshold() {
        let (square, x) = problem(12, 12, 5);
        let dictionary = square.qr().q();
        let z = fista(&dictionary, &x, &L1 { lambda: 0.3 }, &Settings::default(), |_, _| ());
        let best = (dictionary.transpose() * &x).map(|v| prox::soft(v, 0.3));
        assert!((z - best).amax() < 1e-4);
    }

    #[test]
    fn both_reach_the_same_optimum_and_the_gap_closes() {
        let (dictionary, x) = problem(20, 40, 7);
        let penalties: [&dyn Penalty; 2] = [&L1 { lambda: 0.2 }, &NonNegative { lambda: 0.2 }];
        for penalty in penalties {
            let settings = |iterations| Settings { iterations, tolerance: 0.0, start: None };
            let fast = fista(&dictionary, &x, penalty, &settings(1000), |_, _| ());
            let mut last = f32::INFINITY;
            let slow = ista(&dictionary, &x, penalty, &settings(8000), |iteration, z| {
                if iteration < 200 {
                    let energy: f32 = objective(&dictionary, &x, z, penalty).iter().sum();
                    assert!(energy <= last + 1e-4, "ISTA's energy rises: {last} to {energy}");
                    last = energy;
                }
            });
            let gaps = gap(&dictionary, &x, &fast, penalty).unwrap();
            assert!(gaps.iter().all(|gap| (-1e-4..1e-3).contains(gap)), "{gaps:?}");
            assert!((fast - slow).amax() < 1e-2);
        }
    }

    #[test]
    fn inference_ends_when_the_gap_is_closed() {
        let (dictionary, x) = problem(20, 40, 7);
        let mut iterations = 0;
        let penalty = L1 { lambda: 0.5 };
        let z = fista(&dictionary, &x, &penalty, &Settings::default(), |i, _| iterations = i);
        assert!(iterations < 500);
        let gaps = gap(&dictionary, &x, &z, &penalty).unwrap();
        assert!(gaps.iter().zip(x.column_iter()).all(|(gap, x)| *gap <= 0.5e-4 * x.norm_squared()));
    }
}
