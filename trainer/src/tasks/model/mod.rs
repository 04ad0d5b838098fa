//! A forward model of the user's own plant: `forethought train my.toml` learns it from a CSV log, or from practice in a simulator,
//! and exports it; with `--act` also a controller that acts through it.
//!
//! ```text
//! log ─► columns, units, ranges, episodes: checked line by line ─► network, or physics + network ─► weight file, report
//!                                                                              └─► policy, value ─► weight file
//! ```

pub mod act;
pub mod caution;
pub mod data;
mod portrait;
pub mod simulator;

pub use portrait::portrait;

use super::{Progress, file};
use crate::{
    data::log::Log,
    export::WeightFile,
    mind,
    predict::{
        network::{self, Known, Network},
        residual::Physics,
    },
    worlds::Rng,
};
use act::{Act, Flown};
use anyhow::{Context, Result, bail, ensure};
use data::Column;
use forethought::{
    artifact::{Plant, Provenance, Sensors},
    feature::Angles,
};
use rand::SeedableRng;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// What a task file says.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The log that is learned from,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<data::Config>,
    /// or a world that is practised in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub world: Option<simulator::Config>,
    /// The columns that are the plant's state, one section `[[state]]` each.
    pub state: Vec<Column>,
    /// The columns that are its action, one section `[[action]]` each.
    #[serde(default)]
    pub action: Vec<Column>,
    /// Equations that are known, more or less.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub physics: Option<Equations>,
    /// How it is learned.
    #[serde(default)]
    pub model: network::Config,
    /// What is to be achieved with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub act: Option<act::Config>,
}

/// The section `[physics]`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Equations {
    /// The plant; its state and action are in the order of FORMAT.md.
    pub plant: Plants,
    /// Its constants, in the order of FORMAT.md.
    pub constants: Vec<f32>,
}

/// The plants with equations.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Plants {
    /// θ, ω; torque.
    Pendulum,
    /// x, ẋ, θ, θ̇; force.
    CartPole,
    /// Position, attitude, velocity, angular velocity; four motors.
    Quadrotor,
    /// x, y, θ, their rates, fuel; thrust, nozzle.
    Rocket,
    /// x, y, heading, speed; acceleration, steering.
    Car,
}

impl From<Plants> for Plant {
    fn from(plant: Plants) -> Self {
        match plant {
            Plants::Pendulum => Self::Pendulum,
            Plants::CartPole => Self::CartPole,
            Plants::Quadrotor => Self::Quadrotor,
            Plants::Rocket => Self::Rocket,
            Plants::Car => Self::Car,
        }
    }
}

impl Config {
    /// Whether a task file is one of these, and not one of perception: it names columns of a state.
    pub fn is_meant(text: &str) -> bool {
        text.parse::<toml::Table>().is_ok_and(|table| table.contains_key("state"))
            || text.lines().any(|line| line.trim().starts_with("[[state]]"))
    }

    /// Reads a task file. Paths in it count from where it is.
    pub fn read(path: &Path) -> Result<Self> {
        let mut config = file::read(path, Self::parse)?;
        if let Some(data) = &mut config.data {
            data.path = file::located(path, &data.path)?;
        }
        if let Some(world) = &mut config.world {
            world.folder = path.parent().unwrap_or(Path::new("")).to_path_buf();
        }
        Ok(config)
    }

