//! What the kernels and the training steps cost on this machine. Medians: the machine is never quiet.

use crate::{
    control::{Body, Control},
    data::log::Episode,
    export::{Tensors, WeightFile},
    optim::Adam,
    perceive::{
        drsae::{self, DrSae, Phase},
        inference::normalise,
    },
    policy::{Config, Objective, Policy},
    predict::network::{self, Known, Network},
    results::Row,
    tape::{Halves, ParameterSet, Shrinkage, Tape},
    worlds::{Rng, World, camera::normal, traffic},
};
use anyhow::Result;
use forethought::{
    Zero,
    agent::{Decision, Mode},
    artifact::{Descent, Load as _, Model, Planner, Term},
    control::Controller,
    feature::{Angles, Map},
    plan::gradient::Gradient,
    predict,
};
use forethought_tests::bench::{self, Kernel, PlannerMemory};
use nalgebra::DMatrix;
use rand::SeedableRng;
use std::time::{Duration, Instant};

/// All rows of `bench host`: the kernels that the chips are measured by, and a training step.
pub fn host() -> Result<Vec<Row>> {
    let mut rows = kernels()?;
    // Within the pool, as training is: a second thread is then there when a product is large enough for it.
    let steps = |_: &rayon::Scope<'_>| -> Result<[Row; 4]> {
        let rng = &mut Rng::seed_from_u64(0);
        Ok([lista_step(rng)?, drsae_step(rng)?, policy_step(rng)?, gradient_plan(rng)?])
    };
    rows.extend(rayon::scope(steps)?);
    rows.push(highway());
    Ok(rows)
}

fn kernels() -> Result<Vec<Row>> {
    let mut buffer = vec![0; bench::ROOM];
    let length = bench::weights(bench::SIZES, Model::Network, &mut buffer)?;
    let weights = WeightFile::from_bytes(&buffer[..length]);
    let length = bench::perception(bench::PERCEPTION, &mut buffer)?;
    let perception = WeightFile::from_bytes(&buffer[..length]);
    let length = bench::ensemble(bench::ENSEMBLE, &mut buffer)?;
    let ensemble = WeightFile::from_bytes(&buffer[..length]);
    let length = bench::sentinel(bench::ENERGY, &mut buffer)?;
    let sentinel = WeightFile::from_bytes(&buffer[..length]);

    let mut rows = Vec::new();
    let mut measure = |Kernel { name, multiply_adds, runs, call, idle }: Kernel| {
        let ns = 1e9 * (seconds(call) - seconds(idle)) / f64::from(runs);
        rows.push(Row::new(name, ns, "ns a call"));
        if multiply_adds > 0 {
            rows.push(Row::new(name, ns / multiply_adds as f64, "ns/multiply-add"));
        }
    };
    bench::functions(&mut measure);
    bench::plants(&mut measure);
    bench::kernels(&weights.parse()?, &mut Box::new(PlannerMemory::ZERO), &mut measure)?;
    bench::classifier(&perception.parse()?, &mut measure)?;
    bench::uncertain(&ensemble.parse()?, &mut measure)?;
    bench::familiar(&sentinel.parse()?, &mut measure)?;
    Ok(rows)
}

/// Seconds of one call: the median over batches that are long beside a reading of the clock.
fn seconds(call: &mut dyn FnMut()) -> f64 {
    const BATCHES: usize = 101;
    const BATCH: Duration = Duration::from_micros(100);
    let mut time = |calls: u32| {
        let start = Instant::now();
        (0..calls).for_each(|_| call());
        start.elapsed()
    };
    let mut calls = 1;
    while time(calls) < BATCH {
        calls *= 2;
    }
    let mut batches: Vec<_> = (0..BATCHES).map(|_| time(calls)).collect();
    batches.sort();
    batches[BATCHES / 2].as_secs_f64() / f64::from(calls)
}

/// A thousand steps of one car, 0.2 s each, on the highway of 31 cars: all drivers decide three times in a step.
pub fn highway() -> Row {
    let config = traffic::Config::default();
    let (cars, episode) = (config.cars, config.episode);
    let mut highway = traffic::Highway::new(config);
    let mut age = episode;
    let rng = &mut Rng::seed_from_u64(0);
    let seconds = seconds(&mut || {
        if age == episode {
            highway.reset(rng);
            age = 0;
        }
        highway.advance(None);
        age += 1;
    });
    Row::new("traffic: 1,000 car-steps of 0.2 s", 1e12 * seconds / cars as f64, "ns")
}

/// Forward, backward and Adam of LISTA 144→256 with three iterations on a batch of 128, supervised on given codes.
fn lista_step(rng: &mut Rng) -> Result<Row> {
    const NY: usize = 144;
    const NC: usize = 256;
    const BATCH: usize = 128;
    let mut random =
        |rows, cols, scale: f64| DMatrix::from_fn(rows, cols, |_, _| (scale * normal(rng)) as f32);
    let mut params = ParameterSet::new();
    let w_e = params.add("w_e", random(NC, NY, 0.05));
    let s = params.add("s", random(NC, NC, 0.01));
    let threshold = params.add("threshold", DMatrix::from_element(NC, 1, 0.1));
    let (y, target) = (random(NY, BATCH, 1.0), random(NC, BATCH, 0.3));
    let (mut tape, mut adam) = (Tape::new(), Adam::with_rate(1e-4));
    let mut failed = None;
    let seconds = seconds(&mut || {
        tape.clear();
        let (s, threshold) = (tape.watch(&params, s), tape.watch(&params, threshold));
        let drive = tape.matmul(tape.watch(&params, w_e), tape.constant(y.clone()));
        let z = tape.unroll(drive, s, threshold, 4, Shrinkage::Soft).code;
        tape.backward(tape.mean_square(tape.sub(z, tape.constant(target.clone()))));
        failed = adam.step(&mut params, &tape).err();
    });
    failed.map_or(Ok(()), Err)?;
    let row = Row::new("LISTA 144→256, T=3, batch 128: training step", 1e3 * seconds, "ms");
    Ok(row.beside(1.4, "JAX, 1.0 to"))
}

