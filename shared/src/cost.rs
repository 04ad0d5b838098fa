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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feature::{Feature, Map};
    use proptest::prelude::*;

    fn term() -> impl Strategy<Value = Term> {
        let map = prop_oneof![Just(Map::Value), Just(Map::Angle), Just(Map::Cos), Just(Map::Sin)];
        (0_u16..3, map, -1.0_f32..1.0, 0.0_f32..3.0, 0.0_f32..3.0).prop_map(
            |(index, map, target, weight, terminal)| Term {
                feature: Feature { index, map },
                target,
                weight,
                terminal,
            },
        )
    }

    /// `Σ w (f(x) − target)²`. Angles here stay clear of the jump at ±π.
    fn exact(terms: &[Term], x: &[f64; 3], weight: impl Fn(&Term) -> f32) -> f64 {
        let parts = terms.iter().map(|term| {
            let value = x[usize::from(term.feature.index)];
            let value = match term.feature.map {
                Map::Value | Map::Angle => value,
                Map::Cos => value.cos(),
                Map::Sin => value.sin(),
            };
            f64::from(weight(term)) * (f64::from(term.target) - value).powi(2)
        });
        parts.sum()
    }

    proptest! {
        #[test]
        fn gradients_match_finite_differences(
            terms in proptest::collection::vec(term(), 0..8),
            x in proptest::array::uniform3(-2.0_f32..2.0),
            u in proptest::array::uniform2(-3.0_f32..3.0),
            action in proptest::array::uniform2(0.0_f32..2.0),
        ) {
            let list = CostTerms { terms: terms.iter().copied().collect() };
            let cost = Cost::<4> { terms: list, action: &action, value: None };
            let effort: f64 =
                u.iter().zip(action).map(|(u, r)| f64::from(r) * f64::from(*u) * f64::from(*u)).sum();
            let stage = exact(&terms, &x.map(f64::from), |t| t.weight) + effort;
            prop_assert!((f64::from(cost.stage(&x, &u)) - stage).abs() < 1e-5 * (1.0 + stage));
            let (mut gx, mut gu, mut g_end) = ([0.5; 3], [0.5; 2], [0.5; 3]);
            cost.stage_gradient(&x, &u, &mut gx, &mut gu);
            cost.terminal_gradient(&x, &mut g_end);
            for i in 0..3 {
                let slope = |weight: &dyn Fn(&Term) -> f32| {
                    let at = |step: f64| {
                        let mut moved = x.map(f64::from);
                        moved[i] += step;
                        exact(&terms, &moved, weight)
                    };
                    0.5 + (at(1e-4) - at(-1e-4)) / 2e-4
                };
                prop_assert!((f64::from(gx[i]) - slope(&|t| t.weight)).abs() < 1e-4);
                prop_assert!((f64::from(g_end[i]) - slope(&|t| t.terminal)).abs() < 1e-4);
            }
            for (g, (u, r)) in gu.into_iter().zip(u.into_iter().zip(action)) {
                prop_assert!((g - 0.5 - 2.0 * r * u).abs() < 1e-5);
            }
        }
    }
}
