//! `forethought act`: a mind on a pipe.
//!
//! One JSON object a line comes in: `{"observation": […]}` for the sensors, `{"state": […]}` for the state itself (an angle
//! in radians, or as its cosine and sine), `{"reset": true}` (alone or with a reading) at the start of an episode. One
//! JSON object a line goes out: `{"action": […], …}`, with `"error"` when the reading was refused and the action is the
//! safe one; only `{"error": …}` when the line could not be understood.
//!
//! Of a mind that only perceives the action is the scores of the classes, and `"class"` the highest; without a classifier
//! it is the code. A forward model's observation is the numbers of state, action and latent variable one behind the other,
//! and its answer is `{"next": […]}`, the next state; an ensemble adds its variances, `"aleatoric"` and `"epistemic"`. A
//! watcher's observation is the cells of a view, state, action and latent variable, and its answer `{"next": […], "cars": [[…], …]}`,
//! its own state a step on, and place and speed of every car that is there. A
//! tracker's observation is the measured features, `null` for one that is missing, and the action since the line before; its
//! answer is `{"estimate": […], "variance": […], …}`. A sentinel answers with `{"energy": …, "verdict": "familiar", …}`, `"strange"` or
//! `"alarm"`, and where it descends with `"nearest"`, the observation as it would be if it were more familiar; a generator's
//! observation is its random numbers, and its action what it makes of them.

use super::{Mode, with_artifact};
use crate::{data::log::compose, mind};
use anyhow::{Context, Result, ensure};
use forethought::{
    agent::{Diagnostics, Reading, SensorError},
    artifact::{Artifact, Kind},
    perceive::classifier::class,
};
use serde::{Deserialize, Serialize};
use std::{
    io::{BufRead, Write},
    path::PathBuf,
    process::ExitCode,
};

/// Decides line by line.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The weight file.
    artifact: PathBuf,
    /// Who decides.
    #[arg(long, value_enum, default_value_t = Mode::Plan)]
    mode: Mode,
}

/// A line from the world. A number that JSON cannot say, such as NaN, is `null`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    #[serde(default)]
    reset: bool,
    observation: Option<Vec<Option<f32>>>,
    state: Option<Vec<Option<f32>>>,
}

