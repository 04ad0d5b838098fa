//! Planning for a linear plant with quadratic cost and limits on its actions: one small quadratic programme, exactly.
//!
//! The states are eliminated, so that the actions of the whole horizon, `U`, are what is left, and everything that does not
//! depend on the state is computed when the planner is exported:
//!
//! ```text
//! J(U) = Uᵀ H U + 2 Uᵀ (F e + f) + …,   e = x − goal,   low ≤ U ≤ high
//! U* = K e + k    without limits: K = −H⁻¹ F, k = −H⁻¹ f,   at a cost of  eᵀ V e + 2 vᵀ e + v₀
//! U  = U* − G_{·A} λ,   G_AA λ = (U* − limit)_A             with the actions A held at their limits, G = H⁻¹
//! ```
//! `A` is right when no action is beyond its limit and no `λ` pulls away from it. Where `U*` is within its limits, as it mostly
//! is, that product is all there is to do. Otherwise `A` starts as the last plan's, a step on, and all of its wrong actions
//! change sides at once; where that does not lead to fewer of them, only the last one changes, which is slow but ends
//! (block principal pivoting: J. J. Júdice & F. M. Pires, *A block principal pivoting algorithm for large-scale strictly
//! monotone linear complementarity problems*, 1994). A round costs a Cholesky factor of the few actions that are held, and
//! no iteration through a badly conditioned `H`.

use super::{Outcome, Planner, Status};
use crate::{
    Zero,
    artifact::{self, ActiveSet, Artifact, ArtifactError, Load},
    cost::Cost,
    dense::{Dense, dot},
    math,
    policy::Limits,
    predict::ForwardModel,
};

/// What was computed when the planner was exported; `n = NU·H`, step by step.
#[derive(Clone, Copy, Debug)]
pub struct Lq<'a> {
    settings: ActiveSet,
    limits: Limits<'a>,
    /// `goal`, NX.
    goal: &'a [f32],
    /// `K`, n×NX.
    gain: Dense<'a>,
    /// `k`, n.
    offset: &'a [f32],
    /// `G`, n×n, row by row.
    inverse: &'a [f32],
    /// `V`, NX×NX.
    value: Dense<'a>,
    /// `v`, NX.
    slope: &'a [f32],
    /// `v₀`.
    rest: f32,
}

/// Numbers of a whole plan, action by action as the artifact has them; a larger type's last ones are not used.
type Whole<T, const NU: usize, const H: usize> = [[T; NU]; H];

/// The actions that are held, and what is computed with them.
#[derive(Clone, Debug)]
pub struct State<const NU: usize, const H: usize> {
    /// `U`.
    plan: Whole<f32, NU, H>,
    /// The plan with the fewest wrong actions.
    best: Whole<f32, NU, H>,
    /// `U*`.
    unlimited: Whole<f32, NU, H>,
    /// −1 at the low limit, 1 at the high one, 0 between them.
    held: Whole<i8, NU, H>,
    /// `A`.
    which: Whole<u16, NU, H>,
    /// `(U* − limit)_A`, then `λ`.
    multipliers: Whole<f32, NU, H>,
    /// One over the diagonal of the factor.
    scales: Whole<f32, NU, H>,
    /// The Cholesky factor of `G_AA`, below its diagonal.
    factor: Whole<Whole<f32, NU, H>, NU, H>,
}

impl<const NU: usize, const H: usize> Zero for State<NU, H> {
    const ZERO: Self = Self {
        plan: [[0.0; NU]; H],
        best: [[0.0; NU]; H],
        unlimited: [[0.0; NU]; H],
        held: [[0; NU]; H],
        which: [[0; NU]; H],
        multipliers: [[0.0; NU]; H],
        scales: [[0.0; NU]; H],
        factor: [[[[0.0; NU]; H]; NU]; H],
    };
}

impl<const NU: usize, const H: usize> State<NU, H> {
    /// The actions of the last plan, one step's behind the other's; what is behind the artifact's last has no meaning.
    pub fn plan(&self) -> &[f32] {
        self.plan.as_flattened()
    }
}

/// Rounds without progress in which all wrong actions change sides, before they do so one by one.
const PATIENCE: u32 = 3;

