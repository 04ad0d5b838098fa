//! A rocket in a plane: position `(x, y)`, angle `θ` from upright, velocity `(v, w)`, angular speed `ω`, fuel `f`; thrust `T` and
//! angle `δ` of the nozzle.
//!
//! ```text
//! m = m₀ + f,   (v̇, ẇ) = T/m · (−sin(θ + δ), cos(θ + δ)) − (0, g),   ω̇ = −a T/m · sin δ,   ḟ = −T/c
//! ```
//! With an empty tank there is no thrust, and the tank stays empty.

use super::{Dynamics, constants, integrate::RungeKutta, positive, require};
use crate::{
    Zero,
    artifact::{Artifact, ArtifactError, Load, Plant},
    math,
};

/// The rocket, in Runge–Kutta steps.
pub type Rocket = RungeKutta<Constants, 7, 2>;

/// Constants of the plant, in the order of the tensor. The default is a small craft above the Moon.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Constants {
    /// `g`, in m/s²; 0 far from any planet.
    pub gravity: f32,
    /// `m₀`, mass without fuel, in t.
    pub dry: f32,
    /// `c`, speed of the exhaust, in km/s (or thrust, in kN, per t/s of fuel).
    pub exhaust: f32,
    /// `a`, distance of the nozzle from the middle over the squared radius of gyration, in 1/m.
    pub lever: f32,
    /// Time step, in s.
    pub dt: f32,
}

impl Default for Constants {
    fn default() -> Self {
        Self { gravity: 1.62, dry: 1.0, exhaust: 30.0, lever: 0.5, dt: 0.1 }
    }
}

impl From<Constants> for [f32; 5] {
    fn from(c: Constants) -> Self {
        [c.gravity, c.dry, c.exhaust, c.lever, c.dt]
    }
}

impl<'a> Load<'a> for Constants {
    fn load(artifact: &Artifact<'a>) -> Result<Self, ArtifactError> {
        let stored = constants(artifact, Plant::Rocket, "the rocket's physics as forward model")?;
        let Some([gravity, dry, exhaust, lever, dt]) = stored else { return Ok(Self::default()) };
        require(
            positive(&[dry, exhaust, lever, dt]),
            "a rocket's mass, exhaust speed, lever and time step must be above 0",
        )?;
        Ok(Self { gravity, dry, exhaust, lever, dt })
    }
}

/// What an evaluation found on its way.
#[derive(Clone, Copy, Debug)]
pub struct Trace {
    /// Whether there is fuel.
    burning: bool,
    /// `1/m`, and `T/m`.
    lightness: f32,
    push: f32,
    /// Sine and cosine of `θ + δ`, and of `δ`.
    heading: (f32, f32),
    nozzle: (f32, f32),
}

impl Zero for Trace {
    const ZERO: Self =
        Self { burning: false, lightness: 0.0, push: 0.0, heading: (0.0, 0.0), nozzle: (0.0, 0.0) };
}

impl Dynamics<7, 2> for Constants {
    type Trace = Trace;
    const VELOCITIES: [bool; 7] = [false, false, false, true, true, true, true];

    fn dt(&self) -> f32 {
        self.dt
    }

    fn accelerate(
        &self,
        trace: &mut Trace,
        [_, _, theta, _, _, _, fuel]: &[f32; 7],
        [thrust, delta]: &[f32; 2],
        rate: &mut [f32; 7],
    ) {
        let burning = *fuel > 0.0;
        let thrust = if burning { *thrust } else { 0.0 };
        let lightness = 1.0 / (self.dry + fuel);
        let push = thrust * lightness;
        let (heading, nozzle) = (math::sin_cos(theta + delta), math::sin_cos(*delta));
        *trace = Trace { burning, lightness, push, heading, nozzle };
        let [_, _, _, v, w, omega, fuel] = rate;
        (*v, *w) = (-(push * heading.0), push * heading.1 - self.gravity);
        *omega = -(self.lever * push * nozzle.0);
        *fuel = -(thrust / self.exhaust);
    }

    fn drift(&self, _: &mut Trace, [_, _, _, v, w, omega, _]: &[f32; 7], rate: &mut [f32; 7]) {
        let [x, y, theta, ..] = rate;
        (*x, *y, *theta) = (*v, *w, *omega);
    }

    fn pull_accelerate(
        &self,
        trace: &Trace,
        [_, _, _, g_v, g_w, g_omega, g_fuel]: &[f32; 7],
        gx: &mut [f32; 7],
        [gu_thrust, gu_delta]: &mut [f32; 2],
    ) {
        let Trace { burning, lightness, push, heading: (sin, cos), nozzle: (sin_d, cos_d) } = *trace;
        let g_push = g_w * cos - g_v * sin - g_omega * self.lever * sin_d;
        let g_heading = -(push * (g_v * cos + g_w * sin));
        let [_, _, g_theta, _, _, _, g_tank] = gx;
        *g_theta += g_heading;
        *g_tank -= g_push * push * lightness;
        *gu_delta += g_heading - g_omega * self.lever * push * cos_d;
        if burning {
            *gu_thrust += g_push * lightness - g_fuel / self.exhaust;
        }
    }

    fn pull_drift(&self, _: &Trace, [g_x, g_y, g_theta, ..]: &[f32; 7], gx: &mut [f32; 7]) {
        let [_, _, _, v, w, omega, _] = gx;
        *v += g_x;
        *w += g_y;
        *omega += g_theta;
    }

    fn limit(&self, [.., fuel]: &mut [f32; 7]) {
        *fuel = math::clamp(*fuel, 0.0, f32::MAX);
    }
}
