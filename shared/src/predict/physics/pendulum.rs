//! The pendulum of Gymnasium's Pendulum-v1, state `(θ, ω)`, torque `u`; θ = 0 points up.
//!
//! ```text
//! ω̇ = 3g/2l · sin θ + 3/ml² · u,   |ω| ≤ ω_max,   θ̇ = ω
//! ```

use super::{Dynamics, constants, integrate::SemiImplicit, positive, require};
use crate::{
    Zero,
    artifact::{Artifact, ArtifactError, Load, Plant},
    math,
};

/// The pendulum as Gymnasium steps it.
pub type Pendulum = SemiImplicit<Constants, 2, 1>;

/// Constants of the plant, in the order of the tensor. The default is Pendulum-v1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Constants {
    /// `3g/2l`, in 1/s²: how strongly gravity turns the rod.
    pub gravity: f32,
    /// `3/ml²`, in 1/(kg m²): angular acceleration per N m.
    pub gain: f32,
    /// Largest angular speed, in rad/s; faster motion is clipped.
    pub max_speed: f32,
    /// Time step, in s.
    pub dt: f32,
}

impl Default for Constants {
    fn default() -> Self {
        Self { gravity: 15.0, gain: 3.0, max_speed: 8.0, dt: 0.05 }
    }
}

impl From<Constants> for [f32; 4] {
    fn from(c: Constants) -> Self {
        [c.gravity, c.gain, c.max_speed, c.dt]
    }
}

impl<'a> Load<'a> for Constants {
    fn load(artifact: &Artifact<'a>) -> Result<Self, ArtifactError> {
        let stored = constants(artifact, Plant::Pendulum, "the pendulum's physics as forward model")?;
        let Some([gravity, gain, max_speed, dt]) = stored else { return Ok(Self::default()) };
        require(
            positive(&[gravity, gain, max_speed, dt]),
            "a pendulum's gravity, gain, largest speed and time step must be above 0",
        )?;
        Ok(Self { gravity, gain, max_speed, dt })
    }
}

/// The cosine of the angle.
#[derive(Clone, Copy, Debug)]
pub struct Trace {
    cos: f32,
}

impl Zero for Trace {
    const ZERO: Self = Self { cos: 0.0 };
}

impl Dynamics<2, 1> for Constants {
    type Trace = Trace;
    const VELOCITIES: [bool; 2] = [false, true];

    fn dt(&self) -> f32 {
        self.dt
    }

    fn accelerate(&self, trace: &mut Trace, [theta, _]: &[f32; 2], [u]: &[f32; 1], rate: &mut [f32; 2]) {
        let (sin, cos) = math::sin_cos(*theta);
        trace.cos = cos;
        let [_, omega] = rate;
        *omega = self.gravity * sin + self.gain * u;
    }

    fn drift(&self, _: &mut Trace, [_, omega]: &[f32; 2], [theta, _]: &mut [f32; 2]) {
        *theta = *omega;
    }

    fn pull_accelerate(&self, trace: &Trace, [_, g]: &[f32; 2], gx: &mut [f32; 2], gu: &mut [f32; 1]) {
        let ([g_theta, _], [g_torque]) = (gx, gu);
        *g_theta += g * self.gravity * trace.cos;
        *g_torque += g * self.gain;
    }

    fn pull_drift(&self, _: &Trace, [g, _]: &[f32; 2], [_, g_omega]: &mut [f32; 2]) {
        *g_omega += g;
    }

    fn limit(&self, [_, omega]: &mut [f32; 2]) {
        *omega = math::clamp(*omega, -self.max_speed, self.max_speed);
    }
}
