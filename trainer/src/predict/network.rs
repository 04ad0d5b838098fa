//! A forward model learned from a log: `x' = base(x, u) + scale ∘ o(x̃, sin, u)`, where the base copies the state, or is
//! [physics](super::residual) that the network corrects.
//!
//! First one step ahead, on transitions in random order; then several steps fed back into itself, on windows of
//! trajectories, so that errors which build up are paid for. The windows grow, 2, 4, 8 …: a model that is still poor learns
//! nothing from where it ends up after many steps. A part of the episodes is kept aside to see how far ahead the model can be
//! trusted: the best weights are kept, and a stage that gains nothing any more ends early.

use super::{Foresee, Learned, Step, residual::Physics};
use crate::{
    data::log::Episode,
    export::{Tensors, WeightFile},
    network::{Input, Trunk, Weights, lift},
    optim::{Adam, AdamConfig, Schedule},
    tape::{ParameterSet, Tape, Var},
    worlds::Rng,
};
use anyhow::{Result, ensure};
use forethought::{
    artifact::{Header, Model, Provenance, Sensors, Sizes},
    feature::Angles,
};
use nalgebra::DMatrix;
use rand::RngExt;
use serde::{Deserialize, Serialize};

/// Hyper-parameters.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Units of each hidden layer. Most of a plan's time goes into these; 32 predict the pendulum to well below 1 %.
    pub hidden: usize,
    /// Transitions or windows in a batch.
    pub batch: usize,
    /// Steps of Adam on single transitions.
    pub one_step: usize,
    /// Steps of Adam on windows, over all their lengths.
    pub multi_step: usize,
    /// Transitions in the longest window: how far the model is fed back into itself.
    pub window: usize,
    /// Learning rate at the start of each stage; it falls to 0 along a half cosine.
    pub rate: f32,
    /// Share of the episodes that is held out for the report.
    pub held_out: f64,
    /// Share of the other episodes that is not learned from but tried on, to keep the best weights; none of fewer than five.
    pub validation: f64,
    /// Trials without a gain, of the 20 in a stage, after which the stage ends.
    pub patience: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            hidden: 32,
            batch: 256,
            one_step: 8000,
            multi_step: 4000,
            window: 16,
            rate: 5e-3,
            held_out: 0.1,
            validation: 0.1,
            patience: 8,
        }
    }
}

impl Config {
    /// Whether every number is in its range.
    pub fn check(&self) -> Result<()> {
        let sizes = [("hidden", self.hidden), ("batch", self.batch), ("window", self.window)];
        for (name, value) in sizes.into_iter().chain([("patience", self.patience)]) {
            ensure!(value > 0, "model.{name} must be at least 1");
        }
        ensure!(
            self.rate > 0.0 && self.rate < 1.0,
            "model.rate must be above 0 and below 1, not {}",
            self.rate
        );
        for (name, share) in [("held_out", self.held_out), ("validation", self.validation)] {
            ensure!((0.0..1.0).contains(&share), "model.{name} must be a share between 0 and 1, not {share}");
        }
        Ok(())
    }

    /// The lengths of the windows, one stage each.
    fn windows(&self) -> Vec<usize> {
        let growing = std::iter::successors(Some(2), |n| Some(2 * n)).take_while(|n| *n < self.window);
        let last = Some(self.window).filter(|n| *n > 1);
        std::iter::once(1).chain(growing).chain(last).collect()
    }
}

/// What is known of a plant before anything is learned.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// Components of the state that are angles.
    pub angles: Angles,
    /// Components that the next change does not depend on: places on an open plane. The network does not see them.
    pub places: Vec<usize>,
    /// Equations, more or less right, that the network corrects.
    pub physics: Option<Physics>,
}

/// A learned model and its parameters.
#[derive(Clone, Debug)]
pub struct Network {
    /// The weights.
    pub params: ParameterSet,
    known: Known,
    trunk: Trunk<3>,
    /// Typical state and action: the network sees how far they are from these. Folded into `b1` on export.
    middle: (Vec<f32>, Vec<f32>),
    /// Sizes of state, action and hidden layers.
    sizes: [usize; 3],
}

