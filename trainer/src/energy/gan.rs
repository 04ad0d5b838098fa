//! Generative adversarial networks: an energy, and a generator that is trained to make the points at which it must be pushed up.
//!
//! ```text
//! logistic     L_D = softplus(F(y)) + softplus(−F(ỹ))     L_G = softplus(F(ỹ)), or −softplus(−F(ỹ)) as at first
//! hinge        L_D = F(y) + [m − F(ỹ)]₊                   L_G = F(ỹ) + π mean_{i≠j} cos²(s_i, s_j)
//! Wasserstein  L_D = F(y) − F(ỹ)                          L_G = F(ỹ)
//! ```
//! `ỹ = G(z)`, `z ~ N(0, I)`. The probability of being data is `1/(1 + e^F)` under the logistic losses (Goodfellow et al. 2014);
//! the first one leaves a generator that is found out without a slope, and the non-saturating one does not. The
//! hinge is that of the energy-based GAN (Zhao, Mathieu & LeCun, ICLR 2017): `F` is what an autoencoder
//! does not give back, `m` a margin, and the last term pulls the codes `s` of made samples away from each other. The Wasserstein loss needs
//! an energy whose slope is bounded (Arjovsky, Chintala & Bottou 2017): see [`Bound`].
//!
//! With a condition both networks see `x`. Two losses descend by turns: there is no one thing that falls.

use super::{Autoencoder, Energy, Scalar};
use crate::{
    export::{Tensors, WeightFile},
    network::{Mlp, Stack, Unit, Weights},
    optim::{Adam, AdamConfig, Schedule},
    tape::{Id, ParameterSet, Tape, Var},
    worlds::{Rng, camera::normal},
};
use anyhow::{Result, ensure};
use forethought::artifact::{Header, Layers, Provenance, Sensors};
use nalgebra::DMatrix;
use rand::RngExt;
use serde::{Deserialize, Serialize};

/// What critic and generator minimise.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Loss {
    /// The original game.
    Saturating,
    /// The same critic; the generator minimises `−log p` of its samples being data.
    NonSaturating,
    /// An autoencoder as the critic.
    Hinge {
        /// `m`: made samples are not pushed above it. In units of `½‖error‖²`: about that between neighbouring modes.
        margin: f32,
        /// `π`, weight of the pulling-away term; 0.1 in the paper.
        pull: f32,
    },
    /// A difference of means.
    Wasserstein,
}

/// What bounds the slope of the energy.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bound {
    /// Nothing.
    Free,
    /// Weights but those of the condition are clipped to `±c` after each step. 0.01 in the paper; small networks want more.
    Clip(f32),
    /// `λ (‖∂F/∂ŷ‖ − 1)²` at random points between data and made samples (Gulrajani et al. 2017). 10 in the paper, 0.1 on
    /// toys.
    Unit(f32),
    /// `½γ ‖∂F/∂y‖²` at the data: flat where data is, so that the game comes to rest there (Mescheder, Geiger & Nowozin
    /// 2018, R₁).
    Flat(f32),
}

