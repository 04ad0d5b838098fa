//! The sampling planner: never worse than its start, in range, and the same samples on every target.

use crate::{
    Case, Failure,
    failure::{Golden, holds},
    tiny::{self, H, NH, NU, NX, Numbers},
    zero,
};
use forethought::{
    artifact::{Load, Method, Model, Planner, Plant, Sampling as Settings},
    cost::Cost,
    plan::{
        Planner as _, Rollout,
        sampling::{Sampling, State},
    },
    policy::Policy,
    predict::{ForwardModel, physics::pendulum::Pendulum},
};

pub const CASES: &[Case] = &[
    Case { name: "sampling: more rounds never make a plan worse, and some better", run: rounds },
    Case { name: "sampling: every planned action is in its range", run: in_range },
    Case { name: "sampling: golden bits, and a larger type changes none", run: golden },
];

/// What a step of the pendulum remembers.
type Swing = <Pendulum as ForwardModel<NX, NU, 0>>::Trace;
/// The best samples that are remembered.
const ELITES: usize = 4;

const METHODS: [Method; 2] =
    [Method::PathIntegral { temperature: 0.5 }, Method::CrossEntropy { elites: ELITES as u16 }];

/// How it plans here.
const SETTINGS: Settings =
    Settings { method: METHODS[0], iterations: 2, samples: 12, deviation: 0.3, correlation: 0.6, seed: 5 };

/// Plans from a state with the pendulum's physics.
fn plan<const E: usize>(
    settings: Settings,
    x: &[f32; NX],
    state: &mut State<Swing, NX, NU, H, E>,
) -> Result<Option<[f32; NU]>, Failure> {
    let adjust =
        |header: &mut forethought::artifact::Header<'_>| header.planner = Planner::Sampling(settings);
    let mut action = None;
    tiny::with(Model::Physics(Plant::Pendulum), adjust, |artifact| {
        let (planner, cost) = (Sampling::<E>::load(artifact)?, Cost::<NH>::load(artifact)?);
        let policy = Policy::<NH>::load(artifact)?;
        let outcome = planner.plan(state, (&Pendulum::default(), &cost), x, |x, u| policy.act(x, u));
        action = outcome.action;
        // What it says is what its actions do.
        let mut rollout: Rollout<Swing, NX, NU, H> = zero();
        rollout.imagine((&Pendulum::default(), &cost), x, H, |t, _, u| *u = state.plan.actions[t]);
        let same = |a: f32, b: f32| a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan());
        holds("the plan costs what it says", same(rollout.cost, outcome.cost))
    })?;
    Ok(action)
}

fn rounds() -> Result<(), Failure> {
    for method in METHODS {
        let (mut numbers, mut improved) = (Numbers(71), 0);
        for _ in 0..6 {
            let x = [0.3 * numbers.next(), numbers.next()];
            let (mut last, mut first) = (f32::INFINITY, 0.0);
            for iterations in 0..5 {
                let mut state: State<Swing, NX, NU, H, ELITES> = zero();
                plan(Settings { method, iterations, ..SETTINGS }, &x, &mut state)?;
                holds("more rounds make no plan worse", state.plan.cost <= last)?;
                last = state.plan.cost;
                first = if iterations == 0 { last } else { first };
            }
            improved += u32::from(last < first);
        }
        holds("samples are better than the starts", improved >= 3)?;
    }
    Ok(())
}

fn in_range() -> Result<(), Failure> {
    let mut numbers = Numbers(72);
    // Deviations that always hit the limits, and states that no pendulum has.
    for (deviation, scale) in [(0.3, 1.0), (1e9, 1.0), (f32::MAX, 1e20), (0.3, 1e38)] {
        for method in METHODS {
            let mut state: State<Swing, NX, NU, H, ELITES> = zero();
            for _ in 0..3 {
                let x = [3.0 * numbers.next() * scale, 3.0 * numbers.next() * scale];
                plan(Settings { method, deviation, ..SETTINGS }, &x, &mut state)?;
                for action in state.plan.actions.as_flattened() {
                    holds("an action is in its range", (-2.0..=2.0).contains(action))?;
                }
            }
        }
    }
    Ok(())
}

/// Along a flight with each method.
fn flight<const E: usize>() -> Result<Golden, Failure> {
    let mut bits = Golden::default();
    for method in METHODS {
        let (mut state, mut x) = (zero::<State<Swing, NX, NU, H, E>>(), [0.2, 0.4]);
        for _ in 0..4 {
            let action = plan(Settings { method, ..SETTINGS }, &x, &mut state)?.unwrap_or_default();
            bits.add(state.plan.actions.as_flattened());
            bits.add(state.plan.states.as_flattened());
            bits.add(&[state.plan.cost]);
            let before = x;
            Pendulum::default().step(&mut zero(), &before, &action, &[], &mut x);
        }
    }
    Ok(bits)
}

fn golden() -> Result<(), Failure> {
    let bits = flight::<ELITES>()?;
    holds("a larger type changes no bit", bits == flight::<9>()?)?;
    bits.is("plans", 0xd5c2_85b1)
}
