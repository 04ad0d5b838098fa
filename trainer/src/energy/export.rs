//! From an energy to the weight file of a [sentinel](forethought::sentinel): with its threshold, and for samples as they are.
//!
//! Energies are taught in standard units, `(y − μ) / σ`; the exported weights have taken that in. The threshold is that of the exported
//! file, asked by the kernels that run on the chip.

use super::{Autoencoder, Encoded, Energy, Principal, Scalar, threshold};
use crate::{
    data::whitening::Whitening,
    export::{Tensors, WeightFile},
    mind,
    network::{Affine, Stack},
    perceive::{fold::fold, unrolled::Unrolled},
};
use anyhow::{Context, Result, bail};
use forethought::{
    agent::{Mode, Reading},
    artifact::{self, Header, Layers, Provenance, Sensors, Source},
};
use nalgebra::DMatrix;

/// The part of an artifact that holds layers of an energy.
const PART: &str = "energy";

/// Standard units: `(y − μ) / σ`.
#[derive(Clone, Debug)]
pub struct Standard {
    /// `μ`, a column.
    pub mean: DMatrix<f32>,
    /// `σ`, of each number; all the same where they have the same unit.
    pub deviation: DMatrix<f32>,
}

impl Standard {
    /// Of samples, one a column, whose numbers have units of their `own` or one for all. A number that is always the same
    /// is measured in the unit of its sensor: whatever it will be is strange enough.
    pub fn fit(y: &DMatrix<f32>, own: bool) -> Self {
        let n = y.ncols().max(1) as f64;
        let (mut mean, mut variance) = (DMatrix::zeros(y.nrows(), 1), vec![0.0; y.nrows()]);
        for (i, row) in y.row_iter().enumerate() {
            let sum: f64 = row.iter().map(|v| f64::from(*v)).sum();
            mean[i] = (sum / n) as f32;
            // Rounding must not make a unit of what never changes.
            if row.max() > row.min() {
                variance[i] = row.iter().map(|v| (f64::from(*v) - sum / n).powi(2)).sum::<f64>() / n;
            }
        }
        let all = variance.iter().sum::<f64>() / variance.len().max(1) as f64;
        let deviation = variance.iter().map(|&variance| {
            let variance = if own { variance } else { all };
            if variance > 0.0 { variance.sqrt() as f32 } else { 1.0 }
        });
        Self { deviation: DMatrix::from_iterator(y.nrows(), 1, deviation), mean }
    }

    /// Brings samples to them.
    pub fn apply(&self, y: &DMatrix<f32>) -> DMatrix<f32> {
        DMatrix::from_fn(y.nrows(), y.ncols(), |i, j| (y[(i, j)] - self.mean[i]) / self.deviation[i])
    }

    /// `σ`, if it is the same for all.
    pub fn uniform(&self) -> Option<f32> {
        let first = self.deviation.iter().next().copied()?;
        self.deviation.iter().all(|deviation| *deviation == first).then_some(first)
    }

    /// To them.
    fn there(&self) -> Affine {
        let scale = self.deviation.map(|deviation| 1.0 / deviation);
        let shift = -self.mean.component_mul(&scale);
        Affine::scale(&scale, &shift)
    }

    /// And back.
    fn back(&self) -> Affine {
        Affine::scale(&self.deviation, &self.mean)
    }
}

/// What an exported energy is.
#[derive(Clone, Debug)]
pub struct Exported {
    /// What the energy comes from.
    pub source: Source,
    /// How its encoder runs, if that is it.
    pub encoder: artifact::Encoder,
    /// How its layers run, if they are.
    pub layers: Layers,
    /// Units of the code.
    pub code: u32,
    /// Units of the widest hidden layer.
    pub hidden: u16,
}

/// An energy that the chip can tell.
pub trait OnChip: Energy {
    /// Adds the tensors of the energy of samples as they are, given that it was taught in standard units. It is in units of its own.
    fn export(&self, standard: &Standard, tensors: &mut Tensors) -> Result<Exported>;
}

