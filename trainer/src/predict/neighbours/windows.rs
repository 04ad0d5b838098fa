//! Windows of traffic: what a driver watched, did, and watched then.

use super::{ACTION, CHANGES, NEIGHBOURS, SIZE, Scales};
use crate::worlds::{
    Rng,
    traffic::{
        DT,
        around::{CRUISE, EACH, OWN, absent, each, neighbours, own},
        recording::Recording,
    },
};
use anyhow::{Result, ensure};
use nalgebra::DMatrix;
use rand::RngExt;

/// Recordings as a source of windows.
#[derive(Clone, Debug)]
pub struct Windows<'a> {
    recordings: &'a [Recording],
    horizon: usize,
}

/// A recording, the frame of the start, a car.
type Place<'a> = (&'a Recording, usize, usize);

/// Windows side by side, one a column.
#[derive(Clone, Debug)]
pub struct Batch {
    /// What was watched, at the start and after each action. The neighbours are those of the start.
    pub seen: Vec<DMatrix<f32>>,
    /// What was done.
    pub actions: Vec<DMatrix<f32>>,
    /// Which neighbours exist: 1 or 0.
    pub there: DMatrix<f32>,
}

impl Batch {
    /// Windows in it.
    pub fn len(&self) -> usize {
        self.there.ncols()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<'a> Windows<'a> {
    /// Windows of so many steps.
    pub fn new(recordings: &'a [Recording], horizon: usize) -> Result<Self> {
        ensure!(!recordings.is_empty(), "there is no traffic to learn from");
        ensure!(
            recordings.iter().all(|recording| recording.frames.len() > horizon && recording.cars() > 0),
            "every episode needs a car and {} steps",
            horizon + 1
        );
        Ok(Self { recordings, horizon })
    }

    /// Any cars at any times.
    pub fn draw(&self, batch: usize, rng: &mut Rng) -> Batch {
        let places: Vec<_> = (0..batch).map(|_| self.place(rng)).collect();
        self.batch(&places)
    }

    /// Cars that have another in their lane less than so many metres ahead; any, if such are hard to find.
    pub fn draw_behind(&self, near: f64, batch: usize, rng: &mut Rng) -> Batch {
        let mut place = || {
            let drawn: Vec<_> = (0..50).map(|_| self.place(rng)).collect();
            let behind = drawn.iter().find(|(recording, t, car)| {
                let cars = &recording.frames[*t];
                let ahead = neighbours(recording.road, cars, *car)[0];
                ahead.is_some_and(|ahead| cars[ahead].x - cars[*car].x < near)
            });
            *behind.unwrap_or(&drawn[0])
        };
        let places: Vec<_> = (0..batch).map(|_| place()).collect();
        self.batch(&places)
    }

    fn place(&self, rng: &mut Rng) -> Place<'a> {
        let recording = &self.recordings[rng.random_range(0..self.recordings.len())];
        let t = rng.random_range(0..recording.frames.len() - self.horizon);
        (recording, t, rng.random_range(0..recording.cars()))
    }

    fn batch(&self, places: &[Place<'_>]) -> Batch {
        let batch = places.len();
        let who: Vec<_> = places.iter().map(|(r, t, car)| neighbours(r.road, &r.frames[*t], *car)).collect();
        let there = who.iter().flat_map(|who| who.map(|one| f32::from(u8::from(one.is_some())))).collect();
        let seen = |k: usize| {
            let column = |((recording, t, car), who): (&Place<'_>, &[Option<usize>; NEIGHBOURS])| {
                let (road, cars) = (recording.road, &recording.frames[t + k]);
                let of = &cars[*car];
                // Nobody stays beside the lane in which nobody was.
                let start = &recording.frames[*t][*car];
                let others = who.iter().enumerate().flat_map(|(slot, one)| match one {
                    Some(other) => each(of, &cars[*other]),
                    None => {
                        let [ahead, aside, _, _] = absent(road, start, slot);
                        [ahead, aside + (start.y - of.y) as f32, 0.0, 0.0]
                    }
                });
                own(road, of).into_iter().chain(others).collect::<Vec<_>>()
            };
            let values = places.iter().zip(&who).flat_map(column).collect();
            DMatrix::from_vec(SIZE, batch, values)
        };
        let action = |k: usize| {
            let values =
                places.iter().flat_map(|(recording, t, car)| recording.action(t + k, *car)).collect();
            DMatrix::from_vec(ACTION, batch, values)
        };
        Batch {
            seen: (0..=self.horizon).map(seen).collect(),
            actions: (0..self.horizon).map(action).collect(),
            there: DMatrix::from_vec(NEIGHBOURS, batch, there),
        }
    }

    /// What numbers of a window are about as large as, from some thousand of them.
    pub fn scales(&self, rng: &mut Rng) -> Scales {
        let batch = self.draw(4000, rng);
        let root = |m: &DMatrix<f32>, i: usize| (m.row(i).norm_squared() / m.ncols() as f32).sqrt().max(1e-3);
        let (now, next) = (&batch.seen[0], &batch.seen[1]);
        let changes = changes(now, next);
        let constant = |(k, seen): (usize, &DMatrix<f32>)| {
            let still = constant(now, k + 1);
            std::array::from_fn(|i| root(&(seen - &still), i).max(0.02).powi(2))
        };
        Scales {
            seen: std::array::from_fn(|i| root(now, i)),
            action: std::array::from_fn(|i| root(&batch.actions[0], i)),
            change: std::array::from_fn(|i| root(&changes, i)),
            constant: batch.seen[1..].iter().enumerate().map(constant).collect(),
        }
    }
}

/// By how much speeds and the heading changed.
pub(super) fn changes(now: &DMatrix<f32>, next: &DMatrix<f32>) -> DMatrix<f32> {
    let change = next - now;
    DMatrix::from_fn(CHANGES, change.ncols(), |i, j| match i {
        0 => change[(2, j)],
        1 => change[(1, j)],
        _ => {
            let (other, across) = ((i - 2) / 2, (i - 2) % 2);
            let relative = change[(OWN + EACH * other + 2 + across, j)];
            // Along the road a neighbour's speed is that beside the car's own.
            if across == 0 { relative + change[(2, j)] } else { relative }
        }
    })
}

/// What would be seen so many steps on if everybody kept their speed and heading.
pub fn constant(now: &DMatrix<f32>, steps: usize) -> DMatrix<f32> {
    let time = steps as f32 * DT as f32;
    let mut then = now.clone();
    for mut x in then.column_iter_mut() {
        let speed = x[2] + CRUISE as f32;
        let aside = time * speed * x[1].sin();
        x[0] += aside;
        for i in 0..NEIGHBOURS {
            let at = OWN + EACH * i;
            x[at] += time * x[at + 2];
            x[at + 1] += time * x[at + 3] - aside;
        }
    }
    then
}
