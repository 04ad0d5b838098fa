//! The pendulum's camera with faults.

use super::energies::{LESSONS, Setup};
use crate::{
    energy::{Energy, Surprise, threshold},
    perceive::lista::{self, Lista},
    predict::residual::Physics,
    report::{Figure, Report, tiles::Raster},
    tasks::pendulum::{ANGLES, frames},
    worlds::{
        Rng, World,
        camera::{Camera, SIDE},
        faults::Fault,
        pendulum::{DT, EPISODE, MAX_TORQUE, Pendulum, wrap},
        practice::Practice,
    },
};
use anyhow::Result;
use forethought::artifact::Plant;
use nalgebra::DMatrix;
use rand::{RngExt, SeedableRng};

const SETUP: Setup =
    Setup { atoms: 64, price: 0.05, components: 16, hidden: 64, code: 4, noise: [0.05, 0.3], steps: 1500 };

/// Healthy frames to learn from, to tell the threshold by, and to count false alarms on: each so many.
pub(super) const FRAMES: usize = 20_000;
/// Damaged frames of each kind.
pub(super) const DAMAGED: usize = 4000;
/// The share of false alarms that thresholds are told for.
const RATE: f32 = 1e-3;
/// The faults that a single frame shows.
pub(super) const VISIBLE: [Fault; 3] = [Fault::StuckRows, Fault::Occlusion, Fault::Gain];
/// The energy that the agent has on the chip.
pub(super) const ON_CHIP: &str = "sparse coding, learned encoder";

/// What was noticed, as shares.
pub(super) struct Watched {
    /// By each energy, of each of the [`VISIBLE`] faults.
    pub noticed: Vec<[f64; VISIBLE.len()]>,
    /// By each energy, of healthy frames.
    pub alarms: Vec<f64>,
    /// Frozen frames that repeat the one before to the last bit, and healthy ones that do.
    pub frozen: f64,
    pub frozen_alarms: f64,
    /// By the surprise of the forward model: of a frozen frame, of the [`VISIBLE`] faults, and of healthy frames.
    pub surprise: Vec<f64>,
    pub surprise_alarms: f64,
    /// For each of the [`VISIBLE`] faults the damaged frames of lowest and of highest energy on the chip.
    examples: Vec<[DMatrix<f32>; 2]>,
}

fn share(energies: &[f32], threshold: f32) -> f64 {
    energies.iter().filter(|energy| **energy > threshold).count() as f64 / energies.len() as f64
}

/// Examples in a row of the picture.
const SHOWN: usize = 16;

pub(super) fn watch(seed: u64, quick: bool) -> Result<Watched> {
    let rng = &mut Rng::seed_from_u64(seed);
    let camera = Camera::default();
    let (n, damaged) = if quick { (1000, 100) } else { (FRAMES, DAMAGED) };
    let setup = if quick { Setup { steps: 20, ..SETUP } } else { SETUP };
    let healthy = [(); 3].map(|()| frames(&camera, n, rng).0);
    let [training, calibration, unseen] = healthy;
    let faulty = VISIBLE.map(|fault| {
        let mut frames = frames(&camera, damaged, rng).0;
        let pixels = frames.as_mut_slice().chunks_exact_mut(SIDE * SIDE);
        pixels.for_each(|frame| fault.draw(rng).apply(frame));
        frames
    });
    let (mut noticed, mut alarms, mut examples) = (Vec::new(), Vec::new(), Vec::new());
    for (k, (name, teach)) in LESSONS.iter().enumerate() {
        let energy = teach(&setup, &training, &mut Rng::seed_from_u64(seed + 100_000 * k as u64))?;
        let threshold = threshold(&energy.of(&calibration, None), RATE);
        let energies = faulty.each_ref().map(|frames| energy.of(frames, None));
        alarms.push(share(&energy.of(&unseen, None), threshold));
        noticed.push(energies.each_ref().map(|energies| share(energies, threshold)));
        eprintln!("  camera, seed {seed}, {name}: {:?}, {:?}", noticed[k], alarms[k]);
        if *name == ON_CHIP {
            examples =
                faulty.iter().zip(&energies).map(|(frames, energies)| extremes(frames, energies)).collect();
        }
    }
    let (frozen, frozen_alarms) = repeats(&camera, damaged, rng);
    let (surprise, surprise_alarms) = surprised(&camera, (n, damaged), &setup, rng)?;
    Ok(Watched { noticed, alarms, frozen, frozen_alarms, surprise, surprise_alarms, examples })
}

/// The frames of the lowest energies, and of the highest.
fn extremes(frames: &DMatrix<f32>, energies: &[f32]) -> [DMatrix<f32>; 2] {
    let mut order: Vec<usize> = (0..energies.len()).collect();
    order.sort_by(|&a, &b| energies[a].total_cmp(&energies[b]));
    let lowest = frames.select_columns(order.iter().take(SHOWN));
    order.reverse();
    [lowest, frames.select_columns(order.iter().take(SHOWN))]
}

