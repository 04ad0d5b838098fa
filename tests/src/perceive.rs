//! The sparse code: LISTA, its thresholds, its decoder and the read-out.

use crate::{
    Case, Failure,
    failure::{Golden, all_near, holds, near, same_bits},
    reference::{add_product, wide},
    tiny::{self, NC, NY, Numbers, World, weight},
    zero,
};
use forethought::{
    Zero,
    artifact::{self, Activation, FEATURES, Header, Load, Model, Plant},
    math,
    perceive::{
        Encoder,
        decoder::Decoder,
        lista::Lista,
        prox::{self, rectified, soft},
        readout::ReadOut,
    },
};

pub const CASES: &[Case] = &[
    Case { name: "perceive: LISTA matches f64", run: lista },
    Case { name: "perceive: rectified LISTA matches f64", run: rectified_lista },
    Case { name: "perceive: the decoder matches f64", run: decoder },
    Case { name: "perceive: the soft threshold is the proximal operator of the l1 norm", run: proximal },
    Case { name: "perceive: the tree threshold matches f64", run: tree },
    Case { name: "perceive: a code depends on nothing that came before", run: no_memory },
    Case { name: "perceive: the tiny camera shows where the pendulum is", run: camera },
    Case { name: "perceive: golden bits", run: golden },
];

#[inline(never)] // once in flash
fn encode(activation: Activation, y: &[f32; NY]) -> Result<[f32; NC], Failure> {
    let adjust =
        |header: &mut Header<'_>| header.encoder = artifact::Encoder::Lista { iterations: 2, activation };
    tiny::with(Model::Physics(Plant::Pendulum), adjust, |artifact| {
        let mut code = [0.0; NC];
        Lista::load(artifact)?.encode(&mut zero(), y, &mut code);
        Ok(code)
    })
}

/// `z⁰ = h(b)`, `zᵗ⁺¹ = h(b + S zᵗ)`.
fn reference(y: &[f32; NY], shrink: impl Fn(f64, f64) -> f64) -> [f64; NC] {
    let mut drive: [f64; NC] = core::array::from_fn(|i| f64::from(weight("perceive", "bias", i, 0)));
    add_product("perceive", "w_e", &wide(y), &mut drive);
    let shrink = |v: &[f64; NC]| {
        core::array::from_fn(|i| shrink(v[i], f64::from(weight("perceive", "threshold", i, 0))))
    };
    let mut code: [f64; NC] = shrink(&drive);
    for _ in 0..2 {
        let mut next = drive;
        add_product("perceive", "s", &code, &mut next);
        code = shrink(&next);
    }
    code
}

fn lista() -> Result<(), Failure> {
    let mut numbers = Numbers(7);
    for _ in 0..8 {
        let y = numbers.array();
        let expected = reference(&y, |v, t| (v.abs() - t).max(0.0).copysign(v));
        all_near("code", &expected, &encode(Activation::Soft, &y)?, 1e-6)?;
    }
    Ok(())
}

fn rectified_lista() -> Result<(), Failure> {
    let mut numbers = Numbers(8);
    for _ in 0..8 {
        let y = numbers.array();
        let expected = reference(&y, |v, t| (v - t).max(0.0));
        all_near("code", &expected, &encode(Activation::Rectified, &y)?, 1e-6)?;
    }
    Ok(())
}

fn decoder() -> Result<(), Failure> {
    let code: [f32; NC] = Numbers(9).array();
    tiny::with_perception(
        |_| {},
        |artifact| {
            let mut y = [0.0; NY];
            Decoder::load(artifact)?.reconstruct(&code, &mut y);
            let mut expected = [0.5; NY];
            add_product("perceive", "dictionary", &wide(&code), &mut expected);
            all_near("reconstruction", &expected, &y, 1e-6)
        },
    )
}

/// `soft(v, t)` minimises `½ (z − v)² + t |z|`, and `rectified` the same over `z ≥ 0`.
fn proximal() -> Result<(), Failure> {
    let mut numbers = Numbers(10);
    for _ in 0..200 {
        let (v, t) = (2.0 * numbers.next(), numbers.next().abs());
        let energy = |z: f32| {
            let (z, v, t) = (f64::from(z), f64::from(v), f64::from(t));
            0.5 * (z - v) * (z - v) + t * z.abs()
        };
        for _ in 0..8 {
            let elsewhere = 2.0 * numbers.next();
            holds("nothing beats the soft threshold", energy(soft(v, t)) <= energy(elsewhere) + 1e-6)?;
            let best = rectified(v, t);
            holds("a rectified code is not negative", best >= 0.0)?;
            holds("nothing beats the rectified threshold", energy(best) <= energy(elsewhere.abs()) + 1e-6)?;
        }
    }
    Ok(())
}

