//! Whether the extended filter knows how good it is: many runs of plants with noise. Over the physics it is told the noise;
//! over a model that was learned from a log of the plant, its process noise is calibrated on episodes held out.

use super::{Setting, median, over_time, rounded};
use crate::{
    data::log::Episode,
    estimate::{
        consistency::{band, nees},
        kalman::process_noise,
    },
    export::{Tensors, WeightFile, write_file},
    predict::{
        Learned,
        network::{Config, Known, Network},
    },
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
        ForwardModel, network,
        physics::{cart_pole::CartPole, pendulum::Pendulum},
    },
};
use nalgebra::DMatrix;
use rand::{RngExt, SeedableRng};

/// Steps of a run, and seconds in one.
const STEPS: usize = 100;
const DT: f64 = 0.05;

/// Units of a hidden layer of a learned model.
const HIDDEN: usize = 64;
/// Episodes that it is learned from, and others that its noise is measured on.
const RECORDED: usize = 1000;
const HELD_OUT: usize = 100;

/// A plant of `NX` components with its noise and its sensors. All standard deviations.
struct Trial<const NX: usize> {
    name: &'static str,
    plant: Plant,
    angles: Angles,
    /// Components that the next change does not depend on.
    places: &'static [usize],
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
    places: &[],
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
    places: &[0],
    mean: [0.0, 0.0, std::f32::consts::PI, 0.0],
    spread: [0.5, 0.5, 0.5, 0.5],
    process: [0.005, 0.05, 0.005, 0.05],
    sensors: &[(feature(0, Map::Value), 0.02, 5), (feature(2, Map::Angle), 0.02, 1)],
    force: 5.0,
};

/// What was found of one plant and one model.
pub(super) struct Consistency {
    name: String,
    freedom: usize,
    pub(super) runs: usize,
    /// The mean over the runs at each step.
    nees: Vec<f64>,
}

/// Both plants, each with its physics and with a learned model.
pub(super) fn run(setting: &Setting, seed: u64) -> Result<Vec<Consistency>> {
    let rng = &mut Rng::seed_from_u64(seed);
    let mut found = Vec::from(PENDULUM.run::<Pendulum>(setting, seed, rng)?);
    found.extend(CART_POLE.run::<CartPole>(setting, seed, rng)?);
    Ok(found)
}

impl<const NX: usize> Trial<NX> {
    fn run<M>(&self, setting: &Setting, seed: u64, rng: &mut Rng) -> Result<[Consistency; 2]>
    where
        M: for<'a> Load<'a> + ForwardModel<NX, 1, 0>,
    {
        let quick = setting.quick;
        let runs = if quick { 50 } else { 500 };
        let square = |deviations: [f32; NX]| deviations.map(|d| d * d);
        let file = self.file(Model::Physics(self.plant), Tensors::default(), &square(self.process))?;
        let artifact = file.parse()?;
        let (filter, plant) = (Kalman::load(&artifact)?, M::load(&artifact)?);
        let flown: Vec<_> = (0..runs).map(|_| self.record(&plant, rng)).collect();
        let told = self.track(&flown, (&filter, &plant), rng)?;

        let recorded = if quick { RECORDED / 20 } else { RECORDED };
        let episodes: Vec<_> = (0..recorded + HELD_OUT).map(|_| self.record(&plant, rng)).collect();
        let (training, held_out) = episodes.split_at(recorded);
        let mut config =
            Config { hidden: HIDDEN, one_step: 12_000, multi_step: 0, window: 1, ..Config::default() };
        if quick {
            config.one_step = 200;
        }
        let known = Known { angles: self.angles, places: self.places.to_vec(), physics: None };
        let mut learned = Network::new(&config, known, training, rng)?;
        learned.train(&config, training, rng, |_, _, _, _| ())?;
        let file = self.calibrated(&learned, held_out, rng)?;
        if seed == setting.seed {
            write_file(&setting.out.join(format!("kalman/{}.fth", self.name)), file.bytes())?;
        }
        let artifact = file.parse()?;
        let model = network::Network::<NX, 1, 0, HIDDEN>::load(&artifact)?;
        let measured = self.track(&flown, (&Kalman::load(&artifact)?, &model), rng)?;
        let found = |what: &str, nees| Consistency {
            name: format!("{}, {what}", self.name),
            freedom: NX,
            runs,
            nees,
        };
        Ok([found("physics", told), found("learned model", measured)])
    }

    /// The filter over a learned model, with the process noise that makes it consistent on episodes held out.
    ///
    /// The variance of the model's errors alone would make it too sure of itself: what a model has not learned it misses
    /// again at the next step, and the equations take errors of different steps for independent. So that variance is
    /// taken as many times as brings the mean NEES to its expectation, the number of components.
    fn calibrated(&self, learned: &Network, held_out: &[Episode], rng: &mut Rng) -> Result<WeightFile> {
        let noise = process_noise(learned, self.angles, held_out, 1.0, 0.0);
        let inflated = |factor: f32| {
            let mut tensors = Tensors::default();
            learned.export(&mut tensors);
            let noise: Vec<_> = noise.iter().map(|variance| variance * factor).collect();
            self.file(Model::Network, tensors, &noise)
        };
        // The NEES falls as the noise grows: bisection of the factor's logarithm.
        let (mut low, mut high) = (0.5_f32.ln(), 32.0_f32.ln());
        for _ in 0..8 {
            let middle = 0.5 * (low + high);
            let file = inflated(middle.exp())?;
            let artifact = file.parse()?;
            let model = network::Network::<NX, 1, 0, HIDDEN>::load(&artifact)?;
            // The same measurements for every factor.
            let found = self.track(held_out, (&Kalman::load(&artifact)?, &model), &mut rng.clone())?;
            let mean = found.iter().sum::<f64>() / STEPS as f64;
            *(if mean > NX as f64 { &mut low } else { &mut high }) = middle;
        }
        inflated((0.5 * (low + high)).exp())
    }

