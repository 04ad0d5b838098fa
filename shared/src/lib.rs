//! # Forethought: a mind that fits on a microcontroller
//!
//! The kernels that run on chip and host alike, bit for bit: a learned sparse code of the sensors ([`perceive`]), a
//! Kalman filter ([`estimate`]), a forward model ([`predict`]), a receding-horizon planner ([`plan`]), a policy
//! ([`policy`]), the [`agent`] that joins them, a [controller](control) that is shown the state, a mind that only perceives ([`recognise`]) and one that only
//! foresees ([`forecast`]), keeps track of the state ([`track`]), watches traffic ([`watch`]), notices what is strange ([`sentinel`], by an [`energy`]) or dreams ([`generate`]), the weight file ([`artifact`]) and the messages between world and mind ([`link`]).
//!
//! No heap, no `unsafe`, no panic after an artifact has been accepted. Const generics size the memory, always in this
//! order: `NY` observation, `NC` code, `NX` state, `NU` action, `NZ` latent, `NH` hidden, `H` horizon. A type may be
//! larger than the artifact it runs: what is not used stays zero and changes no bit. A chip's types are exact; the host
//! runs any artifact in the smallest of a few types that holds it.
#![no_std]
#![forbid(unsafe_code)]

#[cfg(target_endian = "big")]
compile_error!(
    "weights are read in place and little-endian: Forethought does not run on big-endian machines"
);

#[cfg(test)]
extern crate std;

pub mod agent;
pub mod artifact;
pub mod control;
pub mod cost;
pub mod dense;
pub mod energy;
pub mod estimate;
pub mod feature;
pub mod forecast;
pub mod generate;
pub mod layers;
pub mod link;
pub mod math;
pub mod network;
pub mod perceive;
pub mod plan;
pub mod policy;
pub mod predict;
mod random;
pub mod recognise;
pub mod sentinel;
pub mod track;
pub mod watch;

/// Memory that starts at zero and can stand in a `static`: states, traces and scratch of the kernels.
pub trait Zero {
    /// All zero.
    const ZERO: Self;
}

impl<const N: usize> Zero for [f32; N] {
    const ZERO: Self = [0.0; N];
}

impl Zero for () {
    const ZERO: Self = ();
}
