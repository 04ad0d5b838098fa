//! What a car sees: a grid of three channels around it, as if filmed from above.
//!
//! Rows lie across the road, from low lanes to high ones, columns along it, forward to the right. A cell holds the share of
//! it that is covered, so a car that moves by a tenth of a cell can be seen to. The grid keeps the direction of the
//! road: headings on a highway are small, and the car's own is in its state. So rectangles are drawn along the axes.

use super::{
    DT,
    car::{Car, LENGTH, WIDTH},
    road::{LANE, Road},
};
use forethought::{perceive::maps::Maps, predict::traffic::Geometry};
use serde::{Deserialize, Serialize};

/// Channels: what is no lane, other cars, the car itself.
pub const CHANNELS: usize = 3;
/// The channel of what is no lane: the lines between lanes, and all that is beyond the edges of the road.
pub const MARKS: usize = 0;
/// The channel of other cars.
pub const OTHERS: usize = 1;
/// The channel of the car itself: the same in every view.
pub const EGO: usize = 2;
/// Width at which the lines between lanes are drawn, in m.
pub const LINE: f64 = 1.0;

/// The extent of a view.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Grid {
    /// Cells along the road.
    pub along: usize,
    /// Cells across it; the car is in the middle.
    pub across: usize,
    /// Length of a cell along the road, in m. A car is 5 m long; at 4 m and 32 cells the next car is in sight more
    /// often than not.
    pub length: f64,
    /// Width of a cell across the road, in m: that of a car.
    pub width: f64,
    /// The share of the grid that lies behind the car.
    pub behind: f64,
}

impl Default for Grid {
    fn default() -> Self {
        Self { along: 32, across: 8, length: 4.0, width: 2.0, behind: 0.375 }
    }
}

impl Grid {
    /// As the kernels are told of it.
    pub fn geometry(&self, road: Road) -> Geometry {
        let number = |x: f64| x as f32;
        Geometry {
            along: self.along,
            across: self.across,
            cell: [self.length, self.width].map(number),
            behind: number(self.behind * self.along as f64),
            car: [LENGTH, WIDTH].map(number),
            lanes: road.lanes,
            lane: number(LANE),
            line: number(LINE),
            dt: number(DT),
        }
    }

    /// The view as a stack of maps.
    pub fn maps(&self) -> Maps {
        Maps { rows: self.across, cols: self.along, channels: CHANNELS }
    }

    /// Draws what car `of` sees over whatever is in `view`.
    ///
    /// # Panics
    /// If there is no such car or `view` has another size than [`maps`](Self::maps).
    pub fn draw(&self, road: Road, cars: &[Car], of: usize, view: &mut [f32]) {
        assert_eq!(view.len(), self.maps().len(), "the view has another size than the grid");
        view.fill(0.0);
        let ego = cars[of];
        self.marks(road, ego.y, view);
        for (i, car) in cars.iter().enumerate() {
            let channel = if i == of { EGO } else { OTHERS };
            self.rectangle((car.x - ego.x, car.y - ego.y), channel, view);
        }
    }

    /// The lines between lanes and what lies beyond the edges, seen from `y`.
    fn marks(&self, road: Road, y: f64, view: &mut [f32]) {
        let (low, high) = road.edges();
        for (row, cells) in view.chunks_exact_mut(self.along * CHANNELS).enumerate() {
            let top = y + self.width * (row as f64 - 0.5 * self.across as f64);
            let covered = |from: f64, to: f64| share(from, to, top, self.width);
            let lines: f64 = (1..road.lanes)
                .map(|lane| Road::centre(lane) - 0.5 * LANE)
                .map(|line| covered(line - 0.5 * LINE, line + 0.5 * LINE))
                .sum();
            let beyond = covered(f64::NEG_INFINITY, low) + covered(high, f64::INFINITY);
            let mark = (lines + beyond) as f32;
            cells.chunks_exact_mut(CHANNELS).for_each(|cell| cell[MARKS] = mark);
        }
    }

    /// Adds the rectangle of a car whose middle is `(dx, dy)` from that of the view's.
    fn rectangle(&self, (dx, dy): (f64, f64), channel: usize, view: &mut [f32]) {
        // In cells from the corner of the grid.
        let left = (dx - 0.5 * LENGTH) / self.length + self.behind * self.along as f64;
        let top = (dy - 0.5 * WIDTH) / self.width + 0.5 * self.across as f64;
        let (right, bottom) = (left + LENGTH / self.length, top + WIDTH / self.width);
        let cells =
            |from: f64, to: f64, n: usize| from.max(0.0) as usize..to.ceil().clamp(0.0, n as f64) as usize;
        for row in cells(top, bottom, self.across) {
            let height = share(top, bottom, row as f64, 1.0);
            for col in cells(left, right, self.along) {
                let covered = height * share(left, right, col as f64, 1.0);
                let cell = &mut view[(row * self.along + col) * CHANNELS + channel];
                *cell = (*cell + covered as f32).min(1.0);
            }
        }
    }
}

/// The share of a cell, `size` wide from `start`, that lies between `from` and `to`.
fn share(from: f64, to: f64, start: f64, size: f64) -> f64 {
    ((to.min(start + size) - from.max(start)) / size).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(grid: &Grid, cars: &[Car]) -> Vec<f32> {
        let mut view = vec![9.0; grid.maps().len()];
        grid.draw(Road { lanes: 4 }, cars, 0, &mut view);
        view
    }

    fn channel(view: &[f32], channel: usize) -> impl Iterator<Item = f32> {
        view.iter().skip(channel).step_by(CHANNELS).copied()
    }

    #[test]
    fn a_car_covers_its_area_wherever_it_is() {
        let grid = Grid::default();
        let cells = (LENGTH * WIDTH / (grid.length * grid.width)) as f32;
        let ego = Car { y: 4.0, ..Car::default() };
        for (x, y) in [(10.0, 0.0), (33.3, 5.7), (-21.4, 8.2)] {
            let view = seen(&grid, &[ego, Car { x, y, ..ego }]);
            assert!((channel(&view, OTHERS).sum::<f32>() - cells).abs() < 1e-4);
            assert!((channel(&view, EGO).sum::<f32>() - cells).abs() < 1e-4);
            // The centre of what is covered is where the car is.
            let weigh = |f: &dyn Fn(usize) -> f64| {
                let sum: f64 = channel(&view, OTHERS).enumerate().map(|(i, v)| f64::from(v) * f(i)).sum();
                sum / f64::from(cells)
            };
            let place = weigh(&|i| (i % grid.along) as f64 + 0.5 - grid.behind * grid.along as f64);
            // Shares are exact in area, so the centre is off by less than a tenth of a cell.
            assert!((place * grid.length - x).abs() < 0.15 * grid.length, "{place}, {x}");
        }
    }

    #[test]
    fn cars_out_of_sight_are_not_drawn() {
        let ego = Car::default();
        let far = [ego, Car { x: 500.0, ..ego }, Car { x: -500.0, ..ego }, Car { y: 12.0, ..ego }];
        assert_eq!(channel(&seen(&Grid::default(), &far), OTHERS).sum::<f32>(), 0.0);
    }

    #[test]
    fn the_verge_is_one_lines_are_less_and_lanes_are_nothing() {
        let view = seen(&Grid::default(), &[Car::default()]);
        let marks: Vec<_> = channel(&view, MARKS).step_by(32).collect();
        // The car is in the middle of lane 0: 2 m to the verge on one side, lines at 2 m and 6 m on the other.
        assert_eq!(marks, [1.0, 1.0, 1.0, 0.0, 0.25, 0.25, 0.25, 0.25]);
    }
}
