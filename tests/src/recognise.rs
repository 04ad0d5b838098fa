//! Perception alone: the classifier, and the recogniser that joins it to an encoder.

use crate::{
    Case, Failure,
    failure::{Golden, all_near, count, holds, refused, same_bits},
    reference::{add_product, wide},
    tiny::{self, CLASSES, Learned, NC, NY, Numbers, Physical, Recogniser, World, weight},
    zero,
};
use forethought::{
    Zero,
    agent::{Decision, Mind, Mode, Reading, SensorError},
    artifact::{ArtifactError, Header, Load, Model, Plant},
    perceive::{
        Encoder,
        classifier::{Classifier, class},
        lista::Lista,
    },
    recognise,
};

pub const CASES: &[Case] = &[
    Case { name: "recognise: the scores match f64", run: scores },
    Case { name: "recognise: the length of a code does not count when it is normalised", run: direction },
    Case { name: "recognise: the class is the highest score, the first of equals", run: highest },
    Case {
        name: "recognise: the answer is the scores, or the code where there is no classifier",
        run: answer,
    },
    Case { name: "recognise: the tiny classifier tells where the light is", run: light },
    Case { name: "recognise: a larger type changes no bit", run: larger_type },
    Case { name: "recognise: a bad reading favours no class and has its own error", run: bad_readings },
    Case { name: "recognise: a file of the other kind is refused", run: other_kind },
    Case { name: "recognise: golden bits", run: golden },
];

fn normalised(header: &mut Header<'_>) {
    header.classifier.normalise = true;
}

/// `C z + b`, or `C z/‖z‖ + b` with the length that is given.
fn reference(code: &[f32; NC], length: f64) -> [f64; CLASSES] {
    let mut scores = [0.0; CLASSES];
    add_product("classify", "w", &wide(code), &mut scores);
    core::array::from_fn(|i| scores[i] / length + f64::from(weight("classify", "b", i, 0)))
}

