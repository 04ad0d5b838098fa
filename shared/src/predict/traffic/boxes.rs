//! Cars found in a view.
//!
//! A cell holds the share of it that is covered, and no cell is larger than a car. So where a car of known size begins and ends is
//! there to the last bit: a share that is less than whole is that of an end.

use super::{
    draw::{Side, ceiling, upper},
    view::Geometry,
};
use crate::math;
use core::iter::once;
use heapless::Vec;

/// Most cars that are found in a view; of more, those farthest ahead are left out.
pub const FOUND: usize = 64;
/// A share that is nothing but rounding.
const NOTHING: f32 = 1e-4;
/// How much may be drawn that is not there before one way to lay a car is worse than another: rounding, of some cells.
const WRONG: f32 = 20.0 * NOTHING;

/// The middles of cars, from that of their view, in m.
pub type Found = Vec<[f32; 2], FOUND>;

/// Finds all cars in the cells of a view, of which nothing is left. What is nearer to its rear comes first.
pub fn find(geometry: &Geometry, cells: &mut [f32], found: &mut Found) {
    let Geometry { along, across, cell: [length, width], behind, car: [long, wide], .. } = *geometry;
    let size = [long / length, wide / width];
    let mut rest = Rest { cells, along, across, size };
    found.clear();
    for col in 0..along {
        for row in 0..across {
            if rest.at(row, col) < NOTHING {
                continue;
            }
            let [left, top] = rest.corner(row, col);
            let [long, wide] = size;
            let place =
                [(left + 0.5 * long - behind) * length, (top + 0.5 * wide - 0.5 * across as f32) * width];
            if found.push(place).is_err() {
                return;
            }
            rest.erase([left, top]);
            // Whatever rounding has left of it is nobody.
            if let Some(cell) = rest.cells.get_mut(row * along + col) {
                *cell = 0.0;
            }
        }
    }
}

/// What of a view is not yet known to be whose.
struct Rest<'c> {
    cells: &'c mut [f32],
    along: usize,
    across: usize,
    /// Length and width of a car, in cells.
    size: [f32; 2],
}

impl Rest<'_> {
    /// What is left in a cell; outside there is nothing.
    fn at(&self, row: usize, col: usize) -> f32 {
        let inside = row < self.across && col < self.along;
        let cell = if inside { self.cells.get(row * self.along + col) } else { None };
        cell.copied().unwrap_or(0.0)
    }

    /// Where a car begins whose first column is `col`, and its first row there `row`, in cells; outside, if its beginning is
    /// hidden by the border of the view.
    ///
    /// How much of a cell is covered tells how long times how high; which of them, what is around it. Of all that may be, it
    /// is what draws nothing that is not there, and of that what leaves least of it.
    fn corner(&self, row: usize, col: usize) -> [f32; 2] {
        let [long, wide] = self.size;
        let first = self.at(row, col);
        let reach = ceiling(long) + 1;
        // What is in the first row of it, as far as so many cells.
        let run = |n: usize| (0..n).fold(0.0, |sum, j| sum + self.at(row, col + j));
        let fullest = (0..reach).map(|j| self.at(row, col + j)).fold(first, upper);
        // How high it may be in the first row: if all of its length is in view, or a whole cell of it, or all of its width.
        let heights = [
            run(reach - 1) / long,
            run(reach) / long,
            fullest,
            first / (first + self.at(row + 1, col)) * wide,
            1.0,
        ];
        let mut best = ((u32::MAX, f32::INFINITY), [col as f32, row as f32]);
        for height in heights {
            let height = math::clamp(height, first, 1.0);
            // How long what is in view of it may be, as others may begin soon.
            let hidden = (1..=reach).filter(|_| col == 0).map(|n| run(n) / height);
            let hidden = hidden.filter(|&seen| seen < long).map(|seen| seen - long);
            for left in once((col + 1) as f32 - first / height).chain(hidden) {
                let beyond = if row == 0 && height < wide { Some(height - wide) } else { None };
                for top in once((row + 1) as f32 - height).chain(beyond) {
                    let score = self.score(row, col, [left, top]);
                    if score < best.0 {
                        best = (score, [left, top]);
                    }
                }
            }
        }
        best.1
    }

    /// How much a car there draws that is not there, in steps of [`WRONG`], and how much it leaves.
    fn score(&self, row: usize, col: usize, corner: [f32; 2]) -> (u32, f32) {
        let (along, across) = self.sides(corner);
        let [long, wide] = self.size;
        let (mut wrong, mut left) = (0.0, 0.0);
        for i in 0..=ceiling(wide) {
            for j in 0..=ceiling(long) {
                if row + i >= self.across || col + j >= self.along {
                    continue;
                }
                let rest = self.at(row + i, col + j) - across.share(row + i) * along.share(col + j);
                // Nobody else is where it begins.
                if rest < 0.0 {
                    wrong -= rest;
                } else if (i, j) == (0, 0) {
                    wrong += rest;
                } else {
                    left += rest;
                }
            }
        }
        ((wrong / WRONG) as u32, left)
    }

    fn sides(&self, [left, top]: [f32; 2]) -> (Side, Side) {
        let [long, wide] = self.size;
        (
            Side { from: left, to: left + long, cells: self.along },
            Side { from: top, to: top + wide, cells: self.across },
        )
    }

    fn erase(&mut self, corner: [f32; 2]) {
        let (along, across) = self.sides(corner);
        for row in across.touched() {
            let height = across.share(row);
            for col in along.touched() {
                if let Some(cell) = self.cells.get_mut(row * self.along + col) {
                    *cell = upper(*cell - height * along.share(col), 0.0);
                }
            }
        }
    }
}
