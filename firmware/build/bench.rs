//! A weight file for measuring and proving: the sizes of a real agent, numbers out of a generator.

use crate::agent;
use forethought::{
    artifact::{
        Activation, CostTerms, Encoder, EncoderKind, Entry, Estimator, Header, Model, Planner, Provenance,
        Sensors, Sizes, Term, VERSION, write,
    },
    feature::{Angles, Feature, Map},
};
use std::{fs, path::Path};

const NY: usize = 256;
const NC: usize = 64;
const NX: usize = 2;
const NU: usize = 1;
const NZ: usize = 0;
const NH: usize = 32;
const H: usize = 20;

/// Writes `bench.fth` and `bench.rs`.
pub fn generate(out_dir: &Path) {
    let weights = weights();
    let source = agent::source(&weights, "bench.fth").expect("the bench's weight file is in order");
    fs::write(out_dir.join("bench.fth"), weights).expect("cargo made OUT_DIR");
    fs::write(out_dir.join("bench.rs"), source).expect("cargo made OUT_DIR");
}

fn weights() -> Vec<u8> {
    let angle = Feature { index: 0, map: Map::Angle };
    let [cos, sin] = [Map::Cos, Map::Sin].map(|map| Feature { index: 0, map });
    let speed = Feature { index: 1, map: Map::Value };
    let header = Header {
        version: VERSION,
        sizes: Sizes {
            observation: NY as u32,
            code: NC as u32,
            state: NX as u16,
            action: NU as u16,
            latent: NZ as u16,
            hidden: NH as u16,
            horizon: H as u16,
        },
        angles: Angles(0b01),
        sensors: Sensors { low: -1.0, high: 1.0 },
        encoder: Encoder { kind: EncoderKind::Lista, activation: Activation::Rectified, iterations: 2 },
        model: Model::Network,
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

    let mut tensors: Vec<(&str, &str, usize, usize)> = vec![
        ("perceive", "w_e", NC, NY),
        ("perceive", "bias", NC, 1),
        ("perceive", "s", NC, NC),
        ("perceive", "threshold", NC, 1),
        ("perceive", "dictionary", NY, NC),
        ("perceive", "mean", NY, 1),
        ("readout", "w", 2, NC),
        ("readout", "b", 2, 1),
        ("predict", "w_u", NH, NU),
        ("predict", "w_z", NH, NZ),
    ];
    for (part, outputs) in [("predict", NX), ("policy", NU), ("value", 1)] {
        tensors.extend([
            (part, "w_x", NH, NX),
            (part, "w_s", NH, 1),
            (part, "b1", NH, 1),
            (part, "w_h", NH, NH),
            (part, "b2", NH, 1),
            (part, "w_o", outputs, NH),
            (part, "b_o", outputs, 1),
        ]);
    }
    let constants = [
        ("estimate", "mean", NX, 0.0),
        ("estimate", "prior", NX, 1.0),
        ("estimate", "process", NX, 1e-3),
        ("estimate", "noise", 2, 1e-2),
        ("action", "low", NU, -2.0),
        ("action", "high", NU, 2.0),
        ("action", "safe", NU, 0.0),
        ("cost", "action", NU, 1e-3),
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
