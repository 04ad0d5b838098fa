//! Whether the extended filter knows how good it is: many runs of plants with noise of which the filter is told.

use super::{Setting, over_time, rounded};
use crate::{
    estimate::consistency::{band, nees},
    export::{Tensors, WeightFile},
    report::plot::{Plot, Series},
    results::Row,
    worlds::{Rng, camera::normal},
};
use anyhow::{Context, Result};
use forethought::{
    Zero,
    artifact::{Estimator, Gate, Header, Load, Model, Plant, Provenance, Sensors, Sizes},
    estimate::{Filter, kalman::Kalman},
    feature::{Angles, Feature, Map},
    predict::{
        ForwardModel,
        physics::{cart_pole::CartPole, pendulum::Pendulum},
    },
};
use nalgebra::DMatrix;
use rand::{RngExt, SeedableRng};

/// Steps of a run, and seconds in one.
const STEPS: usize = 100;
const DT: f64 = 0.05;

/// A plant of `NX` components with its noise and its sensors. All standard deviations.
struct Trial<const NX: usize> {
    name: &'static str,
    plant: Plant,
    angles: Angles,
    /// Where a run starts.
    mean: [f32; NX],
    spread: [f32; NX],
    /// What one step adds.
    process: [f32; NX],
    /// Feature, its noise, and after how many steps its sensor comes round again. Of the same period is one sensor.
    sensors: &'static [(Feature, f32, usize)],
    /// Largest force.
    force: f32,
}

const fn feature(index: u16, map: Map) -> Feature {
    Feature { index, map }
}

/// Cosine and sine of the angle, as a camera shows them.
const PENDULUM: Trial<2> = Trial {
    name: "pendulum",
    plant: Plant::Pendulum,
    angles: Angles(0b01),
    mean: [std::f32::consts::PI, 0.0],
    spread: [1.0, 1.0],
    process: [0.01, 0.1],
    sensors: &[(feature(0, Map::Cos), 0.05, 1), (feature(0, Map::Sin), 0.05, 1)],
    force: 2.0,
};

/// The angle at every step, the cart's position at every fifth.
const CART_POLE: Trial<4> = Trial {
    name: "cart-pole",
    plant: Plant::CartPole,
    angles: Angles(0b0100),
    mean: [0.0, 0.0, std::f32::consts::PI, 0.0],
    spread: [0.5, 0.5, 0.5, 0.5],
    process: [0.005, 0.05, 0.005, 0.05],
    sensors: &[(feature(0, Map::Value), 0.02, 5), (feature(2, Map::Angle), 0.02, 1)],
    force: 5.0,
};

/// What was found of one plant.
pub(super) struct Consistency {
    name: &'static str,
    freedom: usize,
    pub(super) runs: usize,
    /// The mean over the runs at each step.
    nees: Vec<f64>,
}

pub(super) fn run(setting: &Setting) -> Result<Vec<Consistency>> {
    let runs = if setting.quick { 50 } else { 500 };
    let rng = &mut Rng::seed_from_u64(setting.seed);
    Ok(vec![PENDULUM.run::<Pendulum>(runs, rng)?, CART_POLE.run::<CartPole>(runs, rng)?])
}

impl<const NX: usize> Trial<NX> {
    fn run<M>(&self, runs: usize, rng: &mut Rng) -> Result<Consistency>
    where
        M: for<'a> Load<'a> + ForwardModel<NX, 1, 0>,
    {
        let file = self.file()?;
        let artifact = file.parse()?;
        let (filter, model) = (Kalman::load(&artifact)?, M::load(&artifact)?);
        let mut sums = vec![0.0; STEPS];
        for _ in 0..runs {
            let mut x = self.mean;
            disturb(&mut x, &self.spread, rng);
            let (mut state, mut u) = (Zero::ZERO, [0.0]);
            for (step, sum) in sums.iter_mut().enumerate() {
                let measured: Vec<_> = self
                    .sensors
                    .iter()
                    .map(|&(feature, noise, period)| {
                        // `0 − residual` is the feature itself.
                        let y = noise * normal(rng) as f32 - feature.residual(&x, 0.0).0;
                        step.is_multiple_of(period).then_some(y)
                    })
                    .collect();
                filter.update(&mut state, measured.into_iter());
                let wide = |x: &[f32; NX]| x.map(f64::from);
                let p = DMatrix::from_fn(NX, NX, |r, c| f64::from(state.p[(r, c)]));
                *sum += nees(self.angles, &wide(&x), &wide(&state.x), &p)
                    .with_context(|| format!("{}, step {step}", self.name))?;
                if step.is_multiple_of(10) {
                    u = [rng.random_range(-self.force..self.force)];
                }
                let (mut trace, mut next) = (M::Trace::ZERO, [0.0; NX]);
                model.step(&mut trace, &x, &u, &[], &mut next);
                x = next;
                disturb(&mut x, &self.process, rng);
                filter.predict(&model, &mut state, &u);
            }
        }
        let nees = sums.into_iter().map(|sum| sum / runs as f64).collect();
        Ok(Consistency { name: self.name, freedom: NX, runs, nees })
    }

