//! The trunk that forward models and policies share, as parameters to be trained.
//!
//! Same equations as `forethought::network`: two hidden layers of tanh units, one matrix per input, a linear output.
//! Beside it a plain layer, [Dense], and many of them, [Mlp], which go to the chip as a [Stack].

pub(crate) mod layers;
mod mlp;
mod stack;

pub use layers::Dense;
pub use mlp::{Mlp, Unit};
pub use stack::{Affine, Stack};

use crate::{
    export::Tensors,
    tape::{Id, ParameterSet, Tape, Var},
    worlds::{Rng, camera::normal},
};
use forethought::feature::Angles;
use nalgebra::DMatrix;
use std::borrow::Borrow;

/// Where weights are taken from, and whether they are to be trained.
#[derive(Clone, Copy)]
pub struct Weights<'a> {
    /// The tape that the graph is written on.
    pub tape: &'a Tape,
    /// The model's parameters.
    pub params: &'a ParameterSet,
    /// A frozen model passes gradients on but gets none itself.
    pub frozen: bool,
}

impl Weights<'_> {
    /// The weight on the tape.
    pub fn get(&self, id: Id) -> Var {
        if self.frozen { self.tape.freeze(self.params, id) } else { self.tape.watch(self.params, id) }
    }
}

/// An input of a network: the name of its matrix and what each of its components is divided by.
#[derive(Clone, Debug)]
pub struct Input {
    /// `w_x`, `w_s`, `w_u`, `w_z`.
    pub name: &'static str,
    /// Typical magnitude of each component: the network sees values of about 1. Folded into the matrix on export.
    pub scale: Vec<f32>,
}

/// The layers, `N` inputs wide.
#[derive(Clone, Debug)]
pub struct Trunk<const N: usize> {
    inputs: [Input; N],
    w_in: [Id; N],
    b1: Id,
    w_h: Id,
    b2: Id,
    w_o: Id,
    b_o: Id,
    /// What the output is multiplied with; folded into `w_o` and `b_o` on export.
    output: Vec<f32>,
}

impl<const N: usize> Trunk<N> {
    /// Random weights of variance `1/inputs` (Glorot), small ones for the output, so that an untrained residual model
    /// copies its state and an untrained policy rests at the middle of its range.
    pub fn new(
        params: &mut ParameterSet,
        inputs: [Input; N],
        hidden: usize,
        output: Vec<f32>,
        rng: &mut Rng,
    ) -> Self {
        let fan_in: usize = inputs.iter().map(|i| i.scale.len()).sum();
        let mut random = |rows: usize, cols: usize, deviation: f64| {
            DMatrix::from_fn(rows, cols, |_, _| (deviation * normal(rng)) as f32)
        };
        let spread = |n: usize| 1.0 / (n.max(1) as f64).sqrt();
        let w_in = std::array::from_fn(|i| {
            params.add(inputs[i].name, random(hidden, inputs[i].scale.len(), spread(fan_in)))
        });
        Self {
            w_in,
            b1: params.add("b1", random(hidden, 1, 0.5)),
            w_h: params.add("w_h", random(hidden, hidden, spread(hidden))),
            b2: params.add("b2", DMatrix::zeros(hidden, 1)),
            w_o: params.add("w_o", random(output.len(), hidden, 0.1 * spread(hidden))),
            b_o: params.add("b_o", DMatrix::zeros(output.len(), 1)),
            inputs,
            output,
        }
    }

    /// The output for a batch of inputs, one sample a column.
    pub fn forward(&self, weights: Weights<'_>, inputs: [Var; N]) -> Var {
        self.forward_through(weights, inputs, |_, h| h)
    }

    /// The same where something is done to each hidden layer, as dropout does.
    pub fn forward_through(
        &self,
        weights: Weights<'_>,
        inputs: [Var; N],
        layer: impl Fn(usize, Var) -> Var,
    ) -> Var {
        let tape = weights.tape;
        let column = |values: &[f32]| DMatrix::from_column_slice(values.len(), 1, values);
        // A sample is a column; what is multiplied with 1 stays as it is.
        let times = |x: Var, factors: &[f32]| {
            let plain = factors.iter().all(|&f| f == 1.0);
            if plain { x } else { tape.mul_col(x, tape.constant(column(factors))) }
        };
        let products = std::array::from_fn(|i| {
            let inverse: Vec<f32> = self.inputs[i].scale.iter().map(|s| 1.0 / s).collect();
            (weights.get(self.w_in[i]), times(inputs[i], &inverse))
        });
        let first = layer(0, tape.tanh(tape.affine::<N>(products, weights.get(self.b1))));
        let second = layer(1, tape.tanh(tape.affine([(weights.get(self.w_h), first)], weights.get(self.b2))));
        let out = tape.affine([(weights.get(self.w_o), second)], weights.get(self.b_o));
        times(out, &self.output)
    }

    /// The same network with nothing but its first outputs, and its weights.
    pub fn narrowed(&self, params: &ParameterSet, outputs: usize) -> (ParameterSet, Self) {
        let (mut params, mut trunk) = (params.clone(), self.clone());
        trunk.output.truncate(outputs);
        for id in [self.w_o, self.b_o] {
            let kept = params[id].rows(0, outputs).into_owned();
            params[id] = kept;
        }
        (params, trunk)
    }

    /// Adds all tensors to `part`, scales folded in.
    pub fn export(&self, params: &ParameterSet, part: &'static str, tensors: &mut Tensors) {
        for (input, id) in self.inputs.iter().zip(self.w_in) {
            let w = &params[id];
            let folded = DMatrix::from_fn(w.nrows(), w.ncols(), |r, c| w[(r, c)] / input.scale[c]);
            tensors.matrix(part, input.name, folded);
        }
        let scaled =
            |m: &DMatrix<f32>| DMatrix::from_fn(m.nrows(), m.ncols(), |r, c| m[(r, c)] * self.output[r]);
        tensors.matrix(part, "b1", params[self.b1].clone());
        tensors.matrix(part, "w_h", params[self.w_h].clone());
        tensors.matrix(part, "b2", params[self.b2].clone());
        tensors.matrix(part, "w_o", scaled(&params[self.w_o]));
        tensors.matrix(part, "b_o", scaled(&params[self.b_o]));
    }
}

/// Splits a batch of states for a network as `Angles::lift` does: cosines in place of angles, and the sines apart.
pub fn lift(tape: &Tape, angles: Angles, x: Var) -> (Var, Var) {
    let (nx, columns) = tape.shape(x);
    if angles.count() == 0 {
        return (x, tape.constant(DMatrix::zeros(0, columns)));
    }
    let row = |i| tape.rows(x, i, 1);
    let lifted: Vec<_> =
        (0..nx).map(|i| if angles.contains(i) { tape.cos(row(i)) } else { row(i) }).collect();
    let sines: Vec<_> = (0..nx).filter(|&i| angles.contains(i)).map(|i| tape.sin(row(i))).collect();
    (tape.stack(&lifted), tape.stack(&sines))
}

/// Samples side by side: one a column.
pub fn columns<S: Borrow<[f32]>>(samples: &[S]) -> DMatrix<f32> {
    let rows = samples.first().map_or(0, |sample| sample.borrow().len());
    DMatrix::from_vec(rows, samples.len(), samples.concat())
}
