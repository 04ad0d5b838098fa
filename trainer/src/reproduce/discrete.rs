//! Planning by choice: dynamic programming over a few actions beside trying every sequence, and up a mountain that the engine
//! is too weak for, where every step costs the same.

mod optimum;
mod sequences;

use super::{Outcome, Setting};
use crate::{
    control::Control,
    evaluate::{Flight, View, episode_rng, episodes},
    export::{Tensors, WeightFile, write_file},
    plan::discrete::Search,
    policy::Objective,
    report::{
        Figure, Report,
        plot::{Axis, Plot, Series},
    },
    results::Row,
    worlds::{
        World,
        mountain_car::{Engine, MountainCar},
    },
};
use anyhow::Result;
use forethought::{
    agent::Mode,
    artifact::{Side, Term},
    feature::{Feature, Map},
};
use optimum::Route;
use rayon::prelude::*;

/// Starts in the valley.
const STARTS: usize = 100;
/// Decisions that are planned ahead, each held for some steps: all the way up.
const HORIZON: u16 = 12;
/// Steps that each decision is held for, and the cells: long enough, and coarse enough, that a few states cover the valley, and
/// that what follows from two throttles lies in two cells.
const HOLD: u16 = 12;
const CELLS: [f32; 2] = [8.0, 80.0];
/// States that are kept: more than are ever reached.
const BEAM: u16 = 160;
/// What not being at the goal costs in the end: the reward that Gymnasium gives there.
const MISSED: f32 = 100.0;
/// Gymnasium calls its two versions solved by these mean returns.
const SOLVED: f64 = -110.0;
const SOLVED_CONTINUOUS: f64 = 90.0;
/// Seed of the starts.
const SEED: u64 = 1000;

/// How each version is driven.
struct Version {
    engine: Engine,
    name: &'static str,
    /// What a step costs until the goal is reached, and what the squared throttle costs.
    step: f32,
    effort: f32,
    actions: &'static [f32],
    /// Per cent that it may cost above the optimum; nothing is demanded where its throttle is held and the optimum's is not.
    above: Option<f64>,
    /// Throttles that the optimum may choose from.
    finest: &'static [f32],
}

/// Of the continuous version Gymnasium charges only the effort; the price of a step is what a shorter way is worth to us.
const VERSIONS: [Version; 2] = [
    Version {
        engine: Engine::Discrete,
        name: "mountain car",
        step: 1.0,
        effort: 0.0,
        above: Some(1.0),
        actions: &[-1.0, 0.0, 1.0],
        finest: &[-1.0, 0.0, 1.0],
    },
    Version {
        engine: Engine::Continuous,
        name: "continuous mountain car",
        step: 0.02,
        effort: 0.1,
        above: None,
        actions: &[-1.0, -0.5, 0.0, 0.5, 1.0],
        finest: &[-1.0, -0.75, -0.5, -0.25, 0.0, 0.25, 0.5, 0.75, 1.0],
    },
];

impl Version {
    fn export(&self, seed: u64) -> Result<WeightFile> {
        let term = Term {
            feature: Feature { index: 0, map: Map::Value },
            side: Side::Until,
            target: self.engine.goal() as f32,
            weight: self.step,
            terminal: MISSED,
        };
        let objective = Objective { terms: vec![term], action: vec![self.effort] };
        let search = Search {
            beam: BEAM,
            hold: HOLD,
            actions: self.actions.iter().map(|u| vec![*u]).collect(),
            cells: CELLS.to_vec(),
        };
        let mut tensors = Tensors::default();
        search.export(&mut tensors);
        tensors.vector("predict", "constants", &<[f32; 5]>::from(self.engine.constants()));
        let about = self.engine.about();
        Control {
            body: about.into(),
            objective: &objective,
            safe: &[0.0],
            planner: search.planner(),
            horizon: HORIZON,
            tensors,
        }
        .over_physics(about.plant, seed)
    }

    /// What a drive has cost.
    fn cost(&self, flight: &Flight) -> f64 {
        let effort: f64 = flight.actions.iter().map(|u| f64::from(u[0]).powi(2)).sum();
        f64::from(self.step) * flight.actions.len() as f64 + f64::from(self.effort) * effort
    }
}

/// Drives and the best routes from the same starts.
struct Driven {
    flights: Vec<Flight>,
    best: Vec<Route>,
}

