//! Topographic independent component analysis on photographs.

use super::{Outcome, Setting, per_seed, topography::Topography};
use crate::{
    data::{
        patches::{self, Keep, Kind, Whitening},
        photographs,
    },
    perceive::{
        ica::{Config, Ica},
        pools::{Pools, Weights},
    },
    report::{
        Report,
        plot::{Axis, Plot, Series},
    },
    worlds::Rng,
};
use anyhow::Result;
use rand::SeedableRng;

/// Pixels along the edge of a patch, as in the paper.
const SIDE: usize = 16;
/// Variance below which a patch counts as flat.
const CONTRAST_FLOOR: f32 = 1e-3;

pub(super) fn run(setting: &Setting) -> Result<Outcome> {
    let (images, source) = photographs::read(&setting.data)?;
    let images = images.halved(); // so that a patch shows more than one edge
    let config = if setting.quick { Config { steps: 60, ..Config::default() } } else { Config::default() };
    let runs = per_seed(setting, |seed| {
        let rng = &mut Rng::seed_from_u64(seed);
        let mut x = patches::sample(&images, SIDE, if setting.quick { 5_000 } else { 50_000 }, rng);
        patches::remove_mean(&mut x);
        patches::normalise_contrast(&mut x, CONTRAST_FLOOR);
        let units = config.map[0] * config.map[1];
        let whitening = Whitening::fit(&x, Kind::Pca, Keep::Components(units));
        let white = whitening.apply(&x);
        let pools = Pools::torus(config.map, [config.window; 2], [1, 1], Weights::Flat)?;
        let mut ica = Ica::new(&config, pools, white.nrows(), rng)?;
        let mut curve = Vec::new();
        let mut from = 0;
        let batch = |n: usize| {
            // The patches are in random order already.
            let start = if from + n > white.ncols() { 0 } else { from };
            from = start + n;
            white.columns(start, n).into_owned()
        };
        ica.train(&config, batch, |step, criterion| {
            if step % 20 == 0 {
                curve.push((step as f64, f64::from(criterion)));
            }
        });
        // What a unit stands for in a patch whitened but still in its pixels' axes, where filters and features are one.
        let mut axes = whitening.backward.clone();
        crate::perceive::inference::normalise(&mut axes);
        let features = axes * ica.filters.transpose();
        Ok((Topography::measure(features, SIDE, config.map, seed), curve))
    })?;
    let mut report =
        Report::new("Topographic independent component analysis", "Hyvärinen & Hoyer, Vision Research 2001");
    let (maps, curves): (Vec<_>, Vec<_>) = runs.into_iter().unzip();
    report.section("The map");
    maps[0].show(
        &mut report,
        &format!("The features of {} units on a torus, learned from {source}.", maps[0].filters.ncols()),
    );
    report.section("Training").figure(
        "The criterion ⟨Σ √(ε + Σ h y²)⟩ on batches of patches, one curve a seed.",
        Plot::new(Axis::linear("step"), Axis::linear("criterion"))
            .with_all(curves.into_iter().map(|curve| Series::line("", curve))),
    );
    let notes = vec![format!(
        "Patches of {SIDE}×{SIDE} pixels from {source}, less their means, whitened to {} components; neighbourhoods of {}×{} on a torus.",
        config.map[0] * config.map[1],
        config.window,
        config.window
    )];
    Ok(Outcome { rows: Topography::rows(&maps), report, notes })
}