/// Hyper-parameters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The game.
    pub loss: Loss,
    /// What keeps its energy smooth.
    pub bound: Bound,
    /// Components of `z`.
    pub latent: usize,
    /// Hidden layers of the generator.
    pub generator: Vec<usize>,
    /// Hidden layers of the critic; of an autoencoder, those down to the code.
    pub critic: Vec<usize>,
    /// Hidden units of both.
    pub unit: Unit,
    /// Whether what is made are brightnesses, so that the generator's outputs go through a sigmoid.
    pub bright: bool,
    /// What the first weights of the condition are multiplied with. A class is one number among many that vary: where it moves no more
    /// than any of them, it is long overheard.
    pub loud: f32,
    /// Samples in a batch, of data and of made ones.
    pub batch: usize,
    /// Steps of the generator.
    pub steps: usize,
    /// Steps of the critic before each of these. A Wasserstein critic should be near its optimum, so it wants several.
    pub critic_steps: usize,
    /// Adam's rates at the start, of generator and critic. They fall to 0 along a half cosine: two players that chase each
    /// other come to rest only if their steps become small.
    pub rates: [f32; 2],
    /// Adam's memory of the mean gradient: little, as the other player changes it. 0 makes it RMSProp.
    pub momentum: f32,
    /// Adam's memory of squared gradients.
    pub memory: f32,
    /// How much of itself the generator that is used keeps at a step: it is a running mean of the weights of the one that plays, which
    /// circles around it. 0 uses that itself.
    pub averaging: f32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            loss: Loss::NonSaturating,
            bound: Bound::Free,
            latent: 8,
            generator: vec![128, 128],
            critic: vec![128, 128],
            unit: Unit::Leaky,
            bright: false,
            loud: 1.0,
            batch: 256,
            steps: 6000,
            critic_steps: 1,
            rates: [1e-3, 1e-3],
            momentum: 0.5,
            memory: 0.99,
            averaging: 0.998,
        }
    }
}

impl Config {
    /// One sentence about the first setting that makes no sense.
    pub fn check(&self) -> Result<()> {
        for (name, n) in [
            ("latent", self.latent),
            ("batch", self.batch),
            ("steps", self.steps),
            ("critic_steps", self.critic_steps),
        ] {
            ensure!(n > 0, "gan.{name} must be at least 1");
        }
        ensure!(!self.critic.is_empty(), "gan.critic must name at least one hidden layer");
        ensure!(
            !matches!((self.loss, self.bound), (Loss::Hinge { .. }, Bound::Unit(_) | Bound::Flat(_))),
            "gan.bound: penalties of the slope are for critics of one output; a hinge GAN has an autoencoder"
        );
        Ok(())
    }
}

/// The energy that plays.
#[derive(Clone, Debug)]
pub enum Critic {
    /// A number for each sample.
    Scalar(Scalar),
    /// What is not given back.
    Autoencoder(Autoencoder),
}

impl Critic {
    fn params(&mut self) -> &mut ParameterSet {
        match self {
            Self::Scalar(critic) => &mut critic.params,
            Self::Autoencoder(critic) => &mut critic.params,
        }
    }

    /// The matrix by which it sees the condition.
    fn condition(&self) -> Option<Id> {
        match self {
            Self::Scalar(critic) => critic.mlp.condition,
            Self::Autoencoder(critic) => critic.encoder.condition,
        }
    }

    /// The energies on a tape, and the codes of an autoencoder.
    fn judge(&self, tape: &Tape, frozen: bool, y: Var, x: Option<Var>) -> (Var, Option<Var>) {
        match self {
            Self::Scalar(critic) => (critic.energies(tape, frozen, y, x), None),
            Self::Autoencoder(critic) => {
                let (code, energies) = critic.energies(tape, frozen, y, x);
                (energies, Some(code))
            }
        }
    }
}

impl Energy for Critic {
    fn on(&self, tape: &Tape, y: Var, x: Option<Var>) -> Var {
        self.judge(tape, true, y, x).0
    }
}

/// `ỹ = G(z, x)`.
#[derive(Clone, Debug)]
pub struct Generator {
    /// The weights.
    pub params: ParameterSet,
    /// The layers.
    pub mlp: Mlp,
    latent: usize,
    bright: bool,
}

impl Generator {
    /// Makes `n` samples, one a column.
    pub fn draw(&self, n: usize, x: Option<&DMatrix<f32>>, rng: &mut Rng) -> DMatrix<f32> {
        self.make(self.random(n, rng), x)
    }

    /// What it makes of given random numbers, one sample a column.
    pub fn make(&self, z: DMatrix<f32>, x: Option<&DMatrix<f32>>) -> DMatrix<f32> {
        let tape = Tape::new();
        let x = x.map(|x| tape.constant(x.clone()));
        tape.value(self.on(&tape, true, z, x)).clone_owned()
    }

