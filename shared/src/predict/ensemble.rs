//! An ensemble: several learned models of the same world, and what their disagreement says.
//!
//! ```text
//! x' = x + 1/M Σₘ μₘ         (μₘ, vₘ) = o of member m
//! aleatoric = 1/M Σₘ exp vₘ             what the members expect the world to vary by
//! epistemic = 1/M Σₘ (μₘ − 1/M Σ μ)²    what they disagree by;   ∂epistemic/∂μₘ = 2/M (μₘ − 1/M Σ μ)
//! ```
//! Each member is a [`Network`] with twice the outputs: means, then logarithms of variances. (Lakshminarayanan, Pritzel &
//! Blundell 2017. With one set of weights under different dropout masks: Gal & Ghahramani 2016.)

use super::{ForwardModel, Pullback, Uncertainty, network, network::Network};
use crate::{
    Zero,
    artifact::{Artifact, ArtifactError, Load, MEMBERS, Model},
    math,
};
use heapless::Vec;

/// The part of a weight file that holds a member's tensors.
pub const PARTS: [&str; MEMBERS] =
    ["predict 1", "predict 2", "predict 3", "predict 4", "predict 5", "predict 6"];
/// Logarithms of variances are kept within ± this: their exponentials are numbers.
pub const LOG_VARIANCE: f32 = 30.0;

/// Up to `M` members.
#[derive(Clone, Debug)]
pub struct Ensemble<'a, const M: usize, const NX: usize, const NU: usize, const NZ: usize, const NH: usize> {
    nx: usize,
    members: Vec<Network<'a, NX, NU, NZ, NH>, M>,
}

/// What one step remembers: each member's layers and means, and how far they can be trusted.
#[derive(Clone, Debug)]
pub struct Trace<const M: usize, const NX: usize, const NH: usize> {
    members: [(network::Trace<NX, NH>, [f32; NX]); M],
    uncertainty: Uncertainty<NX>,
}

impl<const M: usize, const NX: usize, const NH: usize> Zero for Trace<M, NX, NH> {
    const ZERO: Self = Self { members: [(Zero::ZERO, [0.0; NX]); M], uncertainty: Zero::ZERO };
}

impl<'a, const M: usize, const NX: usize, const NU: usize, const NZ: usize, const NH: usize> Load<'a>
    for Ensemble<'a, M, NX, NU, NZ, NH>
{
    /// Reads the parts `predict 1`, `predict 2`, … of an artifact.
    fn load(artifact: &Artifact<'a>) -> Result<Self, ArtifactError> {
        let Model::Ensemble { members: count } = artifact.header().model else {
            return Err(ArtifactError::Kind { expected: "an ensemble as forward model" });
        };
        let (nx, found) = (artifact.sizes().nx(), usize::from(count));
        let mut members = Vec::new();
        for part in PARTS.into_iter().take(found) {
            let too_large =
                |_| ArtifactError::TooLarge { what: "members of an ensemble", capacity: M, found };
            members.push(Network::tensors(artifact, part, 2 * nx)?).map_err(too_large)?;
        }
        Ok(Self { nx, members })
    }
}

impl<const M: usize, const NX: usize, const NU: usize, const NZ: usize, const NH: usize>
    Ensemble<'_, M, NX, NU, NZ, NH>
{
    /// `1/M`.
    fn share(&self) -> f32 {
        1.0 / self.members.len().max(1) as f32
    }
}

impl<const M: usize, const NX: usize, const NU: usize, const NZ: usize, const NH: usize>
    ForwardModel<NX, NU, NZ> for Ensemble<'_, M, NX, NU, NZ, NH>
{
    type Trace = Trace<M, NX, NH>;

    fn step(
        &self,
        trace: &mut Self::Trace,
        x: &[f32; NX],
        u: &[f32; NU],
        z: &[f32; NZ],
        next: &mut [f32; NX],
    ) {
        let share = self.share();
        trace.uncertainty = Uncertainty::ZERO;
        let Uncertainty { aleatoric, epistemic } = &mut trace.uncertainty;
        let mut mean = [0.0; NX];
        for (member, (trace, change)) in self.members.iter().zip(&mut trace.members) {
            let mut out = [[0.0; NX]; 2];
            let out = out.as_flattened_mut();
            member.outputs(trace, x, u, z, out);
            *change = [0.0; NX];
            let moments = out.iter().zip(out.iter().skip(self.nx)).take(self.nx);
            let sums = change.iter_mut().zip(mean.iter_mut().zip(aleatoric.iter_mut()));
            for ((change, (mean, variance)), (mu, v)) in sums.zip(moments) {
                *change = *mu;
                *mean += share * mu;
                *variance += share * math::exp(v.clamp(-LOG_VARIANCE, LOG_VARIANCE));
            }
        }
        for (_, change) in trace.members.iter().take(self.members.len()) {
            for ((variance, mean), change) in epistemic.iter_mut().zip(&mean).zip(change) {
                let apart = change - mean;
                *variance += share * (apart * apart);
            }
        }
        for ((next, x), mean) in next.iter_mut().zip(x).zip(mean) {
            *next = x + mean;
        }
    }

    fn pullback(&self, trace: &Self::Trace, g: &[f32; NX], out: &mut Pullback<NX, NU, NZ>) {
        self.wary_pullback(trace, g, &[], out);
    }

    fn wary_pullback(
        &self,
        trace: &Self::Trace,
        g: &[f32; NX],
        doubt: &[f32],
        out: &mut Pullback<NX, NU, NZ>,
    ) {
        *out = Pullback { x: *g, ..Pullback::ZERO };
        let share = self.share();
        let mut mean = [0.0; NX];
        for (_, change) in trace.members.iter().take(self.members.len()) {
            for (mean, mu) in mean.iter_mut().zip(change) {
                *mean += share * mu;
            }
        }
        for (member, (trace, change)) in self.members.iter().zip(&trace.members) {
            // Means alone: no gradient comes from the variances behind them.
            let mut g_out = [[0.0; NX]; 2];
            let targets = g_out.as_flattened_mut();
            for (target, g) in targets.iter_mut().zip(g).take(self.nx) {
                *target = share * g;
            }
            for (target, (price, (mu, mean))) in
                targets.iter_mut().zip(doubt.iter().zip(change.iter().zip(&mean)))
            {
                *target += 2.0 * share * price * (mu - mean);
            }
            member.pull_change(trace, g_out.as_flattened(), out);
        }
    }

    fn uncertainty<'t>(&self, trace: &'t Self::Trace) -> Option<&'t Uncertainty<NX>> {
        Some(&trace.uncertainty)
    }
}
