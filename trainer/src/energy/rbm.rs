//! The restricted Boltzmann machine, trained by contrastive divergence.
//!
//! ```text
//! E(v, h) = −bᵀv − cᵀh − hᵀW v            P(h|v) = σ(c + W v),   P(v|h) = σ(b + Wᵀh)
//! F(v) = −log Σ_h e^(−E) = −bᵀv − Σ_i softplus(c + W v)_i
//! ΔW ∝ ⟨∂F/∂W⟩_chains − ⟨∂F/∂W⟩_data
//! ```
//! with binary `h`, and `v` binary or a probability. Chains of Gibbs sampling start at the data (CD-k; Hinton 2002), or go on
//! where they ended after the last update (PCD; Tieleman 2008).

use super::Energy;
use crate::{
    network::Weights,
    optim::{Schedule, Sgd, SgdConfig},
    tape::{Id, ParameterSet, Tape, Var},
    worlds::{Rng, camera::normal},
};
use anyhow::{Result, ensure};
use nalgebra::DMatrix;
use rand::RngExt;
use serde::{Deserialize, Serialize};

/// Hyper-parameters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Hidden units.
    pub hidden: usize,
    /// Gibbs steps of every chain before an update, k.
    pub gibbs: usize,
    /// Whether chains go on, or start at the data.
    pub persistent: bool,
    /// Samples in a batch, and chains.
    pub batch: usize,
    /// Updates.
    pub steps: usize,
    /// Rate at the start; it falls to 0 along a half cosine. Chains that go on must keep up with it.
    pub rate: f32,
    /// Price of `½‖W‖²`: large weights make chains that do not mix.
    pub decay: f32,
}

impl Default for Config {
    fn default() -> Self {
        Self { hidden: 256, gibbs: 1, persistent: true, batch: 100, steps: 6000, rate: 0.05, decay: 1e-4 }
    }
}

/// The machine.
#[derive(Clone, Debug)]
pub struct Rbm {
    /// The weights.
    pub params: ParameterSet,
    w: Id,
    visible: Id,
    hidden: Id,
}

impl Rbm {
    /// Small random weights. `mean` is that of the data, a column: where the visible biases start, so that the weights need not
    /// learn it (Hinton, *A practical guide to training RBMs*, 2010).
    pub fn new(config: &Config, mean: &DMatrix<f32>, rng: &mut Rng) -> Self {
        let mut params = ParameterSet::new();
        let w = DMatrix::from_fn(config.hidden, mean.nrows(), |_, _| 0.01 * normal(rng) as f32);
        let logit = mean.map(|p| {
            let p = p.clamp(0.01, 0.99);
            (p / (1.0 - p)).ln()
        });
        let w = params.add("w", w);
        let visible = params.add("visible", logit);
        let hidden = params.add("hidden", DMatrix::zeros(config.hidden, 1));
        Self { params, w, visible, hidden }
    }

    /// `F` on a tape, with weights that learn or do not.
    fn free(&self, tape: &Tape, frozen: bool, v: Var) -> Var {
        let weights = Weights { tape, params: &self.params, frozen };
        let own = tape.matmul_transposed(weights.get(self.visible), v);
        let hidden = tape.softplus(tape.affine([(weights.get(self.w), v)], weights.get(self.hidden)));
        tape.scale(tape.add(own, tape.sum_rows(hidden)), -1.0)
    }

    /// So many steps of every chain: hidden units are drawn, then visible ones. Returns what was drawn last, and its probabilities.
    pub fn gibbs(&self, v: &DMatrix<f32>, steps: usize, rng: &mut Rng) -> (DMatrix<f32>, DMatrix<f32>) {
        let (w, transposed) = (&self.params[self.w], self.params[self.w].transpose());
        let side = |w: &DMatrix<f32>, from: &DMatrix<f32>, bias: Id| {
            let mut sums = w * from;
            for mut sum in sums.column_iter_mut() {
                sum += self.params[bias].column(0);
            }
            sums.apply(|v| *v = 1.0 / (1.0 + (-*v).exp()));
            sums
        };
        let (mut v, mut p) = (v.clone(), v.clone());
        for _ in 0..steps {
            let h = drawn(side(w, &v, self.hidden), rng);
            p = side(&transposed, &h, self.visible);
            v = drawn(p.clone(), rng);
        }
        (v, p)
    }

