//! Planning by choice: dynamic programming forward from the state, over a finite set of actions and a finite horizon.
//! R. Bellman, *Dynamic Programming*, 1957; a beam as in B. Lowerre, *The HARPY speech recognition system*, 1976.
//!
//! ```text
//! S_0 = {x},   S_{d+1} = the best B of { f(x, a) : x ∈ S_d, a ∈ A },   of two states in one cell the better one
//! better: less paid + terminal(x);   the plan leads to the best state of S_H
//! ```
//! Where nothing is left aside it is the best of all `|A|^H` sequences, to the last bit of its cost. Where the tree is too large, a
//! beam of `B` states goes on. Costs alone tell little where every step costs the same, as on the way up a mountain: there a grid
//! of cells, made on the way, keeps the beam from holding many copies of one state, and a terminal value says which states are
//! near the goal. Each action is held for some steps, so that what follows from different actions lies in different cells.
//!
//! What the model says is taken at its word: costs need no slope, and the plan is not stuck at a local minimum.
//! The last plan goes on unless a better one is found, so that replanning in the middle of a held action loses nothing.

use super::{Outcome, Planner, Status};
use crate::{
    Zero,
    artifact::{self, Artifact, ArtifactError, Load, Tree},
    cost::Cost,
    feature::Angles,
    math,
    policy::Limits,
    predict::ForwardModel,
};

/// Settings of the planner, which keeps at most `B` states.
#[derive(Clone, Copy, Debug)]
pub struct Discrete<'a, const B: usize> {
    settings: Tree,
    horizon: usize,
    angles: Angles,
    /// NU numbers an action.
    actions: &'a [f32],
    nu: usize,
    /// Cells in a unit of each component; empty where every state is its own cell.
    cells: &'a [f32],
}

/// A state that a sequence of actions leads to.
#[derive(Clone, Copy, Debug)]
struct Node<const NX: usize> {
    x: [f32; NX],
    cell: [i16; NX],
    paid: f32,
    /// What is paid and what is still to be paid, as far as the terminal cost knows.
    rank: f32,
    /// Place of the state before it, times the number of actions, plus the action.
    from: u16,
}

impl<const NX: usize> Node<NX> {
    const NONE: Self = Self { x: [0.0; NX], cell: [0; NX], paid: 0.0, rank: 0.0, from: 0 };
}

/// States after as many decisions, in no order, and two orders of them.
#[derive(Clone, Debug)]
struct Layer<const NX: usize, const B: usize> {
    nodes: [Node<NX>; B],
    /// Places in `nodes`, the best first.
    by_rank: [u16; B],
    /// Places in `nodes`, by cell.
    by_cell: [u16; B],
    count: usize,
}

impl<const NX: usize, const B: usize> Layer<NX, B> {
    const NONE: Self = Self { nodes: [Node::NONE; B], by_rank: [0; B], by_cell: [0; B], count: 0 };

    fn node(&self, slot: u16) -> &Node<NX> {
        self.nodes.get(usize::from(slot)).unwrap_or(&Node::NONE)
    }

    /// Where in the order of cells a cell is, or would be.
    fn find(&self, cell: &[i16; NX]) -> Result<usize, usize> {
        let listed = self.by_cell.get(..self.count).unwrap_or_default();
        listed.binary_search_by(|slot| self.node(*slot).cell.cmp(cell))
    }

    /// Takes a state in, if it is among the best of at most `beam`; whether another was left aside for want of room.
    fn offer(&mut self, node: Node<NX>, beam: usize, merging: bool) -> bool {
        let known = if merging { self.find(&node.cell).ok() } else { None };
        let mut full = false;
        let slot = if let Some(slot) = known.and_then(|at| self.by_cell.get(at)).copied() {
            if self.node(slot).rank <= node.rank {
                return false;
            }
            if let Some(at) = self.by_rank.iter().take(self.count).position(|other| *other == slot) {
                remove(&mut self.by_rank, at);
            }
            slot
        } else if self.count < beam.min(B) {
            let slot = self.count as u16;
            if merging && let Err(at) = self.find(&node.cell) {
                insert(&mut self.by_cell, at, slot);
            }
            self.count += 1;
            slot
        } else {
            full = true;
            let worst = self.count.checked_sub(1).and_then(|last| self.by_rank.get(last)).copied();
            let Some(slot) = worst.filter(|slot| node.rank < self.node(*slot).rank) else { return true };
            if let Some(at) = self.by_cell.iter().take(self.count).position(|other| merging && *other == slot)
            {
                // Without the worst in the list the new cell finds its place.
                remove(&mut self.by_cell, at);
                self.count -= 1;
                let at = self.find(&node.cell).unwrap_or_else(|at| at);
                insert(&mut self.by_cell, at, slot);
                self.count += 1;
            }
            slot
        };
        // One state is out of the order of ranks: the new one, the one that it replaces, or the worst, which is last.
        let others = self.by_rank.get(..self.count.saturating_sub(1)).unwrap_or_default();
        let at = others.partition_point(|slot| self.node(*slot).rank <= node.rank);
        insert(&mut self.by_rank, at, slot);
        if let Some(place) = self.nodes.get_mut(usize::from(slot)) {
            *place = node;
        }
        full
    }
}

