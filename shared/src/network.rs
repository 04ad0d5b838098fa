//! The trunk that forward models and policies share: two hidden layers of tanh units and a linear output.
//!
//! ```text
//! h₁ = tanh(b₁ + Σᵢ Wᵢ inputᵢ)      one matrix per input, summed
//! h₂ = tanh(b₂ + W_h h₁)
//! o  = b_o + W_o h₂
//! ```

use crate::{
    Zero,
    artifact::{Artifact, ArtifactError},
    dense::Dense,
    feature::Angles,
    math,
};

/// The layers behind the inputs' matrices.
#[derive(Clone, Copy, Debug, Default)]
pub struct Trunk<'a> {
    b1: &'a [f32],
    w_h: Dense<'a>,
    b2: &'a [f32],
    w_o: Dense<'a>,
    b_o: &'a [f32],
}

/// The activations of both hidden layers: all that the pullback has to remember.
#[derive(Clone, Copy, Debug)]
pub struct Hidden<const NH: usize> {
    /// First layer. Before [`Trunk::forward`]: what the inputs add up to.
    pub first: [f32; NH],
    /// Second layer.
    pub second: [f32; NH],
}

impl<const NH: usize> Zero for Hidden<NH> {
    const ZERO: Self = Self { first: [0.0; NH], second: [0.0; NH] };
}

impl<'a> Trunk<'a> {
    /// Reads the tensors `b1`, `w_h`, `b2`, `w_o`, `b_o` of `part` and checks that they fit each other and `NH`.
    pub fn load<const NH: usize>(
        artifact: &Artifact<'a>,
        part: &'static str,
        outputs: usize,
    ) -> Result<Self, ArtifactError> {
        let b1 = artifact.vector_any(part, "b1")?;
        let nh = b1.len();
        if nh > NH {
            return Err(ArtifactError::TooLarge { what: "hidden units", capacity: NH, found: nh });
        }
        Ok(Self {
            b1,
            w_h: artifact.matrix(part, "w_h", nh, nh)?,
            b2: artifact.vector(part, "b2", nh)?,
            w_o: artifact.matrix(part, "w_o", outputs, nh)?,
            b_o: artifact.vector(part, "b_o", outputs)?,
        })
    }

    /// Hidden units in use.
    pub fn hidden(&self) -> usize {
        self.b1.len()
    }

    /// Starts a pass: the first layer holds its bias, ready for each input's matrix to add to it.
    pub fn begin<const NH: usize>(&self, hidden: &mut Hidden<NH>) {
        for (h, b) in hidden.first.iter_mut().zip(self.b1) {
            *h = *b;
        }
    }

    /// Runs the layers on `hidden.first` and writes `o` to the front of `out`.
    pub fn forward<const NH: usize>(&self, hidden: &mut Hidden<NH>, out: &mut [f32]) {
        math::tanh_all(front(&mut hidden.first, self.b1.len()));
        self.w_h.affine(self.b2, &hidden.first, &mut hidden.second);
        math::tanh_all(front(&mut hidden.second, self.b2.len()));
        self.w_o.affine(self.b_o, &hidden.second, out);
    }

    /// From the output's gradient to the gradient of the first layer's input: each input's matrix pulls it on.
    pub fn pull<const NH: usize>(&self, hidden: &Hidden<NH>, g_out: &[f32], g_first: &mut [f32; NH]) {
        let mut g_second = [0.0; NH];
        self.w_o.pull(g_out, &mut g_second);
        through_tanh(&mut g_second, &hidden.second);
        *g_first = [0.0; NH];
        self.w_h.pull(&g_second, g_first);
        through_tanh(g_first, &hidden.first);
    }
}

/// The matrices that take in a state: `W_x` for its values and the cosines of its angles, `W_s` for their sines.
#[derive(Clone, Copy, Debug)]
pub struct StateInput<'a> {
    angles: Angles,
    w_x: Dense<'a>,
    w_s: Dense<'a>,
}

