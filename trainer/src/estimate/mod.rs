//! Calibration of state estimators.

pub mod kalman;
