//! A dictionary that is learned by inference, then an encoder that learns to predict what inference finds.
//!
//! ```text
//! 1. D, z* = argmin ½‖x − D z‖² + Ω(z)        over samples, by turns
//! 2. encoder:  min ½‖z*(x) − f(x)‖²           D stays as it is
//! ```

use super::{
    Learned, Lesson, Trainable, at_least_one, batches,
    dictionary::{Dictionary, Found},
    not_negative,
};
use crate::{
    export::Tensors,
    perceive::{
        coupled::{self, Coupled, Weights},
        lamp::{self, Lamp},
        lcod::Lcod,
        lista::{Lista, Start},
        psd::{self, Psd},
        unrolled::{self, Objective, Unrolled},
    },
    tasks::{Progress, perception::preprocess::Preprocess},
    worlds::Rng,
};
use anyhow::{Result, ensure};
use forethought::artifact::Activation;
use nalgebra::DMatrix;
use rand::RngExt;
use serde::{Deserialize, Serialize};

/// Both parts, and the training of the second.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Predicted<D, N> {
    /// The dictionary.
    pub dictionary: D,
    /// The encoder.
    pub network: N,
    /// How the encoder is trained.
    pub training: unrolled::Config,
}

/// Settings of an encoder that unrolls the inference of a known dictionary.
pub trait Network {
    /// The encoder.
    type Encoder: Unrolled;

    /// Layers that it has.
    fn layers(&self) -> usize;

    /// The depths at which it is trained.
    fn depths(&self) -> Vec<usize> {
        (1..=self.layers()).collect()
    }

    /// Starts it for a dictionary and samples of mean 0; `sparsity` is the weight of the penalty.
    fn start(&self, dictionary: &DMatrix<f32>, mean: DMatrix<f32>, sparsity: f32) -> Self::Encoder;

    /// What may be done to samples.
    fn accepts(&self, _: Preprocess) -> Result<()> {
        Ok(())
    }
}

/// LISTA: weights of its own, shared by all layers.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Free {
    /// Layers: times that the code is fed back, and one.
    pub layers: usize,
}

impl Default for Free {
    fn default() -> Self {
        Self { layers: 3 }
    }
}

impl Network for Free {
    type Encoder = Lista;

    fn layers(&self) -> usize {
        self.layers
    }

    fn start(&self, dictionary: &DMatrix<f32>, mean: DMatrix<f32>, sparsity: f32) -> Lista {
        Lista::of(dictionary.clone(), mean, Start::Ista { lambda: sparsity }, Activation::Soft)
    }
}

/// LCoD: one unit changes at a time.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Coordinates {
    /// Units that may change, one after the other; a little more than a sample uses.
    pub steps: usize,
}

impl Default for Coordinates {
    fn default() -> Self {
        Self { steps: 20 }
    }
}

impl Network for Coordinates {
    type Encoder = Lcod;

    fn layers(&self) -> usize {
        self.steps
    }

    /// All steps share all weights: only the last depth counts.
    fn depths(&self) -> Vec<usize> {
        vec![self.steps]
    }

    fn start(&self, dictionary: &DMatrix<f32>, mean: DMatrix<f32>, sparsity: f32) -> Lcod {
        Lcod::new(dictionary, mean, sparsity)
    }
}

impl Network for coupled::Config {
    type Encoder = Coupled;

    fn layers(&self) -> usize {
        self.layers
    }

    fn start(&self, dictionary: &DMatrix<f32>, mean: DMatrix<f32>, _: f32) -> Coupled {
        Coupled::new(self, dictionary.clone(), mean)
    }

    fn accepts(&self, preprocess: Preprocess) -> Result<()> {
        ensure!(
            self.weights != Weights::Dictionary || preprocess != Preprocess::Whiten,
            "encoder.network.weights = \"dictionary\" leaves no weights that could take whitening in; set \
             data.preprocess = \"mean\" or \"none\", or take other weights"
        );
        Ok(())
    }
}

impl Network for lamp::Config {
    type Encoder = Lamp;

    fn layers(&self) -> usize {
        self.layers
    }

    fn start(&self, dictionary: &DMatrix<f32>, mean: DMatrix<f32>, _: f32) -> Lamp {
        Lamp::new(self, dictionary.clone(), mean)
    }

