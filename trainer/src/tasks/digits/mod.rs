//! Handwritten digits: an encoder and a classifier are trained on MNIST and exported as one recogniser. The chip takes
//! the pixels as they are, 0 to 1, and answers with the scores of the ten digits.

use super::{Progress, perception};
use crate::{
    data::{digest, images::Images, mnist::Mnist},
    export::{Tensors, WeightFile},
    mind,
    perceive::{
        convolutional::Layer,
        drsae::{self, DrSae, Samples},
        stacked::{self, Stack},
    },
    report::perception::PerceptionReport,
    worlds::Rng,
};
use anyhow::{Result, ensure};
use forethought::{
    artifact::{Classifier, Header, Provenance, Sensors},
    perceive::maps::Maps,
};
use nalgebra::DMatrix;
use rand::SeedableRng;
use serde::{Deserialize, Serialize};

pub use crate::worlds::digits::{CLASSES, NAME};

/// Everything that can be set in a `--config` file.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Pixels along the edge of an image: 28, or 14 for means of 2×2 pixels, which need a quarter of the weights.
    pub side: usize,
    /// Whether the weight file keeps the decoder. No chip needs it; without it a file of half the size fits smaller ones,
    /// and the report has no dictionary.
    pub decoder: bool,
    /// What is trained.
    pub encoder: Encoder,
    /// Settings of `encoder = "drsae"`.
    pub drsae: drsae::Config,
    /// Settings of `encoder = "convolutional"`.
    pub convolutional: stacked::Config,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            side: 28,
            decoder: true,
            encoder: Encoder::DrSae,
            drsae: drsae::Config::default(),
            convolutional: stacked::Config::default(),
        }
    }
}

/// The encoders that can be trained on digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Encoder {
    /// The [discriminative recurrent sparse autoencoder](DrSae).
    DrSae,
    /// Convolutional layers, [stacked](Stack) without labels and then tuned with them.
    Convolutional,
}

impl Config {
    /// One sentence about the first setting that makes no sense.
    pub fn check(&self) -> Result<()> {
        ensure!(matches!(self.side, 14 | 28), "side must be 14 or 28, not {}", self.side);
        self.drsae.check()?;
        ensure!(
            self.drsae.units <= mind::NC,
            "drsae.units must be at most {}, not {}",
            mind::NC,
            self.drsae.units
        );
        Ok(())
    }

    /// Images of the size that is asked for.
    pub fn resize(&self, images: &Images) -> Images {
        if self.side < images.rows { images.halved() } else { images.clone() }
    }
}

/// Trains on MNIST and exports.
pub fn train(config: &Config, mnist: &Mnist, seed: u64, progress: &mut Progress<'_>) -> Result<WeightFile> {
    config.check()?;
    let images = config.resize(&mnist.train.images);
    match config.encoder {
        Encoder::DrSae => {
            let settings = &config.drsae;
            let (x, scale) = scaled(&images.pixels);
            let rng = &mut Rng::seed_from_u64(seed);
            let mut model = DrSae::new(settings, &x, CLASSES, rng);
            let samples = Samples { x: &x, labels: &mnist.train.labels };
            model.train(settings, samples, rng, &mut |epoch| follow(settings, epoch, progress))?;
            let mut tensors = tensors(&model, scale);
            if !config.decoder {
                for name in ["dictionary", "mean"] {
                    tensors.take("perceive", name);
                }
            }
            pack(&model, tensors, settings.iterations, seed, digest(&images.pixels))
        }
        Encoder::Convolutional => {
            let rng = &mut Rng::seed_from_u64(seed);
            let stack =
                learn_stack(&config.convolutional, &images, Some(&mnist.train.labels), rng, progress)?;
            export_stack(&stack, seed, digest(&images.pixels))
        }
    }
}

/// Tells of an epoch of the discriminative recurrent sparse autoencoder.
pub fn follow(settings: &drsae::Config, epoch: drsae::Epoch, progress: &mut Progress<'_>) {
    let labelled = epoch.number > settings.pretraining;
    let (stage, done, of) = match labelled {
        false => ("without labels", epoch.number, settings.pretraining),
        true => ("all criteria", epoch.number - settings.pretraining, settings.epochs),
    };
    let losses = [
        ("reconstruction", epoch.reconstruction),
        ("L1", epoch.l1),
        ("classification", epoch.classification),
    ];
    progress(stage, done - 1, of, &losses[..if labelled { 3 } else { 2 }]);
}

