//! The predictor of predictive sparse decomposition (Kavukcuoglu, Ranzato & LeCun, 2008): an encoder of one layer.
//!
//! ```text
//! z = g ⊙ tanh(W y + b)
//! ```
//! `b` takes in the mean of the observations.

use super::Encoder;
use crate::{
    artifact::{self, Artifact, ArtifactError, Load},
    dense::Dense,
    math,
};

/// Weights of the predictor.
#[derive(Clone, Copy, Debug)]
pub struct Psd<'a, const NY: usize, const NC: usize> {
    w: Dense<'a>,
    bias: &'a [f32],
    gain: &'a [f32],
}

impl<'a, const NY: usize, const NC: usize> Load<'a> for Psd<'a, NY, NC> {
    /// Reads the part `perceive` of an artifact.
    fn load(artifact: &Artifact<'a>) -> Result<Self, ArtifactError> {
        const PART: &str = "perceive";
        let sizes = artifact.sizes();
        sizes.check_observation::<NY, NC>()?;
        let (ny, nc) = (sizes.ny(), sizes.nc());
        let artifact::Encoder::Psd = *artifact.encoder() else {
            return Err(ArtifactError::Kind { expected: "PSD" });
        };
        Ok(Self {
            w: artifact.matrix(PART, "w", nc, ny)?,
            bias: artifact.vector(PART, "bias", nc)?,
            gain: artifact.vector(PART, "gain", nc)?,
        })
    }
}

impl<const NY: usize, const NC: usize> Encoder<NY, NC> for Psd<'_, NY, NC> {
    type Scratch = ();

    fn encode(&self, _: &mut (), y: &[f32; NY], code: &mut [f32; NC]) {
        self.w.affine(self.bias, y, code);
        for (z, gain) in code.iter_mut().zip(self.gain) {
            *z = gain * math::tanh(*z);
        }
    }
}
