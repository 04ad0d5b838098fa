//! Runs test cases and tells of each.

use crate::board;
use defmt::{Display2Format, println};
use forethought_tests::Case;

/// Runs them all; exits with 1 if one fails.
pub fn run(families: &[&[Case]]) -> ! {
    let (mut passed, mut failed) = (0_u32, 0_u32);
    for case in families.iter().copied().flatten() {
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
