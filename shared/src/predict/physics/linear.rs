//! A linear plant in discrete time, `x' = A x + B u`: what an identification, or physics about a point of rest, gives.

use super::is;
use crate::{
    artifact::{Artifact, ArtifactError, Load, Plant},
    dense::Dense,
    predict::{ForwardModel, Pullback},
};

/// The matrices, of any sizes.
#[derive(Clone, Copy, Debug)]
pub struct Linear<'a> {
    a: Dense<'a>,
    b: Dense<'a>,
}

impl<'a> Load<'a> for Linear<'a> {
    /// Reads the tensors `predict.a` and `predict.b`.
    fn load(artifact: &Artifact<'a>) -> Result<Self, ArtifactError> {
        is(artifact, Plant::Linear, "a linear plant as forward model")?;
        let sizes = artifact.sizes();
        Ok(Self {
            a: artifact.matrix("predict", "a", sizes.nx(), sizes.nx())?,
            b: artifact.matrix("predict", "b", sizes.nx(), sizes.nu())?,
        })
    }
}

impl<const NX: usize, const NU: usize> ForwardModel<NX, NU, 0> for Linear<'_> {
    type Trace = ();

    fn step(&self, _: &mut (), x: &[f32; NX], u: &[f32; NU], _: &[f32; 0], next: &mut [f32; NX]) {
        *next = [0.0; NX];
        self.a.add(x, next);
        self.b.add(u, next);
    }

    fn pullback(&self, _: &(), g: &[f32; NX], out: &mut Pullback<NX, NU, 0>) {
        *out = Pullback { x: [0.0; NX], u: [0.0; NU], z: [] };
        self.a.pull(g, &mut out.x);
        self.b.pull(g, &mut out.u);
    }
}
