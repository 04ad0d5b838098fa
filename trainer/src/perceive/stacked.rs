//! Layers learned one on top of the other without labels, then a linear classifier, then all together with labels.
//!
//! Each [layer](super::convolutional) learns to show, with group sparsity, what the pools of the layer below make of the images; its
//! decoder is then dropped and its pools are kept. The last pools are the features:
//!
//! ```text
//! scores = C v + b,   −log softmax(scores)_y + δ/n ‖C‖²
//! ```
//! first of `C` and `b` alone, on frozen features, then of all weights. Kavukcuoglu, Sermanet, Boureau, Gregor, Mathieu & LeCun, NIPS 2010.

use super::convolutional::{self, Autoencoder, Layer, Progress, positions};
use crate::{
    export::Tensors,
    network::Weights,
    optim::{Adam, AdamConfig, Schedule},
    tape::{Id, ParameterSet, Tape, Var},
    worlds::Rng,
};
use anyhow::{Context, Result, ensure};
use forethought::{
    artifact,
    perceive::{classifier::class, convolutional::PARTS, maps::Maps},
};
use nalgebra::{DMatrix, DVector, DVectorView};
use rand::RngExt;
use serde::{Deserialize, Serialize};

/// Hyper-parameters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The layers, from the image up.
    pub layers: Vec<convolutional::Config>,
    /// Training of the classifier on frozen features.
    pub readout: Supervised,
    /// Training of everything, with labels.
    pub tuning: Supervised,
}

impl Default for Config {
    fn default() -> Self {
        let first = convolutional::Config::default();
        // It sees 16 maps whose mean square is 1, so its penalty stands beside other squares.
        let second = convolutional::Config { filters: 64, group: 1, sparsity: 1.5, ..first.clone() };
        Self {
            layers: vec![first, second],
            readout: Supervised { epochs: 12.0, decay: 2.0, ..Supervised::default() },
            tuning: Supervised::default(),
        }
    }
}

/// How something is trained with labels.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Supervised {
    /// Passes over the labelled samples.
    pub epochs: f32,
    /// Steps of Adam at least, where the samples are few.
    pub least: usize,
    /// Samples in a batch; all of them if there are fewer.
    pub batch: usize,
    /// Learning rate at the start; it falls to 0 along a half cosine.
    pub rate: f32,
    /// `δ`, the inverse variance of a weight of the classifier before anything was seen.
    pub decay: f32,
    /// Pixels by which an image is moved at random, up or down and left or right. Only where all is trained: frozen features are
    /// computed once.
    pub shift: usize,
}

impl Default for Supervised {
    fn default() -> Self {
        Self { epochs: 3.0, least: 200, batch: 50, rate: 1e-3, decay: 0.5, shift: 1 }
    }
}

impl Supervised {
    /// Steps over `n` samples.
    fn steps(&self, n: usize) -> usize {
        ((self.epochs * n as f32 / self.batch as f32) as usize).max(self.least)
    }
}

/// Layers and a linear classifier of what the last of them shows.
#[derive(Clone, Debug)]
pub struct Stack {
    /// The weights.
    pub params: ParameterSet,
    layers: Vec<Layer>,
    w: Id,
    b: Id,
}

impl Stack {
    /// With random filters and a classifier that knows nothing.
    pub fn new(layers: &[convolutional::Config], image: Maps, classes: usize, rng: &mut Rng) -> Result<Self> {
        let most = PARTS.len() / 2;
        ensure!((1..=most).contains(&layers.len()), "a stack has 1 to {most} layers, not {}", layers.len());
        let mut params = ParameterSet::new();
        let mut input = image;
        let mut built = Vec::new();
        for (i, config) in layers.iter().enumerate() {
            let layer = Layer::new(config, input, &mut params, rng);
            let layer = layer.with_context(|| format!("in layer {}", i + 1))?;
            input = layer.output();
            built.push(layer);
        }
        let w = params.add("classifier", DMatrix::zeros(classes, input.len()));
        let b = params.add("offset", DMatrix::zeros(classes, 1));
        Ok(Self { params, layers: built, w, b })
    }

