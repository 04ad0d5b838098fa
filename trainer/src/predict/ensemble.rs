//! An ensemble of forward models that say how far they can be trusted.
//!
//! ```text
//! member m:    (μ, v) of the change, in units of a typical change;  error e = μ − change
//! β-NLL:       ⌊exp(v)⌋^β · ½ (v + e² exp(−v)),   ⌊·⌋ a constant    (Seitzer et al. 2022)
//! ```
//! The plain likelihood (β = 0) gives up where it fits badly, as it divides errors by the variance that they have caused;
//! β = ½ does not. Members differ in their start (Lakshminarayanan et al. 2017), in their data: each has
//! a resample of its own, with replacement, so that they also disagree by what other data would have said; and in their priors:
//!
//! ```text
//! μ(x) = trained(x) + κ · prior(x),   prior: a random network that is never trained    (Osband, Aslanides & Cassirer 2018)
//! ```
//! Where there is data the trained part learns to take the prior back; elsewhere nothing does, and the members disagree by it.
//! Both are two layers of tanh units, so in the file they are one network whose matrices are the two's side by side. With
//! dropout there is one set of weights, no prior, and members are its fixed masks (Gal & Ghahramani 2016): folded into copies of the
//! weights they are an ensemble like any other, and run by the same kernel.
//!
//! Members that have seen the same data are too sure in the same way, so in the end one factor for each component of the
//! state brings the aleatoric variance to what a validation part shows.

use super::{Foresee, Learned, Step, transitions::Transitions};
use crate::{
    export::{Tensors, WeightFile},
    mind,
    network::{Input, Trunk, Weights},
    optim::{Adam, AdamConfig, Schedule},
    tape::{ParameterSet, Tape, Var},
    worlds::Rng,
};
use anyhow::{Result, ensure};
use forethought::{
    agent::{Mode, Reading},
    artifact::{Artifact, Header, MEMBERS, Model, Provenance, Sensors, Sizes},
    predict::ensemble::PARTS,
};
use nalgebra::DMatrix;
use rand::RngExt;
use serde::{Deserialize, Serialize};

/// Hyper-parameters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Units of each hidden layer of a member.
    pub hidden: usize,
    /// Members, at most 6. Disagreement needs several; beyond 5 little is gained.
    pub members: usize,
    /// Share of hidden units that are dropped; 0 for members with weights of their own.
    pub dropout: f32,
    /// Transitions in a batch.
    pub batch: usize,
    /// Steps of Adam for each member.
    pub steps: usize,
    /// Learning rate at the start; it falls to 0 along a half cosine.
    pub rate: f32,
    /// κ: the deviation of a prior in units of a typical change; 0 for none. Larger: more doubt off the data, and more
    /// that has to be learned away on it, which takes more steps.
    pub prior: f32,
    /// Hidden units of a prior. They are in the file beside the trained ones, so they cost time on the chip.
    pub prior_hidden: usize,
    /// What a prior's inputs are multiplied with. Smaller: a smoother prior, which less training takes back.
    pub prior_width: f32,
    /// How much of its variance a sample's weight keeps: 0 is the likelihood, 1 the squared error.
    pub beta: f32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            hidden: 32,
            members: 5,
            dropout: 0.0,
            batch: 128,
            steps: 2500,
            rate: 5e-3,
            prior: 6.0,
            prior_hidden: 16,
            prior_width: 0.5,
            beta: 0.5,
        }
    }
}

impl Config {
    fn has_priors(&self) -> bool {
        self.dropout == 0.0 && self.prior > 0.0
    }

    /// Hidden units of a member in the file.
    pub fn hidden(&self) -> usize {
        self.hidden + if self.has_priors() { self.prior_hidden } else { 0 }
    }
}

/// A network and its weights.
type Layers = (ParameterSet, Trunk<3>);

/// Members in training.
#[derive(Clone, Debug)]
pub struct Ensemble {
    config: Config,
    /// Weights; one set for all members with dropout.
    members: Vec<Layers>,
    /// What is added to each member's means and never trained; none with dropout.
    priors: Vec<Layers>,
    /// What each member multiplies its hidden layers with when it is exported.
    masks: Vec<[Vec<f32>; 2]>,
    /// A typical change of each component.
    scale: Vec<f32>,
    /// What the aleatoric variances are multiplied with.
    calibration: Vec<f32>,
}

