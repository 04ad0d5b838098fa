//! Boxes drawn into views, and maps read where boxes are: both on the tape, so that gradients reach the boxes' places.

use crate::{
    tape::{Tape, Var},
    worlds::traffic::view::Grid,
};
use forethought::perceive::maps::Maps;

/// Lines and verges are as long as can be seen, and longer.
pub(super) const ENDLESS: f64 = 1e4;

/// Where a box begins and ends along one side of a grid, in cells.
#[derive(Clone, Copy)]
struct Side {
    from: f32,
    to: f32,
    cells: usize,
}

impl Side {
    /// The cells that it touches.
    fn touched(self) -> std::ops::Range<usize> {
        let inside = |cell: f32| cell.clamp(0.0, self.cells as f32) as usize;
        inside(self.from)..inside(self.to.ceil())
    }

    /// The share of a cell that it covers.
    fn share(self, cell: usize) -> f32 {
        let cell = cell as f32;
        (self.to.min(cell + 1.0) - self.from.max(cell)).max(0.0)
    }

    /// By how much that share grows when the box moves on by a cell: at its ends alone.
    fn slope(self, cell: usize) -> f32 {
        let holds = |end: f32| f32::from(u8::from((cell as f32..cell as f32 + 1.0).contains(&end)));
        holds(self.to) - holds(self.from)
    }
}

/// How a grid and boxes of one size lie to each other.
#[derive(Clone, Copy)]
struct Pen {
    grid: Grid,
    size: (f64, f64),
}

impl Pen {
    /// Along and across, for a box whose middle is `(x, y)` m from the middle of the view.
    fn sides(&self, x: f32, y: f32) -> (Side, Side) {
        let Grid { along, across, length, width, behind } = self.grid;
        let side = |middle: f32, size: f64, cell: f64, before: f64, cells: usize| {
            let from = ((f64::from(middle) - 0.5 * size) / cell + before) as f32;
            let to = ((f64::from(middle) + 0.5 * size) / cell + before) as f32;
            Side { from, to, cells }
        };
        (
            side(x, self.size.0, length, behind * along as f64, along),
            side(y, self.size.1, width, 0.5 * across as f64, across),
        )
    }

    /// Every cell that a box touches: its position in a view, and its sides there.
    fn visit(&self, place: &[f32], mut f: impl FnMut(usize, (Side, usize), (Side, usize))) {
        let (along, across) = self.sides(place[0], place[1]);
        for row in across.touched() {
            for col in along.touched() {
                f(row * self.grid.along + col, (along, col), (across, row));
            }
        }
    }
}

/// Adds boxes of one size up in views: `y_c(cell) = Σ_i w_ci share_i(cell)`. `places` has the middle of a box a column, `each`
/// of them for every view, `w` its numbers, one channel a row. The cells' shares are those of [`Grid::draw`].
pub(super) fn draw(tape: &Tape, grid: &Grid, (places, w): (Var, Var), each: usize, size: (f64, f64)) -> Var {
    let pen = Pen { grid: *grid, size };
    let (channels, boxes) = tape.shape(w);
    let positions = grid.along * grid.across;
    tape.record(
        &[places, w],
        |forward| {
            let (places, w) = (forward.value(places).as_slice(), forward.value(w).as_slice());
            let mut y = forward.scratch(channels, positions * (boxes / each));
            y.fill(0.0);
            let cells = y.as_mut_slice();
            for (i, (place, w)) in places.chunks_exact(2).zip(w.chunks_exact(channels)).enumerate() {
                if w.iter().all(|&w| w == 0.0) {
                    continue;
                }
                pen.visit(place, |cell, (along, col), (across, row)| {
                    let share = along.share(col) * across.share(row);
                    let cell = &mut cells[(i / each * positions + cell) * channels..][..channels];
                    cell.iter_mut().zip(w).for_each(|(y, w)| *y += w * share);
                });
            }
            y
        },
        move |backward| {
            let y_bar = backward.gradient.as_slice();
            let (place_value, w_value) = (backward.value(places).as_slice(), backward.value(w).as_slice());
            let at = |i: usize, cell: usize| &y_bar[(i / each * positions + cell) * channels..][..channels];
            let pairs = || place_value.chunks_exact(2).zip(w_value.chunks_exact(channels)).enumerate();
            if let Some(place_bar) = backward.sum(places) {
                for ((i, (place, w)), bar) in pairs().zip(place_bar.as_mut_slice().chunks_exact_mut(2)) {
                    pen.visit(place, |cell, (along, col), (across, row)| {
                        let y_bar: f32 = at(i, cell).iter().zip(w).map(|(y_bar, w)| y_bar * w).sum();
                        bar[0] += y_bar * along.slope(col) * across.share(row) / pen.grid.length as f32;
                        bar[1] += y_bar * along.share(col) * across.slope(row) / pen.grid.width as f32;
                    });
                }
            }
            if let Some(w_bar) = backward.sum(w) {
                for ((i, (place, _)), bar) in pairs().zip(w_bar.as_mut_slice().chunks_exact_mut(channels)) {
                    pen.visit(place, |cell, (along, col), (across, row)| {
                        let share = along.share(col) * across.share(row);
                        bar.iter_mut().zip(at(i, cell)).for_each(|(w, y_bar)| *w += y_bar * share);
                    });
                }
            }
        },
    )
}

