//! `forethought hil`: the world runs here, the mind on the chip, and the same mind here too: every action is compared
//! bit by bit. A mind that only perceives is shown its test images, or, if it has none, noise; a forward model noise where it was
//! trained; a filter the world that it believes in; a watcher the native highway; a generator is asked for whatever it can make.

mod faults;

use super::{Mode, with_artifact};
use crate::{
    device::{Device, Stream},
    evaluate::episode_rng,
    mind,
    tasks::pendulum,
    worlds::{
        self, World, camera::SIDE, digits, noise::Noise, tracked::Tracked, watched::Watched, wishes::Wishes,
    },
};
use anyhow::{Context, Result, bail, ensure};
use faults::Faults;
use forethought::{
    agent::{self, SensorError},
    artifact::{Artifact, Kind},
    link::{self, PROTOCOL, Reading, Receiver, Reply, Request, Usage},
};
use indicatif::ProgressBar;
use std::{path::PathBuf, process::ExitCode, time::Duration};

/// Flies with the mind on a chip.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The weight file.
    artifact: PathBuf,
    /// Where the mind runs: qemu:MACHINE, tcp:HOST:PORT or serial:PATH[@BAUD].
    #[arg(long)]
    device: Device,
    /// Steps to fly, each 200 an episode; or observations to recognise.
    #[arg(long, default_value_t = 200)]
    steps: usize,
    /// Who decides.
    #[arg(long, value_enum, default_value_t = Mode::Plan)]
    mode: Mode,
    /// Damage the pictures of the agent's camera, a fault an episode, and count what it notices.
    #[arg(long)]
    faults: bool,
    /// Seed of the starts and of all noise.
    #[arg(long, default_value_t = super::eval::EVALUATION_SEED)]
    seed: u64,
    /// The folder of the data sets, in which are the test images.
    #[arg(long, value_name = "DIR", default_value = "../shared/data")]
    data: PathBuf,
}

/// The longest observation and action that the host's end of the link holds.
const VALUES: usize = mind::NY;
const ACTIONS: usize = mind::OUTPUTS;
const FRAME: usize = 5 * VALUES;
/// A decision may take this long on an emulated chip without floating-point unit.
const PATIENCE: Duration = Duration::from_secs(120);

/// The host's end of the link.
struct Link {
    stream: Box<dyn Stream>,
    receiver: Receiver<FRAME>,
    buffer: Vec<u8>,
}

impl Link {
    fn open(device: &Device, artifact: &std::path::Path) -> Result<Self> {
        let mut stream = device.open(artifact)?;
        stream.set_timeout(PATIENCE)?;
        Ok(Self { stream, receiver: Receiver::new(), buffer: vec![0; FRAME] })
    }

    fn ask(&mut self, request: &Request<VALUES>) -> Result<Reply<ACTIONS>> {
        let frame = link::encode(request, &mut self.buffer)?;
        self.stream
            .write_all(frame)
            .and_then(|()| self.stream.flush())
            .context("cannot write to the device")?;
        let mut byte = [0];
        loop {
            self.stream.read_exact(&mut byte).context("no answer from the device")?;
            if let Some(reply) = self.receiver.push(byte[0]) {
                match reply? {
                    Reply::Error(error) => bail!("the device says: {error}"),
                    reply => return Ok(reply),
                }
            }
        }
    }

    /// Says hello and makes sure that the artifact here is the one that is flashed.
    fn greet(&mut self, artifact: &Artifact<'_>) -> Result<()> {
        match self.ask(&Request::Hello { protocol: PROTOCOL })? {
            Reply::Hello { protocol: PROTOCOL, artifact: flashed } => ensure!(
                flashed == artifact.checksum(),
                "the device runs artifact {flashed:08x}, this is {:08x}: flash it first",
                artifact.checksum()
            ),
            Reply::Hello { protocol, .. } => {
                bail!("the device speaks protocol {protocol}, this program speaks {PROTOCOL}: flash it anew")
            }
            other => bail!("the device answered a hello with {other:?}"),
        }
        Ok(())
    }

