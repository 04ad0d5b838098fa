//! The lecture's rocket: it comes to the station and stays there, on little fuel. iLQR with a receding horizon beside the
//! best plan of the whole flight, which iLQR finds offline.

use super::{Outcome, Setting};
use crate::{
    control::Control,
    evaluate::{Flight, View, episodes},
    export::{Tensors, WeightFile, write_file},
    mind,
    policy::Objective,
    report::{
        Figure, Report,
        plot::{Axis, Plot, Series},
        points::{round_y, sampled},
    },
    results::Row,
    worlds::{
        pendulum::wrap,
        practice::{About, Practice},
        rocket::{DT, EPISODE, MAX_THRUST, Rocket, Start},
    },
};
use anyhow::{Context, Result};
use forethought::{
    agent::{Mode, Reading},
    artifact::{Artifact, Newton, Planner, Term},
    cost::Cost,
    feature::Map,
    predict::physics::rocket::Constants,
};
use rayon::prelude::*;

/// Starts, and their seed.
const STARTS: usize = 100;
const SEED: u64 = 1000;
/// Steps that are planned ahead in flight: half of it.
const HORIZON: u16 = 50;
/// It has arrived within these: m, m/s, rad, rad/s.
const NEAR: [f64; 4] = [0.5, 0.5, 0.1, 0.1];
/// Per cent that a flight may cost above the best plan, in what it pays and in fuel.
const ABOVE: f64 = 5.0;

/// In flight: each plan starts from the last. With ten times the damping one start of a hundred pays 12 % more than the best.
const NEWTON: Newton = Newton { iterations: 10, trials: 8, damping: 1e-3, tolerance: 1e-5 };
/// Offline, with as much patience as it wants; from these dampings, as each may end in another minimum.
const OFFLINE: Newton = Newton { iterations: 200, trials: 8, damping: 0.0, tolerance: 1e-6 };
const DAMPINGS: [f32; 3] = [1e-4, 1e-2, 1.0];

/// The lecture's cost, squared distance and fuel; a little for wild thrust and nozzle; and at the end what it takes to stay:
/// no distance, no speed, upright, no spin.
fn objective() -> Objective {
    let term = |map, index, weight, terminal| Term { terminal, ..Term::squared(map, index, 0.0, weight) };
    let terms = vec![
        term(Map::Value, 0, 0.01, 10.0),
        term(Map::Value, 1, 0.01, 10.0),
        term(Map::Angle, 2, 0.0, 20.0),
        term(Map::Value, 3, 0.0, 10.0),
        term(Map::Value, 4, 0.0, 10.0),
        term(Map::Value, 5, 0.0, 20.0),
    ];
    Objective { terms, action: vec![0.002, 0.1] }
}

fn export(newton: Newton, horizon: u16, seed: u64) -> Result<WeightFile> {
    let about = About { name: Rocket::RENDEZVOUS, ..Rocket::ABOUT };
    let mut tensors = Tensors::default();
    tensors.vector("cost", "linear", &[1.0 / MAX_THRUST, 0.0]);
    // What carries a half-full rocket.
    let (objective, safe, planner) = (objective(), [3.2, 0.0], Planner::Ilqr(newton));
    Control { body: about.into(), objective: &objective, safe: &safe, planner, horizon, tensors }
        .over_physics(about.plant, seed)
}

/// What happened from one start.
struct Journey {
    /// States, the start first and the end last.
    states: Vec<Vec<f32>>,
    actions: Vec<Vec<f32>>,
    cost: f64,
}

impl Journey {
    fn fuel(&self) -> f64 {
        f64::from(self.states[0][6]) - self.left()
    }

    fn left(&self) -> f64 {
        self.states.last().map_or(f64::NAN, |x| f64::from(x[6]))
    }

    /// From when on it is there to stay, in s; none if it is not there in the end.
    fn arrival(&self) -> Option<f64> {
        let there = |x: &Vec<f32>| {
            let at = |i: usize| f64::from(x[i]);
            let off = [at(0).hypot(at(1)), at(3).hypot(at(4)), wrap(at(2)).abs(), at(5).abs()];
            off.iter().zip(NEAR).all(|(off, near)| *off <= near)
        };
        let stayed = self.states.iter().rev().take_while(|x| there(x)).count();
        (stayed > 0).then(|| (self.states.len() - stayed) as f64 * DT)
    }
}