    /// Learns from batches of samples in [0, 1]. `progress` sees the update and how much higher the chains' free energy is than
    /// the data's.
    pub fn train(
        &mut self,
        config: &Config,
        mut data: impl FnMut(usize, &mut Rng) -> DMatrix<f32>,
        rng: &mut Rng,
        mut progress: impl FnMut(usize, f32),
    ) -> Result<()> {
        ensure!(config.gibbs > 0, "rbm.gibbs must be at least 1");
        let total = config.steps as u64;
        let rate = Schedule::Cosine { peak: config.rate, floor: 0.0, warm_up: total / 50, total };
        let mut sgd = Sgd::new(SgdConfig { rate, momentum: 0.5, ..SgdConfig::default() });
        let mut chains: Option<DMatrix<f32>> = None;
        let mut tape = Tape::new();
        for step in 0..config.steps {
            // Probabilities become samples: the machine's visible units are binary.
            let v = drawn(data(config.batch, rng), rng);
            let start = chains.take().filter(|_| config.persistent).unwrap_or_else(|| v.clone());
            let (ends, _) = self.gibbs(&start, config.gibbs, rng);
            tape.clear();
            let (low, high) = (tape.constant(v), tape.constant(ends.clone()));
            let (low, high) = (self.free(&tape, false, low), self.free(&tape, false, high));
            let gap = tape.sub(tape.mean(low), tape.mean(high));
            progress(step, -tape.scalar(gap));
            let weights = tape.sum_square(tape.watch(&self.params, self.w));
            tape.backward(tape.add(gap, tape.scale(weights, 0.5 * config.decay)));
            sgd.step(&mut self.params, &tape)?;
            chains = Some(ends);
        }
        Ok(())
    }
}

/// 1 with each entry's probability, or 0.
fn drawn(mut p: DMatrix<f32>, rng: &mut Rng) -> DMatrix<f32> {
    p.apply(|p| *p = if rng.random::<f32>() < *p { 1.0 } else { 0.0 });
    p
}

impl Energy for Rbm {
    fn on(&self, tape: &Tape, y: Var, _: Option<Var>) -> Var {
        self.free(tape, true, y)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{energy::tests::check_slope, tape::check::random};
    use rand::SeedableRng;

    /// `Σ_h e^(−E(v, h))` of a small machine, state by state.
    #[test]
    fn the_free_energy_is_the_sum_over_hidden_states() {
        let config = Config { hidden: 3, ..Config::default() };
        let mut rbm = Rbm::new(&config, &DMatrix::from_element(4, 1, 0.5), &mut Rng::seed_from_u64(1));
        let (w, b, c) = (random(3, 4, 1), random(4, 1, 2), random(3, 1, 3));
        (rbm.params[rbm.w], rbm.params[rbm.visible], rbm.params[rbm.hidden]) =
            (w.clone(), b.clone(), c.clone());
        let v = random(4, 5, 4);
        check_slope(&rbm, &v, None);
        for (v, free) in v.column_iter().zip(rbm.of(&v, None)) {
            let weight = |state: usize| {
                let h = DMatrix::from_fn(3, 1, |i, _| (state >> i & 1) as f32);
                (b.dot(&v) + c.dot(&h) + (h.transpose() * &w * v)[0]).exp()
            };
            let sum: f32 = (0..8).map(weight).sum();
            assert!((free + sum.ln()).abs() < 1e-4, "{free} {}", -sum.ln());
        }
    }

    /// Two patterns and their parts: both ways of running chains make the patterns' energy the lowest.
    #[test]
    fn patterns_have_the_lowest_energy_and_chains_find_them() {
        let patterns = DMatrix::from_column_slice(6, 2, &[1., 1., 1., 0., 0., 0., 0., 0., 0., 1., 1., 1.]);
        for persistent in [true, false] {
            let rng = &mut Rng::seed_from_u64(2);
            let config = Config { hidden: 8, persistent, steps: 1500, rate: 0.2, ..Config::default() };
            let mut rbm = Rbm::new(&config, &DMatrix::from_element(6, 1, 0.5), rng);
            let data = |n: usize, rng: &mut Rng| {
                let chosen: Vec<_> = (0..n).map(|_| rng.random_range(0..2)).collect();
                patterns.select_columns(&chosen)
            };
            rbm.train(&config, data, rng, |_, _| ()).expect("trained");
            let all = DMatrix::from_fn(6, 64, |i, j| (j >> i & 1) as f32);
            let energies = rbm.of(&all, None);
            let mut order: Vec<usize> = (0..64).collect();
            order.sort_by(|&a, &b| energies[a].total_cmp(&energies[b]));
            order.truncate(2);
            order.sort_unstable();
            assert_eq!(order, [0b000_111, 0b111_000], "{persistent}");
            let (ends, _) = rbm.gibbs(&DMatrix::from_element(6, 200, 0.0), 100, rng);
            let hits = ends.column_iter().filter(|v| patterns.column_iter().any(|p| p == *v)).count();
            assert!(hits > 120, "{persistent}: {hits} of 200");
        }
    }
}
