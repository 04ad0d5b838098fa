//! Calibration of state estimators.

pub mod consistency;
pub mod kalman;
pub mod steady;
