//! The UART of Arm's Cortex-M System Design Kit, on every MPS2 board. One byte of buffer each way: a byte
//! that comes while the last one is unread would be lost on the real board; QEMU holds it back.
#![allow(unsafe_code)]

use crate::board::register::Register;

const CTRL_TX_ENABLE: u32 = 1 << 0;
const CTRL_RX_ENABLE: u32 = 1 << 1;
const STATE_TX_FULL: u32 = 1 << 0;
const STATE_RX_FULL: u32 = 1 << 1;

/// Clock cycles per bit. QEMU ignores the rate but demands a legal divider: 16 or more.
const BAUD_DIVIDER: u32 = 16;

pub struct CmsdkUart {
    data: Register<u32>,
    state: Register<u32>,
    ctrl: Register<u32>,
    bauddiv: Register<u32>,
}

impl CmsdkUart {
    /// The UART whose registers begin at `base`.
    ///
    /// # Safety
    ///
    /// A CMSDK APB UART must be there.
    pub const unsafe fn at(base: usize) -> Self {
        // SAFETY: by the contract of `at` these are the UART's registers.
        unsafe {
            Self {
                data: Register::at(base),
                state: Register::at(base + 0x4),
                ctrl: Register::at(base + 0x8),
                bauddiv: Register::at(base + 0x10),
            }
        }
    }

    pub fn init(&self) {
        self.bauddiv.write(BAUD_DIVIDER);
        self.ctrl.write(CTRL_TX_ENABLE | CTRL_RX_ENABLE);
    }

    pub fn try_read(&self) -> Option<u8> {
        (self.state.read() & STATE_RX_FULL != 0).then(|| self.data.read() as u8)
    }

    pub fn can_write(&self) -> bool {
        self.state.read() & STATE_TX_FULL == 0
    }

    pub fn write(&self, byte: u8) {
        self.data.write(byte.into());
    }
}
