//! Gradient descent: one step from a differentiated [`Tape`], or a refusal.
//!
//! ```
//! # use forethought_trainer::{optim::{Adam, AdamConfig, Schedule}, tape::{ParameterSet, Tape}};
//! # let (mut params, mut tape) = (ParameterSet::new(), Tape::new());
//! # let w = params.add("w", nalgebra::DMatrix::from_element(2, 2, 1.0));
//! let rate = Schedule::Cosine { peak: 0.1, floor: 0.0, warm_up: 5, total: 100 };
//! let mut adam = Adam::new(AdamConfig { rate, ..AdamConfig::default() });
//! for _ in 0..100 {
//!     tape.clear();
//!     tape.backward(tape.mean_square(tape.watch(&params, w)));
//!     let step = adam.step(&mut params, &tape)?; // step.norm, step.rate
//! }
//! assert!(params[w].norm() < 0.1);
//! # Ok::<(), forethought_trainer::optim::NonFiniteGradient>(())
//! ```
//!
//! Parameters the graph does not watch are left alone. A gradient that is not finite changes neither
//! parameters nor the optimiser's memory: the caller decides whether to skip the batch or to stop.

use std::f32::consts::PI;

use nalgebra::DMatrix;
use rayon::prelude::*;

use crate::tape::{Id, ParameterSet, Tape};

/// The learning rate as a function of the number of steps taken.
#[derive(Clone, Debug, PartialEq)]
pub enum Schedule {
    /// The same rate at every step.
    Constant(f32),
    /// Rises linearly to `peak` within `warm_up` steps, so that Adam's moments settle before the
    /// steps are large, and falls to `floor` at step `total` along half a cosine.
    Cosine {
        /// The highest rate.
        peak: f32,
        /// The rate at the end and ever after.
        floor: f32,
        /// Steps of the rise; a few percent of `total`.
        warm_up: u64,
        /// Steps of the whole training.
        total: u64,
    },
    /// `initial · factorⁿ`, where `n` of the steps listed in `at` have been passed.
    Decay {
        /// The rate before the first step listed.
        initial: f32,
        /// The factor at each step listed.
        factor: f32,
        /// The steps at which the rate falls.
        at: Vec<u64>,
    },
}

impl Schedule {
    /// The rate of step `step`, counted from 0.
    pub fn rate(&self, step: u64) -> f32 {
        match *self {
            Self::Constant(rate) => rate,
            Self::Cosine { peak, warm_up, .. } if step < warm_up => peak * (step + 1) as f32 / warm_up as f32,
            Self::Cosine { peak, floor, warm_up, total } => {
                let length = total.saturating_sub(warm_up).max(1);
                let progress = ((step - warm_up) as f32 / length as f32).min(1.0);
                floor + (peak - floor) * 0.5 * (1.0 + (PI * progress).cos())
            }
            Self::Decay { initial, factor, ref at } => {
                let passed = at.iter().filter(|&&decay| step >= decay).count();
                initial * factor.powi(passed as i32)
            }
        }
    }
}

/// What a step did.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// The norm of all gradients together, before clipping.
    pub norm: f32,
    /// The factor clipping applied to them: 1 if none.
    pub clip: f32,
    /// The learning rate used.
    pub rate: f32,
}

/// The step was refused, and nothing was changed: a gradient is infinite or not a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NonFiniteGradient {
    /// The first parameter with such a gradient.
    pub parameter: String,
}

impl std::fmt::Display for NonFiniteGradient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the gradient of `{}` is not finite", self.parameter)
    }
}

impl std::error::Error for NonFiniteGradient {}

/// The settings of [`Adam`].
#[derive(Clone, Debug, PartialEq)]
pub struct AdamConfig {
    /// How far a parameter moves per step, as long as its gradients agree. Default 1e-3: works for
    /// networks of this size (tens to hundreds of units) more often than not.
    pub rate: Schedule,
    /// Decay of the mean gradient. Default 0.9: averages over about 10 steps. GANs prefer 0 to 0.5.
    pub beta1: f32,
    /// Decay of the mean squared gradient. Default 0.999: averages over about 1000 steps; take 0.99
    /// where gradients change scale within a short training.
    pub beta2: f32,
    /// Added to the root of the mean squared gradient: gradients well below it make small steps.
    /// Default 1e-8, the paper's: practically none.
    pub epsilon: f32,
    /// The largest norm of all gradients together; larger ones are scaled down to it. Default none.
    /// A policy trained through a model over a long horizon wants about 1: its gradients explode now
    /// and then.
    pub clip: Option<f32>,
}

