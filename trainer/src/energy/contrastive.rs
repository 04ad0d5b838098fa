//! A continuous energy by contrastive divergence: pushed down at data, and up at what Langevin walks find that is still low.
//!
//! ```text
//! L = mean F(y) − mean F(ȳ) + α (mean F(y)² + mean F(ȳ)²),   ȳ ← ȳ − η ∂F/∂y + σε, some steps
//! ```
//! Walks go on where earlier ones ended (persistent), or start at the data (k steps of it, CD-k); some of the
//! persistent ones start anew, at noise. The last term keeps energies near 0: only differences count, and steep ones make
//! walks unstable. (Hinton 2002; Tieleman 2008; Du & Mordatch, *Implicit generation and modeling with energy based
//! models*, NeurIPS 2019.)

use super::{Descent, Scalar, langevin};
use crate::{
    optim::{Adam, AdamConfig, Schedule},
    tape::Tape,
    worlds::{Rng, camera::normal},
};
use anyhow::Result;
use nalgebra::DMatrix;
use rand::RngExt;
use serde::{Deserialize, Serialize};

/// Hyper-parameters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where walks start: at where others ended, or else at the data.
    pub persistent: bool,
    /// Share of the persistent walks that start anew before each step.
    pub restart: f32,
    /// Deviation of the noise that they start from, in units of the data.
    pub spread: f32,
    /// Steps of a walk.
    pub walk: usize,
    /// η. With it and σ the walk has the temperature `σ²/2η`.
    pub walk_rate: f32,
    /// σ.
    pub walk_noise: f32,
    /// α.
    pub decay: f32,
    /// Samples in a batch, and walks.
    pub batch: usize,
    /// Steps of Adam.
    pub steps: usize,
    /// Adam's rate at the start; it falls to 0 along a half cosine.
    pub rate: f32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            persistent: true,
            restart: 0.05,
            spread: 1.5,
            walk: 20,
            walk_rate: 0.02,
            walk_noise: 0.06,
            decay: 0.01,
            batch: 256,
            steps: 2000,
            rate: 1e-3,
        }
    }
}

/// Trains on batches of data. `progress` sees the step and how much higher the walks' ends are than the data.
pub fn train(
    energy: &mut Scalar,
    config: &Config,
    mut data: impl FnMut(usize, &mut Rng) -> DMatrix<f32>,
    rng: &mut Rng,
    mut progress: impl FnMut(usize, f32),
) -> Result<()> {
    let total = config.steps as u64;
    let rate = Schedule::Cosine { peak: config.rate, floor: 0.0, warm_up: total / 50, total };
    // The walks follow the energy: a long memory of gradients would lag behind them.
    let mut adam = Adam::new(AdamConfig { rate, beta1: 0.5, clip: Some(10.0), ..AdamConfig::default() });
    let descent = Descent { steps: config.walk, rate: config.walk_rate, longest: 0.3 };
    let mut walks: Option<DMatrix<f32>> = None;
    let mut tape = Tape::new();
    for step in 0..config.steps {
        let y = data(config.batch, rng);
        let mut start = match walks.take() {
            Some(walks) if config.persistent => walks,
            None if config.persistent => {
                DMatrix::from_fn(y.nrows(), y.ncols(), |_, _| config.spread * normal(rng) as f32)
            }
            _ => y.clone(),
        };
        if config.persistent {
            for mut start in start.column_iter_mut() {
                if rng.random::<f32>() < config.restart {
                    start.iter_mut().for_each(|y| *y = config.spread * normal(rng) as f32);
                }
            }
        }
        let ends = langevin(energy, &start, None, &descent, config.walk_noise, rng);
        tape.clear();
        let (low, high) = (
            energy.energies(&tape, false, tape.constant(y), None),
            energy.energies(&tape, false, tape.constant(ends.clone()), None),
        );
        let gap = tape.sub(tape.mean(low), tape.mean(high));
        let size = tape.add(tape.mean_square(low), tape.mean_square(high));
        progress(step, -tape.scalar(gap));
        tape.backward(tape.add(gap, tape.scale(size, config.decay)));
        adam.step(&mut energy.params, &tape)?;
        walks = Some(ends);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{energy::Energy, network::Unit};
    use rand::SeedableRng;

    /// Two clusters: low at both, high between and beyond.
    #[test]
    fn energy_is_low_at_the_data_alone() {
        let data = |n: usize, rng: &mut Rng| {
            DMatrix::from_fn(1, n, |_, _| {
                let side = if rng.random::<bool>() { 1.0 } else { -1.0 };
                side + 0.1 * normal(rng) as f32
            })
        };
        for persistent in [true, false] {
            let rng = &mut Rng::seed_from_u64(2);
            let mut energy = Scalar::new((1, 0), &[32, 32], Unit::Tanh, rng);
            // Walks from the data see only what is near it: they have to be wide to come to the middle.
            let walk_noise = if persistent { 0.06 } else { 0.15 };
            let config = Config { persistent, walk_noise, steps: 500, batch: 128, ..Config::default() };
            train(&mut energy, &config, data, rng, |_, gap| assert!(gap.is_finite())).expect("trained");
            let at = DMatrix::from_row_slice(1, 4, &[-1.0, 0.0, 1.0, 2.0]);
            let [left, middle, right, beyond] = energy.of(&at, None)[..] else { panic!("four energies") };
            assert!(left.max(right) < middle.min(beyond), "{persistent}: {left} {middle} {right} {beyond}");
        }
    }
}