/// A step of training of the discriminative recurrent sparse autoencoder on all three criteria: 784 pixels, 400 units,
/// 11 iterations, a batch of 100.
fn drsae_step(rng: &mut Rng) -> Result<Row> {
    let config = drsae::Config { batch: 100, ..drsae::Config::default() };
    let mut x = DMatrix::from_fn(784, config.batch, |_, _| normal(rng).max(0.0) as f32);
    normalise(&mut x);
    let labels: Vec<u8> = (0..config.batch).map(|i| (i % 10) as u8).collect();
    let samples = drsae::Samples { x: &x, labels: &labels };
    let chosen: Vec<usize> = (0..config.batch).collect();
    let mut model = DrSae::new(&config, &x, 10, rng);
    let (mut tape, mut adam) = (Tape::new(), Adam::with_rate(1e-4));
    let mut failed = None;
    let seconds = seconds(&mut || {
        let step = model.step(&config, Phase::Joint, (samples, &chosen), &mut tape, &mut adam);
        failed = step.err();
    });
    failed.map_or(Ok(()), Err)?;
    let row = Row::new("DrSAE 784→400, T=11, batch 100: training step", 1e3 * seconds, "ms");
    Ok(row.beside(4.8, "JAX, 4.6 to"))
}

/// A model (4-64-64-3), a state and an action in, the next state out, and the log that its scales were taken from.
fn forward_model(rng: &mut Rng) -> Result<(Network, Episode)> {
    let mut numbers = |n: usize| -> Vec<f32> { (0..n).map(|_| normal(rng) as f32).collect() };
    let (states, actions) = ((0..129).map(|_| numbers(3)).collect(), (0..128).map(|_| numbers(1)).collect());
    let episode = Episode { states, actions };
    let config = network::Config { hidden: 64, ..network::Config::default() };
    let model = Network::new(&config, Known::default(), std::slice::from_ref(&episode), rng)?;
    Ok((model, episode))
}

/// Every component is to be 0, at little effort.
fn objective() -> Objective {
    let terms = (0..3).map(|index| Term::squared(Map::Value, index, 0.0, 1.0));
    Objective { terms: terms.collect(), action: vec![0.001] }
}

/// A step of training of a policy (3-64-64-1) through a frozen learned model: 30 steps unrolled, a batch of 128.
fn policy_step(rng: &mut Rng) -> Result<Row> {
    let (model, episode) = forward_model(rng)?;
    let config = Config { hidden: 64, batch: 128, horizon: 30, ..Config::default() };
    let mut policy = Policy::new(&config, Angles::default(), vec![1.0; 3], (&[-2.0], &[2.0]), rng);
    let (mut halves, mut adam) = (Halves::new(), Adam::with_rate(1e-4));
    let (objective, start) = (objective(), &episode.states[..config.batch]);
    let mut failed = None;
    let seconds = seconds(&mut || {
        let with = (&mut halves, &mut adam);
        failed = policy.step(with, &config, (&model, &objective), None, start, rng).err();
    });
    failed.map_or(Ok(()), Err)?;
    let row = Row::new("policy 3-64-64-1 through model, H=30, batch 128: training step", 1e3 * seconds, "ms");
    Ok(row.beside(3.0, "JAX, 1.9 to"))
}

/// A plan by descent through the same model, 20 steps ahead: ten iterations, each from a state of its own.
fn gradient_plan(rng: &mut Rng) -> Result<Row> {
    const H: usize = 20;
    let (model, episode) = forward_model(rng)?;
    // Without a tolerance it does not end before its iterations.
    let descent = Descent { iterations: 10, momentum: 0.9, step: 0.05, tolerance: 0.0 };
    let control = Control {
        body: Body { name: "bench", components: 3, angles: Angles::default(), low: &[-2.0], high: &[2.0] },
        objective: &objective(),
        safe: &[0.0],
        planner: Planner::Gradient(descent),
        horizon: H as u16,
        tensors: Tensors::default(),
    };
    let file = control.over(&model, 0, (0, 0))?;
    let artifact = file.parse()?;
    type Plans<'a> = Controller<'a, predict::network::Network<'a, 3, 1, 0, 64>, Gradient<'a>, 3, 1, 0, 64, H>;
    let mind = Plans::load(&artifact)?;
    let (mut state, mut decision) = (Box::new(Zero::ZERO), Decision::ZERO);
    let mut starts = episode.states.iter().cycle().filter_map(|x| <[f32; 3]>::try_from(x.as_slice()).ok());
    let seconds = seconds(&mut || {
        if let Some(x) = starts.next() {
            mind.decide(&mut state, &x, Mode::Plan, &mut decision);
        }
    });
    let row = Row::new("gradient plan, model 4-64-64-3, H=20, 10 iterations", 1e3 * seconds, "ms");
    Ok(row.beside(0.23, "JAX"))
}
