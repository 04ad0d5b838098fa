//! The energy of a forward model: how little it expected what came.
//!
//! ```text
//! F(x' | x, u) = ½ ‖(x' − f(x, u)) / scale‖²
//! ```

use super::{Energy, half_squares};
use crate::{
    network::lift,
    predict::Foresee,
    tape::{Tape, Var},
    worlds::Rng,
};
use forethought::feature::Angles;
use nalgebra::DMatrix;
use rand::SeedableRng;

/// The energy of next states; its condition is the state with the action below it.
#[derive(Debug)]
pub struct Surprise<'a, M: ?Sized> {
    /// `f`. Where a model draws one of several futures, it is always the same.
    pub model: &'a M,
    /// Components of the state that are angles, whose errors are wrapped.
    pub angles: Angles,
    /// What the error of each component is divided by: how large errors usually are.
    pub scale: Vec<f32>,
}

impl<M: Foresee + Sync + ?Sized> Energy for Surprise<'_, M> {
    /// # Panics
    /// Without a condition.
    fn on(&self, tape: &Tape, y: Var, x: Option<Var>) -> Var {
        let x = x.expect("Surprise: states and actions are the condition");
        let nx = self.scale.len();
        let (state, action) = (tape.rows(x, 0, nx), tape.rows(x, nx, tape.shape(x).0 - nx));
        let mut step = self.model.unroll(&mut Rng::seed_from_u64(0));
        let error = tape.sub(y, step(tape, state, lift(tape, self.angles, state), action));
        let errors: Vec<_> = (0..nx)
            .map(|i| {
                let row = tape.rows(error, i, 1);
                if self.angles.contains(i) { tape.wrap(row) } else { row }
            })
            .collect();
        let inverse = DMatrix::from_iterator(nx, 1, self.scale.iter().map(|s| 1.0 / s));
        half_squares(tape, tape.mul_col(tape.stack(&errors), tape.constant(inverse)))
    }
}

#[cfg(test)]
mod tests {
    use super::{super::tests::check_slope, *};
    use crate::{
        data::log::Log,
        predict::network::{Config, Known, Network},
        tape::check::random,
        worlds::cart_pole::CartPole,
    };

    #[test]
    fn what_a_model_expects_has_no_energy_and_the_slope_is_right() {
        let rng = &mut Rng::seed_from_u64(1);
        let log = Log::practise(&mut CartPole::default(), 3, rng);
        let angles = Angles(0b0100);
        let known = Known { angles, ..Known::default() };
        let model = Network::new(&Config::default(), known, &log.episodes, rng).expect("a model");
        let energy = Surprise { model: &model, angles, scale: vec![0.5, 1.0, 0.2, 2.0] };
        let (y, x) = (random(4, 3, 1), random(5, 3, 2));
        check_slope(&energy, &y, Some(&x));
        let tape = Tape::new();
        let [state, action] = [(0, 4), (4, 1)].map(|(row, n)| tape.constant(x.rows(row, n).into_owned()));
        let next = model.step(&tape, true, state, lift(&tape, angles, state), action);
        assert!(energy.of(&tape.value(next), Some(&x)).iter().all(|e| *e < 1e-9));
        let mut around = tape.value(next).clone_owned();
        around.row_mut(2).add_scalar_mut(std::f32::consts::TAU);
        assert!(energy.of(&around, Some(&x)).iter().all(|e| *e < 1e-6), "a whole turn is no error");
    }
}
