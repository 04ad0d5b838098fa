//! The host side of Forethought: data, worlds, training, export, evaluation, pictures, devices.
#![forbid(unsafe_code)]

pub mod bench;
pub mod cli;
pub mod control;
pub mod data;
pub mod device;
pub mod energy;
pub mod estimate;
pub mod evaluate;
pub mod export;
pub mod interact;
pub mod mind;
pub mod network;
pub mod optim;
pub mod perceive;
pub mod plan;
pub mod policy;
pub mod predict;
pub mod report;
pub mod reproduce;
pub mod results;
pub mod tape;
pub mod tasks;
pub mod value;
pub mod worlds;
