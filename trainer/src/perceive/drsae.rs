//! The discriminative recurrent sparse autoencoder (Rolfe & LeCun, ICLR 2013).
//!
//! ```text
//! z⁰ = 0,   zᵗ⁺¹ = max(0, E x + S zᵗ − b)   for t = 0 … T−1
//! ρ ½‖x − D z‖² + λ‖z‖₁ − γ log softmax_y(C z / ‖z‖)   of z = zᵀ
//! ```
//! with `‖D column‖ ≤ 1`, `‖E row‖ ≤ 1.25/(T−1)` and `‖C row‖ ≤ 5`, kept by projection. First trained without labels
//! (γ = 0), then on all three criteria. The paper takes minibatches of 10 and hundreds of epochs of plain gradient
//! descent; here Adam on larger ones reaches the same errors within minutes.

use super::inference::normalise;
use crate::{
    export::Tensors,
    optim::{Adam, AdamConfig, Schedule},
    tape::{Id, ParameterSet, Shrinkage, Tape, Unrolled, Var},
    worlds::{Rng, camera::normal},
};
use anyhow::{Result, ensure};
use forethought::artifact::{self, Activation};
use nalgebra::DMatrix;
use rand::{RngExt, seq::SliceRandom};
use serde::{Deserialize, Serialize};

/// Hyper-parameters.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// `NC`, units of the code.
    pub units: usize,
    /// `T`, evaluations of the non-linearity.
    pub iterations: usize,
    /// `ρ`, weight of the reconstruction. 0, together with `sparsity` and `pretraining`, leaves a plain classifier.
    pub reconstruction: f32,
    /// `λ`, weight of the L1 norm: larger makes fewer units active at once.
    pub sparsity: f32,
    /// `γ`, weight of the classification in the second phase. 0 leaves an autoencoder, whose classifier is then trained
    /// on codes that no label has shaped.
    pub classification: f32,
    /// Bound of `‖E row‖` times `T−1`: the input must not drown what the units tell each other.
    pub encoder_bound: f32,
    /// Bound of `‖C row‖`: since codes are scaled to length 1 it limits how sure the classifier can be.
    pub classifier_bound: f32,
    /// Epochs without labels.
    pub pretraining: usize,
    /// Epochs on all criteria.
    pub epochs: usize,
    /// Images in a batch.
    pub batch: usize,
    /// Learning rate at the start of each phase; it falls to 0 along a half cosine. Adam moves all entries alike, so
    /// this is the rate of `D`, and the others have it in proportion to their bounds: `E` and `b` `1.25/(T−1)` of it, `C`
    /// 5 times. `S` is used `T−1` times and has it over the root of that.
    pub rate: f32,
    /// Added to the root mean square of Adam's gradients. Gradients of rarely lit pixels are small against it and make
    /// small steps; without it they would turn `E` away from `D` until no unit stands for a part any more.
    pub epsilon: f32,
    /// Batches between two projections: they cost little, but not nothing.
    pub projection: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            units: 400,
            iterations: 11,
            reconstruction: 5.0,
            sparsity: 0.09,
            classification: 1.0,
            encoder_bound: 1.25,
            classifier_bound: 5.0,
            pretraining: 3,
            epochs: 14,
            batch: 50,
            rate: 3e-3,
            epsilon: 5e-3,
            projection: 5,
        }
    }
}

impl Config {
    /// One sentence about the first setting that makes no sense.
    pub fn check(&self) -> Result<()> {
        let positive = [("units", self.units), ("iterations", self.iterations), ("batch", self.batch)];
        for (name, value) in positive {
            ensure!(value > 0, "drsae.{name} must be at least 1");
        }
        ensure!(self.pretraining + self.epochs > 0, "drsae.pretraining and drsae.epochs must not both be 0");
        for (name, value) in
            [("encoder_bound", self.encoder_bound), ("classifier_bound", self.classifier_bound)]
        {
            ensure!(value > 0.0, "drsae.{name} must be more than 0, not {value}");
        }
        Ok(())
    }
}

/// Images of about length 1, one a column, with a label each.
#[derive(Clone, Copy, Debug)]
pub struct Samples<'a> {
    /// The images.
    pub x: &'a DMatrix<f32>,
    /// Their labels.
    pub labels: &'a [u8],
}

/// What an epoch has come to: means over its samples.
#[derive(Clone, Copy, Debug, Default)]
pub struct Epoch {
    /// Counted through both phases.
    pub number: usize,
    /// `½‖x − D z‖²`
    pub reconstruction: f32,
    /// `‖z‖₁`
    pub l1: f32,
    /// `−log softmax_y`
    pub classification: f32,
    /// Share of the training images that were misclassified as they came.
    pub error: f32,
}

