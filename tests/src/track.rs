//! A filter over a forward model, alone.

use crate::{
    Case, Failure,
    failure::{Golden, holds, refused, same_bits},
    tiny::{self, NH, NU, NX, NZ, Numbers, Recogniser, Tracker, World},
    zero,
};
use forethought::{
    Zero,
    agent::{Decision, Mind, Mode, Reading, SensorError},
    artifact::{ArtifactError, Load},
    estimate::{Filter, kalman::Kalman},
    math,
    predict::network::Network,
    track,
};

pub const CASES: &[Case] = &[
    Case { name: "track: the answer is the filter's, in a larger type too", run: answer },
    Case { name: "track: after a bad reading the model moves on", run: bad_readings },
    Case { name: "track: a state that is told is believed", run: told },
    Case { name: "track: a file of the other kind is refused", run: other_kind },
    Case { name: "track: golden bits", run: golden },
];

const NA: usize = 2 * NX;

/// So large that a matrix library would multiply in another way.
type Larger<'a> = track::Tracker<Kalman<'a>, Network<'a, 9, 3, 2, 13>, 9, 3, 2, 18>;

/// Readings of a swinging pendulum, some of which are missing: cosine, sine and the last torque.
struct Swing {
    world: World,
    numbers: Numbers,
    steps: u32,
}

impl Swing {
    fn new() -> Self {
        Self { world: World { x: [3.0, 0.0] }, numbers: Numbers(70), steps: 0 }
    }

    fn next(&mut self) -> [f32; 3] {
        let u = [2.0 * self.numbers.next()];
        self.world.step(&u);
        let (sin, cos) = math::sin_cos(self.world.x[0]);
        let noise = self.numbers.array::<2>().map(|n| 0.03 * n);
        self.steps += 1;
        let healthy = !self.steps.is_multiple_of(4);
        let show = |y| if healthy { y } else { f32::NAN };
        [show(cos + noise[0]), show(sin + noise[1]), u[0]]
    }
}

fn answer() -> Result<(), Failure> {
    tiny::with_tracker(|artifact| {
        let (exact, larger) = (Tracker::load(artifact)?, Larger::load(artifact)?);
        let (filter, model) = (Kalman::load(artifact)?, Network::<NX, NU, NZ, NH>::load(artifact)?);
        let (mut one, mut other, mut state) = (zero(), zero(), zero());
        let mut swing = Swing::new();
        for step in 0..60 {
            let reading @ [cos, sin, u] = swing.next();
            if step > 0 {
                filter.predict(&model, &mut state, &[u]);
            }
            filter.update(&mut state, [cos, sin].map(|y| Some(y).filter(|y| !y.is_nan())).into_iter());
            let (mut found, mut far) = (Decision::ZERO, Decision::ZERO);
            exact.step(&mut one, Reading::Sensors(&reading), Mode::Plan, &mut found)?;
            larger.step(&mut other, Reading::Sensors(&reading), Mode::Plan, &mut far)?;
            let [theta, omega, var_theta, var_omega] = found.action;
            same_bits("estimate", &state.x, &[theta, omega])?;
            same_bits("variances", &[state.p.data.0[0][0], state.p.data.0[1][1]], &[var_theta, var_omega])?;
            same_bits("answer of the larger type", &found.action, &far.action[..NA])?;
            same_bits("nothing behind it", &[0.0; 14], &far.action[NA..])?;
        }
        holds("it is where the world is", math::wrap(state.x[0] - swing.world.x[0]).abs() < 0.2)
    })
}

fn bad_readings() -> Result<(), Failure> {
    let length = |found| SensorError::Length { expected: 3, found };
    tiny::with_tracker(|artifact| {
        let (mind, filter) = (Tracker::load(artifact)?, Kalman::load(artifact)?);
        let model = Network::<NX, NU, NZ, NH>::load(artifact)?;
        for (reading, error) in [
            (Reading::Missing, SensorError::Missing),
            (Reading::Sensors(&[0.5; 2]), length(2)),
            (Reading::Sensors(&[0.5; 4]), length(4)),
            (Reading::Sensors(&[0.5, 0.5, f32::NAN]), SensorError::NonFinite { index: 2 }),
            (Reading::Sensors(&[0.5, 0.5, f32::INFINITY]), SensorError::NonFinite { index: 2 }),
        ] {
            let (mut state, mut expected, mut decision) = (zero(), zero(), Decision::ZERO);
            mind.step(&mut state, Reading::Sensors(&[0.6, 0.8, 0.0]), Mode::Plan, &mut decision)?;
            filter.update(&mut expected, [Some(0.6), Some(0.8)].into_iter());
            mind.step(&mut state, Reading::Sensors(&[f32::NAN, f32::NAN, 1.5]), Mode::Plan, &mut decision)?;
            let result = mind.step(&mut state, reading, Mode::Plan, &mut decision);
            holds("the reading is refused for the right reason", result == Err(error))?;
            filter.predict(&model, &mut expected, &[1.5]);
            filter.predict(&model, &mut expected, &[1.5]);
            same_bits("estimate", &expected.x, mind.estimate(&state))?;
        }
        // What is out of the sensors' range is missing.
        let (mut state, mut decision) = (zero(), Decision::ZERO);
        mind.step(&mut state, Reading::Sensors(&[f32::INFINITY, 20.0, 1.0]), Mode::Plan, &mut decision)?;
        same_bits("nothing is known yet", &[0.0; NA], &decision.action)
    })
}

fn told() -> Result<(), Failure> {
    tiny::with_tracker(|artifact| {
        let mind = Tracker::load(artifact)?;
        let (mut state, mut decision) = (zero(), Decision::ZERO);
        mind.step(&mut state, Reading::State(&[1.0, -2.0]), Mode::Plan, &mut decision)?;
        same_bits("answer", &[1.0, -2.0, 0.000_1, 0.01], &decision.action)?;
        let result = mind.step(&mut state, Reading::State(&[1.0]), Mode::Plan, &mut decision);
        holds(
            "a state of another length is refused",
            result == Err(SensorError::Length { expected: 2, found: 1 }),
        )
    })
}

fn other_kind() -> Result<(), Failure> {
    let alone = ArtifactError::Kind { expected: "a filter alone" };
    tiny::with_model(|artifact| refused(alone, Tracker::load(artifact)))?;
    tiny::with_tracker(|artifact| {
        refused(ArtifactError::Kind { expected: "an encoder alone" }, Recogniser::load(artifact))
    })
}

fn golden() -> Result<(), Failure> {
    let (mut golden, mut swing) = (Golden::default(), Swing::new());
    tiny::with_tracker(|artifact| {
        golden.word(artifact.checksum());
        let mind = Tracker::load(artifact)?;
        let mut state = zero();
        for _ in 0..40 {
            let mut decision = Decision::ZERO;
            mind.step(&mut state, Reading::Sensors(&swing.next()), Mode::Plan, &mut decision)?;
            golden.add(&decision.action);
        }
        golden.is("estimates", 0x4686_13ff)
    })
}
