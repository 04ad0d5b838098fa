//! Product of Student-t experts on photographs.

use super::{
    Outcome, Setting, per_seed,
    topography::{Topography, batches},
};
use crate::{
    data::photographs,
    perceive::{
        pools::{Pools, Weights},
        student_t::{Config, StudentT},
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

/// Pixels along the edge of a patch.
const SIDE: usize = 14;
/// Whitened components that are kept; with them the filters are about 1.7 times as many, as in the paper.
const COMPONENTS: usize = 120;

pub(super) fn run(setting: &Setting) -> Result<Outcome> {
    let (images, source) = photographs::read(&setting.data)?;
    let images = images.halved(); // so that a patch shows more than one edge
    let config = if setting.quick { Config { steps: 60, ..Config::default() } } else { Config::default() };
    let runs = per_seed(setting, |seed| {
        let rng = &mut Rng::seed_from_u64(seed);
        let eye = Eye::new(&images, SIDE, COMPONENTS, rng);
        let mut batch = batches(&eye, &images, seed);
        let pools = Pools::torus(config.map, [config.window; 2], [1, 1], Weights::Flat)?;
        let mut model = StudentT::new(&config, pools, COMPONENTS, rng)?;
        model.fit_width(&batch(1000));
        let (mut apart, mut accepted) = (Vec::new(), Vec::new());
        model.train(&config, batch, rng, |step, difference, share| {
            if step % 20 == 0 {
                apart.push((step as f64, f64::from(difference)));
                accepted.push((step as f64, f64::from(share)));
                if step % 500 == 0 {
                    eprintln!("  seed {seed}, step {step}: {difference:.2} between patches and walks, {share:.2} accepted");
                }
            }
        });
        Ok((
            Topography::measure(eye.picture(&model.filters.transpose()), SIDE, config.map, seed),
            apart,
            accepted,
        ))
    })?;
    let mut report =
        Report::new("Product of Student-t experts", "Osindero, Welling & Hinton, Neural Computation 2006");
    let (apart, accepted) = (runs[0].1.clone(), runs[0].2.clone());
    let maps: Vec<_> = runs.into_iter().map(|run| run.0).collect();
    report.section("The map");
    maps[0].show(
        &mut report,
        &format!("The filters of {} units on a torus, learned from {source}.", maps[0].filters.ncols()),
    );
    report.section("Training").figures(
        "How much higher the energy is where the walks end than at the patches they start from, and the share of walks accepted.",
        [
            Plot::new(Axis::linear("step"), Axis::linear("energy difference"))
                .size(Plot::HALF, 240)
                .with(Series::line("", apart)),
            Plot::new(Axis::linear("step"), Axis::linear("accepted").range(0.0, 1.0))
                .size(Plot::HALF, 240)
                .with(Series::line("", accepted)),
        ],
    );
    let notes = vec![format!(
        "Patches of {SIDE}×{SIDE} pixels from {source} of half size, less their means and of equal contrast, whitened to {COMPONENTS} components; {} units, neighbourhoods on \
         a torus of {}×{} units in the first half and {}×{} in the second, walks of {} leaps.",
        config.map[0] * config.map[1],
        config.first_window,
        config.first_window,
        config.window,
        config.window,
        config.leaps
    )];
    Ok(Outcome { rows: Topography::rows(&maps), report, notes })
}
