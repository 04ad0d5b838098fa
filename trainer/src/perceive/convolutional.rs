//! A convolutional layer: filters, rectification, and L2 pools over neighbouring features and space.
//!
//! ```text
//! z_k = max(0, W_k ⋆ x − θ_k)                    codes
//! v_g(p) = √(ε + Σ_{k∈g, q∈window(p)} z_k(q)²)   pools
//! ```
//! Jarrett, Kavukcuoglu, Ranzato & LeCun, *What is the best multi-stage architecture for object recognition?*, ICCV 2009.
//! [`Autoencoder`] learns such a layer without labels.

mod autoencoder;

pub use autoencoder::{Autoencoder, Progress};

use crate::{
    export::Tensors,
    network::Weights,
    tape::{Id, ParameterSet, Tape, Var},
    worlds::{Rng, camera::normal},
};
use anyhow::{Context, Result, ensure};
use forethought::{
    artifact::{Stage, Unit},
    perceive::maps::Maps,
};
use nalgebra::DMatrix;
use serde::{Deserialize, Serialize};

/// Hyper-parameters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Filters, each of which makes a map of codes.
    pub filters: usize,
    /// Rows and columns of a filter. 5, as in the papers: two strokes of a digit just fit in.
    pub side: usize,
    /// Neighbouring filters that are pooled together; 1 pools over space alone.
    pub group: usize,
    /// Rows and columns of a pool. Pools do not overlap, so that their penalty has an exact proximal operator.
    pub pool: usize,
    /// `λ`, weight of the group sparsity: larger leaves fewer pools active and more of the image unexplained.
    pub sparsity: f32,
    /// Steps of proximal descent, from the encoder's guess, that find the code which a batch is learned from.
    pub iterations: usize,
    /// Samples in a batch.
    pub batch: usize,
    /// Steps of Adam.
    pub steps: usize,
    /// Learning rate at the start; it falls to 0 along a half cosine.
    pub rate: f32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            filters: 32,
            side: 5,
            group: 2,
            pool: 2,
            sparsity: 0.1,
            iterations: 10,
            batch: 32,
            steps: 200,
            rate: 3e-3,
        }
    }
}

/// `ε` under the root of a pool: its slope is finite where all codes are zero.
pub const EPSILON: f32 = 1e-4;

/// A layer in a set of parameters.
#[derive(Clone, Debug)]
pub struct Layer {
    config: Config,
    input: Maps,
    code: Maps,
    output: Maps,
    w: Id,
    threshold: Id,
}

impl Layer {
    /// A layer that sees `input`, with random filters: what it shows has about the spread of what it sees.
    pub fn new(config: &Config, input: Maps, params: &mut ParameterSet, rng: &mut Rng) -> Result<Self> {
        let Config { filters, side, group, pool, .. } = *config;
        let code = input.windows(side, 1, filters).with_context(|| {
            format!("filters of {side}x{side} do not fit into maps of {}x{}", input.rows, input.cols)
        })?;
        let whole = |n: usize, parts: usize| parts > 0 && n > 0 && n.is_multiple_of(parts);
        ensure!(
            whole(code.rows, pool) && whole(code.cols, pool) && whole(filters, group),
            "pools of {pool}x{pool} positions and {group} filters leave a rest of {}x{} codes and {filters} filters; \
             choose sizes that divide them",
            code.rows,
            code.cols
        );
        let output = Maps { rows: code.rows / pool, cols: code.cols / pool, channels: filters / group };
        let length = input.window(side);
        let spread = 1.0 / (length as f64).sqrt();
        let w = DMatrix::from_fn(filters, length, |_, _| (spread * normal(rng)) as f32);
        Ok(Self {
            config: config.clone(),
            input,
            code,
            output,
            w: params.add("w", w),
            threshold: params.add("threshold", DMatrix::zeros(filters, 1)),
        })
    }

    /// What it sees.
    pub fn input(&self) -> Maps {
        self.input
    }

    /// Its codes `z`.
    pub fn code(&self) -> Maps {
        self.code
    }

    /// Its pools `v`, which the next layer sees.
    pub fn output(&self) -> Maps {
        self.output
    }

    /// The filters, one a row: windows as [`Maps`] lie.
    pub fn filters<'p>(&self, params: &'p ParameterSet) -> &'p DMatrix<f32> {
        &params[self.w]
    }

    /// `z`, from and to one position a column.
    pub fn encode(&self, weights: &Weights<'_>, x: Var) -> Var {
        let tape = weights.tape;
        let drive = tape.convolve(weights.get(self.w), x, self.input, self.config.side);
        tape.shrink(drive, weights.get(self.threshold))
    }

    /// `v` of codes.
    pub fn pool(&self, tape: &Tape, z: Var) -> Var {
        let energy = tape.energy(z, self.code, self.config.pool, self.config.pool);
        let energy =
            if self.config.group > 1 { tape.matmul(tape.constant(self.pools()), energy) } else { energy };
        tape.sqrt_eps(energy, EPSILON)
    }

    /// `v` of what it sees.
    pub fn features(&self, weights: &Weights<'_>, x: Var) -> Var {
        self.pool(weights.tape, self.encode(weights, x))
    }

    /// Scales filters and thresholds, and with them the pools, so that the mean square of a pool is 1: whatever comes next, and
    /// an optimiser that moves all weights at one rate, need not know what came before. `x` holds samples with one position a
    /// column.
    pub fn calibrate(&self, params: &mut ParameterSet, x: &DMatrix<f32>) {
        let tape = Tape::new();
        let weights = Weights { tape: &tape, params, frozen: true };
        let v = tape.value(self.features(&weights, tape.constant(x.clone())));
        let scale = (v.len() as f32 / v.norm_squared().max(f32::MIN_POSITIVE)).sqrt();
        params[self.w] *= scale;
        params[self.threshold] *= scale;
    }

    /// Adds its tensors as the parts of two stages, and returns what the encoder's header says of them.
    pub fn export(
        &self,
        params: &ParameterSet,
        [convolve, pool]: [&'static str; 2],
        tensors: &mut Tensors,
    ) -> [Stage; 2] {
        let Config { filters, side, group, pool: window, .. } = self.config;
        let small = |n: usize| n as u16; // an image that large has no place on a chip
        tensors.matrix(convolve, "w", params[self.w].clone());
        tensors.matrix(convolve, "bias", -&params[self.threshold]);
        if group > 1 {
            tensors.matrix(pool, "pools", self.pools());
        }
        let features = if group > 1 { small(self.output.channels) } else { 0 };
        [
            Stage::Convolve { filters: small(filters), side: small(side), unit: Unit::Rectified },
            Stage::Pool { side: small(window), stride: small(window), features, epsilon: EPSILON },
        ]
    }

    /// Which filters a pool takes together: 1 where a filter (a column) is in a pool (a row).
    fn pools(&self) -> DMatrix<f32> {
        let group = self.config.group;
        let member = |pool: usize, filter: usize| if filter / group == pool { 1.0 } else { 0.0 };
        DMatrix::from_fn(self.output.channels, self.code.channels, member)
    }
}

/// A batch of samples, one a column, with one position a column.
pub fn positions(samples: DMatrix<f32>, maps: Maps) -> DMatrix<f32> {
    let entries = samples.len();
    samples.reshape_generic(nalgebra::Dyn(maps.channels), nalgebra::Dyn(entries / maps.channels.max(1)))
}
