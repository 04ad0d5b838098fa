//! The report of a sentinel: scores, threshold, and the samples that it thinks the strangest.

use super::{
    Figure, Report, Row,
    colour::{self, BLUE, MUTED, VERMILLION},
    number,
    plot::{Axis, Plot, Series},
    points::{self, Point},
    tiles::{self, Raster},
    training::{self, Curve},
};

/// Everything that the report shows, as plain numbers.
#[derive(Clone, Debug)]
pub struct SentinelReport {
    /// The task.
    pub name: String,
    /// The seed of the training.
    pub seed: u64,
    /// Pixels of a row, if samples are images.
    pub width: Option<usize>,
    /// The largest energy that is familiar.
    pub threshold: f32,
    /// What is to be doubted about it.
    pub doubt: Option<String>,
    /// The share of false alarms that it was chosen for.
    pub rate: f64,
    /// Energies of healthy samples that had no part in anything.
    pub healthy: Vec<f32>,
    /// How many of them are above the threshold.
    pub alarms: usize,
    /// Those of them with the highest energies.
    pub worst: Vec<Example>,
    /// What became of strange samples, if there were any.
    pub strange: Option<Strange>,
    /// How the losses fell.
    pub curves: Vec<Curve>,
    /// Names and values of settings.
    pub settings: Vec<(String, String)>,
}

/// Strange samples.
#[derive(Clone, Debug)]
pub struct Strange {
    /// Their energies.
    pub energies: Vec<f32>,
    /// How many are above the threshold.
    pub noticed: usize,
    /// How often one has a higher energy than a healthy sample.
    pub area: f64,
    /// Those with the lowest energies.
    pub missed: Vec<Example>,
}

/// A sample and what is strange about it.
#[derive(Clone, Debug)]
pub struct Example {
    /// The sample as it is.
    pub sample: Vec<f32>,
    /// The slope of its energy in each number, in standard units.
    pub slope: Vec<f32>,
    /// Its energy.
    pub energy: f32,
}

impl SentinelReport {
    /// Names and values, for people.
    pub fn rows(&self) -> Vec<(&'static str, String)> {
        let share = |n: usize, of: usize| {
            format!("{n} of {of} ({} %)", number(100.0 * n as f64 / of.max(1) as f64, 2))
        };
        let mut rows = vec![
            ("largest familiar energy", number(f64::from(self.threshold), 4)),
            ("false alarms that it was chosen for", format!("{} %", number(100.0 * self.rate, 2))),
            ("false alarms on samples that had no part", share(self.alarms, self.healthy.len())),
        ];
        if let Some(strange) = &self.strange {
            rows.push(("strange samples noticed", share(strange.noticed, strange.energies.len())));
            rows.push(("area under the curve", number(strange.area, 4)));
        }
        rows
    }
}

/// The report as one HTML file.
pub fn html(data: &SentinelReport) -> String {
    let mut report = Report::new(&data.name, &format!("A mind that notices · seed {}", data.seed));
    report.section("What it is worth");
    report.paragraph(
        "Energies are those of the exported file, run by the kernels that run on the chip. Of the healthy samples that were held out, one \
         half told the threshold, and the other half is measured here.",
    );
    report.table(
        &["measure", "value"],
        data.rows().into_iter().map(|(what, value)| Row::new([what.to_owned(), value])),
    );
    if let Some(doubt) = &data.doubt {
        report.paragraph(&format!("Beware: {doubt}."));
    }
    report.figure(
        "How many samples have which energy; the line is the threshold. Healthy samples were not learned from.",
        histogram(data),
    );
    report.section("What it thinks the strangest");
    let caption = match data.width {
        Some(_) => {
            "Healthy samples with the highest energies: worth a look before they are called healthy. Below each the slope of the energy: \
             red is too bright, blue too dark."
        }
        None => {
            "Healthy samples with the highest energies: worth a look before they are called healthy. Below each the slope of the energy, in \
             standard deviations: what is above 0 is too high."
        }
    };
    report.figures(caption, data.worst.iter().map(|example| show(example, data.width)));
    if let Some(strange) = &data.strange {
        report.section("What it might miss");
        report.figures(
            "Strange samples with the lowest energies.",
            strange.missed.iter().map(|example| show(example, data.width)),
        );
    }
    training::curves(&mut report, &data.curves);
    training::settings(&mut report, &data.settings);
    report.finish()
}

