//! Every planner on the same two plants, over their physics: what following a slope, drawing at random and choosing from a few
//! actions are each worth. None has a terminal value, a policy or any training.

use super::{Outcome, Setting, cart_pole, median};
use crate::{
    control::Control,
    evaluate::{Flight, View, episodes},
    export::{Tensors, WeightFile, write_file},
    plan::discrete::Search,
    policy::Objective,
    report::{
        Figure, Report,
        plot::{Axis, Plot, Series},
        points::{round_y, sampled},
    },
    results::Row,
    tasks::pendulum,
    worlds::{
        camera::Camera,
        cart_pole::{CartPole, DT},
        pendulum::Pendulum,
        practice::{About, Practice},
    },
};
use anyhow::Result;
use forethought::{
    agent::Mode,
    artifact::{Descent, Method, Newton, Planner, Sampling},
};

/// Steps that the pendulum's planners look ahead; the cart-pole's look as far as in its own experiment.
const AHEAD: u16 = 40;
/// Resets of the pendulum, and their seed.
const RESETS: usize = 20;
const SEED: u64 = 1000;
/// The mean return over all resets of a policy by reinforcement learning (PPO).
const LEARNED: f64 = -172.2;
/// What the next best way to swing the cart's pole up costs.
const NEXT: f64 = 134.0;

/// A plan is drawn so often for one decision; the noise changes slowly, as good plans do.
const CHANCE: Sampling = Sampling {
    method: Method::PathIntegral { temperature: 1.0 },
    iterations: 4,
    samples: 64,
    deviation: 0.2,
    correlation: 0.9,
    seed: 0,
};

/// A plant and what is wanted of it.
struct Plant {
    about: About,
    objective: Objective,
    horizon: u16,
    search: Search,
    /// Decisions of the search.
    decisions: u16,
}

fn rod() -> Plant {
    Plant {
        about: Pendulum::ABOUT,
        objective: pendulum::Config::default().objective(),
        horizon: AHEAD,
        search: Search {
            beam: 100,
            hold: 5,
            actions: [-2.0, 0.0, 2.0].map(|u| vec![u]).to_vec(),
            cells: vec![3.0, 1.2],
        },
        decisions: 12,
    }
}

fn cart() -> Plant {
    Plant {
        about: CartPole::ABOUT,
        objective: cart_pole::objective(),
        horizon: cart_pole::HORIZON,
        search: Search {
            beam: 256,
            hold: 3,
            actions: [-10.0, 0.0, 10.0].map(|u| vec![u]).to_vec(),
            cells: vec![4.0, 2.0, 4.0, 2.0],
        },
        decisions: 12,
    }
}

