//! Value iteration on a grid: the optimum of a plant of two components and one action, against which planners are
//! measured.
//!
//! ```text
//! V(x) ← min over u of  cost(x, u) + V(f(x, u)),      V between the grid's points by bilinear interpolation
//! ```
//! (Bellman 1957.) The interpolated value errs on the high side where it is convex; what following it really costs is an upper
//! bound of the optimum.

use rayon::prelude::*;
use std::ops::RangeInclusive;

/// One component of the state.
#[derive(Clone, Debug)]
pub struct Axis {
    low: f64,
    width: f64,
    points: usize,
    turns: bool,
}

impl Axis {
    /// Points from one end to the other; whatever lies outside counts as at the end.
    pub fn between(range: RangeInclusive<f64>, points: usize) -> Self {
        let (low, high) = range.into_inner();
        Self { low, width: (high - low) / (points - 1) as f64, points, turns: false }
    }

    /// Points around a circle, in rad.
    pub fn around(points: usize) -> Self {
        let turn = std::f64::consts::TAU;
        Self { low: -0.5 * turn, width: turn / points as f64, points, turns: true }
    }

    fn point(&self, i: usize) -> f64 {
        self.low + i as f64 * self.width
    }

    /// The points on either side, and how far beyond the first.
    fn place(&self, x: f64) -> (usize, usize, f64) {
        let at = (x - self.low) / self.width;
        if self.turns {
            let at = at.rem_euclid(self.points as f64);
            let i = (at as usize).min(self.points - 1);
            return (i, (i + 1) % self.points, at - i as f64);
        }
        let at = at.clamp(0.0, (self.points - 1) as f64);
        let i = (at as usize).min(self.points - 2);
        (i, i + 1, at - i as f64)
    }
}

/// Where an action leads and what it costs; `None` where that is the end and nothing more is to be paid.
pub type Step = (Option<[f64; 2]>, f64);

/// The value at each point.
#[derive(Clone, Debug)]
pub struct Grid<F> {
    axes: [Axis; 2],
    actions: Vec<f32>,
    step: F,
    values: Vec<f64>,
}

impl<F: Fn([f64; 2], f32) -> Step + Sync> Grid<F> {
    /// The optimal cost of `steps` steps under any of these actions, and of what `end` says is to be paid after them. A value
    /// on a coarser grid makes a good end: the finer one then needs fewer steps.
    pub fn solve(
        axes: [Axis; 2],
        actions: Vec<f32>,
        (steps, end): (usize, &(dyn Fn([f64; 2]) -> f64 + Sync)),
        step: F,
    ) -> Self {
        let mut grid = Self { axes, actions, step, values: Vec::new() };
        grid.values = grid.points().map(end).collect();
        for _ in 0..steps {
            let points: Vec<_> = grid.points().collect();
            grid.values = points.into_par_iter().map(|x| grid.best(x).1).collect();
        }
        grid
    }

    fn points(&self) -> impl Iterator<Item = [f64; 2]> {
        let [rows, cols] = &self.axes;
        (0..rows.points).flat_map(move |i| (0..cols.points).map(move |j| [rows.point(i), cols.point(j)]))
    }

    /// The optimal cost from a state.
    pub fn value(&self, x: [f64; 2]) -> f64 {
        let [(i, above, p), (j, beside, q)] = [self.axes[0].place(x[0]), self.axes[1].place(x[1])];
        let row = |i: usize| {
            let row = &self.values[i * self.axes[1].points..];
            row[j] + q * (row[beside] - row[j])
        };
        row(i) + p * (row(above) - row(i))
    }

    /// The best action in a state, and the cost with it.
    pub fn best(&self, x: [f64; 2]) -> (f32, f64) {
        let cost = |&u: &f32| {
            let (next, cost) = (self.step)(x, u);
            (u, cost + next.map_or(0.0, |next| self.value(next)))
        };
        self.actions
            .iter()
            .map(cost)
            .min_by(|a, b| a.1.total_cmp(&b.1))
            .expect("there is at least one action")
    }

    /// What it really costs to follow the value for `steps` steps.
    pub fn follow(&self, mut x: [f64; 2], steps: usize) -> f64 {
        let mut total = 0.0;
        for _ in 0..steps {
            let (next, cost) = (self.step)(x, self.best(x).0);
            total += cost;
            match next {
                Some(next) => x = next,
                None => break,
            }
        }
        total
    }

    /// The mean value over a part of the plane, by its points on the grid.
    pub fn mean(&self, part: [RangeInclusive<f64>; 2]) -> f64 {
        let inside = |x: &[f64; 2]| part[0].contains(&x[0]) && part[1].contains(&x[1]);
        let values: Vec<_> =
            self.points().zip(&self.values).filter(|(x, _)| inside(x)).map(|(_, value)| *value).collect();
        values.iter().sum::<f64>() / values.len() as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A cart that is moved by up to one unit a step: each unit to go costs a step, whatever the other component is.
    #[test]
    fn the_value_is_the_number_of_steps_to_go() {
        let axes = [Axis::between(-10.0..=10.0, 21), Axis::around(8)];
        let grid = Grid::solve(axes, vec![-1.0, 0.0, 1.0], (20, &|_| 0.0), |[x, turn], u| {
            let next = x + f64::from(u);
            (((next != 0.0) || x == 0.0).then_some([next, turn + 1.0]), f64::from(u8::from(x != 0.0)))
        });
        for x in -10..=10_i32 {
            assert!((grid.value([x.into(), 0.3]) - f64::from(x.abs())).abs() < 1e-12);
            assert!((grid.follow([x.into(), 2.0], 20) - f64::from(x.abs())).abs() < 1e-12);
        }
        assert!((grid.value([2.5, -4.0]) - 2.5).abs() < 1e-12, "interpolated, and round the circle");
        assert!((grid.mean([-2.0..=2.0, -1.0..=1.0]) - 1.2).abs() < 1e-12);
    }
}
