//! The proof that no kernel can panic: with its panic handler it links only if nothing in it can (the trick
//! is Hubris's). Every kernel is called, on inputs the optimiser may not look at; those of traffic, energies and generators in
//! `panic_free_minds`, as all of them together would not fit into the flash of lm3s6965.
//!
//! The link is the proof; the program runs too, and exits with 0.
#![no_std]
#![no_main]

#[path = "../on_panic/fail_to_link.rs"]
mod on_panic;
#[path = "../proof.rs"]
mod proof;

/// The sizes of the bench's agent, and small weight files.
#[allow(dead_code)] // each binary takes what it needs
mod flashed {
    include!(concat!(env!("OUT_DIR"), "/bench.rs"));
}

use core::hint::black_box;
use flashed::{
    H, NC, NH, NU, NX, NY, NZ, REQUEST_FRAME, SMALL_ENSEMBLE, SMALL_MODEL, SMALL_NETWORK, SMALL_PENDULUM,
    SMALL_PERCEPTION, SMALL_TRACKER, VALUES,
};
use forethought::{
    Zero,
    agent::Agent,
    artifact::{Artifact, ArtifactError, FEATURES, Load},
    control::Controller,
    cost::Cost,
    dense::{Dense, dot},
    estimate::{Filter, kalman::Kalman, steady::Steady},
    feature::{Angles, Feature, Map},
    forecast::Forecaster,
    link::{self, Receiver, Reply, Request},
    math,
    network::StateNetwork,
    perceive::{
        Encoder,
        classifier::{Classifier, class},
        convolution::{Convolution, Unit},
        convolutional::Convolutional,
        coupled::Coupled,
        decoder::Decoder,
        lamp::Lamp,
        lcod::Lcod,
        lista::Lista,
        maps::Maps,
        normalise::Normalisation,
        pool::Pool,
        prox::{self, rectified, soft},
        psd::Psd,
        readout::ReadOut,
    },
    plan::{
        Planner, Rollout,
        discrete::Discrete,
        gradient::{self, Gradient},
        ilqr::Ilqr,
        lq::Lq,
        reflex::Reflex,
        sampling::Sampling,
    },
    policy::{Limits, Policy},
    predict::{
        ForwardModel, Pullback,
        absent::Absent,
        ensemble::Ensemble,
        network::Network,
        physics::{
            car::Car, cart_pole::CartPole, linear::Linear, mountain_car::MountainCar, pendulum::Pendulum,
            quadrotor::Quadrotor, rocket::Rocket,
        },
        residual::Residual,
    },
    recognise::Recogniser,
    track::Tracker,
};
use forethought_firmware::board;
use proof::ask;

// One agent for each forward model.
type Learned = Network<'static, NX, NU, NZ, NH>;
type Eyes = Lista<'static, NY, NC>;
const CLASSES: usize = 10;
type AgentWith<M> = Agent<'static, Eyes, M, Gradient<'static>, NY, NC, NX, NU, NZ, NH, H>;

