//! The cart-pole, state `(x, ẋ, θ, θ̇)`, force `F`; θ = 0 points up.
//!
//! Barto, Sutton & Anderson 1983, without friction; the pole is a thin rod of half length `l`:
//!
//! ```text
//! p = (F + m l θ̇² sin θ)/(M + m)
//! θ̈ = (g sin θ − p cos θ)/(l (4/3 − m cos² θ/(M + m)))
//! ẍ = p − m l θ̈ cos θ/(M + m)
//! ```

use super::{Dynamics, constants, integrate::SemiImplicit, positive, require};
use crate::{
    Zero,
    artifact::{Artifact, ArtifactError, Load, Plant},
    math,
};

/// The cart-pole, in steps of semi-implicit Euler.
pub type CartPole = SemiImplicit<Constants, 4, 1>;

/// Constants of the plant, in the order of the tensor. The default is the classic one, at 20 Hz.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Constants {
    /// `g`, in m/s².
    pub gravity: f32,
    /// `M`, mass of the cart, in kg.
    pub cart: f32,
    /// `m`, mass of the pole, in kg.
    pub pole: f32,
    /// `l`, half of the pole's length, in m.
    pub half_length: f32,
    /// Time step, in s.
    pub dt: f32,
}

impl Default for Constants {
    fn default() -> Self {
        Self { gravity: 9.8, cart: 1.0, pole: 0.1, half_length: 0.5, dt: 0.05 }
    }
}

impl From<Constants> for [f32; 5] {
    fn from(c: Constants) -> Self {
        [c.gravity, c.cart, c.pole, c.half_length, c.dt]
    }
}

impl<'a> Load<'a> for Constants {
    fn load(artifact: &Artifact<'a>) -> Result<Self, ArtifactError> {
        let stored = constants(artifact, Plant::CartPole, "the cart-pole's physics as forward model")?;
        let Some([gravity, cart, pole, half_length, dt]) = stored else { return Ok(Self::default()) };
        require(
            positive(&[gravity, cart, pole, half_length, dt]),
            "a cart-pole's gravity, masses, length and time step must be above 0",
        )?;
        Ok(Self { gravity, cart, pole, half_length, dt })
    }
}

/// What an evaluation found on its way.
#[derive(Clone, Copy, Debug)]
pub struct Trace {
    sin: f32,
    cos: f32,
    omega: f32,
    /// `p`.
    push: f32,
    /// `θ̈`, and what it was divided by.
    turn: f32,
    inertia: f32,
}

impl Zero for Trace {
    const ZERO: Self = Self { sin: 0.0, cos: 0.0, omega: 0.0, push: 0.0, turn: 0.0, inertia: 1.0 };
}

impl Constants {
    /// `1/(M + m)`, and the pole's share `m l/(M + m)`.
    fn shares(&self) -> (f32, f32) {
        let whole = 1.0 / (self.cart + self.pole);
        (whole, self.pole * self.half_length * whole)
    }
}

impl Dynamics<4, 1> for Constants {
    type Trace = Trace;
    const VELOCITIES: [bool; 4] = [false, true, false, true];

    fn dt(&self) -> f32 {
        self.dt
    }

    fn accelerate(
        &self,
        trace: &mut Trace,
        [_, _, theta, omega]: &[f32; 4],
        [force]: &[f32; 1],
        rate: &mut [f32; 4],
    ) {
        let (whole, share) = self.shares();
        let (sin, cos) = math::sin_cos(*theta);
        let push = force * whole + share * (omega * omega) * sin;
        let inertia = self.half_length * (4.0 / 3.0) - share * (cos * cos);
        let turn = (self.gravity * sin - push * cos) / inertia;
        *trace = Trace { sin, cos, omega: *omega, push, turn, inertia };
        let [_, v, _, w] = rate;
        (*v, *w) = (push - share * turn * cos, turn);
    }

    fn drift(&self, _: &mut Trace, [_, v, _, omega]: &[f32; 4], [x, _, theta, _]: &mut [f32; 4]) {
        (*x, *theta) = (*v, *omega);
    }

    fn pull_accelerate(
        &self,
        trace: &Trace,
        [_, g_v, _, g_w]: &[f32; 4],
        gx: &mut [f32; 4],
        gu: &mut [f32; 1],
    ) {
        let (whole, share) = self.shares();
        let Trace { sin, cos, omega, push, turn, inertia } = *trace;
        let g_torque = (g_w - g_v * share * cos) / inertia;
        let g_push = g_v - g_torque * cos;
        let g_cos = 2.0 * g_torque * turn * share * cos - g_torque * push - g_v * share * turn;
        let g_sin = g_torque * self.gravity + g_push * share * (omega * omega);
        let ([_, _, g_theta, g_omega], [g_force]) = (gx, gu);
        *g_theta += g_sin * cos - g_cos * sin;
        *g_omega += 2.0 * g_push * share * omega * sin;
        *g_force += g_push * whole;
    }

    fn pull_drift(&self, _: &Trace, [g_x, _, g_theta, _]: &[f32; 4], gx: &mut [f32; 4]) {
        let [_, v, _, omega] = gx;
        *v += g_x;
        *omega += g_theta;
    }
}
