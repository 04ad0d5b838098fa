//! Runs on the chip what `cargo test` runs on the host: planners. Exits with 1 if a case fails.
#![no_std]
#![no_main]

#[path = "../on_panic/report.rs"]
mod on_panic;

use forethought_firmware::{board, selftest};

#[board::entry]
fn main() -> ! {
    board::init();
    selftest::run(forethought_tests::PLANNERS)
}
