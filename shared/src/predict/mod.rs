//! Forward models: what will the world do if I do this?
//!
//! `s' = f(s, a, z)`, with a latent `z` for what cannot be known. Every model comes with its **pullback**, the product
//! of a costate with its Jacobians, which is all that planning and filtering need of a derivative.

pub mod absent;
pub mod ensemble;
pub mod network;
pub mod physics;
pub mod residual;
pub mod traffic;

use crate::Zero;

/// A differentiable forward model `x' = f(x, u, z)`.
pub trait ForwardModel<const NX: usize, const NU: usize, const NZ: usize> {
    /// What a step has to remember for its pullback.
    type Trace: Zero + Clone;

    /// `next = f(x, u, z)`.
    fn step(
        &self,
        trace: &mut Self::Trace,
        x: &[f32; NX],
        u: &[f32; NU],
        z: &[f32; NZ],
        next: &mut [f32; NX],
    );

    /// `gᵀ ∂f/∂(x, u, z)` at the step that `trace` remembers, for the costate `g = ∂cost/∂next`.
    fn pullback(&self, trace: &Self::Trace, g: &[f32; NX], out: &mut Pullback<NX, NU, NZ>);

    /// The same with `Σ_i d_i ∂epistemic_i/∂(x, u, z)` beside it, for the prices `d` of doubt; of a model that knows no doubt,
    /// nothing.
    fn wary_pullback(
        &self,
        trace: &Self::Trace,
        g: &[f32; NX],
        _doubt: &[f32],
        out: &mut Pullback<NX, NU, NZ>,
    ) {
        self.pullback(trace, g, out);
    }

    /// How far the step that `trace` remembers is to be trusted, where the model knows.
    fn uncertainty<'t>(&self, _trace: &'t Self::Trace) -> Option<&'t Uncertainty<NX>> {
        None
    }
}

/// Variances of a prediction.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Uncertainty<const NX: usize> {
    /// Of the world itself, which no data will ever lower.
    pub aleatoric: [f32; NX],
    /// Of what the model does not know, for want of data.
    pub epistemic: [f32; NX],
}

impl<const NX: usize> Zero for Uncertainty<NX> {
    const ZERO: Self = Self { aleatoric: [0.0; NX], epistemic: [0.0; NX] };
}

/// A costate pulled back through one step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pullback<const NX: usize, const NU: usize, const NZ: usize> {
    /// `gᵀ ∂f/∂x`.
    pub x: [f32; NX],
    /// `gᵀ ∂f/∂u`.
    pub u: [f32; NU],
    /// `gᵀ ∂f/∂z`.
    pub z: [f32; NZ],
}

impl<const NX: usize, const NU: usize, const NZ: usize> Zero for Pullback<NX, NU, NZ> {
    const ZERO: Self = Self { x: [0.0; NX], u: [0.0; NU], z: [0.0; NZ] };
}
