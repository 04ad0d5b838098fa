//! LAMP, learned approximate message passing: LISTA with the Onsager correction (Borgerding, Schniter & Rangan 2017).
//!
//! ```text
//! r = zᵗ + β_t B vᵗ,   zᵗ⁺¹ = h(r; α_t ‖vᵗ‖/√NY),   vᵗ⁺¹ = y − ȳ − D zᵗ⁺¹ + (β_t ‖zᵗ⁺¹‖₀/NY) vᵗ
//! ```
//! `B` is shared by all layers and learned from `Dᵀ` on, with two numbers a layer. Before any training it is AMP.

use super::unrolled::{Trained, Unrolled, spread, weight};
use crate::{
    export::Tensors,
    tape::{Id, ParameterSet, Tape, Var},
};
use forethought::artifact;
use nalgebra::DMatrix;
use serde::{Deserialize, Serialize};

/// Hyper-parameters.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Most layers that it may have.
    pub layers: usize,
    /// `α` of AMP. 1.14 is the minimax choice at an undersampling of one half (Donoho, Maleki & Montanari 2009).
    pub threshold: f32,
}

impl Default for Config {
    fn default() -> Self {
        Self { layers: 10, threshold: 1.14 }
    }
}

/// An encoder.
#[derive(Clone, Debug)]
pub struct Lamp {
    params: ParameterSet,
    dictionary: DMatrix<f32>,
    analysis: Id,
    mean: DMatrix<f32>,
    /// `β` and `α` of each layer.
    layers: Vec<(Id, Id)>,
}

impl Lamp {
    /// AMP.
    pub fn new(config: &Config, dictionary: DMatrix<f32>, mean: DMatrix<f32>) -> Self {
        let mut params = ParameterSet::new();
        let analysis = params.add("w", dictionary.transpose());
        let mut scalar =
            |name: &str, t: usize, v: f32| params.add(format!("{name} {t}"), DMatrix::from_element(1, 1, v));
        let layers = (0..config.layers)
            .map(|t| (scalar("step", t, 1.0), scalar("threshold", t, config.threshold)))
            .collect();
        Self { params, dictionary, analysis, mean, layers }
    }
}

impl Unrolled for Lamp {
    fn params(&mut self) -> &mut ParameterSet {
        &mut self.params
    }

    fn sizes(&self) -> (usize, usize) {
        self.dictionary.shape()
    }

    fn export(&self, layers: usize, tensors: &mut Tensors) -> artifact::Encoder {
        let of = |f: fn(&(Id, Id)) -> Id| -> Vec<f32> {
            self.layers[..layers].iter().map(|layer| self.params[f(layer)][0]).collect()
        };
        tensors.matrix("perceive", "dictionary", self.dictionary.clone());
        tensors.matrix("perceive", "w", self.params[self.analysis].clone());
        tensors.matrix("perceive", "mean", self.mean.clone());
        tensors.vector("perceive", "step", &of(|layer| layer.0));
        tensors.vector("perceive", "threshold", &of(|layer| layer.1));
        artifact::Encoder::Lamp { layers: layers as u16 }
    }

    fn unroll(&self, tape: &Tape, y: Var, layers: usize, trained: Trained) -> Var {
        let weight = |id, learns| weight(tape, &self.params, id, learns);
        let dictionary = tape.constant(self.dictionary.clone());
        let analysis = weight(self.analysis, trained == Trained::All);
        let (rows, units) = self.dictionary.shape();
        let share = 1.0 / rows as f32;
        let y = tape.add_bias(y, tape.constant(-&self.mean));
        let mut before: Option<(Var, Var)> = None;
        for (t, &(step, alpha)) in self.layers[..layers].iter().enumerate() {
            let learns = trained.layer(t, layers);
            let v = before.map_or(y, |(z, held)| {
                // ‖z‖₀/NY of each sample. It is constant wherever it has a derivative.
                let active = |z: &[f32]| share * z.iter().filter(|z| **z != 0.0).count() as f32;
                let onsager: Vec<_> = tape.value(z).as_slice().chunks_exact(units).map(active).collect();
                let onsager = tape.constant(DMatrix::from_vec(1, onsager.len(), onsager));
                tape.add(tape.sub(y, tape.matmul(dictionary, z)), tape.mul_row(held, onsager))
            });
            let scale = tape.sqrt_eps(tape.scale(tape.sum_rows(tape.square(v)), share), 1e-12);
            let theta = tape.matmul(weight(alpha, learns), scale);
            // β v
            let held = tape.mul_col(v, spread(tape, weight(step, learns), rows));
            let push = tape.matmul(analysis, held);
            let r = before.map_or(push, |(z, _)| tape.add(z, push));
            before = Some((tape.soft_threshold_rows(r, theta), held));
        }
        before.expect("an encoder has layers").0
    }

    fn grow(&mut self, layers: usize) {
        let [.., (step, alpha), (new_step, new_alpha)] = self.layers[..layers] else { return };
        self.params[new_step] = self.params[step].clone();
        self.params[new_alpha] = self.params[alpha].clone();
    }
}
