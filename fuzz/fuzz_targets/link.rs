#![no_main]

use forethought::link::{Receiver, Reply, Request, encode};
use libfuzzer_sys::fuzz_target;

/// Shorter than some frames, so that overruns happen.
const LONGEST: usize = 64;

fuzz_target!(|bytes: &[u8]| {
    let (mut agent, mut world) = (Receiver::<LONGEST>::new(), Receiver::<LONGEST>::new());
    for &byte in bytes {
        if let Some(Ok(request)) = agent.push::<Request<8>>(byte) {
            encode(&request, &mut [0; LONGEST + 1]).expect("what arrived fits into a frame");
        }
        if let Some(Ok(reply)) = world.push::<Reply<4>>(byte) {
            encode(&reply, &mut [0; LONGEST + 1]).expect("what arrived fits into a frame");
        }
    }
});
