//! The pictures: filters of both layers, what their codes show, pools of a digit, error by labels, and mistakes.

use super::{Errors, FEW, HOW, STARTS, Trained};
use crate::{
    data::mnist::Labelled,
    network::Weights,
    perceive::convolutional::positions,
    report::{
        Figure, Report,
        colour::{self, BLUE, VERMILLION},
        mistakes::mistakes,
        number,
        plot::{Axis, Plot, Series},
        tiles::{self, Raster},
    },
    reproduce::median,
    tape::Tape,
};
use anyhow::Result;
use forethought::perceive::maps::Maps;
use nalgebra::DMatrix;

/// Error against labels of each class, from both starts.
pub(super) fn few(report: &mut Report, few: impl Fn(usize, usize, &dyn Fn(&Errors) -> f64) -> Vec<f64>) {
    report.section("With few labels").paragraph(
        "The lecture's claim: what was learned without labels helps where labels are few. Both starts have the same shapes and see the \
         same draws of labelled digits; a line is the median, a band the range of all draws.",
    );
    let plots = HOW.map(|(how, value)| {
        let mut plot = Plot::new(
            Axis::log("labels of each class").range(9.0, 110.0),
            Axis::log("test error / %").range(1.5, 25.0),
        )
        .size(Plot::HALF, 260);
        for (start, colour) in [BLUE, VERMILLION].into_iter().enumerate() {
            let points = |f: &dyn Fn(&[f64]) -> f64| -> Vec<(f64, f64)> {
                FEW.iter().enumerate().map(|(i, &n)| (n as f64, f(&few(start, i, &value)))).collect()
            };
            let lowest = points(&|all| all.iter().copied().fold(f64::INFINITY, f64::min));
            let highest = points(&|all| all.iter().copied().fold(0.0, f64::max));
            plot = plot
                .with(Series::band("", lowest, highest).colour(colour))
                .with(Series::line(STARTS[start], points(&median)).colour(colour))
                .with(Series::dots("", points(&median)).colour(colour));
        }
        Figure::from(plot).titled(how)
    });
    report.figures("Test error against the number of labels.", plots);
    let rows = HOW.iter().flat_map(|(how, value)| {
        let few = &few;
        STARTS.iter().enumerate().map(move |(start, name)| {
            let medians = (0..FEW.len()).map(|i| number(median(&few(start, i, value)), 2));
            [format!("{how}, {name}")].into_iter().chain(medians).collect::<Vec<_>>()
        })
    });
    let headers: Vec<String> = FEW.iter().map(|n| format!("{n} labels a class / %")).collect();
    let headers: Vec<&str> = [""].into_iter().chain(headers.iter().map(String::as_str)).collect();
    report.table(&headers, rows.map(crate::report::Row::new));
}

