//! The lecture's penalty kick: the ball lies somewhere near the spot, the wind blows, and the keeper cannot know to which
//! of six corners it will go.

use super::{Rng, World, camera::normal};
use rand::RngExt;

/// Where the ball can be sent: metres from the middle of the goal, and above the grass.
pub const CORNERS: [[f64; 2]; 6] = [[-3.0, 0.4], [-3.0, 2.0], [0.0, 0.4], [0.0, 2.0], [3.0, 0.4], [3.0, 2.0]];
/// How often it is.
pub const SHARES: [f64; 6] = [0.25, 0.2, 0.05, 0.05, 0.25, 0.2];
/// Deviation of the ball from its corner, in m.
pub const NOISE: f64 = 0.1;
/// What of the ball's place before the kick is left at the goal, and how far the wind blows it, in m.
const DRIFT: (f64, f64) = (0.5, 0.3);

/// A ball on the spot.
#[derive(Clone, Debug, Default)]
pub struct PenaltyKick {
    /// Metres to the right of the spot, and above the grass.
    ball: [f64; 2],
    /// The corner that the player has in mind, and how well he will hit it.
    corner: usize,
    noise: [f64; 2],
}

impl World for PenaltyKick {
    fn reset(&mut self, rng: &mut Rng) {
        self.ball = [rng.random_range(-1.0..1.0), 0.0];
        let mut rest: f64 = rng.random();
        let beyond = SHARES.iter().position(|share| {
            rest -= share;
            rest < 0.0
        });
        self.corner = beyond.unwrap_or(0);
        self.noise = [normal(rng), normal(rng)];
    }

    fn state(&self) -> Vec<f32> {
        self.ball.map(|v| v as f32).to_vec()
    }

    /// The action is the wind, from −1 to 1: the keeper's is no action of this world.
    fn step(&mut self, action: &[f32]) -> f64 {
        let aim = aim(&self.state(), action, self.corner);
        self.ball = [aim[0] + NOISE * self.noise[0], aim[1] + NOISE * self.noise[1]];
        0.0
    }

    fn episode(&self) -> usize {
        1
    }
}

/// Where a ball that is meant for a corner comes in, on average.
pub fn aim(state: &[f32], action: &[f32], corner: usize) -> [f64; 2] {
    let [side, height] = CORNERS[corner];
    let wind = f64::from(action[0].clamp(-1.0, 1.0));
    [side + DRIFT.0 * f64::from(state[0]) + DRIFT.1 * wind, height]
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    #[test]
    fn every_corner_is_hit_as_often_as_it_should() {
        let (mut kick, mut rng) = (PenaltyKick::default(), Rng::seed_from_u64(1));
        let mut counts = [0.0; 6];
        for _ in 0..4000 {
            kick.reset(&mut rng);
            let before = kick.state();
            kick.step(&[-0.5]);
            let ball = kick.state();
            let near = |&k: &usize| {
                let [x, y] = aim(&before, &[-0.5], k);
                (f64::from(ball[0]) - x).hypot(f64::from(ball[1]) - y) < 6.0 * NOISE
            };
            counts[(0..6).find(near).expect("one of the corners")] += 1.0 / 4000.0;
        }
        assert!(counts.iter().zip(SHARES).all(|(count, share)| (count - share).abs() < 0.025), "{counts:?}");
        assert!((SHARES.iter().sum::<f64>() - 1.0).abs() < 1e-12);
    }
}