impl Network {
    /// A model that does what its base does, with scales taken from the log.
    pub fn new(config: &Config, known: Known, episodes: &[Episode], rng: &mut Rng) -> Result<Self> {
        ensure!(episodes.iter().any(|e| !e.actions.is_empty()), "the log has no transition to learn from");
        let nx = episodes[0].states[0].len();
        let nu = episodes.iter().flat_map(|e| &e.actions).next().map_or(0, Vec::len);
        let seen = |i: &usize| !known.angles.contains(*i) && !known.places.contains(i);
        let x: Vec<_> =
            (0..nx).map(|i| if seen(&i) { spread(states(episodes, i)) } else { (0.0, 1.0) }).collect();
        let u: Vec<_> = (0..nu).map(|i| spread(actions(episodes, i))).collect();
        // What is divided by infinity is not seen.
        let scale = |i: usize| if known.places.contains(&i) { f32::INFINITY } else { x[i].1 };
        let change = (0..nx).map(|i| magnitude(errors(&known, episodes, i))).collect();
        let inputs = [
            Input { name: "w_x", scale: (0..nx).map(scale).collect() },
            Input { name: "w_s", scale: vec![1.0; known.angles.count()] },
            Input { name: "w_u", scale: u.iter().map(|u| u.1).collect() },
        ];
        let middle = |list: &[(f32, f32)]| list.iter().map(|(middle, _)| *middle).collect();
        let middle = (middle(&x), middle(&u));
        let mut params = ParameterSet::new();
        let trunk = Trunk::new(&mut params, inputs, config.hidden, change, rng);
        Ok(Self { params, known, trunk, middle, sizes: [nx, nu, config.hidden] })
    }

    /// The next states of a batch; `lifted` is [`lift`] of `x`.
    pub fn step(&self, tape: &Tape, frozen: bool, x: Var, lifted: (Var, Var), u: Var) -> Var {
        let weights = Weights { tape, params: &self.params, frozen };
        let from = |x, middle: &[f32]| {
            let back = DMatrix::from_iterator(middle.len(), 1, middle.iter().map(|m| -m));
            tape.add_bias(x, tape.constant(back))
        };
        let inputs = [from(lifted.0, &self.middle.0), lifted.1, from(u, &self.middle.1)];
        let base = self.known.physics.as_ref().map_or(x, |physics| physics.step(tape, x, u));
        tape.add(base, self.trunk.forward(weights, inputs))
    }

    /// Trains every stage. `progress` sees the stage, the step, how many there are and the loss.
    pub fn train(
        &mut self,
        config: &Config,
        episodes: &[Episode],
        rng: &mut Rng,
        mut progress: impl FnMut(&'static str, usize, usize, f32),
    ) -> Result<()> {
        let aside = if episodes.len() < 5 { 0.0 } else { config.validation };
        let aside = ((episodes.len() as f64 * aside).round() as usize).min(episodes.len() - 1);
        let (validation, training) = episodes.split_at(aside);
        let window = config.window;
        let long_enough = |list: &[Episode]| list.iter().any(|e| e.actions.len() >= window);
        ensure!(
            long_enough(training),
            "no episode of the log is as long as the training window of {window} steps: set a smaller model.window"
        );
        // One step: errors in units of what is to be learned. Several: in units of a typical state.
        let [nx, ..] = self.sizes;
        let angles = self.known.angles;
        let one = (0..nx).map(|i| magnitude(errors(&self.known, training, i)));
        let one: Vec<_> = one.map(|s| 1.0 / s.powi(2)).collect();
        let many = (0..nx).map(|i| if angles.contains(i) { 1.0 } else { spread(states(training, i)).1 });
        let many: Vec<_> = many.map(|s| 1.0 / s.powi(2)).collect();
        // The trial is the same each time.
        let trial =
            if long_enough(validation) { draw(validation, config.batch, window, rng) } else { Vec::new() };
        let mut best = (f32::INFINITY, self.params.clone());
        let windows = config.windows();
        let steps = windows
            .iter()
            .map(|n| if *n == 1 { config.one_step } else { config.multi_step / (windows.len() - 1) });
        let most_fed_back = steps.clone().sum::<usize>() - config.one_step;
        // Those that were taken: a window that learns no more ends early, and leaves no gap in the curve.
        let mut fed_back = 0;
        for (window, steps) in windows.iter().copied().zip(steps) {
            let (rate, weights) = if window == 1 { (config.rate, &one) } else { (0.4 * config.rate, &many) };
            let schedule = Schedule::Cosine { peak: rate, floor: 0.0, warm_up: 20, total: steps as u64 };
            // A start that leads nowhere may have a steep gradient, which must not undo what is known.
            let mut adam =
                Adam::new(AdamConfig { rate: schedule, clip: Some(10.0), ..AdamConfig::default() });
            let (mut tape, mut waited) = (Tape::new(), 0);
            for step in 0..steps {
                tape.clear();
                let loss = self.loss(&tape, &draw(training, config.batch, window, rng), window, weights);
                let loss_now = tape.scalar(loss);
                if window == 1 {
                    progress("one step", step, steps, loss_now);
                } else {
                    progress("several steps", fed_back, most_fed_back, loss_now);
                    fed_back += 1;
                }
                tape.backward(loss);
                adam.step(&mut self.params, &tape)?;
                if !trial.is_empty() && (step + 1) % steps.div_ceil(20) == 0 {
                    tape.clear();
                    let error = tape.scalar(self.loss(&tape, &trial, config.window, &many));
                    waited += 1;
                    if error < best.0 {
                        (best, waited) = ((error, self.params.clone()), 0);
                    }
                    if waited >= config.patience {
                        break;
                    }
                }
            }
            if best.0.is_finite() {
                self.params = best.1.clone();
            }
        }
        Ok(())
    }

    /// The mean squared error over `window` steps fed back into each other, from each start.
    fn loss(&self, tape: &Tape, starts: &[(&Episode, usize)], window: usize, weights: &[f32]) -> Var {
        let weight = tape.constant(DMatrix::from_column_slice(weights.len(), 1, weights));
        let batch = |rows: &dyn Fn(&Episode, usize) -> &Vec<f32>| {
            let columns: Vec<_> = starts.iter().flat_map(|(e, t)| rows(e, *t)).copied().collect();
            tape.constant(DMatrix::from_vec(columns.len() / starts.len(), starts.len(), columns))
        };
        let mut x = batch(&|e, t| &e.states[t]);
        let mut losses = Vec::new();
        for k in 0..window {
            let u = batch(&|e, t| &e.actions[t + k]);
            x = self.step(tape, false, x, lift(tape, self.known.angles, x), u);
            let error = tape.sub(x, batch(&|e, t| &e.states[t + k + 1]));
            losses.push(tape.weighted_square(self.wrapped(tape, error), weight));
        }
        tape.scale(tape.sum(tape.stack(&losses)), 1.0 / window as f32)
    }

    /// Differences of angles, wrapped.
    fn wrapped(&self, tape: &Tape, error: Var) -> Var {
        let rows: Vec<_> = (0..tape.shape(error).0)
            .map(|i| {
                let row = tape.rows(error, i, 1);
                if self.known.angles.contains(i) { tape.wrap(row) } else { row }
            })
            .collect();
        tape.stack(&rows)
    }

    /// A file that holds the model alone; `sensors` is the range of its numbers.
    pub fn weight_file(&self, sensors: Sensors, provenance: Provenance<'_>) -> Result<WeightFile> {
        let [nx, nu, hidden] = self.sizes.map(|n| n as u16);
        let sizes = Sizes { state: nx, action: nu, hidden, ..Sizes::default() };
        let mut tensors = Tensors::default();
        self.export(&mut tensors);
        tensors.pack(Header::model(sizes, self.known.angles, sensors, self.kind(), provenance))
    }
}

impl Learned for Network {
    fn kind(&self) -> Model {
        self.known.physics.as_ref().map_or(Model::Network, Physics::corrected)
    }

