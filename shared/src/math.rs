//! Elementary functions in single precision, with the same bits on every target.
//!
//! Each function is a fixed sequence of `+ - * /` and comparisons on `f32`, and of integer
//! operations on their bits. IEEE 754 fixes the result of every one of these, with or without a
//! floating-point unit, so a chip computes bit for bit what the laptop computed. (The one thing it
//! leaves open is the bits of a NaN: every NaN returned here is the same one, whatever NaN came
//! in.)
//!
//! The method is that of Cody & Waite, *Software Manual for the Elementary Functions* (1980):
//! reduce the argument to a short interval by subtracting a multiple of a constant held in several
//! parts, approximate there by a polynomial, put the result together again. The polynomials are
//! minimax fits (Remez exchange in 50 digits; the coefficients rounded to `f32` one after another,
//! lowest degree first, the rest fitted anew each time). The error beside each is that of the
//! rounded coefficients in exact arithmetic.
//!
//! Maximum errors in the docs are measured against `f64` over **every** `f32` of the range given
//! (for `atan2`, which has two variables: as stated there). 1 ulp is the spacing of the `f32`
//! around the true value.

use core::f32::consts::{FRAC_PI_2, FRAC_PI_4, LN_2, LOG2_E, PI, TAU};
use micromath::F32;

const NAN: f32 = f32::from_bits(0x7fc0_0000);
const SIGN: u32 = 0x8000_0000;

/// Adding 1.5·2²³ leaves no bits for a fraction: the sum is rounded to an integer, which then sits
/// in its low bits.
const ROUNDER: f32 = 12_582_912.0;

// ln 2 = LN2_HI + LN2_LO. HI has 15 bits, so that `k * LN2_HI` is exact for every exponent k.
const LN2_HI: f32 = 0.693_145_75;
const LN2_LO: f32 = 1.428_606_8e-6;

// π/2 = HALF_PI_1 + HALF_PI_2 + HALF_PI_3. The first two have 11 bits: their products with an
// integer below 2¹³ are exact.
const HALF_PI_1: f32 = 1.570_312_5;
const HALF_PI_2: f32 = 4.837_513e-4;
const HALF_PI_3: f32 = 7.549_79e-8;

/// From here on those products would no longer be exact: [`turns`] reduces such angles instead.
const LARGE_ANGLE: f32 = 8192.0;

/// √x, correctly rounded: maximum error 0.5 ulp, the bits of IEEE 754 `sqrt` for every x, denormals
/// included.
///
/// √±0 = ±0, √∞ = ∞; negative or NaN gives NaN.
pub fn sqrt(x: f32) -> f32 {
    if !(x > 0.0 && x < f32::INFINITY) {
        return if x == 0.0 || x == f32::INFINITY { x } else { NAN };
    }
    // Denormals are scaled by 2²⁴ first, and their root by 2⁻¹².
    let (bits, halvings) =
        if x < f32::MIN_POSITIVE { ((x * 16_777_216.0).to_bits(), 12) } else { (x.to_bits(), 0) };

    // x = m·4ᵉ with m in [1, 4).
    let exponent = bits >> 23;
    let odd = !exponent & 1;
    let mantissa = bits & 0x007f_ffff;
    let m = f32::from_bits(((127 + odd) << 23) | mantissa);

    // 1/√m: micromath's integer seed (3.5 %) and two Newton steps (5e-6). Then one for √m itself.
    let h = 0.5 * m;
    let mut y = F32(m).invsqrt().0;
    y = y * (1.5 - h * y * y);
    y = y * (1.5 - h * y * y);
    let g = m * y;
    let g = g + 0.5 * y * (m - g * g);

    // g is now at most one unit off. As integers, M = m·2⁴⁶ and G = g·2²³: G is the nearest to √M
    // exactly when −G < M − G² ≤ G. The difference is small, so the low 32 bits of M and G² are
    // enough for it.
    let root = g.to_bits().wrapping_sub(0x3f80_0000 - 0x0080_0000);
    let square = (0x0080_0000 | mantissa) << (23 + odd);
    let rest = square.wrapping_sub(root.wrapping_mul(root)) as i32;
    let nearest = g.to_bits().wrapping_add(u32::from(rest > root as i32));
    let nearest = nearest.wrapping_sub(u32::from(rest <= -(root as i32)));

    let e = ((exponent + 1) >> 1).wrapping_sub(64 + halvings);
    f32::from_bits(nearest.wrapping_add(e << 23))
}