fn layers(source: Source, stack: &Stack, tensors: &mut Tensors) -> Exported {
    let layers = stack.export(PART, tensors);
    Exported { source, encoder: artifact::Encoder::Psd, layers, code: 0, hidden: stack.hidden() as u16 }
}

/// What a stack does not give back.
fn missed(stack: Stack, standard: &Standard, tensors: &mut Tensors) -> Exported {
    if standard.uniform().is_none() {
        tensors.matrix(PART, "scale", standard.deviation.map(|deviation| 1.0 / deviation));
    }
    layers(Source::Autoencoder, &stack.between(&standard.there(), &standard.back()), tensors)
}

impl OnChip for Autoencoder {
    fn export(&self, standard: &Standard, tensors: &mut Tensors) -> Result<Exported> {
        let decoder = Stack::of(&self.decoder, &self.params);
        Ok(missed(Stack::of(&self.encoder, &self.params).then(&decoder), standard, tensors))
    }
}

impl OnChip for Principal {
    fn export(&self, standard: &Standard, tensors: &mut Tensors) -> Result<Exported> {
        let w = self.components.transpose();
        let b = -(&w * &self.mean);
        let back = Affine { w: self.components.clone(), b: self.mean.clone() };
        Ok(missed(Stack::linear([Affine { w, b }, back]), standard, tensors))
    }
}

impl OnChip for Scalar {
    fn export(&self, standard: &Standard, tensors: &mut Tensors) -> Result<Exported> {
        let one = DMatrix::from_element(1, 1, 1.0);
        let same = Affine::scale(&one, &DMatrix::zeros(1, 1));
        let stack = Stack::of(&self.mlp, &self.params).between(&standard.there(), &same);
        Ok(layers(Source::Critic, &stack, tensors))
    }
}

impl<E: Unrolled + Sync> OnChip for Encoded<E> {
    fn export(&self, standard: &Standard, tensors: &mut Tensors) -> Result<Exported> {
        let unit =
            standard.uniform().context("sparse coding measures all numbers of a sample in one unit")?;
        let n = standard.mean.len();
        let encoder = self.encoder.export(self.layers, tensors);
        let map = Whitening {
            forward: DMatrix::identity(n, n) / unit,
            backward: DMatrix::identity(n, n) * unit,
            mean: standard.mean.clone(),
        };
        fold(&map, tensors);
        Ok(Exported {
            // What is missed grows with the square of the unit.
            source: Source::Reconstruction { sparsity: self.lambda * unit * unit },
            encoder,
            layers: Layers::default(),
            code: self.encoder.sizes().1 as u32,
            hidden: 0,
        })
    }
}

/// Packs a sentinel. Its threshold is exceeded by no more than the share `watch.rate` of the familiar samples `calibration`.
pub fn sentinel(
    energy: &dyn OnChip,
    standard: &Standard,
    calibration: &DMatrix<f32>,
    sensors: Sensors,
    watch: artifact::Energy,
    provenance: Provenance<'_>,
) -> Result<WeightFile> {
    let mut tensors = Tensors::default();
    let Exported { source, encoder, layers, code, hidden } = energy.export(standard, &mut tensors)?;
    let pack = |threshold| {
        let watch = artifact::Energy { source, threshold, ..watch };
        let sizes = (standard.mean.len() as u32, code, hidden);
        let header = Header::sentinel(sizes, sensors, watch, provenance);
        tensors.pack(Header { encoder: encoder.clone(), layers, ..header })
    };
    let energies = energies(&pack(0.0)?, calibration)?;
    pack(threshold(&energies, watch.rate))
}

