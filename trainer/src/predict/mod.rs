//! Training of forward models.

pub mod ensemble;
pub mod latent;
pub mod mpur;
pub mod neighbours;
pub mod network;
pub mod open_loop;
pub mod residual;
#[cfg(test)]
pub(crate) mod toys;
pub mod transitions;
pub mod variational;

use crate::{
    export::Tensors,
    tape::{Tape, Var},
    worlds::Rng,
};
use forethought::artifact::Model;
use rand::RngExt;

/// One step of a model on the tape: from states, the same [lifted](crate::network::lift), and actions to the next states.
pub type Step<'a> = Box<dyn FnMut(&Tape, Var, (Var, Var), Var) -> Var + 'a>;

/// A forward model that can be unrolled on the tape, so that gradients flow back through it; its weights get none.
pub trait Foresee: Sync {
    /// Begins an unrolling. Where a model is not certain of the future, one of those it holds possible is drawn.
    fn unroll<'a>(&'a self, rng: &mut Rng) -> Step<'a>;
}

/// A forward model that learns from a log, as a part of a mind.
pub trait Learned: Foresee {
    /// What it is in a weight file.
    fn kind(&self) -> Model;

    /// Units of a hidden layer, and components of the latent variable.
    fn sizes(&self) -> (usize, usize);

    /// Adds its tensors.
    fn export(&self, tensors: &mut Tensors);
}

/// Members that agree where there was data: each unrolling believes in one of them, so what comes of it is paid for with
/// what they disagree about (Chua et al. 2018, trajectory sampling).
impl<M: Foresee> Foresee for [M] {
    fn unroll<'a>(&'a self, rng: &mut Rng) -> Step<'a> {
        self[rng.random_range(0..self.len())].unroll(rng)
    }
}
