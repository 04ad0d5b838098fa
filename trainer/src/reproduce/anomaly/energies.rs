//! Every energy that can be taught with familiar samples alone.

use crate::{
    energy::{
        Autoencoder, Encoded, Energy, Means, Principal, Scalar, Sparse, denoising,
        gan::{Bound, Config, Gan, Loss},
        narrow,
        rbm::{self, Rbm},
    },
    network::Unit,
    perceive::{
        inference::{L1, Settings},
        lista::{self, Lista},
        online::{Turns, from_samples},
    },
    worlds::Rng,
};
use anyhow::Result;
use nalgebra::DMatrix;
use rand::{RngExt, SeedableRng};

/// How large and how long, for one kind of samples.
pub(super) struct Setup {
    /// Atoms of the dictionaries, and centres of k-means.
    pub atoms: usize,
    /// `λ`.
    pub price: f32,
    /// Principal components.
    pub components: usize,
    /// Hidden units of a layer.
    pub hidden: usize,
    /// Width of narrow codes.
    pub code: usize,
    /// Deviations of the noise that is taken off: the least and the largest.
    pub noise: [f32; 2],
    /// Steps of Adam.
    pub steps: usize,
}

/// A name, and how the energy is taught on samples, one a column.
pub(super) type Lesson =
    (&'static str, fn(&Setup, &DMatrix<f32>, &mut Rng) -> Result<Box<dyn Energy + Send>>);

/// All of them.
pub(super) const LESSONS: [Lesson; 12] = [
    ("PCA", |setup, y, rng| Ok(Box::new(Principal::fit(&draw(y, 5_000, rng), setup.components)))),
    ("k-means", |setup, y, rng| Ok(Box::new(Means::fit(&draw(y, 5_000, rng), setup.atoms, 5, rng)))),
    ("sparse coding", |setup, y, rng| {
        let mean = mean(y);
        let centred = |n, rng: &mut Rng| {
            let mut y = draw(y, n, rng);
            y.column_iter_mut().for_each(|mut y| y -= mean.column(0));
            y
        };
        let mut dictionary = from_samples(&centred(1000, rng), setup.atoms, rng);
        let turns = Turns { batch: 256, batches: setup.steps / 10, memory: 50.0, iterations: 40 };
        let penalty = L1 { lambda: setup.price };
        let own = &mut Rng::seed_from_u64(rng.random());
        turns.learn(&mut dictionary, &penalty, |n| centred(n, rng), own, |_, _| ());
        let settings = Settings { iterations: 60, tolerance: 0.0, start: None };
        Ok(Box::new(Sparse { dictionary, mean, penalty: Box::new(penalty), settings }))
    }),
    ("sparse coding, learned encoder", |setup, y, rng| {
        let config = lista::Config {
            units: setup.atoms,
            sparsity: setup.price,
            steps: setup.steps,
            batch: 64,
            ..lista::Config::default()
        };
        let batch = |n: usize, rng: &mut Rng| (draw(y, n, rng), DMatrix::zeros(0, n));
        let mut lista = Lista::new(&config, &batch(1000, rng), rng);
        lista.train(&config, |n| batch(n, rng), |_, _| ())?;
        Ok(Box::new(Encoded {
            layers: lista.layers(),
            dictionary: lista.dictionary().clone(),
            mean: lista.mean().clone(),
            lambda: setup.price,
            encoder: lista,
        }))
    }),
    ("autoencoder, narrow code", |setup, y, rng| autoencoder(setup, setup.code, 0.0, y, rng)),
    ("autoencoder, noise in the code", |setup, y, rng| autoencoder(setup, 4 * setup.code, 1.0, y, rng)),
    ("denoising autoencoder", |setup, y, rng| {
        let mut energy = Autoencoder::new((y.nrows(), 0), &[setup.hidden; 2], Unit::Relu, rng);
        denoising::train(&mut energy, &corruption(setup), |n, rng| draw(y, n, rng), rng, |_, _| ())?;
        Ok(Box::new(energy))
    }),
    ("denoising score", |setup, y, rng| {
        let mut energy = Scalar::new((y.nrows(), 0), &[setup.hidden; 2], Unit::Tanh, rng);
        denoising::train(&mut energy, &corruption(setup), |n, rng| draw(y, n, rng), rng, |_, _| ())?;
        Ok(Box::new(energy))
    }),
    ("restricted Boltzmann machine", |setup, y, rng| {
        let config = rbm::Config { hidden: setup.hidden, steps: setup.steps, ..rbm::Config::default() };
        let mut machine = Rbm::new(&config, &mean(y), rng);
        machine.train(&config, |n, rng| draw(y, n, rng), rng, |_, _| ())?;
        Ok(Box::new(machine))
    }),
    ("discriminator, flat at data", |setup, y, rng| {
        critic(setup, (Loss::NonSaturating, Bound::Flat(1.0)), y, rng)
    }),
    ("discriminator, hinge", |setup, y, rng| {
        // About as much as an untrained autoencoder misses.
        let missed = y.column_iter().map(|y| 0.5 * y.norm_squared()).sum::<f32>() / y.ncols() as f32;
        critic(setup, (Loss::Hinge { margin: 0.3 * missed, pull: 0.1 }, Bound::Free), y, rng)
    }),
    ("discriminator, Wasserstein", |setup, y, rng| {
        critic(setup, (Loss::Wasserstein, Bound::Unit(1.0)), y, rng)
    }),
];

fn draw(y: &DMatrix<f32>, n: usize, rng: &mut Rng) -> DMatrix<f32> {
    y.select_columns(&(0..n).map(|_| rng.random_range(0..y.ncols())).collect::<Vec<_>>())
}

fn mean(y: &DMatrix<f32>) -> DMatrix<f32> {
    DMatrix::from_column_slice(y.nrows(), 1, y.column_mean().as_slice())
}

fn corruption(setup: &Setup) -> denoising::Config {
    denoising::Config { noise: setup.noise, batch: 64, steps: setup.steps, rate: 1e-3 }
}

fn autoencoder(
    setup: &Setup,
    code: usize,
    noise: f32,
    y: &DMatrix<f32>,
    rng: &mut Rng,
) -> Result<Box<dyn Energy + Send>> {
    let mut energy = Autoencoder::new((y.nrows(), 0), &[setup.hidden, code], Unit::Relu, rng);
    // A component of the code that is noise alone must save more than it costs.
    let price = if noise > 0.0 { setup.price } else { 0.0 };
    let config = narrow::Config { noise, price, batch: 64, steps: setup.steps, rate: 1e-3 };
    narrow::train(&mut energy, &config, |n, rng| draw(y, n, rng), rng, |_, _| ())?;
    Ok(Box::new(energy))
}

fn critic(
    setup: &Setup,
    (loss, bound): (Loss, Bound),
    y: &DMatrix<f32>,
    rng: &mut Rng,
) -> Result<Box<dyn Energy + Send>> {
    let hinge = matches!(loss, Loss::Hinge { .. });
    let config = Config {
        loss,
        bound,
        latent: 2 * setup.code,
        generator: vec![setup.hidden; 2],
        critic: if hinge { vec![setup.hidden, 2 * setup.code] } else { vec![setup.hidden; 2] },
        batch: 64,
        steps: setup.steps,
        rates: [5e-4; 2],
        ..Config::default()
    };
    let mut gan = Gan::new(&config, (y.nrows(), 0), rng)?;
    gan.train(|n, rng| (draw(y, n, rng), None), rng, |_, _, _| ())?;
    Ok(Box::new(gan.critic))
}
