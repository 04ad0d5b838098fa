//! Affine maps with units between them, as the chip's [`Layers`](forethought::layers::Layers) run them.
//!
//! ```text
//! h_k = φ(W_k h_{k−1} + b_k),   h_0 = [y; x],   out = W_L h_{L−1} + b_L, or σ of that
//! ```
//! What is linear disappears into its neighbours: a code between an encoder and a decoder, a scale of inputs or outputs.

use super::{Mlp, Unit};
use crate::{export::Tensors, tape::ParameterSet};
use forethought::{
    artifact::{self, Hidden},
    layers::DEPTH,
};
use nalgebra::DMatrix;

/// `v ↦ W v + b`.
#[derive(Clone, Debug)]
pub struct Affine {
    /// `W`.
    pub w: DMatrix<f32>,
    /// `b`, a column.
    pub b: DMatrix<f32>,
}

impl Affine {
    /// `v ↦ s ⊙ v + b`.
    pub fn scale(s: &DMatrix<f32>, b: &DMatrix<f32>) -> Self {
        Self { w: DMatrix::from_diagonal(&s.column(0).into_owned()), b: b.clone() }
    }

    /// This map, and `next` of what it gives.
    fn then(&self, next: &Self) -> Self {
        Self { w: &next.w * &self.w, b: &next.w * &self.b + &next.b }
    }
}

/// The maps.
#[derive(Clone, Debug)]
pub struct Stack {
    maps: Vec<Affine>,
    /// What is between them, and after the last.
    pub layers: artifact::Layers,
}

impl Stack {
    /// Of a perceptron; the columns for what it is conditional on come behind those for its input.
    pub fn of(mlp: &Mlp, params: &ParameterSet) -> Self {
        let maps = mlp.layers.iter().enumerate().map(|(l, layer)| {
            let (w, b) = (params[layer.w].clone(), params[layer.b].clone());
            let condition = mlp.condition.filter(|_| l == 0).map(|c| &params[c]);
            let Some(c) = condition else { return Affine { w, b } };
            let (width, all) = (w.ncols(), w.ncols() + c.ncols());
            let mut joined = w.resize_horizontally(all, 0.0);
            joined.columns_mut(width, c.ncols()).copy_from(c);
            Affine { w: joined, b }
        });
        let hidden = match mlp.unit {
            Unit::Relu => Hidden::Rectified { leak: 0.0 },
            Unit::Leaky => Hidden::Rectified { leak: super::mlp::LEAK },
            Unit::Tanh => Hidden::Tanh,
        };
        Self { maps: maps.collect(), layers: artifact::Layers { hidden, sigmoid: false } }
    }

    /// Maps without units between them, which are not joined: a projection is cheaper through its few components.
    pub fn linear(maps: impl IntoIterator<Item = Affine>) -> Self {
        // A unit that leaves everything of negative sums is none.
        let hidden = Hidden::Rectified { leak: 1.0 };
        Self { maps: maps.into_iter().collect(), layers: artifact::Layers { hidden, sigmoid: false } }
    }

    /// This stack, whose last map is linear, and then another one with the same units.
    pub fn then(mut self, other: &Self) -> Self {
        let mut maps = other.maps.iter().cloned();
        if let (Some(last), Some(first)) = (self.maps.pop(), maps.next()) {
            self.maps.push(last.then(&first));
        }
        self.maps.extend(maps);
        self.layers.sigmoid = other.layers.sigmoid;
        self
    }

    /// The stack between two maps: `before` of what comes in, `after` of what comes out.
    pub fn between(mut self, before: &Affine, after: &Affine) -> Self {
        if let Some(first) = self.maps.first_mut() {
            *first = before.then(first);
        }
        if let Some(last) = self.maps.last_mut() {
            *last = last.then(after);
        }
        self
    }

    /// Units of the widest hidden layer.
    pub fn hidden(&self) -> usize {
        self.maps.iter().rev().skip(1).map(|map| map.b.len()).max().unwrap_or(0)
    }

    /// Adds `w1`, `b1` … of `part` to a weight file, and says how they run.
    ///
    /// # Panics
    /// With more maps than the chip runs.
    pub fn export(&self, part: &'static str, tensors: &mut Tensors) -> artifact::Layers {
        assert!(self.maps.len() <= DEPTH + 1, "at most {DEPTH} hidden layers run on the chip");
        for (k, map) in self.maps.iter().enumerate() {
            tensors.matrix(part, &format!("w{}", k + 1), map.w.clone());
            tensors.matrix(part, &format!("b{}", k + 1), map.b.clone());
        }
        self.layers
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        network::Weights,
        tape::{Tape, check::random},
        worlds::Rng,
    };
    use rand::SeedableRng;

    impl Stack {
        /// What the chip computes, with plain products.
        fn of_column(&self, x: &DMatrix<f32>) -> DMatrix<f32> {
            let mut x = x.clone();
            for (k, map) in self.maps.iter().enumerate() {
                x = &map.w * x + &map.b;
                if k + 1 < self.maps.len() {
                    x.apply(|v| {
                        *v = match self.layers.hidden {
                            Hidden::Rectified { leak } => v.max(leak * *v),
                            Hidden::Tanh => v.tanh(),
                        }
                    });
                }
            }
            x
        }
    }

    #[test]
    fn a_stack_does_what_the_perceptrons_do() {
        for unit in [Unit::Relu, Unit::Leaky, Unit::Tanh] {
            let rng = &mut Rng::seed_from_u64(3);
            let mut params = ParameterSet::new();
            let first = Mlp::new(&mut params, "first", &[3, 7, 2], 4, unit, rng);
            let second = Mlp::new(&mut params, "second", &[2, 6, 3], 0, unit, rng);
            let (y, x) = (random(3, 1, 1), random(4, 1, 2));
            let tape = Tape::new();
            let weights = Weights { tape: &tape, params: &params, frozen: true };
            let code = first.forward(weights, tape.constant(y.clone()), Some(tape.constant(x.clone())));
            let expected = tape.value(second.forward(weights, code, None)).clone_owned();
            let stack = Stack::of(&first, &params).then(&Stack::of(&second, &params));
            assert_eq!((stack.maps.len(), stack.hidden()), (3, 7), "the code is no layer");
            let mut both = y.resize_vertically(7, 0.0);
            both.rows_mut(3, 4).copy_from(&x);
            assert!((stack.of_column(&both) - &expected).amax() < 1e-5, "{unit:?}");
            let (double, half) = (DMatrix::from_element(7, 1, 2.0), DMatrix::from_element(3, 1, 0.5));
            let shift = DMatrix::from_element(3, 1, 1.0);
            let between =
                stack.between(&Affine::scale(&double, &DMatrix::zeros(7, 1)), &Affine::scale(&half, &shift));
            let expected = expected * 0.5 + shift;
            assert!((between.of_column(&(both / 2.0)) - expected).amax() < 1e-5, "{unit:?}");
        }
    }
}
