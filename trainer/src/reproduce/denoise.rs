//! Denoising by descent in energy: patches of photographs with noise, against FISTA.

use super::{Outcome, Setting, median, per_seed};
use crate::{
    data::{
        images::Images,
        patches::{remove_mean, sample},
        photographs,
    },
    energy::{Autoencoder, Descent, Energy, Means, Principal, Scalar, Sparse, denoising, descend},
    network::Unit,
    perceive::{
        inference::{L1, Settings, fista},
        online::{Turns, from_samples},
    },
    report::{Figure, Report, tiles::Raster},
    results::Row,
    tape::Tape,
    worlds::{Rng, camera::normal},
};
use anyhow::Result;
use nalgebra::{DMatrix, DVectorView};
use rand::{RngExt, SeedableRng};
use std::slice;

/// Side of a patch in pixels.
const SIDE: usize = 10;
/// Deviation of the noise, of a brightness from 0 to 1: 25 grey levels of 255.
const NOISE: f32 = 25.0 / 255.0;
/// What brightness is divided by for networks: about the deviation of a patch whose mean was taken away.
const UNIT: f32 = 0.15;
/// Photographs, from the first, that are learned from; settings are chosen on the next, results measured on the rest.
const SPLIT: [usize; 2] = [16, 20];
/// Patches that settings are chosen on, and as many that are measured.
const PATCHES: usize = 2000;
/// Atoms of the dictionary.
const ATOMS: usize = 256;

/// Clean and noisy patches, less the noisy one's mean, in [units](UNIT).
struct Pairs {
    clean: DMatrix<f32>,
    noisy: DMatrix<f32>,
}

impl Pairs {
    fn new(images: &Images, n: usize, rng: &mut Rng) -> Self {
        let mut clean = sample(images, SIDE, n, rng) / UNIT;
        let mut noisy = clean.map(|v| v + NOISE / UNIT * normal(rng) as f32);
        for (mut clean, mut noisy) in clean.column_iter_mut().zip(noisy.column_iter_mut()) {
            let mean = noisy.mean();
            clean.add_scalar_mut(-mean);
            noisy.add_scalar_mut(-mean);
        }
        Self { clean, noisy }
    }

    /// Peak signal to noise ratio in dB: `10 log₁₀(1 / mean square error)`.
    fn decibels(&self, y: &DMatrix<f32>) -> f64 {
        let error = f64::from((y - &self.clean).norm_squared()) / y.len() as f64;
        -10.0 * (error * f64::from(UNIT * UNIT)).log10()
    }
}

/// A way of denoising that has a setting to be chosen, and what it makes of patches.
type Method<'a> = (&'static str, Vec<Box<dyn Fn(&DMatrix<f32>) -> DMatrix<f32> + Send + Sync + 'a>>);

/// Descents that may be chosen from: of energies with a setting, by so many steps, of such rates.
fn descents<'a, E: Energy + 'a>(
    name: &'static str,
    energies: &'a [E],
    rates: &[f32],
    steps: &[usize],
) -> Method<'a> {
    let choices = energies.iter().flat_map(|energy| {
        rates.iter().flat_map(move |&rate| steps.iter().map(move |&steps| (energy, rate, steps)))
    });
    let each = choices.map(|(energy, rate, steps)| {
        let descent = Descent { steps, rate, ..Descent::default() };
        Box::new(move |y: &DMatrix<f32>| descend(energy, y, None, &descent)) as Box<_>
    });
    (name, each.collect())
}

/// Of one seed: the noisy patches, then every method, in dB; and the first patches of each for the report.
struct Run {
    names: Vec<&'static str>,
    decibels: Vec<f64>,
    patches: Vec<DMatrix<f32>>,
}

