//! Physics with a learned residual: what the equations leave out, a network adds.
//!
//! ```text
//! x' = f(x, u) + o(h₂),   h₂ of (x, u, z) as in [`network`](super::network)
//! ```

use super::{ForwardModel, Pullback, network, network::Network};
use crate::{
    Zero,
    artifact::{Artifact, ArtifactError, Load, Model},
};

/// A plant `P` and the network that corrects it.
#[derive(Clone, Copy, Debug)]
pub struct Residual<'a, P, const NX: usize, const NU: usize, const NZ: usize, const NH: usize> {
    plant: P,
    network: Network<'a, NX, NU, NZ, NH>,
}

/// What one step remembers.
#[derive(Clone, Copy, Debug)]
pub struct Trace<T, const NX: usize, const NH: usize> {
    plant: T,
    network: network::Trace<NX, NH>,
}

impl<T: Zero, const NX: usize, const NH: usize> Zero for Trace<T, NX, NH> {
    const ZERO: Self = Self { plant: T::ZERO, network: Zero::ZERO };
}

impl<'a, P: Load<'a>, const NX: usize, const NU: usize, const NZ: usize, const NH: usize> Load<'a>
    for Residual<'a, P, NX, NU, NZ, NH>
{
    /// Reads plant and network from the part `predict` of an artifact.
    fn load(artifact: &Artifact<'a>) -> Result<Self, ArtifactError> {
        if !matches!(artifact.header().model, Model::Residual(_)) {
            return Err(ArtifactError::Kind { expected: "physics with a learned residual as forward model" });
        }
        Ok(Self {
            plant: P::load(artifact)?,
            network: Network::tensors(artifact, "predict", artifact.sizes().nx())?,
        })
    }
}

impl<P: ForwardModel<NX, NU, 0>, const NX: usize, const NU: usize, const NZ: usize, const NH: usize>
    ForwardModel<NX, NU, NZ> for Residual<'_, P, NX, NU, NZ, NH>
{
    type Trace = Trace<P::Trace, NX, NH>;

    fn step(
        &self,
        trace: &mut Self::Trace,
        x: &[f32; NX],
        u: &[f32; NU],
        z: &[f32; NZ],
        next: &mut [f32; NX],
    ) {
        self.plant.step(&mut trace.plant, x, u, &[], next);
        let change = self.network.change(&mut trace.network, x, u, z);
        for (next, change) in next.iter_mut().zip(change) {
            *next += change;
        }
    }

    fn pullback(&self, trace: &Self::Trace, g: &[f32; NX], out: &mut Pullback<NX, NU, NZ>) {
        let mut plain = Pullback::ZERO;
        self.plant.pullback(&trace.plant, g, &mut plain);
        *out = Pullback { x: plain.x, u: plain.u, z: [0.0; NZ] };
        self.network.pull_change(&trace.network, g, out);
    }
}
