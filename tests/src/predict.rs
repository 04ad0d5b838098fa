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
    artifact::{Load, Model, Plant},
    predict::{
        ForwardModel, Pullback,
        network::{Network, Trace},
        physics::pendulum::Pendulum,
        residual::Residual,
    },
};

pub const CASES: &[Case] = &[
    Case { name: "predict: a network's step matches f64", run: network_step },
    Case { name: "predict: a network's pullback matches finite differences", run: network_pullback },
    Case { name: "predict: the pendulum matches f64", run: pendulum_step },
    Case { name: "predict: the pendulum's pullback matches finite differences", run: pendulum_pullback },
    Case {
        name: "predict: physics with a residual matches f64, its pullback differences, golden bits",
        run: residual,
    },
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
                let (point, g) = (point(&mut numbers), numbers.array());
                pulled(&model, &point, &g, reference::learned_step)?;
            }
            Ok(())
        },
    )
}

/// A step and its pullback, after the latter has been compared with differences of `expected`.
fn pulled<M: ForwardModel<NX, NU, NZ>>(
    model: &M,
    (x, u, z): &([f32; NX], [f32; NU], [f32; NZ]),
    g: &[f32; NX],
    expected: impl Fn(&[f64; NX], f64, f64) -> [f64; NX],
) -> Result<([f32; NX], Pullback<NX, NU, NZ>), Failure> {
    let (mut trace, mut next, mut pulled) = (M::Trace::ZERO, [0.0; NX], Pullback::ZERO);
    model.step(&mut trace, x, u, z, &mut next);
    model.pullback(&trace, g, &mut pulled);
    let along = |at: &[f64; 4]| {
        let [a, b] = expected(&[at[0], at[1]], at[2], at[3]);
        f64::from(g[0]) * a + f64::from(g[1]) * b
    };
    let (at, found) = ([x[0], x[1], u[0], z[0]], [pulled.x[0], pulled.x[1], pulled.u[0], pulled.z[0]]);
    for (i, found) in found.into_iter().enumerate() {
        near("slope", slope(along, &wide(&at), i), found, 2e-6)?;
    }
    Ok((next, pulled))
}

/// The tiny network, which has learned a whole pendulum, on top of the pendulum: twice as much, but as good a sum.
fn residual() -> Result<(), Failure> {
    let (mut numbers, mut golden) = (Numbers(23), Golden::default());
    let expected = |x: &[f64; NX], u: f64, z: f64| {
        let (plain, learned) = (reference::pendulum_step(x, u), reference::learned_step(x, u, z));
        [0, 1].map(|i| plain[i] + learned[i] - x[i])
    };
    tiny::with(
        Model::Residual(Plant::Pendulum),
        |_| {},
        |artifact| {
            let model = Residual::<Pendulum, NX, NU, NZ, NH>::load(artifact)?;
            for _ in 0..8 {
                let (point @ (x, u, z), g) = (point(&mut numbers), numbers.array());
                let (next, pulled) = pulled(&model, &point, &g, expected)?;
                all_near("next state", &expected(&wide(&x), u[0].into(), z[0].into()), &next, 4e-6)?;
                golden.add(&next);
                golden.add(&pulled.x);
                golden.add(&pulled.u);
                golden.add(&pulled.z);
            }
            golden.is("residuals", 0xe3cf_a1c9)
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
