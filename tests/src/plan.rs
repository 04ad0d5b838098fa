//! The planner: rollouts, their gradient, descent.

use crate::{
    Case, Failure,
    failure::{Golden, count, holds, near, same_bits},
    reference::{self, slope, wide},
    tiny::{self, DESCENT, H, NH, NU, NX, NZ, Numbers},
};
use forethought::{
    Zero,
    artifact::{Aligned, Artifact, Descent, Load, Model, Newton, Planner, Plant},
    cost::Cost,
    math,
    plan::{
        Planner as _, Rollout, Status,
        gradient::{Gradient, State},
        ilqr::{self, Ilqr},
    },
    policy::Policy,
    predict::{
        ForwardModel,
        network::{Network, Trace},
        physics::pendulum::Pendulum,
    },
};

/// What a step of the pendulum remembers.
type Swing = <Pendulum as ForwardModel<NX, NU, 0>>::Trace;

pub const CASES: &[Case] = &[
    Case { name: "plan: a rollout and its adjoint gradient match f64, network", run: adjoint_of_network },
    Case { name: "plan: a rollout and its adjoint gradient match f64, pendulum", run: adjoint_of_pendulum },
    Case { name: "plan: a plan is never worse than its best start", run: best_start },
    Case { name: "plan: a larger budget never makes a plan worse", run: budgets },
    Case { name: "plan: every planned action is in its range", run: in_range },
    Case { name: "plan: rounding does not lead a start out of the range", run: rounded_start },
    Case { name: "plan: a plan at its minimum has converged", run: converged },
    Case { name: "plan: golden bits", run: golden },
    Case {
        name: "plan: iLQR finds a plan at least as good as the gradient's, in its range",
        run: second_order,
    },
    Case { name: "plan: iLQR on states that no pendulum has", run: second_order_far },
    Case { name: "plan: golden bits, iLQR", run: second_order_golden },
];

/// Steps imagined here: shorter than the memory.
const STEPS: usize = 5;

/// The summed cost of five actions, in `f64`.
fn reference_cost(
    start: &[f64; NX],
    actions: &[f64; STEPS],
    step: impl Fn(&[f64; NX], f64) -> [f64; NX],
) -> f64 {
    let state = |x: &[f64; NX]| {
        let angle = reference::wrap(x[0]);
        angle * angle + f64::from(0.1_f32) * x[1] * x[1]
    };
    let (mut x, mut sum) = (*start, 0.0);
    for u in actions {
        sum += state(&x) + f64::from(0.001_f32) * u * u;
        x = step(&x, *u);
    }
    sum + state(&x) + reference::network::<1>("value", &x, None)[0]
}

/// A start from which neither the angle's jump at ±π nor the speed limit is in reach, and actions.
fn trial(numbers: &mut Numbers) -> ([f32; NX], [f32; STEPS]) {
    ([2.0 * numbers.next(), 2.0 * numbers.next()], numbers.array().map(|u| 2.0 * u))
}

fn adjoint_of_network() -> Result<(), Failure> {
    let mut numbers = Numbers(30);
    tiny::with(
        Model::Network,
        |_| {},
        |artifact| {
            let (model, cost) = (Network::<NX, NU, NZ, NH>::load(artifact)?, Cost::<NH>::load(artifact)?);
            for _ in 0..4 {
                let (start, actions) = trial(&mut numbers);
                let mut rollout: Rollout<Trace<NX, NH>, NX, NU, H> = Rollout::ZERO;
                let mut gradient = [[0.0; NU]; H];
                rollout.imagine((&model, &cost), &start, STEPS, |t, _, u| *u = [actions[t]]);
                rollout.gradient((&model, &cost), &start, STEPS, &mut gradient);
                let sum = |actions: &[f64; STEPS]| {
                    reference_cost(&wide(&start), actions, |x, u| reference::learned_step(x, u, 0.0))
                };
                near("cost", sum(&wide(&actions)), rollout.cost, 1e-4)?;
                for (t, g) in gradient.into_iter().take(STEPS).enumerate() {
                    near("slope", slope(sum, &wide(&actions), t), g[0], 1e-4)?;
                }
                holds("nothing past the horizon is touched", gradient[STEPS..] == [[0.0]])?;
            }
            Ok(())
        },
    )
}

