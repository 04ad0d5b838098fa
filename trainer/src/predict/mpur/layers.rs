//! The convolutional layers of the model.

use crate::{
    network::{Weights, layers},
    tape::{Id, ParameterSet, Var},
    worlds::Rng,
};
use forethought::perceive::maps::Maps;
use nalgebra::DMatrix;

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
        let w = layers::weights(params, name, (filters, maps.window(3)), gain, rng);
        let b = params.add(format!("{name}.b"), DMatrix::zeros(filters, 1));
        Self { w, b, maps, filters }
    }

    /// The shape of what comes out.
    pub(super) fn maps_out(&self) -> Maps {
        Maps { channels: self.filters, ..self.maps }
    }

    /// The weights, and a bias for each output.
    pub(super) fn weights<'p>(&self, params: &'p ParameterSet) -> (&'p DMatrix<f32>, &'p DMatrix<f32>) {
        (&params[self.w], &params[self.b])
    }

    pub(super) fn apply(&self, weights: Weights<'_>, x: Var) -> Var {
        let Maps { rows, cols, .. } = self.maps;
        let tape = weights.tape;
        let padded = Maps { rows: rows + 2, cols: cols + 2, ..self.maps };
        let y = tape.convolve(weights.get(self.w), tape.pad(x, self.maps, 1), padded, 3);
        tape.add_bias(y, weights.get(self.b))
    }
}
