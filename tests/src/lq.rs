//! The linear-quadratic planner: its plans are optimal within their limits, whatever set of them it begins with.

use crate::{
    Case, Failure,
    failure::{Golden, count, holds, near, same_bits},
    tensors::Tensor,
    tiny::{Buffer, Numbers},
};
use forethought::{
    Zero,
    artifact::{
        ActiveSet, Aligned, Artifact, CostTerms, Entry, Header, Load, Model, Planner, Plant, Provenance,
        Sensors, Sizes, write,
    },
    cost::Cost,
    feature::Angles,
    plan::{
        Outcome, Planner as _, Status,
        lq::{Lq, State},
    },
    predict::physics::linear::Linear,
};

pub const CASES: &[Case] = &[
    Case { name: "lq: plans meet the conditions of optimality in f64", run: optimal },
    Case { name: "lq: within all limits the plan is one product", run: unlimited },
    Case { name: "lq: a spent budget leaves a plan that can be acted on", run: budget },
    Case { name: "lq: a larger type changes no bit", run: larger },
    Case { name: "lq: golden bits", run: golden },
];

const NX: usize = 3;
const NU: usize = 2;
const H: usize = 5;
/// Numbers of a plan.
const N: usize = NU * H;
const LOW: [f32; NU] = [-0.5, -1.0];
const HIGH: [f32; NU] = [0.7, 0.4];

const TENSORS: [Tensor; 13] = [
    ("predict", "a", NX, NX),
    ("predict", "b", NX, NU),
    ("cost", "action", NU, 1),
    ("action", "low", NU, 1),
    ("action", "high", NU, 1),
    ("action", "safe", NU, 1),
    ("plan", "goal", NX, 1),
    ("plan", "gain", N, NX),
    ("plan", "offset", N, 1),
    ("plan", "inverse", N * N, 1),
    ("plan", "value", NX, NX),
    ("plan", "slope", NX, 1),
    ("plan", "rest", 1, 1),
];

/// `G`: actions near each other do nearly the same, so that holding one moves all.
fn inverse(row: usize, col: usize) -> f32 {
    let mut g = if row == col { 1.05 } else { 1.0 };
    for _ in 0..row.abs_diff(col) {
        g *= 0.85;
    }
    g
}

fn gain(row: usize, col: usize) -> f32 {
    Numbers((31 * row + 7 * col) as u32 + 5).next()
}

fn weight(part: &str, name: &str, row: usize, col: usize) -> f32 {
    match (part, name) {
        ("predict", "a") => [[1.0, 0.1, 0.0], [0.0, 0.9, 0.1], [0.0, -0.1, 0.8]][row][col],
        ("predict", "b") => 0.1 * gain(row, col),
        ("cost", _) => 0.5,
        ("action", "low") => LOW[row],
        ("action", "high") => HIGH[row],
        ("plan", "goal") => [0.2, -0.1, 0.0][row],
        ("plan", "gain") => gain(row, col),
        ("plan", "offset") => 0.05 * gain(row, 9),
        ("plan", "inverse") => inverse(row / N, row % N),
        ("plan", "value") => [[2.0, 0.5, 0.0], [0.5, 1.0, 0.25], [0.0, 0.25, 1.5]][row][col],
        ("plan", "slope") => 0.1 * gain(row, 4),
        ("plan", "rest") => 0.125,
        _ => 0.0,
    }
}

