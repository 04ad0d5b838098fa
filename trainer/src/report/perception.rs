//! The report of an encoder that was trained on images or signals.

use super::{
    Figure, Report, Row,
    colour::{self, BLUE, GRID, MUTED, VERMILLION},
    number,
    plot::{Axis, Plot, Series},
    points,
    svg::Svg,
    tiles::{self, Raster},
    training::{self, Curve},
};
use crate::tasks::perception::Scores;
use nalgebra::DMatrix;

/// Everything that the report shows, as plain numbers. Whatever is left empty is left out.
#[derive(Clone, Debug)]
pub struct PerceptionReport {
    /// The task.
    pub name: String,
    /// The seed of the training.
    pub seed: u64,
    /// Pixels of a row, if samples are images.
    pub width: Option<usize>,
    /// What the exported file does on held-out samples.
    pub scores: Scores,
    /// The dictionary: one atom a column.
    pub atoms: DMatrix<f32>,
    /// Held-out samples.
    pub examples: Vec<Example>,
    /// How the losses fell, stage by stage.
    pub curves: Vec<Curve>,
    /// Names and values of settings.
    pub settings: Vec<(String, String)>,
}

/// A sample and what the exported file makes of it.
#[derive(Clone, Debug)]
pub struct Example {
    /// The sample as it is.
    pub sample: Vec<f32>,
    /// The same from its code, if there is a decoder.
    pub reconstruction: Option<Vec<f32>>,
    /// The code.
    pub code: Vec<f32>,
}

/// The report as one HTML file.
pub fn html(data: &PerceptionReport) -> String {
    let mut report = Report::new(&data.name, &format!("A mind that perceives · seed {}", data.seed));
    scores(&mut report, &data.scores);
    if !data.atoms.is_empty() {
        report.section("What it has learned");
        report.figure(
            "The dictionary, in the order of the units: what each adds to a sample, scaled to its own largest value.",
            atoms(data),
        );
    }
    if !data.examples.is_empty() {
        report.section("What it sees");
        report.figures(
            "Samples that it has not learned from, the same put together again from their codes, and the codes, one bar \
             for each unit.",
            data.examples.iter().map(|example| show(example, data.width)),
        );
    }
    training::curves(&mut report, &data.curves);
    training::settings(&mut report, &data.settings);
    report.finish()
}

fn scores(report: &mut Report, scores: &Scores) {
    report.section("What it is worth");
    report.paragraph(&format!(
        "Measured on {} samples that it has not learned from. The encoder is the exported file, run by the kernels that \
         run on the chip.",
        scores.samples
    ));
    report
        .table(&["measure", "value"], scores.rows().map(|(what, value)| Row::new([what.to_owned(), value])));
}

impl Scores {
    /// Names and values, for people.
    pub fn rows(&self) -> impl Iterator<Item = (&'static str, String)> {
        let percent = |share: f64| format!("{} %", number(100.0 * share, 2));
        let rows = [
            ("energy that reconstructions miss", self.missed.map(percent)),
            ("units that a sample uses", Some(percent(self.active))),
            ("units that no sample uses", Some(self.unused.to_string())),
            ("samples given a wrong class", self.wrong.map(percent)),
        ];
        rows.into_iter().filter_map(|(what, value)| Some((what, value?)))
    }
}

/// Atoms as a mosaic of small images, or of small curves where they are signals.
fn atoms(data: &PerceptionReport) -> Figure {
    let units = data.atoms.ncols();
    if let Some(width) = data.width {
        let columns = (units as f64).sqrt().ceil() as usize;
        let pixel = (Plot::FULL as usize / (columns * (width + 1))).clamp(1, 6) as u32;
        return Figure::raster(
            &tiles::dictionary(&data.atoms, width, columns, pixel),
            "atoms of the dictionary",
        );
    }
    const COLUMNS: usize = 6;
    const GAP: f64 = 12.0;
    const HEIGHT: f64 = 36.0;
    let pitch = (f64::from(Plot::FULL) + GAP) / COLUMNS as f64;
    let mut svg = Svg::new(Plot::FULL, (units.div_ceil(COLUMNS) as f64 * (HEIGHT + GAP)) as u32);
    for (unit, atom) in data.atoms.column_iter().enumerate() {
        let (left, middle) =
            ((unit % COLUMNS) as f64 * pitch, (unit / COLUMNS) as f64 * (HEIGHT + GAP) + HEIGHT / 2.0);
        let step = (pitch - GAP) / (atom.len().max(2) - 1) as f64;
        let scale = HEIGHT / 2.0 / f64::from(tiles::largest(atom.as_slice()));
        svg.line((left, middle), (left + pitch - GAP, middle), 0.7, GRID);
        let points =
            atom.iter().enumerate().map(|(t, &v)| (left + t as f64 * step, middle - scale * f64::from(v)));
        svg.curve(points, 1.4, BLUE);
    }
    svg.into()
}

/// One sample, its reconstruction and its code, one above the other.
fn show(example: &Example, width: Option<usize>) -> Figure {
    let Example { sample, reconstruction, code } = example;
    let bars = {
        let stems = code.iter().enumerate().filter(|(_, z)| **z != 0.0);
        let stems = stems.flat_map(|(i, &z)| [(i as f64, 0.0), (i as f64, f64::from(z)), points::BREAK]);
        let axes = (Axis::linear("unit").range(0.0, code.len() as f64), Axis::linear("code"));
        let plot = Plot::new(axes.0, axes.1).size(Plot::THIRD, 110).level(0.0);
        Figure::from(plot.with(Series::line("", stems.collect()).colour(BLUE)))
    };
    let Some(width) = width else {
        let curve = |values: &[f32]| points::sampled(values.iter().copied(), 1.0);
        let plot = Plot::new(Axis::linear("place"), Axis::linear("value")).size(Plot::THIRD, 130);
        let plot = plot.with(Series::line("sample", curve(sample)).colour(MUTED).weight(2.2));
        let again = reconstruction.as_deref().map(curve);
        let again = again.map(|points| Series::dashed("from its code", points).colour(VERMILLION));
        return Figure::stack([plot.with_all(again).into(), bars]);
    };
    // From the sample's own darkest pixel to its brightest: patches of photographs have little contrast.
    let (low, high) = sample.iter().fold((f32::MAX, f32::MIN), |(low, high), &v| (low.min(v), high.max(v)));
    let span = if high > low { high - low } else { 1.0 };
    let size = (100 / width.max(1)).clamp(1, 8) as u32;
    let picture =
        |values: &[f32]| Raster::map(values, width, |v| colour::grey((v - low) / span)).enlarged(size);
    let pictures: Vec<_> =
        [Some(sample), reconstruction.as_ref()].into_iter().flatten().map(|p| picture(p)).collect();
    let pictures = Raster::mosaic(&pictures, 2, 6);
    Figure::stack([Figure::raster(&pictures, "a sample, and the same from its code"), bars])
}
