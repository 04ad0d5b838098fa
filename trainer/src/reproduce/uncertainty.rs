//! What cannot be known apart from what is not yet known: ensembles and dropout, on a line and on a pendulum.

mod pictures;

use super::{Outcome, Setting, median, per_seed};
use crate::{
    data::log::Log,
    export::write_file,
    predict::{
        ensemble::{Config, Ensemble, LEVELS, Prediction, error, predict},
        transitions::Transitions,
    },
    report::Report,
    results::Row,
    tasks::pendulum,
    worlds::{Rng, camera::normal},
};
use anyhow::Result;
use forethought::feature::Angles;
use nalgebra::DMatrix;
use rand::{RngExt, SeedableRng};

/// Transitions that a model is shown, from few to many.
const SIZES: [usize; 3] = [250, 1000, 4000];
/// Transitions to calibrate on, and to test on.
const VALIDATION: usize = 2000;
const TEST: usize = 4000;

/// A world whose noise is known, with a place that is left out of the data.
struct Example {
    name: &'static str,
    /// The component of the state that is looked at.
    component: usize,
    /// As many transitions as are asked for from where there is data, and from where there is none.
    draw: fn(&Source, usize, Where, &mut Rng) -> Transitions,
    /// The deviation of the world's noise at a state.
    noise: fn(&[f32]) -> f32,
    config: fn() -> Config,
}

/// Where states are taken from.
#[derive(Clone, Copy, PartialEq)]
enum Where {
    Data,
    Gap,
}

/// What states are drawn from: the recorded pendulum, the one part and the other; nothing is needed for the line.
struct Source {
    pendulum: [Transitions; 2],
}

const EXAMPLES: [Example; 2] = [
    Example {
        name: "line",
        component: 0,
        draw: |_, n, place, rng| line(n, place, rng),
        noise: |x| 0.05 + 0.1 * (1.0 + (3.0 * x[0]).sin()),
        config: || Config { steps: 5000, ..Config::default() },
    },
    Example {
        name: "pendulum",
        component: 1,
        draw: shaken,
        noise: |x| 0.1 + 0.2 * (1.0 + x[0].cos()),
        config: || Config { steps: 2500, ..Config::default() },
    },
];

/// `s' = s + sin 2s` and noise, from 1 ≤ |s| ≤ 3; the gap lies between.
fn line(n: usize, place: Where, rng: &mut Rng) -> Transitions {
    let states = DMatrix::from_fn(1, n, |_, _| match place {
        Where::Gap => rng.random_range(-0.5..0.5_f32),
        Where::Data => rng.random_range(1.0..3.0_f32) * if rng.random() { 1.0 } else { -1.0 },
    });
    let noise = EXAMPLES[0].noise;
    let changes = states.map(|s| (2.0 * s).sin() + noise(&[s]) * normal(rng) as f32);
    Transitions { angles: Angles(0), states, actions: DMatrix::zeros(0, n), changes }
}

/// Recorded transitions, each with noise on its speed; the gap is where the pendulum is fast.
fn shaken(source: &Source, n: usize, place: Where, rng: &mut Rng) -> Transitions {
    let mut drawn = source.pendulum[usize::from(place == Where::Gap)].draw(n, rng);
    for j in 0..n {
        let state = drawn.states.column(j);
        let noise = (EXAMPLES[1].noise)(state.as_slice()) * normal(rng) as f32;
        drawn.changes[(1, j)] += noise;
    }
    drawn
}

/// Speeds below which the recorded pendulum is shown, and above which it is not known.
const SLOW: f32 = 4.0;
const FAST: f32 = 6.0;

impl Source {
    fn read(setting: &Setting) -> Result<Self> {
        let log = Log::read(&setting.data.join("gymnasium-pendulum-v1.csv.gz"), 2, pendulum::ANGLES, 1)?;
        let all = Transitions::of(&log.episodes, pendulum::ANGLES)?;
        let part = |chosen: &dyn Fn(f32) -> bool| {
            all.select(&(0..all.len()).filter(|&j| chosen(all.states[(1, j)].abs())).collect::<Vec<_>>())
        };
        Ok(Self { pendulum: [part(&|speed| speed < SLOW), part(&|speed| speed > FAST)] })
    }
}

