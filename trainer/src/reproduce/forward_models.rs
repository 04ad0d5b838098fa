//! Forward models of five plants, one step and fifty steps ahead on episodes that nobody has learned from.

mod pictures;

use super::{Outcome, Setting, median, per_seed, rounded};
use crate::{
    data::log::{Episode, Log},
    export::{WeightFile, write_file},
    mind,
    predict::{
        network::{Config, Known, Network},
        open_loop::{self, Foresight},
        residual::Physics,
    },
    report::Report,
    results::Row,
    worlds::{
        Rng,
        car::Car,
        cart_pole::CartPole,
        pendulum::Pendulum,
        practice::{About, Practice},
        quadrotor::Quadrotor,
        rocket::Rocket,
    },
};
use anyhow::{Context, Result};
use forethought::{
    artifact::{Provenance, Sensors},
    predict::physics::{car, cart_pole, pendulum, quadrotor, rocket},
};
use rand::SeedableRng;

/// Steps far ahead.
const FAR: usize = 50;
/// Between the states that are started from.
const STRIDE: usize = 5;

/// A plant, where its log comes from, and a guess at its constants that is wrong.
struct Subject {
    about: About,
    log: Log,
    guess: Vec<f32>,
    /// How wrong, in words.
    wrong: &'static str,
}

impl Subject {
    fn practised<W: Practice, C: Into<[f32; N]>, const N: usize>(
        mut world: W,
        guess: C,
        wrong: &'static str,
        episodes: usize,
    ) -> Self {
        let log = Log::practise(&mut world, episodes, &mut Rng::seed_from_u64(RECORDING));
        Self { about: W::ABOUT, log, guess: guess.into().to_vec(), wrong }
    }
}

/// Seed of the recordings: the same for every training.
const RECORDING: u64 = 2026;

fn subjects(setting: &Setting) -> Result<Vec<Subject>> {
    let path = setting.data.join("gymnasium-pendulum-v1.csv.gz");
    let about = Pendulum::ABOUT;
    let log = Log::read(&path, about.state.len(), about.angles, about.low.len())
        .context("it is recorded from Gymnasium's Pendulum-v1: `--data` names the folder that it is in")?;
    let (p, c, r, d) = (
        pendulum::Constants::default(),
        cart_pole::Constants::default(),
        rocket::Constants::default(),
        car::Constants::default(),
    );
    let q = quadrotor::Constants::default();
    let guess: [f32; 4] = pendulum::Constants { gravity: 0.9 * p.gravity, gain: 1.1 * p.gain, ..p }.into();
    let episodes = if setting.quick { 20 } else { 100 };
    Ok(vec![
        Subject {
            about,
            log,
            guess: guess.to_vec(),
            wrong: "gravity 10 % too small, torque 10 % too strong",
        },
        Subject::practised(
            CartPole::default(),
            cart_pole::Constants { pole: 1.5 * c.pole, half_length: 0.9 * c.half_length, ..c },
            "pole 50 % too heavy and 10 % too short",
            episodes,
        ),
        Subject::practised(
            Quadrotor::default(),
            quadrotor::Constants {
                thrust: 0.95 * q.thrust,
                moments: q.moments.map(|m| m.map(|m| 0.9 * m)),
                ..q
            },
            "thrust 5 % and moments 10 % too small",
            episodes,
        ),
        Subject::practised(
            Rocket::default(),
            rocket::Constants { dry: 1.1 * r.dry, exhaust: 0.8 * r.exhaust, lever: 1.2 * r.lever, ..r },
            "mass 10 % and lever 20 % too large, exhaust 20 % too slow",
            episodes,
        ),
        Subject::practised(
            Car::default(),
            car::Constants { wheelbase: 1.1 * d.wheelbase, drag: 0.0, ..d },
            "wheelbase 10 % too long, no friction",
            episodes,
        ),
    ])
}

/// The settings of every model; with more hidden units where there is more to be known.
fn config(setting: &Setting, subject: &Subject) -> Config {
    let hidden = if subject.about.state.len() > 4 { 64 } else { 32 };
    let defaults =
        Config { hidden, one_step: 4000, multi_step: 1600, window: 16, batch: 128, ..Config::default() };
    if setting.quick { Config { one_step: 100, multi_step: 40, window: 5, ..defaults } } else { defaults }
}

/// Errors one step and many steps ahead.
type Errors = [f64; 2];

/// One seed of one plant.
struct Trained {
    learned: Errors,
    corrected: Errors,
    files: [WeightFile; 2],
}