/// Makes the controller's weight file on the stack and hands it on, parsed.
fn with<R>(iterations: u16, then: impl FnOnce(&Artifact<'_>) -> Result<R, Failure>) -> Result<R, Failure> {
    let sizes = Sizes { state: NX as u16, action: NU as u16, ..Sizes::default() };
    let header = Header::model(
        sizes,
        Angles(0),
        Sensors { low: -10.0, high: 10.0 },
        Model::Physics(Plant::Linear),
        Provenance { trainer: "by hand", task: "linear", seed: 0, data: 0 },
    );
    let planner = Planner::Lq(ActiveSet { iterations, tolerance: 1e-5 });
    let header = header.controller(H as u16, CostTerms::default(), planner);
    let values = TENSORS.map(|(part, name, ..)| move |row, col| weight(part, name, row, col));
    let entries: [Entry<'_>; TENSORS.len()] = core::array::from_fn(|i| {
        let (part, name, rows, cols) = TENSORS[i];
        Entry { part, name, rows, cols, value: &values[i] }
    });
    let mut buffer: Buffer = Aligned([0; _]);
    let length = write(header, &entries, &mut buffer.0)?;
    then(&Artifact::parse(&buffer.0[..length])?)
}

struct Desk<'a, const MOST_U: usize, const MOST_H: usize> {
    planner: Lq<'a>,
    cost: Cost<'a, 1>,
    model: Linear<'a>,
    state: State<MOST_U, MOST_H>,
}

impl<'a, const MOST_U: usize, const MOST_H: usize> Desk<'a, MOST_U, MOST_H> {
    fn load(artifact: &Artifact<'a>) -> Result<Self, Failure> {
        Ok(Self {
            planner: Lq::load(artifact)?,
            cost: Cost::load(artifact)?,
            model: Linear::load(artifact)?,
            state: State::ZERO,
        })
    }

    fn plan<const MOST_X: usize>(&mut self, x: &[f32; MOST_X]) -> Outcome<MOST_U> {
        self.planner.plan(&mut self.state, (&self.model, &self.cost), x, |_, _| {})
    }
}

/// The plan without limits, in `f64`.
fn target(x: &[f32; NX]) -> [f64; N] {
    core::array::from_fn(|i| {
        let along = (0..NX).map(|j| f64::from(gain(i, j)) * f64::from(x[j] - weight("plan", "goal", j, 0)));
        along.sum::<f64>() + f64::from(weight("plan", "offset", i, 0))
    })
}

/// `G λ = difference`, by elimination.
fn multipliers(difference: [f64; N]) -> [f64; N] {
    // Rows of G with the right side behind them.
    let mut g: [([f64; N], f64); N] =
        core::array::from_fn(|i| (core::array::from_fn(|j| inverse(i, j).into()), difference[i]));
    for i in 0..N {
        let (row, right) = g[i];
        for (below, value) in g.iter_mut().skip(i + 1) {
            let share = below[i] / row[i];
            below.iter_mut().zip(row).for_each(|(b, r)| *b -= share * r);
            *value -= share * right;
        }
    }
    let mut lambda = [0.0; N];
    for i in (0..N).rev() {
        let (row, right) = g[i];
        let known: f64 = (i + 1..N).map(|j| row[j] * lambda[j]).sum();
        lambda[i] = (right - known) / row[i];
    }
    lambda
}

fn optimal() -> Result<(), Failure> {
    let mut numbers = Numbers(50);
    let (mut limited, mut free) = (0, 0);
    with(30, |artifact| {
        let mut desk = Desk::<NU, H>::load(artifact)?;
        for _ in 0..40 {
            let x: [f32; NX] = numbers.array();
            let outcome = desk.plan(&x);
            holds("it converges", outcome.status == Status::Converged)?;
            let (target, plan) = (target(&x), desk.state.plan());
            let lambda = multipliers(core::array::from_fn(|i| target[i] - f64::from(plan[i])));
            for (i, (lambda, u)) in lambda.into_iter().zip(plan).enumerate() {
                let (low, high) = (LOW[i % NU], HIGH[i % NU]);
                holds("an action is in its range", (low..=high).contains(u))?;
                // A multiplier that pushes out of the range belongs to an action at that limit.
                let (at_low, at_high) = (*u == low, *u == high);
                if !at_high {
                    holds("nothing is to be gained upwards", lambda < 1e-3)?;
                }
                if !at_low {
                    holds("nothing is to be gained downwards", lambda > -1e-3)?;
                }
                if at_low || at_high { limited += 1 } else { free += 1 }
            }
            // The cost of the limits: (U − U*)ᵀ λ, with U* − U = G λ.
            let e: [f64; NX] = core::array::from_fn(|j| f64::from(x[j] - weight("plan", "goal", j, 0)));
            let wanted = |i: usize, j: usize| f64::from(weight("plan", "value", i, j));
            let mut cost = 0.125;
            for i in 0..NX {
                cost += 2.0 * e[i] * f64::from(weight("plan", "slope", i, 0));
                cost += (0..NX).map(|j| e[i] * wanted(i, j) * e[j]).sum::<f64>();
            }
            let parts = lambda.iter().enumerate().map(|(i, l)| l * (target[i] - f64::from(plan[i])));
            near("cost", cost + parts.sum::<f64>(), outcome.cost, 1e-3)?;
        }
        holds("some actions were limited and some free", limited > 50 && free > 50)
    })
}

