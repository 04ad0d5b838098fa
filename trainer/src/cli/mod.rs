//! The command line. What a command is asked for goes to stdout (with `--json` as JSON and nothing else), everything
//! said on the way to stderr.

mod act;
mod bench;
mod eval;
mod hil;
mod inspect;
mod reproduce;
mod run;
mod train;

use anyhow::{Context, Result, ensure};
use clap::{Parser, Subcommand, ValueEnum};
use forethought::{
    agent,
    artifact::{Artifact, Kind},
};
use std::{io::Write, path::Path, process::ExitCode};

/// A mind that fits on a microcontroller: train it here, fly it there, bit for bit the same.
#[derive(Debug, Parser)]
#[command(name = "forethought", version)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Train an agent, export it, fly it, and write a report.
    Train(train::Args),
    /// Fly an artifact in its world.
    Eval(eval::Args),
    /// Show what is in an artifact and what memory it needs.
    Inspect(inspect::Args),
    /// Decide: one JSON observation a line on stdin, one JSON action a line on stdout.
    Act(act::Args),
    /// Hardware in the loop: the world here, the mind on the chip, every action compared.
    Hil(hil::Args),
    /// Measure the kernels on the host or on a machine.
    Bench(bench::Args),
    /// Measure a published result again, beside the published number.
    Reproduce(reproduce::Args),
    /// Run a firmware binary (an ELF file) in QEMU and decode its log; `cargo run` uses this.
    Run(run::Args),
}

impl Cli {
    /// Does what was asked.
    pub fn run(self) -> Result<ExitCode> {
        match self.command {
            Command::Train(args) => args.run(),
            Command::Eval(args) => args.run(),
            Command::Inspect(args) => args.run(),
            Command::Act(args) => args.run(),
            Command::Hil(args) => args.run(),
            Command::Bench(args) => args.run(),
            Command::Reproduce(args) => args.run(),
            Command::Run(args) => args.run(),
        }
    }
}

/// Who decides.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Mode {
    /// The planner (system 2).
    Plan,
    /// The policy network (system 1).
    Policy,
}

impl Mode {
    /// A policy can only be asked where there is one.
    fn check(self, artifact: &Artifact<'_>) -> Result<()> {
        let header = artifact.header();
        let acts = matches!(header.kind, Kind::Agent | Kind::Controller);
        ensure!(
            !(acts && matches!(self, Self::Policy)) || header.has("policy"),
            "the weight file has no policy, only a planner: leave `--mode policy` out, or train with `--act both`"
        );
        Ok(())
    }
}

impl From<Mode> for agent::Mode {
    fn from(mode: Mode) -> Self {
        match mode {
            Mode::Plan => Self::Plan,
            Mode::Policy => Self::Policy,
        }
    }
}

/// Writes a result to stdout. If nobody reads it any more, as behind `| head`, that is no error.
fn answer(text: &str) -> Result<()> {
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(error).context("cannot write to stdout")
        }
        _ => Ok(()),
    }
}

/// Hands an artifact's bytes and content to `f`.
fn with_artifact<T>(path: &Path, f: impl FnOnce(&Artifact<'_>) -> Result<T>) -> Result<T> {
    let file = crate::export::WeightFile::read(path)?;
    let artifact = file.parse().with_context(|| format!("in {}", path.display()))?;
    f(&artifact)
}
