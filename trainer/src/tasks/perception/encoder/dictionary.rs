//! Dictionaries whose codes are found by inference: plainly sparse, on a tree, in overlapping pools, with lateral
//! inhibition.

use super::{at_least_one, batches, not_negative};
use crate::{
    perceive::{
        inference::{L1, Settings, fista},
        inhibition::{self, Inhibition},
        online::{Turns, from_samples},
        pools::{Pools, Weights},
        structured_dictionary::{self, StructuredDictionary},
        tree::{self, TreeCoder, rates},
    },
    tasks::Progress,
    worlds::Rng,
};
use anyhow::Result;
use nalgebra::DMatrix;
use rand::SeedableRng;
use serde::{Deserialize, Serialize};

/// Iterations of the inference that an encoder learns to predict: more than in training, where the codes need not be exact.
const EXACT: usize = 300;

/// From samples to codes, one a column.
pub type Infer = Box<dyn Fn(&DMatrix<f32>) -> DMatrix<f32>>;

/// A dictionary, one atom a column, and the best codes that it has for samples.
pub struct Found {
    /// The atoms.
    pub dictionary: DMatrix<f32>,
    /// The inference of codes.
    pub infer: Infer,
}

/// Settings of a dictionary that can be learned.
pub trait Dictionary {
    /// One sentence about the first setting that makes no sense.
    fn check(&self) -> Result<()>;

    /// Units of the code. Some may be pruned in the end, but there are never more.
    fn units(&self) -> usize;

    /// The threshold that an encoder starts with.
    fn sparsity(&self) -> f32;

    /// Learns it.
    fn learn(&self, x: &DMatrix<f32>, rng: &mut Rng, progress: &mut Progress<'_>) -> Result<Found>;
}

/// Sparse coding as such: `½‖x − D z‖² + λ‖z‖₁`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sparse {
    /// Units of the code.
    pub units: usize,
    /// `λ`: larger makes fewer units active at once.
    pub sparsity: f32,
    /// Samples in a batch.
    pub batch: usize,
    /// Batches: one update of the dictionary after each.
    pub batches: usize,
    /// Batches that the dictionary remembers.
    pub memory: f32,
    /// FISTA's iterations for a batch.
    pub iterations: usize,
}

impl Default for Sparse {
    fn default() -> Self {
        Self { units: 64, sparsity: 0.1, batch: 500, batches: 200, memory: 30.0, iterations: 60 }
    }
}

impl Dictionary for Sparse {
    fn check(&self) -> Result<()> {
        at_least_one(&[("units", self.units), ("batch", self.batch), ("batches", self.batches)])?;
        not_negative(&[("sparsity", self.sparsity), ("memory", self.memory)])
    }

    fn units(&self) -> usize {
        self.units
    }

    fn sparsity(&self) -> f32 {
        self.sparsity
    }

    fn learn(&self, x: &DMatrix<f32>, rng: &mut Rng, progress: &mut Progress<'_>) -> Result<Found> {
        let penalty = L1 { lambda: self.sparsity };
        let mut dictionary = from_samples(x, self.units, rng);
        let Self { batch, batches: of, memory, iterations, .. } = *self;
        let mut places = Rng::from_rng(rng);
        Turns { batch, batches: of, memory, iterations }.learn(
            &mut dictionary,
            &penalty,
            batches(x, &mut places),
            rng,
            |step, criterion| progress("dictionary", step, of, &[("criterion", criterion)]),
        );
        let atoms = dictionary.clone();
        let settings = Settings { iterations: EXACT, tolerance: 1e-3, start: None };
        Ok(Found { dictionary, infer: Box::new(move |x| fista(&atoms, x, &penalty, &settings, |_, _| ())) })
    }
}

impl Dictionary for tree::Config {
    fn check(&self) -> Result<()> {
        at_least_one(&[("branching", self.units()), ("batch", self.batch), ("batches", self.batches)])?;
        not_negative(&[("sparsity", self.sparsity), ("growth", self.growth), ("prune", self.prune)])
    }

    fn units(&self) -> usize {
        let levels = self.branching.iter().scan(1usize, |nodes, &children| {
            *nodes = nodes.saturating_mul(children);
            Some(*nodes)
        });
        levels.fold(0, usize::saturating_add)
    }

    fn sparsity(&self) -> f32 {
        self.sparsity
    }

    fn learn(&self, x: &DMatrix<f32>, rng: &mut Rng, progress: &mut Progress<'_>) -> Result<Found> {
        let mut tree = TreeCoder::new(self, x, rng)?;
        let of = self.batches;
        // Half of the time all branches, then those that are used.
        for (part, start) in [(of.div_ceil(2), 0), (of / 2, of.div_ceil(2))] {
            let mut places = Rng::from_rng(rng);
            tree.train(self, part, batches(x, &mut places), rng, |step, criterion| {
                progress("dictionary", start + step, of, &[("criterion", criterion)]);
            });
            if start == 0 && self.prune > 0.0 {
                let seen = x.columns(0, x.ncols().min(2000)).into_owned();
                tree = tree.pruned(&rates(&tree.infer(&seen, EXACT)), self.prune)?;
            }
        }
        let dictionary = tree.dictionary.clone();
        Ok(Found { dictionary, infer: Box::new(move |x| tree.infer(x, EXACT)) })
    }
}

impl Dictionary for structured_dictionary::Config {
    fn check(&self) -> Result<()> {
        at_least_one(&[("map", self.units()), ("batch", self.batch), ("batches", self.batches)])?;
        not_negative(&[("sparsity", self.sparsity), ("epsilon", self.epsilon)])
    }

    fn units(&self) -> usize {
        self.map[0] * self.map[1]
    }

    fn sparsity(&self) -> f32 {
        self.sparsity
    }

    fn learn(&self, x: &DMatrix<f32>, rng: &mut Rng, progress: &mut Progress<'_>) -> Result<Found> {
        let pools = Pools::torus(self.map, [self.window; 2], [1, 1], Weights::Flat)?;
        let mut model = StructuredDictionary::new(self, pools, x.nrows(), rng);
        model.train(self, batches(x, rng), |step, criterion| {
            progress("dictionary", step, self.batches, &[("criterion", criterion)]);
        });
        let dictionary = model.dictionary.clone();
        Ok(Found { dictionary, infer: Box::new(move |x| model.infer(x).0) })
    }
}

impl Dictionary for inhibition::Config {
    fn check(&self) -> Result<()> {
        at_least_one(&[("structure", self.units()), ("batch", self.batch), ("batches", self.batches)])?;
        not_negative(&[("inhibition", self.inhibition), ("sparsity", self.sparsity), ("budget", self.budget)])
    }

    fn units(&self) -> usize {
        self.structure.units()
    }

    fn sparsity(&self) -> f32 {
        self.sparsity
    }

    fn learn(&self, x: &DMatrix<f32>, rng: &mut Rng, progress: &mut Progress<'_>) -> Result<Found> {
        let mut model = Inhibition::new(self, x.nrows(), rng)?;
        let mut places = Rng::from_rng(rng);
        model.train(self, batches(x, &mut places), rng, |step, energy| {
            progress("dictionary", step, self.batches, &[("energy", energy)]);
        });
        let dictionary = model.dictionary.clone();
        Ok(Found { dictionary, infer: Box::new(move |x| model.infer(x)) })
    }
}
