//! Linear maps before an encoder and behind its decoder disappear into their weights.
//!
//! ```text
//! y = A (x − μ)
//! W y + b       = (W A) x + (b − W A μ)
//! D z + ȳ       → (A⁺ D) z + (μ + A⁺ ȳ)
//! W (y − ȳ − D z) = (W A) (x − (μ + A⁺ ȳ) − (A⁺ D) z)
//! ```
//! `A⁺` is the pseudo-inverse; what `A` drops (the mean of a patch, weak principal components) is in no code and comes back as its
//! average.

use crate::{data::whitening::Whitening, export::Tensors};

/// Takes a map into the weights of an encoder (`perceive`: `w_e` or `w`, `bias`) and of its decoder (`dictionary`,
/// `mean`).
pub fn fold(map: &Whitening, tensors: &mut Tensors) {
    const PART: &str = "perceive";
    for (name, bias_name) in [("w_e", "bias"), ("w", "bias")] {
        if let Some(w) = tensors.take(PART, name) {
            let w = w * &map.forward;
            if let Some(bias) = tensors.take(PART, bias_name) {
                tensors.matrix(PART, bias_name, bias - &w * &map.mean);
            }
            tensors.matrix(PART, name, w);
        }
    }
    for (name, shift) in [("dictionary", false), ("mean", true)] {
        if let Some(d) = tensors.take(PART, name) {
            let d = &map.backward * d;
            tensors.matrix(PART, name, if shift { d + &map.mean } else { d });
        }
    }
}
