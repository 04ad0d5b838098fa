//! Sparse coding by lateral inhibition (Gregor, Szlam & LeCun, NIPS 2011):
//!
//! ```text
//! E(x, z) = ½‖x − W z‖² + |z|ᵀ S |z| + λ‖z‖₁,   ‖w_k‖ = 1,   S = Sᵀ ≥ 0,   S_kk = 0
//! ```
//! `S_ij` is what it costs that units `i` and `j` are on together. In one unit alone `E` is a lasso whose threshold is set
//! by the others, so its minimum is known: with `q = w_kᵀ(x − Σ_{j≠k} w_j z_j)`
//!
//! ```text
//! z_k ← soft(q, λ + 2 (S|z|)_k)
//! ```
//! (2, because every pair stands twice in `|z|ᵀS|z|`). Inference takes such steps, the largest first, so `E` never rises.
//! `λ` is there because a unit alone would pay nothing at all.
//!
//! `S` is made by hand from a structure, or learned within the bounds `0 ≤ S ≤ β`, `Σ_j S_ij = α`.

use super::{inference::normalise, online::Online, pools::Tree};
use crate::worlds::{Rng, camera::normal};
use anyhow::Result;
use forethought::perceive::prox::soft;
use nalgebra::DMatrix;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// Who inhibits whom.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Structure {
    /// A balanced tree: its roots, and a node's children at each level. Ancestors and descendants are free together, all other pairs inhibit
    /// each other, so that a sample activates one branch.
    Tree(Vec<usize>),
    /// A ring of `units`: those at most `radius` apart are free together.
    Ring {
        /// Units on the ring.
        units: usize,
        /// How far neighbourhoods reach.
        radius: usize,
    },
    /// A torus of `rows` × `cols` units: those at most `radius` apart (Euclidean) are free together.
    Map {
        /// Rows of units.
        rows: usize,
        /// Columns of units.
        cols: usize,
        /// How far neighbourhoods reach.
        radius: f32,
    },
    /// Learned together with `W`.
    Learned(Learning),
}

/// How `S` is learned.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Learning {
    /// Units of the code.
    pub units: usize,
    /// Which way `S` goes along the co-activation `⟨|z||z|ᵀ⟩`, the gradient of `E`.
    pub rule: Rule,
    /// `α`, the inhibition that each unit hands out: the sum of its row.
    pub row_sum: f32,
    /// `β`, the largest inhibition of a pair; each unit can inhibit `α/β` others in full.
    pub largest: f32,
    /// How far a batch moves `S`, as a share of `β`, for a pair whose co-activation is the mean one.
    pub rate: f32,
}

/// The two readings of how inhibition is learned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// The lecture: `S` climbs the energy, so that units which fire together come to inhibit each other.
    Ascent,
    /// The paper: `S` descends under its fixed row sums, so that inhibition goes to units which rarely fire together and
    /// those which do are free.
    Constrained,
}

impl Default for Learning {
    /// Each unit can inhibit a third of the others in full.
    fn default() -> Self {
        Self { units: 144, rule: Rule::Constrained, row_sum: 9.6, largest: 0.2, rate: 0.02 }
    }
}

/// Hyper-parameters.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Who inhibits whom.
    pub structure: Structure,
    /// `s₀`, what an inhibited pair costs when the structure is made by hand. The code is as sparse as this is large.
    pub inhibition: f32,
    /// `λ`, what every unit costs alone; much smaller than `s₀`.
    pub sparsity: f32,
    /// Observations in a batch.
    pub batch: usize,
    /// Batches: one update of `W`, and of `S` where it is learned, after each.
    pub batches: usize,
    /// Batches that `W` remembers.
    pub memory: f32,
    /// Coordinate steps of an inference, as a multiple of the units.
    pub budget: f32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            structure: Structure::Map { rows: 12, cols: 12, radius: 3.2 },
            inhibition: 0.2,
            sparsity: 0.05,
            batch: 500,
            batches: 500,
            memory: 30.0,
            budget: 4.0,
        }
    }
}