/// What is trained on which criteria.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Encoder and decoder, on reconstruction and sparsity.
    Unsupervised,
    /// Everything, on all criteria that have a weight.
    Joint,
    /// The classifier alone, on codes that stay as they are.
    ReadOut,
}

/// Encoder, decoder and classifier.
#[derive(Clone, Debug)]
pub struct DrSae {
    /// The weights.
    pub params: ParameterSet,
    e: Id,
    s: Id,
    b: Id,
    d: Id,
    c: Id,
    iterations: usize,
    /// Epochs so far.
    epochs: usize,
}

impl DrSae {
    /// Starts near ISTA with atoms that resemble images: `D` noise with a quarter of an image each, of length 1;
    /// `E = (1.25/T) Dᵀ`, `S = I − (1.25/T) DᵀD`.
    pub fn new(config: &Config, x: &DMatrix<f32>, classes: usize, rng: &mut Rng) -> Self {
        let (ny, units) = (x.nrows(), config.units);
        let deviation = 1.0 / (ny as f64).sqrt();
        let mut d = DMatrix::from_fn(ny, units, |_, _| (deviation * normal(rng)) as f32);
        for mut atom in d.column_iter_mut() {
            atom.axpy(0.25, &x.column(rng.random_range(0..x.ncols())), 1.0);
        }
        normalise(&mut d);
        let step = config.encoder_bound / config.iterations as f32;
        let s = DMatrix::identity(units, units) - step * (d.transpose() * &d);
        let uses = uses(config.iterations);
        let mut params = ParameterSet::new();
        let mut add = |name: &str, value, rate| {
            let id = params.add(name, value);
            params.set_rate(id, rate);
            id
        };
        Self {
            e: add("e", step * d.transpose(), config.encoder_bound / uses),
            s: add("s", s, 1.0 / uses.sqrt()),
            b: add("b", DMatrix::zeros(units, 1), config.encoder_bound / uses),
            d: add("d", d, 1.0),
            c: add("c", DMatrix::zeros(classes, units), config.classifier_bound),
            params,
            iterations: config.iterations,
            epochs: 0,
        }
    }

    fn encode(&self, tape: &Tape, x: Var) -> Unrolled {
        let weight = |id| tape.watch(&self.params, id);
        let drive = tape.matmul(weight(self.e), x);
        tape.unroll(drive, weight(self.s), weight(self.b), self.iterations, Shrinkage::Rectified)
    }

    fn scores(&self, tape: &Tape, z: Var) -> Var {
        tape.matmul(tape.watch(&self.params, self.c), tape.unit_columns(z))
    }

    /// Trains in two phases. `progress` sees every epoch.
    pub fn train(
        &mut self,
        config: &Config,
        samples: Samples<'_>,
        rng: &mut Rng,
        progress: &mut dyn FnMut(Epoch),
    ) -> Result<()> {
        self.run(config, (Phase::Unsupervised, config.pretraining), samples, rng, progress)?;
        self.run(config, (Phase::Joint, config.epochs), samples, rng, progress)
    }

    /// Trains for some epochs of one phase.
    pub fn run(
        &mut self,
        config: &Config,
        (phase, epochs): (Phase, usize),
        samples: Samples<'_>,
        rng: &mut Rng,
        progress: &mut dyn FnMut(Epoch),
    ) -> Result<()> {
        let total = (epochs * samples.x.ncols().div_ceil(config.batch)) as u64;
        let rate =
            Schedule::Cosine { peak: config.rate, floor: 0.0, warm_up: total.div_ceil(20).min(300), total };
        let mut adam = Adam::new(AdamConfig { rate, epsilon: config.epsilon, ..AdamConfig::default() });
        for _ in 0..epochs {
            let told = self.epoch(config, phase, samples, &mut adam, rng)?;
            self.epochs += 1;
            progress(Epoch { number: self.epochs, ..told });
        }
        self.project(config);
        Ok(())
    }

    fn epoch(
        &mut self,
        config: &Config,
        phase: Phase,
        samples: Samples<'_>,
        adam: &mut Adam,
        rng: &mut Rng,
    ) -> Result<Epoch> {
        let mut order: Vec<usize> = (0..samples.x.ncols()).collect();
        order.shuffle(rng);
        let mut tape = Tape::new();
        let mut sum = Epoch::default();
        for (number, chosen) in order.chunks(config.batch).enumerate() {
            let step = self.step(config, phase, (samples, chosen), &mut tape, adam)?;
            if number % config.projection.max(1) == 0 {
                self.project(config);
            }
            let share = chosen.len() as f32 / order.len() as f32;
            sum.reconstruction += share * step.reconstruction;
            sum.l1 += share * step.l1;
            sum.classification += share * step.classification;
            sum.error += share * step.error;
        }
        Ok(sum)
    }