/// One ensemble.
struct Trained {
    /// Shares of held-out transitions inside the intervals of [`LEVELS`], and inside those of any level.
    coverage: [f64; 3],
    curve: Vec<(f64, f64)>,
    /// Mean deviations: the world's as the ensemble sees it and its own doubt, where there is data and where not.
    aleatoric: [f64; 2],
    epistemic: [f64; 2],
    /// Root mean square of the ratio of the aleatoric deviation to the true one, less 1.
    noise: f64,
    /// What it says where it is looked at.
    shown: Vec<(Vec<f32>, Prediction)>,
    data: Transitions,
}

pub(super) fn run(setting: &Setting) -> Result<Outcome> {
    let source = Source::read(setting)?;
    let (mut rows, mut report) =
        (Vec::new(), Report::new("How far a model can be trusted", "ensembles, dropout, calibration"));
    for example in &EXAMPLES {
        for (what, dropout) in [("ensemble", 0.0), ("dropout", 0.1)] {
            let runs = per_seed(setting, |seed| {
                SIZES
                    .map(|n| train(example, (what, dropout), (n, seed), &source, setting))
                    .into_iter()
                    .collect::<Result<Vec<_>>>()
            })?;
            tabulate(&format!("{}, {what}", example.name), dropout == 0.0, &runs, &mut rows);
            pictures::show(&mut report, example, what, &runs[0]);
        }
    }
    let notes = vec![
        format!(
            "Medians over seeds; {} transitions unless said otherwise, {VALIDATION} others for calibration, {TEST} others to test on. \
             An exported file of 5 members, run by the kernel of the chip. The members' priors and the steps were chosen on seeds \
             10 to 12.",
            SIZES[2]
        ),
        "Line: s′ = s + sin 2s with noise of deviation 0.05 + 0.1 (1 + sin 3s), data at 1 ≤ |s| ≤ 3, the gap |s| < 0.5. Pendulum: \
         Gymnasium's recorded transitions with noise of deviation 0.1 + 0.2 (1 + cos θ) on the speed, data at |ω| < 4, the gap |ω| > 6."
            .into(),
        "Epistemic: deviation of the members' means; aleatoric: mean predicted deviation. Intervals are those of a Gaussian with the sum of \
         both variances. Dropout: one network, 10 % of hidden units dropped, 5 masks as members."
            .into(),
    ];
    Ok(Outcome { rows, report, notes })
}

fn train(
    example: &Example,
    (what, dropout): (&str, f32),
    (n, seed): (usize, u64),
    source: &Source,
    setting: &Setting,
) -> Result<Trained> {
    let mut rng = Rng::seed_from_u64(seed);
    let mut config = Config { dropout, ..(example.config)() };
    if dropout > 0.0 {
        // One network for all: it has the time of all.
        config.steps *= 2;
    }
    if setting.quick {
        config.steps /= 10;
    }
    let mut draw = |n, place| (example.draw)(source, n, place, &mut rng);
    let (data, validation) = (draw(n, Where::Data), draw(VALIDATION, Where::Data));
    let tests = [draw(TEST, Where::Data), draw(TEST, Where::Gap)];
    let mut ensemble = Ensemble::new(&config, &data, &mut rng)?;
    ensemble.train(&data, &mut rng, |_, _, _| ())?;
    let before = ensemble.weight_file(&data, example.name, seed)?;
    ensemble.calibrate(&before, &validation)?;
    let file = ensemble.weight_file(&data, example.name, seed)?;
    if seed == setting.seed && n == SIZES[2] {
        let path = format!("uncertainty/{}-{what}.fth", example.name);
        write_file(&setting.out.join(path), file.bytes())?;
    }
    let artifact = file.parse()?;
    let said = [predict(&artifact, &tests[0])?, predict(&artifact, &tests[1])?];
    let i = example.component;
    let covered = |deviations: f32| {
        let inside = |(j, p): &(usize, &Prediction)| {
            error(&tests[0], *j, p, i).abs() < deviations * p.variance(i).sqrt()
        };
        said[0].iter().enumerate().filter(inside).count() as f64 / TEST as f64
    };
    let mean = |value: &dyn Fn(&Prediction) -> f32, place: usize| {
        said[place].iter().map(|p| f64::from(value(p)).sqrt()).sum::<f64>() / TEST as f64
    };
    let ratios = said[0]
        .iter()
        .zip(tests[0].states.column_iter())
        .map(|(p, x)| f64::from(p.aleatoric[i].sqrt() / (example.noise)(x.as_slice()) - 1.0).powi(2));
    let noise = (ratios.sum::<f64>() / TEST as f64).sqrt();
    let looked_at = pictures::looked_at(example.name);
    let shown = looked_at.states.column_iter().map(|x| x.as_slice().to_vec());
    let trained = Trained {
        coverage: LEVELS.map(|(_, deviations)| covered(deviations)),
        curve: (1..40).map(|k| 0.075 * k as f32).map(|d| (inside_gaussian(d.into()), covered(d))).collect(),
        aleatoric: [0, 1].map(|place| mean(&|p| p.aleatoric[i], place)),
        epistemic: [0, 1].map(|place| mean(&|p| p.epistemic[i], place)),
        noise,
        shown: shown.zip(predict(&artifact, &looked_at)?).collect(),
        data,
    };
    eprintln!(
        "  {} {what}, {n}, seed {seed}: coverage {:.3?}, aleatoric {:.3?}, epistemic {:.4?}, noise off by {:.2}",
        example.name, trained.coverage, trained.aleatoric, trained.epistemic, trained.noise
    );
    Ok(trained)
}

