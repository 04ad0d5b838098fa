//! Energies that [layers](crate::layers) tell: of an autoencoder, by what it misses, and of a critic, by what it says.
//!
//! ```text
//! autoencoder   F(y) = ½‖y − a(y)‖²,   ∂F/∂y = r − (∂a/∂y)ᵀ r   with r = y − a(y)
//! critic        F(y) = c(y),           ∂F/∂y = (∂c/∂y)ᵀ
//! ```

use super::Energy;
use crate::{
    Zero,
    artifact::{Artifact, ArtifactError, Load, Source},
    dense::dot,
    layers::{Layers, Trace},
};

/// The part of an artifact that holds the layers.
const PART: &str = "energy";

/// An autoencoder or a critic.
#[derive(Clone, Debug)]
pub struct Network<'a, const NY: usize, const NH: usize> {
    layers: Layers<'a, NH>,
    /// Whether it says the energy, instead of the observation over again.
    critic: bool,
}

/// Working memory.
#[derive(Clone, Debug)]
pub struct Scratch<const NY: usize, const NH: usize> {
    trace: Trace<NH>,
    out: [f32; NY],
    missed: [f32; NY],
}

impl<const NY: usize, const NH: usize> Zero for Scratch<NY, NH> {
    const ZERO: Self = Self { trace: Trace::ZERO, out: [0.0; NY], missed: [0.0; NY] };
}

impl<'a, const NY: usize, const NH: usize> Load<'a> for Network<'a, NY, NH> {
    fn load(artifact: &Artifact<'a>) -> Result<Self, ArtifactError> {
        let sizes = artifact.sizes();
        sizes.check_observation::<NY, 0>()?;
        let critic = match artifact.header().energy.map(|energy| energy.source) {
            Some(Source::Critic) => true,
            Some(Source::Autoencoder) => false,
            _ => return Err(ArtifactError::Kind { expected: "the energy of a network" }),
        };
        let outputs = if critic { 1 } else { sizes.ny() };
        Ok(Self { layers: Layers::load(artifact, PART, (sizes.ny(), outputs))?, critic })
    }
}

impl<const NY: usize, const NH: usize> Energy<NY> for Network<'_, NY, NH> {
    type Scratch = Scratch<NY, NH>;

    fn of(&self, scratch: &mut Self::Scratch, y: &[f32; NY]) -> f32 {
        let Scratch { trace, out, missed } = scratch;
        self.layers.forward(y, trace, out);
        if self.critic {
            return out.first().copied().unwrap_or(0.0);
        }
        for (missed, (y, out)) in missed.iter_mut().zip(y.iter().zip(&*out)) {
            *missed = y - out;
        }
        0.5 * dot(missed, missed)
    }

    fn slope(&self, scratch: &mut Self::Scratch, slope: &mut [f32; NY]) {
        let Scratch { trace, out, missed } = scratch;
        if self.critic {
            *slope = [0.0; NY];
            return self.layers.pull(trace, out, &mut [1.0], slope);
        }
        *slope = *missed;
        let mut back = missed.map(|missed| -missed);
        self.layers.pull(trace, out, &mut back, slope);
    }
}
