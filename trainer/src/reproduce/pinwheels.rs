//! Locally connected units without shared weights on whole photographs: an orientation map with pinwheels.

use super::{Outcome, Setting, median, per_seed, topography::Topography};
use crate::{
    data::photographs,
    perceive::local::{Config, Sheet, whiten},
    report::{
        Figure, Report, orientation,
        plot::{Axis, Plot, Series},
        tiles,
    },
    results::Row,
    worlds::Rng,
};
use anyhow::Result;
use rand::SeedableRng;

/// Pixels along a side of the whitening filter, and the components that it keeps.
const WHITENING: (usize, usize) = (11, 25);
/// `σ` of the window in which contrast is normalised, in pixels.
const SPREAD: f32 = 4.0;
/// Rows and columns of units whose filters are shown, from the middle of the sheet.
const SHOWN: usize = 18;

pub(super) fn run(setting: &Setting) -> Result<Outcome> {
    let (images, source) = photographs::read(&setting.data)?;
    let images = images.halved(); // so that a window shows more than one edge
    let mut config = Config::default();
    if setting.quick {
        config.steps /= 20;
    }
    let runs = per_seed(setting, |seed| {
        let rng = &mut Rng::seed_from_u64(seed);
        let white = whiten(&images, WHITENING.0, WHITENING.1, SPREAD, rng);
        let mut sheet = Sheet::new(&config, rng)?;
        let mut training = Vec::new();
        sheet.train(&config, &white, rng, |step, criteria| {
            if step.is_multiple_of(10) {
                training.push((step as f64, criteria));
            }
        })?;
        let topography = Topography::measure_on(sheet.filters(), config.window, config.sheet, false, seed);
        Ok((topography, training))
    })?;
    let over = |value: &dyn Fn(&Topography) -> f64| {
        median(&runs.iter().map(|run| value(&run.0)).collect::<Vec<_>>())
    };
    let rows = vec![
        Row::new(
            "neighbours' orientation difference, share of a shuffled map's",
            over(&|run| run.disorder),
            "",
        )
        .at_most(0.5),
        Row::new("neighbours' orientation difference", over(&|run| run.map.difference().to_degrees()), "°"),
        Row::new("localised, oriented filters", 100.0 * over(&|run| run.local), "%"),
        Row::new("pinwheels", over(&|run| run.map.pinwheels().len() as f64), "").at_least(1.0),
        Row::new("period of the map", over(&|run| run.map.period()), "units"),
        Row::new("pinwheels in a squared period", over(&|run| run.map.pinwheel_density()), "")
            .beside(std::f64::consts::PI, "visual cortex"),
    ];
    let mut report =
        Report::new("Pinwheels", "locally connected units on whole images; Gregor & LeCun, arXiv 1006.0448");
    let (topography, training) = &runs[0];
    report.section("The map").figure(
        &format!(
            "Each unit in the colour of its orientation; pinwheels are dots, white where orientations turn with the walk around \
             them and black where against. Neighbours differ by {:.0} % of what they do in a shuffled map.",
            100.0 * topography.disorder
        ),
        orientation::map(&topography.map, 640),
    );
    let [height, width] = config.sheet;
    let first = |length: usize| length.saturating_sub(SHOWN) / 2;
    let middle = |length: usize| first(length)..(first(length) + SHOWN).min(length);
    let units: Vec<_> =
        middle(height).flat_map(|row| middle(width).map(move |column| row * width + column)).collect();
    let mosaic =
        tiles::dictionary(&topography.filters.select_columns(&units), config.window, middle(width).len(), 3);
    report.figure(
        &format!(
            "The filters of the units in the middle of the sheet, each {side}×{side} pixels at a place of its own.",
            side = config.window
        ),
        Figure::raster(&mosaic, "a mosaic of filters"),
    );
    let curve = |which: usize| training.iter().map(|(step, c)| (*step, f64::from(c[which]))).collect();
    report.section("Training").figure(
        "The parts of the energy of a piece of an image.",
        Plot::new(Axis::linear("batch"), Axis::log("energy"))
            .with(Series::line("reconstruction", curve(0)))
            .with(Series::line("pools", curve(1))),
    );
    let Config { density, window, pool, stride, sigma, lambda, epsilon, batch, steps, .. } = &config;
    let notes = vec![format!(
        "{height}×{width} units, {density}×{density} a pixel, with windows of {window}×{window} pixels and no shared weights; pools of \
         {pool}×{pool} every {stride}, Gaussian with σ {sigma}; λ {lambda}, ε {epsilon}; {} pieces of {source} at half size, \
         whitened by a filter.",
        batch * steps
    )];
    Ok(Outcome { rows, report, notes })
}
