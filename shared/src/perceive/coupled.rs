//! Unrolled shrinkage with coupled weights: a gradient step in learned metric, then a threshold.
//!
//! ```text
//! z⁰ = 0,   zᵗ⁺¹ = h_t(zᵗ + γ_t Wᵀ(y − ȳ − D zᵗ))   for t = 0 … T−1
//! ```
//! with `h_t` the soft threshold `θ_t`, which the `n_t` largest entries bypass: they pass as they are if they exceed
//! `θ_t` at all. `D` is the dictionary, and one kernel serves them all:
//!
//! - LISTA-CP, `W` learned, and with support selection CPSS, `n_t > 0` (Chen, Liu, Wang & Yin, 2018);
//! - ALISTA, `W` computed from `D` alone (Liu, Chen, Wang & Yin, 2019), only `γ_t` and `θ_t` learned;
//! - learned steps, `W = D` (Ablin, Moreau, Massias & Gramfort, 2019): a file without `w` needs half the memory;
//! - ISTA itself, `W = D`, `γ_t = 1/L`, `θ_t = λ/L`.

use super::{Encoder, prox};
use crate::{
    Zero,
    artifact::{self, Artifact, ArtifactError, Load},
    dense::Dense,
};

/// Weights of all layers.
#[derive(Clone, Copy, Debug)]
pub struct Coupled<'a, const NY: usize, const NC: usize> {
    dictionary: Dense<'a>,
    /// `Wᵀ`, or nothing where it is `Dᵀ`.
    analysis: Option<Dense<'a>>,
    mean: &'a [f32],
    /// `γ`, `θ` and `n` of each layer.
    step: &'a [f32],
    threshold: &'a [f32],
    bypass: &'a [f32],
}

/// Working memory: the residual.
#[derive(Clone, Copy, Debug)]
pub struct Scratch<const NY: usize>([f32; NY]);

impl<const NY: usize> Zero for Scratch<NY> {
    const ZERO: Self = Self([0.0; NY]);
}

impl<'a, const NY: usize, const NC: usize> Load<'a> for Coupled<'a, NY, NC> {
    /// Reads the part `perceive` of an artifact.
    fn load(artifact: &Artifact<'a>) -> Result<Self, ArtifactError> {
        const PART: &str = "perceive";
        let sizes = artifact.sizes();
        sizes.check_observation::<NY, NC>()?;
        let (ny, nc) = (sizes.ny(), sizes.nc());
        let artifact::Encoder::Coupled { layers } = *artifact.encoder() else {
            return Err(ArtifactError::Kind { expected: "coupled shrinkage" });
        };
        let layers = layers.into();
        let analysis = match artifact.matrix(PART, "w", nc, ny) {
            Err(ArtifactError::Missing { .. }) => None,
            found => Some(found?),
        };
        Ok(Self {
            dictionary: artifact.matrix(PART, "dictionary", ny, nc)?,
            analysis,
            mean: artifact.vector(PART, "mean", ny)?,
            step: artifact.vector(PART, "step", layers)?,
            threshold: artifact.vector(PART, "threshold", layers)?,
            bypass: artifact.vector(PART, "bypass", layers)?,
        })
    }
}

impl<const NY: usize, const NC: usize> Encoder<NY, NC> for Coupled<'_, NY, NC> {
    type Scratch = Scratch<NY>;

    fn encode(&self, Scratch(residual): &mut Scratch<NY>, y: &[f32; NY], code: &mut [f32; NC]) {
        code.fill(0.0);
        let layers = self.step.iter().zip(self.threshold.iter().zip(self.bypass));
        for (&step, (&threshold, &bypass)) in layers {
            // The residual is made with the sign that lets D be added.
            for (r, (y, mean)) in residual.iter_mut().zip(y.iter().zip(self.mean)) {
                *r = mean - y;
            }
            self.dictionary.add(code, residual);
            residual.iter_mut().for_each(|r| *r *= -step);
            match self.analysis {
                Some(analysis) => analysis.add(residual, code),
                None => self.dictionary.pull(residual, code),
            }
            let bound = prox::nth_largest(code, bypass as usize);
            code.iter_mut().for_each(|z| *z = prox::soft_below(*z, threshold, bound));
        }
    }
}
