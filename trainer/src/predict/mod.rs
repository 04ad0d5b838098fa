//! Training of forward models.

pub mod network;