/// What an exported ensemble says of one transition.
#[derive(Clone, Debug, PartialEq)]
pub struct Prediction {
    /// The mean of the next state.
    pub next: Vec<f32>,
    /// Variance of the world.
    pub aleatoric: Vec<f32>,
    /// Variance of the members' means.
    pub epistemic: Vec<f32>,
}

impl Prediction {
    /// The whole variance of component `i`.
    pub fn variance(&self, i: usize) -> f32 {
        self.aleatoric[i] + self.epistemic[i]
    }
}

/// The shares of a Gaussian that are looked at, and how many deviations hold them.
pub const LEVELS: [(f64, f32); 3] = [(0.5, 0.674_49), (0.8, 1.281_55), (0.95, 1.959_96)];

impl Ensemble {
    /// Untrained members, with scales taken from the data.
    pub fn new(config: &Config, data: &Transitions, rng: &mut Rng) -> Result<Self> {
        ensure!(
            (1..=MEMBERS).contains(&config.members),
            "members is {}, but an ensemble has 1 to {MEMBERS}",
            config.members
        );
        ensure!(config.prior >= 0.0, "prior is {}, not 0 or more", config.prior);
        ensure!(config.prior_width > 0.0, "prior_width is {}, not above 0", config.prior_width);
        ensure!((0.0..1.0).contains(&config.dropout), "dropout is {}, not from 0 to below 1", config.dropout);
        let [x, s, u, scale] = data.scales();
        let mut layers = |hidden: usize, width: f32, outputs: Vec<f32>| {
            let inputs = [("w_x", &x), ("w_s", &s), ("w_u", &u)];
            let inputs = inputs.map(|(name, scale)| Input {
                name,
                scale: scale.iter().map(|scale| scale / width).collect(),
            });
            let mut params = ParameterSet::new();
            let trunk = Trunk::new(&mut params, inputs, hidden, outputs, rng);
            (params, trunk)
        };
        let outputs = [scale.clone(), vec![1.0; scale.len()]].concat();
        let own = if config.dropout > 0.0 { 1 } else { config.members };
        let members = (0..own).map(|_| layers(config.hidden, 1.0, outputs.clone())).collect();
        // The output's weights start small, at a tenth; a prior says nothing of variances.
        let unsure = scale.iter().map(|scale| 10.0 * config.prior * scale);
        let unsure: Vec<_> = unsure.chain(vec![0.0; scale.len()]).collect();
        let own = if config.has_priors() { config.members } else { 0 };
        let priors =
            (0..own).map(|_| layers(config.prior_hidden, config.prior_width, unsure.clone())).collect();
        let masks = (0..config.members).map(|_| [(); 2].map(|()| mask(config, rng))).collect();
        Ok(Self {
            config: config.clone(),
            members,
            priors,
            masks,
            calibration: vec![1.0; scale.len()],
            scale,
        })
    }

    /// Trains all members. `progress` sees the member, the step and its loss.
    pub fn train(
        &mut self,
        data: &Transitions,
        rng: &mut Rng,
        mut progress: impl FnMut(usize, usize, f32),
    ) -> Result<()> {
        let Config { steps, rate, batch, .. } = self.config;
        let mut tape = Tape::new();
        for m in 0..self.members.len() {
            let rate = Schedule::Cosine { peak: rate, floor: 0.0, warm_up: 20, total: steps as u64 };
            let mut adam = Adam::new(AdamConfig { rate, ..AdamConfig::default() });
            let own = if self.members.len() > 1 { data.draw(data.len(), rng) } else { data.clone() };
            for step in 0..steps {
                tape.clear();
                let loss = self.loss(&tape, m, &own.draw(batch, rng), rng);
                progress(m, step, tape.scalar(loss));
                tape.backward(loss);
                adam.step(&mut self.members[m].0, &tape)?;
            }
        }
        Ok(())
    }

