//! Functions in a form the compiler vectorises: the same few additions and products for every
//! argument, no branches. (`std`'s call the C library once per entry.) And the registers to do it in.

use pulp::Arch;

/// Runs a loop with the widest registers that this machine has, where the program is built for any. No product is fused
/// with a sum, so the bits are the same in wide registers and in narrow ones.
#[inline(always)]
pub(super) fn wide<R>(run: impl FnOnce() -> R) -> R {
    Arch::new().dispatch(run)
}

/// `tanh x`, absolute error below 4e-7.
#[inline]
pub(super) fn tanh(x: f32) -> f32 {
    // A rational minimax approximation (Eigen's), odd by construction. Beyond 7.9, |tanh| rounds to 1.
    const P: [f32; 7] = [
        4.893_524_6e-3,
        6.372_619_5e-4,
        1.485_722_35e-5,
        5.122_297_3e-8,
        -8.604_672e-11,
        2.000_188e-13,
        -2.760_768_4e-16,
    ];
    const Q: [f32; 4] = [4.893_525e-3, 2.268_434_7e-3, 1.185_347_1e-4, 1.198_258_4e-6];
    let x = x.clamp(-7.905_311, 7.905_311);
    let s = x * x;
    let p = P[0] + s * (P[1] + s * (P[2] + s * (P[3] + s * (P[4] + s * (P[5] + s * P[6])))));
    let q = Q[0] + s * (Q[1] + s * (Q[2] + s * Q[3]));
    x * p / q
}

/// `1 / (1 + e⁻ˣ)`, absolute error below 3e-7.
#[inline]
pub(super) fn sigmoid(x: f32) -> f32 {
    0.5 + 0.5 * tanh(0.5 * x)
}

/// `eˣ`, relative error below 2e-7 for `x` in [−87, 88], and held constant beyond.
#[inline]
pub(super) fn exp(x: f32) -> f32 {
    // x = n ln 2 + r with |r| ≤ ½ ln 2. Adding 1.5·2²³ rounds to an integer and leaves n in the
    // low bits. ln 2 is split in two so that n · LN2_HIGH is exact.
    const ROUND: f32 = 12_582_912.0;
    const LN2_HIGH: f32 = 355.0 / 512.0;
    const LN2_LOW: f32 = -2.121_944_4e-4;
    let x = x.clamp(-87.0, 88.0);
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = x - n * LN2_HIGH - n * LN2_LOW;
    let p = 0.5
        + r * (1.666_666_5e-1
            + r * (4.166_579_6e-2 + r * (8.333_452e-3 + r * (1.398_2e-3 + r * 1.987_569_1e-4))));
    let two_to_n = f32::from_bits((shifted.to_bits() << 23).wrapping_add(1.0f32.to_bits()));
    (1.0 + r + r * r * p) * two_to_n
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(limit: f32) -> impl Iterator<Item = f32> {
        (-100_000..=100_000).map(move |i| limit * i as f32 / 1e5)
    }

    #[test]
    fn tanh_is_within_4e_7_and_sigmoid_within_3e_7() {
        for x in points(12.0) {
            let exact = f64::from(x).tanh();
            assert!((f64::from(tanh(x)) - exact).abs() < 4e-7, "{x}: {} {exact}", tanh(x));
            let exact = 1.0 / (1.0 + (-f64::from(x)).exp());
            assert!((f64::from(sigmoid(x)) - exact).abs() < 3e-7, "{x}: {} {exact}", sigmoid(x));
        }
        assert!(tanh(f32::NAN).is_nan());
    }

    #[test]
    fn exp_is_within_2e_7() {
        for x in points(87.0) {
            let exact = f64::from(x).exp();
            assert!((f64::from(exp(x)) / exact - 1.0).abs() < 2e-7, "{x}: {} {exact}", exp(x));
        }
        assert!(exp(f32::NAN).is_nan() && exp(1e9).is_finite() && exp(-1e9) >= 0.0);
    }
}