    /// One step of the optimiser on the chosen samples.
    pub fn step(
        &mut self,
        config: &Config,
        phase: Phase,
        (samples, chosen): (Samples<'_>, &[usize]),
        tape: &mut Tape,
        adam: &mut Adam,
    ) -> Result<Epoch> {
        tape.clear();
        let share = 1.0 / chosen.len() as f32;
        let x = tape.columns_of(samples.x, chosen);
        let mut z = self.encode(tape, x).code;
        let mut told = Epoch::default();
        let mut criteria = Vec::new();
        if phase == Phase::ReadOut {
            z = tape.detach(z);
        } else {
            let missed = tape.sub(tape.matmul(tape.watch(&self.params, self.d), z), x);
            let reconstruction = tape.scale(tape.sum_square(missed), 0.5 * share);
            // z ≥ 0, so its L1 norm is its sum.
            let l1 = tape.scale(tape.sum(z), share);
            told.reconstruction = tape.scalar(reconstruction);
            told.l1 = tape.scalar(l1);
            criteria
                .extend([tape.scale(reconstruction, config.reconstruction), tape.scale(l1, config.sparsity)]);
        }
        if phase != Phase::Unsupervised {
            let scores = self.scores(tape, z);
            let labels = chosen.iter().map(|&i| samples.labels[i]);
            told.error = share * wrong(&tape.value(scores), labels.clone()) as f32;
            let mut hot = DMatrix::zeros(tape.shape(scores).0, chosen.len());
            labels.enumerate().for_each(|(j, label)| hot[(usize::from(label), j)] = 1.0);
            let loss = tape.log_softmax_cross_entropy(scores, tape.constant(hot));
            told.classification = tape.scalar(loss);
            let weight = if phase == Phase::Joint { config.classification } else { 1.0 };
            criteria.push(tape.scale(loss, weight));
        }
        tape.backward(tape.sum(tape.stack(&criteria)));
        adam.step(&mut self.params, tape)?;
        Ok(told)
    }

    /// Brings the weights back within their bounds.
    fn project(&mut self, config: &Config) {
        let encoder_bound = config.encoder_bound / uses(self.iterations);
        self.params[self.d].column_iter_mut().for_each(|mut atom| shorten(atom.as_mut_slice(), 1.0));
        bound_rows(&mut self.params[self.e], encoder_bound);
        bound_rows(&mut self.params[self.c], config.classifier_bound);
    }

    /// `D`, one atom a column.
    pub fn dictionary(&self) -> &DMatrix<f32> {
        &self.params[self.d]
    }

    /// The angle between what makes each unit active, its row of `E`, and what it stands for, its column of `D`, in
    /// radians. It is small for parts of an image, and large for units that stand for a whole category and are driven
    /// by others.
    pub fn angles(&self) -> Vec<f32> {
        let (e, d) = (&self.params[self.e], &self.params[self.d]);
        let cosine =
            |i: usize| e.row(i).transpose().dot(&d.column(i)) / (e.row(i).norm() * d.column(i).norm());
        (0..e.nrows()).map(|i| cosine(i).clamp(-1.0, 1.0).acos()).collect()
    }

    /// Adds the parts `perceive` and `classify`, for observations that are `1/scale` times as large as those it was
    /// trained on.
    pub fn export(&self, scale: f32, tensors: &mut Tensors) {
        let value = |id| self.params[id].clone();
        let (ny, units) = self.params[self.d].shape();
        tensors.matrix("perceive", "w_e", value(self.e) * scale);
        tensors.vector("perceive", "bias", &vec![0.0; units]);
        tensors.matrix("perceive", "s", value(self.s));
        tensors.matrix("perceive", "threshold", value(self.b));
        tensors.matrix("perceive", "dictionary", value(self.d) / scale);
        tensors.vector("perceive", "mean", &vec![0.0; ny]);
        tensors.matrix("classify", "w", value(self.c));
        tensors.vector("classify", "b", &vec![0.0; self.params[self.c].nrows()]);
    }

    /// How it runs on the chip, when the non-linearity is evaluated so many times.
    pub fn header(iterations: usize) -> artifact::Encoder {
        let iterations = iterations.saturating_sub(1) as u16;
        artifact::Encoder::Lista { iterations, activation: Activation::Rectified }
    }
}

/// How often `S` is used; at least once where it is divided by.
fn uses(iterations: usize) -> f32 {
    iterations.saturating_sub(1).max(1) as f32
}

/// How many of the columns of scores are not largest at their label.
fn wrong(scores: &DMatrix<f32>, labels: impl Iterator<Item = u8>) -> usize {
    scores.column_iter().zip(labels).filter(|(scores, label)| scores.imax() != usize::from(*label)).count()
}

fn shorten(v: &mut [f32], bound: f32) {
    let norm = v.iter().map(|v| v * v).sum::<f32>().sqrt();
    if norm > bound {
        v.iter_mut().for_each(|v| *v *= bound / norm);
    }
}

/// Row by row would jump through memory: squares are summed column by column.
fn bound_rows(matrix: &mut DMatrix<f32>, bound: f32) {
    let rows = matrix.nrows();
    let mut scales = vec![0.0f32; rows];
    for column in matrix.as_slice().chunks_exact(rows) {
        scales.iter_mut().zip(column).for_each(|(sum, v)| *sum += v * v);
    }
    scales.iter_mut().for_each(|scale| *scale = (bound / scale.sqrt().max(bound)).min(1.0));
    for column in matrix.as_mut_slice().chunks_exact_mut(rows) {
        column.iter_mut().zip(&scales).for_each(|(v, scale)| *v *= scale);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{evaluate, tasks::digits};
    use rand::SeedableRng;

    const SIDE: usize = 6;

    /// Noisy bars, whose class is their column.
    fn bars(n: usize, rng: &mut Rng) -> (DMatrix<f32>, Vec<u8>) {
        let labels: Vec<u8> = (0..n).map(|i| (i % SIDE) as u8).collect();
        let pixel = |i: usize, j: usize, rng: &mut Rng| {
            let bar = i % SIDE == usize::from(labels[j]);
            0.4 * f32::from(u8::from(bar)) + rng.random_range(0.0..0.1)
        };
        (DMatrix::from_fn(SIDE * SIDE, n, |i, j| pixel(i, j, rng)), labels)
    }

    fn small() -> Config {
        Config { units: 24, iterations: 4, pretraining: 5, epochs: 30, batch: 20, ..Config::default() }
    }

    #[test]
    fn it_learns_within_its_bounds_and_the_chip_runs_what_it_learned() {
        let rng = &mut Rng::seed_from_u64(1);
        let (x, labels) = bars(300, rng);
        let config = small();
        let mut model = DrSae::new(&config, &x, digits::CLASSES, rng);
        let mut told = Vec::new();
        model.train(&config, Samples { x: &x, labels: &labels }, rng, &mut |epoch| told.push(epoch)).unwrap();
        assert_eq!(told.len(), 35);
        assert!(told[34].reconstruction < 0.5 * told[0].reconstruction, "{told:?}");
        assert_eq!(told[34].error, 0.0);

        let weight = |id| &model.params[id];
        let within = |norm: f32, bound: f32| assert!(norm <= bound * 1.0001, "{norm} > {bound}");
        weight(model.d).column_iter().for_each(|atom| within(atom.norm(), 1.0));
        weight(model.e).row_iter().for_each(|row| within(row.norm(), config.encoder_bound / 3.0));
        weight(model.c).row_iter().for_each(|row| within(row.norm(), config.classifier_bound));

        // Observations twice as large, weights that know it.
        let (test, labels) = bars(60, rng);
        let file = digits::export(&model, config.iterations, 0.5, 0, 0).unwrap();
        let seen = evaluate::classes(&file.parse().unwrap(), &(2.0 * &test)).unwrap();
        assert_eq!(digits::error(&seen, &labels), 0.0);
        let tape = Tape::new();
        let scores = model.scores(&tape, model.encode(&tape, tape.constant(test)).code);
        let expected: Vec<usize> = tape.value(scores).column_iter().map(|scores| scores.imax()).collect();
        assert_eq!(seen, expected);
    }

    #[test]
    fn it_starts_near_ista() {
        let rng = &mut Rng::seed_from_u64(2);
        let (x, _) = bars(40, rng);
        let model = DrSae::new(&small(), &x, 10, rng);
        let (e, s, d) = (&model.params[model.e], &model.params[model.s], &model.params[model.d]);
        assert!((s - (DMatrix::identity(24, 24) - e * d)).amax() < 1e-6);
        assert!(model.angles().iter().all(|angle| angle.abs() < 1e-2));
    }

    #[test]
    fn a_setting_that_makes_no_sense_is_named() {
        let told = |config: Config| config.check().unwrap_err().to_string();
        assert_eq!(told(Config { units: 0, ..small() }), "drsae.units must be at least 1");
        assert_eq!(
            told(Config { classifier_bound: -1.0, ..small() }),
            "drsae.classifier_bound must be more than 0, not -1"
        );
    }
}
