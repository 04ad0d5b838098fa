//! Energies that [layers](crate::layers) tell: of an autoencoder, by what it misses, and of a critic, by what it says.
//!
//! ```text
//! autoencoder   F(y) = ½‖s ⊙ (y − a(y))‖²,   ∂F/∂y = r − (∂a/∂y)ᵀ r   with r = s² ⊙ (y − a(y))
//! critic        F(y) = c(y),                 ∂F/∂y = (∂c/∂y)ᵀ
//! ```
//! The scale `s` brings sensors with different units together; it is 1 where the artifact does not have it.

use super::Energy;
use crate::{
    Zero,
    artifact::{Artifact, ArtifactError, Load, Source},
    dense::dot,
    layers::{Layers, Trace},
};

/// The part of an artifact that holds the layers.
const PART: &str = "energy";
/// The name of `s` in it.
const SCALE: &str = "scale";

/// An autoencoder or a critic.
#[derive(Clone, Debug)]
pub struct Network<'a, const NY: usize, const NH: usize> {
    layers: Layers<'a, NH>,
    /// `s`, if it is not 1.
    scale: Option<&'a [f32]>,
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
        let scaled = !critic && artifact.header().has_tensor(PART, SCALE);
        Ok(Self {
            layers: Layers::load(artifact, PART, (sizes.ny(), outputs))?,
            scale: if scaled { Some(artifact.vector(PART, SCALE, sizes.ny())?) } else { None },
            critic,
        })
    }
}

impl<const NY: usize, const NH: usize> Network<'_, NY, NH> {
    /// `v ← s ⊙ v`.
    fn rescale(&self, v: &mut [f32; NY]) {
        if let Some(scale) = self.scale {
            for (v, scale) in v.iter_mut().zip(scale) {
                *v *= scale;
            }
        }
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
        self.rescale(missed);
        0.5 * dot(missed, missed)
    }

    fn slope(&self, scratch: &mut Self::Scratch, slope: &mut [f32; NY]) {
        let Scratch { trace, out, missed } = scratch;
        if self.critic {
            *slope = [0.0; NY];
            return self.layers.pull(trace, out, &mut [1.0], slope);
        }
        *slope = *missed;
        self.rescale(slope);
        let mut back = slope.map(|missed| -missed);
        self.layers.pull(trace, out, &mut back, slope);
    }
}
