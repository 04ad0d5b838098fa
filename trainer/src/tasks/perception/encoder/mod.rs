//! The encoders that a task file can name, one small adapter each.

mod lista;

use crate::{export::Tensors, perceive, tasks::Progress, worlds::Rng};
use anyhow::Result;
use forethought::artifact;
use nalgebra::DMatrix;
use serde::{Deserialize, Serialize};

/// The section `[encoder]`: `kind`, and beside it the settings of that kind.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Config {
    /// A learned encoder of `T` iterations with its decoder, and a classifier if there are labels.
    Lista(perceive::lista::Config),
}

impl Config {
    /// The adapter of the encoder that is named.
    pub fn trainable(&self) -> &dyn Trainable {
        match self {
            Self::Lista(config) => config,
        }
    }

    /// The encoder's name.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Lista(_) => "lista",
        }
    }
}

/// What an encoder learns from, preprocessed.
#[derive(Clone, Debug)]
pub struct Lesson {
    /// Samples, one a column.
    pub x: DMatrix<f32>,
    /// What a classifier should answer to them, one row a class; no row without labels.
    pub targets: DMatrix<f32>,
}

/// What was learned, for preprocessed samples.
#[derive(Debug)]
pub struct Learned {
    /// The weights as they are exported.
    pub tensors: Tensors,
    /// How the encoder runs.
    pub encoder: artifact::Encoder,
    /// Whether the classifier brings the code to unit length before.
    pub normalise: bool,
}

/// Settings of an encoder that can be trained on samples.
pub trait Trainable {
    /// One sentence about the first setting that makes no sense.
    fn check(&self) -> Result<()>;

    /// `NC`, units of the code.
    fn units(&self) -> usize;

    /// Whether preprocessing can become a part of its weights: it cannot where the length of an observation counts.
    fn folds(&self) -> bool {
        true
    }

    /// Trains it.
    fn train(&self, lesson: &Lesson, rng: &mut Rng, progress: &mut Progress<'_>) -> Result<Learned>;
}