/// Puts an item at a place; all behind it move up by one, the last one falls off.
fn insert(list: &mut [u16], at: usize, mut item: u16) {
    for place in list.iter_mut().skip(at) {
        core::mem::swap(place, &mut item);
    }
}

/// Takes an item out; all behind it move down by one.
fn remove(list: &mut [u16], at: usize) {
    let mut item = 0;
    for place in list.get_mut(at..).unwrap_or_default().iter_mut().rev() {
        core::mem::swap(place, &mut item);
    }
}

/// The plan at hand, and the tree that it is looked for in.
#[derive(Clone, Debug)]
pub struct State<const NX: usize, const NU: usize, const H: usize, const B: usize> {
    /// One action a decision.
    pub actions: [[f32; NU]; H],
    /// The state after each decision.
    pub states: [[f32; NX]; H],
    /// `J`.
    pub cost: f32,
    /// How many steps the first action has been held already.
    pub age: u16,
    planned: bool,
    layers: [Layer<NX, B>; 2],
    /// Where each kept state comes from.
    back: [[u16; B]; H],
}

impl<const NX: usize, const NU: usize, const H: usize, const B: usize> Zero for State<NX, NU, H, B> {
    const ZERO: Self = Self {
        actions: [[0.0; NU]; H],
        states: [[0.0; NX]; H],
        cost: 0.0,
        age: 0,
        planned: false,
        layers: [Layer::NONE; 2],
        back: [[0; B]; H],
    };
}

impl<'a, const B: usize> Load<'a> for Discrete<'a, B> {
    /// Reads the planner's settings, its actions and its cells from an artifact.
    fn load(artifact: &Artifact<'a>) -> Result<Self, ArtifactError> {
        let (header, sizes) = (artifact.header(), artifact.sizes());
        let artifact::Planner::Discrete(settings) = header.planner else {
            return Err(ArtifactError::Kind { expected: "a planner that chooses from a few actions" });
        };
        settings.check_beam::<B>()?;
        let (count, nu) = (usize::from(settings.actions), sizes.nu());
        let actions = artifact.vector("plan", "actions", count.saturating_mul(nu))?;
        let ranges = Limits::load(artifact)?;
        let mut rest = actions;
        while let Some((action, later)) = rest.split_at_checked(nu).filter(|(action, _)| !action.is_empty()) {
            if action.iter().zip(ranges.iter()).any(|(u, (low, high))| !(low..=high).contains(u)) {
                return Err(ArtifactError::Setting {
                    what: "every action to choose must be inside the action's range",
                });
            }
            rest = later;
        }
        let cells = if header.has_tensor("plan", "cells") {
            artifact.vector("plan", "cells", sizes.nx())?
        } else {
            &[]
        };
        if cells.iter().any(|&per_unit| per_unit < 0.0) {
            return Err(ArtifactError::Setting { what: "there cannot be fewer than 0 cells in a unit" });
        }
        Ok(Self { settings, horizon: sizes.h(), angles: artifact.angles(), actions, nu, cells })
    }
}

impl<
    'a,
    M,
    const NX: usize,
    const NU: usize,
    const NZ: usize,
    const NH: usize,
    const H: usize,
    const B: usize,
