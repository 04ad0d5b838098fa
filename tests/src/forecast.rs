//! A forward model alone.

use crate::{
    Case, Failure,
    failure::{Golden, holds, refused, same_bits},
    tiny::{self, Forecaster, NH, NU, NX, NZ, Numbers, Recogniser},
    zero,
};
use forethought::{
    Zero,
    agent::{Decision, Mind, Mode, Reading, SensorError},
    artifact::{ArtifactError, Load, Model},
    forecast,
    predict::{ForwardModel, network::Network},
};

pub const CASES: &[Case] = &[
    Case { name: "forecast: the answer is the model's step, in a larger type too", run: answer },
    Case { name: "forecast: a bad reading is answered with zeros and its own error", run: bad_readings },
    Case { name: "forecast: a file of the other kind is refused", run: other_kind },
    Case { name: "forecast: golden bits", run: golden },
];

const READING: usize = NX + NU + NZ;

/// What a forecaster answers to a healthy reading.
fn foresee<'a, M: Mind<'a, X, N>, const X: usize, const N: usize>(
    mind: &M,
    asked: &[f32],
) -> Result<[f32; N], Failure> {
    let (mut state, mut decision) = (zero(), Decision::ZERO);
    mind.step(&mut state, Reading::Sensors(asked), Mode::Plan, &mut decision)?;
    same_bits("the answer is where it believes the world to be", mind.estimate(&state), &decision.action)?;
    Ok(decision.action)
}

fn answer() -> Result<(), Failure> {
    type Larger<'a> = forecast::Forecaster<Network<'a, 5, 3, 2, 13>, 5, 3, 2, 5>;
    let mut numbers = Numbers(60);
    tiny::with_model(|artifact| {
        let (exact, larger) = (Forecaster::load(artifact)?, Larger::load(artifact)?);
        let model = Network::<NX, NU, NZ, NH>::load(artifact)?;
        for _ in 0..8 {
            let asked: [f32; READING] = numbers.array().map(|v: f32| 3.0 * v);
            let ([x @ .., _, _], [.., u, z]) = (asked, asked);
            let mut next = [0.0; NX];
            model.step(&mut zero(), &x, &[u], &[z], &mut next);
            same_bits("next state", &next, &foresee(&exact, &asked)?)?;
            let [first, second, rest @ ..] = foresee(&larger, &asked)?;
            same_bits("next state of the larger type", &next, &[first, second])?;
            same_bits("nothing behind it", &[0.0; 3], &rest)?;
        }
        Ok(())
    })
}

fn bad_readings() -> Result<(), Failure> {
    let length = |found| SensorError::Length { expected: READING as u32, found };
    let healthy = [0.5; READING];
    let (mut nan, mut high) = (healthy, healthy);
    (nan[2], high[3]) = (f32::NAN, 10.5);
    tiny::with_model(|artifact| {
        let mind = Forecaster::load(artifact)?;
        let expected = foresee(&mind, &healthy)?;
        let (mut state, mut decision) = (zero(), Decision::ZERO);
        for (reading, error) in [
            (Reading::Missing, SensorError::Missing),
            (Reading::State(&healthy), SensorError::Missing),
            (Reading::Sensors(&healthy[..3]), length(3)),
            (Reading::Sensors(&[0.5; READING + 1]), length(READING as u32 + 1)),
            (Reading::Sensors(&nan), SensorError::NonFinite { index: 2 }),
            (Reading::Sensors(&high), SensorError::OutOfRange { index: 3 }),
        ] {
            let result = mind.step(&mut state, reading, Mode::Plan, &mut decision);
            holds("the reading is refused for the right reason", result == Err(error))?;
            same_bits("nothing is foreseen", &[0.0; NX], &decision.action)?;
            mind.step(&mut state, Reading::Sensors(&healthy), Mode::Plan, &mut decision)?;
            same_bits("the next reading is as good as ever", &expected, &decision.action)?;
        }
        Ok(())
    })
}

fn other_kind() -> Result<(), Failure> {
    let alone = ArtifactError::Kind { expected: "a forward model alone" };
    tiny::with(Model::Network, |_| {}, |artifact| refused(alone, Forecaster::load(artifact)))?;
    tiny::with_model(|artifact| {
        refused(ArtifactError::Kind { expected: "an encoder alone" }, Recogniser::load(artifact))?;
        refused(ArtifactError::Kind { expected: "a whole agent" }, tiny::Learned::load(artifact))
    })
}

fn golden() -> Result<(), Failure> {
    let (mut numbers, mut golden) = (Numbers(61), Golden::default());
    tiny::with_model(|artifact| {
        let mind = Forecaster::load(artifact)?;
        for _ in 0..8 {
            golden.add(&foresee(&mind, &numbers.array::<READING>())?);
        }
        golden.is("forecasts", 0x7c71_6408)
    })
}
