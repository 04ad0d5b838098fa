//! A world of the user's own, as a program on a pipe: the section `[world]`. The log is what comes of practising in it, and whoever
//! is to act flies in it.
//!
//! ```text
//! > {"reset":17}                            a new episode, from the start that 17 is the seed of
//! < {"state": [3.1, 0.2]}
//! > {"action":[0.5]}                        a step
//! < {"state": [3.0, -0.1], "over": false}   over: the episode ends here, as by a crash; may be left out
//! ```
//! A line each; numbers in the order of the sections `[[state]]` and `[[action]]` and in their units. What the program writes to its
//! standard error is passed on. It ends when its input does.

use super::{
    act::{self, Flown, Sky},
    data::Column,
};
use crate::{
    data::log::{Episode, Log},
    worlds::{Rng, practice::Push},
};
use anyhow::{Context, Result, bail, ensure};
use forethought::artifact::Artifact;
use rand::{RngExt, SeedableRng};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::{
    io::{BufRead, BufReader, Write},
    path::PathBuf,
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, sync_channel},
    time::Duration,
};

/// The section `[world]`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The program and its arguments; it runs in the folder where the task file is.
    pub command: Vec<String>,
    /// Episodes of practice. What a model errs by falls with their number; the default is 12,000 steps.
    #[serde(default = "episodes")]
    pub episodes: usize,
    /// Steps of an episode, unless it is over before.
    #[serde(default = "steps")]
    pub steps: usize,
    /// The most steps for which a practised action is held; how long is drawn anew each time. 1 shakes the plant, and many carry it
    /// far: between them everything is seen.
    #[serde(default = "hold")]
    pub hold: u32,
    /// Flights of planner and policy, each from a start of its own.
    #[serde(default = "flights")]
    pub flights: usize,
    /// Where the program runs.
    #[serde(skip)]
    pub folder: PathBuf,
}

const fn episodes() -> usize {
    60
}

const fn steps() -> usize {
    200
}

const fn hold() -> u32 {
    20
}

const fn flights() -> usize {
    20
}

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

impl Config {
    /// Whether the section makes sense.
    pub fn check(&self) -> Result<()> {
        ensure!(
            self.command.first().is_some_and(|program| !program.is_empty()),
            "world.command names no program: write command = [\"python\", \"my_world.py\"]"
        );
        for (name, value) in [
            ("episodes", self.episodes),
            ("steps", self.steps),
            ("hold", self.hold as usize),
            ("flights", self.flights),
        ] {
            ensure!(value > 0, "world.{name} must be at least 1");
        }
        Ok(())
    }

    /// Practises: random actions in their ranges, each held for a random time.
    pub fn practise(&self, state: &[Column], action: &[Column], rng: &mut Rng) -> Result<Log> {
        ensure!(!action.is_empty(), "there is no section [[action]]: a world cannot be practised in without");
        let mut world = Running::start(self, state)?;
        let mut episodes = Vec::new();
        for _ in 0..self.episodes {
            let mut episode = Episode { states: vec![world.reset(rng.random())?], actions: Vec::new() };
            let mut pushes = vec![Push::default(); action.len()];
            for _ in 0..self.steps {
                let push = |(push, column): (&mut Push, &Column)| {
                    let share = 0.5 * (push.next(self.hold, rng) + 1.0);
                    (column.low + share * (column.high - column.low)) as f32
                };
                let action: Vec<_> = pushes.iter_mut().zip(action).map(push).collect();
                let (next, over) = world.step(&action)?;
                episode.actions.push(action);
                episode.states.push(next);
                if over {
                    break;
                }
            }
            episodes.push(episode);
        }
        Ok(Log::new(episodes))
    }

    /// Flies a controller, each way that it can, from the same starts, which it has not practised from.
    pub fn fly(&self, artifact: &Artifact<'_>, state: &[Column], seed: u64) -> Result<Vec<Flown>> {
        let rng = &mut Rng::seed_from_u64(!seed);
        let starts = (0..self.flights).map(|_| rng.random()).collect();
        act::fly(artifact, &mut Flights { world: Running::start(self, state)?, starts, steps: self.steps })
    }
}

