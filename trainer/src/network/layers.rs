//! Layers that are not part of a trunk.

use super::Weights;
use crate::{
    tape::{Id, ParameterSet, Var},
    worlds::{Rng, camera::normal},
};
use nalgebra::DMatrix;

/// Random weights of variance `gain²·2/inputs` (He et al. 2015).
pub(crate) fn weights(
    params: &mut ParameterSet,
    name: &str,
    (outputs, inputs): (usize, usize),
    gain: f64,
    rng: &mut Rng,
) -> Id {
    let deviation = gain * (2.0 / inputs.max(1) as f64).sqrt();
    let w = DMatrix::from_fn(outputs, inputs, |_, _| (deviation * normal(rng)) as f32);
    params.add(format!("{name}.w"), w)
}

/// `W x + b`, one sample a column.
#[derive(Clone, Debug)]
pub struct Dense {
    /// `W`.
    pub w: Id,
    /// `b`.
    pub b: Id,
}

impl Dense {
    /// Random weights of variance `gain²·2/inputs`, and biases of deviation `0.3 gain`.
    pub fn new(
        params: &mut ParameterSet,
        name: &str,
        inputs: usize,
        outputs: usize,
        gain: f64,
        rng: &mut Rng,
    ) -> Self {
        let w = weights(params, name, (outputs, inputs), gain, rng);
        // Random biases: else all units have their kink where nothing is done, which is most of the time.
        let b = DMatrix::from_fn(outputs, 1, |_, _| (0.3 * gain * normal(rng)) as f32);
        Self { w, b: params.add(format!("{name}.b"), b) }
    }

    /// The outputs of a batch.
    pub fn apply(&self, weights: Weights<'_>, x: Var) -> Var {
        weights.tape.affine([(weights.get(self.w), x)], weights.get(self.b))
    }
}
