//! What is measured of a model with a latent variable.

use super::{Example, Point};
use crate::{
    energy::{Energy, Inferred},
    mind,
    predict::{latent::Latent, transitions::Transitions},
    worlds::Rng,
};
use anyhow::Result;
use forethought::{
    agent::{Mode, Reading},
    artifact::Artifact,
};
use nalgebra::DMatrix;
use rand::RngExt;

/// A point is explained if its energy exceeds that of nearly all data by less than this.
pub const TOLERANCE: f64 = 0.01;
/// Points along an edge of a map of energies.
pub const EDGE: usize = 101;
/// Samples that information is measured among.
const AMONG: usize = 256;
/// Starts and steps of a search that is meant to find the best `z`.
const THOROUGH: (usize, usize) = (8, 60);

/// What was found.
pub struct Measured {
    /// Root mean square distance of the nearest prediction.
    pub best: f64,
    /// Of the first prediction from the mean of all futures.
    pub from_mean: f64,
    /// Modes that come out for some `z`, on average over states.
    pub modes: f64,
    /// Bits of `z` about the next state.
    pub bits: f64,
    /// Mean energy of held-out transitions, and of what never happens.
    pub on: f64,
    pub off: f64,
    /// Share of the window that is explained.
    pub explained: f64,
    /// Mean energy of the encoder's proposal over that of the search.
    pub encoder: f64,
    /// Predictions from the example's usual state, and the energies around it, row by row from the top.
    pub fan: Vec<Point>,
    pub map: Vec<f32>,
}

/// The state and the action that are looked at closely.
pub fn usual(example: &Example) -> (Vec<f32>, Vec<f32>) {
    (vec![0.0; 2], vec![0.0; example.nu])
}

/// Measures a model, what it predicts with the kernels of its exported file.
pub fn measure(
    example: &Example,
    model: &Latent,
    artifact: &Artifact<'_>,
    held_out: &Transitions,
    rng: &mut Rng,
) -> Result<Measured> {
    let nz = artifact.sizes().nz();
    let codebook: Vec<_> = artifact.vector_any("latent", "codebook")?.chunks(nz).collect();
    let mut mind = mind::load(artifact)?;
    let mut foresee = |x: &[f32], u: &[f32], z: &[f32]| -> Point {
        let (next, ..) = mind.step(Reading::Sensors(&[x, u, z].concat()), Mode::Plan);
        [next[0].into(), next[1].into()]
    };

    let (mut squares, mut from_mean, mut hits) = (0.0, 0.0, 0);
    let n = held_out.len();
    for j in 0..n {
        let (x, u, next) = sample(held_out, j);
        let predicted: Vec<_> = codebook.iter().map(|z| foresee(&x, &u, z)).collect();
        squares += nearest(next, &predicted).powi(2) / n as f64;
        let futures = (example.futures)(&x, &u);
        hits += futures.iter().filter(|future| nearest(**future, &predicted) < example.near).count();
        from_mean += distance(predicted[0], mean_future(example, &x, &u)) / n as f64;
    }

    let found = model.search(held_out, THOROUGH.0, THOROUGH.1, rng);
    let seen = model.disturbed(&found.z, rng);
    let mut misses = vec![[0.0; AMONG]; AMONG];
    for (j, misses) in misses.iter_mut().enumerate() {
        let (x, u, next) = sample(held_out, j);
        for (miss, z) in misses.iter_mut().zip(seen.column_iter()) {
            *miss = distance(next, foresee(&x, &u, &z.iter().copied().collect::<Vec<_>>())).powi(2);
        }
    }
    let scales = (0..6).map(|k| example.noise * f64::from(1 << k));
    let bits = scales.map(|sigma| information(&misses, sigma)).fold(0.0, f64::max);

    let on = mean(&found.energy);
    let off = mean(&energies(model, &never(example, held_out, rng), THOROUGH));
    let (x, u) = usual(example);
    let map = energies(model, &window(example, &x, &u), (4, 30));
    let threshold = high(&found.energy) + TOLERANCE as f32;
    Ok(Measured {
        best: squares.sqrt(),
        from_mean,
        modes: hits as f64 / n as f64,
        bits,
        on,
        off,
        explained: map.iter().filter(|&&e| e < threshold).count() as f64 / map.len() as f64,
        encoder: mean(&model.proposed(held_out).energy) / on,
        fan: codebook.iter().map(|z| foresee(&x, &u, z)).collect(),
        map,
    })
}

