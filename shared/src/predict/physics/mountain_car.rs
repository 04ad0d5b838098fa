//! The mountain car of Gymnasium's MountainCar-v0 and MountainCarContinuous-v0, state `(x, v)`, throttle `u`; the bottom of the
//! valley is at −π/6. (A. Moore, *Efficient memory-based learning for robot control*, 1990.)
//!
//! ```text
//! v' = v + power u − gravity cos 3x,   |v| ≤ v_max,   x' = x + v',   wall ≤ x ≤ end,   v' ≥ 0 at the wall
//! ```
//! Time is counted in steps.

use super::{Dynamics, constants, integrate::SemiImplicit, positive, require};
use crate::{
    Zero,
    artifact::{Artifact, ArtifactError, Load, Plant},
    math,
};

/// The car as Gymnasium steps it.
pub type MountainCar = SemiImplicit<Constants, 2, 1>;

/// Constants of the plant, in the order of the tensor. The default is MountainCar-v0; the continuous version's engine has a
/// power of 0.0015.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Constants {
    /// Slope of the mountain, in m a step².
    pub gravity: f32,
    /// Change of speed under full throttle, in m a step².
    pub power: f32,
    /// Largest speed, in m a step; faster motion is clipped.
    pub max_speed: f32,
    /// Where the left wall stands, in m: it takes all speed.
    pub wall: f32,
    /// Where the track ends on the right, in m.
    pub end: f32,
}

impl Default for Constants {
    fn default() -> Self {
        Self { gravity: 0.0025, power: 0.001, max_speed: 0.07, wall: -1.2, end: 0.6 }
    }
}

impl From<Constants> for [f32; 5] {
    fn from(c: Constants) -> Self {
        [c.gravity, c.power, c.max_speed, c.wall, c.end]
    }
}

impl<'a> Load<'a> for Constants {
    fn load(artifact: &Artifact<'a>) -> Result<Self, ArtifactError> {
        let stored = constants(artifact, Plant::MountainCar, "the mountain car's physics as forward model")?;
        let Some([gravity, power, max_speed, wall, end]) = stored else { return Ok(Self::default()) };
        require(
            positive(&[gravity, power, max_speed]) && wall < end,
            "a mountain car's gravity, power and largest speed must be above 0, its wall left of its end",
        )?;
        Ok(Self { gravity, power, max_speed, wall, end })
    }
}

/// The sine of `3x`.
#[derive(Clone, Copy, Debug)]
pub struct Trace {
    sin: f32,
}

impl Zero for Trace {
    const ZERO: Self = Self { sin: 0.0 };
}

impl Dynamics<2, 1> for Constants {
    type Trace = Trace;
    const VELOCITIES: [bool; 2] = [false, true];

    fn dt(&self) -> f32 {
        1.0
    }

    fn accelerate(&self, trace: &mut Trace, [x, _]: &[f32; 2], [u]: &[f32; 1], [_, rate]: &mut [f32; 2]) {
        let (sin, cos) = math::sin_cos(3.0 * x);
        trace.sin = sin;
        *rate = self.power * u - self.gravity * cos;
    }

    fn drift(&self, _: &mut Trace, [_, v]: &[f32; 2], [rate, _]: &mut [f32; 2]) {
        *rate = *v;
    }

    fn pull_accelerate(
        &self,
        trace: &Trace,
        [_, g]: &[f32; 2],
        [g_x, _]: &mut [f32; 2],
        [g_u]: &mut [f32; 1],
    ) {
        *g_x += g * (3.0 * self.gravity * trace.sin);
        *g_u += g * self.power;
    }

    fn pull_drift(&self, _: &Trace, [g, _]: &[f32; 2], [_, g_v]: &mut [f32; 2]) {
        *g_v += g;
    }

    fn limit(&self, [x, v]: &mut [f32; 2]) {
        *v = math::clamp(*v, -self.max_speed, self.max_speed);
        *x = math::clamp(*x, self.wall, self.end);
        if *x <= self.wall && *v < 0.0 {
            *v = 0.0;
        }
    }
}
