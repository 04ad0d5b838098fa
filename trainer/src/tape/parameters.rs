//! What a model owns and an optimiser changes.

use std::cell::Ref;
use std::ops::{Index, IndexMut};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use nalgebra::DMatrix;

use super::{Graph, Tape, Var};

/// A parameter of a [`ParameterSet`]; a model keeps one per weight, under the weight's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Id(usize);

/// Named matrices, trained together.
///
/// ```
/// # use {forethought_trainer::tape::{Id, ParameterSet}, nalgebra::DMatrix};
/// # let [w_e, s, theta] = [(4, 2), (4, 4), (4, 1)].map(|(rows, cols)| DMatrix::zeros(rows, cols));
/// struct Lista { w_e: Id, s: Id, theta: Id }
///
/// let mut params = ParameterSet::new();
/// let lista = Lista {
///     w_e: params.add("w_e", w_e),
///     s: params.add("s", s),
///     theta: params.add("theta", theta),
/// };
/// assert_eq!(params[lista.w_e].shape(), (4, 2));
/// ```
#[derive(Debug)]
pub struct ParameterSet {
    /// Tells sets apart on a tape.
    identity: u64,
    /// Counts the changes, so that a tape notices values which are out of date.
    version: u64,
    names: Vec<String>,
    /// Shared with the tapes that have a leaf of it, so that watching one copies nothing.
    values: Vec<Arc<DMatrix<f32>>>,
    /// Factors of the learning rate.
    rates: Vec<f32>,
}

/// A parameter on a tape: which set, which parameter, and whether its gradient is wanted.
pub(super) type Key = (u64, Id, bool);

impl ParameterSet {
    /// An empty set.
    pub fn new() -> Self {
        Self::of(Vec::new(), Vec::new(), Vec::new())
    }

    fn of(names: Vec<String>, values: Vec<Arc<DMatrix<f32>>>, rates: Vec<f32>) -> Self {
        static SETS: AtomicU64 = AtomicU64::new(0);
        Self { identity: SETS.fetch_add(1, Ordering::Relaxed), version: 0, names, values, rates }
    }

    /// Adds a parameter with its initial value.
    pub fn add(&mut self, name: impl Into<String>, value: DMatrix<f32>) -> Id {
        self.names.push(name.into());
        self.values.push(Arc::new(value));
        self.rates.push(1.0);
        Id(self.values.len() - 1)
    }

    /// All parameters, in the order they were added.
    pub fn ids(&self) -> impl Iterator<Item = Id> + use<> {
        (0..self.values.len()).map(Id)
    }

    /// The name of a parameter.
    pub fn name(&self, id: Id) -> &str {
        &self.names[id.0]
    }

    /// Moves `share` of the way to another set of the same parameters: a slow copy of it, or its running mean.
    pub fn follow(&mut self, other: &Self, share: f32) {
        for id in self.ids() {
            let step = (&other[id] - &self[id]) * share;
            self[id] += step;
        }
    }

    /// Sets the factor by which the learning rate of one parameter differs from that of the others. A matrix that a
    /// graph uses many times gets as many gradients at once, and wants a step shorter by as much.
    pub fn set_rate(&mut self, id: Id, factor: f32) {
        self.rates[id.0] = factor;
    }

    /// The factor of a parameter's learning rate: 1 unless it was [set](Self::set_rate).
    pub fn rate(&self, id: Id) -> f32 {
        self.rates[id.0]
    }

    /// How many numbers there are in all matrices together.
    pub fn entries(&self) -> usize {
        self.values.iter().map(|value| value.len()).sum()
    }
}

impl Default for ParameterSet {
    fn default() -> Self {
        Self::new()
    }
}

/// A copy is a set of its own: a target network, or the best model so far.
impl Clone for ParameterSet {
    fn clone(&self) -> Self {
        Self::of(self.names.clone(), self.values.clone(), self.rates.clone())
    }
}

