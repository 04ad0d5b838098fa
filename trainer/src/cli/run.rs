//! `forethought run`: the runner of `cargo run` for firmware.

use crate::device;
use anyhow::Result;
use std::{path::PathBuf, process::ExitCode, time::Duration};

/// Runs a firmware binary in QEMU.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The firmware binary; it says itself which machine it is for.
    elf: PathBuf,
    /// End it after this many seconds.
    #[arg(long, value_name = "SECONDS")]
    timeout: Option<u64>,
}

impl Args {
    pub(super) fn run(self) -> Result<ExitCode> {
        let code = device::run_elf(&self.elf, self.timeout.map(Duration::from_secs))?;
        Ok(ExitCode::from(u8::try_from(code).unwrap_or(1)))
    }
}