/// Measures the exported file on the digits that are for testing; learning curves come from elsewhere.
pub fn portrait(config: &Config, file: &WeightFile, mnist: &Mnist) -> Result<PerceptionReport> {
    let images = config.resize(&mnist.test.images);
    let report =
        perception::measure(&file.parse()?, &images.pixels, Some(&mnist.test.labels), DMatrix::clone)?;
    let settings = [
        ("pixels of an image", format!("{0}×{0}", config.side)),
        ("samples learned from", mnist.train.images.len().to_string()),
        match config.encoder {
            Encoder::DrSae => ("iterations", config.drsae.iterations.to_string()),
            Encoder::Convolutional => ("layers", config.convolutional.layers.len().to_string()),
        },
    ];
    let settings = settings.map(|(name, value)| (name.to_owned(), value)).to_vec();
    Ok(PerceptionReport {
        width: Some(images.cols),
        settings: [settings, report.settings].concat(),
        ..report
    })
}

/// Images brought to a mean length of 1, and the factor of that. (The paper brings each image to length 1. One factor
/// for all classifies as well, and the weights can take it in: the chip has nothing to normalise.)
pub fn scaled(images: &DMatrix<f32>) -> (DMatrix<f32>, f32) {
    let lengths: f64 = images.column_iter().map(|image| f64::from(image.norm())).sum();
    let scale = (images.ncols() as f64 / lengths) as f32;
    (images * scale, scale)
}

/// Packs a trained network; `iterations` may also be fewer than it was trained with, to look into it.
pub fn export(model: &DrSae, iterations: usize, scale: f32, seed: u64, data: u32) -> Result<WeightFile> {
    pack(model, tensors(model, scale), iterations, seed, data)
}

fn tensors(model: &DrSae, scale: f32) -> Tensors {
    let mut tensors = Tensors::default();
    model.export(scale, &mut tensors);
    tensors
}

fn pack(model: &DrSae, tensors: Tensors, iterations: usize, seed: u64, data: u32) -> Result<WeightFile> {
    let (ny, nc) = model.dictionary().shape();
    let provenance = Provenance { trainer: env!("CARGO_PKG_VERSION"), task: NAME, seed, data };
    let sizes = (ny as u32, nc as u32, CLASSES as u16);
    let sensors = Sensors { low: 0.0, high: 1.0 };
    let header = Header::perception(sizes, sensors, DrSae::header(iterations), provenance);
    tensors.pack(Header { classifier: Classifier { normalise: true }, ..header })
}

/// Convolutional layers of random filters for images of this size.
pub fn stack(config: &stacked::Config, images: &Images, classes: usize, rng: &mut Rng) -> Result<Stack> {
    let image = Maps { rows: images.rows, cols: images.cols, channels: 1 };
    Stack::new(&config.layers, image, classes, rng)
}

/// Trains convolutional layers on images, and with labels a classifier and then everything.
pub fn learn_stack(
    config: &stacked::Config,
    images: &Images,
    labels: Option<&[u8]>,
    rng: &mut Rng,
    progress: &mut Progress<'_>,
) -> Result<Stack> {
    let classes = labels.into_iter().flatten().max().map_or(1, |largest| usize::from(*largest) + 1);
    let mut stack = stack(config, images, classes, rng)?;
    stack.pretrain(&images.pixels, rng, |layer, step, seen| {
        let stage = ["layer 1", "layer 2", "layer 3", "layer 4"][layer];
        let losses = [("not shown", seen.missed), ("penalty", seen.penalty), ("guess", seen.guess)];
        progress(stage, step, config.layers[layer].steps, &losses);
    })?;
    if let Some(labels) = labels {
        stack.read_out(&stack.features(&images.pixels), labels, &config.readout, rng)?;
        stack.tune(&images.pixels, labels, &config.tuning, rng)?;
    }
    Ok(stack)
}

/// Packs convolutional layers and their classifier.
pub fn export_stack(stack: &Stack, seed: u64, data: u32) -> Result<WeightFile> {
    let mut tensors = Tensors::default();
    let encoder = stack.export(&mut tensors);
    let provenance = Provenance { trainer: env!("CARGO_PKG_VERSION"), task: NAME, seed, data };
    let sizes = [stack.layers().first().map(Layer::input), stack.layers().last().map(Layer::output)];
    let [ny, nc] = sizes.map(|maps| maps.map_or(0, |maps| maps.len()) as u32);
    let sensors = Sensors { low: 0.0, high: 1.0 };
    tensors.pack(Header::perception((ny, nc, CLASSES as u16), sensors, encoder, provenance))
}

/// The share of digits that are not what their labels say.
pub fn error(seen: &[usize], labels: &[u8]) -> f64 {
    let wrong = seen.iter().zip(labels).filter(|(seen, label)| **seen != usize::from(**label)).count();
    wrong as f64 / seen.len().max(1) as f64
}