    /// β-NLL of one member on a batch.
    fn loss(&self, tape: &Tape, m: usize, data: &Transitions, rng: &mut Rng) -> Var {
        let (values, sines) = crate::network::lift(tape, data.angles, tape.constant(data.states.clone()));
        let inputs = [values, sines, tape.constant(data.actions.clone())];
        // A mask for every sample.
        let masks = [(); 2].map(|()| {
            let columns: Vec<_> = (0..data.len()).flat_map(|_| mask(&self.config, rng)).collect();
            DMatrix::from_vec(self.config.hidden, data.len(), columns)
        });
        let out = self.outputs((tape, false), m, inputs, |layer, h| {
            if self.config.dropout > 0.0 { tape.mul(h, tape.constant(masks[layer].clone())) } else { h }
        });
        let nx = self.scale.len();
        let error = tape.sub(tape.rows(out, 0, nx), tape.constant(data.changes.clone()));
        let inverse = DMatrix::from_iterator(nx, 1, self.scale.iter().map(|s| 1.0 / s));
        likelihood(
            tape,
            tape.mul_col(error, tape.constant(inverse)),
            tape.rows(out, nx, nx),
            self.config.beta,
        )
    }

    /// Finds what the aleatoric variances must be multiplied with, so that intervals hold what they promise on data that
    /// was not trained on. `file` is the ensemble, exported before.
    pub fn calibrate(&mut self, file: &WeightFile, validation: &Transitions) -> Result<()> {
        let predictions = predict(&file.parse()?, validation)?;
        for i in 0..self.scale.len() {
            let miss = |factor: f32| {
                let covered = |deviations: f32| {
                    let held = predictions.iter().enumerate().filter(|(j, p)| {
                        let variance = factor * p.aleatoric[i] + p.epistemic[i];
                        error(validation, *j, p, i).abs() < deviations * variance.sqrt()
                    });
                    held.count() as f64 / predictions.len() as f64
                };
                LEVELS.iter().map(|&(share, deviations)| (covered(deviations) - share).abs()).sum::<f64>()
            };
            let factors = (-60..=60).map(|k| (k as f32 / 30.0).exp());
            let best = factors.min_by(|a, b| miss(*a).total_cmp(&miss(*b)));
            self.calibration[i] *= best.unwrap_or(1.0);
        }
        Ok(())
    }

    /// The weight file of the ensemble alone.
    pub fn weight_file(&self, data: &Transitions, task: &str, seed: u64) -> Result<WeightFile> {
        let mut tensors = Tensors::default();
        self.export(&mut tensors);
        let (low, high) = data.ranges();
        tensors.vector("range", "low", &low);
        tensors.vector("range", "high", &high);
        let sizes = Sizes {
            state: data.states.nrows() as u16,
            action: data.actions.nrows() as u16,
            hidden: self.config.hidden() as u16,
            ..Sizes::default()
        };
        let provenance = Provenance { trainer: env!("CARGO_PKG_VERSION"), task, seed, data: data.digest() };
        let sensors = Sensors { low: -1e6, high: 1e6 };
        tensors.pack(Header::model(sizes, data.angles, sensors, self.kind(), provenance))
    }

    /// What a unit of each component's variance costs, where not to know the next state by a typical change costs `price`.
    pub fn doubt(&self, price: f32) -> Vec<f32> {
        self.scale.iter().map(|scale| price / (scale * scale)).collect()
    }

    /// Means and logarithms of variances of one member on a batch, its prior included; `masked` sees its hidden layers.
    fn outputs(
        &self,
        (tape, frozen): (&Tape, bool),
        m: usize,
        inputs: [Var; 3],
        masked: impl Fn(usize, Var) -> Var,
    ) -> Var {
        let (params, trunk) = &self.members[m % self.members.len()];
        let out = trunk.forward_through(Weights { tape, params, frozen }, inputs, masked);
        match self.priors.get(m) {
            Some((params, prior)) => {
                tape.add(out, prior.forward(Weights { tape, params, frozen: true }, inputs))
            }
            None => out,
        }
    }
}