    /// An episode of the plant with its noise: states and actions.
    fn record<P: ForwardModel<NX, 1, 0>>(&self, plant: &P, rng: &mut Rng) -> Episode {
        let mut episode = Episode { states: Vec::new(), actions: Vec::new() };
        let (mut x, mut u) = (self.mean, [0.0]);
        disturb(&mut x, &self.spread, rng);
        for step in 0..STEPS {
            if step.is_multiple_of(10) {
                u = [rng.random_range(-self.force..self.force)];
            }
            episode.states.push(x.to_vec());
            episode.actions.push(u.to_vec());
            let (mut trace, mut next) = (P::Trace::ZERO, [0.0; NX]);
            plant.step(&mut trace, &x, &u, &[], &mut next);
            x = next;
            disturb(&mut x, &self.process, rng);
        }
        // The last state has no successor.
        episode.actions.pop();
        episode
    }

    /// The mean NEES of many runs at each step.
    fn track<M: ForwardModel<NX, 1, 0>>(
        &self,
        runs: &[Episode],
        (filter, model): (&Kalman<'_>, &M),
        rng: &mut Rng,
    ) -> Result<Vec<f64>> {
        let mut sums = vec![0.0; STEPS];
        for run in runs {
            let mut state = Zero::ZERO;
            for (step, x) in run.states.iter().enumerate() {
                let x: &[f32; NX] = x[..].try_into()?;
                if let Some(before) = step.checked_sub(1) {
                    filter.predict(model, &mut state, run.actions[before][..].try_into()?);
                }
                let measured: Vec<_> = self
                    .sensors
                    .iter()
                    .map(|&(feature, noise, period)| {
                        // `0 − residual` is the feature itself.
                        let y = noise * normal(rng) as f32 - feature.residual(x, 0.0).0;
                        step.is_multiple_of(period).then_some(y)
                    })
                    .collect();
                filter.update(&mut state, measured.into_iter());
                let wide = |x: &[f32; NX]| x.map(f64::from);
                let p = DMatrix::from_fn(NX, NX, |r, c| f64::from(state.p[(r, c)]));
                sums[step] += nees(self.angles, &wide(x), &wide(&state.x), &p)
                    .with_context(|| format!("{}, step {step}", self.name))?;
            }
        }
        Ok(sums.into_iter().map(|sum| sum / runs.len() as f64).collect())
    }

    /// A filter over a model, which is told its process noise: variances.
    fn file(&self, model: Model, mut tensors: Tensors, process: &[f32]) -> Result<WeightFile> {
        let square = |deviations: &[f32]| deviations.iter().map(|d| d * d).collect::<Vec<_>>();
        tensors.vector("estimate", "mean", &self.mean);
        tensors.vector("estimate", "prior", &square(&self.spread));
        tensors.vector("estimate", "process", process);
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
        let hidden = if model == Model::Network { HIDDEN as u16 } else { 0 };
        let sizes = Sizes { state: NX as u16, action: 1, hidden, ..Sizes::default() };
        let provenance = Provenance { trainer: env!("CARGO_PKG_VERSION"), task: self.name, seed: 0, data: 0 };
        let sensors = Sensors { low: f32::MIN, high: f32::MAX };
        let header = Header::model(sizes, self.angles, sensors, model, provenance);
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

    /// The mean over all steps, and how many steps are inside the band.
    fn summary(&self) -> [f64; 2] {
        let (low, high) = self.band();
        let inside = self.nees.iter().filter(|nees| (low..=high).contains(*nees)).count();
        [self.nees.iter().sum::<f64>() / STEPS as f64, inside as f64]
    }

    /// Medians over what the seeds found of the same plant and model.
    pub(super) fn rows(&self, all: &[&Self]) -> [Row; 3] {
        let (low, high) = self.band();
        let [mean, inside] =
            [0, 1].map(|k| median(&all.iter().map(|one| one.summary()[k]).collect::<Vec<_>>()));
        let row = |end: &str, value| {
            Row::new(format!("{}: mean NEES against the {end} end of its 95 % band", self.name), value, "")
        };
        [
            row("upper", mean).beside(self.freedom as f64, "degrees of freedom").at_most(rounded(high)),
            row("lower", mean).beside(self.freedom as f64, "degrees of freedom").at_least(rounded(low)),
            Row::new(
                format!("{}: steps whose NEES is inside its band", self.name),
                100.0 * inside / STEPS as f64,
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
        .step_by(2)
        .map(|c| {
            let (low, high) = c.band();
            format!("{low:.3} to {high:.3} with {} components", c.freedom)
        })
        .collect();
    format!(
        "NEES: {} runs of {STEPS} steps from random starts under random forces, with process and measurement noise, medians over seeds; \
         the mean over the runs lies between {} at one step with a chance of 95 %. Of the \
         pendulum cosine and sine of the angle are measured, of the cart-pole the angle at every step and the position at every fifth. \
         The filter over the built-in physics is told the process noise. The learned model (2 × {HIDDEN} units, single steps) is \
         learned from {RECORDED} other runs of the noisy plant; its filter is told the variance of the model's errors on {HELD_OUT} \
         runs that were not learned from, as many times as makes it consistent on those.",
        consistent[0].runs,
        bands.join(", ")
    )
}
