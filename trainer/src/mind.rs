//! Runs any artifact on the host, with the kernels that run on the chip.
//!
//! A chip's mind has exactly the sizes of its artifact. The host cannot know them when it is compiled, so it keeps a
//! short ladder of types and takes the smallest that holds the artifact; the unused part stays zero and changes no bit.

mod encoder;
mod model;

pub use encoder::AnyEncoder;
pub use model::{AnyModel, AnyPlant};

use forethought::{
    Zero,
    agent::{self, Agent, Decision, Diagnostics, Mode, Reading, SensorError},
    artifact::{
        self, Artifact, ArtifactError, FEATURES, Header, Kind, Load, MEMBERS, Model, Planner, Plant, Source,
        Tree, VIEWS,
    },
    control::Controller,
    energy::{self, reconstruction::Reconstruction},
    estimate::{kalman::Kalman, steady::Steady},
    forecast::Forecaster,
    generate::Generator,
    layers::DEPTH,
    perceive::{Encoder, convolutional, decoder::Decoder, maps::Maps, readout::ReadOut},
    plan::{discrete::Discrete, gradient::Gradient, ilqr::Ilqr, lq::Lq, reflex::Reflex, sampling::Sampling},
    predict::{
        ForwardModel, absent::Absent, ensemble::Ensemble, network::Network, physics::pendulum::Pendulum,
        traffic,
    },
    recognise::Recogniser,
    sentinel::Sentinel,
    track::Tracker,
    watch::{ANSWER, Watcher},
};

/// A mind of any size with its memory.
pub trait Mind {
    /// Forgets everything: a new episode.
    fn reset(&mut self);

    /// One decision: the action, how it came about, and why the reading was refused if it was.
    fn step(&mut self, reading: Reading<'_>, mode: Mode) -> (Vec<f32>, Diagnostics, Option<SensorError>);

    /// Where the agent believes the world to be.
    fn estimate(&self) -> Vec<f32>;

    /// The states that its last plan leads through.
    fn planned(&self) -> Vec<Vec<f32>>;
}

struct Running<'a, A: agent::Mind<'a, NX, NU>, const NX: usize, const NU: usize> {
    agent: A,
    state: Box<A::State>,
    nx: usize,
    answer: usize,
}

impl<'a, A: agent::Mind<'a, NX, NU>, const NX: usize, const NU: usize> Mind for Running<'a, A, NX, NU> {
    fn reset(&mut self) {
        *self.state = A::State::ZERO;
    }

    fn step(&mut self, reading: Reading<'_>, mode: Mode) -> (Vec<f32>, Diagnostics, Option<SensorError>) {
        let mut decision = Decision::ZERO;
        let refused = self.agent.step(&mut self.state, reading, mode, &mut decision).err();
        (decision.action[..self.answer].to_vec(), decision.diagnostics, refused)
    }

    fn estimate(&self) -> Vec<f32> {
        self.agent.estimate(&self.state)[..self.nx].to_vec()
    }

    fn planned(&self) -> Vec<Vec<f32>> {
        self.agent.planned(&self.state).iter().map(|x| x[..self.nx].to_vec()).collect()
    }
}

fn sized<'a, A: agent::Mind<'a, NX, NU> + 'a, const NX: usize, const NU: usize>(
    artifact: &Artifact<'a>,
) -> Result<Box<dyn Mind + 'a>, ArtifactError> {
    let (nx, answer) = (artifact.sizes().nx(), artifact.header().answer());
    Ok(Box::new(Running { agent: A::load(artifact)?, state: Box::new(A::State::ZERO), nx, answer }))
}

/// The pendulum's agents and others of their size.
type Small<'a, M> = Agent<'a, AnyEncoder<'a, 256, 64>, M, Gradient<'a>, 256, 64, 2, 1, 0, 32, 40>;
/// Every other agent.
type Large<'a, P> = Agent<'a, AnyEncoder<'a, NY, NC>, Foreseeing<'a>, P, NY, NC, NX, NU, NZ, NH, H>;
/// Every controller.
type Acting<'a, P> = Controller<'a, Foreseeing<'a>, P, NX, NU, NZ, NH, H>;
/// Agents whose planner remembers the square of its plan: it looks less far.
type Squared<'a> = Agent<'a, AnyEncoder<'a, NY, NC>, Foreseeing<'a>, Lq<'a>, NY, NC, NX, NU, NZ, NH, SHORT>;
/// Controllers with such a planner.
type SquaredAlone<'a> = Controller<'a, Foreseeing<'a>, Lq<'a>, NX, NU, NZ, NH, SHORT>;
/// Every forward model.
type Foreseeing<'a> = AnyModel<'a, NX, NU, NZ, NH>;
/// Every filter over a forward model.
type Tracking<'a, F, const NA: usize> = Tracker<F, Foreseeing<'a>, NX, NU, NZ, NA>;
/// Every ensemble.
type Together<'a, const NX: usize, const NU: usize, const NZ: usize, const NH: usize> =
    Ensemble<'a, MEMBERS, NX, NU, NZ, NH>;
