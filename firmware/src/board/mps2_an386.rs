//! Arm MPS2 with FPGA image AN386: Cortex-M4F at 25 MHz.
#![allow(unsafe_code)]

#[path = "cmsdk_uart.rs"]
mod cmsdk_uart;

use cmsdk_uart::CmsdkUart;

/// A SysTick tick is 1/25 MHz = 40 ns, an instruction 1 ns under `-icount shift=0`.
pub const INSTRUCTIONS_PER_TICK: u32 = 40;

// SAFETY: this is UART0 of the AN386.
const UART0: CmsdkUart = unsafe { CmsdkUart::at(0x4000_4000) };

pub fn init_serial() {
    UART0.init();
}

pub fn try_read() -> Option<u8> {
    UART0.try_read()
}

pub fn can_write() -> bool {
    UART0.can_write()
}

pub fn write(byte: u8) {
    UART0.write(byte);
}
