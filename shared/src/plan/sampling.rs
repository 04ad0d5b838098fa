//! Planning by chance: plans drawn around the one at hand, and what is to be learned from what they cost. No slopes are
//! needed, of the model or of the cost.
//!
//! ```text
//! u_t^k = clamp(m_t + s_t ε_t^k)   for k = 1 … K, ε correlated in time;   J_k what the model says that it costs
//! path integral:  m ← Σ w_k u^k / Σ w_k,   w_k = exp(−(J_k − min J)/temperature)
//! cross-entropy:  m, s ← mean and deviation of the best few
//! ```
//! Model-predictive path integral control: G. Williams et al., *Information theoretic MPC for model-based reinforcement learning*,
//! ICRA 2017. The cross-entropy method: R. Rubinstein 1999; noise correlated in time: C. Pinneri et al., *Sample-efficient
//! cross-entropy method for real-time planning*, CoRL 2020.
//!
//! A sum with the weights of a softmax needs no list of samples: where a cheaper one comes, what is summed so far is scaled
//! down. The best few are drawn again, as noise depends on nothing but its place: remembered is which they were.
//! The cheapest plan ever drawn is kept, so what is done is never worse than the start.

use super::{Outcome, Planner, Rollout, Status, noise::Noise};
use crate::{
    Zero,
    artifact::{self, Artifact, ArtifactError, Load, Method},
    cost::Cost,
    math,
    policy::Limits,
    predict::ForwardModel,
};

/// Settings of the planner, which remembers at most `E` of the best samples; 0 for path integrals.
#[derive(Clone, Copy, Debug)]
pub struct Sampling<'a, const E: usize> {
    settings: artifact::Sampling,
    horizon: usize,
    limits: Limits<'a>,
}

/// The plan at hand, the one on trial, and the distribution that it is drawn from.
#[derive(Clone, Debug)]
pub struct State<T, const NX: usize, const NU: usize, const H: usize, const E: usize> {
    /// The best plan so far.
    pub plan: Rollout<T, NX, NU, H, 1>,
    trial: Rollout<T, NX, NU, H, 1>,
    mean: [[f32; NU]; H],
    deviation: [[f32; NU]; H],
    /// The next of both, while they are summed up.
    next_mean: [[f32; NU]; H],
    next_deviation: [[f32; NU]; H],
    /// Costs of the best samples, the least first, and which they are.
    best: [(f32, u16); E],
    /// Rounds of samples that have been drawn: none is ever drawn twice.
    rounds: u32,
    planned: bool,
}

impl<T: Zero, const NX: usize, const NU: usize, const H: usize, const E: usize> Zero
    for State<T, NX, NU, H, E>
{
    const ZERO: Self = Self {
        plan: Rollout::ZERO,
        trial: Rollout::ZERO,
        mean: [[0.0; NU]; H],
        deviation: [[0.0; NU]; H],
        next_mean: [[0.0; NU]; H],
        next_deviation: [[0.0; NU]; H],
        best: [(0.0, 0); E],
        rounds: 0,
        planned: false,
    };
}

/// The least deviation of the cross-entropy method, as a share of the first: it goes on looking.
const LEAST: f32 = 0.05;

impl<'a, const E: usize> Load<'a> for Sampling<'a, E> {
    /// Reads the planner's settings and the actions' range from an artifact.
    fn load(artifact: &Artifact<'a>) -> Result<Self, ArtifactError> {
        let artifact::Planner::Sampling(settings) = artifact.header().planner else {
            return Err(ArtifactError::Kind { expected: "a sampling planner" });
        };
        settings.check_elites::<E>()?;
        Ok(Self { settings, horizon: artifact.sizes().h(), limits: Limits::load(artifact)? })
    }
}

impl<
    'a,
    M,
    const NX: usize,
    const NU: usize,
    const NZ: usize,
    const NH: usize,
    const H: usize,
    const E: usize,
