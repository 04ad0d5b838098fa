//! An extended Kalman filter over any forward model.
//!
//! ```text
//! predict   x⁻ = f(x, u),  P⁻ = F P Fᵀ + Q,                 F = ∂f/∂x, row by row from the model's pullback
//! update    ν = y − h(x),  S = H P Hᵀ + R,  K = P Hᵀ / S
//!           x ← x + K ν,   P ← (I − K H) P (I − K H)ᵀ + K R Kᵀ        (Joseph form)
//! ```
//! `Q` and `R` are diagonal, so the measured features are taken in one after the other: no matrix is inverted, a missing
//! one is left out, and each is linearised where the one before has brought the state. The normalised innovation
//! squared `Σ ν²/S` is compared with the gate first: an outlier changes nothing.

use crate::{
    Zero,
    artifact::{Artifact, ArtifactError, Estimator},
    feature::{Angles, Feature, Map},
    math,
    predict::{ForwardModel, Pullback},
};
use nalgebra::{SMatrix, SVector};

/// Noise variances and limits.
#[derive(Clone, Debug)]
pub struct Kalman<'a> {
    angles: Angles,
    settings: Estimator,
    /// Prior mean of the state.
    mean: &'a [f32],
    /// Prior variance of each component.
    prior: &'a [f32],
    /// Diagonal of `Q`: variance that one step of the model adds.
    process: &'a [f32],
    /// Diagonal of `R`: variance of each measured feature.
    noise: &'a [f32],
}

/// Estimate and covariance.
#[derive(Clone, Debug)]
pub struct State<const NX: usize> {
    /// The estimated state, angles in `[−π, π)`.
    pub x: [f32; NX],
    /// Its covariance `P`.
    pub p: SMatrix<f32, NX, NX>,
    /// Refused observations in a row.
    refused: u16,
    started: bool,
}

impl<const NX: usize> Zero for State<NX> {
    const ZERO: Self = Self {
        x: [0.0; NX],
        p: SMatrix::from_array_storage(nalgebra::ArrayStorage([[0.0; NX]; NX])),
        refused: 0,
        started: false,
    };
}

/// What an update found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Innovation {
    /// Normalised innovation squared `Σ ν²/S`: about the number of measured features when the filter is consistent.
    pub nis: f32,
    /// Whether the observation was used; `false` for an outlier.
    pub accepted: bool,
}

impl<'a> Kalman<'a> {
    /// Reads the part `estimate` of an artifact.
    pub fn load<const NX: usize>(artifact: &Artifact<'a>) -> Result<Self, ArtifactError> {
        const PART: &str = "estimate";
        let nx = artifact.sizes().nx();
        let settings = artifact.header().estimator.clone();
        let filter = Self {
            angles: artifact.angles(),
            mean: artifact.vector(PART, "mean", nx)?,
            prior: artifact.vector(PART, "prior", nx)?,
            process: artifact.vector(PART, "process", nx)?,
            noise: artifact.vector(PART, "noise", settings.measured.len())?,
            settings,
        };
        if filter.noise.iter().any(|&r| r <= 0.0) {
            return Err(ArtifactError::Setting { what: "a measured feature needs a positive variance" });
        }
        if filter.prior.iter().chain(filter.process).any(|&v| v < 0.0) {
            return Err(ArtifactError::Setting { what: "a variance of the state must be at least 0" });
        }
        Ok(filter)
    }

    /// One step of the model: the estimate moves on, its covariance grows by what the model does not know.
    pub fn predict<M, const NX: usize, const NU: usize, const NZ: usize>(
        &self,
        model: &M,
        state: &mut State<NX>,
        u: &[f32; NU],
    ) where
        M: ForwardModel<NX, NU, NZ>,
    {
        let mut trace = M::Trace::ZERO;
        let mut next = [0.0; NX];
        model.step(&mut trace, &state.x, u, &[0.0; NZ], &mut next);
        state.x = next;
        self.angles.wrap(&mut state.x);

        // Column i of Fᵀ is the pullback of the i-th unit costate.
        let mut transposed = SMatrix::<f32, NX, NX>::zeros();
        let mut pulled = Pullback::<NX, NU, NZ>::ZERO;
        for (i, column) in transposed.data.0.iter_mut().enumerate() {
            let mut unit = [0.0; NX];
            if let Some(one) = unit.get_mut(i) {
                *one = 1.0;
            }
            model.pullback(&trace, &unit, &mut pulled);
            *column = pulled.x;
        }
        // P Fᵀ, then F (P Fᵀ).
        let mut half = SMatrix::<f32, NX, NX>::zeros();
        state.p.mul_to(&transposed, &mut half);
        transposed.transpose().mul_to(&half, &mut state.p);
        for (i, (column, q)) in state.p.data.0.iter_mut().zip(self.process).enumerate() {
            if let Some(p) = column.get_mut(i) {
                *p += q;
            }
        }
    }

