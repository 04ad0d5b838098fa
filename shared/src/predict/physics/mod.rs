//! Forward models written by hand, with hand-written pullbacks.
//!
//! A plant is written once, in continuous time, as [`Dynamics`]; an [integrator](integrate) makes a [`ForwardModel`](super::ForwardModel)
//! of it. Each plant has its integrator, which the type named like the plant says.

pub mod car;
pub mod cart_pole;
pub mod integrate;
pub mod linear;
pub mod mountain_car;
pub mod pendulum;
pub mod quadrotor;
pub mod rocket;

use crate::{
    Zero,
    artifact::{Artifact, ArtifactError, Model, Plant},
};

/// A plant in continuous time, `NX` numbers of state `x = (q, v)` in any order: velocities `v̇ = a(q, v, u)`, which forces
/// change, and positions `q̇ = m(q, v)`. Each half comes with its pullback.
///
/// [`ForwardModel`]: super::ForwardModel
pub trait Dynamics<const NX: usize, const NU: usize> {
    /// What one evaluation has to remember for its pullback.
    type Trace: Zero + Clone;

    /// Which components are velocities, or anything else that changes by `a`; all others are positions.
    const VELOCITIES: [bool; NX];

    /// The time step.
    fn dt(&self) -> f32;

    /// Writes `a(q, v, u)` to the velocities' places.
    fn accelerate(&self, trace: &mut Self::Trace, x: &[f32; NX], u: &[f32; NU], rate: &mut [f32; NX]);

    /// Writes `m(q, v)` to the positions' places.
    fn drift(&self, trace: &mut Self::Trace, x: &[f32; NX], rate: &mut [f32; NX]);

    /// Adds `gᵀ ∂a/∂(x, u)`; `g` is looked at in the velocities' places.
    fn pull_accelerate(&self, trace: &Self::Trace, g: &[f32; NX], gx: &mut [f32; NX], gu: &mut [f32; NU]);

    /// Adds `gᵀ ∂m/∂x`; `g` is looked at in the positions' places.
    fn pull_drift(&self, trace: &Self::Trace, g: &[f32; NX], gx: &mut [f32; NX]);

    /// Stops what has an end: a speed that friction limits, an empty tank, a wall. It may be called twice in a step.
    fn limit(&self, _x: &mut [f32; NX]) {}
}

/// The constants of `plant` in an artifact that names it, if it has any: without the tensor `predict.constants` the plant
/// is the default one.
fn constants<const N: usize>(
    artifact: &Artifact<'_>,
    plant: Plant,
    expected: &'static str,
) -> Result<Option<[f32; N]>, ArtifactError> {
    is(artifact, plant, expected)?;
    if !artifact.header().has_tensor("predict", "constants") {
        return Ok(None);
    }
    let stored = artifact.vector("predict", "constants", N)?;
    Ok(stored.first_chunk().copied())
}

/// Whether an artifact names `plant`.
fn is(artifact: &Artifact<'_>, plant: Plant, expected: &'static str) -> Result<(), ArtifactError> {
    match artifact.header().model {
        Model::Physics(named) | Model::Residual(named) if named == plant => Ok(()),
        _ => Err(ArtifactError::Kind { expected }),
    }
}

/// The first rule about a plant's constants that does not hold is the answer.
fn require(holds: bool, what: &'static str) -> Result<(), ArtifactError> {
    if holds { Ok(()) } else { Err(ArtifactError::Setting { what }) }
}

/// Whether all of them are above 0.
fn positive(values: &[f32]) -> bool {
    values.iter().all(|v| *v > 0.0)
}
