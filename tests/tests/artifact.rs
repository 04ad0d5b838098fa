//! The weight file's reader against everything that can be wrong with a file.

use forethought::{
    Zero,
    agent::{Agent, Decision, Mind, Mode, Reading},
    artifact::*,
    feature::{Angles, Feature, Map},
    forecast::Forecaster,
    perceive::lista::Lista,
    plan::gradient::Gradient,
    predict::{
        network::Network,
        physics::{
            car,
            cart_pole::{self, CartPole},
            mountain_car,
            pendulum::{self, Pendulum},
            quadrotor, rocket,
        },
        residual::Residual,
    },
    recognise::Recogniser,
    watch::{ANSWER, Watcher},
};
use forethought_tests::{tensors, watch};
use proptest::prelude::*;
use std::collections::BTreeSet;

const NY: usize = 3;
const NC: usize = 5;
const NX: usize = 2;
const NU: usize = 1;
const NZ: usize = 1;
const NH: usize = 3;
const H: usize = 2;

/// How its agents plan.
const DESCENT: Descent = Descent { iterations: 3, momentum: 0.5, step: 0.1, tolerance: 0.0 };

type Learned<'a> =
    Agent<'a, Lista<'a, NY, NC>, Network<'a, NX, NU, NZ, NH>, Gradient<'a>, NY, NC, NX, NU, NZ, NH, H>;
type Larger<'a> = Agent<'a, Lista<'a, 5, 7>, Network<'a, 3, 2, 2, 5>, Gradient<'a>, 5, 7, 3, 2, 2, 5, 4>;
type Physical<'a> = Agent<'a, Lista<'a, NY, NC>, Pendulum, Gradient<'a>, NY, NC, NX, NU, 0, NH, H>;

type Corrected<'a> = Residual<'a, Pendulum, NX, NU, NZ, NH>;

/// Classes of a file that only perceives.
const CLASSES: usize = 4;

type Exact<'a> = Recogniser<'a, Lista<'a, NY, NC>, NY, NC, CLASSES>;
type Coder<'a> = Recogniser<'a, Lista<'a, 5, 7>, 5, 7, 7>;

type Watching<'a> = Watcher<'a, 4, 5, 2048>;

type Foreseeing<'a> = Forecaster<Network<'a, 3, 2, 2, 5>, 3, 2, 2, 3>;

const SIZES: Sizes = Sizes {
    observation: NY as u32,
    code: NC as u32,
    state: NX as u16,
    action: NU as u16,
    latent: NZ as u16,
    hidden: NH as u16,
    horizon: H as u16,
};

/// What an agent with a learned model needs; a value it need not have.
fn tensors() -> impl Iterator<Item = tensors::Tensor> {
    tensors::tensors(SIZES)
        .into_iter()
        .filter(|(part, name, ..)| *part != "value" && !matches!(*name, "gain" | "innovation"))
}

fn value(part: &str, name: &str, row: usize, col: usize) -> f32 {
    match (part, name) {
        ("action", "low") => -1.0,
        ("action", "high") => 1.0,
        ("estimate", "prior" | "process" | "noise") => 0.01,
        ("cost", "action") => 0.001,
        ("value", "points") => 3.0,
        ("value", "rate") => 0.5,
        _ => ((row * 7 + col * 3 + name.len()) % 11) as f32 * 0.1 - 0.45,
    }
}

fn header() -> Header<'static> {
    let term = |index, map| Term {
        feature: Feature { index, map },
        side: Side::Both,
        target: 0.5,
        weight: 1.0,
        terminal: 2.0,
    };
    Header {
        version: VERSION,
        kind: Kind::Agent,
        sizes: SIZES,
        angles: Angles(1),
        sensors: Sensors { low: -1.0, high: 1.0 },
        encoder: Encoder::Lista { iterations: 1, activation: Activation::Soft },
        classifier: Classifier::default(),
        energy: None,
        layers: Default::default(),
        model: Model::Network,
        estimator: Estimator {
            measured: [term(0, Map::Cos).feature, term(1, Map::Value).feature].into_iter().collect(),
            gates: [Gate { features: 2, limit: 10.0 }].into_iter().collect(),
            patience: 2,
        },
        cost: CostTerms {
            terms: [term(0, Map::Angle), term(1, Map::Value)].into_iter().collect(),
            ..CostTerms::default()
        },
        planner: Planner::Gradient(DESCENT),
        provenance: Provenance { trainer: "0", task: "t", seed: 1, data: 2 },
        tensors: Default::default(),
    }
}

/// A file in memory, aligned.
#[derive(Clone)]
struct File {
    words: Vec<u128>,
    length: usize,
}

impl File {
    fn new(bytes: &[u8]) -> Self {
        let mut words = vec![0_u128; bytes.len().div_ceil(ALIGN)];
        bytemuck::cast_slice_mut(&mut words)[..bytes.len()].copy_from_slice(bytes);
        Self { words, length: bytes.len() }
    }

    fn bytes(&self) -> &[u8] {
        &bytemuck::cast_slice(&self.words)[..self.length]
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        &mut bytemuck::cast_slice_mut(&mut self.words)[..self.length]
    }

    fn parse(&self) -> Result<Artifact<'_>, ArtifactError> {
        Artifact::parse(self.bytes())
    }

    fn error(&self) -> ArtifactError {
        self.parse().expect_err("the file is bad")
    }

    /// Where the tensor section starts.
    fn section(&self) -> usize {
        let header = u32::from_le_bytes(*self.bytes()[8..].first_chunk().expect("a prelude")) as usize;
        (PRELUDE + header).next_multiple_of(ALIGN)
    }

    /// States the right length and checksum again, so that what lies behind them is reached.
    fn mend(mut self) -> Self {
        let length = self.length as u32;
        let bytes = self.bytes_mut();
        bytes[4..8].copy_from_slice(&length.to_le_bytes());
        let (body, stored) = bytes.split_last_chunk_mut().expect("longer than a checksum");
        *stored = CRC.checksum(body).to_le_bytes();
        self
    }
}

/// What a mind that only perceives needs, and its classifier; a decoder it need not have.
fn perception_tensors() -> impl Iterator<Item = tensors::Tensor> {
    let tensors = tensors::perception(Sizes { action: CLASSES as u16, ..SIZES });
    tensors.into_iter().filter(|(_, name, ..)| !matches!(*name, "dictionary" | "mean"))
}

