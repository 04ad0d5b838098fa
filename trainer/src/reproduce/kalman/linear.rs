//! A cart whose motor lags: position, speed, drive. The chip's filter against the textbook's with whole matrices in `f64`.

use crate::{
    estimate::steady::{Plant, Steady},
    export::{Tensors, WeightFile, write_file},
    report::{
        plot::{Axis, Plot, Series},
        points::Point,
    },
    results::Row,
    worlds::{Rng, camera::normal},
};
use anyhow::Result;
use forethought::{
    Zero,
    artifact::{Estimator, Gate, Header, Load, Model, Provenance, Sensors, Sizes},
    estimate::{Filter, kalman::Kalman, steady},
    feature::{Angles, Feature, Map},
    predict::{ForwardModel, Pullback},
};
use nalgebra::{DMatrix, DVector};
use rand::{RngExt, SeedableRng};
use std::path::Path;

const NX: usize = 3;
const A: [[f32; NX]; NX] = [[1.0, 0.1, 0.0], [0.0, 1.0, 0.1], [0.0, 0.0, 0.8]];
const B: [f32; NX] = [0.0, 0.0, 0.2];
/// `Q`, `R` and the prior's variances.
const PROCESS: [f32; NX] = [1e-4, 1e-3, 1e-2];
const NOISE: [f32; 2] = [0.04, 0.01];
const PRIOR: [f32; NX] = [1.0, 1.0, 1.0];
/// Steps that are compared.
const STEPS: usize = 400;

pub(super) const NOTE: &str = "The linear plant has position, speed and a drive that lags; position and speed are measured, in the \
     first row the position in four steps of five by chance and the speed at every fifth. The closed form is the textbook's in \
     f64, with whole matrices and all measurements of a step at once.";

/// `x' = A x + B u`.
struct Linear;

impl ForwardModel<NX, 1, 0> for Linear {
    type Trace = ();

    fn step(&self, (): &mut (), x: &[f32; NX], &[u]: &[f32; 1], _: &[f32; 0], next: &mut [f32; NX]) {
        for (next, (row, b)) in next.iter_mut().zip(A.iter().zip(B)) {
            *next = row.iter().zip(x).map(|(a, x)| a * x).sum::<f32>() + b * u;
        }
    }

    fn pullback(&self, (): &(), g: &[f32; NX], out: &mut Pullback<NX, 1, 0>) {
        out.x = std::array::from_fn(|col| g.iter().zip(&A).map(|(g, row)| g * row[col]).sum());
        out.u = [g.iter().zip(B).map(|(g, b)| g * b).sum()];
    }
}

/// What was found.
pub(super) struct Found {
    /// Largest differences: estimate and covariance of the filter, its covariance when settled, the steady filter's estimate.
    differences: [f64; 4],
    /// The position's gains at each step.
    gains: [Vec<Point>; NX],
    settled: Steady,
}

/// Measures, and leaves the steady filter at `path`.
pub(super) fn run(seed: u64, path: &Path) -> Result<Found> {
    let wide = |values: &[f32]| DVector::from_iterator(values.len(), values.iter().map(|&v| f64::from(v)));
    let plant = Plant {
        a: DMatrix::from_fn(NX, NX, |r, c| A[r][c].into()),
        h: DMatrix::identity(2, NX),
        process: wide(&PROCESS),
        noise: wide(&NOISE),
    };
    let settled = plant.settle()?;
    write_file(path, tracker(&settled)?.bytes())?;
    let file = file(&settled)?;
    let artifact = file.parse()?;
    let (filter, constant) = (Kalman::load(&artifact)?, steady::Steady::load(&artifact)?);

    let rng = &mut Rng::seed_from_u64(seed);
    let [mut estimate, mut covariance] = [0.0_f64; 2];
    drive(&plant, rng, |rng, step| [rng.random_bool(0.8), step % 5 == 0], {
        let mut state = Zero::ZERO;
        filter.know(&mut state, &[0.0; NX]);
        let mut book = Book { x: DVector::zeros(NX), p: DMatrix::from_diagonal(&plant.process) };
        let (estimate, covariance, plant, filter) = (&mut estimate, &mut covariance, &plant, &filter);
        move |u, seen| {
            filter.predict(&Linear, &mut state, &[u]);
            filter.update(&mut state, seen.into_iter());
            book.predict(plant, u);
            book.update(plant, seen);
            *estimate = estimate.max((wide(&state.x) - &book.x).amax() / (1.0 + book.x.amax()));
            let p = DMatrix::from_fn(NX, NX, |r, c| f64::from(state.p[(r, c)]));
            *covariance = covariance.max((p - &book.p).amax() / book.p.amax());
        }
    });

    // All sensors at every step: the covariance settles, and the steady filter is the textbook's with its last gain.
    let mut gains: [Vec<Point>; NX] = Default::default();
    let mut state = Zero::ZERO;
    filter.update(&mut state, [Some(0.0); 2].into_iter());
    for step in 0..STEPS {
        filter.predict(&Linear, &mut state, &[0.0]);
        let column = state.p.column(0);
        let variance = column[0] + NOISE[0];
        for (gains, p) in gains.iter_mut().zip(column.iter()) {
            gains.push((step as f64, f64::from(p / variance)));
        }
        filter.update(&mut state, [Some(0.0); 2].into_iter());
    }
    let after = DMatrix::from_fn(NX, NX, |r, c| f64::from(state.p[(r, c)]));
    let settles = (after - &settled.after).amax() / settled.after.amax();

    let mut constantly = 0.0_f64;
    drive(&plant, rng, |_, _| [true; 2], {
        let mut state = Zero::ZERO;
        Filter::<NX>::know(&constant, &mut state, &[0.0; NX]);
        let mut book = Book { x: DVector::zeros(NX), p: settled.after.clone() };
        let (constantly, plant, constant) = (&mut constantly, &plant, &constant);
        move |u, seen| {
            constant.predict(&Linear, &mut state, &[u]);
            constant.update(&mut state, seen.into_iter());
            book.predict(plant, u);
            book.update(plant, seen);
            *constantly = constantly.max((wide(&state.x) - &book.x).amax() / (1.0 + book.x.amax()));
        }
    });
    Ok(Found { differences: [estimate, covariance, settles, constantly], gains, settled })
}

