//! `forethought eval`: flies an artifact in its world, or counts what a recogniser gets right.

mod digits;

use super::{answer, with_artifact};
use crate::{
    evaluate::{self, Flight, Score, View},
    report::pendulum::ScoreRow,
    tasks::pendulum,
    worlds,
};
use anyhow::{Result, bail, ensure};
use forethought::{
    agent::Mode,
    artifact::{Artifact, Kind, Planner},
};
use serde::Serialize;
use std::{path::PathBuf, process::ExitCode};

/// Tries an artifact in its world.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The weight file.
    artifact: PathBuf,
    /// Episodes to fly each way, or test images to recognise [default: 100 flights, or all images].
    #[arg(long)]
    episodes: Option<usize>,
    /// The folder of the data sets, in which are the test images.
    #[arg(long, value_name = "DIR", default_value = "../shared/data")]
    data: PathBuf,
    /// Seed of the starts and of the camera's noise.
    #[arg(long, default_value_t = EVALUATION_SEED)]
    seed: u64,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    /// Exit with 1 unless the agent is as good as the default one has to be.
    #[arg(long)]
    check: bool,
}

/// The seed of evaluations, apart from those of trainings.
pub(super) const EVALUATION_SEED: u64 = 1000;

/// The mean return of one way to fly.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Flown {
    /// In words.
    pub what: &'static str,
    #[serde(flatten)]
    pub score: Score,
    /// The least mean return that is demanded of the default agent.
    pub bound: Option<f64>,
    /// What the agent sees and who decides.
    #[serde(skip)]
    pub how: (View, Mode),
    /// Each flight.
    #[serde(skip)]
    pub flights: Vec<Flight>,
}

impl Flown {
    /// As the report shows it.
    pub fn row(&self) -> ScoreRow {
        ScoreRow { name: self.what.to_owned(), score: self.score, bound: self.bound }
    }
}

/// How a controller flies.
const SHOWN: [(&str, (View, Mode), Option<f64>); 2] =
    [("planner", (View::State, Mode::Plan), None), ("policy", (View::State, Mode::Policy), None)];
/// Every way to fly the pendulum.
const WAYS: [(&str, (View, Mode), Option<f64>); 4] = [
    ("planner on the true state", (View::State, Mode::Plan), Some(-155.0)),
    ("planner from pixels", (View::Sensors, Mode::Plan), Some(-175.0)),
    ("policy from pixels", (View::Sensors, Mode::Policy), Some(-200.0)),
    ("policy on the true state", (View::State, Mode::Policy), None),
];

impl Args {
    pub(super) fn run(self) -> Result<ExitCode> {
        ensure!(self.episodes != Some(0), "--episodes must be at least 1");
        let holds = with_artifact(&self.artifact, |artifact| match artifact.header().kind {
            Kind::Agent | Kind::Controller => self.fly(artifact),
            Kind::Perception => self.recognise(artifact),
            Kind::Sentinel | Kind::Generator => bail!(
                "an energy or a generator alone has no world to act in: its numbers are in the report of its training; give it \
                 observations with `forethought act`, or compare it with a chip by `forethought hil`"
            ),
            Kind::Tracker => bail!(
                "a filter alone has no world to act in: give it measurements with `forethought act`, or compare it with a \
                 chip by `forethought hil`"
            ),
            Kind::Watcher => bail!(
                "a watcher has no world to act in: its errors are those of `reproduce traffic-model`; give it views with \
                 `forethought act`, or compare it with a chip by `forethought hil`"
            ),
            Kind::Model => bail!(
                "a forward model alone has no world to act in: its errors are in the report of its training; give it \
                 states and actions with `forethought act`, or compare it with a chip by `forethought hil`"
            ),
        })?;
        Ok(if holds || !self.check { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    /// Whether the agent is as good as the default one has to be.
    fn fly(&self, artifact: &Artifact<'_>) -> Result<bool> {
        let episodes = self.episodes.unwrap_or(100);
        let flown = fly(artifact, episodes, self.seed)?;
        print(&flown, episodes, optimum(artifact));
        if self.json {
            let object = serde_json::json!({
                "episodes": episodes, "seed": self.seed, "optimum": optimum(artifact), "rows": flown,
            });
            answer(&format!("{object}\n"))?;
        }
        Ok(flown.iter().all(|f| f.bound.is_none_or(|bound| f.score.mean >= bound)))
    }

    /// The same of a recogniser.
    fn recognise(&self, artifact: &Artifact<'_>) -> Result<bool> {
        let task = artifact.header().provenance.task;
        if task != worlds::digits::NAME {
            bail!(
                "the encoder was trained on `{task}`, which is no world: its numbers are in the report of its \
                 training; give it observations with `forethought act`, or compare it with a chip by `forethought hil`"
            );
        }
        let results = digits::recognise(artifact, &self.data, self.episodes)?;
        eprint!("{}", results.table());
        if self.json {
            answer(&(serde_json::to_string(&results)? + "\n"))?;
        }
        Ok(results.hold())
    }
}

/// Flies every way.
pub(super) fn fly(artifact: &Artifact<'_>, episodes: usize, seed: u64) -> Result<Vec<Flown>> {
    let header = artifact.header();
    let task = header.provenance.task;
    ensure!(worlds::of(artifact)?.is_some(), no_world(task));
    let practised = header.has("policy");
    let ways = match header.kind {
        Kind::Controller if header.planner == Planner::Reflex => &SHOWN[1..],
        Kind::Controller if practised => &SHOWN[..],
        Kind::Controller => &SHOWN[..1],
        _ => &WAYS[..],
    };
    let world = || worlds::of(artifact).ok().flatten().expect("it has just been there");
    ways.iter()
        .map(|&(what, how, bound)| {
            let flights = evaluate::episodes(artifact, world, how, episodes, seed)?;
            let returns: Vec<_> = flights.iter().map(|f| f.total).collect();
            Ok(Flown { what, score: Score::of(&returns), bound, how, flights })
        })
        .collect()
}

/// Why an agent cannot fly.
pub(super) fn no_world(task: &str) -> String {
    format!(
        "the artifact was trained for `{task}`, and there is no such world: the worlds are {}",
        worlds::names()
    )
}

/// The best mean return of the artifact's world, where it is known.
pub(super) fn optimum(artifact: &Artifact<'_>) -> Option<f64> {
    (artifact.header().provenance.task == pendulum::NAME).then_some(pendulum::OPTIMUM)
}

/// The table for people.
pub(super) fn print(flown: &[Flown], episodes: usize, optimum: Option<f64>) {
    let beside = optimum.map_or_else(String::new, |optimum| format!(" (optimum {optimum})"));
    eprintln!("mean return ± standard error over {episodes} resets{beside}:");
    for Flown { what, score, bound, .. } in flown {
        let bound = bound.map_or_else(String::new, |b| {
            format!("   at least {b}: {}", if score.mean >= b { "holds" } else { "DOES NOT HOLD" })
        });
        eprintln!("  {what:<26} {:8.1} ± {:.1}{bound}", score.mean, score.error);
    }
}
