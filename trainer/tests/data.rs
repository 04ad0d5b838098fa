//! Against recorded data of the original worlds. The data is not part of the repository; without it these tests say
//! that they are skipped, and with `CI` set they fail.

use forethought::artifact::Model;
use forethought_trainer::{
    data::log::{Log, coordinates},
    tasks::pendulum::{self, ANGLES, Config, NX},
    worlds::{World, camera::Camera, pendulum::Pendulum},
};
use std::path::PathBuf;

/// The recorded Gymnasium log, if the user has it.
fn gymnasium_log() -> Option<Log> {
    let folder = std::env::var_os("FORETHOUGHT_DATA").map(PathBuf::from);
    let folder =
        folder.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/data"));
    let path = folder.join("gymnasium-pendulum-v1.csv.gz");
    if path.exists() {
        return Some(Log::read(&path, NX, ANGLES, 1).expect("a readable log"));
    }
    assert!(std::env::var_os("CI").is_none(), "{} is missing, and in CI nothing may skip", path.display());
    eprintln!(
        "skipped: {} is missing; record one in Gymnasium's Pendulum-v1 (see CONTRIBUTING.md)",
        path.display()
    );
    None
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
