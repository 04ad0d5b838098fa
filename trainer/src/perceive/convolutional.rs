//! A convolutional layer learned without labels: an autoencoder whose code is sparse in groups.
//!
//! ```text
//! z_k = max(0, x ⋆ W_k − θ_k)                    encoder
//! v_g(p) = √(ε + Σ_{k∈g, q∈window(p)} z_k(q)²)   L2 pools over features and space
//! ½‖x − Σ_k D_k ∗ z_k‖² + λ Σ_g,p v_g(p)         decoder and group sparsity
//! ```
//! Kavukcuoglu, Sermanet, Boureau, Gregor, Mathieu & LeCun, *Learning convolutional feature hierarchies*, NIPS 2010,
//! with the pools of Kavukcuoglu, Ranzato, Fergus & LeCun, CVPR 2009. What is penalised together is pooled together: once trained, the
//! decoder is dropped and the pools `v` are what the next layer sees.

use crate::{
    network::Weights,
    optim::{Adam, AdamConfig, Schedule},
    tape::{Id, ParameterSet, Tape, Var},
    worlds::{Rng, camera::normal},
};
use anyhow::{Context, Result};
use forethought::perceive::maps::Maps;
use nalgebra::DMatrix;
use rand::RngExt;
use serde::{Deserialize, Serialize};

/// Hyper-parameters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Filters, each of which makes a map of codes.
    pub filters: usize,
    /// Rows and columns of a filter.
    pub side: usize,
    /// Neighbouring filters in a pool, on a ring. 1 pools over space alone.
    pub group: usize,
    /// Filters from one pool to the next: as large as `group` for pools that share none.
    pub apart: usize,
    /// Rows and columns of a pool.
    pub pool: usize,
    /// Positions from one pool to the next.
    pub stride: usize,
    /// `λ`, weight of the group sparsity.
    pub sparsity: f32,
    /// Samples in a batch.
    pub batch: usize,
    /// Steps of Adam.
    pub steps: usize,
    /// Learning rate at the start; it falls to 0 along a half cosine.
    pub rate: f32,
}

impl Default for Config {
    fn default() -> Self {
        Self { filters: 32, side: 5, group: 2, apart: 2, pool: 2, stride: 2, sparsity: 0.1, batch: 32, steps: 1000, rate: 3e-3 }
    }
}

/// Under the root of a pool: its slope is finite where all codes are zero.
pub const EPSILON: f32 = 1e-4;

/// A layer: filters, thresholds and pools.
#[derive(Clone, Debug)]
pub struct Layer {
    /// What it sees.
    pub input: Maps,
    /// Its codes.
    pub code: Maps,
    /// Its pools, which the next layer sees.
    pub output: Maps,
    config: Config,
    pub w: Id,
    pub threshold: Id,
    /// Pools × filters, 1 where a filter is in a pool.
    pub pools: DMatrix<f32>,
}

impl Layer {
    /// With random filters of about unit gain.
    pub fn new(config: &Config, input: Maps, params: &mut ParameterSet, rng: &mut Rng) -> Result<Self> {
        let fits = || {
            let code = input.windows(config.side, 1, config.filters)?;
            let pools = config.filters.div_ceil(config.apart.max(1));
            Some((code, code.windows(config.pool, config.stride, pools)?))
        };
        let (code, output) = fits().with_context(|| {
            format!("filters of {0}x{0} or pools of {1}x{1} do not fit into {input:?}", config.side, config.pool)
        })?;
        let n = input.window(config.side);
        let w = DMatrix::from_fn(config.filters, n, |_, _| normal(rng) as f32 / (n as f32).sqrt());
        let mut pools = DMatrix::zeros(output.channels, config.filters);
        for pool in 0..output.channels {
            for k in 0..config.group {
                pools[(pool, (pool * config.apart + k) % config.filters)] = 1.0;
            }
        }
        Ok(Self {
            input,
            code,
            output,
            config: config.clone(),
            w: params.add("w", w),
            threshold: params.add("threshold", DMatrix::zeros(config.filters, 1)),
            pools,
        })
    }

