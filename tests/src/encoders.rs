//! The encoders beside LISTA: PSD's predictor, coupled shrinkage, LAMP and LCoD.
#![expect(
    clippy::redundant_closure,
    reason = "without the closure, a lifetime of the file is fixed too early"
)]

use crate::{
    Case, Failure,
    failure::{Golden, all_near, holds, same_bits},
    reference::{tanh, wide},
    tiny::{self, NC, NY, Numbers},
    zero,
};
use forethought::{
    artifact::{self, Aligned, Artifact, Entry, Header, Load, Provenance, Sensors, write},
    perceive::{
        Encoder, coupled::Coupled, lamp::Lamp, lcod::Lcod, lista::Lista, prox::nth_largest, psd::Psd,
    },
};

pub const CASES: &[Case] = &[
    Case { name: "encoders: PSD's predictor matches f64", run: psd },
    Case { name: "encoders: coupled shrinkage matches f64", run: coupled },
    Case { name: "encoders: without weights of its own, coupled shrinkage uses the dictionary's", run: tied },
    Case { name: "encoders: LAMP matches f64", run: lamp },
    Case { name: "encoders: LCoD matches f64", run: lcod },
    Case { name: "encoders: LISTA with thresholds for each layer matches f64", run: layered_lista },
    Case { name: "encoders: LISTA with gains for each layer matches f64", run: gained_lista },
    Case { name: "encoders: the n-th largest is reached by n entries", run: largest },
    Case { name: "encoders: golden bits", run: golden },
];

const LAYERS: u16 = 4;
const COUPLED: artifact::Encoder = artifact::Encoder::Coupled { layers: LAYERS };
const LAMP: artifact::Encoder = artifact::Encoder::Lamp { layers: LAYERS };
const LCOD: artifact::Encoder = artifact::Encoder::CoordinateDescent { iterations: 9 };
const LISTA: artifact::Encoder =
    artifact::Encoder::Lista { iterations: LAYERS - 1, activation: artifact::Activation::Soft };

