//! The chips that QEMU can be for us.

use anyhow::{Context, Result};

/// A chip and the emulated machine it sits in.
#[derive(Debug, PartialEq, Eq)]
pub struct Machine {
    /// Its name everywhere: the firmware's cargo feature, `FORETHOUGHT_BOARD` in the ELF file, the command
    /// line.
    pub name: &'static str,
    /// The processor, for tables and reports.
    pub core: &'static str,
    /// The Rust target that the firmware is compiled for.
    pub target: &'static str,
    /// The cargo profile that the firmware is built with: what fits into its flash.
    pub profile: &'static str,
    /// The QEMU program that emulates it.
    pub qemu: &'static str,
    /// The Debian package that has this program.
    pub package: &'static str,
    /// The arguments that make QEMU this machine.
    pub args: &'static [&'static str],
}

/// Every machine known.
pub const MACHINES: &[Machine] = &[
    Machine {
        name: "lm3s6965",
        core: "Cortex-M3",
        target: "thumbv7m-none-eabi",
        profile: "firmware-small",
        qemu: "qemu-system-arm",
        package: "qemu-system-arm",
        args: &["-M", "lm3s6965evb"],
    },
    Machine {
        name: "mps2-an386",
        core: "Cortex-M4F",
        target: "thumbv7em-none-eabihf",
        profile: "firmware",
        qemu: "qemu-system-arm",
        package: "qemu-system-arm",
        args: &["-M", "mps2-an386"],
    },
    Machine {
        name: "riscv32",
        core: "RV32IMAC",
        target: "riscv32imac-unknown-none-elf",
        profile: "firmware",
        qemu: "qemu-system-riscv32",
        package: "qemu-system-misc",
        args: &["-M", "virt", "-bios", "none"],
    },
];

impl Machine {
    /// The machine called `name`.
    pub fn named(name: &str) -> Result<&'static Self> {
        MACHINES.iter().find(|machine| machine.name == name).with_context(|| {
            let known: Vec<_> = MACHINES.iter().map(|machine| machine.name).collect();
            format!("there is no machine {name:?}: choose one of {}", known.join(", "))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_each_machine_by_its_name() {
        for machine in MACHINES {
            assert_eq!(Machine::named(machine.name).unwrap(), machine);
        }
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_known_ones() {
        let complaint = Machine::named("z80").unwrap_err().to_string();
        assert_eq!(complaint, "there is no machine \"z80\": choose one of lm3s6965, mps2-an386, riscv32");
    }
}
