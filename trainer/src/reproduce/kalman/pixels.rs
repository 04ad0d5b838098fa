//! The pendulum from pixels: frames that are missing, frames that are wrong.

use super::{band, over_time, rounded};
use crate::{
    data::log::Log,
    estimate::kalman,
    export::Tensors,
    mind,
    perceive::{lista::Lista, unrolled::Unrolled},
    predict::network::{Known, Network},
    report::{
        plot::{Plot, Series},
        points::sampled,
    },
    results::Row,
    tasks::pendulum::{self, ANGLES, Config, MEASURED, frames},
    worlds::{
        Rng,
        camera::Camera,
        pendulum::{DT, MAX_TORQUE, wrap},
    },
};
use anyhow::Result;
use forethought::{
    agent::{Mode, Reading},
    artifact::{Artifact, Estimator, Header, Provenance, Sensors},
};
use rand::{RngExt, SeedableRng};
use std::f64::consts::PI;

/// Episodes that are tracked.
const EPISODES: usize = 20;
/// Chance that a frame does not come, and that one shows something else.
const MISSING: f64 = 0.3;
const WILD: f64 = 0.05;
/// A gate that refuses nothing.
const OPEN: f32 = 1e30;

/// What one seed found: root mean squared errors of the angle, in rad.
pub(super) struct Flights {
    /// With missing frames: of the filter, and of the last frame's read-out.
    missing: [f64; 2],
    /// With wild frames: of the filter with its gate, without it, and of the read-out.
    wild: [f64; 3],
    /// An episode with missing frames: truth and estimates of the angle and speed, variances, the read-out that is held.
    tracks: Vec<Track>,
}

/// One step of an episode.
struct Track {
    truth: [f32; 2],
    estimate: [f32; 2],
    variance: [f32; 2],
    held: f32,
}

pub(super) fn run(seed: u64, quick: bool) -> Result<Flights> {
    let rng = &mut Rng::seed_from_u64(seed);
    let mut config = Config::default();
    let share = if quick { 40 } else { 2 };
    config.encoder.steps /= share;
    config.model.one_step /= share;
    config.model.multi_step /= share;
    let camera = config.film();

    let mut encoder = Lista::new(&config.encoder, &frames(&camera, 1024, rng), rng);
    encoder.train(&config.encoder, |n| frames(&camera, n, rng), |_, _| ())?;
    let (unseen, truth) = frames(&camera, 4096, rng);
    let noise = kalman::measurement_noise(&encoder.run(&unseen).1, &truth);

    let torque = (-MAX_TORQUE, MAX_TORQUE);
    let log = Log::record(&mut config.world(), torque, config.recording.episodes, rng);
    let (training, held_out) = log.split(config.model.held_out);
    let mut model = Network::new(&config.model, Known { angles: ANGLES, ..Known::default() }, training, rng)?;
    model.train(&config.model, training, rng, |_, _, _, _| ())?;
    let process =
        kalman::process_noise(&model, ANGLES, held_out, config.filter.inflation, config.filter.floor);

    let mut tensors = Tensors::default();
    let kind = encoder.export(encoder.layers(), &mut tensors);
    let (ny, nc) = encoder.sizes();
    let provenance = Provenance { trainer: env!("CARGO_PKG_VERSION"), task: pendulum::NAME, seed, data: 0 };
    let sensors = Sensors { low: 0.0, high: 1.0 };
    let header = Header::perception((ny as u32, nc as u32, nc as u16), sensors, kind, provenance);
    let estimator = Estimator { measured: MEASURED.into_iter().collect(), ..header.estimator };
    let eyes = tensors.pack(Header { estimator, ..header })?;
    let tracker = |gate: f32| {
        let mut config = config.clone();
        config.filter.gate = gate;
        pendulum::export_tracker(&config, &model, (&process, &noise), (seed, log.digest))
    };
    let (gated, open) = (tracker(config.filter.gate)?, tracker(OPEN)?);
    let (eyes, gated, open) = (eyes.parse()?, gated.parse()?, open.parse()?);

    // Episodes that nothing was trained on, and the same for each filter.
    let flights = Log::record(&mut config.world(), torque, EPISODES, rng);
    let fly =
        |filter: &Artifact<'_>, missing, wild| track(&eyes, filter, &camera, &flights, (missing, wild), seed);
    let (tracks, missing) = fly(&gated, MISSING, 0.0)?;
    let (_, [with_gate, readout]) = fly(&gated, 0.0, WILD)?;
    let (_, [without, _]) = fly(&open, 0.0, WILD)?;
    eprintln!("  seed {seed}: {:.4} rad from pixels, {:.4} by the read-out alone", missing[0], missing[1]);
    Ok(Flights { missing, wild: [with_gate, without, readout], tracks })
}

