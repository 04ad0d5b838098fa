//! What the user's own sensors look like when all is well: `forethought train my.toml` of a file with a section `[energy]` teaches
//! an energy on healthy samples and exports a [sentinel](forethought::sentinel) with its threshold.
//!
//! ```text
//! samples ─► to learn from ─► an energy in standard units (y − μ)/σ ─► folded into the exported weights
//!         ├► to calibrate on ─► the threshold: above it is no more than the share `watch.rate` of them
//!         └► to measure on ─► how many false alarms there are indeed
//! ```

mod method;
mod portrait;

pub use method::Method;
pub use portrait::portrait;

use super::{Progress, file, perception::samples};
use crate::{energy::export, export::WeightFile, mind, worlds::Rng};
use anyhow::{Result, bail, ensure};
use forethought::artifact::{self, Descending, Provenance, Source};
use nalgebra::DMatrix;
use rand::SeedableRng;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// What a task file says.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Samples of what is healthy.
    pub data: samples::Config,
    /// The energy that is taught.
    pub energy: Method,
    /// What is done with it.
    #[serde(default)]
    pub watch: Watch,
}

/// The section `[watch]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Watch {
    /// The share of healthy samples that may be thought strange. The smaller it is the more samples it takes to tell the threshold:
    /// one in a thousand needs a thousand to calibrate on, which is half of those that are held out.
    pub rate: f32,
    /// Strange samples in a row, of which the last raises the alarm. Where samples do not depend on each other, so many in a row are
    /// strange by chance once in `rate^−patience`.
    pub patience: u16,
    /// How often in a row a sample may be the one before over again, to the last bit, until it is strange; 0 where
    /// sensors may well say the same thing twice, as those without noise do.
    pub frozen: u16,
    /// Samples of what is strange, of the same kind as the healthy ones: nothing is learned from them, but they are counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strange: Option<PathBuf>,
    /// Whether, and how, a sample is brought nearer to what is healthy: the chip answers with it too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub descend: Option<Descend>,
}

impl Default for Watch {
    fn default() -> Self {
        Self { rate: 1e-3, patience: 3, frozen: 0, strange: None, descend: None }
    }
}

/// Descent in energy, `y ← y − η ∂F/∂y`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Descend {
    /// Steps, each as much work as an energy.
    pub steps: u16,
    /// `η`. A step of rate 1 puts a reconstruction in the place of the sample.
    pub rate: f32,
}

impl Config {
    /// Whether a task file is one of these: it has a section `[energy]`.
    pub fn is_meant(text: &str) -> bool {
        text.parse::<toml::Table>().is_ok_and(|table| table.contains_key("energy"))
            || text.lines().any(|line| line.trim() == "[energy]")
    }

    /// Reads a task file. Paths in it count from where it is.
    pub fn read(path: &Path) -> Result<Self> {
        let mut config = file::read(path, Self::parse)?;
        config.data.path = file::located(path, &config.data.path)?;
        if let Some(strange) = &mut config.watch.strange {
            *strange = file::located(path, strange)?;
        }
        Ok(config)
    }

    /// Reads the text of a task file.
    pub fn parse(text: &str) -> Result<Self> {
        let config: Self = file::settings(text)?;
        config.data.check()?;
        config.data.is_plain()?;
        config.energy.check()?;
        let Watch { rate, patience, descend, .. } = config.watch;
        ensure!(rate > 0.0 && rate < 1.0, "watch.rate must be a share between 0 and 1, not {rate}");
        ensure!(patience > 0, "watch.patience must be at least 1");
        if let Some(Descend { steps, rate }) = descend {
            ensure!(
                steps > 0 && rate.is_finite() && rate > 0.0,
                "watch.descend needs at least one step and a positive rate, not {steps} and {rate}"
            );
        }
        Ok(config)
    }
}

/// What came of a training.
pub struct Trained {
    /// Samples that nothing was learned from and no threshold told by, one a column.
    pub unseen: DMatrix<f32>,
    /// Samples of what is strange, if there are any.
    pub strange: Option<DMatrix<f32>>,
    /// How many samples were learned from, how many the threshold was told by, and how many of those have nothing in common.
    pub samples: [usize; 3],
    /// Pixels of a row, if samples are images.
    pub width: Option<usize>,
    /// Standard units.
    pub standard: export::Standard,
    /// The energy, in standard units.
    pub energy: Box<dyn export::OnChip>,
    /// The exported weights, which take samples as they are.
    pub file: WeightFile,
}