    fn sizes(&self) -> (usize, usize) {
        let [.., hidden] = self.sizes;
        (hidden, 0)
    }

    fn export(&self, tensors: &mut Tensors) {
        const PART: &str = "predict";
        let [.., hidden] = self.sizes;
        let mut own = Tensors::default();
        self.trunk.export(&self.params, PART, &mut own);
        tensors.matrix(PART, "w_z", DMatrix::zeros(hidden, 0));
        let mut b1 = own.take(PART, "b1").expect("a trunk has its first bias");
        for (name, middle) in [("w_x", &self.middle.0), ("w_u", &self.middle.1)] {
            let w = own.take(PART, name).expect("a trunk has a matrix for each input");
            b1 -= &w * DMatrix::from_column_slice(middle.len(), 1, middle);
            tensors.matrix(PART, name, w);
        }
        tensors.matrix(PART, "b1", b1);
        tensors.append(own);
        if let Some(physics) = &self.known.physics {
            physics.export(tensors);
        }
    }
}

impl Foresee for Network {
    fn unroll<'a>(&'a self, _: &mut Rng) -> Step<'a> {
        Box::new(|tape, x, lifted, u| self.step(tape, true, x, lifted, u))
    }
}

/// Random starts of windows.
fn draw<'a>(episodes: &'a [Episode], n: usize, window: usize, rng: &mut Rng) -> Vec<(&'a Episode, usize)> {
    let long_enough: Vec<_> = episodes.iter().filter(|e| e.actions.len() >= window).collect();
    let start = |_| {
        let episode = long_enough[rng.random_range(0..long_enough.len())];
        (episode, rng.random_range(0..=episode.actions.len() - window))
    };
    (0..n).map(start).collect()
}

fn states(episodes: &[Episode], i: usize) -> impl Iterator<Item = f32> {
    episodes.iter().flat_map(move |e| e.states.iter().map(move |x| x[i]))
}