    fn random(&self, n: usize, rng: &mut Rng) -> DMatrix<f32> {
        DMatrix::from_fn(self.latent, n, |_, _| normal(rng) as f32)
    }

    fn on(&self, tape: &Tape, frozen: bool, z: DMatrix<f32>, x: Option<Var>) -> Var {
        let y = self.mlp.forward(Weights { tape, params: &self.params, frozen }, tape.constant(z), x);
        if self.bright { tape.sigmoid(y) } else { y }
    }

    /// The weight file of a mind that makes samples: its readings are `z` and behind it `x`, all of them within `range`.
    pub fn export(&self, range: Sensors, provenance: Provenance<'_>) -> Result<WeightFile> {
        let mut tensors = Tensors::default();
        let stack = Stack::of(&self.mlp, &self.params);
        let layers = Layers { sigmoid: self.bright, ..stack.export("generate", &mut tensors) };
        let asked = self.latent + self.mlp.condition.map_or(0, |c| self.params[c].ncols());
        let outputs = self.mlp.layers.last().map_or(0, |last| self.params[last.b].nrows());
        let sizes = (asked as u32, outputs as u16, stack.hidden() as u16);
        tensors.pack(Header::generator(sizes, range, layers, provenance))
    }
}

/// Data, and what it is conditional on: one sample a column.
pub type Batch = (DMatrix<f32>, Option<DMatrix<f32>>);

/// The losses of a step.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Losses {
    /// `L_D`, the mean over the critic's steps, without the penalty of its slope.
    pub critic: f32,
    /// `L_G`.
    pub generator: f32,
}

/// Both players.
#[derive(Clone, Debug)]
pub struct Gan {
    config: Config,
    /// The one that plays.
    pub generator: Generator,
    /// The running mean of its weights, which is the one to use.
    pub averaged: Generator,
    /// The energy.
    pub critic: Critic,
    /// Of generator and critic.
    adam: [Adam; 2],
}

impl Gan {
    /// Random players. `sizes` are the numbers in `y` and in `x` (mostly 0).
    pub fn new(config: &Config, (ny, nx): (usize, usize), rng: &mut Rng) -> Result<Self> {
        config.check()?;
        let mut params = ParameterSet::new();
        let widths = [&[config.latent], &*config.generator, &[ny]].concat();
        let mlp = Mlp::new(&mut params, "generator", &widths, nx, config.unit, rng);
        let &Config { latent, bright, loud, .. } = config;
        let mut generator = Generator { params, mlp, latent, bright };
        let mut critic = match config.loss {
            Loss::Hinge { .. } => {
                Critic::Autoencoder(Autoencoder::new((ny, nx), &config.critic, config.unit, rng))
            }
            _ => Critic::Scalar(Scalar::new((ny, nx), &config.critic, config.unit, rng)),
        };
        if let (Some(told), Some(judged)) = (generator.mlp.condition, critic.condition()) {
            generator.params[told] *= loud;
            critic.params()[judged] *= loud;
        }
        let adam = [0, 1].map(|player| {
            let steps = (config.steps * [1, config.critic_steps][player]) as u64;
            Adam::new(AdamConfig {
                rate: Schedule::Cosine {
                    peak: config.rates[player],
                    floor: 0.0,
                    warm_up: steps / 100,
                    total: steps,
                },
                beta1: config.momentum,
                beta2: config.memory,
                ..AdamConfig::default()
            })
        });
        Ok(Self { config: config.clone(), averaged: generator.clone(), generator, critic, adam })
    }

    /// Plays all rounds: some steps of the critic, one of the generator. `data` gives batches of any size; `progress` sees
    /// the players after each round.
    pub fn train(
        &mut self,
        mut data: impl FnMut(usize, &mut Rng) -> Batch,
        rng: &mut Rng,
        mut progress: impl FnMut(usize, &Self, Losses),
    ) -> Result<()> {
        let mut tape = Tape::new();
        for step in 0..self.config.steps {
            let losses = self.round(&mut tape, &mut data, rng)?;
            progress(step, self, losses);
        }
        Ok(())
    }