    pub fn codes(&self, weights: &Weights<'_>, x: Var) -> Var {
        let s = weights.tape.convolve(weights.get(self.w), x, self.input, self.config.side);
        weights.tape.shrink(s, weights.get(self.threshold))
    }

    pub fn pool(&self, tape: &Tape, z: Var) -> Var {
        let energy = tape.energy(z, self.code, self.config.pool, self.config.stride);
        tape.sqrt_eps(tape.matmul(tape.constant(self.pools.clone()), energy), EPSILON)
    }

    /// z ← prox(y − g/L)
    fn prox(&self, tape: &Tape, y: Var, g: Var, step: f32) -> Var {
        let Config { pool, group, sparsity, filters, .. } = self.config;
        let (code, t) = (self.code, step * sparsity);
        tape.record(&[], |forward| {
            let (y, g) = (forward.value(y), forward.value(g));
            let mut z = forward.collect(y.shape(), y.as_slice().iter().zip(g.as_slice()).map(|(y, g)| (y - step * g).max(0.0)));
            let groups = filters / group;
            let mut norm = vec![0.0f32; groups];
            for z in z.as_mut_slice().chunks_exact_mut(code.len()) {
                for row in (0..code.rows).step_by(pool) {
                    for col in (0..code.cols).step_by(pool) {
                        norm.fill(0.0);
                        for i in 0..pool { for j in 0..pool {
                            let at = ((row + i) * code.cols + col + j) * filters;
                            for (n, z) in norm.iter_mut().zip(z[at..at + filters].chunks_exact(group)) {
                                *n += z.iter().map(|z| z * z).sum::<f32>();
                            }
                        }}
                        norm.iter_mut().for_each(|n| { let r = n.sqrt(); *n = if r > t { 1.0 - t / r } else { 0.0 } });
                        for i in 0..pool { for j in 0..pool {
                            let at = ((row + i) * code.cols + col + j) * filters;
                            for (n, z) in norm.iter().zip(z[at..at + filters].chunks_exact_mut(group)) {
                                z.iter_mut().for_each(|z| *z *= n);
                            }
                        }}
                    }
                }
            }
            z
        }, |_| ())
    }

