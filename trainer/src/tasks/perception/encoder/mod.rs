//! The encoders that a task file can name, one small adapter each.

mod autoencoder;
mod convolutional;
pub mod dictionary;
mod drsae;
mod filters;
pub mod predicted;
mod topographic;

use super::preprocess::Preprocess;
use crate::{
    export::Tensors,
    perceive::{
        coupled, drsae as discriminative, ica, inhibition, lamp, lista, psd, stacked, structured_dictionary,
        student_t, topographic as maps, tree,
    },
    tasks::Progress,
    worlds::Rng,
};
use anyhow::{Result, ensure};
use dictionary::Sparse;
use forethought::artifact;
use nalgebra::DMatrix;
use predicted::{Coordinates, Free, Predicted};
use rand::RngExt;
use serde::{Deserialize, Serialize};

/// The section `[encoder]`: `kind`, and beside it the settings of that kind.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Config {
    /// A learned encoder of `T` iterations with its decoder, and a classifier if there are labels.
    Lista(lista::Config),
    /// Predictive sparse decomposition: a dictionary together with one layer that predicts its codes.
    Psd(psd::Config),
    /// The same with overlapping pools on a torus, on whitened samples: a topographic map.
    Topographic(maps::Config),
    /// A sparse dictionary, then an encoder with a matrix of its own that predicts its codes; with
    /// `network.weights = "analytic"` it is ALISTA, with `"dictionary"` only steps and thresholds are learned.
    Coupled(Predicted<Sparse, coupled::Config>),
    /// The same with learned approximate message passing.
    Lamp(Predicted<Sparse, lamp::Config>),
    /// The same with learned coordinate descent.
    Lcod(Predicted<Sparse, Coordinates>),
    /// A dictionary on a tree, and LISTA that predicts its codes.
    Tree(Predicted<tree::Config, Free>),
    /// A dictionary with overlapping pools, and LISTA that predicts its codes.
    StructuredDictionary(Predicted<structured_dictionary::Config, Free>),
    /// A dictionary with lateral inhibition, and LISTA that predicts its codes.
    Inhibition(Predicted<inhibition::Config, Free>),
    /// The discriminative recurrent sparse autoencoder.
    #[serde(rename = "drsae")]
    DrSae(discriminative::Config),
    /// Convolutional layers with pools, stacked without labels, on images of one size; with labels everything is tuned.
    Convolutional(stacked::Config),
    /// Topographic independent component analysis of whitened samples.
    Ica(ica::Config),
    /// A product of Student-t experts on whitened samples.
    StudentT(student_t::Config),
}

impl Config {
    /// The adapter of the encoder that is named.
    pub fn trainable(&self) -> &dyn Trainable {
        match self {
            Self::Lista(config) => config,
            Self::Psd(config) => config,
            Self::Topographic(config) => config,
            Self::Coupled(config) => config,
            Self::Lamp(config) => config,
            Self::Lcod(config) => config,
            Self::Tree(config) => config,
            Self::StructuredDictionary(config) => config,
            Self::Inhibition(config) => config,
            Self::DrSae(config) => config,
            Self::Convolutional(config) => config,
            Self::Ica(config) => config,
            Self::StudentT(config) => config,
        }
    }
}

/// What an encoder learns from.
#[derive(Clone, Debug)]
pub struct Lesson<'a> {
    /// Samples as they are, one a column.
    pub raw: &'a DMatrix<f32>,
    /// Pixels of a row, if samples are images.
    pub width: Option<usize>,
    /// Samples, preprocessed.
    pub x: DMatrix<f32>,
    /// What a classifier should answer to them, one row a class; no row without labels.
    pub targets: DMatrix<f32>,
}

impl Lesson<'_> {
    /// The class of each sample, if there are labels.
    pub fn labels(&self) -> Option<Vec<u8>> {
        let classes = self.targets.column_iter().map(|target| target.imax() as u8);
        (self.targets.nrows() > 0).then(|| classes.collect())
    }
}

/// What was learned, for preprocessed samples.
#[derive(Debug)]
pub struct Learned {
    /// The weights as they are exported.
    pub tensors: Tensors,
    /// How the encoder runs.
    pub encoder: artifact::Encoder,
    /// Units of the code: of those that were asked for, some may have been pruned.
    pub units: usize,
    /// Whether the classifier brings the code to unit length before.
    pub normalise: bool,
}

/// Settings of an encoder that can be trained on samples.
pub trait Trainable {
    /// One sentence about the first setting that makes no sense.
    fn check(&self) -> Result<()>;

    /// `NC`, units of the code.
    fn units(&self) -> usize;

    /// One sentence if it cannot learn from samples that are preprocessed so, or if that could not become a part of its
    /// weights.
    fn accepts(&self, _: Preprocess) -> Result<()> {
        Ok(())
    }

    /// Trains it.
    fn train(&self, lesson: &Lesson<'_>, rng: &mut Rng, progress: &mut Progress<'_>) -> Result<Learned>;
}

/// One sentence about the first setting of the section that is 0.
fn at_least_one(settings: &[(&str, usize)]) -> Result<()> {
    settings.iter().try_for_each(|(name, value)| {
        ensure!(*value > 0, "encoder.{name} must be at least 1");
        Ok(())
    })
}

/// One sentence about the first setting of the section that is negative or no number.
fn not_negative(settings: &[(&str, f32)]) -> Result<()> {
    settings.iter().try_for_each(|(name, value)| {
        ensure!(
            value.is_finite() && *value >= 0.0,
            "encoder.{name} must be a number of at least 0, not {value}"
        );
        Ok(())
    })
}

/// For encoders of whitened samples alone.
fn whitened(preprocess: Preprocess) -> Result<()> {
    ensure!(
        preprocess == Preprocess::Whiten,
        "this encoder.kind needs whitened samples; set data.preprocess = \"whiten\" and data.components"
    );
    Ok(())
}

/// Batches of random samples.
fn batches<'a>(x: &'a DMatrix<f32>, rng: &'a mut Rng) -> impl FnMut(usize) -> DMatrix<f32> + 'a {
    move |n| {
        let chosen: Vec<_> = (0..n).map(|_| rng.random_range(0..x.ncols())).collect();
        x.select_columns(&chosen)
    }
}