/// The energies of samples by an exported sentinel.
pub fn energies(file: &WeightFile, y: &DMatrix<f32>) -> Result<Vec<f32>> {
    let artifact = file.parse()?;
    let mut mind = mind::load(&artifact)?;
    let energies = y.column_iter().map(|y| {
        let (_, diagnostics, refused) = mind.step(Reading::Sensors(y.as_slice()), Mode::Plan);
        refused.map_or(Ok(diagnostics.energy), |refused| bail!("the sentinel refuses a sample: {refused}"))
    });
    energies.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        network::Unit,
        perceive::{
            inference::normalise,
            lista::{Lista, Start},
        },
        tape::check::random,
        worlds::Rng,
    };
    use forethought::artifact::Activation;
    use rand::SeedableRng;

    const WATCH: artifact::Energy = artifact::Energy {
        source: Source::Critic,
        threshold: 0.0,
        rate: 0.1,
        patience: 1,
        frozen: 0,
        descending: None,
    };

    /// Samples whose numbers have means and units of their own.
    fn samples() -> DMatrix<f32> {
        let mut y = random(5, 200, 1);
        for (i, mut row) in y.row_iter_mut().enumerate() {
            row *= 0.5 + i as f32;
            row.add_scalar_mut(3.0 - i as f32);
        }
        y
    }

    #[test]
    fn exported_energies_of_samples_as_they_are_are_those_in_standard_units() {
        let rng = &mut Rng::seed_from_u64(1);
        let (y, mut dictionary) = (samples(), random(5, 7, 2));
        normalise(&mut dictionary);
        let (mean, lambda) = (DMatrix::from_element(5, 1, 0.1), 0.2);
        let encoder = Lista::of(dictionary.clone(), mean.clone(), Start::Ista { lambda }, Activation::Soft);
        let leaky = Autoencoder::new((5, 0), &[8, 3], Unit::Leaky, rng);
        let scalar = Scalar::new((5, 0), &[8, 6], Unit::Tanh, rng);
        let missed: [&dyn OnChip; 3] =
            [&leaky, &Autoencoder::new((5, 0), &[6], Unit::Relu, rng), &Principal::fit(&random(5, 50, 3), 2)];
        let sparse = Encoded { encoder, layers: 3, dictionary, mean, lambda };
        let energies_of = missed.into_iter().map(|energy| (energy, true));
        for own in [false, true] {
            let standard = Standard::fit(&y, own);
            let expected = standard.apply(&y);
            assert!((expected.row_mean().mean()).abs() < 1e-5, "the mean is taken off");
            let unit = standard.uniform().unwrap_or(1.0);
            let all = energies_of.clone().chain([(&scalar as &dyn OnChip, false)]);
            let with_sparse = all.chain((!own).then_some((&sparse as &dyn OnChip, true)));
            for (k, (energy, in_sensors)) in with_sparse.enumerate() {
                let provenance = Provenance { trainer: "by hand", task: "tiny", seed: 0, data: 0 };
                let sensors = Sensors { low: -100.0, high: 100.0 };
                let file = sentinel(energy, &standard, &y, sensors, WATCH, provenance).expect("exported");
                let found = energies(&file, &y).expect("told");
                // What is missed is told in the units of the sensors, where they have one.
                let unit = if in_sensors { unit * unit } else { 1.0 };
                for (found, expected) in found.iter().zip(energy.of(&expected, None)) {
                    let expected = unit * expected;
                    assert!(
                        (found - expected).abs() < 2e-4 * expected.abs().max(1.0),
                        "energy {k}, own units {own}: {found} {expected}"
                    );
                }
                let threshold = file.parse().expect("read").header().energy.expect("an energy").threshold;
                assert_eq!(found.iter().filter(|energy| **energy > threshold).count(), 20);
            }
        }
    }

    #[test]
    fn a_number_that_never_changes_keeps_its_unit() {
        let mut y = samples();
        y.row_mut(2).fill(4.0);
        let standard = Standard::fit(&y, true);
        assert_eq!((standard.mean[2], standard.deviation[2]), (4.0, 1.0));
        assert!(standard.apply(&y).row(2).amax() < 1e-6);
        assert!(standard.uniform().is_none() && Standard::fit(&y, false).uniform().is_some());
    }
}
