//! The value of a short state, computed: value iteration over the learned model, kept at the points of a table.
//!
//! ```text
//! V(x) = min over u of  cost(x, u) + V(f(x, u))
//! ```
//! No network, no learning rate and no luck: what a planner needs of a value is its slope, which a table of a few thousand
//! points has right where a small network still smooths over the creases between swinging left and right. Of more than
//! three components there would be too many points.

use crate::{
    export::Tensors,
    network::{columns, lift},
    plan::grid::{Axis, Grid, Step},
    policy::Stage,
    predict::Foresee,
    tape::{Tape, Var},
    worlds::Rng,
};
use anyhow::{Result, ensure};
use forethought::{
    cost::table::{self, MOST},
    feature::Angles,
};
use nalgebra::DMatrix;
use rand::SeedableRng;
use serde::{Deserialize, Serialize};
use std::{array, ops::RangeInclusive};

/// Hyper-parameters.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Points along each component of the state, or one number for all. Each point of the table costs 4 bytes of flash.
    pub points: Vec<usize>,
    /// Points along each component of the finer grid that it is computed on: what lies between two points there is a straight
    /// line, which is dearer than what it cuts off. The pendulum from hanging pays 303 with 256, 300 with 512 and 299 with 672.
    pub fine: usize,
    /// Values that each component of the action is tried at. Odd, so that the middle of its range is one; the best actions
    /// are mostly at the ends, and 21 did no better.
    pub actions: usize,
    /// Steps that it looks ahead, on the coarse grid and then on the fine one: an episode, and what it takes to mend the
    /// coarse grid's errors.
    pub steps: [usize; 2],
}

impl Default for Config {
    fn default() -> Self {
        Self { points: vec![96], fine: 672, actions: 11, steps: [200, 60] }
    }
}

/// Steps of the model that fit into memory, at some 50 bytes each.
const MOST_STEPS: usize = 100_000_000;

/// What it is computed of.
#[derive(Clone, Copy, Debug)]
pub struct Space<'a> {
    /// Which components are angles.
    pub angles: Angles,
    /// The range of each component; of an angle it is the circle, whatever stands here.
    pub state: &'a [RangeInclusive<f32>],
    /// The range of each component of the action.
    pub action: &'a [RangeInclusive<f32>],
}

/// Values at the points of a table.
#[derive(Clone, Debug)]
pub struct Table {
    angles: Angles,
    points: Vec<f32>,
    low: Vec<f32>,
    rate: Vec<f32>,
    values: Vec<f32>,
}

impl Table {
    /// Computes the value of being in a model under an objective.
    pub fn solve<M: Foresee + Sync + ?Sized, S: Stage + Sync>(
        config: &Config,
        space: Space<'_>,
        how: (&M, &S),
    ) -> Result<Self> {
        config.check("value", space.state.len(), space.action.len())?;
        Ok(match space.state.len() {
            1 => Self::over::<1, _, _>(config, space, how),
            2 => Self::over::<2, _, _>(config, space, how),
            _ => Self::over::<MOST, _, _>(config, space, how),
        })
    }

    fn over<const N: usize, M: Foresee + Sync + ?Sized, S: Stage + Sync>(
        config: &Config,
        space: Space<'_>,
        (model, objective): (&M, &S),
    ) -> Self {
        let step = |states: &[[f64; N]], u: &Vec<f32>| -> Vec<Step<N>> {
            let tape = Tape::new();
            let states: Vec<_> = states.iter().map(|x| x.map(|x| x as f32)).collect();
            let x = tape.constant(columns(&states));
            let u = tape.constant(DMatrix::from_fn(u.len(), states.len(), |row, _| u[row]));
            let paid = tape.value(objective.stage(&tape, x, u));
            let lifted = lift(&tape, space.angles, x);
            let next = tape.value(model.unroll(&mut Rng::seed_from_u64(0))(&tape, x, lifted, u));
            let next = next.column_iter().map(|next| Some(array::from_fn(|k| next[k].into())));
            next.zip(paid.iter().map(|&paid| paid.into())).collect()
        };
        let axes = |fine: bool| array::from_fn::<Axis, N, _>(|k| axis(config, space, fine, k));
        let solve = |fine, steps, end: &(dyn Fn([f64; N]) -> f64 + Sync)| {
            Grid::solve(axes(fine), actions(config.actions, space.action), (steps, end), step)
        };
        let coarse = solve(false, config.steps[0], &|_| 0.0);
        let fine = solve(true, config.steps[1], &|x| coarse.value(x));
        let axes = axes(false);
        Self {
            angles: space.angles,
            points: axes.iter().map(|axis| axis.points() as f32).collect(),
            low: axes.iter().map(|axis| axis.point(0) as f32).collect(),
            rate: axes.iter().map(|axis| (1.0 / (axis.point(1) - axis.point(0))) as f32).collect(),
            values: coarse.points().map(|x| fine.value(x) as f32).collect(),
        }
    }