/// The largest state, action, plan and hidden layer of those that act through an ensemble: every planned step remembers every
/// member.
pub const WARY: [usize; 4] = [6, 2, 40, 64];
const WX: usize = WARY[0];
const WU: usize = WARY[1];
const WT: usize = WARY[2];
const WH: usize = WARY[3];
/// Agents with an ensemble.
type Cautious<'a, P> =
    Agent<'a, AnyEncoder<'a, 256, 64>, Together<'a, WX, WU, 2, WH>, P, 256, 64, WX, WU, 2, WH, WT>;
/// Controllers with an ensemble.
type Wary<'a, P> = Controller<'a, Together<'a, WX, WU, 2, WH>, P, WX, WU, 2, WH, WT>;
/// Everything that only reacts: no more than a policy, so it may watch more.
type Reacting<'a> = Controller<'a, Absent, Reflex, WATCHED, NU, 0, NH, 0>;
/// Every watcher.
type Watching<'a> = Watcher<'a, { VIEWS as usize }, NH, MAPS>;
/// Everything that only notices.
type Noticing<E> = Sentinel<E, NY, { NY + 2 }>;
/// Everything that only perceives.
type Perception<'a> = Recogniser<'a, AnyEncoder<'a, NY, NC>, NY, NC, OUTPUTS>;

/// Loads a mind with the planner that its artifact names.
macro_rules! with_planner {
    ($artifact:ident, $mind:ident, $nx:expr, $nu:expr) => {
        match $artifact.header().planner {
            Planner::Reflex => sized::<$mind<'a, Reflex>, { $nx }, { $nu }>($artifact),
            Planner::Gradient(_) => sized::<$mind<'a, Gradient<'a>>, { $nx }, { $nu }>($artifact),
            Planner::Ilqr(_) => sized::<$mind<'a, Ilqr<'a>>, { $nx }, { $nu }>($artifact),
            Planner::Discrete(_) => sized::<$mind<'a, Discrete<'a, BEAM>>, { $nx }, { $nu }>($artifact),
            Planner::Sampling(_) => sized::<$mind<'a, Sampling<'a, ELITES>>, { $nx }, { $nu }>($artifact),
            // The linear-quadratic one has minds of its own.
            Planner::Lq(_) => Err(ArtifactError::Kind { expected: "a planner that this version has" }),
        }
    };
}

/// Loads an artifact into the smallest type that holds it.
pub fn load<'a>(artifact: &Artifact<'a>) -> Result<Box<dyn Mind + 'a>, ArtifactError> {
    let header = artifact.header();
    let small = match (header.kind, header.model) {
        (Kind::Agent, _) if matches!(header.planner, Planner::Lq(_)) => {
            return sized::<Squared<'a>, NX, NU>(artifact);
        }
        (Kind::Controller, _) if matches!(header.planner, Planner::Lq(_)) => {
            return sized::<SquaredAlone<'a>, NX, NU>(artifact);
        }
        (Kind::Controller, Model::Absent) => return sized::<Reacting<'a>, WATCHED, NU>(artifact),
        (Kind::Perception, _) => return sized::<Perception<'a>, 0, OUTPUTS>(artifact),
        (Kind::Sentinel, _) => {
            return match header.energy.map(|energy| energy.source) {
                Some(Source::Autoencoder | Source::Critic) => {
                    sized::<Noticing<energy::network::Network<'a, NY, WIDE>>, 0, { NY + 2 }>(artifact)
                }
                _ => {
                    type Eyes<'a> = Reconstruction<'a, AnyEncoder<'a, NY, NC>, NY, NC>;
                    sized::<Noticing<Eyes<'a>>, 0, { NY + 2 }>(artifact)
                }
            };
        }
        (Kind::Generator, _) => return sized::<Generator<'a, WIDE, OUTPUTS>, 0, OUTPUTS>(artifact),
        (Kind::Model, Model::Ensemble { .. }) => {
            return sized::<Forecaster<Together<'a, NX, NU, NZ, NH>, NX, NU, NZ, { 3 * NX }>, NX, { 3 * NX }>(
                artifact,
            );
        }
        (Kind::Model, _) => return sized::<Forecaster<Foreseeing<'a>, NX, NU, NZ, NX>, NX, NX>(artifact),
        (Kind::Tracker, _) if header.has_steady_filter() => {
            return sized::<Tracking<'a, Steady<'a>, NX>, NX, NX>(artifact);
        }
        (Kind::Tracker, _) => return sized::<Tracking<'a, Kalman<'a>, { 2 * NX }>, NX, { 2 * NX }>(artifact),
        (Kind::Watcher, _) => return sized::<Watching<'a>, { traffic::STATE }, ANSWER>(artifact),
        (Kind::Controller, Model::Ensemble { .. }) => return with_planner!(artifact, Wary, WX, WU),
        (Kind::Controller, _) => return with_planner!(artifact, Acting, NX, NU),
        (Kind::Agent, Model::Ensemble { .. }) => return with_planner!(artifact, Cautious, WX, WU),
        (Kind::Agent, Model::Physics(Plant::Pendulum)) => sized::<Small<'a, Pendulum>, 2, 1>(artifact),
        (Kind::Agent, Model::Network) => sized::<Small<'a, Network<'a, 2, 1, 0, 32>>, 2, 1>(artifact),
        (Kind::Agent, _) => return with_planner!(artifact, Large, NX, NU),
    };
    match small {
        Err(ArtifactError::TooLarge { .. } | ArtifactError::Kind { .. }) => {
            with_planner!(artifact, Large, NX, NU)
        }
        fits => fits,
    }
}

