//! Weight files for measuring and proving: those of the bench, and small ones.

use crate::agent;
use forethought::artifact::{Model, Plant, Sizes, WriteError};
use forethought_tests::{
    bench::{self, ROOM},
    watch,
};
use std::{fmt::Write, fs, path::Path};

/// Small enough for any chip, and smaller than the types that run it.
const SMALL: Sizes =
    Sizes { observation: 21, code: 7, state: 2, action: 1, latent: 0, hidden: 5, horizon: 3 };
/// The same for a recogniser.
const SMALL_PERCEPTION: Sizes = Sizes { action: 5, state: 0, hidden: 0, horizon: 0, ..SMALL };

/// Writes `bench.rs`: the types of the bench's sizes and its weights, and small weights for each model, for perception,
/// for a model alone, for a filter and for a watcher.
pub fn generate(out_dir: &Path) {
    let save =
        |name: &str, weights: &[u8]| fs::write(out_dir.join(name), weights).expect("cargo made OUT_DIR");
    let real = weights(bench::SIZES, Model::Network);
    save("bench.fth", &real);
    let mut source = agent::source(&real, "bench.fth").expect("the bench's weight file is in order");
    for (constant, file, weights) in [
        ("SMALL_NETWORK", "network.fth", weights(SMALL, Model::Network)),
        ("SMALL_PENDULUM", "pendulum.fth", weights(SMALL, Model::Physics(Plant::Pendulum))),
        ("SMALL_ENSEMBLE", "small_ensemble.fth", ensemble(SMALL)),
        ("ENSEMBLE", "ensemble.fth", ensemble(bench::ENSEMBLE)),
        ("ENERGY", "energy.fth", written(|buffer| bench::sentinel(bench::ENERGY, buffer))),
        ("SMALL_MODEL", "small_model.fth", model(SMALL)),
        (
            "SMALL_WATCHER",
            "small_watcher.fth",
            written(|buffer| watch::fill(watch::header(watch::SETTINGS), 0.5, buffer)),
        ),
        ("SMALL_TRACKER", "small_tracker.fth", written(|buffer| bench::tracker(SMALL, buffer))),
        ("SMALL_PERCEPTION", "small_perception.fth", perception(SMALL_PERCEPTION)),
        ("PERCEPTION", "perception.fth", perception(bench::PERCEPTION)),
    ] {
        save(file, &weights);
        writeln!(source, "{}", agent::embed(constant, &weights, file)).expect("writes to memory");
    }
    save("bench.rs", source.as_bytes());
}

fn weights(sizes: Sizes, model: Model) -> Vec<u8> {
    written(|buffer| bench::weights(sizes, model, buffer))
}

fn perception(sizes: Sizes) -> Vec<u8> {
    written(|buffer| bench::perception(sizes, buffer))
}

fn model(sizes: Sizes) -> Vec<u8> {
    written(|buffer| bench::model(sizes, buffer))
}

fn ensemble(sizes: Sizes) -> Vec<u8> {
    written(|buffer| bench::ensemble(sizes, buffer))
}

fn written(write: impl FnOnce(&mut [u8]) -> Result<usize, WriteError>) -> Vec<u8> {
    let mut buffer = vec![0; ROOM];
    let length = write(&mut buffer).expect("the buffer is large enough");
    buffer.truncate(length);
    buffer
}
