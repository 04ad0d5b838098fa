//! What the report shows of an encoder: everything by the exported file, run by the kernels of the chip.

use super::{Config, Trained};
use crate::{
    evaluate,
    mind::{self, Perceived},
    report::perception::{Example, PerceptionReport},
};
use anyhow::Result;
use forethought::{
    artifact::{Artifact, Sizes},
    perceive::decoder::Decoder,
};
use nalgebra::{DMatrix, DVector};

/// At most so many held-out samples are measured.
const MEASURED: usize = 2000;
/// So many are shown.
const SHOWN: usize = 8;

/// What the exported file does to samples that were not learned from.
#[derive(Clone, Copy, Debug, Default)]
pub struct Scores {
    /// Samples that were measured.
    pub samples: usize,
    /// Mean square of what reconstructions miss, over the mean square of what was to be reconstructed: both after
    /// preprocessing.
    pub missed: Option<f64>,
    /// Share of the units that a sample uses, on average.
    pub active: f64,
    /// Units that no sample uses.
    pub unused: usize,
    /// Share of the samples that are given a wrong class.
    pub wrong: Option<f64>,
}

/// Measures the exported file, and collects the pictures of the report; learning curves come from elsewhere.
pub fn portrait(config: &Config, trained: &Trained) -> Result<PerceptionReport> {
    let Trained { samples, map, file } = trained;
    let artifact = file.parse()?;
    let x = samples.held_out.columns(0, samples.held_out.ncols().min(MEASURED)).into_owned();
    let labels = samples.labels.as_ref().map(|[_, held_out]| held_out.as_slice());
    let settings = [
        ("data", config.data.path.display().to_string()),
        ("preprocessing", format!("{:?}", config.data.preprocess).to_lowercase()),
        ("samples learned from", samples.train.ncols().to_string()),
        ("checksum of the samples", format!("{:08x}", samples.digest)),
        ("encoder", toml::to_string(&config.encoder)?.trim().replace('\n', ", ")),
    ];
    let settings = settings.map(|(name, value)| (name.to_owned(), value)).to_vec();
    let report = measure(&artifact, &x, labels, |y| map.apply(y))?;
    Ok(PerceptionReport { width: samples.width, settings: [settings, report.settings].concat(), ..report })
}

/// What an exported file does to samples; reconstructions are compared after they were preprocessed.
pub fn measure(
    artifact: &Artifact<'_>,
    x: &DMatrix<f32>,
    labels: Option<&[u8]>,
    preprocess: impl Fn(&DMatrix<f32>) -> DMatrix<f32>,
) -> Result<PerceptionReport> {
    let header = artifact.header();
    let mut encode = mind::encoder(artifact)?;
    let seen: Vec<Perceived> = x.column_iter().map(|sample| encode(sample.as_slice())).collect();

    let active = |code: &[f32]| code.iter().filter(|z| **z != 0.0).count();
    let units = header.sizes.nc();
    let uses = seen.iter().map(|s| active(&s.code)).sum::<usize>();
    let unused = (0..units).filter(|&unit| seen.iter().all(|s| s.code[unit] == 0.0)).count();
    let rebuilt: Option<Vec<f32>> =
        seen.iter().map(|s| s.reconstruction.clone()).collect::<Option<Vec<_>>>().map(|all| all.concat());
    let missed = rebuilt.map(|rebuilt| {
        let y = preprocess(x);
        let missed = preprocess(&DMatrix::from_vec(x.nrows(), x.ncols(), rebuilt)) - &y;
        f64::from(missed.norm_squared() / y.norm_squared())
    });
    let wrong = match labels {
        None => None,
        Some(labels) => {
            let answers = evaluate::classes(artifact, x)?;
            let wrong = answers.iter().zip(labels).filter(|(answer, label)| **answer != usize::from(**label));
            Some(wrong.count() as f64 / x.ncols() as f64)
        }
    };
    let scores = Scores {
        samples: x.ncols(),
        missed,
        active: uses as f64 / (x.ncols() * units) as f64,
        unused,
        wrong,
    };

    let decoder = header.has_tensor("perceive", "dictionary").then(|| Decoder::load(artifact)).transpose()?;
    let examples = x.column_iter().zip(seen).take(SHOWN).map(|(sample, seen)| {
        let Perceived { code, reconstruction, .. } = seen;
        Example { sample: sample.as_slice().to_vec(), reconstruction, code }
    });
    let settings = [
        ("units of the code", units.to_string()),
        ("checksum of the weight file", format!("{:08x}", artifact.checksum())),
    ];
    Ok(PerceptionReport {
        name: header.provenance.task.to_owned(),
        seed: header.provenance.seed,
        width: None,
        scores,
        atoms: decoder.map_or(DMatrix::zeros(0, 0), |decoder| atoms(&decoder, header.sizes)),
        examples: examples.collect(),
        curves: Vec::new(),
        settings: settings.map(|(name, value)| (name.to_owned(), value)).to_vec(),
    })
}

/// What each unit adds to an observation, one a column.
fn atoms(decoder: &Decoder<'_>, sizes: Sizes) -> DMatrix<f32> {
    let mut code = vec![0.0; sizes.nc()];
    let mut decode = |unit: Option<usize>| {
        let mut y = vec![0.0; sizes.ny()];
        code.fill(0.0);
        unit.into_iter().for_each(|unit| code[unit] = 1.0);
        decoder.reconstruct(&code, &mut y);
        DVector::from_vec(y)
    };
    let nothing = decode(None);
    DMatrix::from_columns(&(0..sizes.nc()).map(|unit| decode(Some(unit)) - &nothing).collect::<Vec<_>>())
}
