//! Energies: what encoder and decoder miss, what networks say, what is strange, and the minds that judge and dream.

use crate::{
    Case, Failure,
    failure::{Golden, holds, near, same_bits},
    tiny::{self, NC, NU, NY, Numbers, World},
    zero,
};
use forethought::{
    agent::{Decision, Mind, Mode, Reading, SensorError},
    artifact::{
        self, Artifact, ArtifactError, Descending, Entry, Header, Hidden, Layers, Load, Provenance, Sensors,
        Source, write,
    },
    energy::{Count, Energy, Gate, Verdict, descend, network::Network, reconstruction::Reconstruction},
    generate::Generator,
    perceive::{Encoder, decoder::Decoder, lista::Lista},
    sentinel::Sentinel,
};

pub const CASES: &[Case] = &[
    Case {
        name: "energy: a reconstruction's is half of what is missed, squared, and the code's price",
        run: missed,
    },
    Case { name: "energy: slopes of networks agree with finite differences", run: slopes },
    Case { name: "energy: descent goes down and stays within the sensors' range", run: descent },
    Case { name: "energy: the gate counts what is strange and what stands still", run: gate },
    Case { name: "energy: a sentinel answers with energy, verdict and what is more familiar", run: sentinel },
    Case {
        name: "energy: an agent leaves strange observations aside, and refuses them when they go on",
        run: agent,
    },
    Case { name: "energy: a generator answers with its outputs", run: generator },
    Case { name: "energy: settings out of their range are refused", run: settings },
    Case { name: "energy: golden bits", run: golden },
];

const SENSORS: Sensors = Sensors { low: -2.0, high: 2.0 };
const PROVENANCE: Provenance<'static> = Provenance { trainer: "by hand", task: "tiny", seed: 0, data: 0 };
/// Units of the two hidden layers.
const UNITS: [usize; 2] = [6, 9];
/// Layers wide enough for both.
const NH: usize = 10;
type Eyes<'a> = Reconstruction<'a, Lista<'a, NY, NC>, NY, NC>;
type Net<'a> = Network<'a, NY, NH>;

fn energy(source: Source) -> artifact::Energy {
    let descending = Some(Descending { steps: 3, rate: 0.25 });
    artifact::Energy { source, threshold: 1.5, rate: 0.01, patience: 2, frozen: 1, descending }
}

const EYES: Source = Source::Reconstruction { sparsity: 0.125 };

/// The tiny agent whose eyes judge what they see.
fn watchful(header: &mut Header<'static>) {
    header.energy = Some(artifact::Energy { threshold: 1.0, ..energy(EYES) });
}

/// The same eyes alone.
fn with_eyes<T>(f: impl FnOnce(&Artifact<'_>) -> Result<T, Failure>) -> Result<T, Failure> {
    let adjust = |header: &mut Header<'static>| {
        let Header { sensors, encoder, provenance, .. } = header.clone();
        let sizes = (NY as u32, NC as u32, 0);
        *header = Header { encoder, ..Header::sentinel(sizes, sensors, energy(EYES), provenance) };
    };
    tiny::with_decoder(adjust, f)
}