    /// Reads the text of a task file.
    pub fn parse(text: &str) -> Result<Self> {
        let config: Self = file::settings(text)?;
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> Result<()> {
        let (nx, nu) = (self.state.len(), self.action.len());
        ensure!(nx > 0, "there is no section [[state]]: name the columns that are the plant's state");
        ensure!(
            nx <= mind::NX && nu <= mind::NU,
            "a state has at most {} columns and an action {}, not {nx} and {nu}",
            mind::NX,
            mind::NU
        );
        for column in self.state.iter().chain(&self.action) {
            column.check()?;
        }
        if let Some(column) = self.action.iter().find(|column| column.angle || column.place) {
            bail!("`{}` is an action: only a state's column can be an angle or a place", column.column);
        }
        self.model.check()?;
        ensure!(self.model.hidden <= 256, "model.hidden must be at most 256, not {}", self.model.hidden);
        match (&self.data, &self.world) {
            (Some(data), None) => data.check()?,
            (None, Some(world)) => world.check()?,
            (None, None) => bail!("there is no section [data], a log, or [world], a program to practise in"),
            (Some(_), Some(_)) => bail!("there are [data] and [world]: leave what is not to be learned from"),
        }
        if let Some(act) = &self.act {
            act.check(&self.state, &self.action, self.physics.is_some())?;
        }
        if let Some(Equations { plant, constants }) = &self.physics {
            Physics::new((*plant).into(), constants).context("in [physics]")?;
            let own = Plant::from(*plant).sizes().map(|(x, u)| (usize::from(x), usize::from(u)));
            ensure!(
                own == Some((nx, nu)),
                "[physics] names a plant with another state or action: FORMAT.md lists what each has, in which order"
            );
        }
        Ok(())
    }

    /// The columns of the state that are angles.
    pub fn angles(&self) -> Angles {
        let bits = self.state.iter().enumerate().map(|(i, column)| u64::from(column.angle) << i);
        Angles(bits.fold(0, |all, bit| all | bit))
    }

    /// What is known before anything is learned.
    fn known(&self) -> Result<Known> {
        let places = (0..self.state.len()).filter(|i| self.state[*i].place).collect();
        let physics = self.physics.as_ref();
        let physics = physics.map(|known| Physics::new(known.plant.into(), &known.constants)).transpose()?;
        Ok(Known { angles: self.angles(), places, physics })
    }

    /// A range that holds every number that the model may be shown.
    fn sensors(&self) -> Sensors {
        let ends = self.state.iter().chain(&self.action).map(Column::range);
        let (low, high) = ends.fold((f32::MAX, f32::MIN), |(low, high), (a, b)| (low.min(a), high.max(b)));
        Sensors { low, high }
    }
}

/// What came of a training.
#[derive(Debug)]
pub struct Trained {
    /// What was learned from, in the model's units.
    pub log: Log,
    /// The exported model.
    pub file: WeightFile,
    /// The exported controller, if one was asked for, and what it costs.
    pub controller: Option<(WeightFile, Vec<Flown>)>,
}

/// Trains and exports a model under the name of its task, and whoever is to act through it.
pub fn train(
    config: &Config,
    act: Option<Act>,
    name: &str,
    seed: u64,
    progress: &mut Progress<'_>,
) -> Result<Trained> {
    let acting = act
        .map(|act| {
            let aim = config.act.as_ref().context(
                "--act needs a section [act]: its sections [[act.cost]] say what is to be achieved",
            )?;
            Ok::<_, anyhow::Error>((act, aim))
        })
        .transpose()?;
    let rng = &mut Rng::seed_from_u64(seed);
    let log = match (&config.data, &config.world) {
        (Some(data), _) => data.load(&config.state, &config.action)?,
        (None, Some(world)) => {
            world.practise(&config.state, &config.action, &mut Rng::seed_from_u64(seed))?
        }
        (None, None) => bail!("there is nothing to learn from"),
    };
    let (training, held_out) = log.split(config.model.held_out);
    let mut model = Network::new(&config.model, config.known()?, training, rng)?;
    model.train(&config.model, training, rng, |stage, step, of, loss| {
        progress(stage, step, of, &[("error", loss)]);
    })?;
    let provenance = Provenance { trainer: env!("CARGO_PKG_VERSION"), task: name, seed, data: log.digest };
    let file = model.weight_file(config.sensors(), provenance)?;
    let controller = acting
        .map(|(act, aim)| {
            let origin = (name, seed, log.digest);
            let controller = aim.train(config, (act, &model), (training, origin), (rng, progress))?;
            let mut flown = act::compare(&controller.parse()?, &file.parse()?, held_out)?;
            if let Some(world) = &config.world {
                flown.extend(world.fly(&controller.parse()?, &config.state, seed)?);
            }
            Ok::<_, anyhow::Error>((controller, flown))
        })
        .transpose()?;
    Ok(Trained { log, file, controller })
}