#[board::entry]
fn main() -> ! {
    board::init();
    functions();
    features();
    matrices();
    let loaded = [
        everything::<Learned>(&SMALL_NETWORK.0),
        everything::<Pendulum>(&SMALL_PENDULUM.0),
        perception::<Eyes>(&SMALL_PERCEPTION.0),
        forecaster::<Learned, NX>(&SMALL_MODEL.0),
        forecaster::<Ensemble<'static, 4, NX, NU, NZ, NH>, { 3 * NX }>(&SMALL_ENSEMBLE.0),
        tracker::<Kalman<'static>, Learned>(&SMALL_TRACKER.0),
        other_models(),
    ];
    maps();
    planners();
    // A file of another encoder, which the optimiser does not know: that this is refused is no failure.
    let _ = black_box(perception::<Convolutional<'static, NY, NC, 64>>(&SMALL_PERCEPTION.0));
    messages();
    black_box((board::instructions(), board::stack_used(), board::static_ram(), board::flash_used()));
    board::exit(i32::from(loaded.iter().any(Result::is_err)))
}

fn functions() {
    let x = || black_box(0.7_f32);
    black_box([
        math::sqrt(x()),
        math::exp(x()),
        math::ln(x()),
        math::tanh(x()),
        math::sigmoid(x()),
        math::softplus(x()),
        math::sin_cos(x()).0,
        math::atan2(x(), x()),
        math::wrap(x()),
        soft(x(), x()),
        rectified(x(), x()),
        prox::soft_below(x(), x(), x()),
    ]);
    let (mut z, mut scratch) = ([x(); 4], [x(); 4]);
    let (parents, weights) = (black_box([prox::ROOT, 0, 9, 1]), black_box([x(); 3]));
    prox::tree(black_box(&mut z), black_box(&parents), black_box(&weights), x(), black_box(&mut scratch));
    black_box(z);
}

fn features() {
    let angles = Angles(black_box(0b01));
    let mut x = black_box([0.3, -4.0]);
    let (mut lifted, mut sines, mut gradient) = ([0.0; NX], [0.0; NX], [0.0; NX]);
    angles.lift(&x, &mut lifted, &mut sines);
    angles.pull((&lifted, &sines), (&x, &x), &mut gradient);
    angles.wrap(&mut x);
    black_box((angles.contains(black_box(70)), angles.count(), x, gradient));
    for map in [Map::Value, Map::Angle, Map::Cos, Map::Sin] {
        black_box(black_box(Feature { index: 1, map }).residual(black_box(&x[..]), black_box(0.5)));
    }
}

fn matrices() {
    let weights = black_box(&[0.5_f32; 64][..]);
    let (mut x, mut y) = ([1.0_f32; 16], [0.0_f32; 16]);
    if let Some(matrix) = Dense::new(black_box(7), black_box(9), weights).or(Dense::new(8, 8, weights)) {
        // Neither the matrix's sizes nor the vectors' are known to the optimiser, nor that they fit.
        matrix.add(black_box(&x[..]), black_box(&mut y[..]));
        matrix.pull(black_box(&y[..]), black_box(&mut x[..]));
    }
    black_box(dot(black_box(&x[..]), black_box(&y[..])));
    black_box(prox::nth_largest(black_box(&x[..]), black_box(3)));
}

/// Everything that a weight file can hold, with the forward model `M`.
fn everything<M: ForwardModel<NX, NU, NZ> + Load<'static>>(
    weights: &'static [u8],
) -> Result<(), ArtifactError> {
    let artifact = Artifact::parse(black_box(weights))?;
    parts(&artifact)?;
    model::<M>(&artifact)?;
    ask::<AgentWith<M>, NX, NU>(weights, &[0.1; NY])
}

/// The stages of a convolutional encoder, of shapes that nobody knows; and as an encoder of one.
fn maps() {
    let maps = |channels| black_box(Maps { rows: 5, cols: 4, channels });
    let (weights, per_filter) = (black_box(&[0.5_f32; 64][..]), black_box(&[0.1_f32; 4][..]));
    let (mut x, mut y) = ([0.3_f32; 64], [0.0_f32; 64]);
    let filters = Dense::new(black_box(4), black_box(8), black_box(&[0.5_f32; 32][..])).unwrap_or_default();
    for unit in [Unit::Rectified, Unit::Soft(per_filter), Unit::Tanh(per_filter)] {
        if let Some(stage) = Convolution::new(maps(2), black_box(2), filters, per_filter, black_box(unit)) {
            stage.run(black_box(&x[..]), black_box(&mut y[..]));
        }
    }
    let pools = Dense::new(black_box(32), black_box(2), weights);
    if let Some(stage) = Pool::new(maps(2), black_box((2, 1)), black_box(pools), black_box(0.1)) {
        stage.run(black_box(&y[..]), black_box(&mut x[..]));
    }
    if let Some(stage) = Normalisation::new(maps(2), black_box(3), black_box(1.0), black_box(0.1)) {
        stage.run(black_box(&mut x[..]), black_box(&mut y[..]));
    }
    black_box((x, y));
}

/// Forward models of sizes that the bench's agent does not have: that the file holds another is no failure.
fn other_models() -> Result<(), ArtifactError> {
    let artifact = Artifact::parse(black_box(&SMALL_NETWORK.0))?;
    another_model::<CartPole, 4, 1, 0>(&artifact);
    another_model::<Quadrotor, 12, 4, 0>(&artifact);
    another_model::<Linear<'static>, 3, 2, 0>(&artifact);
    another_model::<Rocket, 7, 2, 0>(&artifact);
    another_model::<Car, 4, 2, 0>(&artifact);
    another_model::<MountainCar, 2, 1, 0>(&artifact);
    another_model::<Residual<'static, Pendulum, NX, NU, NZ, NH>, NX, NU, NZ>(&artifact);
    Ok(())
}

