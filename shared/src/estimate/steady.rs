//! The steady state of the Kalman filter: of a linear plant whose sensors all come at every step, the covariance settles to
//! the solution of the Riccati equation, and with it the gains. They are worked out when the filter is exported; what is left
//! at run time are two small products.
//!
//! ```text
//! predict   x⁻ = f(x, u)
//! update    ν = y − h(x),  x ← x + k ν          one measured feature after the other
//! ```
//! The gains `k` and the variances `S` of the innovations are those of features taken in one after the other, as the
//! [Kalman filter](super::kalman) does: together they are its gain `K` of all at once, and `Σ ν²/S` is exactly the normalised
//! innovation squared. Where a feature is missing the gains of the others stay as they are: no longer the best, but sound.

use super::{
    Filter, Innovation,
    sensors::{Sensors, Trust},
};
use crate::{
    Zero,
    artifact::{Artifact, ArtifactError, Load},
    dense::Dense,
    predict::ForwardModel,
};

/// Gains, and when a sensor is not believed.
#[derive(Clone, Debug)]
pub struct Steady<'a> {
    sensors: Sensors<'a>,
    /// One column for each measured feature.
    gain: Dense<'a>,
    /// Variance `S` of each feature's innovation.
    innovation: &'a [f32],
}

/// The estimate.
#[derive(Clone, Debug)]
pub struct State<const NX: usize> {
    /// The estimated state, angles in `[−π, π)`.
    pub x: [f32; NX],
    trust: Trust,
}

impl<const NX: usize> Zero for State<NX> {
    const ZERO: Self = Self { x: [0.0; NX], trust: Trust::NONE };
}

impl<const NX: usize> AsMut<Trust> for State<NX> {
    fn as_mut(&mut self) -> &mut Trust {
        &mut self.trust
    }
}

impl<'a> Load<'a> for Steady<'a> {
    /// Reads the part `estimate` of an artifact.
    fn load(artifact: &Artifact<'a>) -> Result<Self, ArtifactError> {
        const PART: &str = "estimate";
        let sensors = Sensors::load(artifact)?;
        let features = sensors.count();
        let gain = artifact.matrix(PART, "gain", artifact.sizes().nx(), features)?;
        let innovation = artifact.vector(PART, "innovation", features)?;
        if innovation.iter().any(|&s| s <= 0.0) {
            return Err(ArtifactError::Setting { what: "an innovation needs a positive variance" });
        }
        Ok(Self { sensors, gain, innovation })
    }
}

impl<const NX: usize> Filter<NX> for Steady<'_> {
    type State = State<NX>;

    fn predict<M, const NU: usize, const NZ: usize>(&self, model: &M, state: &mut State<NX>, u: &[f32; NU])
    where
        M: ForwardModel<NX, NU, NZ>,
    {
        let (mut trace, mut next) = (M::Trace::ZERO, [0.0; NX]);
        model.step(&mut trace, &state.x, u, &[0.0; NZ], &mut next);
        state.x = next;
        self.sensors.angles.wrap(&mut state.x);
    }

    fn update(
        &self,
        state: &mut State<NX>,
        measured: impl Iterator<Item = Option<f32>> + Clone,
    ) -> Innovation {
        let sound = state.x.iter().all(|number| number.is_finite());
        let start = |state: &mut State<NX>, measured| self.start(state, measured);
        let found = self.sensors.take_in(state, sound, measured, start, |state, m| {
            let (innovation, _) = m.feature.residual(&state.x, m.y);
            self.gain.add_column(m.place, innovation, &mut state.x);
            innovation * innovation / self.innovation.get(m.place).copied().unwrap_or(1.0)
        });
        self.sensors.angles.wrap(&mut state.x);
        found
    }

    fn know(&self, state: &mut State<NX>, x: &[f32; NX]) {
        *state = State { x: *x, trust: Trust::TOLD };
        self.sensors.angles.wrap(&mut state.x);
    }

    fn estimate<'s>(&self, state: &'s State<NX>) -> &'s [f32; NX] {
        &state.x
    }

    /// None: all are as the Riccati equation has them.
    fn variances<'s>(&self, _: &'s State<NX>) -> impl Iterator<Item = f32> + 's {
        core::iter::empty()
    }
}

impl Steady<'_> {
    /// Where a component of the state can be told from the observation alone, that, otherwise its prior mean.
    fn start<const NX: usize>(
        &self,
        state: &mut State<NX>,
        measured: impl Iterator<Item = Option<f32>> + Clone,
    ) {
        state.trust = Trust::STARTED;
        for (i, (x, mean)) in state.x.iter_mut().zip(self.sensors.mean).enumerate() {
            *x = self.sensors.told(i, measured.clone()).map_or(*mean, |(value, _)| value);
        }
    }
}
