//! Handwritten digits as a world: it shows MNIST's test digits, one a step, and a step's reward is 1 if the highest score
//! is that of the digit shown.

use super::{Rng, World};
use crate::data::mnist::{Labelled, Mnist};
use anyhow::{Result, bail};
use forethought::perceive::classifier::class;
use std::path::Path;

/// The task of the weight files that live here.
pub const NAME: &str = "digits";
/// The digits.
pub const CLASSES: usize = 10;

/// The digits, and which is shown next.
#[derive(Clone, Debug)]
pub struct Digits {
    shown: Labelled,
    next: usize,
}

impl Digits {
    /// Of labelled images.
    pub fn new(shown: Labelled) -> Self {
        Self { shown, next: 0 }
    }

    /// The test digits below the folder `data`, as a mind with an `observation` of so many numbers sees them: whole, or
    /// of half the size.
    pub fn read(data: &Path, observation: usize) -> Result<Self> {
        let Labelled { images, labels } = Mnist::read_test(&data.join("mnist"))?;
        let half = images.halved();
        let images = match observation {
            n if n == images.pixels.nrows() => images,
            n if n == half.pixels.nrows() => half,
            n => bail!(
                "the weight file sees {n} numbers; a digit has {}, or {} in half the size: train it on digits",
                images.pixels.nrows(),
                half.pixels.nrows()
            ),
        };
        Ok(Self::new(Labelled { images, labels }))
    }

    /// The digits with their labels.
    pub fn shown(&self) -> &Labelled {
        &self.shown
    }
}

impl World for Digits {
    fn reset(&mut self, _: &mut Rng) {
        self.next = 0;
    }

    /// There is none beside what is shown.
    fn state(&self) -> Vec<f32> {
        Vec::new()
    }

    fn observe(&mut self, _: &mut Rng) -> Vec<f32> {
        self.shown.images.pixels.column(self.next).as_slice().to_vec()
    }

    fn step(&mut self, scores: &[f32]) -> f64 {
        let label = usize::from(self.shown.labels[self.next]);
        self.next = (self.next + 1) % self.shown.labels.len();
        if class(scores) == Some(label) { 1.0 } else { 0.0 }
    }

    fn episode(&self) -> usize {
        self.shown.labels.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::images::Images;
    use nalgebra::DMatrix;
    use rand::SeedableRng;

    #[test]
    fn a_right_answer_earns_one_and_the_next_digit_comes() {
        let images = Images { rows: 1, cols: 2, pixels: DMatrix::from_vec(2, 2, vec![0.0, 0.1, 0.2, 0.3]) };
        let mut world = Digits::new(Labelled::new(images, vec![1, 0]).expect("as many labels as images"));
        let mut rng = Rng::seed_from_u64(0);
        assert_eq!(world.episode(), 2);
        for _ in 0..2 {
            world.reset(&mut rng);
            assert_eq!(world.observe(&mut rng), [0.0, 0.1]);
            assert_eq!(world.step(&[0.5, 0.6]), 1.0);
            assert_eq!(world.observe(&mut rng), [0.2, 0.3]);
            assert_eq!(world.step(&[0.5, 0.6]), 0.0);
            assert_eq!(world.observe(&mut rng), [0.0, 0.1]);
        }
    }
}