/// Loads an encoder and runs it.
type Run = fn(&Artifact<'_>, &[f32; NY]) -> Result<[f32; NC], Failure>;
/// Name, rows and columns of a tensor.
type Shape = (&'static str, usize, usize);
const W: Shape = ("w", NC, NY);
const W_E: Shape = ("w_e", NC, NY);
const S: Shape = ("s", NC, NC);
const BIAS: Shape = ("bias", NC, 1);
const GAIN: Shape = ("gain", NC, 1);
const THRESHOLD: Shape = ("threshold", NC, 1);
const DECODER: [Shape; 2] = [("dictionary", NY, NC), ("mean", NY, 1)];
const OF_LAYERS: [Shape; 3] =
    [("step", LAYERS as usize, 1), ("threshold", LAYERS as usize, 1), ("bypass", LAYERS as usize, 1)];

/// The number in a row and a column of a tensor.
fn value(name: &str, row: usize, col: usize) -> f32 {
    let weight = tiny::weight("perceive", name, row, col);
    match name {
        "gain" => 1.0 + 0.2 * weight,
        "gains" => 0.7 + 0.2 * weight,
        "step" => 0.6 + 0.1 * weight,
        "bypass" => row as f32,
        "w" => 0.3 * weight,
        "dictionary" => 4.0 * weight + 0.05 * tiny::weight("perceive", "w", col, row),
        "s" => 6.0 * weight,
        _ => weight,
    }
}

/// Runs an encoder, loaded from a file with these tensors, on an observation.
#[inline(never)] // once in flash
fn with(
    encoder: artifact::Encoder,
    shapes: &[&[Shape]],
    then: &mut dyn FnMut(&Artifact<'_>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    const MOST: usize = 6;
    let all = || shapes.iter().copied().flatten();
    let names: [&str; MOST] = core::array::from_fn(|i| all().nth(i).map_or("", |shape| shape.0));
    let values = names.map(|name| move |row: usize, col: usize| value(name, row, col));
    let entries: [Entry<'_>; MOST] = core::array::from_fn(|i| {
        let (name, rows, cols) = all().nth(i).copied().unwrap_or(("", 0, 0));
        Entry { part: "perceive", name, rows, cols, value: &values[i] }
    });
    let provenance = Provenance { trainer: "by hand", task: "tiny", seed: 0, data: 0 };
    let sensors = Sensors { low: -1.0, high: 1.0 };
    let header = Header::perception((NY as u32, NC as u32, NC as u16), sensors, encoder, provenance);
    let mut buffer = Aligned([0; 2560]);
    let length = write(header, &entries[..all().count()], &mut buffer.0)?;
    then(&Artifact::parse(&buffer.0[..length])?)
}

/// The code of a few observations, each beside its reference.
fn compare(
    encoder: artifact::Encoder,
    shapes: &[&[Shape]],
    run: Run,
    reference: impl Fn(&[f64; NY]) -> [f64; NC],
) -> Result<(), Failure> {
    let mut numbers = Numbers(21);
    with(encoder, shapes, &mut |artifact| {
        for _ in 0..6 {
            let y = numbers.array();
            all_near("code", &reference(&wide(&y)), &run(artifact, &y)?, 2e-5)?;
        }
        Ok(())
    })
}

/// The code of an observation, after another one was looked at.
fn encode<'a, E: Encoder<NY, NC> + Load<'a>>(
    artifact: &Artifact<'a>,
    y: &[f32; NY],
) -> Result<[f32; NC], Failure> {
    let (encoder, mut scratch, mut first, mut code) = (E::load(artifact)?, zero(), [0.5; NC], [0.0; NC]);
    encoder.encode(&mut scratch, y, &mut first);
    encoder.encode(&mut scratch, &y.map(|y| 0.3 - y), &mut code);
    encoder.encode(&mut scratch, y, &mut code);
    same_bits("code that remembers nothing", &first, &code)?;
    Ok(code)
}

/// `y += W x` with a matrix of this file, or with its transpose.
fn add(name: &str, transposed: bool, x: &[f64], y: &mut [f64]) {
    for (i, y) in y.iter_mut().enumerate() {
        for (j, x) in x.iter().enumerate() {
            let (row, col) = if transposed { (j, i) } else { (i, j) };
            *y += f64::from(value(name, row, col)) * x;
        }
    }
}

fn number(name: &str, row: usize) -> f64 {
    f64::from(value(name, row, 0))
}

fn soft(v: f64, t: f64) -> f64 {
    (v.abs() - t).max(0.0).copysign(v)
}

/// `y − ȳ − D z`
fn residual(y: &[f64; NY], z: &[f64; NC]) -> [f64; NY] {
    let mut explained = [0.0; NY];
    add("dictionary", false, z, &mut explained);
    core::array::from_fn(|i| y[i] - number("mean", i) - explained[i])
}

fn psd() -> Result<(), Failure> {
    compare(
        artifact::Encoder::Psd,
        &[&[W, BIAS, GAIN]],
        |a, y| encode::<Psd<'_, NY, NC>>(a, y),
        |y| {
            let mut sums: [f64; NC] = core::array::from_fn(|i| number("bias", i));
            add("w", false, y, &mut sums);
            core::array::from_fn(|i| number("gain", i) * tanh(sums[i]))
        },
    )
}

/// `z ← h(z + γ Wᵀ(y − D z))`, in which the largest `n` bypass the threshold.
fn shrinkage(y: &[f64; NY], analysis: (&str, bool)) -> [f64; NC] {
    let mut z = [0.0; NC];
    for t in 0..usize::from(LAYERS) {
        let mut push = [0.0; NC];
        add(analysis.0, analysis.1, &residual(y, &z), &mut push);
        let v: [f64; NC] = core::array::from_fn(|i| z[i] + number("step", t) * push[i]);
        let larger = |v_i: f64| v.iter().filter(|v| v.abs() > v_i.abs()).count();
        let theta = number("threshold", t);
        z = v.map(|v| if larger(v) < t && v.abs() > theta { v } else { soft(v, theta) });
    }
    z
}

fn coupled() -> Result<(), Failure> {
    let shapes: [&[Shape]; 3] = [&DECODER, &[W], &OF_LAYERS];
    compare(COUPLED, &shapes, |a, y| encode::<Coupled<'_, NY, NC>>(a, y), |y| shrinkage(y, ("w", false)))
}

fn tied() -> Result<(), Failure> {
    let shapes: [&[Shape]; 2] = [&DECODER, &OF_LAYERS];
    compare(
        COUPLED,
        &shapes,
        |a, y| encode::<Coupled<'_, NY, NC>>(a, y),
        |y| shrinkage(y, ("dictionary", true)),
    )
}

fn lamp() -> Result<(), Failure> {
    let shapes: [&[Shape]; 3] = [&DECODER, &[W], &OF_LAYERS[..2]];
    compare(
        LAMP,
        &shapes,
        |a, y| encode::<Lamp<'_, NY, NC>>(a, y),
        |y| {
            let (mut z, mut v, mut onsager) = ([0.0; NC], [0.0; NY], 0.0);
            for t in 0..usize::from(LAYERS) {
                let missed = residual(y, &z);
                v = core::array::from_fn(|i| missed[i] + onsager * v[i]);
                let power = v.iter().map(|v| v * v).sum::<f64>() / NY as f64;
                // √x by Newton's method.
                let deviation = (0..60).fold(1.0, |root: f64, _| 0.5 * (root + power / root));
                let (step, theta) = (number("step", t), number("threshold", t) * deviation);
                let mut push = [0.0; NC];
                add("w", false, &v, &mut push);
                z = core::array::from_fn(|i| soft(z[i] + step * push[i], theta));
                onsager = step * z.iter().filter(|z| **z != 0.0).count() as f64 / NY as f64;
            }
            z
        },
    )
}

fn lcod() -> Result<(), Failure> {
    compare(
        LCOD,
        &[&[W_E, BIAS, S, THRESHOLD]],
        |a, y| encode::<Lcod<'_, NY, NC>>(a, y),
        |y| {
            let mut drive: [f64; NC] = core::array::from_fn(|i| number("bias", i));
            add("w_e", false, y, &mut drive);
            let shrunk = |drive: &[f64; NC]| -> [f64; NC] {
                core::array::from_fn(|i| soft(drive[i], number("threshold", i)))
            };
            let mut z = [0.0; NC];
            for _ in 0..9 {
                let next = shrunk(&drive);
                let change = |i: usize| next[i] - z[i];
                let k = (1..NC).fold(0, |k, i| if change(i).abs() > change(k).abs() { i } else { k });
                let mut only_k = [0.0; NC];
                only_k[k] = change(k);
                add("s", false, &only_k, &mut drive);
                z[k] = next[k];
            }
            shrunk(&drive)
        },
    )
}

const THRESHOLDS: Shape = ("threshold", NC * LAYERS as usize, 1);
const GAINS: Shape = ("gains", 3 * LAYERS as usize, 1);

/// `zᵗ⁺¹ = h(γ (α b + β zᵗ + S zᵗ))`
fn unrolled(y: &[f64; NY], gains: impl Fn(usize) -> [f64; 3]) -> [f64; NC] {
    let mut drive: [f64; NC] = core::array::from_fn(|i| number("bias", i));
    add("w_e", false, y, &mut drive);
    let mut z = [0.0; NC];
    for t in 0..usize::from(LAYERS) {
        let [alpha, beta, gamma] = gains(t);
        let mut v: [f64; NC] = core::array::from_fn(|i| alpha * drive[i] + beta * z[i]);
        add("s", false, &z, &mut v);
        z = core::array::from_fn(|i| soft(gamma * v[i], number("threshold", t * NC + i)));
    }
    z
}

fn layered_lista() -> Result<(), Failure> {
    compare(
        LISTA,
        &[&[W_E, BIAS, S, THRESHOLDS]],
        |a, y| encode::<Lista<'_, NY, NC>>(a, y),
        |y| unrolled(y, |_| [1.0, 0.0, 1.0]),
    )
}

fn gained_lista() -> Result<(), Failure> {
    compare(
        LISTA,
        &[&[W_E, BIAS, S, THRESHOLDS, GAINS]],
        |a, y| encode::<Lista<'_, NY, NC>>(a, y),
        |y| unrolled(y, |t| core::array::from_fn(|i| number("gains", 3 * t + i))),
    )
}

fn largest() -> Result<(), Failure> {
    let mut numbers = Numbers(22);
    for _ in 0..20 {
        let v: [f32; NC] = numbers.array();
        for n in 0..NC + 2 {
            let bound = nth_largest(&v, n);
            let reach = v.iter().filter(|v| v.abs() >= bound).count();
            holds("n entries reach the n-th largest", reach == n.min(NC))?;
            holds("it is an entry", n == 0 || n > NC || v.iter().any(|v| v.abs() == bound))?;
        }
    }
    Ok(())
}

fn golden() -> Result<(), Failure> {
    let (mut numbers, mut golden) = (Numbers(23), Golden::default());
    let y: [[f32; NY]; 3] = core::array::from_fn(|_| numbers.array());
    let mut see = |encoder, shapes: &[&[Shape]], run: Run| {
        with(encoder, shapes, &mut |artifact| {
            for y in &y {
                golden.add(&run(artifact, y)?);
            }
            Ok(())
        })
    };
    see(artifact::Encoder::Psd, &[&[W, BIAS, GAIN]], |a, y| encode::<Psd<'_, NY, NC>>(a, y))?;
    see(COUPLED, &[&DECODER, &[W], &OF_LAYERS], |a, y| encode::<Coupled<'_, NY, NC>>(a, y))?;
    see(COUPLED, &[&DECODER, &OF_LAYERS], |a, y| encode::<Coupled<'_, NY, NC>>(a, y))?;
    see(LAMP, &[&DECODER, &[W], &OF_LAYERS], |a, y| encode::<Lamp<'_, NY, NC>>(a, y))?;
    see(LCOD, &[&[W_E, BIAS, S, THRESHOLD]], |a, y| encode::<Lcod<'_, NY, NC>>(a, y))?;
    see(LISTA, &[&[W_E, BIAS, S, THRESHOLDS, GAINS]], |a, y| encode::<Lista<'_, NY, NC>>(a, y))?;
    golden.is("codes", 0xe7d0_1fc2)
}
