//! Locally connected units without shared weights on whole images: pinwheels (the lecture; Gregor & LeCun, *Emergence of
//! complex-like cells in a temporal product network with local receptive fields*, arXiv 1006.0448).
//!
//! ```text
//! ½‖x − D z‖² + λ Σ_i √(ε + Σ_j w_ij z_j²),   D_j zero outside unit j's own window of the image x
//! ```
//! Each unit has a filter of its own at its place; Gaussian pools of neighbouring units. What a unit learns
//! is tied to its neighbours by the pools and by the pixels they share, and by nothing else.

mod tiles;

use super::{
    pools::{Pools, Weights},
    reweighted::{self, Decoder, Settings},
};
use crate::{
    data::{
        images::Images,
        patches::{self, Keep, Kind, Whitening},
    },
    optim::Schedule,
    worlds::{Rng, camera::normal},
};
use anyhow::{Result, ensure};
use nalgebra::DMatrix;
use serde::{Deserialize, Serialize};
use tiles::{Layout, Local};

/// Hyper-parameters.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Rows and columns of the sheet.
    pub sheet: [usize; 2],
    /// Units along the side of a pixel: more give the same place more orientations.
    pub density: usize,
    /// Pixels along a side of a unit's window. It must be several times a pool's width in pixels: pools that lie further
    /// apart then see the same edge, and can divide orientations among themselves.
    pub window: usize,
    /// Units along a side of a pool.
    pub pool: usize,
    /// Units between pools.
    pub stride: usize,
    /// `σ` of a pool's Gaussian weights: it sets the distance between pinwheels.
    pub sigma: f32,
    /// `λ`.
    pub lambda: f32,
    /// `ε`.
    pub epsilon: f32,
    /// Iterations of inference.
    pub iterations: usize,
    /// Images in a batch.
    pub batch: usize,
    /// Batches.
    pub steps: usize,
    /// The dictionary's step, as a share of the way to what suits each unit alone. Many windows overlap, and their steps
    /// add up: 0.1 is already too long. It falls to 0 along a half cosine.
    pub rate: f32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            sheet: [48, 48],
            density: 2,
            window: 11,
            pool: 7,
            stride: 2,
            sigma: 1.5,
            lambda: 1.2,
            epsilon: 0.01,
            iterations: 12,
            batch: 16,
            steps: 4000,
            rate: 0.05,
        }
    }
}

/// Whole images, whitened by a filter: the middle row of the whitening of small patches, moved over the image. Then every
/// place is divided by the deviation around it (or the image's, if that is larger; σ `spread` pixels), so that faint
/// texture teaches as much as strong edges (local contrast normalisation, Jarrett et al., ICCV 2009).
pub fn whiten(images: &Images, side: usize, components: usize, spread: f32, rng: &mut Rng) -> Images {
    let mut sample = patches::sample(images, side, 20_000, rng);
    patches::remove_mean(&mut sample);
    let whitening = Whitening::fit(&sample, Kind::Zca, Keep::Components(components));
    let filter: Vec<f32> = whitening.forward.row(side * side / 2).iter().copied().collect();
    let (rows, cols) = (images.rows + 1 - side, images.cols + 1 - side);
    let mut pixels = DMatrix::zeros(rows * cols, images.len());
    for (mut out, image) in pixels.column_iter_mut().zip(images.pixels.column_iter()) {
        let (out, image) = (out.as_mut_slice(), image.as_slice());
        for (row, line) in out.chunks_exact_mut(cols).enumerate() {
            for (tap, weight) in filter.iter().enumerate() {
                let start = (row + tap / side) * images.cols + tap % side;
                line.iter_mut().zip(&image[start..start + cols]).for_each(|(v, x)| *v += weight * x);
            }
        }
        let power: Vec<f32> = out.iter().map(|v| v * v).collect();
        let floor = power.iter().sum::<f32>() / power.len() as f32;
        let around = blur(&power, cols, spread);
        out.iter_mut().zip(around).for_each(|(v, power)| *v /= power.max(floor).sqrt());
    }
    Images { rows, cols, pixels }
}

/// The mean around each pixel, with Gaussian weights; beyond the edges the picture goes on as it ends.
fn blur(picture: &[f32], columns: usize, sigma: f32) -> Vec<f32> {
    let reach = (2.0 * sigma).ceil() as isize;
    let weight = |offset: isize| (-(offset as f32 / sigma).powi(2) / 2.0).exp();
    let total: f32 = (-reach..=reach).map(weight).sum();
    let rows = picture.len() / columns.max(1);
    let mean = |picture: &[f32], place: usize, length: usize, at: &dyn Fn(usize) -> usize| -> f32 {
        let near = |offset: isize| place.saturating_add_signed(offset).min(length - 1);
        (-reach..=reach).map(|offset| weight(offset) / total * picture[at(near(offset))]).sum()
    };
    let along: Vec<f32> = (0..picture.len())
        .map(|pixel| mean(picture, pixel % columns, columns, &|column| pixel - pixel % columns + column))
        .collect();
    (0..picture.len())
        .map(|pixel| mean(&along, pixel / columns, rows, &|row| row * columns + pixel % columns))
        .collect()
}

/// A sheet of units.
#[derive(Clone, Debug)]
pub struct Sheet {
    /// `w`.
    pub pools: Pools,
    decoder: Local,
    settings: Settings,
}

