//! The conditional VAE with z-dropout on recorded traffic: how well it predicts, how much its samples differ, and whether
//! it answers to actions.

mod pictures;

use super::{Outcome, Setting, median, per_seed};
use crate::{
    data::traffic::Log,
    export::{WeightFile, write_file},
    predict::mpur::{Batch, Config, Detour, Moment, Mpur, OTHERS, Own, Place, Windows},
    results::Row,
    worlds::{Rng, traffic::view::Grid},
};
use anyhow::{Context, Result};
use forethought::artifact::Provenance;
use nalgebra::DMatrix;
use rand::SeedableRng;
use rayon::prelude::*;
use std::time::Instant;

/// Episodes at the end of the log that nothing was trained or chosen on, and those before them that settings were
/// chosen on.
const HELD_OUT: [usize; 2] = [10, 5];
/// Windows of the held-out episodes.
const WINDOWS: usize = 150;
/// Samples of each window.
const SAMPLES: usize = 10;
/// What the car does beside its own action when it is asked how the model answers: names, and how.
const DETOURS: [(&str, Detour); 2] = [
    ("acceleration", Detour { acceleration: 2.0, turning: 0.0 }),
    ("turning", Detour { acceleration: 0.0, turning: 0.06 }),
];
/// The step at which answers are compared: 2 s.
const ANSWER: usize = 10;
/// What is trained with z: by how the car's own way comes into it, with z-dropout and without.
const VARIANTS: [(&str, Own, bool); 4] = [
    ("with z-dropout", Own::Known, true),
    ("without", Own::Known, false),
    ("own way learned, with z-dropout", Own::Learned, true),
    ("own way learned, without", Own::Learned, false),
];

/// The weight files that the first seed leaves: of the model with z-dropout, and of the deterministic one.
const EXPORTED: [&str; 2] = ["traffic-model/traffic-model.fth", "traffic-model/deterministic.fth"];

/// Errors of other cars in views, step by step: squared, the mean of all cells and windows.
type Curve = Vec<f64>;

/// What the windows that nothing was trained on hold.
struct Test {
    batch: Batch,
    /// With each of [`DETOURS`].
    detours: Vec<Batch>,
    copied: Curve,
    /// Everybody keeps the true speed, and the speed that views show.
    drifted: [Curve; 2],
    /// How the latter answers to each of the detours.
    answers: Vec<Curve>,
    /// What cannot be foreseen: who is not in view yet.
    hidden: Curve,
}

/// One seed.
struct Trained {
    minutes: f64,
    /// As [`EXPORTED`].
    files: [WeightFile; 2],
    deterministic: Vec<Moment>,
    error: Curve,
    /// Of the deterministic model, to each of [`DETOURS`].
    answers: Vec<Curve>,
    /// In the order of [`VARIANTS`].
    stochastic: Vec<Stochastic>,
}

/// A model with z.
struct Stochastic {
    file: WeightFile,
    samples: Vec<Vec<Moment>>,
    /// Of one sample, and of the samples' mean.
    single: Curve,
    mean: Curve,
    /// Of the sample that is nearest over the whole window.
    best: f64,
    /// Deviation of samples from their mean, by the error of their mean.
    spread: f64,
    answers: Vec<Curve>,
    kl: f64,
    minutes: f64,
}

