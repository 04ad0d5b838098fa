//! A learned forward model: a residual network with one matrix per input.
//!
//! ```text
//! x' = x + o(h₂),   first layer: b₁ + W_x x̃ + W_s sin(angles) + W_u u + W_z z
//! ```
//! `x̃` is the state with the cosine in place of each angle ([`Angles::lift`](crate::feature::Angles::lift)); the trunk is [`Trunk`]. Scales of inputs
//! and outputs are folded into the weights when the model is exported.

use super::{ForwardModel, Pullback};
use crate::{
    Zero,
    artifact::{Artifact, ArtifactError, Load, Model},
    dense::Dense,
    network::{Hidden, Lifted, StateInput, Trunk},
};

/// The model's weights.
#[derive(Clone, Copy, Debug)]
pub struct Network<'a, const NX: usize, const NU: usize, const NZ: usize, const NH: usize> {
    input: StateInput<'a>,
    w_u: Dense<'a>,
    w_z: Dense<'a>,
    trunk: Trunk<'a>,
}

/// What one step remembers: the lifted state and both hidden layers.
#[derive(Clone, Copy, Debug)]
pub struct Trace<const NX: usize, const NH: usize> {
    lifted: Lifted<NX>,
    hidden: Hidden<NH>,
}

impl<const NX: usize, const NH: usize> Zero for Trace<NX, NH> {
    const ZERO: Self = Self { lifted: Lifted::ZERO, hidden: Hidden::ZERO };
}

impl<'a, const NX: usize, const NU: usize, const NZ: usize, const NH: usize> Load<'a>
    for Network<'a, NX, NU, NZ, NH>
{
    /// Reads the part `predict` of an artifact.
    fn load(artifact: &Artifact<'a>) -> Result<Self, ArtifactError> {
        if artifact.header().model != Model::Network {
            return Err(ArtifactError::Kind { expected: "a learned network as forward model" });
        }
        Self::tensors(artifact, "predict", artifact.sizes().nx())
    }
}

impl<'a, const NX: usize, const NU: usize, const NZ: usize, const NH: usize> Network<'a, NX, NU, NZ, NH> {
    /// Reads the tensors of `part`, whatever it belongs to.
    pub(super) fn tensors(
        artifact: &Artifact<'a>,
        part: &'static str,
        outputs: usize,
    ) -> Result<Self, ArtifactError> {
        let sizes = artifact.sizes();
        sizes.check_state::<NX, NU, NZ>()?;
        let trunk = Trunk::load::<NH>(artifact, part, outputs)?;
        let nh = trunk.hidden();
        Ok(Self {
            input: StateInput::load(artifact, part, nh)?,
            w_u: artifact.matrix(part, "w_u", nh, sizes.nu())?,
            w_z: artifact.matrix(part, "w_z", nh, sizes.nz())?,
            trunk,
        })
    }

    /// `o(h₂)`.
    pub(super) fn change(
        &self,
        trace: &mut Trace<NX, NH>,
        x: &[f32; NX],
        u: &[f32; NU],
        z: &[f32; NZ],
    ) -> [f32; NX] {
        let mut change = [0.0; NX];
        self.outputs(trace, x, u, z, &mut change);
        change
    }

    /// The same where there may be more outputs than components of the state.
    pub(super) fn outputs(
        &self,
        Trace { lifted, hidden }: &mut Trace<NX, NH>,
        x: &[f32; NX],
        u: &[f32; NU],
        z: &[f32; NZ],
        out: &mut [f32],
    ) {
        self.trunk.begin(hidden);
        self.input.add(x, lifted, &mut hidden.first);
        self.w_u.add(u, &mut hidden.first);
        self.w_z.add(z, &mut hidden.first);
        self.trunk.forward(hidden, out);
    }

    /// Adds `gᵀ ∂o/∂(x, u, z)`.
    pub(super) fn pull_change(&self, trace: &Trace<NX, NH>, g: &[f32], out: &mut Pullback<NX, NU, NZ>) {
        let mut g_first = [0.0; NH];
        self.trunk.pull(&trace.hidden, g, &mut g_first);
        self.input.pull(&trace.lifted, &g_first, &mut out.x);
        self.w_u.pull(&g_first, &mut out.u);
        self.w_z.pull(&g_first, &mut out.z);
    }
}

impl<const NX: usize, const NU: usize, const NZ: usize, const NH: usize> ForwardModel<NX, NU, NZ>
    for Network<'_, NX, NU, NZ, NH>
{
    type Trace = Trace<NX, NH>;

    fn step(
        &self,
        trace: &mut Self::Trace,
        x: &[f32; NX],
        u: &[f32; NU],
        z: &[f32; NZ],
        next: &mut [f32; NX],
    ) {
        let change = self.change(trace, x, u, z);
        for (next, (x, change)) in next.iter_mut().zip(x.iter().zip(change)) {
            *next = x + change;
        }
    }

    fn pullback(&self, trace: &Self::Trace, g: &[f32; NX], out: &mut Pullback<NX, NU, NZ>) {
        *out = Pullback { x: *g, ..Pullback::ZERO };
        self.pull_change(trace, g, out);
    }
}
