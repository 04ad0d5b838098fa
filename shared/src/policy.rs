//! The policy: what practice has made of planning (system 1).
//!
//! ```text
//! u = mid + half · tanh(o),   first layer: b₁ + W_x x̃ + W_s sin(angles)
//! ```
//! `[mid − half, mid + half]` is the action's range. The result is projected onto it: that takes off what rounding added,
//! and makes a feasible action even of a state so large that the network's sums overflow.

use crate::{
    artifact::{Artifact, ArtifactError},
    math,
    network::StateNetwork,
};

/// Weights of the policy and the range of its actions.
#[derive(Clone, Copy, Debug)]
pub struct Policy<'a, const NH: usize> {
    network: StateNetwork<'a, NH>,
    limits: Limits<'a>,
}

/// The range of each action component.
#[derive(Clone, Copy, Debug)]
pub struct Limits<'a> {
    low: &'a [f32],
    high: &'a [f32],
}

impl<'a> Limits<'a> {
    /// Reads the tensors `action.low` and `action.high` of an artifact.
    pub fn load(artifact: &Artifact<'a>) -> Result<Self, ArtifactError> {
        let nu = artifact.sizes().nu();
        let limits =
            Self { low: artifact.vector("action", "low", nu)?, high: artifact.vector("action", "high", nu)? };
        if limits.iter().any(|(low, high)| low >= high) {
            return Err(ArtifactError::Setting { what: "an action's low end must be below its high end" });
        }
        Ok(limits)
    }

    /// How many components there are.
    #[expect(clippy::len_without_is_empty, reason = "an action has at least one component")]
    pub fn len(&self) -> usize {
        self.low.len()
    }

    /// `(low, high)` of each component.
    pub fn iter(&self) -> impl Iterator<Item = (f32, f32)> + Clone + '_ {
        self.low.iter().copied().zip(self.high.iter().copied())
    }

    /// Projects an action onto the box. NaN goes to the low end.
    pub fn project(&self, u: &mut [f32]) {
        for (u, (low, high)) in u.iter_mut().zip(self.iter()) {
            *u = math::clamp(*u, low, high);
        }
    }
}

impl<'a, const NH: usize> Policy<'a, NH> {
    /// Reads the part `policy` of an artifact.
    pub fn load(artifact: &Artifact<'a>) -> Result<Self, ArtifactError> {
        let network = StateNetwork::load(artifact, "policy", artifact.sizes().nu())?;
        Ok(Self { network, limits: Limits::load(artifact)? })
    }

    /// `u = π(x)`.
    pub fn act<const NX: usize, const NU: usize>(&self, x: &[f32; NX], u: &mut [f32; NU]) {
        *u = [0.0; NU];
        self.network.forward(x, u);
        for (u, (low, high)) in u.iter_mut().zip(self.limits.iter()) {
            *u = 0.5 * (low + high) + 0.5 * (high - low) * math::tanh(*u);
        }
        self.limits.project(u);
    }
}
