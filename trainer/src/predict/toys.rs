//! Plants that tests can afford.

use super::{Foresee, Step, transitions::Transitions};
use crate::worlds::Rng;
use forethought::feature::Angles;
use nalgebra::DMatrix;
use rand::RngExt;

/// A cart that is pushed: `(x, v)`.
pub struct Cart;

impl Foresee for Cart {
    fn unroll<'a>(&'a self, _: &mut Rng) -> Step<'a> {
        Box::new(|tape, x, _, u| {
            let speed = tape.add(tape.rows(x, 1, 1), tape.scale(u, 0.2));
            tape.stack(&[tape.add(tape.rows(x, 0, 1), tape.scale(speed, 0.2)), speed])
        })
    }
}

/// So many steps of `s' = s + u ± 1`, as a coin falls.
pub fn coin(n: usize, rng: &mut Rng) -> Transitions {
    let states = DMatrix::from_fn(1, n, |_, _| rng.random_range(-2.0..2.0f32));
    let actions = DMatrix::from_fn(1, n, |_, _| rng.random_range(-2.0..2.0f32));
    let changes = actions.map(|u| u + if rng.random_bool(0.5) { 1.0 } else { -1.0 });
    Transitions { angles: Angles(0), states, actions, changes }
}
