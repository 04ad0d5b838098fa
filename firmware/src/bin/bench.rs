//! Counts the instructions of every kernel in the [list](forethought_tests::bench).
//!
//! Prints `bench BOARD`, then for each kernel one line, separated by tabs: its name, the runs counted,
//! instructions a run, multiply-adds a run (0 where their number says nothing).
#![no_std]
#![no_main]

#[path = "../on_panic/report.rs"]
mod on_panic;

/// The bench's weight file in flash.
#[allow(dead_code)] // each binary takes what it needs
mod flashed {
    include!(concat!(env!("OUT_DIR"), "/bench.rs"));
}

use defmt::{Display2Format, error, println};
use flashed::{ENERGY, ENSEMBLE, PERCEPTION, WEIGHTS};
use forethought::{Zero, artifact::Artifact};
use forethought_firmware::board;
use forethought_tests::bench::{self, Kernel, PlannerMemory};
use static_cell::ConstStaticCell;

#[board::entry]
fn main() -> ! {
    static PLANNER: ConstStaticCell<PlannerMemory> = ConstStaticCell::new(Zero::ZERO);
    board::init();
    println!("bench {=str}", board::NAME);
    bench::functions(&mut measure);
    bench::plants(&mut measure);
    let measured = Artifact::parse(&WEIGHTS.0)
        .and_then(|artifact| bench::kernels(&artifact, PLANNER.take(), &mut measure))
        .and_then(|()| bench::classifier(&Artifact::parse(&PERCEPTION.0)?, &mut measure))
        .and_then(|()| bench::uncertain(&Artifact::parse(&ENSEMBLE.0)?, &mut measure))
        .and_then(|()| bench::familiar(&Artifact::parse(&ENERGY.0)?, &mut measure));
    match measured {
        Ok(()) => board::exit(0),
        Err(refused) => {
            error!("{}", Display2Format(&refused));
            board::exit(2)
        }
    }
}

/// The fewest calls that are counted.
const CALLS: u32 = 8;

/// A count spans at least this many steps of the counter, so that their coarseness is below 0.1 %.
const STEPS: u64 = 2000;

/// Calls often enough for the counter. What idle calls take, the loop around them and reading the counter, is
/// taken off.
fn measure(kernel: Kernel) {
    let Kernel { name, multiply_adds, runs, call, idle } = kernel;
    // What the first call finds is different: nothing planned yet, nothing estimated.
    call();
    let mut calls = CALLS;
    let mut instructions = elapsed(calls, call);
    while instructions < STEPS * u64::from(board::COUNTER_STEP) {
        calls *= 2;
        instructions = elapsed(calls, call);
    }
    instructions -= elapsed(calls, idle);
    let runs = calls * runs;
    let each = instructions as f32 / runs as f32;
    println!("{=str}\t{=u32}\t{=f32}\t{=usize}", name, runs, each, multiply_adds);
}

// Not inlined: one piece of code, always the same loop.
#[inline(never)]
fn elapsed(calls: u32, call: &mut dyn FnMut()) -> u64 {
    let start = board::instructions();
    for _ in 0..calls {
        call();
    }
    board::instructions() - start
}
