//! `forethought bench`: what the kernels cost, on the host in time, on a machine in instructions.

use super::answer;
use crate::{
    bench,
    device::{self, Machine},
    results::{Results, Row},
};
use anyhow::{Context, Result, ensure};
use std::{process::ExitCode, time::Instant};

/// Measures the kernels.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// `host`, or a machine to emulate.
    target: String,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Args {
    pub(super) fn run(self) -> Result<ExitCode> {
        let started = Instant::now();
        let rows = if self.target == "host" { bench::host()? } else { machine(&self.target)? };
        let seconds = started.elapsed().as_secs_f64();
        let results = Results { name: format!("bench {}", self.target), seed: 0, seconds, rows };
        if self.json {
            answer(&(serde_json::to_string(&results)? + "\n"))?;
        } else {
            answer(&results.table())?;
        }
        Ok(if results.hold() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

/// Runs the bench firmware, which prints a line for each kernel: name, calls, instructions and multiply-adds a call.
fn machine(name: &str) -> Result<Vec<Row>> {
    let elf = device::build(Machine::named(name)?, "bench", None)?;
    let (code, lines) = device::run_elf_capture(&elf)?;
    ensure!(code == 0, "the bench firmware ended with exit code {code}");
    let mut rows = Vec::new();
    for line in &lines {
        let fields: Vec<_> = line.split('\t').collect();
        let [kernel, _calls, instructions, multiply_adds] = fields[..] else { continue };
        let number =
            |text: &str| text.parse::<f64>().with_context(|| format!("cannot read the line `{line}`"));
        let (instructions, multiply_adds) = (number(instructions)?, number(multiply_adds)?);
        rows.push(Row::new(kernel, instructions, "instructions a call"));
        if multiply_adds > 0.0 {
            let each = Row::new(kernel, instructions / multiply_adds, "instructions/multiply-add");
            rows.push(match (name, kernel) {
                ("mps2-an386", "mat-vec 64x64") => each.beside(2.83, "CMSIS-DSP").at_most(2.35),
                _ => each,
            });
        }
    }
    ensure!(!rows.is_empty(), "the bench firmware printed no measurement");
    Ok(rows)
}
