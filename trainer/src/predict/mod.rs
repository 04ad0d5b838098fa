//! Training of forward models.

pub mod network;
pub mod open_loop;
pub mod residual;
