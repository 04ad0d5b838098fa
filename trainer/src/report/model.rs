//! The report of a forward model: where it is good, and where it has seen no data.

use super::{
    Figure, Report, Row, colour, number,
    plot::{Axis, Plot, Series},
    points,
    tiles::Raster,
    training::{self, Curve},
};

/// What there is to show.
#[derive(Clone, Debug)]
pub struct ModelReport {
    /// The task.
    pub name: String,
    /// The seed.
    pub seed: u64,
    /// Steps that were learned from, and steps that were held out.
    pub steps: (usize, usize),
    /// How errors grow.
    pub growth: Vec<Growth>,
    /// Each component of state and action.
    pub components: Vec<Component>,
    /// Planes of two components.
    pub maps: Vec<Map>,
    /// A held-out episode, component by component.
    pub paths: Vec<Path>,
    /// What acts through it, if anything does.
    pub acting: Option<Acting>,
    /// Losses of training.
    pub curves: Vec<Curve>,
    /// Settings, by name.
    pub settings: Vec<(String, String)>,
}

/// Errors so many steps ahead, in standard deviations.
#[derive(Clone, Copy, Debug)]
pub struct Growth {
    /// Steps.
    pub steps: usize,
    /// Of the model.
    pub model: f64,
    /// Of a copy of the last state.
    pub copy: f64,
}

/// One component of state or action.
#[derive(Clone, Debug)]
pub struct Component {
    /// Its name and unit.
    pub name: String,
    /// The range that the task declares.
    pub declared: (f32, f32),
    /// The range that training has seen.
    pub seen: (f32, f32),
    /// Of a state: the model's error one step ahead, in its unit.
    pub error: Option<f64>,
    /// The same of a copy of the last state.
    pub copy: Option<f64>,
}

/// A plane of two components, in square cells, row by row from the top.
#[derive(Clone, Debug)]
pub struct Map {
    /// Names of the horizontal and the vertical component.
    pub axes: [String; 2],
    /// Their ranges.
    pub ranges: [(f32, f32); 2],
    /// Steps learned from in each cell.
    pub count: Vec<f32>,
    /// One-step error on held-out data in shares of a copy's; NaN where there is none.
    pub error: Vec<f32>,
}

/// One component along an episode.
#[derive(Clone, Debug)]
pub struct Path {
    /// Its name and unit.
    pub name: String,
    /// What came.
    pub truth: Vec<f32>,
    /// What the model foresaw, knowing only the actions.
    pub model: Vec<f32>,
}

/// Controllers beside whoever flew for the log.
#[derive(Clone, Debug)]
pub struct Acting {
    /// Each pilot and the mean cost of its steps.
    pub costs: Vec<(String, f64)>,
    /// Components of state and action: name, and how each pilot's first flight moved it.
    pub flights: Vec<(String, Vec<Vec<f32>>)>,
}

/// The report as one HTML file.
pub fn html(data: &ModelReport) -> String {
    let mut report = Report::new(&data.name, &format!("A forward model · seed {}", data.seed));
    worth(&mut report, data);
    if !data.maps.is_empty() {
        report.section("Where it has seen data, and where it is good");
        report.figures(
            "Left: steps learned from, in planes of two components over their declared ranges; what is palest nobody has seen: do not \
             trust the model there. Right: its one-step error on held-out steps, as a share of what a copy of the last state errs; grey \
             where there is none to compare with.",
            data.maps.iter().flat_map(|map| [seen(map), good(map)]),
        );
    }
    if !data.paths.is_empty() {
        report.section("What it foresees");
        report.figures(
            "The beginning of a held-out episode, and what the model makes of its first state when it is told nothing but the actions.",
            data.paths.iter().map(path),
        );
    }
    if let Some(Acting { costs, flights }) = &data.acting {
        report.section("What acts through it");
        report.table(
            &["pilot", "mean cost of a step"],
            costs.iter().map(|(who, cost)| Row::new([who.clone(), digits(*cost)])),
        );
        report.figures(
            "The first held-out start: what the log's pilot did, and what the model foresees of the controller. That the plant does \
             as the model says is not shown here: a controller that finds where the model is wrong looks best of all.",
            flights.iter().map(|(name, curves)| {
                let series = costs.iter().zip(curves).map(|((who, _), values)| {
                    Series::line(who, points::sampled(values.iter().copied(), 1.0))
                });
                Plot::new(Axis::linear("step"), Axis::linear(name)).size(Plot::HALF, 220).with_all(series)
            }),
        );
    }
    training::curves(&mut report, &data.curves);
    training::settings(&mut report, &data.settings);
    report.finish()
}