/// The energy of what came next, after `z` has been inferred.
fn energies(model: &Latent, data: &Transitions, (starts, steps): (usize, usize)) -> Vec<f32> {
    let energy = Inferred { model, angles: data.angles, starts, steps };
    let (given, acted) = (data.states.nrows(), data.actions.nrows());
    let condition = DMatrix::from_fn(given + acted, data.len(), |i, j| {
        if i < given { data.states[(i, j)] } else { data.actions[(i - given, j)] }
    });
    energy.of(&(&data.states + &data.changes), Some(&condition))
}

/// InfoNCE, in bits: how much better than at random a sample's own `z` explains it.
fn information(misses: &[[f64; AMONG]], sigma: f64) -> f64 {
    let own = |(i, row): (usize, &[f64; AMONG])| {
        // Relative to the smallest, so that nothing underflows.
        let least = row.iter().copied().fold(f64::INFINITY, f64::min);
        let weight = |miss: f64| (-(miss - least) / (2.0 * sigma * sigma)).exp();
        let total: f64 = row.iter().map(|&miss| weight(miss)).sum();
        -(row[i] - least) / (2.0 * sigma * sigma) * std::f64::consts::LOG2_E + (AMONG as f64 / total).log2()
    };
    misses.iter().enumerate().map(own).sum::<f64>() / AMONG as f64
}

fn sample(data: &Transitions, j: usize) -> (Vec<f32>, Vec<f32>, Point) {
    let (x, u) = (data.states.column(j), data.actions.column(j));
    let next = |i: usize| f64::from(x[i]) + f64::from(data.changes[(i, j)]);
    (x.iter().copied().collect(), u.iter().copied().collect(), [next(0), next(1)])
}

fn distance(a: Point, b: Point) -> f64 {
    (a[0] - b[0]).hypot(a[1] - b[1])
}

fn nearest(to: Point, among: &[Point]) -> f64 {
    among.iter().map(|p| distance(to, *p)).fold(f64::INFINITY, f64::min)
}

/// Of all futures, each as often as it comes.
fn mean_future(example: &Example, x: &[f32], u: &[f32]) -> Point {
    let futures = (example.futures)(x, u);
    let shares = &crate::worlds::penalty_kick::SHARES;
    let share = |i: usize| if futures.len() == shares.len() { shares[i] } else { 1.0 / futures.len() as f64 };
    [0, 1].map(|k| futures.iter().enumerate().map(|(i, future)| share(i) * future[k]).sum())
}

/// The same states and actions, with something after them that is far from every future.
fn never(example: &Example, data: &Transitions, rng: &mut Rng) -> Transitions {
    let mut never = data.clone();
    for j in 0..data.len() {
        let (x, u, _) = sample(data, j);
        let futures = (example.futures)(&x, &u);
        let point = loop {
            let point = corner(example, &x, &u, [rng.random_range(0.0..1.0), rng.random_range(0.0..1.0)]);
            if nearest(point, &futures) > example.clear {
                break point;
            }
        };
        for i in 0..2 {
            never.changes[(i, j)] = (point[i] - f64::from(x[i])) as f32;
        }
    }
    never
}

/// Every point of the window, row by row from the top, as what comes next.
fn window(example: &Example, x: &[f32], u: &[f32]) -> Transitions {
    let step = 1.0 / (EDGE - 1) as f64;
    let changes = DMatrix::from_fn(2, EDGE * EDGE, |i, k| {
        let share = [(k % EDGE) as f64 * step, 1.0 - (k / EDGE) as f64 * step];
        (corner(example, x, u, share)[i] - f64::from(x[i])) as f32
    });
    Transitions {
        angles: forethought::feature::Angles(0),
        states: DMatrix::from_fn(2, EDGE * EDGE, |i, _| x[i]),
        actions: DMatrix::from_fn(u.len(), EDGE * EDGE, |i, _| u[i]),
        changes,
    }
}

/// A point of the window by its share of width and height.
fn corner(example: &Example, x: &[f32], u: &[f32], share: Point) -> Point {
    let ([width, height], level) = example.window;
    let futures = (example.futures)(x, u);
    let middle = futures.iter().map(|p| p[0]).sum::<f64>() / futures.len() as f64;
    let foot =
        if level == 0.0 { futures.iter().map(|p| p[1]).sum::<f64>() / futures.len() as f64 } else { level };
    [middle + width * (2.0 * share[0] - 1.0), foot + height * (2.0 * share[1] - 1.0)]
}

fn mean(values: &[f32]) -> f64 {
    values.iter().map(|&v| f64::from(v)).sum::<f64>() / values.len() as f64
}

/// What 95 % are below.
fn high(values: &[f32]) -> f32 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f32::total_cmp);
    sorted[sorted.len() * 95 / 100]
}
