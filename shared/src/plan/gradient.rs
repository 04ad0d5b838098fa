//! Planning by descent: backpropagate the summed cost through the unrolled model to the actions, and descend.
//!
//! The actions are latent variables, inferred anew at each decision. Descent is projected onto the box of allowed
//! actions, has momentum, and a step that grows while it succeeds and shrinks when it fails; only descents are accepted,
//! so the plan at hand is the best one found whenever the budget ends. The cost has local minima, so several starts are
//! imagined first: the last plan shifted by one step, what the policy would do, and each end and the middle of the
//! actions' range throughout.

use super::{Outcome, Planner, Rollout, Status};
use crate::{
    Zero,
    artifact::{self, Artifact, ArtifactError, Descent, Load},
    cost::Cost,
    math,
    policy::Limits,
    predict::ForwardModel,
};

/// Settings of the planner.
#[derive(Clone, Copy, Debug)]
pub struct Gradient<'a> {
    settings: Descent,
    horizon: usize,
    limits: Limits<'a>,
}

/// The plan at hand, the one on trial, and the way down.
#[derive(Clone, Debug)]
pub struct State<T, const NX: usize, const NU: usize, const H: usize> {
    /// The best plan so far.
    pub plan: Rollout<T, NX, NU, H>,
    trial: Rollout<T, NX, NU, H>,
    gradient: [[f32; NU]; H],
    direction: [[f32; NU]; H],
    planned: bool,
}

impl<T: Zero, const NX: usize, const NU: usize, const H: usize> Zero for State<T, NX, NU, H> {
    const ZERO: Self = Self {
        plan: Rollout::ZERO,
        trial: Rollout::ZERO,
        gradient: [[0.0; NU]; H],
        direction: [[0.0; NU]; H],
        planned: false,
    };
}

/// Growth of the step after a descent, and what is left of it after a failure.
const GROW: f32 = 1.5;
const SHRINK: f32 = 0.4;

impl<'a> Load<'a> for Gradient<'a> {
    /// Reads the planner's settings and the actions' range from an artifact.
    fn load(artifact: &Artifact<'a>) -> Result<Self, ArtifactError> {
        let artifact::Planner::Gradient(settings) = artifact.header().planner else {
            return Err(ArtifactError::Kind { expected: "a gradient planner" });
        };
        Ok(Self { settings, horizon: artifact.sizes().h(), limits: Limits::load(artifact)? })
    }
}

impl<'a, M, const NX: usize, const NU: usize, const NZ: usize, const NH: usize, const H: usize>
    Planner<'a, M, NX, NU, NZ, NH, H> for Gradient<'a>
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
        *planned = true;
        let ended = self.improve(state, problem, x);
        state.plan.outcome(ended)
    }

    fn planned<'s>(&self, state: &'s Self::State) -> &'s [[f32; NX]] {
        state.plan.ahead(self.horizon)
    }
}

impl Gradient<'_> {
    /// Descends from the plan at hand until the budget is spent.
    fn improve<M, const NX: usize, const NU: usize, const NZ: usize, const NH: usize, const H: usize>(
        &self,
        state: &mut State<M::Trace, NX, NU, H>,
        problem: (&M, &Cost<'_, NH>),
        x: &[f32; NX],
    ) -> (Status, u16)
    where
        M: ForwardModel<NX, NU, NZ>,
    {
        let State { plan, trial, gradient, direction, .. } = state;
        plan.gradient(problem, x, self.horizon, gradient);
        *direction = [[0.0; NU]; H];
        let mut step = self.settings.step / self.steepest(gradient).max(f32::MIN_POSITIVE);
        for iteration in 0..self.settings.iterations {
            self.descend(plan, trial, gradient, direction, step);
            trial.imagine(problem, x, self.horizon, |_, _, _| {});
            let gained = plan.cost - trial.cost;
            if gained > 0.0 {
                core::mem::swap(plan, trial);
                plan.gradient(problem, x, self.horizon, gradient);
                step *= GROW;
                if gained < self.settings.tolerance * plan.cost.abs() {
                    return (Status::Converged, iteration + 1);
                }
            } else if direction.as_flattened().iter().all(|&d| d == 0.0) {
                // Every action is held by a limit, or at a minimum: smaller steps would not move it either.
                return (Status::Converged, iteration + 1);
            } else {
                // Also when the model has run off and the cost is NaN: a smaller step stays closer to the best plan.
                *direction = [[0.0; NU]; H];
                step *= SHRINK;
            }
        }
        (Status::BudgetSpent, self.settings.iterations)
    }

    /// `d ← momentum · d − step · range² g`, trial actions = projection of `u + d`.
    fn descend<T, const NX: usize, const NU: usize, const H: usize>(
        &self,
        plan: &Rollout<T, NX, NU, H>,
        trial: &mut Rollout<T, NX, NU, H>,
        gradient: &[[f32; NU]; H],
        direction: &mut [[f32; NU]; H],
        step: f32,
    ) {
        let rows = direction.iter_mut().zip(gradient).zip(trial.actions.iter_mut().zip(&plan.actions));
        for ((d, g), (next, u)) in rows.take(self.horizon) {
            let limits = self.limits.iter();
            for ((d, g), ((next, u), (low, high))) in
                d.iter_mut().zip(g).zip(next.iter_mut().zip(u).zip(limits))
            {
                let range = high - low;
                let moved = u + self.settings.momentum * *d - step * range * range * g;
                *next = math::clamp(moved, low, high);
                *d = *next - u;
            }
        }
    }

    /// The largest slope, in cost per full range of an action.
    fn steepest<const NU: usize, const H: usize>(&self, gradient: &[[f32; NU]; H]) -> f32 {
        let slopes = gradient.iter().take(self.horizon).flat_map(|g| g.iter().zip(self.limits.iter()));
        slopes.fold(0.0, |most: f32, (g, (low, high))| {
            let slope = g * (high - low);
            most.max(if slope < 0.0 { -slope } else { slope })
        })
    }
}
