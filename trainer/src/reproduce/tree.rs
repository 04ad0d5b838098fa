//! Tree-structured dictionaries: the proximal operator beside a solver that knows nothing of trees, use by level, pruning,
//! and what an image switches on.

use super::{Outcome, Setting, median, per_seed};
use crate::{
    data::{patches, photographs},
    perceive::{
        inference::Penalty,
        pools::{GroupSparsity, Pools, Tree},
        tree::{Config, TreeCoder, rates},
    },
    report::{Figure, Report, number, tiles::Raster, tree::fan},
    results::Row,
    worlds::Rng,
};
use anyhow::Result;
use nalgebra::DMatrix;
use rand::{RngExt, SeedableRng};

/// Pixels along the edge of a patch, as in the paper.
const SIDE: usize = 16;

/// What one seed found.
struct Run {
    coder: TreeCoder,
    /// Rates of use before and after pruning, by level.
    before: Vec<f64>,
    after: Vec<f64>,
    /// Units before and after.
    units: (usize, usize),
    /// Reconstruction error, as a share of the patches' energy, before and after.
    error: (f64, f64),
    /// Criterion before and after.
    criterion: (f64, f64),
    rates: Vec<f32>,
    tests: DMatrix<f32>,
    codes: DMatrix<f32>,
}

pub(super) fn run(setting: &Setting) -> Result<Outcome> {
    let (images, source) = photographs::read(&setting.data)?;
    let config = if setting.quick { Config { batches: 60, ..Config::default() } } else { Config::default() };
    let runs = per_seed(setting, |seed| {
        let rng = &mut Rng::seed_from_u64(seed);
        let mut batch = {
            let mut rng = Rng::seed_from_u64(seed + 1000);
            let images = &images;
            move |n| {
                let mut x = patches::sample(images, SIDE, n, &mut rng);
                patches::remove_mean(&mut x);
                patches::normalise_contrast(&mut x, CONTRAST_FLOOR);
                x / SIDE as f32 // a patch of full contrast has unit length
            }
        };
        let tests = batch(2000);
        let mut coder = TreeCoder::new(&config, &batch(2000), rng)?;
        coder.train(&config, config.batches, &mut batch, rng, |step, criterion| {
            if step % 50 == 0 {
                eprintln!("  seed {seed}, batch {step}: {criterion:.4}");
            }
        });
        let look = |coder: &TreeCoder| {
            let z = coder.infer(&tests, 3 * config.iterations);
            let missed = (&tests - &coder.dictionary * &z).norm_squared() / tests.norm_squared();
            let criterion = f64::from(coder.criterion(&tests, &z));
            let rates = rates(&z);
            (by_level(coder.tree(), &rates), f64::from(missed), criterion, rates, z)
        };
        let (before, error_before, criterion_before, used, _) = look(&coder);
        let large = coder.tree().nodes();
        let mut coder = coder.pruned(&used, config.prune)?;
        coder.train(&config, config.batches / 4, &mut batch, rng, |_, _| ());
        let (after, error_after, criterion_after, rates, codes) = look(&coder);
        Ok(Run {
            units: (large, coder.tree().nodes()),
            coder,
            before,
            after,
            error: (error_before, error_after),
            criterion: (criterion_before, criterion_after),
            rates,
            tests,
            codes,
        })
    })?;
    let over = |value: &dyn Fn(&Run) -> f64| median(&runs.iter().map(value).collect::<Vec<_>>());
    let mut rows = vec![
        Row::new("tree threshold: farthest from a brute-force solver", brute_force_error(setting.seed), "")
            .at_most(1e-6),
    ];
    let levels = runs[0].before.len();
    for level in 0..levels {
        rows.push(Row::new(
            format!("rate of use, level {level}"),
            over(&|run| run.before[level]),
            "of patches",
        ));
    }
    let growth = |run: &Run| run.before.windows(2).map(|pair| pair[1] / pair[0]).fold(0.0, f64::max);
    let worst = runs.iter().map(growth).fold(0.0, f64::max);
    rows.push(Row::new("rate of use of a level beside the one above it, at most", worst, "").at_most(1.0));
    rows.push(
        Row::new(
            "rate of use, deepest level beside the root",
            over(&|run| run.before[levels - 1] / run.before[0]),
            "",
        )
        .at_most(0.5),
    );
    rows.push(Row::new("units before pruning", runs[0].units.0 as f64, ""));
    rows.push(Row::new("units after pruning", over(&|run| run.units.1 as f64), ""));
    rows.push(Row::new("energy not reconstructed, before pruning", 100.0 * over(&|run| run.error.0), "%"));
    rows.push(Row::new("energy not reconstructed, after pruning", 100.0 * over(&|run| run.error.1), "%"));
    rows.push(
        Row::new("criterion after pruning beside before", over(&|run| run.criterion.1 / run.criterion.0), "")
            .at_most(1.02),
    );
    let report = show(&runs[0], source, &config);
    let notes = vec![format!(
        "Patches of {SIDE}×{SIDE} pixels from {source}, each less its mean and of equal contrast; pruned are branches that are on in \
         less than {} % of patches.",
        100.0 * config.prune
    )];
    Ok(Outcome { rows, report, notes })
}

