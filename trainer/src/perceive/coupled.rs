//! Unrolled shrinkage with coupled weights: LISTA-CP, CPSS, ALISTA, learned steps, and ISTA where nothing is learned.
//!
//! ```text
//! zᵗ⁺¹ = h_t(zᵗ + γ_t Wᵀ(y − ȳ − D zᵗ))
//! ```
//! The dictionary is known and stays as it is. Chen, Liu, Wang & Yin (NeurIPS 2018) show that any unrolled network
//! that converges has weights coupled like this, so that nothing is lost and half of the weights are saved.

use super::{
    inference,
    unrolled::{Trained, Unrolled, spread, weight},
};
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
    /// Where `W` comes from.
    pub weights: Weights,
    /// Support selection: the share of units that bypass the threshold grows by so much with each layer; 0 is none.
    pub bypass: f64,
    /// … up to this share.
    pub most: f64,
    /// How much noise counts in the [analytic] weights, beside coherence.
    pub ridge: f32,
    /// `θ` of the first layer, and of each new one the share of the last's that it starts with.
    pub threshold: (f32, f32),
}

/// Where `W` comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Weights {
    /// Learned, from the analytic ones on; shared by all layers.
    Learned,
    /// Those of [`analytic`]: nothing is learned but two numbers a layer.
    Analytic,
    /// The dictionary itself: ISTA with learned steps.
    Dictionary,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            layers: 10,
            weights: Weights::Learned,
            bypass: 0.0,
            most: 0.0,
            ridge: 0.0,
            threshold: (0.1, 0.8),
        }
    }
}

/// An encoder.
#[derive(Clone, Debug)]
pub struct Coupled {
    params: ParameterSet,
    /// `D`, `W` and `ȳ`.
    dictionary: DMatrix<f32>,
    analysis: Id,
    mean: DMatrix<f32>,
    /// `γ`, `θ` and `n` of each layer.
    layers: Vec<(Id, Id, usize)>,
    config: Config,
}

impl Coupled {
    /// Starts as a shrinkage algorithm that has learnt nothing.
    pub fn new(config: &Config, dictionary: DMatrix<f32>, mean: DMatrix<f32>) -> Self {
        let mut params = ParameterSet::new();
        let (weights, step) = match config.weights {
            Weights::Learned | Weights::Analytic => (analytic(&dictionary, config.ridge), 1.0),
            Weights::Dictionary => {
                let gram = dictionary.transpose() * &dictionary;
                (dictionary.clone(), 1.0 / inference::largest_eigenvalue(&gram))
            }
        };
        let analysis = params.add("w", weights.transpose());
        let units = dictionary.ncols() as f64;
        let mut scalar =
            |name: &str, t: usize, v: f32| params.add(format!("{name} {t}"), DMatrix::from_element(1, 1, v));
        let layers = (0..config.layers)
            .map(|t| {
                let share = (config.bypass * (t + 1) as f64).min(config.most);
                let theta = config.threshold.0 * config.threshold.1.powi(t as i32);
                (scalar("step", t, step), scalar("threshold", t, theta), (share * units).round() as usize)
            })
            .collect();
        Self { params, dictionary, analysis, mean, layers, config: config.clone() }
    }

    /// ISTA itself, for a penalty `λ‖z‖₁`.
    pub fn ista(dictionary: DMatrix<f32>, mean: DMatrix<f32>, lambda: f32, layers: usize) -> Self {
        let gram = dictionary.transpose() * &dictionary;
        let theta = lambda / inference::largest_eigenvalue(&gram);
        let weights = Weights::Dictionary;
        let config = Config { layers, weights, threshold: (theta, 1.0), ..Config::default() };
        Self::new(&config, dictionary, mean)
    }
}

impl Unrolled for Coupled {
    fn params(&mut self) -> &mut ParameterSet {
        &mut self.params
    }

    fn sizes(&self) -> (usize, usize) {
        self.dictionary.shape()
    }

