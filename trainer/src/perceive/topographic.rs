//! Invariant predictive sparse decomposition: a map of filters (Kavukcuoglu, Ranzato, Fergus & LeCun, *Learning invariant
//! features through topographic filter maps*, CVPR 2009; the lecture's map).
//!
//! ```text
//! ½‖x − D z‖² + λ Σ_i √(ε + Σ_j w_ij z_j²) + α‖z − g ⊙ tanh(M x + b)‖²
//! ```
//! For each batch first the codes, from the encoder's guess; then a step of the dictionary `D`, with columns of length 1,
//! and of the encoder `M, b, g`. Pools overlap on a torus, so neighbours become alike. `x` are whitened patches; a user of
//! the encoder sees pixels, because the whitening is taken into `M` and `b`.

use super::{
    pools::{Pools, Weights},
    reweighted::{self, Decoder, Settings},
};
use crate::{
    data::{
        images::Images,
        patches::{self, Keep, Kind, Whitening},
    },
    export::Tensors,
    optim::{Adam, AdamConfig, Schedule},
    perceive::inference::{largest_eigenvalue, normalise},
    tape::{Id, ParameterSet, Tape},
    worlds::{Rng, camera::normal},
};
use anyhow::Result;
use forethought::artifact;
use nalgebra::DMatrix;
use serde::{Deserialize, Serialize};

/// Hyper-parameters.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Pixels along a side of a patch.
    pub side: usize,
    /// Principal components that are kept of a patch: the weak ones are noise and corners of the pixel grid.
    pub components: usize,
    /// Rows and columns of the torus of units.
    pub map: [usize; 2],
    /// Rows and columns of a pool.
    pub window: usize,
    /// Units between pools.
    pub stride: usize,
    /// `σ` of a pool's Gaussian weights, in units. Without it all weigh 1, and units that lie in the same pools have no
    /// order among themselves.
    pub sigma: Option<f32>,
    /// `λ`: larger makes fewer pools active at once, and the map smoother.
    pub lambda: f32,
    /// `ε`: below its root a pool's answer costs little.
    pub epsilon: f32,
    /// `α`: how much a code is drawn to what the encoder can predict.
    pub alpha: f32,
    /// Iterations of inference from the encoder's guess.
    pub iterations: usize,
    /// Patches in a batch.
    pub batch: usize,
    /// Batches.
    pub steps: usize,
    /// The dictionary's step, as a share of the way to the batch's own optimum; it falls to 0 along a half cosine.
    pub rate: f32,
    /// Adam's rate for the encoder; it falls the same way.
    pub encoder_rate: f32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            side: 12,
            components: 84,
            map: [16, 16],
            window: 6,
            stride: 3,
            sigma: Some(1.5),
            lambda: 0.8,
            epsilon: 0.01,
            alpha: 0.5,
            iterations: 15,
            batch: 256,
            steps: 4000,
            rate: 0.1,
            encoder_rate: 3e-3,
        }
    }
}

/// Patches as the model sees them.
#[derive(Clone, Debug)]
pub struct Eye {
    /// Pixels along a side.
    pub side: usize,
    whitening: Whitening,
}

impl Eye {
    /// Fits the whitening to many patches.
    pub fn new(images: &Images, side: usize, components: usize, rng: &mut Rng) -> Self {
        let sample = normalised(images, side, 20_000, rng);
        Self { side, whitening: Whitening::fit(&sample, Kind::Pca, Keep::Components(components)) }
    }

    /// Random whitened patches.
    pub fn look(&self, images: &Images, n: usize, rng: &mut Rng) -> DMatrix<f32> {
        self.whitening.apply(&normalised(images, self.side, n, rng))
    }

    /// What whitened components look like: the whitened patch in pixels.
    pub fn picture(&self, components: &DMatrix<f32>) -> DMatrix<f32> {
        self.axes() * components
    }

    /// The components of whitened pictures, as strong as those of the patches.
    pub fn stimuli(&self, pictures: &DMatrix<f32>) -> DMatrix<f32> {
        let mut components = self.axes().transpose() * pictures;
        normalise(&mut components);
        let strength = (components.nrows() as f32).sqrt(); // each has variance 1
        components * strength
    }

    /// Directions of the components, one a column of length 1.
    fn axes(&self) -> DMatrix<f32> {
        let mut axes = self.whitening.backward.clone();
        normalise(&mut axes);
        axes
    }
}

