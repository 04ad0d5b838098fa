//! A linear read-out of the code: `m = W z + b`, the measured features of the state.

use crate::{
    artifact::{Artifact, ArtifactError, FEATURES},
    dense::Dense,
};

/// Weights of the read-out.
#[derive(Clone, Copy, Debug)]
pub struct ReadOut<'a> {
    w: Dense<'a>,
    b: &'a [f32],
}

impl<'a> ReadOut<'a> {
    /// Reads the part `readout` of an artifact: one row for each measured feature.
    pub fn load(artifact: &Artifact<'a>) -> Result<Self, ArtifactError> {
        let n = artifact.header().estimator.measured.len();
        Ok(Self {
            w: artifact.matrix("readout", "w", n, artifact.sizes().nc())?,
            b: artifact.vector("readout", "b", n)?,
        })
    }

    /// Writes the features that the code speaks of, and says how many they are.
    pub fn read(&self, code: &[f32], features: &mut [f32; FEATURES]) -> usize {
        self.w.affine(self.b, code, features);
        self.b.len()
    }
}