impl<'a> Load<'a> for Lq<'a> {
    /// Reads the part `plan` and the actions' range.
    fn load(artifact: &Artifact<'a>) -> Result<Self, ArtifactError> {
        let artifact::Planner::Lq(settings) = artifact.header().planner else {
            return Err(ArtifactError::Kind { expected: "a linear-quadratic planner" });
        };
        let (nx, n) = (artifact.sizes().nx(), artifact.sizes().nu() * artifact.sizes().h());
        let [rest] = artifact.vector("plan", "rest", 1)? else { return Err(ArtifactError::Header) };
        Ok(Self {
            settings,
            limits: Limits::load(artifact)?,
            goal: artifact.vector("plan", "goal", nx)?,
            gain: artifact.matrix("plan", "gain", n, nx)?,
            offset: artifact.vector("plan", "offset", n)?,
            inverse: artifact.vector("plan", "inverse", n.saturating_mul(n))?,
            value: artifact.matrix("plan", "value", nx, nx)?,
            slope: artifact.vector("plan", "slope", nx)?,
            rest: *rest,
        })
    }
}

impl<'a, M, const NX: usize, const NU: usize, const NZ: usize, const NH: usize, const H: usize>
    Planner<'a, M, NX, NU, NZ, NH, H> for Lq<'a>
where
    M: ForwardModel<NX, NU, NZ>,
{
    type State = State<NU, H>;

    /// The cost is that of the exported problem; of a plan that came of a spent budget, that of the model.
    fn plan(
        &self,
        state: &mut State<NU, H>,
        problem: (&M, &Cost<'_, NH>),
        x: &[f32; NX],
        _: impl Fn(&[f32; NX], &mut [f32; NU]),
    ) -> Outcome<NU> {
        let mut e = [0.0; NX];
        for (e, (x, goal)) in e.iter_mut().zip(x.iter().zip(self.goal)) {
            *e = x - goal;
        }
        let solved = self.solve(state, &e);
        let mut action = [0.0; NU];
        for (u, planned) in action.iter_mut().zip(state.plan.as_flattened().iter().take(self.limits.len())) {
            *u = *planned;
        }
        let cost = match solved.status {
            Status::Converged => self.unlimited_cost(&e) + solved.extra,
            _ => self.imagined_cost(state.plan.as_flattened(), problem, x),
        };
        let action = cost.is_finite().then_some(action);
        Outcome { action, cost, status: solved.status, iterations: solved.rounds }
    }

    /// The states were eliminated.
    fn planned<'s>(&self, _: &'s State<NU, H>) -> &'s [[f32; NX]] {
        &[]
    }
}

/// How it ended.
struct Solved {
    status: Status,
    /// Systems of equations that were solved.
    rounds: u32,
    /// What the limits cost.
    extra: f32,
}

