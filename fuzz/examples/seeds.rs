//! Writes good weight files and frames into the corpus: what the fuzzer changes from there on gets further than noise.

use forethought::{
    agent::{Diagnostics, Mode, SensorError},
    artifact::{Aligned, Model, Plant},
    link::{LinkError, PROTOCOL, Reading, Reply, Request, Usage, encode},
};
use forethought_tests::{tiny, watch};
use std::{fs, io, path::Path};

fn main() -> io::Result<()> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    for model in [Model::Network, Model::Physics(Plant::Pendulum)] {
        let mut buffer = Aligned([0; _]);
        let length = tiny::fill(model, |_| {}, &mut buffer).expect("the tiny agent's file can be written");
        for target in ["artifact", "artifact_crc"] {
            seed(&corpus.join(target), &format!("{model:?}"), &buffer.0[..length])?;
        }
    }
    let mut buffer = Aligned([0; _]);
    let length = tiny::fill_table(&mut buffer).expect("the file with a table can be written");
    for target in ["artifact", "artifact_crc"] {
        seed(&corpus.join(target), "table", &buffer.0[..length])?;
    }
    let length =
        tiny::fill_perception(|_| {}, &mut buffer).expect("the tiny recogniser's file can be written");
    for target in ["artifact", "artifact_crc"] {
        seed(&corpus.join(target), "perception", &buffer.0[..length])?;
    }
    let length = tiny::fill_model(|_| {}, &mut buffer).expect("the tiny forecaster's file can be written");
    for target in ["artifact", "artifact_crc"] {
        seed(&corpus.join(target), "model", &buffer.0[..length])?;
    }
    let mut buffer = Aligned([0; 8192]);
    let length = watch::fill(watch::header(watch::SETTINGS), 0.5, &mut buffer.0)
        .expect("the tiny watcher's file can be written");
    for target in ["artifact", "artifact_crc"] {
        seed(&corpus.join(target), "watcher", &buffer.0[..length])?;
    }
    let values = [0.5, -0.25, 0.0].into_iter();
    let observe = |reading| Request::<8>::Observe { step: 300, mode: Mode::Policy, reading };
    let requests = [
        Request::Hello { protocol: PROTOCOL },
        Request::Reset,
        observe(Reading::Missing),
        observe(Reading::Sensors(values.clone().collect())),
        observe(Reading::State(values.clone().collect())),
        Request::Usage,
    ];
    let replies = [
        Reply::<4>::Hello { protocol: PROTOCOL, artifact: 7 },
        Reply::Ready,
        Reply::Action {
            step: 300,
            action: values.clone().collect(),
            diagnostics: Diagnostics::default(),
            refused: Some(SensorError::NonFinite { index: 1 }),
            instructions: 1_000_000,
        },
        Reply::Usage(Usage { flash: 1, statics: 2, stack: 3 }),
        Reply::Error(LinkError::Damaged),
    ];
    let directory = corpus.join("link");
    for (i, message) in requests.iter().enumerate() {
        seed(&directory, &format!("request{i}"), encode(message, &mut [0; 64]).expect("it fits"))?;
    }
    for (i, message) in replies.iter().enumerate() {
        seed(&directory, &format!("reply{i}"), encode(message, &mut [0; 64]).expect("it fits"))?;
    }
    Ok(())
}

fn seed(directory: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    fs::create_dir_all(directory)?;
    fs::write(directory.join(name), bytes)
}