    /// The kernel that reads it.
    fn kernel(&self) -> table::Table<'_> {
        let axes = (&self.points[..], &self.low[..], &self.rate[..]);
        table::Table::new(self.angles, axes, &self.values).expect("it was made so")
    }

    /// The values of a batch of states, as a row.
    pub fn of(&self, tape: &Tape, x: Var) -> Var {
        let (kernel, states) = (self.kernel(), tape.value(x));
        let mut slopes = DMatrix::zeros(states.nrows(), states.ncols());
        let mut values = Vec::with_capacity(states.ncols());
        for (x, mut slope) in states.column_iter().zip(slopes.column_iter_mut()) {
            let mut gradient = [0.0; MOST];
            let x: [f32; MOST] = array::from_fn(|k| x.get(k).copied().unwrap_or(0.0));
            values.push(kernel.value(&x, &mut gradient));
            slope.copy_from_slice(&gradient[..states.nrows()]);
        }
        tape.known(x, values, slopes)
    }

    /// Adds the part `value`.
    pub fn export(&self, tensors: &mut Tensors) {
        let parts =
            [("points", &self.points), ("low", &self.low), ("rate", &self.rate), ("table", &self.values)];
        for (name, values) in parts {
            tensors.vector("value", name, values);
        }
    }
}

impl Config {
    /// One sentence about the first setting of `section` that makes no sense of a state and an action of so many components.
    pub fn check(&self, section: &str, nx: usize, nu: usize) -> Result<()> {
        ensure!(
            (1..=MOST).contains(&nx),
            "[{section}] asks for a table over {nx} components of the state, which would have too many points: at most {MOST}; \
             without the section the value is learned by a network"
        );
        ensure!(
            [1, nx].contains(&self.points.len()),
            "{section}.points must be one number, or one for each of {nx} components, not {}",
            self.points.len()
        );
        let points = self.points.iter().map(|&points| ("points", points, 4..=1000));
        for (name, setting, range) in
            points.chain([("fine", self.fine, 4..=4000), ("actions", self.actions, 2..=1001)])
        {
            ensure!(
                range.contains(&setting),
                "{section}.{name} must be {} to {}, not {setting}",
                range.start(),
                range.end()
            );
        }
        let fine = (0..nx).fold(1, |all: usize, _| all.saturating_mul(self.fine));
        let steps = fine.saturating_mul(self.actions.saturating_pow(nu as u32));
        ensure!(
            steps <= MOST_STEPS,
            "[{section}]: {fine} points of the fine grid with actions^{nu} actions each are {steps} steps of the model, more than \
             {MOST_STEPS}: lower `fine`, `points` or `actions`"
        );
        Ok(())
    }

    /// Points along a component.
    fn along(&self, k: usize) -> usize {
        self.points[if self.points.len() == 1 { 0 } else { k }]
    }
}

/// A component's points: an even number around a circle and an odd number between ends, so that the middle is one.
fn axis(config: &Config, space: Space<'_>, fine: bool, k: usize) -> Axis {
    let even = if fine { config.fine } else { config.along(k) }.next_multiple_of(2);
    if space.angles.contains(k) {
        return Axis::around(even);
    }
    let (low, high) = space.state[k].clone().into_inner();
    Axis::between(low.into()..=high.into(), even + 1)
}