impl Trained {
    /// One sentence if there is less behind the threshold than its rate asks for.
    pub fn doubt(&self, watch: &Watch) -> Option<String> {
        let [_, told_by, apart] = self.samples;
        (watch.rate * (apart as f32) < 1.0).then(|| {
            format!(
                "the threshold is told by {told_by} windows of signals in which there is room for {apart} side by side: that is too little for one false \
                 alarm in {:.0}, so there will be more of them; give longer signals or a larger watch.rate",
                1.0 / watch.rate
            )
        })
    }

    /// How strange each number of each sample is: the slope of the energy, in standard units.
    pub fn slope(&self, y: &DMatrix<f32>) -> DMatrix<f32> {
        self.energy.slope(&self.standard.apply(y), None)
    }
}

/// Teaches the energy and exports the sentinel under the name of its task.
pub fn train(config: &Config, name: &str, seed: u64, progress: &mut Progress<'_>) -> Result<Trained> {
    let rng = &mut Rng::seed_from_u64(seed);
    let samples = config.data.load(rng)?;
    let (numbers, healthy) = (samples.train.nrows(), samples.train.ncols());
    ensure!(
        numbers <= mind::NY,
        "{numbers} numbers in a sample are more than {}; set a smaller data.patch",
        mind::NY
    );
    let (held_out, half) = (&samples.held_out, samples.held_out.ncols() / 2);
    let calibration = held_out.columns(0, half).into_owned();
    let unseen = held_out.columns(half, held_out.ncols() - half).into_owned();
    let Watch { rate, patience, frozen, descend, .. } = config.watch;
    let told_by = calibration.ncols();
    ensure!(
        rate * told_by as f32 >= 1.0,
        "{told_by} held-out samples cannot tell a threshold that one healthy sample in {:.0} exceeds: set watch.rate to {:.2} or more, \
         or give more samples, or a larger data.held_out",
        1.0 / rate,
        (100.0 / told_by.max(1) as f32).ceil() / 100.0
    );
    let own = config.data.has_own_units();
    let standard = export::Standard::fit(&samples.train, own);
    let y = standard.apply(&samples.train);
    ensure!(
        y.amax() > 0.0,
        "all samples in {} are the same; there is nothing to learn from them",
        config.data.path.display()
    );
    config.energy.accepts(&standard)?;
    let descending = match (descend, standard.uniform()) {
        (None, _) => None,
        // The chip steps along the slope in the units of the sensors.
        (Some(Descend { steps, rate }), Some(unit)) => {
            Some(Descending { steps, rate: config.energy.stride(rate, unit) })
        }
        (Some(_), None) => bail!(
            "watch.descend needs samples whose numbers have one unit: windows of a signal (data.patch) or images"
        ),
    };
    let strange = config.watch.strange.as_deref().map(|path| config.data.others(path, rng)).transpose()?;
    if let Some(strange) = &strange {
        ensure!(
            strange.nrows() == numbers,
            "a strange sample has {} numbers and a healthy one {numbers}; watch.strange must be of the same kind",
            strange.nrows()
        );
    }

    let energy = config.energy.teach(&y, rng, progress)?;
    // What it comes from, and the threshold, are told by the energy itself.
    let watch =
        artifact::Energy { source: Source::Critic, threshold: 0.0, rate, patience, frozen, descending };
    let provenance =
        Provenance { trainer: env!("CARGO_PKG_VERSION"), task: name, seed, data: samples.digest };
    let file = export::sentinel(&*energy, &standard, &calibration, samples.sensors, watch, provenance)?;
    Ok(Trained {
        // What a sensor cannot show is refused before it is judged.
        strange: strange.map(|y| y.map(|v| v.clamp(samples.sensors.low, samples.sensors.high))),
        unseen,
        samples: [healthy, told_by, samples.apart / 2],
        width: samples.width,
        standard,
        energy,
        file,
    })
}
