//! Single transitions side by side, one a column: what a model that looks one step ahead is trained on.

use crate::{
    data::{digest, log::Episode},
    network::columns,
    worlds::{Rng, World},
};
use anyhow::{Result, ensure};
use forethought::{feature::Angles, math::wrap};
use nalgebra::DMatrix;
use rand::RngExt;

/// States, actions and what became of them.
#[derive(Clone, Debug)]
pub struct Transitions {
    /// Which components of the state are angles.
    pub angles: Angles,
    /// States.
    pub states: DMatrix<f32>,
    /// Actions.
    pub actions: DMatrix<f32>,
    /// Next states less states, angles wrapped.
    pub changes: DMatrix<f32>,
}

impl Transitions {
    /// All transitions of some episodes.
    pub fn of(episodes: &[Episode], angles: Angles) -> Result<Self> {
        let pairs = || episodes.iter().flat_map(|e| e.states.windows(2).zip(&e.actions));
        ensure!(pairs().next().is_some(), "the log has no transition to learn from");
        let change = |(pair, _): (&[Vec<f32>], &Vec<f32>)| {
            let change = |i| {
                let change = pair[1][i] - pair[0][i];
                if angles.contains(i) { wrap(change) } else { change }
            };
            (0..pair[0].len()).map(change).collect::<Vec<_>>()
        };
        Ok(Self {
            angles,
            states: columns(&pairs().map(|(pair, _)| pair[0].clone()).collect::<Vec<_>>()),
            actions: columns(&pairs().map(|(_, action)| action.clone()).collect::<Vec<_>>()),
            changes: columns(&pairs().map(change).collect::<Vec<_>>()),
        })
    }

    /// So many single steps of a world, from random starts under `nu` random numbers in [−1, 1) as action.
    pub fn record(world: &mut dyn World, nu: usize, n: usize, rng: &mut Rng) -> Result<Self> {
        let one = |_| {
            world.reset(rng);
            let state = world.state();
            let action: Vec<f32> = (0..nu).map(|_| rng.random_range(-1.0..1.0)).collect();
            world.step(&action);
            Episode { states: vec![state, world.state()], actions: vec![action] }
        };
        Self::of(&(0..n).map(one).collect::<Vec<_>>(), Angles(0))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.states.ncols()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The chosen ones, as often as they are chosen.
    pub fn select(&self, chosen: &[usize]) -> Self {
        Self {
            angles: self.angles,
            states: self.states.select_columns(chosen),
            actions: self.actions.select_columns(chosen),
            changes: self.changes.select_columns(chosen),
        }
    }

    /// Any `n` of them.
    pub fn draw(&self, n: usize, rng: &mut Rng) -> Self {
        self.select(&(0..n).map(|_| rng.random_range(0..self.len())).collect::<Vec<_>>())
    }

    /// All of them, `times` times over.
    pub fn repeat(&self, times: usize) -> Self {
        self.select(&(0..times).flat_map(|_| 0..self.len()).collect::<Vec<_>>())
    }

    /// The first `n`, and the rest.
    pub fn split(&self, n: usize) -> (Self, Self) {
        let n = n.min(self.len());
        let list = |range: std::ops::Range<usize>| self.select(&range.collect::<Vec<_>>());
        (list(0..n), list(n..self.len()))
    }

    /// What each input of a network is divided by: state (1 where it is an angle), sines, action; and what its output is
    /// multiplied with: the change.
    pub fn scales(&self) -> [Vec<f32>; 4] {
        let mut states = magnitudes(&self.states);
        for (i, scale) in states.iter_mut().enumerate() {
            if self.angles.contains(i) {
                *scale = 1.0;
            }
        }
        let sines = vec![1.0; self.angles.count()];
        [states, sines, magnitudes(&self.actions), magnitudes(&self.changes)]
    }

    /// The least and the largest of each number in states and actions.
    pub fn ranges(&self) -> (Vec<f32>, Vec<f32>) {
        extremes(&self.states).chain(extremes(&self.actions)).unzip()
    }

    /// CRC-32 over all numbers: which data this is.
    pub fn digest(&self) -> u32 {
        digest(self.states.iter().chain(&self.actions).chain(&self.changes))
    }
}

/// The least and the largest number of each row.
pub fn extremes(values: &DMatrix<f32>) -> impl Iterator<Item = (f32, f32)> {
    (0..values.nrows()).map(|i| {
        let row = values.column_iter().map(|column| column[i]);
        row.fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)))
    })
}

/// Root mean square of each row, but never 0: a component that does not move keeps its unit.
fn magnitudes(values: &DMatrix<f32>) -> Vec<f32> {
    let magnitude = |i: usize| {
        let squares = values.column_iter().map(|column| f64::from(column[i]).powi(2)).sum::<f64>();
        let rms = (squares / values.ncols().max(1) as f64).sqrt() as f32;
        if rms > 1e-6 { rms } else { 1.0 }
    };
    (0..values.nrows()).map(magnitude).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transitions_lie_side_by_side_and_angles_are_wrapped() {
        let episode = |states: &[[f32; 2]], actions: &[f32]| Episode {
            states: states.iter().map(|x| x.to_vec()).collect(),
            actions: actions.iter().map(|&u| vec![u]).collect(),
        };
        let log =
            [episode(&[[3.0, 1.0], [-3.0, 2.0], [-3.0, 2.5]], &[0.5, 0.25]), episode(&[[0.0, 0.0]], &[])];
        let all = Transitions::of(&log, Angles(1)).expect("transitions");
        assert_eq!((all.len(), all.actions.as_slice()), (2, &[0.5, 0.25][..]));
        assert!((all.changes[0] - (std::f32::consts::TAU - 6.0)).abs() < 1e-5);
        assert_eq!(all.changes.column(1).as_slice(), [0.0, 0.5]);
        assert_eq!(all.scales()[..2], [vec![1.0, 2.5_f32.sqrt()], vec![1.0]]);
        assert_eq!(all.ranges(), (vec![-3.0, 1.0, 0.25], vec![3.0, 2.0, 0.5]));
        assert_eq!(all.repeat(2).states.ncols(), 4);
        assert!(Transitions::of(&log[1..], Angles(1)).is_err());
    }
}
