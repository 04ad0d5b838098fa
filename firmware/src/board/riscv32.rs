//! QEMU's RISC-V `virt` machine, RV32IMAC without FPU. Its UART is an NS16550.
#![allow(unsafe_code)]

use super::register::Register;

const UART0: usize = 0x1000_0000;
// SAFETY: the registers of the NS16550 at UART0, one byte wide each.
const DATA: Register<u8> = unsafe { Register::at(UART0) };
// SAFETY: as above.
const FIFO_CONTROL: Register<u8> = unsafe { Register::at(UART0 + 2) };
// SAFETY: as above.
const LINE_CONTROL: Register<u8> = unsafe { Register::at(UART0 + 3) };
// SAFETY: as above.
const LINE_STATUS: Register<u8> = unsafe { Register::at(UART0 + 5) };

const FIFO_ENABLE: u8 = 1 << 0;
const LINE_EIGHT_BITS: u8 = 0b11;
const STATUS_DATA_READY: u8 = 1 << 0;
const STATUS_TX_EMPTY: u8 = 1 << 5;

pub fn init_serial() {
    FIFO_CONTROL.write(FIFO_ENABLE);
    LINE_CONTROL.write(LINE_EIGHT_BITS);
}

pub fn try_read() -> Option<u8> {
    (LINE_STATUS.read() & STATUS_DATA_READY != 0).then(|| DATA.read())
}

pub fn can_write() -> bool {
    LINE_STATUS.read() & STATUS_TX_EMPTY != 0
}

pub fn write(byte: u8) {
    DATA.write(byte);
}
