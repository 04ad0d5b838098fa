//! Training of encoders.

pub mod gabor;
pub mod inference;
pub mod invariance;
pub mod lista;
pub mod map;
pub mod pools;
