//! Every function against `f64` over its range, at its edges, and without jumps.

use super::*;
use std::vec::Vec;

/// Every `stride`-th `f32` from `low` to `high`, both non-negative, in both signs.
fn sweep(low: f32, high: f32, stride: usize) -> impl Iterator<Item = f32> {
    (low.to_bits()..=high.to_bits())
        .step_by(stride)
        .chain([high.to_bits()])
        .flat_map(|bits| [f32::from_bits(bits), -f32::from_bits(bits)])
}

/// The spacing of the `f32` around `truth`.
fn ulp(truth: f64) -> f64 {
    let exponent = (truth.abs().to_bits() >> 52) as i32 - 1023;
    2_f64.powi(exponent.clamp(-126, 127) - 23)
}

/// The largest error over `inputs`, in ulp and absolute, with the input of the former.
fn worst(
    inputs: impl Iterator<Item = f32>,
    f: impl Fn(f32) -> f32,
    truth: impl Fn(f64) -> f64,
) -> (f64, f64, f32) {
    inputs.fold((0.0, 0.0, 0.0), |(in_ulp, absolute, at), x| {
        let t = truth(f64::from(x));
        let error = (f64::from(f(x)) - t).abs();
        let u = error / ulp(t);
        // Written so that a NaN is kept.
        let (in_ulp, at) = if u <= in_ulp { (in_ulp, at) } else { (u, x) };
        (in_ulp, if error <= absolute { absolute } else { error }, at)
    })
}

/// Central differences agree with the derivative, at steps across all seams of the reduction.
fn assert_smooth(range: f64, f: impl Fn(f32) -> f32, derivative: impl Fn(f64) -> f64) {
    for h in [1e-2, 1e-3] {
        for i in -20_000..=20_000 {
            let x = range * f64::from(i) / 20_000.0;
            let (right, left) = ((x + h) as f32, (x - h) as f32);
            let slope = (f64::from(f(right)) - f64::from(f(left))) / (f64::from(right) - f64::from(left));
            let t = derivative(x);
            let scale = 1.0 + t.abs() + f64::from(f(x as f32).abs());
            let tolerance = scale * (0.4 * h * h + 4.0 * f64::from(f32::EPSILON) / h);
            assert!((slope - t).abs() < tolerance, "x {x} h {h}: {slope} for {t}");
        }
    }
}

fn same(a: f32, b: f32) {
    assert_eq!(a.to_bits(), b.to_bits(), "{a:e} for {b:e}");
}

const TINY: f32 = f32::from_bits(1);
const INF: f32 = f32::INFINITY;

#[test]
fn nan_is_always_the_same_nan() {
    for bits in [0x7fc0_0000_u32, 0xffc0_0000, 0x7f80_0001, 0xff81_2345, 0x7fff_ffff] {
        let x = f32::from_bits(bits);
        let one = [sqrt, exp, ln, tanh, sigmoid, softplus, wrap].map(|f| f(x));
        let two = [sin_cos(x).0, sin_cos(x).1, atan2(x, 1.0), atan2(1.0, x), atan2(x, x)];
        for y in one.into_iter().chain(two) {
            same(y, NAN);
        }
    }
    for x in [-INF, INF] {
        same(wrap(x), NAN);
        same(sin_cos(x).0, NAN);
        same(sin_cos(x).1, NAN);
    }
    for x in [-TINY, -1.0, -INF] {
        same(sqrt(x), NAN);
        same(ln(x), NAN);
    }
}

#[test]
fn sqrt_is_correctly_rounded() {
    for x in sweep(0.0, f32::MAX, 331).filter(|x| x.is_sign_positive()) {
        same(sqrt(x), x.sqrt());
    }
    // Every exponent at the ends of its mantissas, and one stretch of neighbours.
    for exponent in 0..255 {
        for mantissa in [0, 1, 2, 0x7f_fffd, 0x7f_fffe, 0x7f_ffff] {
            let x = f32::from_bits((exponent << 23) | mantissa);
            same(sqrt(x), x.sqrt());
        }
    }
    for x in sweep(3.99, 4.01, 1).filter(|x| x.is_sign_positive()) {
        same(sqrt(x), x.sqrt());
    }
    same(sqrt(-0.0), -0.0);
    same(sqrt(INF), INF);
}

