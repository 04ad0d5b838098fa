//! Convolutional layers, stacked without labels; with labels everything is then tuned. For images of one size, as they
//! are.

use super::{Learned, Lesson, Trainable, at_least_one, not_negative};
use crate::{
    data::images::Images,
    export::Tensors,
    mind,
    perceive::{convolutional::Layer, stacked::Config},
    tasks::{Progress, digits::learn_stack, perception::preprocess::Preprocess},
    worlds::Rng,
};
use anyhow::{Context, Result, ensure};

impl Trainable for Config {
    fn check(&self) -> Result<()> {
        for layer in &self.layers {
            at_least_one(&[
                ("layers.filters", layer.filters),
                ("layers.side", layer.side),
                ("layers.group", layer.group),
                ("layers.pool", layer.pool),
                ("layers.batch", layer.batch),
            ])?;
            not_negative(&[("layers.sparsity", layer.sparsity), ("layers.rate", layer.rate)])?;
        }
        at_least_one(&[
            ("layers", self.layers.len()),
            ("readout.batch", self.readout.batch),
            ("tuning.batch", self.tuning.batch),
        ])
    }

    /// It depends on the size of the images.
    fn units(&self) -> usize {
        0
    }

    fn accepts(&self, preprocess: Preprocess) -> Result<()> {
        ensure!(
            preprocess == Preprocess::None,
            "convolutions see images as they are: nothing else could become a part of their weights; leave out \
             data.preprocess"
        );
        Ok(())
    }

    fn train(&self, lesson: &Lesson<'_>, rng: &mut Rng, progress: &mut Progress<'_>) -> Result<Learned> {
        let cols =
            lesson.width.context("convolutions are for images; data.kind must be \"images\" or \"idx\"")?;
        let pixels = lesson.raw.clone();
        let images = Images { rows: pixels.nrows() / cols, cols, pixels };
        let labels = lesson.labels();
        let stack = learn_stack(self, &images, labels.as_deref(), rng, progress)?;
        let units = stack.layers().last().map_or(0, |layer: &Layer| layer.output().len());
        ensure!(
            units <= mind::NC,
            "the last of encoder.layers shows {units} numbers, more than {}; take fewer filters or larger pools",
            mind::NC
        );
        let mut tensors = Tensors::default();
        let encoder = stack.export(&mut tensors);
        if labels.is_none() {
            tensors.drop_part("classify");
        }
        Ok(Learned { tensors, encoder, units, normalise: false })
    }
}