fn adjoint_of_pendulum() -> Result<(), Failure> {
    let mut numbers = Numbers(31);
    tiny::with(
        Model::Physics(Plant::Pendulum),
        |_| {},
        |artifact| {
            let (model, cost) = (Pendulum::default(), Cost::<NH>::load(artifact)?);
            for _ in 0..8 {
                let (start, actions) = trial(&mut numbers);
                let mut rollout: Rollout<Swing, NX, NU, H> = Rollout::ZERO;
                let mut gradient = [[0.0; NU]; H];
                rollout.imagine((&model, &cost), &start, STEPS, |t, _, u| *u = [actions[t]]);
                rollout.gradient((&model, &cost), &start, STEPS, &mut gradient);
                let sum =
                    |actions: &[f64; STEPS]| reference_cost(&wide(&start), actions, reference::pendulum_step);
                near("cost", sum(&wide(&actions)), rollout.cost, 1e-4)?;
                for (t, g) in gradient.into_iter().take(STEPS).enumerate() {
                    near("slope", slope(sum, &wide(&actions), t), g[0], 1e-4)?;
                }
            }
            Ok(())
        },
    )
}

/// Chooses an action at a step in a state. `dyn`: the flash of the smallest chip holds one rollout, not one for each.
type Actor<'a> = dyn Fn(usize, &[f32; NX], &mut [f32; NU]) + 'a;

/// The tiny agent's parts around the planner, with the pendulum's physics as the model.
struct Desk<'a> {
    planner: Gradient<'a>,
    cost: Cost<'a, NH>,
    policy: Policy<'a, NH>,
    state: State<Swing, NX, NU, H>,
}

impl<'a> Desk<'a> {
    fn load(artifact: &Artifact<'a>) -> Result<Self, Failure> {
        Ok(Self {
            planner: Gradient::load(artifact)?,
            cost: Cost::load(artifact)?,
            policy: Policy::load(artifact)?,
            state: State::ZERO,
        })
    }

    fn plan(&mut self, x: &[f32; NX]) -> (Status, u32) {
        let problem = (&Pendulum::default(), &self.cost);
        let outcome = self.planner.plan(&mut self.state, problem, x, |x, u| self.policy.act(x, u));
        (outcome.status, outcome.iterations)
    }

    /// What a plan costs whose actions an actor chooses.
    fn imagined(&self, x: &[f32; NX], actor: &Actor<'_>) -> f32 {
        let mut rollout: Rollout<Swing, NX, NU, H> = Rollout::ZERO;
        rollout.imagine((&Pendulum::default(), &self.cost), x, H, actor);
        rollout.cost
    }
}

fn best_start() -> Result<(), Failure> {
    let mut numbers = Numbers(32);
    tiny::with(
        Model::Physics(Plant::Pendulum),
        |_| {},
        |artifact| {
            let mut desk = Desk::load(artifact)?;
            for round in 0..12 {
                let x = [3.0 * numbers.next(), 6.0 * numbers.next()];
                let mut best = desk.imagined(&x, &|_, x, u| desk.policy.act(x, u));
                for constant in [-2.0, 0.0, 2.0] {
                    best = best.min(desk.imagined(&x, &|_, _, u| *u = [constant]));
                }
                if round > 0 {
                    let before = desk.state.plan.actions;
                    let shifted = desk.imagined(&x, &|t, x, u| match before.get(t + 1) {
                        Some(kept) => *u = *kept,
                        None => desk.policy.act(x, u),
                    });
                    best = best.min(shifted);
                }
                desk.plan(&x);
                holds("the plan is as good as the best start", desk.state.plan.cost <= best)?;
                let actions = desk.state.plan.actions;
                let again = desk.imagined(&x, &|t, _, u| *u = actions[t]);
                holds("the plan costs what it says", again.to_bits() == desk.state.plan.cost.to_bits())?;
            }
            Ok(())
        },
    )
}

