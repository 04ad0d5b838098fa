//! Predictive sparse decomposition with overlapping pools on a torus: the lecture's topographic map.

use super::{Learned, Lesson, Trainable, at_least_one, batches, not_negative, whitened};
use crate::{
    export::Tensors,
    perceive::topographic::{Config, Topographic},
    tasks::{Progress, perception::preprocess::Preprocess},
    worlds::Rng,
};
use anyhow::{Result, ensure};

impl Trainable for Config {
    fn check(&self) -> Result<()> {
        let default = Self::default();
        ensure!(
            (self.side, self.components) == (default.side, default.components),
            "encoder.side and encoder.components are for photographs: patches and whitening are those of [data], leave them out"
        );
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

    fn train(&self, lesson: &Lesson<'_>, rng: &mut Rng, progress: &mut Progress<'_>) -> Result<Learned> {
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