/// All actions of so many values of each component.
fn actions(levels: usize, ranges: &[RangeInclusive<f32>]) -> Vec<Vec<f32>> {
    ranges.iter().fold(vec![vec![]], |all, range| {
        let level = |i| range.start() + i as f32 / (levels - 1) as f32 * (range.end() - range.start());
        let longer = |u: Vec<f32>| {
            (0..levels)
                .map(move |i| u.iter().copied().chain([level(i)]).collect::<Vec<_>>())
                .collect::<Vec<_>>()
        };
        all.into_iter().flat_map(longer).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::predict::toys::Cart;
    use rand::RngExt;

    /// What it costs the cart to be away from the middle.
    fn cost(tape: &Tape, x: Var, u: Var) -> Var {
        let away = tape.sum_rows(tape.square(x));
        tape.add(away, tape.scale(tape.square(u), 0.1))
    }

    fn solved() -> Table {
        let config = Config { points: vec![40], fine: 160, actions: 21, steps: [100, 50] };
        let space = Space { angles: Angles(0), state: &[-2.0..=2.0, -2.0..=2.0], action: &[-2.0..=2.0] };
        Table::solve(&config, space, (&Cart, &cost)).expect("two components")
    }

    fn of(table: &Table, x: [f32; 2]) -> f32 {
        let tape = Tape::new();
        tape.scalar(table.of(&tape, tape.constant(DMatrix::from_column_slice(2, 1, &x))))
    }

    /// Inside the limits the optimum is that of Riccati: `P` by iteration, in double precision.
    #[test]
    fn it_is_riccatis_where_the_plant_is_linear() {
        use nalgebra::{Matrix2, Vector2};
        let (a, b) = (Matrix2::new(1.0, 0.2, 0.0, 1.0), Vector2::new(0.04, 0.2));
        let mut p = Matrix2::<f64>::identity();
        for _ in 0..1000 {
            let gain = (b.transpose() * p * a) / (0.1 + (b.transpose() * p * b)[0]);
            p = Matrix2::identity() + a.transpose() * p * (a - b * gain);
        }
        let table = solved();
        for x in [[0.3, 0.0], [-0.4, 0.2], [0.2, -0.5], [0.0, 0.4]] {
            let wide = Vector2::new(f64::from(x[0]), f64::from(x[1]));
            let best = (wide.transpose() * p * wide)[0];
            // A little too dear between points, never too cheap.
            let (found, nothing) = (f64::from(of(&table, x)), f64::from(of(&table, [0.0, 0.0])));
            assert!(found > 0.98 * best && found - nothing < 1.1 * best, "{x:?}: {found}, {nothing}, {best}");
        }
    }

    #[test]
    fn gradients_flow_to_the_states() {
        let (table, rng) = (solved(), &mut Rng::seed_from_u64(1));
        let states = DMatrix::from_fn(2, 20, |_, _| rng.random_range(-1.9..1.9_f32));
        let tape = Tape::new();
        let x = tape.parameter(&states);
        tape.backward(tape.sum(table.of(&tape, x)));
        for (state, slope) in states.column_iter().zip(tape.gradient(x).column_iter()) {
            for k in 0..2 {
                let at = |step: f32| {
                    let mut x = [state[0], state[1]];
                    x[k] += step;
                    of(&table, x)
                };
                let expected = (at(0.005) - at(-0.005)) / 0.01;
                assert!(
                    (slope[k] - expected).abs() < 0.02 * (1.0 + expected.abs()),
                    "{} {expected}",
                    slope[k]
                );
            }
        }
    }

    #[test]
    fn what_makes_no_sense_gets_a_sentence() {
        let says = |config: Config, nx, nu, part: &str| {
            let error = config.check("value", nx, nu).expect_err(part).to_string();
            assert!(error.contains(part), "{error}");
        };
        says(Config::default(), 4, 1, "at most 3");
        says(Config { points: vec![2], ..Config::default() }, 2, 1, "value.points must be 4 to 1000");
        says(Config { actions: 1, ..Config::default() }, 2, 1, "value.actions");
        says(Config::default(), 3, 2, "lower `fine`");
    }
}
