//! Features of the state: what a sensor's read-out measures, what the cost weighs, how angles enter networks.

use crate::math;
use serde::{Deserialize, Serialize};

/// How one component of the state is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Map {
    /// `x`.
    Value,
    /// `x` as an angle: differences are wrapped to `[−π, π)`.
    Angle,
    /// `cos x`.
    Cos,
    /// `sin x`.
    Sin,
}

/// A scalar feature `f(x) = map(x[index])` of the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Feature {
    /// Component of the state, counted from 0.
    pub index: u16,
    /// How it is looked at.
    pub map: Map,
}

impl Feature {
    /// `target − f(x)` and `∂f/∂x[index]`. An index past the end reads as a component that is always 0.
    pub fn residual(&self, x: &[f32], target: f32) -> (f32, f32) {
        let value = x.get(usize::from(self.index)).copied().unwrap_or(0.0);
        match self.map {
            Map::Value => (target - value, 1.0),
            Map::Angle => (math::wrap(target - value), 1.0),
            Map::Cos => {
                let (sin, cos) = math::sin_cos(value);
                (target - cos, -sin)
            }
            Map::Sin => {
                let (sin, cos) = math::sin_cos(value);
                (target - sin, cos)
            }
        }
    }
}

/// Which components of the state are angles, as a bit mask: bit `i` stands for component `i`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Angles(pub u64);

impl Angles {
    /// Whether component `index` is an angle.
    pub fn contains(self, index: usize) -> bool {
        index < 64 && self.0 >> index & 1 == 1
    }

    /// How many components are angles.
    pub fn count(self) -> usize {
        self.0.count_ones() as usize
    }

    /// Splits the state for a network: `lifted` is `x` with `cos x` in place of each angle; `sines` lists `sin x` of
    /// the angles, first to last, and is zero behind them. So a network never sees a jump at ±π.
    pub fn lift<const NX: usize>(self, x: &[f32; NX], lifted: &mut [f32; NX], sines: &mut [f32; NX]) {
        *lifted = *x;
        *sines = [0.0; NX];
        let mut slots = sines.iter_mut();
        for (index, value) in lifted.iter_mut().enumerate() {
            if self.contains(index)
                && let Some(slot) = slots.next()
            {
                (*slot, *value) = math::sin_cos(*value);
            }
        }
    }

    /// The pullback of [`lift`](Self::lift): adds to `gx` what the gradients of `lifted` and `sines` say of `x`.
    pub fn pull<const NX: usize>(
        self,
        (lifted, sines): (&[f32; NX], &[f32; NX]),
        (g_lifted, g_sines): (&[f32; NX], &[f32; NX]),
        gx: &mut [f32; NX],
    ) {
        let mut angles = sines.iter().zip(g_sines);
        for (index, (g, (cos, g_cos))) in gx.iter_mut().zip(lifted.iter().zip(g_lifted)).enumerate() {
            if self.contains(index)
                && let Some((sin, g_sin)) = angles.next()
            {
                // d cos x = −sin x dx, d sin x = cos x dx
                *g += g_sin * cos - g_cos * sin;
            } else {
                *g += g_cos;
            }
        }
    }

    /// Brings every angle of the state to `[−π, π)`.
    pub fn wrap(self, x: &mut [f32]) {
        for (index, value) in x.iter_mut().enumerate() {
            if self.contains(index) {
                *value = math::wrap(*value);
            }
        }
    }
}