/// Patches without mean, of like contrast.
fn normalised(images: &Images, side: usize, n: usize, rng: &mut Rng) -> DMatrix<f32> {
    let mut x = patches::sample(images, side, n, rng);
    patches::remove_mean(&mut x);
    patches::normalise_contrast(&mut x, 1e-3);
    x
}

/// The model.
#[derive(Clone, Debug)]
pub struct Topographic {
    /// `w`.
    pub pools: Pools,
    dictionary: Dictionary,
    params: ParameterSet,
    m: Id,
    b: Id,
    g: Id,
    settings: Settings,
}

/// `D` and `Dᵀ`: both are multiplied many times a batch.
#[derive(Clone, Debug)]
pub(super) struct Dictionary {
    pub atoms: DMatrix<f32>,
    pub transposed: DMatrix<f32>,
}

impl Dictionary {
    pub fn new(atoms: DMatrix<f32>) -> Self {
        Self { transposed: atoms.transpose(), atoms }
    }
}

impl Decoder for Dictionary {
    fn subtract(&self, z: &DMatrix<f32>, x: &mut DMatrix<f32>) {
        x.gemm(-1.0, &self.atoms, z, 1.0);
    }

    fn correlate(&self, r: &DMatrix<f32>, c: &mut DMatrix<f32>) {
        c.gemm(1.0, &self.transposed, r, 0.0);
    }
}

impl Topographic {
    /// Starts from random atoms, and from an encoder that correlates with them.
    pub fn new(config: &Config, rng: &mut Rng) -> Result<Self> {
        let weights = config.sigma.map_or(Weights::Flat, |sigma| Weights::Gaussian { sigma });
        let pools = Pools::torus(config.map, [config.window; 2], [config.stride; 2], weights)?;
        let units = pools.units();
        let mut atoms = DMatrix::from_fn(config.components, units, |_, _| normal(rng) as f32);
        normalise(&mut atoms);
        let mut params = ParameterSet::new();
        Ok(Self {
            m: params.add("m", 0.5 * atoms.transpose()),
            b: params.add("b", DMatrix::zeros(units, 1)),
            g: params.add("g", DMatrix::from_element(units, 1, 1.0)),
            params,
            pools,
            dictionary: Dictionary::new(atoms),
            settings: Settings {
                lambda: config.lambda,
                epsilon: config.epsilon,
                alpha: config.alpha,
                iterations: config.iterations,
            },
        })
    }

    /// Trains on fresh batches of whitened patches. `progress` sees the step and, for each patch, reconstruction, penalty
    /// and how far the encoder's guess was from the code.
    pub fn train(
        &mut self,
        config: &Config,
        mut batch: impl FnMut(usize) -> DMatrix<f32>,
        mut progress: impl FnMut(usize, [f32; 3]),
    ) -> Result<()> {
        let schedule = |peak| Schedule::Cosine { peak, floor: 0.0, warm_up: 50, total: config.steps as u64 };
        let mut adam = Adam::new(AdamConfig { rate: schedule(config.encoder_rate), ..AdamConfig::default() });
        let rates = schedule(config.rate);
        let mut tape = Tape::new();
        let mut lipschitz = 0.0;
        let mut power = DMatrix::zeros(self.pools.units(), 1);
        for step in 0..config.steps {
            if step.is_multiple_of(10) {
                // A little more than it is now: it grows as neighbours become alike.
                lipschitz = 1.1 * largest_eigenvalue(&(&self.dictionary.transposed * &self.dictionary.atoms));
            }
            let x = batch(config.batch);
            tape.clear();
            let guess = self.guess(&tape, &x);
            let before = tape.value(guess);
            let z = reweighted::infer(&self.dictionary, &self.pools, &x, &before, lipschitz, &self.settings);
            let [missed, penalty] = reweighted::energy(&self.dictionary, &self.pools, &x, &z, &self.settings);
            self.improve_dictionary(&x, &z, &mut power, rates.rate(step as u64));
            let wrong = tape.sum_square(tape.sub(guess, tape.constant(z)));
            let wrong = tape.scale(wrong, 1.0 / config.batch as f32);
            progress(step, [missed, penalty, tape.scalar(wrong)]);
            tape.backward(wrong);
            drop(before);
            adam.step(&mut self.params, &tape)?;
        }
        Ok(())
    }

