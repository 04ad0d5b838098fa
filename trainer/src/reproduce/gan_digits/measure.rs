//! What samples of digits are worth, beside real ones.

use super::Digits;
use crate::{
    data::mnist::Labelled,
    energy::gan::Config,
    evaluate,
    export::WeightFile,
    network::columns,
    perceive::stacked::{self, Stack},
    tasks::digits::{self, CLASSES},
    worlds::{Rng, camera::normal},
};
use anyhow::Result;
use nalgebra::DMatrix;
use rand::SeedableRng;

/// Samples of each digit.
pub const EACH: usize = 200;
/// Of all of them, those that are compared with real digits.
pub const SOME: usize = 1000;
/// Of each digit, those that are compared with each other.
const PAIRED: usize = 100;

/// What the samples of a generator are worth, in per cent.
#[derive(Clone, Copy, Debug)]
pub struct Quality {
    /// Samples in which the classifier sees the digit asked for.
    pub seen: f64,
    /// The same of the digit for which it is least.
    pub least: f64,
    /// Mean distance between two samples of a digit, of that between two test digits.
    pub spread: f64,
    /// Mean distance from a test digit to the nearest sample, of that to the nearest of as many training digits.
    pub reach: f64,
    /// Mean distance from a sample to the nearest training digit, of that from a test digit.
    pub new: f64,
}

/// A classifier, and what real digits measure.
pub struct Judge {
    stack: Stack,
    /// Test digits, in per cent, in which it sees what they are.
    pub right: f64,
    spread: f64,
    reach: f64,
    new: f64,
}

impl Judge {
    /// Learns from the training digits.
    pub fn new(config: &stacked::Config, train: &Labelled, test: &Labelled, seed: u64) -> Result<Self> {
        let rng = &mut Rng::seed_from_u64(seed);
        let mut stack = digits::stack(config, &train.images, CLASSES, rng)?;
        stack.calibrate(&train.images.pixels, rng);
        stack.tune(&train.images.pixels, &train.labels, &config.tuning, rng)?;
        let some = test.first(SOME);
        let labels: Vec<_> = test.labels.iter().map(|&label| label.into()).collect();
        let right = share(&see(&stack, &test.images.pixels), &labels, None);
        let spread = spread(&test.images.pixels, &labels);
        let reach = way(&some.images.pixels, &train.first(SOME).images.pixels);
        let new = way(&some.images.pixels, &train.images.pixels);
        Ok(Self { stack, right, spread, reach, new })
    }

    /// Asks an exported generator for each digit in turn.
    pub fn quality(
        &self,
        file: &WeightFile,
        config: &Config,
        digits: &Digits,
        rng: &mut Rng,
    ) -> Result<Quality> {
        let (z, x) = wishes(config, EACH * CLASSES, rng);
        let made = make(file, &z, &x)?;
        let asked: Vec<_> = (0..made.ncols()).map(|i| i % CLASSES).collect();
        let seen = see(&self.stack, &made);
        let each = (0..CLASSES).map(|digit| share(&seen, &asked, Some(digit)));
        let some = made.columns(0, SOME).into_owned();
        let test = digits.test.first(SOME);
        Ok(Quality {
            seen: share(&seen, &asked, None),
            least: each.fold(100.0, f64::min),
            spread: 100.0 * spread(&made, &asked) / self.spread,
            reach: 100.0 * way(&test.images.pixels, &some) / self.reach,
            new: 100.0 * way(&some, &digits.train.images.pixels) / self.new,
        })
    }
}

/// Random numbers and digits for `n` samples, one a column: each digit in turn.
pub fn wishes(config: &Config, n: usize, rng: &mut Rng) -> (DMatrix<f32>, DMatrix<f32>) {
    let z = DMatrix::from_fn(config.latent, n, |_, _| normal(rng) as f32);
    (z, DMatrix::from_fn(CLASSES, n, |i, j| if i == j % CLASSES { 1.0 } else { 0.0 }))
}

/// What an exported generator makes of them.
pub fn make(file: &WeightFile, z: &DMatrix<f32>, x: &DMatrix<f32>) -> Result<DMatrix<f32>> {
    let (latent, asked) = (z.nrows(), z.nrows() + x.nrows());
    let readings =
        DMatrix::from_fn(asked, z.ncols(), |i, j| if i < latent { z[(i, j)] } else { x[(i - latent, j)] });
    Ok(columns(&evaluate::answers(&file.parse()?, &readings)?))
}