    /// Learns without labels.
    pub fn pretrain(
        &self,
        params: &mut ParameterSet,
        mut batch: impl FnMut(&Tape, &ParameterSet, usize) -> Var,
        mut progress: impl FnMut(usize, [f32; 3]),
        rng: &mut Rng,
    ) -> Result<DMatrix<f32>> {
        let config = &self.config;
        let mut tape = Tape::new();
        let n = self.input.window(config.side);
        // atoms: windows of data
        let sample = batch(&tape, params, config.batch);
        let data = tape.value(sample).clone_owned();
        let mut atoms = DMatrix::zeros(config.filters, n);
        let count = data.ncols() / self.input.positions();
        for k in 0..config.filters {
            let mut best = (vec![0.0; n], -1.0f32);
            for _ in 0..8 {
                let (s, r, c) = (rng.random_range(0..count), rng.random_range(0..self.code.rows), rng.random_range(0..self.code.cols));
                let mut window = vec![0.0; n];
                for i in 0..config.side { for j in 0..config.side { for ch in 0..self.input.channels {
                    window[(i * config.side + j) * self.input.channels + ch] = data[(ch, s * self.input.positions() + (r + i) * self.input.cols + c + j)];
                }}}
                let mean = window.iter().sum::<f32>() / n as f32;
                let e: f32 = window.iter().map(|w| (w - mean) * (w - mean)).sum();
                if e > best.1 { best = (window, e); }
            }
            for (i, w) in best.0.iter().enumerate() { atoms[(k, i)] = *w + 0.01 * normal(rng) as f32; }
        }
        normalise(&mut atoms);
        let mut own = ParameterSet::new();
        let dictionary = own.add("dictionary", atoms.clone());
        let env = |name: &str, d: f32| std::env::var(name).map(|s| s.parse().unwrap()).unwrap_or(d);
        let lipschitz = |d: &DMatrix<f32>| {
            let tape = Tape::new();
            let d = tape.constant(d.clone());
            let mut z = DMatrix::from_fn(config.filters, self.code.positions(), |i, j| ((i * 7 + j * 3) % 5) as f32);
            let mut l = 0.0;
            for _ in 0..12 {
                let x = tape.convolve_transposed(d, tape.constant(&z / z.norm()), self.input, config.side);
                z = tape.value(tape.convolve(d, x, self.input, config.side)).clone_owned();
                l = z.norm();
            }
            l
        };
        let l = lipschitz(&atoms);
        println!("L {l}");
        params[self.w] = &atoms / l;
        params[self.threshold].fill(config.sparsity / l);
        let adam = || Adam::new(AdamConfig { rate: Schedule::Cosine { peak: config.rate, floor: 0.0, warm_up: 20, total: config.steps as u64 }, ..AdamConfig::default() });
        let (mut adam_e, mut adam_d) = (adam(), adam());
        let iterations = env("ITER", 20.0) as usize;
        let mut l = l;
        for step in 0..config.steps {
            tape.clear();
            let x = batch(&tape, params, config.batch);
            let weights = Weights { tape: &tape, params, frozen: false };
            let f = self.codes(&weights, x);
            if step % 20 == 0 { l = lipschitz(&own[dictionary]) * 1.05; }
            let z = {
                let d = tape.freeze(&own, dictionary);
                let mut z = tape.detach(f);
                let mut y = z;
                let mut t = 1.0f32;
                for _ in 0..iterations {
                    let r = tape.sub(tape.convolve_transposed(d, y, self.input, config.side), x);
                    let g = tape.convolve(d, r, self.input, config.side);
                    let next = self.prox(&tape, y, g, 1.0 / l);
                    let t_next = 0.5 + (0.25 + t * t).sqrt();
                    let push = (t - 1.0) / t_next;
                    y = tape.record(&[], |forward| {
                        let (a, b) = (forward.value(next), forward.value(z));
                        forward.collect(a.shape(), a.as_slice().iter().zip(b.as_slice()).map(|(a, b)| a + push * (a - b)))
                    }, |_| ());
                    t = t_next;
                    z = next;
                }
                z
            };
            let v = self.pool(&tape, z);
            let d = tape.watch(&own, dictionary);
            let missed = tape.sub(tape.convolve_transposed(d, z, self.input, config.side), x);
            let share = 1.0 / config.batch as f32;
            let rec = tape.scale(tape.sum_square(missed), 0.5 * share);
            let pen = tape.scalar(tape.scale(tape.sum(v), config.sparsity * share));
            let predict = tape.scale(tape.sum_square(tape.sub(z, f)), 0.5 * share);
            let energy: f32 = tape.value(x).iter().map(|x| x * x).sum::<f32>() * 0.5 * share;
            let (active, ze) = { let z = tape.value(z); (z.iter().filter(|z| **z > 0.0).count() as f32 / z.len() as f32, z.norm_squared() * 0.5 * share) };
            if step % 100 == 99 { println!("   prediction error {:.4} pen {:.4}", tape.scalar(predict) / ze, pen / energy); }
            progress(step, [tape.scalar(rec) / energy, pen / energy, active]);
            tape.backward(tape.add(rec, predict));
            adam_e.step(params, &tape)?;
            adam_d.step(&mut own, &tape)?;
            normalise(&mut own[dictionary]);
        }
        Ok(own[dictionary].clone())
    }
}

/// Brings every row to unit length.
fn normalise(atoms: &mut DMatrix<f32>) {
    for mut atom in atoms.row_iter_mut() {
        let norm = atom.norm();
        if norm > 0.0 {
            atom /= norm;
        }
    }
}
