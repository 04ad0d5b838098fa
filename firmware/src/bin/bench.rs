//! Counts the instructions of every kernel, at the sizes of a real agent (build/bench.rs).
//!
//! Prints `bench BOARD`, then for each kernel one line, separated by tabs: its name, the calls counted,
//! instructions a call, multiply-adds a call (0 where their number says nothing).
#![no_std]
#![no_main]

#[path = "../on_panic/report.rs"]
mod on_panic;

/// The bench's weight file in flash, and the types of its sizes.
#[allow(dead_code)] // each binary takes what it needs
mod flashed {
    include!(concat!(env!("OUT_DIR"), "/bench.rs"));
}

use core::{array, hint::black_box};
use defmt::{Display2Format, error, println};
use flashed::{Encoder, H, Model, NC, NH, NU, NX, NY, NZ, WEIGHTS};
use forethought::{
    Zero,
    artifact::{Artifact, ArtifactError, Load},
    cost::Cost,
    estimate::kalman::{self, Kalman},
    math,
    perceive::Encoder as _,
    plan::gradient::{self, Gradient},
    policy::Policy,
    predict::{ForwardModel, Pullback},
};
use forethought_firmware::board;
use static_cell::ConstStaticCell;

#[board::entry]
fn main() -> ! {
    board::init();
    println!("bench {=str}", board::NAME);
    functions();
    match Artifact::parse(&WEIGHTS.0).and_then(|artifact| kernels(&artifact)) {
        Ok(()) => board::exit(0),
        Err(refused) => {
            error!("{}", Display2Format(&refused));
            board::exit(2)
        }
    }
}

/// The elementary functions, each over inputs as the kernels have them.
fn functions() {
    function("tanh", 3.0, math::tanh);
    function("sin_cos", 3.0, math::sin_cos);
    function("exp", 10.0, math::exp);
    function("sqrt", 10.0, |x| math::sqrt(x.abs()));
    function("atan2", 1.0, |x| math::atan2(x, 0.3));
}

/// Everything that runs on weights.
fn kernels(artifact: &Artifact<'static>) -> Result<(), ArtifactError> {
    let matrix = artifact.matrix("perceive", "s", NC, NC)?;
    let x: [f32; NC] = spread(1.0);
    let mut y = [0.0; NC];
    kernel("mat-vec 64x64", NC * NC, || matrix.add(black_box(&x), black_box(&mut y)));
    kernel("pullback 64x64", NC * NC, || matrix.pull(black_box(&x), black_box(&mut y)));

    let encoder = Encoder::load(artifact)?;
    let frame: [f32; NY] = spread(1.0);
    let (mut scratch, mut code) = (Zero::ZERO, [0.0; NC]);
    kernel("LISTA 256-64, 2 iterations", NC * NY + 2 * NC * NC, || {
        encoder.encode(&mut scratch, black_box(&frame), black_box(&mut code))
    });

    let model = Model::load(artifact)?;
    let weights = NH * (NX + 1 + NU + NZ) + NH * NH + NX * NH;
    let (state, action, latent) = ([2.0, -1.0], [0.5], [0.0; NZ]);
    let (mut trace, mut next, mut pulled) = (Zero::ZERO, [0.0; NX], Pullback::ZERO);
    kernel("network step 2-1-0-32", weights, || {
        model.step(&mut trace, black_box(&state), black_box(&action), &latent, black_box(&mut next))
    });
    kernel("network pullback 2-1-0-32", weights, || {
        ForwardModel::<NX, NU, NZ>::pullback(&model, &trace, black_box(&state), black_box(&mut pulled))
    });

    let filter = Kalman::load::<NX>(artifact)?;
    let mut belief = kalman::State::ZERO;
    filter.know(&mut belief, &state);
    kernel("Kalman predict and update", 0, || {
        filter.predict(&model, &mut belief, black_box(&action));
        black_box(filter.update(&mut belief, black_box(&[0.8, 0.6]).iter().map(|&y| Some(y))));
    });

    let policy = Policy::<NH>::load(artifact)?;
    let mut decided = [0.0; NU];
    kernel("policy 2-1-32", NH * (NX + 1) + NH * NH + NU * NH, || {
        policy.act(black_box(&state), black_box(&mut decided))
    });

    static PLANNER: ConstStaticCell<gradient::State<<Model as ForwardModel<NX, NU, NZ>>::Trace, NX, NU, H>> =
        ConstStaticCell::new(Zero::ZERO);
    let (planner, cost, memory) = (Gradient::load(artifact)?, Cost::<NH>::load(artifact)?, PLANNER.take());
    let mut starts = STARTS.iter().cycle();
    kernel("planner decision, 20 steps, 10 iterations", 0, || {
        if let Some(start) = starts.next() {
            black_box(planner.plan(memory, (&model, &cost), start, |x, u| policy.act(x, u)));
        }
    });
    Ok(())
}

