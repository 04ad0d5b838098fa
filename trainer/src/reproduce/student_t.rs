//! Product of Student-t experts on photographs.

use super::{Outcome, Setting, per_seed, topography::Topography};
use crate::{
    data::{
        patches::{self, Keep, Kind, Whitening},
        photographs,
    },
    perceive::{
        pools::{Pools, Weights},
        student_t::{Config, StudentT},
    },
    report::{
        Report,
        plot::{Axis, Plot, Series},
    },
    worlds::Rng,
};
use anyhow::Result;
use rand::{RngExt, SeedableRng};

/// Pixels along the edge of a patch.
const SIDE: usize = 14;
/// Whitened components that are kept; with them the filters are about 1.7 times as many, as in the paper.
const COMPONENTS: usize = 150;

pub(super) fn run(setting: &Setting) -> Result<Outcome> {
    let (images, source) = photographs::read(&setting.data)?;
    let config = if setting.quick { Config { steps: 60, ..Config::default() } } else { Config::default() };
    let runs = per_seed(setting, |seed| {
        let rng = &mut Rng::seed_from_u64(seed);
        let mut x = patches::sample(&images, SIDE, if setting.quick { 5_000 } else { 50_000 }, rng);
        patches::remove_mean(&mut x);
        let whitening = Whitening::fit(&x, Kind::Pca, Keep::Components(COMPONENTS));
        let white = whitening.apply(&x);
        let pools = Pools::torus(config.map, [config.window; 2], [1, 1], Weights::Flat)?;
        let mut model = StudentT::new(&config, pools, white.nrows(), rng);
        let mut places = Rng::seed_from_u64(seed + 1000);
        let batch = |n: usize| {
            let start = places.random_range(0..=white.ncols() - n);
            white.columns(start, n).into_owned()
        };
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
        // Filters as they are laid over an image, in whitened space, where they are smooth.
        let features = &whitening.backward * model.filters.transpose();
        Ok((Topography::measure(features, SIDE, config.map, seed), apart, accepted))
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
        "Patches of {SIDE}×{SIDE} pixels from {source}, less their means, whitened to {COMPONENTS} components; {} units, neighbourhoods of \
         {}×{} on a torus, walks of {} leaps.",
        config.map[0] * config.map[1],
        config.window,
        config.window,
        config.leaps
    )];
    Ok(Outcome { rows: Topography::rows(&maps), report, notes })
}
