//! A tiny agent that swings up a pendulum: small enough that its weight file can be made on the stack of any chip.
//!
//! The camera is a ring of [`NY`] light sensors around the hinge. Nothing is trained: the encoder's units look in
//! [`NC`] directions, the forward model is a small-signal copy of the physics, and every network has a little noise from
//! an integer generator on top, so that no weight is zero and no sum is exact.
//!
//! The same eyes without the rest are a tiny recogniser: it tells in which third of the circle the pendulum is. The same
//! forward model without the rest is a tiny forecaster.

use crate::{
    Failure,
    tensors::{self, Tensor, tensors},
    zero,
};
use forethought::{
    agent::Agent,
    artifact::{
        Activation, Aligned, Artifact, Classifier, CostTerms, Descent, Encoder, Entry, Estimator, Gate,
        Header, Kind, Model, Planner, Plant, Provenance, Sensors, Side, Sizes, Term, VERSION, write,
    },
    estimate::kalman::Kalman,
    feature::{Angles, Feature, Map},
    forecast, math,
    perceive::lista::Lista,
    plan::gradient::Gradient,
    predict::{ForwardModel, network::Network, physics::pendulum::Pendulum},
    recognise, track,
};

/// Numbers in an observation.
pub const NY: usize = 8;
/// Units of the code.
pub const NC: usize = 12;
/// Components of the state: angle and angular speed.
pub const NX: usize = 2;
/// Components of an action: the torque.
pub const NU: usize = 1;
/// Components of the learned model's latent variable.
pub const NZ: usize = 1;
/// Units of a hidden layer: a panel of 8 rows and one of 2.
pub const NH: usize = 10;
/// Steps that are planned ahead.
pub const H: usize = 6;

/// Classes of the recogniser.
pub const CLASSES: usize = 3;

/// Codewords of what the latent variable can be.
pub const CODEWORDS: usize = 4;

/// The safe action.
pub const SAFE: f32 = 0.25;

/// The agent with the pendulum's physics as its model.
pub type Physical<'a> = Agent<'a, Lista<'a, NY, NC>, Pendulum, Gradient<'a>, NY, NC, NX, NU, 0, NH, H>;
/// The agent with a network as its model.
pub type Learned<'a> =
    Agent<'a, Lista<'a, NY, NC>, Network<'a, NX, NU, NZ, NH>, Gradient<'a>, NY, NC, NX, NU, NZ, NH, H>;

/// The tracker.
pub type Tracker<'a> = track::Tracker<Kalman<'a>, Network<'a, NX, NU, NZ, NH>, NX, NU, NZ, { 2 * NX }>;

/// The recogniser.
pub type Recogniser<'a> = recognise::Recogniser<'a, Lista<'a, NY, NC>, NY, NC, CLASSES>;

/// The forecaster.
pub type Forecaster<'a> = forecast::Forecaster<Network<'a, NX, NU, NZ, NH>, NX, NU, NZ, NX>;

/// Holds the weight file.
pub type Buffer = Aligned<[u8; 7168]>;

/// The sizes with the learned model; the physics has no latent variable.
pub const SIZES: Sizes = Sizes {
    observation: NY as u32,
    code: NC as u32,
    state: NX as u16,
    action: NU as u16,
    latent: NZ as u16,
    hidden: NH as u16,
    horizon: H as u16,
};

/// Part, name, rows and columns of every tensor.
pub const TENSORS: [Tensor; 39] = tensors(SIZES);

/// The same of the recogniser's tensors.
pub const PERCEPTION: [Tensor; 8] = tensors::perception(Sizes { action: CLASSES as u16, ..SIZES });

