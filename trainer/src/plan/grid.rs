//! Value iteration on a grid: the optimum of a plant of few components, against which planners are measured and with which
//! they end their horizon.
//!
//! ```text
//! V(x) ← min over u of  cost(x, u) + V(f(x, u)),      V between the grid's points by multilinear interpolation
//! ```
//! (Bellman 1957.) The interpolated value errs on the high side where it is convex; what following it really costs is an upper
//! bound of the optimum.

use rayon::prelude::*;
use std::{array, ops::RangeInclusive};

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

    /// Points along it.
    pub fn points(&self) -> usize {
        self.points
    }

    /// The point that is `i` from the first.
    pub fn point(&self, i: usize) -> f64 {
        self.low + i as f64 * self.width
    }

    fn place(&self, x: f64) -> Place {
        let at = (x - self.low) / self.width;
        let at = if self.turns {
            at.rem_euclid(self.points as f64)
        } else {
            at.clamp(0.0, (self.points - 1) as f64)
        };
        let near = (at as usize).min(self.points - if self.turns { 1 } else { 2 });
        Place { near: near as u32, far: ((near + 1) % self.points) as u32, beyond: at - near as f64 }
    }
}

/// The points on either side of a place along one component, and how far beyond the first it is.
#[derive(Clone, Copy, Debug)]
struct Place {
    near: u32,
    far: u32,
    beyond: f64,
}

/// Where an action leads and what it costs; `None` where that is the end and nothing more is to be paid.
pub type Step<const N: usize> = (Option<[f64; N]>, f64);

/// The value at each point. `F` takes one action in many states at once.
#[derive(Clone, Debug)]
pub struct Grid<const N: usize, A, F> {
    axes: [Axis; N],
    actions: Vec<A>,
    step: F,
    values: Vec<f64>,
}

/// Points whose steps are taken at once.
const BATCH: usize = 4096;

impl<const N: usize, A: Sync, F: Fn(&[[f64; N]], &A) -> Vec<Step<N>> + Sync> Grid<N, A, F> {
    /// The optimal cost of `steps` steps under any of these actions, and of what `end` says is to be paid after them. A value
    /// on a coarser grid makes a good end: the finer one then needs fewer steps.
    pub fn solve(
        axes: [Axis; N],
        actions: Vec<A>,
        (steps, end): (usize, &(dyn Fn([f64; N]) -> f64 + Sync)),
        step: F,
    ) -> Self {
        let mut grid = Self { axes, actions, step, values: Vec::new() };
        let points: Vec<_> = grid.points().collect();
        grid.values = points.iter().map(|&x| end(x)).collect();
        // Each step is taken once: a model may be dear.
        let onward: Vec<Vec<Vec<_>>> = points
            .par_chunks(BATCH)
            .map(|states| {
                let under = |u| (grid.step)(states, u).iter().map(|step| grid.locate(step)).collect();
                grid.actions.iter().map(under).collect()
            })
            .collect();
        for _ in 0..steps {
            grid.values = onward
                .par_iter()
                .flat_map_iter(|under| {
                    let best = |i: usize| {
                        under.iter().map(|steps| grid.paid(&steps[i])).fold(f64::INFINITY, f64::min)
                    };
                    (0..under[0].len()).map(best).collect::<Vec<_>>()
                })
                .collect();
        }
        grid
    }

    /// Where a step leads to on the grid, and what it costs.
    fn locate(&self, &(next, cost): &Step<N>) -> (Option<[Place; N]>, f64) {
        (next.map(|next| array::from_fn(|k| self.axes[k].place(next[k]))), cost)
    }

    /// All points; the last component's lie together.
    pub fn points(&self) -> impl Iterator<Item = [f64; N]> {
        (0..self.axes.iter().map(Axis::points).product()).map(|i| {
            let mut rest = i;
            let mut x = [0.0; N];
            for (x, axis) in x.iter_mut().zip(&self.axes).rev() {
                *x = axis.point(rest % axis.points);
                rest /= axis.points;
            }
            x
        })
    }

    /// What a step costs, and all that comes after it.
    fn paid(&self, (next, cost): &(Option<[Place; N]>, f64)) -> f64 {
        cost + next.as_ref().map_or(0.0, |places| self.between(places))
    }

    /// The optimal cost from a state.
    pub fn value(&self, x: [f64; N]) -> f64 {
        self.between(&array::from_fn(|k| self.axes[k].place(x[k])))
    }

    /// The value between points.
    fn between(&self, places: &[Place; N]) -> f64 {
        (0..1_usize << N)
            .map(|corner| {
                let (mut index, mut share) = (0, 1.0);
                for (k, (axis, place)) in self.axes.iter().zip(places).enumerate() {
                    let far = corner >> k & 1 == 1;
                    let (i, weight) =
                        if far { (place.far, place.beyond) } else { (place.near, 1.0 - place.beyond) };
                    index = index * axis.points + i as usize;
                    share *= weight;
                }
                share * self.values[index]
            })
            .sum()
    }

    /// The best action in a state, where it leads, and the cost of that step.
    fn best(&self, x: [f64; N]) -> Step<N> {
        let steps = self.actions.iter().map(|u| (self.step)(&[x], u)[0]);
        let paid = |step: &Step<N>| self.paid(&self.locate(step));
        steps.min_by(|a, b| paid(a).total_cmp(&paid(b))).expect("there is at least one action")
    }

    /// What it really costs to follow the value for `steps` steps.
    pub fn follow(&self, mut x: [f64; N], steps: usize) -> f64 {
        let mut total = 0.0;
        for _ in 0..steps {
            let (next, cost) = self.best(x);
            total += cost;
            match next {
                Some(next) => x = next,
                None => break,
            }
        }
        total
    }

    /// The mean value over a part of the space, by its points on the grid.
    pub fn mean(&self, part: [RangeInclusive<f64>; N]) -> f64 {
        let inside = |x: &[f64; N]| part.iter().zip(x).all(|(part, x)| part.contains(x));
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
        let step = |&[x, turn]: &[f64; 2], u: f64| {
            let next = x + u;
            (((next != 0.0) || x == 0.0).then_some([next, turn + 1.0]), f64::from(u8::from(x != 0.0)))
        };
        let steps = |states: &[[f64; 2]], u: &f64| states.iter().map(|x| step(x, *u)).collect();
        let grid = Grid::solve(axes, vec![-1.0, 0.0, 1.0], (20, &|_| 0.0), steps);
        for x in -10..=10_i32 {
            assert!((grid.value([x.into(), 0.3]) - f64::from(x.abs())).abs() < 1e-12);
            assert!((grid.follow([x.into(), 2.0], 20) - f64::from(x.abs())).abs() < 1e-12);
        }
        assert!((grid.value([2.5, -4.0]) - 2.5).abs() < 1e-12, "interpolated, and round the circle");
        assert!((grid.mean([-2.0..=2.0, -1.0..=1.0]) - 1.2).abs() < 1e-12);
    }
}