/// Variance below which a patch counts as flat.
const CONTRAST_FLOOR: f32 = 1e-3;

/// The mean rate of use of each level's units.
fn by_level(tree: &Tree, rates: &[f32]) -> Vec<f64> {
    let mean = |level: usize| {
        let units: Vec<f64> =
            (0..tree.nodes()).filter(|&n| tree.level(n) == level).map(|n| f64::from(rates[n])).collect();
        units.iter().sum::<f64>() / units.len().max(1) as f64
    };
    (0..tree.levels()).map(mean).collect()
}

/// The largest difference between [`GroupSparsity`]'s one pass and a slow solver on many small random trees.
fn brute_force_error(seed: u64) -> f64 {
    let rng = &mut Rng::seed_from_u64(seed);
    (0..200).map(|_| one_tree(rng)).fold(0.0, f64::max)
}

/// The same on one tree of 2 to 12 nodes.
fn one_tree(rng: &mut Rng) -> f64 {
    let nodes = rng.random_range(2..=12);
    let parents: Vec<Option<usize>> = (0..nodes)
        .map(|node| (node > 0 && rng.random_bool(0.9)).then(|| rng.random_range(0..node)))
        .collect();
    let tree = Tree::from_parents(&parents).expect("parents stand before their children");
    let factors: Vec<f32> = (0..tree.levels()).map(|_| rng.random_range(0.2..2.0)).collect();
    let pools = Pools::from_tree(tree.clone(), |level| factors[level]).expect("a tree has pools");
    let penalty = GroupSparsity { pools, lambda: 1.0, epsilon: 0.0, sweeps: 1 };
    let (v, t): (Vec<f32>, f32) =
        ((0..nodes).map(|_| rng.random_range(-1.0..1.0)).collect(), rng.random_range(0.0..0.6));
    let groups: Vec<(Vec<usize>, f64)> = (0..nodes)
        .map(|group| {
            let members = (0..nodes).filter(|&node| tree.branch(node).any(|above| above == group)).collect();
            (members, f64::from(t) * f64::from(factors[tree.level(group)]))
        })
        .collect();
    let exact = dual_ascent(&v.iter().map(|v| f64::from(*v)).collect::<Vec<_>>(), &groups);
    let mut z = v;
    penalty.prox(&mut z, t);
    z.iter().zip(exact).map(|(z, exact)| (f64::from(*z) - exact).abs()).fold(0.0, f64::max)
}