/// Where decisions start from: one after the other, as an agent would.
const STARTS: [[f32; NX]; CALLS as usize] = {
    let mut starts = [[0.0; NX]; CALLS as usize];
    let mut i = 0;
    while i < starts.len() {
        starts[i] = [3.0 - 0.02 * (i * i) as f32, -0.4 * i as f32];
        i += 1;
    }
    starts
};

/// `N` different numbers over `[−range, range]`, in an order without a pattern.
fn spread<const N: usize>(range: f32) -> [f32; N] {
    array::from_fn(|i| range * ((i * 37 % 64) as f32 / 31.5 - 1.0))
}

/// Prints what one call of a function takes, beyond the loop around it.
fn function<T>(name: &str, range: f32, f: impl Fn(f32) -> T) {
    let inputs: [f32; 64] = spread(range);
    let [with, without] = [count(&mut || over(&inputs, &f)), count(&mut || over(&inputs, |x| x))];
    let inputs = inputs.len() as u32;
    print(name, with.calls * inputs, (with.per_call() - without.per_call()) / inputs as f32, 0);
}

fn over<T>(inputs: &[f32], f: impl Fn(f32) -> T) {
    for &x in black_box(inputs) {
        black_box(f(x));
    }
}

/// Prints what one call of a kernel takes.
fn kernel(name: &str, multiply_adds: usize, mut call: impl FnMut()) {
    let count = count(&mut call);
    print(name, count.calls, count.per_call(), multiply_adds);
}

fn print(name: &str, calls: u32, instructions: f32, multiply_adds: usize) {
    println!("{=str}\t{=u32}\t{=f32}\t{=usize}", name, calls, instructions, multiply_adds);
}

/// The instructions of some calls.
struct Count {
    calls: u32,
    instructions: u64,
}

impl Count {
    fn per_call(&self) -> f32 {
        self.instructions as f32 / self.calls as f32
    }
}

/// The fewest calls that are counted.
const CALLS: u32 = 8;

/// A count spans at least this many steps of the counter, so that their coarseness is below 0.1 %.
const STEPS: u64 = 2000;

/// Calls often enough for the counter. What the loop around the calls and reading the counter take is taken
/// off.
// Not generic: one piece of code, always the same loop.
fn count(call: &mut dyn FnMut()) -> Count {
    // What the first call finds is different: nothing planned yet, nothing estimated.
    call();
    let mut calls = CALLS;
    loop {
        let instructions = elapsed(calls, call);
        if instructions >= STEPS * u64::from(board::COUNTER_STEP) {
            return Count { calls, instructions: instructions - elapsed(calls, &mut || ()) };
        }
        calls *= 2;
    }
}

#[inline(never)]
fn elapsed(calls: u32, call: &mut dyn FnMut()) -> u64 {
    let start = board::instructions();
    for _ in 0..calls {
        call();
    }
    board::instructions() - start
}
