//! A matrix between a sheet of units and an image, in which every unit has its own small window of pixels.
//!
//! With `d` units along the side of a pixel, unit `(r, c)` sees the square of `window × window` pixels from pixel
//! `(⌊r/d⌋, ⌊c/d⌋)`. Units are taken in square tiles that share one larger window: a dense product for each tile, most of whose entries count, is many times faster
//! than as many small ones as there are units.

use crate::perceive::reweighted::Decoder;
use nalgebra::DMatrix;

/// Units along a side of a tile. Larger ones waste more of a tile's window, smaller ones make products too thin.
const TILE: usize = 8;

/// Which units see which pixels.
#[derive(Clone, Debug)]
pub struct Layout {
    /// Rows and columns of the sheet of units.
    pub sheet: [usize; 2],
    /// `d`, units along the side of a pixel.
    pub density: usize,
    /// Pixels along a side of a unit's window.
    pub window: usize,
    tiles: Vec<Tile>,
}

#[derive(Clone, Debug)]
struct Tile {
    units: Patch,
    pixels: Patch,
}

impl Tile {
    /// Where in the tile's window that of its unit number `nth` begins.
    fn window(&self, nth: usize, density: usize) -> (usize, usize) {
        let (row, column) =
            (self.units.top + nth / self.units.columns, self.units.left + nth % self.units.columns);
        (row / density - self.pixels.top, column / density - self.pixels.left)
    }
}

/// A rectangle of a picture whose rows are `width` long.
#[derive(Clone, Debug)]
struct Patch {
    top: usize,
    left: usize,
    rows: usize,
    columns: usize,
    width: usize,
}

impl Patch {
    /// From where it begins and how long it is along both sides.
    fn new((top, rows): (usize, usize), (left, columns): (usize, usize), width: usize) -> Self {
        Self { top, left, rows, columns, width }
    }

    fn len(&self) -> usize {
        self.rows * self.columns
    }

    /// Where each of its rows lies in the picture.
    fn runs(&self) -> impl Iterator<Item = std::ops::Range<usize>> {
        (self.top..self.top + self.rows).map(|row| {
            let start = row * self.width + self.left;
            start..start + self.columns
        })
    }

    /// The rectangle of every picture, one a column.
    fn cut(&self, pictures: &DMatrix<f32>) -> DMatrix<f32> {
        let mut cut = Vec::with_capacity(self.len() * pictures.ncols());
        for picture in pictures.as_slice().chunks_exact(pictures.nrows()) {
            self.runs().for_each(|run| cut.extend_from_slice(&picture[run]));
        }
        DMatrix::from_vec(self.len(), pictures.ncols(), cut)
    }

    /// `picture ← join(picture, cut)` within the rectangle.
    fn join(&self, pictures: &mut DMatrix<f32>, cut: &DMatrix<f32>, join: impl Fn(&mut f32, f32)) {
        let height = pictures.nrows();
        let cuts = cut.as_slice().chunks_exact(self.len());
        for (picture, cut) in pictures.as_mut_slice().chunks_exact_mut(height).zip(cuts) {
            for (run, cut) in self.runs().zip(cut.chunks_exact(self.columns)) {
                picture[run].iter_mut().zip(cut).for_each(|(pixel, &cut)| join(pixel, cut));
            }
        }
    }
}

impl Layout {
    /// A sheet of units.
    pub fn new(sheet: [usize; 2], density: usize, window: usize) -> Self {
        let seen = |units: usize| units.div_ceil(density) + window - 1;
        let [_, width] = sheet.map(seen);
        // Along one side: where each tile's units begin and how many they are, and the same of its pixels.
        let tiles = |length: usize| {
            (0..length).step_by(TILE).map(move |start| {
                let units = TILE.min(length - start);
                let (first, last) = (start / density, (start + units - 1) / density);
                ((start, units), (first, last - first + window))
            })
        };
        let tile = |(unit_rows, pixel_rows), (unit_columns, pixel_columns)| Tile {
            units: Patch::new(unit_rows, unit_columns, sheet[1]),
            pixels: Patch::new(pixel_rows, pixel_columns, width),
        };
        let tiles = tiles(sheet[0]).flat_map(|rows| tiles(sheet[1]).map(move |columns| tile(rows, columns)));
        Self { sheet, density, window, tiles: tiles.collect() }
    }

    /// Rows and columns of the image.
    pub fn image(&self) -> [usize; 2] {
        self.sheet.map(|units| units.div_ceil(self.density) + self.window - 1)
    }

    /// Number of units.
    pub fn units(&self) -> usize {
        self.sheet[0] * self.sheet[1]
    }
}

/// One column a unit, and in it the pixels of the unit's window; all else is zero.
#[derive(Clone, Debug)]
pub struct Local {
    /// Who sees what.
    pub layout: Layout,
    /// For each tile a dense matrix: pixels of the tile's window × units.
    blocks: Vec<DMatrix<f32>>,
    transposed: Vec<DMatrix<f32>>,
}

impl Local {
    /// With random entries.
    pub fn new(layout: Layout, mut entry: impl FnMut() -> f32) -> Self {
        let block = |tile: &Tile| DMatrix::from_fn(tile.pixels.len(), tile.units.len(), |_, _| entry());
        let blocks = layout.tiles.iter().map(block).collect();
        let mut local = Self { layout, blocks, transposed: Vec::new() };
        local.keep_to_windows();
        local
    }

