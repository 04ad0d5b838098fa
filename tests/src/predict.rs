//! Forward models and their pullbacks.

use crate::{
    Case, Failure,
    failure::{Golden, all_near, near},
    reference::{self, slope, wide},
    tiny::{self, NH, NU, NX, NZ, Numbers},
    zero,
};
use forethought::{
    Zero,
    artifact::{Load, Model},
    predict::{
        ForwardModel, Pullback,
        network::{Network, Trace},
        physics::pendulum::Pendulum,
    },
};

pub const CASES: &[Case] = &[
    Case { name: "predict: a network's step matches f64", run: network_step },
    Case { name: "predict: a network's pullback matches finite differences", run: network_pullback },
    Case { name: "predict: the pendulum matches f64", run: pendulum_step },
    Case { name: "predict: the pendulum's pullback matches finite differences", run: pendulum_pullback },
    Case { name: "predict: the tiny network has learned the pendulum", run: resemblance },
    Case { name: "predict: golden bits", run: golden },
];

type Learned<'a> = Network<'a, NX, NU, NZ, NH>;

/// Any state, action and latent.
fn point(numbers: &mut Numbers) -> ([f32; NX], [f32; NU], [f32; NZ]) {
    ([3.0 * numbers.next(), 6.0 * numbers.next()], [2.0 * numbers.next()], numbers.array())
}

fn network_step() -> Result<(), Failure> {
    let mut numbers = Numbers(17);
    tiny::with(
        Model::Network,
        |_| {},
        |artifact| {
            let model = Learned::load(artifact)?;
            for _ in 0..8 {
                let ((x, u, z), mut next) = (point(&mut numbers), [0.0; NX]);
                model.step(&mut zero(), &x, &u, &z, &mut next);
                let expected = reference::learned_step(&wide(&x), u[0].into(), z[0].into());
                all_near("next state", &expected, &next, 4e-6)?;
            }
            Ok(())
        },
    )
}

fn network_pullback() -> Result<(), Failure> {
    let mut numbers = Numbers(18);
    tiny::with(
        Model::Network,
        |_| {},
        |artifact| {
            let model = Learned::load(artifact)?;
            for _ in 0..8 {
                let ((x, u, z), g) = (point(&mut numbers), numbers.array());
                let (mut trace, mut pulled) = (Trace::ZERO, Pullback::ZERO);
                model.step(&mut trace, &x, &u, &z, &mut [0.0; NX]);
                model.pullback(&trace, &g, &mut pulled);
                let along = |at: &[f64; 4]| {
                    let [a, b] = reference::learned_step(&[at[0], at[1]], at[2], at[3]);
                    f64::from(g[0]) * a + f64::from(g[1]) * b
                };
                let (at, found) =
                    ([x[0], x[1], u[0], z[0]], [pulled.x[0], pulled.x[1], pulled.u[0], pulled.z[0]]);
                for (i, found) in found.into_iter().enumerate() {
                    near("slope", slope(along, &wide(&at), i), found, 2e-6)?;
                }
            }
            Ok(())
        },
    )
}

fn pendulum_step() -> Result<(), Failure> {
    let mut numbers = Numbers(19);
    for _ in 0..50 {
        let (x, u) = ([3.0 * numbers.next(), 8.0 * numbers.next()], [2.0 * numbers.next()]);
        let mut next = [0.0; NX];
        Pendulum::default().step(&mut zero(), &x, &u, &[], &mut next);
        all_near("next state", &reference::pendulum_step(&wide(&x), u[0].into()), &next, 2e-6)?;
    }
    Ok(())
}

fn pendulum_pullback() -> Result<(), Failure> {
    let mut numbers = Numbers(20);
    let model = Pendulum::default();
    for _ in 0..50 {
        let (x, u, g) =
            ([3.0 * numbers.next(), 8.0 * numbers.next()], [2.0 * numbers.next()], numbers.array());
        let (mut trace, mut pulled) = (Zero::ZERO, Pullback::ZERO);
        model.step(&mut trace, &x, &u, &[], &mut [0.0; NX]);
        model.pullback(&trace, &g, &mut pulled);
        let along = |at: &[f64; 3]| {
            let [a, b] = reference::pendulum_step(&[at[0], at[1]], at[2]);
            f64::from(g[0]) * a + f64::from(g[1]) * b
        };
        let (at, found) = ([x[0], x[1], u[0]], [pulled.x[0], pulled.x[1], pulled.u[0]]);
        for (i, found) in found.into_iter().enumerate() {
            near("slope", slope(along, &wide(&at), i), found, 2e-6)?;
        }
    }
    Ok(())
}

/// Not a test of a kernel, but of this crate: what the tiny agent believes is not nonsense.
fn resemblance() -> Result<(), Failure> {
    let mut numbers = Numbers(21);
    tiny::with(
        Model::Network,
        |_| {},
        |artifact| {
            let model = Learned::load(artifact)?;
            for _ in 0..20 {
                let ((x, u, _), mut next) = (point(&mut numbers), [0.0; NX]);
                model.step(&mut zero(), &x, &u, &[0.0; NZ], &mut next);
                all_near("next state", &reference::pendulum_step(&wide(&x), u[0].into()), &next, 0.15)?;
            }
            Ok(())
        },
    )
}

fn golden() -> Result<(), Failure> {
    let (mut numbers, mut golden) = (Numbers(22), Golden::default());
    tiny::with(
        Model::Network,
        |_| {},
        |artifact| {
            let (learned, physical) = (Learned::load(artifact)?, Pendulum::default());
            for _ in 0..8 {
                let ((x, u, z), mut next, g) = (point(&mut numbers), [0.0; NX], numbers.array());
                let (mut trace, mut pulled) = (Trace::ZERO, Pullback::ZERO);
                learned.step(&mut trace, &x, &u, &z, &mut next);
                learned.pullback(&trace, &g, &mut pulled);
                golden.add(&next);
                golden.add(&pulled.x);
                golden.add(&pulled.u);
                golden.add(&pulled.z);
                let (mut trace, mut pulled) = (Zero::ZERO, Pullback::ZERO);
                physical.step(&mut trace, &x, &u, &[], &mut next);
                physical.pullback(&trace, &g, &mut pulled);
                golden.add(&next);
                golden.add(&pulled.x);
                golden.add(&pulled.u);
            }
            golden.is("predictions", 0x3eec_a93d)
        },
    )
}
