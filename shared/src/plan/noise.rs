//! Noise that is not stored but drawn again: normal numbers that depend on nothing but a seed and a place.
//!
//! Two normal numbers from two uniform ones, which come from a [counter](crate::random): G. Box & M. Muller 1958.
//!
//! ```text
//! n = √(−2 ln u₁) (cos, sin) 2π u₂,     ε_0 = n_0,   ε_t = ρ ε_{t−1} + √(1 − ρ²) n_t
//! ```

use crate::{math, random::philox};

/// Noise of one sampled plan, step after step, with variance 1 and a correlation `ρ` from step to step.
#[derive(Clone, Copy, Debug)]
pub(super) struct Noise<const NU: usize> {
    seed: u32,
    /// Which sample, and how many pairs it has drawn; which round of samples.
    counter: [u32; 2],
    spare: Option<f32>,
    last: Option<[f32; NU]>,
    correlation: f32,
    fresh: f32,
}

impl<const NU: usize> Noise<NU> {
    /// Of sample `sample` in round `round` of those of a seed.
    pub fn of(seed: u32, round: u32, sample: u16, correlation: f32) -> Self {
        let fresh = math::sqrt(1.0 - correlation * correlation);
        let counter = [u32::from(sample) << 16, round];
        Self { seed, counter, spare: None, last: None, correlation, fresh }
    }

    fn normal(&mut self) -> f32 {
        if let Some(spare) = self.spare.take() {
            return spare;
        }
        let [a, b] = philox(self.counter, self.seed);
        let [count, _] = &mut self.counter;
        *count = count.wrapping_add(1);
        // In (0, 1] and [0, 1), in steps of 2⁻²⁴.
        let (a, b) = ((a >> 8) as f32 + 1.0, (b >> 8) as f32);
        let length = math::sqrt(-2.0 * math::ln(a / 16_777_216.0));
        let (sin, cos) = math::sin_cos(b * (core::f32::consts::TAU / 16_777_216.0));
        self.spare = Some(length * sin);
        length * cos
    }

    /// The next step's noise, in its first `nu` components.
    pub fn next(&mut self, nu: usize) -> [f32; NU] {
        let before = self.last;
        let mut noise = [0.0; NU];
        for (i, noise) in noise.iter_mut().enumerate().take(nu) {
            let new = self.normal();
            *noise = match before.as_ref().and_then(|last| last.get(i)) {
                None => new,
                Some(last) => self.correlation * last + self.fresh * new,
            };
        }
        self.last = Some(noise);
        noise
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_is_normal_and_correlated_as_asked() {
        let (mut n, mut moments, mut lagged) = (0.0_f64, [0.0_f64; 4], [0.0_f64; 2]);
        for sample in 0..2000 {
            let mut noise = Noise::<3>::of(7, 5, sample, 0.6);
            let mut last: Option<[f32; 3]> = None;
            for _ in 0..20 {
                let now = noise.next(2);
                assert_eq!(now[2], 0.0);
                for i in 0..2 {
                    let x = f64::from(now[i]);
                    n += 1.0;
                    for (k, moment) in moments.iter_mut().enumerate() {
                        *moment += x.powi(k as i32 + 1);
                    }
                    lagged[0] += last.map_or(0.0, |last| f64::from(last[i]) * x);
                }
                lagged[1] += f64::from(now[0] * now[1]);
                last = Some(now);
            }
        }
        let [mean, square, cube, fourth] = moments.map(|m| m / n);
        assert!(mean.abs() < 0.02 && (square - 1.0).abs() < 0.03, "{mean} {square}");
        assert!(cube.abs() < 0.08 && (fourth - 3.0).abs() < 0.2, "{cube} {fourth}");
        // 19 of 20 steps have one before them; the components are independent.
        assert!(
            (lagged[0] / (n * 0.95) - 0.6).abs() < 0.03 && (2.0 * lagged[1] / n).abs() < 0.03,
            "{lagged:?}"
        );
    }

    #[test]
    fn a_sample_can_be_drawn_again_and_no_two_are_alike() {
        let draw = |round, sample| {
            let mut noise = Noise::<1>::of(1, round, sample, 0.5);
            [noise.next(1), noise.next(1), noise.next(1)]
        };
        assert_eq!(draw(3, 9), draw(3, 9));
        assert!(draw(3, 9) != draw(3, 10) && draw(3, 9) != draw(4, 9));
    }
}
