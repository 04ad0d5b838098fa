//! What every Cortex-M board shares: the entry point, and the instruction counter made of SysTick.
//!
//! QEMU's cycle counter (DWT CYCCNT) stays 0. SysTick runs on the core clock, and under `-icount shift=0`
//! that clock advances with the instructions executed, so ticks count instructions: see the board's
//! `INSTRUCTIONS_PER_TICK`.

use core::sync::atomic::{AtomicU32, Ordering::Relaxed};
use cortex_m::{
    peripheral::{Peripherals, SCB, SYST, syst::SystClkSource},
    register::msp,
};
pub use cortex_m_rt::entry;

/// The step in which [`instructions`] counts.
pub const COUNTER_STEP: u32 = super::machine::INSTRUCTIONS_PER_TICK;

/// SysTick counts down through 24 bits.
const PERIOD: u32 = 1 << 24;

/// How often SysTick has come to zero.
static WRAPS: AtomicU32 = AtomicU32::new(0);

pub fn start_counter() {
    if let Some(Peripherals { mut SYST, .. }) = Peripherals::take() {
        SYST.set_clock_source(SystClkSource::Core);
        SYST.set_reload(PERIOD - 1);
        SYST.clear_current();
        SYST.enable_interrupt();
        SYST.enable_counter();
    }
}

/// Instructions executed since [`init`](super::init), in steps of [`COUNTER_STEP`]. Meaningful in QEMU with
/// `-icount shift=0`; on a real chip it is the core clock's ticks, scaled.
pub fn instructions() -> u64 {
    let (wraps, ticks) = loop {
        let wraps = WRAPS.load(Relaxed);
        // The interrupt comes when the count reaches 0, not when it is reloaded: 0 is the first value of a
        // period.
        let ticks = SYST::get_current().wrapping_neg() % PERIOD;
        // Zero passed, its interrupt still waiting: the wrap is ours to add.
        let pending = SCB::is_pendst_pending() && ticks < PERIOD / 2;
        if wraps == WRAPS.load(Relaxed) {
            break (wraps + u32::from(pending), ticks);
        }
    };
    (u64::from(wraps) * u64::from(PERIOD) + u64::from(ticks)) * u64::from(COUNTER_STEP)
}

#[cortex_m_rt::exception]
fn SysTick() {
    // Nobody else writes: load and store suffice (Cortex-M0 has no more).
    WRAPS.store(WRAPS.load(Relaxed).wrapping_add(1), Relaxed);
}

/// The lowest address of the stack in use.
#[inline(always)] // the caller's frame is the one that counts
pub fn stack_pointer() -> usize {
    msp::read() as usize
}