impl Default for AdamConfig {
    fn default() -> Self {
        let rate = Schedule::Constant(1e-3);
        Self { rate, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, clip: None }
    }
}

/// Adam (Kingma & Ba 2015, algorithm 1): steps along the mean gradient, each entry in units of the
/// root of its mean square.
#[derive(Clone, Debug)]
pub struct Adam {
    /// May be changed between steps.
    pub config: AdamConfig,
    step: u64,
    moments: Vec<Moments>,
}

/// What Adam remembers of one parameter; empty until its first gradient.
#[derive(Clone, Debug, Default)]
struct Moments {
    /// Gradients seen: a parameter which joins late needs its own bias correction.
    count: i32,
    mean: Vec<f32>,
    square: Vec<f32>,
}

impl Adam {
    /// An optimiser without memory; it serves one [`ParameterSet`].
    pub fn new(config: AdamConfig) -> Self {
        Self { config, step: 0, moments: Vec::new() }
    }

    /// With a constant rate, and else the defaults.
    pub fn with_rate(rate: f32) -> Self {
        Self::new(AdamConfig { rate: Schedule::Constant(rate), ..AdamConfig::default() })
    }

    /// One step down the gradient of the tape's last [`backward`](Tape::backward):
    ///
    /// ```text
    /// m ← β₁ m + (1 − β₁) g      m̂ = m / (1 − β₁ᵗ)
    /// v ← β₂ v + (1 − β₂) g²     v̂ = v / (1 − β₂ᵗ)      p ← p − rate · m̂ / (√v̂ + ε)
    /// ```
    ///
    /// # Errors
    /// If a gradient is not finite; nothing is changed then.
    pub fn step(&mut self, params: &mut ParameterSet, tape: &Tape) -> Result<Step, NonFiniteGradient> {
        let AdamConfig { beta1, beta2, epsilon, clip, .. } = self.config;
        let report = prepare(params, tape, self.config.rate.rate(self.step), clip)?;
        self.step += 1;
        for (moments, id) in for_each_parameter(&mut self.moments, params) {
            let Some(gradient) = tape.gradient_of(params, id) else { continue };
            moments.mean.resize(gradient.len(), 0.0);
            moments.square.resize(gradient.len(), 0.0);
            moments.count += 1;
            let rate = report.rate * params.rate(id) / (1.0 - beta1.powi(moments.count));
            let unbias = 1.0 / (1.0 - beta2.powi(moments.count));
            let update = |p: &mut [f32], g: &[f32], m: &mut [f32], v: &mut [f32]| {
                for ((p, g), (m, v)) in p.iter_mut().zip(g).zip(m.iter_mut().zip(v)) {
                    let g = g * report.clip;
                    *m = beta1 * *m + (1.0 - beta1) * g;
                    *v = beta2 * *v + (1.0 - beta2) * g * g;
                    *p -= rate * *m / ((*v * unbias).sqrt() + epsilon);
                }
            };
            let values = params[id].as_mut_slice().par_chunks_mut(SHARE);
            let memory = moments.mean.par_chunks_mut(SHARE).zip(moments.square.par_chunks_mut(SHARE));
            let shares = values.zip(gradient.as_slice().par_chunks(SHARE)).zip(memory);
            shares.for_each(|((p, g), (m, v))| update(p, g, m, v));
        }
        Ok(report)
    }
}

/// The settings of [`Sgd`].
#[derive(Clone, Debug, PartialEq)]
pub struct SgdConfig {
    /// The step per unit of gradient. Default 1e-2: depends on the loss's scale, so try powers of 10.
    pub rate: Schedule,
    /// How much of the last step is taken again. Default 0.9: steps along a steady gradient become
    /// 10 times as long, and those across a valley cancel. 0 is plain descent.
    pub momentum: f32,
    /// Nesterov's variant looks ahead along the velocity, which damps oscillation. Default false.
    pub nesterov: bool,
    /// As [`AdamConfig::clip`]. Default none.
    pub clip: Option<f32>,
}

impl Default for SgdConfig {
    fn default() -> Self {
        Self { rate: Schedule::Constant(1e-2), momentum: 0.9, nesterov: false, clip: None }
    }
}

/// Stochastic gradient descent with momentum.
#[derive(Clone, Debug)]
pub struct Sgd {
    /// May be changed between steps.
    pub config: SgdConfig,
    step: u64,
    /// By parameter; empty until its first gradient.
    velocities: Vec<Vec<f32>>,
}

