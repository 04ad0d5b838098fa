//! Runs on the chip every test case that `cargo test` runs on the host. Exits with 1 if one fails.
#![no_std]
#![no_main]

#[path = "../on_panic/report.rs"]
mod on_panic;

use defmt::{Display2Format, println};
use forethought_firmware::board;
use forethought_tests::CASES;

#[board::entry]
fn main() -> ! {
    board::init();
    let (mut passed, mut failed) = (0_u32, 0_u32);
    for case in CASES {
        match (case.run)() {
            Ok(()) => {
                passed += 1;
                println!("pass {=str}", case.name);
            }
            Err(failure) => {
                failed += 1;
                println!("FAIL {=str}: {}", case.name, Display2Format(&failure));
            }
        }
    }
    println!("{=str}: {=u32} passed, {=u32} failed", board::NAME, passed, failed);
    board::exit(i32::from(failed > 0))
}
