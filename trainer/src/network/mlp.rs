//! A multi-layer perceptron, and its gradient in the input as a graph of its own.
//!
//! ```text
//! h₁ = φ(W₁ y + C x + b₁),   h_l = φ(W_l h_{l−1} + b_l),   F = W_o h + b_o
//! ∂(ḡᵀF)/∂y = W₁ᵀ (φ'₁ ⊙ W₂ᵀ (φ'₂ ⊙ … W_oᵀ ḡ))
//! ```
//! `x` is what the output may be conditional on. The second line is written on the tape with the same weights, so a loss may
//! contain the input gradient, as the penalty of a Wasserstein GAN does (Gulrajani et al. 2017). Where `φ` is piecewise
//! linear, `φ'` is constant almost everywhere: a mask.

use super::{Dense, Weights, layers};
use crate::{
    tape::{Id, ParameterSet, Tape, Var},
    worlds::Rng,
};
use serde::{Deserialize, Serialize};

/// What a hidden unit makes of its sum, `φ`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// `max(0, v)`.
    Relu,
    /// `max(0.2 v, v)`: passes some gradient on everywhere, which generators live on.
    Leaky,
    /// `tanh v`: smooth, and flat far away.
    Tanh,
}

/// Slope of a [leaky](Unit::Leaky) unit below zero.
pub(super) const LEAK: f32 = 0.2;

impl Unit {
    fn apply(self, tape: &Tape, v: Var) -> Var {
        match self {
            Self::Relu => tape.relu(v),
            Self::Leaky => tape.unary(v, |v| v.max(LEAK * v), |v, _| if v > 0.0 { 1.0 } else { LEAK }),
            Self::Tanh => tape.tanh(v),
        }
    }

    /// `φ'` from `h = φ(v)`.
    fn slope(self, tape: &Tape, h: Var) -> Var {
        // Masks have slope 0: what is detached passes nothing on, and nothing is what there is.
        let mask =
            |below: f32| tape.unary(tape.detach(h), move |h| if h > 0.0 { 1.0 } else { below }, |_, _| 0.0);
        match self {
            Self::Relu => mask(0.0),
            Self::Leaky => mask(LEAK),
            Self::Tanh => tape.offset(tape.scale(tape.square(h), -1.0), 1.0),
        }
    }

    /// Deviation of first weights, in units of He's: a tanh unit wants half the variance.
    fn gain(self) -> f64 {
        if self == Self::Tanh { 0.5f64.sqrt() } else { 1.0 }
    }
}

/// The layers.
#[derive(Clone, Debug)]
pub struct Mlp {
    /// Hidden layers, then the linear output.
    pub layers: Vec<Dense>,
    /// `C`, where there is a condition.
    pub condition: Option<Id>,
    /// `φ`.
    pub unit: Unit,
}

impl Mlp {
    /// Random layers. `widths` are those of the input, of each hidden layer and of the output; `condition` is how many
    /// numbers the output is conditional on, mostly none.
    ///
    /// # Panics
    /// With fewer than two widths.
    pub fn new(
        params: &mut ParameterSet,
        name: &str,
        widths: &[usize],
        condition: usize,
        unit: Unit,
        rng: &mut Rng,
    ) -> Self {
        assert!(widths.len() > 1, "Mlp: an input and an output are needed");
        let last = widths.len() - 2;
        let layers = widths.windows(2).enumerate().map(|(l, w)| {
            let gain = if l == last { 0.5f64.sqrt() } else { unit.gain() };
            Dense::new(params, &format!("{name}{l}"), w[0], w[1], gain, rng)
        });
        let layers = layers.collect();
        let condition = (condition > 0).then(|| {
            let shape = (widths[1], condition);
            layers::weights(params, &format!("{name}.condition"), shape, unit.gain(), rng)
        });
        Self { layers, condition, unit }
    }

    /// The output for a batch, one sample a column.
    pub fn forward(&self, weights: Weights<'_>, y: Var, x: Option<Var>) -> Var {
        self.run(weights, y, x).1
    }