impl Index<Id> for ParameterSet {
    type Output = DMatrix<f32>;

    fn index(&self, id: Id) -> &DMatrix<f32> {
        &self.values[id.0]
    }
}

impl IndexMut<Id> for ParameterSet {
    fn index_mut(&mut self, id: Id) -> &mut DMatrix<f32> {
        self.version += 1;
        Arc::make_mut(&mut self.values[id.0])
    }
}

impl Tape {
    /// A parameter to be trained. Asking again gives the same leaf, so a model may ask in each of
    /// its time steps.
    ///
    /// # Panics
    /// If the set was changed since the tape first saw this parameter: clear the tape before.
    pub fn watch(&self, params: &ParameterSet, id: Id) -> Var {
        self.parameter_leaf(params, id, true)
    }

    /// A parameter as a constant: gradients flow through what is computed with it, not to it.
    ///
    /// # Panics
    /// As [`watch`](Tape::watch).
    pub fn freeze(&self, params: &ParameterSet, id: Id) -> Var {
        self.parameter_leaf(params, id, false)
    }

    /// `∂loss/∂p` of a watched parameter after [`backward`](Tape::backward); `None` if this graph
    /// does not watch it.
    pub fn gradient_of(&self, params: &ParameterSet, id: Id) -> Option<Ref<'_, DMatrix<f32>>> {
        let leaf = self.graph.borrow().leaves.get(&(params.identity, id, true)).copied();
        leaf.map(|(leaf, _)| self.gradient(leaf))
    }

    /// Lets go of the values of a set that is about to change: the gradients stay, the leaves are out of date. (Who
    /// changes a set without saying so pays with a copy of what the tape still holds.)
    pub(crate) fn retire(&self, params: &ParameterSet) {
        let Graph { nodes, leaves, .. } = &mut *self.graph.borrow_mut();
        let nothing = Arc::new(DMatrix::zeros(0, 0));
        for (_, (leaf, _)) in leaves.iter().filter(|((set, ..), _)| *set == params.identity) {
            nodes[leaf.0].value = nothing.clone();
        }
    }

    fn parameter_leaf(&self, params: &ParameterSet, id: Id, requires_grad: bool) -> Var {
        let key = (params.identity, id, requires_grad);
        let known = self.graph.borrow().leaves.get(&key).copied();
        if let Some((leaf, version)) = known {
            let name = params.name(id);
            assert_eq!(version, params.version, "{name} has changed: clear the tape first");
            return leaf;
        }
        let graph = &mut *self.graph.borrow_mut();
        let leaf = graph.push_shared(params.values[id.0].clone(), requires_grad, None);
        graph.leaves.insert(key, (leaf, params.version));
        leaf
    }
}

#[cfg(test)]
mod tests {
    use super::super::check::random;
    use super::*;

    #[test]
    fn watched_twice_is_one_leaf_and_frozen_has_no_gradient() {
        let mut params = ParameterSet::new();
        let (w, b) = (params.add("w", random(3, 3, 1)), params.add("b", random(3, 1, 2)));
        let tape = Tape::new();
        assert_eq!(tape.watch(&params, w), tape.watch(&params, w));
        let b_frozen = tape.freeze(&params, b);
        tape.backward(tape.sum(tape.affine([(tape.watch(&params, w), b_frozen)], b_frozen)));
        assert!(tape.gradient_of(&params, w).is_some());
        assert!(tape.gradient_of(&params, b).is_none());
        assert!(tape.gradient_of(&params.clone(), w).is_none());
    }

    #[test]
    #[should_panic(expected = "w has changed: clear the tape first")]
    fn stale_values_are_noticed() {
        let mut params = ParameterSet::new();
        let w = params.add("w", random(3, 3, 1));
        let tape = Tape::new();
        tape.watch(&params, w);
        params[w].fill(0.0);
        tape.watch(&params, w);
    }
}
