//! From `ẋ = f(x, u)` to the next state, and back: the integrators that all plants share.
//!
//! ```text
//! semi-implicit Euler    v' = v + Δt a(q, v, u),   q' = q + Δt m(q, v')         one evaluation
//! Runge–Kutta, 4th order k₁ = f(x), k₂ = f(x + ½Δt k₁), k₃ = f(x + ½Δt k₂), k₄ = f(x + Δt k₃)
//!                        x' = x + Δt (k₁ + 2k₂ + 2k₃ + k₄)/6                    four, error Δt⁵ a step
//! ```
//! Semi-implicit Euler bounds the error of the energy where forces depend on positions alone, as the pendulum's; elsewhere
//! Runge–Kutta is the better one. The action is held over the step. Limits are kept after each half: their
//! slope is 0 where they hold.

use super::Dynamics;
use crate::{
    Zero,
    artifact::{Artifact, ArtifactError, Load},
    predict::{ForwardModel, Pullback},
};

/// A plant under semi-implicit (symplectic) Euler.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SemiImplicit<P, const NX: usize, const NU: usize>(pub P);

/// A plant under the classical Runge–Kutta method.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct RungeKutta<P, const NX: usize, const NU: usize>(pub P);

/// What a step remembers: what the plant does at each evaluation, and which velocities were stopped.
#[derive(Clone, Copy, Debug)]
pub struct Trace<T, const NX: usize, const STAGES: usize> {
    stages: [T; STAGES],
    stopped: [bool; NX],
    /// The same after the second half of a semi-implicit step.
    ended: [bool; NX],
}

impl<T: Zero, const NX: usize, const STAGES: usize> Zero for Trace<T, NX, STAGES> {
    const ZERO: Self = Self { stages: [const { T::ZERO }; STAGES], stopped: [false; NX], ended: [false; NX] };
}

impl<'a, P: Load<'a>, const NX: usize, const NU: usize> Load<'a> for SemiImplicit<P, NX, NU> {
    fn load(artifact: &Artifact<'a>) -> Result<Self, ArtifactError> {
        P::load(artifact).map(Self)
    }
}

impl<'a, P: Load<'a>, const NX: usize, const NU: usize> Load<'a> for RungeKutta<P, NX, NU> {
    fn load(artifact: &Artifact<'a>) -> Result<Self, ArtifactError> {
        P::load(artifact).map(Self)
    }
}

impl<P: Dynamics<NX, NU>, const NX: usize, const NU: usize> ForwardModel<NX, NU, 0>
    for SemiImplicit<P, NX, NU>
{
    type Trace = Trace<P::Trace, NX, 1>;

    fn step(
        &self,
        trace: &mut Self::Trace,
        x: &[f32; NX],
        u: &[f32; NU],
        _: &[f32; 0],
        next: &mut [f32; NX],
    ) {
        let (mut x, mut rate, dt) = (*x, [0.0; NX], self.0.dt());
        let [stage] = &mut trace.stages;
        self.0.accelerate(stage, &x, u, &mut rate);
        for ((x, rate), velocity) in x.iter_mut().zip(&rate).zip(P::VELOCITIES) {
            if velocity {
                *x += rate * dt;
            }
        }
        trace.stopped = stop(&self.0, &mut x);
        self.0.drift(stage, &x, &mut rate);
        for ((x, rate), velocity) in x.iter_mut().zip(&rate).zip(P::VELOCITIES) {
            if !velocity {
                *x += rate * dt;
            }
        }
        trace.ended = stop(&self.0, &mut x);
        *next = x;
    }

    fn pullback(&self, trace: &Self::Trace, g: &[f32; NX], out: &mut Pullback<NX, NU, 0>) {
        let dt = self.0.dt();
        let (mut gx, mut gu) = (*g, [0.0; NU]);
        hold(&trace.ended, &mut gx);
        let [stage] = &trace.stages;
        let along = gx.map(|g| g * dt);
        self.0.pull_drift(stage, &along, &mut gx);
        hold(&trace.stopped, &mut gx);
        let along = gx.map(|g| g * dt);
        self.0.pull_accelerate(stage, &along, &mut gx, &mut gu);
        *out = Pullback { x: gx, u: gu, z: [] };
    }
}

/// Of each evaluation: its share in the sum, and how much of a step lies between it and the next.
const STAGES: [(f32, f32); 4] = [(1.0 / 6.0, 0.5), (1.0 / 3.0, 0.5), (1.0 / 3.0, 1.0), (1.0 / 6.0, 0.0)];

impl<P: Dynamics<NX, NU>, const NX: usize, const NU: usize> ForwardModel<NX, NU, 0>
    for RungeKutta<P, NX, NU>
{
    type Trace = Trace<P::Trace, NX, 4>;

    fn step(
        &self,
        trace: &mut Self::Trace,
        x: &[f32; NX],
        u: &[f32; NU],
        _: &[f32; 0],
        next: &mut [f32; NX],
    ) {
        let (mut at, mut end, dt) = (*x, *x, self.0.dt());
        for (stage, (share, ahead)) in trace.stages.iter_mut().zip(STAGES) {
            let mut rate = [0.0; NX];
            self.0.accelerate(stage, &at, u, &mut rate);
            self.0.drift(stage, &at, &mut rate);
            add(&mut end, &rate, share * dt);
            at = *x;
            add(&mut at, &rate, ahead * dt);
        }
        trace.stopped = stop(&self.0, &mut end);
        *next = end;
    }

    fn pullback(&self, trace: &Self::Trace, g: &[f32; NX], out: &mut Pullback<NX, NU, 0>) {
        let dt = self.0.dt();
        let (mut gx, mut gu) = (*g, [0.0; NU]);
        hold(&trace.stopped, &mut gx);
        let g = gx;
        // What the evaluation after this one says of where it was.
        let mut g_at = [0.0; NX];
        // Both reversed, not the pair of them: a pair's end could be no end, and then would panic.
        for (stage, (share, ahead)) in trace.stages.iter().rev().zip(STAGES.iter().rev()) {
            let mut along = g.map(|g| g * (share * dt));
            add(&mut along, &g_at, ahead * dt);
            g_at = [0.0; NX];
            self.0.pull_accelerate(stage, &along, &mut g_at, &mut gu);
            self.0.pull_drift(stage, &along, &mut g_at);
            add(&mut gx, &g_at, 1.0);
        }
        *out = Pullback { x: gx, u: gu, z: [] };
    }
}

/// `x ← x + by · rate`.
fn add<const N: usize>(x: &mut [f32; N], rate: &[f32; N], by: f32) {
    for (x, rate) in x.iter_mut().zip(rate) {
        *x += rate * by;
    }
}

/// Keeps the limits, and says where they hold.
fn stop<P: Dynamics<NX, NU>, const NX: usize, const NU: usize>(plant: &P, x: &mut [f32; NX]) -> [bool; NX] {
    let (free, mut stopped) = (*x, [false; NX]);
    plant.limit(x);
    for (stopped, (free, x)) in stopped.iter_mut().zip(free.iter().zip(x)) {
        *stopped = free != x;
    }
    stopped
}

/// What was stopped depends on nothing.
fn hold<const NX: usize>(stopped: &[bool; NX], g: &mut [f32; NX]) {
    for (g, stopped) in g.iter_mut().zip(stopped) {
        if *stopped {
            *g = 0.0;
        }
    }
}
