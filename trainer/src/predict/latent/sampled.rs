//! Many futures: a trained model, unrolled with a new `z` for each trajectory and each step.

use super::Latent;
use crate::{
    export::Tensors,
    network::Weights,
    predict::{Foresee, Learned, Step, transitions::Transitions},
    worlds::Rng,
};
use forethought::artifact::Model;
use nalgebra::DMatrix;
use rand::{RngExt, SeedableRng};

/// A model and what its `z` can be.
#[derive(Clone, Debug)]
pub struct Sampled<'a> {
    model: &'a Latent,
    /// One a column.
    pub(super) codebook: DMatrix<f32>,
    shares: Vec<f32>,
    /// How often it is this one or one before it.
    cumulative: Vec<f32>,
}

impl<'a> Sampled<'a> {
    /// With the `z` that explain some of the data.
    pub fn new(model: &'a Latent, data: &Transitions, rng: &mut Rng) -> Self {
        let (codebook, shares) = model.codewords(data, rng);
        let mut sum = 0.0;
        let cumulative = shares.iter().map(|share| {
            sum += share;
            sum
        });
        Self { model, cumulative: cumulative.collect(), codebook, shares }
    }

    fn draw(&self, n: usize, rng: &mut Rng) -> DMatrix<f32> {
        let total = self.cumulative.last().copied().unwrap_or(0.0);
        let one = |_| {
            let r = total * rng.random::<f32>();
            self.cumulative.partition_point(|sum| *sum <= r).min(self.cumulative.len() - 1)
        };
        self.codebook.select_columns(&(0..n).map(one).collect::<Vec<_>>())
    }
}

impl Foresee for Sampled<'_> {
    fn unroll<'a>(&'a self, rng: &mut Rng) -> Step<'a> {
        let mut rng = Rng::seed_from_u64(rng.random());
        Box::new(move |tape, x, (values, sines), u| {
            let z = tape.constant(self.draw(tape.shape(x).1, &mut rng));
            let weights = Weights { tape, params: &self.model.params, frozen: true };
            tape.add(x, self.model.decoder.forward(weights, [values, sines, u, z]))
        })
    }
}

impl Learned for Sampled<'_> {
    fn kind(&self) -> Model {
        Model::Network
    }

    fn sizes(&self) -> (usize, usize) {
        (self.model.config.hidden, self.model.config.latent)
    }

    fn export(&self, tensors: &mut Tensors) {
        self.model.decoder.export(&self.model.params, "predict", tensors);
        tensors.vector("latent", "codebook", self.codebook.as_slice());
        tensors.vector("latent", "share", &self.shares);
    }
}