    fn accepts(&self, preprocess: Preprocess) -> Result<()> {
        ensure!(
            preprocess == Preprocess::None,
            "encoder.kind = \"lamp\" measures how long its residual is, which preprocessing changes; set \
             data.preprocess = \"none\""
        );
        Ok(())
    }
}

/// Samples whose codes are inferred, once and for all: inference costs more than a step of the encoder.
const TAUGHT: usize = 20_000;

impl<D: Dictionary, N: Network> Trainable for Predicted<D, N> {
    fn check(&self) -> Result<()> {
        self.dictionary.check()?;
        at_least_one(&[
            ("network.layers", self.network.layers()),
            ("training.batch", self.training.batch),
            ("training.last", self.training.last),
        ])?;
        not_negative(&[
            ("training.rate", self.training.rate),
            ("training.scale_rate", self.training.scale_rate),
        ])?;
        let most = usize::from(u16::MAX);
        ensure!(self.network.layers() <= most, "encoder.network.layers must be at most {most}");
        Ok(())
    }

    fn units(&self) -> usize {
        self.dictionary.units()
    }

    fn accepts(&self, preprocess: Preprocess) -> Result<()> {
        self.network.accepts(preprocess)
    }

    fn train(&self, lesson: &Lesson<'_>, rng: &mut Rng, progress: &mut Progress<'_>) -> Result<Learned> {
        let Found { dictionary, infer } = self.dictionary.learn(&lesson.x, rng, progress)?;
        let x = lesson.x.columns(0, lesson.x.ncols().min(TAUGHT)).into_owned();
        let z = infer(&x);
        let mean = DMatrix::zeros(dictionary.nrows(), 1);
        let mut encoder = self.network.start(&dictionary, mean.clone(), self.dictionary.sparsity());
        let (depths, layers) = (self.network.depths(), self.network.layers());
        let batch = |n| {
            let chosen: Vec<_> = (0..n).map(|_| rng.random_range(0..x.ncols())).collect();
            (x.select_columns(&chosen), z.select_columns(&chosen))
        };
        unrolled::train(
            &mut encoder,
            &self.training,
            &depths,
            &Objective::Codes,
            batch,
            |encoder, depth| {
                let missed = (encoder.codes(&x, depth) - &z).norm_squared() / z.norm_squared();
                progress("encoder, layer by layer", depth - 1, layers, &[("energy of codes missed", missed)]);
                Ok(())
            },
        )?;
        let mut tensors = Tensors::default();
        let runs = encoder.export(layers, &mut tensors);
        if !tensors.contains("perceive", "dictionary") {
            tensors.matrix("perceive", "dictionary", dictionary);
            tensors.matrix("perceive", "mean", mean);
        }
        let (_, units) = encoder.sizes();
        Ok(Learned { tensors, encoder: runs, units, normalise: false })
    }
}

impl Trainable for psd::Config {
    fn check(&self) -> Result<()> {
        at_least_one(&[("units", self.units), ("batch", self.batch), ("steps", self.steps)])?;
        not_negative(&[("sparsity", self.sparsity), ("prediction", self.prediction), ("rate", self.rate)])
    }

    fn units(&self) -> usize {
        self.units
    }

    fn train(&self, lesson: &Lesson<'_>, rng: &mut Rng, progress: &mut Progress<'_>) -> Result<Learned> {
        /// Steps between two looks at what it has learned.
        const LOOK: usize = 50;
        let x = lesson.x.columns(0, lesson.x.ncols().min(500)).into_owned();
        let mut psd = Psd::new(self, &lesson.x, rng);
        psd.train(self, batches(&lesson.x, rng), |step, psd| {
            if step.is_multiple_of(LOOK) {
                let z = psd.infer(self, &x, self.iterations);
                let missed = (psd.codes(&x, 1) - &z).norm_squared() / z.norm_squared();
                progress("encoder", step, self.steps, &[("energy of codes missed", missed)]);
            }
        })?;
        let mut tensors = Tensors::default();
        let encoder = psd.export(1, &mut tensors);
        Ok(Learned { tensors, encoder, units: self.units, normalise: false })
    }
}
