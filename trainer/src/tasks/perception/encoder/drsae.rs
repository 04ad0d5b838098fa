//! The discriminative recurrent sparse autoencoder; without labels, an autoencoder alone.

use super::{Learned, Lesson, Trainable, at_least_one, not_negative};
use crate::{
    export::Tensors,
    perceive::drsae::{Config, DrSae, Phase, Samples},
    tasks::{
        Progress,
        digits::{follow, scaled},
    },
    worlds::Rng,
};
use anyhow::Result;

impl Trainable for Config {
    fn check(&self) -> Result<()> {
        at_least_one(&[("units", self.units), ("iterations", self.iterations), ("batch", self.batch)])?;
        not_negative(&[
            ("reconstruction", self.reconstruction),
            ("sparsity", self.sparsity),
            ("classification", self.classification),
            ("rate", self.rate),
        ])?;
        self.check()
    }

    fn units(&self) -> usize {
        self.units
    }

    fn train(&self, lesson: &Lesson<'_>, rng: &mut Rng, progress: &mut Progress<'_>) -> Result<Learned> {
        let (x, scale) = scaled(&lesson.x);
        let classes = lesson.targets.nrows();
        let labels = lesson.labels().unwrap_or_else(|| vec![0; x.ncols()]);
        let samples = Samples { x: &x, labels: &labels };
        let mut model = DrSae::new(self, &x, classes.max(1), rng);
        if classes > 0 {
            model.train(self, samples, rng, &mut |epoch| follow(self, epoch, progress))?;
        } else {
            let alone = Self { pretraining: self.pretraining + self.epochs, ..self.clone() };
            let phase = (Phase::Unsupervised, alone.pretraining);
            model.run(&alone, phase, samples, rng, &mut |epoch| follow(&alone, epoch, progress))?;
        }
        let mut tensors = Tensors::default();
        model.export(scale, &mut tensors);
        if classes == 0 {
            tensors.drop_part("classify");
        }
        let encoder = DrSae::header(self.iterations);
        Ok(Learned { tensors, encoder, units: self.units, normalise: true })
    }
}
