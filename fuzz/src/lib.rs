//! What the targets share.
#![forbid(unsafe_code)]

use forethought::{
    Zero,
    agent::{Agent, Decision, Mind, Mode, Reading},
    artifact::{Aligned, Artifact, Descent, Encoder, Planner},
    perceive::lista::Lista,
    plan::gradient::Gradient,
    predict::network::Network,
    watch::{ANSWER, Watcher},
};
use forethought_tests::tiny::{CLASSES, Forecaster, Learned, NX, Physical, Recogniser};

/// An agent type that is larger than the seeds' artifacts.
type Larger<'a> =
    Agent<'a, Lista<'a, 11, 17>, Network<'a, 4, 3, 2, 13>, Gradient<'a>, 11, 17, 4, 3, 2, 13, 8>;

/// The longest file that is looked at.
const LONGEST: usize = 16 * 1024;

/// Budgets beyond this are the file's to choose, but nothing new happens in them.
const PATIENCE: u16 = 20;

/// Parses a weight file, and runs whatever is accepted.
pub fn parse_and_run(bytes: &[u8]) {
    let mut aligned = Box::new(Aligned([0; LONGEST]));
    let Some(target) = aligned.0.get_mut(..bytes.len()) else { return };
    target.copy_from_slice(bytes);
    let Ok(artifact) = Artifact::parse(target) else { return };
    let header = artifact.header();
    let iterations = match header.encoder {
        Encoder::Lista { iterations, .. } => iterations,
        _ => 0, // refused by the types below
    };
    let plans = match header.planner {
        Planner::Gradient(Descent { iterations, .. }) => iterations,
        _ => 0, // likewise
    };
    if plans > PATIENCE || iterations > PATIENCE {
        return;
    }
    run::<Learned<'_>, _, _>(&artifact);
    run::<Physical<'_>, _, _>(&artifact);
    run::<Larger<'_>, _, _>(&artifact);
    recognise(&artifact);
    foresee(&artifact);
    watch(&artifact);
}

fn watch(artifact: &Artifact<'_>) {
    let Ok(mind) = Watcher::<5, 7, 4096>::load(artifact) else { return };
    let asked = vec![healthy(artifact); artifact.sizes().ny()];
    let (mut state, mut decision) = (Box::new(Zero::ZERO), Decision::ZERO);
    for _ in 0..3 {
        mind.step(&mut state, Reading::Sensors(&asked), Mode::Plan, &mut decision)
            .expect("a healthy reading is taken");
    }
    mind.step(&mut state, Reading::Missing, Mode::Plan, &mut decision).expect_err("no reading is refused");
    assert_eq!(decision.action, [0.0; ANSWER]);
}

fn foresee(artifact: &Artifact<'_>) {
    let Ok(mind) = Forecaster::load(artifact) else { return };
    let asked = vec![healthy(artifact); artifact.sizes().ny()];
    let (mut state, mut decision) = (Zero::ZERO, Decision::ZERO);
    mind.step(&mut state, Reading::Sensors(&asked), Mode::Plan, &mut decision)
        .expect("a healthy reading is taken");
    mind.step(&mut state, Reading::Missing, Mode::Plan, &mut decision).expect_err("no reading is refused");
    assert_eq!(decision.action, [0.0; NX]);
}

fn recognise(artifact: &Artifact<'_>) {
    let Ok(mind) = Recogniser::load(artifact) else { return };
    let y = vec![healthy(artifact); artifact.sizes().ny()];
    let (mut state, mut decision) = (Zero::ZERO, Decision::ZERO);
    mind.step(&mut state, Reading::Sensors(&y), Mode::Plan, &mut decision)
        .expect("a healthy reading is taken");
    mind.step(&mut state, Reading::Missing, Mode::Plan, &mut decision).expect_err("no reading is refused");
    assert_eq!(decision.action, [0.0; CLASSES]);
}

fn run<'a, M: Mind<'a, NX, NU>, const NX: usize, const NU: usize>(artifact: &Artifact<'a>) {
    let Ok(mind) = M::load(artifact) else { return };
    let (Ok(low), Ok(high)) = (artifact.vector_any("action", "low"), artifact.vector_any("action", "high"))
    else {
        panic!("an agent without limits was loaded");
    };
    let (mut state, mut decision) = (Box::new(M::State::ZERO), Decision::ZERO);
    let (y, x) = (vec![healthy(artifact); artifact.sizes().ny()], vec![0.5; artifact.sizes().nx()]);
    for mode in [Mode::Plan, Mode::Policy] {
        for reading in [Reading::Sensors(&y), Reading::Missing, Reading::Sensors(&y), Reading::State(&x)] {
            let _ = mind.step(&mut state, reading, mode, &mut decision);
            for (u, (low, high)) in decision.action.iter().zip(low.iter().zip(high)) {
                assert!((low..=high).contains(&u), "{u} is outside [{low}, {high}]");
            }
        }
    }
    assert_eq!(mind.planned(&state).len(), artifact.sizes().h());
}

/// A value that every sensor may show.
fn healthy(artifact: &Artifact<'_>) -> f32 {
    let sensors = artifact.header().sensors;
    0.5 * sensors.low + 0.5 * sensors.high
}