/// Follows every episode; returns the steps of the first and the root mean squared errors of filter and read-out.
fn track(
    eyes: &Artifact<'_>,
    filter: &Artifact<'_>,
    camera: &Camera,
    flights: &Log,
    (missing, wild): (f64, f64),
    seed: u64,
) -> Result<(Vec<Track>, [f64; 2])> {
    let (mut encode, mut mind) = (mind::encoder(eyes)?, mind::load(filter)?);
    let rng = &mut Rng::seed_from_u64(seed);
    let (mut tracks, mut squares, mut n) = (Vec::new(), [0.0; 2], 0.0);
    for (number, episode) in flights.episodes.iter().enumerate() {
        mind.reset();
        let mut held = 0.0;
        let actions = std::iter::once(&[0.0][..]).chain(episode.actions.iter().map(Vec::as_slice));
        for (step, (x, u)) in episode.states.iter().zip(actions).enumerate() {
            let angle = if rng.random_bool(wild) { rng.random_range(-PI..PI) } else { x[0].into() };
            let arrives = !rng.random_bool(missing) || step == 0;
            let mut reading = vec![f32::NAN; MEASURED.len()];
            if arrives {
                reading = encode(&camera.film(angle, rng)).features;
                held = reading[1].atan2(reading[0]);
            }
            reading.extend(u);
            let (answer, _, refused) = mind.step(Reading::Sensors(&reading), Mode::Plan);
            refused.map_or(Ok(()), Err)?;
            for (square, angle) in squares.iter_mut().zip([answer[0], held]) {
                *square += wrap(f64::from(angle - x[0])).powi(2);
            }
            n += 1.0;
            if number == 0 {
                tracks.push(Track {
                    truth: [x[0], x[1]],
                    estimate: [answer[0], answer[1]],
                    variance: [answer[2], answer[3]],
                    held,
                });
            }
        }
    }
    Ok((tracks, squares.map(|square: f64| (square / n).sqrt())))
}

/// The medians over the seeds.
pub(super) fn rows(flights: &[Flights], median: impl Fn(&[f64]) -> f64) -> Vec<Row> {
    let middle = |value: &dyn Fn(&Flights) -> f64| median(&flights.iter().map(value).collect::<Vec<_>>());
    let alone = middle(&|f| f.missing[1]);
    let without = middle(&|f| f.wild[1]);
    vec![
        Row::new(
            "pixels, 30 % of the frames missing: angle by the filter, RMSE",
            middle(&|f| f.missing[0]),
            "rad",
        )
        .at_most(rounded(0.5 * alone)),
        Row::new("… by the read-out alone, RMSE", alone, "rad"),
        Row::new(
            "pixels, 5 % of the frames wild: angle by the gated filter, RMSE",
            middle(&|f| f.wild[0]),
            "rad",
        )
        .at_most(rounded(0.5 * without)),
        Row::new("… by the filter without its gate, RMSE", without, "rad"),
        Row::new("… by the read-out alone, RMSE", middle(&|f| f.wild[2]), "rad"),
    ]
}

impl Flights {
    /// Angle and speed of an episode's first half.
    pub(super) fn plots(&self) -> Vec<Plot> {
        let few = &self.tracks[..self.tracks.len().min(100)];
        // An angle that does not jump: as near as can be to the truth, which goes on from step to step.
        let mut turned = Vec::new();
        for track in few {
            let before = turned.last().copied().unwrap_or(track.truth[0]);
            turned.push(before + wrap(f64::from(track.truth[0] - before)) as f32);
        }
        let beside = |angle: f32, i: usize| turned[i] + wrap(f64::from(angle - turned[i])) as f32;
        let angle = |of: fn(&Track) -> f32| -> Vec<f32> {
            few.iter().enumerate().map(|(i, track)| beside(of(track), i)).collect()
        };
        let all = |of: fn(&Track) -> f32| few.iter().map(of).collect::<Vec<_>>();
        vec![
            over_time("angle (rad)")
                .with(band("estimate ± 2σ", &angle(|t| t.estimate[0]), &all(|t| t.variance[0]), DT))
                .with(Series::line("truth", sampled(turned.iter().copied(), DT)))
                .with(Series::dashed("estimate", sampled(angle(|t| t.estimate[0]), DT)))
                .with(Series::dots("read-out, held", sampled(angle(|t| t.held), DT)).weight(1.5)),
            over_time("angular speed (rad/s)")
                .with(band("estimate ± 2σ", &all(|t| t.estimate[1]), &all(|t| t.variance[1]), DT))
                .with(Series::line("truth", sampled(all(|t| t.truth[1]), DT)))
                .with(Series::dashed("estimate", sampled(all(|t| t.estimate[1]), DT))),
        ]
    }
}