pub(super) fn run(setting: &Setting) -> Result<Outcome> {
    let log = Log::highway(&setting.data)?;
    let config = if setting.quick {
        Config { deterministic: 10, stochastic: 6, ..Config::default() }
    } else {
        Config::default()
    };
    let grid = Grid::default();
    let road = log.episodes.first().context("the log is empty")?.road;
    let (rest, held_out) = log.episodes.split_at(log.episodes.len().saturating_sub(HELD_OUT[0]));
    let known = &rest[..rest.len().saturating_sub(HELD_OUT[1])];
    let count = if setting.quick { WINDOWS / 10 } else { WINDOWS };
    let windows = Windows::new(known, grid, config.past, config.horizon)?;
    // An untrained model lets everybody keep the speed that it sees.
    let untrained = |config: &Config, rng: &mut Rng| {
        Mpur::new(config, &grid, road, windows.scales(config.detours, rng), rng)
    };
    let test = Test::new(
        &Windows::new(held_out, grid, config.past, config.horizon)?,
        &untrained(&config, &mut Rng::seed_from_u64(setting.seed)),
        count,
    );
    let runs = per_seed(setting, |seed| train(&config, &untrained, &windows, &test, (seed, log.digest)))?;
    for (name, file) in EXPORTED.iter().zip(&runs[0].files) {
        write_file(&setting.out.join(name), file.bytes())?;
    }

    let middle = |value: &dyn Fn(&Trained) -> f64| median(&runs.iter().map(value).collect::<Vec<_>>());
    let of = |i: usize, value: &dyn Fn(&Stochastic) -> f64| middle(&|run| value(&run.stochastic[i]));
    let [told, seen] = [0, 1].map(|i| mean(&test.drifted[i]));
    // Bounds that are measured themselves, to a millionth.
    let bound = |error: f64| (error * 1e6).round() / 1e6;
    let single = |model: &Stochastic| mean(&model.single);
    let mut rows = vec![
        Row::new("view error, copying the last view", mean(&test.copied), "per cell"),
        Row::new("view error, constant velocity, told all places", told, "per cell"),
        Row::new("view error, constant velocity of what is seen", seen, "per cell"),
        Row::new("view error, deterministic model", middle(&|run| mean(&run.error)), "per cell")
            .at_most(bound(seen)),
        Row::new("view error, mean of 10 samples", of(0, &|model| mean(&model.mean)), "per cell")
            .beside(told, "constant velocity, told all places")
            .at_most(bound(seen)),
        Row::new("view error, a sample", of(0, &single), "per cell"),
        Row::new("view error, best of 10 samples", of(0, &|model| model.best), "per cell")
            .at_most(bound(of(0, &single))),
        Row::new("view error, whoever is seen where they truly went", mean(&test.hidden), "per cell"),
        Row::new("spread of samples by their error", of(0, &|model| model.spread), ""),
        Row::new("without z-dropout: a sample", of(1, &single), "per cell").at_least(bound(of(0, &single))),
        Row::new("own way learned: a sample", of(2, &single), "per cell"),
        Row::new("own way learned, without z-dropout: a sample", of(3, &single), "per cell"),
        Row::new("speed after 20 steps, constant", speed(&test.batch, None), "m/s rms"),
        Row::new(
            "speed after 20 steps, own way learned",
            of(2, &|model| speed(&test.batch, model.samples[0].last())),
            "m/s rms",
        ),
    ];
    for (i, (name, _)) in DETOURS.iter().enumerate() {
        let at = |answers: &[Curve]| 100.0 * answers[i][ANSWER - 1];
        let mut row = |what: &str, value: f64| {
            let row = Row::new(format!("answer to {name}, {what}"), value, "% of the true");
            rows.push(if what == VARIANTS[0].0 { row.at_least(50.0) } else { row });
        };
        for (j, (what, ..)) in VARIANTS.iter().enumerate() {
            row(what, of(j, &|model| at(&model.answers)));
        }
        row("deterministic model", middle(&|run| at(&run.answers)));
        row("constant velocity of what is seen", at(&test.answers));
    }
    for (j, (what, ..)) in VARIANTS.iter().enumerate() {
        rows.push(Row::new(format!("KL of a draw, {what}"), of(j, &|model| model.kl), "nats"));
    }
    rows.push(Row::new("training of all models", middle(&|run| run.minutes), "minutes"));

    let notes = vec![
        format!(
            "{} episodes for training, {} at the end of the log held out, {} between them for the choice of settings; {count} windows \
             of {} steps of 0.2 s, the same for all seeds; medians of {} seeds.",
            known.len(),
            held_out.len(),
            HELD_OUT[1],
            config.horizon,
            runs.len(),
        ),
        "View errors are squared errors of the channel of other cars, the mean of all cells, steps and windows; lines and verge follow \
         from the car's own place. Constant velocity is told either the true places, headings and speeds of all cars, in view or not, or \
         what the models see: where cars in view came from in the last step. Nobody but the former can know who comes into view later; \
         whoever is seen where they truly went is what that costs."
            .into(),
        format!(
            "The answer: views are predicted again with 2 m/s² more, or with a turn out and back that is a lane wide, and the same z; \
             the change of the view after {ANSWER} steps is projected on the true one, the recorded cars seen from the detour. Half \
             of the training windows have detours of that kind, drawn at random."
        ),
        "Where the car's own way is known, kinematics answer to the action, and the network adds only what others do: z-dropout then \
         makes samples better, not the answer. For the paper's question, whether z takes over what the action says, the own way is learned: \
         others move beside the car, no training window has a detour, and training is stochastic from the start. Even there the model \
         without z-dropout answers about as much: on this log z does not take over."
            .into(),
    ];
    Ok(Outcome { rows, report: pictures::report(&test, &runs, &grid), notes })
}

