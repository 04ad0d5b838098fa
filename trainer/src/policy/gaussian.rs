//! A bounded Gaussian: the network gives mean and deviation of what `tanh` then brings into the range.
//!
//! ```text
//! a = μ + σ ∘ ε,  ε ~ N(0, 1),      u = mid + half · tanh(a)
//! ln π = Σ [−½ε² − ln σ − ½ ln 2π] − Σ 2 (ln 2 − a − softplus(−2a))      density of u in units of half the range
//! ```
//! Reparameterised: for a given ε the action is a differentiable function of the weights (Haarnoja et al. 2018, appendix C).
//! For the score function, where actions are given and not differentiated, the density of `a` is enough: the second
//! sum does not depend on the weights.

use super::{Head, Policy, deterministic::Deterministic};
use crate::{
    tape::{Tape, Var},
    worlds::{Rng, camera::normal},
};
use nalgebra::DMatrix;
use std::f32::consts::{LN_2, TAU};

/// Range of ln σ: from an action that is as good as certain to one that is nearly uniform.
const LN_SIGMA: (f32, f32) = (-5.0, 1.0);

/// Mean and logarithm of the deviation, one below the other.
#[derive(Clone, Debug)]
pub struct Gaussian {
    range: Deterministic,
}

/// What was drawn.
#[derive(Clone, Copy, Debug)]
pub struct Drawn {
    /// The actions.
    pub action: Var,
    /// Before they were bounded.
    pub free: Var,
    /// `ln π` of each, as a row.
    pub log_density: Var,
}

impl Gaussian {
    /// Actions in a range.
    pub fn new(range: (&[f32], &[f32])) -> Self {
        Self { range: Deterministic::new(range) }
    }

    fn split(&self, tape: &Tape, out: Var) -> (Var, Var) {
        let n = self.range.outputs();
        (tape.rows(out, 0, n), tape.clamp(tape.rows(out, n, n), LN_SIGMA.0, LN_SIGMA.1))
    }

    /// Draws an action for each column of outputs.
    pub fn draw(&self, tape: &Tape, out: Var, rng: &mut Rng) -> Drawn {
        let (mean, ln_sigma) = self.split(tape, out);
        let (rows, columns) = tape.shape(mean);
        let noise = tape.constant(DMatrix::from_fn(rows, columns, |_, _| normal(rng) as f32));
        let free = tape.add(mean, tape.mul(tape.exp(ln_sigma), noise));
        // ln (1 − tanh² a) = 2 (ln 2 − a − softplus(−2a)), which does not vanish where tanh rounds to 1.
        let bend = tape.add(free, tape.softplus(tape.scale(free, -2.0)));
        let squeezed = tape.scale(tape.offset(bend, -LN_2), 2.0);
        let density = tape.add(normal_density(tape, noise, ln_sigma), tape.sum_rows(squeezed));
        Drawn { action: self.range.best(tape, free), free, log_density: density }
    }

    /// The density of actions that were drawn before, given before they were bounded; as a row.
    pub fn log_density(&self, tape: &Tape, out: Var, free: Var) -> Var {
        let (mean, ln_sigma) = self.split(tape, out);
        let noise = tape.mul(tape.sub(free, mean), tape.exp(tape.scale(ln_sigma, -1.0)));
        normal_density(tape, noise, ln_sigma)
    }

    /// Mean entropy of the Gaussian before it is bounded, less what does not change.
    pub fn spread(&self, tape: &Tape, out: Var) -> Var {
        tape.mean(tape.sum_rows(self.split(tape, out).1))
    }
}

/// `Σ [−½ε² − ln σ − ½ ln 2π]` of each column.
fn normal_density(tape: &Tape, noise: Var, ln_sigma: Var) -> Var {
    let terms = tape.add(tape.scale(tape.square(noise), -0.5), tape.scale(ln_sigma, -1.0));
    tape.sum_rows(tape.offset(terms, -0.5 * TAU.ln()))
}

impl Policy<Gaussian> {
    /// What it does when nothing is drawn, as a policy of its own: that is what a chip runs.
    pub fn resolved(&self) -> Policy {
        let head = self.head.range.clone();
        let (params, trunk) = self.trunk.narrowed(&self.params, head.outputs());
        Policy { params, angles: self.angles, trunk, head }
    }
}

impl Head for Gaussian {
    fn outputs(&self) -> usize {
        2 * self.range.outputs()
    }

    fn act(&self, tape: &Tape, out: Var, rng: &mut Rng) -> Var {
        self.draw(tape, out, rng).action
    }

    fn best(&self, tape: &Tape, out: Var) -> Var {
        self.range.best(tape, self.split(tape, out).0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tape::check::{check_gradients, random};
    use forethought::feature::Angles;
    use rand::SeedableRng;

    #[test]
    fn gradients_for_given_noise() {
        let head = Gaussian::new((&[-1.0, 0.0], &[3.0, 1.0]));
        check_gradients(&[random(4, 5, 1)], |tape, v| {
            let drawn = head.draw(tape, v[0], &mut Rng::seed_from_u64(7));
            tape.stack(&[drawn.action, drawn.log_density])
        });
        let free = random(2, 5, 3);
        check_gradients(&[random(4, 5, 1)], |tape, v| {
            head.log_density(tape, v[0], tape.constant(free.clone()))
        });
    }

    #[test]
    fn the_density_integrates_to_one() {
        // ∫ π(u) du over the range, from actions on a grid: the density of a, over the slope of tanh.
        let head = Gaussian::new((&[-1.0], &[1.0]));
        let (tape, n) = (Tape::new(), 20_000);
        let middle = |i: usize| (i as f32 + 0.5) / n as f32 * 2.0 - 1.0;
        let out = tape.constant(DMatrix::from_fn(2, n, |row, _| if row == 0 { 0.4 } else { -0.5 }));
        let free = DMatrix::from_fn(1, n, |_, i| middle(i).atanh());
        let density = tape.value(head.log_density(&tape, out, tape.constant(free)));
        let slope = |i: usize| f64::from(1.0 - middle(i).powi(2));
        let sum: f64 = density.iter().enumerate().map(|(i, d)| f64::from(*d).exp() / slope(i)).sum();
        assert!((sum * 2.0 / n as f64 - 1.0).abs() < 1e-3, "{sum}");
    }

    #[test]
    fn resolved_it_does_what_it_finds_best() {
        let rng = &mut Rng::seed_from_u64(5);
        let head = Gaussian::new((&[-1.0, 0.0], &[3.0, 1.0]));
        let policy = Policy::with(head, 8, Angles(1), vec![1.0; 3], rng);
        let states = random(3, 7, 6);
        assert_eq!(policy.resolved().best(&states), policy.best(&states));
    }

    #[test]
    fn what_is_drawn_has_the_density_it_says() {
        let head = Gaussian::new((&[-2.0], &[2.0]));
        let tape = Tape::new();
        let out = tape.constant(random(2, 50, 4));
        let drawn = head.draw(&tape, out, &mut Rng::seed_from_u64(2));
        let plain = tape.value(head.log_density(&tape, out, drawn.free));
        let free = tape.value(drawn.free);
        for (j, said) in tape.value(drawn.log_density).iter().enumerate() {
            let expected = f64::from(plain[j]) - (1.0 - f64::from(free[j]).tanh().powi(2)).ln();
            assert!((f64::from(*said) - expected).abs() < 1e-3, "{said} for {expected}");
        }
        assert!(tape.value(drawn.action).iter().all(|u| (-2.0..=2.0).contains(u)));
    }
}
