//! A reverse-mode tape over dense matrices whose columns are samples.
//!
//! A graph is written as nested calls, which read like the equation they compute:
//!
//! ```
//! # use {forethought_trainer::tape::Tape, nalgebra::DMatrix};
//! # let tape = Tape::new();
//! # let [w_e, s, x, z, target] = [0.1, 0.2, 0.3, 0.4, 0.5].map(|v| tape.parameter(&DMatrix::from_element(3, 3, v)));
//! # let theta = tape.parameter(&DMatrix::from_element(3, 1, 0.1));
//! // z ← h_θ(W_e x + S z)
//! let b = tape.matmul(w_e, x);
//! let z = tape.soft_threshold(tape.add(b, tape.matmul(s, z)), theta);
//! tape.backward(tape.mean_square(tape.sub(z, target)));
//! ```
//!
//! Each operation stores its value and, only where a parameter lies upstream, a closure that turns
//! its output gradient `Ȳ = ∂loss/∂Y` into contributions to its inputs' gradients. A frozen model is
//! thus made of constants: no work is done for its weights, while gradients still flow through it.
//!
//! Every method takes `&self` so that calls nest. A shape mismatch is a programming error and
//! panics with the name of the operation and the shapes.

mod buffers;
#[cfg(test)]
pub(crate) mod check;
mod columns;
mod context;
mod convolution;
mod fast;
mod halves;
mod linear;
mod loss;
mod parameters;
mod pointwise;
mod pool;
mod product;
mod selective;
mod shape;
mod shuffle;
mod softmax;
mod threshold;
mod unit;
mod unroll;

use std::cell::{Ref, RefCell};
use std::collections::BTreeMap;
use std::sync::Arc;

use nalgebra::DMatrix;

use buffers::Buffers;
pub use context::{Backward, Forward};
pub use halves::Halves;
pub use parameters::{Id, ParameterSet};
pub use unroll::{Shrinkage, Unrolled};

/// A node of a [`Tape`]: valid until that tape is [cleared](Tape::clear).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Var(usize);

/// The hand-written derivative of one operation.
type Pullback = Box<dyn Fn(&mut Backward) + Send>;

/// One recorded operation.
struct Node {
    /// Shared with whoever asked for it.
    value: Arc<DMatrix<f32>>,
    /// A parameter is upstream.
    requires_grad: bool,
    /// `None` for leaves and for nodes without a parameter upstream.
    pullback: Option<Pullback>,
}

/// What a tape holds.
#[derive(Default)]
struct Graph {
    nodes: Vec<Node>,
    /// By node; after [`Tape::backward`] only leaves keep theirs.
    gradients: Vec<Option<DMatrix<f32>>>,
    buffers: Buffers,
    /// The leaf that stands for a parameter, and the version of its set when it was taken here.
    leaves: BTreeMap<parameters::Key, (Var, u64)>,
}

/// A record of operations, to be differentiated once and then cleared for the next step.
#[derive(Default)]
pub struct Tape {
    graph: RefCell<Graph>,
}

impl Tape {
    /// An empty tape.
    pub fn new() -> Self {
        Self::default()
    }

    /// Forgets the graph and keeps its memory for the next one, so that after the first step of a
    /// training loop nothing is allocated.
    pub fn clear(&mut self) {
        let Graph { nodes, gradients, buffers, leaves } = self.graph.get_mut();
        for node in nodes.drain(..) {
            Arc::into_inner(node.value).into_iter().for_each(|matrix| buffers.recycle(matrix));
        }
        gradients.drain(..).flatten().for_each(|matrix| buffers.recycle(matrix));
        leaves.clear();
    }

    /// A leaf whose gradient is wanted. (A model's weights are better kept in a [`ParameterSet`] and
    /// [watched](Tape::watch).)
    pub fn parameter(&self, value: &DMatrix<f32>) -> Var {
        self.leaf(value, true)
    }

    /// Data: receives no gradient.
    pub fn constant(&self, value: DMatrix<f32>) -> Var {
        self.graph.borrow_mut().push(value, false, None)
    }

    /// Chosen samples of a data set as data.
    pub fn columns_of(&self, data: &DMatrix<f32>, chosen: &[usize]) -> Var {
        let graph = &mut *self.graph.borrow_mut();
        let rows = data.nrows();
        let mut batch = graph.buffers.scratch(rows, chosen.len());
        for (sample, &j) in batch.as_mut_slice().chunks_exact_mut(rows.max(1)).zip(chosen) {
            sample.copy_from_slice(&data.as_slice()[j * rows..][..rows]);
        }
        graph.push(batch, false, None)
    }

