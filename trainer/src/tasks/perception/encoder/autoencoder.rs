//! LISTA with its decoder, trained on all criteria at once; the read-out is the classifier.

use super::{Learned, Lesson, Trainable, at_least_one, not_negative};
use crate::{
    export::Tensors,
    perceive::{
        lista::{Config, Lista},
        unrolled::Unrolled,
    },
    tasks::Progress,
    worlds::Rng,
};
use anyhow::{Result, ensure};
use nalgebra::DMatrix;
use rand::RngExt;

impl Trainable for Config {
    fn check(&self) -> Result<()> {
        at_least_one(&[("units", self.units), ("batch", self.batch), ("steps", self.steps)])?;
        not_negative(&[("sparsity", self.sparsity), ("readout", self.readout), ("rate", self.rate)])?;
        let most = usize::from(u16::MAX);
        ensure!(
            self.iterations <= most,
            "encoder.iterations must be at most {most}, not {}",
            self.iterations
        );
        Ok(())
    }

    fn units(&self) -> usize {
        self.units
    }

    fn train(&self, lesson: &Lesson<'_>, rng: &mut Rng, progress: &mut Progress<'_>) -> Result<Learned> {
        let Lesson { x, targets, .. } = lesson;
        let labelled = targets.nrows() > 0;
        // Without labels the read-out says 0 from the start: it costs nothing and teaches nothing.
        let targets = if labelled { targets.clone() } else { DMatrix::zeros(1, x.ncols()) };
        let data = (x.clone(), targets);
        let mut lista = Lista::new(self, &data, rng);
        let batch = |n| {
            let chosen: Vec<_> = (0..n).map(|_| rng.random_range(0..x.ncols())).collect();
            (data.0.select_columns(&chosen), data.1.select_columns(&chosen))
        };
        lista.train(self, batch, |step, [missed, sparsity, wrong]| {
            let losses = [("reconstruction", missed), ("sparsity", sparsity), ("classes", wrong)];
            progress("encoder", step, self.steps, if labelled { &losses } else { &losses[..2] });
        })?;
        let mut tensors = Tensors::default();
        let encoder = lista.export(lista.layers(), &mut tensors);
        let readout = [tensors.take("readout", "w"), tensors.take("readout", "b")];
        for (name, weight) in ["w", "b"].into_iter().zip(readout.into_iter().flatten()) {
            if labelled {
                tensors.matrix("classify", name, weight);
            }
        }
        Ok(Learned { tensors, encoder, units: self.units, normalise: false })
    }
}
