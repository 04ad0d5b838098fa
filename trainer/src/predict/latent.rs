//! A forward model with a latent variable for what cannot be known, trained by inference.
//!
//! ```text
//! E(s' | s, a) = min_z  C(s', g(s, a, z)) + R(z)         C = ½ ‖(s' − g) / scale‖²
//! ```
//! For every sample first the `z*` that minimises the energy is found, then the weights of `g` take one step with `z*`
//! in its place. What `z` may say has to be limited, or every `s'` can be explained and the energy is low everywhere:
//! [`Limit`] by sparsity, a discrete codebook, noise, or not at all. Beside it an encoder that sees `(s, a, s')` learns to
//! propose `z*`: inference made amortised. (LeCun's lecture; Kavukcuoglu, Ranzato & LeCun 2008 for the encoder.)
//!
//! The exported model carries a sample of what `z` can be: the codebook, or as many `z*` as it has entries.

mod sampled;
mod search;

pub use sampled::Sampled;
pub use search::Found;

use super::{
    Learned,
    transitions::{Transitions, extremes},
};
use crate::{
    export::{Tensors, WeightFile},
    network::{Input, Trunk, Weights},
    optim::{Adam, AdamConfig, Schedule},
    tape::{Id, ParameterSet, Tape, Var},
    worlds::{Rng, camera::normal},
};
use anyhow::Result;
use forethought::artifact::{Header, Provenance, Sensors, Sizes};
use nalgebra::DMatrix;
use serde::{Deserialize, Serialize};

/// What keeps the latent variable from saying everything.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Limit {
    /// Nothing: to show what becomes of the energy.
    None,
    /// `R(z) = λ‖z‖₁`, with columns of `W_z` no longer than 1.
    Sparse {
        /// Price of a unit of `z`, λ, in units of the energy. Larger: fewer units, coarser futures.
        price: f32,
    },
    /// `z` is one of so many codewords, which are learned.
    Discrete {
        /// Codewords: at least as many as there are modes; a circle is cut into as many pieces.
        codewords: usize,
    },
    /// `‖z‖ ≤ 1`, and `g` sees `z` with Gaussian noise on it: `C` is its mean over the noise.
    Noise {
        /// The noise's deviation σ. A line of length 2 then carries about `log₂(1/σ)` bits.
        deviation: f32,
    },
}

/// Hyper-parameters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Units of each hidden layer of `g`.
    pub hidden: usize,
    /// The same of the encoder: it has more to tell apart.
    pub encoder: usize,
    /// Components of `z`. Sparse codes want more than there are directions; 2 are enough for the others here.
    pub latent: usize,
    /// What limits `z`.
    pub limit: Limit,
    /// Transitions in a batch.
    pub batch: usize,
    /// Steps of Adam on model and encoder; as many follow on the encoder alone, when the model no longer moves.
    pub steps: usize,
    /// Learning rate at the start of either part; it falls to 0 along a half cosine.
    pub rate: f32,
    /// Places that the search for `z*` starts from: the encoder's proposal, the others at random. The energy has local
    /// minima: with one start modes are lost.
    pub starts: usize,
    /// Gradient steps of each search.
    pub search: usize,
    /// Price of a squared weight behind `W_z`, with a sparse `z`: otherwise `z` becomes small and they large, and the
    /// price of `z` limits nothing.
    pub decay: f32,
    /// Codewords that are written into the file for a `z` that has none of its own. With a quarter of these, a mode
    /// is missed here and there.
    pub samples: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            hidden: 32,
            encoder: 64,
            latent: 2,
            limit: Limit::Discrete { codewords: 32 },
            batch: 128,
            steps: 1200,
            rate: 5e-3,
            starts: 3,
            search: 5,
            decay: 1e-3,
            samples: 512,
        }
    }
}

/// A model with a latent variable, and its encoder.
#[derive(Clone, Debug)]
pub struct Latent {
    config: Config,
    /// The weights of `g`, and the codewords.
    pub params: ParameterSet,
    decoder: Trunk<4>,
    codebook: Option<Id>,
    encoder_params: ParameterSet,
    encoder: Trunk<4>,
    /// Below these the encoder's proposal of a sparse `z` is 0.
    threshold: Id,
    /// Of each component of the error: `1 / scale²`.
    weights: DMatrix<f32>,
}