/// A file whose part `part` holds layers of [`UNITS`].
fn with_layers<T>(
    header: Header<'_>,
    part: &str,
    (inputs, outputs): (usize, usize),
    f: impl FnOnce(&Artifact<'_>) -> Result<T, Failure>,
) -> Result<T, Failure> {
    with_entries(header, (part, inputs, outputs), false, f)
}

/// The same, and if it is `scaled` a unit for each number of an observation.
fn with_entries<T>(
    header: Header<'_>,
    (part, inputs, outputs): (&str, usize, usize),
    scaled: bool,
    f: impl FnOnce(&Artifact<'_>) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let shapes = [(UNITS[0], inputs), (UNITS[1], UNITS[0]), (outputs, UNITS[1])];
    // Small enough that no unit is far beyond its kink.
    let weight = |seed: u32| {
        move |row: usize, col: usize| 0.5 * Numbers(seed + (7 * row + col) as u32).array::<1>()[0]
    };
    let values = [weight(100), weight(200), weight(300), weight(400), weight(500), weight(600)];
    let entry = |name, rows, cols, i: usize| Entry { part, name, rows, cols, value: &values[i] };
    let [(h1, _), (h2, _), (out, _)] = shapes;
    let entries = [
        entry("w1", h1, inputs, 0),
        entry("b1", h1, 1, 1),
        entry("w2", h2, h1, 2),
        entry("b2", h2, 1, 3),
        entry("w3", out, h2, 4),
        entry("b3", out, 1, 5),
        Entry { part, name: "scale", rows: inputs, cols: 1, value: &|row, _| 0.5 + 0.25 * row as f32 },
    ];
    let entries = &entries[..if scaled { 7 } else { 6 }];
    let mut buffer = artifact::Aligned([0; 4096]);
    let length = write(header, entries, &mut buffer.0)?;
    f(&Artifact::parse(&buffer.0[..length])?)
}

fn network(source: Source, layers: Layers) -> Header<'static> {
    Header { layers, ..Header::sentinel((NY as u32, 0, NH as u16), SENSORS, energy(source), PROVENANCE) }
}

const TANH: Layers = Layers { hidden: Hidden::Tanh, sigmoid: false };
const LEAKY: Layers = Layers { hidden: Hidden::Rectified { leak: 0.2 }, sigmoid: true };

fn of_network(source: Source) -> usize {
    if source == Source::Critic { 1 } else { NY }
}

fn missed() -> Result<(), Failure> {
    with_eyes(|artifact| {
        let y: [f32; NY] = Numbers(60).array().map(|y: f32| y.abs());
        let (mut code, mut again, mut slope) = ([0.0; NC], [0.0; NY], [0.0; NY]);
        Lista::<NY, NC>::load(artifact)?.encode(&mut zero(), &y, &mut code);
        Decoder::load(artifact)?.reconstruct(&code, &mut again);
        let square: f64 = y.iter().zip(&again).map(|(y, a)| f64::from(y - a) * f64::from(y - a)).sum();
        let price: f64 = code.iter().map(|z| f64::from(z.abs())).sum();
        let (eyes, mut scratch) = (Eyes::load(artifact)?, zero());
        near("energy", 0.5 * square + 0.125 * price, eyes.of(&mut scratch, &y), 1e-6)?;
        eyes.slope(&mut scratch, &mut slope);
        let missed: [f32; NY] = core::array::from_fn(|i| y[i] - again[i]);
        same_bits("slope", &missed, &slope)
    })
}

fn slopes() -> Result<(), Failure> {
    for (source, scaled) in
        [(Source::Autoencoder, false), (Source::Autoencoder, true), (Source::Critic, false)]
    {
        for layers in [TANH, LEAKY] {
            let sizes = ("energy", NY, of_network(source));
            with_entries(network(source, layers), sizes, scaled, |artifact| {
                let (net, mut scratch) = (Net::load(artifact)?, zero());
                let y: [f32; NY] = Numbers(61).array();
                let mut slope = [0.0; NY];
                net.of(&mut scratch, &y);
                net.slope(&mut scratch, &mut slope);
                for (i, slope) in slope.into_iter().enumerate() {
                    let mut at = |step: f32| {
                        let mut moved = y;
                        moved[i] += step;
                        f64::from(net.of(&mut scratch, &moved))
                    };
                    let difference = (at(1.0 / 256.0) - at(-1.0 / 256.0)) * 128.0;
                    near("slope", difference, slope, 2e-3)?;
                }
                Ok(())
            })?;
        }
    }
    Ok(())
}

fn descent() -> Result<(), Failure> {
    with_layers(network(Source::Autoencoder, TANH), "energy", (NY, NY), |artifact| {
        let (net, mut scratch) = (Net::load(artifact)?, zero());
        let mut y: [f32; NY] = Numbers(62).array().map(|y: f32| 1.9 * y);
        let mut before = net.of(&mut scratch, &y);
        for _ in 0..5 {
            descend(&net, Descending { steps: 1, rate: 0.05 }, SENSORS, &mut scratch, &mut y);
            let after = net.of(&mut scratch, &y);
            holds("it goes down", after < before)?;
            before = after;
        }
        let narrow = Sensors { low: -0.1, high: 0.1 };
        descend(&net, Descending { steps: 1, rate: 0.01 }, narrow, &mut scratch, &mut y);
        holds("it stays in range", y.iter().all(|y| (-0.1..=0.1).contains(y)))
    })
}

fn gate() -> Result<(), Failure> {
    use Verdict::{Alarm, Familiar, Strange};
    let gate = Gate::new(&artifact::Energy { patience: 3, frozen: 2, ..energy(Source::Critic) });
    let mut state: Count = zero();
    let mut judged = |energy, same, verdict| {
        holds("the verdict is as expected", gate.judge(&mut state, energy, same) == verdict)
    };
    judged(1.5, false, Familiar)?;
    judged(1.6, false, Strange)?;
    judged(f32::NAN, false, Strange)?;
    judged(f32::INFINITY, false, Alarm)?;
    judged(9.0, false, Alarm)?;
    judged(1.0, false, Familiar)?;
    // Once over again may be chance.
    judged(1.0, true, Familiar)?;
    judged(1.0, true, Strange)?;
    judged(1.0, false, Familiar)?;
    let patient = Gate::new(&artifact::Energy { frozen: 0, ..energy(Source::Critic) });
    let mut state = zero();
    for _ in 0..9 {
        holds("nothing need change", patient.judge(&mut state, 1.0, true) == Familiar)?;
    }
    Ok(())
}

fn sentinel() -> Result<(), Failure> {
    with_eyes(|artifact| {
        type Watcher<'a> = Sentinel<Eyes<'a>, NY, { 2 + NY }>;
        let mind = Watcher::load(artifact)?;
        let mut state = zero();
        let mut decision: Decision<{ 2 + NY }> = zero();
        let mut step = |reading| {
            let result = mind.step(&mut state, reading, Mode::Plan, &mut decision);
            (result, decision)
        };
        let y: [f32; NY] = Numbers(63).array().map(|y: f32| y.abs());
        let (result, first) = step(Reading::Sensors(&y));
        holds("it is answered", result.is_ok())?;
        let eyes = Eyes::load(artifact)?;
        let mut scratch = zero();
        same_bits("energy", &[eyes.of(&mut scratch, &y)], &first.action[..1])?;
        same_bits("energy for the record", &first.action[..1], &[first.diagnostics.energy])?;
        let mut calm = y;
        let sensors = artifact.header().sensors;
        descend(&eyes, Descending { steps: 3, rate: 0.25 }, sensors, &mut scratch, &mut calm);
        same_bits("what is more familiar", &calm, &first.action[2..])?;
        // The same again: it has frozen, and two in a row are an alarm.
        let (_, second) = step(Reading::Sensors(&y));
        let (_, third) = step(Reading::Sensors(&y));
        holds("it is strange, then alarming", second.action[1] == 1.0 && third.action[1] == 2.0)?;
        holds("and marked so", second.diagnostics.strange && !first.diagnostics.strange)?;
        let (result, bad) = step(Reading::State(&y));
        holds("a state is no observation", result == Err(SensorError::Missing))?;
        same_bits("what is said of it", &[0.0, 2.0], &bad.action[..2])
    })
}

fn agent() -> Result<(), Failure> {
    let flight = |adjust: fn(&mut Header<'static>), damaged: core::ops::Range<usize>| {
        tiny::with_decoder(adjust, |artifact| {
            let mind = tiny::Physical::load(artifact)?;
            let (mut state, mut world) = (zero(), World { x: [2.0, 0.0] });
            let mut log = [(false, None, 0.0); 12];
            for (k, log) in log.iter_mut().enumerate() {
                let mut frame = world.observe();
                if damaged.contains(&k) {
                    // Light where there is none.
                    frame[0] = 1.5;
                    frame[4] = 1.5;
                }
                let mut decision: Decision<NU> = zero();
                let refused =
                    mind.step(&mut state, Reading::Sensors(&frame), Mode::Plan, &mut decision).err();
                *log = (decision.diagnostics.strange, refused, decision.action[0]);
                world.step(&decision.action);
            }
            Ok(log)
        })
    };
    let careless = flight(|_| (), 0..0)?;
    let healthy = flight(watchful, 0..0)?;
    for (careless, healthy) in careless.iter().zip(&healthy) {
        holds("healthy eyes are believed", !healthy.0 && healthy.1.is_none())?;
        same_bits("what is done is the same", &[careless.2], &[healthy.2])?;
    }
    let damaged = flight(watchful, 4..8)?;
    for (k, (strange, refused, action)) in damaged.into_iter().enumerate() {
        holds("it is strange while it is damaged", strange == (4..8).contains(&k))?;
        // The first is only left aside: patience is two.
        let alarm = (5..8).contains(&k);
        holds("it is refused when it goes on", refused == alarm.then_some(SensorError::Strange))?;
        holds("and the safe action is taken", !alarm || action == tiny::SAFE)?;
    }
    Ok(())
}

fn generator() -> Result<(), Failure> {
    let header = Header::generator((3, NY as u16, NH as u16), SENSORS, LEAKY, PROVENANCE);
    with_layers(header, "generate", (3, NY), |artifact| {
        type Dreamer<'a> = Generator<'a, NH, NY>;
        let (mind, mut state) = (Dreamer::load(artifact)?, zero());
        let mut decision = zero();
        let mut dream = |z: &[f32]| {
            let result = mind.step(&mut state, Reading::Sensors(z), Mode::Plan, &mut decision);
            (result, decision.action)
        };
        let (result, first) = dream(&[0.5, -1.0, 0.25]);
        holds("outputs are brightnesses", result.is_ok() && first.iter().all(|y| (0.0..=1.0).contains(y)))?;
        holds("another z is another dream", dream(&[0.4, -1.0, 0.25]).1 != first)?;
        same_bits("the same z is the same", &first, &dream(&[0.5, -1.0, 0.25]).1)?;
        let (result, nothing) = dream(&[0.5, -1.0, 9.0]);
        holds("what is out of range is refused", result == Err(SensorError::OutOfRange { index: 2 }))?;
        same_bits("and answered with zeros", &[0.0; NY], &nothing)
    })
}

fn settings() -> Result<(), Failure> {
    type Break = fn(&mut artifact::Energy);
    let wrong: [(Break, &str); 5] = [
        (|e| e.threshold = f32::INFINITY, "the threshold of the energy must be a finite number"),
        (|e| e.rate = 1.0, "the rate of false alarms must be at least 0 and less than 1"),
        (|e| e.patience = 0, "the patience with strange observations must be at least one of them"),
        (
            |e| e.descending = Some(Descending { steps: 0, rate: 1.0 }),
            "a descent in energy needs at least one step and a positive rate",
        ),
        (
            |e| e.source = Source::Reconstruction { sparsity: -1.0 },
            "the price of a code must be a number of at least 0",
        ),
    ];
    for (break_it, what) in wrong {
        let adjust = |header: &mut Header<'static>| {
            watchful(header);
            header.energy.iter_mut().for_each(break_it);
        };
        let result = tiny::with_decoder(adjust, |_| Ok(()));
        holds(what, result == Err(Failure::Artifact(ArtifactError::Setting { what })))?;
    }
    let adjust = |header: &mut Header<'static>| {
        header.energy = Some(energy(Source::Critic));
    };
    let result: Result<(), _> = tiny::with_decoder(adjust, |_| Ok(()));
    let what = "an agent judges observations by what its own encoder and decoder miss";
    holds(what, result == Err(Failure::Artifact(ArtifactError::Setting { what })))
}

