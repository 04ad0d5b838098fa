//! Planning by second-order descent: control-limited differential dynamic programming with a Gauss–Newton Hessian (iLQR).
//! W. Li & E. Todorov 2004; limits after Y. Tassa, N. Mansard & E. Todorov, *Control-limited differential dynamic
//! programming*, ICRA 2014.
//!
//! ```text
//! backward, t = H−1 … 0, with f_x, f_u the model's Jacobians and V the cost still to be paid:
//!   Q_x = l_x + f_xᵀ V_x     Q_xx = l_xx + f_xᵀ V_xx f_x     Q_ux = f_uᵀ V_xx f_x
//!   Q_u = l_u + f_uᵀ V_x     Q_uu = l_uu + f_uᵀ V_xx f_u + damping
//!   k = argmin ½ kᵀ Q_uu k + Q_uᵀ k  within the limits,   K = −Q_uu⁻¹ Q_ux in the actions that no limit holds
//! forward:  u ← clamp(u + α k + K (x − x̂)),   α = 1, ½, ¼ …, until the cost is lower
//! ```
//! Doubt counts by its slope, not by its curvature: the line search sees to it that the cost goes down.
//! A failed line search raises the damping, a success lowers it. It converges in few iterations where the gradient needs
//! many, and each of them costs `NX` pullbacks a step.

use super::{
    Outcome, Planner, Rollout, Status,
    backward::{Gains, Stage},
};
use crate::{
    Zero,
    artifact::{self, Artifact, ArtifactError, Load, Newton},
    cost::Cost,
    math,
    policy::Limits,
    predict::ForwardModel,
};

/// Settings of the planner.
#[derive(Clone, Copy, Debug)]
pub struct Ilqr<'a> {
    settings: Newton,
    horizon: usize,
    limits: Limits<'a>,
}

/// The plan at hand, the one on trial, and how to change it.
#[derive(Clone, Debug)]
pub struct State<T, const NX: usize, const NU: usize, const H: usize> {
    /// The best plan so far.
    pub plan: Rollout<T, NX, NU, H>,
    trial: Rollout<T, NX, NU, H>,
    gains: [Gains<NX, NU>; H],
    planned: bool,
}

impl<T: Zero, const NX: usize, const NU: usize, const H: usize> Zero for State<T, NX, NU, H> {
    const ZERO: Self =
        Self { plan: Rollout::ZERO, trial: Rollout::ZERO, gains: [Gains::ZERO; H], planned: false };
}

/// By how much the damping grows and shrinks, and between what.
const RAISE: f32 = 8.0;
const LOWER: f32 = 0.25;
const LEAST: f32 = 1e-6;
const MOST: f32 = 1e6;

impl<'a> Load<'a> for Ilqr<'a> {
    /// Reads the planner's settings and the actions' range from an artifact.
    fn load(artifact: &Artifact<'a>) -> Result<Self, ArtifactError> {
        let artifact::Planner::Ilqr(settings) = artifact.header().planner else {
            return Err(ArtifactError::Kind { expected: "an iLQR planner" });
        };
        Ok(Self { settings, horizon: artifact.sizes().h(), limits: Limits::load(artifact)? })
    }
}

impl<'a, M, const NX: usize, const NU: usize, const NZ: usize, const NH: usize, const H: usize>
    Planner<'a, M, NX, NU, NZ, NH, H> for Ilqr<'a>
where
    M: ForwardModel<NX, NU, NZ>,
{
    type State = State<M::Trace, NX, NU, H>;

    fn plan(
        &self,
        state: &mut Self::State,
        problem: (&M, &Cost<'_, NH>),
        x: &[f32; NX],
        practice: impl Fn(&[f32; NX], &mut [f32; NU]),
    ) -> Outcome<NU> {
        let State { plan, trial, planned, .. } = state;
        super::choose_start((plan, trial), *planned, problem, x, (self.horizon, self.limits), practice);
        let first = !*planned;
        *planned = true;
        let ended = self.improve(state, problem, x);
        if first { self.shake(state, problem, x, ended) } else { state.plan.outcome(ended) }
    }

    fn planned<'s>(&self, state: &'s Self::State) -> &'s [[f32; NX]] {
        state.plan.ahead(self.horizon)
    }
}