    /// The layers, from the image up.
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// Learns the filters from images alone, one layer after the other, and returns the decoders' atoms, which are for the
    /// report. `progress` sees layer and step.
    pub fn pretrain(
        &mut self,
        images: &DMatrix<f32>,
        rng: &mut Rng,
        mut progress: impl FnMut(usize, usize, Progress),
    ) -> Result<Vec<DMatrix<f32>>> {
        let mut atoms = Vec::new();
        for (i, layer) in self.layers.iter().enumerate() {
            let seen =
                |params: &ParameterSet, rng: &mut Rng, n| see(params, &self.layers[..i], images, n, rng);
            let first = seen(&self.params, rng, FIRST);
            let mut autoencoder = Autoencoder::new(layer, &first, &mut self.params, rng);
            let params = &mut self.params;
            autoencoder.train(params, |params, n| seen(params, rng, n), |step, p| progress(i, step, p))?;
            atoms.push(autoencoder.atoms().clone());
            layer.calibrate(&mut self.params, &first);
        }
        Ok(atoms)
    }

    /// Gives random filters the scale that learned ones have, layer by layer.
    pub fn calibrate(&mut self, images: &DMatrix<f32>, rng: &mut Rng) {
        for (i, layer) in self.layers.iter().enumerate() {
            let first = see(&self.params, &self.layers[..i], images, FIRST, rng);
            layer.calibrate(&mut self.params, &first);
        }
    }

    /// What the last layer shows of images, one a column.
    pub fn features(&self, images: &DMatrix<f32>) -> DMatrix<f32> {
        let image = self.layers[0].input();
        let mut features = Vec::with_capacity(self.params[self.w].ncols() * images.ncols());
        let mut tape = Tape::new();
        for part in images.as_slice().chunks(PART * image.len()) {
            tape.clear();
            let x = DMatrix::from_column_slice(image.len(), part.len() / image.len(), part);
            let weights = Weights { tape: &tape, params: &self.params, frozen: true };
            let shown = show(&self.layers, &weights, tape.constant(positions(x, image)));
            features.extend_from_slice(tape.value(shown).as_slice());
        }
        DMatrix::from_vec(self.params[self.w].ncols(), images.ncols(), features)
    }

    /// Trains the classifier on features, and leaves the layers alone.
    pub fn read_out(
        &mut self,
        features: &DMatrix<f32>,
        labels: &[u8],
        config: &Supervised,
        rng: &mut Rng,
    ) -> Result<()> {
        // One learning rate serves all features if they have one scale. It is folded into the weights afterwards.
        let (mean, scale) = standard(features);
        let mut params = ParameterSet::new();
        let w = params.add("classifier", self.params[self.w].map(|_| 0.0));
        let b = params.add("offset", self.params[self.b].map(|_| 0.0));
        descend(&mut params, config, labels, rng, |tape, params, chosen, _| {
            let mut x = features.select_columns(chosen);
            for mut sample in x.column_iter_mut() {
                sample -= &mean;
                sample.component_mul_assign(&scale);
            }
            let w = tape.watch(params, w);
            (tape.affine([(w, tape.constant(x))], tape.watch(params, b)), w)
        })?;
        let folded = &params[w] * DMatrix::from_diagonal(&scale);
        self.params[self.b].copy_from(&(&params[b] - &folded * &mean));
        self.params[self.w] = folded;
        Ok(())
    }

    /// Trains everything with labels.
    pub fn tune(
        &mut self,
        images: &DMatrix<f32>,
        labels: &[u8],
        config: &Supervised,
        rng: &mut Rng,
    ) -> Result<()> {
        let (layers, image, w, b) = (&self.layers, self.layers[0].input(), self.w, self.b);
        descend(&mut self.params, config, labels, rng, |tape, params, chosen, rng| {
            let mut x = images.select_columns(chosen);
            x.as_mut_slice().chunks_exact_mut(image.len()).for_each(|x| shift(x, image, config.shift, rng));
            let weights = Weights { tape, params, frozen: false };
            let shown = show(layers, &weights, tape.constant(positions(x, image)));
            let w = weights.get(w);
            (tape.affine([(w, shown)], weights.get(b)), w)
        })
    }

    /// The classes of features.
    pub fn classify(&self, features: &DMatrix<f32>) -> Vec<u8> {
        let scores = &self.params[self.w] * features;
        let offset = self.params[self.b].column(0);
        let best = |scores: DVectorView<'_, f32>| class((scores + offset).as_slice()).unwrap_or_default();
        scores.column_iter().map(|scores| best(scores) as u8).collect()
    }

    /// Adds the layers and the part `classify`, and returns the encoder's entry in the header.
    pub fn export(&self, tensors: &mut Tensors) -> artifact::Encoder {
        let image = self.layers[0].input();
        let layers = self.layers.iter().zip(PARTS.as_chunks::<2>().0);
        let stages = layers.flat_map(|(layer, parts)| layer.export(&self.params, *parts, tensors)).collect();
        tensors.matrix("classify", "w", self.params[self.w].clone());
        tensors.matrix("classify", "b", self.params[self.b].clone());
        let [rows, cols, channels] = [image.rows, image.cols, image.channels].map(|n| n as u16);
        artifact::Encoder::Convolutional { rows, cols, channels, stages }
    }
}