    /// `x` as data: its value without its history, so that no gradient flows back through it.
    pub fn detach(&self, x: Var) -> Var {
        self.record(&[], |forward| forward.map(x, |x| x), |_| ())
    }

    /// The value of a node, shared rather than copied.
    pub fn value(&self, x: Var) -> Arc<DMatrix<f32>> {
        self.graph.borrow().nodes[x.0].value.clone()
    }

    /// The single entry of a 1×1 node, such as a loss.
    pub fn scalar(&self, x: Var) -> f32 {
        let value = self.value(x);
        assert_eq!(value.shape(), (1, 1), "scalar: a 1x1 node is needed");
        value[0]
    }

    /// `(rows, columns)` of a node.
    pub fn shape(&self, x: Var) -> (usize, usize) {
        self.graph.borrow().nodes[x.0].value.shape()
    }

    /// Computes `∂loss/∂p` for every leaf `p` that wants it, replacing those of an earlier call.
    ///
    /// # Panics
    /// If `loss` is not 1×1.
    pub fn backward(&self, loss: Var) {
        assert_eq!(self.shape(loss), (1, 1), "backward: the loss must be 1x1");
        let graph = &mut *self.graph.borrow_mut();
        let Graph { nodes, gradients, buffers, .. } = graph;
        gradients.drain(..).flatten().for_each(|matrix| buffers.recycle(matrix));
        gradients.resize_with(nodes.len(), || None);
        gradients[loss.0] = Some(DMatrix::from_element(1, 1, 1.0));

        for index in (0..=loss.0).rev() {
            let Some(pullback) = &nodes[index].pullback else { continue };
            let Some(gradient) = gradients[index].take() else { continue };
            pullback(&mut Backward {
                output: &nodes[index].value,
                gradient: &gradient,
                nodes,
                gradients,
                buffers,
            });
            buffers.recycle(gradient);
        }
        // A leaf the loss does not depend on has gradient zero.
        for (node, gradient) in nodes.iter().zip(gradients) {
            if node.requires_grad && node.pullback.is_none() && gradient.is_none() {
                let (rows, columns) = node.value.shape();
                *gradient = Some(buffers.zeros(rows, columns));
            }
        }
    }

    /// `∂loss/∂x` of a leaf after [`backward`](Tape::backward): zero where the loss does not depend
    /// on `x`. Drop it before the next operation: the tape is borrowed until then.
    ///
    /// # Panics
    /// If `x` is not a parameter, or nothing was differentiated yet.
    pub fn gradient(&self, x: Var) -> Ref<'_, DMatrix<f32>> {
        Ref::map(self.graph.borrow(), |graph| {
            let gradient = graph.gradients.get(x.0).and_then(Option::as_ref);
            gradient.expect("gradient: not a parameter, or `backward` was not called")
        })
    }

    /// Records an operation: its value from `forward`, and `pullback`, which adds to the gradients of
    /// `inputs`. All operations are made of this, and so may be those of a system of its own. Neither
    /// closure may use the tape itself.
    ///
    /// ```
    /// # use {forethought_trainer::tape::Tape, nalgebra::DMatrix};
    /// # let tape = Tape::new();
    /// # let x = tape.parameter(&DMatrix::from_element(1, 1, 2.0));
    /// // y = x³, x̄ += ȳ ⊙ 3x²
    /// let y = tape.record(
    ///     &[x],
    ///     |forward| forward.map(x, |x| x * x * x),
    ///     move |backward| {
    ///         // Slices, not the matrices' own iterators: those do not vectorise.
    ///         let (y_bar, x_value) = (backward.gradient.as_slice(), backward.value(x).as_slice());
    ///         backward.add(x, y_bar.iter().zip(x_value).map(|(y_bar, x)| y_bar * 3.0 * x * x));
    ///     },
    /// );
    /// tape.backward(y);
    /// assert_eq!((tape.scalar(y), tape.gradient(x)[0]), (8.0, 12.0));
    /// ```
    pub fn record(
        &self,
        inputs: &[Var],
        forward: impl FnOnce(&mut Forward) -> DMatrix<f32>,
        pullback: impl Fn(&mut Backward) + Send + 'static,
    ) -> Var {
        let graph = &mut *self.graph.borrow_mut();
        let value = forward(&mut Forward { nodes: &graph.nodes, buffers: &mut graph.buffers });
        let requires_grad = inputs.iter().any(|input| graph.nodes[input.0].requires_grad);
        let pullback = requires_grad.then(|| Box::new(pullback) as Pullback);
        graph.push(value, requires_grad, pullback)
    }

    /// A copied leaf.
    fn leaf(&self, value: &DMatrix<f32>, requires_grad: bool) -> Var {
        let graph = &mut *self.graph.borrow_mut();
        let (rows, columns) = value.shape();
        let copy = graph.buffers.collect(rows, columns, value.as_slice().iter().copied());
        graph.push(copy, requires_grad, None)
    }

    /// The shapes of two operands, for those that demand something of them.
    fn shapes(&self, a: Var, b: Var) -> ((usize, usize), (usize, usize)) {
        (self.shape(a), self.shape(b))
    }
}

