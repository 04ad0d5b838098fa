//! The pendulum of Gymnasium's Pendulum-v1, state `(θ, ω)`, torque `u`; θ = 0 points up.
//!
//! ```text
//! ω' = clip(ω + (3g/2l · sin θ + 3/ml² · u) Δt, ±ω_max),   θ' = θ + ω' Δt
//! ```

use crate::{
    Zero,
    artifact::{Artifact, ArtifactError, Load, Model},
    math,
    predict::{ForwardModel, Pullback},
};

/// Constants of the plant. The default is Pendulum-v1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pendulum {
    /// `3g/2l`, in 1/s²: how strongly gravity turns the rod.
    pub gravity: f32,
    /// `3/ml²`, in 1/(kg m²): angular acceleration per N m.
    pub gain: f32,
    /// Largest angular speed, in rad/s; faster motion is clipped.
    pub max_speed: f32,
    /// Time step, in s.
    pub dt: f32,
}

impl Default for Pendulum {
    fn default() -> Self {
        Self { gravity: 15.0, gain: 3.0, max_speed: 8.0, dt: 0.05 }
    }
}

impl<'a> Load<'a> for Pendulum {
    /// The default plant, for an artifact that names it.
    fn load(artifact: &Artifact<'a>) -> Result<Self, ArtifactError> {
        let sizes = artifact.sizes();
        if artifact.header().model != Model::Pendulum || (sizes.nx(), sizes.nu(), sizes.nz()) != (2, 1, 0) {
            return Err(ArtifactError::Kind { expected: "the pendulum's physics as forward model" });
        }
        Ok(Self::default())
    }
}

/// What a step remembers: the cosine of the angle, and whether the speed was clipped.
#[derive(Clone, Copy, Debug)]
pub struct Trace {
    cos: f32,
    clipped: bool,
}

impl Zero for Trace {
    const ZERO: Self = Self { cos: 0.0, clipped: false };
}

impl ForwardModel<2, 1, 0> for Pendulum {
    type Trace = Trace;

    fn step(
        &self,
        trace: &mut Trace,
        &[theta, omega]: &[f32; 2],
        &[u]: &[f32; 1],
        _: &[f32; 0],
        next: &mut [f32; 2],
    ) {
        let (sin, cos) = math::sin_cos(theta);
        let free = omega + (self.gravity * sin + self.gain * u) * self.dt;
        let clipped = math::clamp(free, -self.max_speed, self.max_speed);
        *trace = Trace { cos, clipped: free != clipped };
        *next = [theta + clipped * self.dt, clipped];
    }

    fn pullback(&self, trace: &Trace, &[g_theta, g_omega]: &[f32; 2], out: &mut Pullback<2, 1, 0>) {
        let g_speed = if trace.clipped { 0.0 } else { g_omega + g_theta * self.dt };
        out.x = [g_theta + g_speed * self.gravity * trace.cos * self.dt, g_speed];
        out.u = [g_speed * self.gain * self.dt];
    }
}
