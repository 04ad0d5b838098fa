//! Features of the state: what a sensor's read-out measures, what the cost weighs, how angles enter networks.

use crate::math;
use serde::{Deserialize, Serialize};

/// How one component of the state is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Map {
    /// `x`.
    Value,
    /// `x` as an angle: differences are wrapped to `[−π, π)`.
    Angle,
    /// `cos x`.
    Cos,
    /// `sin x`.
    Sin,
}

/// A scalar feature `f(x) = map(x[index])` of the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Feature {
    /// Component of the state, counted from 0.
    pub index: u16,
    /// How it is looked at.
    pub map: Map,
}

impl Feature {
    /// `target − f(x)` and `∂f/∂x[index]`. An index past the end reads as a component that is always 0.
    pub fn residual(&self, x: &[f32], target: f32) -> (f32, f32) {
        let value = x.get(usize::from(self.index)).copied().unwrap_or(0.0);
        match self.map {
            Map::Value => (target - value, 1.0),
            Map::Angle => (math::wrap(target - value), 1.0),
            Map::Cos => {
                let (sin, cos) = math::sin_cos(value);
                (target - cos, -sin)
            }
            Map::Sin => {
                let (sin, cos) = math::sin_cos(value);
                (target - sin, cos)
            }
        }
    }
}

/// Which components of the state are angles, as a bit mask: bit `i` stands for component `i`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Angles(pub u64);

impl Angles {
    /// Whether component `index` is an angle.
    pub fn contains(self, index: usize) -> bool {
        index < 64 && self.0 >> index & 1 == 1
    }

    /// How many components are angles.
    pub fn count(self) -> usize {
        self.0.count_ones() as usize
    }

    /// Splits the state for a network: `lifted` is `x` with `cos x` in place of each angle; `sines` lists `sin x` of
    /// the angles, first to last, and is zero behind them. So a network never sees a jump at ±π.
    pub fn lift<const NX: usize>(self, x: &[f32; NX], lifted: &mut [f32; NX], sines: &mut [f32; NX]) {
        *lifted = *x;
        *sines = [0.0; NX];
        let mut slots = sines.iter_mut();
        for (index, value) in lifted.iter_mut().enumerate() {
            if self.contains(index)
                && let Some(slot) = slots.next()
            {
                (*slot, *value) = math::sin_cos(*value);
            }
        }
    }

    /// The pullback of [`lift`](Self::lift): adds to `gx` what the gradients of `lifted` and `sines` say of `x`.
    pub fn pull<const NX: usize>(
        self,
        (lifted, sines): (&[f32; NX], &[f32; NX]),
        (g_lifted, g_sines): (&[f32; NX], &[f32; NX]),
        gx: &mut [f32; NX],
    ) {
        let mut angles = sines.iter().zip(g_sines);
        for (index, (g, (cos, g_cos))) in gx.iter_mut().zip(lifted.iter().zip(g_lifted)).enumerate() {
            if self.contains(index)
                && let Some((sin, g_sin)) = angles.next()
            {
                // d cos x = −sin x dx, d sin x = cos x dx
                *g += g_sin * cos - g_cos * sin;
            } else {
                *g += g_cos;
            }
        }
    }

    /// Brings every angle of the state to `[−π, π)`.
    pub fn wrap(self, x: &mut [f32]) {
        for (index, value) in x.iter_mut().enumerate() {
            if self.contains(index) {
                *value = math::wrap(*value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::f32::consts::PI;

    const N: usize = 6;

    fn numbers() -> impl Strategy<Value = [f32; N]> {
        proptest::array::uniform(-6.0_f32..6.0)
    }

    proptest! {
        #[test]
        fn lift_splits_angles_and_leaves_the_rest(mask in 0_u64..64, x in numbers()) {
            let angles = Angles(mask);
            let (mut lifted, mut sines) = ([f32::NAN; N], [f32::NAN; N]);
            angles.lift(&x, &mut lifted, &mut sines);
            let mut slots = sines.into_iter();
            for i in 0..N {
                if angles.contains(i) {
                    prop_assert_eq!((slots.next(), lifted[i]), (Some(math::sin_cos(x[i]).0), math::sin_cos(x[i]).1));
                } else {
                    prop_assert_eq!(lifted[i], x[i]);
                }
            }
            prop_assert!(slots.all(|rest| rest == 0.0));
        }

        #[test]
        fn pull_matches_finite_differences(mask in 0_u64..64, x in numbers(), g in numbers(), h in numbers()) {
            let angles = Angles(mask);
            let (mut lifted, mut sines, mut gx) = ([0.0; N], [0.0; N], [0.25; N]);
            angles.lift(&x, &mut lifted, &mut sines);
            angles.pull((&lifted, &sines), (&g, &h), &mut gx);
            for (i, found) in gx.into_iter().enumerate() {
                let sum = |step: f64| {
                    let mut slots = h.iter();
                    let parts = x.iter().zip(&g).enumerate().map(|(j, (&x, &g))| {
                        let x = f64::from(x) + if i == j { step } else { 0.0 };
                        if angles.contains(j) {
                            let g_sin = slots.next().copied().map_or(0.0, f64::from);
                            f64::from(g) * x.cos() + g_sin * x.sin()
                        } else {
                            f64::from(g) * x
                        }
                    });
                    parts.sum::<f64>()
                };
                let slope = 0.25 + (sum(1e-5) - sum(-1e-5)) / 2e-5;
                prop_assert!((f64::from(found) - slope).abs() < 1e-5, "{i}: {found} for {slope}");
            }
        }

        #[test]
        fn a_residual_and_its_slope(value in -6.0_f32..6.0, target in -3.0_f32..3.0) {
            for (map, truth) in [
                (Map::Value, (|x| x) as fn(f64) -> f64),
                (Map::Angle, |x| x),
                (Map::Cos, f64::cos),
                (Map::Sin, f64::sin),
            ] {
                let (residual, slope) = Feature { index: 1, map }.residual(&[9.0, value], target);
                let (x, mut expected) = (f64::from(value), f64::from(target) - truth(value.into()));
                if map == Map::Angle {
                    prop_assert!((-PI..PI).contains(&residual));
                    expected -= ((expected - f64::from(residual)) / f64::from(2.0 * PI)).round() * std::f64::consts::TAU;
                }
                prop_assert!((f64::from(residual) - expected).abs() < 2e-6);
                let difference = (truth(x + 1e-5) - truth(x - 1e-5)) / 2e-5;
                prop_assert!((f64::from(slope) - difference).abs() < 1e-6);
            }
        }

        #[test]
        fn wrapped_angles_are_the_same_angles(mask in 0_u64..64, x in numbers()) {
            let mut wrapped = x;
            Angles(mask).wrap(&mut wrapped);
            for (i, (w, x)) in wrapped.into_iter().zip(x).enumerate() {
                if Angles(mask).contains(i) {
                    prop_assert!((-PI..PI).contains(&w) && (w.sin() - x.sin()).abs() < 1e-6);
                } else {
                    prop_assert_eq!(w, x);
                }
            }
        }
    }

    #[test]
    fn components_past_the_end_are_no_angles() {
        assert!(Angles(u64::MAX).contains(63));
        assert!(!Angles(u64::MAX).contains(64));
        assert!(!Angles(u64::MAX).contains(usize::MAX));
        assert_eq!(Angles(0b1011).count(), 3);
        assert_eq!(Feature { index: 7, map: Map::Value }.residual(&[1.0], 2.0), (2.0, 1.0));
    }
}
