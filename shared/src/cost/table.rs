//! What is still to be paid from a state on, in a table: quadratic B-splines over the points of a grid.
//!
//! ```text
//! V(x) = Σ_i v_i Π_k β(p_k − i_k),     p_k = (x_k − low_k) · rate_k        three points along each component
//! ```
//! Optimal values have creases, where it is as good to go left as right. A spline whose coefficients are the values
//! themselves has no more ups and downs than they have (Schoenberg 1946), so a planner that descends it finds no dips that
//! are not there; those that pass through the values overshoot beside every crease. For that it is a little too high where it
//! is convex, by an eighth of the second difference. It has a slope everywhere.
//!
//! Of two components it takes 9 points, a fraction of what a network costs; of more than three a table has more points than a
//! chip has flash.

use crate::{
    artifact::{Artifact, ArtifactError},
    feature::Angles,
    math,
};

/// The most components of a state that a table can be over.
pub const MOST: usize = 3;

/// Beyond the points it goes on straight, up to so many points' widths: finite whatever comes.
const FARTHEST: f32 = 1e6;

/// A table over the state.
#[derive(Clone, Copy, Debug)]
pub struct Table<'a> {
    angles: Angles,
    /// Points along each component; around the circle along an angle.
    points: &'a [f32],
    /// Where the first one is.
    low: &'a [f32],
    /// Points in a unit.
    rate: &'a [f32],
    /// The last component's points lie together.
    values: &'a [f32],
}

/// The three points around a place along one component.
#[derive(Clone, Copy, Debug, Default)]
struct Stencil {
    /// Which they are.
    index: [u16; 3],
    /// What each counts.
    weight: [f32; 3],
    /// The slopes of that.
    slope: [f32; 3],
    /// How many there are in all.
    points: u16,
}

impl<'a> Table<'a> {
    /// Reads the tensors `points`, `low`, `rate` and `table` of the part `value`.
    pub fn load(artifact: &Artifact<'a>) -> Result<Self, ArtifactError> {
        let nx = artifact.sizes().nx();
        let axis = |name| artifact.vector("value", name, nx);
        let axes = (axis("points")?, axis("low")?, axis("rate")?);
        let table = Self::new(artifact.angles(), axes, &[])?;
        let all = table.points.iter().fold(1_usize, |all, &points| all.saturating_mul(points as usize));
        Ok(Self { values: artifact.vector("value", "table", all)?, ..table })
    }