fn one(images: &Images, seed: u64, quick: bool) -> Result<Run> {
    let rng = &mut Rng::seed_from_u64(seed);
    let part =
        |from: usize, n: usize| Images { pixels: images.pixels.columns(from, n).into_owned(), ..*images };
    let training = part(0, SPLIT[0]);
    let n = if quick { 100 } else { PATCHES };
    let validation = Pairs::new(&part(SPLIT[0], SPLIT[1] - SPLIT[0]), n, rng);
    let test = Pairs::new(&part(SPLIT[1], images.len() - SPLIT[1]), n, rng);
    let clean = |n: usize, rng: &mut Rng| {
        let mut patches = sample(&training, SIDE, n, rng) / UNIT;
        remove_mean(&mut patches);
        patches
    };
    let steps = |n: usize| if quick { n / 50 } else { n };
    let pixels = SIDE * SIDE;

    let config = denoising::Config {
        noise: [0.5 * NOISE / UNIT, NOISE / UNIT],
        steps: steps(3000),
        rate: 1e-3,
        batch: 256,
    };
    let mut autoencoder = Autoencoder::new((pixels, 0), &[384, 384], Unit::Relu, rng);
    denoising::train(&mut autoencoder, &config, clean, rng, |_, _| ())?;
    let mut score = Scalar::new((pixels, 0), &[384, 384], Unit::Tanh, rng);
    denoising::train(&mut score, &config, clean, rng, |_, _| ())?;

    // Codes are inferred with one price while the dictionary is learned, and with that which suits the noise in the test.
    let mut dictionary = from_samples(&clean(2000, rng), ATOMS, rng);
    let turns = Turns { batch: 256, batches: steps(400), memory: 100.0, iterations: 60 };
    let own = &mut Rng::seed_from_u64(rng.random());
    turns.learn(&mut dictionary, &L1 { lambda: 0.3 }, |n| clean(n, rng), own, |_, _| ());
    let settings = Settings { iterations: if quick { 20 } else { 200 }, tolerance: 1e-3, start: None };
    let mean = DMatrix::zeros(pixels, 1);
    let prices = [0.5, 0.7, 1.0, 1.4].map(|price| price * NOISE / UNIT * 2.0);
    let sparse = prices.map(|lambda| Sparse {
        dictionary: dictionary.clone(),
        mean: mean.clone(),
        penalty: Box::new(L1 { lambda }),
        settings: settings.clone(),
    });
    let inferred = prices.map(|lambda| {
        let (dictionary, settings) = (&dictionary, &settings);
        Box::new(move |y: &DMatrix<f32>| {
            dictionary * fista(dictionary, y, &L1 { lambda }, settings, |_, _| ())
        }) as Box<dyn Fn(&DMatrix<f32>) -> DMatrix<f32> + Send + Sync>
    });
    let data = clean(20_000 / if quick { 20 } else { 1 }, rng);
    let components = [8, 16, 24, 32, 48].map(|k| Principal::fit(&data, k));
    let means = Means::fit(&data, ATOMS, if quick { 2 } else { 10 }, rng);

    let answer = Box::new(|y: &DMatrix<f32>| {
        let tape = Tape::new();
        tape.value(autoencoder.pass(&tape, true, tape.constant(y.clone()), None).1).clone_owned()
    });
    let methods: Vec<Method<'_>> = vec![
        ("FISTA, D z*", inferred.into()),
        descents("descent, sparse coding", &sparse, &[0.3, 0.6, 0.8], &[1, 2]),
        ("denoising autoencoder's answer", vec![answer]),
        descents(
            "descent, denoising autoencoder",
            slice::from_ref(&autoencoder),
            &[0.1, 0.3, 0.6, 1.0],
            &[1, 2, 4, 8, 16],
        ),
        descents("descent, denoising score", slice::from_ref(&score), &[0.3, 0.6, 1.0], &[1, 2, 4]),
        descents("descent, PCA", &components, &[0.6, 0.8, 1.0], &[1, 2, 4]),
        descents("descent, k-means", slice::from_ref(&means), &[0.1, 0.2, 0.4], &[1, 2, 4]),
    ];
    let mut run = Run {
        names: vec!["noisy"],
        decibels: vec![test.decibels(&test.noisy)],
        patches: vec![test.clean.columns(0, SHOWN).into_owned(), test.noisy.columns(0, SHOWN).into_owned()],
    };
    for (name, choices) in &methods {
        let tried = choices.iter().map(|denoise| validation.decibels(&denoise(&validation.noisy)));
        let best = tried.enumerate().max_by(|a, b| a.1.total_cmp(&b.1)).map_or(0, |best| best.0);
        let y = choices[best](&test.noisy);
        run.names.push(name);
        run.decibels.push(test.decibels(&y));
        run.patches.push(y.columns(0, SHOWN).into_owned());
        eprintln!(
            "  seed {seed}, {name}: {:.2} dB with choice {best} of {}",
            test.decibels(&y),
            choices.len()
        );
    }
    Ok(run)
}

/// Patches in a row of the picture.
const SHOWN: usize = 24;

pub(super) fn run(setting: &Setting) -> Result<Outcome> {
    let (images, source) = photographs::read(&setting.data)?;
    let runs = per_seed(setting, |seed| one(&images, seed, setting.quick))?;
    let middle = |i: usize| median(&runs.iter().map(|run| run.decibels[i]).collect::<Vec<_>>());
    let names = &runs[0].names;
    let rows = names.iter().enumerate().map(|(i, name)| {
        let row = Row::new(*name, middle(i), "dB");
        if i > 1 { row.beside(middle(1), "FISTA") } else { row }
    });
    let rows = rows.collect();
    let mut report = Report::new("Denoising by descent in energy", "Patches of photographs, against FISTA");
    let all = &runs[0].patches;
    // Around middle grey, as each patch's mean was taken away.
    let tile = |patch: DVectorView<'_, f32>| {
        let grey: Vec<_> = patch.iter().map(|v| (0.5 + UNIT * v).clamp(0.0, 1.0)).collect();
        Raster::grey(&grey, SIDE).enlarged(3)
    };
    let labels = std::iter::once("clean").chain(names.iter().copied());
    report.figures(
        "The same patches of photographs that nothing was learned from: clean, with noise, and what each method makes of them. First seed.",
        all.iter().zip(labels).map(|(patches, name)| {
            let raster = Raster::mosaic(&patches.column_iter().map(tile).collect::<Vec<_>>(), SHOWN, 1);
            Figure::raster(&raster, name).titled(name)
        }),
    );
    let notes = vec![
        format!(
            "{source}: patches of {SIDE}×{SIDE} from the first {} photographs to learn from, {PATCHES} from the next {} to choose rates, steps, \
             λ and the number of components on, {PATCHES} from the last {} to measure; medians over seeds of the peak signal to noise ratio. The noise \
             has a deviation of 25 grey levels of 255; each patch keeps its noisy mean.",
            SPLIT[0],
            SPLIT[1] - SPLIT[0],
            images.len() - SPLIT[1]
        ),
        "Descent is y ← y − η ∂F/∂y from the noisy patch, with a fixed number of steps. Where F = min_z ½‖y − D z‖² + λ‖z‖₁, one step of rate 1 is \
         FISTA's answer; shorter ones keep some of the observation."
            .into(),
    ];
    Ok(Outcome { rows, report, notes })
}
