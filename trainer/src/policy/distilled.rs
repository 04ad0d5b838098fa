//! From system 2 to system 1: the policy learns to propose at once what the planner would find.
//!
//! ```text
//! planner   u* = argmin over u of  J(x, u) = Σ_{t<H} cost(x_t, u_t) + V(x_H)         anew in every state
//! policy    π  = argmin over π of  mean over x of  J(x, π)                            once and for all
//! ```
//! This is amortised inference: not the planner's answers are copied but its question is learned, with the same model, horizon
//! and value, in the states that the policy itself gets into. To copy answers is worse where two plans are equally good, to
//! swing left or right: the planner jumps from one to the other, and what lies between them is neither.

use super::{Head, Policy, Stage};
use crate::{predict::Foresee, value::Value, worlds::Rng};
use anyhow::Result;
use serde::{Deserialize, Serialize};

/// Hyper-parameters; all others are those that the policy was trained with.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Steps of Adam; 0 leaves the policy as it is.
    pub steps: usize,
    /// Learning rate at the start; it falls to 0 along a half cosine. Less than in training: what is there is to be mended.
    pub rate: f32,
    /// Chance that a trajectory starts anew after the horizon. Less than in training: states that the policy gets into matter.
    pub restart: f64,
}

impl Default for Config {
    fn default() -> Self {
        Self { steps: 3000, rate: 1e-3, restart: 0.3 }
    }
}

impl<H: Head> Policy<H> {
    /// Learns to minimise what a planner minimises that looks `horizon` steps ahead and knows this value; `usual` is how
    /// the policy was trained. Trajectories begin where `start` says. `progress` sees the step and the mean cost of a time step.
    pub fn distil(
        &mut self,
        value: &Value,
        (config, usual, horizon): (&Config, &super::Config, usize),
        how: (&(impl Foresee + ?Sized), &impl Stage),
        rng: &mut Rng,
        start: impl FnMut(&mut Rng) -> Vec<f32>,
        progress: impl FnMut(usize, f32),
    ) -> Result<()> {
        let &Config { steps, rate, restart } = config;
        // The planner discounts nothing, and its value stays as it is.
        let fixed =
            super::Config { horizon, steps, rate, restart, discount: 1.0, value_rate: 0.0, ..usual.clone() };
        self.train(&mut value.clone(), &fixed, how, rng, start, progress)
    }
}