/// A batch on a tape.
#[derive(Clone, Copy)]
struct Batch {
    inputs: [Var; 3],
    changes: Var,
}

impl Batch {
    fn on(tape: &Tape, data: &Transitions) -> Self {
        let (values, sines) = crate::network::lift(tape, data.angles, tape.constant(data.states.clone()));
        let actions = tape.constant(data.actions.clone());
        Self { inputs: [values, sines, actions], changes: tape.constant(data.changes.clone()) }
    }

    fn with(&self, last: Var) -> [Var; 4] {
        let [x, s, u] = self.inputs;
        [x, s, u, last]
    }
}

impl Latent {
    /// An untrained model, with scales taken from the data.
    pub fn new(config: &Config, data: &Transitions, rng: &mut Rng) -> Self {
        let [x, s, u, change] = data.scales();
        let inputs = |name: &'static str, last: Vec<f32>| {
            let named = [("w_x", x.clone()), ("w_s", s.clone()), ("w_u", u.clone()), (name, last)];
            named.map(|(name, scale)| Input { name, scale })
        };
        let (mut params, mut encoder_params) = (ParameterSet::new(), ParameterSet::new());
        let nz = config.latent;
        let decoder =
            Trunk::new(&mut params, inputs("w_z", vec![1.0; nz]), config.hidden, change.clone(), rng);
        let answers = if let Limit::Discrete { codewords } = config.limit { codewords } else { nz };
        let to_z = vec![1.0; answers];
        let encoder =
            Trunk::new(&mut encoder_params, inputs("w_d", change.clone()), config.encoder, to_z, rng);
        let threshold = encoder_params.add("threshold", DMatrix::from_element(answers, 1, 0.1));
        let codebook = (answers != nz || matches!(config.limit, Limit::Discrete { .. }))
            .then(|| params.add("codebook", DMatrix::from_fn(nz, answers, |_, _| normal(rng) as f32)));
        let weights = DMatrix::from_iterator(change.len(), 1, change.iter().map(|s| 1.0 / s.powi(2)));
        let config = config.clone();
        Self { config, params, decoder, codebook, encoder_params, encoder, threshold, weights }
    }

    /// `g(s, a, z) − s`.
    fn decode(&self, tape: &Tape, frozen: bool, batch: Batch, z: Var) -> Var {
        self.decoder.forward(Weights { tape, params: &self.params, frozen }, batch.with(z))
    }

    /// `C`, averaged over the batch.
    fn mismatch(&self, tape: &Tape, frozen: bool, batch: Batch, z: Var) -> Var {
        let error = tape.sub(self.decode(tape, frozen, batch, z), batch.changes);
        tape.scale(tape.weighted_square(error, tape.constant(self.weights.clone())), 0.5)
    }

    /// What the encoder says of a batch: `z`, or a score for each codeword.
    fn propose(&self, tape: &Tape, batch: Batch) -> Var {
        let weights = Weights { tape, params: &self.encoder_params, frozen: false };
        let out = self.encoder.forward(weights, batch.with(batch.changes));
        match self.config.limit {
            Limit::None | Limit::Discrete { .. } => out,
            Limit::Sparse { .. } => tape.soft_threshold(out, weights.get(self.threshold)),
            Limit::Noise { .. } => {
                // z / √(1 + ‖z‖²): inside the ball.
                let length = tape.offset(tape.sum_rows(tape.square(out)), 1.0);
                tape.mul_row(out, tape.exp(tape.scale(tape.ln(length), -0.5)))
            }
        }
    }

    /// What the encoder is to make small: the energy of its proposal, or how unlikely it finds the best codeword.
    fn amortise(&self, tape: &Tape, batch: Batch, found: &Found) -> Var {
        let proposal = self.propose(tape, batch);
        let columns = tape.shape(batch.changes).1;
        match self.config.limit {
            Limit::Discrete { codewords } => {
                tape.log_softmax_cross_entropy(proposal, tape.constant(one_hot(&found.codeword, codewords)))
            }
            Limit::None => self.mismatch(tape, true, batch, proposal),
            Limit::Sparse { price } => {
                let norm = tape.scale(tape.sum(tape.abs(proposal)), price / columns as f32);
                tape.add(self.mismatch(tape, true, batch, proposal), norm)
            }
            Limit::Noise { .. } => {
                let offsets = self.noise();
                let share = 1.0 / offsets.len() as f32;
                let costs: Vec<_> = offsets
                    .iter()
                    .map(|offset| {
                        self.mismatch(
                            tape,
                            true,
                            batch,
                            tape.add_bias(proposal, tape.constant(offset.clone())),
                        )
                    })
                    .collect();
                tape.scale(tape.sum(tape.stack(&costs)), share)
            }
        }
    }

    /// Trains model and encoder. `progress` sees the step and the energy of the batch.
    pub fn train(
        &mut self,
        data: &Transitions,
        rng: &mut Rng,
        mut progress: impl FnMut(usize, f32),
    ) -> Result<()> {
        let Config { batch, steps, rate, .. } = self.config;
        // The encoder goes on learning when the model no longer moves.
        let after = steps;
        let adam = |total: usize| {
            let rate = Schedule::Cosine { peak: rate, floor: 0.0, warm_up: 20, total: total as u64 };
            Adam::new(AdamConfig { rate, ..AdamConfig::default() })
        };
        let mut adams = (adam(steps), adam(steps + after));
        let mut tape = Tape::new();
        let mut use_of_codewords = vec![(0, 0.0); self.codebook.map_or(0, |id| self.params[id].ncols())];
        let limit = self.config.limit;
        for step in 0..steps + after {
            if let Limit::Sparse { price } = limit {
                // From 0 on: a model that does not yet use z would never begin to pay for it.
                let ramp = (2.0 * step as f32 / steps as f32).min(1.0);
                self.config.limit = Limit::Sparse { price: ramp * price };
            }
            let drawn = data.draw(batch, rng);
            // An encoder that lowers the energy itself needs no example any more.
            let search = if step < steps { self.config.search } else { 0 };
            let found = self.search(&drawn, self.config.starts, search, rng);
            progress(step, found.mean());
            tape.clear();
            let batch = Batch::on(&tape, &drawn);
            let mut loss = self.amortise(&tape, batch, &found);
            if step < steps {
                loss = tape.add(loss, self.learn(&tape, batch, &found, rng));
            }
            tape.backward(loss);
            adams.1.step(&mut self.encoder_params, &tape)?;
            if step < steps {
                adams.0.step(&mut self.params, &tape)?;
                self.shorten();
                self.revive(&mut use_of_codewords, &found, step, rng);
            }
        }
        Ok(())
    }

    /// What the model is to make small, with `z` where it was found.
    fn learn(&self, tape: &Tape, batch: Batch, found: &Found, rng: &mut Rng) -> Var {
        let z = match self.codebook {
            // The codewords learn, too.
            Some(id) => {
                let codebook = tape.watch(&self.params, id);
                let chosen = one_hot(&found.codeword, self.params[id].ncols());
                tape.matmul(codebook, tape.constant(chosen))
            }
            None => tape.constant(self.disturbed(&found.z, rng)),
        };
        let mut loss = self.mismatch(tape, false, batch, z);
        if let Limit::Sparse { .. } = self.config.limit {
            for id in self.params.ids().filter(|&id| ["w_h", "w_o"].contains(&self.params.name(id))) {
                let square = tape.sum_square(tape.watch(&self.params, id));
                loss = tape.add(loss, tape.scale(square, self.config.decay));
            }
        }
        loss
    }

    /// `z` as the model sees it in training: with noise, where that is the limit.
    pub fn disturbed(&self, z: &DMatrix<f32>, rng: &mut Rng) -> DMatrix<f32> {
        match self.config.limit {
            Limit::Noise { deviation } => z.map(|z| z + deviation * normal(rng) as f32),
            _ => z.clone(),
        }
    }

    /// Points that stand for the noise in an inference, which must not be random: `±σ√NZ` along each axis, which have its
    /// mean and its variance. Nothing but 0 without noise.
    fn noise(&self) -> Vec<DMatrix<f32>> {
        let nz = self.config.latent;
        let Limit::Noise { deviation } = self.config.limit else { return vec![DMatrix::zeros(nz, 1)] };
        let far = deviation * (nz as f32).sqrt();
        let point = |i: usize| {
            let value = if i.is_multiple_of(2) { far } else { -far };
            DMatrix::from_fn(nz, 1, |row, _| if row == i / 2 { value } else { 0.0 })
        };
        (0..2 * nz).map(point).collect()
    }

    /// Keeps the columns of `W_z` at a length of at most 1 where `z` is sparse.
    fn shorten(&mut self) {
        let Limit::Sparse { .. } = self.config.limit else { return };
        let id = self.params.ids().find(|&id| self.params.name(id) == "w_z").expect("a decoder sees z");
        for mut column in self.params[id].column_iter_mut() {
            let norm = column.norm();
            if norm > 1.0 {
                column /= norm;
            }
        }
    }

    /// Now and then a codeword that nobody uses becomes a neighbour of the one that explains worst what it has to.
    fn revive(&mut self, used: &mut [(usize, f32)], found: &Found, step: usize, rng: &mut Rng) {
        const EVERY: usize = 50;
        let Some(id) = self.codebook else { return };
        for (&k, &energy) in found.codeword.iter().zip(&found.energy) {
            used[k].0 += 1;
            used[k].1 += energy;
        }
        // At the end they must have time to settle.
        if step % EVERY != EVERY - 1 || 4 * step > 3 * self.config.steps {
            return;
        }
        for k in (0..used.len()).filter(|&k| used[k].0 == 0).collect::<Vec<_>>() {
            let worst = (0..used.len()).max_by(|&a, &b| used[a].1.total_cmp(&used[b].1)).unwrap_or(k);
            used[worst].1 *= 0.5;
            for i in 0..self.config.latent {
                let near = self.params[id][(i, worst)] + 0.1 * normal(rng) as f32;
                self.params[id][(i, k)] = near;
            }
        }
        used.fill((0, 0.0));
    }

    /// What `z` can be, one a column, and how often it is: the codewords, or `z*` of some of the data.
    pub fn codewords(&self, data: &Transitions, rng: &mut Rng) -> (DMatrix<f32>, Vec<f32>) {
        match self.codebook {
            Some(id) => {
                let found = self.search(data, 1, 0, rng);
                let mut shares = vec![0.0; self.params[id].ncols()];
                found.codeword.iter().for_each(|&k| shares[k] += 1.0 / data.len() as f32);
                (self.params[id].clone(), shares)
            }
            None => {
                let n = self.config.samples;
                let found = self.search(&data.draw(n, rng), 8, 60, rng);
                (self.disturbed(&found.z, rng), vec![1.0 / n as f32; n])
            }
        }
    }

    /// The weight file of the model alone, with a sample of what `z` can be.
    pub fn export(&self, data: &Transitions, task: &str, seed: u64, rng: &mut Rng) -> Result<WeightFile> {
        let mut tensors = Tensors::default();
        let sampled = Sampled::new(self, data, rng);
        sampled.export(&mut tensors);
        let (mut low, mut high) = data.ranges();
        let of_z: (Vec<_>, Vec<_>) = extremes(&sampled.codebook).unzip();
        low.extend(of_z.0);
        high.extend(of_z.1);
        tensors.vector("range", "low", &low);
        tensors.vector("range", "high", &high);
        let sizes = Sizes {
            state: data.states.nrows() as u16,
            action: data.actions.nrows() as u16,
            latent: self.config.latent as u16,
            hidden: self.config.hidden as u16,
            ..Sizes::default()
        };
        let provenance = Provenance { trainer: env!("CARGO_PKG_VERSION"), task, seed, data: data.digest() };
        let sensors = Sensors { low: -1e6, high: 1e6 };
        tensors.pack(Header::model(sizes, data.angles, sensors, sampled.kind(), provenance))
    }
}

