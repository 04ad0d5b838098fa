//! The energies that a task file can name: those that a chip can tell.

use crate::{
    energy::{
        Autoencoder, Encoded, Principal, Scalar, denoising,
        export::{OnChip, Standard},
        narrow,
    },
    mind,
    network::Unit,
    perceive::lista::{self, Lista},
    tasks::Progress,
    worlds::Rng,
};
use anyhow::{Result, ensure};
use nalgebra::DMatrix;
use rand::RngExt;
use serde::{Deserialize, Serialize};

/// The section `[energy]`: `method`, and beside it the settings of that method.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "method", rename_all = "kebab-case")]
pub enum Method {
    /// What a few principal components miss: the smallest and quickest.
    Principal(Components),
    /// What an autoencoder with a narrow code misses.
    Narrow(Narrow),
    /// What an autoencoder misses that was taught to take noise off.
    Denoising(Denoising),
    /// A number whose slope was taught to point away from noise: what it says falls towards healthy samples from all
    /// around, so it is the one to [descend](super::Descend).
    Score(Denoising),
    /// What sparse coding misses, by an encoder and its decoder.
    Sparse(Sparse),
}

/// Settings of [`Method::Principal`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Components {
    /// How many: as many as healthy samples vary in. What varies in none of them is strange.
    pub components: usize,
}

impl Default for Components {
    fn default() -> Self {
        Self { components: 16 }
    }
}

/// Settings of [`Method::Narrow`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Narrow {
    /// Units of the hidden layers, before and behind the code.
    pub hidden: usize,
    /// Numbers in the code: few, or everything has a low energy.
    pub code: usize,
    /// Deviation of the noise that is added to the code in training; 0 leaves its width as the only limit.
    pub noise: f32,
    /// Price of half of the code's square, in units of half of the error's square; with noise it keeps the code from outgrowing it.
    pub price: f32,
    /// Samples in a batch.
    pub batch: usize,
    /// Steps of Adam.
    pub steps: usize,
    /// Adam's rate at the start; it falls to 0 along a half cosine.
    pub rate: f32,
}

impl Default for Narrow {
    fn default() -> Self {
        let narrow::Config { noise, price, batch, rate, .. } = narrow::Config::default();
        Self { hidden: 64, code: 8, noise, price, batch, steps: 4000, rate }
    }
}

/// Settings of [`Method::Denoising`] and of [`Method::Score`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Denoising {
    /// Units of both hidden layers.
    pub hidden: usize,
    /// Least and largest deviation of the noise, in standard deviations of the data: how far from healthy samples it learns what is
    /// healthy.
    pub noise: [f32; 2],
    /// Samples in a batch.
    pub batch: usize,
    /// Steps of Adam.
    pub steps: usize,
    /// Adam's rate at the start; it falls to 0 along a half cosine.
    pub rate: f32,
}

impl Default for Denoising {
    fn default() -> Self {
        let denoising::Config { batch, rate, .. } = denoising::Config::default();
        Self { hidden: 64, noise: [0.1, 1.0], batch, steps: 4000, rate }
    }
}

/// Settings of [`Method::Sparse`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sparse {
    /// Atoms of the dictionary.
    pub atoms: usize,
    /// Times that the code is fed back.
    pub iterations: usize,
    /// Price of a unit's activity.
    pub price: f32,
    /// Samples in a batch.
    pub batch: usize,
    /// Steps of Adam.
    pub steps: usize,
    /// Adam's rate at the start; it falls to 0 along a half cosine.
    pub rate: f32,
}

impl Default for Sparse {
    fn default() -> Self {
        let lista::Config { units, iterations, batch, steps, rate, .. } = lista::Config::default();
        Self { atoms: units, iterations, price: 0.3, batch, steps, rate }
    }
}

impl Method {
    /// One sentence about the first setting that makes no sense.
    pub fn check(&self) -> Result<()> {
        let (counts, rate): (Vec<_>, _) = match self {
            Self::Principal(c) => (vec![("components", c.components)], 1.0),
            Self::Narrow(c) => {
                ensure!(
                    c.noise.is_finite() && c.noise >= 0.0 && c.price.is_finite() && c.price >= 0.0,
                    "energy.noise and energy.price must be numbers of at least 0"
                );
                (vec![("hidden", c.hidden), ("code", c.code), ("batch", c.batch), ("steps", c.steps)], c.rate)
            }
            Self::Denoising(c) | Self::Score(c) => {
                let [least, largest] = c.noise;
                ensure!(
                    0.0 < least && least <= largest && largest.is_finite(),
                    "energy.noise must be two deviations above 0, the smaller first, not {least} and {largest}"
                );
                (vec![("hidden", c.hidden), ("batch", c.batch), ("steps", c.steps)], c.rate)
            }
            Self::Sparse(c) => {
                ensure!(c.price.is_finite() && c.price >= 0.0, "energy.price must be a number of at least 0");
                ensure!(c.atoms <= mind::NC, "energy.atoms must be at most {}, not {}", mind::NC, c.atoms);
                let most = usize::from(u16::MAX);
                ensure!(c.iterations <= most, "energy.iterations must be at most {most}");
                (vec![("atoms", c.atoms), ("batch", c.batch), ("steps", c.steps)], c.rate)
            }
        };
        for (name, n) in counts {
            ensure!(n > 0, "energy.{name} must be at least 1");
            ensure!(
                !matches!(name, "hidden" | "code" | "components") || n <= mind::WIDE,
                "energy.{name} must be at most {}, not {n}",
                mind::WIDE
            );
        }
        ensure!(rate.is_finite() && rate > 0.0, "energy.rate must be a number above 0, not {rate}");
        Ok(())
    }

