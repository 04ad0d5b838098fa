//! Drives in traffic that nothing was learned from.

use super::EGO;
use crate::{
    report::points::Point,
    worlds::{
        Rng, World,
        traffic::{Config, DT, Highway, around},
    },
};
use nalgebra::DMatrix;
use rand::SeedableRng;

/// The seed of the first drive; those of training are small.
const FIRST: u64 = 1_000_000;

/// What happened in some drives.
pub(super) struct Drive {
    /// Steps until the end of each, if it ended early.
    ended: Vec<Option<usize>>,
    /// How far each came, in m.
    ways: Vec<f64>,
}

impl Drive {
    /// The share that went well.
    pub(super) fn safe(&self) -> f64 {
        self.ended.iter().filter(|end| end.is_none()).count() as f64 / self.ended.len() as f64
    }

    /// The standard error of that.
    pub(super) fn error(&self) -> f64 {
        let safe = self.safe();
        (safe * (1.0 - safe) / self.ended.len() as f64).sqrt()
    }

    /// The mean distance.
    pub(super) fn distance(&self) -> f64 {
        self.ways.iter().sum::<f64>() / self.ways.len() as f64
    }

    /// How many go on in per cent, against time in s.
    pub(super) fn survival(&self) -> Vec<Point> {
        let steps = Config::default().episode;
        let still = |step: usize| {
            let on = self.ended.iter().filter(|end| end.is_none_or(|end| end >= step)).count();
            (step as f64 * DT, 100.0 * on as f64 / self.ended.len() as f64)
        };
        (0..=steps).map(still).collect()
    }
}

/// What a driver does in many drives at once, one a column.
type Act<'a> = &'a dyn Fn(&DMatrix<f32>) -> DMatrix<f32>;

/// Drives with a policy, or as the simulator's drivers do.
pub(super) fn drive(count: usize, act: Option<Act<'_>>) -> Drive {
    let config = Config { ego: EGO, ..Config::default() };
    let start = |i: usize| {
        let mut highway = Highway::new(config.clone());
        highway.reset(&mut Rng::seed_from_u64(FIRST + i as u64));
        highway
    };
    let mut roads: Vec<_> = (0..count).map(start).collect();
    let starts: Vec<_> = roads.iter().map(|road| road.ego().x).collect();
    let mut ended = vec![None; count];
    for step in 0..config.episode {
        let watch = |road: &Highway| around::watch(road.road(), road.cars(), config.ego);
        let seen = roads.iter().flat_map(watch).collect();
        let actions = act.map(|act| act(&DMatrix::from_vec(around::SIZE, count, seen)));
        for (i, (road, ended)) in roads.iter_mut().zip(&mut ended).enumerate() {
            if ended.is_some() {
                continue;
            }
            match &actions {
                Some(actions) => drop(road.step(actions.column(i).as_slice())),
                None => road.advance(None),
            }
            if road.ego().crashed || road.off_road() {
                *ended = Some(step);
            }
        }
    }
    let ways = roads.iter().zip(starts).map(|(road, start)| road.ego().x - start).collect();
    Drive { ended, ways }
}
