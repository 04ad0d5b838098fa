//! Layers: the networks of energies and of generators, which look at observations and not at states.
//!
//! ```text
//! h_k = φ(W_k h_{k−1} + b_k),   h_0 = x,   out = W_L h_{L−1} + b_L       φ(v) = max(v, leak·v) or tanh v
//! ```
//! or `σ(out)` where outputs are brightnesses.

use crate::{
    Zero,
    artifact::{self, Artifact, ArtifactError, Hidden},
    dense::Dense,
    math,
};
use heapless::Vec;

/// Most layers with units.
pub const DEPTH: usize = 3;
/// The names of the weights, layer by layer; the last one that is there makes the outputs.
const WEIGHTS: [&str; DEPTH + 1] = ["w1", "w2", "w3", "w4"];
/// The names of the biases.
const BIASES: [&str; DEPTH + 1] = ["b1", "b2", "b3", "b4"];

/// The weights.
#[derive(Clone, Debug)]
pub struct Layers<'a, const NH: usize> {
    inner: Vec<Layer<'a>, DEPTH>,
    last: Layer<'a>,
    hidden: Hidden,
    sigmoid: bool,
}

#[derive(Clone, Copy, Debug, Default)]
struct Layer<'a> {
    w: Dense<'a>,
    b: &'a [f32],
}

/// What the units of each layer answer: all that the pullback has to remember.
#[derive(Clone, Copy, Debug)]
pub struct Trace<const NH: usize> {
    hidden: [[f32; NH]; DEPTH],
}

impl<const NH: usize> Zero for Trace<NH> {
    const ZERO: Self = Self { hidden: [[0.0; NH]; DEPTH] };
}

impl<'a, const NH: usize> Layers<'a, NH> {
    /// Reads the tensors `w1`, `b1` … of `part`, as many as there are, and checks that they fit each other and `NH`.
    pub fn load(
        artifact: &Artifact<'a>,
        part: &'static str,
        (inputs, outputs): (usize, usize),
    ) -> Result<Self, ArtifactError> {
        let artifact::Layers { hidden, sigmoid } = artifact.header().layers;
        let mut layers = Self { inner: Vec::new(), last: Layer::default(), hidden, sigmoid };
        let depth = BIASES.iter().take_while(|name| artifact.header().has_tensor(part, name)).count().max(1);
        let mut width = inputs;
        for (k, (&w, &b)) in WEIGHTS.iter().zip(&BIASES).take(depth).enumerate() {
            let b = artifact.vector_any(part, b)?;
            let units = if k + 1 == depth { outputs } else { b.len() };
            let layer = Layer { w: artifact.matrix(part, w, units, width)?, b };
            if b.len() != units {
                let (expected, found) = ((units, 1), (b.len(), 1));
                return Err(ArtifactError::Shape { part, name: "the last bias", expected, found });
            }
            width = units;
            if k + 1 == depth {
                layers.last = layer;
            } else if units > NH {
                return Err(ArtifactError::TooLarge { what: "hidden units", capacity: NH, found: units });
            } else {
                // There are no more than fit: the last of all names is that of the outputs.
                let _ = layers.inner.push(layer);
            }
        }
        Ok(layers)
    }

    /// Writes the outputs to the front of `out`.
    pub fn forward(&self, x: &[f32], trace: &mut Trace<NH>, out: &mut [f32]) {
        let mut input = x;
        for (layer, hidden) in self.inner.iter().zip(&mut trace.hidden) {
            layer.w.affine(layer.b, input, hidden);
            match self.hidden {
                Hidden::Rectified { leak } => {
                    hidden.iter_mut().for_each(|h| *h = if *h > 0.0 { *h } else { leak * *h })
                }
                Hidden::Tanh => math::tanh_all(hidden),
            }
            input = hidden;
        }
        self.last.w.affine(self.last.b, input, out);
        if self.sigmoid {
            for y in out.iter_mut().zip(self.last.b).map(|(y, _)| y) {
                *y = math::sigmoid(*y);
            }
        }
    }

    /// Adds `g_outᵀ ∂out/∂x` to `gx`, for the pass that wrote `trace` and `out`.
    pub fn pull(&self, trace: &Trace<NH>, out: &[f32], g_out: &mut [f32], gx: &mut [f32]) {
        if self.sigmoid {
            for (g, y) in g_out.iter_mut().zip(out) {
                *g *= y * (1.0 - y);
            }
        }
        let mut k = self.inner.len();
        if k == 0 {
            return self.last.w.pull(g_out, gx);
        }
        let mut g = [0.0; NH];
        self.last.w.pull(g_out, &mut g);
        while let Some(below) = k.checked_sub(1) {
            let (Some(layer), Some(hidden)) = (self.inner.get(below), trace.hidden.get(below)) else {
                return;
            };
            let units = g.iter_mut().zip(hidden);
            match self.hidden {
                Hidden::Rectified { leak } => {
                    units.for_each(|(g, h)| *g = if *h > 0.0 { *g } else { leak * *g });
                }
                Hidden::Tanh => units.for_each(|(g, h)| *g *= 1.0 - h * h),
            }
            if below == 0 {
                layer.w.pull(&g, gx);
            } else {
                let mut next = [0.0; NH];
                layer.w.pull(&g, &mut next);
                g = next;
            }
            k = below;
        }
    }
}
