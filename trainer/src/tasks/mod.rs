//! Tasks: what is trained, on what, to what end.

pub mod digits;
mod file;
pub mod model;
pub mod pendulum;
pub mod perception;
pub mod sentinel;

/// What training tells of its progress: the stage, its step of how many, and named losses.
pub type Progress<'a> = dyn FnMut(&'static str, usize, usize, &[(&'static str, f32)]) + 'a;
