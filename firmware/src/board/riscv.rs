//! What every RISC-V board shares: the entry point and the instruction counter.
#![allow(unsafe_code)]

use core::arch::asm;
use riscv::register::minstret;
pub use riscv_rt::entry;

/// The step in which [`instructions`] counts.
pub const COUNTER_STEP: u32 = 1;

/// `minstret` counts by itself.
pub fn start_counter() {}

/// Instructions executed since reset: exact in QEMU with `-icount shift=0`.
pub fn instructions() -> u64 {
    minstret::read64()
}

/// The lowest address of the stack in use.
#[inline(always)] // the caller's frame is the one that counts
pub fn stack_pointer() -> usize {
    let address;
    // SAFETY: copies the stack pointer and touches nothing.
    unsafe { asm!("mv {}, sp", out(reg) address, options(nomem, nostack, preserves_flags)) };
    address
}
