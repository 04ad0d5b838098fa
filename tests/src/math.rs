//! Elementary functions. Their errors are measured over every `f32` by the unit tests of `forethought::math`; here a
//! few hundred inputs show that this target computes the same.

use crate::{
    Case, Failure,
    failure::{Golden, near},
    reference,
    tiny::Numbers,
};
use forethought::math;

pub const CASES: &[Case] = &[
    Case { name: "math: functions match f64", run: references },
    Case { name: "math: golden bits", run: golden },
    Case { name: "math: golden bits at the edges", run: edges },
];

fn references() -> Result<(), Failure> {
    let mut numbers = Numbers(1);
    for _ in 0..50 {
        let x = 8.0 * numbers.next();
        let wide = f64::from(x);
        let e = reference::exp(wide);
        near("exp", e, math::exp(x), 1.2e-7 * e)?;
        near("tanh", reference::tanh(wide), math::tanh(x), 2e-7)?;
        near("sigmoid", 1.0 / (1.0 + 1.0 / e), math::sigmoid(x), 2e-7)?;
        near("softplus", reference::ln(1.0 + e), math::softplus(x), 2e-6)?;
        near("wrap", reference::wrap(wide), math::wrap(x), 4e-7)?;
        let (sin, cos) = math::sin_cos(x);
        near("sin", reference::sin(wide), sin, 2e-7)?;
        near("cos", reference::cos(wide), cos, 2e-7)?;
        near("atan2", reference::wrap(wide), math::atan2(sin, cos), 1e-6)?;
        let positive = 0.01 + x * x;
        near("ln", reference::ln(f64::from(positive)), math::ln(positive), 1e-6)?;
        let root = math::sqrt(positive);
        near("sqrt", f64::from(positive), root * root, 2e-7 * f64::from(positive))?;
    }
    Ok(())
}

fn golden() -> Result<(), Failure> {
    let (mut numbers, mut golden) = (Numbers(2), Golden::default());
    // From 2⁻²⁰ to 2²⁰, so that every branch is taken.
    for exponent in 0..=160_u32 {
        let scale = f32::from_bits((107 + exponent / 4) << 23);
        let (x, y) = (numbers.next() * scale, numbers.next() * scale);
        let (sin, cos) = math::sin_cos(x);
        golden.add(&[
            sin,
            cos,
            math::exp(x),
            math::tanh(x),
            math::sigmoid(x),
            math::softplus(x),
            math::wrap(x),
        ]);
        golden.add(&[math::sqrt(x.abs()), math::ln(x.abs()), math::atan2(y, x), math::atan2(x, y)]);
    }
    golden.is("functions", 0x52d0_77f7)
}

fn edges() -> Result<(), Failure> {
    let mut golden = Golden::default();
    let tiny = f32::from_bits(1);
    let edges = [0.0, tiny, f32::MIN_POSITIVE, 0.55, 8192.0, 1e30, f32::MAX, f32::INFINITY, f32::NAN];
    for x in edges.into_iter().flat_map(|x| [x, -x]) {
        let (sin, cos) = math::sin_cos(x);
        golden.add(&[
            sin,
            cos,
            math::exp(x),
            math::tanh(x),
            math::sigmoid(x),
            math::softplus(x),
            math::wrap(x),
        ]);
        golden.add(&[
            math::sqrt(x),
            math::ln(x),
            math::atan2(1.0, x),
            math::atan2(x, -1.0),
            math::atan2(x, x),
        ]);
    }
    golden.is("functions at their edges", 0xee64_5efe)
}
