//! LISTA, the learned iterative shrinkage and thresholding encoder (Gregor & LeCun, ICML 2010).
//!
//! ```text
//! b = W_e y + c,   z⁰ = h_θ(b),   zᵗ⁺¹ = h_θ(b + S zᵗ)   for t = 0 … T−1
//! ```
//! with `h_θ` the soft threshold `sign(v)·max(|v|−θ, 0)` or its rectified half `max(v−θ, 0)`, and one threshold `θ` a
//! unit, the same for all layers or one for each. `c` takes in the mean of the observations: `c = −W_e ȳ`.
//!
//! Layers may have gains: `γ_t (α_t b + β_t zᵗ + S zᵗ)` in place of `b + S zᵗ`. Three numbers a layer do much of what
//! matrices of its own would do, `γ_t α_t W_e` and `γ_t (β_t I + S)`, and cost no flash.

use super::{
    Encoder,
    prox::{rectified, soft},
};
use crate::{
    Zero,
    artifact::{self, Activation, Artifact, ArtifactError, Load},
    dense::Dense,
};

/// Weights of the encoder.
#[derive(Clone, Copy, Debug)]
pub struct Lista<'a, const NY: usize, const NC: usize> {
    w_e: Dense<'a>,
    bias: &'a [f32],
    s: Dense<'a>,
    /// `θ` of all layers, or of each, one layer after the other.
    threshold: &'a [f32],
    /// `α, β, γ` of each layer; empty where they are `1, 0, 1`.
    gains: &'a [f32],
    /// `T`: how many times the code is fed back.
    iterations: u16,
    activation: Activation,
}

/// Working memory: the encoded input `b`, and the code that is being made.
#[derive(Clone, Copy, Debug)]
pub struct Scratch<const NC: usize> {
    drive: [f32; NC],
    next: [f32; NC],
}

impl<const NC: usize> Zero for Scratch<NC> {
    const ZERO: Self = Self { drive: [0.0; NC], next: [0.0; NC] };
}

impl<'a, const NY: usize, const NC: usize> Load<'a> for Lista<'a, NY, NC> {
    /// Reads the part `perceive` of an artifact.
    fn load(artifact: &Artifact<'a>) -> Result<Self, ArtifactError> {
        const PART: &str = "perceive";
        let sizes = artifact.sizes();
        sizes.check_observation::<NY, NC>()?;
        let (ny, nc) = (sizes.ny(), sizes.nc());
        let artifact::Encoder::Lista { iterations, activation } = *artifact.encoder() else {
            return Err(ArtifactError::Kind { expected: "LISTA" });
        };
        let layers = usize::from(iterations) + 1;
        let threshold = match artifact.vector(PART, "threshold", nc * layers) {
            Ok(of_each) => of_each,
            Err(_) => artifact.vector(PART, "threshold", nc)?,
        };
        Ok(Self {
            w_e: artifact.matrix(PART, "w_e", nc, ny)?,
            bias: artifact.vector(PART, "bias", nc)?,
            s: artifact.matrix(PART, "s", nc, nc)?,
            threshold,
            gains: match artifact.header().has_tensor(PART, "gains") {
                true => artifact.vector(PART, "gains", 3 * layers)?,
                false => &[],
            },
            iterations,
            activation,
        })
    }
}

impl<const NY: usize, const NC: usize> Lista<'_, NY, NC> {
    /// `code = h_θ(v)`; units past the artifact's stay zero.
    fn shrink(&self, threshold: Option<&[f32]>, v: &[f32; NC], code: &mut [f32; NC]) {
        let units = code.iter_mut().zip(v.iter().zip(threshold.unwrap_or_default()));
        match self.activation {
            Activation::Soft => units.for_each(|(z, (&v, &t))| *z = soft(v, t)),
            Activation::Rectified => units.for_each(|(z, (&v, &t))| *z = rectified(v, t)),
        }
    }
}

impl<const NY: usize, const NC: usize> Encoder<NY, NC> for Lista<'_, NY, NC> {
    type Scratch = Scratch<NC>;

    fn encode(&self, scratch: &mut Scratch<NC>, y: &[f32; NY], code: &mut [f32; NC]) {
        let Scratch { drive, next } = scratch;
        self.w_e.affine(self.bias, y, drive);
        let mut thresholds = self.threshold.chunks(self.bias.len().max(1)).cycle();
        let (gains, _) = self.gains.as_chunks::<3>();
        let mut gains = gains.iter();
        match gains.next() {
            None => self.shrink(thresholds.next(), drive, code),
            Some([alpha, _, gamma]) => {
                *next = *drive;
                next.iter_mut().for_each(|v| *v = gamma * (alpha * *v));
                self.shrink(thresholds.next(), next, code);
            }
        }
        for _ in 0..self.iterations {
            *next = *drive;
            let gains = gains.next();
            if let Some([alpha, beta, _]) = gains {
                next.iter_mut().zip(&*code).for_each(|(v, z)| *v = alpha * *v + beta * z);
            }
            self.s.add(code, next);
            if let Some([_, _, gamma]) = gains {
                next.iter_mut().for_each(|v| *v *= gamma);
            }
            self.shrink(thresholds.next(), next, code);
        }
    }
}
