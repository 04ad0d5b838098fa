//! Learning a layer without labels: predictive sparse decomposition with group sparsity.
//!
//! ```text
//! z* = argmin_{z≥0} ½‖x − Σ_k D_k ∗ z_k‖² + λ Σ_g ‖z_g‖     FISTA, from the encoder's guess
//! ½‖x − Σ_k D_k ∗ z*_k‖² + ½‖z* − max(0, W ⋆ x − θ)‖²        one step of D, W and θ
//! ```
//! Kavukcuoglu, Sermanet, Boureau, Gregor, Mathieu & LeCun, *Learning convolutional feature hierarchies*, NIPS 2010. A group
//! `z_g` is what one pool of the layer sees: what is penalised together is pooled together.

use super::{Config, Layer};
use crate::{
    network::Weights,
    optim::{Adam, AdamConfig, Schedule},
    tape::{Id, ParameterSet, Tape, Var},
    worlds::Rng,
};
use anyhow::Result;
use nalgebra::DMatrix;
use rand::RngExt;

/// Steps between two estimates of the dictionary's Lipschitz constant, and by how much it may have grown until then.
const LOOK: usize = 20;
const MARGIN: f32 = 1.05;

/// How much quicker the encoder moves than the atoms, each in relation to the size of its weights: a first step of proximal
/// descent, from which it starts, is far from a good guess.
const QUICKER: f32 = 200.0;

/// A layer with the decoder that it is learned with, to be dropped afterwards.
#[derive(Debug)]
pub struct Autoencoder<'l> {
    layer: &'l Layer,
    decoder: ParameterSet,
    dictionary: Id,
    lipschitz: f32,
}

/// How a step went, each as a share of `½‖x‖²` but the last.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// `½‖x − D ∗ z*‖²`
    pub missed: f32,
    /// `λ Σ ‖z*_g‖`
    pub penalty: f32,
    /// `‖z* − ẑ‖²` of the encoder's guess `ẑ`, as a share of `‖z*‖²`.
    pub guess: f32,
    /// The share of codes that are not zero.
    pub active: f32,
}

impl<'l> Autoencoder<'l> {
    /// Starts from windows of the data as atoms, and from the weights with which the encoder is the first step of proximal
    /// descent, `W = D/L` and `θ = λ/L`, only as much larger as the codes of the samples `x` (one position a column) are.
    pub fn new(layer: &'l Layer, x: &DMatrix<f32>, params: &mut ParameterSet, rng: &mut Rng) -> Self {
        let mut atoms = DMatrix::zeros(layer.config.filters, layer.input.window(layer.config.side));
        for k in 0..atoms.nrows() {
            atoms.row_mut(k).copy_from_slice(&strong_window(layer, x, rng));
        }
        normalise(&mut atoms);
        let mut decoder = ParameterSet::new();
        let dictionary = decoder.add("dictionary", atoms);
        let mut autoencoder = Self { layer, decoder, dictionary, lipschitz: 1.0 };
        autoencoder.lipschitz = autoencoder.estimate_lipschitz();
        let step = 1.0 / autoencoder.lipschitz;
        params[layer.w] = autoencoder.atoms() * step;
        params[layer.threshold].fill(layer.config.sparsity * step);
        let tape = Tape::new();
        let x = tape.constant(x.clone());
        let guess = layer.encode(&Weights { tape: &tape, params, frozen: true }, x);
        let (z, guess) = (tape.value(autoencoder.infer(&tape, x, guess)), tape.value(guess));
        let larger = z.dot(&guess) / guess.norm_squared().max(f32::MIN_POSITIVE);
        params[layer.w] *= larger;
        params[layer.threshold] *= larger;
        autoencoder
    }

    /// Learns from fresh batches of samples with one position a column.
    pub fn train(
        &mut self,
        params: &mut ParameterSet,
        mut batch: impl FnMut(&ParameterSet, usize) -> DMatrix<f32>,
        mut progress: impl FnMut(usize, Progress),
    ) -> Result<()> {
        let Config { steps, rate, batch: size, .. } = self.layer.config;
        let adam = |peak| {
            let rate = Schedule::Cosine { peak, floor: 0.0, warm_up: 20, total: steps as u64 };
            Adam::new(AdamConfig { rate, ..AdamConfig::default() })
        };
        // Adam's steps do not know how large weights are.
        let ratio = QUICKER * params[self.layer.w].norm() / self.atoms().norm();
        let (mut encoder_adam, mut decoder_adam) = (adam(rate * ratio), adam(rate));
        let mut tape = Tape::new();
        for step in 0..steps {
            if step % LOOK == 0 {
                self.lipschitz = MARGIN * self.estimate_lipschitz();
            }
            let x = batch(params, size);
            tape.clear();
            let x = tape.constant(x);
            let guess = self.layer.encode(&Weights { tape: &tape, params, frozen: false }, x);
            let z = self.infer(&tape, x, guess);
            let dictionary = tape.watch(&self.decoder, self.dictionary);
            let missed = tape.sub(self.decode(&tape, dictionary, z), x);
            let wrong = tape.sub(z, guess);
            let share = 0.5 / size as f32;
            let loss = |error| tape.scale(tape.sum_square(error), share);
            let (missed, wrong) = (loss(missed), loss(wrong));
            progress(
                step,
                self.progress(&tape, (x, z), tape.scalar(missed) / share, tape.scalar(wrong) / share),
            );
            tape.backward(tape.add(missed, wrong));
            encoder_adam.step(params, &tape)?;
            decoder_adam.step(&mut self.decoder, &tape)?;
            // Without this bound the code could shrink for free while the atoms grow.
            normalise(&mut self.decoder[self.dictionary]);
        }
        Ok(())
    }