impl Structure {
    /// Units of the code.
    pub fn units(&self) -> usize {
        match self {
            Self::Tree(branching) => branching
                .iter()
                .scan(1, |n, b| {
                    *n *= b;
                    Some(*n)
                })
                .sum(),
            Self::Ring { units, .. } => *units,
            Self::Map { rows, cols, .. } => rows * cols,
            Self::Learned(learning) => learning.units,
        }
    }

    /// The `S` to start from: made by hand with `s0` between inhibited pairs, or, where it is learned, the same for all pairs.
    pub fn inhibition(&self, s0: f32) -> Result<DMatrix<f32>> {
        let n = self.units();
        let around = |a: usize, b: usize, n: usize| a.abs_diff(b).min(n - a.abs_diff(b)) as f32;
        let build = |free: &dyn Fn(usize, usize) -> bool| {
            DMatrix::from_fn(n, n, |i, j| if i == j || free(i, j) { 0.0 } else { s0 })
        };
        Ok(match self {
            Self::Tree(branching) => {
                let tree = Tree::balanced(branching)?;
                build(&|i, j| tree.share_a_branch(i, j))
            }
            Self::Ring { radius, .. } => build(&|i, j| around(i, j, n) <= *radius as f32),
            Self::Map { rows, cols, radius } => build(&|i, j| {
                let (dy, dx) = (around(i / cols, j / cols, *rows), around(i % cols, j % cols, *cols));
                dy.hypot(dx) <= *radius
            }),
            Self::Learned(learning) => learning.project(&DMatrix::zeros(n, n)),
        })
    }
}

impl Learning {
    /// Moves `S` along the co-activation of a batch, and back within its bounds.
    pub fn learn(&self, s: &mut DMatrix<f32>, z: &DMatrix<f32>) {
        let co = coactivation(z);
        let pairs = (co.len() - co.nrows()).max(1) as f32;
        let mean = (co.sum() - co.trace()) / pairs;
        if mean > 0.0 {
            let sign = if self.rule == Rule::Ascent { 1.0 } else { -1.0 };
            *s += co * (sign * self.rate * self.largest / mean);
            *s = self.project(s);
        }
    }

    /// The nearest `S` with `S = Sᵀ`, `S_kk = 0`, `0 ≤ S ≤ β` and row sums `α`:
    ///
    /// ```text
    /// S_ij = clamp(½(A + Aᵀ)_ij − μ_i − μ_j, 0, β)
    /// ```
    /// with the multipliers `μ` of the row sums found one after the other, each a projection onto the row's capped simplex, in
    /// rounds until every sum is right. As a round moves no multiplier by much more than a small `α`, such sums are
    /// reached from larger ones, halved again and again.
    pub fn project(&self, s: &DMatrix<f32>) -> DMatrix<f32> {
        let n = s.nrows();
        let wanted = (s + s.transpose()) * 0.5;
        let mut levels = vec![0.0; n];
        let (row_sum, largest) = (f64::from(self.row_sum), f64::from(self.largest));
        let first = SMALL * largest * n as f64;
        let halvings = (first / row_sum).log2().ceil().clamp(0.0, 40.0) as i32;
        for halving in (0..=halvings).rev() {
            self.balance(&wanted, row_sum * 2.0_f64.powi(halving), &mut levels);
        }
        DMatrix::from_fn(n, n, |i, j| {
            let entry = f64::from(wanted[(i, j)]) - (levels[i] + levels[j]);
            if i == j { 0.0 } else { entry.clamp(0.0, largest) as f32 }
        })
    }

