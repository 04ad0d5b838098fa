//! The default agent on Pendulum-v1: planning with a model that was learned from Gymnasium's log, with its physics, by policy
//! and from pixels; and what the horizon does with and without a learned value at its end.

use super::{Outcome, Setting};
use crate::{
    data::log::Log,
    evaluate::{self, Flight, Score, View, fly},
    export::{WeightFile, write_file},
    mind,
    plan::grid::{Axis as GridAxis, Grid, Step},
    report::{
        Figure, Report, pendulum,
        plot::{Axis, Plot, Series},
    },
    results::Row,
    tasks::pendulum::{ANGLES, Config, NX, Trained, export, export_without_value, train},
    worlds::{
        World,
        camera::Camera,
        pendulum::{EPISODE, MAX_SPEED, MAX_TORQUE, Pendulum},
        practice::Practice,
    },
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
        config.distillation.steps = 10;
    }
    let mut trained = train(&config, Some(log), setting.seed, &mut |_, _, _, _| ())?;
    let episodes = if setting.quick { 4 } else { EPISODES };
    let optimum = Optimum::find(episodes, setting.quick);
    let pack = |trained: &Trained, horizon: u16, model: Model, valued: bool| -> Result<WeightFile> {
        let mut config = config.clone();
        config.planner.horizon = horizon;
        let export = if valued { export } else { export_without_value };
        export(&config, trained, model, setting.seed)
    };
    let usual = config.planner.horizon;
    let learned = pack(&trained, usual, Model::Network, true)?;
    write_file(&setting.out.join("pendulum.fth"), learned.bytes())?;
    let physics = pack(&trained, usual, Model::Physics(Plant::Pendulum), true)?;
    let (learned, physics) = (learned.parse()?, physics.parse()?);

    let world = || config.world();
    trained.distil(&config, setting.seed, &mut |_, _, _, _| ())?;
    let distilled = pack(&trained, usual, Model::Network, true)?;
    let distilled = distilled.parse()?;
    let mut rows = Vec::new();
    for (what, artifact, how, bound) in [
        ("planner, learned model", &learned, (View::State, Mode::Plan), Some(-140.0)),
        ("planner, physics", &physics, (View::State, Mode::Plan), None),
        ("policy alone", &learned, (View::State, Mode::Policy), Some(-150.0)),
        ("distilled policy alone", &distilled, (View::State, Mode::Policy), Some(-145.0)),
        ("planner that begins from the distilled policy", &distilled, (View::State, Mode::Plan), None),
        ("planner from pixels", &learned, (View::Sensors, Mode::Plan), Some(-150.0)),
        ("policy from pixels", &learned, (View::Sensors, Mode::Policy), None),
    ] {
        let flights = evaluate::episodes(artifact, world, how, episodes, RESETS)?;
        let Score { mean, error } = optimum.fair(&flights);
        let row = Row::new(format!("return, {what}"), mean, "")
            .beside(optimum.mean, "optimum; best published −151.9");
        rows.push(bound.into_iter().fold(row, Row::at_least));
        rows.push(Row::new("… standard error", error, ""));
        let plain = Score::of(&flights.iter().map(|flight| flight.total).collect::<Vec<_>>());
        rows.push(
            Row::new("… on these very resets", plain.mean, "").beside(optimum.drawn(), "their optimum"),
        );
    }
    for (what, artifact, bound) in [("learned model", &learned, Some(-300.0)), ("physics", &physics, None)] {
        let row = Row::new(
            format!("from hanging still, {what}"),
            hanging(&config, artifact, View::State)?.total,
            "",
        )
        .beside(optimum.hanging, "optimum");
        rows.push(bound.into_iter().fold(row, Row::at_least));
    }
    let swept = if setting.quick { 2 } else { SWEPT };
    let sweep = |name, valued| -> Result<Sweep> {
        let scores = HORIZONS
            .into_iter()
            .map(|horizon| {
                let file = pack(&trained, horizon, Model::Network, valued)?;
                let how = (View::State, Mode::Plan);
                Ok((horizon, optimum.fair(&evaluate::episodes(&file.parse()?, world, how, swept, RESETS)?)))
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
    let notes = vec![
        format!(
            "Returns are means over all resets, estimated from {episodes} of them: what each flight lost against the optimum from \
         where it began, and the optimum's mean over all; so the luck of the draw is taken out, which alone is worth some points \
         either way. The optimum is value iteration on a grid of 801 by 801 states, flown.",
        ),
        format!(
            "The model is learned from Gymnasium's log, policy and value through the model; one training, seed {}. {episodes} resets of 200 \
         steps in the true world, {swept} for each horizon, the same for all. Without a value the policy still is one of the \
         planner's starts.",
            setting.seed
        ),
    ];
    Ok(Outcome { rows, report: report(&config, &learned, (&sweeps, &optimum))?, notes })
}

/// The best that can be done in the true world.
struct Optimum {
    /// The mean return over all resets.
    mean: f64,
    /// From each of the resets that are flown.
    each: Vec<f64>,
    /// From exactly hanging.
    hanging: f64,
}

impl Optimum {
    fn find(episodes: usize, quick: bool) -> Self {
        let step = |states: &[[f64; NX]], u: &f32| -> Vec<Step<NX>> {
            let mut world = Pendulum::new(Camera::default());
            let onward = |x: &[f64; NX]| {
                world.place(x);
                let reward = world.step(&[*u]);
                (Some([world.theta, world.omega]), -reward)
            };
            states.iter().map(onward).collect()
        };
        let solve = |points, torques: i16, steps, end: &(dyn Fn([f64; 2]) -> f64 + Sync)| {
            let axes = [GridAxis::around(points), GridAxis::between(-MAX_SPEED..=MAX_SPEED, points)];
            let torques = (-torques..=torques).map(|i| f32::from(i) / f32::from(torques) * MAX_TORQUE);
            Grid::solve(axes, torques.collect(), (steps, end), step)
        };
        // Fine grids take over from coarse ones.
        let coarse = solve(51, 5, EPISODE, &|_| 0.0);
        let grid = if quick {
            coarse
        } else {
            let finer = solve(201, 5, 100, &|x| coarse.value(x));
            solve(801, 10, 40, &|x| finer.value(x))
        };
        let reset = |episode| {
            let mut world = Pendulum::new(Camera::default());
            world.reset(&mut evaluate::episode_rng(RESETS, episode));
            [world.theta, world.omega]
        };
        // What it really costs to follow the value is more than the value, about as much from everywhere; the value's mean over
        // all resets needs no luck.
        let starts: Vec<_> = (0..episodes).map(reset).collect();
        let each: Vec<_> = starts.iter().map(|&x| -grid.follow(x, EPISODE)).collect();
        let beyond: f64 = starts.iter().zip(&each).map(|(&x, total)| -total - grid.value(x)).sum();
        let mean = -(grid.mean([-PI..=PI, -1.0..=1.0]) + beyond / episodes as f64);
        Self { mean, each, hanging: -grid.follow([PI, 0.0], EPISODE) }
    }

    /// The mean over the resets that are flown.
    fn drawn(&self) -> f64 {
        self.each.iter().sum::<f64>() / self.each.len() as f64
    }

    /// The mean return over all resets, estimated from some: what each lost against the optimum from where it began, and the
    /// optimum's own mean over all. Returns differ far more by their starts than by their pilots, and so the luck of the
    /// draw is taken out.
    fn fair(&self, flights: &[Flight]) -> Score {
        let lost: Vec<_> = flights.iter().zip(&self.each).map(|(flight, best)| flight.total - best).collect();
        let Score { mean, error } = Score::of(&lost);
        Score { mean: self.mean + mean, error }
    }
}

/// From exactly hanging.
fn hanging(config: &Config, artifact: &Artifact<'_>, view: View) -> Result<Flight> {
    let mut world = config.world();
    world.place(&[PI, 0.0]);
    let rng = &mut evaluate::episode_rng(RESETS, 0);
    Ok(fly(&mut *mind::load(artifact)?, &mut world, (view, Mode::Plan), rng))
}

fn report(
    config: &Config,
    artifact: &Artifact<'_>,
    (sweeps, optimum): (&[Sweep], &Optimum),
) -> Result<Report> {
    let mut report = Report::new("The pendulum", "how far ahead it is worth to look");
    let near = |&(_, y): &(f64, f64)| y > LEAST;
    let curves = sweeps.iter().map(|Sweep { name, scores }| {
        let points = scores.iter().map(|(h, score)| (f64::from(*h), score.mean));
        Series::line(name, points.filter(|point| near(point)).collect())
    });
    let plot = Plot::new(Axis::linear("steps ahead"), Axis::linear("mean return").range(LEAST, -130.0))
        .with_all(curves)
        .level(optimum.mean);
    report.section("Return against horizon");
    report.figure(
        "Mean return over resets; what is below −200 is not shown, and the line is the optimum.",
        Figure::svg(&plot.svg(), plot.width()),
    );
    pendulum::flight(&mut report, &hanging(config, artifact, View::Sensors)?);
    Ok(report)
}