impl Lq<'_> {
    /// Leaves the best plan in `state.plan`, within its limits.
    fn solve<const NU: usize, const H: usize>(&self, state: &mut State<NU, H>, e: &[f32]) -> Solved {
        let n = self.offset.len();
        for (u, k) in state.unlimited.as_flattened_mut().iter_mut().zip(self.offset) {
            *u = *k;
        }
        self.gain.add(e, state.unlimited.as_flattened_mut());
        self.step_on(state.held.as_flattened_mut());
        state.plan = state.unlimited;
        if self.within(state.plan.as_flattened()) {
            state.held = [[0; NU]; H];
            self.project(state.plan.as_flattened_mut());
            return Solved { status: Status::Converged, rounds: 0, extra: 0.0 };
        }
        let (mut fewest, mut patience) = (n + 1, PATIENCE);
        state.best = state.plan;
        for rounds in 1..=u32::from(self.settings.iterations) {
            let extra = self.hold(state);
            let (wrong, last) = self.wrong(state);
            if wrong == 0 {
                self.project(state.plan.as_flattened_mut());
                return Solved { status: Status::Converged, rounds, extra };
            }
            let mut from = 0;
            if wrong < fewest {
                (fewest, patience) = (wrong, PATIENCE);
                state.best = state.plan;
            } else if let Some(less) = patience.checked_sub(1) {
                patience = less;
            } else {
                from = last;
            }
            self.change(state, from);
        }
        state.plan = state.best;
        self.project(state.plan.as_flattened_mut());
        Solved { status: Status::BudgetSpent, rounds: self.settings.iterations.into(), extra: 0.0 }
    }

    /// The actions that the last plan held, a step later; none of the step that is new.
    fn step_on(&self, held: &mut [i8]) {
        let nu = self.limits.len();
        for i in 0..self.offset.len() {
            let later = held.get(i + nu).copied().unwrap_or(0);
            if let Some(held) = held.get_mut(i) {
                *held = later;
            }
        }
    }

    /// `(low, high)` of each action of the plan, and by how much it may be beyond.
    fn ranges(&self) -> impl Iterator<Item = (f32, f32, f32)> + '_ {
        let ranges = self.limits.iter().cycle().take(self.offset.len());
        ranges.map(|(low, high)| (low, high, self.settings.tolerance * (high - low)))
    }

    fn within(&self, plan: &[f32]) -> bool {
        plan.iter().zip(self.ranges()).all(|(u, (low, high, slack))| !(*u < low - slack || *u > high + slack))
    }

    fn project(&self, plan: &mut [f32]) {
        for (u, (low, high, _)) in plan.iter_mut().zip(self.ranges()) {
            *u = math::clamp(*u, low, high);
        }
    }

    /// A row of `G`, which is also its column.
    fn row(&self, i: usize) -> &[f32] {
        let n = self.offset.len();
        self.inverse.get(i.saturating_mul(n)..).and_then(|rest| rest.get(..n)).unwrap_or_default()
    }

    /// `U` and `λ` with the actions that are held; and `λᵀ G_AA λ`, what that costs.
    fn hold<const NU: usize, const H: usize>(&self, state: &mut State<NU, H>) -> f32 {
        let State { plan, unlimited, held, which, multipliers, scales, factor, .. } = state;
        let (plan, multipliers) = (plan.as_flattened_mut(), multipliers.as_flattened_mut());
        let (which, scales) = (which.as_flattened_mut(), scales.as_flattened_mut());
        let factor = factor.as_flattened_mut();
        for (u, unlimited) in plan.iter_mut().zip(unlimited.as_flattened()) {
            *u = *unlimited;
        }
        let mut count = 0;
        let actions = unlimited.as_flattened().iter().zip(held.as_flattened()).zip(self.ranges());
        for (i, ((u, held), (low, high, _))) in (0_u16..).zip(actions) {
            let beyond = match held {
                0 => continue,
                1 => u - high,
                _ => u - low,
            };
            if let (Some(which), Some(right)) = (which.get_mut(count), multipliers.get_mut(count)) {
                (*which, *right) = (i, beyond);
                count += 1;
            }
        }
        let which = which.get(..count).unwrap_or_default();

        // G_AA = L Lᵀ, row by row; L y = right on the way, y in the right side's place.
        for (k, &i) in which.iter().enumerate() {
            let row = self.row(i.into());
            let Some((above, [this, ..])) = factor.split_at_mut_checked(k) else { break };
            let this = this.as_flattened_mut();
            for (j, ((&i, above), scale)) in which.iter().zip(above.iter()).zip(scales.iter()).enumerate() {
                let (Some(left), Some(g)) = (this.get(..j), row.get(usize::from(i))) else { break };
                let entry = (g - dot(left, first(above.as_flattened(), j))) * scale;
                if let Some(place) = this.get_mut(j) {
                    *place = entry;
                }
            }
            let left = this.get(..k).unwrap_or_default();
            let rest = row.get(usize::from(i)).copied().unwrap_or(1.0) - dot(left, left);
            let y = dot(left, first(multipliers, k));
            if let (Some(scale), Some(right)) = (scales.get_mut(k), multipliers.get_mut(k)) {
                *scale = 1.0 / math::sqrt(rest.max(f32::MIN_POSITIVE));
                *right = (*right - y) * *scale;
            }
        }
        let multipliers = multipliers.get_mut(..count).unwrap_or_default();
        let extra = dot(multipliers, multipliers);
        // Lᵀ λ = y, last row first; U = U* − G λ.
        for k in (0..count).rev() {
            let (Some((before, [y, ..])), Some(scale)) = (multipliers.split_at_mut_checked(k), scales.get(k))
            else {
                break;
            };
            *y *= scale;
            let (lambda, row) = (*y, factor.get(k).map(|row| row.as_flattened()).unwrap_or_default());
            for (y, l) in before.iter_mut().zip(row) {
                *y -= lambda * l;
            }
            let row = which.get(k).map_or(&[][..], |&i| self.row(i.into()));
            for (u, g) in plan.iter_mut().zip(row) {
                *u -= lambda * g;
            }
        }
        extra
    }

    /// How many actions are on the wrong side, and the last of them. Held ones are brought to their limits.
    fn wrong<const NU: usize, const H: usize>(&self, state: &mut State<NU, H>) -> (usize, usize) {
        let (mut count, mut last) = (0, 0);
        let mut multipliers = state.multipliers.as_flattened().iter();
        let actions = state.plan.as_flattened_mut().iter_mut().zip(state.held.as_flattened());
        for (i, ((u, held), (low, high, slack))) in actions.zip(self.ranges()).enumerate() {
            let wrong = match held {
                0 => *u < low - slack || *u > high + slack,
                side => {
                    *u = if *side > 0 { high } else { low };
                    let lambda = multipliers.next().copied().unwrap_or(0.0);
                    if *side > 0 { lambda < 0.0 } else { lambda > 0.0 }
                }
            };
            if wrong {
                (count, last) = (count + 1, i);
            }
        }
        (count, last)
    }

    /// Lets the wrong actions from `from` on change sides.
    fn change<const NU: usize, const H: usize>(&self, state: &mut State<NU, H>, from: usize) {
        let mut multipliers = state.multipliers.as_flattened().iter();
        let actions = state.plan.as_flattened().iter().zip(state.held.as_flattened_mut());
        for (i, ((u, held), (low, high, slack))) in actions.zip(self.ranges()).enumerate() {
            let right = match *held {
                0 if *u > high + slack => 1,
                0 if *u < low - slack => -1,
                0 => 0,
                side => {
                    let lambda = multipliers.next().copied().unwrap_or(0.0);
                    if (side > 0 && lambda < 0.0) || (side < 0 && lambda > 0.0) { 0 } else { side }
                }
            };
            if i >= from {
                *held = right;
            }
        }
    }

    /// `eᵀ V e + 2 vᵀ e + v₀`.
    fn unlimited_cost<const NX: usize>(&self, e: &[f32; NX]) -> f32 {
        let mut ve = [0.0; NX];
        self.value.add(e, &mut ve);
        // Of the artifact's length: a sum's order depends on it.
        let e = first(e, self.slope.len());
        dot(e, first(&ve, e.len())) + 2.0 * dot(e, self.slope) + self.rest
    }

    /// What the model says that a plan costs.
    fn imagined_cost<M, const NX: usize, const NU: usize, const NZ: usize, const NH: usize>(
        &self,
        plan: &[f32],
        (model, cost): (&M, &Cost<'_, NH>),
        x: &[f32; NX],
    ) -> f32
    where
        M: ForwardModel<NX, NU, NZ>,
    {
        let (mut x, mut trace, mut sum) = (*x, M::Trace::ZERO, 0.0);
        let mut rest = plan.get(..self.offset.len()).unwrap_or_default();
        while let Some((action, later)) = rest.split_at_checked(self.limits.len()) {
            if action.is_empty() {
                break;
            }
            let mut u = [0.0; NU];
            for (u, planned) in u.iter_mut().zip(action) {
                *u = *planned;
            }
            sum += cost.stage(&x, &u);
            let before = x;
            model.step(&mut trace, &before, &u, &[0.0; NZ], &mut x);
            rest = later;
        }
        sum + cost.terminal(&x)
    }
}

/// The first `n` numbers: a dot product wants both of a length.
fn first(values: &[f32], n: usize) -> &[f32] {
    values.get(..n).unwrap_or(values)
}