/// The weight in a row and a column of a tensor.
pub fn weight(part: &str, name: &str, row: usize, col: usize) -> f32 {
    let noise = noise(part, name, row, col);
    let unit = |n: usize, of: usize| math::sin_cos(n as f32 * (core::f32::consts::TAU / of as f32));
    match (part, name) {
        // A sensor at φ sees ½ + ½ cos(θ − φ), a unit looks at ψ: its drive is cos(θ − ψ).
        ("perceive", "w_e") => 0.5 * cos_between(unit(row, NC), unit(col, NY)) + 0.01 * noise,
        ("perceive", "s") => 0.02 * noise,
        ("perceive", "threshold") => 0.05 + 0.01 * noise,
        ("perceive", "dictionary") => cos_between(unit(row, NY), unit(col, NC)) / 12.0,
        ("perceive", "mean") => 0.5,
        ("perceive", "bias") => 0.01 * noise,
        ("readout", "w") => {
            let (sin, cos) = unit(col, NC);
            (if row == 0 { cos } else { sin }) * (1.04 / 6.0)
        }
        ("readout", "b") => 0.001 * noise,
        ("classify", "w") => 0.5 * cos_between(unit(row, CLASSES), unit(col, NC)) + 0.01 * noise,
        ("classify", "b") => 0.01 * noise,
        ("estimate", "mean") => 0.0,
        ("estimate", "prior") => 4.0,
        ("estimate", "process") => [0.000_1, 0.01][row],
        ("estimate", "noise") => 0.002,
        ("estimate", "innovation") => 0.004,
        ("estimate", "gain") => 0.2 * noise,
        // Unit 0 carries the speed, unit 1 gravity, unit 2 the torque; all in the straight part of tanh.
        ("predict", "w_x") => pass(row == 0 && col == 1, 1.0 / 32.0, 0.002 * noise),
        ("predict", "w_s") => pass(row == 1, 0.125, 0.002 * noise),
        ("predict", "w_u") => pass(row == 2, 0.125, 0.002 * noise),
        ("predict", "w_h") => pass(row == col, 1.0, 0.002 * noise),
        ("predict", "w_o") => match (row, col) {
            (0, 0) => 32.0 * 0.05,
            (0, 1) => 8.0 * 0.75 * 0.05,
            (0, 2) => 8.0 * 0.15 * 0.05,
            (1, 1) => 8.0 * 0.75,
            (1, 2) => 8.0 * 0.15,
            _ => 0.01 * noise,
        },
        ("predict", "w_z") => 0.1 * noise,
        ("predict", _) => 0.001 * noise,
        // The members of an ensemble differ a little in what they have learned, and more in how sure they are.
        ("predict 1" | "predict 2", "b_o") if row >= NX => 0.5 * noise - 3.0,
        ("predict 1" | "predict 2", "w_o") if row >= NX => 0.5 * noise,
        ("predict 1" | "predict 2", _) => weight("predict", name, row, col) + 0.05 * noise,
        // A value in a table, around the circle and from −2 to 2.
        ("value", "points") => TABLE[row] as f32,
        ("value", "low") => [-core::f32::consts::PI, -2.0][row],
        ("value", "rate") => [TABLE[0] as f32 / core::f32::consts::TAU, 1.0][row],
        ("value", "table") => 2.0 * noise,
        // A policy that brakes, and a value that nobody has practised.
        ("policy", "w_x") => pass(col == 1, -0.1, 0.1 * noise),
        ("policy" | "value", "w_h") => 0.4 * noise,
        ("policy" | "value", _) => 0.5 * noise,
        ("cost", "action") => 0.001,
        ("cost", "doubt") => [3.0, 0.5][row],
        ("cost", "futures") => [4.0, 2.0][row],
        ("latent", "share") => [0.5, 0.0, 0.25, 0.25][row],
        ("action", "low") => -2.0,
        ("action", "high") => 2.0,
        ("action", "safe") => SAFE,
        _ => noise,
    }
}

fn pass(straight: bool, weight: f32, otherwise: f32) -> f32 {
    if straight { weight } else { otherwise }
}

fn cos_between((sin_a, cos_a): (f32, f32), (sin_b, cos_b): (f32, f32)) -> f32 {
    cos_a * cos_b + sin_a * sin_b
}

/// A number in `[−1, 1)` that depends on nothing but integers.
fn noise(part: &str, name: &str, row: usize, col: usize) -> f32 {
    let text = part.bytes().chain([b'.']).chain(name.bytes()).map(u32::from);
    let seed = text.chain([row as u32, col as u32]).fold(0x811c_9dc5_u32, |hash, byte| {
        (hash ^ byte).wrapping_mul(0x0100_0193) // FNV-1a
    });
    Numbers(seed).next()
}

