//! The sensors of a filter: what they measure, how exactly, and when they are not believed.
//!
//! Each sensor shows one or more features of the state at its own pace; a feature that has not arrived is missing. A
//! sensor is believed or refused **as a whole and on its own**: its normalised innovation squared `Σ ν²/S` must not exceed
//! its gate. As a whole, since what it shows has one cause: of a wrong picture the cosine of the angle may be right by
//! chance. On its own, so that a sensor that is stuck does not blind the filter to the others.
//!
//! When nothing that arrives is believed `patience` times in a row, it is the estimate that is wrong: the last of them starts
//! the filter anew. One healthy sensor prevents that, if the patience is longer than it takes to come round. An estimate
//! that has hardly been seen to be right is given up sooner: as soon as as many observations in a row speak against it as have
//! ever spoken for it. Otherwise a filter that starts on a wild observation would refuse good ones for all of its patience.

use super::Innovation;
use crate::{
    artifact::{Artifact, ArtifactError, Estimator},
    feature::{Angles, Feature, Map},
    math,
};

/// What is measured, and the prior.
#[derive(Clone, Debug)]
pub struct Sensors<'a> {
    pub(super) angles: Angles,
    settings: Estimator,
    /// Prior mean of the state.
    pub(super) mean: &'a [f32],
    /// Diagonal of `R`: variance of each measured feature.
    noise: &'a [f32],
}

/// How far a filter can be relied upon.
#[derive(Clone, Copy, Debug, Default)]
pub struct Trust {
    /// Observations in a row of which nothing was used.
    refused: u16,
    /// Observations that the estimate rests on, the one that started it among them; none if there is no estimate.
    believed: u16,
}

impl Trust {
    /// There is no estimate.
    pub(super) const NONE: Self = Self { refused: 0, believed: 0 };
    /// One observation has started it.
    pub(super) const STARTED: Self = Self { refused: 0, believed: 1 };
    /// The state was told.
    pub(super) const TOLD: Self = Self { refused: 0, believed: u16::MAX };
}

/// One measured feature, as [`Sensors::believe`] hands it on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Measurement {
    /// Its place among all of them.
    pub place: usize,
    pub feature: Feature,
    /// Its variance.
    pub noise: f32,
    /// What was measured.
    pub y: f32,
}

impl<'a> Sensors<'a> {
    pub(super) fn load(artifact: &Artifact<'a>) -> Result<Self, ArtifactError> {
        const PART: &str = "estimate";
        let settings = artifact.header().estimator.clone();
        let sensors = Self {
            angles: artifact.angles(),
            mean: artifact.vector(PART, "mean", artifact.sizes().nx())?,
            noise: artifact.vector(PART, "noise", settings.measured.len())?,
            settings,
        };
        if sensors.noise.iter().any(|&r| r <= 0.0) {
            return Err(ArtifactError::Setting { what: "a measured feature needs a positive variance" });
        }
        Ok(sensors)
    }

    /// How many features are measured.
    pub(super) fn count(&self) -> usize {
        self.noise.len()
    }

    fn measurements(
        &self,
        measured: impl Iterator<Item = Option<f32>>,
    ) -> impl Iterator<Item = Option<Measurement>> {
        let features = self.settings.measured.iter().zip(self.noise).enumerate();
        features
            .zip(measured)
            .map(|((place, (&feature, &noise)), y)| y.map(|y| Measurement { place, feature, noise, y }))
    }

    /// Takes in what has arrived. `start` starts the filter from it: where there is no estimate, where that is not `sound`, its
    /// numbers not finite, and where what is refused outweighs it. Otherwise `correct` takes in each feature.
    pub(super) fn take_in<S, I>(
        &self,
        state: &mut S,
        sound: bool,
        measured: I,
        start: impl Fn(&mut S, I),
        correct: impl Fn(&mut S, Measurement) -> f32,
    ) -> Innovation
    where
        S: Clone + AsMut<Trust>,
        I: Iterator<Item = Option<f32>> + Clone,
    {
        let started = state.as_mut().believed > 0 && sound;
        if !started && measured.clone().flatten().next().is_some() {
            start(state, measured);
            return Innovation::default();
        }
        let found = self.believe(state, measured.clone(), correct);
        let trust = *state.as_mut();
        if trust.refused > 0 && trust.refused >= trust.believed.min(self.settings.patience) {
            start(state, measured);
        }
        found
    }

    /// Has `correct` take each feature into a copy of the state and say its `ν²/S`; keeps the copy of every sensor that
    /// is inside its gate.
    fn believe<S: Clone + AsMut<Trust>>(
        &self,
        state: &mut S,
        measured: impl Iterator<Item = Option<f32>>,
        correct: impl Fn(&mut S, Measurement) -> f32,
    ) -> Innovation {
        let mut found = Innovation::default();
        let mut used = false;
        let mut measurements = self.measurements(measured);
        for (sensor, gate) in (0..).zip(&self.settings.gates) {
            let mut corrected = state.clone();
            let (mut nis, mut arrived) = (0.0, false);
            for measurement in measurements.by_ref().take(gate.features.into()).flatten() {
                nis += correct(&mut corrected, measurement);
                arrived = true;
            }
            if arrived && nis <= gate.limit {
                *state = corrected;
                used = true;
            } else if arrived {
                found.refused |= 1_u16.wrapping_shl(sensor);
            }
            found.nis += nis;
        }
        let trust = state.as_mut();
        if used {
            *trust = Trust { refused: 0, believed: trust.believed.saturating_add(1) };
        } else if !found.accepted() {
            trust.refused = trust.refused.saturating_add(1);
        }
        found
    }

    /// What the measurements alone tell of a component of the state, and how exactly: by itself or by cosine and sine.
    pub(super) fn told(
        &self,
        component: usize,
        measured: impl Iterator<Item = Option<f32>> + Clone,
    ) -> Option<(f32, f32)> {
        let seen = |map: Map| {
            let mut all = self.measurements(measured.clone()).flatten();
            let found = all.find(|m| usize::from(m.feature.index) == component && m.feature.map == map);
            found.map(|m| (m.y, m.noise)).filter(|(y, _)| y.is_finite())
        };
        match (seen(Map::Value).or(seen(Map::Angle)), seen(Map::Cos), seen(Map::Sin)) {
            (Some(direct), ..) => Some(direct),
            (None, Some((cos, r_cos)), Some((sin, r_sin))) => {
                // dθ = (cos · d sin − sin · d cos)/(cos² + sin²); little can be told of where both are small.
                let square = math::clamp(cos * cos + sin * sin, 1e-3, f32::MAX);
                let variance = (cos * cos * r_sin + sin * sin * r_cos) / square / square;
                Some((math::atan2(sin, cos), variance))
            }
            _ => None,
        }
    }
}