    /// Moves the multipliers until every row's sum is `row_sum`.
    fn balance(&self, wanted: &DMatrix<f32>, row_sum: f64, levels: &mut [f64]) {
        let n = levels.len();
        for _ in 0..ROUNDS {
            let mut moved = 0.0f64;
            for k in 0..n {
                let others = wanted.as_slice()[k * n..][..n].iter().zip(levels.iter()).enumerate();
                let row: Vec<f64> =
                    others.filter(|(j, _)| *j != k).map(|(_, (a, level))| f64::from(*a) - level).collect();
                let level = capped_simplex(&row, row_sum, self.largest.into());
                moved = moved.max((level - levels[k]).abs());
                levels[k] = level;
            }
            if moved < 1e-7 * f64::from(self.largest) {
                break;
            }
        }
    }
}

/// Row sums below this share of the largest possible one are reached from larger ones.
const SMALL: f64 = 0.02;

/// At most so many rounds of a projection.
const ROUNDS: usize = 1000;

/// The `μ` at which `Σ clamp(v − μ, 0, top)` is `total`: the projection of `v` onto the capped simplex is that sum's terms.
fn capped_simplex(v: &[f64], total: f64, top: f64) -> f64 {
    let sum = |mu: f64| v.iter().map(|v| (v - mu).clamp(0.0, top)).sum::<f64>();
    let (low, high) = v.iter().fold((f64::MAX, f64::MIN), |(low, high), &v| (low.min(v), high.max(v)));
    let (mut low, mut high) = (low - top, high);
    for _ in 0..BISECTIONS {
        let middle = 0.5 * (low + high);
        if sum(middle) > total { low = middle } else { high = middle }
    }
    0.5 * (low + high)
}

/// Halvings of the range in which a multiplier is sought.
const BISECTIONS: usize = 40;

/// `⟨|z||z|ᵀ⟩` of a batch of codes.
pub fn coactivation(z: &DMatrix<f32>) -> DMatrix<f32> {
    let active = z.abs();
    &active * active.transpose() / z.ncols().max(1) as f32
}

/// `W` and `S`.
#[derive(Clone, Debug)]
pub struct Inhibition {
    /// `W`, one atom of unit length a column.
    pub dictionary: DMatrix<f32>,
    /// `S`.
    pub inhibition: DMatrix<f32>,
    /// `λ`.
    pub sparsity: f32,
    /// Coordinate steps of an inference, as a multiple of the units.
    pub budget: f32,
}

impl Inhibition {
    /// Starts from random directions as atoms of `observation` numbers: random observations would already be specialised, and
    /// no structure could order them.
    pub fn new(config: &Config, observation: usize, rng: &mut Rng) -> Result<Self> {
        let units = config.structure.units();
        if let Structure::Learned(learning) = &config.structure {
            let most = learning.largest * (units as f32 - 1.0);
            anyhow::ensure!(
                0.0 <= learning.row_sum && learning.row_sum <= most,
                "row_sum is {} but {units} units with at most {} for a pair can only hand out {most}: lower row_sum or raise largest",
                learning.row_sum,
                learning.largest,
            );
        }
        let mut dictionary = DMatrix::from_fn(observation, units, |_, _| normal(rng) as f32);
        normalise(&mut dictionary);
        Ok(Self {
            dictionary,
            inhibition: config.structure.inhibition(config.inhibition)?,
            sparsity: config.sparsity,
            budget: config.budget,
        })
    }

    /// The mean `E` of a batch.
    pub fn mean_energy(&self, x: &DMatrix<f32>, z: &DMatrix<f32>) -> f32 {
        let (missed, active) = (x - &self.dictionary * z, z.abs());
        let energy = 0.5 * missed.norm_squared()
            + active.dot(&(&self.inhibition * &active))
            + self.sparsity * active.sum();
        energy / x.ncols().max(1) as f32
    }

    /// `E` of one sample, in double precision: what inference lowers must not drown in rounding.
    pub fn energy(&self, x: &[f32], z: &[f32]) -> f64 {
        let wide = |v: &[f32]| DMatrix::from_iterator(v.len(), 1, v.iter().map(|v| f64::from(*v)));
        let (x, z) = (wide(x), wide(z));
        let active = z.abs();
        let missed = x - self.dictionary.map(f64::from) * z;
        0.5 * missed.norm_squared()
            + active.dot(&(self.inhibition.map(f64::from) * &active))
            + f64::from(self.sparsity) * active.sum()
    }