    /// One round.
    pub fn round(
        &mut self,
        tape: &mut Tape,
        data: &mut impl FnMut(usize, &mut Rng) -> Batch,
        rng: &mut Rng,
    ) -> Result<Losses> {
        let mut critic = 0.0;
        for _ in 0..self.config.critic_steps {
            critic += self.critic_step(tape, data(self.config.batch, rng), rng)?;
        }
        let (_, x) = data(self.config.batch, rng);
        let generator = self.generator_step(tape, x, rng)?;
        Ok(Losses { critic: critic / self.config.critic_steps as f32, generator })
    }

    fn critic_step(&mut self, tape: &mut Tape, (y, x): Batch, rng: &mut Rng) -> Result<f32> {
        tape.clear();
        let n = y.ncols();
        let (y, x) = (tape.constant(y), x.map(|x| tape.constant(x)));
        let made = self.generator.on(tape, true, self.generator.random(n, rng), x);
        let ((on_data, _), (on_made, _)) =
            (self.critic.judge(tape, false, y, x), self.critic.judge(tape, false, made, x));
        let loss = match self.config.loss {
            Loss::Saturating | Loss::NonSaturating => tape
                .add(tape.mean(tape.softplus(on_data)), tape.mean(tape.softplus(tape.scale(on_made, -1.0)))),
            Loss::Hinge { margin, .. } => {
                let missing = tape.relu(tape.offset(tape.scale(on_made, -1.0), margin));
                tape.add(tape.mean(on_data), tape.mean(missing))
            }
            Loss::Wasserstein => tape.sub(tape.mean(on_data), tape.mean(on_made)),
        };
        let value = tape.scalar(loss);
        let loss = match self.penalty(tape, (y, made), x, rng) {
            Some(penalty) => tape.add(loss, penalty),
            None => loss,
        };
        tape.backward(loss);
        self.adam[1].step(self.critic.params(), tape)?;
        if let Bound::Clip(bound) = self.config.bound {
            let free = self.critic.condition();
            let params = self.critic.params();
            // What has to be bounded is the slope in `y`; the condition's own weights leave it as it is.
            for id in params.ids().filter(|&id| Some(id) != free) {
                params[id].iter_mut().for_each(|w| *w = w.clamp(-bound, bound));
            }
        }
        Ok(value)
    }

    /// What is paid for the slope of the energy.
    fn penalty(&self, tape: &Tape, (y, made): (Var, Var), x: Option<Var>, rng: &mut Rng) -> Option<Var> {
        let Critic::Scalar(critic) = &self.critic else { return None };
        let weights = Weights { tape, params: &critic.params, frozen: false };
        match self.config.bound {
            Bound::Free | Bound::Clip(_) => None,
            Bound::Unit(weight) => {
                let share = DMatrix::from_fn(1, tape.shape(y).1, |_, _| rng.random::<f32>());
                let between = tape.add(made, tape.mul_row(tape.sub(y, made), tape.constant(share)));
                let slope = critic.mlp.with_slope(weights, between, x).1;
                let length = tape.sqrt_eps(tape.sum_rows(tape.square(slope)), 1e-12);
                Some(tape.scale(tape.mean_square(tape.offset(length, -1.0)), weight))
            }
            Bound::Flat(weight) => {
                let slope = critic.mlp.with_slope(weights, y, x).1;
                Some(tape.scale(tape.sum_square(slope), 0.5 * weight / tape.shape(y).1 as f32))
            }
        }
    }

