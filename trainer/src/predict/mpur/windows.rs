//! Windows of traffic: what a car saw, what it did, and what it saw then.

use super::{ACTION, Copying, Moment, OTHERS, SEEN, STATE, Scales};
use crate::worlds::{
    Rng,
    camera::normal,
    traffic::{
        DT,
        car::{Car, LENGTH, WIDTH},
        recording::Recording,
        road::Road,
        view::{CHANNELS, Grid},
    },
};
use anyhow::{Result, ensure};
use nalgebra::DMatrix;
use rand::RngExt;

/// One car's way through a part of a recording.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    /// The recording.
    pub episode: usize,
    /// The car.
    pub car: usize,
    /// The frame of the last view that is given.
    pub t: usize,
    /// What the car does from there on beside what it did; the others go as they went.
    pub detour: Detour,
}

/// How a car goes its own way: a constant acceleration, and a turn out and back. On a highway nearly all cars do what the
/// traffic around them asks for, so what an action does cannot be told from what it answers to. Actions that answer to
/// nothing show it; only whoever is behind would have reacted, and does not.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Detour {
    /// Acceleration beside the car's own, in m/s².
    pub acceleration: f32,
    /// Amplitude of the rate of turning beside the car's own, in rad/s: a whole sine over the horizon.
    pub turning: f32,
}

/// Deviation of the accelerations of detours, in m/s².
const ACCELERATION: f32 = 1.0;
/// Deviation of their turning, in rad/s: 0.075 is a lane at 20 m/s and 20 steps.
const TURNING: f32 = 0.03;

/// Recordings as a source of windows.
#[derive(Clone, Debug)]
pub struct Windows<'a> {
    recordings: &'a [Recording],
    grid: Grid,
    /// Views that are given.
    past: usize,
    /// Steps after the last of them.
    horizon: usize,
}

/// Windows side by side.
#[derive(Clone, Debug)]
pub struct Batch {
    /// Views that are given, the newest first.
    pub views: Vec<DMatrix<f32>>,
    /// The states that belong to them.
    pub states: Vec<DMatrix<f32>>,
    /// Actions, step by step, one a column.
    pub actions: Vec<DMatrix<f32>>,
    /// What came.
    pub next: Vec<Moment>,
}

