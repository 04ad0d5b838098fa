//! Training of encoders.

pub mod lista;
