//! Small square patches of images, one a column, row by row from the top.

use super::images::Images;
use crate::worlds::Rng;
use anyhow::{Result, ensure};
use nalgebra::DMatrix;
use rand::RngExt;

pub use super::whitening::{Keep, Kind, Whitening};

/// `n` patches of `side × side` pixels from random places of random images.
///
/// # Panics
/// If there is no such patch or no image: [`check`] says so instead.
pub fn sample(images: &Images, side: usize, n: usize, rng: &mut Rng) -> DMatrix<f32> {
    windows(images, (side, side), n, rng)
}

/// `n` windows of `height × width` pixels, as [`sample`] takes patches.
pub fn windows(images: &Images, (height, width): (usize, usize), n: usize, rng: &mut Rng) -> DMatrix<f32> {
    let mut windows = DMatrix::zeros(height * width, n);
    for mut window in windows.column_iter_mut() {
        let image = images.pixels.column(rng.random_range(0..images.len()));
        let (top, left) =
            (rng.random_range(0..=images.rows - height), rng.random_range(0..=images.cols - width));
        for (row, line) in window.as_mut_slice().chunks_exact_mut(width).enumerate() {
            line.copy_from_slice(&image.as_slice()[(top + row) * images.cols + left..][..width]);
        }
    }
    windows
}

/// Whether patches of `side × side` pixels can be taken.
pub fn check(images: &Images, side: usize) -> Result<()> {
    let Images { rows, cols, .. } = images;
    ensure!(!images.is_empty(), "there is no image to take patches from");
    ensure!(side > 0, "a patch of 0×0 pixels is asked for; its side must be at least 1");
    ensure!(
        side <= *rows.min(cols),
        "a patch of {side}×{side} pixels does not fit into an image of {rows}×{cols}; take a smaller patch"
    );
    Ok(())
}

/// Takes its mean from every patch.
pub fn remove_mean(patches: &mut DMatrix<f32>) {
    for mut patch in patches.column_iter_mut() {
        let mean = patch.mean();
        patch.add_scalar_mut(-mean);
    }
}

/// Divides every patch of mean 0 by `√(its variance + floor)`: contrast is normalised, and what is flat stays flat
/// instead of being blown up to noise. A floor of 10⁻³ is a standard deviation of 8 grey levels of 255.
pub fn normalise_contrast(patches: &mut DMatrix<f32>, floor: f32) {
    for mut patch in patches.column_iter_mut() {
        let variance = patch.norm_squared() / patch.len() as f32;
        patch /= (variance + floor).sqrt();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    /// An image whose pixels tell where they are.
    fn map(rows: usize, cols: usize) -> Images {
        Images { rows, cols, pixels: DMatrix::from_fn(rows * cols, 1, |i, _| i as f32) }
    }

    #[test]
    fn a_patch_is_a_square_of_its_image_and_a_seed_repeats() {
        let patches = |seed| sample(&map(5, 7), 3, 200, &mut Rng::seed_from_u64(seed));
        for patch in patches(1).column_iter() {
            let first = patch[0];
            let expected = (0..9).map(|i| first + (i / 3 * 7 + i % 3) as f32);
            assert!(patch.iter().copied().eq(expected) && first as usize % 7 <= 4 && first <= 18.0);
        }
        let mut corners: Vec<_> = patches(1).row(0).iter().map(|&v| v as usize).collect();
        corners.sort_unstable();
        corners.dedup();
        assert_eq!(corners.len(), 15, "every place is taken");
        assert_eq!(patches(1), patches(1));
        assert_ne!(patches(1), patches(2));
    }

    #[test]
    fn what_is_wrong_is_told() {
        let said = |images: &Images, side| check(images, side).expect_err("no patches").to_string();
        assert!(check(&map(5, 7), 5).is_ok());
        assert!(said(&map(5, 7), 0).contains("at least 1"));
        assert!(said(&map(5, 7), 6).contains("6×6 pixels does not fit into an image of 5×7"));
        assert!(said(&map(5, 7).first(0), 5).contains("no image"));
    }

    #[test]
    fn mean_and_contrast_are_normalised() {
        let mut patches = DMatrix::from_column_slice(4, 2, &[1.0, 2.0, 3.0, 6.0, 0.5, 0.5, 0.5, 0.5]);
        remove_mean(&mut patches);
        normalise_contrast(&mut patches, 1e-6);
        assert!(patches.column(0).mean().abs() < 1e-6);
        assert!((patches.column(0).norm_squared() / 4.0 - 1.0).abs() < 1e-5);
        assert!(patches.column(1).iter().all(|&v| v == 0.0), "what is flat stays flat");
    }
}