#[test]
fn exp_holds_its_bound() {
    let inputs = sweep(0.0, 103.972, 1009).filter(|&x| x < 88.722_83);
    let (in_ulp, _, at) = worst(inputs, exp, f64::exp);
    assert!(in_ulp <= 0.99, "{in_ulp} ulp at {at}");
    assert_smooth(4.0, exp, f64::exp);
}

#[test]
fn exp_edges() {
    for x in [0.0, -0.0, TINY, -TINY, f32::MIN_POSITIVE] {
        same(exp(x), 1.0);
    }
    same(exp(INF), INF);
    same(exp(f32::MAX), INF);
    same(exp(-INF), 0.0);
    same(exp(f32::MIN), 0.0);
    let overflow = 88.722_84_f32;
    same(exp(overflow), INF);
    assert!(exp(f32::from_bits(overflow.to_bits() - 1)) > 3.4e38);
    assert!(exp(f32::from_bits(overflow.to_bits() - 1)) < INF);
    let underflow = -103.972_084_f32;
    same(exp(underflow), 0.0);
    same(exp(f32::from_bits(underflow.to_bits() - 1)), TINY);
}

#[test]
fn ln_holds_its_bound() {
    let inputs = || sweep(TINY, f32::MAX, 1009).filter(|&x| x > 0.0);
    let (in_ulp, _, at) = worst(inputs(), ln, f64::ln);
    assert!(in_ulp <= 0.96, "{in_ulp} ulp at {at}");
    let values: Vec<f32> = inputs().map(ln).collect();
    assert!(values.is_sorted());
    // ln itself is too steep near 0 for one step size.
    assert_smooth(3.0, |x| ln(x + 4.0), |x| 1.0 / (x + 4.0));
}

#[test]
fn ln_edges() {
    same(ln(0.0), -INF);
    same(ln(-0.0), -INF);
    same(ln(1.0), 0.0);
    same(ln(INF), INF);
    assert!((ln(TINY) + 103.278_93).abs() < 1e-5);
}

#[test]
fn tanh_holds_its_bound() {
    let (in_ulp, absolute, at) = worst(sweep(0.0, 20.0, 1009), tanh, f64::tanh);
    assert!(in_ulp <= 2.3 && absolute <= 1.4e-7, "{in_ulp} ulp, {absolute:e} at {at}");
    assert_smooth(10.0, tanh, |x| 1.0 - x.tanh() * x.tanh());
}

/// Every 257th number there is, infinities and NaN among them.
#[test]
fn tanh_of_many_is_tanh_of_each() {
    let all: Vec<f32> = (0..=u32::MAX).step_by(257).map(f32::from_bits).chain([f32::NAN, -0.0]).collect();
    let mut many = all.clone();
    tanh_all(&mut many);
    for (x, y) in all.into_iter().zip(many) {
        let one = tanh(x);
        assert!(y.to_bits() == one.to_bits(), "{x}: {y} {one}");
    }
}

#[test]
fn tanh_is_odd_bounded_and_saturates() {
    let mut highest = 0_f32;
    for x in sweep(0.0, f32::MAX, 1009).filter(|x| x.is_sign_positive()) {
        let y = tanh(x);
        same(tanh(-x), -y);
        assert!(y <= 1.0);
        assert!(y >= highest - 2.0 * f32::EPSILON * highest, "falls at {x}");
        highest = if y > highest { y } else { highest };
    }
    for x in [0.0, TINY, f32::MIN_POSITIVE] {
        same(tanh(x), x);
        same(tanh(-x), -x);
    }
    for x in [8.4911, 9.0, 9.019_999, 9.02, 9.03, 100.0, f32::MAX, INF] {
        same(tanh(x), 1.0);
        same(tanh(-x), -1.0);
    }
}

