//! Any encoder, in one type: so the ladder of minds has no rung for each.

use forethought::{
    Zero,
    artifact::{Artifact, ArtifactError, Encoder, Load},
    perceive::{
        self,
        convolutional::{self, Convolutional},
        coupled::{self, Coupled},
        lamp::{self, Lamp},
        lcod::{self, Lcod},
        lista::{self, Lista},
        psd::Psd,
    },
};

/// The encoder that an artifact names.
#[derive(Clone, Debug)]
pub enum AnyEncoder<'a, const NY: usize, const NC: usize> {
    /// [`Lista`].
    Lista(Lista<'a, NY, NC>),
    /// [`Convolutional`].
    Convolutional(Box<Convolutional<'a, NY, NC, NH>>),
    /// [`Psd`].
    Psd(Psd<'a, NY, NC>),
    /// [`Coupled`].
    Coupled(Coupled<'a, NY, NC>),
    /// [`Lamp`].
    Lamp(Lamp<'a, NY, NC>),
    /// [`Lcod`].
    CoordinateDescent(Lcod<'a, NY, NC>),
}

/// Numbers in the largest stage of a convolutional encoder: 32 maps of 31×31.
const NH: usize = 32768;

/// Working memory of whichever it is.
#[derive(Clone, Debug)]
pub struct Scratch<const NY: usize, const NC: usize> {
    lista: lista::Scratch<NC>,
    convolutional: convolutional::Scratch<NH>,
    coupled: coupled::Scratch<NY>,
    lamp: lamp::Scratch<NY>,
    coordinate_descent: lcod::Scratch<NC>,
}

impl<const NY: usize, const NC: usize> Zero for Scratch<NY, NC> {
    const ZERO: Self = Self {
        lista: Zero::ZERO,
        convolutional: Zero::ZERO,
        coupled: Zero::ZERO,
        lamp: Zero::ZERO,
        coordinate_descent: Zero::ZERO,
    };
}

impl<'a, const NY: usize, const NC: usize> Load<'a> for AnyEncoder<'a, NY, NC> {
    fn load(artifact: &Artifact<'a>) -> Result<Self, ArtifactError> {
        Ok(match artifact.encoder() {
            Encoder::Lista { .. } => Self::Lista(Load::load(artifact)?),
            Encoder::Convolutional { .. } => Self::Convolutional(Box::new(Load::load(artifact)?)),
            Encoder::Psd => Self::Psd(Load::load(artifact)?),
            Encoder::Coupled { .. } => Self::Coupled(Load::load(artifact)?),
            Encoder::Lamp { .. } => Self::Lamp(Load::load(artifact)?),
            Encoder::CoordinateDescent { .. } => Self::CoordinateDescent(Load::load(artifact)?),
        })
    }
}

impl<const NY: usize, const NC: usize> perceive::Encoder<NY, NC> for AnyEncoder<'_, NY, NC> {
    type Scratch = Scratch<NY, NC>;

    fn encode(&self, scratch: &mut Self::Scratch, y: &[f32; NY], code: &mut [f32; NC]) {
        match self {
            Self::Lista(encoder) => encoder.encode(&mut scratch.lista, y, code),
            Self::Convolutional(encoder) => encoder.encode(&mut scratch.convolutional, y, code),
            Self::Psd(encoder) => encoder.encode(&mut (), y, code),
            Self::Coupled(encoder) => encoder.encode(&mut scratch.coupled, y, code),
            Self::Lamp(encoder) => encoder.encode(&mut scratch.lamp, y, code),
            Self::CoordinateDescent(encoder) => encoder.encode(&mut scratch.coordinate_descent, y, code),
        }
    }
}
