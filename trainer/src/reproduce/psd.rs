//! Predictive sparse decomposition: a dictionary of photographs' patches and its predictor.

use super::{Outcome, Setting, median, per_seed};
use crate::{
    data::{
        images::Images,
        patches::{normalise_contrast, remove_mean, sample},
        photographs,
    },
    mind,
    perceive::{
        inference::{L1, Settings, fista},
        psd::{Config, Psd},
        unrolled::Unrolled,
    },
    report::{
        Figure, Report,
        plot::{Axis, Plot, Series},
        tiles,
    },
    results::Row,
    worlds::Rng,
};
use anyhow::Result;
use nalgebra::DMatrix;
use rand::SeedableRng;

/// Pixels along the edge of a patch.
const SIDE: usize = 9;
/// Variance that counts as no contrast.
const FLAT: f32 = 1e-3;

/// One seed.
struct Trained {
    model: Psd,
    /// Batches, and the signal-to-noise ratio then.
    curve: Vec<(f64, f64)>,
    /// The predictor beside the optimal codes, those beside the lasso's, the predictor beside the lasso's.
    snr: [f64; 3],
    /// The share of units that an optimal code uses.
    active: f64,
    /// Some optimal and predicted codes.
    cloud: Vec<(f64, f64)>,
}

pub(super) fn run(setting: &Setting) -> Result<Outcome> {
    let (images, source) = photographs::read(&setting.data)?;
    let config = if setting.quick { Config { steps: 50, ..Config::default() } } else { Config::default() };
    let runs = per_seed(setting, |seed| train(&config, &images, seed, setting.quick))?;
    let middle = |value: &dyn Fn(&Trained) -> f64| median(&runs.iter().map(value).collect::<Vec<_>>());
    let rows = vec![
        Row::new("predictor against optimal codes", middle(&|run| run.snr[0]), "dB")
            .beside(8.6, "Kavukcuoglu, Ranzato & LeCun 2008")
            .at_least(8.6),
        Row::new("optimal codes against the lasso's", middle(&|run| run.snr[1]), "dB"),
        Row::new("predictor against the lasso's codes", middle(&|run| run.snr[2]), "dB"),
        Row::new("units active in an optimal code", 100.0 * middle(&|run| run.active), "%"),
    ];

    let mut report = Report::new("Predictive sparse decomposition", "Kavukcuoglu, Ranzato & LeCun 2008");
    report.section("What is learned");
    let mosaic = |atoms: &DMatrix<f32>, title: &str| {
        let raster = tiles::dictionary(atoms, SIDE, 8, 4);
        Figure::raster(&raster, "a mosaic of filters").titled(title)
    };
    let model = &runs[0].model;
    report.figures(
        &format!("{} units on patches of {SIDE}×{SIDE} pixels ({source}).", config.units),
        [mosaic(model.dictionary(), "the dictionary"), mosaic(&model.filters(), "the predictor's filters")],
    );
    report.section("How well codes are predicted").figures(
        "Left: signal-to-noise ratio of the predictor against optimal codes of held-out patches, one curve a seed; the thin line is \
         the published 8.6 dB. Right: codes of some held-out patches.",
        [
            Plot::new(Axis::linear("batches"), Axis::linear("SNR (dB)"))
                .size(Plot::HALF, 300)
                .level(8.6)
                .with_all(runs.iter().map(|run| Series::line("", run.curve.clone()))),
            Plot::new(Axis::linear("optimal code"), Axis::linear("predicted code"))
                .size(Plot::HALF, 300)
                .with(Series::dots("", runs[0].cloud.clone()).weight(1.0)),
        ],
    );
    let notes = vec![
        format!(
            "Patches of {SIDE}×{SIDE} pixels ({source}), without mean, of unit contrast; {} units, λ = {}, α = {}.",
            config.units, config.sparsity, config.prediction
        ),
        "SNR = 10 log₁₀(E‖z*‖²/E‖z* − F(y)‖²) on 2,000 patches that were not trained on; z* minimises ½‖y − D z‖² + λ‖z‖₁ + ½α‖z − F(y)‖² \
         (300 iterations of FISTA), the lasso's codes the same with α = 0; F is the exported file, run by the kernel of the chip."
            .into(),
    ];
    Ok(Outcome { rows, report, notes })
}

fn draw(images: &Images, n: usize, rng: &mut Rng) -> DMatrix<f32> {
    let mut patches = sample(images, SIDE, n, rng);
    remove_mean(&mut patches);
    normalise_contrast(&mut patches, FLAT);
    patches
}

fn train(config: &Config, images: &Images, seed: u64, quick: bool) -> Result<Trained> {
    let rng = &mut Rng::seed_from_u64(seed);
    let mut model = Psd::new(config, &draw(images, 2000, rng), rng);
    let held_out = draw(images, if quick { 100 } else { 2000 }, rng);
    let few = held_out.columns(0, held_out.ncols().min(500)).into_owned();
    let mut curve = Vec::new();
    let draw_batch = |n: usize| draw(images, n, rng);
    model.train(config, draw_batch, |step, model| {
        if step % (config.steps / 40).max(1) == 0 {
            let best = model.infer(config, &few, EXACT);
            curve.push((step as f64, snr(&best, &model.codes(&few, 1))));
        }
    })?;
    let file = model.weight_file(1, "psd", seed)?;
    let mut encode = mind::encoder(&file.parse()?)?;
    let predicted: Vec<_> = held_out.column_iter().flat_map(|y| encode(y.as_slice()).code).collect();
    let predicted = DMatrix::from_vec(config.units, held_out.ncols(), predicted);
    let best = model.infer(config, &held_out, EXACT);
    let settings = Settings { iterations: EXACT, tolerance: 0.0, start: None };
    let lasso = fista(model.dictionary(), &held_out, &L1 { lambda: config.sparsity }, &settings, |_, _| ());
    eprintln!("  seed {seed}: {:.2} dB", snr(&best, &predicted));
    let pairs = best.iter().zip(predicted.iter());
    Ok(Trained {
        curve,
        snr: [snr(&best, &predicted), snr(&lasso, &best), snr(&lasso, &predicted)],
        active: best.iter().filter(|z| **z != 0.0).count() as f64 / best.len() as f64,
        cloud: pairs.take(64 * 30).map(|(&z, &f)| (f64::from(z), f64::from(f))).collect(),
        model,
    })
}

/// Iterations of FISTA that count as exact.
const EXACT: usize = 300;

/// `10 log₁₀(‖z‖²/‖z − ẑ‖²)`, over all samples together.
fn snr(signal: &DMatrix<f32>, approximation: &DMatrix<f32>) -> f64 {
    10.0 * f64::from(signal.norm_squared() / (signal - approximation).norm_squared()).log10()
}