impl Sgd {
    /// An optimiser without memory; it serves one [`ParameterSet`].
    pub fn new(config: SgdConfig) -> Self {
        Self { config, step: 0, velocities: Vec::new() }
    }

    /// One step down the gradient of the tape's last [`backward`](Tape::backward):
    ///
    /// ```text
    /// v ← μ v + g      p ← p − rate · v          (Nesterov: p ← p − rate · (g + μ v))
    /// ```
    ///
    /// # Errors
    /// If a gradient is not finite; nothing is changed then.
    pub fn step(&mut self, params: &mut ParameterSet, tape: &Tape) -> Result<Step, NonFiniteGradient> {
        let SgdConfig { momentum, nesterov, clip, .. } = self.config;
        let report = prepare(params, tape, self.config.rate.rate(self.step), clip)?;
        self.step += 1;
        for (velocity, id) in for_each_parameter(&mut self.velocities, params) {
            let Some(gradient) = tape.gradient_of(params, id) else { continue };
            velocity.resize(gradient.len(), 0.0);
            let rate = report.rate * params.rate(id);
            let (of_g, of_v) = if nesterov { (1.0, momentum) } else { (0.0, 1.0) };
            let values = params[id].as_mut_slice().iter_mut().zip(gradient.as_slice());
            for ((p, g), v) in values.zip(velocity) {
                let g = g * report.clip;
                *v = momentum * *v + g;
                *p -= rate * (of_g * g + of_v * *v);
            }
        }
        Ok(report)
    }
}

/// Entries that one thread updates at a time: much more than waking it costs, and little enough for the cache.
const SHARE: usize = 1 << 15;