    fn export(&self, layers: usize, tensors: &mut Tensors) -> artifact::Encoder {
        let of = |f: fn(&(Id, Id, usize)) -> Id| -> Vec<f32> {
            self.layers[..layers].iter().map(|layer| self.params[f(layer)][0]).collect()
        };
        tensors.matrix("perceive", "dictionary", self.dictionary.clone());
        if self.config.weights != Weights::Dictionary {
            tensors.matrix("perceive", "w", self.params[self.analysis].clone());
        }
        tensors.matrix("perceive", "mean", self.mean.clone());
        tensors.vector("perceive", "step", &of(|layer| layer.0));
        tensors.vector("perceive", "threshold", &of(|layer| layer.1));
        let bypass: Vec<_> = self.layers[..layers].iter().map(|layer| layer.2 as f32).collect();
        tensors.vector("perceive", "bypass", &bypass);
        artifact::Encoder::Coupled { layers: layers as u16 }
    }

    fn unroll(&self, tape: &Tape, y: Var, layers: usize, trained: Trained) -> Var {
        let weight = |id, learns| weight(tape, &self.params, id, learns);
        let dictionary = tape.constant(self.dictionary.clone());
        let analysis =
            weight(self.analysis, self.config.weights == Weights::Learned && trained == Trained::All);
        let units = self.dictionary.ncols();
        let y = tape.add_bias(y, tape.constant(-&self.mean));
        let mut z = None;
        for (t, &(step, theta, bypass)) in self.layers[..layers].iter().enumerate() {
            let learns = trained.layer(t, layers);
            let residual = z.map_or(y, |z| tape.sub(y, tape.matmul(dictionary, z)));
            let push =
                tape.mul_col(tape.matmul(analysis, residual), spread(tape, weight(step, learns), units));
            let v = z.map_or(push, |z| tape.add(z, push));
            let theta = spread(tape, weight(theta, learns), units);
            z = Some(tape.soft_threshold_except(v, theta, bypass));
        }
        z.expect("an encoder has layers")
    }

    fn constrain(&mut self) {
        for &(_, theta, _) in &self.layers {
            if self.params[theta][0] < 0.0 {
                self.params[theta][0] = 0.0;
            }
        }
    }

    /// A new layer starts from what the last has learnt, with a smaller threshold: its input is less wrong.
    fn grow(&mut self, layers: usize) {
        let [.., (step, theta, _), (new_step, new_theta, _)] = self.layers[..layers] else { return };
        self.params[new_step] = self.params[step].clone();
        self.params[new_theta] = &self.params[theta] * self.config.threshold.1;
    }
}

/// The weights of least generalised coherence with a dictionary (Liu, Chen, Wang & Yin, ICLR 2019, in the Frobenius norm),
/// and of little length, for noise in the observations is amplified by it:
///
/// ```text
/// min_W ‖Wᵀ D‖_F² + ε‖W‖_F²  subject to  w_iᵀ d_i = 1:   w_i = G⁻¹ d_i / (d_iᵀ G⁻¹ d_i),  G = D Dᵀ + ε I
/// ```
/// `ridge` is `ε` as a share of the mean eigenvalue of `D Dᵀ`. 0 is the paper's choice; a little is added in any case, for
/// atoms that do not span the space.
pub fn analytic(dictionary: &DMatrix<f32>, ridge: f32) -> DMatrix<f32> {
    // In f64: the Gram matrix may be close to singular.
    let wide = dictionary.map(f64::from);
    let mut gram = &wide * wide.transpose();
    let epsilon = (f64::from(ridge) + 1e-9) * gram.trace() / gram.nrows() as f64;
    (0..gram.nrows()).for_each(|i| gram[(i, i)] += epsilon);
    let mut weights = gram.cholesky().expect("a Gram matrix with a ridge is positive definite").solve(&wide);
    for (mut w, d) in weights.column_iter_mut().zip(wide.column_iter()) {
        let along = w.dot(&d);
        w /= along;
    }
    weights.map(|w| w as f32)
}
