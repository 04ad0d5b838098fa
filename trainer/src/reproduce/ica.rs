//! Topographic independent component analysis on photographs.

use super::{
    Outcome, Setting, per_seed,
    topography::{Topography, batches},
};
use crate::{
    data::photographs,
    perceive::{
        ica::{Config, Ica},
        pools::{Pools, Weights},
        topographic::Eye,
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

pub(super) fn run(setting: &Setting) -> Result<Outcome> {
    let (images, source) = photographs::read(&setting.data)?;
    let images = images.halved(); // so that a patch shows more than one edge
    let config = if setting.quick { Config { steps: 60, ..Config::default() } } else { Config::default() };
    let runs = per_seed(setting, |seed| {
        let rng = &mut Rng::seed_from_u64(seed);
        let eye = Eye::new(&images, SIDE, config.map[0] * config.map[1], rng);
        let mut batch = batches(&eye, &images, seed);
        let pools = Pools::torus(config.map, [config.window; 2], [1, 1], Weights::Flat)?;
        let mut ica = Ica::new(&config, pools, batch(1).nrows(), rng)?;
        let mut curve = Vec::new();
        ica.train(&config, batch, |step, criterion| {
            if step % 20 == 0 {
                curve.push((step as f64, f64::from(criterion)));
            }
        });
        Ok((Topography::measure(eye.picture(&ica.filters.transpose()), SIDE, config.map, seed), curve))
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
        "Patches of {SIDE}×{SIDE} pixels from {source} of half size, less their means and of equal contrast, whitened to {} components; \
         neighbourhoods on a torus of {}×{} units in the first half, of {}×{} in the second.",
        config.map[0] * config.map[1],
        config.first_window,
        config.first_window,
        config.window,
        config.window
    )];
    Ok(Outcome { rows: Topography::rows(&maps), report, notes })
}