/// The world to be flown in.
struct Flights<'a> {
    world: Running<'a>,
    /// The seed of each flight's start.
    starts: Vec<u32>,
    steps: usize,
}

impl Sky for Flights<'_> {
    const NAME: &'static str = "world";

    fn flights(&self) -> usize {
        self.starts.len()
    }

    fn begin(&mut self, flight: usize) -> Result<(Vec<f32>, usize)> {
        Ok((self.world.reset(self.starts[flight])?, self.steps))
    }

    fn advance(&mut self, _: &[f32], u: &[f32]) -> Result<(Vec<f32>, bool)> {
        self.world.step(u)
    }
}

/// What the program says of a step.
#[derive(Deserialize)]
struct Answer {
    state: Vec<f64>,
    #[serde(default)]
    over: bool,
}

/// The program, running.
struct Running<'a> {
    name: &'a str,
    state: &'a [Column],
    child: Child,
    input: Option<ChildStdin>,
    /// Lines of its output. They are read in a thread of their own, so that waiting for one may end.
    lines: Receiver<std::io::Result<String>>,
    /// How many there were.
    heard: usize,
}

impl<'a> Running<'a> {
    fn start(config: &'a Config, state: &'a [Column]) -> Result<Self> {
        let (name, arguments) = config.command.split_first().context("world.command names no program")?;
        let mut command = Command::new(name);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
        if !config.folder.as_os_str().is_empty() {
            command.current_dir(&config.folder);
        }
        let mut child = command.spawn().with_context(|| {
            format!("cannot start the world `{name}`: correct world.command, a program and its arguments")
        })?;
        let (input, output) = (child.stdin.take(), child.stdout.take().context("a world without output")?);
        let (sender, lines) = sync_channel(1);
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines() {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        Ok(Self { name, state, child, input, lines, heard: 0 })
    }

    fn reset(&mut self, seed: u32) -> Result<Vec<f32>> {
        Ok(self.ask(&json!({ "reset": seed }))?.0)
    }

    fn step(&mut self, action: &[f32]) -> Result<(Vec<f32>, bool)> {
        self.ask(&json!({ "action": action }))
    }

    fn ask(&mut self, what: &serde_json::Value) -> Result<(Vec<f32>, bool)> {
        if let Some(input) = &mut self.input {
            // Who does not listen any more has no answer either, and that is told below.
            let _ = writeln!(input, "{what}").and_then(|()| input.flush());
        }
        let name = self.name;
        let line = match self.lines.recv_timeout(PATIENCE) {
            Ok(line) => line.with_context(|| format!("cannot read what the world `{name}` says"))?,
            Err(RecvTimeoutError::Timeout) => bail!(
                "the world `{name}` has not answered {what} within {} s: does it flush its output after each line?",
                PATIENCE.as_secs()
            ),
            Err(RecvTimeoutError::Disconnected) => {
                let status = self.child.wait()?;
                bail!("the world `{name}` ended ({status}) instead of answering {what}")
            }
        };
        self.heard += 1;
        let heard = self.heard;
        let Answer { state, over } = serde_json::from_str(&line).ok().with_context(|| {
            format!(
                "line {heard} of the world `{name}` is `{line}`, where {{\"state\": [numbers]}} is needed"
            )
        })?;
        ensure!(
            state.len() == self.state.len(),
            "line {heard} of the world `{name}` has {} numbers of state, but there are {} sections [[state]]",
            state.len(),
            self.state.len()
        );
        let accepted = self.state.iter().zip(state).map(|(column, value)| {
            let place = || format!("line {heard} of the world `{name}`, column {}", column.column);
            column.accept(value).with_context(place)
        });
        Ok((accepted.collect::<Result<_>>()?, over))
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        // Its input ends; whoever goes on nevertheless is ended.
        self.input = None;
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
