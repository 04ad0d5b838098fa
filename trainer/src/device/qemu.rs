//! Firmware in QEMU: run to its end, or linked to us through its serial line.
//!
//! Time is made of instructions (`-icount shift=0`: one each nanosecond), so that a run is repeatable and the
//! chip's timers count instructions. The log comes through semihosting, on a channel that we name: without
//! one, some versions of QEMU write it to standard output and some to standard error.

use super::{
    Stream,
    firmware::Firmware,
    log::{self, Line},
    machine::Machine,
    tcp_io,
};
use anyhow::{Context, Result, bail, ensure};
use std::{
    fs,
    io::{self, BufRead, BufReader, ErrorKind, Read, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
    path::Path,
    process::{Child, ChildStderr, Command, Stdio},
    sync::mpsc::{self, Receiver, RecvTimeoutError},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

/// How long QEMU may take to start and to connect to us.
const START: Duration = Duration::from_secs(20);

/// What QEMU says of lm3s6965evb each time, before it runs anything.
const NOISE: &str = "Timer with period zero, disabling";

/// Runs the firmware at `elf` to its end and returns its exit code. What it prints goes to our standard
/// output, what it logs to our standard error.
///
/// Past `timeout` the emulator is stopped and the run is an error.
pub fn run_elf(elf: &Path, timeout: Option<Duration>) -> Result<i32> {
    // That nobody reads our output any more is no reason to stop.
    let emulator = Emulator::start(elf, "none", |line| match line.level {
        None => drop(writeln!(io::stdout(), "{line}")),
        Some(_) => drop(writeln!(io::stderr(), "{line}")),
    })?;
    emulator.wait(timeout)
}

/// Runs the firmware at `elf` to its end and returns its exit code and every line it printed or logged.
pub fn run_elf_capture(elf: &Path) -> Result<(i32, Vec<String>)> {
    let (sender, lines) = mpsc::channel();
    // The receiver outlives the emulator: sending cannot fail.
    let emulator =
        Emulator::start(elf, "none", move |line| sender.send(line.to_string()).unwrap_or_default())?;
    let code = emulator.wait(None)?;
    Ok((code, lines.iter().collect()))
}

/// A firmware that runs in QEMU, at the other end of its serial line. What it prints and logs goes to our
/// standard error. Dropping the link stops it.
pub struct QemuLink {
    serial: TcpStream,
    emulator: Emulator,
}

impl QemuLink {
    /// Starts the firmware at `elf`.
    pub fn start(elf: &Path) -> Result<Self> {
        // We listen and QEMU connects: there is no moment at which nobody listens.
        let listener =
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("cannot open a local port for QEMU")?;
        let serial = format!("tcp:{},nodelay=on", listener.local_addr()?);
        let mut emulator = Emulator::start(elf, &serial, |line| eprintln!("{line}"))?;
        let serial = accept(&listener, &mut emulator)?;

        // What is sent before the firmware listens may be lost, so it says when: its first byte is a zero.
        let mut link = Self { serial, emulator };
        link.set_timeout(START)?;
        let mut first = [0xFF];
        link.read_exact(&mut first).context("the firmware does not come up")?;
        ensure!(first == [0], "the firmware began with the byte {:#04x}, not with a zero", first[0]);
        Ok(link)
    }
}

/// Waits for QEMU to connect, for as long as it lives.
fn accept(listener: &TcpListener, emulator: &mut Emulator) -> Result<TcpStream> {
    listener.set_nonblocking(true)?;
    let deadline = Instant::now() + START;
    while Instant::now() < deadline {
        match listener.accept() {
            Ok((serial, _)) => {
                serial.set_nonblocking(false)?;
                serial.set_nodelay(true)?;
                return Ok(serial);
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(error).context("cannot accept QEMU's serial line"),
        }
        if let Some(status) = emulator.child.try_wait()? {
            bail!("QEMU ended before it ran the firmware ({status})");
        }
        thread::sleep(Duration::from_millis(2));
    }
    bail!("QEMU did not connect its serial line within {} s", START.as_secs())
}

impl Read for QemuLink {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match tcp_io(self.serial.read(buffer))? {
            0 if !buffer.is_empty() => Err(self.emulator.obituary()),
            length => Ok(length),
        }
    }
}

impl Write for QemuLink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        tcp_io(self.serial.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.serial.flush()
    }
}

impl Stream for QemuLink {
    fn set_timeout(&mut self, timeout: Duration) -> io::Result<()> {
        self.serial.set_read_timeout(Some(timeout))?;
        self.serial.set_write_timeout(Some(timeout))
    }
}

/// A running QEMU. Dropping it stops it.
struct Emulator {
    child: Child,
    /// Closed when QEMU's output has come to its end.
    running: Receiver<()>,
    readers: Vec<JoinHandle<()>>,
    /// Stops QEMU if this process dies without a chance to.
    guard: Option<Child>,
}

impl Emulator {
    /// Starts the firmware at `elf` on the machine it was built for, its serial line at `serial` (QEMU's
    /// words) and its messages going to `sink`.
    fn start(elf: &Path, serial: &str, mut sink: impl FnMut(Line) + Send + 'static) -> Result<Self> {
        let machine = Firmware::read(elf)?.machine;
        let formats = log::formats(&fs::read(elf)?)?;
        let mut child = spawn(machine, elf, serial)?;
        let guard = guard(&child).ok(); // where there is no shell we go without

        let (alive, running) = mpsc::channel();
        let mut output = child.stdout.take().context("QEMU has no output")?;
        let messages = child.stderr.take().context("QEMU has no error output")?;
        let log = thread::spawn(move || {
            match formats {
                Some(formats) => log::decode(&formats, output, &mut sink),
                None => drop(io::copy(&mut output, &mut io::sink())),
            }
            drop(alive);
        });
        let readers = vec![log, thread::spawn(|| pass_on(messages))];
        Ok(Self { child, running, readers, guard })
    }

    /// Waits until the firmware ends, and returns its exit code.
    fn wait(mut self, timeout: Option<Duration>) -> Result<i32> {
        let ended = match timeout {
            Some(timeout) => self.running.recv_timeout(timeout) != Err(RecvTimeoutError::Timeout),
            None => self.running.recv().is_err(),
        };
        if !ended {
            bail!("the firmware did not end within {} s", timeout.unwrap_or_default().as_secs_f32());
        }
        let status = self.child.wait()?;
        self.readers.drain(..).for_each(|reader| reader.join().unwrap_or_default());
        status.code().with_context(|| format!("QEMU was stopped ({status})"))
    }

    /// Why the serial line fell silent.
    fn obituary(&mut self) -> io::Error {
        // QEMU closes line and log a moment before it ends.
        let ending = self.running.recv_timeout(Duration::from_secs(1)) == Err(RecvTimeoutError::Disconnected);
        let status = if ending { self.child.wait().ok() } else { None };
        let how = match status {
            Some(status) => format!("the firmware in QEMU ended ({status})"),
            None => "QEMU closed the serial line".to_owned(),
        };
        io::Error::new(ErrorKind::UnexpectedEof, how)
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        // The guard first: after `wait`, QEMU's number may come to mean another process. Each call fails only
        // if its process has already ended.
        for child in self.guard.iter_mut().chain([&mut self.child]) {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// A shell that waits for the other end of its input, which this process holds, to close, and then kills
/// `child`. A signal that ends this process would otherwise leave QEMU running for ever, at full load.
fn guard(child: &Child) -> io::Result<Child> {
    let mut shell = Command::new("sh");
    shell.args(["-c", "read _; kill -9 $0", &child.id().to_string()]);
    shell.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()
}

fn spawn(machine: &Machine, elf: &Path, serial: &str) -> Result<Child> {
    let mut qemu = Command::new(machine.qemu);
    qemu.args(machine.args)
        .args(["-icount", "shift=0", "-display", "none", "-monitor", "none", "-serial", serial]);
    qemu.args([
        "-chardev",
        "stdio,id=log",
        "-semihosting-config",
        "enable=on,target=native,chardev=log",
        "-kernel",
    ]);
    qemu.arg(elf).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    match qemu.spawn() {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            bail!("{} is not installed: on Debian, `apt install {}`", machine.qemu, machine.package)
        }
        child => child.with_context(|| format!("cannot start {}", machine.qemu)),
    }
}

/// Passes on what QEMU itself has to say.
fn pass_on(messages: ChildStderr) {
    for message in BufReader::new(messages).lines().map_while(Result::ok) {
        if message != NOISE {
            eprintln!("{message}");
        }
    }
}
