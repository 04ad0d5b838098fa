//! What an energy looks like off the data: a golf course or a slope. Every kind of energy on the same points of a spiral.

mod measure;
mod pictures;

use super::{Outcome, Setting, median, per_seed, rounded};
use crate::{
    energy::{
        Autoencoder, Energy, Means, Principal, Scalar, Sparse, contrastive, denoising,
        gan::{Bound, Config, Gan, Loss},
        narrow,
    },
    network::Unit,
    perceive::{
        inference::{NonNegative, Settings},
        online::{Turns, from_samples},
    },
    report::Report,
    results::Row,
    tape::{Tape, Var},
    worlds::{Rng, camera::normal},
};
use anyhow::Result;
use measure::Measured;
use nalgebra::DMatrix;
use rand::{RngExt, SeedableRng};

/// Deviation of the data from the curve.
const NOISE: f32 = 0.02;

/// A point of the spiral, at a share of its length in angle: r from 0.4 to 2, a turn and a tenth, so that its arms are about
/// 1.5 apart.
fn curve(share: f32) -> [f32; 2] {
    let (angle, radius) = (1.1 * std::f32::consts::TAU * share, 0.4 + 1.6 * share);
    [radius * angle.cos(), radius * angle.sin()]
}

/// Samples of the spiral.
fn spiral(n: usize, rng: &mut Rng) -> DMatrix<f32> {
    let mut y = DMatrix::zeros(2, n);
    for mut y in y.column_iter_mut() {
        // Evenly along the curve, which is longer where it is farther out.
        let share = ((0.04 + 0.96 * rng.random::<f32>()).sqrt() - 0.2) / 0.8;
        for (y, c) in y.iter_mut().zip(curve(share)) {
            *y = c + NOISE * normal(rng) as f32;
        }
    }
    y
}

/// The energies that are compared.
const NAMES: [&str; 12] = [
    "original GAN, 1 − D",
    "original GAN, logit",
    "hinge GAN",
    "Wasserstein, clipped",
    "Wasserstein, unit slope",
    "Langevin, contrastive",
    "denoising autoencoder",
    "denoising score",
    "sparse coding",
    "k-means",
    "PCA",
    "noise in the code",
];

/// `1 − D = σ(F)`: what the original discriminator puts out.
struct Output<E>(E);

impl<E: Energy> Energy for Output<E> {
    fn on(&self, tape: &Tape, y: Var, x: Option<Var>) -> Var {
        tape.sigmoid(self.0.on(tape, y, x))
    }
}

/// An energy of points of the plane on a sphere, `(y, 1)/√(‖y‖² + 1)`: few directions of the plane itself would say nothing, and on
/// a sphere neighbours are what costs least.
struct Lifted<E>(E);

fn lifted(tape: &Tape, y: Var) -> Var {
    let ones = tape.constant(DMatrix::from_element(1, tape.shape(y).1, 1.0));
    tape.unit_columns(tape.stack(&[y, ones]))
}

impl<E: Energy> Energy for Lifted<E> {
    fn on(&self, tape: &Tape, y: Var, x: Option<Var>) -> Var {
        self.0.on(tape, lifted(tape, y), x)
    }
}

/// Trains all of them, in the order of [`NAMES`].
fn energies(seed: u64, quick: bool) -> Result<Vec<Box<dyn Energy>>> {
    let rng = &mut Rng::seed_from_u64(seed);
    let steps = |n: usize| if quick { n / 50 } else { n };
    let wide = vec![96; 3];
    let mut critic = |loss, bound, config: Config| {
        let critic = if matches!(loss, Loss::Hinge { .. }) { vec![96, 96, 32] } else { wide.clone() };
        let config =
            Config { loss, bound, latent: 2, generator: wide.clone(), critic, unit: Unit::Relu, ..config };
        let mut gan = Gan::new(&config, (2, 0), rng)?;
        gan.train(|n, rng| (spiral(n, rng), None), rng, |_, _, _| ())?;
        anyhow::Ok(gan.critic)
    };
    let plain = Config { steps: steps(4000), ..Config::default() };
    let several = Config { steps: steps(2500), critic_steps: 2, ..plain.clone() };
    let root = Config { momentum: 0.0, ..several.clone() };
    let original = critic(Loss::Saturating, Bound::Free, plain.clone())?;
    let hinge = critic(Loss::Hinge { margin: 0.2, pull: 0.1 }, Bound::Free, plain)?;
    let clipped = critic(Loss::Wasserstein, Bound::Clip(0.3), root)?;
    let unit = critic(Loss::Wasserstein, Bound::Unit(0.1), several)?;

    let rng = &mut Rng::seed_from_u64(seed);
    let mut walked = Scalar::new((2, 0), &[96, 96], Unit::Tanh, rng);
    let config = contrastive::Config { steps: steps(2000), ..contrastive::Config::default() };
    contrastive::train(&mut walked, &config, spiral, rng, |_, _| ())?;
    let config = denoising::Config { noise: [0.05, 0.5], steps: steps(4000), ..denoising::Config::default() };
    let mut autoencoder = Autoencoder::new((2, 0), &[96, 96], Unit::Tanh, rng);
    denoising::train(&mut autoencoder, &config, spiral, rng, |_, _| ())?;
    let mut score = Scalar::new((2, 0), &[96, 96], Unit::Tanh, rng);
    denoising::train(&mut score, &config, spiral, rng, |_, _| ())?;

    let data = spiral(4000, rng);
    let sparse = sparse(steps(400), rng);
    let means = Means::fit(&data, ATOMS, 30, rng);
    // A code that could hold every point, with noise that leaves room for one coordinate: that along the curve.
    let mut noisy = Autoencoder::new((2, 0), &[96, 4], Unit::Tanh, rng);
    let config = narrow::Config { noise: 1.0, price: 1e-4, steps: steps(4000), ..narrow::Config::default() };
    narrow::train(&mut noisy, &config, spiral, rng, |_, _| ())?;
    Ok(vec![
        Box::new(Output(original.clone())),
        Box::new(original),
        Box::new(hinge),
        Box::new(clipped),
        Box::new(unit),
        Box::new(walked),
        Box::new(autoencoder),
        Box::new(score),
        Box::new(sparse),
        Box::new(means),
        Box::new(Principal::fit(&data, 1)),
        Box::new(noisy),
    ])
}