    fn generator_step(&mut self, tape: &mut Tape, x: Option<DMatrix<f32>>, rng: &mut Rng) -> Result<f32> {
        tape.clear();
        let x = x.map(|x| tape.constant(x));
        let z = self.generator.random(self.config.batch, rng);
        let made = self.generator.on(tape, false, z, x);
        let (energies, codes) = self.critic.judge(tape, true, made, x);
        let loss = match self.config.loss {
            Loss::Saturating => tape.scale(tape.mean(tape.softplus(tape.scale(energies, -1.0))), -1.0),
            Loss::NonSaturating => tape.mean(tape.softplus(energies)),
            Loss::Wasserstein => tape.mean(energies),
            Loss::Hinge { pull, .. } => {
                let loss = tape.mean(energies);
                let codes = codes.expect("an autoencoder has codes");
                tape.add(loss, tape.scale(likeness(tape, codes), pull))
            }
        };
        let value = tape.scalar(loss);
        tape.backward(loss);
        self.adam[0].step(&mut self.generator.params, tape)?;
        self.averaged.params.follow(&self.generator.params, 1.0 - self.config.averaging);
        Ok(value)
    }
}

/// `1/(n(n−1)) Σ_{i≠j} cos²(s_i, s_j)` over the columns: the pulling-away term.
fn likeness(tape: &Tape, codes: Var) -> Var {
    let n = tape.shape(codes).1 as f32;
    let unit = tape.unit_columns(codes);
    let squares = tape.sum_square(tape.matmul_transposed(unit, unit));
    tape.scale(tape.offset(squares, -n), 1.0 / (n * (n - 1.0)).max(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        evaluate,
        network::columns,
        tape::check::{check_gradients, random},
    };
    use rand::SeedableRng;

    fn games() -> [(Loss, Bound); 6] {
        [
            (Loss::Saturating, Bound::Free),
            (Loss::NonSaturating, Bound::Free),
            (Loss::NonSaturating, Bound::Flat(0.1)),
            (Loss::Hinge { margin: 0.5, pull: 0.1 }, Bound::Free),
            (Loss::Wasserstein, Bound::Clip(0.2)),
            (Loss::Wasserstein, Bound::Unit(0.1)),
        ]
    }

    fn config((loss, bound): (Loss, Bound)) -> Config {
        let (generator, critic) = (vec![16], vec![32, 4]);
        // A mean over 50 steps: over 500 it would still remember the start.
        let averaging = 0.98;
        // A Wasserstein critic that lags behind its generator leads it round in circles.
        let critic_steps = if loss == Loss::Wasserstein { 3 } else { 1 };
        let (batch, steps) = (64, 1000);
        Config {
            loss,
            bound,
            latent: 2,
            generator,
            critic,
            batch,
            steps,
            critic_steps,
            averaging,
            ..Config::default()
        }
    }

    /// Two clusters on a line, of which the condition says which one it is.
    fn clusters(n: usize, rng: &mut Rng) -> Batch {
        let x = DMatrix::from_fn(1, n, |_, _| if rng.random::<bool>() { 1.0 } else { -1.0 });
        (DMatrix::from_fn(2, n, |i, j| if i == 0 { x[j] } else { 0.5 } + 0.05 * normal(rng) as f32), Some(x))
    }

    #[test]
    fn every_game_makes_what_the_condition_says() {
        for game in games() {
            let rng = &mut Rng::seed_from_u64(1);
            let mut gan = Gan::new(&config(game), (2, 1), rng).expect("good settings");
            gan.train(clusters, rng, |_, _, losses| {
                assert!(losses.critic.is_finite() && losses.generator.is_finite(), "{game:?}");
            })
            .expect("trained");
            let (y, x) = clusters(200, rng);
            let made = gan.averaged.draw(200, x.as_ref(), rng);
            let error = ((made - y).norm_squared() / 200.0).sqrt();
            assert!(error < 0.5, "{game:?}: {error}");
        }
    }

    /// Each player's step moves that player alone, and the critic's lowers the energy of data against that of made samples.
    #[test]
    fn players_move_by_turns() {
        for game in games() {
            let rng = &mut Rng::seed_from_u64(2);
            let mut gan = Gan::new(&config(game), (2, 1), rng).expect("good settings");
            let (y, x) = clusters(400, rng);
            let made = gan.generator.draw(400, x.as_ref(), rng);
            let gap = |gan: &Gan| {
                let mean = |y| gan.critic.of(y, x.as_ref()).iter().sum::<f32>() / 400.0;
                mean(&made) - mean(&y)
            };
            let (mut tape, before, generator) = (Tape::new(), gan.clone(), gan.generator.params.clone());
            for _ in 0..20 {
                gan.critic_step(&mut tape, clusters(64, rng), rng).expect("a step");
            }
            assert!(gan.generator.params.ids().all(|id| gan.generator.params[id] == generator[id]));
            if !matches!(game.0, Loss::Hinge { .. }) && game.1 != Bound::Clip(0.2) {
                assert!(gap(&gan) > gap(&before), "{game:?}");
            }
            let critic = gan.critic.params().clone();
            gan.generator_step(&mut tape, clusters(64, rng).1, rng).expect("a step");
            assert!(critic.ids().all(|id| gan.critic.params()[id] == critic[id]));
            assert!(generator.ids().any(|id| gan.generator.params[id] != generator[id]));
        }
    }

    #[test]
    fn clipped_weights_stay_within_their_bound() {
        let rng = &mut Rng::seed_from_u64(3);
        let game = (Loss::Wasserstein, Bound::Clip(0.05));
        let mut gan = Gan::new(&config(game), (2, 1), rng).expect("good settings");
        gan.round(&mut Tape::new(), &mut clusters, rng).expect("a round");
        let free = gan.critic.condition().expect("it is told something");
        let params = gan.critic.params();
        assert!(params.ids().filter(|id| *id != free).all(|id| params[id].amax() <= 0.05));
        assert!(params[free].amax() > 0.05);
    }

    #[test]
    fn likeness_is_one_of_equal_codes_and_none_of_orthogonal_ones() {
        let tape = Tape::new();
        let value = |codes| tape.scalar(likeness(&tape, tape.constant(codes)));
        assert!((value(DMatrix::from_element(3, 5, 2.0)) - 1.0).abs() < 1e-5);
        assert!(value(DMatrix::identity(4, 4)).abs() < 1e-6);
        check_gradients(&[random(3, 4, 1)], |tape, v| likeness(tape, v[0]));
    }

    /// The chip's kernels make what the tape makes, whatever the units and outputs are.
    #[test]
    fn an_exported_generator_makes_the_same_samples() {
        for (unit, bright, inner) in [(Unit::Leaky, true, 2), (Unit::Relu, false, 3), (Unit::Tanh, true, 0)] {
            let rng = &mut Rng::seed_from_u64(4);
            let config = Config { unit, bright, latent: 5, generator: vec![9; inner], ..Config::default() };
            let generator = Gan::new(&config, (12, 3), rng).expect("good settings").generator;
            let provenance = Provenance { trainer: "a test", task: "none", seed: 4, data: 0 };
            let file = generator.export(Sensors { low: -9.0, high: 9.0 }, provenance).expect("exported");
            let (z, x) = (random(5, 7, 1), random(3, 7, 2));
            let asked = DMatrix::from_fn(8, 7, |i, j| if i < 5 { z[(i, j)] } else { x[(i - 5, j)] });
            let chip = evaluate::answers(&file.parse().expect("a weight file"), &asked).expect("answers");
            let error = (columns(&chip) - generator.make(z, Some(&x))).amax();
            assert!(error < 1e-5, "{unit:?}: {error}");
        }
    }

    #[test]
    fn settings_that_make_no_sense_are_told() {
        let said = |config: Config| config.check().expect_err("refused").to_string();
        assert!(said(Config { batch: 0, ..Config::default() }).contains("gan.batch"));
        let hinge = Loss::Hinge { margin: 1.0, pull: 0.1 };
        assert!(
            said(Config { loss: hinge, bound: Bound::Flat(1.0), ..Config::default() })
                .contains("autoencoder")
        );
    }
}