/// A linear congruential generator (Numerical Recipes).
#[derive(Clone, Copy, Debug)]
pub struct Numbers(pub u32);

impl Numbers {
    /// The next number in `[−1, 1)`, a multiple of 2⁻²³.
    #[expect(clippy::should_implement_trait, reason = "it never ends")]
    pub fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (self.0 as i32 >> 8) as f32 / 8_388_608.0
    }

    /// An array of them.
    pub fn array<const N: usize>(&mut self) -> [f32; N] {
        core::array::from_fn(|_| self.next())
    }
}

/// How the tiny agent plans.
pub const DESCENT: Descent = Descent { iterations: 12, momentum: 0.5, step: 0.1, tolerance: 1e-4 };

/// Everything in the weight file but its tensors.
pub fn header(model: Model) -> Header<'static> {
    let term = |index, map, weight| Term {
        feature: Feature { index, map },
        side: Side::Both,
        target: 0.0,
        weight,
        terminal: weight,
    };
    let measured = [Map::Cos, Map::Sin].map(|map| Feature { index: 0, map });
    let gates = [Gate { features: 2, limit: 25.0 }].into_iter().collect();
    Header {
        version: VERSION,
        kind: Kind::Agent,
        sizes: if let Model::Physics(_) = model { Sizes { latent: 0, ..SIZES } } else { SIZES },
        angles: Angles(1),
        sensors: Sensors { low: -0.5, high: 1.5 },
        encoder: Encoder::Lista { iterations: 2, activation: Activation::Soft },
        classifier: Classifier::default(),
        energy: None,
        layers: Default::default(),
        model,
        estimator: Estimator { measured: measured.into_iter().collect(), gates, patience: 3 },
        cost: CostTerms {
            terms: [term(0, Map::Angle, 1.0), term(1, Map::Value, 0.1)].into_iter().collect(),
            ..CostTerms::default()
        },
        planner: Planner::Gradient(DESCENT),
        provenance: Provenance { trainer: "by hand", task: "tiny", seed: 0, data: 0 },
        tensors: Default::default(),
    }
}

/// Writes the weight file, after `adjust` has had its way with the header, and returns its length.
pub fn fill(
    model: Model,
    adjust: impl FnOnce(&mut Header<'static>),
    buffer: &mut Buffer,
) -> Result<usize, Failure> {
    let mut header = header(model);
    adjust(&mut header);
    fill_with(header, &weight, buffer)
}

/// Writes a weight file with any header and any weights, and returns its length.
pub fn fill_with(
    header: Header<'_>,
    weight: &dyn Fn(&str, &str, usize, usize) -> f32,
    buffer: &mut Buffer,
) -> Result<usize, Failure> {
    fill_tensors(header, &TENSORS, weight, &mut buffer.0)
}

fn fill_tensors<const N: usize>(
    header: Header<'_>,
    tensors: &[Tensor; N],
    weight: &dyn Fn(&str, &str, usize, usize) -> f32,
    buffer: &mut [u8],
) -> Result<usize, Failure> {
    let values = tensors.map(|(part, name, ..)| move |row, col| weight(part, name, row, col));
    let entries: [Entry<'_>; N] = core::array::from_fn(|i| {
        let (part, name, rows, cols) = tensors[i];
        Entry { part, name, rows, cols, value: &values[i] }
    });
    Ok(write(header, &entries, buffer)?)
}

/// Writes the recogniser's weight file, after `adjust` has had its way with the header, and returns its length.
pub fn fill_perception(
    adjust: impl FnOnce(&mut Header<'static>),
    buffer: &mut Buffer,
) -> Result<usize, Failure> {
    let mut header = perception(CLASSES);
    adjust(&mut header);
    fill_tensors(header, &PERCEPTION, &weight, &mut buffer.0)
}

/// The header of an encoder alone, with so many outputs.
fn perception(outputs: usize) -> Header<'static> {
    let Header { sensors, encoder, provenance, .. } = header(Model::Network);
    Header::perception((NY as u32, NC as u32, outputs as u16), sensors, encoder, provenance)
}

