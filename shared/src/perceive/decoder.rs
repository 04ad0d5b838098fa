//! The linear decoder `y ≈ D z + ȳ`: the observation that a code stands for. No decision needs it, so a weight file may
//! come without.

use crate::{
    artifact::{Artifact, ArtifactError},
    dense::Dense,
};

/// Weights of the decoder.
#[derive(Clone, Copy, Debug)]
pub struct Decoder<'a> {
    dictionary: Dense<'a>,
    mean: &'a [f32],
}

impl<'a> Decoder<'a> {
    /// Reads `dictionary` and `mean` of the part `perceive` of an artifact.
    pub fn load(artifact: &Artifact<'a>) -> Result<Self, ArtifactError> {
        let sizes = artifact.sizes();
        Ok(Self {
            dictionary: artifact.matrix("perceive", "dictionary", sizes.ny(), sizes.nc())?,
            mean: artifact.vector("perceive", "mean", sizes.ny())?,
        })
    }

    /// Writes the observation that the code stands for.
    pub fn reconstruct(&self, code: &[f32], y: &mut [f32]) {
        self.dictionary.affine(self.mean, code, y);
    }
}
