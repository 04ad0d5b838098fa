//! What is measured, on the host and on every chip: one list of kernels, at the sizes of a real agent.
//!
//! How it is measured is the caller's business: a chip counts instructions, the host nanoseconds. Everything that runs
//! a kernel is generic over the measure, so it is compiled with the caller, for speed; firmware compiles the rest of this
//! crate for size.

use crate::{
    tensors::{self, Tensor, tensors},
    zero,
};
use core::{array, hint::black_box};
use forethought::{
    artifact::{
        self, Activation, Artifact, ArtifactError, CostTerms, Descent, Encoder, Entry, Estimator, Gate,
        Header, Kind, Load, Model, Planner, Provenance, Sensors, Side, Sizes, Source, Term, VERSION,
        WriteError, write,
    },
    cost::{Cost, table::Table},
    energy::{self, Energy as _},
    estimate::{Filter as _, kalman::Kalman, steady::Steady},
    feature::{Angles, Feature, Map},
    math,
    perceive::{Encoder as _, classifier::Classifier, lista::Lista},
    plan::{
        Planner as _,
        gradient::{self, Gradient},
    },
    policy::Policy,
    predict::{
        ForwardModel,
        ensemble::Ensemble,
        network::Network,
        physics::{car::Car, cart_pole::CartPole, pendulum::Pendulum, quadrotor::Quadrotor, rocket::Rocket},
    },
};

/// The sizes of what is measured.
pub const SIZES: Sizes =
    Sizes { observation: 256, code: 64, state: 2, action: 1, latent: 0, hidden: 32, horizon: 20 };

/// The sizes of a recogniser: as many units, and ten classes.
pub const PERCEPTION: Sizes = Sizes {
    observation: 4,
    code: SIZES.code,
    state: 0,
    action: CLASSES as u16,
    latent: 0,
    hidden: 0,
    horizon: 0,
};

const CLASSES: usize = 10;
const NY: usize = SIZES.observation as usize;
const NC: usize = SIZES.code as usize;
const NX: usize = SIZES.state as usize;
const NU: usize = SIZES.action as usize;
const NZ: usize = SIZES.latent as usize;
const NH: usize = SIZES.hidden as usize;
const H: usize = SIZES.horizon as usize;

type Learned<'a> = Network<'a, NX, NU, NZ, NH>;

/// What the planner works in. It is the caller's, being too large for the stack of a chip.
pub type PlannerMemory = gradient::State<<Learned<'static> as ForwardModel<NX, NU, NZ>>::Trace, NX, NU, H>;

/// A kernel, ready to be measured.
pub struct Kernel<'a> {
    /// Its name, with its sizes.
    pub name: &'static str,
    /// The multiply-adds of one run; 0 where their number says nothing.
    pub multiply_adds: usize,
    /// How often `call` runs it.
    pub runs: u32,
    /// Runs it.
    pub call: &'a mut dyn FnMut(),
    /// The same call without the kernel: what it takes is not the kernel's.
    pub idle: &'a mut dyn FnMut(),
}