/// Splits eˣ = p·2ᵏ, p in [0.7, 1.42], for |x| < 128.
fn exp_parts(x: f32) -> (f32, i32) {
    let rounded = x * LOG2_E + ROUNDER;
    let k = rounded - ROUNDER;
    let r = (x - k * LN2_HI) - k * LN2_LO;
    // eʳ = 1 + r + r² q(r) for |r| ≤ ln 2 / 2, within 3.3e-9.
    let q = 0.008_369_165_5 + r * 0.001_383_832_3;
    let q = 0.499_999_94 + r * (0.166_665_17 + r * (0.041_668_102 + r * q));
    let p = 1.0 + (r + r * r * q);
    (p, rounded.to_bits().wrapping_sub(ROUNDER.to_bits()) as i32)
}

/// 2ᵏ for −126 ≤ k ≤ 127.
fn power_of_two(k: i32) -> f32 {
    f32::from_bits((k.wrapping_add(127) as u32) << 23)
}

/// eˣ. Maximum error 0.99 ulp over all x, denormal results included.
///
/// e^±0 = 1, e^∞ = ∞ and e^−∞ = 0; overflows to ∞ from x = 88.72284 on, underflows to 0 from
/// x = −103.972084 down; NaN gives NaN.
pub fn exp(x: f32) -> f32 {
    if x.abs() <= 86.0 {
        let (p, k) = exp_parts(x);
        return p * power_of_two(k);
    }
    if x.is_nan() {
        return NAN;
    }
    // Near the thresholds 2ᵏ alone is not an `f32`: two factors, of which only the last rounds. The
    // limits lie beyond overflow and underflow, so that the products become ∞ and 0 by themselves.
    let x = if x > 100.0 { 100.0 } else { x };
    let x = if x < -110.0 { -110.0 } else { x };
    let (p, k) = exp_parts(x);
    p * power_of_two(k >> 1) * power_of_two(k - (k >> 1))
}

/// ln(1 + f) for −0.293 ≤ f ≤ 0.4143, i.e. 1 + f in [√½, √2].
fn ln_1p_reduced(f: f32) -> f32 {
    // With s = f/(2+f): ln(1+f) = 2 artanh s = 2s + s·R(s²), and 2s = f − s·f. R within 8e-10 of
    // the sum.
    let s = f / (2.0 + f);
    let z = s * s;
    let r = z * (0.666_667_76 + z * (0.399_775_33 + z * 0.298_730_94));
    f - s * (f - r)
}

/// Natural logarithm ln x. Maximum error 0.96 ulp over all x > 0, denormals included. Monotone.
///
/// ln ±0 = −∞, ln 1 = 0, ln ∞ = ∞; negative or NaN gives NaN.
pub fn ln(x: f32) -> f32 {
    if !(x > 0.0 && x < f32::INFINITY) {
        return if x == 0.0 {
            f32::NEG_INFINITY
        } else if x == f32::INFINITY {
            x
        } else {
            NAN
        };
    }
    let (bits, bias) =
        if x < f32::MIN_POSITIVE { ((x * 16_777_216.0).to_bits(), 24) } else { (x.to_bits(), 0) };
    // x = 2ᵏ·(1+f), 1+f in [√½, √2): the exponent is counted from the bits of √½.
    let above = bits.wrapping_sub(0x3f35_04f3) as i32 >> 23;
    let f = f32::from_bits(bits.wrapping_sub((above as u32) << 23)) - 1.0;
    let k = (above - bias) as f32;
    k * LN2_HI + (k * LN2_LO + ln_1p_reduced(f))
}