/// A flight, with where it ends and what it costs.
fn flown(flight: Flight, artifact: &Artifact<'_>) -> Result<Journey> {
    let (cost, model) = (Cost::<{ mind::NH }>::load(artifact)?, mind::model(artifact)?);
    let Flight { mut states, actions, .. } = flight;
    let end = model(states.last().context("a flight has steps")?, actions.last().context("and actions")?);
    let paid: f64 = states.iter().zip(&actions).map(|(x, u)| f64::from(cost.stage(x, u))).sum();
    let mut last = [0.0; mind::NX];
    last[..end.len()].copy_from_slice(&end);
    states.push(end);
    Ok(Journey { states, actions, cost: paid + f64::from(cost.terminal(&last)) })
}

/// The cheapest of the plans that some planners make of the whole flight.
fn best(start: &[f32], offline: &[Artifact<'_>]) -> Result<Journey> {
    let plans = offline.iter().map(|artifact| {
        let mut mind = mind::load(artifact)?;
        let (_, diagnostics, _) = mind.step(Reading::State(start), Mode::Plan);
        let states = [start.to_vec()].into_iter().chain(mind.planned()).collect();
        Ok(Journey { states, actions: Vec::new(), cost: diagnostics.cost.into() })
    });
    let plans = plans.collect::<Result<Vec<_>>>()?;
    plans.into_iter().min_by(|a, b| a.cost.total_cmp(&b.cost)).context("there are several plans")
}

pub(super) fn run(setting: &Setting) -> Result<Outcome> {
    let file = export(NEWTON, HORIZON, setting.seed)?;
    write_file(&setting.out.join("rendezvous.fth"), file.bytes())?;
    let artifact = file.parse()?;
    let offline = DAMPINGS
        .map(|damping| export(Newton { damping, ..OFFLINE }, EPISODE as u16, setting.seed))
        .into_iter()
        .collect::<Result<Vec<_>>>()?;
    let offline = offline.iter().map(WeightFile::parse).collect::<Result<Vec<_>, _>>()?;
    let starts = if setting.quick { 2 } else { STARTS };
    let world = || Rocket::starting(Start::Rendezvous);
    let flights = episodes(&artifact, world, (View::State, Mode::Plan), starts, SEED)?;
    let pairs = flights
        .into_par_iter()
        .map(|flight| {
            let best = best(&flight.states[0], &offline)?;
            Ok((flown(flight, &artifact)?, best))
        })
        .collect::<Result<Vec<_>>>()?;
    let notes = vec![
        format!(
            "The Moon's gravity, {:.0} s; starts within 5 m of the station in both directions, 1 m/s, 0.3 rad and 0.1 rad/s, with 1.2 t to 1.6 t of \
             fuel beside 1 t of rocket: from the world's own starts, with less, no fuel lasts to stay for that long. It has arrived \
             from when on it is within {} m, {} m/s, {} rad and {} rad/s until the end.",
            EPISODE as f64 * DT,
            NEAR[0],
            NEAR[1],
            NEAR[2],
            NEAR[3]
        ),
        format!(
            "Σ (x² + y²)/100 + T/T_max + 0.002 T² + 0.1 δ², and at the end 10 of squared distance and speed and 20 of squared angle and \
             spin. In flight iLQR looks {HORIZON} steps ahead, with the same end. The best plan: iLQR over all {EPISODE} steps, the cheapest from \
             {} dampings. To hover at the station all the time would take most of the fuel: what is spent beyond that is told apart.",
            DAMPINGS.len()
        ),
    ];
    Ok(Outcome { rows: rows(&pairs), report: report(&pairs), notes })
}

fn rows(pairs: &[(Journey, Journey)]) -> Vec<Row> {
    let n = pairs.len() as f64;
    let mean = |value: &dyn Fn(&(Journey, Journey)) -> f64| pairs.iter().map(value).sum::<f64>() / n;
    let above = |ours: f64, best: f64| 100.0 * (ours / best - 1.0);
    let cost = |(ours, best): &(Journey, Journey)| above(ours.cost, best.cost);
    let fuel = |(ours, best): &(Journey, Journey)| above(ours.fuel(), best.fuel());
    let share = |holds: &dyn Fn(&(Journey, Journey)) -> bool| mean(&|pair| f64::from(u8::from(holds(pair))));
    let arrivals = |of: fn(&(Journey, Journey)) -> &Journey| {
        let times: Vec<_> = pairs.iter().filter_map(|pair| of(pair).arrival()).collect();
        times.iter().sum::<f64>() / times.len() as f64
    };
    let plant = Constants::default();
    let hover = |(ours, _): &(Journey, Journey)| {
        let [gravity, dry, exhaust] = [plant.gravity, plant.dry, plant.exhaust].map(f64::from);
        let mass = dry + f64::from(ours.states[0][6]);
        mass * (1.0 - (-gravity * EPISODE as f64 * DT / exhaust).exp())
    };
    let beyond =
        |of: fn(&(Journey, Journey)) -> &Journey| mean(&|pair| 1000.0 * (of(pair).fuel() - hover(pair)));
    let most = |value: &dyn Fn(&(Journey, Journey)) -> f64| {
        pairs.iter().map(value).fold(f64::NEG_INFINITY, f64::max)
    };
    vec![
        Row::new("arrived and stayed", share(&|(ours, _)| ours.arrival().is_some()), "of all starts")
            .beside(share(&|(_, best)| best.arrival().is_some()), "the best plans")
            .at_least(0.98),
        Row::new("there after", arrivals(|pair| &pair.0), "s, mean")
            .beside(arrivals(|pair| &pair.1), "the best plans"),
        Row::new("cost above the best plan's, mean", mean(&cost), "%").at_most(ABOVE),
        Row::new("cost above the best plan's, most", most(&cost), "%"),
        Row::new("fuel above the best plan's, mean", mean(&fuel), "%").at_most(ABOVE),
        Row::new("fuel above the best plan's, most", most(&fuel), "%"),
        Row::new(
            "cost and fuel at most 5 % above",
            share(&|pair| cost(pair) <= ABOVE && fuel(pair) <= ABOVE),
            "of all starts",
        )
        .at_least(0.99),
        Row::new("fuel", mean(&|(ours, _)| ours.fuel()), "t, mean")
            .beside(mean(&|(_, best)| best.fuel()), "the best plans"),
        Row::new("fuel beyond hovering at the station", beyond(|pair| &pair.0), "kg, mean")
            .beside(beyond(|pair| &pair.1), "the best plans"),
        Row::new("fuel left in the end, least", -most(&|(ours, _)| -ours.left()), "t"),
    ]
}

fn report(pairs: &[(Journey, Journey)]) -> Report {
    let mut report = Report::new("The rocket and the station", "on little fuel");
    let way = |journey: &Journey| {
        journey.states.iter().map(|x| (f64::from(x[0]), f64::from(x[1]))).collect::<Vec<_>>()
    };
    let mut map = Plot::new(Axis::linear("x (m)").range(-9.0, 9.0), Axis::linear("y (m)").range(-9.0, 9.0))
        .size(560, 560);
    for (i, (ours, _)) in pairs.iter().take(30).enumerate() {
        let name = if i == 0 { "flights" } else { "" };
        map = map.with(Series::line(name, way(ours)).colour([60, 110, 190]).weight(0.8));
    }
    let begins = pairs.iter().take(30).map(|(ours, _)| way(ours)[0]).collect();
    map = map.with(Series::dots("starts", begins)).with(Series::dots("the station", vec![(0.0, 0.0)]));
    report
        .section("All ways lead to the station")
        .figures("Flights from the first starts.", [Figure::from(map)]);
    let worst = pairs.iter().max_by(|a, b| (a.0.cost / a.1.cost).total_cmp(&(b.0.cost / b.1.cost)));
    for (heading, pair) in [
        ("The first start", pairs.first()),
        ("The start with the dearest flight, beside its best plan", worst),
    ] {
        let Some((ours, best)) = pair else { continue };
        let over = |component: usize, label: &str| {
            let curve = |journey: &Journey| {
                let points = sampled(journey.states.iter().map(|x| x[component]), DT);
                if Rocket::ABOUT.angles.contains(component) { round_y(&points) } else { points }
            };
            Figure::from(
                Plot::new(Axis::linear("time (s)"), Axis::linear(label))
                    .with(Series::line("flight", curve(ours)))
                    .with(Series::dashed("best plan", curve(best))),
            )
        };
        let control = |component: usize, label: &str| {
            let curve = sampled(ours.actions.iter().map(|u| u[component]), DT);
            Figure::from(
                Plot::new(Axis::linear("time (s)"), Axis::linear(label)).with(Series::line("flight", curve)),
            )
        };
        report.section(heading).figures(
            "Place, angle and fuel; and what the flight did.",
            [
                Figure::from(
                    Plot::new(Axis::linear("x (m)"), Axis::linear("y (m)"))
                        .with(Series::line("flight", way(ours)))
                        .with(Series::dashed("best plan", way(best))),
                ),
                over(2, "θ (rad)"),
                over(6, "fuel (t)"),
                control(0, "thrust (kN)"),
                control(1, "nozzle (rad)"),
            ],
        );
    }
    report
}