    /// The codes of a batch, one sample a column.
    pub fn infer(&self, x: &DMatrix<f32>) -> DMatrix<f32> {
        let transposed = self.dictionary.transpose();
        let (gram, mut drive) = (&transposed * &self.dictionary, transposed * x);
        let units = drive.nrows().max(1);
        let mut z = DMatrix::zeros(drive.nrows(), drive.ncols());
        let samples = z.as_mut_slice().par_chunks_mut(units).zip(drive.as_mut_slice().par_chunks_mut(units));
        samples.for_each(|(z, drive)| self.descend(&gram, drive, z, |_| ()));
        z
    }

    /// Coordinate steps on one sample, always where the code changes most, until it changes no more. `drive` is `Wᵀx` and
    /// ends as `Wᵀ(x − W z)`, `z` starts at zero, `watch` sees it after each step.
    pub fn descend(
        &self,
        gram: &DMatrix<f32>,
        drive: &mut [f32],
        z: &mut [f32],
        mut watch: impl FnMut(&[f32]),
    ) {
        let units = z.len();
        let of = |k: usize| k * units..(k + 1) * units;
        let smallest = TOLERANCE * drive.iter().fold(0.0, |top: f32, v| top.max(v.abs()));
        let mut threshold = vec![self.sparsity; units]; // λ + 2 S|z|
        for _ in 0..(self.budget * units as f32) as usize {
            let mut best = (0, 0.0f32);
            for (k, ((z, drive), threshold)) in z.iter().zip(&*drive).zip(&threshold).enumerate() {
                // ‖w_k‖ = 1: what is left plus the unit's own share is q.
                let change = soft(drive + z, *threshold) - z;
                if change.abs() > best.1.abs() {
                    best = (k, change);
                }
            }
            let (k, change) = best;
            if change.abs() <= smallest {
                break;
            }
            let before = z[k];
            z[k] += change;
            let grown = 2.0 * (z[k].abs() - before.abs());
            let (gram, inhibition) = (&gram.as_slice()[of(k)], &self.inhibition.as_slice()[of(k)]);
            drive.iter_mut().zip(gram).for_each(|(drive, g)| *drive -= g * change);
            threshold.iter_mut().zip(inhibition).for_each(|(threshold, s)| *threshold += s * grown);
            watch(z);
        }
    }

    /// Learns `W`, and `S` where the structure says so. `progress` sees the batch and the mean energy.
    pub fn train(
        &mut self,
        config: &Config,
        mut batch: impl FnMut(usize) -> DMatrix<f32>,
        rng: &mut Rng,
        mut progress: impl FnMut(usize, f32),
    ) {
        let mut online =
            Online::new(self.dictionary.nrows(), self.dictionary.ncols(), 1.0 - 1.0 / config.memory);
        for step in 0..config.batches {
            let x = batch(config.batch);
            let z = self.infer(&x);
            progress(step, self.mean_energy(&x, &z));
            online.absorb(&x, &z);
            online.improve(&mut self.dictionary);
            if step % 10 == 9 && step < config.batches / 2 {
                online.revive(&mut self.dictionary, &x, rng);
            }
            if let Structure::Learned(learning) = &config.structure {
                learning.learn(&mut self.inhibition, &z);
            }
        }
    }
}

