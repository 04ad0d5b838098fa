//! Caution: the section `[act.caution]` of a task file. A controller may pay for what its model does not know, and plan for
//! many futures where some of it nobody can know. For either it learns a model of its own from the log, beside the one of `[model]`.

use super::act::Planners;
use crate::{
    mind::WARY,
    predict::{
        ensemble::{self, Ensemble},
        latent::{self, Latent, Limit},
        transitions::Transitions,
    },
    tasks::Progress,
    worlds::Rng,
};
use anyhow::{Result, ensure};
use forethought::cost::futures;
use serde::{Deserialize, Serialize};

/// The section `[act.caution]`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// What it costs at every step not to know the next state by a typical change: plans keep to where the log has been. 0 for
    /// nothing.
    pub doubt: f32,
    /// Futures that a plan is judged by, each drawn from what the log shows to be possible; 0 to foresee the mean alone.
    pub futures: u16,
    /// Steps for which what nobody can know stays as it is; 0 as 1, where every step has chances of its own.
    pub lasting: u16,
    /// With a price of doubt: how the ensemble is learned.
    pub ensemble: ensemble::Config,
    /// With futures: how the model with a latent variable is learned.
    pub latent: latent::Config,
}

impl Config {
    /// Whether the section makes sense: of a state and an action of so many columns, a horizon, and the most hidden units of
    /// whatever else acts; `known` says whether there are equations.
    pub fn check(&self, sizes: [usize; 4], planner: Planners, known: bool) -> Result<()> {
        ensure!(
            self.doubt.is_finite() && self.doubt >= 0.0,
            "act.caution.doubt must be a number of at least 0, not {}",
            self.doubt
        );
        ensure!(
            self.futures <= futures::MOST,
            "act.caution.futures must be at most {}, not {}",
            futures::MOST,
            self.futures
        );
        if self.doubt == 0.0 && self.futures == 0 {
            return Ok(());
        }
        ensure!(
            self.doubt == 0.0 || self.futures == 0,
            "act.caution has both doubt and futures: choose one of them, as a model that knows its doubt has no latent variable"
        );
        ensure!(
            !known,
            "act.caution learns a model of its own, which does not know the equations of [physics]: leave out one of both"
        );
        if self.futures > 0 {
            ensure!(
                planner == Planners::Gradient,
                "act.caution.futures needs act.planner = \"gradient\": iLQR plans for one future"
            );
            ensure!(self.latent.latent > 0, "act.caution.latent.latent must be at least 1");
            ensure!(
                !matches!(self.latent.limit, Limit::Discrete { codewords: 0 }),
                "act.caution.latent.limit must have at least 1 of the codewords"
            );
            return Ok(());
        }
        let own = self.ensemble.hidden();
        let [.., others] = sizes;
        let [nx, nu, horizon, _] = sizes;
        for (what, found, most) in [
            ("columns of the state", nx, WARY[0]),
            ("columns of the action", nu, WARY[1]),
            ("steps of act.horizon", horizon, WARY[2]),
            ("hidden units of act.policy", others, WARY[3]),
            ("hidden units of act.caution.ensemble and its priors", own, WARY[3]),
        ] {
            ensure!(found <= most, "act.caution.doubt allows at most {most} {what}, not {found}");
        }
        Ok(())
    }

    /// Learns members that disagree where there is no data.
    pub fn ensemble(
        &self,
        data: &Transitions,
        rng: &mut Rng,
        progress: &mut Progress<'_>,
    ) -> Result<Ensemble> {
        let mut model = Ensemble::new(&self.ensemble, data, rng)?;
        let steps = self.ensemble.steps;
        model.train(data, rng, |member, step, loss| {
            progress("ensemble", member * steps + step, self.ensemble.members * steps, &[("error", loss)]);
        })?;
        Ok(model)
    }

    /// Learns what may become of a step.
    pub fn latent(&self, data: &Transitions, rng: &mut Rng, progress: &mut Progress<'_>) -> Result<Latent> {
        let mut model = Latent::new(&self.latent, data, rng);
        model.train(data, rng, |step, energy| {
            progress("futures", step, 2 * self.latent.steps, &[("energy", energy)]);
        })?;
        Ok(model)
    }
}
