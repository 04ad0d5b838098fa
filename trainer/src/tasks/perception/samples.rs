//! The samples of a task: patches or whole images, windows of signals or whole ones, with labels if there are any.

use super::preprocess::Preprocess;
use crate::{
    data::{
        digest, folder,
        images::Images,
        patches, signals,
        whitening::{Keep, Whitening},
    },
    worlds::Rng,
};
use anyhow::{Context, Result, ensure};
use forethought::artifact::Sensors;
use nalgebra::DMatrix;
use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The section `[data]`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// What kind of data it is.
    pub kind: Kind,
    /// The folder or file; a relative path counts from where the task file is.
    pub path: PathBuf,
    /// A file with the class of each sample, 0 to 255: IDX, or CSV or NPY with one number a row. With it a classifier
    /// of the code is trained and exported too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub labels: Option<PathBuf>,
    /// Side of the square patches that are taken at random places of the images, or length of the windows that are
    /// taken from the signals. Without it images (of one size) and signals are learned whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub patch: Option<usize>,
    /// How many patches or windows are taken.
    #[serde(default = "patches")]
    pub patches: usize,
    /// What is done to samples before they are learned from; it becomes a part of the exported weights.
    #[serde(default)]
    pub preprocess: Preprocess,
    /// Whitening keeps so many principal components; 0 keeps all and damps the weak ones by `epsilon`.
    #[serde(default)]
    pub components: usize,
    /// The share of the mean variance that is added to each component's before whitening divides by it: weak components
    /// are mostly noise.
    #[serde(default = "epsilon")]
    pub epsilon: f32,
    /// Share of the samples that is not learned from: errors are measured there.
    #[serde(default = "held_out")]
    pub held_out: f64,
}

fn patches() -> usize {
    50_000
}

fn epsilon() -> f32 {
    0.05
}

fn held_out() -> f64 {
    0.1
}

/// Kinds of data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A folder of PNG and JPEG files (or one such file), taken as grey.
    Images,
    /// One IDX file of images, gzip or plain.
    Idx,
    /// A table in a CSV (gzip or plain) or NPY file, one signal a row.
    Signals,
}

/// Samples, one a column.
#[derive(Clone, Debug)]
pub struct Samples {
    /// To learn from.
    pub train: DMatrix<f32>,
    /// To measure errors on.
    pub held_out: DMatrix<f32>,
    /// The class of each sample to learn from, and of each to measure errors on.
    pub labels: Option<[Vec<u8>; 2]>,
    /// Pixels of a row, if samples are images.
    pub width: Option<usize>,
    /// What a sensor may show.
    pub sensors: Sensors,
    /// CRC-32 of all samples to learn from.
    pub digest: u32,
}

impl Config {
    /// One sentence about the first setting that makes no sense.
    pub fn check(&self) -> Result<()> {
        ensure!(
            self.held_out > 0.0 && self.held_out < 1.0,
            "data.held_out must be a share between 0 and 1, not {}",
            self.held_out
        );
        ensure!(
            self.patch != Some(0),
            "data.patch must be at least 1; leave it out to learn from whole samples"
        );
        ensure!(
            self.patch.is_none() || self.patches > 1,
            "data.patches must be at least 2, not {}",
            self.patches
        );
        ensure!(
            self.patch.is_none() || self.labels.is_none(),
            "data.labels are for whole samples; leave out data.patch or data.labels"
        );
        ensure!(
            self.epsilon.is_finite() && self.epsilon >= 0.0,
            "data.epsilon must be a number of at least 0, not {}",
            self.epsilon
        );
        Ok(())
    }

    /// The map that the settings ask for.
    pub fn preprocessing(&self, x: &DMatrix<f32>) -> Whitening {
        let keep = match self.components {
            0 => Keep::Epsilon(self.epsilon),
            n => Keep::Components(n),
        };
        self.preprocess.fit(keep, x)
    }

    /// Reads the data and takes the samples.
    pub fn load(&self, rng: &mut Rng) -> Result<Samples> {
        let (x, width) = match self.kind {
            Kind::Images => match self.patch {
                Some(side) => (folder::sample(&self.path, side, self.patches, rng)?, Some(side)),
                None => whole(folder::read(&self.path)?),
            },
            Kind::Idx => {
                let images = Images::read(&self.path)?;
                match self.patch {
                    Some(side) => {
                        patches::check(&images, side)
                            .with_context(|| format!("in the images {}", self.path.display()))?;
                        (patches::sample(&images, side, self.patches, rng), Some(side))
                    }
                    None => whole(images),
                }
            }
            Kind::Signals => (self.windows(signals::read(&self.path)?, rng)?, None),
        };
        let labels = self.labels.as_deref().map(signals::read_labels).transpose()?;
        let n = x.ncols();
        if let (Some(labels), Some(path)) = (&labels, &self.labels) {
            ensure!(
                labels.len() == n,
                "there are {} labels in {} for {n} samples in {}; each sample needs one label",
                labels.len(),
                path.display(),
                self.path.display()
            );
        }
        ensure!(n > 1, "there is one sample in {}; some are held out, so it needs more", self.path.display());
        let mut order: Vec<usize> = (0..n).collect();
        order.shuffle(rng);
        let held_out = ((n as f64 * self.held_out).round() as usize).clamp(1, n - 1);
        let (held_out, train) = order.split_at(held_out);
        let labels =
            labels.map(|labels| [train, held_out].map(|part| part.iter().map(|&i| labels[i]).collect()));
        let sensors = if width.is_some() { Sensors { low: 0.0, high: 1.0 } } else { range(&x) };
        let (train, held_out) = (x.select_columns(train), x.select_columns(held_out));
        let digest = digest(&train);
        Ok(Samples { train, held_out, labels, width, sensors, digest })
    }

    /// Signals whole, or windows of them.
    fn windows(&self, table: DMatrix<f32>, rng: &mut Rng) -> Result<DMatrix<f32>> {
        let Some(length) = self.patch else { return Ok(table) };
        ensure!(
            length <= table.nrows(),
            "windows of {length} values (data.patch) do not fit into the signals of {} in {}; take shorter ones",
            table.nrows(),
            self.path.display()
        );
        let signals = Images { rows: 1, cols: table.nrows(), pixels: table };
        Ok(patches::windows(&signals, (1, length), self.patches, rng))
    }
}

/// Images as samples.
fn whole(images: Images) -> (DMatrix<f32>, Option<usize>) {
    (images.pixels, Some(images.cols))
}

/// The range of what was seen and half as much again on either side: a healthy sensor stays within.
fn range(x: &DMatrix<f32>) -> Sensors {
    let margin = (0.5 * (x.max() - x.min())).max(f32::MIN_POSITIVE);
    Sensors { low: x.min() - margin, high: x.max() + margin }
}

impl Samples {
    /// How many classes there are.
    pub fn classes(&self) -> Option<usize> {
        let largest = self.labels.iter().flatten().flatten().max()?;
        Some(usize::from(*largest) + 1)
    }

    /// What a classifier should answer to each sample to learn from: 1 for its class and 0 for the others, one sample a
    /// column; no row without labels.
    pub fn targets(&self) -> DMatrix<f32> {
        let labels = self.labels.as_ref().map(|[train, _]| train);
        DMatrix::from_fn(self.classes().unwrap_or(0), self.train.ncols(), |class, i| {
            f32::from(labels.is_some_and(|labels| usize::from(labels[i]) == class))
        })
    }
}
