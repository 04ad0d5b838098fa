//! Topographic dictionary learning on photographs.

use super::{Outcome, Setting, per_seed, topography::Topography};
use crate::{
    data::{
        patches::{self, Keep, Kind, Whitening},
        photographs,
    },
    perceive::{
        pools::{Pools, Weights},
        structured_dictionary::{Config, StructuredDictionary},
    },
    report::{
        Report,
        plot::{Axis, Plot, Series},
    },
    worlds::Rng,
};
use anyhow::Result;
use rand::{RngExt, SeedableRng};

/// Pixels along the edge of a patch, as in the paper.
const SIDE: usize = 12;
/// Whitening damps directions weaker than this share of the mean variance.
const DAMPED: f32 = 0.02;

pub(super) fn run(setting: &Setting) -> Result<Outcome> {
    let (images, source) = photographs::read(&setting.data)?;
    let config = if setting.quick { Config { batches: 20, ..Config::default() } } else { Config::default() };
    let runs = per_seed(setting, |seed| {
        let rng = &mut Rng::seed_from_u64(seed);
        let mut x = patches::sample(&images, SIDE, if setting.quick { 5_000 } else { 50_000 }, rng);
        patches::remove_mean(&mut x);
        let mut white = Whitening::fit(&x, Kind::Zca, Keep::Epsilon(DAMPED)).apply(&x);
        white *= (white.ncols() as f32).sqrt() / white.norm(); // of unit length on average
        let pools = Pools::torus(config.map, [config.window; 2], [1, 1], Weights::Flat)?;
        let mut model = StructuredDictionary::new(&config, pools, &white, rng);
        let mut places = Rng::seed_from_u64(seed + 1000);
        let batch = |n: usize| {
            let start = places.random_range(0..=white.ncols() - n);
            white.columns(start, n).into_owned()
        };
        let mut curve = Vec::new();
        model.train(&config, batch, rng, |step, criterion| {
            curve.push((step as f64, f64::from(criterion)));
            if step % 50 == 0 {
                eprintln!("  seed {seed}, batch {step}: {criterion:.4}");
            }
        });
        Ok((Topography::measure(model.dictionary, SIDE, config.map, seed), curve))
    })?;
    let mut report =
        Report::new("Topographic dictionary learning", "Mairal, Jenatton, Obozinski & Bach, JMLR 2011");
    let (maps, curves): (Vec<_>, Vec<_>) = runs.into_iter().unzip();
    report.section("The map");
    maps[0].show(
        &mut report,
        &format!("The dictionary of {} units on a torus, learned from {source}.", maps[0].filters.ncols()),
    );
    report.section("Training").figure(
        "The criterion on batches of patches, one curve a seed.",
        Plot::new(Axis::linear("batch"), Axis::linear("criterion"))
            .with_all(curves.into_iter().map(|curve| Series::line("", curve))),
    );
    let notes = vec![format!(
        "Patches of {SIDE}×{SIDE} pixels from {source}, less their means, whitened; pools of {}×{} on a torus.",
        config.window, config.window
    )];
    Ok(Outcome { rows: Topography::rows(&maps), report, notes })
}
