//! LCoD, learned coordinate descent (Gregor & LeCun, ICML 2010): the largest change of a unit, again and again.
//!
//! ```text
//! B = W_e (y − ȳ),  Z = 0;   T times:  Z̄ = h_θ(B),  k = argmax |Z̄ − Z|,  B += S_{·k} (Z̄_k − Z_k),  Z_k = Z̄_k
//! ```
//! It starts as greedy coordinate descent, `W_e = Dᵀ`, `S = I − DᵀD`, `θ = λ`, and learns to get further in the same
//! number of steps.

use super::unrolled::{Trained, Unrolled, weight};
use crate::{
    export::Tensors,
    tape::{Id, ParameterSet, Tape, Var},
};
use forethought::artifact;
use nalgebra::DMatrix;

/// An encoder.
#[derive(Clone, Debug)]
pub struct Lcod {
    params: ParameterSet,
    w_e: Id,
    s: Id,
    threshold: Id,
    mean: DMatrix<f32>,
}

impl Lcod {
    /// Greedy coordinate descent on `½‖y − ȳ − D z‖² + λ‖z‖₁`, for a dictionary of unit atoms.
    pub fn new(dictionary: &DMatrix<f32>, mean: DMatrix<f32>, lambda: f32) -> Self {
        let (units, transposed) = (dictionary.ncols(), dictionary.transpose());
        let mut params = ParameterSet::new();
        Self {
            s: params.add("s", DMatrix::identity(units, units) - &transposed * dictionary),
            w_e: params.add("w_e", transposed),
            threshold: params.add("threshold", DMatrix::from_element(units, 1, lambda)),
            params,
            mean,
        }
    }
}

impl Unrolled for Lcod {
    fn params(&mut self) -> &mut ParameterSet {
        &mut self.params
    }

    fn sizes(&self) -> (usize, usize) {
        (self.mean.nrows(), self.params[self.threshold].nrows())
    }

    fn export(&self, layers: usize, tensors: &mut Tensors) -> artifact::Encoder {
        let value = |id| self.params[id].clone();
        tensors.matrix("perceive", "w_e", value(self.w_e));
        tensors.matrix("perceive", "bias", -(value(self.w_e) * &self.mean));
        tensors.matrix("perceive", "s", value(self.s));
        tensors.matrix("perceive", "threshold", value(self.threshold));
        artifact::Encoder::CoordinateDescent { iterations: layers as u16 }
    }

    /// All layers share all weights, so that they learn together or not at all.
    fn unroll(&self, tape: &Tape, y: Var, layers: usize, trained: Trained) -> Var {
        let weight = |id| weight(tape, &self.params, id, trained == Trained::All);
        let (w_e, s, theta) = (weight(self.w_e), weight(self.s), weight(self.threshold));
        let mut drive = tape.matmul(w_e, tape.add_bias(y, tape.constant(-&self.mean)));
        let mut z: Option<Var> = None;
        for _ in 0..layers {
            let shrunk = tape.soft_threshold(drive, theta);
            let change = z.map_or(shrunk, |z| tape.sub(shrunk, z));
            // Which unit changes has no derivative; by how much has one.
            let mask = largest_of_each(&tape.value(change));
            let change = tape.mul(change, tape.constant(mask));
            z = Some(z.map_or(change, |z| tape.add(z, change)));
            drive = tape.add(drive, tape.matmul(s, change));
        }
        tape.soft_threshold(drive, theta)
    }

    fn constrain(&mut self) {
        self.params[self.threshold].iter_mut().for_each(|theta| *theta = theta.max(0.0));
    }
}

/// 1 where a column's magnitude is largest, at the first if there are several, and 0 elsewhere.
fn largest_of_each(x: &DMatrix<f32>) -> DMatrix<f32> {
    let mut mask = DMatrix::zeros(x.nrows(), x.ncols());
    for (j, column) in x.as_slice().chunks_exact(x.nrows().max(1)).enumerate() {
        let first_largest =
            |best: usize, i: usize| if column[i].abs() > column[best].abs() { i } else { best };
        mask[((1..column.len()).fold(0, first_largest), j)] = 1.0;
    }
    mask
}
