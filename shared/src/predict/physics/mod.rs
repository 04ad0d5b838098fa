//! Forward models written by hand, with hand-written pullbacks.

pub mod pendulum;