impl Batch {
    /// Windows in it.
    pub fn len(&self) -> usize {
        self.states[0].ncols()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<'a> Windows<'a> {
    /// Windows of recordings. All must be long enough.
    pub fn new(recordings: &'a [Recording], grid: Grid, past: usize, horizon: usize) -> Result<Self> {
        let least = past + horizon;
        ensure!(
            grid.length <= LENGTH && grid.width <= WIDTH,
            "cells of {} m by {} m are larger than a car: where it is in them cannot be seen",
            grid.length,
            grid.width
        );
        ensure!(!recordings.is_empty(), "there is no traffic to learn from");
        ensure!(
            recordings.iter().all(|recording| recording.frames.len() >= least && recording.cars() > 0),
            "every episode needs a car and {least} steps: {past} that are seen and {horizon} that are predicted"
        );
        Ok(Self { recordings, grid, past, horizon })
    }

    /// The same with another horizon, no longer than this one's.
    pub fn within(&self, horizon: usize) -> Self {
        Self { horizon: horizon.min(self.horizon), ..self.clone() }
    }

    /// Any car at any time.
    pub fn draw(&self, rng: &mut Rng) -> Place {
        let episode = rng.random_range(0..self.recordings.len());
        let recording = &self.recordings[episode];
        let last = recording.frames.len() - self.horizon;
        let (car, t) = (rng.random_range(0..recording.cars()), rng.random_range(self.past - 1..last));
        Place { episode, car, t, detour: Detour::default() }
    }

    /// As [`draw`](Self::draw), but a share of the cars make a detour.
    pub fn draw_with_detours(&self, share: f64, rng: &mut Rng) -> Place {
        let place = self.draw(rng);
        if !rng.random_bool(share) {
            return place;
        }
        let [acceleration, turning] = [ACCELERATION, TURNING].map(|deviation| deviation * normal(rng) as f32);
        Place { detour: Detour { acceleration, turning }, ..place }
    }

    /// Everybody at step `k` of a window.
    fn scene(&self, place: &Place, k: usize) -> Vec<Car> {
        let mut cars = self.recordings[place.episode].frames[place.t + k].clone();
        if place.detour != Detour::default() {
            let start = self.recordings[place.episode].frames[place.t][place.car];
            cars[place.car] = (0..k).fold(start, |car, k| drive(car, self.action(place, k)));
        }
        cars
    }

    /// What the car does at step `k`.
    fn action(&self, place: &Place, k: usize) -> [f32; ACTION] {
        let [acceleration, turning] = self.recordings[place.episode].action(place.t + k, place.car);
        let phase = std::f32::consts::TAU * (k as f32 + 0.5) / self.horizon as f32;
        let Detour { acceleration: more, turning: amplitude } = place.detour;
        [acceleration + more, turning + amplitude * phase.sin()]
    }

    /// The windows at some places.
    pub fn batch(&self, places: &[Place]) -> Batch {
        let views = (0..self.past).map(|back| self.views(places, back)).collect();
        let states = (0..self.past).map(|back| self.states(places, back)).collect();
        let action = |k: usize| places.iter().flat_map(|place| self.action(place, k)).collect();
        let actions = (0..self.horizon).map(|k| DMatrix::from_vec(ACTION, places.len(), action(k))).collect();
        let next = self.redrawn(places, |place, k| self.scene(place, k));
        Batch { views, states, actions, next }
    }

    /// What cars saw so many steps before the last view that is given.
    fn views(&self, places: &[Place], back: usize) -> DMatrix<f32> {
        let mut pen = Pen::new(&self.grid);
        for place in places {
            let recording = &self.recordings[place.episode];
            pen.draw(recording.road, &recording.frames[place.t - back], place.car);
        }
        pen.finish()
    }

    fn states(&self, places: &[Place], back: usize) -> DMatrix<f32> {
        let state = |place: &Place| self.recordings[place.episode].frames[place.t - back][place.car].state();
        DMatrix::from_vec(STATE, places.len(), places.iter().flat_map(state).collect())
    }

    /// What numbers of a window are about as large as, from a thousand of them.
    pub fn scales(&self, detours: f64, rng: &mut Rng) -> Scales {
        let places: Vec<_> = (0..1000).map(|_| self.draw_with_detours(detours, rng)).collect();
        let row = |m: &DMatrix<f32>, i: usize| m.row(i).iter().copied().collect::<Vec<_>>();
        let deviation = |values: &[f32]| {
            let mean = values.iter().sum::<f32>() / values.len() as f32;
            let square = values.iter().map(|v| (v - mean).powi(2)).sum::<f32>() / values.len() as f32;
            (mean, square.sqrt().max(1e-6))
        };
        let batch = self.batch(&places);
        let copying = |moment: &Moment| {
            let (view, state) = (&moment.view - &batch.views[0], &moment.state - &batch.states[0]);
            let square = |m: &DMatrix<f32>, i: usize| (m.row(i).norm_squared() / m.ncols() as f32).max(1e-8);
            Copying { view: square(&view, OTHERS), state: std::array::from_fn(|i| square(&state, i)) }
        };
        let change = &batch.next[0].state - &batch.states[0];
        Scales {
            state: std::array::from_fn(|i| deviation(&row(&batch.states[0], i))),
            change: std::array::from_fn(|i| deviation(&row(&change, i)).1),
            action: std::array::from_fn(|i| deviation(&row(&batch.actions[0], i)).1),
            copying: batch.next.iter().map(copying).collect(),
        }
    }

    /// What cars would see if every car kept its speed and heading from the last view on. This baseline is told the true
    /// places and speeds of all cars, which a model has to see.
    pub fn constant_velocity(&self, places: &[Place]) -> Vec<Moment> {
        let drift = |place: &Place, k: usize| {
            let mut cars = self.recordings[place.episode].frames[place.t].clone();
            for car in &mut cars {
                let (sin, cos) = car.heading.sin_cos();
                car.x += car.speed * cos * DT * k as f64;
                car.y += car.speed * sin * DT * k as f64;
            }
            cars
        };
        self.redrawn(places, drift)
    }

    /// Views and states step by step where `cars` says where everybody is.
    fn redrawn(&self, places: &[Place], cars: impl Fn(&Place, usize) -> Vec<Car>) -> Vec<Moment> {
        let moment = |k: usize| {
            let (mut pen, mut states) = (Pen::new(&self.grid), Vec::new());
            for place in places {
                let cars = cars(place, k);
                pen.draw(self.recordings[place.episode].road, &cars, place.car);
                states.extend(cars[place.car].state());
            }
            Moment { view: pen.finish(), state: DMatrix::from_vec(STATE, places.len(), states) }
        };
        (1..=self.horizon).map(moment).collect()
    }
}

/// A car that accelerates and turns at given rates for [`DT`], along its mean heading at its mean speed; its middle slips
/// aside, as the front axle is half a car ahead of it.
fn drive(car: Car, [acceleration, turning]: [f32; ACTION]) -> Car {
    let speed = (car.speed + f64::from(acceleration) * DT).max(0.0);
    let heading = car.heading + f64::from(turning) * DT;
    let (sin, cos) = (0.5 * (car.heading + heading)).sin_cos();
    let way = 0.5 * (car.speed + speed) * DT;
    let slip = 0.5 * LENGTH * (heading - car.heading);
    let (x, y) = (car.x + way * cos - slip * sin, car.y + way * sin + slip * cos);
    Car { x, y, heading, speed, ..car }
}

/// Draws views one after the other, without the car's own channel: [`SEEN`] channels, one position a column.
struct Pen<'a> {
    grid: &'a Grid,
    view: Vec<f32>,
    seen: Vec<f32>,
}

impl<'a> Pen<'a> {
    fn new(grid: &'a Grid) -> Self {
        Self { grid, view: vec![0.0; grid.maps().len()], seen: Vec::new() }
    }

    fn draw(&mut self, road: Road, cars: &[Car], of: usize) {
        self.grid.draw(road, cars, of, &mut self.view);
        self.seen.extend(self.view.chunks_exact(CHANNELS).flat_map(|cell| &cell[..SEEN]));
    }

    fn finish(self) -> DMatrix<f32> {
        DMatrix::from_vec(SEEN, self.seen.len() / SEEN, self.seen)
    }
}
