//! The board: a serial line to the world, an instruction counter, a memory account and a way out. One board
//! is compiled in, chosen by its cargo feature.
//!
//! [`init`] comes first. Logging and panics are not here: each binary chooses what to do (`src/on_panic`), so
//! that `panic_free` can go without.

// The processor: entry point and instruction counter.
#[cfg_attr(target_arch = "arm", path = "cortex_m.rs")]
#[cfg_attr(target_arch = "riscv32", path = "riscv.rs")]
mod processor;
// The machine: serial line and clocks.
#[cfg_attr(feature = "lm3s6965", path = "lm3s6965.rs")]
#[cfg_attr(feature = "mps2-an386", path = "mps2_an386.rs")]
#[cfg_attr(feature = "riscv32", path = "riscv32.rs")]
mod machine;

mod memory;
mod register;

pub use memory::{flash_used, stack_used, static_ram};
pub use processor::{COUNTER_STEP, entry, instructions};

/// The board's name: its cargo feature and its row in the trainer's table of machines.
pub const NAME: &str = env!("FORETHOUGHT_BOARD");

/// [`NAME`] where the runner on the host finds it: as a symbol of the ELF file.
#[used]
#[allow(unsafe_code)]
// SAFETY: no other item has this name, and nothing but the runner refers to it.
#[unsafe(no_mangle)]
pub static FORETHOUGHT_BOARD: [u8; NAME.len()] = *NAME.as_bytes().first_chunk().unwrap();

/// Sets up the serial line, starts the instruction counter and marks the free stack. Call it first, and once.
pub fn init() {
    memory::paint_stack();
    processor::start_counter();
    machine::init_serial();
}

/// Sends a zero over the serial line: from now on the chip listens, what came before may be lost.
pub fn announce() {
    write_bytes(&[0]);
}

/// Waits for the next byte from the serial line.
pub fn read_byte() -> u8 {
    loop {
        if let Some(byte) = machine::try_read() {
            return byte;
        }
    }
}

/// Sends `bytes` over the serial line; waits until the line has taken the last one.
pub fn write_bytes(bytes: &[u8]) {
    for &byte in bytes {
        while !machine::can_write() {}
        machine::write(byte);
    }
}

/// Ends the program: the emulator exits with `code` (its low byte). On a real chip without a debugger this
/// traps.
pub fn exit(code: i32) -> ! {
    semihosting::process::exit(code)
}