    fn file(&self) -> Result<WeightFile> {
        let square = |deviations: &[f32]| deviations.iter().map(|d| d * d).collect::<Vec<_>>();
        let mut tensors = Tensors::default();
        tensors.vector("estimate", "mean", &self.mean);
        tensors.vector("estimate", "prior", &square(&self.spread));
        tensors.vector("estimate", "process", &square(&self.process));
        let noise: Vec<_> = self.sensors.iter().map(|s| s.1).collect();
        tensors.vector("estimate", "noise", &square(&noise));
        let estimator = Estimator {
            measured: self.sensors.iter().map(|s| s.0).collect(),
            gates: self
                .sensors
                .chunk_by(|one, other| one.2 == other.2)
                .map(|sensor| Gate { features: sensor.len() as u16, limit: 1e6 })
                .collect(),
            patience: 5,
        };
        let sizes = Sizes { state: NX as u16, action: 1, ..Sizes::default() };
        let provenance = Provenance { trainer: env!("CARGO_PKG_VERSION"), task: self.name, seed: 0, data: 0 };
        let sensors = Sensors { low: f32::MIN, high: f32::MAX };
        let header = Header::model(sizes, self.angles, sensors, Model::Physics(self.plant), provenance);
        tensors.pack(header.tracker(estimator))
    }
}

/// Adds noise of these deviations.
fn disturb(values: &mut [f32], deviations: &[f32], rng: &mut Rng) {
    for (value, deviation) in values.iter_mut().zip(deviations) {
        *value += deviation * normal(rng) as f32;
    }
}

impl Consistency {
    fn band(&self) -> (f64, f64) {
        band(self.freedom, self.runs)
    }

    pub(super) fn rows(&self) -> [Row; 3] {
        let (low, high) = self.band();
        let mean = self.nees.iter().sum::<f64>() / STEPS as f64;
        let inside = self.nees.iter().filter(|nees| (low..=high).contains(*nees)).count();
        let row = |end: &str, value| {
            Row::new(format!("{}: mean NEES against the {end} end of its 95 % band", self.name), value, "")
        };
        [
            row("upper", mean).beside(self.freedom as f64, "degrees of freedom").at_most(rounded(high)),
            row("lower", mean).beside(self.freedom as f64, "degrees of freedom").at_least(rounded(low)),
            Row::new(
                format!("{}: steps whose NEES is inside its band", self.name),
                100.0 * inside as f64 / STEPS as f64,
                "%",
            )
            .beside(95.0, "a consistent filter")
            .at_least(80.0),
        ]
    }

    pub(super) fn plot(&self) -> Plot {
        let (low, high) = self.band();
        let over =
            |values: &[f64]| values.iter().enumerate().map(|(t, v)| (DT * t as f64, *v)).collect::<Vec<_>>();
        over_time(&format!("NEES, {}", self.name))
            .size(Plot::HALF, 260)
            .with(Series::band("95 %", over(&[low; STEPS]), over(&[high; STEPS])))
            .with(Series::line("mean over the runs", over(&self.nees)))
            .level(self.freedom as f64)
    }
}

/// What the numbers are of.
pub(super) fn note(consistent: &[Consistency]) -> String {
    let bands: Vec<_> = consistent
        .iter()
        .map(|c| {
            let (low, high) = c.band();
            format!("{low:.3} to {high:.3} of the {}", c.name)
        })
        .collect();
    format!(
        "NEES: {} runs of {STEPS} steps from random starts under random forces, with process and measurement noise that the filter \
         is told, on the built-in physics; the mean over the runs lies between {} at one step with a chance of 95 %. Of the \
         pendulum cosine and sine of the angle are measured, of the cart-pole the angle at every step and the position at every fifth.",
        consistent[0].runs,
        bands.join(", ")
    )
}
