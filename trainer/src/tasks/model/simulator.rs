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

use super::{act::Flown, data::Column};
use crate::{
    data::log::{Episode, Log},
    mind,
    worlds::Rng,
};
use anyhow::{Context, Result, bail, ensure};
use forethought::{agent::Reading, artifact::Artifact, cost::Cost};
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
    pub hold: usize,
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

const fn hold() -> usize {
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
            ("hold", self.hold),
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
            let mut held = vec![(0.0, 0); action.len()];
            for _ in 0..self.steps {
                for ((u, left), column) in held.iter_mut().zip(action) {
                    if *left == 0 {
                        *left = rng.random_range(1..=self.hold);
                        *u = rng.random_range(column.low..=column.high) as f32;
                    }
                    *left -= 1;
                }
                let action: Vec<_> = held.iter().map(|(u, _)| *u).collect();
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
        let cost = Cost::<{ mind::NH }>::load(artifact)?;
        let mut world = Running::start(self, state)?;
        let mut flown = Vec::new();
        for (who, mode) in super::act::ways(artifact) {
            // Starts that nobody has practised from.
            let rng = &mut Rng::seed_from_u64(!seed);
            let mut mind = mind::load(artifact)?;
            let (mut paid, mut steps, mut crashes) = (0.0, 0_usize, 0);
            let (mut states, mut actions) = (Vec::new(), Vec::new());
            for flight in 0..self.flights {
                mind.reset();
                let mut x = world.reset(rng.random())?;
                for _ in 0..self.steps {
                    let (u, ..) = mind.step(Reading::State(&x), mode);
                    paid += f64::from(cost.stage(&x, &u));
                    steps += 1;
                    let (next, over) = world.step(&u)?;
                    let before = std::mem::replace(&mut x, next);
                    if flight == 0 {
                        states.push(before);
                        actions.push(u);
                    }
                    if over {
                        crashes += 1;
                        break;
                    }
                }
            }
            let early = if crashes > 0 {
                format!(", {crashes} of {} flights over early", self.flights)
            } else {
                String::new()
            };
            let who = format!("{who}, in the world{early}");
            flown.push(Flown { who, cost: paid / steps as f64, states, actions });
        }
        Ok(flown)
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