/// A state as [`Angles::lift`] splits it.
#[derive(Clone, Copy, Debug)]
pub struct Lifted<const NX: usize> {
    values: [f32; NX],
    sines: [f32; NX],
}

impl<const NX: usize> Zero for Lifted<NX> {
    const ZERO: Self = Self { values: [0.0; NX], sines: [0.0; NX] };
}

impl<'a> StateInput<'a> {
    /// Reads the tensors `w_x` and `w_s` of `part` for a trunk of `hidden` units.
    pub fn load(artifact: &Artifact<'a>, part: &'static str, hidden: usize) -> Result<Self, ArtifactError> {
        let angles = artifact.angles();
        Ok(Self {
            angles,
            w_x: artifact.matrix(part, "w_x", hidden, artifact.sizes().nx())?,
            w_s: artifact.matrix(part, "w_s", hidden, angles.count())?,
        })
    }

    /// Adds the state to the first layer.
    pub fn add<const NX: usize>(&self, x: &[f32; NX], lifted: &mut Lifted<NX>, first: &mut [f32]) {
        self.angles.lift(x, &mut lifted.values, &mut lifted.sines);
        self.w_x.add(&lifted.values, first);
        self.w_s.add(&lifted.sines, first);
    }

    /// Adds to `gx` what the gradient of the first layer says of the state.
    pub fn pull<const NX: usize>(&self, lifted: &Lifted<NX>, g_first: &[f32], gx: &mut [f32; NX]) {
        let mut g = Lifted::<NX>::ZERO;
        self.w_x.pull(g_first, &mut g.values);
        self.w_s.pull(g_first, &mut g.sines);
        self.angles.pull((&lifted.values, &lifted.sines), (&g.values, &g.sines), gx);
    }
}

/// A network that sees nothing but the state: the policy, and the value of a state.
#[derive(Clone, Copy, Debug)]
pub struct StateNetwork<'a, const NH: usize> {
    input: StateInput<'a>,
    trunk: Trunk<'a>,
}

impl<'a, const NH: usize> StateNetwork<'a, NH> {
    /// Reads `part` of an artifact.
    pub fn load(artifact: &Artifact<'a>, part: &'static str, outputs: usize) -> Result<Self, ArtifactError> {
        let trunk = Trunk::load::<NH>(artifact, part, outputs)?;
        Ok(Self { input: StateInput::load(artifact, part, trunk.hidden())?, trunk })
    }

    /// Writes `o(x)` to the front of `out`, and hands on what [`pull`](Self::pull) needs.
    pub fn forward<const NX: usize>(&self, x: &[f32; NX], out: &mut [f32]) -> (Lifted<NX>, Hidden<NH>) {
        let (mut lifted, mut hidden) = (Lifted::ZERO, Hidden::ZERO);
        self.trunk.begin(&mut hidden);
        self.input.add(x, &mut lifted, &mut hidden.first);
        self.trunk.forward(&mut hidden, out);
        (lifted, hidden)
    }

    /// Adds `g_outᵀ ∂o/∂x` to `gx`.
    pub fn pull<const NX: usize>(
        &self,
        (lifted, hidden): &(Lifted<NX>, Hidden<NH>),
        g_out: &[f32],
        gx: &mut [f32; NX],
    ) {
        let mut g_first = [0.0; NH];
        self.trunk.pull(hidden, g_out, &mut g_first);
        self.input.pull(lifted, &g_first, gx);
    }
}

/// The first `n` units.
fn front(units: &mut [f32], n: usize) -> &mut [f32] {
    let n = n.min(units.len());
    units.split_at_mut_checked(n).map_or(Default::default(), |(front, _)| front)
}

/// `g ← g (1 − h²)`.
fn through_tanh(g: &mut [f32], h: &[f32]) {
    for (g, h) in g.iter_mut().zip(h) {
        *g *= 1.0 - h * h;
    }
}
