//! A linear classifier of the code, as in the discriminative recurrent sparse autoencoder (Rolfe & LeCun, ICLR 2013):
//!
//! ```text
//! s = C z/‖z‖ + b   or   s = C z + b,   class = argmaxᵢ sᵢ
//! ```
//! With the code brought to unit length the scores depend on its direction alone, so that no class is won by a code
//! that is merely large. A code that is zero everywhere has no direction: its scores are `b`.

use crate::{
    artifact::{Artifact, ArtifactError},
    dense::{Dense, dot},
    math,
};

/// Weights of the classifier.
#[derive(Clone, Copy, Debug)]
pub struct Classifier<'a> {
    w: Dense<'a>,
    b: &'a [f32],
    normalise: bool,
}

impl<'a> Classifier<'a> {
    /// Reads the part `classify` of an artifact: one row for each class.
    pub fn load(artifact: &Artifact<'a>) -> Result<Self, ArtifactError> {
        let sizes = artifact.sizes();
        Ok(Self {
            w: artifact.matrix("classify", "w", sizes.nu(), sizes.nc())?,
            b: artifact.vector("classify", "b", sizes.nu())?,
            normalise: artifact.header().classifier.normalise,
        })
    }

    /// Writes the score of each class.
    pub fn score(&self, code: &[f32], scores: &mut [f32]) {
        let length = if self.normalise { math::sqrt(dot(code, code)) } else { 1.0 };
        let scale = if length > 0.0 { 1.0 / length } else { 0.0 };
        scores.fill(0.0);
        self.w.add(code, scores);
        for (score, b) in scores.iter_mut().zip(self.b) {
            *score = *score * scale + *b;
        }
    }
}

/// The class with the highest score, the first of equals; none of no scores.
pub fn class(scores: &[f32]) -> Option<usize> {
    let mut scores = scores.iter().enumerate();
    let first = scores.next()?;
    Some(scores.fold(first, |best, next| if next.1 > best.1 { next } else { best }).0)
}
