//! Against recorded data of the original worlds. The data is not part of the repository; without it these tests say
//! that they are skipped, and with `CI` set they fail.

use forethought::artifact::Model;
use forethought_trainer::{
    data::{
        log::{Log, coordinates},
        mnist::Mnist,
        photographs,
    },
    tasks::pendulum::{self, ANGLES, Config, NX},
    worlds::{World, camera::Camera, pendulum::Pendulum},
};
use std::path::PathBuf;

/// The folder of the user's data.
fn folder() -> PathBuf {
    let folder = std::env::var_os("FORETHOUGHT_DATA").map(PathBuf::from);
    folder.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/data"))
}

/// A file of the user's data, if it is there; `origin` says where to get it.
fn found(name: &str, origin: &str) -> Option<PathBuf> {
    let path = folder().join(name);
    if path.exists() {
        return Some(path);
    }
    assert!(std::env::var_os("CI").is_none(), "{} is missing, and in CI nothing may skip", path.display());
    eprintln!("skipped: {} is missing; {origin}", path.display());
    None
}

/// The recorded Gymnasium log, if the user has it.
fn gymnasium_log() -> Option<Log> {
    let origin = "record one in Gymnasium's Pendulum-v1 (see CONTRIBUTING.md)";
    let path = found("gymnasium-pendulum-v1.csv.gz", origin)?;
    Some(Log::read(&path, NX, ANGLES, 1).expect("a readable log"))
}

#[test]
fn mnist_is_read_as_published() {
    let Some(path) = found("mnist", "put MNIST's four IDX files there") else { return };
    let Mnist { train, test } = Mnist::read(&path).expect("MNIST");
    assert_eq!((train.images.len(), test.images.len()), (60_000, 10_000));
    assert_eq!((train.images.rows, train.images.cols), (28, 28));
    // The first digits, and the mean brightness that everybody subtracts.
    assert_eq!(train.labels[..8], [5, 0, 4, 1, 9, 2, 1, 3]);
    assert_eq!(test.labels[..8], [7, 2, 1, 0, 4, 1, 4, 9]);
    let pixels = train.images.pixels.as_slice();
    let mean = pixels.iter().map(|&p| f64::from(p)).sum::<f64>() / pixels.len() as f64;
    assert!((mean - 0.1307).abs() < 1e-4, "{mean}");
}

#[test]
fn photographs_are_read_and_replaced_where_they_are_missing() {
    let (leaves, source) = photographs::read("no such folder".as_ref()).expect("images");
    assert_eq!((source, leaves.len()), ("dead leaves", 24));
    let Some(_) = found(photographs::FILE, "any 24 grey photographs of 256×384 will do") else { return };
    let (photographs, source) = photographs::read(&folder()).expect("photographs");
    assert_eq!(source, "Kodak photographs");
    assert_eq!((photographs.rows, photographs.cols, photographs.len()), (leaves.rows, leaves.cols, 24));
    let brightness = photographs.pixels.mean();
    assert!((0.3..0.6).contains(&brightness), "{brightness}");
}

#[test]
fn the_pendulum_is_gymnasiums() {
    let Some(log) = gymnasium_log() else { return };
    let mut world = Pendulum::new(Camera::default());
    let mut steps = 0;
    for episode in &log.episodes {
        for (t, action) in episode.actions.iter().enumerate() {
            let x = &episode.states[t];
            world.set(x[0].into(), x[1].into());
            world.step(action);
            let (ours, theirs) =
                (coordinates(ANGLES, &world.state()), coordinates(ANGLES, &episode.states[t + 1]));
            let error = ours.iter().zip(&theirs).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(error < 3e-6, "{x:?} under {action:?}: {ours:?}, recorded {theirs:?}");
            steps += 1;
        }
    }
    assert_eq!(steps, 20_000);
}

#[test]
fn the_model_predicts_held_out_episodes_of_the_log() {
    let Some(log) = gymnasium_log() else { return };
    // The encoder and the policy are not looked at.
    let mut config = Config::default();
    (config.encoder.steps, config.policy.steps) = (1, 1);
    let trained = pendulum::train(&config, Some(log), 0, &mut |_, _, _, _| ()).expect("training");
    let file = pendulum::export(&config, &trained, Model::Network, 0).expect("export");
    let artifact = file.parse().expect("a readable artifact");
    for error in pendulum::model_errors(&artifact, trained.held_out(&config)).expect("a model") {
        assert!(error.one <= 0.01 && error.twenty <= 0.05, "{error:?}");
    }
}
