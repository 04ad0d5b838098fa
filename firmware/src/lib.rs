//! What is flashed: the chip's side of Forethought. The binaries are in `src/bin`; [`board`] is all they know
//! of the chip they run on.
#![no_std]

pub mod board;
pub mod selftest;
