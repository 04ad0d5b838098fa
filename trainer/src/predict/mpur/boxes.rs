//! Cars found in views, and followed from one view to the next.
//!
//! A cell holds the share of it that is covered, and no cell is larger than a car. So where a car of known size begins and ends is
//! there to the last bit: a share that is less than whole is that of an end.

use crate::worlds::traffic::{
    car::{LENGTH, WIDTH},
    view::Grid,
};

/// A share that is nothing but rounding.
const NOTHING: f32 = 1e-4;
/// How far a car may be from where it is expected in the next view, along and across the road, in m.
const GATE: [f32; 2] = [3.0, 1.5];

/// The middles of all cars in a view, from its own middle, in m; its cells row by row. What is nearer to its rear comes first.
pub(super) fn find(grid: &Grid, others: impl Iterator<Item = f32>) -> Vec<[f32; 2]> {
    let mut rest = Rest { cells: others.collect(), along: grid.along, across: grid.across };
    let size = [(LENGTH / grid.length) as f32, (WIDTH / grid.width) as f32];
    let mut found = Vec::new();
    for col in 0..grid.along {
        for row in 0..grid.across {
            if rest.cells[row * grid.along + col] < NOTHING {
                continue;
            }
            let [left, top] = rest.corner(row, col, size);
            found.push([
                ((f64::from(left + 0.5 * size[0]) - grid.behind * grid.along as f64) * grid.length) as f32,
                ((f64::from(top + 0.5 * size[1]) - 0.5 * grid.across as f64) * grid.width) as f32,
            ]);
            rest.erase([left, top], size);
            // Whatever rounding has left of it is nobody.
            rest.cells[row * grid.along + col] = 0.0;
        }
    }
    found
}

/// What of a view is not yet known to be whose.
struct Rest {
    cells: Vec<f32>,
    along: usize,
    across: usize,
}

impl Rest {
    /// Where a car begins whose first column is `col`, and its first row there `row`, in cells; outside, if its beginning is
    /// hidden by the border of the view.
    ///
    /// How much of a cell is covered tells how long times how high; which of them, what is around it. Of all that may be, it
    /// is what draws nothing that is not there, and of that what leaves least of it.
    fn corner(&self, row: usize, col: usize, size: [f32; 2]) -> [f32; 2] {
        let [long, wide] = size;
        let at = |i: usize, j: usize| {
            let inside = row + i < self.across && col + j < self.along;
            if inside { self.cells[(row + i) * self.along + col + j] } else { 0.0 }
        };
        let reach = long.ceil() as usize + 1;
        let first = at(0, 0);
        // How high it may be in the first row: if all of its length is in view, or a whole cell of it, or all of its width.
        let whole = (reach - 1..=reach).map(|n| (0..n).map(|j| at(0, j)).sum::<f32>() / long);
        let fullest = (0..reach).map(|j| at(0, j)).fold(0.0, f32::max);
        let heights = whole.chain([fullest, first / (first + at(1, 0)) * wide, 1.0]);
        let mut best = ([f32::INFINITY; 2], [col as f32, row as f32]);
        for height in heights.map(|height| height.clamp(first, 1.0)) {
            let mut lefts = vec![(col + 1) as f32 - first / height];
            let mut tops = vec![(row + 1) as f32 - height];
            if col == 0 {
                // How long what is in view of it may be, as others may begin soon.
                let seen = (1..=reach).map(|n| (0..n).map(|j| at(0, j)).sum::<f32>() / height);
                lefts.extend(seen.filter(|&seen| seen < long).map(|seen| seen - long));
            }
            if row == 0 && height < wide {
                tops.push(height - wide);
            }
            for corner in lefts.iter().flat_map(|&left| tops.iter().map(move |&top| [left, top])) {
                let (mut wrong, mut left) = (0.0, 0.0);
                for (i, j) in (0..=wide.ceil() as usize).flat_map(|i| (0..reach).map(move |j| (i, j))) {
                    if row + i >= self.across || col + j >= self.along {
                        continue;
                    }
                    let covered = share(corner[1], wide, row + i) * share(corner[0], long, col + j);
                    let rest = at(i, j) - covered;
                    // Nobody else is where it begins.
                    if rest < 0.0 || (i, j) == (0, 0) { wrong += rest.abs() } else { left += rest }
                }
                let score = [(wrong / (20.0 * NOTHING)).floor(), left];
                if score < best.0 {
                    best = (score, corner);
                }
            }
        }
        best.1
    }

    fn erase(&mut self, [left, top]: [f32; 2], [long, wide]: [f32; 2]) {
        for (row, cells) in self.cells.chunks_exact_mut(self.along).enumerate() {
            let height = share(top, wide, row);
            for (col, cell) in cells.iter_mut().enumerate() {
                *cell = (*cell - height * share(left, long, col)).max(0.0);
            }
        }
    }
}

/// The share of a cell that what begins at `from` covers of it, in cells.
fn share(from: f32, size: f32, cell: usize) -> f32 {
    ((from + size).min(cell as f32 + 1.0) - from.max(cell as f32)).max(0.0)
}

/// Which of the cars `found` is the one expected at `place`; it is taken from them.
pub(super) fn take(found: &mut Vec<[f32; 2]>, place: [f32; 2]) -> Option<[f32; 2]> {
    let off = |car: &[f32; 2]| ((car[0] - place[0]) / GATE[0]).hypot((car[1] - place[1]) / GATE[1]);
    let near = found.iter().map(off).enumerate().filter(|&(_, off)| off < 1.0);
    let (i, _) = near.min_by(|a, b| a.1.total_cmp(&b.1))?;
    Some(found.swap_remove(i))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::worlds::{
        Rng,
        traffic::{
            car::Car,
            road::Road,
            view::{CHANNELS, OTHERS},
        },
    };
    use rand::{RngExt, SeedableRng};

    #[test]
    fn cars_are_found_where_they_are() {
        let (grid, rng) = (Grid::default(), &mut Rng::seed_from_u64(1));
        let half = [0.5 * LENGTH, 0.5 * WIDTH].map(|half| half as f32 - 0.01);
        let (mut seen, mut wrong, mut nobody) = (0, 0, 0);
        for _ in 0..300 {
            // A platoon in each of three lanes, somewhere in them.
            let mut cars = vec![Car::default()];
            for lane in -1..=1 {
                let mut x = -70.0;
                for _ in 0..8 {
                    x += 10.0 + rng.random_range(0.0..30.0);
                    let y = 4.0 * f64::from(lane) + rng.random_range(-0.9..0.9);
                    cars.push(Car { x, y, ..Car::default() });
                }
            }
            let mut view = vec![0.0; grid.maps().len()];
            grid.draw(Road { lanes: 4 }, &cars, 0, &mut view);
            let mut found = find(&grid, view.iter().skip(OTHERS).step_by(CHANNELS).copied());
            for car in &cars[1..] {
                let [x, y] = [car.x as f32, car.y as f32];
                if x < -48.0 - half[0] || x > 80.0 + half[0] || y.abs() > 8.0 + half[1] {
                    continue;
                }
                let off = take(&mut found, [x, y]).map(|car| (car[0] - x).abs().max((car[1] - y).abs()));
                wrong += usize::from(off.is_none_or(|off| off > 0.02));
                seen += 1;
            }
            nobody += found.len();
        }
        // Here and there ends lie on the borders of cells, or one car's in another's.
        assert!(seen > 4000 && 1000 * wrong <= seen && 1000 * nobody <= seen, "{wrong}, {nobody} of {seen}");
    }
}
