//! The losses of two players through a training.

use super::{
    colour::{BLUE, VERMILLION},
    plot::{Axis, Plot, Series},
};
use crate::energy::gan::Losses;

/// Means over some steps each.
#[derive(Clone, Debug)]
pub struct Duel {
    every: usize,
    steps: usize,
    sum: Losses,
    /// The means.
    pub means: Vec<Losses>,
}

impl Duel {
    /// Nothing yet; each point will be the mean of `every` steps.
    pub fn new(every: usize) -> Self {
        Self { every: every.max(1), steps: 0, sum: Losses::default(), means: Vec::new() }
    }

    /// Adds the losses of one step.
    pub fn add(&mut self, now: Losses) {
        self.sum.critic += now.critic / self.every as f32;
        self.sum.generator += now.generator / self.every as f32;
        self.steps += 1;
        if self.steps.is_multiple_of(self.every) {
            self.means.push(std::mem::take(&mut self.sum));
        }
    }

    /// Both curves.
    pub fn plot(&self) -> Plot {
        let curve = |value: &dyn Fn(&Losses) -> f32| {
            let points = self.means.iter().enumerate();
            points.map(|(i, losses)| ((i * self.every) as f64, f64::from(value(losses)))).collect()
        };
        Plot::new(Axis::linear("step of the generator"), Axis::linear("loss"))
            .size(Plot::HALF, 200)
            .with(Series::line("critic", curve(&|l| l.critic)).colour(VERMILLION).weight(1.0))
            .with(Series::line("generator", curve(&|l| l.generator)).colour(BLUE).weight(1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_means_of_whole_windows() {
        let mut duel = Duel::new(2);
        for critic in [1.0, 3.0, 5.0, 9.0, 100.0] {
            duel.add(Losses { critic, generator: -critic });
        }
        let losses = |critic: f32| Losses { critic, generator: -critic };
        assert_eq!(duel.means, [losses(2.0), losses(7.0)]);
    }
}
