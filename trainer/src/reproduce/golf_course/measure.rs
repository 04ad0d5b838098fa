//! How smooth an energy is, and whether it leads back to the data.

use super::{AWAY, NEAR, curve, spiral};
use crate::{
    energy::{Descent, Energy, descend},
    worlds::Rng,
};
use nalgebra::DMatrix;
use rand::RngExt;

/// Of an energy in units of its rise.
pub(super) const DESCENT: Descent = Descent { steps: 100, rate: 0.03, longest: 0.05 };

/// What an energy is like.
pub(super) struct Measured {
    /// Share of starts that descent brings to the data, and that were near it before.
    pub(super) reached: f64,
    pub(super) before: f64,
    pub(super) flat: f64,
    pub(super) cliffs: f64,
    pub(super) direction: f64,
    /// The energy in units of its rise, 0 at the data, row by row from the top.
    pub(super) map: Vec<f32>,
    /// Some descents, point by point.
    pub(super) paths: Vec<Vec<[f32; 2]>>,
}

impl std::fmt::Debug for Measured {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { reached, before, flat, cliffs, direction, .. } = self;
        let precision = f.precision().unwrap_or(2);
        write!(f, "reached {reached:.precision$} (before {before:.precision$}), flat {flat:.precision$}, ")?;
        write!(f, "cliffs {cliffs:.precision$}, direction {direction:.precision$}")
    }
}

/// Points along an edge of a map, and half its width.
pub(super) const EDGE: usize = 101;
pub(super) const WINDOW: f32 = 2.6;

/// Starts of descents.
const STARTS: usize = 500;
/// Of these, those whose path is drawn.
const DRAWN: usize = 25;

pub(super) fn measure(energy: &dyn Energy, rng: &mut Rng) -> Measured {
    let data = spiral(STARTS, rng);
    let starts = around(&data, |_| AWAY, rng);
    let level = middle(energy.of(&data, None));
    let rise = (middle(energy.of(&starts, None)) - level).abs().max(f32::MIN_POSITIVE);
    let descent = Descent { rate: DESCENT.rate / rise, ..DESCENT };
    let one = Descent { steps: 1, ..descent };
    let mut paths: Vec<Vec<[f32; 2]>> = vec![Vec::new(); DRAWN];
    let mut y = starts.columns(0, DRAWN).into_owned();
    for step in 0..=DESCENT.steps {
        paths.iter_mut().zip(y.column_iter()).for_each(|(path, y)| path.push([y[0], y[1]]));
        if step < DESCENT.steps {
            y = descend(energy, &y, None, &one);
        }
    }
    let ends = descend(energy, &starts, None, &descent);
    let share = |y: &DMatrix<f32>| {
        let reached = y.column_iter().zip(starts.column_iter()).filter(|(y, start)| {
            let (y, start) = ([y[0], y[1]], [start[0], start[1]]);
            distance(&nearest(y), &y) < NEAR && distance(&start, &y) < 2.0 * AWAY
        });
        reached.count() as f64 / STARTS as f64
    };

    let distances: Vec<f32> = (0..STARTS).map(|_| 0.1 + 0.65 * rng.random::<f32>()).collect();
    let places = around(&data, |j| distances[j], rng);
    let slope = energy.slope(&places, None);
    let mean = rise / AWAY;
    let mut steepness: Vec<f32> = slope.column_iter().map(|s| s.norm() / mean).collect();
    let direction = slope.column_iter().zip(places.column_iter()).map(|(slope, y)| {
        let near = nearest([y[0], y[1]]);
        let way = [near[0] - y[0], near[1] - y[1]];
        let product = -(slope[0] * way[0] + slope[1] * way[1]);
        f64::from(product / (slope.norm() * way[0].hypot(way[1])).max(f32::MIN_POSITIVE))
    });
    let direction = direction.sum::<f64>() / STARTS as f64;
    let flat = steepness.iter().filter(|s| **s < 0.1).count() as f64 / STARTS as f64;
    steepness.sort_by(f32::total_cmp);
    let at = |share: f32| f64::from(steepness[((STARTS - 1) as f32 * share) as usize]);
    let cliffs = at(0.99) / at(0.5).max(1e-9);

    let place = |i: usize| WINDOW * (2.0 * i as f32 / (EDGE - 1) as f32 - 1.0);
    let plane = DMatrix::from_fn(
        2,
        EDGE * EDGE,
        |axis, j| {
            if axis == 0 { place(j % EDGE) } else { -place(j / EDGE) }
        },
    );
    let map = energy.of(&plane, None).into_iter().map(|e| (e - level) / rise).collect();
    Measured { reached: share(&ends), before: share(&starts), flat, cliffs, direction, map, paths }
}

/// Each sample moved by so much in a random direction.
fn around(data: &DMatrix<f32>, by: impl Fn(usize) -> f32, rng: &mut Rng) -> DMatrix<f32> {
    let mut moved = data.clone();
    for (j, mut y) in moved.column_iter_mut().enumerate() {
        let angle = std::f32::consts::TAU * rng.random::<f32>();
        y[0] += by(j) * angle.cos();
        y[1] += by(j) * angle.sin();
    }
    moved
}

/// The nearest point of the curve.
fn nearest(y: [f32; 2]) -> [f32; 2] {
    let points = (0..=1000).map(|i| curve(i as f32 / 1000.0));
    let best = points.min_by(|a, b| distance(a, &y).total_cmp(&distance(b, &y)));
    best.unwrap_or_default()
}

fn distance(a: &[f32; 2], b: &[f32; 2]) -> f32 {
    (a[0] - b[0]).hypot(a[1] - b[1])
}

/// The value in the middle.
fn middle(mut values: Vec<f32>) -> f32 {
    values.sort_by(f32::total_cmp);
    values[values.len() / 2]
}