    fn usage(&mut self) -> Result<Usage> {
        match self.ask(&Request::Usage)? {
            Reply::Usage(usage) => Ok(usage),
            other => bail!("the device answered a question about memory with {other:?}"),
        }
    }
}

/// What a flight found.
#[derive(Default)]
struct Tally {
    compared: usize,
    bits: u32,
    /// Steps at which both refused to go on seeing what is strange.
    alarms: usize,
    total: f64,
    instructions: Vec<u64>,
}

impl Args {
    pub(super) fn run(self) -> Result<ExitCode> {
        ensure!(self.steps > 0, "--steps must be at least 1");
        with_artifact(&self.artifact, |artifact| {
            self.mode.check(artifact)?;
            let mut world = self.world(artifact)?;
            let mut link = Link::open(&self.device, &self.artifact)?;
            link.greet(artifact)?;
            let mut faults = self.faults(artifact)?;
            let tally = self.fly(artifact, &mut *world, &mut link, faults.as_mut())?;
            let usage = link.usage()?;
            report(artifact, &self.device, &tally, usage);
            let well = faults.map(Faults::report).is_none_or(|(text, well)| {
                print!("{text}");
                well
            });
            Ok(if tally.bits == 0 && well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        })
    }

    /// Where the artifact is at home.
    fn world<'a>(&self, artifact: &Artifact<'a>) -> Result<Box<dyn World + 'a>> {
        let header = artifact.header();
        Ok(match (header.kind, header.provenance.task) {
            (Kind::Agent | Kind::Controller, task) => {
                worlds::of(artifact)?.with_context(|| super::eval::no_world(task))?
            }
            (Kind::Perception, digits::NAME) => {
                Box::new(digits::Digits::read(&self.data, artifact.sizes().ny())?)
            }
            (Kind::Perception | Kind::Model | Kind::Sentinel, _) => Box::new(Noise::of(artifact)),
            (Kind::Generator, _) => Box::new(Wishes::of(artifact)),
            (Kind::Tracker, _) => Box::new(Tracked::of(artifact)?),
            (Kind::Watcher, _) => Box::new(Watched::of(artifact)?),
        })
    }

    /// What goes wrong with the camera, if something is to.
    fn faults(&self, artifact: &Artifact<'_>) -> Result<Option<Faults>> {
        let header = artifact.header();
        ensure!(
            !self.faults
                || (header.kind, header.provenance.task, header.sizes.ny())
                    == (Kind::Agent, pendulum::NAME, SIDE * SIDE),
            "--faults is for agents that see the pendulum through its camera"
        );
        let rng = episode_rng(!self.seed, 0);
        Ok(self.faults.then(|| Faults::new(header.estimator.measured.to_vec(), rng)))
    }

    fn fly(
        &self,
        artifact: &Artifact<'_>,
        world: &mut dyn World,
        link: &mut Link,
        mut faults: Option<&mut Faults>,
    ) -> Result<Tally> {
        let mut mind = mind::load(artifact)?;
        let mut tally = Tally::default();
        let bar = ProgressBar::new(self.steps as u64).with_message(self.device.to_string());
        bar.set_style(super::train::bar_style());
        let mut rng = episode_rng(self.seed, 0);
        for step in 0..self.steps {
            if step % world.episode() == 0 {
                rng = episode_rng(self.seed, step / world.episode());
                world.reset(&mut rng);
                mind.reset();
                if let Some(faults) = &mut faults {
                    faults.begin();
                }
                match link.ask(&Request::Reset)? {
                    Reply::Ready => (),
                    other => bail!("the device answered a reset with {other:?}"),
                }
            }
            let mut sensors = match artifact.header().kind {
                // It is shown the state, whatever the world's sensors are.
                Kind::Controller => world.state(),
                _ => world.observe(&mut rng),
            };
            if let Some(faults) = &mut faults {
                faults.show(step % world.episode(), &mut sensors);
            }
            let (ours, diagnostics, refused_here) =
                mind.step(agent::Reading::Sensors(&sensors), self.mode.into());
            if let Some(faults) = &mut faults {
                let known = (&world.state()[..], &mind.estimate()[..]);
                faults.judge(step % world.episode(), (&diagnostics, refused_here), known);
            }
            let reading = Reading::Sensors(sensors.into_iter().collect());
            let request = Request::Observe { step: step as u32, mode: self.mode.into(), reading };
            let Reply::Action { step: answered, action, diagnostics: theirs, refused, instructions } =
                link.ask(&request)?
            else {
                bail!("the device answered observation {step} with something else than an action");
            };
            ensure!(answered as usize == step, "the device answered step {answered} instead of {step}");
            match refused {
                // It is what it is there for.
                Some(SensorError::Strange) if refused == refused_here => tally.alarms += 1,
                Some(refused) => bail!("the device refused observation {step}: {refused}"),
                None => ensure!(
                    refused_here.is_none(),
                    "the device believed observation {step}, which was refused here"
                ),
            }
            ensure!(
                action.iter().all(|u| u.is_finite()),
                "the device acts with a number that is none at step {step}"
            );
            ensure!(
                action.len() == ours.len(),
                "the device acts with {} numbers, not {}",
                action.len(),
                ours.len()
            );
            tally.compared += 1;
            let pairs = ours.iter().zip(&action);
            let pairs = pairs.chain([(&diagnostics.energy, &theirs.energy)]);
            tally.bits += pairs.map(|(a, b)| (a.to_bits() ^ b.to_bits()).count_ones()).sum::<u32>();
            tally.instructions.push(instructions);
            tally.total += world.step(&action);
            bar.inc(1);
        }
        bar.finish_and_clear();
        Ok(tally)
    }
}

