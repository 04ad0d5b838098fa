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
/// If a side is 0 or longer than an image's, or if there is no image: [`sample_from`] says so instead.
pub fn sample(images: &Images, side: usize, n: usize, rng: &mut Rng) -> DMatrix<f32> {
    take(std::slice::from_ref(images), side, n, rng)
}

/// [`sample`] from collections of images that may be of different sizes: each collection is as likely as any other,
/// so that a folder's large photograph counts no more than a small one.
pub fn sample_from(collections: &[Images], side: usize, n: usize, rng: &mut Rng) -> Result<DMatrix<f32>> {
    ensure!(n > 0, "0 patches are asked for; ask for at least 1");
    ensure!(side > 0, "a patch of 0×0 pixels is asked for; its side must be at least 1");
    ensure!(collections.iter().any(|c| !c.is_empty()), "there is no image to take patches from");
    for (i, images) in collections.iter().enumerate() {
        ensure!(
            side <= images.rows.min(images.cols),
            "a patch of {side}×{side} pixels does not fit into image {i} of {}×{}; take a smaller patch",
            images.rows,
            images.cols
        );
    }
    Ok(take(collections, side, n, rng))
}

fn take(collections: &[Images], side: usize, n: usize, rng: &mut Rng) -> DMatrix<f32> {
    let mut patches = DMatrix::zeros(side * side, n);
    for mut patch in patches.column_iter_mut() {
        let images = &collections[rng.random_range(0..collections.len())];
        let image = images.pixels.column(rng.random_range(0..images.len()));
        let (top, left) =
            (rng.random_range(0..=images.rows - side), rng.random_range(0..=images.cols - side));
        for (row, line) in patch.as_mut_slice().chunks_exact_mut(side).enumerate() {
            line.copy_from_slice(&image.as_slice()[(top + row) * images.cols + left..][..side]);
        }
    }
    patches
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
    fn images_of_different_sizes_are_sampled_and_what_is_wrong_is_told() {
        let rng = &mut Rng::seed_from_u64(3);
        let both = [map(5, 7), map(4, 4)];
        assert_eq!(sample_from(&both, 4, 20, rng).expect("patches").shape(), (16, 20));
        let mut said = |images: &[Images], side, n| {
            sample_from(images, side, n, rng).expect_err("no patches").to_string()
        };
        assert!(said(&both, 4, 0).contains("0 patches are asked for"));
        assert!(said(&both, 0, 1).contains("at least 1"));
        assert!(said(&both, 5, 1).contains("5×5 pixels does not fit into image 1 of 4×4"));
        assert!(said(&[], 5, 1).contains("no image"));
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
