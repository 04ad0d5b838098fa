//! Predictive sparse decomposition with overlapping pools on a torus: the lecture's topographic map.

use super::{Learned, Lesson, Trainable, at_least_one, batches, not_negative, whitened};
use crate::{
    export::Tensors,
    perceive::topographic::{Config, Topographic},
    tasks::{Progress, perception::preprocess::Preprocess},
    worlds::Rng,
};
use anyhow::Result;

impl Trainable for Config {
    fn check(&self) -> Result<()> {
        at_least_one(&[("map", self.units()), ("batch", self.batch), ("steps", self.steps)])?;
        not_negative(&[
            ("lambda", self.lambda),
            ("epsilon", self.epsilon),
            ("alpha", self.alpha),
            ("rate", self.rate),
            ("encoder_rate", self.encoder_rate),
        ])
    }

    fn units(&self) -> usize {
        self.map[0] * self.map[1]
    }

    fn accepts(&self, preprocess: Preprocess) -> Result<()> {
        whitened(preprocess)
    }

    /// Patches and whitening are those of the task, whatever `side` and `components` say.
    fn train(&self, lesson: &Lesson, rng: &mut Rng, progress: &mut Progress<'_>) -> Result<Learned> {
        let config = Self { components: lesson.x.nrows(), ..self.clone() };
        let mut model = Topographic::new(&config, rng)?;
        model.train(&config, batches(&lesson.x, rng), |step, [missed, penalty, wrong]| {
            let losses = [("reconstruction", missed), ("pools", penalty), ("prediction", wrong)];
            progress("encoder", step, self.steps, &losses);
        })?;
        let mut tensors = Tensors::default();
        let encoder = model.export(&mut tensors);
        Ok(Learned { tensors, encoder, units: self.units(), normalise: false })
    }
}