    /// The atoms, one a row: windows of what the layer sees.
    pub fn atoms(&self) -> &DMatrix<f32> {
        &self.decoder[self.dictionary]
    }

    fn decode(&self, tape: &Tape, dictionary: Var, z: Var) -> Var {
        tape.convolve_transposed(dictionary, z, self.layer.input, self.layer.config.side)
    }

    /// `z*`, by FISTA from `guess`.
    fn infer(&self, tape: &Tape, x: Var, guess: Var) -> Var {
        let dictionary = tape.freeze(&self.decoder, self.dictionary);
        let mut z = tape.detach(guess);
        let (mut ahead, mut t) = (z, 1.0f32);
        for _ in 0..self.layer.config.iterations {
            let missed = tape.sub(self.decode(tape, dictionary, ahead), x);
            let slope = tape.convolve(dictionary, missed, self.layer.input, self.layer.config.side);
            let next = self.descend(tape, ahead, slope);
            let t_next = 0.5 + (0.25 + t * t).sqrt();
            let push = (t - 1.0) / t_next;
            ahead = tape.add(next, tape.scale(tape.sub(next, z), push));
            (z, t) = (next, t_next);
        }
        z
    }

    /// `prox(z − slope/L)`, the proximal operator of the group sparsity of codes that are not negative: zero below zero,
    /// then each group is shortened by `λ/L`.
    fn descend(&self, tape: &Tape, z: Var, slope: Var) -> Var {
        let (step, code, output) = (1.0 / self.lipschitz, self.layer.code, self.layer.output);
        let Config { group, pool, sparsity, .. } = self.layer.config;
        let threshold = sparsity * step;
        let forward = |forward: &mut crate::tape::Forward<'_>| {
            let (z, slope) = (forward.value(z), forward.value(slope));
            let moved =
                z.as_slice().iter().zip(slope.as_slice()).map(|(z, slope)| (z - step * slope).max(0.0));
            let mut next = forward.collect(z.shape(), moved);
            let mut factors = vec![0.0f32; output.channels];
            for z in next.as_mut_slice().chunks_exact_mut(code.len()) {
                for place in 0..output.positions() {
                    let corner = (place / output.cols * code.cols + place % output.cols) * pool;
                    let position = |i: usize| (corner + i / pool * code.cols + i % pool) * code.channels;
                    factors.fill(0.0);
                    for at in (0..pool * pool).map(position) {
                        let groups = z[at..at + code.channels].chunks_exact(group);
                        factors
                            .iter_mut()
                            .zip(groups)
                            .for_each(|(f, z)| *f += z.iter().map(|z| z * z).sum::<f32>());
                    }
                    factors
                        .iter_mut()
                        .for_each(|f| *f = (1.0 - threshold / f.sqrt().max(threshold)).max(0.0));
                    for at in (0..pool * pool).map(position) {
                        let groups = z[at..at + code.channels].chunks_exact_mut(group);
                        factors.iter().zip(groups).for_each(|(f, z)| z.iter_mut().for_each(|z| *z *= f));
                    }
                }
            }
            next
        };
        tape.record(&[], forward, |_| ())
    }

    /// `‖D‖²` over one sample, by power iteration.
    fn estimate_lipschitz(&self) -> f32 {
        let Layer { input, code, config, .. } = self.layer;
        let mut z = DMatrix::from_element(code.channels, code.positions(), 1.0);
        let mut value = 1.0;
        for _ in 0..12 {
            let tape = Tape::new();
            let dictionary = tape.freeze(&self.decoder, self.dictionary);
            let shown = self.decode(&tape, dictionary, tape.constant(&z / z.norm()));
            z = tape.value(tape.convolve(dictionary, shown, *input, config.side)).clone_owned();
            value = z.norm();
        }
        value
    }

    fn progress(&self, tape: &Tape, (x, z): (Var, Var), missed: f32, wrong: f32) -> Progress {
        let v = tape.value(self.layer.pool(tape, z));
        let (x, z) = (tape.value(x), tape.value(z));
        let share = |part: f32, whole: f32| if whole > 0.0 { part / whole } else { 0.0 };
        Progress {
            missed: share(missed, x.norm_squared()),
            penalty: share(self.layer.config.sparsity * v.sum(), 0.5 * x.norm_squared()),
            guess: share(wrong, z.norm_squared()),
            active: z.iter().filter(|z| **z > 0.0).count() as f32 / z.len() as f32,
        }
    }
}

