//! The conditional VAE with z-dropout on recorded traffic: how well it predicts, how much its samples differ, and whether
//! it answers to actions.

mod pictures;

use super::{Outcome, Setting, median, per_seed};
use crate::{
    data::traffic::Log,
    predict::mpur::{Batch, Config, Detour, Latent, Moment, Mpur, OTHERS, Place, Windows},
    results::Row,
    tape::Tape,
    worlds::{Rng, traffic::view::Grid},
};
use anyhow::Result;
use nalgebra::DMatrix;
use rand::SeedableRng;
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

/// Errors of other cars in views, step by step: squared, the mean of all cells and windows.
type Curve = Vec<f64>;

/// What the windows that nothing was trained on hold.
struct Test {
    batch: Batch,
    /// With each of [`DETOURS`].
    detours: Vec<Batch>,
    copied: Curve,
    drifted: Curve,
}

/// One seed.
struct Trained {
    minutes: f64,
    deterministic: Vec<Moment>,
    error: Curve,
    /// With z-dropout, and without.
    stochastic: [Stochastic; 2],
    /// Of the deterministic model, to each of [`DETOURS`].
    answers: Vec<Curve>,
}

/// A model with z.
struct Stochastic {
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
}

pub(super) fn run(setting: &Setting) -> Result<Outcome> {
    let log = Log::highway(&setting.data)?;
    let config = if setting.quick {
        Config { deterministic: 20, stochastic: 10, ..Config::default() }
    } else {
        Config::default()
    };
    let grid = Grid::default();
    let (rest, held_out) = log.episodes.split_at(log.episodes.len().saturating_sub(HELD_OUT[0]));
    let known = &rest[..rest.len().saturating_sub(HELD_OUT[1])];
    let count = if setting.quick { WINDOWS / 10 } else { WINDOWS };
    let test = Test::new(&Windows::new(held_out, grid, config.past, config.horizon)?, count);
    let windows = Windows::new(known, grid, config.past, config.horizon)?;
    let runs = per_seed(setting, |seed| train(&config, &grid, &windows, &test, seed))?;

    let middle = |value: &dyn Fn(&Trained) -> f64| median(&runs.iter().map(value).collect::<Vec<_>>());
    let copied = mean(&test.copied);
    let drifted = mean(&test.drifted);
    let mut rows = vec![
        Row::new("view error, copying the last view", copied, "per cell"),
        Row::new("view error, constant velocity", drifted, "per cell"),
        Row::new("view error, deterministic model", middle(&|run| mean(&run.error)), "per cell")
            .at_most(copied),
        Row::new("view error, mean of 10 samples", middle(&|run| mean(&run.stochastic[0].mean)), "per cell")
            .beside(drifted, "constant velocity, told all places")
            .at_most(copied),
        Row::new("view error, a sample", middle(&|run| mean(&run.stochastic[0].single)), "per cell"),
        Row::new("view error, best of 10 samples", middle(&|run| run.stochastic[0].best), "per cell")
            .at_most(middle(&|run| mean(&run.stochastic[0].single))),
        Row::new("spread of samples by their error", middle(&|run| run.stochastic[0].spread), ""),
        Row::new("without z-dropout: a sample", middle(&|run| mean(&run.stochastic[1].single)), "per cell"),
        Row::new("speed after 20 steps, constant", speed(&test.batch, None), "m/s rms"),
        Row::new(
            "speed after 20 steps, deterministic model",
            middle(&|run| speed(&test.batch, run.deterministic.last())),
            "m/s rms",
        ),
    ];
    for (i, (name, _)) in DETOURS.iter().enumerate() {
        let at = |answers: &[Curve]| 100.0 * answers[i][ANSWER - 1];
        rows.push(
            Row::new(
                format!("answer to {name}, with z-dropout"),
                middle(&|run| at(&run.stochastic[0].answers)),
                "% of the true",
            )
            .at_least(50.0),
        );
        rows.push(Row::new(
            format!("answer to {name}, without"),
            middle(&|run| at(&run.stochastic[1].answers)),
            "% of the true",
        ));
        rows.push(Row::new(
            format!("answer to {name}, deterministic model"),
            middle(&|run| at(&run.answers)),
            "% of the true",
        ));
    }
    rows.push(Row::new("KL of a step, with z-dropout", middle(&|run| run.stochastic[0].kl), "nats"));
    rows.push(Row::new("KL of a step, without", middle(&|run| run.stochastic[1].kl), "nats"));
    rows.push(Row::new("training of all three models", middle(&|run| run.minutes), "minutes"));

    let notes = vec![
        format!(
            "{} episodes for training, {} at the end of the log held out, {} between them for the choice of settings (the last two changes of the design were made with the held-out ones in view); {count} windows \
             of {} steps of 0.2 s, the same for all seeds; medians of {} seeds.",
            known.len(),
            held_out.len(),
            HELD_OUT[1],
            config.horizon,
            runs.len(),
        ),
        "View errors are squared errors of the channel of other cars, the mean of all cells, steps and windows; lines and verge follow \
         from the car's own place. Constant velocity is told the true places and speeds of all cars; the models see them."
            .into(),
        format!(
            "The answer: views are predicted again with 2 m/s² more, or with a turn out and back that is a lane wide, and the same z; \
             the change of the view after {ANSWER} steps is projected on the true one, the recorded cars seen from the detour. Half \
             of the training windows have detours of that kind, drawn at random."
        ),
    ];
    Ok(Outcome { rows, report: pictures::report(&test, &runs, &grid), notes })
}

