//! Weight files for measuring and proving: those of the bench, and small ones.

use crate::agent;
use forethought::artifact::{Model, Sizes};
use forethought_tests::bench::{self, ROOM};
use std::{fmt::Write, fs, path::Path};

/// Small enough for any chip, and smaller than the types that run it.
const SMALL: Sizes =
    Sizes { observation: 21, code: 7, state: 2, action: 1, latent: 0, hidden: 5, horizon: 3 };

/// Writes `bench.rs`: the types of the bench's sizes and its weights, and small weights for each model.
pub fn generate(out_dir: &Path) {
    let save =
        |name: &str, weights: &[u8]| fs::write(out_dir.join(name), weights).expect("cargo made OUT_DIR");
    let real = weights(bench::SIZES, Model::Network);
    save("bench.fth", &real);
    let mut source = agent::source(&real, "bench.fth").expect("the bench's weight file is in order");
    for (constant, file, model) in [
        ("SMALL_NETWORK", "network.fth", Model::Network),
        ("SMALL_PENDULUM", "pendulum.fth", Model::Pendulum),
    ] {
        let small = weights(SMALL, model);
        save(file, &small);
        writeln!(source, "{}", agent::embed(constant, &small, file)).expect("writes to memory");
    }
    save("bench.rs", source.as_bytes());
}

fn weights(sizes: Sizes, model: Model) -> Vec<u8> {
    let mut buffer = vec![0; ROOM];
    let length = bench::weights(sizes, model, &mut buffer).expect("the buffer is large enough");
    buffer.truncate(length);
    buffer
}