/// Of a few random windows the one with the most contrast: a flat one would be an atom that learns nothing.
fn strong_window(layer: &Layer, x: &DMatrix<f32>, rng: &mut Rng) -> Vec<f32> {
    let (input, code, side) = (layer.input, layer.code, layer.config.side);
    let samples = x.ncols() / input.positions();
    let windows = (0..8).map(|_| {
        let sample = rng.random_range(0..samples) * input.len();
        let (row, col) = (rng.random_range(0..code.rows), rng.random_range(0..code.cols));
        let run = |i: usize| sample + ((row + i) * input.cols + col) * input.channels;
        let window: Vec<f32> =
            (0..side).flat_map(|i| &x.as_slice()[run(i)..run(i) + side * input.channels]).copied().collect();
        let mean = window.iter().sum::<f32>() / window.len() as f32;
        let contrast: f32 = window.iter().map(|w| (w - mean) * (w - mean)).sum();
        (contrast, window)
    });
    windows.max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, window)| window).unwrap_or_default()
}

/// Brings every atom to unit length.
fn normalise(atoms: &mut DMatrix<f32>) {
    for mut atom in atoms.row_iter_mut() {
        let norm = atom.norm();
        if norm > 0.0 {
            atom /= norm;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use forethought::perceive::maps::Maps;
    use rand::SeedableRng;

    const INPUT: Maps = Maps { rows: 8, cols: 8, channels: 1 };

    fn config() -> Config {
        Config {
            filters: 6,
            side: 3,
            group: 2,
            pool: 2,
            sparsity: 0.05,
            batch: 8,
            steps: 300,
            ..Config::default()
        }
    }

    /// Bars at random places: what 3×3 filters can show.
    fn bars(rng: &mut Rng, n: usize) -> DMatrix<f32> {
        let mut x = DMatrix::zeros(1, n * INPUT.len());
        for sample in x.as_mut_slice().chunks_exact_mut(INPUT.len()) {
            let (at, upright) = (rng.random_range(0..8), rng.random_range(0..2) == 0);
            (0..8).for_each(|i| sample[if upright { i * 8 + at } else { at * 8 + i }] = 1.0);
        }
        x
    }

    #[test]
    fn the_prox_is_the_minimum() {
        let mut rng = Rng::seed_from_u64(1);
        let mut params = ParameterSet::new();
        let layer = Layer::new(&config(), INPUT, &mut params, &mut rng).unwrap();
        let autoencoder = Autoencoder::new(&layer, &bars(&mut rng, 8), &mut params, &mut rng);
        let start = DMatrix::from_fn(6, 36, |_, _| rng.random_range(-0.1..0.2f32));
        let tape = Tape::new();
        let zero = tape.constant(DMatrix::zeros(6, 36));
        let best = tape.value(autoencoder.descend(&tape, tape.constant(start.clone()), zero)).clone_owned();
        let t = layer.config.sparsity / autoencoder.lipschitz;
        let energy = |z: &DMatrix<f32>| {
            let pools = tape.value(layer.pool(&tape, tape.constant(z.clone())));
            let norms: f32 = pools.iter().map(|v| (v * v - super::super::EPSILON).max(0.0).sqrt()).sum();
            0.5 * (z - &start).norm_squared() + t * norms
        };
        for _ in 0..50 {
            let other = best.map(|z| (z + rng.random_range(-0.02..0.02f32)).max(0.0));
            assert!(energy(&best) <= energy(&other) + 1e-5);
        }
    }

    #[test]
    fn it_learns_to_show_bars_and_its_encoder_to_guess_the_codes() {
        let mut rng = Rng::seed_from_u64(2);
        let mut params = ParameterSet::new();
        let layer = Layer::new(&config(), INPUT, &mut params, &mut rng).unwrap();
        let mut autoencoder = Autoencoder::new(&layer, &bars(&mut rng, 32), &mut params, &mut rng);
        let mut seen = Vec::new();
        autoencoder.train(&mut params, |_, n| bars(&mut rng, n), |_, progress| seen.push(progress)).unwrap();
        // What an encoder can guess is limited: many codes show the same bar. A single batch is small, so the last are averaged.
        let last = |value: fn(&Progress) -> f32| seen[280..].iter().map(value).sum::<f32>() / 20.0;
        let (missed, guess) = (last(|p| p.missed), last(|p| p.guess));
        assert!(missed < 0.05 && missed < 0.5 * seen[0].missed, "{missed} {:?}", seen[0]);
        assert!(guess < 0.75 * seen[0].guess, "{guess} {:?}", seen[0]);
    }
}