    /// `D ← D + rate · (x − D z)zᵀ / Σ z²` with the energy of each unit averaged over batches, so that rare units learn as
    /// fast as frequent ones; then columns of length 1.
    fn improve_dictionary(
        &mut self,
        x: &DMatrix<f32>,
        z: &DMatrix<f32>,
        power: &mut DMatrix<f32>,
        rate: f32,
    ) {
        let mut residual = x.clone();
        self.dictionary.subtract(z, &mut residual);
        let transposed = z.transpose();
        let step = residual * &transposed;
        let mut atoms = std::mem::replace(&mut self.dictionary.atoms, DMatrix::zeros(0, 0));
        for (j, (mut atom, step)) in atoms.column_iter_mut().zip(step.column_iter()).enumerate() {
            let now = transposed.column(j).norm_squared();
            power[j] = if power[j] > 0.0 { power[j] + 0.02 * (now - power[j]) } else { now };
            atom.axpy(rate / power[j].max(1e-3 * x.ncols() as f32), &step, 1.0);
        }
        normalise(&mut atoms);
        self.dictionary = Dictionary::new(atoms);
    }

    /// `g ⊙ tanh(M x + b)`.
    fn guess(&self, tape: &Tape, x: &DMatrix<f32>) -> crate::tape::Var {
        let weight = |id| tape.watch(&self.params, id);
        let inner = tape.affine([(weight(self.m), tape.constant(x.clone()))], weight(self.b));
        tape.mul_col(tape.tanh(inner), weight(self.g))
    }

    /// The encoder's codes of whitened patches.
    pub fn encode(&self, x: &DMatrix<f32>) -> DMatrix<f32> {
        let tape = Tape::new();
        tape.value(self.guess(&tape, x)).clone_owned()
    }

    /// Adds the part `perceive` for whitened components, and says how it runs.
    pub fn export(&self, tensors: &mut Tensors) -> artifact::Encoder {
        let value = |id| self.params[id].clone();
        tensors.matrix("perceive", "w", value(self.m));
        tensors.matrix("perceive", "bias", value(self.b));
        tensors.matrix("perceive", "gain", value(self.g));
        tensors.matrix("perceive", "dictionary", self.dictionary().clone());
        tensors.matrix("perceive", "mean", DMatrix::zeros(self.dictionary().nrows(), 1));
        artifact::Encoder::Psd
    }

    /// `D`, one atom of whitened components a column.
    pub fn dictionary(&self) -> &DMatrix<f32> {
        &self.dictionary.atoms
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::dead_leaves::{self, DeadLeaves};
    use rand::SeedableRng;

    #[test]
    fn training_lowers_every_part_and_the_encoder_follows() {
        let rng = &mut Rng::seed_from_u64(4);
        let leaves = DeadLeaves { rows: 64, cols: 64, ..DeadLeaves::default() };
        let images = dead_leaves::generate(&leaves, 2, rng);
        let config = Config {
            side: 8,
            components: 20,
            map: [6, 6],
            window: 3,
            stride: 1,
            batch: 64,
            steps: 600,
            ..Config::default()
        };
        let eye = Eye::new(&images, config.side, config.components, rng);
        let mut model = Topographic::new(&config, rng).unwrap();
        let mut energies = Vec::new();
        let batch = |n: usize| eye.look(&images, n, rng);
        model.train(&config, batch, |_, criteria| energies.push(criteria)).unwrap();
        let mean =
            |part: &[[f32; 3]], which: usize| part.iter().map(|e| e[which]).sum::<f32>() / part.len() as f32;
        let (first, last) = (&energies[..20], &energies[energies.len() - 20..]);
        let energy = |part| mean(part, 0) + mean(part, 1);
        assert!(energy(last) < energy(first), "{} {}", energy(first), energy(last));
        assert!(mean(last, 2) < 0.5 * mean(first, 2), "{} {}", mean(first, 2), mean(last, 2));
        assert!(model.dictionary().column_iter().all(|atom| (atom.norm() - 1.0).abs() < 1e-5));

        // Pictures and components are the same patches.
        let x = eye.look(&images, 5, &mut Rng::seed_from_u64(5));
        let again = eye.stimuli(&eye.picture(&x));
        for (x, again) in x.column_iter().zip(again.column_iter()) {
            assert!((x / x.norm() - again / again.norm()).amax() < 1e-4);
        }
    }
}
