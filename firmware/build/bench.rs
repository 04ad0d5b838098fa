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
    let mut tensors: Vec<(&str, &str, usize, usize)> = vec![
        ("perceive", "w_e", nc, ny),
        ("perceive", "bias", nc, 1),
        ("perceive", "s", nc, nc),
        ("perceive", "threshold", nc, 1),
        ("perceive", "dictionary", ny, nc),
        ("perceive", "mean", ny, 1),
        ("readout", "w", 2, nc),
        ("readout", "b", 2, 1),
        ("predict", "w_u", nh, nu),
        ("predict", "w_z", nh, nz),
    ];
    for (part, outputs) in [("predict", nx), ("policy", nu), ("value", 1)] {
        tensors.extend([
            (part, "w_x", nh, nx),
            (part, "w_s", nh, 1),
            (part, "b1", nh, 1),
            (part, "w_h", nh, nh),
            (part, "b2", nh, 1),
            (part, "w_o", outputs, nh),
            (part, "b_o", outputs, 1),
        ]);
    }
    let constants = [
        ("estimate", "mean", nx, 0.0),
        ("estimate", "prior", nx, 1.0),
        ("estimate", "process", nx, 1e-3),
        ("estimate", "noise", 2, 1e-2),
        ("action", "low", nu, -2.0),
        ("action", "high", nu, 2.0),
        ("action", "safe", nu, 0.0),
        ("cost", "action", nu, 1e-3),
    ];

    // Of a variance that keeps activations in their range.
    let value = |tensor: usize, cols: usize| {
        move |row: usize, col: usize| {
            noise((tensor << 32 | row << 16 | col) as u64) * (3.0 / cols.max(1) as f32).sqrt()
        }
    };
    let values: Vec<_> = tensors.iter().enumerate().map(|(i, &(.., cols))| value(i, cols)).collect();
    let fixed: Vec<_> = constants.iter().map(|&(.., value)| move |_: usize, _: usize| value).collect();
    let random = tensors.iter().zip(&values).map(|(&(part, name, rows, cols), value)| Entry {
        part,
        name,
        rows,
        cols,
        value,
    });
    let constant = constants.iter().zip(&fixed).map(|(&(part, name, rows, _), value)| Entry {
        part,
        name,
        rows,
        cols: 1,
        value,
    });
    let entries: Vec<_> = random.chain(constant).collect();

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