impl Sheet {
    /// Starts from random filters.
    pub fn new(config: &Config, rng: &mut Rng) -> Result<Self> {
        ensure!(
            config.window > 0 && config.density > 0,
            "a window of {} pixels and {} units a pixel make no sheet: choose at least 1 of both",
            config.window,
            config.density
        );
        let weights = Weights::Gaussian { sigma: config.sigma };
        Ok(Self {
            pools: Pools::grid(&config.sheet, &[config.pool; 2], &[config.stride; 2], false, weights)?,
            decoder: Local::new(Layout::new(config.sheet, config.density, config.window), || {
                normal(rng) as f32
            }),
            settings: Settings {
                lambda: config.lambda,
                epsilon: config.epsilon,
                alpha: 0.0,
                iterations: config.iterations,
            },
        })
    }

    /// Trains on random pieces of whitened images, as large as the sheet sees. `progress` sees the step and, for each
    /// piece, reconstruction and penalty.
    pub fn train(
        &mut self,
        config: &Config,
        images: &Images,
        rng: &mut Rng,
        mut progress: impl FnMut(usize, [f32; 2]),
    ) -> Result<()> {
        let [rows, columns] = self.decoder.layout.image();
        ensure!(
            rows <= images.rows && columns <= images.cols,
            "a sheet that sees {rows}×{columns} pixels needs larger images than {}×{}: take a smaller sheet",
            images.rows,
            images.cols
        );
        let rates =
            Schedule::Cosine { peak: config.rate, floor: 0.0, warm_up: 20, total: config.steps as u64 };
        let start = DMatrix::zeros(self.pools.units(), config.batch);
        let mut power = vec![0.0f32; self.pools.units()];
        let mut top = DMatrix::from_fn(self.pools.units(), 1, |_, _| normal(rng) as f32);
        for step in 0..config.steps {
            let lipschitz = 1.1 * self.largest_eigenvalue(&mut top, if step == 0 { 50 } else { 4 });
            let x = pieces(images, [rows, columns], config.batch, rng);
            let z = reweighted::infer(&self.decoder, &self.pools, &x, &start, lipschitz, &self.settings);
            progress(step, reweighted::energy(&self.decoder, &self.pools, &x, &z, &self.settings));
            // As in `topographic`: rare units learn as fast as frequent ones.
            let mut residual = x;
            self.decoder.subtract(&z, &mut residual);
            for (power, z) in power.iter_mut().zip(z.row_iter()) {
                let now = z.norm_squared();
                *power = if *power > 0.0 { *power + 0.02 * (now - *power) } else { now };
            }
            let least = 1e-3 * config.batch as f32;
            let rate = rates.rate(step as u64);
            let gradient = self.decoder.outer(&residual, &z);
            self.decoder.descend(&gradient, |unit| rate / power[unit].max(least));
        }
        Ok(())
    }

    /// `‖D‖²`, by power iteration from where the last one ended.
    fn largest_eigenvalue(&self, top: &mut DMatrix<f32>, iterations: usize) -> f32 {
        let [rows, columns] = self.decoder.layout.image();
        let mut value = 1.0;
        for _ in 0..iterations {
            let mut image = DMatrix::zeros(rows * columns, 1);
            self.decoder.subtract(top, &mut image);
            self.decoder.correlate(&-image, top);
            value = top.norm();
            *top /= value;
        }
        value
    }

    /// Every unit's filter, one a column, row by row.
    pub fn filters(&self) -> DMatrix<f32> {
        self.decoder.filters()
    }
}

/// Random pieces of images, of mean 0 and like contrast.
fn pieces(images: &Images, [rows, columns]: [usize; 2], n: usize, rng: &mut Rng) -> DMatrix<f32> {
    // A square piece holds the sheet's rectangle.
    let side = rows.max(columns);
    let mut square = patches::sample(images, side, n, rng);
    patches::remove_mean(&mut square);
    patches::normalise_contrast(&mut square, 1e-3);
    if rows == columns {
        return square;
    }
    DMatrix::from_fn(rows * columns, n, |pixel, nth| square[(pixel / columns * side + pixel % columns, nth)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::dead_leaves::{self, DeadLeaves};
    use rand::SeedableRng;

    #[test]
    fn a_sheet_that_is_not_square_learns_from_whole_images() {
        let rng = &mut Rng::seed_from_u64(6);
        let leaves = DeadLeaves { rows: 64, cols: 64, ..DeadLeaves::default() };
        let white = whiten(&dead_leaves::generate(&leaves, 2, rng), 7, 20, 3.0, rng);
        assert_eq!((white.rows, white.cols), (58, 58));
        let config =
            Config { sheet: [12, 20], window: 7, pool: 5, steps: 150, batch: 16, ..Config::default() };
        let mut sheet = Sheet::new(&config, rng).unwrap();
        let mut energies = Vec::new();
        sheet.train(&config, &white, rng, |_, [missed, penalty]| energies.push(missed + penalty)).unwrap();
        let mean = |part: &[f32]| part.iter().sum::<f32>() / part.len() as f32;
        let (first, last) = (mean(&energies[..10]), mean(&energies[140..]));
        assert!(last < first, "{first} {last}");
        let large = Config { sheet: [200, 20], ..config };
        let complaint = Sheet::new(&large, rng).unwrap().train(&large, &white, rng, |_, _| ()).unwrap_err();
        assert!(complaint.to_string().contains("take a smaller sheet"));
    }

    #[test]
    fn a_flat_picture_stays_flat_under_blur_and_a_spot_spreads() {
        assert!(blur(&[2.0; 35], 7, 1.5).iter().all(|v| (v - 2.0).abs() < 1e-5));
        let mut spot = vec![0.0; 121];
        spot[60] = 1.0;
        let spread = blur(&spot, 11, 1.0);
        assert!(
            (spread.iter().sum::<f32>() - 1.0).abs() < 1e-5 && spread[60] < 0.2 && spread[61] == spread[59]
        );
    }
}