#[test]
fn sigmoid_holds_its_bound() {
    let truth = |x: f64| 1.0 / (1.0 + (-x).exp());
    let (in_ulp, absolute, at) = worst(sweep(0.0, 103.972, 1009), sigmoid, truth);
    assert!(in_ulp <= 2.9 && absolute <= 1e-7, "{in_ulp} ulp, {absolute:e} at {at}");
    assert_smooth(20.0, sigmoid, |x| truth(x) * truth(-x));
    for x in [0.0, -0.0, TINY, -TINY] {
        same(sigmoid(x), 0.5);
    }
    for x in [16.636, 100.0, f32::MAX, INF] {
        same(sigmoid(x), 1.0);
    }
    for x in [103.972_084, f32::MAX, INF] {
        same(sigmoid(-x), 0.0);
    }
}

#[test]
fn softplus_holds_its_bound() {
    let truth = |x: f64| x.max(0.0) + (-x.abs()).exp().ln_1p();
    let (in_ulp, _, at) = worst(sweep(0.0, 103.972, 1009), softplus, truth);
    assert!(in_ulp <= 1.9, "{in_ulp} ulp at {at}");
    assert_smooth(20.0, softplus, |x| 1.0 / (1.0 + (-x).exp()));
    same(softplus(0.0), LN_2);
    same(softplus(-0.0), LN_2);
    for x in [14.5561, 100.0, f32::MAX, INF] {
        same(softplus(x), x);
    }
    for x in [-20.0, -50.0, -100.0, -103.972_084, f32::MIN, -INF] {
        same(softplus(x), exp(x));
    }
}

#[test]
fn sin_cos_hold_their_bound() {
    let (sin, cos) = (|x| sin_cos(x).0, |x| sin_cos(x).1);
    for (low, high) in [(0.0, FRAC_PI_4), (0.1, 1e4), (8191.0, 8193.0), (1e4, f32::MAX)] {
        let (_, error, at) = worst(sweep(low, high, 1009), sin, f64::sin);
        assert!(error <= 1.4e-7, "sin: {error:e}, worst in ulp at {at}");
        let (_, error, at) = worst(sweep(low, high, 1009), cos, f64::cos);
        assert!(error <= 1.4e-7, "cos: {error:e}, worst in ulp at {at}");
    }
    let (in_ulp, _, at) = worst(sweep(0.0, FRAC_PI_4, 1009), sin, f64::sin);
    assert!(in_ulp <= 0.75, "sin: {in_ulp} ulp at {at}");
    let (in_ulp, _, at) = worst(sweep(0.0, FRAC_PI_4, 1009), cos, f64::cos);
    assert!(in_ulp <= 1.6, "cos: {in_ulp} ulp at {at}");
    assert_smooth(10.0, sin, f64::cos);
    assert_smooth(10.0, cos, |x| -x.sin());
}

#[test]
fn sin_is_odd_cos_even_both_bounded() {
    for x in sweep(0.0, f32::MAX, 1009) {
        let (s, c) = sin_cos(x);
        assert!((-1.0..=1.0).contains(&s) && (-1.0..=1.0).contains(&c), "at {x:e}");
        same(sin_cos(-x).0, -s);
        same(sin_cos(-x).1, c);
    }
    for x in [0.0, -0.0, TINY, -TINY, f32::MIN_POSITIVE] {
        same(sin_cos(x).0, x);
        same(sin_cos(x).1, 1.0);
    }
}

