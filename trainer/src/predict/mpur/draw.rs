//! Boxes drawn into views, and maps read where boxes are: both on the tape, so that gradients reach the boxes' places.

use crate::tape::{Tape, Var};
use forethought::{
    perceive::maps::Maps,
    predict::traffic::{
        Geometry,
        draw::{Lens, Pen, Side},
    },
};

/// By how much the share of a cell grows when a box moves on by a cell: at its ends alone.
fn slope(side: Side, cell: usize) -> f32 {
    let holds = |end: f32| f32::from(u8::from((cell as f32..cell as f32 + 1.0).contains(&end)));
    holds(side.to) - holds(side.from)
}

/// Adds boxes of one size up in views: `y_c(cell) = Σ_i w_ci share_i(cell)`. `places` has the middle of a box a column, `each`
/// of them for every view, `w` its numbers, one channel a row.
pub(super) fn draw(
    tape: &Tape,
    geometry: &Geometry,
    (places, w): (Var, Var),
    each: usize,
    size: [f32; 2],
) -> Var {
    let (pen, [cell_length, cell_width]) = (Pen::new(geometry, size), geometry.cell);
    let (channels, boxes) = tape.shape(w);
    let positions = geometry.cells();
    tape.record(
        &[places, w],
        |forward| {
            let (places, w) = (forward.value(places).as_slice(), forward.value(w).as_slice());
            let mut y = forward.scratch(channels, positions * (boxes / each));
            y.fill(0.0);
            let views = y.as_mut_slice().chunks_exact_mut(positions * channels);
            let boxes = places.as_chunks().0.chunks(each).zip(w.chunks(channels * each));
            for (view, (places, w)) in views.zip(boxes) {
                for (&place, w) in places.iter().zip(w.chunks_exact(channels)) {
                    if w.iter().any(|&w| w != 0.0) {
                        pen.add(place, w, view, channels);
                    }
                }
            }
            y
        },
        move |backward| {
            let y_bar = backward.gradient.as_slice();
            let (place_value, w_value) = (backward.value(places).as_slice(), backward.value(w).as_slice());
            let at = |i: usize, cell: usize| &y_bar[(i / each * positions + cell) * channels..][..channels];
            let pairs = || place_value.as_chunks().0.iter().zip(w_value.chunks_exact(channels)).enumerate();
            if let Some(place_bar) = backward.sum(places) {
                for ((i, (&place, w)), bar) in pairs().zip(place_bar.as_mut_slice().chunks_exact_mut(2)) {
                    pen.visit(place, |cell, (along, col), (across, row)| {
                        let y_bar: f32 = at(i, cell).iter().zip(w).map(|(y_bar, w)| y_bar * w).sum();
                        bar[0] += y_bar * slope(along, col) * across.share(row) / cell_length;
                        bar[1] += y_bar * along.share(col) * slope(across, row) / cell_width;
                    });
                }
            }
            if let Some(w_bar) = backward.sum(w) {
                for ((i, (&place, _)), bar) in pairs().zip(w_bar.as_mut_slice().chunks_exact_mut(channels)) {
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
pub(super) fn read(
    tape: &Tape,
    geometry: &Geometry,
    maps: Maps,
    (x, places): (Var, Var),
    each: usize,
) -> Var {
    let Maps { channels, .. } = maps;
    let (boxes, length) = (tape.shape(places).1, maps.len());
    let lens = Lens::new(geometry, maps);
    // How the weights of the four corners change with the place.
    let slopes = move |place: [f32; 2]| {
        let ([along, across], [per_x, per_y]) = (lens.at(place), lens.per);
        let [du, dv] = [(along, per_x), (across, per_y)].map(|(at, per)| if at.inside { per } else { 0.0 });
        let (u, v) = (along.share, across.share);
        [
            (-du * (1.0 - v), -dv * (1.0 - u)),
            (du * (1.0 - v), -dv * u),
            (-du * v, dv * (1.0 - u)),
            (du * v, dv * u),
        ]
    };
    tape.record(
        &[x, places],
        |forward| {
            let (x, places) = (forward.value(x).as_slice(), forward.value(places).as_slice());
            let mut y = forward.scratch(channels, boxes);
            y.fill(0.0);
            let columns = y.as_mut_slice().chunks_exact_mut(channels);
            for (i, (y, &place)) in columns.zip(places.as_chunks().0).enumerate() {
                lens.read(&x[i / each * length..][..length], channels, place, y);
            }
            y
        },
        move |backward| {
            let y_bar = backward.gradient.as_slice();
            let (x_value, place_value) = (backward.value(x).as_slice(), backward.value(places).as_slice());
            let pairs = || place_value.as_chunks().0.iter().zip(y_bar.chunks_exact(channels)).enumerate();
            if let Some(x_bar) = backward.sum(x) {
                for (i, (&place, y_bar)) in pairs() {
                    for (position, weight) in lens.corners(place) {
                        let at = i / each * length + position * channels;
                        let x_bar = &mut x_bar.as_mut_slice()[at..at + channels];
                        x_bar.iter_mut().zip(y_bar).for_each(|(x, y_bar)| *x += weight * y_bar);
                    }
                }
            }
            if let Some(place_bar) = backward.sum(places) {
                for ((i, (&place, y_bar)), bar) in pairs().zip(place_bar.as_mut_slice().chunks_exact_mut(2)) {
                    for ((position, _), (by_x, by_y)) in lens.corners(place).into_iter().zip(slopes(place)) {
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
            car::Car,
            road::Road,
            view::{CHANNELS, Grid, OTHERS},
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
        let geometry = grid.geometry(Road { lanes: 4 });
        let drawn = tape.value(draw(&tape, &geometry, (places, ones), 4, geometry.car)).clone_owned();
        for (drawn, seen) in drawn.iter().zip(view.iter().skip(OTHERS).step_by(CHANNELS)) {
            assert!((drawn - seen).abs() < 1e-5);
        }
    }

    #[test]
    fn gradients() {
        // Ends away from the borders of cells, where shares have kinks.
        let places = DMatrix::from_column_slice(2, 4, &[1.3, 0.3, -6.2, 1.4, 9.3, -0.7, -14.9, -3.6]);
        let inputs = [places.clone(), random(3, 4, 1)];
        let geometry = GRID.geometry(Road { lanes: 4 });
        check_gradients(&inputs, |tape, v| draw(tape, &geometry, (v[0], v[1]), 2, geometry.car));
        let maps = Maps { rows: 2, cols: 4, channels: 3 };
        let inputs = [random(3, 16, 2), places];
        check_gradients(&inputs, |tape, v| read(tape, &geometry, maps, (v[0], v[1]), 2));
    }
}