fn worth(report: &mut Report, data: &ModelReport) {
    report.section("What it is worth");
    report.paragraph(&format!(
        "Learned from {} steps, measured on {} others. The model is the exported file, run by the kernels that run on the chip.",
        data.steps.0, data.steps.1
    ));
    let percent = |share: f64| format!("{} %", number(100.0 * share, 2));
    report.table(
        &["steps ahead", "error of the model", "of a copy of the last state"],
        data.growth.iter().map(|g| Row::new([g.steps.to_string(), percent(g.model), percent(g.copy)])),
    );
    let of = |of: fn(&Growth) -> f64| data.growth.iter().map(|g| (g.steps as f64, 100.0 * of(g))).collect();
    report.figure(
        "Root mean square over all coordinates, each in its standard deviations: 100 % is as good as knowing only the mean.",
        Plot::new(Axis::log("steps ahead"), Axis::log("error (%)"))
            .size(Plot::FULL, 240)
            .level(100.0)
            .with(Series::line("the model", of(|g| g.model)))
            .with(Series::dashed("copy of the last state", of(|g| g.copy))),
    );
    let range = |(low, high): (f32, f32)| format!("{} to {}", digits(low.into()), digits(high.into()));
    let error = |error: Option<f64>| error.map_or(String::new(), digits);
    report.table(
        &["component", "declared", "seen", "error one step ahead", "of a copy"],
        data.components.iter().map(|c| {
            Row::new([c.name.clone(), range(c.declared), range(c.seen), error(c.error), error(c.copy)])
        }),
    );
}

/// Three or so significant digits.
fn digits(value: f64) -> String {
    let decimals = if value == 0.0 { 0.0 } else { (2.0 - value.abs().log10().floor()).clamp(0.0, 6.0) };
    number(value, decimals as usize)
}

fn plane(map: &Map, values: &[f32], ramp: colour::Ramp, key: &str) -> Plot {
    let axis = |k: usize| {
        let (low, high) = map.ranges[k];
        Axis::linear(&map.axes[k]).range(low.into(), high.into())
    };
    let cells = (values.len() as f64).sqrt() as usize;
    Plot::new(axis(0), axis(1))
        .size(Plot::HALF, 300)
        .background(Raster::map(values, cells, ramp))
        .key(key, ramp)
}

fn seen(map: &Map) -> Figure {
    let largest = map.count.iter().copied().fold(1.0, f32::max);
    let shares: Vec<f32> = map.count.iter().map(|n| (1.0 + n).ln() / (1.0 + largest).ln()).collect();
    Figure::from(plane(map, &shares, colour::heat, &format!("0 to {largest:.0} steps, logarithmic")))
        .titled("steps learned from")
}

fn good(map: &Map) -> Figure {
    let largest = map.error.iter().copied().filter(|e| e.is_finite()).fold(0.0, f32::max).max(1e-6);
    let shares: Vec<f32> = map.error.iter().map(|e| e / largest).collect();
    let key = format!("0 to {} % of a copy's", digits(100.0 * f64::from(largest)));
    Figure::from(plane(map, &shares, colour::heat, &key)).titled("error on held-out steps")
}

fn path(path: &Path) -> Plot {
    let curve = |values: &[f32]| points::sampled(values.iter().copied(), 1.0);
    Plot::new(Axis::linear("step"), Axis::linear(&path.name))
        .size(Plot::HALF, 220)
        .with(Series::line("what came", curve(&path.truth)).weight(3.0))
        .with(Series::line("the model", curve(&path.model)))
}