    /// The gradient `R Zᵀ` of `Σ R ⊙ (A Z)`, tile by tile.
    pub fn outer(&self, r: &DMatrix<f32>, z: &DMatrix<f32>) -> Vec<DMatrix<f32>> {
        let outer = |tile: &Tile| tile.pixels.cut(r) * tile.units.cut(z).transpose();
        self.layout.tiles.iter().map(outer).collect()
    }

    /// Adds to each unit's column `scale(unit)` times that of `gradient`, and brings columns to length 1.
    pub fn descend(&mut self, gradient: &[DMatrix<f32>], scale: impl Fn(usize) -> f32) {
        for ((block, gradient), tile) in self.blocks.iter_mut().zip(gradient).zip(&self.layout.tiles) {
            let units = tile.units.runs().flatten();
            for ((mut atom, step), unit) in block.column_iter_mut().zip(gradient.column_iter()).zip(units) {
                atom.axpy(scale(unit), &step, 1.0);
            }
        }
        self.keep_to_windows();
    }

    /// Clears what lies outside the windows and brings columns to length 1.
    fn keep_to_windows(&mut self) {
        let Layout { density, window, .. } = self.layout;
        for (block, tile) in self.blocks.iter_mut().zip(&self.layout.tiles) {
            let pixel_columns = tile.pixels.columns;
            for (nth, mut atom) in block.column_iter_mut().enumerate() {
                let (top, left) = tile.window(nth, density);
                for (pixel, value) in atom.iter_mut().enumerate() {
                    let (row, column) = (pixel / pixel_columns, pixel % pixel_columns);
                    if !(top..top + window).contains(&row) || !(left..left + window).contains(&column) {
                        *value = 0.0;
                    }
                }
                let norm = atom.norm();
                if norm > 0.0 {
                    atom /= norm;
                }
            }
        }
        self.transposed = self.blocks.iter().map(DMatrix::transpose).collect();
    }

    /// Every unit's window, one a column, row by row.
    pub fn filters(&self) -> DMatrix<f32> {
        let Layout { density, window, .. } = self.layout;
        let mut filters = DMatrix::zeros(window * window, self.layout.units());
        for (block, tile) in self.blocks.iter().zip(&self.layout.tiles) {
            for (nth, unit) in tile.units.runs().flatten().enumerate() {
                let (top, left) = tile.window(nth, density);
                let own = Patch::new((top, window), (left, window), tile.pixels.columns);
                let atom = block.column(nth);
                let entries = own.runs().flatten().map(|pixel| atom[pixel]);
                filters.column_mut(unit).iter_mut().zip(entries).for_each(|(filter, entry)| *filter = entry);
            }
        }
        filters
    }
}

impl Decoder for Local {
    fn subtract(&self, z: &DMatrix<f32>, x: &mut DMatrix<f32>) {
        for (block, tile) in self.blocks.iter().zip(&self.layout.tiles) {
            let part = block * tile.units.cut(z);
            tile.pixels.join(x, &part, |x, part| *x -= part);
        }
    }

    fn correlate(&self, r: &DMatrix<f32>, c: &mut DMatrix<f32>) {
        for (block, tile) in self.transposed.iter().zip(&self.layout.tiles) {
            let part = block * tile.pixels.cut(r);
            tile.units.join(c, &part, |c, part| *c = part);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tape::check::random;

    /// Not whole tiles, and not square.
    fn example(density: usize) -> (Local, DMatrix<f32>) {
        let mut numbers = random(100_000, 1, 1).as_slice().to_vec().into_iter().cycle();
        let local = Local::new(Layout::new([9, 17], density, 4), || numbers.next().unwrap_or(0.0));
        // The same matrix, dense: filters put where they belong.
        let [rows, columns] = local.layout.image();
        let filters = local.filters();
        let dense = DMatrix::from_fn(rows * columns, local.layout.units(), |pixel, unit| {
            let (top, left) = (unit / 17 / density, unit % 17 / density);
            let place = ((pixel / columns).wrapping_sub(top), (pixel % columns).wrapping_sub(left));
            if place.0 < 4 && place.1 < 4 { filters[(place.0 * 4 + place.1, unit)] } else { 0.0 }
        });
        (local, dense)
    }

    #[test]
    fn tiles_multiply_like_one_large_matrix() {
        for density in [1, 2, 3] {
            let (local, dense) = example(density);
            let (z, x) = (random(153, 5, 2), random(dense.nrows(), 5, 3));
            let mut left = x.clone();
            local.subtract(&z, &mut left);
            assert!((left - (&x - &dense * &z)).amax() < 1e-4);
            let mut c = DMatrix::zeros(153, 5);
            local.correlate(&x, &mut c);
            assert!((c - dense.transpose() * &x).amax() < 1e-4);
            assert!(local.filters().column_iter().all(|filter| (filter.norm() - 1.0).abs() < 1e-5));
        }
    }

    #[test]
    fn a_step_moves_windows_alone() {
        let (mut local, dense) = example(2);
        let (z, x) = (random(153, 5, 2), random(dense.nrows(), 5, 3));
        let gradient = local.outer(&x, &z);
        local.descend(&gradient, |unit| 0.1 * (unit % 2) as f32);
        let mut expected = dense.clone();
        let full = &x * z.transpose();
        for (unit, mut atom) in expected.column_iter_mut().enumerate() {
            for (pixel, value) in atom.iter_mut().enumerate() {
                if *value != 0.0 {
                    *value += 0.1 * (unit % 2) as f32 * full[(pixel, unit)];
                }
            }
            let norm = atom.norm();
            atom /= norm;
        }
        let mut x = DMatrix::zeros(dense.nrows(), 5);
        local.subtract(&z, &mut x);
        assert!((x + expected * z).amax() < 1e-4);
    }
}
