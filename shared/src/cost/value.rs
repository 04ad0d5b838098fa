//! What is still to be paid from a state on, learned: of a state of any length by a [network](StateNetwork), of a short
//! one in a [table](Table).

use super::table::Table;
use crate::{
    artifact::{Artifact, ArtifactError},
    network::StateNetwork,
};

/// `V(x)`.
#[derive(Clone, Copy, Debug)]
pub enum Value<'a, const NH: usize> {
    /// By a network of two layers.
    Network(StateNetwork<'a, NH>),
    /// By a table.
    Table(Table<'a>),
}

impl<'a, const NH: usize> Value<'a, NH> {
    /// Reads the part `value` of an artifact, if there is one.
    pub fn load(artifact: &Artifact<'a>) -> Result<Option<Self>, ArtifactError> {
        Ok(if artifact.header().has_tensor("value", "table") {
            Some(Self::Table(Table::load(artifact)?))
        } else if artifact.has("value") {
            Some(Self::Network(StateNetwork::load(artifact, "value", 1)?))
        } else {
            None
        })
    }

    /// `V(x)`.
    pub fn of<const NX: usize>(&self, x: &[f32; NX]) -> f32 {
        match self {
            Self::Network(network) => {
                let mut value = [0.0];
                network.forward(x, &mut value);
                let [value] = value;
                value
            }
            Self::Table(table) => table.value(x, &mut [0.0; NX]),
        }
    }

    /// Adds `∂V/∂x` to `gx`.
    pub fn slope<const NX: usize>(&self, x: &[f32; NX], gx: &mut [f32; NX]) {
        match self {
            Self::Network(network) => {
                let trace = network.forward(x, &mut [0.0]);
                network.pull(&trace, &[1.0], gx);
            }
            Self::Table(table) => {
                table.value(x, gx);
            }
        }
    }
}
