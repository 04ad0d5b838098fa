//! Test cases that run unchanged on the host and on every chip.
//!
//! A [`Case`] is a plain function without heap, clock or input. `cargo test -p forethought-tests` runs all of them
//! on the host; the firmware's `selftest`, `selftest_models` and `selftest_planners` run the same on the chip. Some compare a kernel with a plain `f64` version
//! in `reference`, some check a property, and some compare a CRC-32 over the bits of all outputs
//! with a constant: those hold the promise that every target computes the same bits.
//!
//! When arithmetic is changed on purpose, the host test prints each golden value that no longer fits beside the new
//! one; the constants stand next to their cases.
#![no_std]
#![forbid(unsafe_code)]

#[cfg(test)]
extern crate std;

mod agent;
mod artifact;
pub mod bench;
mod caution;
mod convolutional;
mod cost;
mod dense;
mod discrete;
mod encoders;
mod energy;
mod ensemble;
mod estimate;
mod failure;
mod forecast;
mod link;
mod lq;
mod math;
mod network;
mod perceive;
mod physics;
mod plan;
mod policy;
mod predict;
mod recognise;
mod reference;
mod sampling;
pub mod tensors;
pub mod tiny;
mod track;
pub mod watch;

pub use failure::Failure;

use forethought::Zero;

/// One test.
#[derive(Clone, Copy)]
pub struct Case {
    /// `family: what is true when it passes`.
    pub name: &'static str,
    /// Runs it.
    pub run: fn() -> Result<(), Failure>,
}

/// A fresh state, trace or scratch.
fn zero<T: Zero>() -> T {
    T::ZERO
}

/// Arithmetic, perception, traffic that is seen, the weight file and the link.
///
/// Together with [`MODELS`] and [`PLANNERS`] these are all cases; in one binary they would not fit into a small chip's flash.
pub const SENSES: &[&[Case]] = &[
    math::CASES,
    dense::CASES,
    perceive::CASES,
    convolutional::CASES,
    encoders::CASES,
    recognise::CASES,
    watch::CASES,
    artifact::CASES,
    link::CASES,
];

/// Forward models and all that is built on them: filters, policies, agents.
pub const MODELS: &[&[Case]] = &[
    network::CASES,
    predict::CASES,
    physics::CASES,
    estimate::CASES,
    cost::CASES,
    policy::CASES,
    agent::CASES,
    ensemble::CASES,
    forecast::CASES,
    track::CASES,
];

/// The planners, and energies with the minds that are built on them.
pub const PLANNERS: &[&[Case]] =
    &[plan::CASES, caution::CASES, lq::CASES, discrete::CASES, sampling::CASES, energy::CASES];

#[cfg(test)]
mod tests {
    use super::*;
    use std::{collections::BTreeSet, eprintln, println};

    fn all() -> impl Iterator<Item = &'static Case> {
        [SENSES, MODELS, PLANNERS].into_iter().flatten().copied().flatten()
    }

    /// Runs them all before it fails: after a change of arithmetic one run shows every new golden value.
    #[test]
    fn every_case_passes() {
        let mut failed = 0;
        for case in all() {
            match (case.run)() {
                Ok(()) => println!("pass {}", case.name),
                Err(failure) => {
                    eprintln!("FAIL {}: {failure}", case.name);
                    failed += 1;
                }
            }
        }
        assert_eq!(failed, 0, "{failed} of {} cases failed", all().count());
    }

    #[test]
    fn every_name_is_there_once() {
        let names: BTreeSet<_> = all().map(|case| case.name).collect();
        assert_eq!(names.len(), all().count());
    }
}
