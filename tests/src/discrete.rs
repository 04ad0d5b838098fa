//! The discrete planner: against trying every sequence, along a flight, and with cells.

use crate::{
    Case, Failure,
    failure::{Golden, holds, same_bits},
    tensors::Tensor,
    tiny::{Buffer, Numbers},
    zero,
};
use forethought::{
    Zero,
    artifact::{
        Aligned, Artifact, CostTerms, Entry, Header, Load, Model, Planner, Plant, Provenance, Sensors, Side,
        Sizes, Term, Tree, write,
    },
    cost::Cost,
    feature::{Angles, Feature, Map},
    plan::{
        Outcome, Planner as _, Status,
        discrete::{Discrete, State},
    },
    predict::{ForwardModel, physics::pendulum::Pendulum},
};

pub const CASES: &[Case] = &[
    Case { name: "discrete: the best of all sequences, to the last bit of its cost", run: exhaustive },
    Case { name: "discrete: a narrow beam is never better, and says so", run: narrow },
    Case { name: "discrete: the last plan goes on unless a better one is found", run: warm },
    Case { name: "discrete: states that no pendulum has", run: far },
    Case { name: "discrete: golden bits with cells, and a larger type changes none", run: golden },
];

const NX: usize = 2;
const NU: usize = 1;
const H: usize = 4;
const ACTIONS: [f32; 3] = [-2.0, 0.5, 2.0];
const HOLD: u16 = 3;
/// As many states as there are before the last decision.
const ALL: usize = 27;

const TENSORS: [Tensor; 6] = [
    ("plan", "cells", NX, 1),
    ("plan", "actions", ACTIONS.len(), 1),
    ("cost", "action", NU, 1),
    ("action", "low", NU, 1),
    ("action", "high", NU, 1),
    ("action", "safe", NU, 1),
];

fn weight(part: &str, name: &str, row: usize) -> f32 {
    match (part, name) {
        ("plan", "cells") => [3.0, 1.5][row],
        ("plan", "actions") => ACTIONS[row],
        ("cost", "action") => 0.01,
        ("action", "low") => -2.0,
        ("action", "high") => 2.0,
        _ => 0.0,
    }
}

/// A planner with or without cells, and the problem: the pendulum upright, and as soon as may be.
fn with<const B: usize>(
    beam: u16,
    cells: bool,
    then: impl FnOnce(&Discrete<'_, B>, &Cost<'_, 1>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let sizes = Sizes { state: NX as u16, action: NU as u16, ..Sizes::default() };
    let header = Header::model(
        sizes,
        Angles(1),
        Sensors { low: -10.0, high: 10.0 },
        Model::Physics(Plant::Pendulum),
        Provenance { trainer: "by hand", task: "pendulum", seed: 0, data: 0 },
    );
    let term = |index, map, side, target, weight, terminal| Term {
        feature: Feature { index, map },
        side,
        target,
        weight,
        terminal,
    };
    let terms = [
        term(0, Map::Angle, Side::Both, 0.0, 1.0, 5.0),
        term(1, Map::Value, Side::Both, 0.0, 0.1, 0.1),
        term(0, Map::Cos, Side::Until, 0.9, 0.5, 0.0),
    ];
    let cost = CostTerms { terms: terms.into_iter().collect(), ..CostTerms::default() };
    let planner = Planner::Discrete(Tree { beam, actions: ACTIONS.len() as u16, hold: HOLD });
    let values = TENSORS.map(|(part, name, ..)| move |row, _| weight(part, name, row));
    let entries: [Entry<'_>; TENSORS.len()] = core::array::from_fn(|i| {
        let (part, name, rows, cols) = TENSORS[i];
        Entry { part, name, rows, cols, value: &values[i] }
    });
    let mut buffer: Buffer = Aligned([0; _]);
    let header = header.controller(H as u16, cost, planner);
    let length = write(header, &entries[usize::from(!cells)..], &mut buffer.0)?;
    let artifact = Artifact::parse(&buffer.0[..length])?;
    then(&Discrete::load(&artifact)?, &Cost::load(&artifact)?)
}

fn plan<const B: usize>(
    planner: &Discrete<'_, B>,
    cost: &Cost<'_, 1>,
    state: &mut State<NX, NU, H, B>,
    x: &[f32; NX],
) -> Outcome<NU> {
    planner.plan(state, (&Pendulum::default(), cost), x, |_, u| *u = [0.25])
}

/// One action after the other, each held.
fn cost_of(cost: &Cost<'_, 1>, x: &[f32; NX], actions: &[f32; H]) -> f32 {
    let (mut x, mut paid) = (*x, 0.0);
    for u in actions {
        for _ in 0..HOLD {
            paid += cost.stage(&x, &[*u]);
            step(&mut x, &[*u]);
        }
    }
    paid + cost.terminal(&x)
}

