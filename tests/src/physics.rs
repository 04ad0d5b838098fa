//! Plants under both integrators: their steps against `f64`, their pullbacks against finite differences of that.

use crate::{
    Case, Failure,
    failure::{Golden, all_near, near},
    reference::{cos, sin, slope, wide},
    tiny::Numbers,
    zero,
};
use forethought::predict::{
    ForwardModel,
    physics::{
        cart_pole::{self, CartPole},
        integrate::RungeKutta,
    },
};

pub const CASES: &[Case] = &[
    Case { name: "physics: the cart-pole's check value", run: check_value },
    Case { name: "physics: the cart-pole matches f64, and its golden bits", run: cart_pole },
    Case { name: "physics: the same under Runge-Kutta", run: cart_pole_by_runge_kutta },
];

/// `ẋ` of a plant, in `f64`.
type Rate<const NX: usize, const NU: usize> = fn(&[f64; NX], &[f64; NU]) -> [f64; NX];

/// The next state, in `f64`.
type Step<const NX: usize, const NU: usize> = dyn Fn(&[f64; NX], &[f64; NU]) -> [f64; NX];

/// Semi-implicit Euler: the components whose bit is set in `velocities` first.
fn semi_implicit<const NX: usize, const NU: usize>(
    rate: Rate<NX, NU>,
    velocities: usize,
    dt: f64,
) -> impl Fn(&[f64; NX], &[f64; NU]) -> [f64; NX] {
    move |x, u| {
        let mut x = *x;
        for half in [1, 0] {
            let rate = rate(&x, u);
            for (i, (x, rate)) in x.iter_mut().zip(rate).enumerate() {
                if velocities >> i & 1 == half {
                    *x += dt * rate;
                }
            }
        }
        x
    }
}

/// The classical Runge–Kutta method.
fn runge_kutta<const NX: usize, const NU: usize>(
    rate: Rate<NX, NU>,
    dt: f64,
) -> impl Fn(&[f64; NX], &[f64; NU]) -> [f64; NX] {
    move |x, u| {
        let ahead = |k: &[f64; NX], by: f64| core::array::from_fn(|i| x[i] + by * k[i]);
        let a = rate(x, u);
        let b = rate(&ahead(&a, 0.5 * dt), u);
        let c = rate(&ahead(&b, 0.5 * dt), u);
        let d = rate(&ahead(&c, dt), u);
        core::array::from_fn(|i| x[i] + dt / 6.0 * (a[i] + 2.0 * b[i] + 2.0 * c[i] + d[i]))
    }
}

/// Steps and pullbacks at points within `range` of the state and `reach` of the action; `golden` is the CRC of their bits.
fn agrees<M: ForwardModel<NX, NU, 0>, const NX: usize, const NU: usize>(
    model: &M,
    expected: &Step<NX, NU>,
    (range, reach): ([f32; NX], [f32; NU]),
    golden: u32,
) -> Result<(), Failure> {
    let (mut numbers, mut bits) = (Numbers(41), Golden::default());
    for _ in 0..16 {
        let (x, u) = (range.map(|r| r * numbers.next()), reach.map(|r| r * numbers.next()));
        let (g, mut trace, mut next, mut pulled) = (numbers.array(), zero::<M::Trace>(), [0.0; NX], zero());
        model.step(&mut trace, &x, &u, &[], &mut next);
        all_near("next state", &expected(&wide(&x), &wide(&u)), &next, 4e-6)?;
        model.pullback(&trace, &g, &mut pulled);
        let along = |next: [f64; NX]| next.iter().zip(&g).map(|(next, g)| next * f64::from(*g)).sum();
        for (i, found) in pulled.x.iter().enumerate() {
            near("slope in x", slope(|x| along(expected(x, &wide(&u))), &wide(&x), i), *found, 1e-5)?;
        }
        for (i, found) in pulled.u.iter().enumerate() {
            near("slope in u", slope(|u| along(expected(&wide(&x), u)), &wide(&u), i), *found, 1e-5)?;
        }
        bits.add(&next);
        bits.add(&pulled.x);
        bits.add(&pulled.u);
    }
    bits.is("plant", golden)
}

fn cart_pole_rate([_, v, theta, omega]: &[f64; 4], [force]: &[f64; 1]) -> [f64; 4] {
    let (sin, cos) = (sin(*theta), cos(*theta));
    let push = (force + 0.05 * omega * omega * sin) / 1.1;
    let turn = (9.8 * sin - cos * push) / (0.5 * (4.0 / 3.0 - 0.1 * cos * cos / 1.1));
    [*v, push - 0.05 * turn * cos / 1.1, *omega, turn]
}

const CART_POLE: ([f32; 4], [f32; 1]) = ([2.0, 3.0, 4.0, 6.0], [10.0]);

fn check_value() -> Result<(), Failure> {
    let mut next = [0.0; 4];
    CartPole::default().step(&mut zero(), &[0.1, -0.2, 0.3, 0.4], &[3.0], &[], &mut next);
    all_near("next state", &[0.096_773_44, -0.064_531_13, 0.321_153_99, 0.423_079_82], &next, 1e-6)
}

fn cart_pole() -> Result<(), Failure> {
    agrees(&CartPole::default(), &semi_implicit(cart_pole_rate, 0b1010, 0.05), CART_POLE, 0x9ecf_fec4)
}

fn cart_pole_by_runge_kutta() -> Result<(), Failure> {
    let plant = RungeKutta(cart_pole::Constants::default());
    agrees(&plant, &runge_kutta(cart_pole_rate, 0.05), CART_POLE, 0x4b67_db9c)
}
