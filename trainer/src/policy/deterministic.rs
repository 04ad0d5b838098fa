//! One action for each state: `u = mid + half · tanh(o)`, what the [chip's policy](forethought::policy) does.

use super::{Config, Head, Policy, Range};
use crate::{
    export::Tensors,
    tape::{Tape, Var},
    worlds::Rng,
};
use forethought::feature::Angles;

/// The action is the output, bounded.
#[derive(Clone, Debug)]
pub struct Deterministic(Range);

impl Deterministic {
    /// Actions in a range.
    pub fn new(range: (&[f32], &[f32])) -> Self {
        Self(Range::new(range))
    }
}

impl Head for Deterministic {
    fn outputs(&self) -> usize {
        self.0.len()
    }

    fn act(&self, tape: &Tape, out: Var, _: &mut Rng) -> Var {
        self.best(tape, out)
    }

    fn best(&self, tape: &Tape, out: Var) -> Var {
        self.0.stretch(tape, tape.tanh(out))
    }
}

impl Policy {
    /// A policy that rests at the middle of its range. `scale` is the typical magnitude of each state component.
    pub fn new(
        config: &Config,
        angles: Angles,
        scale: Vec<f32>,
        range: (&[f32], &[f32]),
        rng: &mut Rng,
    ) -> Self {
        Self::with(Deterministic::new(range), config.hidden, angles, scale, rng)
    }

    /// Adds the part `policy`.
    pub fn export(&self, tensors: &mut Tensors) {
        self.trunk.export(&self.params, "policy", tensors);
    }
}