fn report(artifact: &Artifact<'_>, device: &Device, tally: &Tally, usage: Usage) {
    let n = tally.compared;
    let mean = tally.instructions.iter().sum::<u64>() / n.max(1) as u64;
    let most = tally.instructions.iter().max().copied().unwrap_or(0);
    let Usage { flash, statics, stack } = usage;
    let header = artifact.header();
    let (action, decision) = match header.kind {
        Kind::Agent | Kind::Controller => ("actions", "decision"),
        Kind::Perception => ("answers", "observation"),
        Kind::Sentinel => ("verdicts", "observation"),
        Kind::Generator => ("samples", "sample"),
        Kind::Model => ("predictions", "prediction"),
        Kind::Tracker => ("estimates", "filter update"),
        Kind::Watcher => ("scenes", "scene"),
    };
    println!("{device}: {n} {action} compared, {} differing bits", tally.bits);
    match (header.kind, header.provenance.task) {
        (Kind::Agent | Kind::Controller, _) if tally.alarms > 0 => {
            println!("  return {:.1}; the alarm was raised at {} steps", tally.total, tally.alarms);
        }
        (Kind::Agent | Kind::Controller, _) => println!("  return {:.1}", tally.total),
        (Kind::Perception, digits::NAME) if artifact.has("classify") => println!(
            "  {:.0} of {n} digits are given their class ({:.2} %)",
            tally.total,
            100.0 * tally.total / n as f64
        ),
        (
            Kind::Perception | Kind::Model | Kind::Tracker | Kind::Watcher | Kind::Sentinel | Kind::Generator,
            _,
        ) => (),
    }
    println!("  instructions per {decision}: {mean} on average, {most} at most");
    println!("  flash {flash} bytes (code, constants and weights)");
    println!("  RAM {} bytes ({statics} static, {stack} of stack at its deepest)", statics + stack);
}
