//! The value of a state of any length, by a network that is regressed to returns.

use crate::{
    export::Tensors,
    network::{Input, Trunk, Weights, lift},
    optim::{Adam, NonFiniteGradient},
    tape::{ParameterSet, Tape, Var},
    worlds::Rng,
};
use forethought::feature::Angles;
use nalgebra::DMatrix;

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

    /// One step of regression to returns: a row of returns for each batch of states.
    pub fn regress(
        &mut self,
        tape: &mut Tape,
        adam: &mut Adam,
        angles: Angles,
        states: &[DMatrix<f32>],
        returns: &[DMatrix<f32>],
    ) -> Result<(), NonFiniteGradient> {
        let side_by_side = |list: &[DMatrix<f32>]| {
            let values: Vec<f32> = list.iter().flat_map(|m| m.iter().copied()).collect();
            DMatrix::from_vec(list[0].nrows(), values.len() / list[0].nrows(), values)
        };
        let x = tape.constant(side_by_side(states));
        let value = self.of(tape, false, lift(tape, angles, x));
        let error = tape.sub(value, tape.constant(side_by_side(returns)));
        tape.backward(tape.mean_square(tape.scale(error, 1.0 / SCALE)));
        adam.step(&mut self.params, tape).map(drop)
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
