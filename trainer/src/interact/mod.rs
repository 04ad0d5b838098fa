//! Learning from one's own life in a world, where every interaction counts and a crash is a crash.
//!
//! - [`model_based`]: a model from what was lived, a policy improved in imagination; the cost is known;
//! - [`actor_critic`]: soft actor-critic, the cost a black box, the world itself in place of a model;
//! - [`score_function`]: REINFORCE with a baseline, likewise.

pub mod actor_critic;
pub mod life;
pub mod model_based;
pub mod score_function;

use anyhow::Result;
use life::Life;
use nalgebra::DMatrix;

/// Whoever learns by living.
pub trait Learner {
    /// Lives on for a while, an episode or a few, and learns.
    fn live(&mut self, life: &mut Life<'_>) -> Result<()>;

    /// The best actions it knows for states, one a column.
    fn best(&self, states: &DMatrix<f32>) -> DMatrix<f32>;
}

#[cfg(test)]
mod tests {
    use super::{actor_critic::ActorCritic, model_based::ModelBased, score_function::ScoreFunction, *};
    use crate::{
        policy,
        predict::network,
        tape::{Tape, Var},
        worlds::{Rng, World, practice::About},
    };
    use forethought::{artifact::Plant, feature::Angles};
    use rand::RngExt;

    /// A point on a line that is pushed about: it should be in the middle.
    #[derive(Default)]
    struct Point(f32);

    const ABOUT: About = About {
        name: "point",
        // None of the plants is asked about here.
        plant: Plant::Pendulum,
        state: &["x"],
        angles: Angles(0),
        places: &[],
        low: &[-1.0],
        high: &[1.0],
        dt: 1.0,
    };

    impl World for Point {
        fn reset(&mut self, rng: &mut Rng) {
            self.0 = rng.random_range(-1.0..1.0);
        }

        fn state(&self) -> Vec<f32> {
            vec![self.0]
        }

        fn step(&mut self, action: &[f32]) -> f64 {
            let cost = self.0 * self.0;
            self.0 += 0.2 * action[0];
            -f64::from(cost)
        }

        fn episode(&self) -> usize {
            20
        }
    }

    /// Where the best actions lead from both sides, within ten steps.
    fn misses(learner: &dyn Learner) -> f32 {
        let end = |x: f32| (0..10).fold(x, |x, _| x + 0.2 * learner.best(&DMatrix::from_element(1, 1, x))[0]);
        end(0.9).abs().max(end(-0.9).abs())
    }

    fn learns(mut learner: impl Learner, lessons: usize) {
        let mut life = Life::new(Point::default(), 1);
        let before = misses(&learner);
        (0..lessons).for_each(|_| learner.live(&mut life).expect("a lesson"));
        let after = misses(&learner);
        assert!(before > 0.6 && after < 0.3, "from {before} to {after} in {} steps", life.interactions);
    }

    #[test]
    fn a_model_shows_the_way_to_the_middle() {
        let cost = |tape: &Tape, x: Var, _: Var| tape.square(x);
        let config = model_based::Config {
            members: 2,
            stretch: 20,
            first: 20,
            careful: 1.0,
            model: network::Config {
                hidden: 8,
                one_step: 200,
                multi_step: 20,
                window: 2,
                ..network::Config::default()
            },
            policy: policy::Config { hidden: 8, steps: 150, batch: 16, ..policy::Config::default() },
            foresight: 20,
            noise: 0.1,
        };
        learns(ModelBased::new(&config, ABOUT, cost, &[1.0], 1), 3);
    }

    #[test]
    fn a_critic_finds_it_in_the_world() {
        let config = actor_critic::Config { hidden: 16, batch: 32, first: 100, ..Default::default() };
        learns(ActorCritic::new(&config, ABOUT, &[1.0], 1), 12);
    }

    #[test]
    fn the_score_function_finds_it_after_a_while() {
        let config = score_function::Config { hidden: 16, rate: 1e-2, discount: 0.9, ..Default::default() };
        learns(ScoreFunction::new(&config, ABOUT, &[1.0], 1), 100);
    }
}