    /// One sentence if it cannot be taught samples that were brought to these units.
    pub fn accepts(&self, standard: &Standard) -> Result<()> {
        ensure!(
            !matches!(self, Self::Sparse(_)) || standard.uniform().is_some(),
            "sparse coding measures all numbers of a sample in one unit: teach it windows of a signal (data.patch) or images, or choose another \
             energy.method"
        );
        Ok(())
    }

    /// The rate of a descent in the units of the sensors, which are so many standard ones, for one in standard units. Energies of
    /// what is missed are in units of the sensors themselves; a critic's number is in its own.
    pub fn stride(&self, rate: f32, unit: f32) -> f32 {
        match self {
            Self::Score(_) => rate * unit * unit,
            _ => rate,
        }
    }

    /// Teaches the energy on samples in standard units, one a column.
    pub fn teach(
        &self,
        y: &DMatrix<f32>,
        rng: &mut Rng,
        progress: &mut Progress<'_>,
    ) -> Result<Box<dyn OnChip>> {
        let numbers = y.nrows();
        let draw = |n: usize, rng: &mut Rng| {
            y.select_columns(&(0..n).map(|_| rng.random_range(0..y.ncols())).collect::<Vec<_>>())
        };
        match *self {
            Self::Principal(Components { components }) => {
                ensure!(
                    components < numbers,
                    "energy.components must be less than the {numbers} numbers of a sample, not {components}: all of them miss nothing"
                );
                Ok(Box::new(Principal::fit(y, components)))
            }
            Self::Narrow(Narrow { hidden, code, noise, price, batch, steps, rate }) => {
                let mut energy = Autoencoder::new((numbers, 0), &[hidden, code], Unit::Tanh, rng);
                let config = narrow::Config { noise, price, batch, steps, rate };
                narrow::train(&mut energy, &config, draw, rng, |step, loss| {
                    progress("autoencoder", step, steps, &[("missed", loss)]);
                })?;
                Ok(Box::new(energy))
            }
            Self::Denoising(Denoising { hidden, noise, batch, steps, rate }) => {
                let mut energy = Autoencoder::new((numbers, 0), &[hidden, hidden], Unit::Relu, rng);
                let config = denoising::Config { noise, batch, steps, rate };
                denoising::train(&mut energy, &config, draw, rng, |step, loss| {
                    progress("denoising", step, steps, &[("missed", loss)]);
                })?;
                Ok(Box::new(energy))
            }
            Self::Score(Denoising { hidden, noise, batch, steps, rate }) => {
                let mut energy = Scalar::new((numbers, 0), &[hidden, hidden], Unit::Tanh, rng);
                let config = denoising::Config { noise, batch, steps, rate };
                denoising::train(&mut energy, &config, draw, rng, |step, loss| {
                    progress("denoising", step, steps, &[("missed", loss)]);
                })?;
                Ok(Box::new(energy))
            }
            Self::Sparse(Sparse { atoms, iterations, price, batch, steps, rate }) => {
                let config = lista::Config {
                    units: atoms,
                    iterations,
                    sparsity: price,
                    readout: 0.0,
                    batch,
                    steps,
                    rate,
                };
                let lesson = |n, rng: &mut Rng| (draw(n, rng), DMatrix::zeros(0, n));
                let mut lista = Lista::new(&config, &lesson(1024, rng), rng);
                lista.train(
                    &config,
                    |n| lesson(n, rng),
                    |step, [missed, sparsity, _]| {
                        progress(
                            "encoder",
                            step,
                            steps,
                            &[("reconstruction", missed), ("sparsity", sparsity)],
                        );
                    },
                )?;
                Ok(Box::new(Encoded {
                    layers: lista.layers(),
                    dictionary: lista.dictionary().clone(),
                    mean: lista.mean().clone(),
                    lambda: price,
                    encoder: lista,
                }))
            }
        }
    }
}
