//! Swing-up of a pole on a cart from hanging still, by planners over its physics and over a model learned from practice.

use super::{Outcome, Setting, median};
use crate::{
    control::Control,
    data::log::Log,
    evaluate::{Flight, View, fly},
    export::{Tensors, WeightFile, write_file},
    mind,
    policy::Objective,
    predict::network::{Config, Known, Network},
    report::{
        Figure, Report,
        plot::{Axis, Plot, Series},
        points::{round_y, sampled},
    },
    results::Row,
    worlds::{
        Rng,
        cart_pole::{CartPole, DT},
        practice::Practice,
    },
};
use anyhow::Result;
use forethought::{
    agent::Mode,
    artifact::{Descent, Newton, Planner, Term},
    feature::Map,
};
use rand::SeedableRng;
use std::f64::consts::PI;

/// The cost of the best of all flights.
pub(super) const OPTIMUM: f64 = 90.139;
/// Steps that are planned ahead: from 30 on the optimum is reached.
pub(super) const HORIZON: u16 = 35;
/// Episodes of practice that a model is learned from.
const PRACTICE: usize = 100;

/// iLQR as it flies: few backward passes, since each plan starts from the last one.
const NEWTON: Newton = Newton { iterations: 15, trials: 6, damping: 1e-2, tolerance: 1e-6 };
/// The gradient with a budget that takes about as long.
const DESCENT: Descent = Descent { iterations: 60, momentum: 0.8, step: 0.2, tolerance: 1e-7 };

/// The published cost: `½x² + 0.05ẋ² + 2(1 − cos θ) + 0.01θ̇² + 0.001F²`, where `2(1 − cos θ) = (1 − cos θ)² + sin² θ`.
pub(super) fn objective() -> Objective {
    let terms = vec![
        Term::squared(Map::Value, 0, 0.0, 0.5),
        Term::squared(Map::Value, 1, 0.0, 0.05),
        Term::squared(Map::Cos, 2, 1.0, 1.0),
        Term::squared(Map::Sin, 2, 0.0, 1.0),
        Term::squared(Map::Value, 3, 0.0, 0.01),
    ];
    Objective { terms, action: vec![0.001] }
}

fn control(objective: &Objective, planner: Planner) -> Control<'_> {
    Control {
        body: CartPole::ABOUT.into(),
        objective,
        safe: &[0.0],
        planner,
        horizon: HORIZON,
        tensors: Tensors::default(),
    }
}

/// From `(0, 0, π, 0)`, in the true world.
pub(super) fn swing_up(file: &WeightFile) -> Result<Flight> {
    let mut world = CartPole::default();
    world.place(&[0.0, 0.0, PI, 0.0]);
    let artifact = file.parse()?;
    Ok(fly(&mut *mind::load(&artifact)?, &mut world, (View::State, Mode::Plan), &mut Rng::seed_from_u64(0)))
}

pub(super) fn run(setting: &Setting) -> Result<Outcome> {
    let objective = objective();
    let planners = [("iLQR", Planner::Ilqr(NEWTON)), ("gradient", Planner::Gradient(DESCENT))];
    let (mut rows, mut flights) = (Vec::new(), Vec::new());
    for (name, planner) in planners {
        let file = control(&objective, planner).over_physics(CartPole::ABOUT.plant, setting.seed)?;
        write_file(&setting.out.join(format!("cart-pole-{name}.fth").to_lowercase()), file.bytes())?;
        let flight = swing_up(&file)?;
        rows.push(bounded(format!("physics, {name}"), -flight.total, 90.5, name));
        flights.push((format!("physics, {name}"), flight));
    }
    let learned = setting
        .seeds()
        .into_iter()
        .map(|seed| {
            let rng = &mut Rng::seed_from_u64(seed);
            let log = Log::practise(&mut CartPole::default(), PRACTICE, rng);
            let defaults =
                Config { one_step: 4000, multi_step: 1600, window: 16, batch: 128, ..Config::default() };
            let config = if setting.quick {
                Config { one_step: 100, multi_step: 40, window: 5, ..defaults }
            } else {
                defaults
            };
            let about = CartPole::ABOUT;
            let known = Known { angles: about.angles, places: about.places.to_vec(), ..Known::default() };
            let (training, _) = log.split(config.held_out);
            let mut model = Network::new(&config, known, training, rng)?;
            model.train(&config, training, rng, |_, _, _, _| ())?;
            planners
                .map(|(name, planner)| {
                    let control = control(&objective, planner);
                    let file = control.over(&model, 0, (seed, log.digest))?;
                    let path = format!("cart-pole-learned-{name}-{seed}.fth").to_lowercase();
                    write_file(&setting.out.join(path), file.bytes())?;
                    swing_up(&file)
                })
                .into_iter()
                .collect::<Result<Vec<_>>>()
        })
        .collect::<Result<Vec<_>>>()?;
    for (i, (name, _)) in planners.iter().enumerate() {
        let costs: Vec<_> = learned.iter().map(|flights| -flights[i].total).collect();
        rows.push(bounded(format!("learned model, {name}"), median(&costs), 95.0, name));
    }
    flights.push(("learned, iLQR".into(), learned[0][0].clone()));
    let notes = vec![format!(
        "From hanging still, 100 steps of 0.05 s in the true world; {HORIZON} steps ahead, no terminal cost. Learned models: \
         {PRACTICE} episodes of random practice, medians of {} seeds. The demand is made of iLQR alone.",
        learned.len()
    )];
    Ok(Outcome { rows, report: report(&flights), notes })
}

/// The demand is made of the planner that is meant for it.
fn bounded(what: String, cost: f64, bound: f64, planner: &str) -> Row {
    let row = Row::new(format!("cost of a swing-up, {what}"), cost, "").beside(OPTIMUM, "optimum");
    if planner == "iLQR" { row.at_most(bound) } else { row }
}

/// Breaks a curve where an angle goes round, or leaves it as it is.
type Trace = fn(&[(f64, f64)]) -> Vec<(f64, f64)>;

fn report(flights: &[(String, Flight)]) -> Report {
    let mut report = Report::new("A pole on a cart", "swing-up by planning");
    let shown = |axis: Axis, value: &dyn Fn(&Flight) -> Vec<f32>, trace: Trace| {
        let series =
            flights.iter().map(|(name, flight)| Series::line(name, trace(&sampled(value(flight), DT))));
        let plot = Plot::new(Axis::linear("time / s"), axis).with_all(series);
        Figure::svg(&plot.svg(), plot.width())
    };
    let component = |i: usize| move |flight: &Flight| flight.states.iter().map(|x| x[i]).collect::<Vec<_>>();
    let plain = <[(f64, f64)]>::to_vec;
    report.section("Flights from hanging still");
    report.figure("The pole: 0 is upright.", shown(Axis::angle("θ / rad"), &component(2), round_y));
    report.figure("The cart.", shown(Axis::linear("x / m"), &component(0), plain));
    let force = |flight: &Flight| flight.actions.iter().map(|u| u[0]).collect();
    report.figure("What pushes it.", shown(Axis::linear("F / N"), &force, plain));
    report
}