/// Makes the recogniser's weight file on the stack and hands it on, parsed.
pub fn with_perception<R>(
    adjust: impl FnOnce(&mut Header<'static>),
    then: impl FnOnce(&Artifact<'_>) -> Result<R, Failure>,
) -> Result<R, Failure> {
    let mut buffer = Aligned([0; _]);
    let length = fill_perception(adjust, &mut buffer)?;
    then(&Artifact::parse(&buffer.0[..length])?)
}

/// The same without its classifier: the outputs are the code.
pub fn with_encoder<R>(then: impl FnOnce(&Artifact<'_>) -> Result<R, Failure>) -> Result<R, Failure> {
    let mut buffer: Buffer = Aligned([0; _]);
    let [w_e, bias, s, threshold, ..] = PERCEPTION;
    let length = fill_tensors(perception(NC), &[w_e, bias, s, threshold], &weight, &mut buffer.0)?;
    then(&Artifact::parse(&buffer.0[..length])?)
}

/// Makes the forecaster's weight file on the stack and hands it on, parsed.
pub fn with_model<R>(then: impl FnOnce(&Artifact<'_>) -> Result<R, Failure>) -> Result<R, Failure> {
    let mut buffer = Aligned([0; _]);
    let length = fill_model(|_| {}, &mut buffer)?;
    then(&Artifact::parse(&buffer.0[..length])?)
}

/// Makes the weight file of an ensemble of two on the stack and hands it on, parsed.
pub fn with_ensemble<R>(then: impl FnOnce(&Artifact<'_>) -> Result<R, Failure>) -> Result<R, Failure> {
    let mut buffer: Buffer = Aligned([0; _]);
    let Header { sizes, angles, provenance, .. } = header(Model::Network);
    let sensors = Sensors { low: -10.0, high: 10.0 };
    let header = Header::model(sizes, angles, sensors, Model::Ensemble { members: 2 }, provenance);
    let length = fill_tensors(header, &tensors::ensemble::<18>(SIZES), &weight, &mut buffer.0)?;
    then(&Artifact::parse(&buffer.0[..length])?)
}

/// Makes the weight file of a controller over that ensemble, whose cost has a price of doubt and several futures, with any
/// header, tensors and weights.
pub fn with_caution<R>(
    adjust: impl FnOnce(&mut Header<'static>),
    tensors: impl Fn(Tensor) -> Tensor,
    weight: &dyn Fn(&str, &str, usize, usize) -> f32,
    then: impl FnOnce(&Artifact<'_>) -> Result<R, Failure>,
) -> Result<R, Failure> {
    let mut buffer: Buffer = Aligned([0; _]);
    let Header { sizes, angles, provenance, cost, planner, .. } = header(Model::Network);
    let sensors = Sensors { low: -10.0, high: 10.0 };
    let model = Model::Ensemble { members: 2 };
    let mut header =
        Header::model(sizes, angles, sensors, model, provenance).controller(H as u16, cost, planner);
    adjust(&mut header);
    let list = tensors::cautious(SIZES, CODEWORDS).map(tensors);
    let length = fill_tensors(header, &list, weight, &mut buffer.0)?;
    then(&Artifact::parse(&buffer.0[..length])?)
}

/// Writes the forecaster's weight file, after `adjust` has had its way with the header, and returns its length.
pub fn fill_model(adjust: impl FnOnce(&mut Header<'static>), buffer: &mut Buffer) -> Result<usize, Failure> {
    let Header { sizes, angles, model, provenance, .. } = header(Model::Network);
    // As far as the tiny model was ever asked.
    let sensors = Sensors { low: -10.0, high: 10.0 };
    let mut header = Header::model(sizes, angles, sensors, model, provenance);
    adjust(&mut header);
    fill_tensors(header, &tensors::model(SIZES), &weight, &mut buffer.0)
}

/// Points of the tiny table.
const TABLE: [usize; NX] = [6, 5];

/// Writes the weight file of the agent with the pendulum's physics whose value is a table, and returns its length.
pub fn fill_table(buffer: &mut Buffer) -> Result<usize, Failure> {
    let tensors = TENSORS.map(|tensor| match tensor {
        ("value", "w_x", ..) => ("value", "points", NX, 1),
        ("value", "w_s", ..) => ("value", "low", NX, 1),
        ("value", "b1", ..) => ("value", "rate", NX, 1),
        ("value", "w_h", ..) => ("value", "table", TABLE[0] * TABLE[1], 1),
        other => other,
    });
    fill_tensors(header(Model::Physics(Plant::Pendulum)), &tensors, &weight, &mut buffer.0)
}

/// Makes that file on the stack and hands it on, parsed.
pub fn with_table<R>(then: impl FnOnce(&Artifact<'_>) -> Result<R, Failure>) -> Result<R, Failure> {
    let mut buffer = Aligned([0; _]);
    let length = fill_table(&mut buffer)?;
    then(&Artifact::parse(&buffer.0[..length])?)
}

/// Makes a weight file on the stack and hands it on, parsed.
pub fn with<R>(
    model: Model,
    adjust: impl FnOnce(&mut Header<'static>),
    then: impl FnOnce(&Artifact<'_>) -> Result<R, Failure>,
) -> Result<R, Failure> {
    let mut buffer = Aligned([0; _]);
    let length = fill(model, adjust, &mut buffer)?;
    then(&Artifact::parse(&buffer.0[..length])?)
}

/// The same of the agent with the pendulum's physics, and its decoder beside.
pub fn with_decoder<R>(
    adjust: impl FnOnce(&mut Header<'static>),
    then: impl FnOnce(&Artifact<'_>) -> Result<R, Failure>,
) -> Result<R, Failure> {
    let mut header = header(Model::Physics(Plant::Pendulum));
    adjust(&mut header);
    let mut buffer = Aligned([0; 8192]);
    let length = fill_tensors(header, &tensors::watchful(SIZES), &weight, &mut buffer.0)?;
    then(&Artifact::parse(&buffer.0[..length])?)
}

/// The same with any header and any weights.
pub fn with_weights<R>(
    header: Header<'_>,
    weight: &dyn Fn(&str, &str, usize, usize) -> f32,
    then: impl FnOnce(&Artifact<'_>) -> Result<R, Failure>,
) -> Result<R, Failure> {
    let mut buffer = Aligned([0; _]);
    let length = fill_with(header, weight, &mut buffer)?;
    then(&Artifact::parse(&buffer.0[..length])?)
}

/// Makes the weight file of a filter over the learned model on the stack and hands it on, parsed.
pub fn with_tracker<R>(then: impl FnOnce(&Artifact<'_>) -> Result<R, Failure>) -> Result<R, Failure> {
    let Header { sizes, angles, model, estimator, provenance, .. } = header(Model::Network);
    let sensors = Sensors { low: -10.0, high: 10.0 };
    let header = Header::model(sizes, angles, sensors, model, provenance).tracker(estimator);
    let mut buffer: Buffer = Aligned([0; _]);
    let length = fill_tensors(header, &tensors::tracker(SIZES), &weight, &mut buffer.0)?;
    then(&Artifact::parse(&buffer.0[..length])?)
}

/// The world: the pendulum and the light sensors around it.
#[derive(Clone, Copy, Debug)]
pub struct World {
    /// Angle, 0 upright, and angular speed.
    pub x: [f32; NX],
}

impl World {
    /// What the sensors show.
    pub fn observe(&self) -> [f32; NY] {
        core::array::from_fn(|i| {
            let (_, cos) = math::sin_cos(self.x[0] - i as f32 * (core::f32::consts::TAU / NY as f32));
            0.5 + 0.5 * cos
        })
    }

    /// One step under an action.
    pub fn step(&mut self, u: &[f32; NU]) {
        let mut next = [0.0; NX];
        Pendulum::default().step(&mut zero(), &self.x, u, &[], &mut next);
        self.x = [math::wrap(next[0]), next[1]];
    }
}
