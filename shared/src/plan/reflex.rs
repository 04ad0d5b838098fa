//! No planning at all: what practice would do. The planner of a mind that has only a policy.

use super::{Outcome, Planner, Status};
use crate::{
    artifact::{self, Artifact, ArtifactError, Load},
    cost::Cost,
    predict::ForwardModel,
};

/// Acts by practice.
#[derive(Clone, Copy, Debug)]
pub struct Reflex;

impl<'a> Load<'a> for Reflex {
    fn load(artifact: &Artifact<'a>) -> Result<Self, ArtifactError> {
        match artifact.header().planner {
            artifact::Planner::Reflex => Ok(Self),
            _ => Err(ArtifactError::Kind { expected: "a policy without a planner" }),
        }
    }
}

impl<'a, M, const NX: usize, const NU: usize, const NZ: usize, const NH: usize, const H: usize>
    Planner<'a, M, NX, NU, NZ, NH, H> for Reflex
where
    M: ForwardModel<NX, NU, NZ>,
{
    type State = ();

    fn plan(
        &self,
        (): &mut (),
        _: (&M, &Cost<'_, NH>),
        x: &[f32; NX],
        practice: impl Fn(&[f32; NX], &mut [f32; NU]),
    ) -> Outcome<NU> {
        let mut action = [0.0; NU];
        practice(x, &mut action);
        Outcome { action: Some(action), cost: 0.0, status: Status::NotPlanned, iterations: 0 }
    }

    fn planned<'s>(&self, (): &'s ()) -> &'s [[f32; NX]] {
        &[]
    }
}
