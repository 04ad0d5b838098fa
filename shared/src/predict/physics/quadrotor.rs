//! A quadrotor: position `r`, attitude `p`, velocity `v`, angular velocity `ω` (of the body, in its own axes), three numbers
//! each; four motors, each a deviation from its thrust at hover.
//!
//! The attitude is a Rodrigues vector `p = axis · tan(angle/2)`: no trigonometry, and exact up to half a turn. With `b` the
//! body's upright axis:
//!
//! ```text
//! ṙ = v,   ṗ = ½(ω + p×ω + p(pᵀω)),   b = (2(p₁p₃ + p₂), 2(p₂p₃ − p₁), 1 − pᵀp + 2p₃²)/(1 + pᵀp)
//! v̇ = (g + k Σu) b − (0, 0, g),   ω̇ = M u + (γ₁ω₂ω₃, γ₂ω₃ω₁, γ₃ω₁ω₂)
//! ```

use super::{Dynamics, constants, integrate::RungeKutta, positive, require};
use crate::{
    Zero,
    artifact::{Artifact, ArtifactError, Load, Plant},
};

/// The quadrotor, in Runge–Kutta steps.
pub type Quadrotor = RungeKutta<Constants, 12, 4>;

/// Constants of the plant, in the order of the tensor. The default is TinyMPC's example: about hover its steps are that
/// example's matrices.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Constants {
    /// `g`, in m/s².
    pub gravity: f32,
    /// `k`: upward acceleration per unit of a motor, in m/s².
    pub thrust: f32,
    /// `M`: angular acceleration about each axis per unit of each motor, in rad/s².
    pub moments: [[f32; 4]; 3],
    /// `γ`: from the moments of inertia, `(J₂ − J₃)/J₁`, `(J₃ − J₁)/J₂`, `(J₁ − J₂)/J₃`.
    pub gyroscopic: [f32; 3],
    /// Time step, in s.
    pub dt: f32,
}

impl Default for Constants {
    fn default() -> Self {
        Self {
            gravity: 9.81,
            thrust: 4.204_286,
            moments: [
                [-275.354_6, -303.234_04, 275.662_63, 302.926],
                [-276.707_03, 304.278_4, 277.569_5, -305.140_9],
                [19.747_711, -7.223_64, -27.843_76, 15.319_69],
            ],
            // Of a flat cross: J₃ is 1.765 J₁.
            gyroscopic: [-0.765, 0.765, 0.0],
            dt: 0.05,
        }
    }
}

impl From<Constants> for [f32; 18] {
    fn from(c: Constants) -> Self {
        let [[a0, a1, a2, a3], [b0, b1, b2, b3], [c0, c1, c2, c3]] = c.moments;
        let [g0, g1, g2] = c.gyroscopic;
        [c.gravity, c.thrust, a0, a1, a2, a3, b0, b1, b2, b3, c0, c1, c2, c3, g0, g1, g2, c.dt]
    }
}

impl<'a> Load<'a> for Constants {
    fn load(artifact: &Artifact<'a>) -> Result<Self, ArtifactError> {
        let stored = constants(artifact, Plant::Quadrotor, "the quadrotor's physics as forward model")?;
        let Some([gravity, thrust, a0, a1, a2, a3, b0, b1, b2, b3, c0, c1, c2, c3, g0, g1, g2, dt]) = stored
        else {
            return Ok(Self::default());
        };
        require(
            positive(&[gravity, thrust, dt]),
            "a quadrotor's gravity, thrust and time step must be above 0",
        )?;
        Ok(Self {
            gravity,
            thrust,
            moments: [[a0, a1, a2, a3], [b0, b1, b2, b3], [c0, c1, c2, c3]],
            gyroscopic: [g0, g1, g2],
            dt,
        })
    }
}

/// What an evaluation found on its way.
#[derive(Clone, Copy, Debug)]
pub struct Trace {
    attitude: [f32; 3],
    turning: [f32; 3],
    /// The body's upright axis.
    upright: [f32; 3],
    /// `g + k Σu`.
    lift: f32,
}

impl Zero for Trace {
    const ZERO: Self = Self { attitude: [0.0; 3], turning: [0.0; 3], upright: [0.0; 3], lift: 0.0 };
}

fn dot(a: &[f32; 3], b: &[f32; 3]) -> f32 {
    let ([a1, a2, a3], [b1, b2, b3]) = (a, b);
    a1 * b1 + a2 * b2 + a3 * b3
}

/// `a + b × c`.
fn add_cross(a: &[f32; 3], b: &[f32; 3], c: &[f32; 3]) -> [f32; 3] {
    let ([a1, a2, a3], [b1, b2, b3], [c1, c2, c3]) = (a, b, c);
    [a1 + (b2 * c3 - b3 * c2), a2 + (b3 * c1 - b1 * c3), a3 + (b1 * c2 - b2 * c1)]
}

/// `a ← a + by · b`.
fn add(a: &mut [f32; 3], b: &[f32; 3], by: f32) {
    for (a, b) in a.iter_mut().zip(b) {
        *a += by * b;
    }
}

/// Position, attitude, velocity, angular velocity.
fn parts(x: &[f32; 12]) -> [[f32; 3]; 4] {
    let [r1, r2, r3, p1, p2, p3, v1, v2, v3, w1, w2, w3] = *x;
    [[r1, r2, r3], [p1, p2, p3], [v1, v2, v3], [w1, w2, w3]]
}