/// Measures the elementary functions, each over inputs as the kernels have them.
pub fn functions(measure: &mut impl FnMut(Kernel<'_>)) {
    function(measure, "tanh", 3.0, math::tanh);
    function(measure, "sin_cos", 3.0, math::sin_cos);
    function(measure, "exp", 10.0, math::exp);
    function(measure, "sqrt", 10.0, |x| math::sqrt(x.abs()));
    function(measure, "atan2", 1.0, |x| math::atan2(x, 0.3));
}

/// Measures a step and a pullback of each plant.
pub fn plants(measure: &mut impl FnMut(Kernel<'_>)) {
    plant(measure, ["pendulum step", "pendulum pullback"], Pendulum::default());
    plant(measure, ["cart-pole step", "cart-pole pullback"], CartPole::default());
    plant(measure, ["quadrotor step", "quadrotor pullback"], Quadrotor::default());
    plant(measure, ["rocket step", "rocket pullback"], Rocket::default());
    plant(measure, ["car step", "car pullback"], Car::default());
}

fn plant<M: ForwardModel<NX, NU, 0>, const NX: usize, const NU: usize>(
    measure: &mut impl FnMut(Kernel<'_>),
    [step, pullback]: [&'static str; 2],
    model: M,
) {
    let (x, u) = (spread::<NX>(0.5), spread::<NU>(0.5));
    let (mut trace, mut next, mut pulled) = (zero(), [0.0; NX], zero());
    kernel(measure, step, 0, || {
        model.step(&mut trace, black_box(&x), black_box(&u), &[], black_box(&mut next))
    });
    kernel(measure, pullback, 0, || model.pullback(&trace, black_box(&x), black_box(&mut pulled)));
}

/// Measures everything that runs on [`weights`] of these [`SIZES`].
pub fn kernels(
    artifact: &Artifact<'_>,
    memory: &mut PlannerMemory,
    measure: &mut impl FnMut(Kernel<'_>),
) -> Result<(), ArtifactError> {
    let matrix = artifact.matrix("perceive", "s", NC, NC)?;
    let x: [f32; NC] = spread(1.0);
    let mut y = [0.0; NC];
    kernel(measure, "mat-vec 64x64", NC * NC, || matrix.add(black_box(&x), black_box(&mut y)));
    kernel(measure, "pullback 64x64", NC * NC, || matrix.pull(black_box(&x), black_box(&mut y)));

    let encoder = Lista::<NY, NC>::load(artifact)?;
    let frame: [f32; NY] = spread(1.0);
    let (mut scratch, mut code) = (zero(), [0.0; NC]);
    kernel(measure, "LISTA 256-64, 2 iterations", NC * NY + 2 * NC * NC, || {
        encoder.encode(&mut scratch, black_box(&frame), black_box(&mut code))
    });

    let model = Learned::load(artifact)?;
    let weights = NH * (NX + 1 + NU + NZ) + NH * NH + NX * NH;
    let (state, action, latent) = ([2.0, -1.0], [0.5], [0.0; NZ]);
    let (mut trace, mut next, mut pulled) = (zero(), [0.0; NX], zero());
    kernel(measure, "network step 2-1-0-32", weights, || {
        model.step(&mut trace, black_box(&state), black_box(&action), &latent, black_box(&mut next))
    });
    kernel(measure, "network pullback 2-1-0-32", weights, || {
        ForwardModel::<NX, NU, NZ>::pullback(&model, &trace, black_box(&state), black_box(&mut pulled))
    });

    let filter = Kalman::load(artifact)?;
    let mut belief = zero();
    filter.know(&mut belief, &state);
    let seen = || black_box([0.8, 0.6]).into_iter().map(Some);
    kernel(measure, "Kalman predict and update", 0, || {
        filter.predict(&model, &mut belief, black_box(&action));
        black_box(filter.update(&mut belief, seen()));
    });
    kernel(measure, "Kalman update, 2 features of 2", 0, || {
        black_box(filter.update(&mut belief, seen()));
    });
    let (filter, mut belief) = (Steady::load(artifact)?, zero());
    filter.know(&mut belief, &state);
    kernel(measure, "steady update, 2 features of 2", 0, || {
        black_box(filter.update(&mut belief, seen()));
    });

    let policy = Policy::<NH>::load(artifact)?;
    let mut decided = [0.0; NU];
    kernel(measure, "policy 2-1-32", NH * (NX + 1) + NH * NH + NU * NH, || {
        policy.act(black_box(&state), black_box(&mut decided))
    });

    // Points of a table cost no time, only those around a state.
    const SIDE: usize = 8;
    let (sides, from, values) = ([SIDE as f32; NX], [-2.0; NX], spread::<{ SIDE * SIDE }>(1.0));
    let table = Table::new(artifact.angles(), (&sides, &from, &[1.0; NX]), &values)?;
    let mut slope = [0.0; NX];
    kernel(measure, "value and slope in a table, 2", 0, || {
        black_box(table.value(black_box(&state), black_box(&mut slope)));
    });

    let (planner, cost) = (Gradient::load(artifact)?, Cost::<NH>::load(artifact)?);
    let mut starts = STARTS.iter().cycle();
    kernel(measure, "planner decision, 20 steps, 10 iterations", 0, || {
        if let Some(start) = starts.next() {
            black_box(planner.plan(memory, (&model, &cost), start, |x, u| policy.act(x, u)));
        }
    });
    Ok(())
}

/// Measures what runs on [`perception`]'s weights of the sizes [`PERCEPTION`].
pub fn classifier(
    artifact: &Artifact<'_>,
    measure: &mut impl FnMut(Kernel<'_>),
) -> Result<(), ArtifactError> {
    let classifier = Classifier::load(artifact)?;
    let code: [f32; NC] = spread(1.0);
    let mut scores = [0.0; CLASSES];
    kernel(measure, "classifier 64-10, normalised", NC + CLASSES * NC, || {
        classifier.score(black_box(&code), black_box(&mut scores))
    });
    Ok(())
}

/// Where decisions start from: one after the other, as an agent would.
const STARTS: [[f32; NX]; 8] = {
    let mut starts = [[0.0; NX]; _];
    let mut i = 0;
    while i < starts.len() {
        starts[i] = [3.0 - 0.02 * (i * i) as f32, -0.4 * i as f32];
        i += 1;
    }
    starts
};

/// `N` different numbers over `[−range, range]`, in an order without a pattern.
fn spread<const N: usize>(range: f32) -> [f32; N] {
    array::from_fn(|i| range * ((i * 37 % 64) as f32 / 31.5 - 1.0))
}

/// A function is too short to be measured on its own: `call` runs it over all inputs.
fn function<T>(measure: &mut impl FnMut(Kernel<'_>), name: &'static str, range: f32, f: impl Fn(f32) -> T) {
    const INPUTS: usize = 64;
    let inputs: [f32; INPUTS] = spread(range);
    let (call, idle) = (&mut || over(&inputs, &f), &mut || over(&inputs, |x| x));
    measure(Kernel { name, multiply_adds: 0, runs: INPUTS as u32, call, idle });
}

fn over<T>(inputs: &[f32], f: impl Fn(f32) -> T) {
    for &x in black_box(inputs) {
        black_box(f(x));
    }
}

fn kernel(
    measure: &mut impl FnMut(Kernel<'_>),
    name: &'static str,
    multiply_adds: usize,
    mut call: impl FnMut(),
) {
    measure(Kernel { name, multiply_adds, runs: 1, call: &mut call, idle: &mut || () });
}

/// Bytes that [`weights`] of these [`SIZES`] have room in.
pub const ROOM: usize = 192 << 10;

/// Writes the weight file of an agent with numbers out of a generator, in any sizes and for any model, and returns its
/// length.
pub fn weights(sizes: Sizes, model: Model, buffer: &mut [u8]) -> Result<usize, WriteError> {
    pack(header(sizes, model), tensors(sizes), buffer)
}

/// The same of a recogniser.
pub fn perception(sizes: Sizes, buffer: &mut [u8]) -> Result<usize, WriteError> {
    let Header { sensors, encoder, provenance, .. } = header(SIZES, Model::Network);
    let sizes_of_three = (sizes.observation, sizes.code, sizes.action);
    let header = Header {
        classifier: artifact::Classifier { normalise: true },
        ..Header::perception(sizes_of_three, sensors, encoder, provenance)
    };
    pack(header, tensors::perception(sizes), buffer)
}

/// Members of the ensemble that is measured, and of the small ones.
pub const MEMBERS: usize = 3;
/// The sizes of the ensemble that is measured.
pub const ENSEMBLE: Sizes = Sizes { hidden: ENSEMBLE_NH as u16, ..SIZES };
const ENSEMBLE_NH: usize = 16;

/// The same of an ensemble alone.
pub fn ensemble(sizes: Sizes, buffer: &mut [u8]) -> Result<usize, WriteError> {
    let model = Model::Ensemble { members: MEMBERS as u16 };
    let Header { angles, sensors, model, provenance, .. } = header(sizes, model);
    let tensors = tensors::ensemble::<{ 9 * MEMBERS }>(sizes);
    pack(Header::model(sizes, angles, sensors, model, provenance), tensors, buffer)
}

/// Measures what runs on [`ensemble`]'s weights of the sizes [`ENSEMBLE`].
pub fn uncertain(artifact: &Artifact<'_>, measure: &mut impl FnMut(Kernel<'_>)) -> Result<(), ArtifactError> {
    let model = Ensemble::<MEMBERS, NX, NU, NZ, ENSEMBLE_NH>::load(artifact)?;
    let weights = ENSEMBLE_NH * (NX + 1 + NU + NZ) + ENSEMBLE_NH * ENSEMBLE_NH + 2 * NX * ENSEMBLE_NH;
    let (state, action, latent) = ([2.0, -1.0], [0.5], [0.0; NZ]);
    let (mut trace, mut next, mut pulled) = (zero(), [0.0; NX], zero());
    kernel(measure, "ensemble step 2-1-0-16, 3 members", MEMBERS * weights, || {
        model.step(&mut trace, black_box(&state), black_box(&action), &latent, black_box(&mut next))
    });
    kernel(measure, "ensemble pullback 2-1-0-16, 3 members", MEMBERS * weights, || {
        ForwardModel::<NX, NU, NZ>::pullback(&model, &trace, black_box(&state), black_box(&mut pulled))
    });
    Ok(())
}

/// The sizes of the energy that is measured: an autoencoder of windows of a signal, as `train anomaly.toml` makes them.
pub const ENERGY: Sizes = Sizes {
    observation: WINDOW as u32,
    code: 0,
    state: 0,
    action: 0,
    latent: 0,
    hidden: NARROW as u16,
    horizon: 0,
};
const WINDOW: usize = 64;
const NARROW: usize = 32;

/// The same of an energy alone.
pub fn sentinel(sizes: Sizes, buffer: &mut [u8]) -> Result<usize, WriteError> {
    let Header { sensors, provenance, .. } = header(SIZES, Model::Network);
    let energy = artifact::Energy {
        source: Source::Autoencoder,
        threshold: 1.0,
        rate: 1e-3,
        patience: 1,
        frozen: 0,
        descending: None,
    };
    let header = Header::sentinel((sizes.observation, 0, sizes.hidden), sensors, energy, provenance);
    pack(header, tensors::autoencoder(sizes), buffer)
}

/// Measures what runs on [`sentinel`]'s weights of the sizes [`ENERGY`].
pub fn familiar(artifact: &Artifact<'_>, measure: &mut impl FnMut(Kernel<'_>)) -> Result<(), ArtifactError> {
    let energy = energy::network::Network::<WINDOW, NARROW>::load(artifact)?;
    let (y, mut scratch, mut slope) = (spread::<WINDOW>(1.0), zero(), [0.0; WINDOW]);
    kernel(measure, "energy of an autoencoder 64-32-64", 2 * WINDOW * NARROW, || {
        black_box(energy.of(&mut scratch, black_box(&y)));
    });
    kernel(measure, "its slope", 2 * WINDOW * NARROW, || energy.slope(&mut scratch, black_box(&mut slope)));
    Ok(())
}

/// The same of a learned model alone.
pub fn model(sizes: Sizes, buffer: &mut [u8]) -> Result<usize, WriteError> {
    let Header { angles, sensors, model, provenance, .. } = header(sizes, Model::Network);
    pack(Header::model(sizes, angles, sensors, model, provenance), tensors::model(sizes), buffer)
}

/// The same of a filter over a learned model.
pub fn tracker(sizes: Sizes, buffer: &mut [u8]) -> Result<usize, WriteError> {
    let Header { angles, sensors, model, estimator, provenance, .. } = header(sizes, Model::Network);
    let header = Header::model(sizes, angles, sensors, model, provenance).tracker(estimator);
    pack(header, tensors::tracker(sizes), buffer)
}

fn pack<const N: usize>(
    header: Header<'_>,
    tensors: [Tensor; N],
    buffer: &mut [u8],
) -> Result<usize, WriteError> {
    // The number that stands everywhere in a tensor, where it is not just any.
    let constant = |part, name| match (part, name) {
        ("estimate", "mean") | ("action", "safe") => Some(0.0),
        ("estimate", "prior") => Some(1.0),
        ("estimate", "process") | ("cost", "action") => Some(1e-3),
        ("estimate", "noise") => Some(1e-2),
        ("estimate", "innovation") => Some(1.0),
        ("action", "low") => Some(-2.0),
        ("action", "high") => Some(2.0),
        _ => None,
    };
    let values = array::from_fn::<_, N, _>(|i| {
        let (part, name, _, cols) = tensors[i];
        // So wide that sums over a row stay in the range of the activations.
        let width = math::sqrt(3.0 / cols.max(1) as f32);
        move |row: usize, col: usize| constant(part, name).unwrap_or_else(|| width * noise([i, row, col]))
    });
    let entries = array::from_fn::<_, N, _>(|i| {
        let (part, name, rows, cols) = tensors[i];
        Entry { part, name, rows, cols, value: &values[i] }
    });
    write(header, &entries, buffer)
}

fn header(sizes: Sizes, model: Model) -> Header<'static> {
    let angle = Feature { index: 0, map: Map::Angle };
    let [cos, sin] = [Map::Cos, Map::Sin].map(|map| Feature { index: 0, map });
    let speed = Feature { index: 1, map: Map::Value };
    Header {
        version: VERSION,
        kind: Kind::Agent,
        sizes,
        angles: Angles(0b01),
        sensors: Sensors { low: -1.0, high: 1.0 },
        encoder: Encoder::Lista { iterations: 2, activation: Activation::Rectified },
        classifier: artifact::Classifier::default(),
        energy: None,
        layers: Default::default(),
        model,
        // So wide a gate that nothing is refused: the filter shall do all its work.
        estimator: Estimator {
            measured: [cos, sin].into_iter().collect(),
            gates: [Gate { features: 2, limit: 1e30 }].into_iter().collect(),
            patience: 5,
        },
        cost: CostTerms {
            terms: [(angle, 1.0), (speed, 0.1)]
                .map(|(feature, weight)| Term {
                    feature,
                    side: Side::Both,
                    target: 0.0,
                    weight,
                    terminal: weight,
                })
                .into_iter()
                .collect(),
            ..CostTerms::default()
        },
        // Without a tolerance the budget is always spent.
        planner: Planner::Gradient(Descent { iterations: 10, momentum: 0.7, step: 0.3, tolerance: 0.0 }),
        provenance: Provenance { trainer: env!("CARGO_PKG_VERSION"), task: "bench", seed: 0, data: 0 },
        tensors: Default::default(),
    }
}

/// A number in [−1, 1) that depends on nothing but `place`, and looks random (SplitMix64).
fn noise(place: [usize; 3]) -> f32 {
    let index = place.into_iter().fold(0, |index, i| index << 16 | i as u64);
    let mut z = (index + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    ((z >> 40) as f32 - 8_388_608.0) / 8_388_608.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use forethought::artifact::Aligned;
    use std::{boxed::Box, collections::BTreeSet};

    #[test]
    fn every_kernel_runs_and_has_its_own_name() {
        let mut names = BTreeSet::new();
        let mut measure = |kernel: Kernel<'_>| {
            (kernel.call)();
            (kernel.idle)();
            assert!(names.insert(kernel.name), "{} is there twice", kernel.name);
        };
        let mut file = Box::new(Aligned([0; ROOM]));
        let length = weights(SIZES, Model::Network, &mut file.0).unwrap();
        let artifact = Artifact::parse(&file.0[..length]).unwrap();
        functions(&mut measure);
        plants(&mut measure);
        kernels(&artifact, &mut zero(), &mut measure).unwrap();
        let mut file = Box::new(Aligned([0; ROOM]));
        let length = perception(PERCEPTION, &mut file.0).unwrap();
        classifier(&Artifact::parse(&file.0[..length]).unwrap(), &mut measure).unwrap();
        let mut file = Box::new(Aligned([0; ROOM]));
        let length = ensemble(ENSEMBLE, &mut file.0).unwrap();
        uncertain(&Artifact::parse(&file.0[..length]).unwrap(), &mut measure).unwrap();
        let mut file = Box::new(Aligned([0; ROOM]));
        let length = sentinel(ENERGY, &mut file.0).unwrap();
        familiar(&Artifact::parse(&file.0[..length]).unwrap(), &mut measure).unwrap();
        assert!(!names.is_empty());
    }
}
