//! What the report shows of a sentinel: everything but the slopes by the exported file, run by the kernels of the chip.

use super::{Config, Trained};
use crate::{
    energy::{auc, export::energies},
    report::sentinel::{Example, SentinelReport, Strange},
};
use anyhow::{Context, Result};
use nalgebra::DMatrix;

/// So many of the samples with the highest energies are shown.
const SHOWN: usize = 12;

/// Measures the exported file, and collects the pictures of the report; learning curves come from elsewhere.
pub fn portrait(config: &Config, trained: &Trained) -> Result<SentinelReport> {
    let artifact = trained.file.parse()?;
    let header = artifact.header();
    let watch = header.energy.context("a sentinel has an energy")?;
    let healthy = energies(&trained.file, &trained.unseen)?;
    let alarms = healthy.iter().filter(|energy| **energy > watch.threshold).count();
    let strange = match &trained.strange {
        None => None,
        Some(y) => {
            let energies = energies(&trained.file, y)?;
            let noticed = energies.iter().filter(|energy| **energy > watch.threshold).count();
            let missed = examples(trained, y, &energies, f32::total_cmp);
            Some(Strange { area: auc(&healthy, &energies), noticed, missed, energies })
        }
    };
    let settings = [
        ("data", config.data.path.display().to_string()),
        ("samples learned from", trained.samples[0].to_string()),
        ("samples that told the threshold", trained.samples[1].to_string()),
        ("of them have nothing in common", trained.samples[2].to_string()),
        ("energy", toml::to_string(&config.energy)?.trim().replace('\n', ", ")),
        ("threshold", format!("{} for one healthy sample in {:.0}", watch.threshold, 1.0 / watch.rate)),
        ("patience", watch.patience.to_string()),
        ("checksum of the weight file", format!("{:08x}", artifact.checksum())),
    ];
    Ok(SentinelReport {
        name: header.provenance.task.to_owned(),
        seed: header.provenance.seed,
        width: trained.width,
        threshold: watch.threshold,
        doubt: trained.doubt(&config.watch),
        rate: f64::from(watch.rate),
        alarms,
        worst: examples(trained, &trained.unseen, &healthy, |a, b| b.total_cmp(a)),
        healthy,
        strange,
        curves: Vec::new(),
        settings: settings.map(|(name, value)| (name.to_owned(), value)).to_vec(),
    })
}

/// The first samples in the order of their energies.
fn examples(
    trained: &Trained,
    y: &DMatrix<f32>,
    energies: &[f32],
    order: impl Fn(&f32, &f32) -> std::cmp::Ordering,
) -> Vec<Example> {
    let mut places: Vec<usize> = (0..energies.len()).collect();
    places.sort_by(|&a, &b| order(&energies[a], &energies[b]));
    places.truncate(SHOWN);
    let shown = y.select_columns(&places);
    let slope = trained.slope(&shown);
    let each = places.iter().zip(shown.column_iter().zip(slope.column_iter()));
    each.map(|(&place, (sample, slope))| Example {
        sample: sample.as_slice().to_vec(),
        slope: slope.as_slice().to_vec(),
        energy: energies[place],
    })
    .collect()
}
