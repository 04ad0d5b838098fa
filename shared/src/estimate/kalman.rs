//! An extended Kalman filter over any forward model; over a linear one it is the Kalman filter.
//!
//! ```text
//! predict   x⁻ = f(x, u),  P⁻ = F P Fᵀ + Q,                 F = ∂f/∂x, row by row from the model's pullback
//! update    ν = y − h(x),  S = H P Hᵀ + R,  K = P Hᵀ / S
//!           x ← x + K ν,   P ← (I − K H) P (I − K H)ᵀ + K R Kᵀ        (Joseph form)
//! ```
//! `Q` and `R` are diagonal, so the measured features are taken in one after the other: no matrix is inverted, a missing
//! one is left out, and each is linearised where the one before has brought the state. A [sensor](super::sensors) outside
//! its gate changes nothing.

use super::{
    Filter, Innovation,
    sensors::{Measurement, Sensors, Trust},
};
use crate::{
    Zero,
    artifact::{Artifact, ArtifactError, Load},
    predict::{ForwardModel, Pullback},
};
use nalgebra::{SMatrix, SVector};

/// Noise variances and limits.
#[derive(Clone, Debug)]
pub struct Kalman<'a> {
    sensors: Sensors<'a>,
    /// Prior variance of each component.
    prior: &'a [f32],
    /// Diagonal of `Q`: variance that one step of the model adds.
    process: &'a [f32],
}

/// Estimate and covariance.
#[derive(Clone, Debug)]
pub struct State<const NX: usize> {
    /// The estimated state, angles in `[−π, π)`.
    pub x: [f32; NX],
    /// Its covariance `P`.
    pub p: SMatrix<f32, NX, NX>,
    trust: Trust,
}

impl<const NX: usize> Zero for State<NX> {
    const ZERO: Self = Self {
        x: [0.0; NX],
        p: SMatrix::from_array_storage(nalgebra::ArrayStorage([[0.0; NX]; NX])),
        trust: Trust::NONE,
    };
}

impl<const NX: usize> AsMut<Trust> for State<NX> {
    fn as_mut(&mut self) -> &mut Trust {
        &mut self.trust
    }
}

impl<'a> Load<'a> for Kalman<'a> {
    /// Reads the part `estimate` of an artifact.
    fn load(artifact: &Artifact<'a>) -> Result<Self, ArtifactError> {
        const PART: &str = "estimate";
        let nx = artifact.sizes().nx();
        let filter = Self {
            sensors: Sensors::load(artifact)?,
            prior: artifact.vector(PART, "prior", nx)?,
            process: artifact.vector(PART, "process", nx)?,
        };
        if filter.prior.iter().chain(filter.process).any(|&v| v < 0.0) {
            return Err(ArtifactError::Setting { what: "a variance of the state must be at least 0" });
        }
        Ok(filter)
    }
}

impl<const NX: usize> Filter<NX> for Kalman<'_> {
    type State = State<NX>;

    fn predict<M, const NU: usize, const NZ: usize>(&self, model: &M, state: &mut State<NX>, u: &[f32; NU])
    where
        M: ForwardModel<NX, NU, NZ>,
    {
        let mut trace = M::Trace::ZERO;
        let mut next = [0.0; NX];
        model.step(&mut trace, &state.x, u, &[0.0; NZ], &mut next);
        state.x = next;
        self.sensors.angles.wrap(&mut state.x);

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
        // P Fᵀ, then F (P Fᵀ). What rounding makes asymmetric is taken out: no update would, and of an unstable plant it
        // would grow.
        let (mut half, mut product) = (SMatrix::<f32, NX, NX>::zeros(), SMatrix::zeros());
        multiply(&state.p, &transposed, &mut half);
        multiply(&transposed.transpose(), &half, &mut product);
        product.transpose_to(&mut half);
        product += &half;
        state.p = product * 0.5;
        for (i, (column, q)) in state.p.data.0.iter_mut().zip(self.process).enumerate() {
            if let Some(p) = column.get_mut(i) {
                *p += q;
            }
        }
    }

    /// The first observation starts it, one that outweighs the estimate does, and so does the one after an outage so long
    /// that the covariance of an unstable plant has overflowed.
    fn update(
        &self,
        state: &mut State<NX>,
        measured: impl Iterator<Item = Option<f32>> + Clone,
    ) -> Innovation {
        let sound = state.x.iter().chain(state.p.iter()).all(|number| number.is_finite());
        let start = |state: &mut State<NX>, measured| self.start(state, measured);
        let found = self.sensors.take_in(state, sound, measured, start, correct);
        self.sensors.angles.wrap(&mut state.x);
        found
    }

    /// The state is known, to the accuracy of one step of the model.
    fn know(&self, state: &mut State<NX>, x: &[f32; NX]) {
        *state = State { x: *x, trust: Trust::TOLD, ..State::ZERO };
        self.sensors.angles.wrap(&mut state.x);
        diagonal(&mut state.p, self.process);
    }

    fn estimate<'s>(&self, state: &'s State<NX>) -> &'s [f32; NX] {
        &state.x
    }

    fn variances<'s>(&self, state: &'s State<NX>) -> impl Iterator<Item = f32> + 's {
        state.p.data.0.iter().enumerate().map(|(i, column)| column.get(i).copied().unwrap_or(0.0))
    }
}

impl Kalman<'_> {
    /// Prior, and where a component of the state can be told from the first observation alone, that.
    fn start<const NX: usize>(
        &self,
        state: &mut State<NX>,
        measured: impl Iterator<Item = Option<f32>> + Clone,
    ) {
        *state = State { trust: Trust::STARTED, ..State::ZERO };
        let prior = self.sensors.mean.iter().zip(self.prior);
        let columns = state.x.iter_mut().zip(state.p.data.0.iter_mut());
        for (i, ((x, column), (mean, variance))) in columns.zip(prior).enumerate() {
            let told = self.sensors.told(i, measured.clone());
            let (value, variance) = told.unwrap_or((*mean, *variance));
            *x = value;
            if let Some(p) = column.get_mut(i) {
                *p = variance;
            }
        }
    }
}

/// Takes in one scalar `y = f(x) + noise` and returns `ν²/S`.
fn correct<const NX: usize>(state: &mut State<NX>, measurement: Measurement) -> f32 {
    let Measurement { feature, noise, y, .. } = measurement;
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

/// `A B`, in one order of sums for every size: where it has a standard library, nalgebra multiplies large matrices in another.
fn multiply<const NX: usize>(
    a: &SMatrix<f32, NX, NX>,
    b: &SMatrix<f32, NX, NX>,
    product: &mut SMatrix<f32, NX, NX>,
) {
    for (sums, weights) in product.data.0.iter_mut().zip(&b.data.0) {
        *sums = [0.0; NX];
        for (column, weight) in a.data.0.iter().zip(weights) {
            for (sum, entry) in sums.iter_mut().zip(column) {
                *sum += entry * weight;
            }
        }
    }
}

fn diagonal<const NX: usize>(p: &mut SMatrix<f32, NX, NX>, values: &[f32]) {
    for (i, (column, value)) in p.data.0.iter_mut().zip(values).enumerate() {
        if let Some(p) = column.get_mut(i) {
            *p = *value;
        }
    }
}