> Planner<'a, M, NX, NU, NZ, NH, H> for Discrete<'a, B>
where
    M: ForwardModel<NX, NU, NZ>,
{
    type State = State<NX, NU, H, B>;

    fn plan(
        &self,
        state: &mut Self::State,
        problem: (&M, &Cost<'_, NH>),
        x: &[f32; NX],
        practice: impl Fn(&[f32; NX], &mut [f32; NU]),
    ) -> Outcome<NU> {
        let fresh = state.planned && self.grow_older(state);
        if state.planned {
            self.follow(state, problem, x, fresh, &practice);
        }
        let Found { cost, from, whole, weighed } = self.search(state, problem, x);
        // A plan whose cost is NaN loses against any other.
        if cost.is_finite() && (!state.planned || cost < state.cost || state.cost.is_nan()) {
            self.trace_back(state, from);
            (state.age, state.planned) = (0, true);
            self.follow(state, problem, x, false, &practice);
        }
        let action = state.actions.first().copied().filter(|_| state.planned && state.cost.is_finite());
        Outcome {
            action,
            cost: if state.planned { state.cost } else { cost },
            status: if whole { Status::Converged } else { Status::BudgetSpent },
            iterations: weighed,
        }
    }

    fn planned<'s>(&self, state: &'s Self::State) -> &'s [[f32; NX]] {
        state.states.get(..self.horizon).unwrap_or(&state.states)
    }
}

/// What a search has found.
struct Found {
    /// The least cost.
    cost: f32,
    /// Where the last state of that plan comes from.
    from: u16,
    /// Whether no state was left aside for want of room.
    whole: bool,
    /// States that were looked at.
    weighed: u32,
}

