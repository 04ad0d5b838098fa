//! Drives in traffic that nothing was learned from.

use crate::{
    export::WeightFile,
    mind,
    predict::neighbours::ACTION,
    report::points::Point,
    worlds::{
        Rng, World,
        traffic::{DT, driving::Driving},
    },
};
use anyhow::Result;
use forethought::agent::{Mode, Reading};
use rand::SeedableRng;
use rayon::prelude::*;

/// The seed of the first drive; those of training are small.
const FIRST: u64 = 1_000_000;

/// What happened in some drives.
pub(super) struct Drive {
    /// Steps until the end of each, if it ended early.
    ended: Vec<Option<usize>>,
    /// How far each came, in m.
    ways: Vec<f64>,
    /// How far each has to come, in m.
    goals: Vec<f64>,
}

/// The share of an expert's way that a driver has to come.
const SHARE: f64 = 0.5;

impl Drive {
    /// The share that did not end early, and came far enough.
    pub(super) fn good(&self) -> f64 {
        let far = self.ways.iter().zip(&self.goals).map(|(way, goal)| way >= goal);
        self.ended.iter().zip(far).filter(|(end, far)| end.is_none() && *far).count() as f64
            / self.ended.len() as f64
    }

    /// The share that did not end early.
    pub(super) fn safe(&self) -> f64 {
        self.ended.iter().filter(|end| end.is_none()).count() as f64 / self.ended.len() as f64
    }

    /// The standard error of the share of good ones.
    pub(super) fn error(&self) -> f64 {
        let good = self.good();
        (good * (1.0 - good) / self.ended.len() as f64).sqrt()
    }

    /// The mean distance.
    pub(super) fn distance(&self) -> f64 {
        self.ways.iter().sum::<f64>() / self.ways.len() as f64
    }

    /// How many go on in per cent, against time in s.
    pub(super) fn survival(&self) -> Vec<Point> {
        let steps = Driving::default().episode();
        let still = |step: usize| {
            let on = self.ended.iter().filter(|end| end.is_none_or(|end| end >= step)).count();
            (step as f64 * DT, 100.0 * on as f64 / self.ended.len() as f64)
        };
        (0..=steps).map(still).collect()
    }
}

/// Who drives.
#[derive(Clone, Copy)]
pub(super) enum Driver<'a> {
    /// The simulator's own driver.
    Expert,
    /// Nobody: no acceleration, straight on.
    Nobody,
    /// A mind, by the kernels of the chip.
    Mind(&'a WeightFile),
}

/// Some drives, the same for all drivers. How far they have to come is told by those of the experts.
pub(super) fn drive(count: usize, driver: Driver<'_>, experts: Option<&Drive>) -> Result<Drive> {
    let one = |i: usize| -> Result<(Option<usize>, f64)> {
        let mut road = Driving::default();
        road.reset(&mut Rng::seed_from_u64(FIRST + i as u64));
        let artifact = match driver {
            Driver::Mind(file) => Some(file.parse()?),
            Driver::Expert | Driver::Nobody => None,
        };
        let mut mind = artifact.as_ref().map(mind::load).transpose()?;
        let start = road.place();
        for step in 0..road.episode() {
            match (driver, &mut mind) {
                (Driver::Expert, _) => road.go_on(),
                (_, None) => drop(road.step(&[0.0; ACTION])),
                (_, Some(mind)) => {
                    let (action, ..) = mind.step(Reading::State(&road.state()), Mode::Policy);
                    road.step(&action);
                }
            }
            if road.over() {
                return Ok((Some(step), road.place() - start));
            }
        }
        Ok((None, road.place() - start))
    };
    let (ended, ways): (Vec<_>, Vec<_>) =
        (0..count).into_par_iter().map(one).collect::<Result<Vec<_>>>()?.into_iter().unzip();
    let goals = experts.map_or(&ways, |experts| &experts.ways).iter().map(|way| SHARE * way).collect();
    Ok(Drive { ended, ways, goals })
}
