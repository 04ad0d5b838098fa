//! Test cases that run unchanged on the host and on every chip.
//!
//! A [`Case`] is a plain function without heap, clock or input. `cargo test -p forethought-tests` runs all [`CASES`]
//! on the host; the firmware's `selftest` runs the same on the chip. Some compare a kernel with a plain `f64` version
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
mod convolutional;
mod cost;
mod dense;
mod encoders;
mod estimate;
mod failure;
mod forecast;
mod link;
mod math;
mod network;
mod perceive;
mod physics;
mod plan;
mod policy;
mod predict;
mod recognise;
mod reference;
pub mod tensors;
pub mod tiny;
mod track;

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

/// Every test.
pub const CASES: &[Case] = &ALL;

const FAMILIES: [&[Case]; 18] = [
    math::CASES,
    dense::CASES,
    perceive::CASES,
    convolutional::CASES,
    encoders::CASES,
    network::CASES,
    predict::CASES,
    physics::CASES,
    estimate::CASES,
    cost::CASES,
    plan::CASES,
    policy::CASES,
    agent::CASES,
    forecast::CASES,
    track::CASES,
    recognise::CASES,
    artifact::CASES,
    link::CASES,
];

static ALL: [Case; count()] = concatenated();

const fn count() -> usize {
    let (mut sum, mut family) = (0, 0);
    while family < FAMILIES.len() {
        sum += FAMILIES[family].len();
        family += 1;
    }
    sum
}

const fn concatenated() -> [Case; count()] {
    let mut all = [Case { name: "", run: || Ok(()) }; count()];
    let (mut next, mut family) = (0, 0);
    while family < FAMILIES.len() {
        let mut index = 0;
        while index < FAMILIES[family].len() {
            all[next] = FAMILIES[family][index];
            next += 1;
            index += 1;
        }
        family += 1;
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{collections::BTreeSet, eprintln, println};

    /// Runs them all before it fails: after a change of arithmetic one run shows every new golden value.
    #[test]
    fn every_case_passes() {
        let mut failed = 0;
        for case in CASES {
            match (case.run)() {
                Ok(()) => println!("pass {}", case.name),
                Err(failure) => {
                    eprintln!("FAIL {}: {failure}", case.name);
                    failed += 1;
                }
            }
        }
        assert_eq!(failed, 0, "{failed} of {} cases failed", CASES.len());
    }

    #[test]
    fn every_name_is_there_once() {
        let names: BTreeSet<_> = CASES.iter().map(|case| case.name).collect();
        assert_eq!(names.len(), CASES.len());
    }
}