fn score(adjust: fn(&mut Header<'static>), code: &[f32; NC]) -> Result<[f32; CLASSES], Failure> {
    tiny::with_perception(adjust, |artifact| {
        let mut scores = [f32::NAN; CLASSES];
        Classifier::load(artifact)?.score(code, &mut scores);
        Ok(scores)
    })
}

fn scores() -> Result<(), Failure> {
    let mut numbers = Numbers(50);
    for _ in 0..8 {
        let code: [f32; NC] = numbers.array();
        all_near("scores", &reference(&code, 1.0), &score(|_| {}, &code)?, 1e-6)?;
        // The length by Newton's method: `core` has no root.
        let square: f64 = code.iter().map(|&z| f64::from(z) * f64::from(z)).sum();
        let length = (0..40).fold(1.0, |root, _| 0.5 * (root + square / root));
        all_near("normalised scores", &reference(&code, length), &score(normalised, &code)?, 1e-6)?;
    }
    Ok(())
}

fn direction() -> Result<(), Failure> {
    let code: [f32; NC] = Numbers(51).array();
    let long = code.map(|z| 1024.0 * z);
    same_bits("scores", &score(normalised, &code)?, &score(normalised, &long)?)?;
    holds("without it they count", score(|_| {}, &code)? != score(|_| {}, &long)?)?;
    let bias: [f32; CLASSES] = core::array::from_fn(|i| weight("classify", "b", i, 0));
    same_bits("scores of no code", &bias, &score(normalised, &[0.0; NC])?)
}

fn highest() -> Result<(), Failure> {
    for (scores, expected) in [
        (&[][..], None),
        (&[-1.0], Some(0)),
        (&[0.5, 2.0, 1.0], Some(1)),
        (&[0.5, 2.0, 2.0], Some(1)),
        (&[0.0, 0.0, 0.0], Some(0)),
        (&[f32::MIN, f32::MAX], Some(1)),
    ] {
        holds("it is the first of the highest", class(scores) == expected)?;
    }
    Ok(())
}

/// What a recogniser answers to a healthy reading.
fn recognise<'a, M: Mind<'a, 0, N>, const N: usize>(mind: &M, y: &[f32]) -> Result<[f32; N], Failure> {
    let mut decision = Decision::ZERO;
    mind.step(&mut zero(), Reading::Sensors(y), Mode::Plan, &mut decision)?;
    Ok(decision.action)
}

fn answer() -> Result<(), Failure> {
    let y: [f32; NY] = Numbers(52).array().map(|y: f32| y.abs());
    tiny::with_perception(normalised, |artifact| {
        let (mut code, mut scores) = ([0.0; NC], [0.0; CLASSES]);
        Lista::<NY, NC>::load(artifact)?.encode(&mut zero(), &y, &mut code);
        Classifier::load(artifact)?.score(&code, &mut scores);
        same_bits("scores", &scores, &recognise(&Recogniser::load(artifact)?, &y)?)
    })?;
    tiny::with_encoder(|artifact| {
        let mut code = [0.0; NC];
        let lista = Lista::<NY, NC>::load(artifact)?;
        lista.encode(&mut zero(), &y, &mut code);
        type Coder<'a> = recognise::Recogniser<'a, Lista<'a, NY, NC>, NY, NC, NC>;
        let coder = Coder::load(artifact)?;
        same_bits("code", &code, &recognise(&coder, &y)?)?;
        count("states that are planned", 0, coder.planned(&zero()).len() as u32)
    })
}

/// Three classes of where the pendulum is, told by the direction in which the code's units look.
fn light() -> Result<(), Failure> {
    tiny::with_perception(normalised, |artifact| {
        let mind = Recogniser::load(artifact)?;
        for sector in 0..CLASSES {
            for step in -3..=3 {
                let third = core::f32::consts::TAU / CLASSES as f32;
                let theta = third * sector as f32 + 0.3 * step as f32;
                let scores: [f32; CLASSES] = recognise(&mind, &World { x: [theta, 0.0] }.observe())?;
                holds("the sector is recognised", class(&scores) == Some(sector))?;
            }
        }
        Ok(())
    })
}

fn larger_type() -> Result<(), Failure> {
    type Larger<'a> = recognise::Recogniser<'a, Lista<'a, 11, 17>, 11, 17, 5>;
    let mut numbers = Numbers(53);
    tiny::with_perception(normalised, |artifact| {
        let (exact, larger) = (Recogniser::load(artifact)?, Larger::load(artifact)?);
        for _ in 0..8 {
            let y: [f32; NY] = numbers.array().map(|y: f32| y.abs());
            let scores: [f32; 5] = recognise(&larger, &y)?;
            same_bits("scores", &recognise(&exact, &y)?, &scores[..CLASSES])?;
            same_bits("beyond the classes", &[0.0; 5 - CLASSES], &scores[CLASSES..])?;
        }
        type Smaller<'a, const NY: usize, const NC: usize, const NU: usize> =
            recognise::Recogniser<'a, Lista<'a, NY, NC>, NY, NC, NU>;
        let error = |what, capacity| ArtifactError::TooLarge { what, capacity, found: capacity + 1 };
        refused(error("sensor values", 7), Smaller::<7, NC, CLASSES>::load(artifact))?;
        refused(error("code units", 11), Smaller::<NY, 11, CLASSES>::load(artifact))?;
        refused(error("outputs", 2), Smaller::<NY, NC, 2>::load(artifact))
    })
}

fn bad_readings() -> Result<(), Failure> {
    let healthy = [0.5; NY];
    let with = |index: usize, value| {
        let mut y = healthy;
        y[index] = value;
        y
    };
    let length = |found| SensorError::Length { expected: NY as u32, found };
    let (nan, infinite, high, low) =
        (with(2, f32::NAN), with(7, f32::NEG_INFINITY), with(0, 1.75), with(5, -0.75));
    let cases = [
        (Reading::Missing, SensorError::Missing),
        (Reading::State(&[]), SensorError::Missing),
        (Reading::State(&healthy), SensorError::Missing),
        (Reading::Sensors(&[]), length(0)),
        (Reading::Sensors(&healthy[..7]), length(7)),
        (Reading::Sensors(&[0.5; NY + 1]), length(NY as u32 + 1)),
        (Reading::Sensors(&nan), SensorError::NonFinite { index: 2 }),
        (Reading::Sensors(&infinite), SensorError::NonFinite { index: 7 }),
        (Reading::Sensors(&high), SensorError::OutOfRange { index: 0 }),
        (Reading::Sensors(&low), SensorError::OutOfRange { index: 5 }),
    ];
    tiny::with_perception(normalised, |artifact| {
        let mind = Recogniser::load(artifact)?;
        let expected: [f32; CLASSES] = recognise(&mind, &healthy)?;
        let (mut state, mut decision) = (zero(), Decision::ZERO);
        for mode in [Mode::Plan, Mode::Policy] {
            for (reading, error) in cases {
                let result = mind.step(&mut state, reading, mode, &mut decision);
                holds("the reading is refused for the right reason", result == Err(error))?;
                same_bits("no class is favoured", &[0.0; CLASSES], &decision.action)?;
                mind.step(&mut state, Reading::Sensors(&healthy), mode, &mut decision)?;
                same_bits("the next reading is as good as ever", &expected, &decision.action)?;
            }
        }
        Ok(())
    })
}

fn other_kind() -> Result<(), Failure> {
    let (agent, alone) = ("a whole agent", "an encoder alone");
    tiny::with_perception(normalised, |artifact| {
        refused(ArtifactError::Kind { expected: agent }, Physical::load(artifact))?;
        refused(ArtifactError::Kind { expected: agent }, Learned::load(artifact))
    })?;
    tiny::with(
        Model::Physics(Plant::Pendulum),
        |_| {},
        |artifact| refused(ArtifactError::Kind { expected: alone }, Recogniser::load(artifact)),
    )
}

fn golden() -> Result<(), Failure> {
    let (mut numbers, mut golden) = (Numbers(54), Golden::default());
    for adjust in [|_: &mut Header<'static>| {}, normalised] {
        tiny::with_perception(adjust, |artifact| {
            golden.word(artifact.checksum());
            let mind = Recogniser::load(artifact)?;
            for _ in 0..4 {
                let y: [f32; NY] = numbers.array().map(|y: f32| y.abs());
                golden.add(&recognise(&mind, &y)?);
            }
            Ok(())
        })?;
    }
    golden.is("scores", 0x3c80_2b12)
}