fn step(x: &mut [f32; NX], u: &[f32; NU]) {
    let before = *x;
    Pendulum::default().step(&mut zero(), &before, u, &[], x);
}

/// The least cost of all sequences.
fn least(cost: &Cost<'_, 1>, x: &[f32; NX]) -> f32 {
    let mut least = f32::INFINITY;
    for number in 0..3_usize.pow(H as u32) {
        let mut rest = number;
        let actions = core::array::from_fn(|_| {
            let action = ACTIONS[rest % 3];
            rest /= 3;
            action
        });
        let paid = cost_of(cost, x, &actions);
        least = if paid < least { paid } else { least };
    }
    least
}

fn start(numbers: &mut Numbers) -> [f32; NX] {
    [3.0 * numbers.next(), 4.0 * numbers.next()]
}

fn exhaustive() -> Result<(), Failure> {
    let mut numbers = Numbers(61);
    with::<ALL>(ALL as u16, false, |planner, cost| {
        for _ in 0..4 {
            let (x, mut state) = (start(&mut numbers), State::ZERO);
            let outcome = plan(planner, cost, &mut state, &x);
            let of_plan = cost_of(cost, &x, &state.actions.map(|[u]| u));
            same_bits("costs", &[least(cost, &x), of_plan], &[outcome.cost; 2])?;
            holds("nothing was left aside", outcome.status == Status::Converged)?;
            holds("the first action is that of the plan", outcome.action == Some(state.actions[0]))?;
            let mut end = x;
            for u in &state.actions {
                (0..HOLD).for_each(|_| step(&mut end, u));
            }
            same_bits("last state", &end, &state.states[H - 1])?;
        }
        Ok(())
    })
}

fn narrow() -> Result<(), Failure> {
    let (mut numbers, mut worse) = (Numbers(62), 0);
    for _ in 0..4 {
        let x = start(&mut numbers);
        with::<ALL>(2, false, |planner, cost| {
            let outcome = plan(planner, cost, &mut zero(), &x);
            let best = least(cost, &x);
            holds("it is not better than the best", outcome.cost >= best)?;
            holds("it says that states were left aside", outcome.status == Status::BudgetSpent)?;
            worse += u32::from(outcome.cost > best);
            Ok(())
        })?;
    }
    holds("a narrow beam is a test", worse > 0)
}

fn warm() -> Result<(), Failure> {
    with::<ALL>(3, true, |planner, cost| {
        let (mut state, mut x) = (State::ZERO, [3.0, 0.5]);
        plan(planner, cost, &mut state, &x);
        for _ in 0..8 {
            // The same plan a step later, with practice behind its end, by hand.
            let (actions, first) = (state.actions, usize::from(state.age) + 1);
            step(&mut x, &actions[0]);
            let outcome = plan(planner, cost, &mut state, &x);
            let (mut at, mut paid) = (x, 0.0);
            for k in first..first + H * usize::from(HOLD) {
                let u = actions.get(k / usize::from(HOLD)).copied().unwrap_or([0.25]);
                paid += cost.stage(&at, &u);
                step(&mut at, &u);
            }
            holds("it is not worse than going on", outcome.cost <= paid + cost.terminal(&at))?;
        }
        Ok(())
    })
}

fn far() -> Result<(), Failure> {
    let mut numbers = Numbers(63);
    for scale in [1e3, 1e20, 1e38] {
        with::<ALL>(5, true, |planner, cost| {
            let mut state = State::ZERO;
            for _ in 0..3 {
                let x = [numbers.next() * scale, numbers.next() * scale];
                let action = plan(planner, cost, &mut state, &x).action;
                holds("it is in range, or none", action.is_none_or(|[u]| (-2.0..=2.0).contains(&u)))?;
            }
            Ok(())
        })?;
    }
    Ok(())
}

/// Along one flight.
fn flight<const B: usize>() -> Result<Golden, Failure> {
    let (mut bits, mut x) = (Golden::default(), [3.1, 0.0]);
    with::<B>(6, true, |planner, cost| {
        let mut state = State::ZERO;
        for _ in 0..8 {
            let outcome = plan(planner, cost, &mut state, &x);
            bits.add(state.actions.as_flattened());
            bits.add(state.states.as_flattened());
            bits.add(&[outcome.cost]);
            bits.word(outcome.iterations);
            step(&mut x, &state.actions[0]);
        }
        Ok(())
    })?;
    Ok(bits)
}

fn golden() -> Result<(), Failure> {
    let bits = flight::<6>()?;
    holds("a larger type changes no bit", bits == flight::<ALL>()?)?;
    bits.is("plans", 0xe37b_5f2f)
}
