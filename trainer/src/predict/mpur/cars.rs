//! The cars of a window, as views show them: found in the last view that is given, and followed back to the views before
//! it and on to those that came.

use super::{CARS, Moment, OTHERS, Own, SEEN, STATE};
use forethought::predict::traffic::{
    self, Geometry,
    boxes::{Found, find},
    cars::{follow, take, way},
};
use nalgebra::DMatrix;

/// Other cars, [`CARS`] columns for each sample.
#[derive(Clone, Debug)]
pub struct Cars {
    /// Their middles from the car's own, in m along and across the road.
    pub places: DMatrix<f32>,
    /// How fast they came there since the last view, in m/s: over the road, or, where the car's own way is not known,
    /// beside the car.
    pub speeds: DMatrix<f32>,
    /// How fast that changed, in m/s².
    pub pushes: DMatrix<f32>,
    /// 1 for each that is there, 0 for others.
    pub there: DMatrix<f32>,
}

/// Where cars were seen at a step; a car once lost is not there any more.
#[derive(Clone, Debug)]
pub(super) struct Track {
    pub(super) places: DMatrix<f32>,
    pub(super) there: DMatrix<f32>,
}

/// The cars of one sample in a view.
fn found(geometry: &Geometry, view: &DMatrix<f32>, sample: usize) -> Found {
    let length = SEEN * geometry.cells();
    let view = &view.as_slice()[sample * length..][..length];
    let mut cells: Vec<_> = view.iter().skip(OTHERS).step_by(SEEN).copied().collect();
    let mut found = Found::new();
    find(geometry, &mut cells, &mut found);
    found
}

/// The state of one sample.
fn state(states: &DMatrix<f32>, sample: usize) -> [f32; STATE] {
    std::array::from_fn(|i| states[(i, sample)])
}

impl Cars {
    /// The cars in the newest of some views, the newest first, with the states that belong to them.
    pub(super) fn seen(
        geometry: &Geometry,
        own: Own,
        views: &[DMatrix<f32>],
        states: &[DMatrix<f32>],
    ) -> Self {
        let batch = states[0].ncols();
        let zeros = |rows| DMatrix::zeros(rows, CARS * batch);
        let mut cars = Self { places: zeros(2), speeds: zeros(2), pushes: zeros(2), there: zeros(1) };
        for j in 0..batch {
            let mut views: Vec<_> = views.iter().map(|view| found(geometry, view, j)).collect();
            let states: Vec<_> = states.iter().map(|states| state(states, j)).collect();
            let mut followed = traffic::Cars::new();
            follow(geometry, own, &mut views, &states, &mut followed);
            for (slot, car) in followed.iter().enumerate() {
                let column = j * CARS + slot;
                cars.there[column] = 1.0;
                cars.places.column_mut(column).copy_from_slice(&car.place);
                cars.speeds.column_mut(column).copy_from_slice(&car.speed);
                cars.pushes.column_mut(column).copy_from_slice(&car.push);
            }
        }
        cars
    }

    /// Where the cars were seen then, step by step from the window's start.
    pub(super) fn followed(&self, geometry: &Geometry, next: &[Moment]) -> Vec<Track> {
        let batch = self.there.ncols() / CARS;
        let mut tracks = vec![Track { places: self.places.clone(), there: self.there.clone() }];
        // How far each came in the last step, beside the car itself; at first nobody comes far.
        let mut steps = DMatrix::<f32>::zeros(2, CARS * batch);
        for moment in next {
            let mut track = tracks[tracks.len() - 1].clone();
            for j in 0..batch {
                let mut all = found(geometry, &moment.view, j);
                for column in j * CARS..(j + 1) * CARS {
                    if track.there[column] == 0.0 {
                        continue;
                    }
                    let at = [0, 1].map(|i| track.places[(i, column)]);
                    match take(&mut all, [0, 1].map(|i| at[i] + steps[(i, column)])) {
                        Some(place) => {
                            steps.column_mut(column).copy_from_slice(&[place[0] - at[0], place[1] - at[1]]);
                            track.places.column_mut(column).copy_from_slice(&place);
                        }
                        None => track.there[column] = 0.0,
                    }
                }
            }
            tracks.push(track);
        }
        tracks
    }

    /// What the cars were about to do at step `k` of their tracks, as seen `hold` steps on: 1, and the mean accelerations,
    /// for each of whom that is known. `states` are those of the car itself, step by step.
    pub(super) fn came(
        &self,
        dt: f32,
        own: Own,
        tracks: &[Track],
        states: &[&DMatrix<f32>],
        (k, hold): (usize, usize),
    ) -> DMatrix<f32> {
        let ways = |j: usize, steps: std::ops::Range<usize>| {
            let ways = steps.map(|k| way(own, dt, &state(states[k], j), &state(states[k + 1], j)));
            ways.fold([0.0; 2], |sum, way| [sum[0] + way[0], sum[1] + way[1]])
        };
        let time = hold as f32 * dt;
        let mut came = DMatrix::zeros(3, self.there.ncols());
        for column in 0..self.there.ncols() {
            if tracks[k + hold].there[column] == 0.0 {
                continue;
            }
            let j = column / CARS;
            let moved = |from: usize, to: usize, i: usize| {
                tracks[to].places[(i, column)] - tracks[from].places[(i, column)] + ways(j, from..to)[i]
            };
            let push = [0, 1].map(|i| {
                let speed = if k > 0 { moved(k - 1, k, i) / dt } else { self.speeds[(i, column)] };
                2.0 * (moved(k, k + hold, i) - speed * time) / (time * (time + dt))
            });
            came.column_mut(column).copy_from_slice(&[1.0, push[0], push[1]]);
        }
        came
    }
}
