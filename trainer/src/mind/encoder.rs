//! Any encoder, in one type: so the ladder of minds has no rung for each.

use forethought::{
    Zero,
    artifact::{Artifact, ArtifactError, Encoder, Load},
    perceive::{
        self,
        lista::{self, Lista},
    },
};

/// The encoder that an artifact names.
#[derive(Clone, Debug)]
pub enum AnyEncoder<'a, const NY: usize, const NC: usize> {
    /// [`Lista`].
    Lista(Lista<'a, NY, NC>),
}

/// Working memory of whichever it is.
#[derive(Clone, Debug)]
pub struct Scratch<const NY: usize, const NC: usize> {
    lista: lista::Scratch<NC>,
}

impl<const NY: usize, const NC: usize> Zero for Scratch<NY, NC> {
    const ZERO: Self = Self { lista: Zero::ZERO };
}

impl<'a, const NY: usize, const NC: usize> Load<'a> for AnyEncoder<'a, NY, NC> {
    fn load(artifact: &Artifact<'a>) -> Result<Self, ArtifactError> {
        Ok(match artifact.encoder() {
            Encoder::Lista { .. } => Self::Lista(Load::load(artifact)?),
        })
    }
}

impl<const NY: usize, const NC: usize> perceive::Encoder<NY, NC> for AnyEncoder<'_, NY, NC> {
    type Scratch = Scratch<NY, NC>;

    fn encode(&self, scratch: &mut Self::Scratch, y: &[f32; NY], code: &mut [f32; NC]) {
        match self {
            Self::Lista(encoder) => encoder.encode(&mut scratch.lista, y, code),
        }
    }
}