impl Ilqr<'_> {
    /// Descends again from plans that shake the plant: the cheapest start may rest where nothing pulls, as a pendulum
    /// that hangs, and what follows would stay there. Only the first plan of a flight needs that.
    fn shake<M, const NX: usize, const NU: usize, const NZ: usize, const NH: usize, const H: usize>(
        &self,
        state: &mut State<M::Trace, NX, NU, H>,
        problem: (&M, &Cost<'_, NH>),
        x: &[f32; NX],
        mut ended: (Status, u16),
    ) -> Outcome<NU>
    where
        M: ForwardModel<NX, NU, NZ>,
    {
        let (mut best, mut least) = (state.plan.actions, state.plan.cost);
        for first in [0.0, 1.0] {
            // To one end for a quarter of the horizon, to the other for a quarter, then rest in the middle.
            state.plan.imagine(problem, x, self.horizon, |t, _, u| {
                let share = match 4 * t / self.horizon.max(1) {
                    0 => first,
                    1 => 1.0 - first,
                    _ => 0.5,
                };
                super::between(self.limits, share, u);
            });
            let again = self.improve(state, problem, x);
            if state.plan.cost < least || least.is_nan() {
                (best, least, ended) = (state.plan.actions, state.plan.cost, again);
            }
        }
        state.plan.imagine(problem, x, self.horizon, |t, _, u| {
            if let Some(kept) = best.get(t) {
                *u = *kept;
            }
        });
        state.plan.outcome(ended)
    }

    /// Backward and forward passes from the plan at hand until the budget is spent.
    fn improve<M, const NX: usize, const NU: usize, const NZ: usize, const NH: usize, const H: usize>(
        &self,
        state: &mut State<M::Trace, NX, NU, H>,
        problem: (&M, &Cost<'_, NH>),
        x: &[f32; NX],
    ) -> (Status, u16)
    where
        M: ForwardModel<NX, NU, NZ>,
    {
        let State { plan, trial, gains, .. } = state;
        let mut damping = self.settings.damping;
        for iteration in 0..self.settings.iterations {
            if !self.backward(plan, gains, problem, x, damping) {
                damping = raised(damping);
                continue;
            }
            let moved = gains.iter().take(self.horizon).any(|g| g.open.iter().any(|&k| k != 0.0));
            if !moved {
                return (Status::Converged, iteration + 1);
            }
            let before = plan.cost;
            if !self.search((plan, trial), gains, problem, x) {
                if damping >= MOST {
                    return (Status::Converged, iteration + 1);
                }
                damping = raised(damping);
                continue;
            }
            damping = if damping * LOWER < LEAST { 0.0 } else { damping * LOWER };
            if before - plan.cost < self.settings.tolerance * math::abs(plan.cost) {
                return (Status::Converged, iteration + 1);
            }
        }
        (Status::BudgetSpent, self.settings.iterations)
    }

    /// The gains of every step; whether all of them could be found.
    fn backward<M, const NX: usize, const NU: usize, const NZ: usize, const NH: usize, const H: usize>(
        &self,
        plan: &Rollout<M::Trace, NX, NU, H>,
        gains: &mut [Gains<NX, NU>; H],
        (model, cost): (&M, &Cost<'_, NH>),
        start: &[f32; NX],
        damping: f32,
    ) -> bool
    where
        M: ForwardModel<NX, NU, NZ>,
    {
        let horizon = self.horizon.min(H);
        let Some(last) = horizon.checked_sub(1).and_then(|t| plan.states.get(t)) else { return false };
        let (mut slope, mut bend) = ([0.0; NX], [[0.0; NX]; NX]);
        cost.terminal_gradient(last, &mut slope);
        cost.terminal_curvature(last, &mut bend);
        // What a full range of an action may change the cost by: damping is relative to that where there is no curvature.
        let typical = math::abs(plan.cost) / horizon as f32;
        let steps = gains.iter_mut().zip(plan.actions.iter().zip(&plan.traces)).take(horizon);
        let earlier = plan.states.iter().take(horizon.saturating_sub(1)).rev();
        for ((gain, (u, trace)), x) in steps.rev().zip(earlier.chain(core::iter::once(start))) {
            let mut stage = Stage::of(model, trace, (&slope, &bend), cost.doubt());
            cost.stage_gradient(x, u, &mut stage.slope_x, &mut stage.slope_u);
            let mut effort = [0.0; NU];
            cost.stage_curvature(x, &mut stage.bend_xx, &mut effort);
            let mut room = [(0.0, 0.0); NU];
            for ((room, u), (low, high)) in room.iter_mut().zip(u).zip(self.limits.iter()) {
                *room = (low - u, high - u);
            }
            for (i, (row, (effort, (below, above)))) in
                stage.bend_uu.iter_mut().zip(effort.into_iter().zip(room)).enumerate()
            {
                if let Some(h) = row.get_mut(i) {
                    let range = above - below;
                    // Components that the artifact does not have stand still.
                    let floor = if range > 0.0 { typical / (range * range) } else { 1.0 };
                    *h += effort;
                    *h += damping * (math::abs(*h) + floor);
                }
            }
            if !gain.find(&stage, &room) {
                return false;
            }
            (slope, bend) = gain.still_to_pay(&stage);
        }
        true
    }

    /// Tries shorter and shorter steps; whether one of them lowers the cost.
    fn search<M, const NX: usize, const NU: usize, const NZ: usize, const NH: usize, const H: usize>(
        &self,
        (plan, trial): (&mut Rollout<M::Trace, NX, NU, H>, &mut Rollout<M::Trace, NX, NU, H>),
        gains: &[Gains<NX, NU>; H],
        problem: (&M, &Cost<'_, NH>),
        start: &[f32; NX],
    ) -> bool
    where
        M: ForwardModel<NX, NU, NZ>,
    {
        let mut share = 1.0;
        for _ in 0..self.settings.trials {
            trial.imagine(problem, start, self.horizon, |t, x, u| {
                let before = t.checked_sub(1).map_or(Some(start), |t| plan.states.get(t));
                if let (Some(old), Some(gain), Some(before)) = (plan.actions.get(t), gains.get(t), before) {
                    *u = gain.act(old, share, x, before);
                    self.limits.project(u);
                }
            });
            if trial.cost < plan.cost {
                core::mem::swap(plan, trial);
                return true;
            }
            share *= 0.5;
        }
        false
    }
}

fn raised(damping: f32) -> f32 {
    math::clamp(damping * RAISE, LEAST, MOST)
}