fn golden() -> Result<(), Failure> {
    let mut golden = Golden::default();
    for (source, layers, scaled) in [
        (Source::Autoencoder, TANH, false),
        (Source::Critic, TANH, false),
        (Source::Autoencoder, LEAKY, false),
        (Source::Critic, LEAKY, false),
        (Source::Autoencoder, LEAKY, true),
    ] {
        with_entries(network(source, layers), ("energy", NY, of_network(source)), scaled, |artifact| {
            type Watcher<'a> = Sentinel<Net<'a>, NY, { 2 + NY }>;
            let (mind, mut state) = (Watcher::load(artifact)?, zero());
            for seed in 0..4 {
                let y: [f32; NY] = Numbers(70 + seed).array();
                let mut decision: Decision<{ 2 + NY }> = zero();
                mind.step(&mut state, Reading::Sensors(&y), Mode::Plan, &mut decision)?;
                golden.add(&decision.action);
            }
            Ok(())
        })?;
    }
    with_eyes(|artifact| {
        let (eyes, mut scratch) = (Eyes::load(artifact)?, zero());
        for seed in 0..4 {
            let y: [f32; NY] = Numbers(80 + seed).array();
            golden.add(&[eyes.of(&mut scratch, &y)]);
        }
        Ok(())
    })?;
    golden.is("energies", 0x1e89_15ea)
}