/// Two trees: 0 over 1 over 3 and 4, and 0 over 2; 5 over 6 and 7.
const PARENTS: [u16; 8] = [prox::ROOT, 0, 0, 1, 1, prox::ROOT, 5, 5];

/// Group by group, leaves first, each with all its members.
fn tree() -> Result<(), Failure> {
    let (mut numbers, mut golden) = (Numbers(13), Golden::default());
    for _ in 0..40 {
        let (mut z, t) = (numbers.array::<8>(), 0.3 * numbers.next().abs());
        let weights = numbers.array::<8>().map(|w| 1.0 + w);
        let mut expected = wide(&z);
        for group in (0..8).rev() {
            let within = |node: usize| {
                core::iter::successors(Some(node), |&n| PARENTS.get(n).map(|&parent| usize::from(parent)))
                    .any(|above| above == group)
            };
            let square: f64 = (0..8).filter(|&n| within(n)).map(|n| expected[n] * expected[n]).sum();
            // One step of Newton's makes a root of single precision one of double.
            let near = f64::from(math::sqrt(square as f32));
            let norm = if near > 0.0 { 0.5 * (near + square / near) } else { 0.0 };
            let limit = f64::from(t * weights[group]);
            let share = if norm > limit { 1.0 - limit / norm } else { 0.0 };
            (0..8).filter(|&n| within(n)).for_each(|n| expected[n] *= share);
        }
        prox::tree(&mut z, &PARENTS, &weights, t, &mut [f32::NAN; 8]);
        all_near("code", &expected, &z, 1e-6)?;
        golden.add(&z);
    }
    golden.is("codes on trees", 0xddb8_0d49)
}

fn no_memory() -> Result<(), Failure> {
    let mut numbers = Numbers(11);
    let (y, other) = (numbers.array(), numbers.array());
    tiny::with(
        Model::Physics(Plant::Pendulum),
        |_| {},
        |artifact| {
            let lista = Lista::<NY, NC>::load(artifact)?;
            let (mut scratch, mut first, mut again) = (Zero::ZERO, [0.0; NC], [0.0; NC]);
            lista.encode(&mut scratch, &y, &mut first);
            lista.encode(&mut scratch, &other, &mut again);
            lista.encode(&mut scratch, &y, &mut again);
            same_bits("code", &first, &again)
        },
    )
}

fn camera() -> Result<(), Failure> {
    tiny::with(
        Model::Physics(Plant::Pendulum),
        |_| {},
        |artifact| {
            let (lista, readout) = (Lista::<NY, NC>::load(artifact)?, ReadOut::load(artifact)?);
            for step in 0..24 {
                let theta = step as f32 * 0.25 - 3.0;
                let (mut code, mut features) = ([0.0; NC], [0.0; FEATURES]);
                lista.encode(&mut zero(), &World { x: [theta, 0.0] }.observe(), &mut code);
                holds("two features are measured", readout.read(&code, &mut features) == 2)?;
                let (sin, cos) = math::sin_cos(theta);
                near("cos", f64::from(cos), features[0], 0.08)?;
                near("sin", f64::from(sin), features[1], 0.08)?;
            }
            Ok(())
        },
    )
}

fn golden() -> Result<(), Failure> {
    let (mut numbers, mut golden) = (Numbers(12), Golden::default());
    for activation in [Activation::Soft, Activation::Rectified] {
        for _ in 0..4 {
            golden.add(&encode(activation, &numbers.array())?);
        }
    }
    let code: [f32; NC] = numbers.array();
    tiny::with_perception(
        |_| {},
        |artifact| {
            let mut y = [0.0; NY];
            Decoder::load(artifact)?.reconstruct(&code, &mut y);
            golden.add(&y);
            Ok(())
        },
    )?;
    tiny::with(
        Model::Physics(Plant::Pendulum),
        |_| {},
        |artifact| {
            let mut features = [0.0; FEATURES];
            ReadOut::load(artifact)?.read(&code, &mut features);
            golden.add(&features);
            golden.is("codes", 0x2462_8b9c)
        },
    )
}