impl<const B: usize> Discrete<'_, B> {
    /// A step has been made; whether the first action was done with, and a last one is to be chosen.
    fn grow_older<const NX: usize, const NU: usize, const H: usize>(
        &self,
        state: &mut State<NX, NU, H, B>,
    ) -> bool {
        state.age += 1;
        if state.age < self.settings.hold {
            return false;
        }
        state.age = 0;
        state.actions.copy_within(1.., 0);
        true
    }

    /// Imagines the plan at hand from `x` on. Behind its end, and for its last decision if that is a fresh one, practice
    /// goes on.
    fn follow<M, const NX: usize, const NU: usize, const NZ: usize, const NH: usize, const H: usize>(
        &self,
        state: &mut State<NX, NU, H, B>,
        problem: (&M, &Cost<'_, NH>),
        x: &[f32; NX],
        fresh: bool,
        practice: &impl Fn(&[f32; NX], &mut [f32; NU]),
    ) where
        M: ForwardModel<NX, NU, NZ>,
    {
        let horizon = self.horizon.min(H);
        let (mut x, mut trace, mut paid) = (*x, M::Trace::ZERO, 0.0);
        let (mut decision, mut held) = (0, state.age);
        for place in state.states.iter_mut().take(horizon) {
            for _ in 0..self.settings.hold {
                let mut beyond = [0.0; NU];
                let u = match state.actions.get_mut(decision) {
                    Some(u) if decision < horizon => {
                        if fresh && held == 0 && decision + 1 == horizon {
                            practice(&x, u);
                        }
                        u
                    }
                    _ => {
                        practice(&x, &mut beyond);
                        &mut beyond
                    }
                };
                let before = x;
                paid += super::step(problem, &mut trace, (&before, u, &[0.0; NZ]), &mut x);
                held += 1;
                if held >= self.settings.hold {
                    (decision, held) = (decision + 1, 0);
                }
            }
            *place = x;
        }
        state.cost = paid + problem.1.terminal(&x);
    }

    /// Grows the tree from `x`, decision by decision.
    fn search<M, const NX: usize, const NU: usize, const NZ: usize, const NH: usize, const H: usize>(
        &self,
        state: &mut State<NX, NU, H, B>,
        problem: (&M, &Cost<'_, NH>),
        x: &[f32; NX],
    ) -> Found
    where
        M: ForwardModel<NX, NU, NZ>,
    {
        let State { layers: [now, next], back, .. } = state;
        let horizon = self.horizon.min(H);
        let mut found = Found { cost: f32::INFINITY, from: 0, whole: true, weighed: 0 };
        let mut trace = M::Trace::ZERO;
        let (beam, merging) = (self.settings.beam.into(), !self.cells.is_empty());
        now.count = 0;
        now.offer(Node { x: *x, ..Node::NONE }, beam, merging);
        for (decision, back) in back.iter_mut().enumerate().take(horizon) {
            let last = decision + 1 == horizon;
            next.count = 0;
            let mut from = 0;
            for node in now.nodes.iter().take(now.count) {
                for choice in 0..self.settings.actions {
                    let mut then = Node { from, ..*node };
                    let u = self.action(choice);
                    for _ in 0..self.settings.hold {
                        let before = then.x;
                        then.paid += super::step(problem, &mut trace, (&before, &u, &[0.0; NZ]), &mut then.x);
                    }
                    then.rank = then.paid + problem.1.terminal(&then.x);
                    from = from.wrapping_add(1);
                    found.weighed += 1;
                    // Nothing leads on from where the model has run off; NaN is not less than infinity either.
                    if !(then.rank < f32::INFINITY && then.rank > f32::NEG_INFINITY) {
                        continue;
                    }
                    if !last {
                        then.cell = self.cell(&then.x);
                        found.whole &= !next.offer(then, beam, merging);
                    } else if then.rank < found.cost {
                        (found.cost, found.from) = (then.rank, then.from);
                    }
                }
            }
            for (back, node) in back.iter_mut().zip(&next.nodes) {
                *back = node.from;
            }
            core::mem::swap(now, next);
        }
        found
    }

    /// The actions that lead to a last state.
    fn trace_back<const NX: usize, const NU: usize, const H: usize>(
        &self,
        state: &mut State<NX, NU, H, B>,
        mut from: u16,
    ) {
        let horizon = self.horizon.min(H);
        let earlier = state.back.iter().take(horizon.saturating_sub(1)).rev();
        let mut actions = state.actions.iter_mut().take(horizon).rev();
        if let Some(u) = actions.next() {
            *u = self.action(self.split(from).1);
        }
        for (u, back) in actions.zip(earlier) {
            from = back.get(usize::from(self.split(from).0)).copied().unwrap_or(0);
            *u = self.action(self.split(from).1);
        }
    }

    /// The place of a state and the action that is done there.
    fn split(&self, from: u16) -> (u16, u16) {
        let count = self.settings.actions;
        (from.checked_div(count).unwrap_or(0), from.checked_rem(count).unwrap_or(0))
    }

    /// One of the actions.
    fn action<const NU: usize>(&self, choice: u16) -> [f32; NU] {
        let mut u = [0.0; NU];
        let start = usize::from(choice).saturating_mul(self.nu);
        for (u, stored) in u.iter_mut().zip(self.actions.iter().skip(start).take(self.nu)) {
            *u = *stored;
        }
        u
    }

    /// The cell that a state lies in.
    fn cell<const NX: usize>(&self, x: &[f32; NX]) -> [i16; NX] {
        let mut cell = [0; NX];
        for (i, (cell, (x, per_unit))) in cell.iter_mut().zip(x.iter().zip(self.cells)).enumerate() {
            let x = if self.angles.contains(i) { math::wrap(*x) } else { *x };
            let place = x * per_unit;
            // Towards zero, and to the nearest end from beyond; then down.
            let cut = place as i16;
            *cell = if f32::from(cut) > place { cut.saturating_sub(1) } else { cut };
        }
        cell
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::vec::Vec;

    fn node(x: i16, rank: f32) -> Node<1> {
        Node { x: [f32::from(x)], cell: [x], rank, ..Node::NONE }
    }

    proptest! {
        /// Against sorting everything: the best state of each cell, and of those the best.
        #[test]
        fn a_layer_keeps_the_best_of_the_best_of_each_cell(
            offered in proptest::collection::vec((0_i16..12, 0_u8..40), 0..60),
            beam in 1_usize..8,
        ) {
            let mut layer: Layer<1, 8> = Layer::NONE;
            let mut least = std::collections::BTreeMap::new();
            let mut full = false;
            for &(cell, rank) in &offered {
                full |= layer.offer(node(cell, rank.into()), beam, true);
                let known = least.entry(cell).or_insert(rank);
                *known = rank.min(*known);
            }
            let mut kept: Vec<u8> = least.values().copied().collect();
            kept.sort_unstable();
            prop_assert_eq!(full, kept.len() > beam);
            kept.truncate(beam);
            let ranks: Vec<u8> =
                layer.by_rank.iter().take(layer.count).map(|slot| layer.node(*slot).rank as u8).collect();
            prop_assert_eq!(ranks, kept);
            let cells: Vec<i16> =
                layer.by_cell.iter().take(layer.count).map(|slot| layer.node(*slot).cell[0]).collect();
            prop_assert!(cells.is_sorted_by(|a, b| a < b));
        }

        /// Without cells every state is kept, as long as there is room.
        #[test]
        fn without_cells_nothing_is_merged(
            offered in proptest::collection::vec(0_u8..9, 0..30), beam in 1_usize..8,
        ) {
            let mut layer: Layer<1, 8> = Layer::NONE;
            for &rank in &offered {
                layer.offer(node(0, rank.into()), beam, false);
            }
            let mut kept = offered.clone();
            kept.sort_unstable();
            kept.truncate(beam);
            let ranks: Vec<u8> =
                layer.by_rank.iter().take(layer.count).map(|slot| layer.node(*slot).rank as u8).collect();
            prop_assert_eq!(ranks, kept);
        }
    }
}
