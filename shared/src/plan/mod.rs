//! Planning (system 2): look some steps ahead, take the first action, look again.

mod backward;
pub mod discrete;
pub mod gradient;
pub mod ilqr;
pub mod lq;
mod noise;
pub mod reflex;
pub mod sampling;

use crate::{Zero, artifact::Load, cost::Cost, math, policy::Limits, predict::ForwardModel};
use serde::{Deserialize, Serialize};

/// A way to plan from a state: a fixed budget, a warm start from its last plan, the best plan found.
pub trait Planner<
    'a,
    M: ForwardModel<NX, NU, NZ>,
    const NX: usize,
    const NU: usize,
    const NZ: usize,
    const NH: usize,
    const H: usize,
>: Load<'a>
{
    /// The plan at hand, and the memory it is made in.
    type State: Zero;

    /// Plans from state `x` with a model and a cost; `practice` says what the policy would do, or the safe action where
    /// there is no policy.
    fn plan(
        &self,
        state: &mut Self::State,
        problem: (&M, &Cost<'_, NH>),
        x: &[f32; NX],
        practice: impl Fn(&[f32; NX], &mut [f32; NU]),
    ) -> Outcome<NU>;

    /// The states that the last plan leads through, `x_1` first; none of a planner that does not look at them.
    fn planned<'s>(&self, state: &'s Self::State) -> &'s [[f32; NX]];
}

/// What came of planning.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outcome<const NU: usize> {
    /// The first action of the plan; none where every plan runs off to infinite cost.
    pub action: Option<[f32; NU]>,
    /// What the plan costs over its horizon.
    pub cost: f32,
    /// How planning ended.
    pub status: Status,
    /// Iterations it took.
    pub iterations: u32,
}

/// How a plan ended. The plan is the best one found in both cases.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Status {
    /// No plan was asked for: the policy acted, or the safe action was taken.
    #[default]
    NotPlanned,
    /// No further descent was to be had.
    Converged,
    /// The iterations were used up before.
    BudgetSpent,
}

/// Actions, the states they lead to, and what they cost. It remembers `TRACES` steps for their pullback: all of them, or, for a
/// planner that wants no slopes, one after the other in the same place.
#[derive(Clone, Debug)]
pub struct Rollout<T, const NX: usize, const NU: usize, const H: usize, const TRACES: usize = H> {
    /// `u_0 … u_{H−1}`.
    pub actions: [[f32; NU]; H],
    /// `x_1 … x_H`.
    pub states: [[f32; NX]; H],
    /// What each step remembers for its pullback.
    traces: [T; TRACES],
    /// `J`.
    pub cost: f32,
}

impl<T: Zero, const NX: usize, const NU: usize, const H: usize, const TRACES: usize> Zero
    for Rollout<T, NX, NU, H, TRACES>
{
    const ZERO: Self = Self {
        actions: [[0.0; NU]; H],
        states: [[0.0; NX]; H],
        traces: [const { T::ZERO }; TRACES],
        cost: 0.0,
    };
}

