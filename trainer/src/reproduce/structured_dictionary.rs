//! Topographic dictionary learning on photographs.

use super::{
    Outcome, Setting, per_seed,
    topography::{Topography, batches},
};
use crate::{
    data::photographs,
    perceive::{
        pools::{Pools, Weights},
        structured_dictionary::{Config, StructuredDictionary},
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
const SIDE: usize = 12;
/// Whitened components that are kept of a patch.
const COMPONENTS: usize = 100;

pub(super) fn run(setting: &Setting) -> Result<Outcome> {
    let (images, source) = photographs::read(&setting.data)?;
    let images = images.halved(); // so that a patch shows more than one edge
    let config = if setting.quick { Config { batches: 20, ..Config::default() } } else { Config::default() };
    let runs = per_seed(setting, |seed| {
        let rng = &mut Rng::seed_from_u64(seed);
        let eye = Eye::new(&images, SIDE, COMPONENTS, rng);
        let mut patches = batches(&eye, &images, seed);
        let scale = (COMPONENTS as f32).sqrt().recip(); // patches of unit length on average
        let pools = Pools::torus(config.map, [config.window; 2], [1, 1], Weights::Flat)?;
        let mut model = StructuredDictionary::new(&config, pools, COMPONENTS, rng);
        let mut curve = Vec::new();
        model.train(
            &config,
            |n| patches(n) * scale,
            |step, criterion| {
                curve.push((step as f64, f64::from(criterion)));
                if step % 50 == 0 {
                    eprintln!("  seed {seed}, batch {step}: {criterion:.4}");
                }
            },
        );
        Ok((Topography::measure(eye.picture(&model.dictionary), SIDE, config.map, seed), curve))
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
        "Patches of {SIDE}×{SIDE} pixels from {source} of half size, less their means and of equal contrast, whitened to {COMPONENTS} components; pools of {}×{} on a torus.",
        config.window, config.window
    )];
    Ok(Outcome { rows: Topography::rows(&maps), report, notes })
}
