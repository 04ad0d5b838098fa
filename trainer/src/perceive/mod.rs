//! Training of encoders.

pub mod convolutional;
pub mod coordinate_descent;
pub mod coupled;
pub mod drsae;
pub mod fold;
pub mod gabor;
pub mod ica;
pub mod inference;
pub mod inhibition;
pub mod invariance;
pub mod lamp;
pub mod lcod;
pub mod lista;
pub mod local;
pub mod map;
pub mod online;
pub mod pools;
pub mod psd;
pub mod reweighted;
pub mod stacked;
pub mod structured_dictionary;
pub mod student_t;
pub mod topographic;
pub mod tree;
pub mod unrolled;