#[derive(Debug, Default, Serialize)]
struct Answer {
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<Vec<f32>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<Vec<f32>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cars: Option<Vec<Vec<f32>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    aleatoric: Option<Vec<f32>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    epistemic: Option<Vec<f32>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    estimate: Option<Vec<f32>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    variance: Option<Vec<f32>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    class: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    energy: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    verdict: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nearest: Option<Vec<f32>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    diagnostics: Option<Diagnostics>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

impl Args {
    pub(super) fn run(self) -> Result<ExitCode> {
        with_artifact(&self.artifact, |artifact| {
            self.mode.check(artifact)?;
            let mut mind = mind::load(artifact)?;
            let mut stdout = std::io::stdout().lock();
            for line in std::io::stdin().lock().split(b'\n') {
                let line = line.context("cannot read stdin")?;
                if line.trim_ascii().is_empty() {
                    continue;
                }
                let answer = answer(artifact, &mut *mind, self.mode, &line).unwrap_or_else(|error| Answer {
                    error: Some(format!("{error:#}")),
                    ..Answer::default()
                });
                let written = serde_json::to_writer(&mut stdout, &answer)
                    .map_err(std::io::Error::from)
                    .and_then(|()| stdout.write_all(b"\n"))
                    .and_then(|()| stdout.flush());
                match written {
                    // The world has gone: nothing is left to decide.
                    Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => break,
                    written => written.context("cannot write to stdout")?,
                }
            }
            Ok(ExitCode::SUCCESS)
        })
    }
}

fn answer(artifact: &Artifact<'_>, mind: &mut dyn mind::Mind, mode: Mode, line: &[u8]) -> Result<Answer> {
    let line: Line = serde_json::from_slice(line)
        .context("a line must be a JSON object with `observation` or `state`, and may have `reset`")?;
    if line.reset {
        mind.reset();
    }
    let kind = artifact.header().kind;
    let plain =
        |values: Vec<Option<f32>>| values.into_iter().map(|v| v.unwrap_or(f32::NAN)).collect::<Vec<_>>();
    let values;
    let mut broken = None;
    let reading = match (line.observation, line.state) {
        (_, Some(_)) if matches!(kind, Kind::Perception | Kind::Sentinel | Kind::Generator) => {
            anyhow::bail!("this mind knows of no state: a line must have `observation`, not `state`")
        }
        (_, Some(_)) if kind == Kind::Model => anyhow::bail!(
            "this mind is a forward model: a line must have `observation`, the numbers of state, action and latent \
             variable one behind the other, not `state`"
        ),
        (_, Some(_)) if kind == Kind::Watcher => anyhow::bail!(
            "this mind watches traffic: a line must have `observation`, the cells of a view, state, action and latent variable one \
             behind the other, not `state`"
        ),
        (Some(_), Some(_)) => anyhow::bail!("a line may have `observation` or `state`, not both"),
        (None, None) if line.reset => return Ok(Answer::default()),
        (None, None) => Reading::Missing,
        (Some(observation), None) => {
            values = plain(observation);
            Reading::Sensors(&values)
        }
        (None, Some(state)) => {
            // An angle is made of two numbers, so it is here that the broken one can be named.
            broken = state.iter().position(Option::is_none);
            values = in_radians(artifact, plain(state))?;
            Reading::State(&values)
        }
    };
    let (action, diagnostics, refused) = mind.step(reading, mode.into());
    let refused = match (refused, broken) {
        (Some(SensorError::NonFinite { .. }), Some(index)) => {
            Some(SensorError::NonFinite { index: index as u32 })
        }
        (refused, _) => refused,
    };
    // A refused reading has no class.
    let class = if refused.is_none() && artifact.has("classify") { class(&action) } else { None };
    let error = refused.map(|error| error.to_string());
    Ok(match kind {
        Kind::Agent | Kind::Controller => {
            Answer { action: Some(action), diagnostics: Some(diagnostics), error, ..Answer::default() }
        }
        Kind::Perception | Kind::Generator => {
            Answer { action: Some(action), class, error, ..Answer::default() }
        }
        Kind::Sentinel => {
            let nearest = action.get(2..).filter(|nearest| !nearest.is_empty()).map(<[f32]>::to_vec);
            let verdict = ["familiar", "strange", "alarm"].get(action[1] as usize).copied();
            Answer { energy: Some(action[0]), verdict, nearest, error, ..Answer::default() }
        }
        Kind::Model => {
            let mut parts = action.chunks(artifact.sizes().nx()).map(<[f32]>::to_vec);
            let (next, aleatoric, epistemic) = (parts.next(), parts.next(), parts.next());
            Answer { next, aleatoric, epistemic, error, ..Answer::default() }
        }
        Kind::Watcher => {
            let (next, cars) = action.split_at(artifact.sizes().nx());
            let there = cars.as_chunks::<5>().0.iter().filter(|[.., there]| *there > 0.0);
            let cars = there.map(|[said @ .., _]| said.to_vec()).collect();
            Answer { next: Some(next.to_vec()), cars: Some(cars), error, ..Answer::default() }
        }
        Kind::Tracker => {
            let (estimate, variance) = action.split_at(artifact.sizes().nx());
            Answer {
                estimate: Some(estimate.to_vec()),
                variance: (!variance.is_empty()).then(|| variance.to_vec()),
                diagnostics: Some(diagnostics),
                error,
                ..Answer::default()
            }
        }
    })
}

/// The model's state from what came: its components, or its coordinates with the cosine and sine of each angle.
fn in_radians(artifact: &Artifact<'_>, values: Vec<f32>) -> Result<Vec<f32>> {
    let (nx, angles) = (artifact.sizes().nx(), artifact.angles());
    if values.len() == nx {
        return Ok(values);
    }
    let coordinates = nx + angles.count();
    ensure!(
        values.len() == coordinates,
        "the state has {} values; the agent needs {nx}, or {coordinates} with cosine and sine for each angle",
        values.len()
    );
    Ok(compose(angles, nx, &values))
}