/// Each unrolling believes in one member, so what comes of it is paid for with what they disagree about.
impl Foresee for Ensemble {
    fn unroll<'a>(&'a self, rng: &mut Rng) -> Step<'a> {
        let m = rng.random_range(0..self.config.members);
        Box::new(move |tape, x, (values, sines), u| {
            let out = self.outputs((tape, true), m, [values, sines, u], |layer, h| {
                if self.config.dropout == 0.0 {
                    return h;
                }
                let mask = &self.masks[m][layer];
                tape.mul_col(h, tape.constant(DMatrix::from_column_slice(mask.len(), 1, mask)))
            });
            tape.add(x, tape.rows(out, 0, self.scale.len()))
        })
    }
}

impl Learned for Ensemble {
    fn kind(&self) -> Model {
        Model::Ensemble { members: self.config.members as u16 }
    }

    fn sizes(&self) -> (usize, usize) {
        (self.config.hidden(), 0)
    }

    fn export(&self, tensors: &mut Tensors) {
        for ((m, part), masks) in PARTS.iter().enumerate().zip(&self.masks) {
            let (params, trunk) = &self.members[m % self.members.len()];
            trunk.export(params, part, tensors);
            for (name, mask) in ["w_h", "w_o"].into_iter().zip(masks) {
                let mut w = tensors.take(part, name).expect("it was exported");
                w.column_iter_mut().zip(mask).for_each(|(mut column, factor)| column *= *factor);
                tensors.matrix(part, name, w);
            }
            if let Some((params, prior)) = self.priors.get(m) {
                let mut other = Tensors::default();
                prior.export(params, part, &mut other);
                beside(tensors, other, part);
            }
            tensors.matrix(part, "w_z", DMatrix::zeros(self.config.hidden(), 0));
            // From units of a typical change to those of the state.
            let mut bias = tensors.take(part, "b_o").expect("it was exported");
            let units = self.scale.iter().zip(&self.calibration).map(|(s, c)| (s * s * c).ln());
            bias.iter_mut().skip(self.scale.len()).zip(units).for_each(|(bias, unit)| *bias += unit);
            tensors.matrix(part, "b_o", bias);
        }
    }
}

/// Makes one network of two that see the same inputs: its output is the sum of theirs.
fn beside(tensors: &mut Tensors, mut other: Tensors, part: &'static str) {
    // Whether the second's rows and columns come after the first's, or on top of them.
    let places = [
        (["w_x", "w_s", "w_u", "b1", "b2"].as_slice(), (true, false)),
        (&["w_h"], (true, true)),
        (&["w_o"], (false, true)),
        (&["b_o"], (false, false)),
    ];
    for (names, (below, right)) in places {
        for name in names {
            let [first, second] =
                [&mut *tensors, &mut other].map(|t| t.take(part, name).expect("it was exported"));
            let at = (if below { first.nrows() } else { 0 }, if right { first.ncols() } else { 0 });
            let mut both = DMatrix::zeros(at.0 + second.nrows(), at.1 + second.ncols());
            both.view_mut((0, 0), first.shape()).copy_from(&first);
            for row in 0..second.nrows() {
                for col in 0..second.ncols() {
                    both[(at.0 + row, at.1 + col)] += second[(row, col)];
                }
            }
            tensors.matrix(part, name, both);
        }
    }
}

/// `⌊exp(v)⌋^β · ½ (v + e² exp(−v))`, the mean over all entries.
fn likelihood(tape: &Tape, error: Var, v: Var, beta: f32) -> Var {
    // A variance below e⁻¹² of a typical change is rounding.
    let v = tape.clamp(v, -12.0, 8.0);
    let misfit = tape.mul(tape.square(error), tape.exp(tape.scale(v, -1.0)));
    let weight = tape.detach(tape.exp(tape.scale(v, beta)));
    tape.scale(tape.mean(tape.mul(weight, tape.add(v, misfit))), 0.5)
}

/// What hidden units are multiplied with: nothing for the dropped ones, the others the more.
fn mask(config: &Config, rng: &mut Rng) -> Vec<f32> {
    if config.dropout == 0.0 {
        return vec![1.0; config.hidden];
    }
    let kept = 1.0 / (1.0 - config.dropout);
    (0..config.hidden).map(|_| if rng.random::<f32>() < config.dropout { 0.0 } else { kept }).collect()
}