impl Graph {
    fn push(&mut self, value: DMatrix<f32>, requires_grad: bool, pullback: Option<Pullback>) -> Var {
        self.push_shared(Arc::new(value), requires_grad, pullback)
    }

    fn push_shared(
        &mut self,
        value: Arc<DMatrix<f32>>,
        requires_grad: bool,
        pullback: Option<Pullback>,
    ) -> Var {
        self.nodes.push(Node { value, requires_grad, pullback });
        Var(self.nodes.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use check::random;

    #[test]
    fn gradient_accumulates_where_a_variable_is_used_twice() {
        // loss = Σ (x ⊙ x + x), gradient 2x + 1
        let tape = Tape::new();
        let value = random(3, 4, 1);
        let x = tape.parameter(&value);
        tape.backward(tape.sum(tape.add(tape.mul(x, x), x)));
        assert!((&*tape.gradient(x) - value.map(|x| 2.0 * x + 1.0)).amax() < 1e-6);
    }

    #[test]
    fn constants_get_no_gradient_but_pass_it_on() {
        let tape = Tape::new();
        let (w_value, u_value) = (random(7, 6, 1), random(6, 8, 2));
        let w = tape.constant(w_value.clone());
        let u = tape.parameter(&u_value);
        tape.backward(tape.sum(tape.matmul(w, u)));
        let expected = w_value.transpose() * DMatrix::from_element(7, 8, 1.0);
        assert!((&*tape.gradient(u) - expected).amax() < 1e-5);
        assert!(tape.graph.borrow().gradients[w.0].is_none());
    }

    #[test]
    fn nothing_is_recorded_for_the_backward_pass_of_constants() {
        let tape = Tape::new();
        let x = tape.constant(random(3, 4, 1));
        let y = tape.tanh(tape.square(x));
        assert!(tape.graph.borrow().nodes[y.0].pullback.is_none());
    }

    #[test]
    fn an_unreached_parameter_has_gradient_zero() {
        let tape = Tape::new();
        let (x, y) = (tape.parameter(&random(3, 4, 1)), tape.parameter(&random(2, 2, 2)));
        tape.backward(tape.sum(tape.add(x, tape.detach(x))));
        assert_eq!(*tape.gradient(y), DMatrix::zeros(2, 2));
        assert_eq!(*tape.gradient(x), DMatrix::from_element(3, 4, 1.0));
    }

    #[test]
    fn a_cleared_tape_gives_the_same_numbers_from_recycled_memory() {
        let (w_value, x_value) = (random(9, 6, 1), random(6, 10, 2));
        let mut tape = Tape::new();
        let mut gradients = Vec::new();
        for _ in 0..3 {
            tape.clear();
            let w = tape.parameter(&w_value);
            let y = tape.tanh(tape.matmul(w, tape.constant(x_value.clone())));
            tape.backward(tape.mean_square(y));
            gradients.push(tape.gradient(w).clone_owned());
        }
        assert_eq!(gradients[0], gradients[1]);
        assert_eq!(gradients[0], gradients[2]);
    }

    #[test]
    #[should_panic(expected = "mul: 3x4 and 4x3 differ")]
    fn shape_mismatch_names_operation_and_shapes() {
        let tape = Tape::new();
        let (a, b) = (tape.constant(random(3, 4, 1)), tape.constant(random(4, 3, 1)));
        tape.mul(a, b);
    }
}
