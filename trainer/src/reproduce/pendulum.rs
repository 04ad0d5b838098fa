//! The default agent on Pendulum-v1: planning with a model that was learned from Gymnasium's log, with its physics, by policy
//! and from pixels; and what the horizon does with and without a learned value at its end.

use super::{Outcome, Setting};
use crate::{
    data::log::Log,
    evaluate::{self, Flight, Score, View, fly},
    export::{WeightFile, write_file},
    mind,
    report::{
        Figure, Report, pendulum,
        plot::{Axis, Plot, Series},
    },
    results::Row,
    tasks::pendulum::{ANGLES, Config, NX, OPTIMUM, export, export_without_value, train},
    worlds::practice::Practice,
};
use anyhow::{Context, Result};
use forethought::{
    agent::Mode,
    artifact::{Artifact, Model, Plant},
};
use std::f64::consts::PI;

/// Resets.
const EPISODES: usize = 500;
/// Resets for each horizon.
const SWEPT: usize = 100;
/// Horizons that are compared.
const HORIZONS: [u16; 7] = [5, 10, 15, 20, 30, 40, 60];
/// Seed of the resets, apart from those of training.
const RESETS: u64 = 1000;
/// The optimal return from hanging still.
const FROM_HANGING: f64 = -295.3;

/// Returns that are shown against the horizon.
const LEAST: f64 = -200.0;

/// One curve over horizons.
struct Sweep {
    name: &'static str,
    scores: Vec<(u16, Score)>,
}

pub(super) fn run(setting: &Setting) -> Result<Outcome> {
    let path = setting.data.join("gymnasium-pendulum-v1.csv.gz");
    let log = Log::read(&path, NX, ANGLES, 1)
        .context("it is recorded from Gymnasium's Pendulum-v1: `--data` names the folder that it is in")?;
    let mut config = Config::default();
    if setting.quick {
        (config.model.one_step, config.model.multi_step) = (100, 20);
        (config.encoder.steps, config.policy.steps) = (50, 30);
    }
    let trained = train(&config, Some(log), setting.seed, &mut |_, _, _, _| ())?;
    let episodes = if setting.quick { 4 } else { EPISODES };
    let pack = |horizon: u16, model: Model, valued: bool| -> Result<WeightFile> {
        let mut config = config.clone();
        config.planner.horizon = horizon;
        let export = if valued { export } else { export_without_value };
        export(&config, &trained, model, setting.seed)
    };
    let usual = config.planner.horizon;
    let learned = pack(usual, Model::Network, true)?;
    write_file(&setting.out.join("pendulum.fth"), learned.bytes())?;
    let physics = pack(usual, Model::Physics(Plant::Pendulum), true)?;
    let (learned, physics) = (learned.parse()?, physics.parse()?);

    let world = || config.world();
    let score = |artifact: &Artifact<'_>, how, n| -> Result<Score> {
        let flights = evaluate::episodes(artifact, world, how, n, RESETS)?;
        Ok(Score::of(&flights.iter().map(|flight| flight.total).collect::<Vec<_>>()))
    };
    let mut rows = Vec::new();
    for (what, artifact, how, bound) in [
        ("planner, learned model", &learned, (View::State, Mode::Plan), Some(-140.0)),
        ("planner, physics", &physics, (View::State, Mode::Plan), None),
        ("policy alone", &learned, (View::State, Mode::Policy), Some(-150.0)),
        ("planner from pixels", &learned, (View::Sensors, Mode::Plan), Some(-150.0)),
        ("policy from pixels", &learned, (View::Sensors, Mode::Policy), None),
    ] {
        let Score { mean, error } = score(artifact, how, episodes)?;
        let row =
            Row::new(format!("return, {what}"), mean, "").beside(OPTIMUM, "optimum; best published −151.9");
        rows.push(bound.into_iter().fold(row, Row::at_least));
        rows.push(Row::new(format!("return, {what}, standard error"), error, ""));
    }
    for (what, artifact, bound) in [("learned model", &learned, Some(-300.0)), ("physics", &physics, None)] {
        let row = Row::new(
            format!("from hanging still, {what}"),
            hanging(&config, artifact, View::State)?.total,
            "",
        )
        .beside(FROM_HANGING, "optimum");
        rows.push(bound.into_iter().fold(row, Row::at_least));
    }
    let swept = if setting.quick { 2 } else { SWEPT };
    let sweep = |name, valued| -> Result<Sweep> {
        let scores = HORIZONS
            .into_iter()
            .map(|horizon| {
                let file = pack(horizon, Model::Network, valued)?;
                Ok((horizon, score(&file.parse()?, (View::State, Mode::Plan), swept)?))
            })
            .collect::<Result<Vec<_>>>()?;
        Ok(Sweep { name, scores })
    };
    let sweeps = [sweep("with a learned value at the end", true)?, sweep("without", false)?];
    for Sweep { name, scores } in &sweeps {
        for (horizon, score) in scores {
            rows.push(Row::new(format!("horizon {horizon}, {name}"), score.mean, ""));
        }
    }
    let notes = vec![format!(
        "The model is learned from Gymnasium's log, policy and value through the model; one training, seed {}. {episodes} resets of 200 \
         steps in the true world, {swept} for each horizon, the same for all. Without a value the policy still is one of the \
         planner's starts.",
        setting.seed
    )];
    Ok(Outcome { rows, report: report(&config, &learned, &sweeps)?, notes })
}

/// From exactly hanging.
fn hanging(config: &Config, artifact: &Artifact<'_>, view: View) -> Result<Flight> {
    let mut world = config.world();
    world.place(&[PI, 0.0]);
    let rng = &mut evaluate::episode_rng(RESETS, 0);
    Ok(fly(&mut *mind::load(artifact)?, &mut world, (view, Mode::Plan), rng))
}

fn report(config: &Config, artifact: &Artifact<'_>, sweeps: &[Sweep]) -> Result<Report> {
    let mut report = Report::new("The pendulum", "how far ahead it is worth to look");
    let near = |&(_, y): &(f64, f64)| y > LEAST;
    let curves = sweeps.iter().map(|Sweep { name, scores }| {
        let points = scores.iter().map(|(h, score)| (f64::from(*h), score.mean));
        Series::line(name, points.filter(|point| near(point)).collect())
    });
    let plot = Plot::new(Axis::linear("steps ahead"), Axis::linear("mean return").range(LEAST, -130.0))
        .with_all(curves)
        .level(OPTIMUM);
    report.section("Return against horizon");
    report.figure(
        "Mean return over resets; what is below −200 is not shown, and the line is the optimum.",
        Figure::svg(&plot.svg(), plot.width()),
    );
    pendulum::flight(&mut report, &hanging(config, artifact, View::Sensors)?);
    Ok(report)
}
