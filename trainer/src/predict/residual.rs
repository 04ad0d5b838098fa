//! Physics as the base of a learned model, `x' = f(x, u) + o(h₂)`: the chip's equations on the tape, with the chip's
//! pullback.

use super::{Foresee, Step};
use crate::{
    export::Tensors,
    mind::AnyPlant,
    tape::{Tape, Var},
    worlds::Rng,
};
use anyhow::Result;
use forethought::{
    Zero,
    artifact::{Model, Plant},
    predict::{ForwardModel, Pullback},
};

/// Sizes that hold any plant.
const NX: usize = 16;
const NU: usize = 8;

/// A plant with its constants, which may be a little wrong: then there is something to be learned.
#[derive(Clone, Debug)]
pub struct Physics {
    plant: AnyPlant<'static>,
    named: Plant,
    constants: Vec<f32>,
}

impl Physics {
    /// A plant with constants in the order of the weight file.
    pub fn new(named: Plant, constants: &[f32]) -> Result<Self> {
        Ok(Self { plant: AnyPlant::of(named, constants)?, named, constants: constants.to_vec() })
    }

    /// The model of a file that holds this plant and a network.
    pub fn corrected(&self) -> Model {
        Model::Residual(self.named)
    }

    /// The model of a file that holds this plant alone.
    pub fn alone(&self) -> Model {
        Model::Physics(self.named)
    }

    /// The next state.
    pub fn next(&self, x: &[f32], u: &[f32]) -> Vec<f32> {
        run(&self.plant, x, u).1[..x.len()].to_vec()
    }

    /// The next states of a batch.
    pub fn step(&self, tape: &Tape, x: Var, u: Var) -> Var {
        let plant = self.plant;
        tape.record(
            &[x, u],
            |forward| {
                let (states, actions) = (forward.value(x), forward.value(u));
                let mut next = forward.scratch(states.nrows(), states.ncols());
                for ((x, u), mut next) in
                    states.column_iter().zip(actions.column_iter()).zip(next.column_iter_mut())
                {
                    next.copy_from_slice(&run(&plant, x.as_slice(), u.as_slice()).1[..x.len()]);
                }
                next
            },
            move |backward| {
                let (states, actions) = (backward.value(x), backward.value(u));
                let (mut gx, mut gu) = (Vec::with_capacity(states.len()), Vec::with_capacity(actions.len()));
                let columns = states.column_iter().zip(actions.column_iter());
                for ((x, u), g) in columns.zip(backward.gradient.column_iter()) {
                    let (trace, _) = run(&plant, x.as_slice(), u.as_slice());
                    let mut pulled = Pullback::ZERO;
                    ForwardModel::<NX, NU, 0>::pullback(&plant, &trace, &padded(g.as_slice()), &mut pulled);
                    gx.extend_from_slice(&pulled.x[..x.len()]);
                    gu.extend_from_slice(&pulled.u[..u.len()]);
                }
                backward.add(x, gx.into_iter());
                backward.add(u, gu.into_iter());
            },
        )
    }

    /// Adds the constants to the part `predict`.
    pub fn export(&self, tensors: &mut Tensors) {
        tensors.vector("predict", "constants", &self.constants);
    }
}

impl Foresee for Physics {
    fn unroll<'a>(&'a self, _: &mut Rng) -> Step<'a> {
        Box::new(|tape, x, _, u| self.step(tape, x, u))
    }
}

type Trace = <AnyPlant<'static> as ForwardModel<NX, NU, 0>>::Trace;

fn run(plant: &AnyPlant<'_>, x: &[f32], u: &[f32]) -> (Trace, [f32; NX]) {
    let (mut trace, mut next) = (Trace::ZERO, [0.0; NX]);
    plant.step(&mut trace, &padded(x), &padded::<NU>(u), &[], &mut next);
    (trace, next)
}

fn padded<const N: usize>(values: &[f32]) -> [f32; N] {
    std::array::from_fn(|i| values.get(i).copied().unwrap_or(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tape::check::{check_gradients, random};

    #[test]
    fn physics_on_the_tape_passes_gradients_on() {
        for (plant, constants) in
            [(Plant::CartPole, vec![9.8, 1.0, 0.1, 0.5, 0.05]), (Plant::Car, vec![2.7, 0.05, 0.1])]
        {
            let physics = Physics::new(plant, &constants).expect("a plant");
            let nu = if plant == Plant::Car { 2 } else { 1 };
            check_gradients(&[random(4, 5, 1), random(nu, 5, 2)], |tape, inputs| {
                physics.step(tape, inputs[0], inputs[1])
            });
        }
    }

    #[test]
    fn constants_are_checked() {
        let refused = Physics::new(Plant::CartPole, &[9.8, 0.0, 0.1, 0.5, 0.05]).unwrap_err();
        assert!(refused.to_string().contains("a cart-pole's gravity, masses"), "{refused}");
        assert!(Physics::new(Plant::Car, &[2.7]).is_err());
    }
}