/// What maps hold where boxes are, between the middles of their positions: bilinear. The maps cover the grid of a view.
pub(super) fn read(tape: &Tape, grid: &Grid, maps: Maps, (x, places): (Var, Var), each: usize) -> Var {
    let Maps { rows, cols, channels } = maps;
    let (boxes, length) = (tape.shape(places).1, maps.len());
    // How many positions of the maps a metre is.
    let per = (
        (cols as f64 / (grid.along as f64 * grid.length)) as f32,
        (rows as f64 / (grid.across as f64 * grid.width)) as f32,
    );
    let start = ((grid.behind * cols as f64) as f32 - 0.5, 0.5 * rows as f32 - 0.5);
    // Four corners: a position each, its weight, and how the weight changes with the place.
    let corners = move |place: &[f32]| {
        let split = |at: f32, n: usize| {
            let last = (n - 1) as f32;
            let (at, free) = (at.clamp(0.0, last), f32::from(u8::from((0.0..last).contains(&at))));
            let low = (at as usize).min(n.saturating_sub(2));
            (low, (low + 1).min(n - 1), at - low as f32, free)
        };
        let (left, right, u, free_u) = split(place[0] * per.0 + start.0, cols);
        let (top, bottom, v, free_v) = split(place[1] * per.1 + start.1, rows);
        let (du, dv) = (free_u * per.0, free_v * per.1);
        [
            (top * cols + left, (1.0 - u) * (1.0 - v), -du * (1.0 - v), -dv * (1.0 - u)),
            (top * cols + right, u * (1.0 - v), du * (1.0 - v), -dv * u),
            (bottom * cols + left, (1.0 - u) * v, -du * v, dv * (1.0 - u)),
            (bottom * cols + right, u * v, du * v, dv * u),
        ]
    };
    tape.record(
        &[x, places],
        |forward| {
            let (x, places) = (forward.value(x).as_slice(), forward.value(places).as_slice());
            let mut y = forward.scratch(channels, boxes);
            y.fill(0.0);
            let columns = y.as_mut_slice().chunks_exact_mut(channels);
            for (i, (y, place)) in columns.zip(places.chunks_exact(2)).enumerate() {
                for (position, weight, ..) in corners(place) {
                    let x = &x[i / each * length + position * channels..][..channels];
                    y.iter_mut().zip(x).for_each(|(y, x)| *y += weight * x);
                }
            }
            y
        },
        move |backward| {
            let y_bar = backward.gradient.as_slice();
            let (x_value, place_value) = (backward.value(x).as_slice(), backward.value(places).as_slice());
            let pairs = || place_value.chunks_exact(2).zip(y_bar.chunks_exact(channels)).enumerate();
            if let Some(x_bar) = backward.sum(x) {
                for (i, (place, y_bar)) in pairs() {
                    for (position, weight, ..) in corners(place) {
                        let at = i / each * length + position * channels;
                        let x_bar = &mut x_bar.as_mut_slice()[at..at + channels];
                        x_bar.iter_mut().zip(y_bar).for_each(|(x, y_bar)| *x += weight * y_bar);
                    }
                }
            }
            if let Some(place_bar) = backward.sum(places) {
                for ((i, (place, y_bar)), bar) in pairs().zip(place_bar.as_mut_slice().chunks_exact_mut(2)) {
                    for (position, _, by_x, by_y) in corners(place) {
                        let x = &x_value[i / each * length + position * channels..][..channels];
                        let dot: f32 = x.iter().zip(y_bar).map(|(x, y_bar)| x * y_bar).sum();
                        bar[0] += by_x * dot;
                        bar[1] += by_y * dot;
                    }
                }
            }
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        tape::check::{check_gradients, random},
        worlds::traffic::{
            car::{Car, LENGTH, WIDTH},
            road::Road,
            view::{CHANNELS, OTHERS},
        },
    };
    use nalgebra::DMatrix;

    const GRID: Grid = Grid { along: 8, across: 4, length: 4.0, width: 2.0, behind: 0.5 };

    #[test]
    fn boxes_are_drawn_as_views_are() {
        let ego = Car::default();
        let others = [(7.3, 1.2), (-5.0, 0.0), (15.9, -3.4), (90.0, 0.0)];
        let cars: Vec<_> = [ego].into_iter().chain(others.map(|(x, y)| Car { x, y, ..ego })).collect();
        let grid = Grid::default();
        let mut view = vec![0.0; grid.maps().len()];
        grid.draw(Road { lanes: 4 }, &cars, 0, &mut view);
        let tape = Tape::new();
        let places = tape.constant(DMatrix::from_iterator(
            2,
            4,
            others.iter().flat_map(|&(x, y)| [x as f32, y as f32]),
        ));
        let ones = tape.constant(DMatrix::from_element(1, 4, 1.0));
        let drawn = tape.value(draw(&tape, &grid, (places, ones), 4, (LENGTH, WIDTH))).clone_owned();
        for (drawn, seen) in drawn.iter().zip(view.iter().skip(OTHERS).step_by(CHANNELS)) {
            assert!((drawn - seen).abs() < 1e-5);
        }
    }

    #[test]
    fn gradients() {
        // Ends away from the borders of cells, where shares have kinks.
        let places = DMatrix::from_column_slice(2, 4, &[1.3, 0.3, -6.2, 1.4, 9.3, -0.7, -14.9, -3.6]);
        let inputs = [places.clone(), random(3, 4, 1)];
        check_gradients(&inputs, |tape, v| draw(tape, &GRID, (v[0], v[1]), 2, (LENGTH, WIDTH)));
        let maps = Maps { rows: 2, cols: 4, channels: 3 };
        let inputs = [random(3, 16, 2), places];
        check_gradients(&inputs, |tape, v| read(tape, &GRID, maps, (v[0], v[1]), 2));
    }
}