/// Names as in files, and settings; the sampling ones with a seed.
fn planners(seed: u64) -> [(&'static str, Planner); 4] {
    let chance = Sampling { seed: seed as u32, ..CHANCE };
    let best = Sampling {
        method: Method::CrossEntropy { elites: 4 },
        iterations: 6,
        deviation: 0.3,
        correlation: 0.8,
        ..chance
    };
    [
        (
            "gradient",
            Planner::Gradient(Descent { iterations: 60, momentum: 0.8, step: 0.2, tolerance: 1e-7 }),
        ),
        ("iLQR", Planner::Ilqr(Newton { iterations: 15, trials: 6, damping: 1e-2, tolerance: 1e-6 })),
        ("path integral", Planner::Sampling(chance)),
        ("cross-entropy", Planner::Sampling(best)),
    ]
}

impl Plant {
    /// A controller for each planner.
    fn files(&self, seed: u64) -> Result<Vec<(&'static str, WeightFile)>> {
        let pack = |planner, horizon, tensors| {
            Control {
                body: self.about.into(),
                objective: &self.objective,
                safe: &[0.0],
                planner,
                horizon,
                tensors,
            }
            .over_physics(self.about.plant, seed)
        };
        let mut tensors = Tensors::default();
        self.search.export(&mut tensors);
        let discrete = ("discrete", pack(self.search.planner(), self.decisions, tensors)?);
        let others = planners(seed)
            .map(|(name, planner)| Ok((name, pack(planner, self.horizon, Tensors::default())?)));
        others.into_iter().chain([Ok(discrete)]).collect()
    }
}

pub(super) fn run(setting: &Setting) -> Result<Outcome> {
    let (mut rows, mut shown) = (Vec::new(), [Vec::new(), Vec::new()]);
    let resets = if setting.quick { 2 } else { RESETS };
    let plants = [rod(), cart()];
    // Flights of each plant, seed and planner.
    let mut flown = [Vec::new(), Vec::new()];
    for seed in setting.seeds() {
        for (plant, flown) in plants.iter().zip(&mut flown) {
            let mut flights = Vec::new();
            for (name, file) in plant.files(seed)? {
                if seed == setting.seed {
                    let name = format!("{}-{name}.fth", plant.about.name).to_lowercase().replace(' ', "-");
                    write_file(&setting.out.join(name), file.bytes())?;
                }
                flights.push(if plant.about.name == Pendulum::ABOUT.name {
                    let world = || Pendulum::new(Camera::default());
                    episodes(&file.parse()?, world, (View::State, Mode::Plan), resets, SEED)?
                } else {
                    vec![cart_pole::swing_up(&file)?]
                });
            }
            flown.push(flights);
        }
    }
    let names = planners(0).map(|(name, _)| name).into_iter().chain(["discrete"]);
    for (k, name) in names.enumerate() {
        let middle = |flown: &[Vec<Vec<Flight>>]| {
            let mean =
                |flights: &Vec<Flight>| flights.iter().map(|f| f.total).sum::<f64>() / flights.len() as f64;
            median(&flown.iter().map(|planners| mean(&planners[k])).collect::<Vec<_>>())
        };
        let [of_pendulum, of_cart] = [middle(&flown[0]), -middle(&flown[1])];
        let rod = Row::new(format!("pendulum, {name}: mean return"), of_pendulum, "")
            .beside(pendulum::OPTIMUM, "optimum over all resets");
        let cart = Row::new(format!("cart-pole, {name}: cost of a swing-up"), of_cart, "")
            .beside(cart_pole::OPTIMUM, "optimum");
        // The others have demands of their own, with what they need to meet them.
        let demanded = !matches!(name, "gradient" | "iLQR");
        rows.push(if demanded { rod.at_least(LEARNED) } else { rod });
        rows.push(if demanded { cart.at_most(NEXT) } else { cart });
        for (shown, flown) in shown.iter_mut().zip(&flown) {
            shown.push((name, flown[0][k][0].clone()));
        }
    }
    rows.sort_by_key(|row| row.what.starts_with("cart-pole"));
    let notes = vec![
        format!(
            "Pendulum: {resets} resets, {AHEAD} steps ahead. Cart-pole: from hanging still, {} steps ahead. Physics as the model, no terminal \
             value. Medians of {} seeds of the noise; what draws nothing is the same for all. Path integrals: {} samples, {} rounds; \
             cross-entropy: the best 4 of {}, 6 rounds. Discrete: 3 actions, 12 decisions, each held for 5 and for 3 steps.",
            cart_pole::HORIZON,
            setting.seeds().len(),
            CHANCE.samples,
            CHANCE.iterations,
            CHANCE.samples
        ),
        "Demanded is the pendulum's return of a policy by PPO, and the cart-pole's cost of the next best way to swing up; of the gradient and \
         iLQR more is demanded elsewhere, with a terminal value. From hanging still the gradient has nothing to follow."
            .into(),
        "The instructions on a chip: `forethought hil` with the exported files.".into(),
    ];
    Ok(Outcome { rows, report: report(&shown), notes })
}

fn report([pendulum, cart]: &[Vec<(&str, Flight)>; 2]) -> Report {
    let mut report = Report::new("Planners", "the same plants, the same physics");
    let shown = |flights: &[(&str, Flight)], axis: Axis, value: &dyn Fn(&Flight) -> Vec<f32>, round: bool| {
        let trace = |flight| {
            let points = sampled(value(flight), DT);
            if round { round_y(&points) } else { points }
        };
        let series = flights.iter().map(|(name, flight)| Series::line(name, trace(flight)));
        Figure::from(Plot::new(Axis::linear("time / s"), axis).with_all(series))
    };
    let state = |i: usize| move |flight: &Flight| flight.states.iter().map(|x| x[i]).collect::<Vec<_>>();
    let action = |flight: &Flight| flight.actions.iter().map(|u| u[0]).collect::<Vec<_>>();
    report.section("The pendulum's first reset").figures(
        "Left: the angle, 0 is upright. Right: the torque.",
        [
            shown(pendulum, Axis::angle("θ / rad"), &state(0), true),
            shown(pendulum, Axis::linear("u / N m"), &action, false),
        ],
    );
    report.section("The pole on a cart, from hanging still").figures(
        "Left: the pole, 0 is upright. Right: what pushes the cart.",
        [
            shown(cart, Axis::angle("θ / rad"), &state(2), true),
            shown(cart, Axis::linear("F / N"), &action, false),
        ],
    );
    report
}