/// Pairs each parameter with what the optimiser remembers of it.
fn for_each_parameter<'a, M: Default>(
    memory: &'a mut Vec<M>,
    params: &ParameterSet,
) -> impl Iterator<Item = (&'a mut M, Id)> + use<'a, M> {
    let ids = params.ids();
    memory.resize_with(params.ids().count(), M::default);
    memory.iter_mut().zip(ids)
}

/// Checks all gradients before anything is changed, and finds the clipping factor.
fn prepare(
    params: &ParameterSet,
    tape: &Tape,
    rate: f32,
    clip: Option<f32>,
) -> Result<Step, NonFiniteGradient> {
    let mut square_sum = 0.0;
    for id in params.ids() {
        let Some(gradient) = tape.gradient_of(params, id) else { continue };
        let square = square_norm(&gradient);
        if !square.is_finite() {
            return Err(NonFiniteGradient { parameter: params.name(id).to_owned() });
        }
        square_sum += square;
    }
    tape.retire(params);
    let norm = square_sum.sqrt() as f32;
    let clip = clip.map_or(1.0, |largest| if norm > largest { largest / norm } else { 1.0 });
    Ok(Step { norm, clip, rate })
}

/// `Σ g²` in f64, which finite f32 entries cannot overflow. However many threads there are, the order is the same.
fn square_norm(gradient: &DMatrix<f32>) -> f64 {
    let shares: Vec<f64> = gradient.as_slice().par_chunks(SHARE).map(square_sum).collect();
    shares.iter().sum()
}

/// The same of a part, in eight lanes.
fn square_sum(gradient: &[f32]) -> f64 {
    let (blocks, rest) = gradient.as_chunks::<8>();
    let mut lanes = [0.0f64; 8];
    for block in blocks {
        for (lane, &g) in lanes.iter_mut().zip(block) {
            *lane += f64::from(g) * f64::from(g);
        }
    }
    lanes.iter().sum::<f64>() + rest.iter().map(|&g| f64::from(g).powi(2)).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `loss = Σ w_i (p_i − t_i)²` with curvatures from 1 to 25; its minimum is `t`.
    fn descend(
        steps: usize,
        mut step: impl FnMut(&mut ParameterSet, &Tape) -> Result<Step, NonFiniteGradient>,
    ) -> f32 {
        let target = DMatrix::from_column_slice(3, 1, &[1.0, -2.0, 0.5]);
        let mut params = ParameterSet::new();
        let p = params.add("p", DMatrix::zeros(3, 1));
        let mut tape = Tape::new();
        for _ in 0..steps {
            tape.clear();
            let error = tape.sub(tape.watch(&params, p), tape.constant(target.clone()));
            let weights = tape.constant(DMatrix::from_column_slice(3, 1, &[1.0, 5.0, 25.0]));
            tape.backward(tape.weighted_square(error, weights));
            step(&mut params, &tape).unwrap();
        }
        (&params[p] - target).amax()
    }

    #[test]
    fn adam_solves_a_quadratic() {
        let rate = Schedule::Cosine { peak: 0.1, floor: 0.0, warm_up: 10, total: 500 };
        let mut adam = Adam::new(AdamConfig { rate, ..AdamConfig::default() });
        assert!(descend(500, |params, tape| adam.step(params, tape)) < 1e-3);
    }

    #[test]
    fn sgd_solves_a_quadratic_with_and_without_nesterov() {
        for nesterov in [false, true] {
            let mut sgd = Sgd::new(SgdConfig { nesterov, ..SgdConfig::default() });
            assert!(descend(300, |params, tape| sgd.step(params, tape)) < 1e-4);
        }
    }

    #[test]
    fn the_first_adam_step_has_the_length_of_the_rate() {
        let mut adam = Adam::with_rate(0.25);
        let error = descend(1, |params, tape| adam.step(params, tape));
        assert!((error - (2.0 - 0.25)).abs() < 1e-6, "{error}");
    }

    #[test]
    fn a_parameter_may_have_a_rate_of_its_own() {
        let mut params = ParameterSet::new();
        let (fast, slow) =
            (params.add("fast", DMatrix::zeros(1, 1)), params.add("slow", DMatrix::zeros(1, 1)));
        params.set_rate(slow, 0.25);
        let slopes = |params: &ParameterSet| {
            let tape = Tape::new();
            tape.backward(tape.sum(tape.stack(&[tape.watch(params, fast), tape.watch(params, slow)])));
            tape
        };
        let tape = slopes(&params);
        Adam::with_rate(0.4).step(&mut params, &tape).unwrap();
        assert!((params[slow][0] / params[fast][0] - 0.25).abs() < 1e-6);
        let tape = slopes(&params);
        let mut sgd = Sgd::new(SgdConfig { rate: Schedule::Constant(0.4), ..SgdConfig::default() });
        sgd.step(&mut params, &tape).unwrap();
        assert!((params[fast][0] + 0.8).abs() < 1e-6 && (params[slow][0] + 0.2).abs() < 1e-6);
    }

    /// A tape whose loss has gradient `(g, g)`.
    fn slope(params: &ParameterSet, p: Id, g: f32) -> Tape {
        let tape = Tape::new();
        tape.backward(tape.sum(tape.scale(tape.watch(params, p), g)));
        tape
    }

    #[test]
    fn clipping_limits_the_global_norm() {
        let mut params = ParameterSet::new();
        let p = params.add("p", DMatrix::zeros(2, 1));
        let rate = Schedule::Constant(1.0);
        let mut sgd = Sgd::new(SgdConfig { rate, clip: Some(1.0), ..SgdConfig::default() });
        let tape = slope(&params, p, 30.0);
        let step = sgd.step(&mut params, &tape).unwrap();
        assert!((step.norm - 30.0 * 2.0f32.sqrt()).abs() < 1e-4);
        assert!((params[p].norm() - 1.0).abs() < 1e-6);
    }

    #[test]
    fn a_gradient_that_is_not_finite_is_refused() {
        let mut params = ParameterSet::new();
        let fine = params.add("fine", DMatrix::zeros(2, 1));
        let p = params.add("broken", DMatrix::zeros(2, 1));
        let mut adam = Adam::with_rate(0.1);
        for bad in [f32::NAN, f32::INFINITY] {
            let tape = Tape::new();
            let sum = tape.add(tape.watch(&params, fine), tape.scale(tape.watch(&params, p), bad));
            tape.backward(tape.sum(sum));
            let refusal = adam.step(&mut params, &tape).unwrap_err();
            assert_eq!(refusal.parameter, "broken");
            assert_eq!(params[fine], DMatrix::zeros(2, 1));
        }
        // The refusals left no trace: the next step is like a first one.
        let tape = slope(&params, p, 3.0);
        adam.step(&mut params, &tape).unwrap();
        assert!((params[p][0] + 0.1).abs() < 1e-6);
    }

    #[test]
    fn schedules() {
        let cosine = Schedule::Cosine { peak: 1.0, floor: 0.1, warm_up: 4, total: 104 };
        assert_eq!(cosine.rate(0), 0.25);
        assert_eq!(cosine.rate(4), 1.0);
        assert!((cosine.rate(54) - 0.55).abs() < 1e-6);
        assert_eq!(cosine.rate(1000), 0.1);
        let decay = Schedule::Decay { initial: 1.0, factor: 0.5, at: vec![10, 20] };
        assert_eq!([9, 10, 20].map(|step| decay.rate(step)), [1.0, 0.5, 0.25]);
    }
}