/// Buckets of a histogram.
const BUCKETS: usize = 60;

fn histogram(data: &SentinelReport) -> Plot {
    let strange = data.strange.as_ref().map_or(&[][..], |strange| &strange.energies);
    let all = || data.healthy.iter().chain(strange).chain([&data.threshold]).map(|energy| f64::from(*energy));
    let (low, high) = all().fold((f64::MAX, f64::MIN), |(low, high), v| (low.min(v), high.max(v)));
    // Energies of what is missed spread over orders of magnitude; a critic's may be negative.
    let logarithmic = low > 0.0;
    let place = |v: f64| if logarithmic { v.log10() } else { v };
    let value = |v: f64| if logarithmic { 10f64.powf(v) } else { v };
    let (first, width) = (place(low), ((place(high) - place(low)) / BUCKETS as f64).max(f64::MIN_POSITIVE));
    let stairs = |energies: &[f32]| {
        let mut counts = [0u32; BUCKETS];
        for energy in energies {
            counts[(((place(f64::from(*energy)) - first) / width) as usize).min(BUCKETS - 1)] += 1;
        }
        let share = |count: u32| 100.0 * f64::from(count) / energies.len().max(1) as f64;
        let ends = counts
            .iter()
            .enumerate()
            .flat_map(|(k, &count)| [k, k + 1].map(|k| (value(first + k as f64 * width), share(count))));
        ends.collect::<Vec<Point>>()
    };
    let x = if logarithmic { Axis::log("energy") } else { Axis::linear("energy") };
    let healthy = stairs(&data.healthy);
    let top = healthy.iter().map(|p| p.1).fold(0.0, f64::max);
    let threshold = f64::from(data.threshold);
    let line = vec![(threshold, 0.0), (threshold, top)];
    let plot = Plot::new(x, Axis::linear("% of samples")).size(Plot::FULL, 240);
    let plot = plot.with(Series::line("healthy", healthy).colour(BLUE));
    let plot = if strange.is_empty() {
        plot
    } else {
        plot.with(Series::line("strange", stairs(strange)).colour(VERMILLION))
    };
    plot.with(Series::dashed("threshold", line).colour(MUTED))
}

/// A sample, and where it is strange.
fn show(example: &Example, width: Option<usize>) -> Figure {
    let Example { sample, slope, energy } = example;
    let title = format!("energy {}", number(f64::from(*energy), 4));
    let Some(width) = width else {
        let curve = |values: &[f32]| points::sampled(values.iter().copied(), 1.0);
        let axes = |y| (Axis::linear("place"), Axis::linear(y));
        let plot = |y, height| {
            let (x, y) = axes(y);
            Plot::new(x, y).size(Plot::THIRD, height)
        };
        let above = plot("value", 130).with(Series::line("", curve(sample)).colour(BLUE));
        let below = plot("slope", 110).level(0.0).with(Series::line("", curve(slope)).colour(VERMILLION));
        return Figure::stack([above, below]).titled(&title);
    };
    let size = (110 / width.max(1)).clamp(1, 8) as u32;
    let (low, high) = sample.iter().fold((f32::MAX, f32::MIN), |(low, high), &v| (low.min(v), high.max(v)));
    let span = if high > low { high - low } else { 1.0 };
    let picture = Raster::map(sample, width, |v| colour::grey((v - low) / span)).enlarged(size);
    let largest = tiles::largest(slope);
    let where_ = Raster::map(slope, width, |v| colour::diverging(v / largest)).enlarged(size);
    Figure::raster(&Raster::mosaic(&[picture, where_], 2, 6), "a sample, and where its energy rises")
        .titled(&title)
}