/// Runs the plant with its noise and hands on each step's action and what the sensors show then.
fn drive(
    plant: &Plant,
    rng: &mut Rng,
    arrives: impl Fn(&mut Rng, usize) -> [bool; 2],
    mut see: impl FnMut(f32, [Option<f32>; 2]),
) {
    let mut x = DVector::<f64>::zeros(NX);
    for step in 0..STEPS {
        let u = rng.random_range(-1.0..1.0_f32);
        x = &plant.a * x
            + DVector::from_fn(NX, |i, _| f64::from(B[i] * u) + plant.process[i].sqrt() * normal(rng));
        let arrives = arrives(rng, step);
        let show =
            |i: usize, rng: &mut Rng| arrives[i].then(|| (x[i] + plant.noise[i].sqrt() * normal(rng)) as f32);
        let seen = [show(0, rng), show(1, rng)];
        see(u, seen);
    }
}

/// The textbook's filter.
struct Book {
    x: DVector<f64>,
    p: DMatrix<f64>,
}

impl Book {
    fn predict(&mut self, plant: &Plant, u: f32) {
        self.x = &plant.a * &self.x + DVector::from_fn(NX, |i, _| f64::from(B[i]) * f64::from(u));
        self.p = &plant.a * &self.p * plant.a.transpose() + DMatrix::from_diagonal(&plant.process);
    }

    fn update(&mut self, plant: &Plant, seen: [Option<f32>; 2]) {
        let arrived: Vec<_> =
            seen.iter().enumerate().filter_map(|(i, y)| Some((i, f64::from((*y)?)))).collect();
        let h = DMatrix::from_fn(arrived.len(), NX, |row, col| plant.h[(arrived[row].0, col)]);
        let r = DMatrix::from_diagonal(&DVector::from_fn(arrived.len(), |i, _| plant.noise[arrived[i].0]));
        let s = &h * &self.p * h.transpose() + r;
        let gain = &self.p * h.transpose() * s.try_inverse().expect("R is positive");
        let innovation = DVector::from_fn(arrived.len(), |i, _| arrived[i].1) - &h * &self.x;
        self.x += &gain * innovation;
        self.p = (DMatrix::identity(NX, NX) - gain * h) * &self.p;
    }
}

/// The filter and its steady state, without a forward model.
fn file(settled: &Steady) -> Result<WeightFile> {
    let mut tensors = Tensors::default();
    tensors.vector("estimate", "prior", &PRIOR);
    tensors.vector("estimate", "process", &PROCESS);
    pack(settled, tensors, Model::Network)
}

/// The steady filter over the plant's matrices: a tracker that runs on its own.
fn tracker(settled: &Steady) -> Result<WeightFile> {
    let mut tensors = Tensors::default();
    tensors.matrix("predict", "a", DMatrix::from_fn(NX, NX, |r, c| A[r][c]));
    tensors.vector("predict", "b", &B);
    pack(settled, tensors, Model::Physics(forethought::artifact::Plant::Linear))
}

fn pack(settled: &Steady, mut tensors: Tensors, model: Model) -> Result<WeightFile> {
    tensors.vector("estimate", "mean", &[0.0; NX]);
    tensors.vector("estimate", "noise", &NOISE);
    settled.export(&mut tensors);
    let sizes = Sizes { state: NX as u16, action: 1, ..Sizes::default() };
    let provenance = Provenance { trainer: env!("CARGO_PKG_VERSION"), task: "cart", seed: 0, data: 0 };
    let sensors = Sensors { low: f32::MIN, high: f32::MAX };
    let estimator = Estimator {
        measured: [0, 1].map(|index| Feature { index, map: Map::Value }).into_iter().collect(),
        gates: [Gate { features: 1, limit: 1e6 }; 2].into_iter().collect(),
        patience: 5,
    };
    tensors.pack(Header::model(sizes, Angles(0), sensors, model, provenance).tracker(estimator))
}

impl Found {
    pub(super) fn rows(&self) -> Vec<Row> {
        let what = [
            "linear plant: estimate against the closed form",
            "linear plant: covariance against the closed form",
            "linear plant: settled covariance against the Riccati equation's",
            "linear plant: steady filter against the closed form",
        ];
        what.into_iter()
            .zip(self.differences)
            .map(|(what, value)| Row::new(what, value, "relative").at_most(1e-5))
            .collect()
    }

    pub(super) fn plot(&self) -> Plot {
        let few = |points: &[Point]| points[..60].to_vec();
        let names = ["position", "speed", "drive"];
        let plot = Plot::new(Axis::linear("step"), Axis::linear("gain"))
            .with_all(names.into_iter().zip(&self.gains).map(|(name, gains)| Series::line(name, few(gains))));
        self.settled.gain.column(0).iter().fold(plot, |plot, &gain| plot.level(gain))
    }
}
