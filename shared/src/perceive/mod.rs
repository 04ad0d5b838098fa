//! Perception: from raw sensors to a sparse code, and from the code to what the state estimator needs.

pub mod classifier;
pub mod convolution;
pub mod convolutional;
pub mod coupled;
pub mod decoder;
pub mod lamp;
pub mod lcod;
pub mod lista;
pub mod maps;
pub mod normalise;
pub mod pool;
pub mod prox;
pub mod psd;
pub mod readout;

use crate::Zero;

/// A feed-forward encoder of an observation into a code.
pub trait Encoder<const NY: usize, const NC: usize> {
    /// Working memory of one encoding.
    type Scratch: Zero;

    /// Writes the code of observation `y`.
    fn encode(&self, scratch: &mut Self::Scratch, y: &[f32; NY], code: &mut [f32; NC]);
}
