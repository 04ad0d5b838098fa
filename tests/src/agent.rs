//! The whole loop: flights of the tiny agent, and what it makes of readings that cannot be trusted.

use crate::{
    Case, Failure,
    failure::{Golden, count, holds, near, same_bits},
    tiny::{self, Learned, NU, NX, NY, Physical, World},
};
use forethought::{
    Zero,
    agent::{Agent, Decision, Mind, Mode, Reading, SensorError},
    artifact::{Model, Plant},
    math,
    perceive::lista::Lista,
    plan::{Status, gradient::Gradient},
    predict::network::Network,
};

pub const CASES: &[Case] = &[
    Case { name: "agent: golden flight, physics, planner", run: physical_planner },
    Case { name: "agent: golden flight, physics, policy", run: physical_policy },
    Case { name: "agent: golden flight, network, planner", run: learned_planner },
    Case { name: "agent: golden flight, network, policy", run: learned_policy },
    Case { name: "agent: golden flight, state readings", run: state_readings },
    Case { name: "agent: it keeps the pendulum upright", run: balance },
    Case { name: "agent: a larger type changes no bit", run: larger_type },
    Case { name: "agent: a bad reading gives the safe action and its own error", run: bad_readings },
    Case { name: "agent: a bad reading poisons nothing", run: healthy_again },
    Case { name: "agent: an enormous state gives an action in its range", run: enormous_state },
    Case { name: "agent: a long outage poisons nothing", run: long_outage },
    Case { name: "agent: a new state forgets everything", run: reset },
];

/// What one step did, for a checksum.
fn record<const N: usize>(golden: &mut Golden, decision: &Decision<NU>, estimate: &[f32; N]) {
    golden.add(&decision.action);
    golden.add(&estimate[..NX]);
    golden.add(&[decision.diagnostics.cost, decision.diagnostics.innovation]);
    golden.word(decision.diagnostics.iterations);
    golden.word(u32::from(decision.diagnostics.outlier));
}

/// 20 steps from hanging, one of which is without a reading and one with a flash of light.
fn fly<'a, M: Mind<'a, NX, NU>>(mind: &M, mode: Mode) -> Result<Golden, Failure> {
    let (mut state, mut decision, mut golden) = (M::State::ZERO, Decision::ZERO, Golden::default());
    let mut world = World { x: [3.0, 0.5] };
    for step in 0..20 {
        let mut y = world.observe();
        if step == 13 {
            y[0] = 1.5;
            y[3] = -0.5;
        }
        let reading = if step == 7 { Reading::Missing } else { Reading::Sensors(&y) };
        let result = mind.step(&mut state, reading, mode, &mut decision);
        holds("only the missing reading is refused", result.is_err() == (step == 7))?;
        holds("the action is in its range", (-2.0..=2.0).contains(&decision.action[0]))?;
        record(&mut golden, &decision, mind.estimate(&state));
        world.step(&decision.action);
    }
    golden.add(mind.planned(&state).as_flattened());
    golden.add(&world.x);
    Ok(golden)
}

fn physical_planner() -> Result<(), Failure> {
    tiny::with(
        Model::Physics(Plant::Pendulum),
        |_| {},
        |artifact| fly(&Physical::load(artifact)?, Mode::Plan)?.is("flight", 0x9a5f_02fb),
    )
}

fn physical_policy() -> Result<(), Failure> {
    tiny::with(
        Model::Physics(Plant::Pendulum),
        |_| {},
        |artifact| fly(&Physical::load(artifact)?, Mode::Policy)?.is("flight", 0xd2f9_2ed3),
    )
}

fn learned_planner() -> Result<(), Failure> {
    tiny::with(
        Model::Network,
        |_| {},
        |artifact| fly(&Learned::load(artifact)?, Mode::Plan)?.is("flight", 0x9ec1_adf0),
    )
}

fn learned_policy() -> Result<(), Failure> {
    tiny::with(
        Model::Network,
        |_| {},
        |artifact| fly(&Learned::load(artifact)?, Mode::Policy)?.is("flight", 0x05b6_2e98),
    )
}

fn state_readings() -> Result<(), Failure> {
    tiny::with(
        Model::Physics(Plant::Pendulum),
        |_| {},
        |artifact| {
            let mind = Physical::load(artifact)?;
            let (mut state, mut decision, mut golden) = (Zero::ZERO, Decision::ZERO, Golden::default());
            let mut world = World { x: [3.0, 0.5] };
            for _ in 0..20 {
                mind.step(&mut state, Reading::State(&world.x), Mode::Plan, &mut decision)?;
                same_bits("estimate", &world.x, mind.estimate(&state))?;
                record(&mut golden, &decision, mind.estimate(&state));
                world.step(&decision.action);
            }
            golden.is("flight", 0x7f92_f91f)
        },
    )
}

