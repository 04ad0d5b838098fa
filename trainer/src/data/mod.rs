//! Data: logs of trajectories.

pub mod log;