    /// Of how many points there are along each component, where the first one is, and how many there are in a unit; and the
    /// value at each.
    pub fn new(
        angles: Angles,
        (points, low, rate): (&'a [f32], &'a [f32], &'a [f32]),
        values: &'a [f32],
    ) -> Result<Self, ArtifactError> {
        let found = points.len();
        if found > MOST {
            return Err(ArtifactError::TooLarge { what: "components of a table", capacity: MOST, found });
        }
        if points.iter().any(|&points| points < 2.0 || f32::from(points as u16) != points) {
            return Err(ArtifactError::Setting { what: "points of a table must be 2 to 65535" });
        }
        if rate.iter().any(|&rate| rate <= 0.0) {
            return Err(ArtifactError::Setting { what: "the rate of a table must be above 0" });
        }
        Ok(Self { angles, points, low, rate, values })
    }

    /// `V(x)`; adds `∂V/∂x` to `gx`. Beyond the points it goes on straight.
    pub fn value<const NX: usize>(&self, x: &[f32; NX], gx: &mut [f32; NX]) -> f32 {
        let mut stencils = [Stencil::default(); MOST];
        let axes = self.points.iter().zip(self.low.iter().zip(self.rate));
        for (k, (stencil, (x, (points, (low, rate))))) in
            stencils.iter_mut().zip(x.iter().zip(axes)).enumerate()
        {
            *stencil = Stencil::around(*x, (*points, *low, *rate), self.angles.contains(k));
        }
        let stencils = stencils.get(..self.points.len()).unwrap_or(&[]);
        let (mut value, mut gradient) = (0.0, [0.0; MOST]);
        // Which of its three points is taken along each component; the last one changes fastest.
        let mut taken = [0_usize; MOST];
        loop {
            let (mut place, mut share, mut slopes) = (0, 1.0, [1.0; MOST]);
            for (k, (stencil, &tap)) in stencils.iter().zip(&taken).enumerate() {
                let pick = |list: &[f32; 3]| list.get(tap).copied().unwrap_or(0.0);
                let index = stencil.index.get(tap).copied().unwrap_or(0);
                place = place * usize::from(stencil.points) + usize::from(index);
                let (weight, slope) = (pick(&stencil.weight), pick(&stencil.slope));
                share *= weight;
                for (other, product) in slopes.iter_mut().enumerate() {
                    *product *= if other == k { slope } else { weight };
                }
            }
            let here = self.values.get(place).copied().unwrap_or(0.0);
            value += share * here;
            for (g, slope) in gradient.iter_mut().zip(slopes) {
                *g += slope * here;
            }
            let more = taken.iter_mut().take(stencils.len()).rev().any(|tap| {
                *tap = if *tap < 2 { *tap + 1 } else { 0 };
                *tap > 0
            });
            if !more {
                break;
            }
        }
        for (gx, g) in gx.iter_mut().zip(gradient).take(stencils.len()) {
            *gx += g;
        }
        value
    }
}

impl Stencil {
    fn around(x: f32, (points, low, rate): (f32, f32, f32), turns: bool) -> Self {
        let (count, last) = (points as i32, points - 1.0);
        let free = (if turns { math::wrap(x) } else { x } - low) * rate;
        // Written so that what is not a number is at the first point.
        let place = if free >= last && !turns {
            last
        } else if free > 0.0 {
            free.min(points)
        } else {
            0.0
        };
        let nearest = (place + 0.5) as i32;
        let t = place + 0.5 - nearest as f32;
        let point = |i: i32| match turns {
            true if i < 0 => i + count,
            true if i >= count => i - count,
            true => i,
            false => i.max(0).min(count - 1),
        };
        let index = [nearest - 1, nearest, nearest + 1].map(|i| point(i) as u16);
        let slope = [t - 1.0, 1.0 - 2.0 * t, t];
        let beyond =
            if turns || free.is_nan() { 0.0 } else { math::clamp(free - place, -FARTHEST, FARTHEST) };
        let [before, at, after] = slope.map(|slope| slope * beyond);
        let weight = [0.5 * (1.0 - t) * (1.0 - t) + before, (1.0 - t) * t + 0.5 + at, 0.5 * t * t + after];
        Self { index, weight, slope: slope.map(|slope| slope * rate), points: count as u16 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::f32::consts::{PI, TAU};
    use proptest::prelude::*;

    const SIDES: [usize; 3] = [8, 5, 6];

    /// A table of the first `n` components, of which the first is an angle.
    fn with<T>(n: usize, value: impl Fn([usize; 3]) -> f32, read: impl Fn(Table<'_>) -> T) -> T {
        let points: std::vec::Vec<_> = SIDES.iter().take(n).map(|&side| side as f32).collect();
        let (low, rate) = ([-PI, -1.0, 0.5], [8.0 / TAU, 2.0, 4.0]);
        let all: usize = SIDES.iter().take(n).product();
        let values: std::vec::Vec<_> = (0..all)
            .map(|i| {
                let (mut rest, mut at) = (i, [0; 3]);
                for k in (0..n).rev() {
                    (at[k], rest) = (rest % SIDES[k], rest / SIDES[k]);
                }
                value(at)
            })
            .collect();
        read(Table::new(Angles(1), (&points, &low[..n], &rate[..n]), &values).unwrap())
    }

    /// Any numbers, but the same for the same point.
    fn rough(at: [usize; 3]) -> f32 {
        (at[0] * 7 + at[1] * 13 + at[2] * 29) as f32 * 0.37 % 2.0
    }

    proptest! {
        #[test]
        fn slopes_are_those_of_the_value(n in 1..4_usize, x in proptest::array::uniform3(-4.0_f32..4.0)) {
            with(n, rough, |table| {
                let mut gradient = [0.0; 3];
                let here = table.value(&x, &mut gradient);
                for k in 0..3 {
                    let at = |step: f32| {
                        let mut moved = x;
                        moved[k] += step;
                        table.value(&moved, &mut [0.0; 3])
                    };
                    let slope = (at(0.002) - at(-0.002)) / 0.004;
                    // A second slope may jump by what the values differ.
                    prop_assert!((slope - gradient[k]).abs() < 0.15, "{} {slope}", gradient[k]);
                }
                prop_assert!(here.is_finite());
                Ok(())
            })?;
        }

        #[test]
        fn it_stays_among_its_values_and_turns(x in proptest::array::uniform2(-1.0_f32..1.0)) {
            with(2, rough, |table| {
                let x = [3.0 * x[0], x[1]];
                let here = table.value(&x, &mut [0.0; 2]);
                prop_assert!((0.0..2.0).contains(&here), "{here}");
                let turned = table.value(&[x[0] + TAU, x[1]], &mut [0.0; 2]);
                prop_assert!((here - turned).abs() < 1e-4);
                Ok(())
            })?;
        }

        /// Of what is straight it knows all, also beyond its last point; of a parabola the bend.
        #[test]
        fn straight_lines_and_bends(x in -0.7_f32..0.7, beyond in 0.0_f32..3.0) {
            let value = |f: fn(f32) -> f32, x: f32| {
                with(2, |at| f(-1.0 + 0.5 * at[1] as f32), |table| table.value(&[0.3, x], &mut [0.0; 2]))
            };
            prop_assert!((value(|x| 3.0 * x, x) - 3.0 * x).abs() < 1e-5);
            prop_assert!((value(|x| x * x, x) - x * x - 0.25 / 4.0).abs() < 1e-5);
            // At the last point the slope is half of what it was.
            let (end, further) = (value(|x| 3.0 * x, 1.0), value(|x| 3.0 * x, 1.0 + beyond));
            prop_assert!((further - end - 1.5 * beyond).abs() < 1e-4, "{end} {further}");
        }
    }

    #[test]
    fn nothing_from_outside_leads_out_of_the_table() {
        with(3, rough, |table| {
            for wild in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX, f32::MIN, 1e30] {
                for k in 0..3 {
                    let mut x = [0.1, 0.2, 0.7];
                    x[k] = wild;
                    table.value(&x, &mut [0.0; 3]);
                }
            }
        });
    }

    #[test]
    fn axes_that_make_no_sense_are_refused() {
        let table = |points: &[f32], rate: &[f32]| {
            Table::new(Angles(0), (points, &[0.0; 4][..points.len()], rate), &[]).map(drop)
        };
        assert!(table(&[2.0], &[1.0]).is_ok());
        for points in [1.0, 2.5, -3.0, 65_536.0, f32::NAN] {
            assert!(matches!(table(&[points], &[1.0]), Err(ArtifactError::Setting { .. })), "{points}");
        }
        assert!(matches!(table(&[2.0], &[0.0]), Err(ArtifactError::Setting { .. })));
        assert!(matches!(table(&[2.0; 4], &[1.0; 4]), Err(ArtifactError::TooLarge { .. })));
    }
}
