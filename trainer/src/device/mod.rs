//! Chips within reach: emulated ones, and real ones at the other end of a wire.
//!
//! A [`Device`] is named on the command line and opened into a [`Stream`] of bytes; what the bytes mean is
//! not known here. Firmware that needs no world is [run](run_elf) to its end instead.

mod firmware;
mod log;
mod machine;
mod qemu;

pub use firmware::{Firmware, build};
pub use machine::{MACHINES, Machine};
pub use qemu::{QemuLink, run_elf, run_elf_capture};

use anyhow::{Context, Result, bail, ensure};
use serialport::SerialPort;
use std::{
    fmt,
    io::{self, ErrorKind, Read, Write},
    net::TcpStream,
    path::Path,
    str::FromStr,
    time::Duration,
};

/// The baud rate of a serial line that names none.
const DEFAULT_BAUD: u32 = 115_200;

/// How long a new stream waits for the other side.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);

/// Where the chip is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Device {
    /// `qemu:MACHINE`: emulated here.
    Qemu(&'static Machine),
    /// `tcp:HOST:PORT`: behind a network socket.
    Tcp(String),
    /// `serial:PATH` or `serial:PATH@BAUD`: on a serial port.
    Serial(String, u32),
}

/// Bytes to and from a chip. Reads and writes that wait too long fail with [`ErrorKind::TimedOut`]; a read
/// from a chip that is gone returns no bytes or fails.
pub trait Stream: Read + Write + Send {
    /// Sets how long a read or a write may wait, 10 s at first. Zero is an error.
    fn set_timeout(&mut self, timeout: Duration) -> io::Result<()>;
}

impl Device {
    /// Connects to the chip. An emulated one is first built as the firmware `agent`, with the weights in
    /// `artifact`; any other must already run it.
    pub fn open(&self, artifact: &Path) -> Result<Box<dyn Stream>> {
        let mut stream: Box<dyn Stream> = match self {
            Self::Qemu(machine) => Box::new(QemuLink::start(&build(machine, "agent", Some(artifact))?)?),
            Self::Tcp(address) => {
                let socket =
                    TcpStream::connect(address).with_context(|| format!("cannot connect to {self}"))?;
                socket.set_nodelay(true)?;
                Box::new(Tcp(socket))
            }
            Self::Serial(path, baud) => {
                let port =
                    serialport::new(path, *baud).open().with_context(|| format!("cannot open {self}"))?;
                Box::new(Serial(port))
            }
        };
        stream.set_timeout(DEFAULT_TIMEOUT)?;
        Ok(stream)
    }
}

impl FromStr for Device {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        match text.split_once(':') {
            Some(("qemu", machine)) => Ok(Self::Qemu(Machine::named(machine)?)),
            Some(("tcp", address)) => {
                let port =
                    address.rsplit_once(':').filter(|(host, _)| !host.is_empty()).map(|(_, port)| port);
                let valid = port.is_some_and(|port| port.parse::<u16>().is_ok_and(|port| port > 0));
                ensure!(valid, "{address:?} is not a network address: write tcp:HOST:PORT");
                Ok(Self::Tcp(address.to_owned()))
            }
            Some(("serial", port)) => {
                let (path, baud) = match port.rsplit_once('@') {
                    Some((path, baud)) => (path, baud.parse().ok().filter(|&baud| baud > 0)),
                    None => (port, Some(DEFAULT_BAUD)),
                };
                let baud =
                    baud.with_context(|| format!("{port:?} has no valid baud rate: write serial:PATH@BAUD"))?;
                ensure!(
                    !path.is_empty(),
                    "the serial port has no name: write serial:PATH or serial:PATH@BAUD"
                );
                Ok(Self::Serial(path.to_owned(), baud))
            }
            _ => bail!("{text:?} is not a device: write qemu:MACHINE, tcp:HOST:PORT or serial:PATH[@BAUD]"),
        }
    }
}

/// As it is written on the command line.
impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Qemu(machine) => write!(f, "qemu:{}", machine.name),
            Self::Tcp(address) => write!(f, "tcp:{address}"),
            Self::Serial(path, baud) => write!(f, "serial:{path}@{baud}"),
        }
    }
}

struct Tcp(TcpStream);

impl Read for Tcp {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        tcp_io(self.0.read(buffer))
    }
}

impl Write for Tcp {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        tcp_io(self.0.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl Stream for Tcp {
    fn set_timeout(&mut self, timeout: Duration) -> io::Result<()> {
        self.0.set_read_timeout(Some(timeout))?;
        self.0.set_write_timeout(Some(timeout))
    }
}

/// A socket's result with its timeout called one: Unix says that the socket would block.
fn tcp_io<T>(result: io::Result<T>) -> io::Result<T> {
    result.map_err(|error| match error.kind() {
        ErrorKind::WouldBlock => io::Error::new(ErrorKind::TimedOut, "the chip did not answer in time"),
        _ => error,
    })
}

struct Serial(Box<dyn SerialPort>);

impl Read for Serial {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Write for Serial {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl Stream for Serial {
    fn set_timeout(&mut self, timeout: Duration) -> io::Result<()> {
        Ok(self.0.set_timeout(timeout)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_is_read_as_it_is_written() {
        for text in ["qemu:riscv32", "tcp:localhost:7000", "tcp:[::1]:7000", "serial:/dev/ttyACM0@9600"] {
            assert_eq!(text.parse::<Device>().unwrap().to_string(), text);
        }
        assert_eq!("serial:COM3".parse::<Device>().unwrap(), Device::Serial("COM3".into(), DEFAULT_BAUD));
    }

    #[test]
    fn a_wrong_device_is_answered_with_how_to_write_it() {
        for (text, complaint) in [
            ("usb", "\"usb\" is not a device: write qemu:MACHINE, tcp:HOST:PORT or serial:PATH[@BAUD]"),
            ("qemu:", "there is no machine \"\": choose one of "),
            ("tcp:localhost", "\"localhost\" is not a network address: write tcp:HOST:PORT"),
            ("tcp::7000", "\":7000\" is not a network address"),
            ("tcp:localhost:70000", "\"localhost:70000\" is not a network address"),
            ("serial:", "the serial port has no name"),
            (
                "serial:/dev/ttyACM0@fast",
                "\"/dev/ttyACM0@fast\" has no valid baud rate: write serial:PATH@BAUD",
            ),
        ] {
            let answer = text.parse::<Device>().unwrap_err().to_string();
            assert!(answer.starts_with(complaint), "{text}: {answer}");
        }
    }

    #[test]
    fn a_socket_that_stays_silent_times_out() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let device = Device::Tcp(listener.local_addr().unwrap().to_string());
        let mut stream = device.open(Path::new("")).unwrap();
        stream.set_timeout(Duration::from_millis(20)).unwrap();
        assert_eq!(stream.read(&mut [0]).unwrap_err().kind(), ErrorKind::TimedOut);
    }
}