    /// The output, and the gradient of `Σ_i F_i` in each sample's `y`, as a graph.
    pub fn with_slope(&self, weights: Weights<'_>, y: Var, x: Option<Var>) -> (Var, Var) {
        let tape = weights.tape;
        let (hidden, out) = self.run(weights, y, x);
        let (rows, columns) = tape.shape(out);
        let mut slope = tape.constant(nalgebra::DMatrix::from_element(rows, columns, 1.0));
        for (l, layer) in self.layers.iter().enumerate().rev() {
            slope = tape.matmul_transposed(weights.get(layer.w), slope);
            if l > 0 {
                slope = tape.mul(slope, self.unit.slope(tape, hidden[l - 1]));
            }
        }
        (out, slope)
    }

    /// The hidden layers' and the output.
    fn run(&self, weights: Weights<'_>, y: Var, x: Option<Var>) -> (Vec<Var>, Var) {
        let tape = weights.tape;
        let mut hidden = Vec::new();
        let mut h = y;
        for (l, layer) in self.layers.iter().enumerate() {
            let v = match (l, self.condition, x) {
                (0, Some(c), Some(x)) => {
                    let products = [(weights.get(layer.w), h), (weights.get(c), x)];
                    tape.affine(products, weights.get(layer.b))
                }
                _ => layer.apply(weights, h),
            };
            if l + 1 == self.layers.len() {
                return (hidden, v);
            }
            h = self.unit.apply(tape, v);
            hidden.push(h);
        }
        (hidden, h)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tape::check::{check_gradients, random};
    use rand::SeedableRng;

    const UNITS: [Unit; 3] = [Unit::Relu, Unit::Leaky, Unit::Tanh];

    fn network(unit: Unit) -> (ParameterSet, Mlp) {
        let mut params = ParameterSet::new();
        let mlp = Mlp::new(&mut params, "f", &[3, 7, 6, 1], 2, unit, &mut Rng::seed_from_u64(5));
        (params, mlp)
    }

    #[test]
    fn the_graph_of_the_slope_is_the_slope() {
        for unit in UNITS {
            let (params, mlp) = network(unit);
            let tape = Tape::new();
            let weights = Weights { tape: &tape, params: &params, frozen: true };
            let (y, x) = (tape.parameter(&random(3, 5, 1)), tape.constant(random(2, 5, 2)));
            let (out, slope) = mlp.with_slope(weights, y, Some(x));
            tape.backward(tape.sum(out));
            assert!((&*tape.gradient(y) - &*tape.value(slope)).amax() < 1e-5, "{unit:?}");
        }
    }

    /// The penalty of a Wasserstein GAN: second derivatives, by the weights of every layer.
    #[test]
    fn a_loss_of_the_slope_has_the_right_gradient() {
        for unit in UNITS {
            let (params, mlp) = network(unit);
            // A weight moved by the differences' step must not open or close a unit of these samples.
            let (y, x) = (random(3, 2, 3), random(2, 2, 4));
            let ids: Vec<_> = params.ids().filter(|&id| params.name(id).ends_with(".w")).collect();
            let loss = |tape: &Tape, params: &ParameterSet| {
                let weights = Weights { tape, params, frozen: false };
                let (y, x) = (tape.constant(y.clone()), tape.constant(x.clone()));
                tape.sum_square(mlp.with_slope(weights, y, Some(x)).1)
            };
            let tape = Tape::new();
            tape.backward(loss(&tape, &params));
            for id in ids {
                let gradient = tape.gradient_of(&params, id).expect("watched").clone_owned();
                let at = |entry: usize, step: f32| {
                    let mut moved = params.clone();
                    moved[id][entry] += step;
                    let tape = Tape::new();
                    f64::from(tape.scalar(loss(&tape, &moved)))
                };
                for entry in 0..gradient.len() {
                    const STEP: f32 = 2e-3;
                    let difference = (at(entry, STEP) - at(entry, -STEP)) / f64::from(2.0 * STEP);
                    let error = (difference - f64::from(gradient[entry])).abs();
                    assert!(
                        error < 5e-3 * difference.abs().max(1.0),
                        "{unit:?} {}: {difference} {}",
                        params.name(id),
                        gradient[entry]
                    );
                }
            }
        }
    }

    #[test]
    fn gradients_reach_the_input_and_the_condition() {
        let (params, mlp) = network(Unit::Tanh);
        check_gradients(&[random(3, 4, 1), random(2, 4, 2)], |tape, v| {
            mlp.forward(Weights { tape, params: &params, frozen: true }, v[0], Some(v[1]))
        });
    }
}
