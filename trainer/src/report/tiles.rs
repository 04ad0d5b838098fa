//! Small pictures from numbers: images, dictionary atoms, codes, heat maps, and mosaics of them.

use super::colour::{self, Ramp};
use base64::{Engine, prelude::BASE64_STANDARD};
use image::{ExtendedColorType, ImageEncoder, codecs::png::PngEncoder};
use nalgebra::DMatrix;

/// A picture of whole pixels with transparency: gaps show the page, light or dark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Raster {
    width: u32,
    height: u32,
    /// Red, green, blue and opacity, row by row from the top.
    pixels: Vec<[u8; 4]>,
}

impl Raster {
    /// A transparent picture; never empty, because a PNG cannot be.
    fn transparent(width: u32, height: u32) -> Self {
        let (width, height) = (width.max(1), height.max(1));
        Self { width, height, pixels: vec![[0; 4]; (width * height) as usize] }
    }

    /// Numbers row by row from the top, coloured. Missing ones stay transparent.
    pub fn map(values: &[f32], width: usize, ramp: impl Fn(f32) -> colour::Rgb) -> Self {
        let colours: Vec<_> = values.iter().map(|&v| ramp(v)).collect();
        Self::coloured(&colours, width)
    }

    /// Colours row by row from the top. Missing ones stay transparent.
    pub fn coloured(colours: &[colour::Rgb], width: usize) -> Self {
        let mut out = Self::transparent(width as u32, colours.len().div_ceil(width.max(1)) as u32);
        for (pixel, &[r, g, b]) in out.pixels.iter_mut().zip(colours) {
            *pixel = [r, g, b, 255];
        }
        out
    }

    /// An image of brightness 0 to 1.
    pub fn grey(values: &[f32], width: usize) -> Self {
        Self::map(values, width, colour::grey)
    }

    /// Signed numbers, normalised symmetrically about zero: blue negative, white zero, red positive.
    pub fn signed(values: &[f32], width: usize) -> Self {
        let scale = largest(values);
        Self::map(values, width, |v| colour::diverging(v / scale))
    }

    /// Amounts from 0 to `top` as one row: a code as a heat strip.
    pub fn strip(values: &[f32], top: f32) -> Self {
        Self::map(values, values.len(), |v| colour::heat(v / top))
    }

    /// A matrix as it is written: the first row at the top. Values from 0 to `top` are coloured.
    pub fn matrix(values: &DMatrix<f32>, top: f32, ramp: Ramp) -> Self {
        Self::map(values.transpose().as_slice(), values.ncols(), |v| ramp(v / top))
    }

    /// Tiles of equal size side by side, `columns` to a row, with transparent gaps between them.
    pub fn mosaic(tiles: &[Self], columns: usize, gap: u32) -> Self {
        let columns = columns.clamp(1, tiles.len().max(1)) as u32;
        let rows = (tiles.len() as u32).div_ceil(columns).max(1);
        let width = tiles.iter().map(|t| t.width).max().unwrap_or(1);
        let height = tiles.iter().map(|t| t.height).max().unwrap_or(1);
        let span = |n: u32, size: u32| n * (size + gap) - gap;
        let mut out = Self::transparent(span(columns, width), span(rows, height));
        for (i, tile) in (0..).zip(tiles) {
            let (left, top) = ((i % columns) * (width + gap), (i / columns) * (height + gap));
            for row in 0..tile.height {
                let from = (row * tile.width) as usize;
                let to = ((top + row) * out.width + left) as usize;
                let n = tile.width as usize;
                out.pixels[to..to + n].copy_from_slice(&tile.pixels[from..from + n]);
            }
        }
        out
    }

    /// Every pixel as a square of `by` × `by`.
    pub fn enlarged(&self, by: u32) -> Self {
        let by = by.max(1);
        let mut out = Self::transparent(self.width * by, self.height * by);
        for (i, pixel) in (0..).zip(&mut out.pixels) {
            let (row, col) = (i / out.width / by, i % out.width / by);
            *pixel = self.pixels[(row * self.width + col) as usize];
        }
        out
    }

    /// Width and height in pixels.
    pub fn size(&self) -> (u32, u32) {
        (self.width, self.height)
    }

    /// As a PNG file.
    pub fn png(&self) -> Vec<u8> {
        let mut file = Vec::new();
        PngEncoder::new(&mut file)
            .write_image(self.pixels.as_flattened(), self.width, self.height, ExtendedColorType::Rgba8)
            .expect("a picture that is not empty can be written to memory");
        file
    }

    /// As an address that contains the picture itself.
    pub fn data_uri(&self) -> String {
        format!("data:image/png;base64,{}", BASE64_STANDARD.encode(self.png()))
    }
}

/// A dictionary as a mosaic: each column of `atoms` is an image `width` pixels wide, normalised symmetrically about
/// zero, `columns` atoms to a row, every pixel enlarged to `pixel` × `pixel`, with a hairline between atoms.
pub fn dictionary(atoms: &DMatrix<f32>, width: usize, columns: usize, pixel: u32) -> Raster {
    let tile = |atom: nalgebra::DVectorView<'_, f32>| Raster::signed(atom.as_slice(), width).enlarged(pixel);
    let tiles: Vec<_> = atoms.column_iter().map(tile).collect();
    Raster::mosaic(&tiles, columns, 1)
}

/// The largest finite magnitude, and 1 if that is 0: safe to divide by.
pub fn largest(values: &[f32]) -> f32 {
    let largest = values.iter().map(|v| v.abs()).filter(|v| v.is_finite()).fold(0.0, f32::max);
    if largest > 0.0 { largest } else { 1.0 }
}
