//! TI Stellaris LM3S6965: Cortex-M3 without FPU. Its UART0 is a PL011.
#![allow(unsafe_code)]

use super::register::Register;

/// Out of reset QEMU divides its 200 MHz by 16: a SysTick tick is 80 ns, an instruction 1 ns under `-icount
/// shift=0` (checked against a loop of known length).
pub const INSTRUCTIONS_PER_TICK: u32 = 80;

const UART0: usize = 0x4000_C000;
// SAFETY: the registers of the PL011 at UART0.
const DATA: Register<u32> = unsafe { Register::at(UART0) };
// SAFETY: as above.
const FLAGS: Register<u32> = unsafe { Register::at(UART0 + 0x18) };
// SAFETY: as above.
const LINE_CONTROL: Register<u32> = unsafe { Register::at(UART0 + 0x2C) };
// SAFETY: as above.
const CONTROL: Register<u32> = unsafe { Register::at(UART0 + 0x30) };

const FLAG_RX_EMPTY: u32 = 1 << 4;
const FLAG_TX_FULL: u32 = 1 << 5;
const LINE_FIFO_ENABLE: u32 = 1 << 4;
const LINE_EIGHT_BITS: u32 = 0b11 << 5;
const CONTROL_UART_ENABLE: u32 = 1 << 0;
const CONTROL_TX_ENABLE: u32 = 1 << 8;
const CONTROL_RX_ENABLE: u32 = 1 << 9;

pub fn init_serial() {
    LINE_CONTROL.write(LINE_FIFO_ENABLE | LINE_EIGHT_BITS);
    CONTROL.write(CONTROL_UART_ENABLE | CONTROL_TX_ENABLE | CONTROL_RX_ENABLE);
}

pub fn try_read() -> Option<u8> {
    (FLAGS.read() & FLAG_RX_EMPTY == 0).then(|| DATA.read() as u8)
}

pub fn can_write() -> bool {
    FLAGS.read() & FLAG_TX_FULL == 0
}

pub fn write(byte: u8) {
    DATA.write(byte.into());
}
