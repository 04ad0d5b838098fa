//! Positions of maps moved about: into a border of zeros, and blocks of positions that become channels of one.
//!
//! A convolution after blocks of 2 × 2 have become channels is one that moves two positions at a time; before they become
//! positions again it is the up-sampling one of Shi et al. (CVPR 2016), whose filters never overlap unevenly.

use crate::perceive::maps::Maps;

/// How maps lie in memory: within a border, and with a place of their own among the channels of each position.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    /// The maps.
    pub maps: Maps,
    /// Positions around them.
    pub border: usize,
    /// Numbers from one position to the next.
    pub stride: usize,
    /// Numbers before the first channel.
    pub offset: usize,
}

impl Layout {
    /// Without a border, and alone.
    pub fn plain(maps: Maps) -> Self {
        Self { maps, border: 0, stride: maps.channels, offset: 0 }
    }

    /// Within a border.
    pub fn bordered(maps: Maps, border: usize) -> Self {
        Self { border, ..Self::plain(maps) }
    }

    /// Where a position begins.
    pub fn at(&self, row: usize, col: usize) -> usize {
        let cols = self.maps.cols + 2 * self.border;
        ((row + self.border) * cols + col + self.border) * self.stride + self.offset
    }

    /// Numbers that border and maps take.
    pub fn len(&self) -> usize {
        let Maps { rows, cols, .. } = self.maps;
        (rows + 2 * self.border) * (cols + 2 * self.border) * self.stride
    }

    /// Whether they take none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Where each position begins in either of two layouts of the same maps.
pub fn positions(from: Layout, to: Layout) -> impl Iterator<Item = (usize, usize)> {
    each(from.maps).map(move |(row, col)| (from.at(row, col), to.at(row, col)))
}

/// Where each position begins in maps and in those whose channels are their blocks of 2 × 2, row by row.
pub fn blocks(fine: Layout, coarse: Layout) -> impl Iterator<Item = (usize, usize)> {
    each(fine.maps).map(move |(row, col)| {
        let within = (2 * (row % 2) + col % 2) * fine.maps.channels;
        (fine.at(row, col), coarse.at(row / 2, col / 2) + within)
    })
}

fn each(maps: Maps) -> impl Iterator<Item = (usize, usize)> {
    (0..maps.rows).flat_map(move |row| (0..maps.cols).map(move |col| (row, col)))
}

/// Copies runs of so many numbers, each from where it begins to where it shall begin.
pub(super) fn copy(runs: impl Iterator<Item = (usize, usize)>, length: usize, from: &[f32], to: &mut [f32]) {
    for (at, then) in runs {
        let (from, to) = (from.get(at..).unwrap_or_default(), to.get_mut(then..).unwrap_or_default());
        to.iter_mut().zip(from).take(length).for_each(|(to, from)| *to = *from);
    }
}