pub(super) fn run(setting: &Setting) -> Result<Outcome> {
    let mut rows = sequences::rows(setting)?;
    let mut report = Report::new("Planning by choice", "dynamic programming over a few actions");
    let starts = if setting.quick { 2 } else { STARTS };
    for version in VERSIONS {
        let file = version.export(setting.seed)?;
        write_file(&setting.out.join(format!("{}.fth", version.engine.about().name)), file.bytes())?;
        let world = || MountainCar::new(version.engine);
        let flights = episodes(&file.parse()?, world, (View::State, Mode::Plan), starts, SEED)?;
        let best = (0..starts).into_par_iter().map(|episode| {
            let mut car = MountainCar::new(version.engine);
            car.reset(&mut episode_rng(SEED, episode));
            optimum::route(&car, version.finest, [version.step, version.effort].map(f64::from))
        });
        let driven = Driven { best: best.collect(), flights };
        rows.extend(driven.rows(&version));
        driven.draw(&version, &mut report);
    }
    let notes = vec![
        "Every sequence: random states, each action held for 2 steps; compared are the bits of the least cost.".into(),
        format!(
            "Mountain car: {starts} starts at rest between −0.6 m and −0.4 m, {HORIZON} decisions ahead, each held for {HOLD} steps, at most \
             {BEAM} states, cells of 0.125 m by 0.0125 m a step, {MISSED} for not being at the goal in the end. The optimum is a search in the \
             world itself, from the same starts, with a choice at every step and cells of {}: its routes can be driven.",
            optimum::CELLS
        ),
        "Of the continuous version the reward is 100 at the goal less 0.1 u² a step, and the planner's cost is 0.1 u² and 0.02 a step."
            .into(),
    ];
    Ok(Outcome { rows, report, notes })
}

impl Driven {
    fn rows(&self, version: &Version) -> Vec<Row> {
        let n = self.flights.len() as f64;
        let mean = |values: &dyn Fn(usize) -> f64| (0..self.flights.len()).map(values).sum::<f64>() / n;
        let steps = |i: usize| self.flights[i].actions.len() as f64;
        let best_steps = |i: usize| self.best[i].steps() as f64;
        let reached =
            self.flights.iter().filter(|f| f.actions.len() < MountainCar::new(version.engine).episode());
        let row = |what: &str, value, unit| Row::new(format!("{}: {what}", version.name), value, unit);
        let total = row("mean return", mean(&|i| self.flights[i].total), "");
        let cost = mean(&|i| version.cost(&self.flights[i]));
        let optimum = mean(&|i| self.best[i].cost);
        let bound = if version.engine == Engine::Discrete { SOLVED } else { SOLVED_CONTINUOUS };
        vec![
            row("reached the goal", reached.count() as f64 / n, "of all starts").at_least(1.0),
            total.beside(bound, "Gymnasium's \"solved\"").at_least(bound),
            row("steps to the goal", mean(&steps), "mean").beside(mean(&best_steps), "optimum"),
            version
                .above
                .into_iter()
                .fold(row("cost above the optimum", 100.0 * (cost / optimum - 1.0), "%"), Row::at_most),
        ]
    }

    fn draw(&self, version: &Version, report: &mut Report) {
        let plane = |name: &str, states: &[Vec<f32>]| {
            Series::line(name, states.iter().map(|x| (f64::from(x[0]), f64::from(x[1]))).collect())
        };
        let throttle = |actions: &[Vec<f32>]| {
            actions.iter().enumerate().map(|(t, u)| (t as f64, f64::from(u[0]))).collect::<Vec<_>>()
        };
        let (driven, best) = (&self.flights[0], &self.best[0]);
        let mut steps: Vec<_> = self
            .flights
            .iter()
            .zip(&self.best)
            .map(|(f, b)| (f64::from(f.states[0][0]), f.actions.len() as f64, b.steps() as f64))
            .collect();
        steps.sort_by(|a, b| a.0.total_cmp(&b.0));
        report.section(version.name).figures(
            "Left and middle: the first start, as driven and at best. Right: all starts.",
            [
                Figure::from(
                    Plot::new(Axis::linear("x (m)"), Axis::linear("v (m a step)"))
                        .with(plane("planned", &driven.states))
                        .with(plane("best", &best.states)),
                ),
                Figure::from(
                    Plot::new(Axis::linear("step"), Axis::linear("throttle"))
                        .with(Series::line("planned", throttle(&driven.actions)))
                        .with(Series::line("best", throttle(&best.actions))),
                ),
                Figure::from(
                    Plot::new(Axis::linear("start (m)"), Axis::linear("steps to the goal"))
                        .with(Series::line("planned", steps.iter().map(|s| (s.0, s.1)).collect()))
                        .with(Series::line("best", steps.iter().map(|s| (s.0, s.2)).collect())),
                ),
            ],
        );
    }
}