fn unlimited() -> Result<(), Failure> {
    with(30, |artifact| {
        let mut desk = Desk::<NU, H>::load(artifact)?;
        desk.plan(&[0.9, -0.9, 0.9]);
        let x = [0.25, -0.15, 0.05];
        let outcome = desk.plan(&x);
        count("systems", 0, outcome.iterations)?;
        let (mut u, e) = ([0.0; N], [0, 1, 2].map(|j| x[j] - weight("plan", "goal", j, 0)));
        for (i, u) in u.iter_mut().enumerate() {
            *u =
                e.iter().enumerate().fold(weight("plan", "offset", i, 0), |sum, (j, e)| sum + gain(i, j) * e);
        }
        same_bits("plan", &u, desk.state.plan())?;
        same_bits("action", &u[..NU], &outcome.action.unwrap_or_default())
    })
}

fn budget() -> Result<(), Failure> {
    let mut numbers = Numbers(51);
    let mut spent = 0;
    for iterations in 0..4 {
        with(iterations, |artifact| {
            let mut desk = Desk::<NU, H>::load(artifact)?;
            for scale in [1.0, 3.0, 1e6, 1e30, 3e38] {
                let outcome = desk.plan(&numbers.array::<NX>().map(|x| scale * x));
                holds("no more than the budget is spent", outcome.iterations <= iterations.into())?;
                for (i, u) in desk.state.plan().iter().enumerate() {
                    holds("an action is in its range", (LOW[i % NU]..=HIGH[i % NU]).contains(u))?;
                }
                let told = outcome.action.is_some() == outcome.cost.is_finite();
                holds("an action is told where its cost is a number", told)?;
                spent += u32::from(outcome.status == Status::BudgetSpent);
            }
            Ok(())
        })?;
    }
    holds("budgets were spent", spent > 3)
}

fn larger() -> Result<(), Failure> {
    let mut numbers = Numbers(52);
    with(30, |artifact| {
        let (mut exact, mut large) = (Desk::<NU, H>::load(artifact)?, Desk::<3, 6>::load(artifact)?);
        for _ in 0..8 {
            let [x, y, z] = numbers.array();
            let (a, b) = (exact.plan(&[x, y, z]), large.plan(&[x, y, z, 0.0, 0.0]));
            same_bits("cost", &[a.cost], &[b.cost])?;
            same_bits("plan", exact.state.plan(), &large.state.plan()[..N])?;
            let (a, b) = (a.action.unwrap_or_default(), b.action.unwrap_or_default());
            same_bits("action", &[a[0], a[1], 0.0], &b)?;
        }
        Ok(())
    })
}

fn golden() -> Result<(), Failure> {
    let (mut numbers, mut golden) = (Numbers(53), Golden::default());
    with(6, |artifact| {
        let mut desk = Desk::<NU, H>::load(artifact)?;
        for _ in 0..12 {
            let outcome = desk.plan(&numbers.array::<NX>());
            golden.word(outcome.iterations);
            golden.add(desk.state.plan());
            golden.add(&[outcome.cost]);
        }
        golden.is("plans", 0xd23a_f721)
    })
}