/// Hyperbolic tangent tanh x. Maximum error 2.3 ulp and 1.4e-7 over all x.
///
/// 10 operations for |x| < 0.55, else 14, one of them a division. Odd to the bit, tanh ±0 = ±0;
/// exactly ±1 from |x| = 8.4911 on, and never beyond; NaN gives NaN. Monotone but for rounding: it
/// may step back by 1 or 2 ulp between neighbouring x.
pub fn tanh(x: f32) -> f32 {
    let a = x.abs();
    if a < TANH_NEAR {
        return tanh_near(a).copysign(x);
    }
    if a < TANH_FAR {
        return tanh_far(a).copysign(x);
    }
    if x.is_nan() { NAN } else { 1_f32.copysign(x) }
}

/// [`tanh`] of each, to the bit. A vector unit computes four at a time, both forms of each; a scalar one is better off with one.
pub fn tanh_all(values: &mut [f32]) {
    if cfg!(any(target_feature = "sse2", target_feature = "neon")) {
        for v in values {
            let (x, a) = (*v, v.abs());
            let far = if a < TANH_FAR { tanh_far(a) } else { 1.0 };
            let y = if a < TANH_NEAR { tanh_near(a) } else { far };
            *v = if x.is_nan() { NAN } else { y.copysign(x) };
        }
    } else {
        values.iter_mut().for_each(|v| *v = tanh(*v));
    }
}

const TANH_NEAR: f32 = 0.55;
const TANH_FAR: f32 = 9.02;

/// tanh a = a + a·a²·P(a²), within 3.7e-8 where a is small.
#[inline(always)]
fn tanh_near(a: f32) -> f32 {
    let z = a * a;
    let p = 0.133_207_29 + z * (-0.052_672_01 + z * 0.016_437_879);
    a + a * (z * (-0.333_329_47 + z * p))
}

/// tanh a where a is larger.
#[inline(always)]
fn tanh_far(a: f32) -> f32 {
    // e²ˣ = 2^(k+r) = 2ᵏ (A+r)/(A−r) = N/D with A = r·coth(r·ln 2/2), even in r (fitted within
    // 1.4e-8 for |r| ≤ ½). It need not be divided out: tanh x = (e²ˣ−1)/(e²ˣ+1) = (N−D)/(N+D).
    let t = a * (2.0 * LOG2_E);
    let rounded = t + ROUNDER;
    let r = t - (rounded - ROUNDER);
    let z = r * r;
    let even = 2.885_39 + z * (0.115_525_42 + z * -0.000_925_980_7);
    // Times 2ᵏ: k is in the low bits of `rounded`, and all else there is shifted out.
    let n = f32::from_bits((even + r).to_bits().wrapping_add(rounded.to_bits() << 23));
    let d = even - r;
    (n - d) / (n + d)
}

/// Logistic function σ(x) = 1/(1 + e⁻ˣ). Maximum error 2.9 ulp over all x, however small σ.
///
/// σ(±0) = ½; exactly 1 from x = 16.636 on, eˣ for very negative x and 0 where [`exp`] underflows;
/// NaN gives NaN.
pub fn sigmoid(x: f32) -> f32 {
    if x.is_nan() {
        return NAN;
    }
    // e^−|x| cannot overflow, and neither side subtracts.
    let e = exp(-x.abs());
    let s = 1.0 / (1.0 + e);
    if x < 0.0 { e * s } else { s }
}

/// Softplus ln(1 + eˣ), the smooth max(x, 0); its derivative is [`sigmoid`]. Maximum error 1.9 ulp
/// over all x.
///
/// softplus(±0) = ln 2; x itself from x = 14.5561 on; for very negative x eˣ without cancellation,
/// and 0 where [`exp`] underflows; softplus(∞) = ∞, softplus(−∞) = 0; NaN gives NaN.
pub fn softplus(x: f32) -> f32 {
    if x.is_nan() {
        return NAN;
    }
    // ln(1 + eˣ) = max(x, 0) + ln(1 + e), e = e^−|x| ≤ 1. Above √2 − 1 the logarithm takes out a
    // factor of 2.
    let e = exp(-x.abs());
    let l = if e < 0.414_213_57 { ln_1p_reduced(e) } else { LN_2 + ln_1p_reduced(0.5 * (e - 1.0)) };
    if x > 0.0 { x + l } else { l }
}

