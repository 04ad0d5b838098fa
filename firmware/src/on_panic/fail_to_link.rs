//! On panic: never happen. The handler calls a function that exists nowhere, so that a program in which a
//! panic is reachable does not link.
#![allow(unsafe_code)]

use core::panic::PanicInfo;

// SAFETY: never called. If the linker finds a call, it finds no such function and stops.
unsafe extern "C" {
    safe fn a_panic_is_reachable() -> !;
}

#[panic_handler]
fn panic(_: &PanicInfo) -> ! {
    a_panic_is_reachable()
}
