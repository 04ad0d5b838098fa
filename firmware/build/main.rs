//! Settles which board is built for, hands its memory layout to the linker and names it to the sources; and
//! turns the weight files into sources.

mod agent;
mod bench;

use std::{env, fs, path::Path};

/// Every board: its cargo feature, which is also its name, and the Rust target it needs.
const BOARDS: [(&str, &str); 3] = [
    ("lm3s6965", "thumbv7m-none-eabi"),
    ("mps2-an386", "thumbv7em-none-eabihf"),
    ("riscv32", "riscv32imac-unknown-none-elf"),
];

/// Binaries that log. `panic_free` does not: it links neither a logger nor a panic message.
const LOGGING_BINARIES: [&str; 5] = ["agent", "bench", "selftest", "selftest_models", "selftest_planners"];

fn main() {
    println!("cargo::rerun-if-changed=build");
    println!("cargo::rerun-if-changed=memory");
    if let Err(complaint) = build() {
        println!("cargo::error={complaint}");
    }
}

/// An error is one sentence for the person at the keyboard.
fn build() -> Result<(), String> {
    let board = board(&variable("TARGET"))?;
    configure(board);
    let out_dir = variable("OUT_DIR");
    let out_dir = Path::new(&out_dir);
    bench::generate(out_dir);
    agent::generate(board, out_dir)
}

/// The one board whose feature is on, if `target` is what it needs.
fn board(target: &str) -> Result<&'static str, String> {
    let known = BOARDS.map(|(name, _)| name).join(", ");
    let chosen: Vec<_> = BOARDS.iter().filter(|(name, _)| has_feature(name)).collect();
    match chosen[..] {
        [] => Err(format!("choose a board with `--features BOARD`; the boards are {known}")),
        [(name, needed)] if *needed == target => Ok(name),
        [(name, needed)] => Err(format!("the board {name} needs `--target {needed}`, not {target}")),
        _ => Err(format!("choose only one of the boards {known}: they exclude each other")),
    }
}

fn configure(board: &str) {
    let out_dir = variable("OUT_DIR");
    // The runtime crates' link.x says `INCLUDE memory.x`.
    for (from, to) in [(format!("memory/{board}.x"), "memory.x"), ("memory/stack.x".to_owned(), "stack.x")] {
        fs::copy(from, Path::new(&out_dir).join(to)).expect("linker script of the board");
    }
    println!("cargo::rustc-link-search={out_dir}");
    println!("cargo::rustc-env=FORETHOUGHT_BOARD={board}");

    println!("cargo::rustc-link-arg-bins=-Tlink.x");
    println!("cargo::rustc-link-arg-bins=-Tstack.x");
    // Without page alignment: the sections lie in flash as tight as the layout allows.
    println!("cargo::rustc-link-arg-bins=--nmagic");
    // The runner reads the board's name from the ELF: keep the symbol although no code refers to it.
    println!("cargo::rustc-link-arg-bins=--undefined=FORETHOUGHT_BOARD");
    for binary in LOGGING_BINARIES {
        println!("cargo::rustc-link-arg-bin={binary}=-Tdefmt.x");
    }
}

fn has_feature(name: &str) -> bool {
    let name = name.to_uppercase().replace('-', "_");
    env::var_os(format!("CARGO_FEATURE_{name}")).is_some()
}

fn variable(name: &str) -> String {
    env::var(name).expect("set by cargo")
}
