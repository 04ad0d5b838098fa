//! The discrete planner's settings and tensors.

use crate::export::Tensors;
use forethought::artifact::{Planner, Tree};

/// How it searches.
#[derive(Clone, Debug)]
pub struct Search {
    /// States that are kept after each decision. Each takes memory twice, and time in every decision.
    pub beam: u16,
    /// Steps that an action is held for: long enough that what follows from two actions lies in two cells.
    pub hold: u16,
    /// The actions to choose from.
    pub actions: Vec<Vec<f32>>,
    /// Cells in a unit of each component of the state, 0 where it does not matter; empty for no merging. As fine as the beam
    /// can hold what is reached.
    pub cells: Vec<f32>,
}

impl Search {
    /// The header's part.
    pub fn planner(&self) -> Planner {
        Planner::Discrete(Tree { beam: self.beam, actions: self.actions.len() as u16, hold: self.hold })
    }

    /// The tensors.
    pub fn export(&self, tensors: &mut Tensors) {
        tensors.vector("plan", "actions", &self.actions.concat());
        if !self.cells.is_empty() {
            tensors.vector("plan", "cells", &self.cells);
        }
    }
}