/// Samples from which a layer starts.
const FIRST: usize = 100;

/// What `n` random images are to the layer above `below`, one position a column.
fn see(
    params: &ParameterSet,
    below: &[Layer],
    images: &DMatrix<f32>,
    n: usize,
    rng: &mut Rng,
) -> DMatrix<f32> {
    let chosen: Vec<usize> = (0..n).map(|_| rng.random_range(0..images.ncols())).collect();
    let chosen = images.select_columns(&chosen);
    let Some(bottom) = below.first() else {
        return DMatrix::from_column_slice(1, chosen.len(), chosen.as_slice());
    };
    let tape = Tape::new();
    let weights = Weights { tape: &tape, params, frozen: true };
    let x = tape.constant(positions(chosen, bottom.input()));
    tape.value(below.iter().fold(x, |x, layer| layer.features(&weights, x))).clone_owned()
}

/// Images that are encoded at once: what the layers make of them stays in the cache.
const PART: usize = 50;

/// What the last layer shows of images with one position a column, one image a column.
fn show(layers: &[Layer], weights: &Weights<'_>, images: Var) -> Var {
    let shown = layers.iter().fold(images, |x, layer| layer.features(weights, x));
    weights.tape.reshape(shown, layers.last().map_or(1, |layer| layer.output().len()))
}

/// The mean of each feature, and what brings it to a spread of about 1. A feature that hardly ever moves is not
/// blown up: to each spread a part of the mean spread is added.
fn standard(features: &DMatrix<f32>) -> (DVector<f32>, DVector<f32>) {
    const FLOOR: f32 = 0.3;
    let mean = features.column_mean();
    let spread = features.column_variance().map(|variance| variance.max(0.0).sqrt());
    let floor = FLOOR * spread.mean();
    (mean, spread.map(|spread| 1.0 / (spread + floor)))
}

/// Descends the cross-entropy of the scores that `scores` makes of chosen samples, with the decay of the classifier's weights, which
/// it names beside them.
fn descend(
    params: &mut ParameterSet,
    config: &Supervised,
    labels: &[u8],
    rng: &mut Rng,
    mut scores: impl FnMut(&Tape, &ParameterSet, &[usize], &mut Rng) -> (Var, Var),
) -> Result<()> {
    let n = labels.len();
    let steps = config.steps(n);
    let rate = Schedule::Cosine { peak: config.rate, floor: 0.0, warm_up: 10, total: steps as u64 };
    let mut adam = Adam::new(AdamConfig { rate, ..AdamConfig::default() });
    let mut tape = Tape::new();
    let mut order: Vec<usize> = (0..n).collect();
    let mut next = n;
    for _ in 0..steps {
        if next + config.batch > n {
            (1..n).rev().for_each(|i| order.swap(i, rng.random_range(0..=i)));
            next = 0;
        }
        let chosen = &order[next..(next + config.batch).min(n)];
        next += config.batch;
        tape.clear();
        let (scores, w) = scores(&tape, params, chosen, rng);
        let mut wanted = DMatrix::zeros(tape.shape(scores).0, chosen.len());
        for (mut column, &sample) in wanted.column_iter_mut().zip(chosen) {
            column[usize::from(labels[sample])] = 1.0;
        }
        let loss = tape.log_softmax_cross_entropy(scores, tape.constant(wanted));
        let decay = tape.scale(tape.sum_square(w), config.decay / n as f32);
        tape.backward(tape.add(loss, decay));
        adam.step(params, &tape)?;
    }
    Ok(())
}

/// Moves an image by up to `most` pixels each way; what comes in from outside is black.
fn shift(x: &mut [f32], image: Maps, most: usize, rng: &mut Rng) {
    let most = most as i32;
    let (down, right) = (rng.random_range(-most..=most), rng.random_range(-most..=most));
    let before = x.to_vec();
    let inside = |i: i32, n: usize| usize::try_from(i).ok().filter(|&i| i < n);
    for (row, x) in (0..).zip(x.chunks_exact_mut(image.cols)) {
        for (col, x) in (0..).zip(x) {
            let from = inside(row - down, image.rows).zip(inside(col - right, image.cols));
            *x = from.map_or(0.0, |(row, col)| before[row * image.cols + col]);
        }
    }
}
