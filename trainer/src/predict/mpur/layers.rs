//! The layers of the model.

use crate::{
    network::Weights,
    tape::{Id, ParameterSet, Var},
    worlds::{Rng, camera::normal},
};
use forethought::perceive::maps::Maps;
use nalgebra::DMatrix;

/// Random weights of variance `gain²·2/inputs` (He et al. 2015).
fn weights(
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
pub(super) struct Dense {
    w: Id,
    b: Id,
}

impl Dense {
    pub(super) fn new(
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

    pub(super) fn apply(&self, weights: Weights<'_>, x: Var) -> Var {
        weights.tape.affine([(weights.get(self.w), x)], weights.get(self.b))
    }
}

/// Filters of 3 × 3 over maps with a border of zeros, so that their size is kept; one position a column.
#[derive(Clone, Debug)]
pub(super) struct Conv {
    w: Id,
    b: Id,
    maps: Maps,
    filters: usize,
}

impl Conv {
    pub(super) fn new(
        params: &mut ParameterSet,
        name: &str,
        maps: Maps,
        filters: usize,
        gain: f64,
        rng: &mut Rng,
    ) -> Self {
        let w = weights(params, name, (filters, maps.window(3)), gain, rng);
        let b = params.add(format!("{name}.b"), DMatrix::zeros(filters, 1));
        Self { w, b, maps, filters }
    }

    /// The shape of what comes out.
    pub(super) fn maps_out(&self) -> Maps {
        Maps { channels: self.filters, ..self.maps }
    }

    pub(super) fn apply(&self, weights: Weights<'_>, x: Var) -> Var {
        let Maps { rows, cols, .. } = self.maps;
        let tape = weights.tape;
        let padded = Maps { rows: rows + 2, cols: cols + 2, ..self.maps };
        let y = tape.convolve(weights.get(self.w), tape.pad(x, self.maps, 1), padded, 3);
        tape.add_bias(y, weights.get(self.b))
    }
}
