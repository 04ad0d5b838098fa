//! LCoD, learned coordinate descent (Gregor & LeCun, ICML 2010): one unit of the code changes at a time.
//!
//! ```text
//! B = W_e y + c,  Z = 0;   T times:  Z̄ = h_θ(B),  k = argmax |Z̄ − Z|,  B += S_{·k} (Z̄_k − Z_k),  Z_k = Z̄_k;
//! the code is h_θ(B)
//! ```
//! An iteration costs `NC` multiply-adds where LISTA's costs `NC²`. `c = −W_e ȳ` takes in the mean of the observations.
//! With `W_e = Dᵀ`, `S = I − DᵀD`, `θ = λ` and unit atoms it is greedy coordinate descent.

use super::{Encoder, prox};
use crate::{
    Zero,
    artifact::{self, Artifact, ArtifactError, Load},
    dense::Dense,
};

/// Weights of the encoder.
#[derive(Clone, Copy, Debug)]
pub struct Lcod<'a, const NY: usize, const NC: usize> {
    w_e: Dense<'a>,
    bias: &'a [f32],
    s: Dense<'a>,
    threshold: &'a [f32],
    /// `T`.
    iterations: u16,
}

/// Working memory: what drives the units.
#[derive(Clone, Copy, Debug)]
pub struct Scratch<const NC: usize>([f32; NC]);

impl<const NC: usize> Zero for Scratch<NC> {
    const ZERO: Self = Self([0.0; NC]);
}

impl<'a, const NY: usize, const NC: usize> Load<'a> for Lcod<'a, NY, NC> {
    /// Reads the part `perceive` of an artifact.
    fn load(artifact: &Artifact<'a>) -> Result<Self, ArtifactError> {
        const PART: &str = "perceive";
        let sizes = artifact.sizes();
        sizes.check_observation::<NY, NC>()?;
        let (ny, nc) = (sizes.ny(), sizes.nc());
        let artifact::Encoder::CoordinateDescent { iterations } = *artifact.encoder() else {
            return Err(ArtifactError::Kind { expected: "LCoD" });
        };
        Ok(Self {
            w_e: artifact.matrix(PART, "w_e", nc, ny)?,
            bias: artifact.vector(PART, "bias", nc)?,
            s: artifact.matrix(PART, "s", nc, nc)?,
            threshold: artifact.vector(PART, "threshold", nc)?,
            iterations,
        })
    }
}

impl<const NY: usize, const NC: usize> Encoder<NY, NC> for Lcod<'_, NY, NC> {
    type Scratch = Scratch<NC>;

    fn encode(&self, Scratch(drive): &mut Scratch<NC>, y: &[f32; NY], code: &mut [f32; NC]) {
        code.fill(0.0);
        self.w_e.affine(self.bias, y, drive);
        for _ in 0..self.iterations {
            let units = code.iter_mut().zip(drive.iter().zip(self.threshold)).enumerate();
            // The first of the largest changes, and the unit that would make it.
            let mut largest: (f32, usize, Option<&mut f32>) = (0.0, 0, None);
            for (k, (z, (&drive, &threshold))) in units {
                let change = prox::soft(drive, threshold) - *z;
                if change.abs() > largest.0.abs() {
                    largest = (change, k, Some(z));
                }
            }
            let (change, k, Some(z)) = largest else { break };
            *z += change;
            self.s.add_column(k, change, drive);
        }
        for (z, (&drive, &threshold)) in code.iter_mut().zip(drive.iter().zip(self.threshold)) {
            *z = prox::soft(drive, threshold);
        }
    }
}
