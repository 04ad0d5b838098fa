//! State estimation: what the world most probably is, given all that was seen and done.
//!
//! A filter takes turns: [`predict`](Filter::predict) moves the estimate on with the forward model, [`update`](Filter::update)
//! takes in what the [sensors](sensors::Sensors) show. [`kalman`] keeps the covariance of its estimate, [`steady`] the gains that
//! this covariance settles to.

pub mod kalman;
pub mod sensors;
pub mod steady;

use crate::{Zero, predict::ForwardModel};

/// Keeps track of a state of `NX` components.
pub trait Filter<const NX: usize> {
    /// The estimate, and whatever else it remembers.
    type State: Zero;

    /// One step of the model under the action `u`.
    fn predict<M, const NU: usize, const NZ: usize>(&self, model: &M, state: &mut Self::State, u: &[f32; NU])
    where
        M: ForwardModel<NX, NU, NZ>;

    /// Takes in the measured features, `None` for one that is missing.
    ///
    /// The first observation starts the filter, and so does one that [outweighs](sensors) the estimate.
    fn update(
        &self,
        state: &mut Self::State,
        measured: impl Iterator<Item = Option<f32>> + Clone,
    ) -> Innovation;

    /// The state is known.
    fn know(&self, state: &mut Self::State, x: &[f32; NX]);

    /// The estimated state, angles in `[−π, π)`.
    fn estimate<'s>(&self, state: &'s Self::State) -> &'s [f32; NX];

    /// The variance of each component of the estimate, if the filter keeps any.
    fn variances<'s>(&self, state: &'s Self::State) -> impl Iterator<Item = f32> + 's;
}

/// What an update found.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Innovation {
    /// Normalised innovation squared `Σ ν²/S` of all that arrived: about as large as its number of features when the
    /// filter is consistent.
    pub nis: f32,
    /// The sensors that were left aside as outliers: bit `i` stands for sensor `i`.
    pub refused: u16,
}

impl Innovation {
    /// Whether everything that arrived was used.
    pub fn accepted(self) -> bool {
        self.refused == 0
    }
}