> Planner<'a, M, NX, NU, NZ, NH, H> for Sampling<'a, E>
where
    M: ForwardModel<NX, NU, NZ>,
{
    type State = State<M::Trace, NX, NU, H, E>;

    fn plan(
        &self,
        state: &mut Self::State,
        problem: (&M, &Cost<'_, NH>),
        x: &[f32; NX],
        practice: impl Fn(&[f32; NX], &mut [f32; NU]),
    ) -> Outcome<NU> {
        let State { plan, trial, planned, .. } = state;
        super::choose_start((plan, trial), *planned, problem, x, (self.horizon, self.limits), practice);
        state.planned = true;
        state.mean = state.plan.actions;
        let mut first = [0.0; NU];
        for (first, (low, high)) in first.iter_mut().zip(self.limits.iter()) {
            *first = self.settings.deviation * (high - low);
        }
        state.deviation = [first; H];
        for _ in 0..self.settings.iterations {
            self.round(state, problem, x, &first);
            state.rounds = state.rounds.wrapping_add(1);
        }
        state.plan.outcome((Status::BudgetSpent, self.settings.iterations))
    }

    fn planned<'s>(&self, state: &'s Self::State) -> &'s [[f32; NX]] {
        state.plan.ahead(self.horizon)
    }
}

impl<const E: usize> Sampling<'_, E> {
    /// Draws all samples once, moves the distribution, and tries its mean.
    fn round<M, const NX: usize, const NU: usize, const NZ: usize, const NH: usize, const H: usize>(
        &self,
        state: &mut State<M::Trace, NX, NU, H, E>,
        problem: (&M, &Cost<'_, NH>),
        x: &[f32; NX],
        first: &[f32; NU],
    ) where
        M: ForwardModel<NX, NU, NZ>,
    {
        let mut weights = Weights { least: f32::INFINITY, total: 0.0 };
        let mut count = 0;
        for sample in 0..self.settings.samples {
            let State { trial, mean, deviation, rounds, .. } = &mut *state;
            let mut noise = self.noise(*rounds, sample);
            let mut steps = mean.iter().zip(deviation.iter());
            trial.imagine(problem, x, self.horizon, |_, _, u| {
                if let Some(around) = steps.next() {
                    *u = self.draw(&mut noise, around);
                }
            });
            let cost = state.trial.cost;
            match self.settings.method {
                Method::PathIntegral { temperature } if cost.is_finite() => {
                    let (fade, weight) = weights.take(cost, temperature);
                    let (sums, actions) = (&mut state.next_mean, &state.trial.actions);
                    for (sum, u) in sums.as_flattened_mut().iter_mut().zip(actions.as_flattened()) {
                        *sum = *sum * fade + weight * u;
                    }
                }
                Method::CrossEntropy { elites } if cost.is_finite() => {
                    count = keep(&mut state.best, count, elites.into(), (cost, sample));
                }
                // Where the model runs off nothing is learned.
                Method::PathIntegral { .. } | Method::CrossEntropy { .. } => continue,
            }
            if cost < state.plan.cost || state.plan.cost.is_nan() {
                core::mem::swap(&mut state.plan, &mut state.trial);
            }
        }
        match self.settings.method {
            Method::PathIntegral { .. } if weights.total > 0.0 => {
                for (mean, sum) in
                    state.mean.as_flattened_mut().iter_mut().zip(state.next_mean.as_flattened())
                {
                    *mean = sum / weights.total;
                }
            }
            Method::CrossEntropy { .. } if count > 0 => self.refit(state, count, first),
            Method::PathIntegral { .. } | Method::CrossEntropy { .. } => return,
        }
        let State { trial, plan, mean, .. } = state;
        let mut steps = mean.iter();
        trial.imagine(problem, x, self.horizon, |_, _, u| {
            if let Some(mean) = steps.next() {
                *u = *mean;
                // A mean of what is in range may be rounded out of it.
                self.limits.project(u);
            }
        });
        if trial.cost < plan.cost {
            core::mem::swap(plan, trial);
        }
    }

    /// The distribution of the best samples: all are drawn once more.
    fn refit<T, const NX: usize, const NU: usize, const H: usize>(
        &self,
        state: &mut State<T, NX, NU, H, E>,
        count: usize,
        first: &[f32; NU],
    ) {
        let State { mean, deviation, next_mean, next_deviation, best, rounds, .. } = state;
        (*next_mean, *next_deviation) = ([[0.0; NU]; H], [[0.0; NU]; H]);
        // Welford's recurrence: mean and sum of squares of what came so far.
        for (k, (_, sample)) in best.iter().take(count).enumerate() {
            let mut noise = self.noise(*rounds, *sample);
            let share = 1.0 / (k + 1) as f32;
            let next = next_mean.iter_mut().zip(next_deviation.iter_mut());
            for (around, (middles, squares)) in mean.iter().zip(deviation.iter()).zip(next).take(self.horizon)
            {
                let drawn = self.draw(&mut noise, around);
                for (u, (middle, square)) in drawn.iter().zip(middles.iter_mut().zip(squares)) {
                    let off = u - *middle;
                    *middle += share * off;
                    *square += off * (u - *middle);
                }
            }
        }
        *mean = *next_mean;
        let share = 1.0 / count as f32;
        for (spread, squares) in deviation.iter_mut().zip(next_deviation.iter()) {
            for (spread, (square, first)) in spread.iter_mut().zip(squares.iter().zip(first)) {
                *spread = math::sqrt(share * square).max(LEAST * first);
            }
        }
    }

    fn noise<const NU: usize>(&self, round: u32, sample: u16) -> Noise<NU> {
        Noise::of(self.settings.seed, round, sample, self.settings.correlation)
    }

    /// The next action of a sample, around a mean and with a deviation.
    fn draw<const NU: usize>(
        &self,
        noise: &mut Noise<NU>,
        (mean, deviation): (&[f32; NU], &[f32; NU]),
    ) -> [f32; NU] {
        let mut u = noise.next(self.limits.len());
        for (u, (mean, deviation)) in u.iter_mut().zip(mean.iter().zip(deviation)) {
            *u = mean + deviation * *u;
        }
        self.limits.project(&mut u);
        u
    }
}

