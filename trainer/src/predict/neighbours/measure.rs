//! How good a model is, and whether it answers to the action.

use super::{Batch, Neighbours, SIZE, constant, train::relevant};
use crate::{tape::Tape, worlds::Rng, worlds::traffic::DT};
use nalgebra::DMatrix;

impl Neighbours {
    /// The mean square error at the end of windows, in that of constant speeds. z is drawn from the prior, or left out.
    pub fn error(&self, batch: &Batch, drawn: bool, rng: &mut Rng) -> f64 {
        let truth = &batch.seen[batch.actions.len()];
        let units = &self.scales.constant[batch.actions.len() - 1];
        let relevant = relevant(&batch.there);
        let square = |end: &DMatrix<f32>| {
            let off = (end - truth).component_mul(&relevant);
            (0..SIZE).map(|i| f64::from(off.row(i).norm_squared() / units[i])).sum::<f64>()
        };
        square(&self.end(batch, 0.0, drawn, rng)) / square(&constant(&batch.seen[0], batch.actions.len()))
    }

    /// How much of the speed that 2 m/s² more make of a window the model shows, in per cent.
    pub fn answer(&self, batch: &Batch, drawn: bool, rng: &mut Rng) -> f64 {
        const MORE: f32 = 2.0;
        let (mut a, mut b) = (rng.clone(), rng.clone());
        let gained = self.end(batch, MORE, drawn, &mut a) - self.end(batch, 0.0, drawn, &mut b);
        let truth = f64::from(MORE) * DT * batch.actions.len() as f64;
        100.0 * f64::from(gained.row(2).mean()) / truth
    }

    /// What is watched at the end of windows, with so much more acceleration.
    fn end(&self, batch: &Batch, more: f32, drawn: bool, rng: &mut Rng) -> DMatrix<f32> {
        let n = batch.len();
        let mut tape = Tape::new();
        let mut now = batch.seen[0].clone();
        let z = if drawn { self.prior(n, rng) } else { self.without(n) };
        for action in &batch.actions {
            tape.clear();
            let mut action = action.clone();
            action.row_mut(0).add_scalar_mut(more);
            let (x, there) = (tape.constant(now.clone()), tape.constant(batch.there.clone()));
            let x =
                self.step((&tape, true), x, there, (tape.constant(action), tape.constant(z.clone())), None);
            now = tape.value(x).clone_owned();
        }
        now
    }
}