/// A forward model that the weight file may name, as far as the optimiser knows.
fn another_model<
    M: ForwardModel<NX, NU, NZ> + Load<'static>,
    const NX: usize,
    const NU: usize,
    const NZ: usize,
>(
    artifact: &Artifact<'static>,
) {
    if let Ok(model) = M::load(artifact) {
        let (x, u, z) = (black_box([0.3; NX]), black_box([0.1; NU]), black_box([0.2; NZ]));
        let (mut trace, mut next, mut pulled) = (M::Trace::ZERO, [0.0; NX], Pullback::ZERO);
        model.step(&mut trace, &x, &u, &z, &mut next);
        model.pullback(black_box(&trace), &x, &mut pulled);
        black_box((next, pulled));
    }
}

/// An encoder that the weight file may name, as far as the optimiser knows.
fn another<E: Encoder<NY, NC> + Load<'static>>(artifact: &Artifact<'static>) {
    if let Ok(encoder) = E::load(artifact) {
        let (mut scratch, mut code, frame) = (E::Scratch::ZERO, [0.0; NC], black_box([0.1; NY]));
        encoder.encode(&mut scratch, &frame, &mut code);
        black_box(code);
    }
}

/// Everything that is the same for all forward models.
fn parts(artifact: &Artifact<'static>) -> Result<(), ArtifactError> {
    let x = black_box([0.3, -0.4]);

    let encoder = Eyes::load(artifact)?;
    let (mut scratch, mut code) = (Zero::ZERO, [0.0; NC]);
    encoder.encode(&mut scratch, black_box(&[0.1; NY]), &mut code);
    another::<Psd<'static, NY, NC>>(artifact);
    another::<Coupled<'static, NY, NC>>(artifact);
    another::<Lamp<'static, NY, NC>>(artifact);
    another::<Lcod<'static, NY, NC>>(artifact);

    let mut seen = [0.0; FEATURES];
    black_box(ReadOut::load(artifact)?.read(black_box(&code[..]), &mut seen));

    let policy = Policy::<NH>::load(artifact)?;
    let (mut action, mut effort, mut gradient) = ([0.0; NU], [0.0; NU], [0.0; NX]);
    policy.act(&x, &mut action);
    Limits::load(artifact)?.project(black_box(&mut action[..]));
    let value = StateNetwork::<NH>::load(artifact, "value", 1)?;
    let trace = value.forward(&x, black_box(&mut seen[..]));
    value.pull(black_box(&trace), black_box(&seen[..]), &mut gradient);

    let cost = Cost::<NH>::load(artifact)?;
    black_box((cost.stage(black_box(&x[..]), black_box(&action[..])), cost.terminal(&x)));
    cost.stage_gradient(&x, &action, black_box(&mut gradient[..]), black_box(&mut effort[..]));
    cost.terminal_gradient(&x, &mut gradient);
    black_box((effort, gradient));
    Ok(())
}

/// Everything that runs on a forward model.
fn model<M: ForwardModel<NX, NU, NZ> + Load<'static>>(
    artifact: &Artifact<'static>,
) -> Result<(), ArtifactError> {
    let model = black_box(M::load(artifact)?);
    let (x, u) = (black_box([0.3, -0.4]), black_box([0.1]));
    let (mut trace, mut next, mut pulled) = (M::Trace::ZERO, [0.0; NX], Pullback::ZERO);
    model.step(&mut trace, &x, &u, &[0.0; NZ], &mut next);
    model.pullback(black_box(&trace), &x, &mut pulled);
    black_box((next, pulled));

    filter(&model, &Kalman::load(artifact)?);
    filter(&model, &Steady::load(artifact)?);

    let cost = Cost::<NH>::load(artifact)?;
    let (planner, policy) = (Gradient::load(artifact)?, Policy::<NH>::load(artifact)?);
    let mut memory = gradient::State::<M::Trace, NX, NU, H>::ZERO;
    for _ in 0..black_box(2) {
        black_box(planner.plan(&mut memory, (&model, &cost), &x, |x, u| policy.act(x, u)));
    }
    let mut rollout: Rollout<M::Trace, NX, NU, H> = memory.plan;
    let mut gradient = [[0.0; NU]; H];
    rollout.imagine((&model, &cost), &x, black_box(H), |_, x, u| policy.act(x, u));
    rollout.gradient((&model, &cost), &x, black_box(H), &mut gradient);
    black_box(gradient);
    Ok(())
}