/// The header of an encoder with so many outputs.
fn perception_header(outputs: usize) -> Header<'static> {
    let Header { sensors, encoder, provenance, .. } = header();
    Header::perception((NY as u32, NC as u32, outputs as u16), sensors, encoder, provenance)
}

/// A file that only perceives, with this setting changed.
fn perception(change: impl FnOnce(&mut Header<'static>)) -> File {
    let mut header = perception_header(CLASSES);
    change(&mut header);
    file_with(header, perception_tensors())
}

/// A file of a forward model alone, with this setting changed.
fn model(change: impl FnOnce(&mut Header<'static>)) -> File {
    let Header { angles, sensors, model, provenance, .. } = header();
    let mut header = Header::model(SIZES, angles, sensors, model, provenance);
    change(&mut header);
    file_with(header, tensors::model(SIZES).into_iter())
}

/// A file with this header, and with the tensors of an agent that `keep` wants.
fn file_of(header: Header<'static>, keep: impl Fn(&str, &str) -> bool) -> File {
    file_with(header, tensors().filter(|(part, name, ..)| keep(part, name)))
}

fn file_with(header: Header<'static>, kept: impl Iterator<Item = tensors::Tensor>) -> File {
    let kept: Vec<_> =
        kept.map(|tensor| (tensor, move |row, col| value(tensor.0, tensor.1, row, col))).collect();
    let entries = kept.iter().map(|((part, name, rows, cols), value)| Entry {
        part,
        name,
        rows: *rows,
        cols: *cols,
        value,
    });
    let entries: Vec<_> = entries.collect();
    let mut buffer = vec![0; 4096];
    let length = write(header, &entries, &mut buffer).expect("it fits");
    File::new(&buffer[..length])
}

/// A file with this setting changed.
fn file(change: impl FnOnce(&mut Header<'static>)) -> File {
    let mut header = header();
    change(&mut header);
    file_of(header, |_, _| true)
}

/// The agent's file with another table of tensors.
fn retabled(change: impl FnOnce(&mut [Tensor<'_>])) -> File {
    file(|_| {}).retabled(change)
}

impl File {
    /// The same file with another table of tensors.
    fn retabled(self, change: impl FnOnce(&mut [Tensor<'_>])) -> Self {
        let file = self;
        let artifact = file.parse().expect("a good file");
        let section = &file.bytes()[file.section()..file.length - 4];
        let mut header = artifact.header().clone();
        change(&mut header.tensors);
        let mut bytes = Vec::from(MAGIC);
        let header = postcard::to_slice(&header, &mut [0; 4096]).expect("it fits").to_vec();
        bytes.extend([0; 4]);
        bytes.extend((header.len() as u32).to_le_bytes());
        bytes.extend(&header);
        bytes.resize(bytes.len().next_multiple_of(ALIGN), 0);
        bytes.extend(section);
        bytes.extend([0; 4]);
        File::new(&bytes).mend()
    }
}

/// The table index of a tensor.
fn index(part: &str, name: &str) -> usize {
    tensors().position(|(p, n, ..)| (p, n) == (part, name)).expect("it is in the list")
}

/// Whatever is accepted must run: every kind of mind, both modes, every kind of reading.
fn run(artifact: &Artifact<'_>) {
    fn steps<'a, M: Mind<'a, X, U>, const X: usize, const U: usize>(artifact: &Artifact<'a>) {
        let Ok(mind) = M::load(artifact) else { return };
        assert_eq!(artifact.header().kind, Kind::Agent);
        let (low, high) = (artifact.vector_any("action", "low"), artifact.vector_any("action", "high"));
        let (low, high) = (low.expect("it was loaded"), high.expect("it was loaded"));
        let (mut state, mut decision) = (M::State::ZERO, Decision::ZERO);
        let middle = 0.5 * (artifact.header().sensors.low + artifact.header().sensors.high);
        let (y, x) = (vec![middle; artifact.sizes().ny()], vec![0.5; artifact.sizes().nx()]);
        let readings = [Reading::Sensors(&y), Reading::Missing, Reading::Sensors(&y), Reading::State(&x)];
        for mode in [Mode::Plan, Mode::Policy] {
            for reading in readings {
                let _ = mind.step(&mut state, reading, mode, &mut decision);
                for (u, (low, high)) in decision.action.iter().zip(low.iter().zip(high)) {
                    assert!((low..=high).contains(&u), "{u} is outside [{low}, {high}]");
                }
            }
        }
        assert_eq!(mind.planned(&state).len(), artifact.sizes().h());
    }
    steps::<Learned<'_>, _, _>(artifact);
    steps::<Larger<'_>, _, _>(artifact);
    steps::<Physical<'_>, _, _>(artifact);
    recognise::<Exact<'_>, _>(artifact);
    recognise::<Coder<'_>, _>(artifact);
    foresee(artifact);
}

fn foresee(artifact: &Artifact<'_>) {
    let Ok(mind) = Foreseeing::load(artifact) else { return };
    assert_eq!(artifact.header().kind, Kind::Model);
    let (mut state, mut decision) = (Zero::ZERO, Decision::ZERO);
    let Sensors { low, high } = artifact.header().sensors;
    let asked = vec![0.5 * low + 0.5 * high; artifact.sizes().ny()];
    let result = mind.step(&mut state, Reading::Sensors(&asked), Mode::Plan, &mut decision);
    assert_eq!(result, Ok(()));
    assert!(mind.step(&mut state, Reading::Sensors(&[f32::NAN]), Mode::Plan, &mut decision).is_err());
    assert_eq!(decision.action, [0.0; 3]);
}

/// A tiny watcher's file.
fn watcher(change: impl FnOnce(&mut Header<'static>)) -> File {
    let (mut header, mut buffer) = (watch::header(watch::SETTINGS), vec![0; 8192]);
    change(&mut header);
    let length = watch::fill(header, 0.5, &mut buffer).unwrap();
    File::new(&buffer[..length])
}

fn observe(artifact: &Artifact<'_>) {
    let Ok(mind) = Watching::load(artifact) else { return };
    assert_eq!(artifact.header().kind, Kind::Watcher);
    let (mut state, mut decision) = (Zero::ZERO, Decision::ZERO);
    let Sensors { low, high } = artifact.header().sensors;
    let asked = vec![0.5 * low + 0.5 * high; artifact.sizes().ny()];
    for _ in 0..5 {
        let result = mind.step(&mut state, Reading::Sensors(&asked), Mode::Plan, &mut decision);
        assert_eq!(result, Ok(()));
    }
    assert!(mind.step(&mut state, Reading::Missing, Mode::Plan, &mut decision).is_err());
    assert_eq!(decision.action, [0.0; ANSWER]);
}

fn recognise<'a, M: Mind<'a, 0, N>, const N: usize>(artifact: &Artifact<'a>) {
    let Ok(mind) = M::load(artifact) else { return };
    assert_eq!(artifact.header().kind, Kind::Perception);
    let (mut state, mut decision) = (M::State::ZERO, Decision::ZERO);
    let Sensors { low, high } = artifact.header().sensors;
    let y = vec![0.5 * low + 0.5 * high; artifact.sizes().ny()];
    let result = mind.step(&mut state, Reading::Sensors(&y), Mode::Plan, &mut decision);
    assert_eq!(result, Ok(()));
    assert!(mind.step(&mut state, Reading::Sensors(&[f32::NAN]), Mode::Plan, &mut decision).is_err());
    assert_eq!(decision.action, [0.0; N]);
}

#[test]
fn a_good_file_is_read() {
    let file = file(|_| {});
    let artifact = file.parse().unwrap();
    let mut expected = header();
    expected.tensors = artifact.header().tensors.clone();
    assert_eq!(*artifact.header(), expected);
    assert_eq!(artifact.len(), file.length);
    assert!(!artifact.is_empty());
    assert_eq!(artifact.checksum().to_le_bytes(), file.bytes()[file.length - 4..]);
    assert!(artifact.has("predict") && !artifact.has("value"));
    for (part, name, rows, cols) in tensors() {
        let weights = artifact.matrix(part, name, rows, cols).unwrap();
        for col in 0..cols {
            let (mut unit, mut column) = (vec![0.0; cols], vec![0.0; rows]);
            unit[col] = 1.0;
            weights.add(&unit, &mut column);
            assert!(column.iter().enumerate().all(|(row, w)| *w == value(part, name, row, col)));
        }
    }
    Learned::load(&artifact).unwrap();
    Larger::load(&artifact).unwrap();
    run(&artifact);
}

#[test]
fn perception_needs_no_agent() {
    let file = perception(|header| header.classifier.normalise = true);
    let artifact = file.parse().unwrap();
    let expected = Header {
        classifier: Classifier { normalise: true },
        tensors: artifact.header().tensors.clone(),
        ..perception_header(CLASSES)
    };
    assert_eq!(*artifact.header(), expected);
    Exact::load(&artifact).unwrap();
    run(&artifact);
    // The code itself goes out where there is no classifier.
    let code = file_with(perception_header(NC), perception_tensors().filter(|tensor| tensor.0 == "perceive"));
    let artifact = code.parse().unwrap();
    Coder::load(&artifact).unwrap();
    run(&artifact);
    // What an agent must have in range is not looked at.
    let odd = perception(|header| {
        header.planner = Planner::Discrete(Tree { beam: 0, ..TREE });
        header.estimator.gates.clear();
        header.model = Model::Physics(Plant::Pendulum);
    });
    Exact::load(&odd.parse().unwrap()).unwrap();
}

#[test]
fn a_model_needs_no_agent() {
    let file = model(|_| {});
    let artifact = file.parse().unwrap();
    let sizes = Sizes { observation: (NX + NU + NZ) as u32, code: 0, horizon: 0, ..SIZES };
    assert_eq!((artifact.sizes(), artifact.header().answer()), (sizes, NX));
    Foreseeing::load(&artifact).unwrap();
    run(&artifact);
    // What an agent must have in range is not looked at.
    let odd = model(|header| header.planner = Planner::Discrete(Tree { beam: 0, ..TREE }));
    Foreseeing::load(&odd.parse().unwrap()).unwrap();
    type Short<'a> = Forecaster<Network<'a, NX, NU, NZ, NH>, NX, NU, NZ, 1>;
    let error = ArtifactError::TooLarge { what: "outputs", capacity: 1, found: NX };
    assert_eq!(Short::load(&artifact).unwrap_err(), error);
}

#[test]
fn perception_needs_its_tensors_in_shape() {
    for (i, (part, name, rows, cols)) in perception_tensors().enumerate() {
        let others = perception_tensors().filter(|tensor| (tensor.0, tensor.1) != (part, name));
        let file = file_with(perception_header(CLASSES), others);
        assert_eq!(Exact::load(&file.parse().unwrap()).unwrap_err(), ArtifactError::Missing { part, name });
        let file = perception(|_| {}).retabled(|tensors| tensors[i].rows -= 1);
        let (expected, found) = ((rows, cols), (rows - 1, cols));
        let error = Exact::load(&file.parse().unwrap()).unwrap_err();
        assert_eq!(error, ArtifactError::Shape { part, name, expected, found });
    }
}

#[test]
fn every_truncation_is_an_error() {
    let file = file(|_| {});
    for length in 0..file.length {
        let error = Artifact::parse(&file.bytes()[..length]).expect_err("a part is no file");
        if length < 8 {
            assert_eq!(error, ArtifactError::Truncated);
        } else {
            let expected = ArtifactError::BadLength { stated: file.length as u32, found: length };
            assert!(error == expected || length < PRELUDE && error == ArtifactError::Truncated);
        }
    }
    let longer = [file.bytes(), &[0]].concat();
    let (stated, found) = (file.length as u32, file.length + 1);
    assert_eq!(Artifact::parse(&longer).unwrap_err(), ArtifactError::BadLength { stated, found });
}

#[test]
fn every_mended_truncation_is_an_error() {
    let file = file(|_| {});
    // The zeros behind the last number may be missing.
    let padding = 12;
    for length in PRELUDE..file.length - padding {
        let part = File::new(&file.bytes()[..length]).mend();
        let error = part.error();
        let typed =
            matches!(error, ArtifactError::Header | ArtifactError::Extent { .. } | ArtifactError::Misaligned);
        assert!(typed, "{length} bytes: {error:?}");
    }
}

#[test]
fn every_changed_bit_is_an_error() {
    let mut file = file(|_| {});
    for bit in 0..8 * file.length {
        file.bytes_mut()[bit / 8] ^= 1 << (bit % 8);
        let error = file.error();
        let typed = match bit / 8 {
            0..4 => error == ArtifactError::BadMagic,
            4..8 => matches!(error, ArtifactError::BadLength { .. }),
            _ => matches!(error, ArtifactError::Checksum { .. }),
        };
        assert!(typed, "bit {bit}: {error:?}");
        file.bytes_mut()[bit / 8] ^= 1 << (bit % 8);
    }
    assert!(file.parse().is_ok());
}

/// With the right checksum a changed bit may be another good file; but no changed bit is a panic, at the door or later.
#[test]
fn every_changed_bit_behind_the_checksum_is_refused_or_runs() {
    let good = file(|_| {});
    for bit in 8 * 8..8 * (good.length - 4) {
        let mut file = good.clone();
        file.bytes_mut()[bit / 8] ^= 1 << (bit % 8);
        if let Ok(artifact) = file.mend().parse() {
            run(&artifact);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn mutations_are_refused_or_run(changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
        let mut file = file(|_| {});
        for (at, byte) in changes {
            let at = 8 + at.index(file.length - 8);
            file.bytes_mut()[at] = byte;
        }
        if let Ok(artifact) = file.mend().parse() {
            run(&artifact);
        }
    }

    #[test]
    fn mutations_of_a_watcher_are_refused_or_run(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        header in any::<bool>(),
    ) {
        let mut file = watcher(|_| {});
        let end = if header { file.section() } else { file.length };
        for (at, byte) in changes {
            let at = 8 + at.index(end - 8);
            file.bytes_mut()[at] = byte;
        }
        if let Ok(artifact) = file.mend().parse() {
            observe(&artifact);
        }
    }

    #[test]
    fn mutated_weights_are_refused_or_run(changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u32>()), 1..6)) {
        let mut file = file(|_| {});
        let start = file.section();
        for (at, bits) in changes {
            let at = start + 4 * at.index((file.length - 4 - start) / 4);
            file.bytes_mut()[at..at + 4].copy_from_slice(&bits.to_le_bytes());
        }
        if let Ok(artifact) = file.mend().parse() {
            run(&artifact);
        }
    }

    #[test]
    fn settings_are_refused_or_run(
        bits in any::<[u32; 4]>(), gate in any::<u32>(), counts in any::<[u16; 2]>(), small in any::<[u8; 3]>(),
    ) {
        let [low, high, step, target] = bits.map(f32::from_bits);
        let file = file(|header| {
            header.sensors = Sensors { low, high };
            header.estimator.gates[0].limit = f32::from_bits(gate).abs();
            header.estimator.patience = counts[0];
            header.planner =
                Planner::Gradient(Descent { iterations: counts[1] % 64, momentum: 0.9, step: step.abs(), tolerance: 0.0 });
            header.cost.terms[0].target = target;
            header.cost.terms[1].weight = target.abs();
            header.encoder = Encoder::Lista { iterations: small[0].into(), activation: Activation::Soft };
            header.angles = Angles((small[1] & 3).into());
        });
        if let Ok(artifact) = file.parse() {
            run(&artifact);
        }
    }

    #[test]
    fn mutated_perception_is_refused_or_runs(changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
        let mut file = perception(|_| {});
        for (at, byte) in changes {
            let at = 8 + at.index(file.length - 8);
            file.bytes_mut()[at] = byte;
        }
        if let Ok(artifact) = file.mend().parse() {
            run(&artifact);
        }
    }

    #[test]
    fn a_mutated_model_is_refused_or_runs(changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
        let mut file = model(|_| {});
        for (at, byte) in changes {
            let at = 8 + at.index(file.length - 8);
            file.bytes_mut()[at] = byte;
        }
        if let Ok(artifact) = file.mend().parse() {
            run(&artifact);
        }
    }

    #[test]
    fn any_bytes_are_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(File::new(&bytes).parse().is_err());
        if bytes.len() >= 16 {
            let mut file = File::new(&bytes);
            file.bytes_mut()[..4].copy_from_slice(&MAGIC);
            prop_assert!(file.mend().parse().is_err());
        }
    }
}

#[test]
fn every_violation_has_its_error() {
    assert_eq!(Artifact::parse(&[]).unwrap_err(), ArtifactError::Truncated);
    assert_eq!(Artifact::parse(b"FTH").unwrap_err(), ArtifactError::Truncated);
    assert_eq!(Artifact::parse(b"MZ\x90\0 and so on").unwrap_err(), ArtifactError::BadMagic);
    let version = file(|header| header.version = 1);
    assert_eq!(version.error(), ArtifactError::Version { found: 1 });

    // A header longer than the file, one shorter than it is, one with bytes behind it.
    let mut long = file(|_| {});
    long.bytes_mut()[8..12].copy_from_slice(&u32::MAX.to_le_bytes());
    assert_eq!(long.mend().error(), ArtifactError::Header);
    for change in [-1, 1] {
        let mut other = file(|_| {});
        let length = i32::from_le_bytes(other.bytes()[8..12].try_into().unwrap());
        other.bytes_mut()[8..12].copy_from_slice(&(length + change).to_le_bytes());
        assert_eq!(other.mend().error(), ArtifactError::Header);
    }

    let beyond = retabled(|tensors| tensors[3].offset = 1 << 20);
    assert_eq!(beyond.error(), ArtifactError::Extent { offset: 1 << 20 });
    let endless = retabled(|tensors| (tensors[0].rows, tensors[0].cols) = (u32::MAX, u32::MAX));
    assert_eq!(endless.error(), ArtifactError::Extent { offset: 0 });
    let crooked = retabled(|tensors| tensors[1].offset += 4);
    assert_eq!(crooked.error(), ArtifactError::Misaligned);
}

#[test]
fn a_misaligned_file_is_refused() {
    let file = file(|_| {});
    let mut moved = File::new(&[&[0], file.bytes()].concat());
    assert_eq!(Artifact::parse(&moved.bytes_mut()[1..]).unwrap_err(), ArtifactError::Misaligned);
}

#[test]
fn a_number_that_is_none_is_refused() {
    let good = file(|_| {});
    let artifact = good.parse().unwrap();
    let start = good.section();
    for (i, tensor) in artifact.header().tensors.iter().enumerate() {
        for number in [f32::NAN, -f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let mut bad = good.clone();
            // The last number of the tensor.
            let at = start + tensor.offset as usize + 4 * ((tensor.rows * tensor.cols) as usize - 1);
            bad.bytes_mut()[at..at + 4].copy_from_slice(&number.to_le_bytes());
            assert_eq!(bad.mend().error(), ArtifactError::NonFinite { tensor: i });
        }
    }
}

#[test]
fn every_tensor_is_needed() {
    for (part, name, ..) in tensors() {
        let file = file_of(header(), |p, n| (p, n) != (part, name));
        let error = Learned::load(&file.parse().unwrap()).unwrap_err();
        assert_eq!(error, ArtifactError::Missing { part, name });
    }
    // Of a value there is all or nothing.
    assert!(Learned::load(&file(|_| {}).parse().unwrap()).is_ok());
}

#[test]
fn a_value_may_be_a_table() {
    let table = |points: usize| {
        let axis = |name| ("value", name, NX, 1);
        [axis("points"), axis("low"), axis("rate"), ("value", "table", points, 1)]
    };
    let load = |kept: &[tensors::Tensor]| {
        let file = file_with(header(), tensors().chain(kept.iter().copied()));
        Learned::load(&file.parse().unwrap()).map(drop)
    };
    let all = table(3_usize.pow(NX as u32));
    assert_eq!(load(&all), Ok(()));
    for missing in 0..3 {
        let kept: Vec<_> = (0..4).filter(|&i| i != missing).map(|i| all[i]).collect();
        assert_eq!(load(&kept), Err(ArtifactError::Missing { part: "value", name: all[missing].1 }));
    }
    assert!(matches!(load(&table(8)), Err(ArtifactError::Shape { name: "table", .. })));
}

#[test]
fn every_tensor_must_have_its_shape() {
    for (part, name, rows, cols) in tensors() {
        let shape = |rows: usize, cols: usize| {
            let file = retabled(|tensors| {
                let tensor = &mut tensors[index(part, name)];
                (tensor.rows, tensor.cols) = (rows as u32, cols as u32);
            });
            Learned::load(&file.parse().unwrap()).unwrap_err()
        };
        if name == "b1" {
            // Its length is the number of hidden units, which the others must have.
            assert!(matches!(shape(rows - 1, 1), ArtifactError::Shape { name: "w_h", .. }));
            continue;
        }
        let wrong = shape(rows - 1, cols);
        assert!(
            matches!(wrong, ArtifactError::Shape { found, .. } if found == (rows - 1, cols)),
            "{part}.{name}"
        );
        let wrong = shape(rows, cols - 1);
        assert!(
            matches!(wrong, ArtifactError::Shape { found, .. } if found == (rows, cols - 1)),
            "{part}.{name}"
        );
    }
}

#[test]
fn a_file_larger_than_the_type_is_refused() {
    let file = file(|_| {});
    let artifact = file.parse().unwrap();
    let sizes = artifact.sizes();
    let too_large = |what, capacity, found| Err(ArtifactError::TooLarge { what, capacity, found });
    assert_eq!(sizes.check_observation::<2, 5>(), too_large("sensor values", 2, 3));
    assert_eq!(sizes.check_observation::<3, 4>(), too_large("code units", 4, 5));
    assert_eq!(sizes.check_state::<1, 1, 1>(), too_large("state components", 1, 2));
    assert_eq!(sizes.check_state::<2, 0, 1>(), too_large("action components", 0, 1));
    assert_eq!(sizes.check_state::<2, 1, 0>(), too_large("latent components", 0, 1));
    assert_eq!(sizes.check_horizon::<1>(), too_large("planned steps", 1, 2));
    let few_units = Network::<NX, NU, NZ, 2>::load(&artifact).map(|_| ());
    assert_eq!(few_units, too_large("hidden units", 2, 3));
    assert!(Lista::<2, NC>::load(&artifact).is_err());
}

#[test]
fn another_kind_is_refused() {
    let expected = "the pendulum's physics as forward model";
    let file_of_network = file(|_| {});
    let artifact = file_of_network.parse().unwrap();
    assert_eq!(Pendulum::load(&artifact).unwrap_err(), ArtifactError::Kind { expected });
    let expected = "a learned network as forward model";
    let file_of_physics = file_of(physics(Model::Physics(Plant::Pendulum)), |_, _| true);
    let artifact = file_of_physics.parse().unwrap();
    assert_eq!(Learned::load(&artifact).unwrap_err(), ArtifactError::Kind { expected });
    assert!(Physical::load(&artifact).is_ok());
    let expected = "physics with a learned residual as forward model";
    assert_eq!(Corrected::load(&artifact).unwrap_err(), ArtifactError::Kind { expected });
    let file_of_residual = file(|header| header.model = Model::Residual(Plant::Pendulum));
    let artifact = file_of_residual.parse().unwrap();
    assert!(Corrected::load(&artifact).is_ok() && Pendulum::load(&artifact).is_ok());
    let expected = "the cart-pole's physics as forward model";
    assert_eq!(CartPole::load(&artifact).unwrap_err(), ArtifactError::Kind { expected });
}

/// The header of a mind whose model is physics, or physics and a network.
fn physics(model: Model) -> Header<'static> {
    let mut header = Header { model, ..header() };
    header.sizes.latent = 0;
    header
}

/// A file with a plant of these constants.
fn plant(plant: Plant, constants: &[f32]) -> File {
    let mut header = physics(Model::Physics(plant));
    (header.sizes.state, header.sizes.action) = plant.sizes().expect("sizes of its own");
    let value = |row: usize, _| constants[row];
    let entry = Entry { part: "predict", name: "constants", rows: constants.len(), cols: 1, value: &value };
    let mut buffer = vec![0; 1024];
    let length = write(header, &[entry], &mut buffer).unwrap();
    File::new(&buffer[..length])
}

/// Whether a plant's constants are read in their order, and refused when they are too few, or 0 beside those that may be.
fn constants_of<C, const N: usize>(named: Plant, free: std::ops::Range<usize>, what: &'static str)
where
    C: for<'a> Load<'a> + Into<[f32; N]> + Default,
{
    let constants: [f32; N] = std::array::from_fn(|i| 0.5 + i as f32);
    let read = |constants: &[f32]| C::load(&plant(named, constants).parse().unwrap()).map(Into::into);
    assert_eq!(read(&constants), Ok(constants));
    assert_eq!(read(&C::default().into()), Ok(C::default().into()));
    let found = (N - 1, 1);
    let shape = ArtifactError::Shape { part: "predict", name: "constants", expected: (N, 1), found };
    assert_eq!(read(&constants[1..]), Err(shape));
    for i in (0..N).filter(|i| !free.contains(i)) {
        let mut bad = constants;
        bad[i] = 0.0;
        assert_eq!(read(&bad), Err(ArtifactError::Setting { what }), "constant {i}");
    }
}

#[test]
fn the_constants_of_a_plant_may_be_ones_own() {
    constants_of::<pendulum::Constants, 4>(
        Plant::Pendulum,
        0..0,
        "a pendulum's gravity, gain, largest speed and time step must be above 0",
    );
    constants_of::<cart_pole::Constants, 5>(
        Plant::CartPole,
        0..0,
        "a cart-pole's gravity, masses, length and time step must be above 0",
    );
    constants_of::<rocket::Constants, 5>(
        Plant::Rocket,
        0..1,
        "a rocket's mass, exhaust speed, lever and time step must be above 0",
    );
    constants_of::<car::Constants, 3>(Plant::Car, 1..2, "a car's wheelbase and time step must be above 0");
    constants_of::<mountain_car::Constants, 5>(
        Plant::MountainCar,
        3..5,
        "a mountain car's gravity, power and largest speed must be above 0, its wall left of its end",
    );
    let what = "a quadrotor's gravity, thrust and time step must be above 0";
    constants_of::<quadrotor::Constants, 18>(Plant::Quadrotor, 2..17, what);
}

#[test]
fn a_plant_has_sizes_of_its_own() {
    let what = "state and action must have as many components as the plant's";
    for model in [Model::Physics(Plant::CartPole), Model::Residual(Plant::CartPole)] {
        assert_eq!(file_of(physics(model), |_, _| true).error(), ArtifactError::Setting { what });
    }
    let what = "physics alone has no latent variable";
    let latent = file(|header| header.model = Model::Physics(Plant::Pendulum));
    assert_eq!(latent.error(), ArtifactError::Setting { what });
}

#[test]
fn a_mind_of_the_other_kind_is_refused() {
    let (agent, perception) = (file(|_| {}), perception(|_| {}));
    let (agent, perception) = (agent.parse().unwrap(), perception.parse().unwrap());
    let expected = "an encoder alone";
    assert_eq!(Exact::load(&agent).unwrap_err(), ArtifactError::Kind { expected });
    let expected = "a whole agent";
    assert_eq!(Learned::load(&perception).unwrap_err(), ArtifactError::Kind { expected });
}

/// A change of the header.
type Change = fn(&mut Header<'static>);

#[test]
fn every_setting_out_of_range_has_its_sentence() {
    let cases: [(Change, &str); 47] = [
        (|h| h.sizes.state = 0, "the state needs at least one component"),
        (|h| h.sizes.state = 65, "the state may have at most 64 components"),
        (|h| h.sizes.action = 0, "the action needs at least one component"),
        (|h| h.sizes.horizon = 0, "the horizon must be at least one step"),
        (|h| h.angles = Angles(4), "an angle is past the end of the state"),
        (|h| h.angles = Angles(1 << 63), "an angle is past the end of the state"),
        (|h| h.estimator.measured[1].index = 2, "a feature is past the end of the state"),
        (|h| h.cost.terms[1].feature.index = 9, "a feature is past the end of the state"),
        (
            |h| h.cost.terms[1].feature.map = Map::Angle,
            "the feature of an angle looks at a component that is none",
        ),
        (
            |h| h.estimator.measured[1].map = Map::Sin,
            "the feature of an angle looks at a component that is none",
        ),
        (|h| h.angles = Angles(0), "the feature of an angle looks at a component that is none"),
        (|h| h.sensors.low = 1.0, "a sensor's low end must be below its high end"),
        (|h| h.sensors.high = f32::INFINITY, "a sensor's low end must be below its high end"),
        (|h| h.sensors.low = f32::NAN, "a sensor's low end must be below its high end"),
        (|h| h.estimator.gates[0].limit = 0.0, "the filter's gates must be positive numbers"),
        (|h| h.estimator.gates[0].limit = f32::NAN, "the filter's gates must be positive numbers"),
        (|h| h.estimator.gates[0].features = 1, "each measured feature needs one gate"),
        (|h| h.estimator.gates.clear(), "each measured feature needs one gate"),
        (|h| h.estimator.patience = 0, "the filter's patience must be at least one observation"),
        (|h| h.cost.terms[0].target = f32::NAN, "a cost needs finite targets and weights of at least 0"),
        (|h| h.cost.terms[0].weight = -1.0, "a cost needs finite targets and weights of at least 0"),
        (
            |h| h.cost.terms[1].terminal = f32::INFINITY,
            "a cost needs finite targets and weights of at least 0",
        ),
        (
            |h| h.planner = Planner::Gradient(Descent { momentum: 1.0, ..DESCENT }),
            "the planner's momentum must be at least 0 and less than 1",
        ),
        (
            |h| h.planner = Planner::Gradient(Descent { momentum: -0.1, ..DESCENT }),
            "the planner's momentum must be at least 0 and less than 1",
        ),
        (
            |h| h.planner = Planner::Gradient(Descent { momentum: f32::NAN, ..DESCENT }),
            "the planner's momentum must be at least 0 and less than 1",
        ),
        (
            |h| h.planner = Planner::Gradient(Descent { step: 0.0, ..DESCENT }),
            "the planner's first step must be a positive number",
        ),
        (
            |h| h.planner = Planner::Gradient(Descent { step: f32::INFINITY, ..DESCENT }),
            "the planner's first step must be a positive number",
        ),
        (
            |h| h.planner = Planner::Gradient(Descent { tolerance: -1e-9, ..DESCENT }),
            "the planner's tolerance must be a number of at least 0",
        ),
        (
            |h| h.planner = Planner::Gradient(Descent { tolerance: f32::NAN, ..DESCENT }),
            "the planner's tolerance must be a number of at least 0",
        ),
        (
            |h| h.planner = Planner::Gradient(Descent { tolerance: f32::INFINITY, ..DESCENT }),
            "the planner's tolerance must be a number of at least 0",
        ),
        (|h| obstacle(h, |o| o.components[1] = 2), "an obstacle is past the end of the state"),
        (|h| obstacle(h, |o| o.radius = 0.0), ROUND),
        (|h| obstacle(h, |o| o.centre[0] = f32::NAN), ROUND),
        (|h| obstacle(h, |o| o.weight = -1.0), ROUND),
        (|h| newton(h, |n| n.damping = f32::NAN), "the planner's damping must be a number of at least 0"),
        (|h| newton(h, |n| n.tolerance = -1.0), "the planner's tolerance must be a number of at least 0"),
        (
            |h| h.planner = Planner::Lq(ActiveSet { iterations: 1, tolerance: f32::NAN }),
            "the planner's tolerance must be a number of at least 0",
        ),
        (
            |h| h.planner = Planner::Discrete(Tree { beam: 0, ..TREE }),
            "the planner must keep at least one state",
        ),
        (
            |h| h.planner = Planner::Discrete(Tree { actions: 0, ..TREE }),
            "the planner needs at least one action to choose",
        ),
        (
            |h| h.planner = Planner::Discrete(Tree { hold: 0, ..TREE }),
            "the planner must hold an action for at least one step",
        ),
        (
            |h| h.planner = Planner::Discrete(Tree { beam: 6554, actions: 10, ..TREE }),
            "the planner can weigh at most 65536 states after each decision: fewer states or fewer actions",
        ),
        (|h| sampling(h, |s| s.samples = 0), "the planner must draw at least one sample"),
        (|h| sampling(h, |s| s.deviation = 0.0), "the deviation of samples must be a positive number"),
        (
            |h| sampling(h, |s| s.correlation = 1.0),
            "the noise's correlation must be at least 0 and less than 1",
        ),
        (
            |h| sampling(h, |s| s.method = Method::PathIntegral { temperature: 0.0 }),
            "the temperature of samples must be a positive number",
        ),
        (|h| sampling(h, |s| s.method = Method::CrossEntropy { elites: 9 }), ELITES),
        (|h| sampling(h, |s| s.method = Method::CrossEntropy { elites: 0 }), ELITES),
    ];
    for (change, what) in cases {
        assert_eq!(file(change).error(), ArtifactError::Setting { what });
    }
}

const TREE: Tree = Tree { beam: 4, actions: 3, hold: 1 };

const ROUND: &str = "an obstacle needs a finite place, a radius above 0 and a weight of at least 0";
const ELITES: &str = "the best of the samples must be at least one and not more than there are";

/// Gives a header an obstacle with something wrong.
fn obstacle(header: &mut Header<'_>, spoil: fn(&mut Obstacle)) {
    let mut obstacle = Obstacle { components: [0, 1], centre: [0.5, 0.0], radius: 1.0, weight: 2.0 };
    spoil(&mut obstacle);
    header.cost.obstacles.push(obstacle).unwrap();
}

/// Gives a header an iLQR planner with something wrong.
fn newton(header: &mut Header<'_>, spoil: fn(&mut Newton)) {
    let mut settings = Newton { iterations: 3, trials: 4, damping: 1e-3, tolerance: 1e-4 };
    spoil(&mut settings);
    header.planner = Planner::Ilqr(settings);
}

/// Gives a header a sampling planner with something wrong.
fn sampling(header: &mut Header<'_>, spoil: fn(&mut Sampling)) {
    let mut settings = Sampling {
        method: Method::CrossEntropy { elites: 2 },
        iterations: 2,
        samples: 8,
        deviation: 0.5,
        correlation: 0.5,
        seed: 1,
    };
    spoil(&mut settings);
    header.planner = Planner::Sampling(settings);
}

#[test]
fn every_setting_of_perception_out_of_range_has_its_sentence() {
    let no_agent = "perception has no state, latent variable, hidden layer or horizon";
    let cases: [(Change, &str); 10] = [
        (|h| h.sensors.high = h.sensors.low, "a sensor's low end must be below its high end"),
        (|h| h.sensors.low = f32::NAN, "a sensor's low end must be below its high end"),
        (|h| h.sizes.observation = 0, "an observation needs at least one number"),
        (|h| h.sizes.code = 0, "a code needs at least one unit"),
        (|h| h.sizes.action = 0, "perception needs at least one output"),
        (|h| h.sizes.state = 1, no_agent),
        (|h| h.sizes.latent = 1, no_agent),
        (|h| h.sizes.hidden = 1, no_agent),
        (|h| h.sizes.horizon = 1, no_agent),
        (|h| h.angles = Angles(1), no_agent),
    ];
    for (change, what) in cases {
        assert_eq!(perception(change).error(), ArtifactError::Setting { what });
    }
    let what = "without a classifier the outputs are the code: as many as it has units";
    let code = file_with(perception_header(CLASSES), perception_tensors().take(4));
    assert_eq!(code.error(), ArtifactError::Setting { what });
}

#[test]
fn every_setting_of_a_model_out_of_range_has_its_sentence() {
    let members = "an ensemble has 1 to 6 members";
    let inputs = "a forward model's observation is its state, its action and its latent variable";
    let no_agent = "a forward model alone has no code and no horizon";
    let reacts = "without a forward model a mind can only react: it is a controller without a planner";
    let cases: [(Change, &str); 9] = [
        (|h| h.model = Model::Absent, reacts),
        (|h| h.sizes.state = 0, "the state needs at least one component"),
        (|h| h.angles = Angles(0b100), "an angle is past the end of the state"),
        (|h| h.sizes.code = 1, no_agent),
        (|h| h.sizes.horizon = 1, no_agent),
        (|h| h.sizes.observation = 3, inputs),
        (|h| h.sizes.latent = 2, inputs),
        (|h| h.model = Model::Ensemble { members: 0 }, members),
        (|h| h.model = Model::Ensemble { members: 7 }, members),
    ];
    for (change, what) in cases {
        assert_eq!(model(change).error(), ArtifactError::Setting { what });
    }
}

#[test]
fn every_setting_of_a_watcher_out_of_range_has_its_sentence() {
    fn settings<'h>(header: &'h mut Header<'_>) -> &'h mut Traffic {
        let Model::Traffic(settings) = &mut header.model else { panic!("a watcher without its model") };
        settings
    }
    let sizes = "a watcher's state has 3 components and its action 2";
    let fours = "a view must have rows and columns in fours";
    let inputs =
        "a watcher's observation is the cells of a view, its state, its action and its latent variable";
    let views = "a watcher remembers 1 to 8 views";
    let units = "a model of traffic needs maps and hidden units";
    let most = "a view may have at most 4096 cells, and a model of traffic as many maps and hidden units";
    let alone = "a watcher has no code, no horizon and no angles";
    let cases: [(Change, &str); 15] = [
        (|h| h.model = Model::Network, "a watcher needs a model of traffic"),
        (|h| h.sizes.state = 4, sizes),
        (|h| h.sizes.action = 1, sizes),
        (|h| settings(h).along = 10, fours),
        (|h| settings(h).across = 0, fours),
        (|h| settings(h).along = 12, inputs),
        (|h| h.sizes.latent = 2, inputs),
        (|h| settings(h).past = 0, views),
        (|h| settings(h).past = 9, views),
        (|h| settings(h).lanes = 0, "the road needs at least one lane"),
        (|h| settings(h).maps = 0, units),
        (|h| h.sizes.hidden = 0, units),
        (|h| settings(h).fine = 4097, most),
        (|h| h.sizes.horizon = 1, alone),
        (|h| h.angles = Angles(1), alone),
    ];
    for (change, what) in cases {
        assert_eq!(watcher(change).error(), ArtifactError::Setting { what });
    }
    let what =
        "a model of traffic is for watching alone: it has no state that a filter or a planner could use";
    let other = model(|h| h.model = Model::Traffic(watch::SETTINGS));
    assert_eq!(other.error(), ArtifactError::Setting { what });
    observe(&watcher(|_| {}).parse().unwrap());
    Watching::load(&watcher(|_| {}).parse().unwrap()).unwrap();
}

/// Length and width of a cell, columns behind, length and width of a car, of a lane, of a line, and the time.
#[test]
fn a_geometry_that_cannot_be_has_its_sentence() {
    let measures = "cells, cars, lanes, lines and the time from view to view must be larger than 0, and no cell larger than a car";
    for (entry, number, what) in [
        (0, 0.0, measures),
        (0, 5.5, measures),
        (1, 2.5, measures),
        (2, -1.0, measures),
        (7, 0.0, measures),
        (3, 33.0, "a car must be smaller than a view"),
    ] {
        let mut file = watcher(|_| {});
        let at = file.section() + file.parse().unwrap().header().tensors[0].offset as usize + 4 * entry;
        file.bytes_mut()[at..at + 4].copy_from_slice(&f32::to_le_bytes(number));
        let file = file.mend();
        assert_eq!(Watching::load(&file.parse().unwrap()).unwrap_err(), ArtifactError::Setting { what });
    }
}

#[test]
fn every_number_out_of_range_has_its_sentence() {
    for (part, name, number, what) in [
        ("action", "low", 1.0, "an action's low end must be below its high end"),
        ("action", "high", -2.0, "an action's low end must be below its high end"),
        ("action", "safe", 1.5, "the safe action must be inside the action's range"),
        ("estimate", "noise", 0.0, "a measured feature needs a positive variance"),
        ("estimate", "prior", -0.1, "a variance of the state must be at least 0"),
        ("estimate", "process", -0.1, "a variance of the state must be at least 0"),
        ("cost", "action", -0.1, "an action's weight must be at least 0"),
    ] {
        let mut file = file(|_| {});
        let start = file.section();
        let at = start + file.parse().unwrap().header().tensors[index(part, name)].offset as usize;
        file.bytes_mut()[at..at + 4].copy_from_slice(&f32::to_le_bytes(number));
        let file = file.mend();
        assert_eq!(Learned::load(&file.parse().unwrap()).unwrap_err(), ArtifactError::Setting { what });
    }
}

#[test]
fn every_error_has_its_sentence() {
    let (part, name) = ("predict", "w_x");
    let sentences = [
        (ArtifactError::Truncated, "the weight file is too short to be one: export it again"),
        (ArtifactError::BadMagic, "not a Forethought weight file: it does not start with \"FTH1\""),
        (
            ArtifactError::BadLength { stated: 10, found: 9 },
            "the weight file says it has 10 bytes but 9 are there: copy it again",
        ),
        (
            ArtifactError::Checksum { stored: 0xabc, computed: 0xdead_beef },
            "the weight file is damaged: its checksum is deadbeef, not 00000abc: copy it again",
        ),
        (
            ArtifactError::Version { found: 1 },
            "the weight file has format version 1, this program reads version 6: export it again",
        ),
        (ArtifactError::Header, "the weight file's header cannot be decoded: export it again"),
        (ArtifactError::Extent { offset: 64 }, "a tensor at byte 64 reaches past the end of the weight file"),
        (ArtifactError::Misaligned, "a tensor, or the weight file in memory, is not aligned to 16 bytes"),
        (ArtifactError::NonFinite { tensor: 3 }, "tensor 3 of the weight file holds NaN or infinity"),
        (ArtifactError::Missing { part, name }, "the weight file has no tensor predict.w_x"),
        (
            ArtifactError::Shape { part, name, expected: (3, 2), found: (2, 3) },
            "tensor predict.w_x is 2×3, the agent's sizes ask for 3×2",
        ),
        (
            ArtifactError::TooLarge { what: "hidden units", capacity: 8, found: 9 },
            "the weight file has 9 hidden units, this agent type holds 8: build it with larger sizes",
        ),
        (
            ArtifactError::Setting { what: "the horizon must be at least one step" },
            "a setting of the weight file is out of range: the horizon must be at least one step",
        ),
        (
            ArtifactError::Kind { expected: "a learned network as forward model" },
            "this agent type runs a learned network as forward model; the weight file holds another kind",
        ),
        (
            ArtifactError::Kind { expected: "an encoder alone" },
            "this agent type runs an encoder alone; the weight file holds another kind",
        ),
    ];
    for (error, sentence) in &sentences {
        assert_eq!(error.to_string(), *sentence);
    }
    let different: BTreeSet<_> = sentences.iter().map(|(error, _)| format!("{error}")).collect();
    assert_eq!(different.len(), sentences.len());
}

#[test]
fn what_cannot_be_written_is_an_error() {
    let zero = |_, _| 0.0;
    let entry = || Entry { part: "p", name: "n", rows: 1, cols: 1, value: &zero };
    let entries: Vec<_> = (0..=TENSORS).map(|_| entry()).collect();
    let mut buffer = vec![0; 8192];
    assert_eq!(write(header(), &entries, &mut buffer), Err(WriteError::TooManyTensors));
    let length = write(header(), &entries[1..], &mut buffer).unwrap();
    for space in 0..length {
        assert_eq!(write(header(), &entries[1..], &mut buffer[..space]), Err(WriteError::NoSpace));
    }
    assert_eq!(write(header(), &entries[1..], &mut buffer[..length]), Ok(length));
    assert_eq!(WriteError::TooManyTensors.to_string(), "an agent has at most 64 tensors");
    assert_eq!(WriteError::NoSpace.to_string(), "the weight file does not fit into the buffer");
}