/// Inference ends when no unit would change by more than this share of the largest drive.
const TOLERANCE: f32 = 1e-4;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{tape::check::random, worlds::Rng};
    use proptest::prelude::*;
    use rand::SeedableRng;

    fn coder(structure: Structure, seed: u64) -> Inhibition {
        let config = Config { structure, ..Config::default() };
        Inhibition::new(&config, 10, &mut Rng::seed_from_u64(seed)).unwrap()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn energy_never_rises_and_ends_where_no_coordinate_can_lower_it(seed in 0u64..1000, strength in 0.0f32..2.0) {
            let x = random(10, 30, seed);
            let mut coder = coder(Structure::Ring { units: 18, radius: 2 }, seed);
            coder.inhibition *= strength;
            coder.budget = 100.0;
            let transposed = coder.dictionary.transpose();
            let gram = &transposed * &coder.dictionary;
            let (sample, mut drive) = (x.column(0).into_owned(), transposed * x.column(0));
            let mut z = [0.0; 18];
            let mut last = coder.energy(sample.as_slice(), &z);
            let start = last;
            coder.descend(&gram, drive.as_mut_slice(), &mut z, |z| {
                let energy = coder.energy(sample.as_slice(), z);
                assert!(energy <= last + 1e-6 * start, "{last} to {energy}");
                last = energy;
            });
            for k in 0..18 {
                for step in [-1e-2, 1e-2, -z[k]] {
                    let mut moved = z;
                    moved[k] += step;
                    prop_assert!(coder.energy(sample.as_slice(), &moved) >= last - 1e-4 * start);
                }
            }
        }

        #[test]
        fn a_projection_keeps_every_bound_and_moves_nothing_twice(
            seed in 0u64..1000,
            share in prop_oneof![0.0f32..0.95, 1e-4f32..1e-2],
        ) {
            let largest = 0.5;
            let learning = Learning { row_sum: share * largest * 11.0, largest, ..Learning::default() };
            let s = learning.project(&random(12, 12, seed));
            prop_assert!((&s - s.transpose()).amax() < 1e-6);
            for k in 0..12 {
                prop_assert!(s[(k, k)] == 0.0);
                prop_assert!((s.row(k).sum() - learning.row_sum).abs() < 1e-4);
                prop_assert!(s.row(k).iter().all(|&v| (-1e-6..=largest + 1e-6).contains(&v)));
            }
            prop_assert!((learning.project(&s) - &s).amax() < 1e-5);
        }
    }

    /// Of all matrices within the bounds the projection is the nearest: no way towards another one leads nearer.
    #[test]
    fn a_projection_is_the_nearest() {
        let learning = Learning { row_sum: 1.5, largest: 0.5, ..Learning::default() };
        let wanted = random(8, 8, 1);
        let nearest = learning.project(&wanted);
        let symmetric = (&wanted + wanted.transpose()) * 0.5;
        for seed in 2..40 {
            let other = learning.project(&random(8, 8, seed));
            assert!((&symmetric - &nearest).dot(&(other - &nearest)) < 1e-3);
        }
    }

    #[test]
    fn structures_free_the_right_pairs() {
        let free = |structure: Structure| {
            let s = structure.inhibition(0.7).unwrap();
            assert!((&s - s.transpose()).amax() == 0.0 && s.iter().all(|v| [0.0, 0.7].contains(v)));
            (0..structure.units()).filter(|&j| s[(0, j)] == 0.0).collect::<Vec<_>>()
        };
        assert_eq!(free(Structure::Tree(vec![2, 2])), [0, 2, 3]);
        assert_eq!(free(Structure::Ring { units: 8, radius: 2 }), [0, 1, 2, 6, 7]);
        assert_eq!(free(Structure::Map { rows: 4, cols: 4, radius: 1.0 }), [0, 1, 3, 4, 12]);
    }

    #[test]
    fn inhibition_that_cannot_be_handed_out_is_told() {
        let learning = Learning { units: 4, row_sum: 2.0, largest: 0.5, ..Learning::default() };
        let config = Config { structure: Structure::Learned(learning), ..Config::default() };
        let said = Inhibition::new(&config, 3, &mut Rng::seed_from_u64(0)).unwrap_err().to_string();
        assert!(said.contains("row_sum is 2 but 4 units"), "{said}");
    }
}
