//! The value of a state: what is still to be paid from it on. It ends the planner's horizon, and it ends the unrolling
//! that trains the policy.
//!
//! Of a state of up to three components it can be computed once and for all and kept in a [`table`]; of any other it is
//! learned by a [`network`], together with the policy.

pub mod network;
pub mod table;

pub use network::Network;
pub use table::Table;

use crate::{
    export::Tensors,
    network::lift,
    tape::{Tape, Var},
    worlds::Rng,
};
use forethought::feature::Angles;

/// What is still to be paid.
#[derive(Clone, Debug)]
pub enum Value {
    /// As a network has learned it.
    Network(Network),
    /// As it was computed.
    Table(Table),
}

impl Value {
    /// A network's, about 0 everywhere. `scale` is the typical magnitude of each state component.
    pub fn new(hidden: usize, angles: Angles, scale: Vec<f32>, rng: &mut Rng) -> Self {
        Self::Network(Network::new(hidden, angles, scale, rng))
    }

    /// The values of a batch of states, as a row; gradients flow to the states alone.
    pub fn of(&self, tape: &Tape, angles: Angles, x: Var) -> Var {
        match self {
            Self::Network(network) => network.of(tape, true, lift(tape, angles, x)),
            Self::Table(table) => table.of(tape, x),
        }
    }

    /// Adds the part `value`.
    pub fn export(&self, tensors: &mut Tensors) {
        match self {
            Self::Network(network) => network.export(tensors),
            Self::Table(table) => table.export(tensors),
        }
    }
}