fn actions(episodes: &[Episode], i: usize) -> impl Iterator<Item = f32> {
    episodes.iter().flat_map(move |e| e.actions.iter().map(move |u| u[i]))
}

/// What the base leaves to be learned of a component.
fn errors(known: &Known, episodes: &[Episode], i: usize) -> impl Iterator<Item = f32> {
    let error = move |(pair, u): (&[Vec<f32>], &Vec<f32>)| {
        let base = known.physics.as_ref().map_or(pair[0][i], |physics| physics.next(&pair[0], u)[i]);
        let error = pair[1][i] - base;
        if known.angles.contains(i) { forethought::math::wrap(error) } else { error }
    };
    episodes.iter().flat_map(move |e| e.states.windows(2).zip(&e.actions).map(error))
}

/// Root mean square, but never 0: a component that does not move keeps its unit.
fn magnitude(values: impl Iterator<Item = f32>) -> f32 {
    let (n, sum) = values.fold((0.0, 0.0), |(n, sum), v| (n + 1.0, sum + f64::from(v).powi(2)));
    let rms = (sum / f64::max(n, 1.0)).sqrt() as f32;
    if rms > 1e-6 { rms } else { 1.0 }
}

/// Mean and standard deviation, which is never 0.
fn spread(values: impl Iterator<Item = f32>) -> (f32, f32) {
    let values: Vec<f32> = values.collect();
    let mean = values.iter().map(|v| f64::from(*v)).sum::<f64>() / values.len().max(1) as f64;
    (mean as f32, magnitude(values.into_iter().map(|v| (f64::from(v) - mean) as f32)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{data::log::Log, mind, worlds::cart_pole::CartPole};
    use forethought::artifact::Plant;
    use rand::SeedableRng;

    fn log(rng: &mut Rng) -> Log {
        Log::practise(&mut CartPole::default(), 20, rng)
    }

    fn known(physics: Option<Physics>) -> Known {
        Known { angles: Angles(0b0100), places: vec![0], physics }
    }

    /// The exported file, run by the kernels of the chip, beside the graph that was trained.
    fn agrees_with_its_file(model: &Network, log: &Log) {
        let sensors = Sensors { low: -100.0, high: 100.0 };
        let provenance = Provenance { trainer: "t", task: "cart-pole", seed: 0, data: log.digest };
        let file = model.weight_file(sensors, provenance).expect("a weight file");
        let run = mind::model(&file.parse().expect("a good file")).expect("a forward model");
        let episode = &log.episodes[0];
        for (x, u) in episode.states.iter().zip(&episode.actions) {
            let tape = Tape::new();
            let column = |v: &[f32]| tape.constant(DMatrix::from_column_slice(v.len(), 1, v));
            let before = column(x);
            let next = model.step(&tape, true, before, lift(&tape, Angles(0b0100), before), column(u));
            for (a, b) in run(x, u).iter().zip(tape.value(next).iter()) {
                assert!((a - b).abs() < 1e-5 * b.abs().max(1.0), "{a} in the file, {b} in the graph");
            }
        }
    }

    #[test]
    fn the_file_is_the_model() {
        let rng = &mut Rng::seed_from_u64(1);
        let log = log(rng);
        let physics = Physics::new(Plant::CartPole, &[9.8, 1.0, 0.2, 0.4, 0.05]).expect("a plant");
        for physics in [None, Some(physics)] {
            let model =
                Network::new(&Config::default(), known(physics), &log.episodes, rng).expect("a model");
            agrees_with_its_file(&model, &log);
        }
    }

    #[test]
    fn a_short_training_foresees_more_than_a_copy_of_the_state() {
        let rng = &mut Rng::seed_from_u64(2);
        let log = log(rng);
        let config = Config { one_step: 400, multi_step: 100, window: 5, ..Config::default() };
        let mut model = Network::new(&config, known(None), &log.episodes, rng).expect("a model");
        let mut losses = Vec::new();
        model
            .train(&config, &log.episodes, rng, |_, step, of, loss| losses.push((step, of, loss)))
            .expect("trained");
        assert!(losses.iter().all(|(step, of, _)| step < of));
        let mean = |part: &[(usize, usize, f32)]| part.iter().map(|l| l.2).sum::<f32>() / part.len() as f32;
        assert!(mean(&losses[380..400]) < 0.1 * mean(&losses[..5]), "{losses:?}");
        agrees_with_its_file(&model, &log);
    }

    #[test]
    fn windows_grow_to_the_longest() {
        let windows = |window| Config { window, ..Config::default() }.windows();
        assert_eq!(windows(1), [1]);
        assert_eq!(windows(2), [1, 2]);
        assert_eq!(windows(16), [1, 2, 4, 8, 16]);
        assert_eq!(windows(20), [1, 2, 4, 8, 16, 20]);
    }
}