/// Atoms, and centres.
const ATOMS: usize = 40;

/// Sparse coding of lifted points.
fn sparse(batches: usize, rng: &mut Rng) -> Lifted<Sparse> {
    let batch = |n: usize, rng: &mut Rng| {
        let tape = Tape::new();
        tape.value(lifted(&tape, tape.constant(spiral(n, rng)))).clone_owned()
    };
    let lambda = 0.02;
    let mut dictionary = from_samples(&batch(1000, rng), ATOMS, rng);
    let turns = Turns { batch: 256, batches, memory: 50.0, iterations: 200 };
    let own = &mut Rng::seed_from_u64(rng.random());
    turns.learn(&mut dictionary, &NonNegative { lambda }, |n| batch(n, rng), own, |_, _| ());
    let settings = Settings { iterations: 200, tolerance: 0.0, start: None };
    let penalty = Box::new(NonNegative { lambda });
    Lifted(Sparse { dictionary, mean: DMatrix::zeros(3, 1), penalty, settings })
}

pub(super) fn run(setting: &Setting) -> Result<Outcome> {
    let runs = per_seed(setting, |seed| {
        let rng = &mut Rng::seed_from_u64(!seed);
        let energies = energies(seed, setting.quick)?;
        let runs: Vec<_> = energies.iter().map(|energy| measure::measure(&**energy, rng)).collect();
        for (name, run) in NAMES.iter().zip(&runs) {
            eprintln!("  seed {seed}, {name}: {run:.2?}");
        }
        Ok(runs)
    })?;
    let mut report = Report::new(
        "A golf course or a slope",
        "Energies of the same points, by every way of keeping them from being low everywhere",
    );
    pictures::show(&mut report, &runs);
    let notes = vec![
        format!(
            "Medians over seeds. The data is a spiral with noise of deviation {NOISE}, its arms about 1.5 apart. Energies are in units of \
             their own rise from the data to {AWAY} away (medians), so that they can be compared. Descent: {} steps of rate {}, none longer than \
             {}; it reaches the data if it ends within {NEAR} of the curve and no farther than {} from where it started: one place to which \
             everything falls is not the data. By chance {AWAY} away in a random direction is within that for few \
             starts: see the row `no descent`.",
            measure::DESCENT.steps,
            measure::DESCENT.rate,
            measure::DESCENT.longest,
            2.0 * AWAY
        ),
        "PCA's energy hardly rises: a line through a spiral is as near to what is not data.".into(),
        "What is demanded was settled after seeds 0 to 2 had been seen.".into(),
        "Flat: the share of points 0.1 to 0.75 from the data whose slope is less than a tenth of the mean rise. Cliffs: the steepest percent of \
         these slopes over the median. Direction: the mean cosine between downhill and the way to the nearest point of the curve."
            .into(),
        "Sparse coding sees (y, 1) at unit length: in the plane itself 40 atoms are directions, and say nothing about distance.".into(),
    ];
    Ok(Outcome { rows: rows(&runs), report, notes })
}

/// How far from the data descent starts.
const AWAY: f32 = 0.5;
/// How near counts as reached.
const NEAR: f32 = 0.1;

/// Energies that are smooth by construction.
const SMOOTH: [&str; 3] = ["Wasserstein, clipped", "Wasserstein, unit slope", "denoising score"];

fn rows(runs: &[Vec<Measured>]) -> Vec<Row> {
    let middle = |i: usize, value: &dyn Fn(&Measured) -> f64| {
        median(&runs.iter().map(|run| value(&run[i])).collect::<Vec<_>>())
    };
    let smooth = NAMES.iter().enumerate().filter(|(_, name)| SMOOTH.contains(name));
    let flattest = rounded(smooth.map(|(i, _)| middle(i, &|m| 100.0 * m.flat)).fold(0.0, f64::max));
    let mut rows = vec![Row::new("no descent: within reach", middle(0, &|m| 100.0 * m.before), "%")];
    for (i, name) in NAMES.iter().enumerate() {
        let what = |what: &str| format!("{name}: {what}");
        let reached = Row::new(what("descent reaches the data"), middle(i, &|m| 100.0 * m.reached), "%");
        let flat = Row::new(what("flat"), middle(i, &|m| 100.0 * m.flat), "% of the surroundings");
        // The lecture's claim, from both sides: smooth energies lead back, and what the original discriminator puts out is
        // flatter than all of them.
        let (reached, flat) = match *name {
            "original GAN, 1 − D" => (reached, flat.at_least(flattest)),
            name if SMOOTH.contains(&name) => (reached.at_least(95.0), flat),
            _ => (reached, flat),
        };
        rows.extend([
            reached,
            flat,
            Row::new(what("cliffs"), middle(i, &|m| m.cliffs), ""),
            Row::new(what("direction"), middle(i, &|m| m.direction), ""),
        ]);
    }
    rows
}
