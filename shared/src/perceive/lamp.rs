//! LAMP, learned approximate message passing (Borgerding, Schniter & Rangan, IEEE Trans. Signal Processing 2017).
//!
//! ```text
//! z⁰ = 0, v⁰ = y − ȳ,   r = zᵗ + β_t B vᵗ,   zᵗ⁺¹ = h(r; α_t ‖vᵗ‖/√NY)
//! vᵗ⁺¹ = y − ȳ − D zᵗ⁺¹ + (β_t ‖zᵗ⁺¹‖₀/NY) vᵗ
//! ```
//! LISTA with the Onsager correction, the last term: it makes the error of `r` look like Gaussian noise of the deviation
//! `‖v‖/√NY`, so that a threshold proportional to it fits every sample. With `B = Dᵀ` and `β = 1` it is AMP itself.

use super::{Encoder, prox};
use crate::{
    Zero,
    artifact::{self, Artifact, ArtifactError, Load},
    dense::Dense,
    math,
};

/// Weights of all layers.
#[derive(Clone, Copy, Debug)]
pub struct Lamp<'a, const NY: usize, const NC: usize> {
    dictionary: Dense<'a>,
    /// `B`.
    analysis: Dense<'a>,
    mean: &'a [f32],
    /// `β` and `α` of each layer.
    step: &'a [f32],
    threshold: &'a [f32],
}

/// Working memory: the corrected residual.
#[derive(Clone, Copy, Debug)]
pub struct Scratch<const NY: usize>([f32; NY]);

impl<const NY: usize> Zero for Scratch<NY> {
    const ZERO: Self = Self([0.0; NY]);
}

impl<'a, const NY: usize, const NC: usize> Load<'a> for Lamp<'a, NY, NC> {
    /// Reads the part `perceive` of an artifact.
    fn load(artifact: &Artifact<'a>) -> Result<Self, ArtifactError> {
        const PART: &str = "perceive";
        let sizes = artifact.sizes();
        sizes.check_observation::<NY, NC>()?;
        let (ny, nc) = (sizes.ny(), sizes.nc());
        let artifact::Encoder::Lamp { layers } = *artifact.encoder() else {
            return Err(ArtifactError::Kind { expected: "LAMP" });
        };
        let layers = layers.into();
        Ok(Self {
            dictionary: artifact.matrix(PART, "dictionary", ny, nc)?,
            analysis: artifact.matrix(PART, "w", nc, ny)?,
            mean: artifact.vector(PART, "mean", ny)?,
            step: artifact.vector(PART, "step", layers)?,
            threshold: artifact.vector(PART, "threshold", layers)?,
        })
    }
}

impl<const NY: usize, const NC: usize> Encoder<NY, NC> for Lamp<'_, NY, NC> {
    type Scratch = Scratch<NY>;

    fn encode(&self, Scratch(v): &mut Scratch<NY>, y: &[f32; NY], code: &mut [f32; NC]) {
        // Sizes beyond 0: an artifact has at least one sensor, and 1/0 would only make what follows infinite.
        let share = 1.0 / self.mean.len() as f32;
        code.fill(0.0);
        v.fill(0.0);
        // β_t ‖zᵗ‖₀/NY
        let mut onsager = 0.0;
        for (&step, &threshold) in self.step.iter().zip(self.threshold) {
            // v ← y − ȳ − D z + onsager v, made with the sign that lets D be added.
            for (v, (y, mean)) in v.iter_mut().zip(y.iter().zip(self.mean)) {
                *v = mean - y - onsager * *v;
            }
            self.dictionary.add(code, v);
            let square = v.iter().fold(0.0, |sum, v| sum + v * v);
            let t = threshold * math::sqrt(share * square);
            // r = z + B (β v)
            v.iter_mut().for_each(|v| *v *= -step);
            self.analysis.add(v, code);
            code.iter_mut().for_each(|z| *z = prox::soft(*z, t));
            // v holds β v from here on, so that its factor is ‖z‖₀/NY alone.
            onsager = share * code.iter().filter(|z| **z != 0.0).count() as f32;
        }
    }
}
