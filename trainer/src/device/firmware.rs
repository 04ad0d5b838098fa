//! The firmware as a file: building it, and what its ELF file tells.

use super::machine::Machine;
use anyhow::{Context, Result, bail, ensure};
use object::{Object, ObjectSection, ObjectSegment, ObjectSymbol};
use serde_json::Value;
use std::{
    env, fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// What an ELF file of ours says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Firmware {
    /// The machine it was built for.
    pub machine: &'static Machine,
    /// Bytes of flash it fills: vectors, code, constants and the initial values of `.data`.
    pub flash: u64,
    /// Bytes of RAM that are never free: `.data` and `.bss`.
    pub static_ram: u64,
}

impl Firmware {
    /// Reads the ELF file at `path`.
    pub fn read(path: &Path) -> Result<Self> {
        let elf = fs::read(path).with_context(|| format!("cannot read the firmware {}", path.display()))?;
        Self::parse(&elf).with_context(|| format!("{} is not a firmware of ours", path.display()))
    }

    /// Reads the ELF file `elf`.
    pub fn parse(elf: &[u8]) -> Result<Self> {
        let elf = object::File::parse(elf).context("not an ELF file")?;
        let board = board(&elf)?;
        Ok(Self { machine: Machine::named(&board)?, flash: flash(&elf), static_ram: static_ram(&elf)? })
    }
}

/// The name that the firmware holds in its symbol `FORETHOUGHT_BOARD`.
fn board(elf: &object::File) -> Result<String> {
    let symbol = elf.symbol_by_name("FORETHOUGHT_BOARD").context("no symbol FORETHOUGHT_BOARD")?;
    let section =
        elf.section_by_index(symbol.section_index().context("FORETHOUGHT_BOARD has no content")?)?;
    let name =
        section.data_range(symbol.address(), symbol.size())?.context("FORETHOUGHT_BOARD has no content")?;
    Ok(String::from_utf8(name.to_vec())?)
}

/// All that the file loads.
fn flash(elf: &object::File) -> u64 {
    elf.segments().map(|segment| segment.file_range().1).sum()
}

fn static_ram(elf: &object::File) -> Result<u64> {
    let address = |name| {
        let symbol = elf.symbol_by_name(name).with_context(|| format!("no symbol {name}"))?;
        anyhow::Ok(symbol.address())
    };
    Ok(address("__edata")? - address("__sdata")? + address("__ebss")? - address("__sbss")?)
}

/// Builds the firmware binary `bin` for `machine` and returns the path of its ELF file. `artifact` is the
/// weight file that goes into it, for the binaries that hold one.
///
/// Cargo's progress and the compiler's messages go to our standard error.
pub fn build(machine: &Machine, bin: &str, artifact: Option<&Path>) -> Result<PathBuf> {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(workspace_root()?);
    cargo.args(["build", "--message-format=json-render-diagnostics", "--profile", machine.profile]);
    cargo.args(["-p", "forethought-firmware", "--bin", bin, "--target", machine.target]);
    cargo.args(["--no-default-features", "--features", machine.name]);
    if let Some(artifact) = artifact {
        let artifact =
            artifact.canonicalize().with_context(|| format!("cannot read {}", artifact.display()))?;
        cargo.env("FORETHOUGHT_ARTIFACT", artifact);
    }
    let mut child =
        cargo.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().context("cannot start cargo")?;

    let mut executable = None;
    let messages = child.stdout.take().context("cargo has no output")?;
    for message in BufReader::new(messages).lines() {
        let message: Value = serde_json::from_str(&message?).unwrap_or_default();
        if message["target"]["name"] == bin && message["executable"].is_string() {
            executable = message["executable"].as_str().map(PathBuf::from);
        }
    }
    ensure!(
        child.wait()?.success(),
        "the firmware {bin} does not build for {} (see the messages above; a missing target is installed by \
         `rustup target add {}`)",
        machine.name,
        machine.target,
    );
    executable.with_context(|| format!("cargo built no firmware {bin}"))
}

/// The nearest folder above the current one that holds the firmware's sources.
fn workspace_root() -> Result<PathBuf> {
    let here = env::current_dir().context("the current directory is gone")?;
    for folder in here.ancestors() {
        if folder.join("Cargo.toml").is_file() && folder.join("firmware/Cargo.toml").is_file() {
            return Ok(folder.to_path_buf());
        }
    }
    bail!("firmware is built from its sources: run this inside a clone of the Forethought repository")
}
