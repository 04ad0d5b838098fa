//! Operations on each entry by itself.

use std::f32::consts::{PI, TAU};

use super::{Tape, Var, fast};

impl Tape {
    /// `Y = A + B`
    pub fn add(&self, a: Var, b: Var) -> Var {
        self.binary("add", a, b, |a, b| a + b, |_, _| (1.0, 1.0))
    }

    /// `Y = A − B`
    pub fn sub(&self, a: Var, b: Var) -> Var {
        self.binary("sub", a, b, |a, b| a - b, |_, _| (1.0, -1.0))
    }

    /// `Y = A ⊙ B`
    pub fn mul(&self, a: Var, b: Var) -> Var {
        self.binary("mul", a, b, |a, b| a * b, |a, b| (b, a))
    }

    /// `Y = k X`
    pub fn scale(&self, x: Var, k: f32) -> Var {
        self.unary(x, move |x| k * x, move |_, _| k)
    }

    /// `y = x + k`
    pub fn offset(&self, x: Var, k: f32) -> Var {
        self.unary(x, move |x| x + k, |_, _| 1.0)
    }

    /// `y = tanh x`, within 4e-7.
    pub fn tanh(&self, x: Var) -> Var {
        self.unary(x, fast::tanh, |_, y| 1.0 - y * y)
    }

    /// `y = 1 / (1 + e⁻ˣ)`, within 3e-7.
    pub fn sigmoid(&self, x: Var) -> Var {
        self.unary(x, fast::sigmoid, |_, y| y * (1.0 - y))
    }

    /// `y = ln(1 + eˣ)`
    pub fn softplus(&self, x: Var) -> Var {
        self.unary(x, |x| x.max(0.0) + (-x.abs()).exp().ln_1p(), |x, _| fast::sigmoid(x))
    }

    /// `y = max(0, x)`
    pub fn relu(&self, x: Var) -> Var {
        self.unary(x, |x| x.max(0.0), |x, _| if x > 0.0 { 1.0 } else { 0.0 })
    }

    /// `y = eˣ`, with relative error below 2e-7 for `x` in [−87, 88], and held constant beyond.
    pub fn exp(&self, x: Var) -> Var {
        self.unary(x, fast::exp, |_, y| y)
    }

    /// `y = ln x`, of positive entries.
    pub fn ln(&self, x: Var) -> Var {
        self.unary(x, f32::ln, |x, _| 1.0 / x)
    }

    /// `y = sin x`
    pub fn sin(&self, x: Var) -> Var {
        self.unary(x, f32::sin, |x, _| x.cos())
    }

    /// `y = cos x`
    pub fn cos(&self, x: Var) -> Var {
        self.unary(x, f32::cos, |x, _| -x.sin())
    }

    /// `y = x²`
    pub fn square(&self, x: Var) -> Var {
        self.unary(x, |x| x * x, |x, _| 2.0 * x)
    }

    /// `y = |x|`, with slope 0 at 0.
    pub fn abs(&self, x: Var) -> Var {
        self.unary(x, f32::abs, |x, _| if x == 0.0 { 0.0 } else { 1.0f32.copysign(x) })
    }

    /// `y = √(x + ε)`: `ε > 0` bounds the slope where `x` is zero.
    pub fn sqrt_eps(&self, x: Var, epsilon: f32) -> Var {
        self.unary(x, move |x| (x + epsilon).sqrt(), |_, y| 0.5 / y)
    }

    /// `y = min(max(x, low), high)`, with slope 1 inside and 0 outside.
    pub fn clamp(&self, x: Var, low: f32, high: f32) -> Var {
        let inside = move |x, _| if x > low && x < high { 1.0 } else { 0.0 };
        self.unary(x, move |x| x.max(low).min(high), inside)
    }

    /// An angle brought to [−π, π), with slope 1.
    pub fn wrap(&self, x: Var) -> Var {
        self.unary(x, |x| x - TAU * ((x + PI) / TAU).floor(), |_, _| 1.0)
    }