/// A filter over a forward model.
fn filter<M: ForwardModel<NX, NU, NZ>>(model: &M, filter: &impl Filter<NX>) {
    let mut belief = Zero::ZERO;
    let measured = black_box([Some(0.8), None, Some(0.6)]);
    for _ in 0..black_box(3) {
        filter.predict(model, &mut belief, &black_box([0.1]));
        black_box(filter.update(&mut belief, measured.iter().take(black_box(2)).copied()));
    }
    filter.know(&mut belief, &black_box([0.3, -0.4]));
    black_box((filter.variances(&belief).sum::<f32>(), filter.estimate(&belief)));
}

/// A mind that only perceives, with the encoder `E`.
fn perception<E: Encoder<NY, NC> + Load<'static>>(weights: &'static [u8]) -> Result<(), ArtifactError> {
    let mut frame = black_box([0.1; NY]);
    ask::<Recogniser<'static, E, NY, NC, CLASSES>, 0, CLASSES>(weights, &frame)?;
    // Neither code nor frame nor scores need have the artifact's lengths.
    let artifact = Artifact::parse(black_box(weights))?;
    let mut scores = black_box([0.1; CLASSES]);
    Decoder::load(&artifact)?.reconstruct(black_box(&scores[..]), black_box(&mut frame[..]));
    Classifier::load(&artifact)?.score(black_box(&frame[..]), black_box(&mut scores[..]));
    black_box(class(black_box(&scores[..])));
    Ok(())
}

/// A mind that is only the forward model `M`.
fn forecaster<M: ForwardModel<NX, NU, NZ> + Load<'static>, const NA: usize>(
    weights: &'static [u8],
) -> Result<(), ArtifactError> {
    ask::<Forecaster<M, NX, NU, NZ, NA>, NX, NA>(weights, &[0.1; NX + NU + NZ])
}

/// A mind that only keeps track, with the filter `F` over the forward model `M`.
fn tracker<F: Filter<NX> + Load<'static>, M: ForwardModel<NX, NU, NZ> + Load<'static>>(
    weights: &'static [u8],
) -> Result<(), ArtifactError> {
    ask::<Tracker<F, M, NX, NU, NZ, { 2 * NX }>, NX, { 2 * NX }>(weights, &[0.1; 3])
}

/// Every planner, in a mind that is shown the state.
fn planners() {
    // The files name another kind and mostly another planner, which the optimiser does not know: that they are refused
    // is no failure.
    let _ = black_box(controller::<Learned, Reflex>(&SMALL_NETWORK.0));
    let _ = black_box(controller::<Absent, Reflex>(&SMALL_NETWORK.0));
    let _ = black_box(controller::<Learned, Gradient<'static>>(&SMALL_NETWORK.0));
    let _ = black_box(controller::<Learned, Ilqr<'static>>(&SMALL_NETWORK.0));
    let _ = black_box(controller::<Learned, Lq<'static>>(&SMALL_NETWORK.0));
    let _ = black_box(controller::<Learned, Discrete<'static, 8>>(&SMALL_NETWORK.0));
    let _ = black_box(controller::<Learned, Sampling<'static, 3>>(&SMALL_NETWORK.0));
    // With doubt and several futures.
    type Unsure = Ensemble<'static, 4, NX, NU, 2, NH>;
    type Cautious = Controller<'static, Unsure, Gradient<'static>, NX, NU, 2, NH, H>;
    let _ = black_box(ask::<Cautious, NX, NU>(&SMALL_ENSEMBLE.0, &[0.3, -0.4]));
}

/// A mind that is shown the state, with the planner `P` over the forward model `M`.
fn controller<M, P>(weights: &'static [u8]) -> Result<(), ArtifactError>
where
    M: ForwardModel<NX, NU, NZ> + Load<'static>,
    P: Planner<'static, M, NX, NU, NZ, NH, H>,
{
    ask::<Controller<'static, M, P, NX, NU, NZ, NH, H>, NX, NU>(weights, &[0.3, -0.4])
}

/// Both ends of the link.
fn messages() {
    let mut buffer = [0; REQUEST_FRAME];
    let hello = Reply::<NU>::Hello { protocol: link::PROTOCOL, artifact: 0 };
    let _ = black_box(link::encode(&black_box(hello), black_box(&mut buffer[..])));
    let mut receiver = Receiver::<REQUEST_FRAME>::new();
    for &byte in black_box(&buffer[..]) {
        black_box(receiver.push::<Request<VALUES>>(byte));
    }
}
