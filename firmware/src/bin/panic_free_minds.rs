//! The proof that no kernel of traffic, energies and generators can panic: see `panic_free`.
#![no_std]
#![no_main]

#[path = "../on_panic/fail_to_link.rs"]
mod on_panic;

/// The sizes of the bench's agent, and small weight files.
#[allow(dead_code)] // each binary takes what it needs
mod flashed {
    include!(concat!(env!("OUT_DIR"), "/bench.rs"));
}

use core::hint::black_box;
use flashed::{NC, NH, NY, SMALL_PERCEPTION, SMALL_WATCHER};
use forethought::{
    Zero,
    agent::{Decision, Mind, Mode, Reading},
    artifact::{Artifact, ArtifactError, Load},
    energy::{self, Energy, reconstruction::Reconstruction},
    generate::{self, Generator},
    perceive::lista::Lista,
    predict::traffic,
    sentinel::{self, Sentinel},
    watch::{ANSWER, Watcher},
};
use forethought_firmware::board;

type Eyes = Lista<'static, NY, NC>;
const OUTPUTS: usize = 10;

#[board::entry]
fn main() -> ! {
    board::init();
    // The file is of another kind, which the optimiser does not know: that it is refused is no failure.
    let _ = black_box(sentinel::<Reconstruction<'static, Eyes, NY, NC>>(&SMALL_PERCEPTION.0));
    let _ = black_box(sentinel::<energy::network::Network<'static, NY, NH>>(&SMALL_PERCEPTION.0));
    let _ = black_box(generator(&SMALL_PERCEPTION.0));
    let watched = black_box(watcher(&SMALL_WATCHER.0));
    board::exit(i32::from(watched.is_err()))
}

/// A mind that only notices, with the energy `E`.
fn sentinel<E: Energy<NY> + Load<'static>>(weights: &'static [u8]) -> Result<(), ArtifactError> {
    type With<E> = Sentinel<E, NY, { NY + 2 }>;
    let artifact = Artifact::parse(black_box(weights))?;
    let mind = With::<E>::load(&artifact)?;
    let (mut state, mut decision) = (sentinel::State::ZERO, Decision::ZERO);
    let frame = black_box([0.1; NY]);
    for reading in [Reading::Sensors(&frame), Reading::State(&frame), Reading::Missing] {
        let _ = black_box(mind.step(&mut state, black_box(reading), black_box(Mode::Plan), &mut decision));
    }
    black_box((decision, mind.estimate(&state), mind.planned(&state)));
    Ok(())
}

/// A mind that only dreams.
fn generator(weights: &'static [u8]) -> Result<(), ArtifactError> {
    let artifact = Artifact::parse(black_box(weights))?;
    let mind = <Generator<'static, NH, OUTPUTS> as Mind<'static, 0, OUTPUTS>>::load(&artifact)?;
    let (mut state, mut decision) = (generate::State::ZERO, Decision::ZERO);
    let asked = black_box([0.1; NY]);
    for reading in [Reading::Sensors(&asked), Reading::State(&asked), Reading::Missing] {
        let _ = black_box(mind.step(&mut state, black_box(reading), black_box(Mode::Plan), &mut decision));
    }
    black_box((decision, mind.estimate(&state), mind.planned(&state)));
    Ok(())
}

/// A mind that watches traffic, in a type that is larger than its file.
fn watcher(weights: &'static [u8]) -> Result<(), ArtifactError> {
    type Larger = Watcher<'static, 4, 5, 1024>;
    let artifact = Artifact::parse(black_box(weights))?;
    let mind = Larger::load(&artifact)?;
    let mut state = <Larger as Mind<'static, { traffic::STATE }, ANSWER>>::State::ZERO;
    let mut decision = Decision::ZERO;
    let told = black_box([0.4; 38]);
    let values = told.get(..black_box(38)).unwrap_or_default();
    for reading in
        [Reading::Sensors(values), Reading::Sensors(values), Reading::State(values), Reading::Missing]
    {
        let _ = black_box(mind.step(&mut state, black_box(reading), black_box(Mode::Plan), &mut decision));
    }
    black_box((decision, mind.estimate(&state), mind.planned(&state)));
    Ok(())
}