fn budgets() -> Result<(), Failure> {
    let mut improved = 0;
    for x in [[3.0, 0.0], [1.0, -1.0], [-2.0, 5.0], [0.1, -0.3]] {
        let (mut first, mut last) = (f32::INFINITY, f32::INFINITY);
        for budget in 0..=10 {
            let adjust = |header: &mut forethought::artifact::Header<'_>| {
                header.planner = Planner::Gradient(Descent { iterations: budget, tolerance: 0.0, ..DESCENT });
            };
            tiny::with(Model::Physics(Plant::Pendulum), adjust, |artifact| {
                let mut desk = Desk::load(artifact)?;
                let (status, iterations) = desk.plan(&x);
                holds("no more than the budget is spent", iterations <= budget.into())?;
                holds(
                    "only a spent budget is called so",
                    status == Status::Converged || iterations == u32::from(budget),
                )?;
                holds("more iterations make no plan worse", desk.state.plan.cost <= last)?;
                last = desk.state.plan.cost;
                Ok(())
            })?;
            if budget == 0 {
                first = last;
            }
        }
        improved += u32::from(last < first);
    }
    holds("descent finds better plans than its starts", improved >= 2)
}

fn in_range() -> Result<(), Failure> {
    let mut numbers = Numbers(33);
    // Steps so large that every trial hits the limits, and states that no pendulum has.
    for (step, scale) in [(0.1, 1.0), (1e6, 1.0), (0.1, 1e20), (f32::MAX, 1e38)] {
        let adjust = |header: &mut forethought::artifact::Header<'_>| {
            header.planner = Planner::Gradient(Descent { step, ..DESCENT });
        };
        tiny::with(Model::Physics(Plant::Pendulum), adjust, |artifact| {
            let mut desk = Desk::load(artifact)?;
            for _ in 0..6 {
                desk.plan(&[3.0 * numbers.next() * scale, 3.0 * numbers.next() * scale]);
                for action in desk.state.plan.actions.as_flattened() {
                    holds("an action is in its range", (-2.0..=2.0).contains(action))?;
                }
            }
            Ok(())
        })?;
    }
    Ok(())
}

/// In `f32`, `−0.2 + (0.9 − −0.2)` is more than 0.9.
fn rounded_start() -> Result<(), Failure> {
    let (low, high) = (-0.2, 0.9);
    holds("these limits are a test", low + (high - low) > high)?;
    let mut header = tiny::header(Model::Physics(Plant::Pendulum));
    header.planner = Planner::Gradient(Descent { iterations: 0, ..DESCENT });
    let weight = |part: &str, name: &str, row, col| match (part, name) {
        ("action", "low") => low,
        ("action", "high") => high,
        _ => tiny::weight(part, name, row, col),
    };
    let mut buffer = Aligned([0; _]);
    let length = tiny::fill_with(header, &weight, &mut buffer)?;
    let artifact = Artifact::parse(&buffer.0[..length])?;
    // Falling fast to the negative side: the best start is the highest torque.
    let mut desk = Desk::load(&artifact)?;
    desk.plan(&[-1.0, -3.0]);
    same_bits("torque", &[high; H], desk.state.plan.actions.as_flattened())
}

fn converged() -> Result<(), Failure> {
    let adjust = |header: &mut forethought::artifact::Header<'_>| {
        header.planner = Planner::Gradient(Descent { iterations: 200, tolerance: 1e-3, ..DESCENT });
    };
    tiny::with(Model::Physics(Plant::Pendulum), adjust, |artifact| {
        let mut desk = Desk::load(artifact)?;
        let (status, iterations) = desk.plan(&[0.5, 0.5]);
        holds("planning ends before its budget", status == Status::Converged && iterations < 200)?;
        // From far away every action is held by a limit: there is nothing to be gained.
        let (status, iterations) = desk.plan(&[1.0, 6.0]);
        holds("a plan at its limits has converged", status == Status::Converged)?;
        count("iterations", 1, iterations)
    })
}

