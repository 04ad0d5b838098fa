//! Energies of limited capacity: `½‖y − ŷ‖²`, where `ŷ` is the best that a code of limited information gives.
//!
//! ```text
//! sparse    min_z ½‖y − ȳ − D z‖² + Ω(z)           inferred: ∂F/∂y = y − ȳ − D z*, by the envelope theorem
//! encoded   ½‖y − ȳ − D z(y)‖² + λ‖z(y)‖₁          an unrolled encoder in place of the minimum
//! PCA       ½‖y − ȳ − E Eᵀ(y − ȳ)‖²                 a code of few components
//! k-means   min_k ½‖y − c_k‖²                      a code of log₂ k bits
//! ```
//! Nothing pushes these up where there is no data: they cannot be low in many places.

use super::{Energy, half_squares, less};
use crate::{
    data::whitening::{Keep, Kind, Whitening},
    perceive::{
        inference::{Penalty, Settings, fista, normalise},
        unrolled::{Trained, Unrolled},
    },
    tape::{Tape, Var},
    worlds::Rng,
};
use nalgebra::DMatrix;
use rand::RngExt;

/// Sparse coding with a known dictionary.
pub struct Sparse {
    /// `D`, one atom a column.
    pub dictionary: DMatrix<f32>,
    /// `ȳ`, a column.
    pub mean: DMatrix<f32>,
    /// `Ω`.
    pub penalty: Box<dyn Penalty + Send>,
    /// How long codes are searched for.
    pub settings: Settings,
}

impl Energy for Sparse {
    fn on(&self, tape: &Tape, y: Var, _: Option<Var>) -> Var {
        let centred = less(tape, y, &self.mean);
        let value = tape.value(centred);
        let z = fista(&self.dictionary, &value, &*self.penalty, &self.settings, |_, _| ());
        let price = z.as_slice().chunks_exact(z.nrows().max(1)).map(|z| self.penalty.value(z));
        let price = tape.constant(DMatrix::from_iterator(1, z.ncols(), price));
        // The code is where the energy is least, so to first order it does not move it.
        let missed = tape.sub(centred, tape.constant(&self.dictionary * z));
        tape.add(half_squares(tape, missed), price)
    }
}

/// An encoder that stands for the search, as it does on the chip.
#[derive(Clone, Debug)]
pub struct Encoded<E> {
    /// `z(y)`.
    pub encoder: E,
    /// Its layers.
    pub layers: usize,
    /// `D`.
    pub dictionary: DMatrix<f32>,
    /// `ȳ`.
    pub mean: DMatrix<f32>,
    /// `λ`.
    pub lambda: f32,
}

impl<E: Unrolled + Sync> Energy for Encoded<E> {
    fn on(&self, tape: &Tape, y: Var, _: Option<Var>) -> Var {
        let z = self.encoder.unroll(tape, y, self.layers, Trained::Nothing);
        let missed =
            tape.sub(less(tape, y, &self.mean), tape.matmul(tape.constant(self.dictionary.clone()), z));
        let price = tape.scale(tape.sum_rows(tape.abs(z)), self.lambda);
        tape.add(half_squares(tape, missed), price)
    }
}

/// Principal components.
#[derive(Clone, Debug)]
pub struct Principal {
    /// `E`, one component a column.
    pub components: DMatrix<f32>,
    /// `ȳ`.
    pub mean: DMatrix<f32>,
}

impl Principal {
    /// Keeps so many components of the data.
    pub fn fit(y: &DMatrix<f32>, components: usize) -> Self {
        let Whitening { backward: mut components, mean, .. } =
            Whitening::fit(y, Kind::Pca, Keep::Components(components));
        normalise(&mut components);
        Self { components, mean }
    }
}

impl Energy for Principal {
    fn on(&self, tape: &Tape, y: Var, _: Option<Var>) -> Var {
        let centred = less(tape, y, &self.mean);
        let components = tape.constant(self.components.clone());
        let kept = tape.matmul(components, tape.matmul_transposed(components, centred));
        half_squares(tape, tape.sub(centred, kept))
    }
}

/// The nearest of some centres.
#[derive(Clone, Debug)]
pub struct Means {
    /// `c_k`, one a column.
    pub centres: DMatrix<f32>,
}

impl Means {
    /// Lloyd's iterations from starts that are spread out: each next one is a sample drawn by its squared distance from
    /// those there are (Arthur & Vassilvitskii, *k-means++*, 2007).
    ///
    /// # Panics
    /// Without data.
    pub fn fit(y: &DMatrix<f32>, k: usize, iterations: usize, rng: &mut Rng) -> Self {
        let mut chosen = vec![rng.random_range(0..y.ncols())];
        let mut distance = vec![f32::INFINITY; y.ncols()];
        while chosen.len() < k {
            let last = y.column(chosen[chosen.len() - 1]);
            for (distance, y) in distance.iter_mut().zip(y.column_iter()) {
                *distance = distance.min((y - last).norm_squared());
            }
            let mut left = rng.random::<f32>() * distance.iter().sum::<f32>();
            let drawn = distance.iter().position(|d| {
                left -= d;
                left < 0.0
            });
            chosen.push(drawn.unwrap_or_else(|| rng.random_range(0..y.ncols())));
        }
        let mut means = Self { centres: y.select_columns(&chosen) };
        for _ in 0..iterations {
            let mut sums = DMatrix::zeros(y.nrows(), k);
            let mut counts = vec![0u32; k];
            for (y, k) in y.column_iter().zip(means.nearest(y)) {
                counts[k] += 1;
                let mut sum = sums.column_mut(k);
                sum += y;
            }
            // A centre that nothing is near to stays where it is.
            for ((mut centre, sum), n) in means.centres.column_iter_mut().zip(sums.column_iter()).zip(counts)
            {
                if n > 0 {
                    centre.copy_from(&(sum / n as f32));
                }
            }
        }
        means
    }