/// What an exported ensemble says of each transition, by the kernels of the chip.
pub fn predict(artifact: &Artifact<'_>, data: &Transitions) -> Result<Vec<Prediction>> {
    let mut mind = mind::load(artifact)?;
    let nx = artifact.sizes().nx();
    let inputs = data.states.column_iter().zip(data.actions.column_iter());
    let one = |(x, u): (nalgebra::DVectorView<'_, f32>, nalgebra::DVectorView<'_, f32>)| {
        let asked: Vec<_> = x.iter().chain(u.iter()).copied().collect();
        let (answer, _, refused) = mind.step(Reading::Sensors(&asked), Mode::Plan);
        refused.map_or(Ok(()), Err)?;
        let part = |k: usize| answer[k * nx..(k + 1) * nx].to_vec();
        Ok(Prediction { next: part(0), aleatoric: part(1), epistemic: part(2) })
    };
    inputs.map(one).collect()
}

/// How far transition `j` ended from where it was predicted to.
pub fn error(data: &Transitions, j: usize, prediction: &Prediction, i: usize) -> f32 {
    let error = data.states[(i, j)] + data.changes[(i, j)] - prediction.next[i];
    if data.angles.contains(i) { forethought::math::wrap(error) } else { error }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        tape::check::{check_gradients, random},
        worlds::camera::normal,
    };
    use forethought::feature::Angles;
    use rand::SeedableRng;

    #[test]
    fn the_likelihoods_slope_matches_finite_differences() {
        // The weight is a constant, so its exponent must be 0 for a difference to say the same.
        check_gradients(&[random(2, 5, 1), random(2, 5, 2)], |tape, vars| {
            likelihood(tape, vars[0], vars[1], 0.0)
        });
    }

    /// `s' = ½ s + σ ε` with σ = 0.1, or 0.4 where s > 0.
    fn noisy(n: usize, rng: &mut Rng) -> Transitions {
        let states = DMatrix::from_fn(1, n, |_, _| rng.random_range(-1.0..1.0_f32));
        let changes = states.map(|s| -0.5 * s + if s > 0.0 { 0.4 } else { 0.1 } * normal(rng) as f32);
        Transitions { angles: Angles(0), states, actions: DMatrix::zeros(0, n), changes }
    }

    #[test]
    fn the_worlds_noise_is_found_by_members_and_by_masks() {
        for dropout in [0.0, 0.1] {
            let mut rng = Rng::seed_from_u64(2);
            let (data, validation) = (noisy(2000, &mut rng), noisy(1000, &mut rng));
            let config = Config { hidden: 16, steps: 600, dropout, ..Config::default() };
            let mut ensemble = Ensemble::new(&config, &data, &mut rng).expect("an ensemble");
            ensemble.train(&data, &mut rng, |_, _, _| ()).expect("trained");
            let before = ensemble.weight_file(&data, "noisy", 2).expect("exported");
            ensemble.calibrate(&before, &validation).expect("calibrated");
            let file = ensemble.weight_file(&data, "noisy", 2).expect("exported");
            let mut asked = noisy(2, &mut rng);
            asked.states.copy_from_slice(&[-0.5, 0.5]);
            let said = predict(&file.parse().expect("an artifact"), &asked).expect("predictions");
            let deviation = |j: usize| said[j].aleatoric[0].sqrt();
            assert!((deviation(0) - 0.1).abs() < 0.04 && (deviation(1) - 0.4).abs() < 0.08, "{said:?}");
            assert!((said[0].next[0] + 0.25).abs() < 0.1 && (said[1].next[0] - 0.25).abs() < 0.1);
        }
    }

    #[test]
    fn untrained_members_disagree_by_their_priors_and_the_file_has_both() {
        let mut rng = Rng::seed_from_u64(6);
        let data = noisy(200, &mut rng);
        let doubt = |prior: f32| {
            let config = Config { hidden: 8, prior, ..Config::default() };
            let ensemble = Ensemble::new(&config, &data, &mut Rng::seed_from_u64(6)).expect("an ensemble");
            let file = ensemble.weight_file(&data, "noisy", 6).expect("exported");
            let said = predict(&file.parse().expect("an artifact"), &data).expect("predictions");
            // What the tape makes of the same members.
            let tape = Tape::new();
            let (values, sines) =
                crate::network::lift(&tape, data.angles, tape.constant(data.states.clone()));
            let inputs = [values, sines, tape.constant(data.actions.clone())];
            let all = ensemble.members.iter().chain(&ensemble.priors);
            let sums = all.map(|(params, trunk)| {
                (*tape.value(trunk.forward(Weights { tape: &tape, params, frozen: true }, inputs))).clone()
            });
            let sum = sums.reduce(|a, b| a + b).expect("members");
            for (j, said) in said.iter().enumerate() {
                let mean = data.states[j] + sum[(0, j)] / 5.0;
                assert!((said.next[0] - mean).abs() < 1e-4 * (1.0 + mean.abs()), "{said:?}, {mean}");
            }
            said.iter().map(|p| p.epistemic[0].sqrt()).sum::<f32>() / said.len() as f32
        };
        let (none, some, more) = (doubt(0.0), doubt(2.0), doubt(4.0));
        assert!(some > 5.0 * none && more > 1.5 * some, "{none} {some} {more}");
    }

    #[test]
    fn each_unrolling_believes_in_one_member_and_their_mean_is_the_files() {
        let mut rng = Rng::seed_from_u64(8);
        let data = noisy(3, &mut rng);
        for dropout in [0.0, 0.3] {
            let config = Config { hidden: 8, dropout, members: 4, ..Config::default() };
            let ensemble = Ensemble::new(&config, &data, &mut rng).expect("an ensemble");
            let file = ensemble.weight_file(&data, "noisy", 8).expect("exported");
            let said = predict(&file.parse().expect("an artifact"), &data).expect("predictions");
            let tape = Tape::new();
            let (x, u) = (tape.constant(data.states.clone()), tape.constant(data.actions.clone()));
            let lifted = crate::network::lift(&tape, data.angles, x);
            let mut beliefs: Vec<Vec<f32>> = Vec::new();
            for _ in 0..100 {
                let next = ensemble.unroll(&mut rng)(&tape, x, lifted, u);
                let next = tape.value(next).as_slice().to_vec();
                if !beliefs.contains(&next) {
                    beliefs.push(next);
                }
            }
            assert_eq!(beliefs.len(), 4);
            for (j, said) in said.iter().enumerate() {
                let mean = beliefs.iter().map(|next| next[j]).sum::<f32>() / 4.0;
                assert!((said.next[0] - mean).abs() < 1e-4 * (1.0 + mean.abs()), "{said:?}, {mean}");
            }
        }
    }

    #[test]
    fn doubt_shrinks_with_data_and_the_noise_does_not() {
        let said = |n: usize| {
            let mut rng = Rng::seed_from_u64(4);
            let (data, asked) = (noisy(n, &mut rng), noisy(200, &mut rng));
            let config = Config { hidden: 16, steps: 600, ..Config::default() };
            let mut ensemble = Ensemble::new(&config, &data, &mut rng).expect("an ensemble");
            ensemble.train(&data, &mut rng, |_, _, _| ()).expect("trained");
            let file = ensemble.weight_file(&data, "noisy", 4).expect("exported");
            let said = predict(&file.parse().expect("an artifact"), &asked).expect("predictions");
            let mean = |value: &dyn Fn(&Prediction) -> f32| said.iter().map(value).sum::<f32>();
            [mean(&|p| p.epistemic[0].sqrt()), mean(&|p| p.aleatoric[0].sqrt())]
        };
        let (few, many) = (said(200), said(3200));
        assert!(many[0] < 0.6 * few[0] && many[1] > 0.8 * few[1], "{few:?}, {many:?}");
    }

    #[test]
    fn too_many_members_and_no_unit_kept_are_refused() {
        let mut rng = Rng::seed_from_u64(2);
        let data = noisy(10, &mut rng);
        let mut refused = |config: Config| Ensemble::new(&config, &data, &mut rng).unwrap_err().to_string();
        assert!(refused(Config { members: 7, ..Config::default() }).contains("members is 7"));
        assert!(refused(Config { prior: -1.0, ..Config::default() }).contains("prior is -1"));
        assert!(refused(Config { prior_width: 0.0, ..Config::default() }).contains("prior_width is 0"));
        assert!(refused(Config { dropout: 1.0, ..Config::default() }).contains("dropout is 1"));
    }
}