fn see(stack: &Stack, images: &DMatrix<f32>) -> Vec<usize> {
    stack.classify(&stack.features(images)).into_iter().map(usize::from).collect()
}

/// The share, in per cent, of those asked for, or of one digit, that is seen.
fn share(seen: &[usize], asked: &[usize], digit: Option<usize>) -> f64 {
    let pairs = || seen.iter().zip(asked).filter(|(_, asked)| digit.is_none_or(|digit| digit == **asked));
    100.0 * pairs().filter(|(seen, asked)| seen == asked).count() as f64 / pairs().count().max(1) as f64
}

/// Squared distances of the columns of `a`, as rows, to those of `b`.
fn squares(a: &DMatrix<f32>, b: &DMatrix<f32>) -> DMatrix<f32> {
    let norms = |m: &DMatrix<f32>| m.column_iter().map(|column| column.norm_squared()).collect::<Vec<_>>();
    let (mut products, a, b) = (a.transpose() * b, norms(a), norms(b));
    for (mut column, b) in products.column_iter_mut().zip(&b) {
        column.iter_mut().zip(&a).for_each(|(product, a)| *product = (a + b - 2.0 * *product).max(0.0));
    }
    products
}

/// Distance of each column of `from` to the nearest of `to`, and which that is.
pub fn nearest(from: &DMatrix<f32>, to: &DMatrix<f32>) -> Vec<(f32, usize)> {
    // The products with all training digits at once would fill the memory.
    const PART: usize = 100;
    let parts = (0..from.ncols()).step_by(PART);
    let part = |start: usize| {
        let from = from.columns(start, PART.min(from.ncols() - start)).into_owned();
        let squares = squares(&from, to);
        let best = |row: usize| {
            let row = squares.row(row);
            let best = (0..row.len()).min_by(|&i, &j| row[i].total_cmp(&row[j]));
            best.map(|i| (row[i].sqrt(), i))
        };
        (0..from.ncols()).filter_map(best).collect::<Vec<_>>()
    };
    parts.flat_map(part).collect()
}

/// Mean of these distances.
fn way(from: &DMatrix<f32>, to: &DMatrix<f32>) -> f64 {
    nearest(from, to).iter().map(|(distance, _)| f64::from(*distance)).sum::<f64>() / from.ncols() as f64
}

/// Mean distance between two images of the same digit, averaged over digits.
fn spread(images: &DMatrix<f32>, labels: &[usize]) -> f64 {
    let of = |digit: usize| {
        let chosen = (0..labels.len()).filter(|&i| labels[i] == digit).take(PAIRED).collect::<Vec<_>>();
        let images = images.select_columns(&chosen);
        let n = images.ncols() as f64;
        let sum: f64 = squares(&images, &images).iter().map(|square| f64::from(square.sqrt())).sum();
        // Nobody is compared with himself.
        sum / (n * (n - 1.0)).max(1.0)
    };
    (0..CLASSES).map(of).sum::<f64>() / CLASSES as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tape::check::random;

    #[test]
    fn ways_and_spreads_are_those_of_the_definition() {
        let (a, b) = (random(7, 5, 1), random(7, 9, 2));
        for (i, (distance, which)) in nearest(&a, &b).into_iter().enumerate() {
            let each: Vec<_> = b.column_iter().map(|b| (a.column(i) - b).norm()).collect();
            let least = each.iter().copied().fold(f32::INFINITY, f32::min);
            assert!((distance - least).abs() < 1e-5 && each[which] == least);
        }
        // One pair of one digit and one of another; the other eight have no images.
        let expected = (a.column(0) - a.column(2)).norm() + (a.column(1) - a.column(3)).norm();
        let spread = spread(&a.columns(0, 4).into_owned(), &[3, 4, 3, 4]);
        assert!((spread - f64::from(expected) / CLASSES as f64).abs() < 1e-3, "{spread} {expected}");
    }

    #[test]
    fn shares_count_what_was_asked_for() {
        let (seen, asked) = ([1, 1, 2, 0], [1, 2, 2, 1]);
        assert_eq!(share(&seen, &asked, None), 50.0);
        assert_eq!(share(&seen, &asked, Some(2)), 50.0);
        assert_eq!(share(&seen, &asked, Some(7)), 0.0);
    }
}
