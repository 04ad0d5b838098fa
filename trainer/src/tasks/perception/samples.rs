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
use std::path::{Path, PathBuf};

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
    /// How many of the held-out samples have nothing in common: windows of a signal overlap.
    pub apart: usize,
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

    /// One sentence if there is a setting that only encoders have a use for.
    pub fn is_plain(&self) -> Result<()> {
        ensure!(
            self.preprocess == Preprocess::None && self.components == 0,
            "data.preprocess and data.components are for encoders; an energy brings samples to standard units itself"
        );
        ensure!(
            self.labels.is_none(),
            "data.labels are for encoders; an energy is taught healthy samples alone: leave the others to watch.strange"
        );
        Ok(())
    }

    /// Whether each number of a sample is measured in a unit of its own: those of a table whose rows are whole samples may be.
    pub fn has_own_units(&self) -> bool {
        self.kind == Kind::Signals && self.patch.is_none()
    }

    /// Reads the data and takes the samples.
    pub fn load(&self, rng: &mut Rng) -> Result<Samples> {
        let ([train, held_out], labels, apart, width) = match (self.kind, self.patch) {
            (Kind::Signals, Some(length)) => {
                let (parts, apart) = self.apart(signals::read(&self.path)?, length, rng)?;
                (parts, None, Some(apart), None)
            }
            _ => {
                let (x, width) = self.read(&self.path, rng)?;
                let (parts, labels) = self.hold_out(x, rng)?;
                (parts, labels, None, width)
            }
        };
        let apart = apart.unwrap_or(held_out.ncols());
        let sensors =
            if width.is_some() { Sensors { low: 0.0, high: 1.0 } } else { range(&train, &held_out) };
        let digest = digest(&train);
        Ok(Samples { train, held_out, labels, width, sensors, apart, digest })
    }

    /// Samples of the same kind from elsewhere, of which nothing is held out.
    pub fn others(&self, path: &Path, rng: &mut Rng) -> Result<DMatrix<f32>> {
        match (self.kind, self.patch) {
            (Kind::Signals, Some(length)) => {
                let table = signals::read(path)?;
                fits(length, table.nrows(), path)?;
                Ok(windows(table, length, self.patches.min(OTHERS), rng))
            }
            _ => Ok(self.read(path, rng)?.0),
        }
    }

    /// All samples but windows of signals, and the pixels of a row if they are images.
    fn read(&self, path: &Path, rng: &mut Rng) -> Result<(DMatrix<f32>, Option<usize>)> {
        Ok(match (self.kind, self.patch) {
            (Kind::Images, Some(side)) => (folder::sample(path, side, self.patches, rng)?, Some(side)),
            (Kind::Images, None) => whole(folder::read(path)?),
            (Kind::Idx, patch) => {
                let images = Images::read(path)?;
                match patch {
                    Some(side) => {
                        patches::check(&images, side)
                            .with_context(|| format!("in the images {}", path.display()))?;
                        (patches::sample(&images, side, self.patches, rng), Some(side))
                    }
                    None => whole(images),
                }
            }
            (Kind::Signals, _) => (signals::read(path)?, None),
        })
    }

    /// Holds out random samples, and reads the labels.
    fn hold_out(&self, x: DMatrix<f32>, rng: &mut Rng) -> Result<(Parts, Option<[Vec<u8>; 2]>)> {
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
        Ok(([x.select_columns(train), x.select_columns(held_out)], labels))
    }

    /// Windows of signals. Those that are held out are from signals, or from ends of signals, of which nothing is learned: windows that
    /// overlap with what was learned from would know too much. For the same reason the first half of them overlaps with none of the second. With them: how many of
    /// them there is room for side by side.
    fn apart(&self, table: DMatrix<f32>, length: usize, rng: &mut Rng) -> Result<(Parts, usize)> {
        let (steps, signals) = table.shape();
        fits(length, steps, &self.path)?;
        let half = |of: usize| (of as f64 * self.held_out / 2.0).round() as usize;
        let parts = if half(signals) > 0 && signals > 2 * half(signals) {
            let mut order: Vec<usize> = (0..signals).collect();
            order.shuffle(rng);
            let (first, rest) = order.split_at(half(signals));
            let (second, train) = rest.split_at(half(signals));
            [train, first, second].map(|part| table.select_columns(part))
        } else {
            let (held_out, learned) = (half(steps), steps.saturating_sub(2 * half(steps)));
            ensure!(
                held_out >= length && learned >= length,
                "{learned} values of each signal in {} are learned from and twice {held_out} held out, and windows of {length} (data.patch) do \
                 not fit in: take shorter windows, longer or more signals, or another data.held_out",
                self.path.display()
            );
            let part = |from, steps| table.rows(from, steps).into_owned();
            [part(0, learned), part(learned, held_out), part(learned + held_out, held_out)]
        };
        let room = |part: &DMatrix<f32>| part.nrows() / length * part.ncols();
        let n = half(self.patches).max(1);
        let apart = room(&parts[1]).min(n) + room(&parts[2]).min(n);
        let counts = [self.patches.saturating_sub(2 * n).max(1), n, n];
        let mut taken = parts.into_iter().zip(counts).map(|(part, n)| windows(part, length, n, rng));
        let [train, first, second] = std::array::from_fn(|_| taken.next().unwrap_or_default());
        let mut held_out = first.resize_horizontally(2 * n, 0.0);
        held_out.columns_mut(n, n).copy_from(&second);
        Ok(([train, held_out], apart))
    }
}

/// Samples to learn from and held-out ones.
type Parts = [DMatrix<f32>; 2];

/// At most so many windows of what nothing is learned from.
const OTHERS: usize = 10_000;

/// Whether windows fit into signals of so many values.
fn fits(length: usize, steps: usize, path: &Path) -> Result<()> {
    ensure!(
        length <= steps,
        "windows of {length} values (data.patch) do not fit into the signals of {steps} in {}; take shorter ones",
        path.display()
    );
    Ok(())
}

/// Windows at random places.
fn windows(table: DMatrix<f32>, length: usize, n: usize, rng: &mut Rng) -> DMatrix<f32> {
    let signals = Images { rows: 1, cols: table.nrows(), pixels: table };
    patches::windows(&signals, (1, length), n, rng)
}

/// Images as samples.
fn whole(images: Images) -> (DMatrix<f32>, Option<usize>) {
    (images.pixels, Some(images.cols))
}

/// The range of what was seen and half as much again on either side: a healthy sensor stays within.
fn range(train: &DMatrix<f32>, held_out: &DMatrix<f32>) -> Sensors {
    let (low, high) = (train.min().min(held_out.min()), train.max().max(held_out.max()));
    let margin = (0.5 * (high - low)).max(f32::MIN_POSITIVE);
    Sensors { low: low - margin, high: high + margin }
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