/// |x| in turns, modulo 1, in units of 2⁻⁶⁴; for finite |x| ≥ [`LARGE_ANGLE`], within 2⁻⁴⁰ turns.
///
/// Payne & Hanek, "Radian reduction for trigonometric functions" (1983): x = m·2ˢ with a 24-bit
/// integer m; of 1/2π only 64 bits matter, as those before yield whole turns and those after too
/// little.
fn turns(x: f32) -> u64 {
    /// The bits of 1/2π, after 32 zeros in front of the binary point.
    const INV_TAU: [u32; 8] =
        [0, 0x28be_60db, 0x9391_054a, 0x7f09_d5f4, 0x7d4d_3770, 0x36d8_a566, 0x4f10_e410, 0];
    let bits = x.to_bits() & !SIGN;
    let m = u64::from(0x0080_0000 | (bits & 0x007f_ffff));
    let start = (bits >> 23).wrapping_sub(150 - 32);
    // `& 7` changes nothing; it shows the compiler that no index is out of bounds.
    let word = |i: u32| u64::from(INV_TAU[((start >> 5) + i) as usize & 7]);
    let shift = start & 31;
    let window = (((word(0) << 32) | word(1)) << shift) | ((word(2) << shift) >> 32);
    m.wrapping_mul(window)
}

/// |x| = quadrant·π/2 + r (modulo 2π) with |r| ≤ π/4 (or 1e-3 more), for finite x.
fn quadrant(x: f32) -> (f32, u32) {
    let a = x.abs();
    if a <= FRAC_PI_4 {
        (a, 0)
    } else if a < LARGE_ANGLE {
        let rounded = a * (2.0 / PI) + ROUNDER;
        let k = rounded - ROUNDER;
        (((a - k * HALF_PI_1) - k * HALF_PI_2) - k * HALF_PI_3, rounded.to_bits())
    } else {
        // The top two bits count quarter turns, the others are a fraction of one; read as a signed
        // number they are the distance to the nearest quarter.
        let turns = turns(x);
        let r = ((turns << 2) >> 32) as i32 as f32 * (FRAC_PI_2 / 4_294_967_296.0);
        (r, (turns.wrapping_add(1 << 61) >> 62) as u32)
    }
}

/// (sin x, cos x), x in radians. Maximum error 1.2e-7 for |x| < 8192 and 1.4e-7 for every finite x;
/// for |x| ≤ π/4 sin is within 0.75 ulp and cos within 1.6 ulp.
///
/// Both lie within [−1, 1]. sin is odd and cos even to the bit, sin ±0 = ±0; ±∞ or NaN gives NaN
/// for both.
pub fn sin_cos(x: f32) -> (f32, f32) {
    if !x.is_finite() {
        return (NAN, NAN);
    }
    let (r, q) = quadrant(x);
    let z = r * r;
    // sin r = r + r·z·S(z), cos r = 1 + z·C(z) for |r| ≤ π/4, within 4e-9 and 4e-8.
    let s = -0.166_666_55 + z * (0.008_332_187 + z * -0.000_195_178_97);
    let c = -0.499_998_84 + z * (0.041_655_716 + z * -0.001_359_101_7);
    let s = r + r * (z * s);
    let c = 1.0 + z * c;
    // Each quarter turn maps (sin, cos) to (cos, −sin). Bit 1 of q is the sign of sin: to bit 31.
    let (s, c) = if q & 1 == 0 { (s, c) } else { (c, s) };
    let sin_sign = (x.to_bits() & SIGN) ^ ((q & 2) << 30);
    let cos_sign = (q.wrapping_add(1) & 2) << 30;
    (f32::from_bits(s.to_bits() ^ sin_sign), f32::from_bits(c.to_bits() ^ cos_sign))
}

