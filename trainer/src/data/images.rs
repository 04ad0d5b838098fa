//! Grey images of one size.

use super::idx::{Idx, Values};
use anyhow::{Context, Result, bail, ensure};
use nalgebra::DMatrix;
use std::path::Path;

/// Images of one size, one a column, row by row from the top. Brightness is 0 (black) to 1 (white), in whatever scale
/// the file has it (sRGB bytes are divided by 255 and not linearised, as in the literature).
#[derive(Clone, Debug, PartialEq)]
pub struct Images {
    /// Height in pixels.
    pub rows: usize,
    /// Width in pixels.
    pub cols: usize,
    /// `rows · cols` brightnesses of each image.
    pub pixels: DMatrix<f32>,
}

impl Images {
    /// Reads an IDX file of images: bytes 0 to 255 or floats 0 to 1.
    pub fn read(path: &Path) -> Result<Self> {
        Idx::read(path).and_then(Self::from_idx).with_context(|| format!("in the images {}", path.display()))
    }

    /// From an IDX file with the dimensions images × rows × columns.
    pub fn from_idx(idx: Idx) -> Result<Self> {
        let [n, rows, cols] = idx.dims[..] else {
            bail!("images have the dimensions number × rows × columns, but here are {}", idx.dims.len());
        };
        ensure!(n * rows * cols > 0, "there is no pixel: {n} images of {rows}×{cols}");
        let pixels = match idx.values {
            Values::U8(bytes) => bytes.into_iter().map(|b| f32::from(b) / 255.0).collect(),
            Values::F32(floats) => floats,
        };
        let wrong = pixels.iter().position(|p| !(0.0..=1.0).contains(p));
        if let Some(i) = wrong {
            let (image, row, col) = (i / (rows * cols), i / cols % rows, i % cols);
            let (value, mend) =
                (pixels[i], if pixels[i].is_finite() { "scale all to 0..1" } else { "replace it" });
            bail!("image {image}, row {row}, column {col} is {value}, but brightness is 0 to 1; {mend}");
        }
        Ok(Self { rows, cols, pixels: DMatrix::from_vec(rows * cols, n, pixels) })
    }

    /// Number of images.
    pub fn len(&self) -> usize {
        self.pixels.ncols()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Half the size: the mean of every 2×2 pixels; an odd last row or column is left out.
    pub fn halved(&self) -> Self {
        let (rows, cols) = (self.rows / 2, self.cols / 2);
        let pixels = DMatrix::from_fn(rows * cols, self.len(), |i, image| {
            let at = |row, col| self.pixels[(row * self.cols + col, image)];
            let (row, col) = (2 * (i / cols), 2 * (i % cols));
            (at(row, col) + at(row, col + 1) + at(row + 1, col) + at(row + 1, col + 1)) / 4.0
        });
        Self { rows, cols, pixels }
    }

    /// The first `n`, or all if there are fewer.
    pub fn first(&self, n: usize) -> Self {
        let pixels = self.pixels.columns(0, n.min(self.len())).into_owned();
        Self { pixels, ..*self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixels_are_read_row_by_row_and_halved_by_fours() {
        let idx = Idx { dims: vec![1, 3, 4], values: Values::U8((0..12).map(|v| 20 * v).collect()) };
        let images = Images::from_idx(idx).expect("images");
        assert_eq!((images.rows, images.cols, images.len()), (3, 4, 1));
        assert_eq!(images.pixels[(6, 0)], 120.0 / 255.0);
        let half = images.halved();
        assert_eq!((half.rows, half.cols), (1, 2));
        assert!((half.pixels[(1, 0)] - 90.0 / 255.0).abs() < 1e-6);
    }

    #[test]
    fn what_is_wrong_is_told() {
        let said = |dims: &[usize], values| {
            let idx = Idx { dims: dims.to_vec(), values };
            Images::from_idx(idx).expect_err("no images").to_string()
        };
        let floats = |last: f32| Values::F32(vec![0.0, 0.5, 1.0, 0.0, 0.0, last]);
        assert!(said(&[2, 1, 3], floats(f32::NAN)).contains("image 1, row 0, column 2 is NaN"));
        assert!(said(&[2, 1, 3], floats(255.0)).contains("scale all to 0..1"));
        assert!(said(&[6], floats(0.0)).contains("number × rows × columns"));
        assert!(said(&[0, 28, 28], Values::U8(vec![])).contains("0 images of 28×28"));
    }
}
