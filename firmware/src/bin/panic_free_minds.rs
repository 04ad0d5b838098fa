//! The proof that no kernel of traffic, energies and generators can panic: see `panic_free`.
#![no_std]
#![no_main]

#[path = "../on_panic/fail_to_link.rs"]
mod on_panic;
#[path = "../proof.rs"]
mod proof;

/// The sizes of the bench's agent, and small weight files.
#[allow(dead_code)] // each binary takes what it needs
mod flashed {
    include!(concat!(env!("OUT_DIR"), "/bench.rs"));
}

use core::hint::black_box;
use flashed::{NC, NH, NY, SMALL_PERCEPTION, SMALL_WATCHER};
use forethought::{
    artifact::{ArtifactError, Load},
    energy::{Energy, network::Network, reconstruction::Reconstruction},
    generate::Generator,
    perceive::lista::Lista,
    predict::traffic,
    sentinel::Sentinel,
    watch::{ANSWER, Watcher},
};
use forethought_firmware::board;
use proof::ask;

type Eyes = Lista<'static, NY, NC>;
const OUTPUTS: usize = 10;

#[board::entry]
fn main() -> ! {
    board::init();
    // The file is of another kind, which the optimiser does not know: that it is refused is no failure.
    let _ = black_box(sentinel::<Reconstruction<'static, Eyes, NY, NC>>(&SMALL_PERCEPTION.0));
    let _ = black_box(sentinel::<Network<'static, NY, NH>>(&SMALL_PERCEPTION.0));
    let _ = black_box(ask::<Generator<'static, NH, OUTPUTS>, 0, OUTPUTS>(&SMALL_PERCEPTION.0, &[0.1; NY]));
    // In a type that is larger than its file.
    type Larger = Watcher<'static, 4, 5, 1024>;
    let watched = black_box(ask::<Larger, { traffic::STATE }, ANSWER>(&SMALL_WATCHER.0, &[0.4; 38]));
    board::exit(i32::from(watched.is_err()))
}

/// A mind that only notices, with the energy `E`.
fn sentinel<E: Energy<NY> + Load<'static>>(weights: &'static [u8]) -> Result<(), ArtifactError> {
    ask::<Sentinel<E, NY, { NY + 2 }>, 0, { NY + 2 }>(weights, &[0.1; NY])
}
