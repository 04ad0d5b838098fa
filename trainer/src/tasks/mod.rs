//! Tasks: what is trained, on what, to what end.

pub mod pendulum;
