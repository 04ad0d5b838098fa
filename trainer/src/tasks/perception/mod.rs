//! Perception of the user's own: `forethought train my.toml` trains an encoder on images or signals and exports it.
//!
//! ```text
//! samples ─► preprocessing y = A (x − μ) ─► an encoder and its decoder are trained on y
//!            └────────────── folded into the exported weights ──────────────┘
//! ```
//! The chip takes raw pixels or values: there is no preprocessing left to do. See [`preprocess`] for what is folded.

mod classifier;
pub mod encoder;
mod portrait;
pub mod preprocess;
pub mod samples;

pub use portrait::{Scores, measure, portrait};

use super::{Progress, file};
use crate::{data::whitening::Whitening, export::WeightFile, mind, perceive::fold::fold, worlds::Rng};
use anyhow::{Result, ensure};
use encoder::{Learned, Lesson};
use forethought::artifact::{Classifier, Header, Provenance};
use nalgebra::DMatrix;
use rand::SeedableRng;
use samples::Samples;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// What a task file says.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// What is learned from.
    pub data: samples::Config,
    /// What is trained.
    pub encoder: encoder::Config,
}

impl Config {
    /// Reads a task file. Paths in it count from where it is.
    pub fn read(path: &Path) -> Result<Self> {
        let mut config = file::read(path, Self::parse)?;
        config.data.path = file::located(path, &config.data.path)?;
        if let Some(labels) = &mut config.data.labels {
            *labels = file::located(path, labels)?;
        }
        Ok(config)
    }

    /// Reads the text of a task file.
    pub fn parse(text: &str) -> Result<Self> {
        let config: Self = file::settings(text)?;
        config.data.check()?;
        config.encoder.trainable().check()?;
        config.encoder.trainable().accepts(config.data.preprocess)?;
        Ok(config)
    }
}

/// What came of a training.
#[derive(Debug)]
pub struct Trained {
    /// What was learned from.
    pub samples: Samples,
    /// How they were preprocessed.
    pub map: Whitening,
    /// The exported weights, which take samples as they are.
    pub file: WeightFile,
}

/// Trains and exports an encoder under the name of its task.
pub fn train(config: &Config, name: &str, seed: u64, progress: &mut Progress<'_>) -> Result<Trained> {
    let rng = &mut Rng::seed_from_u64(seed);
    let encoder = config.encoder.trainable();
    let samples = config.data.load(rng)?;
    let (numbers, units) = (samples.train.nrows(), encoder.units());
    ensure!(
        numbers <= mind::NY,
        "{numbers} numbers in a sample are more than {}; set a smaller data.patch",
        mind::NY
    );
    ensure!(units <= mind::NC, "encoder.units must be at most {}, not {units}", mind::NC);
    let map = config.data.preprocessing(&samples.train);
    let lesson = Lesson {
        raw: &samples.train,
        width: samples.width,
        x: map.apply(&samples.train),
        targets: samples.targets(),
    };
    ensure!(
        lesson.x.amax() > 0.0,
        "after preprocessing all samples in {} are the same; there is nothing to learn from them",
        config.data.path.display()
    );
    let mut learned = encoder.train(&lesson, rng, progress)?;
    fold(&map, &mut learned.tensors);
    let file = match samples.classes() {
        Some(classes) if !learned.tensors.contains("classify", "w") => {
            let file = pack(&learned, &samples, None, (name, seed))?;
            let (w, b) = classifier::fit(&codes(&file, &samples.train)?, &lesson.targets);
            learned.tensors.matrix("classify", "w", w);
            learned.tensors.matrix("classify", "b", b);
            pack(&learned, &samples, Some(classes), (name, seed))?
        }
        classes => pack(&learned, &samples, classes, (name, seed))?,
    };
    Ok(Trained { samples, map, file })
}

/// Exports an encoder with its classifier of so many classes, if it has one.
fn pack(
    learned: &Learned,
    samples: &Samples,
    classes: Option<usize>,
    (task, seed): (&str, u64),
) -> Result<WeightFile> {
    let outputs = classes.unwrap_or(learned.units);
    let sizes = (samples.train.nrows() as u32, learned.units as u32, outputs as u16);
    let provenance = Provenance { trainer: env!("CARGO_PKG_VERSION"), task, seed, data: samples.digest };
    learned.tensors.pack(Header {
        classifier: Classifier { normalise: learned.normalise },
        ..Header::perception(sizes, samples.sensors, learned.encoder.clone(), provenance)
    })
}

/// The exported encoder's codes of samples, by the kernels of the chip.
fn codes(file: &WeightFile, x: &DMatrix<f32>) -> Result<DMatrix<f32>> {
    let artifact = file.parse()?;
    let mut encode = mind::encoder(&artifact)?;
    let codes: Vec<f32> = x.column_iter().flat_map(|sample| encode(sample.as_slice()).code).collect();
    Ok(DMatrix::from_vec(artifact.sizes().nc(), x.ncols(), codes))
}
