//! The value of a state of any length, by a network that is regressed to returns.

use crate::{
    export::Tensors,
    network::{Input, Trunk, Weights, lift},
    optim::{Adam, NonFiniteGradient},
    tape::{Halves, ParameterSet, Tape, Var},
    worlds::Rng,
};
use forethought::feature::Angles;
use nalgebra::DMatrix;
use std::borrow::Borrow;

/// Typical magnitude of a value, in units of the cost: the network's outputs are about 1.
const SCALE: f32 = 100.0;

/// A network and its parameters.
#[derive(Clone, Debug)]
pub struct Network {
    params: ParameterSet,
    trunk: Trunk<2>,
}

impl Network {
    /// About 0 everywhere. `scale` is the typical magnitude of each state component.
    pub fn new(hidden: usize, angles: Angles, scale: Vec<f32>, rng: &mut Rng) -> Self {
        let mut params = ParameterSet::new();
        let inputs = [Input { name: "w_x", scale }, Input { name: "w_s", scale: vec![1.0; angles.count()] }];
        let trunk = Trunk::new(&mut params, inputs, hidden, vec![SCALE], rng);
        Self { params, trunk }
    }

    /// The values of a batch of [lifted](lift) states, as a row.
    pub fn of(&self, tape: &Tape, frozen: bool, lifted: (Var, Var)) -> Var {
        self.trunk.forward(Weights { tape, params: &self.params, frozen }, [lifted.0, lifted.1])
    }

    /// One step of regression to returns: of each batch of states, a row of returns. The batches come in one or two parts, each
    /// for a thread of its own.
    pub fn regress<M: Borrow<DMatrix<f32>> + Sync>(
        &mut self,
        (halves, adam): (&mut Halves, &mut Adam),
        angles: Angles,
        parts: &[(&[M], &[M])],
    ) -> Result<(), NonFiniteGradient> {
        let side_by_side = |list: &[M]| {
            let rows = list.first().map_or(0, |m| m.borrow().nrows());
            let values: Vec<f32> = list.iter().flat_map(|m| m.borrow().as_slice()).copied().collect();
            DMatrix::from_vec(rows, values.len() / rows.max(1), values)
        };
        let columns = |list: &[M]| list.iter().map(|m| m.borrow().ncols()).sum::<usize>();
        let all: usize = parts.iter().map(|(states, _)| columns(states)).sum();
        let share = 1.0 / (all as f32 * SCALE * SCALE);
        let network = &*self;
        halves.backward(parts.len(), |tape, _, chosen| {
            let errors = parts[chosen].iter().map(|(states, returns)| {
                let x = tape.constant(side_by_side(states));
                let value = network.of(tape, false, lift(tape, angles, x));
                tape.sum_square(tape.sub(value, tape.constant(side_by_side(returns))))
            });
            let sum = errors.reduce(|a, b| tape.add(a, b)).expect("there are samples");
            (tape.scale(sum, share), ())
        });
        adam.step(&mut self.params, halves.sum()).map(drop)
    }

    /// Moves `share` of the way to another value: a slow target.
    pub fn follow(&mut self, other: &Self, share: f32) {
        self.params.follow(&other.params, share);
    }

    /// Adds the part `value`.
    pub fn export(&self, tensors: &mut Tensors) {
        self.trunk.export(&self.params, "value", tensors);
    }
}
