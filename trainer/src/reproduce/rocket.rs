//! The lecture's rocket: reach the space station on little fuel. Physics by hand, thrust and nozzle as actions, planning by
//! looking a few seconds ahead, beside the best flight that looks at all of it at once.

use super::{Outcome, Setting};
use crate::{
    control::Control,
    evaluate::{Score, View, episode_rng, fly},
    export::write_file,
    mind,
    policy::Objective,
    report::{
        Figure, Report,
        plot::{Axis, Plot, Series},
    },
    results::Row,
    worlds::{
        World,
        practice::Practice,
        rocket::{EPISODE, MAX_THRUST, Rocket},
    },
};
use anyhow::Result;
use forethought::{
    agent::{Mode, Reading},
    artifact::{Artifact, Newton, Planner, Side, Term},
    feature::{Feature, Map},
};
use rayon::prelude::*;
use std::iter;

/// Steps that are planned ahead in flight: 4 s.
const HORIZON: u16 = 40;
/// Starts.
const STARTS: usize = 100;
/// Index, map, weight at every step, weight at the end of a plan: what being away from rest at the station costs after it.
const TERMS: [(u16, Map, f32, f32); 6] = [
    (0, Map::Value, 0.01, 0.2),
    (1, Map::Value, 0.01, 0.2),
    (2, Map::Angle, 0.0, 1.0),
    (3, Map::Value, 0.0, 0.3),
    (4, Map::Value, 0.0, 0.3),
    (5, Map::Value, 0.0, 0.5),
];
/// In flight: each plan starts from the last one.
const NEWTON: Newton = Newton { iterations: 15, trials: 6, damping: 1e-2, tolerance: 1e-5 };
/// For the whole flight at once: until nothing is gained any more.
const THOROUGH: Newton = Newton { iterations: 400, trials: 10, damping: 1e-2, tolerance: 1e-7 };

fn objective() -> Objective {
    let term = |(index, map, weight, terminal)| Term {
        feature: Feature { index, map },
        side: Side::Both,
        target: 0.0,
        weight,
        terminal,
    };
    // A trace of a weight on the nozzle, so that it rests where it does nothing.
    Objective { terms: TERMS.into_iter().map(term).collect(), action: vec![0.0, 0.01] }
}

/// What one start came to.
struct Course {
    /// States from the first to the one after the last step.
    states: Vec<Vec<f32>>,
    /// What it cost, its end included.
    cost: f64,
}

impl Course {
    /// What was burnt, in t.
    fn fuel(&self) -> f64 {
        f64::from(self.states[0][6] - self.states[EPISODE][6])
    }

    /// Whether it is near and slow in the last two seconds.
    fn arrives(&self) -> bool {
        self.states[EPISODE - 20..].iter().all(|x| x[0].hypot(x[1]) < 1.0 && x[3].hypot(x[4]) < 1.0)
    }
}

/// What is still to be paid at the end.
fn terminal(end: &[f32]) -> f64 {
    TERMS.iter().map(|&(i, _, _, w)| f64::from(w) * f64::from(end[usize::from(i)]).powi(2)).sum()
}

pub(super) fn run(setting: &Setting) -> Result<Outcome> {
    let objective = objective();
    let control = |planner, horizon| Control {
        about: Rocket::ABOUT,
        objective: &objective,
        price: &[1.0 / MAX_THRUST, 0.0],
        // About what hovers.
        safe: &[2.7, 0.0],
        planner: Planner::Ilqr(planner),
        horizon,
    };
    let flying = control(NEWTON, HORIZON).over_physics(setting.seed)?;
    write_file(&setting.out.join("rocket.fth"), flying.bytes())?;
    let whole = control(THOROUGH, EPISODE as u16).over_physics(setting.seed)?;
    let (flying, whole) = (flying.parse()?, whole.parse()?);
    let starts = if setting.quick { 4 } else { STARTS };
    let courses = (0..starts)
        .into_par_iter()
        .map(|start| Ok([flown(&flying, setting.seed, start)?, planned(&whole, setting.seed, start)?]))
        .collect::<Result<Vec<_>>>()?;
    let score = |which: usize, of: fn(&Course) -> f64| {
        Score::of(&courses.iter().map(|pair| of(&pair[which])).collect::<Vec<_>>())
    };
    let [cost, least] = [0, 1].map(|which| score(which, |course| course.cost));
    let [fuel, burnt] = [0, 1].map(|which| score(which, Course::fuel));
    let arrived = |which| score(which, |course| 100.0 * f64::from(u8::from(course.arrives()))).mean;
    let rows = vec![
        Row::new("arrives within 8 s and stays", arrived(0), "%").at_least(100.0),
        Row::new("the whole flight at once: arrives and stays", arrived(1), "%"),
        Row::new("cost", cost.mean, "")
            .beside(least.mean, "the whole flight at once")
            .at_most(1.05 * least.mean),
        Row::new("cost, standard error", cost.error, ""),
        Row::new("fuel", fuel.mean, "t")
            .beside(burnt.mean, "the whole flight at once")
            .at_most(1.05 * burnt.mean),
        Row::new("fuel, standard error", fuel.error, "t"),
    ];
    let notes = vec![format!(
        "{starts} random starts, 10 s each, in the true world; {HORIZON} steps of 0.1 s ahead against all {EPISODE}. The cost: squared \
         distance over 100 and the share of the largest thrust at every step, and at the end what being away from rest at \
         the station costs. Arrived: within 1 m and slower than 1 m/s in the last 2 s."
    )];
    Ok(Outcome { rows, report: report(&courses), notes })
}

/// Flown step by step.
fn flown(artifact: &Artifact<'_>, seed: u64, start: usize) -> Result<Course> {
    let (mut world, mut rng) = (Rocket::default(), episode_rng(seed, start));
    world.reset(&mut rng);
    let flight = fly(&mut *mind::load(artifact)?, &mut world, (View::State, Mode::Plan), &mut rng);
    let end = world.state();
    let cost = terminal(&end) - flight.total;
    Ok(Course { states: flight.states.into_iter().chain([end]).collect(), cost })
}

/// One plan for the whole flight: where it leads in the world's own equations, and what it costs.
fn planned(artifact: &Artifact<'_>, seed: u64, start: usize) -> Result<Course> {
    let (mut world, mut rng) = (Rocket::default(), episode_rng(seed, start));
    world.reset(&mut rng);
    let state = world.state();
    let mut mind = mind::load(artifact)?;
    let (_, diagnostics, _) = mind.step(Reading::State(&state), Mode::Plan);
    let states = iter::once(state).chain(mind.planned()).collect();
    Ok(Course { states, cost: diagnostics.cost.into() })
}

fn report(courses: &[[Course; 2]]) -> Report {
    let mut report = Report::new("A rocket to the station", "planning a few seconds ahead");
    let path = |course: &Course| course.states.iter().map(|x| (f64::from(x[0]), f64::from(x[1]))).collect();
    let mut plot = Plot::new(Axis::linear("x in m"), Axis::linear("y in m")).size(640, 640);
    for [flown, planned] in courses.iter().take(12) {
        plot = plot
            .with(Series::dashed("the whole flight at once", path(planned)))
            .with(Series::line("4 s ahead", path(flown)));
    }
    report.section("Flights");
    report.figure("Twelve starts; the station is at the origin.", Figure::svg(&plot.svg(), 640));
    report
}