fn balance() -> Result<(), Failure> {
    tiny::with(
        Model::Network,
        |_| {},
        |artifact| {
            let mind = Learned::load(artifact)?;
            let (mut state, mut decision, mut world) = (Zero::ZERO, Decision::ZERO, World { x: [0.1, 0.0] });
            for _ in 0..60 {
                mind.step(&mut state, Reading::Sensors(&world.observe()), Mode::Plan, &mut decision)?;
                holds("a plan was made", decision.diagnostics.status != Status::NotPlanned)?;
                near("seen angle", 0.0, math::wrap(world.x[0] - mind.estimate(&state)[0]), 0.2)?;
                world.step(&decision.action);
            }
            near("angle", 0.0, world.x[0], 0.3)
        },
    )
}

/// What is not used stays zero and changes no bit.
fn larger_type() -> Result<(), Failure> {
    type Larger<'a> =
        Agent<'a, Lista<'a, 11, 17>, Network<'a, 4, 3, 2, 13>, Gradient<'a>, 11, 17, 4, 3, 2, 13, 8>;
    tiny::with(
        Model::Network,
        |_| {},
        |artifact| {
            let (exact, larger) = (Learned::load(artifact)?, Larger::load(artifact)?);
            for mode in [Mode::Plan, Mode::Policy] {
                let (mut state, mut decision) = (Zero::ZERO, Decision::ZERO);
                let (mut larger_state, mut larger_decision) = (Zero::ZERO, Decision::ZERO);
                let mut world = World { x: [2.0, 0.5] };
                for step in 0..30 {
                    let y = world.observe();
                    let reading = if step == 9 { Reading::Missing } else { Reading::Sensors(&y) };
                    let result = exact.step(&mut state, reading, mode, &mut decision);
                    holds(
                        "both refuse the same readings",
                        result == larger.step(&mut larger_state, reading, mode, &mut larger_decision),
                    )?;
                    same_bits("action", &[decision.action[0], 0.0, 0.0], &larger_decision.action)?;
                    holds("diagnostics are the same", decision.diagnostics == larger_decision.diagnostics)?;
                    let [a, b] = *exact.estimate(&state);
                    same_bits("estimate", &[a, b, 0.0, 0.0], larger.estimate(&larger_state))?;
                    let (plan, larger_plan) = (exact.planned(&state), larger.planned(&larger_state));
                    count("planned steps", plan.len() as u32, larger_plan.len() as u32)?;
                    for ([a, b], larger) in plan.iter().zip(larger_plan) {
                        same_bits("planned state", &[*a, *b, 0.0, 0.0], larger)?;
                    }
                    world.step(&decision.action);
                }
            }
            Ok(())
        },
    )
}

/// A reading of ones with another number in one place.
fn with_value(index: usize, value: f32) -> [f32; NY] {
    core::array::from_fn(|i| if i == index { value } else { 1.0 })
}

fn bad_readings() -> Result<(), Failure> {
    let cases: [(&[f32], SensorError); 9] = [
        (&with_value(0, f32::NAN), SensorError::NonFinite { index: 0 }),
        (&with_value(7, f32::INFINITY), SensorError::NonFinite { index: 7 }),
        (&with_value(3, f32::NEG_INFINITY), SensorError::NonFinite { index: 3 }),
        (&with_value(2, 1.51), SensorError::OutOfRange { index: 2 }),
        (&with_value(5, -0.51), SensorError::OutOfRange { index: 5 }),
        (&with_value(6, f32::MAX), SensorError::OutOfRange { index: 6 }),
        (&[], SensorError::Length { expected: 8, found: 0 }),
        (&[0.5; 7], SensorError::Length { expected: 8, found: 7 }),
        (&[0.5; 9], SensorError::Length { expected: 8, found: 9 }),
    ];
    tiny::with(
        Model::Physics(Plant::Pendulum),
        |_| {},
        |artifact| {
            let mind = Physical::load(artifact)?;
            for mode in [Mode::Plan, Mode::Policy] {
                let (mut state, mut decision) = (Zero::ZERO, Decision::ZERO);
                let mut refused = |reading, error| {
                    let result = mind.step(&mut state, reading, mode, &mut decision);
                    holds("the reading is refused for the right reason", result == Err(error))?;
                    same_bits("safe action", &[tiny::SAFE], &decision.action)?;
                    holds("nothing was planned", decision.diagnostics == Decision::<NU>::ZERO.diagnostics)
                };
                for (values, error) in cases {
                    refused(Reading::Sensors(values), error)?;
                }
                refused(Reading::Missing, SensorError::Missing)?;
                refused(Reading::State(&[0.0]), SensorError::Length { expected: 2, found: 1 })?;
                refused(Reading::State(&[0.0, f32::NAN]), SensorError::NonFinite { index: 1 })?;
            }
            Ok(())
        },
    )
}