/// One column for each choice, 1 where it is.
fn one_hot(chosen: &[usize], of: usize) -> DMatrix<f32> {
    DMatrix::from_fn(of, chosen.len(), |row, col| f32::from(u8::from(chosen[col] == row)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        mind,
        worlds::penalty_kick::{CORNERS, PenaltyKick, aim},
    };
    use forethought::agent::{Mode, Reading};
    use rand::SeedableRng;

    const LIMITS: [(Limit, usize); 4] = [
        (Limit::None, 2),
        (Limit::Sparse { price: 0.02 }, 4),
        (Limit::Discrete { codewords: 8 }, 2),
        (Limit::Noise { deviation: 0.1 }, 2),
    ];

    fn untrained(limit: Limit, latent: usize) -> (Latent, Transitions, Rng) {
        let mut rng = Rng::seed_from_u64(3);
        let data = Transitions::record(&mut PenaltyKick::default(), 1, 40, &mut rng).expect("data");
        let config = Config { limit, latent, hidden: 8, ..Config::default() };
        (Latent::new(&config, &data, &mut rng), data, rng)
    }

    #[test]
    fn the_slope_of_the_energy_matches_finite_differences() {
        const STEP: f32 = 1e-2;
        for (limit, latent) in LIMITS.into_iter().filter(|(limit, _)| !matches!(limit, Limit::Sparse { .. }))
        {
            let (model, data, mut rng) = untrained(limit, latent);
            let data = data.select(&[7]);
            let z = DMatrix::from_fn(latent, 1, |_, _| normal(&mut rng) as f32);
            let slopes = model.energy(&data, &z, true).1.expect("slopes");
            for i in 0..latent {
                let moved = |by: f32| {
                    let mut z = z.clone();
                    z[i] += by;
                    model.energy(&data, &z, false).0[0]
                };
                let difference = (moved(STEP) - moved(-STEP)) / (2.0 * STEP);
                let scale = difference.abs().max(0.05);
                assert!((slopes[i] - difference).abs() < 0.02 * scale, "{}: {difference}", slopes[i]);
            }
        }
    }

    #[test]
    fn a_longer_search_from_the_same_starts_finds_nothing_worse() {
        for (limit, latent) in LIMITS {
            let (model, data, _) = untrained(limit, latent);
            let search = |steps| model.search(&data, 3, steps, &mut Rng::seed_from_u64(5));
            let (short, long, proposed) = (search(2), search(20), model.proposed(&data));
            for ((short, long), proposed) in short.energy.iter().zip(&long.energy).zip(&proposed.energy) {
                assert!(long <= short && *short <= proposed + 1e-6);
            }
            if let Limit::Noise { .. } = limit {
                assert!(long.z.column_iter().all(|z| z.norm() < 1.0 + 1e-5));
            }
        }
    }

    #[test]
    fn a_codebook_learns_every_corner_and_travels_with_the_file() {
        let mut rng = Rng::seed_from_u64(1);
        let data = Transitions::record(&mut PenaltyKick::default(), 1, 2000, &mut rng).expect("data");
        let config = Config { limit: Limit::Discrete { codewords: 8 }, steps: 600, ..Config::default() };
        let mut model = Latent::new(&config, &data, &mut rng);
        model.train(&data, &mut rng, |_, _| ()).expect("trained");
        let file = model.export(&data, "kick", 1, &mut rng).expect("exported");
        let artifact = file.parse().expect("an artifact");
        let mut mind = mind::load(&artifact).expect("a mind");
        let codebook = artifact.vector("latent", "codebook", 16).expect("a codebook");
        let (state, action) = ([0.5, 0.0], [-0.5]);
        let futures: Vec<_> = codebook
            .chunks(2)
            .map(|z| mind.step(Reading::Sensors(&[&state[..], &action, z].concat()), Mode::Plan).0)
            .collect();
        for corner in 0..CORNERS.len() {
            let [x, y] = aim(&state, &action, corner);
            let hit = |future: &&Vec<f32>| (f64::from(future[0]) - x).hypot(f64::from(future[1]) - y) < 0.3;
            assert!(futures.iter().any(|future| hit(&future)), "corner {corner} is missed by {futures:?}");
        }
    }
}
