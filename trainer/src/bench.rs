//! What the kernels and the training steps cost on this machine. Medians: the machine is never quiet.

use crate::{
    optim::Adam,
    results::Row,
    tape::{ParameterSet, Tape},
    worlds::{Rng, camera::normal},
};
use anyhow::Result;
use forethought::{dense::Dense, math};
use nalgebra::DMatrix;
use rand::SeedableRng;
use std::{hint::black_box, time::Instant};

/// All rows of `bench host`.
pub fn host() -> Result<Vec<Row>> {
    let rng = &mut Rng::seed_from_u64(0);
    let mut rows = dense(rng);
    rows.extend(functions());
    rows.push(lista_step(rng)?);
    Ok(rows)
}

/// Seconds of one call: the median over batches of `calls`.
fn median(batches: usize, calls: usize, mut f: impl FnMut()) -> f64 {
    let mut seconds: Vec<_> = (0..batches)
        .map(|_| {
            let start = Instant::now();
            (0..calls).for_each(|_| f());
            start.elapsed().as_secs_f64() / calls as f64
        })
        .collect();
    seconds.sort_by(f64::total_cmp);
    seconds[batches / 2]
}

fn dense(rng: &mut Rng) -> Vec<Row> {
    const N: usize = 64;
    let mut random = |n: usize| (0..n).map(|_| normal(rng) as f32).collect::<Vec<_>>();
    let (weights, x) = (random(N * N), random(N));
    let matrix = Dense::new(N, N, &weights).expect("64·64 weights");
    let mut y = vec![0.0; N];
    let add = median(200, 500, || matrix.add(black_box(&x), black_box(&mut y)));
    let pull = median(200, 500, || matrix.pull(black_box(&x), black_box(&mut y)));
    let each = (N * N) as f64;
    vec![
        Row::new("mat-vec 64x64", 1e9 * add, "ns a call"),
        Row::new("mat-vec 64x64", 1e9 * add / each, "ns/multiply-add"),
        Row::new("pullback 64x64", 1e9 * pull, "ns a call"),
        Row::new("pullback 64x64", 1e9 * pull / each, "ns/multiply-add"),
    ]
}

fn functions() -> Vec<Row> {
    let inputs: Vec<f32> = (0..1000).map(|i| i as f32 * 0.0123 - 6.0).collect();
    let time = |what: &str, f: &dyn Fn(f32) -> f32| {
        let seconds = median(100, 10, || {
            black_box(black_box(&inputs).iter().map(|&x| f(x)).sum::<f32>());
        });
        Row::new(what, 1e9 * seconds / inputs.len() as f64, "ns a call")
    };
    vec![
        time("tanh", &math::tanh),
        time("sin_cos", &|x| {
            let (sin, cos) = math::sin_cos(x);
            sin + cos
        }),
        time("exp", &math::exp),
    ]
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
    let seconds = median(60, 5, || {
        tape.clear();
        let (s, threshold) = (tape.watch(&params, s), tape.watch(&params, threshold));
        let drive = tape.matmul(tape.watch(&params, w_e), tape.constant(y.clone()));
        let mut z = tape.soft_threshold(drive, threshold);
        for _ in 0..3 {
            z = tape.soft_threshold(tape.add(drive, tape.matmul(s, z)), threshold);
        }
        tape.backward(tape.mean_square(tape.sub(z, tape.constant(target.clone()))));
        failed = adam.step(&mut params, &tape).err();
    });
    failed.map_or(Ok(()), Err)?;
    let row = Row::new("LISTA 144→256, T=3, batch 128: training step", 1e3 * seconds, "ms");
    Ok(row.beside(1.4, "JAX, 1.0 to"))
}
