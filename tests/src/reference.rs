//! The kernels once more in `f64`, written to be read: what the `f32` kernels are compared with.
//!
//! `core` has no `f64` functions, so the few that are needed are summed from their series: slow, and exact to about
//! 1e-14 in the range of these tests.

use crate::tiny::{NH, NX, weight};
use core::f64::consts::{LN_2, PI, TAU};

/// `eˣ` for moderate x: `2ᵏ eʳ` with the series for `|r| ≤ ln 2`.
pub fn exp(x: f64) -> f64 {
    let k = (x / LN_2) as i32;
    let r = x - f64::from(k) * LN_2;
    let (mut term, mut sum) = (1.0, 1.0);
    for n in 1..20 {
        term *= r / f64::from(n);
        sum += term;
    }
    let factor = if k < 0 { 0.5 } else { 2.0 };
    (0..k.unsigned_abs()).fold(sum, |sum, _| sum * factor)
}

/// `ln x` for moderate `x > 0`: Newton's method on `exp`.
pub fn ln(x: f64) -> f64 {
    (0..60).fold(0.0, |y: f64, _| y + 2.0 * (x - exp(y)) / (x + exp(y)))
}

/// `tanh x`.
pub fn tanh(x: f64) -> f64 {
    let e = exp(-2.0 * x.abs());
    ((1.0 - e) / (1.0 + e)).copysign(x)
}

/// The angle in `[−π, π)`.
pub fn wrap(mut x: f64) -> f64 {
    while x >= PI {
        x -= TAU;
    }
    while x < -PI {
        x += TAU;
    }
    x
}

/// `sin x` for moderate x.
pub fn sin(x: f64) -> f64 {
    let x = wrap(x);
    let (mut term, mut sum) = (x, x);
    for n in 1..16 {
        let n = f64::from(2 * n);
        term *= -x * x / (n * (n + 1.0));
        sum += term;
    }
    sum
}

/// `cos x` for moderate x.
pub fn cos(x: f64) -> f64 {
    sin(x + PI / 2.0)
}

/// A matrix of the tiny agent times a vector, added to `y`.
pub fn add_product(part: &str, name: &str, x: &[f64], y: &mut [f64]) {
    for (row, y) in y.iter_mut().enumerate() {
        for (col, x) in x.iter().enumerate() {
            *y += f64::from(weight(part, name, row, col)) * x;
        }
    }
}

/// `o` of a network of the tiny agent: of the state alone, or of an action and a latent too.
pub fn network<const OUT: usize>(part: &str, x: &[f64; NX], inputs: Option<(f64, f64)>) -> [f64; OUT] {
    let vector = |name, row| f64::from(weight(part, name, row, 0));
    let mut first: [f64; NH] = core::array::from_fn(|row| vector("b1", row));
    add_product(part, "w_x", &[cos(x[0]), x[1]], &mut first);
    add_product(part, "w_s", &[sin(x[0])], &mut first);
    if let Some((u, z)) = inputs {
        add_product(part, "w_u", &[u], &mut first);
        add_product(part, "w_z", &[z], &mut first);
    }
    let mut second: [f64; NH] = core::array::from_fn(|row| vector("b2", row));
    add_product(part, "w_h", &first.map(tanh), &mut second);
    let mut out = core::array::from_fn(|row| vector("b_o", row));
    add_product(part, "w_o", &second.map(tanh), &mut out);
    out
}

/// One step of the tiny agent's learned model.
pub fn learned_step(x: &[f64; NX], u: f64, z: f64) -> [f64; NX] {
    let change = network::<NX>("predict", x, Some((u, z)));
    [x[0] + change[0], x[1] + change[1]]
}

/// One step of Pendulum-v1.
pub fn pendulum_step(&[theta, omega]: &[f64; NX], u: f64) -> [f64; NX] {
    let omega = (omega + (15.0 * sin(theta) + 3.0 * u) * 0.05).clamp(-8.0, 8.0);
    [theta + 0.05 * omega, omega]
}

/// The central difference of `f` in one direction: `(f(x + h d) − f(x − h d)) / 2h`.
pub fn slope<const N: usize>(f: impl Fn(&[f64; N]) -> f64, x: &[f64; N], direction: usize) -> f64 {
    let h = 1e-5;
    let at = |h: f64| {
        let mut moved = *x;
        moved[direction] += h;
        f(&moved)
    };
    (at(h) - at(-h)) / (2.0 * h)
}

/// Every number in `f64`.
pub fn wide<const N: usize>(x: &[f32; N]) -> [f64; N] {
    x.map(f64::from)
}
