//! A car as a kinematic bicycle: the rear axle's middle `(x, y)`, heading `ψ`, speed `v`; acceleration `a`, steering `δ`.
//!
//! ```text
//! ẋ = v cos ψ,   ẏ = v sin ψ,   ψ̇ = v tan δ / L,   v̇ = a − d v
//! ```
//! The wheels do not slip: good for driving, not for racing.

use super::{Dynamics, constants, integrate::RungeKutta, positive, require};
use crate::{
    Zero,
    artifact::{Artifact, ArtifactError, Load, Plant},
    math,
};

/// The car, in Runge–Kutta steps.
pub type Car = RungeKutta<Constants, 4, 2>;

/// Constants of the plant, in the order of the tensor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Constants {
    /// `L`, distance of the axles, in m.
    pub wheelbase: f32,
    /// `d`, speed lost to friction, in 1/s; may be 0.
    pub drag: f32,
    /// Time step, in s.
    pub dt: f32,
}

impl Default for Constants {
    fn default() -> Self {
        Self { wheelbase: 2.7, drag: 0.05, dt: 0.1 }
    }
}

impl From<Constants> for [f32; 3] {
    fn from(c: Constants) -> Self {
        [c.wheelbase, c.drag, c.dt]
    }
}

impl<'a> Load<'a> for Constants {
    fn load(artifact: &Artifact<'a>) -> Result<Self, ArtifactError> {
        let stored = constants(artifact, Plant::Car, "the car's physics as forward model")?;
        let Some([wheelbase, drag, dt]) = stored else { return Ok(Self::default()) };
        require(positive(&[wheelbase, dt]), "a car's wheelbase and time step must be above 0")?;
        Ok(Self { wheelbase, drag, dt })
    }
}

/// What an evaluation found on its way.
#[derive(Clone, Copy, Debug)]
pub struct Trace {
    sin: f32,
    cos: f32,
    speed: f32,
    /// `tan δ`.
    tan: f32,
}

impl Zero for Trace {
    const ZERO: Self = Self { sin: 0.0, cos: 0.0, speed: 0.0, tan: 0.0 };
}

/// The heading turns with the steering itself, so it is no position: all but `(x, y)` changes by what the driver does.
impl Dynamics<4, 2> for Constants {
    type Trace = Trace;
    const VELOCITIES: [bool; 4] = [false, false, true, true];

    fn dt(&self) -> f32 {
        self.dt
    }

    fn accelerate(
        &self,
        trace: &mut Trace,
        [_, _, _, speed]: &[f32; 4],
        [push, steering]: &[f32; 2],
        rate: &mut [f32; 4],
    ) {
        let (sin, cos) = math::sin_cos(*steering);
        (trace.tan, trace.speed) = (sin / cos, *speed);
        let [_, _, heading, faster] = rate;
        *heading = speed * trace.tan / self.wheelbase;
        *faster = push - self.drag * speed;
    }

    fn drift(&self, trace: &mut Trace, [_, _, heading, speed]: &[f32; 4], rate: &mut [f32; 4]) {
        (trace.sin, trace.cos) = math::sin_cos(*heading);
        let [x, y, ..] = rate;
        (*x, *y) = (speed * trace.cos, speed * trace.sin);
    }

    fn pull_accelerate(
        &self,
        trace: &Trace,
        [_, _, g_heading, g_faster]: &[f32; 4],
        [_, _, _, gx_speed]: &mut [f32; 4],
        [gu_push, gu_steering]: &mut [f32; 2],
    ) {
        let Trace { speed, tan, .. } = *trace;
        let g_tan = g_heading / self.wheelbase;
        *gx_speed += g_tan * tan - g_faster * self.drag;
        *gu_push += g_faster;
        // d tan δ = (1 + tan² δ) dδ
        *gu_steering += g_tan * speed * (1.0 + tan * tan);
    }

    fn pull_drift(&self, trace: &Trace, [g_x, g_y, ..]: &[f32; 4], gx: &mut [f32; 4]) {
        let Trace { sin, cos, speed, .. } = *trace;
        let [_, _, g_heading, g_speed] = gx;
        *g_heading += speed * (g_y * cos - g_x * sin);
        *g_speed += g_x * cos + g_y * sin;
    }
}
