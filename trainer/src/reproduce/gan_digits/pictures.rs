//! Grids of samples, the way to them, walks between them, and what they are nearest to.

use super::{Digits, Game, LOOKS, Run, measure};
use crate::{
    report::{
        Figure, Report,
        colour::INK,
        number,
        svg::{Anchor, Svg},
        tiles::Raster,
    },
    tasks::digits::CLASSES,
    worlds::Rng,
};
use anyhow::Result;
use nalgebra::{DMatrix, DVectorView};
use rand::SeedableRng;

/// Pixels along the edge of a digit.
const SIDE: usize = 28;
/// Columns of a grid.
const COLUMNS: usize = 12;
/// Samples that are drawn through the training: two of each digit.
pub const STRIP: usize = 2 * CLASSES;

pub(super) fn show(report: &mut Report, games: &[Game], runs: &[Run], digits: &Digits) -> Result<()> {
    let rng = &mut Rng::seed_from_u64(1);
    report.section("Samples").figure("Real digits: the first of the test images.", real(digits));
    let grids = games.iter().zip(runs).map(|(game, run)| {
        // Each column asks for ten digits with the same random numbers.
        let (z, x) = measure::wishes(&game.config, COLUMNS * CLASSES, rng);
        let z = DMatrix::from_fn(z.nrows(), z.ncols(), |i, j| z[(i, j / CLASSES)]);
        let quality = run.quality;
        let heading = format!(
            "{}: {} % seen as asked, spread {} %",
            game.name,
            number(quality.seen, 1),
            number(quality.spread, 0)
        );
        Ok(grid(&measure::make(&run.file, &z, &x)?, COLUMNS, 1).titled(&heading))
    });
    report.figures(
        "Rows ask for the digits 0 to 9. All samples of a column are made of the same random numbers, which have become a hand: \
         its slope and its pen. None was chosen. Made by the exported files, first seed.",
        grids.collect::<Result<Vec<_>>>()?,
    );
    report.section("How they come about").figures(
        "The same wishes, two of each digit, at shares of the training.",
        games.iter().zip(runs).map(|(game, run)| strip(run).titled(game.name)),
    );
    let walks = games.iter().zip(runs).map(|(game, run)| {
        let (ends, x) = measure::wishes(&game.config, COLUMNS * CLASSES, rng);
        let z = DMatrix::from_fn(ends.nrows(), ends.ncols(), |i, j| {
            // Along a circle: a straight line would lead through random numbers that are smaller than any that were drawn.
            let turn = std::f32::consts::FRAC_PI_2 * (j / CLASSES) as f32 / (COLUMNS - 1) as f32;
            turn.cos() * ends[(i, 0)] + turn.sin() * ends[(i, 1)]
        });
        Ok(grid(&measure::make(&run.file, &z, &x)?, COLUMNS, 1).titled(game.name))
    });
    report.section("Walks").figures(
        "From one hand to another, left to right, with each digit.",
        walks.collect::<Result<Vec<_>>>()?,
    );
    let beside = games.iter().zip(runs).map(|(game, run)| {
        let (z, x) = measure::wishes(&game.config, 2 * CLASSES, rng);
        let made = measure::make(&run.file, &z, &x)?;
        let train = &digits.train.images.pixels;
        let nearest = measure::nearest(&made, train);
        let nearest = train.select_columns(&nearest.iter().map(|(_, i)| *i).collect::<Vec<_>>());
        Ok(rows(&[&made, &nearest], &["made", "nearest"]).titled(game.name))
    });
    report.section("By heart?").figures(
        "Samples, and below each the training digit that is nearest to it.",
        beside.collect::<Result<Vec<_>>>()?,
    );
    report.section("Two losses, no one of which has to fall").figures(
        "Means over 50 steps; rates fall to 0 towards the end. First seed.",
        games.iter().zip(runs).map(|(game, run)| Figure::from(run.losses.plot()).titled(game.name)),
    );
    Ok(())
}

/// One image, upright.
fn tile(image: DVectorView<'_, f32>) -> Raster {
    Raster::grey(image.as_slice(), SIDE)
}

/// Images that come digit by digit within a column, as a grid with a row for each digit.
fn grid(images: &DMatrix<f32>, columns: usize, pixel: u32) -> Figure {
    let tiles = (0..CLASSES * columns).map(|place| {
        let (digit, column) = (place / columns, place % columns);
        tile(images.column(column * CLASSES + digit)).enlarged(pixel)
    });
    Figure::raster(&Raster::mosaic(&tiles.collect::<Vec<_>>(), columns, 1), "a grid of digits")
}

fn real(digits: &Digits) -> Figure {
    let labels = &digits.test.labels;
    let of = |digit: usize| (0..labels.len()).filter(move |&i| usize::from(labels[i]) == digit);
    let chosen: Vec<_> =
        (0..COLUMNS * CLASSES).filter_map(|place| of(place % CLASSES).nth(place / CLASSES)).collect();
    let mut images = digits.test.images.pixels.select_columns(&chosen);
    images.resize_horizontally_mut(COLUMNS * CLASSES, 0.0);
    grid(&images, COLUMNS, 1)
}

/// Rows of images with what they are.
fn rows(images: &[&DMatrix<f32>], names: &[&str]) -> Figure {
    const LEFT: f64 = 54.0;
    let pitch = SIDE as f64 + 1.0;
    let columns = images.first().map_or(0, |images| images.ncols());
    let mut svg = Svg::new((LEFT + pitch * columns as f64) as u32, (pitch * images.len() as f64) as u32);
    for (k, (images, name)) in images.iter().zip(names).enumerate() {
        let top = pitch * k as f64;
        svg.text((LEFT - 6.0, top + 18.0), Anchor::End, 11.0, INK, name);
        let raster = Raster::mosaic(&images.column_iter().map(tile).collect::<Vec<_>>(), columns, 1);
        let (width, height) = raster.size();
        svg.image((LEFT, top), (width.into(), height.into()), &raster);
    }
    svg.into()
}

fn strip(run: &Run) -> Figure {
    let names = LOOKS.map(|share| format!("{} %", number(100.0 * share, 0)));
    rows(&run.strip.iter().collect::<Vec<_>>(), &names.each_ref().map(String::as_str))
}
