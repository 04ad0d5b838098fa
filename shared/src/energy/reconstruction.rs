//! The energy of a sparse code: what is missed by the observation that the code stands for, and the price of the code.
//!
//! ```text
//! F(y) = ½‖y − ȳ − D z(y)‖² + λ‖z(y)‖₁,   ∂F/∂y = y − ȳ − D z
//! ```
//! The slope is exact where `z` is what minimises the energy (the envelope theorem), and nearly so for an encoder that
//! has learned to.

use super::Energy;
use crate::{
    Zero,
    artifact::{Artifact, ArtifactError, Load, Source},
    dense::dot,
    math,
    perceive::{Encoder, decoder::Decoder},
};

/// An encoder `E` and the decoder that belongs to it.
#[derive(Clone, Debug)]
pub struct Reconstruction<'a, E, const NY: usize, const NC: usize> {
    encoder: E,
    judge: Judge<'a>,
}

/// Working memory.
#[derive(Clone, Debug)]
pub struct Scratch<S, const NY: usize, const NC: usize> {
    encoder: S,
    code: [f32; NC],
    missed: [f32; NY],
}

impl<S: Zero, const NY: usize, const NC: usize> Zero for Scratch<S, NY, NC> {
    const ZERO: Self = Self { encoder: S::ZERO, code: [0.0; NC], missed: [0.0; NY] };
}

impl<'a, E: Encoder<NY, NC> + Load<'a>, const NY: usize, const NC: usize> Load<'a>
    for Reconstruction<'a, E, NY, NC>
{
    fn load(artifact: &Artifact<'a>) -> Result<Self, ArtifactError> {
        Ok(Self { encoder: E::load(artifact)?, judge: Judge::load(artifact)? })
    }
}

impl<E: Encoder<NY, NC>, const NY: usize, const NC: usize> Energy<NY> for Reconstruction<'_, E, NY, NC> {
    type Scratch = Scratch<E::Scratch, NY, NC>;

    fn of(&self, scratch: &mut Self::Scratch, y: &[f32; NY]) -> f32 {
        self.encoder.encode(&mut scratch.encoder, y, &mut scratch.code);
        self.judge.of(&scratch.code, y, &mut scratch.missed)
    }

    fn slope(&self, scratch: &mut Self::Scratch, slope: &mut [f32; NY]) {
        *slope = scratch.missed;
    }
}

/// The energy of observations whose code is known already.
#[derive(Clone, Copy, Debug)]
pub struct Judge<'a> {
    decoder: Decoder<'a>,
    sparsity: f32,
}

impl<'a> Load<'a> for Judge<'a> {
    fn load(artifact: &Artifact<'a>) -> Result<Self, ArtifactError> {
        match artifact.header().energy.map(|energy| energy.source) {
            Some(Source::Reconstruction { sparsity }) => {
                Ok(Self { decoder: Decoder::load(artifact)?, sparsity })
            }
            _ => Err(ArtifactError::Kind { expected: "the energy of an encoder and its decoder" }),
        }
    }
}

impl Judge<'_> {
    /// `F(y)`, and what is missed of `y`.
    pub fn of<const NY: usize>(&self, code: &[f32], y: &[f32; NY], missed: &mut [f32; NY]) -> f32 {
        *missed = [0.0; NY];
        self.decoder.reconstruct(code, missed);
        for (missed, y) in missed.iter_mut().zip(y) {
            *missed = y - *missed;
        }
        0.5 * dot(missed, missed) + self.sparsity * code.iter().fold(0.0, |sum, z| sum + math::abs(*z))
    }
}