/// The longest observation: what the host's parts of an artifact share are types that hold any of them.
pub const NY: usize = 4096;
/// The longest code.
pub const NC: usize = 1024;
/// The most components of a state.
pub const NX: usize = 16;
/// The most components of a state that is only reacted to.
const WATCHED: usize = 64;
/// The most components of an action.
pub const NU: usize = 8;
/// The most components of a latent variable.
const NZ: usize = 16;
/// The most units of a hidden layer.
pub const NH: usize = 256;
/// The most numbers in the maps of a watcher.
const MAPS: usize = 1 << 16;
/// The most units of a layer of an energy or of a generator.
pub const WIDE: usize = 1024;
/// The most steps of a plan.
pub const H: usize = 128;
/// The most states that a planner keeps after each decision.
const BEAM: usize = 1024;
/// The most samples that a planner remembers.
const ELITES: usize = 64;
/// The most steps of a linear-quadratic plan.
const SHORT: usize = 32;
/// The most classes, and as many as the longest code has units.
pub const OUTPUTS: usize = NC;

/// The encoder of an artifact: from an observation to its code, and what decoder and read-out, where there are any, make
/// of that.
pub fn encoder<'a>(
    artifact: &Artifact<'a>,
) -> Result<impl FnMut(&[f32]) -> Perceived + use<'a>, ArtifactError> {
    let encoder = AnyEncoder::<NY, NC>::load(artifact)?;
    let header = artifact.header();
    let decoder = header.has_tensor("perceive", "dictionary").then(|| Decoder::load(artifact)).transpose()?;
    let readout = header.has("readout").then(|| ReadOut::load(artifact)).transpose()?;
    let sizes = artifact.sizes();
    let (mut scratch, mut y, mut code) = (Box::new(Zero::ZERO), Box::new([0.0; NY]), Box::new([0.0; NC]));
    Ok(move |observation: &[f32]| {
        y[..sizes.ny()].copy_from_slice(observation);
        encoder.encode(&mut scratch, &y, &mut code);
        let mut features = [0.0; FEATURES];
        let measured = readout.as_ref().map_or(0, |readout| readout.read(&code[..], &mut features));
        let reconstruction = decoder.as_ref().map(|decoder| {
            decoder.reconstruct(&code[..], &mut y[..]);
            y[..sizes.ny()].to_vec()
        });
        Perceived {
            code: code[..sizes.nc()].to_vec(),
            reconstruction,
            features: features[..measured].to_vec(),
        }
    })
}

/// What an encoder makes of an observation.
#[derive(Clone, Debug)]
pub struct Perceived {
    /// The code.
    pub code: Vec<f32>,
    /// The observation that the code stands for, if the artifact has a decoder.
    pub reconstruction: Option<Vec<f32>>,
    /// The features of the state that are read out of it, if the artifact has a read-out.
    pub features: Vec<f32>,
}