    /// Takes in one observation of the measured features; `None` for a feature that is missing.
    ///
    /// The first observation starts the filter, and so does the one after too many refused in a row, or after an outage
    /// so long that the covariance of an unstable plant has overflowed.
    pub fn update<const NX: usize>(
        &self,
        state: &mut State<NX>,
        measured: impl Iterator<Item = Option<f32>> + Clone,
    ) -> Innovation {
        let overflowed = !state.x.iter().chain(state.p.iter()).all(|number| number.is_finite());
        if !state.started || state.refused >= self.settings.patience || overflowed {
            self.start(state, measured);
            return Innovation { nis: 0.0, accepted: true };
        }
        let mut updated = state.clone();
        let mut nis = 0.0;
        for ((feature, &noise), y) in self.settings.measured.iter().zip(self.noise).zip(measured) {
            if let Some(y) = y {
                nis += correct(&mut updated, *feature, noise, y);
            }
        }
        let accepted = nis <= self.settings.gate;
        if accepted {
            *state = updated;
            state.refused = 0;
            self.angles.wrap(&mut state.x);
        } else {
            state.refused += 1;
        }
        Innovation { nis, accepted }
    }

    /// The state is known, to the accuracy of one step of the model.
    pub fn know<const NX: usize>(&self, state: &mut State<NX>, x: &[f32; NX]) {
        *state = State { x: *x, started: true, ..State::ZERO };
        self.angles.wrap(&mut state.x);
        diagonal(&mut state.p, self.process);
    }

    /// Prior, and where a component of the state can be told from the first observation alone, that.
    fn start<const NX: usize>(
        &self,
        state: &mut State<NX>,
        measured: impl Iterator<Item = Option<f32>> + Clone,
    ) {
        *state = State { started: true, ..State::ZERO };
        for (x, mean) in state.x.iter_mut().zip(self.mean) {
            *x = *mean;
        }
        diagonal(&mut state.p, self.prior);
        let features = || self.settings.measured.iter().zip(self.noise).zip(measured.clone());
        for (i, (x, column)) in state.x.iter_mut().zip(state.p.data.0.iter_mut()).enumerate() {
            let seen = |map: Map| {
                let mut found = features().filter(|((f, _), _)| usize::from(f.index) == i && f.map == map);
                found.next().and_then(|((_, &noise), y)| Some((y?, noise)))
            };
            let told = match (seen(Map::Value).or(seen(Map::Angle)), seen(Map::Cos), seen(Map::Sin)) {
                (Some(direct), ..) => Some(direct),
                (None, Some((cos, r_cos)), Some((sin, r_sin))) => {
                    Some((math::atan2(sin, cos), r_cos + r_sin))
                }
                _ => None,
            };
            if let (Some((value, variance)), Some(p)) = (told, column.get_mut(i)) {
                *x = value;
                *p = variance;
            }
        }
        self.angles.wrap(&mut state.x);
    }
}

/// Takes in one scalar `y = f(x) + noise` and returns `ν²/S`.
fn correct<const NX: usize>(state: &mut State<NX>, feature: Feature, noise: f32, y: f32) -> f32 {
    let i = usize::from(feature.index);
    let (Some(column), (innovation, h)) = (state.p.data.0.get(i), feature.residual(&state.x, y)) else {
        return 0.0;
    };
    // P Hᵀ = h · column i of P
    let p_h = SVector::<f32, NX>::from(*column) * h;
    let variance = h * p_h.as_slice().get(i).copied().unwrap_or(0.0) + noise;
    let gain = p_h / variance;
    for (x, k) in state.x.iter_mut().zip(gain.iter()) {
        *x += k * innovation;
    }
    // A = (I − K H) P, then A (I − K H)ᵀ + K R Kᵀ = A + (K R − A Hᵀ) Kᵀ
    state.p -= gain * p_h.transpose();
    if let Some(column) = state.p.data.0.get(i) {
        let rest = gain * noise - SVector::<f32, NX>::from(*column) * h;
        state.p += rest * gain.transpose();
    }
    innovation * innovation / variance
}

fn diagonal<const NX: usize>(p: &mut SMatrix<f32, NX, NX>, values: &[f32]) {
    for (i, (column, value)) in p.data.0.iter_mut().zip(values).enumerate() {
        if let Some(p) = column.get_mut(i) {
            *p = *value;
        }
    }
}