/// Makes a step of the model; what it costs, doubt included.
fn step<M, const NX: usize, const NU: usize, const NZ: usize, const NH: usize>(
    (model, cost): (&M, &Cost<'_, NH>),
    trace: &mut M::Trace,
    (x, u, z): (&[f32; NX], &[f32; NU], &[f32; NZ]),
    next: &mut [f32; NX],
) -> f32
where
    M: ForwardModel<NX, NU, NZ>,
{
    let paid = cost.stage(x, u);
    model.step(trace, x, u, z, next);
    let Some(uncertainty) = model.uncertainty(trace) else { return paid };
    uncertainty.epistemic.iter().zip(cost.doubt()).fold(paid, |sum, (variance, price)| sum + price * variance)
}

impl<T, const NX: usize, const NU: usize, const H: usize, const TRACES: usize> Rollout<T, NX, NU, H, TRACES> {
    /// Imagines `horizon` steps from `start`, in every future that the cost is a mean of. `actor` sees the step, the state and
    /// the action that stands in the plan, and may put another in its place; it looks at one future, and the plan is the same in
    /// all of them. What is left are the states and traces of the first future.
    pub fn imagine<M, const NZ: usize, const NH: usize>(
        &mut self,
        problem: (&M, &Cost<'_, NH>),
        start: &[f32; NX],
        horizon: usize,
        mut actor: impl FnMut(usize, &[f32; NX], &mut [f32; NU]),
    ) where
        M: ForwardModel<NX, NU, NZ, Trace = T>,
    {
        let futures = problem.1.futures().count::<NZ>();
        let mut sum = 0.0;
        for k in (0..futures).rev() {
            sum += self.come_true(problem, start, (horizon, k), |t, x, u| {
                if k + 1 == futures {
                    actor(t, x, u);
                }
            });
        }
        self.cost = sum / f32::from(futures);
    }

    /// What the plan costs in future `k`.
    fn come_true<M, const NZ: usize, const NH: usize>(
        &mut self,
        problem: (&M, &Cost<'_, NH>),
        start: &[f32; NX],
        (horizon, k): (usize, u16),
        mut actor: impl FnMut(usize, &[f32; NX], &mut [f32; NU]),
    ) -> f32
    where
        M: ForwardModel<NX, NU, NZ, Trace = T>,
    {
        let (mut x, mut paid) = (*start, 0.0);
        let steps = self.actions.iter_mut().zip(&mut self.states);
        for (t, (u, next)) in steps.enumerate().take(horizon) {
            let Some(trace) = self.traces.get_mut(t.min(TRACES.saturating_sub(1))) else { break };
            actor(t, &x, u);
            paid += step(problem, trace, (&x, u, &problem.1.futures().draw(k, t)), next);
            x = *next;
        }
        paid + problem.1.terminal(&x)
    }

    /// The states of the first `horizon` steps.
    fn ahead(&self, horizon: usize) -> &[[f32; NX]] {
        self.states.get(..horizon).unwrap_or(&self.states)
    }

    /// What is to be told of this plan: an action only where its cost is a number.
    fn outcome(&self, (status, iterations): (Status, u16)) -> Outcome<NU> {
        let action = self.actions.first().copied().filter(|_| self.cost.is_finite());
        Outcome { action, cost: self.cost, status, iterations: iterations.into() }
    }
}

impl<T, const NX: usize, const NU: usize, const H: usize> Rollout<T, NX, NU, H> {
    /// The adjoint (Kelley–Bryson) gradient of the cost in the actions: costates run from the last state to the first.
    ///
    /// ```text
    /// λ_H = ∂terminal/∂x_H,   ∂J/∂u_t = ∂stage/∂u_t + λ_{t+1}ᵀ ∂f/∂u,   λ_t = ∂stage/∂x_t + λ_{t+1}ᵀ ∂f/∂x
    /// ```
    /// Doubt is a part of the stage. With several futures it is the mean over them; each comes true once more for its traces, so
    /// they take no more memory than one.
    pub fn gradient<M, const NZ: usize, const NH: usize>(
        &mut self,
        problem: (&M, &Cost<'_, NH>),
        start: &[f32; NX],
        horizon: usize,
        gradient: &mut [[f32; NU]; H],
    ) where
        M: ForwardModel<NX, NU, NZ, Trace = T>,
    {
        let futures = problem.1.futures().count::<NZ>();
        for k in (0..futures).rev() {
            if futures > 1 {
                self.come_true(problem, start, (horizon, k), |_, _, _| {});
            }
            self.add_gradient(problem, start, (horizon, k + 1 == futures), gradient);
        }
        if futures > 1 {
            let share = 1.0 / f32::from(futures);
            gradient.as_flattened_mut().iter_mut().for_each(|g| *g *= share);
        }
    }

    /// The gradient in the future whose traces there are: in the place of what is there, or added to it.
    fn add_gradient<M, const NZ: usize, const NH: usize>(
        &self,
        (model, cost): (&M, &Cost<'_, NH>),
        start: &[f32; NX],
        (horizon, first): (usize, bool),
        gradient: &mut [[f32; NU]; H],
    ) where
        M: ForwardModel<NX, NU, NZ, Trace = T>,
    {
        let horizon = horizon.min(H);
        let mut costate = [0.0; NX];
        if let Some(last) = horizon.checked_sub(1).and_then(|t| self.states.get(t)) {
            cost.terminal_gradient(last, &mut costate);
        }
        let mut pulled = crate::predict::Pullback::ZERO;
        let steps = gradient.iter_mut().zip(self.actions.iter().zip(&self.traces)).take(horizon);
        let earlier = self.states.iter().take(horizon.saturating_sub(1)).rev();
        for ((g, (u, trace)), x) in steps.rev().zip(earlier.chain(core::iter::once(start))) {
            model.wary_pullback(trace, &costate, cost.doubt(), &mut pulled);
            costate = pulled.x;
            cost.stage_gradient(x, u, &mut costate, &mut pulled.u);
            if first {
                *g = pulled.u;
            } else {
                g.iter_mut().zip(pulled.u).for_each(|(g, more)| *g += more);
            }
        }
    }
}

/// Imagines every start and keeps the cheapest as the plan: the last plan shifted by one step, if there was one; what
/// practice would do; each end and the middle of the actions' range throughout. The cost has local minima, and each start
/// may lead to another.
fn choose_start<
    M,
    const NX: usize,
    const NU: usize,
    const NZ: usize,
    const NH: usize,
    const H: usize,
    const TRACES: usize,
>(
    (plan, trial): (&mut Rollout<M::Trace, NX, NU, H, TRACES>, &mut Rollout<M::Trace, NX, NU, H, TRACES>),
    shifted: bool,
    problem: (&M, &Cost<'_, NH>),
    x: &[f32; NX],
    (horizon, limits): (usize, Limits<'_>),
    practice: impl Fn(&[f32; NX], &mut [f32; NU]),
) where
    M: ForwardModel<NX, NU, NZ>,
{
    if shifted {
        plan.actions.copy_within(1.., 0);
    }
    let last = horizon.saturating_sub(1);
    plan.imagine(problem, x, horizon, |t, x, u| {
        if t == last || !shifted {
            practice(x, u);
        }
    });
    let mut consider = |actor: &dyn Fn(&[f32; NX], &mut [f32; NU])| {
        trial.imagine(problem, x, horizon, |_, x, u| actor(x, u));
        // A plan whose cost is NaN loses against any other.
        if trial.cost < plan.cost || plan.cost.is_nan() {
            core::mem::swap(plan, trial);
        }
    };
    if shifted {
        consider(&practice);
    }
    for share in [0.0, 0.5, 1.0] {
        consider(&|_, u| between(limits, share, u));
    }
}

/// The action at a share of the way from the low ends to the high ends.
fn between(limits: Limits<'_>, share: f32, u: &mut [f32]) {
    for (u, (low, high)) in u.iter_mut().zip(limits.iter()) {
        *u = math::clamp(low + share * (high - low), low, high);
    }
}