#[test]
fn atan2_holds_its_bound() {
    // Every ratio up to 1, in all eight octants.
    for t in sweep(0.0, 1.0, 4099) {
        for (y, x) in [(t, 1.0), (1.0, t), (t, -1.0), (-1.0, t)] {
            let truth = f64::from(y).atan2(f64::from(x));
            let error = (f64::from(atan2(y, x)) - truth).abs();
            assert!(error <= 2.91 * ulp(truth), "atan2({y:e}, {x:e}): {error:e}");
            same(atan2(-y, x), -atan2(y, x));
        }
    }
    // Both of any size.
    let mut state = 1_u32;
    let mut any = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f32::from_bits(state ^ (state >> 16))
    };
    for _ in 0..1_000_000 {
        let (y, x) = (any(), any());
        if !x.is_nan() && !y.is_nan() {
            let truth = f64::from(y).atan2(f64::from(x));
            let error = (f64::from(atan2(y, x)) - truth).abs();
            assert!(error <= 2.91 * ulp(truth), "atan2({y:e}, {x:e}): {error:e}");
        }
    }
    for x in [-3.0, -1.0, 1.0, 3.0] {
        let slope = |y: f64| f64::from(x) / (f64::from(x * x) + y * y);
        // For x < 0 the angle jumps at y = 0: turn the point by half a turn.
        let f = |y: f32| if x < 0.0 { -atan2(y, -x) } else { atan2(y, x) };
        assert_smooth(5.0, f, slope);
    }
}

#[test]
fn atan2_edges() {
    for (y, x, angle) in [
        (0.0, 0.0, 0.0),
        (0.0, -0.0, PI),
        (0.0, 1.0, 0.0),
        (0.0, TINY, 0.0),
        (0.0, -TINY, PI),
        (0.0, INF, 0.0),
        (0.0, -INF, PI),
        (1.0, 0.0, FRAC_PI_2),
        (1.0, -0.0, FRAC_PI_2),
        (TINY, 0.0, FRAC_PI_2),
        (INF, -0.0, FRAC_PI_2),
        (1.0, INF, 0.0),
        (1.0, -INF, PI),
        (INF, 1.0, FRAC_PI_2),
        (INF, -1.0, FRAC_PI_2),
        (INF, INF, FRAC_PI_4),
        (INF, -INF, 3.0 * FRAC_PI_4),
        (1.0, 1.0, FRAC_PI_4),
        (TINY, TINY, FRAC_PI_4),
        (f32::MAX, f32::MAX, FRAC_PI_4),
        (f32::MAX, -f32::MAX, 3.0 * FRAC_PI_4),
        (TINY, f32::MAX, 0.0),
        (f32::MAX, TINY, FRAC_PI_2),
    ] {
        same(atan2(y, x), angle);
        same(atan2(-y, x), -angle);
    }
    // The sum of the two would overflow.
    assert!((atan2(0.5 * f32::MAX, f32::MAX) - 0.463_647_6).abs() < 1e-7);
}

#[test]
fn wrap_holds_its_bound() {
    for (low, high) in [(0.0, 1e4), (3.125, 3.25), (8191.0, 8193.0), (1e4, f32::MAX)] {
        for x in sweep(low, high, 1009) {
            let y = wrap(x);
            assert!((-PI..PI).contains(&y), "wrap({x:e}) = {y}");
            if (-PI..PI).contains(&x) {
                same(y, x);
            }
            let (s, c) = f64::from(x).sin_cos();
            let between = f64::from(y) - s.atan2(c);
            let error = between.sin().atan2(between.cos()).abs();
            assert!(error <= 3.1e-7, "wrap({x:e}) = {y}: {error:e}");
            same(wrap(y), y);
        }
    }
    same(wrap(-0.0), -0.0);
    same(wrap(PI), -PI);
    same(wrap(-PI), -PI);
    assert!((wrap(7.0) - (7.0 - TAU)).abs() < 3e-7);
}

#[test]
fn clamp_has_one_answer() {
    for (x, low, high, clamped) in [
        (0.5, 0.0, 1.0, 0.5),
        (-2.0, 0.0, 1.0, 0.0),
        (2.0, 0.0, 1.0, 1.0),
        (-INF, -1.0, 1.0, -1.0),
        (INF, -1.0, 1.0, 1.0),
        (NAN, -1.0, 1.0, -1.0),
        (-NAN, -1.0, 1.0, -1.0),
        (-0.0, -1.0, 1.0, -0.0),
        (-0.0, 0.0, 1.0, 0.0),
        (0.0, -0.0, 1.0, -0.0),
        (0.0, -1.0, -0.0, -0.0),
    ] {
        same(clamp(x, low, high), clamped);
    }
}