/// A model that has seen nothing yet.
type Untrained<'a> = dyn Fn(&Config, &mut Rng) -> Mpur + Sync + 'a;

impl Test {
    fn new(windows: &Windows<'_>, untrained: &Mpur, count: usize) -> Self {
        let rng = &mut Rng::seed_from_u64(0);
        let places: Vec<_> = (0..count).map(|_| windows.draw(rng)).collect();
        let batch = windows.batch(&places);
        let aside = |&(_, detour): &(&str, Detour)| {
            windows.batch(&places.iter().map(|&place| Place { detour, ..place }).collect::<Vec<_>>())
        };
        let last = Moment { view: batch.views[0].clone(), state: batch.states[0].clone() };
        let copied = vec![last; batch.next.len()];
        let drifted = [windows.constant_velocity(&places), untrained.forecast(&batch, None)];
        let mut test = Self {
            detours: DETOURS.iter().map(aside).collect(),
            copied: curve(&copied, &batch.next),
            drifted: drifted.map(|moments| curve(&moments, &batch.next)),
            answers: Vec::new(),
            hidden: curve(&untrained.foreseeable(&batch), &batch.next),
            batch,
        };
        test.answers = test.answers(untrained, None);
        test
    }

    /// How much of the true change of views a model shows for each detour, step by step.
    fn answers(&self, model: &Mpur, latents: Option<&[DMatrix<f32>]>) -> Vec<Curve> {
        let straight = model.forecast(&self.batch, latents);
        let answer = |aside: &Batch| {
            let forecasts = model.forecast(aside, latents).into_iter().zip(&straight);
            let truths = aside.next.iter().zip(&self.batch.next);
            let share =
                |((there, here), (true_there, true_here)): ((Moment, &Moment), (&Moment, &Moment))| {
                    let truth = others(&true_there.view) - others(&true_here.view);
                    let change = others(&there.view) - others(&here.view);
                    f64::from(change.dot(&truth) / truth.norm_squared().max(1e-9))
                };
            forecasts.zip(truths).map(share).collect()
        };
        self.detours.iter().map(answer).collect()
    }
}

fn train(
    config: &Config,
    untrained: &Untrained<'_>,
    windows: &Windows<'_>,
    test: &Test,
    (seed, data): (u64, u32),
) -> Result<Trained> {
    let provenance = Provenance { trainer: env!("CARGO_PKG_VERSION"), task: "traffic-model", seed, data };
    let rng = &mut Rng::seed_from_u64(seed);
    let started = Instant::now();
    let mut model = untrained(config, rng);
    model.train_deterministic(config, windows, rng, |_| ())?;
    let minutes = started.elapsed().as_secs_f64() / 60.0;
    let deterministic = model.forecast(&test.batch, None);
    let file = model.export(false, provenance)?;
    let answers = test.answers(&model, None);
    let variant = |&(_, own, dropped): &(&str, Own, bool)| -> Result<Stochastic> {
        let rng = &mut Rng::seed_from_u64(seed);
        let dropout = if dropped { config.dropout } else { 0.0 };
        let (config, mut model) = match own {
            Own::Known => (Config { dropout, ..config.clone() }, model.clone()),
            Own::Learned => {
                let config = Config { own, dropout, detours: 0.0, ..config.clone() };
                (config.clone(), untrained(&config, rng))
            }
        };
        let started = Instant::now();
        let mut divergences = Vec::new();
        model.train_stochastic(&config, windows, rng, |progress| divergences.push(f64::from(progress.kl)))?;
        let minutes = started.elapsed().as_secs_f64() / 60.0;
        // Where z was dropped at every draw there is none.
        let late = divergences[divergences.len() / 2..].iter().copied().filter(|&kl| kl > 0.0);
        let kl = mean(&late.collect::<Vec<_>>());
        let file = model.export(true, provenance)?;
        Ok(Stochastic { minutes, kl, ..Stochastic::new(&model, file, test, rng) })
    };
    let stochastic = VARIANTS.par_iter().map(variant).collect::<Result<Vec<_>>>()?;
    let error = curve(&deterministic, &test.batch.next);
    let singles: Vec<_> = stochastic.iter().map(|model| format!("{:.6}", mean(&model.single))).collect();
    eprintln!("  seed {seed}: deterministic {:.6}, samples {}", mean(&error), singles.join(", "));
    let minutes = minutes + stochastic.iter().map(|model| model.minutes).sum::<f64>();
    let files = [stochastic[0].file.clone(), file];
    Ok(Trained { minutes, files, deterministic, error, answers, stochastic })
}

