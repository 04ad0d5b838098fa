//! No forward model: that of a mind that only reacts. It foresees that nothing changes.

use super::{ForwardModel, Pullback};
use crate::{
    Zero,
    artifact::{Artifact, ArtifactError, Load, Model},
};

/// `x' = x`.
#[derive(Clone, Copy, Debug)]
pub struct Absent;

impl<'a> Load<'a> for Absent {
    fn load(artifact: &Artifact<'a>) -> Result<Self, ArtifactError> {
        match artifact.header().model {
            Model::Absent => Ok(Self),
            _ => Err(ArtifactError::Kind { expected: "a mind without a forward model" }),
        }
    }
}

impl<const NX: usize, const NU: usize, const NZ: usize> ForwardModel<NX, NU, NZ> for Absent {
    type Trace = ();

    fn step(&self, (): &mut (), x: &[f32; NX], _: &[f32; NU], _: &[f32; NZ], next: &mut [f32; NX]) {
        *next = *x;
    }

    fn pullback(&self, (): &(), g: &[f32; NX], out: &mut Pullback<NX, NU, NZ>) {
        *out = Pullback { x: *g, ..Pullback::ZERO };
    }
}
