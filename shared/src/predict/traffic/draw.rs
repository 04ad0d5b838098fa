//! Boxes drawn into views, and maps read where boxes are.
//!
//! ```text
//! y_c(cell) += w_c · share(cell)         the share of a cell that the box covers
//! r_c = Σ_corners weight · x_c(corner)   between the four positions around a place: bilinear
//! ```
//! Both change gradually with the place: on the host gradients reach it.

use super::view::Geometry;
use crate::{math, perceive::maps::Maps};
use core::ops::Range;

/// Lines and verges are as long as can be seen, and longer, in m.
pub const ENDLESS: f32 = 1e4;

/// Where a box begins and ends along one side of a grid, in cells.
#[derive(Clone, Copy, Debug)]
pub struct Side {
    /// Its beginning.
    pub from: f32,
    /// Its end.
    pub to: f32,
    /// Cells of the grid.
    pub cells: usize,
}

impl Side {
    /// The cells that it touches.
    #[inline]
    pub fn touched(self) -> Range<usize> {
        let inside = |at: f32| math::clamp(at, 0.0, self.cells as f32);
        inside(self.from) as usize..ceiling(inside(self.to))
    }

    /// The share of a cell that it covers.
    #[inline]
    pub fn share(self, cell: usize) -> f32 {
        let cell = cell as f32;
        upper(lower(self.to, cell + 1.0) - upper(self.from, cell), 0.0)
    }
}

/// The smaller of two numbers; the second, if one is NaN.
#[inline]
fn lower(a: f32, b: f32) -> f32 {
    if a < b { a } else { b }
}

/// The larger of two numbers; the second, if one is NaN.
#[inline]
pub(super) fn upper(a: f32, b: f32) -> f32 {
    if a > b { a } else { b }
}

/// The least whole number that is not below `x`, from 0 on.
#[inline]
pub(super) fn ceiling(x: f32) -> usize {
    let whole = x as usize;
    if (whole as f32) < x { whole.saturating_add(1) } else { whole }
}

/// How a grid and boxes of one size lie to each other.
#[derive(Clone, Copy, Debug)]
pub struct Pen {
    along: usize,
    across: usize,
    cell: [f32; 2],
    /// Cells before the middle of a view, along and across.
    before: [f32; 2],
    half: [f32; 2],
}

impl Pen {
    /// For boxes of some length and width, in m.
    pub fn new(geometry: &Geometry, [length, width]: [f32; 2]) -> Self {
        let Geometry { along, across, cell, behind, .. } = *geometry;
        let before = [behind, 0.5 * across as f32];
        Self { along, across, cell, before, half: [0.5 * length, 0.5 * width] }
    }

    /// Along and across, for a box whose middle is so far from that of the view, in m.
    #[inline]
    pub fn sides(&self, place: [f32; 2]) -> (Side, Side) {
        let ([x, y], [length, width], [behind, beside]) = (place, self.cell, self.before);
        let [half_length, half_width] = self.half;
        let side = |middle: f32, half: f32, cell: f32, before: f32, cells: usize| Side {
            from: (middle - half) / cell + before,
            to: (middle + half) / cell + before,
            cells,
        };
        (side(x, half_length, length, behind, self.along), side(y, half_width, width, beside, self.across))
    }

    /// Every cell that a box touches: its position in a view, and its sides along and across there.
    #[inline]
    pub fn visit(&self, place: [f32; 2], mut f: impl FnMut(usize, (Side, usize), (Side, usize))) {
        let (along, across) = self.sides(place);
        for row in across.touched() {
            for col in along.touched() {
                f(row * self.along + col, (along, col), (across, row));
            }
        }
    }

    /// Adds a box to the first channels of a view of so many: its numbers times the share of each cell.
    pub fn add(&self, place: [f32; 2], w: &[f32], view: &mut [f32], channels: usize) {
        self.visit(place, |cell, (along, col), (across, row)| {
            let share = along.share(col) * across.share(row);
            let cell = view.get_mut(cell.saturating_mul(channels)..).unwrap_or_default();
            cell.iter_mut().take(channels).zip(w).for_each(|(y, w)| *y += w * share);
        });
    }
}

/// Between which positions of some maps places lie; the maps cover the grid of a view.
#[derive(Clone, Copy, Debug)]
pub struct Lens {
    rows: usize,
    cols: usize,
    /// Positions in a metre, along and across.
    pub per: [f32; 2],
    /// Where the middle of the view is.
    start: [f32; 2],
}

/// A place along one side of maps.
#[derive(Clone, Copy, Debug)]
pub struct Between {
    /// The position before it.
    pub low: usize,
    /// The position after it.
    pub high: usize,
    /// How far it is from the one to the other, 0 to 1.
    pub share: f32,
    /// Whether it is inside the maps: outside, what is read does not change with the place.
    pub inside: bool,
}

impl Between {
    fn new(at: f32, positions: usize) -> Self {
        let last = positions.saturating_sub(1);
        let held = math::clamp(at, 0.0, last as f32);
        let low = (held as usize).min(positions.saturating_sub(2));
        let inside = at >= 0.0 && at < last as f32;
        Self { low, high: (low + 1).min(last), share: held - low as f32, inside }
    }
}

impl Lens {
    /// On maps of this size.
    pub fn new(geometry: &Geometry, maps: Maps) -> Self {
        let ([length, width], Maps { rows, cols, .. }) = (geometry.cell, maps);
        let (along, across) = (cols as f32 / geometry.along as f32, rows as f32 / geometry.across as f32);
        let start = [geometry.behind * along - 0.5, 0.5 * rows as f32 - 0.5];
        Self { rows, cols, per: [along / length, across / width], start }
    }

    /// Where a place is, along and across.
    pub fn at(&self, [x, y]: [f32; 2]) -> [Between; 2] {
        let ([along, across], [left, top]) = (self.per, self.start);
        [Between::new(x * along + left, self.cols), Between::new(y * across + top, self.rows)]
    }

    /// The four positions around a place, and how much each counts.
    pub fn corners(&self, place: [f32; 2]) -> [(usize, f32); 4] {
        let [along, across] = self.at(place);
        let (u, v) = (along.share, across.share);
        [
            (across.low * self.cols + along.low, (1.0 - u) * (1.0 - v)),
            (across.low * self.cols + along.high, u * (1.0 - v)),
            (across.high * self.cols + along.low, (1.0 - u) * v),
            (across.high * self.cols + along.high, u * v),
        ]
    }

    /// Adds what maps of so many channels hold at a place.
    pub fn read(&self, maps: &[f32], channels: usize, place: [f32; 2], y: &mut [f32]) {
        for (position, weight) in self.corners(place) {
            let x = maps.get(position.saturating_mul(channels)..).unwrap_or_default();
            y.iter_mut().zip(x.iter().take(channels)).for_each(|(y, x)| *y += weight * x);
        }
    }
}
