//! The energy of a forward model with a latent variable: what is left unexplained when the latent has explained what it can.
//!
//! ```text
//! F(x' | x, u) = min over z of  C(x', g(x, u, z)) + R(z)
//! ```
//! At the minimum `z*` the slope in `x'` is that of `C` alone, as if `z*` did not depend on `x'` (the envelope theorem).

use super::Energy;
use crate::{
    predict::{latent::Latent, transitions::Transitions},
    tape::{Tape, Var},
    worlds::Rng,
};
use forethought::{feature::Angles, math::wrap};
use rand::SeedableRng;

/// The energy of next states; its condition is the state with the action below it.
#[derive(Debug)]
pub struct Inferred<'a> {
    /// `g`, and how `z` is inferred.
    pub model: &'a Latent,
    /// Components of the state that are angles.
    pub angles: Angles,
    /// Starts of the search for `z*`; the first is the encoder's proposal.
    pub starts: usize,
    /// Steps of the search.
    pub steps: usize,
}

impl Energy for Inferred<'_> {
    /// # Panics
    /// Without a condition.
    fn on(&self, tape: &Tape, y: Var, x: Option<Var>) -> Var {
        let x = x.expect("Inferred: states and actions are the condition");
        let (next, given) = (tape.value(y), tape.value(x));
        let nx = next.nrows();
        let states = given.rows(0, nx).into_owned();
        let mut changes = next.as_ref() - &states;
        for i in (0..nx).filter(|&i| self.angles.contains(i)) {
            changes.row_mut(i).apply(|change| *change = wrap(*change));
        }
        let actions = given.rows(nx, given.nrows() - nx).into_owned();
        let data = Transitions { angles: self.angles, states, actions, changes };
        // The same energy whenever it is asked for.
        let rng = &mut Rng::seed_from_u64(0);
        let found = self.model.search(&data, self.starts, self.steps, rng);
        let slopes = self.model.slope(&data, &found.z);
        tape.known(y, found.energy, slopes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::predict::{
        latent::{Config, Limit},
        toys::coin,
    };
    use nalgebra::DMatrix;

    #[test]
    fn both_futures_are_expected_and_nothing_between_them() {
        for limit in [Limit::Discrete { codewords: 2 }, Limit::Noise { deviation: 0.1 }] {
            let rng = &mut Rng::seed_from_u64(4);
            let data = coin(400, rng);
            let config = Config { limit, latent: 1, steps: 300, hidden: 16, ..Config::default() };
            let mut model = Latent::new(&config, &data, rng);
            model.train(&data, rng, |_, _| ()).expect("trained");
            let energy = Inferred { model: &model, angles: Angles(0), starts: 4, steps: 40 };
            let x = DMatrix::from_column_slice(2, 3, &[0.5, 0.25, 0.5, 0.25, 0.5, 0.25]);
            let y = DMatrix::from_row_slice(1, 3, &[1.75, -0.25, 0.75]);
            let [up, down, between] = energy.of(&y, Some(&x))[..] else { panic!("three samples") };
            if let Limit::Discrete { .. } = limit {
                assert!(4.0 * up.max(down) < between, "{up} {down} {between}");
            }
            // Beyond both futures it is the farther, the higher.
            let y = DMatrix::from_row_slice(1, 3, &[2.4, 2.4 + 2e-3, 2.4 - 2e-3]);
            let slope = energy.slope(&y, Some(&x))[0];
            let at = energy.of(&y, Some(&x));
            let expected = (at[1] - at[2]) / 4e-3;
            assert!(
                slope > 0.0 && (slope - expected).abs() < 0.05 * (1.0 + expected.abs()),
                "{slope} {expected}"
            );
        }
    }
}
