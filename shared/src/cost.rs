//! The cost of a trajectory: quadratic in chosen features of the state and in the action.
//!
//! ```text
//! J = Σ_{t<H} [Σ_k w_k (f_k(x_t) − target_k)² + Σ_j r_j u_{t,j}²] + Σ_k w'_k (f_k(x_H) − target_k)² + V(x_H)
//! ```
//! `V` is a learned value: what is still to be paid from the end of the horizon on. An agent may have none.

use crate::{
    artifact::{Artifact, ArtifactError, CostTerms, Term},
    network::StateNetwork,
};

/// Targets and weights.
#[derive(Clone, Debug)]
pub struct Cost<'a, const NH: usize> {
    terms: CostTerms,
    /// `r`, one weight an action component.
    action: &'a [f32],
    value: Option<StateNetwork<'a, NH>>,
}

impl<'a, const NH: usize> Cost<'a, NH> {
    /// Reads the part `cost` of an artifact, and the part `value` if there is one.
    pub fn load(artifact: &Artifact<'a>) -> Result<Self, ArtifactError> {
        let action = artifact.vector("cost", "action", artifact.sizes().nu())?;
        if action.iter().any(|&r| r < 0.0) {
            return Err(ArtifactError::Setting { what: "an action's weight must be at least 0" });
        }
        let value =
            if artifact.has("value") { Some(StateNetwork::load(artifact, "value", 1)?) } else { None };
        Ok(Self { terms: artifact.header().cost.clone(), action, value })
    }

    /// Cost of one step in state `x` under action `u`.
    pub fn stage(&self, x: &[f32], u: &[f32]) -> f32 {
        let effort = u.iter().zip(self.action).fold(0.0, |sum, (u, r)| sum + r * u * u);
        self.state(x, |term| term.weight) + effort
    }

    /// Cost of ending in state `x`.
    pub fn terminal<const NX: usize>(&self, x: &[f32; NX]) -> f32 {
        let mut value = [0.0];
        if let Some(network) = &self.value {
            network.forward(x, &mut value);
        }
        let [value] = value;
        self.state(x, |term| term.terminal) + value
    }

    /// Adds `∂stage/∂x` to `gx` and `∂stage/∂u` to `gu`.
    pub fn stage_gradient(&self, x: &[f32], u: &[f32], gx: &mut [f32], gu: &mut [f32]) {
        self.state_gradient(x, gx, |term| term.weight);
        for (g, (u, r)) in gu.iter_mut().zip(u.iter().zip(self.action)) {
            *g += 2.0 * r * u;
        }
    }

    /// Adds `∂terminal/∂x` to `gx`.
    pub fn terminal_gradient<const NX: usize>(&self, x: &[f32; NX], gx: &mut [f32; NX]) {
        self.state_gradient(x, gx, |term| term.terminal);
        if let Some(network) = &self.value {
            let trace = network.forward(x, &mut [0.0]);
            network.pull(&trace, &[1.0], gx);
        }
    }

    fn state(&self, x: &[f32], weight: impl Fn(&Term) -> f32) -> f32 {
        self.terms.terms.iter().fold(0.0, |sum, term| {
            let (residual, _) = term.feature.residual(x, term.target);
            sum + weight(term) * residual * residual
        })
    }

    fn state_gradient(&self, x: &[f32], gx: &mut [f32], weight: impl Fn(&Term) -> f32) {
        for term in &self.terms.terms {
            let (residual, slope) = term.feature.residual(x, term.target);
            if let Some(g) = gx.get_mut(usize::from(term.feature.index)) {
                *g -= 2.0 * weight(term) * residual * slope;
            }
        }
    }
}
