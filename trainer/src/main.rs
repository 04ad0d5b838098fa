//! The command line: `forethought train | eval | inspect | act | hil | bench | reproduce | run`.
#![forbid(unsafe_code)]

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    match forethought_trainer::cli::Cli::parse().run() {
        Ok(code) => code,
        Err(error) => {
            // One sentence: what was done, and down to why it failed.
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
