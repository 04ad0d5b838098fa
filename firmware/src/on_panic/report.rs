//! On panic: say so and exit. Also the logger itself (defmt over semihosting), and a handler that does the
//! same for the processor's faults. Each binary that logs includes this file as a module.
#![allow(unsafe_code)]

use core::{
    panic::PanicInfo,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
};
use defmt_semihosting as _;
use forethought_firmware::board;

/// The exit code of a Rust program that panics.
const FAILED: i32 = 101;

#[panic_handler]
fn panic(info: &PanicInfo) -> ! {
    static PANICKING: AtomicBool = AtomicBool::new(false);
    // A panic inside the logger must not come back here for ever.
    if !PANICKING.load(Relaxed) {
        PANICKING.store(true, Relaxed);
        defmt::error!("{}", defmt::Display2Format(info));
    }
    board::exit(FAILED)
}

#[cfg(target_arch = "arm")]
#[cortex_m_rt::exception]
unsafe fn HardFault(frame: &cortex_m_rt::ExceptionFrame) -> ! {
    defmt::error!("hard fault at {=u32:#010x}, called from {=u32:#010x}", frame.pc(), frame.lr());
    board::exit(FAILED)
}

/// Every exception that riscv-rt has no handler for.
// SAFETY: riscv-rt's linker script reserves this name, with this signature, for the program to define.
#[cfg(target_arch = "riscv32")]
#[unsafe(export_name = "ExceptionHandler")]
extern "C" fn exception_handler(frame: &riscv_rt::TrapFrame) -> ! {
    use riscv::register::{mcause, mepc};
    defmt::error!(
        "exception {} at {:#010x}, called from {:#010x}",
        mcause::read().code(),
        mepc::read(),
        frame.ra
    );
    board::exit(FAILED)
}