fn whole([[r1, r2, r3], [p1, p2, p3], [v1, v2, v3], [w1, w2, w3]]: [[f32; 3]; 4]) -> [f32; 12] {
    [r1, r2, r3, p1, p2, p3, v1, v2, v3, w1, w2, w3]
}

impl Dynamics<12, 4> for Constants {
    type Trace = Trace;
    const VELOCITIES: [bool; 12] =
        [false, false, false, false, false, false, true, true, true, true, true, true];

    fn dt(&self) -> f32 {
        self.dt
    }

    fn accelerate(&self, trace: &mut Trace, x: &[f32; 12], u: &[f32; 4], rate: &mut [f32; 12]) {
        let [_, attitude, _, turning] = parts(x);
        let ([p1, p2, p3], [w1, w2, w3]) = (attitude, turning);
        let n = dot(&attitude, &attitude);
        let share = 1.0 / (1.0 + n);
        let upright =
            [2.0 * (p1 * p3 + p2) * share, 2.0 * (p2 * p3 - p1) * share, (1.0 - n + 2.0 * (p3 * p3)) * share];
        let [u1, u2, u3, u4] = u;
        let lift = self.gravity + self.thrust * (u1 + u2 + u3 + u4);
        *trace = Trace { attitude, turning, upright, lift };

        let mut fall = upright.map(|b| lift * b);
        let [_, _, down] = &mut fall;
        *down -= self.gravity;
        let [c1, c2, c3] = self.gyroscopic;
        let mut spin = [c1 * w2 * w3, c2 * w3 * w1, c3 * w1 * w2];
        for (spin, [m1, m2, m3, m4]) in spin.iter_mut().zip(&self.moments) {
            *spin += m1 * u1 + m2 * u2 + m3 * u3 + m4 * u4;
        }
        let [moved, turned, ..] = parts(rate);
        *rate = whole([moved, turned, fall, spin]);
    }

    fn drift(&self, trace: &mut Trace, x: &[f32; 12], rate: &mut [f32; 12]) {
        let [_, attitude, velocity, turning] = parts(x);
        (trace.attitude, trace.turning) = (attitude, turning);
        let mut turned = add_cross(&turning, &attitude, &turning);
        add(&mut turned, &attitude, dot(&attitude, &turning));
        let [.., fall, spin] = parts(rate);
        *rate = whole([velocity, turned.map(|p| 0.5 * p), fall, spin]);
    }

    fn pull_accelerate(&self, trace: &Trace, g: &[f32; 12], gx: &mut [f32; 12], gu: &mut [f32; 4]) {
        let Trace { attitude, turning, upright, lift } = trace;
        let ([p1, p2, p3], [w1, w2, w3]) = (attitude, turning);
        let [.., g_fall, g_spin] = parts(g);
        let [moved, mut g_attitude, velocity, mut g_turning] = parts(gx);

        // b = m/(1 + n), n = pᵀp, and m holds an n too.
        let share = lift / (1.0 + dot(attitude, attitude));
        let [m1, m2, m3] = g_fall.map(|g| 2.0 * (g * share));
        let g_n = -(dot(&g_fall, upright) * share) - 0.5 * m3;
        add(&mut g_attitude, attitude, 2.0 * g_n);
        add(&mut g_attitude, &[m1 * p3 - m2, m1 + m2 * p3, m1 * p1 + m2 * p2 + 2.0 * (m3 * p3)], 1.0);

        let ([c1, c2, c3], [s1, s2, s3]) = (self.gyroscopic, g_spin);
        let (s1, s2, s3) = (c1 * s1, c2 * s2, c3 * s3);
        add(&mut g_turning, &[s2 * w3 + s3 * w2, s1 * w3 + s3 * w1, s1 * w2 + s2 * w1], 1.0);
        *gx = whole([moved, g_attitude, velocity, g_turning]);

        let g_lift = self.thrust * dot(&g_fall, upright);
        let [[a0, a1, a2, a3], [b0, b1, b2, b3], [c0, c1, c2, c3]] = self.moments;
        for (g, moments) in gu.iter_mut().zip([[a0, b0, c0], [a1, b1, c1], [a2, b2, c2], [a3, b3, c3]]) {
            *g += g_lift + dot(&moments, &g_spin);
        }
    }

    fn pull_drift(&self, trace: &Trace, g: &[f32; 12], gx: &mut [f32; 12]) {
        let Trace { attitude, turning, .. } = trace;
        let [g_moved, g_turned, ..] = parts(g);
        let half = g_turned.map(|g| 0.5 * g);
        let [moved, g_attitude, mut velocity, g_turning] = parts(gx);
        add(&mut velocity, &g_moved, 1.0);
        let (along, rate) = (dot(&half, attitude), dot(attitude, turning));
        let mut g_attitude = add_cross(&g_attitude, turning, &half);
        add(&mut g_attitude, &half, rate);
        add(&mut g_attitude, turning, along);
        let mut g_turning = add_cross(&g_turning, &half, attitude);
        add(&mut g_turning, &half, 1.0);
        add(&mut g_turning, attitude, along);
        *gx = whole([moved, g_attitude, velocity, g_turning]);
    }
}