/// The share of a Gaussian within so many deviations: Simpson's rule.
fn inside_gaussian(deviations: f64) -> f64 {
    const STEPS: usize = 100;
    let h = deviations / STEPS as f64;
    let density = |k: usize| (-0.5 * (k as f64 * h).powi(2)).exp();
    let weight = |k: usize| match k {
        0 | STEPS => 1.0,
        k if k % 2 == 1 => 4.0,
        _ => 2.0,
    };
    let sum: f64 = (0..=STEPS).map(|k| weight(k) * density(k)).sum();
    2.0 * sum * h / 3.0 / std::f64::consts::TAU.sqrt()
}

/// `runs[seed][size]`. Only of an ensemble is something demanded: the masks of dropout disagree as much as they were told
/// to, whatever the data.
fn tabulate(name: &str, demanding: bool, runs: &[Vec<Trained>], rows: &mut Vec<Row>) {
    let middle = |value: &dyn Fn(&[Trained]) -> f64| {
        median(&runs.iter().map(|sizes| value(sizes)).collect::<Vec<_>>())
    };
    let demand = |row: Row, bound: &dyn Fn(Row) -> Row| if demanding { bound(row) } else { row };
    let last = SIZES.len() - 1;
    for (k, (level, _)) in LEVELS.into_iter().enumerate() {
        let miss = middle(&|run| 100.0 * (run[last].coverage[k] - level).abs());
        let what = format!("{name}: the {:.0} % interval holds too much or too little by", 100.0 * level);
        rows.push(demand(Row::new(what, miss, "points"), &|row| row.at_most(3.0)));
    }
    let growth = middle(&|run| run[last].epistemic[1] / run[last].epistemic[0]);
    let shrink = middle(&|run| run[last].epistemic[0] / run[0].epistemic[0]);
    let growth = Row::new(format!("{name}: epistemic off the data / on it"), growth, "");
    let shrink = Row::new(format!("{name}: epistemic with 16 times the data / before"), shrink, "");
    rows.push(demand(growth, &|row| row.at_least(5.0)));
    rows.push(demand(shrink, &|row| row.at_most(0.6)));
    let off = middle(&|run| run[last].aleatoric[1] / run[last].aleatoric[0]);
    let off = Row::new(format!("{name}: aleatoric off the data / on it"), off, "");
    rows.push(demand(off, &|row| row.at_most(2.0)));
    let more = middle(&|run| run[last].aleatoric[0] / run[0].aleatoric[0]);
    let more = Row::new(format!("{name}: aleatoric with 16 times the data / before"), more, "");
    rows.push(demand(more, &|row| row.at_least(0.8)));
    let noise = middle(&|run| 100.0 * run[last].noise);
    let noise = Row::new(format!("{name}: aleatoric deviation beside the true one"), noise, "% off");
    rows.push(demand(noise, &|row| row.at_most(20.0)));
}