/// The forward model of an artifact: from a state and an action to the next state.
pub fn model<'a>(
    artifact: &Artifact<'a>,
) -> Result<impl Fn(&[f32], &[f32]) -> Vec<f32> + use<'a>, ArtifactError> {
    let model = Foreseeing::load(artifact)?;
    let nx = artifact.sizes().nx();
    Ok(move |x: &[f32], u: &[f32]| {
        let (mut state, mut action, mut next) = ([0.0; NX], [0.0; NU], [0.0; NX]);
        state[..x.len()].copy_from_slice(x);
        action[..u.len()].copy_from_slice(u);
        let mut trace = Zero::ZERO;
        model.step(&mut trace, &state, &action, &[0.0; NZ], &mut next);
        next[..nx].to_vec()
    })
}

/// Bytes of RAM that a mind's state takes on a 32-bit chip, where its sizes are exact.
pub fn state_size(header: &Header<'_>) -> usize {
    let s = header.sizes;
    let (ny, nc, nx, nu, nh) = (s.ny(), s.nc(), s.nx(), s.nu(), s.nh());
    let scratch = match &header.encoder {
        artifact::Encoder::Lista { .. } => 2 * nc,
        artifact::Encoder::Convolutional { rows, cols, channels, stages } => {
            let image = Maps { rows: (*rows).into(), cols: (*cols).into(), channels: (*channels).into() };
            2 * convolutional::memory(image, stages).map_or(0, |(_, largest)| largest)
        }
        artifact::Encoder::Psd => 0,
        artifact::Encoder::Coupled { .. } | artifact::Encoder::Lamp { .. } => ny,
        artifact::Encoder::CoordinateDescent { .. } => nc,
    };
    let perceive = ny + nc + scratch;
    let layers = DEPTH * nh;
    let network = 2 * nx + 2 * nh;
    let trace = match header.model {
        Model::Network => network,
        Model::Physics(plant) => model::plant_trace(plant) / size_of::<f32>(),
        Model::Ensemble { members } => usize::from(members) * (network + nx) + 2 * nx,
        Model::Residual(plant) => network + model::plant_trace(plant) / size_of::<f32>(),
        Model::Absent => 0,
        // The scene, and the maps.
        Model::Traffic(settings) => 6 * traffic::CARS + 1 + nx + traffic::memory(&settings, nh),
    };
    match header.kind {
        Kind::Agent | Kind::Tracker => (),
        Kind::Controller => return 4 * (nx + planner_size(header, trace)),
        Kind::Perception => return 4 * perceive,
        Kind::Model => return 4 * (trace + nx),
        Kind::Watcher => {
            // Places with how many of them there are, and a state, for each view.
            let past = if let Model::Traffic(settings) = header.model { settings.past.into() } else { 0 };
            return 4 * (past * (2 * traffic::boxes::FOUND + 1 + nx) + 1 + trace);
        }
        Kind::Generator => return 4 * layers,
        Kind::Sentinel => {
            // The observation, what is missed of it, and two counts.
            let scratch = match header.energy.map(|energy| energy.source) {
                Some(Source::Autoencoder | Source::Critic) => layers + ny,
                _ => nc + scratch,
            };
            return 4 * (2 * ny + scratch + 2);
        }
    }
    let covariance = if header.has_steady_filter() { 0 } else { nx * nx };
    let estimate = nx + covariance + 1;
    if header.kind == Kind::Tracker {
        return 4 * (estimate + nu + 1);
    }
    let last = nu + 1;
    let counts = 2;
    4 * (counts + perceive + estimate + planner_size(header, trace) + last)
}

/// Numbers that a planner remembers, for a model whose step remembers `trace`.
fn planner_size(header: &Header<'_>, trace: usize) -> usize {
    let (nx, nu, h) = (header.sizes.nx(), header.sizes.nu(), header.sizes.h());
    let rollout = h * (nu + nx + trace) + 1;
    match header.planner {
        Planner::Gradient(_) => 2 * rollout + 2 * h * nu + 1,
        Planner::Ilqr(_) => 2 * rollout + h * nu * (nx + 1) + 1,
        // Five whole plans, one of bytes and one of half words, and the factor.
        Planner::Lq(_) => h * nu * (h * nu + 5) + (3 * h * nu).div_ceil(4),
        Planner::Discrete(Tree { beam, .. }) => {
            let beam = usize::from(beam);
            // Two layers of states, each with its cell, what it has paid, its rank and its origin, and of two orders of
            // them; where all of them come from; the plan.
            let node = (6 * nx + 10).div_ceil(4);
            2 * (beam * node + beam + 1) + (h * beam).div_ceil(2) + h * (nu + nx) + 2
        }
        // Two plans with one trace, means and deviations and the next of both, the best samples.
        Planner::Sampling(settings) => {
            2 * (h * (nu + nx) + trace + 1) + 4 * h * nu + 2 * usize::from(settings.elites()) + 2
        }
        Planner::Reflex => 0,
    }
}
