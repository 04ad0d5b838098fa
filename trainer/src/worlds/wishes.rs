//! A world of wishes, for generators: random numbers `z ~ N(0, I)`, and behind them a class, one number 1 and the others 0.
//! Nothing can be done in it but to compare what two copies of a generator make of them.

use super::{Rng, World, camera::normal, digits};
use forethought::artifact::{Artifact, Sensors};
use rand::RngExt;

/// How many numbers are random, and among how many classes one is wished for.
#[derive(Clone, Debug)]
pub struct Wishes {
    random: usize,
    classes: usize,
    range: Sensors,
}

impl Wishes {
    /// What the generator of an artifact can be asked. A file does not say which of its numbers are classes: one that was trained on
    /// digits has the ten of them, any other none.
    pub fn of(artifact: &Artifact<'_>) -> Self {
        let (header, n) = (artifact.header(), artifact.sizes().ny());
        let classes = if header.provenance.task == digits::NAME { digits::CLASSES.min(n) } else { 0 };
        Self { random: n - classes, classes, range: header.sensors }
    }
}

impl World for Wishes {
    fn reset(&mut self, _: &mut Rng) {}

    fn state(&self) -> Vec<f32> {
        Vec::new()
    }

    fn observe(&mut self, rng: &mut Rng) -> Vec<f32> {
        let Sensors { low, high } = self.range;
        let mut wish: Vec<_> = (0..self.random).map(|_| (normal(rng) as f32).max(low).min(high)).collect();
        let class = if self.classes > 0 { rng.random_range(0..self.classes) } else { 0 };
        wish.extend((0..self.classes).map(|i| if i == class { 1.0 } else { 0.0 }));
        wish
    }

    fn step(&mut self, _: &[f32]) -> f64 {
        0.0
    }

    fn episode(&self) -> usize {
        usize::MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::energy::gan::{Config, Gan};
    use forethought::artifact::Provenance;
    use rand::SeedableRng;

    #[test]
    fn a_generator_of_digits_is_asked_for_each_of_them_and_another_for_nothing() {
        let rng = &mut Rng::seed_from_u64(0);
        let gan = Gan::new(&Config { latent: 3, ..Config::default() }, (4, digits::CLASSES), rng);
        let generator = gan.expect("good settings").generator;
        for (task, classes) in [(digits::NAME, digits::CLASSES), ("dreams", 0)] {
            let provenance = Provenance { trainer: "a test", task, seed: 0, data: 0 };
            let file = generator.export(Sensors { low: -1.5, high: 1.5 }, provenance).expect("exported");
            let mut world = Wishes::of(&file.parse().expect("a weight file"));
            let mut asked = [0; digits::CLASSES];
            for _ in 0..500 {
                let wish = world.observe(rng);
                assert!(wish.len() == 3 + digits::CLASSES && wish.iter().all(|v| v.abs() <= 1.5));
                let (random, class) = wish.split_at(wish.len() - classes);
                assert!(random.iter().all(|v| *v != 0.0));
                assert!(classes == 0 || class.iter().sum::<f32>() == 1.0);
                if let Some(i) = class.iter().position(|v| *v == 1.0) {
                    asked[i] += 1;
                }
            }
            assert!(asked.iter().all(|n| if classes > 0 { *n > 20 } else { *n == 0 }), "{asked:?}");
        }
    }
}