fn golden() -> Result<(), Failure> {
    let (mut numbers, mut golden) = (Numbers(34), Golden::default());
    tiny::with(
        Model::Network,
        |_| {},
        |artifact| {
            let (model, cost) = (Network::<NX, NU, NZ, NH>::load(artifact)?, Cost::<NH>::load(artifact)?);
            let (planner, policy) = (Gradient::load(artifact)?, Policy::<NH>::load(artifact)?);
            let mut state: State<Trace<NX, NH>, NX, NU, H> = State::ZERO;
            for _ in 0..4 {
                let x = [3.0 * numbers.next(), 6.0 * numbers.next()];
                let outcome = planner.plan(&mut state, (&model, &cost), &x, |x, u| policy.act(x, u));
                golden.word(outcome.iterations);
                golden.add(state.plan.actions.as_flattened());
                golden.add(state.plan.states.as_flattened());
                golden.add(&[state.plan.cost]);
            }
            golden.is("plans", 0x11dd_8f15)
        },
    )
}

/// How iLQR plans here.
const NEWTON: Newton = Newton { iterations: 20, trials: 6, damping: 1e-2, tolerance: 1e-5 };

/// iLQR with the pendulum's physics.
fn newton(x: &[f32; NX], state: &mut ilqr::State<Swing, NX, NU, H>) -> Result<u32, Failure> {
    let adjust = |header: &mut forethought::artifact::Header<'_>| header.planner = Planner::Ilqr(NEWTON);
    let mut iterations = 0;
    tiny::with(Model::Physics(Plant::Pendulum), adjust, |artifact| {
        let (planner, cost) = (Ilqr::load(artifact)?, Cost::<NH>::load(artifact)?);
        let policy = Policy::<NH>::load(artifact)?;
        let outcome = planner.plan(state, (&Pendulum::default(), &cost), x, |x, u| policy.act(x, u));
        iterations = outcome.iterations;
        for action in state.plan.actions.as_flattened() {
            holds("an action is in its range", (-2.0..=2.0).contains(action))?;
        }
        Ok(())
    })?;
    Ok(iterations)
}

fn second_order() -> Result<(), Failure> {
    let adjust = |header: &mut forethought::artifact::Header<'_>| {
        header.planner = Planner::Gradient(Descent { iterations: 200, tolerance: 0.0, ..DESCENT });
    };
    for x in [[3.0, 0.0], [1.0, -1.0], [-2.0, 5.0], [0.1, -0.3], [0.5, 0.5]] {
        let mut first = f32::INFINITY;
        tiny::with(Model::Physics(Plant::Pendulum), adjust, |artifact| {
            let mut desk = Desk::load(artifact)?;
            desk.plan(&x);
            first = desk.state.plan.cost;
            Ok(())
        })?;
        let mut state = ilqr::State::ZERO;
        newton(&x, &mut state)?;
        // Both stop where no more is to be had, as far as rounding shows.
        holds("the cost is as low", state.plan.cost <= first + 1e-4 * math::abs(first))?;
    }
    Ok(())
}

fn second_order_far() -> Result<(), Failure> {
    let mut numbers = Numbers(35);
    for scale in [1e3, 1e20, 1e38] {
        let mut state = ilqr::State::ZERO;
        newton(&[3.0 * numbers.next() * scale, 3.0 * numbers.next() * scale], &mut state)?;
    }
    Ok(())
}

fn second_order_golden() -> Result<(), Failure> {
    let (mut numbers, mut golden) = (Numbers(36), Golden::default());
    let mut state = ilqr::State::ZERO;
    for _ in 0..4 {
        golden.word(newton(&[3.0 * numbers.next(), 6.0 * numbers.next()], &mut state)?);
        golden.add(state.plan.actions.as_flattened());
        golden.add(state.plan.states.as_flattened());
        golden.add(&[state.plan.cost]);
    }
    golden.is("plans", 0xd61c_ab35)
}
