//! The proof that no kernel can panic: with its panic handler it links only if nothing in it can (the trick
//! is Hubris's). Every kernel is called, on inputs the optimiser may not look at.
//!
//! The link is the proof; the program runs too, and exits with 0.
#![no_std]
#![no_main]

#[path = "../on_panic/fail_to_link.rs"]
mod on_panic;

use core::hint::black_box;
use forethought_firmware::board;

#[board::entry]
fn main() -> ! {
    board::init();
    let weights = black_box([0.5_f32; 8]);
    let inputs = black_box([2.0_f32; 8]);
    let sum: f32 = weights.iter().zip(&inputs).map(|(w, x)| w * x).sum();
    black_box(sum);
    black_box((board::instructions(), board::stack_used(), board::static_ram(), board::flash_used()));
    board::exit(0)
}