    /// Which centre is nearest to each sample.
    pub fn nearest(&self, y: &DMatrix<f32>) -> Vec<usize> {
        // ½‖c‖² − cᵀy orders centres as the distance does.
        let mut scores = self.centres.transpose() * -y;
        let squares: Vec<_> = self.centres.column_iter().map(|c| 0.5 * c.norm_squared()).collect();
        let nearest = scores.column_iter_mut().map(|mut score| {
            score.iter_mut().zip(&squares).for_each(|(score, square)| *score += square);
            score.imin()
        });
        nearest.collect()
    }
}

impl Energy for Means {
    fn on(&self, tape: &Tape, y: Var, _: Option<Var>) -> Var {
        let nearest = self.centres.select_columns(&self.nearest(&tape.value(y)));
        half_squares(tape, tape.sub(y, tape.constant(nearest)))
    }
}

#[cfg(test)]
mod tests {
    use super::{super::tests::check_slope, *};
    use crate::{
        perceive::{
            inference::L1,
            lista::{Lista, Start},
        },
        tape::check::random,
    };
    use forethought::artifact::Activation;
    use rand::SeedableRng;

    #[test]
    fn slopes() {
        let rng = &mut Rng::seed_from_u64(1);
        let (y, mut dictionary) = (random(5, 6, 1), random(5, 8, 2));
        normalise(&mut dictionary);
        let (mean, lambda) = (random(5, 1, 3), 0.1);
        let settings = Settings { iterations: 3000, tolerance: 0.0, start: None };
        let penalty = Box::new(L1 { lambda });
        check_slope(
            &Sparse { dictionary: dictionary.clone(), mean: mean.clone(), penalty, settings },
            &y,
            None,
        );
        let encoder = Lista::of(dictionary.clone(), mean.clone(), Start::Ista { lambda }, Activation::Soft);
        check_slope(&Encoded { encoder, layers: 3, dictionary, mean, lambda }, &y, None);
        check_slope(&Principal::fit(&random(5, 40, 4), 2), &y, None);
        check_slope(&Means::fit(&random(5, 40, 4), 3, 5, rng), &y, None);
    }

    /// An encoder with enough layers has the energy of the search, and one with few layers never less.
    #[test]
    fn an_encoder_has_at_least_the_energy_of_the_search() {
        let (y, mut dictionary) = (random(5, 6, 1), random(5, 8, 2));
        normalise(&mut dictionary);
        let (mean, lambda) = (DMatrix::zeros(5, 1), 0.1);
        let settings = Settings { iterations: 3000, tolerance: 0.0, start: None };
        let penalty = Box::new(L1 { lambda });
        let least =
            Sparse { dictionary: dictionary.clone(), mean: mean.clone(), penalty, settings }.of(&y, None);
        let ista = |layers| {
            let encoder =
                Lista::of(dictionary.clone(), mean.clone(), Start::Ista { lambda }, Activation::Soft);
            let (dictionary, mean) = (dictionary.clone(), mean.clone());
            Encoded { encoder, layers, dictionary, mean, lambda }.of(&y, None)
        };
        for ((least, few), many) in least.iter().zip(ista(2)).zip(ista(500)) {
            assert!(*least <= few + 1e-5 && (many - least).abs() < 1e-3, "{least} {few} {many}");
        }
    }

    #[test]
    fn principal_components_and_means_find_what_the_data_is_made_of() {
        let rng = &mut Rng::seed_from_u64(4);
        // A plane in four dimensions, and three clusters on a line.
        let plane = random(4, 2, 1) * random(2, 50, 2);
        assert!(Principal::fit(&plane, 2).of(&plane, None).iter().all(|e| *e < 1e-6));
        assert!(Principal::fit(&plane, 1).of(&plane, None).iter().any(|e| *e > 1e-2));
        let clusters = DMatrix::from_fn(1, 60, |_, j| 10.0 * (j % 3) as f32 + 0.01 * (j / 3) as f32);
        let mut centres = Means::fit(&clusters, 3, 10, rng).centres.as_slice().to_vec();
        centres.sort_by(f32::total_cmp);
        for (centre, expected) in centres.iter().zip([0.095, 10.095, 20.095]) {
            assert!((centre - expected).abs() < 1e-3, "{centres:?}");
        }
    }
}