fn healthy_again() -> Result<(), Failure> {
    tiny::with(
        Model::Network,
        |_| {},
        |artifact| {
            let mind = Learned::load(artifact)?;
            let (mut state, mut decision) = (Zero::ZERO, Decision::ZERO);
            let (mut blind, mut blind_decision) = (Zero::ZERO, Decision::ZERO);
            let mut world = World { x: [1.0, 0.0] };
            let bad = [with_value(0, f32::NAN), with_value(1, f32::INFINITY), with_value(2, f32::MAX)];
            for step in 0..24 {
                let y = if step % 4 < 3 { world.observe() } else { bad[step / 4 % 3] };
                let result = mind.step(&mut state, Reading::Sensors(&y), Mode::Plan, &mut decision);
                holds("healthy readings are taken, bad ones are not", result.is_ok() == (step % 4 < 3))?;
                holds("the estimate is finite", mind.estimate(&state).iter().all(|x| x.is_finite()))?;
                holds("the action is in its range", (-2.0..=2.0).contains(&decision.action[0]))?;
                // A twin that gets nothing instead of a bad reading does the same.
                let reading = if result.is_ok() { Reading::Sensors(&y) } else { Reading::Missing };
                let _ = mind.step(&mut blind, reading, Mode::Plan, &mut blind_decision);
                same_bits("action", &blind_decision.action, &decision.action)?;
                same_bits("estimate", mind.estimate(&blind), mind.estimate(&state))?;
                world.step(&decision.action);
            }
            Ok(())
        },
    )
}

fn enormous_state() -> Result<(), Failure> {
    tiny::with(
        Model::Network,
        |_| {},
        |artifact| {
            let mind = Learned::load(artifact)?;
            for mode in [Mode::Plan, Mode::Policy] {
                let (mut state, mut decision) = (Zero::ZERO, Decision::ZERO);
                for x in
                    [[f32::MAX, f32::MAX], [f32::MIN, f32::MAX], [0.0, f32::MIN], [0.5, 1e30], [0.5, 0.5]]
                {
                    mind.step(&mut state, Reading::State(&x), mode, &mut decision)?;
                    holds("the action is in its range", (-2.0..=2.0).contains(&decision.action[0]))?;
                    if !decision.diagnostics.cost.is_finite() {
                        same_bits("safe action where the model runs off", &[tiny::SAFE], &decision.action)?;
                    }
                }
                holds("the cost of a healthy state is finite", decision.diagnostics.cost.is_finite())?;
            }
            Ok(())
        },
    )
}

fn long_outage() -> Result<(), Failure> {
    tiny::with(
        Model::Physics(Plant::Pendulum),
        |_| {},
        |artifact| {
            let mind = Physical::load(artifact)?;
            let (mut state, mut decision) = (Zero::ZERO, Decision::ZERO);
            mind.step(&mut state, Reading::State(&[0.0, 0.0]), Mode::Policy, &mut decision)?;
            for _ in 0..1000 {
                let result = mind.step(&mut state, Reading::Missing, Mode::Plan, &mut decision);
                holds("a missing reading is refused", result == Err(SensorError::Missing))?;
                holds("the estimate is finite", mind.estimate(&state).iter().all(|x| x.is_finite()))?;
            }
            // An overflowed covariance starts the filter anew; a finite one is at most as patient as it always is.
            let mut world = World { x: [-1.0, 0.0] };
            for _ in 0..6 {
                mind.step(&mut state, Reading::Sensors(&world.observe()), Mode::Plan, &mut decision)?;
                world.step(&decision.action);
            }
            mind.step(&mut state, Reading::Sensors(&world.observe()), Mode::Plan, &mut decision)?;
            near("angle", world.x[0].into(), mind.estimate(&state)[0], 0.2)?;
            holds("the plan's cost is finite", decision.diagnostics.cost.is_finite())
        },
    )
}

fn reset() -> Result<(), Failure> {
    tiny::with(
        Model::Physics(Plant::Pendulum),
        |_| {},
        |artifact| {
            let mind = Physical::load(artifact)?;
            let first = fly(&mind, Mode::Plan)?;
            let again = fly(&mind, Mode::Plan)?;
            holds("two flights from the start are the same", first == again)
        },
    )
}
