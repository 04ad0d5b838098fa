//! Energies that are networks: a number for each sample, or what an autoencoder does not give back.

use super::{Energy, fit::Weighted, half_squares};
use crate::{
    network::{Mlp, Unit, Weights},
    tape::{ParameterSet, Tape, Var},
    worlds::Rng,
};

/// `F(y|x)` = a perceptron of one output.
#[derive(Clone, Debug)]
pub struct Scalar {
    /// The weights.
    pub params: ParameterSet,
    /// The layers.
    pub mlp: Mlp,
}

impl Scalar {
    /// Random weights. `sizes` are the numbers in `y` and in `x` (mostly 0), `hidden` the widths between.
    pub fn new((ny, nx): (usize, usize), hidden: &[usize], unit: Unit, rng: &mut Rng) -> Self {
        let mut params = ParameterSet::new();
        let mlp = Mlp::new(&mut params, "energy", &[&[ny], hidden, &[1]].concat(), nx, unit, rng);
        Self { params, mlp }
    }

    /// The energies on a tape, with weights that learn or do not.
    pub fn energies(&self, tape: &Tape, frozen: bool, y: Var, x: Option<Var>) -> Var {
        self.mlp.forward(Weights { tape, params: &self.params, frozen }, y, x)
    }
}

impl Weighted for Scalar {
    fn weights(&mut self) -> &mut ParameterSet {
        &mut self.params
    }
}

impl Energy for Scalar {
    fn on(&self, tape: &Tape, y: Var, x: Option<Var>) -> Var {
        self.energies(tape, true, y, x)
    }
}

/// `F(y|x) = ½‖Dec(Enc(y, x)) − y‖²`. On its own it is low everywhere, unless the code is narrow, or something pushes it up.
#[derive(Clone, Debug)]
pub struct Autoencoder {
    /// The weights.
    pub params: ParameterSet,
    /// `Enc`, whose output is the code.
    pub encoder: Mlp,
    /// `Dec`.
    pub decoder: Mlp,
}

impl Autoencoder {
    /// Random weights. `sizes` are the numbers in `y` and in `x` (mostly 0); `hidden` are the widths from the first layer to
    /// the code, and back from the code to the last.
    ///
    /// # Panics
    /// Without a code.
    pub fn new((ny, nx): (usize, usize), hidden: &[usize], unit: Unit, rng: &mut Rng) -> Self {
        let mut params = ParameterSet::new();
        let there = [&[ny], hidden].concat();
        let back: Vec<_> = there.iter().rev().copied().collect();
        let encoder = Mlp::new(&mut params, "encoder", &there, nx, unit, rng);
        let decoder = Mlp::new(&mut params, "decoder", &back, 0, unit, rng);
        Self { params, encoder, decoder }
    }

    /// The code on a tape, with weights that learn or do not.
    pub fn code(&self, tape: &Tape, frozen: bool, y: Var, x: Option<Var>) -> Var {
        self.encoder.forward(Weights { tape, params: &self.params, frozen }, y, x)
    }

    /// What is reconstructed from a code, likewise.
    pub fn back(&self, tape: &Tape, frozen: bool, code: Var) -> Var {
        self.decoder.forward(Weights { tape, params: &self.params, frozen }, code, None)
    }

    /// The code, and what is reconstructed from it.
    pub fn pass(&self, tape: &Tape, frozen: bool, y: Var, x: Option<Var>) -> (Var, Var) {
        let code = self.code(tape, frozen, y, x);
        (code, self.back(tape, frozen, code))
    }

    /// The code and the energies, likewise.
    pub fn energies(&self, tape: &Tape, frozen: bool, y: Var, x: Option<Var>) -> (Var, Var) {
        let (code, back) = self.pass(tape, frozen, y, x);
        (code, half_squares(tape, tape.sub(back, y)))
    }
}

impl Weighted for Autoencoder {
    fn weights(&mut self) -> &mut ParameterSet {
        &mut self.params
    }
}

impl Energy for Autoencoder {
    fn on(&self, tape: &Tape, y: Var, x: Option<Var>) -> Var {
        self.energies(tape, true, y, x).1
    }
}

#[cfg(test)]
mod tests {
    use super::{super::tests::check_slope, *};
    use crate::tape::check::random;
    use rand::SeedableRng;

    #[test]
    fn slopes() {
        let rng = &mut Rng::seed_from_u64(2);
        let (y, x) = (random(3, 4, 1), random(2, 4, 2));
        check_slope(&Scalar::new((3, 2), &[8, 8], Unit::Tanh, rng), &y, Some(&x));
        check_slope(&Autoencoder::new((3, 0), &[8, 2], Unit::Tanh, rng), &y, None);
        check_slope(&Autoencoder::new((3, 2), &[8, 2], Unit::Tanh, rng), &y, Some(&x));
    }
}
