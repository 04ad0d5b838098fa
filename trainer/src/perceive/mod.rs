//! Training of encoders.

pub mod inference;
pub mod lista;