impl Test {
    fn new(windows: &Windows<'_>, count: usize) -> Self {
        let rng = &mut Rng::seed_from_u64(0);
        let places: Vec<_> = (0..count).map(|_| windows.draw(rng)).collect();
        let batch = windows.batch(&places);
        let aside = |&(_, detour): &(&str, Detour)| {
            windows.batch(&places.iter().map(|&place| Place { detour, ..place }).collect::<Vec<_>>())
        };
        let last = Moment { view: batch.views[0].clone(), state: batch.states[0].clone() };
        let copied = vec![last; batch.next.len()];
        Self {
            detours: DETOURS.iter().map(aside).collect(),
            copied: curve(&copied, &batch.next),
            drifted: curve(&windows.constant_velocity(&places), &batch.next),
            batch,
        }
    }

    /// How much of the true change of views a model shows for each detour, step by step. `latents` are z by step.
    fn answers(&self, model: &Mpur, latents: Option<&[DMatrix<f32>]>) -> Vec<Curve> {
        let forecast = |batch: &Batch| {
            let mut rest = latents.into_iter().flatten();
            model.forecast(batch, |tape| {
                rest.next().map_or(Latent::Absent, |z| Latent::Given(tape.constant(z.clone())))
            })
        };
        let straight = forecast(&self.batch);
        let answer = |aside: &Batch| {
            let forecasts = forecast(aside).into_iter().zip(&straight);
            let truths = aside.next.iter().zip(&self.batch.next);
            let share =
                |((there, here), (true_there, true_here)): ((Moment, &Moment), (&Moment, &Moment))| {
                    let truth = &true_there.view - &true_here.view;
                    f64::from((there.view - &here.view).dot(&truth) / truth.norm_squared().max(1e-9))
                };
            forecasts.zip(truths).map(share).collect()
        };
        self.detours.iter().map(answer).collect()
    }
}

fn train(config: &Config, grid: &Grid, windows: &Windows<'_>, test: &Test, seed: u64) -> Result<Trained> {
    let rng = &mut Rng::seed_from_u64(seed);
    let started = Instant::now();
    let mut model = Mpur::new(config, grid, windows.scales(rng), rng);
    model.train_deterministic(config, windows, rng, |_| ())?;
    let mut minutes = started.elapsed().as_secs_f64() / 60.0;
    let deterministic = model.forecast(&test.batch, |_| Latent::Absent);
    let answers = test.answers(&model, None);
    let mut stochastic = |dropout: f64| -> Result<Stochastic> {
        let config = Config { dropout, ..config.clone() };
        let rng = &mut Rng::seed_from_u64(seed);
        let started = Instant::now();
        let mut model = model.clone();
        let mut divergences = Vec::new();
        model.train_stochastic(&config, windows, rng, |progress| divergences.push(f64::from(progress.kl)))?;
        minutes += started.elapsed().as_secs_f64() / 60.0;
        let late = &divergences[divergences.len() * 4 / 5..];
        // The KL of a batch is summed over the steps that z was not dropped at.
        let kl = mean(late) / (1.0 - dropout);
        Ok(Stochastic::new(&model, test, kl, rng))
    };
    let stochastic = [stochastic(config.dropout)?, stochastic(0.0)?];
    let error = curve(&deterministic, &test.batch.next);
    eprintln!(
        "  seed {seed}: deterministic {:.5}, a sample {:.5}, without z-dropout {:.5}",
        mean(&error),
        mean(&stochastic[0].single),
        mean(&stochastic[1].single)
    );
    Ok(Trained { minutes, deterministic, error, stochastic, answers })
}

impl Stochastic {
    fn new(model: &Mpur, test: &Test, kl: f64, rng: &mut Rng) -> Self {
        let n = test.batch.len();
        let mut prior = || {
            let tape = Tape::new();
            let z = model.prior(&tape, n, rng);
            tape.value(z).clone_owned()
        };
        let latents: Vec<_> = (0..test.batch.actions.len()).map(|_| prior()).collect();
        let mut sample = |_| model.forecast(&test.batch, |tape| Latent::Given(tape.constant(prior())));
        let samples: Vec<_> = (0..SAMPLES).map(&mut sample).collect();
        let truth = &test.batch.next;
        let averages: Vec<_> = (0..truth.len()).map(|k| average(&samples, k)).collect();
        let mean_curve = curve(&averages, truth);
        let variance = mean(&samples.iter().map(|s| mean(&curve(s, &averages))).collect::<Vec<_>>());
        let best = (0..n).map(|i| {
            samples.iter().map(|sample| window_error(sample, truth, i, n)).fold(f64::INFINITY, f64::min)
        });
        Self {
            single: curve(&samples[0], truth),
            best: mean(&best.collect::<Vec<_>>()),
            spread: (variance / mean(&mean_curve)).sqrt(),
            mean: mean_curve,
            answers: test.answers(model, Some(&latents)),
            samples,
            kl,
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

/// The mean squared error of other cars in some cells.
fn error(a: &DMatrix<f32>, b: &DMatrix<f32>, start: usize, cells: usize) -> f64 {
    let of = |m: &DMatrix<f32>| m.row(OTHERS).columns(start, cells).into_owned();
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