    /// `y = f(x)` for each entry, where `slope(x, y) = dy/dx`.
    pub fn unary(
        &self,
        x: Var,
        f: impl Fn(f32) -> f32,
        slope: impl Fn(f32, f32) -> f32 + Send + 'static,
    ) -> Var {
        self.record(
            &[x],
            |forward| forward.map(x, f),
            move |backward| {
                let x_value = backward.value(x).as_slice();
                let (y, y_bar) = (backward.output.as_slice(), backward.gradient.as_slice());
                let entries = y_bar.iter().zip(x_value.iter().zip(y));
                backward.add(x, entries.map(|(y_bar, (&x, &y))| y_bar * slope(x, y)));
            },
        )
    }

    /// `y = f(a, b)` for each pair of entries, where `slopes(a, b) = (∂y/∂a, ∂y/∂b)`.
    fn binary(
        &self,
        operation: &str,
        a: Var,
        b: Var,
        f: impl Fn(f32, f32) -> f32,
        slopes: impl Fn(f32, f32) -> (f32, f32) + Send + 'static,
    ) -> Var {
        let ((rows, columns), (b_rows, b_columns)) = self.shapes(a, b);
        assert!(
            (rows, columns) == (b_rows, b_columns),
            "{operation}: {rows}x{columns} and {b_rows}x{b_columns} differ",
        );
        self.record(
            &[a, b],
            |forward| {
                let (a, b) = (forward.value(a).as_slice(), forward.value(b).as_slice());
                forward.collect((rows, columns), a.iter().zip(b).map(|(&a, &b)| f(a, b)))
            },
            move |backward| {
                let y_bar = backward.gradient.as_slice();
                let (a_value, b_value) = (backward.value(a), backward.value(b));
                let entries = || y_bar.iter().zip(a_value.as_slice().iter().zip(b_value.as_slice()));
                backward.add(a, entries().map(|(y_bar, (&a, &b))| y_bar * slopes(a, b).0));
                backward.add(b, entries().map(|(y_bar, (&a, &b))| y_bar * slopes(a, b).1));
            },
        )
    }
}

#[cfg(test)]
mod tests {
    use super::super::check::{check_gradients, random};
    use super::*;

    /// Checks at ±0.2…±2.2, away from the kinks.
    fn check(f: impl Fn(&Tape, Var) -> Var) {
        check_gradients(&[random(4, 5, 1).map(|x| 2.0 * x + 0.2 * x.signum())], |tape, v| f(tape, v[0]));
    }

    #[test]
    fn unary_gradients() {
        check(|tape, x| tape.scale(x, -1.7));
        check(|tape, x| tape.offset(x, 0.3));
        check(Tape::tanh);
        check(Tape::sigmoid);
        check(Tape::softplus);
        check(Tape::relu);
        check(Tape::exp);
        check(Tape::sin);
        check(Tape::cos);
        check(Tape::square);
        check(Tape::abs);
        check(Tape::wrap);
        check(|tape, x| tape.ln(tape.offset(x, 3.0)));
        check(|tape, x| tape.sqrt_eps(tape.square(x), 1e-3));
        check(|tape, x| tape.clamp(x, -0.15, 5.0));
    }

    #[test]
    fn binary_gradients() {
        let inputs = [random(3, 4, 1), random(3, 4, 2)];
        check_gradients(&inputs, |tape, v| tape.add(v[0], v[1]));
        check_gradients(&inputs, |tape, v| tape.sub(v[0], v[1]));
        check_gradients(&inputs, |tape, v| tape.mul(v[0], v[1]));
    }

    #[test]
    fn wrap_reaches_the_half_open_interval() {
        let tape = Tape::new();
        let x = tape.constant(nalgebra::DMatrix::from_row_slice(1, 4, &[-PI, 4.0, -7.0, 13.0]));
        let y = tape.value(tape.wrap(x)).clone_owned();
        assert!(y.iter().all(|y| (-PI..PI).contains(y)));
        assert!((y[1] - (4.0 - TAU)).abs() < 1e-6 && (y[2] - (TAU - 7.0)).abs() < 1e-6);
    }
}