/// The angle of the point (x, y) in [−π, π], counter-clockwise from the x axis. Maximum error 2.91
/// ulp (measured for every ratio, in two quadrants each, and for 10⁹ random pairs).
///
/// Edges as in IEEE 754: atan2(±0, x) = ±0 for x > 0 or x = +0, and ±π for x < 0 or x = −0;
/// atan2(y, ±0) = ±π/2 for y ≠ 0; infinities count as equal lengths (atan2(∞, ∞) = π/4, atan2(∞,
/// −∞) = 3π/4). A NaN in either gives NaN. Odd in y to the bit.
pub fn atan2(y: f32, x: f32) -> f32 {
    if x.is_nan() || y.is_nan() {
        return NAN;
    }
    let (ax, ay) = (x.abs(), y.abs());
    let steep = ay > ax;
    let (short, long) = if steep { (ax, ay) } else { (ay, ax) };
    // 0/0 and ∞/∞ are defined, and short + long below must not overflow.
    let (short, long) = if long == 0.0 {
        (short, 1.0)
    } else if short == f32::INFINITY {
        (1.0, 1.0)
    } else if long > 1e38 {
        (short * 0.25, long * 0.25)
    } else {
        (short, long)
    };
    // atan(a/b) = π/4 + atan((a−b)/(a+b)): leaves |t| ≤ tan(π/8).
    let (base, t) = if short > 0.414_213_57 * long {
        (FRAC_PI_4, (short - long) / (short + long))
    } else {
        (0.0, short / long)
    };
    // atan t = t + t·t²·P(t²), within 2.1e-8.
    let z = t * t;
    let p = 0.199_776_14 + z * (-0.138_765_51 + z * 0.080_498_04);
    let angle = base + (t + t * (z * (-0.333_329_47 + z * p)));
    let angle = if steep { FRAC_PI_2 - angle } else { angle };
    let angle = if x.is_sign_negative() { PI - angle } else { angle };
    angle.copysign(y)
}

/// The angle x modulo 2π, in [−π, π) with the `f32` nearest π. Maximum error 3.1e-7 rad (1.3 ulp of
/// π) for every finite x, measured around the circle.
///
/// x itself when it already lies there, −0 included; π gives −π; ±∞ or NaN gives NaN.
#[inline]
pub fn wrap(x: f32) -> f32 {
    if (-PI..PI).contains(&x) { x } else { wrap_outside(x) }
}

fn wrap_outside(x: f32) -> f32 {
    let r = if x.abs() < LARGE_ANGLE {
        let k = (x * (0.5 / PI) + ROUNDER) - ROUNDER;
        ((x - k * (4.0 * HALF_PI_1)) - k * (4.0 * HALF_PI_2)) - k * (4.0 * HALF_PI_3)
    } else if x.abs() < f32::INFINITY {
        let r = (turns(x) >> 32) as i32 as f32 * (TAU / 4_294_967_296.0);
        if x < 0.0 { -r } else { r }
    } else {
        return NAN;
    };
    if r >= PI {
        r - TAU
    } else if r < -PI {
        r + TAU
    } else {
        r
    }
}

/// `|x|`: the sign bit is cleared, of NaN too.
#[inline]
pub fn abs(x: f32) -> f32 {
    f32::from_bits(x.to_bits() & 0x7fff_ffff)
}

/// x brought into [low, high], for low ≤ high.
///
/// Unlike `f32::max` and `f32::min`, which may return either zero for ±0, it has the same bits on every target: x itself
/// only when it lies strictly inside, so −0 becomes the end that equals it. NaN gives `low`.
#[inline]
pub fn clamp(x: f32, low: f32, high: f32) -> f32 {
    let x = if x > low { x } else { low };
    if x < high { x } else { high }
}

#[cfg(test)]
mod tests;