/// How many frozen frames, and how many healthy ones of a pendulum at rest, are the one before over again.
fn repeats(camera: &Camera, n: usize, rng: &mut Rng) -> (f64, f64) {
    let (mut frozen, mut alarms) = (0, 0);
    for _ in 0..n {
        let theta = rng.random_range(-3.0..3.0);
        let mut damage = Fault::Frozen.draw(rng);
        let (mut first, mut second) = (camera.film(theta, rng), camera.film(theta, rng));
        alarms += usize::from(first == second);
        damage.apply(&mut first);
        damage.apply(&mut second);
        frozen += usize::from(first == second);
    }
    (frozen as f64 / n as f64, alarms as f64 / n as f64)
}

/// What the forward model did not expect, by the states that are read out of frames.
fn surprised(
    camera: &Camera,
    (n, damaged): (usize, usize),
    setup: &Setup,
    rng: &mut Rng,
) -> Result<(Vec<f64>, f64)> {
    let config = lista::Config { steps: 2 * setup.steps, ..lista::Config::default() };
    let mut eyes = Lista::new(&config, &frames(camera, 1024, rng), rng);
    eyes.train(&config, |n| frames(camera, n, rng), |_, _| ())?;
    let model = Physics::new(Plant::Pendulum, &[15.0, 3.0, 8.0, DT as f32])?;
    // Four frames in a row: the state before and the state after both need the one before them.
    let mut look = |fault: Option<Fault>, n: usize| {
        let mut world = Pendulum::new(camera.clone());
        let (mut x, mut y) = (DMatrix::zeros(3, n), DMatrix::zeros(2, n));
        let mut seen = DMatrix::zeros(SIDE * SIDE, 3 * n);
        for j in 0..n {
            if j % EPISODE == 0 {
                world.reset(rng);
            }
            let mut frame = Vec::new();
            for k in 0..3 {
                let before = std::mem::replace(&mut frame, world.observe(rng));
                if let (2, Some(fault)) = (k, fault) {
                    let mut damage = fault.draw(rng);
                    if fault == Fault::Frozen {
                        damage.apply(&mut before.clone());
                    }
                    damage.apply(&mut frame);
                }
                seen.column_mut(3 * j + k).copy_from_slice(&frame);
                let u = world.explore(rng);
                world.step(&u);
                if k == 1 {
                    x[(2, j)] = u[0].clamp(-MAX_TORQUE, MAX_TORQUE);
                }
            }
        }
        let told = eyes.run(&seen).1;
        let angle = |j: usize| f64::from(told[(1, j)]).atan2(told[(0, j)].into());
        for j in 0..n {
            let [first, second, third] = [0, 1, 2].map(|k| angle(3 * j + k));
            x[(0, j)] = second as f32;
            x[(1, j)] = (wrap(second - first) / DT) as f32;
            y[(0, j)] = third as f32;
            y[(1, j)] = (wrap(third - second) / DT) as f32;
        }
        (y, x)
    };
    let (y, x) = look(None, n);
    let scale = |i: usize| {
        let squares = (0..n).map(|j| {
            let expected = model.next(&[x[(0, j)], x[(1, j)]], &[x[(2, j)]])[i];
            let error = f64::from(y[(i, j)] - expected);
            (if i == 0 { wrap(error) } else { error }).powi(2)
        });
        (squares.sum::<f64>() / n as f64).sqrt() as f32
    };
    let surprise = Surprise { model: &model, angles: ANGLES, scale: vec![scale(0), scale(1)] };
    let threshold = threshold(&surprise.of(&y, Some(&x)), RATE);
    let mut noticed = |fault, n| {
        let (y, x) = look(fault, n);
        share(&surprise.of(&y, Some(&x)), threshold)
    };
    let alarms = noticed(None, n);
    let faults = [Fault::Frozen].into_iter().chain(VISIBLE);
    let shares: Vec<_> = faults.map(|fault| noticed(Some(fault), damaged)).collect();
    eprintln!("  camera, surprise: {shares:?}, {alarms:?}");
    Ok((shares, alarms))
}

pub(super) fn show(report: &mut Report, watched: &Watched) {
    let mosaic = |frames: &DMatrix<f32>| {
        let tile = |frame: nalgebra::DVectorView<'_, f32>| Raster::grey(frame.as_slice(), SIDE).enlarged(2);
        Raster::mosaic(&frames.column_iter().map(tile).collect::<Vec<_>>(), SHOWN, 2)
    };
    report.figures(
        "Damaged frames with the lowest energies by the encoder that the chip has, and with the highest. First seed.",
        VISIBLE.iter().zip(&watched.examples).flat_map(|(fault, [lowest, highest])| {
            [(lowest, "least strange"), (highest, "strangest")].map(|(frames, what)| {
                let title = format!("{}, {what}", fault.name());
                Figure::raster(&mosaic(frames), &title).titled(&title)
            })
        }),
    );
}