/// The weights of a softmax, relative to the cheapest so far.
struct Weights {
    least: f32,
    total: f32,
}

impl Weights {
    /// By how much all that is summed so far fades, and the weight of a new cost.
    fn take(&mut self, cost: f32, temperature: f32) -> (f32, f32) {
        let (fade, weight) = if cost < self.least {
            let fade = if self.total > 0.0 { math::exp((cost - self.least) / temperature) } else { 0.0 };
            self.least = cost;
            (fade, 1.0)
        } else {
            (1.0, math::exp((self.least - cost) / temperature))
        };
        self.total = self.total * fade + weight;
        (fade, weight)
    }
}

/// Keeps the cheapest in order, at most `most` of them; how many there are now.
fn keep<const E: usize>(best: &mut [(f32, u16); E], count: usize, most: usize, new: (f32, u16)) -> usize {
    let most = most.min(E);
    let at = best.iter().take(count).position(|(cost, _)| new.0 < *cost).unwrap_or(count);
    let mut item = new;
    for place in best.iter_mut().take(most).skip(at) {
        core::mem::swap(place, &mut item);
    }
    (count + 1).min(most)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_best_are_kept_in_order(costs in proptest::collection::vec(0_u8..50, 0..30), most in 0_usize..6) {
            let (mut best, mut count) = ([(0.0, 0); 5], 0);
            for (i, cost) in costs.iter().enumerate() {
                count = keep(&mut best, count, most, (f32::from(*cost), i as u16));
            }
            let mut expected: std::vec::Vec<_> =
                costs.iter().enumerate().map(|(i, cost)| (f32::from(*cost), i as u16)).collect();
            expected.sort_by(|a, b| a.0.total_cmp(&b.0));
            expected.truncate(most.min(5));
            prop_assert_eq!(&best[..count], &expected[..]);
        }

        /// One after the other, against the softmax of all of them.
        #[test]
        fn fading_sums_are_a_softmax(costs in proptest::collection::vec(-40.0_f32..40.0, 1..20)) {
            let (mut weights, mut sum) = (Weights { least: f32::INFINITY, total: 0.0 }, 7.0);
            for (i, cost) in costs.iter().enumerate() {
                let (fade, weight) = weights.take(*cost, 3.0);
                sum = sum * fade + weight * i as f32;
            }
            let least = costs.iter().copied().fold(f32::INFINITY, f32::min);
            let exact = |i: usize| (f64::from(least - costs[i]) / 3.0).exp();
            let total: f64 = (0..costs.len()).map(exact).sum();
            let mean: f64 = (0..costs.len()).map(|i| exact(i) * i as f64).sum::<f64>() / total;
            prop_assert!((f64::from(sum / weights.total) - mean).abs() < 1e-3 * (1.0 + mean));
        }
    }
}
