//! Training of forward models.

pub mod ensemble;
pub mod latent;
pub mod mpur;
pub mod network;
pub mod open_loop;
pub mod residual;
pub mod transitions;