impl Stochastic {
    fn new(model: &Mpur, file: WeightFile, test: &Test, rng: &mut Rng) -> Self {
        let n = test.batch.len();
        let mut latents = || (0..model.draws(&test.batch)).map(|_| model.prior(n, rng)).collect::<Vec<_>>();
        let of_answers = latents();
        let samples: Vec<_> = (0..SAMPLES).map(|_| model.forecast(&test.batch, Some(&latents()))).collect();
        let truth = &test.batch.next;
        let averages: Vec<_> = (0..truth.len()).map(|k| average(&samples, k)).collect();
        let mean_curve = curve(&averages, truth);
        let variance = mean(&samples.iter().map(|s| mean(&curve(s, &averages))).collect::<Vec<_>>());
        let best = (0..n).map(|i| {
            samples.iter().map(|sample| window_error(sample, truth, i, n)).fold(f64::INFINITY, f64::min)
        });
        Self {
            file,
            single: curve(&samples[0], truth),
            best: mean(&best.collect::<Vec<_>>()),
            spread: (variance / mean(&mean_curve)).sqrt(),
            mean: mean_curve,
            answers: test.answers(model, Some(&of_answers)),
            samples,
            kl: 0.0,
            minutes: 0.0,
        }
    }
}

/// The mean of the samples at step `k`.
fn average(samples: &[Vec<Moment>], k: usize) -> Moment {
    let sum = |part: &dyn Fn(&Moment) -> &DMatrix<f32>| {
        let first = part(&samples[0][k]).clone();
        let sum = samples[1..].iter().fold(first, |sum, sample| sum + part(&sample[k]));
        sum / samples.len() as f32
    };
    Moment { view: sum(&|moment| &moment.view), state: sum(&|moment| &moment.state) }
}

/// The error of all windows together, step by step.
fn curve(predicted: &[Moment], truth: &[Moment]) -> Curve {
    predicted.iter().zip(truth).map(|(a, b)| error(&a.view, &b.view, 0, a.view.ncols())).collect()
}

/// The error of one window of `n`, the mean of all steps.
fn window_error(predicted: &[Moment], truth: &[Moment], i: usize, n: usize) -> f64 {
    let length = |view: &DMatrix<f32>| view.ncols() / n;
    let of = |(a, b): (&Moment, &Moment)| error(&a.view, &b.view, i * length(&a.view), length(&a.view));
    mean(&predicted.iter().zip(truth).map(of).collect::<Vec<_>>())
}

/// The channel of other cars.
fn others(view: &DMatrix<f32>) -> DMatrix<f32> {
    view.rows(OTHERS, 1).into_owned()
}

/// The mean squared error of other cars in some cells.
fn error(a: &DMatrix<f32>, b: &DMatrix<f32>, start: usize, cells: usize) -> f64 {
    let of = |m: &DMatrix<f32>| m.view((OTHERS, start), (1, cells)).into_owned();
    f64::from((of(a) - of(b)).norm_squared()) / cells as f64
}

/// How far the last speed is off; without a prediction, the first speed's error.
fn speed(batch: &Batch, predicted: Option<&Moment>) -> f64 {
    let predicted = predicted.map_or(&batch.states[0], |moment| &moment.state);
    let truth = batch.next.last().map_or(&batch.states[0], |moment| &moment.state);
    let off = (predicted - truth).row(2).norm_squared() / batch.len() as f32;
    f64::from(off).sqrt()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}
