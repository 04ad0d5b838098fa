//! Weight files for measuring and proving: numbers out of a generator, in the sizes of a real agent and in
//! small.

use crate::agent;
use forethought::{
    artifact::{
        Activation, CostTerms, Encoder, EncoderKind, Entry, Estimator, Header, Model, Planner, Provenance,
        Sensors, Sizes, Term, VERSION, write,
    },
    feature::{Angles, Feature, Map},
};
use std::{fmt::Write, fs, path::Path};

/// What the bench measures.
const REAL: Sizes =
    Sizes { observation: 256, code: 64, state: 2, action: 1, latent: 0, hidden: 32, horizon: 20 };

/// Small enough for any chip, and smaller than the types that run it.
const SMALL: Sizes =
    Sizes { observation: 21, code: 7, state: 2, action: 1, latent: 0, hidden: 5, horizon: 3 };

/// Writes `bench.rs`: the types of the real sizes and their weights, and small weights for each model.
pub fn generate(out_dir: &Path) {
    let save =
        |name: &str, weights: &[u8]| fs::write(out_dir.join(name), weights).expect("cargo made OUT_DIR");
    let real = weights(REAL, Model::Network);
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
    let angle = Feature { index: 0, map: Map::Angle };
    let [cos, sin] = [Map::Cos, Map::Sin].map(|map| Feature { index: 0, map });
    let speed = Feature { index: 1, map: Map::Value };
    let header = Header {
        version: VERSION,
        sizes,
        angles: Angles(0b01),
        sensors: Sensors { low: -1.0, high: 1.0 },
        encoder: Encoder { kind: EncoderKind::Lista, activation: Activation::Rectified, iterations: 2 },
        model,
        // So wide a gate that nothing is refused: the filter shall do all its work.
        estimator: Estimator { measured: [cos, sin].into_iter().collect(), gate: 1e30, patience: 5 },
        cost: CostTerms {
            terms: [(angle, 1.0), (speed, 0.1)]
                .map(|(feature, weight)| Term { feature, target: 0.0, weight, terminal: weight })
                .into_iter()
                .collect(),
        },
        // Without a tolerance the budget is always spent.
        planner: Planner { iterations: 10, momentum: 0.7, step: 0.3, tolerance: 0.0 },
        provenance: Provenance { trainer: env!("CARGO_PKG_VERSION"), task: "bench", seed: 0, data: 0 },
        tensors: Default::default(),
    };

    let [ny, nc, nx] = [sizes.ny(), sizes.nc(), sizes.nx()];
    let [nu, nz, nh] = [sizes.nu(), sizes.nz(), sizes.nh()];
    // Part, name, rows, columns; and the number that stands everywhere, where it is not just any.
    let mut tensors = vec![
        ("perceive", "w_e", nc, ny, None),
        ("perceive", "bias", nc, 1, None),
        ("perceive", "s", nc, nc, None),
        ("perceive", "threshold", nc, 1, None),
        ("perceive", "dictionary", ny, nc, None),
        ("perceive", "mean", ny, 1, None),
        ("readout", "w", 2, nc, None),
        ("readout", "b", 2, 1, None),
        ("predict", "w_u", nh, nu, None),
        ("predict", "w_z", nh, nz, None),
        ("estimate", "mean", nx, 1, Some(0.0)),
        ("estimate", "prior", nx, 1, Some(1.0)),
        ("estimate", "process", nx, 1, Some(1e-3)),
        ("estimate", "noise", 2, 1, Some(1e-2)),
        ("action", "low", nu, 1, Some(-2.0)),
        ("action", "high", nu, 1, Some(2.0)),
        ("action", "safe", nu, 1, Some(0.0)),
        ("cost", "action", nu, 1, Some(1e-3)),
    ];
    for (part, outputs) in [("predict", nx), ("policy", nu), ("value", 1)] {
        tensors.extend([
            (part, "w_x", nh, nx, None),
            (part, "w_s", nh, 1, None),
            (part, "b1", nh, 1, None),
            (part, "w_h", nh, nh, None),
            (part, "b2", nh, 1, None),
            (part, "w_o", outputs, nh, None),
            (part, "b_o", outputs, 1, None),
        ]);
    }
    let value = |(tensor, &(.., cols, constant)): (usize, &(_, _, _, usize, Option<f32>))| {
        // So wide that sums over a row stay in the range of the activations.
        let width = (3.0 / cols.max(1) as f32).sqrt();
        move |row: usize, col: usize| {
            let index = [tensor, row, col].into_iter().fold(0, |index, i| index << 16 | i as u64);
            constant.unwrap_or_else(|| width * noise(index))
        }
    };
    let values: Vec<_> = tensors.iter().enumerate().map(value).collect();
    let entries = tensors.iter().zip(&values);
    let entries: Vec<_> = entries
        .map(|(&(part, name, rows, cols, _), value)| Entry { part, name, rows, cols, value })
        .collect();

    let numbers: usize = entries.iter().map(|entry| entry.rows * entry.cols + 4).sum();
    let mut buffer = vec![0; 4 * numbers + 8192];
    let length = write(header, &entries, &mut buffer).expect("the buffer is large enough");
    buffer.truncate(length);
    buffer
}

/// A number in [−1, 1) that looks random (SplitMix64).
fn noise(index: u64) -> f32 {
    let mut z = (index + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    ((z >> 40) as f32 - 8_388_608.0) / 8_388_608.0
}
