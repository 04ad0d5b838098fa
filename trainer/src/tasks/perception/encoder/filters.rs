//! Encoders without a decoder of their own, whose code is one product: topographic ICA and the product of Student-t
//! experts. They need whitened samples.
//!
//! They are exported as LISTA that feeds nothing back and has no threshold, which is that product.

use super::{Learned, Lesson, Trainable, at_least_one, batches, not_negative, whitened};
use crate::{
    export::Tensors,
    perceive::{
        ica::{self, Ica},
        pools::{Pools, Weights},
        student_t::{self, StudentT},
    },
    tasks::{Progress, perception::preprocess::Preprocess},
    worlds::Rng,
};
use anyhow::{Context, Result};
use forethought::artifact::{Activation, Encoder};
use nalgebra::DMatrix;
use rand::SeedableRng;

/// One filter a row; what the code of all together leaves of a sample is the decoder, `W⁺`.
fn learned(filters: &DMatrix<f32>) -> Result<Learned> {
    let (units, numbers) = filters.shape();
    let inverse = filters.clone().pseudo_inverse(1e-5).ok().context("the filters cannot be inverted")?;
    let mut tensors = Tensors::default();
    tensors.matrix("perceive", "w_e", filters.clone());
    tensors.matrix("perceive", "bias", DMatrix::zeros(units, 1));
    tensors.matrix("perceive", "s", DMatrix::zeros(units, units));
    tensors.matrix("perceive", "threshold", DMatrix::zeros(units, 1));
    tensors.matrix("perceive", "dictionary", inverse);
    tensors.matrix("perceive", "mean", DMatrix::zeros(numbers, 1));
    let encoder = Encoder::Lista { iterations: 0, activation: Activation::Soft };
    Ok(Learned { tensors, encoder, units, normalise: false })
}

/// The pools around every unit of a map.
fn pools(map: [usize; 2], window: usize) -> Result<Pools> {
    Pools::torus(map, [window; 2], [1, 1], Weights::Flat).context("in encoder.map, window and first_window")
}

impl Trainable for ica::Config {
    fn check(&self) -> Result<()> {
        at_least_one(&[("map", self.units()), ("batch", self.batch), ("steps", self.steps)])?;
        not_negative(&[("epsilon", self.epsilon), ("rate", self.rate), ("momentum", self.momentum)])?;
        pools(self.map, self.first_window)?;
        pools(self.map, self.window).map(drop)
    }

    fn units(&self) -> usize {
        self.map[0] * self.map[1]
    }

    fn accepts(&self, preprocess: Preprocess) -> Result<()> {
        whitened(preprocess)
    }

    fn train(&self, lesson: &Lesson<'_>, rng: &mut Rng, progress: &mut Progress<'_>) -> Result<Learned> {
        let x = &lesson.x;
        let mut ica = Ica::new(self, pools(self.map, self.window)?, x.nrows(), rng)
            .context("data.components must be the units of encoder.map")?;
        ica.train(self, batches(x, rng), |step, criterion| {
            progress("encoder", step, self.steps, &[("criterion", criterion)]);
        });
        learned(&ica.filters)
    }
}

impl Trainable for student_t::Config {
    fn check(&self) -> Result<()> {
        at_least_one(&[
            ("map", self.units()),
            ("batch", self.batch),
            ("steps", self.steps),
            ("leaps", self.leaps),
        ])?;
        not_negative(&[("alpha", self.alpha), ("rate", self.rate), ("momentum", self.momentum)])?;
        pools(self.map, self.first_window)?;
        pools(self.map, self.window).map(drop)
    }

    fn units(&self) -> usize {
        self.map[0] * self.map[1]
    }

    fn accepts(&self, preprocess: Preprocess) -> Result<()> {
        whitened(preprocess)
    }

    fn train(&self, lesson: &Lesson<'_>, rng: &mut Rng, progress: &mut Progress<'_>) -> Result<Learned> {
        let mut model = StudentT::new(self, pools(self.map, self.window)?, lesson.x.nrows(), rng)?;
        model.fit_width(&lesson.x.columns(0, lesson.x.ncols().min(1000)).into_owned());
        let mut places = Rng::from_rng(rng);
        model.train(self, batches(&lesson.x, &mut places), rng, |step, apart, accepted| {
            // Both are drawn on a logarithmic axis; what is not positive has no place there.
            let losses = [("energy difference", apart.abs()), ("walks accepted", accepted)];
            progress("encoder", step, self.steps, &losses);
        });
        learned(&model.filters)
    }
}