pub(super) fn run(setting: &Setting) -> Result<Outcome> {
    let subjects = subjects(setting)?;
    let (mut rows, mut report) = (
        Vec::new(),
        Report::new("Forward models", "learned, physics + learned residual, copy of the last state"),
    );
    let mut notes = vec![format!(
        "Errors are root mean squares over all coordinates (an angle's are its cosine and sine), each in standard deviations of the \
         log, on the last tenth of the episodes, which nobody has learned from; {FAR} steps ahead a model sees only the actions. \
         What is measured is the exported file, run by the kernels of the chip; medians of {} seeds.",
        setting.seeds().len()
    )];
    for subject in &subjects {
        let config = config(setting, subject);
        let (training, held_out) = subject.log.split(config.held_out);
        let spread = open_loop::deviations(training, subject.about.angles);
        let errors = |model: &Foresight<'_>| -> Errors {
            [1, FAR].map(|steps| {
                let errors = open_loop::errors(model, (held_out, subject.about.angles), (steps, STRIDE));
                open_loop::relative(&errors, &spread)
            })
        };
        let physics = Physics::new(subject.about.plant, &subject.guess)?;
        let guessed = errors(&|x, u| physics.next(x, u));
        let copied = errors(&open_loop::copy);
        let runs = per_seed(setting, |seed| train(&config, subject, training, &errors, seed))?;
        let middle = |of: fn(&Trained) -> Errors, k: usize| {
            median(&runs.iter().map(|run| of(run)[k]).collect::<Vec<_>>())
        };
        let name = subject.about.name;
        for (k, ahead) in ["1 step".to_owned(), format!("{FAR} steps")].iter().enumerate() {
            let row =
                |model: &str, error: f64| Row::new(format!("{name}, {ahead}: {model}"), 100.0 * error, "%");
            // One step ahead, what was learned must be worth something; fifty steps are reported as they are.
            let demand = |row: Row, baseline: f64, source| {
                let row = row.beside(100.0 * baseline, source);
                if k == 0 { row.at_most(rounded(100.0 * baseline)) } else { row }
            };
            let (learned, corrected) = (middle(|run| run.learned, k), middle(|run| run.corrected, k));
            rows.push(demand(row("learned", learned), copied[k], "copy of the last state"));
            rows.push(demand(row("physics + residual", corrected), guessed[k], "the wrong physics alone"));
        }
        notes.push(format!(
            "{name}: {} episodes; the physics in the residual is wrong: {}.",
            subject.log.episodes.len(),
            subject.wrong
        ));
        pictures::show(&mut report, subject, held_out, &runs[0].files)?;
        for (file, kind) in runs[0].files.iter().zip(["learned", "corrected"]) {
            write_file(&setting.out.join(format!("forward-models/{name}-{kind}.fth")), file.bytes())?;
        }
    }
    Ok(Outcome { rows, report, notes })
}

fn train(
    config: &Config,
    subject: &Subject,
    training: &[Episode],
    errors: &dyn Fn(&Foresight<'_>) -> Errors,
    seed: u64,
) -> Result<Trained> {
    let About { angles, places, plant, name, .. } = subject.about;
    let fit = |physics: Option<Physics>| -> Result<(Errors, WeightFile)> {
        let rng = &mut Rng::seed_from_u64(seed);
        let known = Known { angles, places: places.to_vec(), physics };
        let mut model = Network::new(config, known, training, rng)?;
        model.train(config, training, rng, |_, _, _, _| ())?;
        let largest = training.iter().flat_map(|e| e.states.iter().chain(&e.actions)).flatten();
        let largest = 10.0 * largest.fold(1.0_f32, |m, v| m.max(v.abs()));
        let provenance =
            Provenance { trainer: env!("CARGO_PKG_VERSION"), task: name, seed, data: subject.log.digest };
        let file = model.weight_file(Sensors { low: -largest, high: largest }, provenance)?;
        let artifact = file.parse()?;
        let found = errors(&mind::model(&artifact)?);
        drop(artifact);
        Ok((found, file))
    };
    let (learned, own) = fit(None)?;
    let (corrected, helped) = fit(Some(Physics::new(plant, &subject.guess)?))?;
    let percent = |e: Errors| e.map(|e| format!("{:.2} %", 100.0 * e)).join(" and ");
    eprintln!("  {name}, seed {seed}: learned {}, corrected {}", percent(learned), percent(corrected));
    Ok(Trained { learned, corrected, files: [own, helped] })
}
