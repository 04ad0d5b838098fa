//! The memory account, from the linker's symbols and a painted stack.
#![allow(unsafe_code)]

use super::processor::stack_pointer;

/// What the free stack is filled with before `main` does anything.
const PAINT: u32 = 0xCCCC_CCCC;

// SAFETY: defined by the linker script of cortex-m-rt or riscv-rt. Only their addresses are used.
unsafe extern "C" {
    #[cfg_attr(target_arch = "arm", link_name = "__vector_table")]
    #[cfg_attr(target_arch = "riscv32", link_name = "__stext")]
    static FLASH_START: u32;
    #[link_name = "__sidata"]
    static DATA_IN_FLASH: u32;
    #[link_name = "__sdata"]
    static DATA_START: u32;
    #[link_name = "__edata"]
    static DATA_END: u32;
    #[link_name = "__sbss"]
    static BSS_START: u32;
    #[link_name = "__ebss"]
    static BSS_END: u32;
    /// The lowest address the stack may grow down to.
    #[cfg_attr(target_arch = "arm", link_name = "_stack_end")]
    #[cfg_attr(target_arch = "riscv32", link_name = "__estack")]
    static STACK_LIMIT: u32;
    /// Where the stack begins: just above its highest address.
    #[link_name = "_stack_start"]
    static STACK_START: u32;
}

/// Bytes of RAM that are never free: `.data` and `.bss`.
pub fn static_ram() -> usize {
    distance(&raw const DATA_START, &raw const DATA_END) + distance(&raw const BSS_START, &raw const BSS_END)
}

/// Bytes of flash: vectors, code, constants (weights among them) and the initial values of `.data`.
pub fn flash_used() -> usize {
    distance(&raw const FLASH_START, &raw const DATA_IN_FLASH)
        + distance(&raw const DATA_START, &raw const DATA_END)
}

/// The most bytes of stack in use at any time since [`init`](super::init), interrupts included.
pub fn stack_used() -> usize {
    let start = &raw const STACK_START;
    let mut mark = &raw const STACK_LIMIT;
    // SAFETY: the words from limit to start are the stack's own RAM; they are only read, as plain words.
    while mark < start && unsafe { mark.read_volatile() } == PAINT {
        mark = mark.wrapping_add(1);
    }
    distance(mark, start)
}

/// Fills the free stack, so that [`stack_used`] can tell how much of it was ever written.
pub fn paint_stack() {
    let mut word = (&raw const STACK_LIMIT).cast_mut();
    let in_use = stack_pointer();
    while word.addr() < in_use {
        // SAFETY: below the stack pointer nothing lives (these ABIs have no red zone), and no interrupt is on
        // yet.
        unsafe { word.write_volatile(PAINT) };
        word = word.wrapping_add(1);
    }
}

fn distance(from: *const u32, to: *const u32) -> usize {
    to.addr() - from.addr()
}
