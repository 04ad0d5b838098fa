//! Data: images, signals and logs of trajectories, and what is done to them before anything is trained.
//!
//! Whatever is wrong with a file is told in one sentence: what, where, and how to mend it.

pub mod dead_leaves;
pub mod file;
pub mod folder;
pub mod idx;
pub mod images;
pub mod log;
pub mod mnist;
pub mod npy;
pub mod patches;
pub mod photographs;
pub mod signals;
pub mod whitening;