pub(super) fn show(report: &mut Report, trained: &Trained, test: &Labelled) -> Result<()> {
    let [first, second] = trained.stack.layers() else { return Ok(()) };
    let (input, side) = (first.input(), 5);
    report.section("What was learned without labels").figures(
        "The first layer: rows of the decoder, which are strokes, and the encoder's filters, which tell them apart. Neighbours two by \
         two are pooled together. Red is positive, blue negative.",
        [
            Figure::raster(&tiles::dictionary(&trained.atoms[0].transpose(), side, 8, 7), "atoms").titled("decoder"),
            Figure::raster(&tiles::dictionary(&first.filters(&trained.stack.params).transpose(), side, 8, 7), "filters")
                .titled("encoder"),
        ],
    );
    let projected = project(&trained.atoms[1], second.input(), &trained.atoms[0], side);
    report.figure(
        "The second layer's decoder, projected to pixels: each pool of the first layer that an atom shows is drawn as the mean of the pool's own \
         atoms, over the positions it pools. Curves, ends, corners and crossings.",
        Figure::raster(&tiles::dictionary(&projected, PATCH, 16, 3), "atoms"),
    );
    let rows = trained.progress.iter().enumerate().map(|(i, p)| {
        let share = |part: f32| number(100.0 * f64::from(part), 1);
        [(i + 1).to_string(), share(p.missed), share(p.guess), share(p.active)]
    });
    report.table(
        &["layer", "energy not shown / %", "error of the encoder's guess / %", "codes that are active / %"],
        rows,
    );

    let shown: Vec<usize> =
        (0..10).filter_map(|d| test.labels.iter().position(|&l| usize::from(l) == d)).collect();
    let digits = test.images.pixels.select_columns(&shown);
    let tape = Tape::new();
    let weights = Weights { tape: &tape, params: &trained.stack.params, frozen: true };
    let x = tape.constant(positions(digits.clone(), input));
    let z = first.encode(&weights, x);
    let decoded =
        tape.value(tape.convolve_transposed(tape.constant(trained.atoms[0].clone()), z, input, side));
    let brightness =
        digits.dot(&DMatrix::from_column_slice(digits.nrows(), digits.ncols(), decoded.as_slice()))
            / decoded.norm_squared().max(f32::MIN_POSITIVE);
    let row = |images: &[f32], scale: f32| {
        let tiles: Vec<_> = images
            .chunks(input.len())
            .map(|image| {
                Raster::grey(&image.iter().map(|v| v * scale).collect::<Vec<_>>(), input.cols).enlarged(2)
            })
            .collect();
        Figure::raster(&Raster::mosaic(&tiles, 10, 2), "digits")
    };
    report.figure(
        "Test digits, and what the first layer's decoder shows of the encoder's codes, brought to the same brightness.",
        Figure::stack([row(digits.as_slice(), 1.0), row(decoded.as_slice(), brightness)]),
    );

    let v1 = first.pool(&tape, z);
    let v2 = second.features(&weights, v1);
    let of_first = |v, maps: Maps, columns| {
        let value = tape.value(v);
        let sample = value.columns(0, maps.positions());
        let top = tiles::largest(sample.into_owned().as_slice());
        let tiles: Vec<_> = sample
            .row_iter()
            .map(|map| {
                let map: Vec<f32> = map.iter().map(|v| v / top).collect();
                Raster::map(&map, maps.cols, colour::heat).enlarged(48 / maps.cols as u32)
            })
            .collect();
        Figure::raster(&Raster::mosaic(&tiles, columns, 2), "maps")
    };
    report.figures(
        "Pools of the digit 0: where each of the first layer's pools is active, and the features that the classifier sees.",
        [
            of_first(v1, first.output(), 4).titled("first layer"),
            of_first(v2, second.output(), 8).titled("second layer"),
        ],
    );
    report.section("What is taken for something else").figure(
        "Test digits that the tuned network, exported and run by the kernels of the chip, misclassifies: what they are, and what was seen.",
        mistakes(&test.images, &test.labels, &trained.seen),
    );
    Ok(())
}

/// Pixels along the edge of what an atom of the second layer shows: five pools two pixels apart, each over two places
/// of a window of five.
const PATCH: usize = 14;

/// The second layer's atoms in pixels, one a column.
fn project(atoms: &DMatrix<f32>, pools: Maps, below: &DMatrix<f32>, side: usize) -> DMatrix<f32> {
    let group = below.nrows() / pools.channels;
    let mut shown = DMatrix::zeros(PATCH * PATCH, atoms.nrows());
    for (atom, mut image) in atoms.row_iter().zip(shown.column_iter_mut()) {
        for (i, weight) in atom.iter().enumerate() {
            let (place, pool) = (i / pools.channels, i % pools.channels);
            let corner = (2 * (place / side), 2 * (place % side));
            for filter in pool * group..(pool + 1) * group {
                for (pixel, value) in below.row(filter).iter().enumerate() {
                    for (down, right) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
                        let (row, col) = (corner.0 + pixel / side + down, corner.1 + pixel % side + right);
                        image[row * PATCH + col] += weight * value;
                    }
                }
            }
        }
    }
    shown
}