/// `argmin_z ½‖z − v‖² + Σ_g t_g ‖z_g‖` for any groups, by the dual in double precision: `z = v − Σ_g ξ_g` with `‖ξ_g‖ ≤ t_g`, one
/// block after the other in the order given (for a tree the wrong one, root first) until the duality gap is closed, which
/// proves the answer.
fn dual_ascent(v: &[f64], groups: &[(Vec<usize>, f64)]) -> Vec<f64> {
    let mut z = v.to_vec();
    let mut duals: Vec<Vec<f64>> = groups.iter().map(|(members, _)| vec![0.0; members.len()]).collect();
    for _ in 0..1_000_000 {
        for ((members, limit), dual) in groups.iter().zip(&mut duals) {
            members.iter().zip(&*dual).for_each(|(&j, xi)| z[j] += xi);
            let norm = norm(members.iter().map(|&j| z[j]));
            let share = if norm > *limit { limit / norm } else { 1.0 };
            for (&j, xi) in members.iter().zip(dual) {
                *xi = share * z[j];
                z[j] -= *xi;
            }
        }
        // The gap of ½‖z − v‖² + Ω(z) against ½‖v‖² − ½‖z‖² at z = v − Σ ξ is Ω(z) − zᵀ(v − z).
        let penalty: f64 =
            groups.iter().map(|(members, limit)| limit * norm(members.iter().map(|&j| z[j]))).sum();
        let gap = penalty - z.iter().zip(v).map(|(z, v)| z * (v - z)).sum::<f64>();
        if gap < 1e-15 {
            break;
        }
    }
    z
}

fn norm(values: impl Iterator<Item = f64>) -> f64 {
    values.map(|v| v * v).sum::<f64>().sqrt()
}

fn show(run: &Run, source: &str, config: &Config) -> Report {
    let mut report =
        Report::new("Tree-structured sparse coding", "Jenatton, Mairal, Obozinski & Bach, ICML 2010");
    report.section("The tree").paragraph(
        "Every unit is a node; a unit can only be on when all its ancestors are. A generic filter stands at the root, refinements \
         below it. The width of a line is how often the lower unit is on.",
    );
    report.figure(
        &format!(
            "The filters learned from {source}, after branches on in less than {} % of patches were pruned.",
            100.0 * config.prune
        ),
        draw(run, None),
    );
    report
        .section("What an image switches on")
        .paragraph("Four patches, what the tree makes of them, and the branches that are on.");
    for sample in [0, 1, 2, 3] {
        let x = run.tests.column(sample);
        let back = &run.coder.dictionary * run.codes.column(sample);
        let scale = x.amax().max(1e-6);
        let grey = |values: &[f32]| {
            let values: Vec<f32> = values.iter().map(|v| 0.5 + 0.5 * v / scale).collect();
            Raster::grey(&values, SIDE).enlarged(5)
        };
        let pictures = Figure::stack([
            Figure::raster(&grey(x.as_slice()), "a patch").titled("patch"),
            Figure::raster(&grey(back.as_slice()), "its reconstruction").titled("reconstruction"),
        ]);
        report.figures(
            &format!(
                "{} of {} units are on.",
                run.codes.column(sample).iter().filter(|z| **z != 0.0).count(),
                run.units.1
            ),
            [pictures, draw(run, Some(sample))],
        );
    }
    report.section("Use by level").table(
        &["level", "before pruning", "after pruning"],
        (0..run.before.len()).map(|level| {
            let share =
                |rates: &[f64]| rates.get(level).map_or(String::new(), |r| number(100.0 * r, 1) + " %");
            [level.to_string(), share(&run.before), share(&run.after)]
        }),
    );
    report
}

/// The filters at their places; `sample` shows only what it switches on.
fn draw(run: &Run, sample: Option<usize>) -> Figure {
    let strength = |node: usize| match sample {
        Some(sample) => {
            run.codes[(node, sample)].abs() / run.codes.column(sample).amax().max(f32::MIN_POSITIVE)
        }
        None => run.rates[node],
    };
    let size = if sample.is_some() { 560 } else { 760 };
    fan(run.coder.tree(), &run.coder.dictionary, SIDE, size, sample.is_some(), strength)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tree_threshold_is_what_a_solver_without_knowledge_of_trees_finds() {
        assert!(brute_force_error(7) < 1e-6);
    }
}
