//! From `ẋ = f(x, u)` to the next state, in double precision: the worlds' side of the chip's integrators.

use forethought::feature::Angles;

/// Semi-implicit Euler: first the components that are velocities, then the others with the new velocities.
pub fn semi_implicit<const NX: usize>(
    x: &mut [f64; NX],
    rate: impl Fn(&[f64; NX]) -> [f64; NX],
    velocities: [bool; NX],
    dt: f64,
) {
    for half in [true, false] {
        let rate = rate(x);
        for ((x, rate), velocity) in x.iter_mut().zip(rate).zip(velocities) {
            if velocity == half {
                *x += dt * rate;
            }
        }
    }
}

/// The classical Runge–Kutta method.
pub fn runge_kutta<const NX: usize>(x: &mut [f64; NX], rate: impl Fn(&[f64; NX]) -> [f64; NX], dt: f64) {
    let start = *x;
    let ahead = |k: &[f64; NX], by: f64| std::array::from_fn(|i| start[i] + by * k[i]);
    let a = rate(&start);
    let b = rate(&ahead(&a, 0.5 * dt));
    let c = rate(&ahead(&b, 0.5 * dt));
    let d = rate(&ahead(&c, dt));
    *x = std::array::from_fn(|i| start[i] + dt / 6.0 * (a[i] + 2.0 * b[i] + 2.0 * c[i] + d[i]));
}

/// A state as models see it: in single precision, its angles in `[−π, π)`.
pub fn shown(x: &[f64], angles: Angles) -> Vec<f32> {
    let wrapped = |(i, &x)| if angles.contains(i) { super::pendulum::wrap(x) } else { x };
    x.iter().enumerate().map(|x| wrapped(x) as f32).collect()
}
