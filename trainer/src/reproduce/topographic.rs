//! Maps of filters by group sparsity on photographs: the lecture's and the paper's.

use super::{Outcome, Setting, median, per_seed, topography::Topography};
use crate::{
    data::{images::Images, photographs},
    perceive::{
        invariance::{self, Change, Curves},
        topographic::{Config, Eye, Topographic},
    },
    report::{
        Report, number, orientation,
        plot::{Axis, Plot, Series},
    },
    results::Row,
    worlds::Rng,
};
use anyhow::Result;
use nalgebra::DMatrix;
use rand::SeedableRng;

/// One trained map.
struct Run {
    topography: Topography,
    shift: Curves,
    turn: Curves,
    /// Batches, with reconstruction, penalty and the encoder's error.
    training: Vec<(f64, [f32; 3])>,
}

pub(super) fn run(setting: &Setting) -> Result<Outcome> {
    let (images, source) = photographs::read(&setting.data)?;
    let images = images.halved(); // so that a patch shows more than one edge
    let lecture = Config::default();
    let paper = Config {
        map: [20, 20],
        stride: 2,
        sigma: Some(2.0),
        lambda: 0.25,
        components: 64,
        ..Config::default()
    };
    let mut report = Report::new(
        "Topographic maps of filters",
        "Kavukcuoglu, Ranzato, Fergus & LeCun, Learning invariant features through topographic filter maps, CVPR 2009",
    );
    let (mut rows, mut notes) = (Vec::new(), Vec::new());
    for (name, mut config) in [("the lecture's map", lecture), ("the paper's map", paper)] {
        if setting.quick {
            config.steps /= 20;
        }
        let runs = per_seed(setting, |seed| train(&config, &images, seed))?;
        rows.extend(measure(name, &runs));
        show(&mut report, name, &config, &runs[0]);
        notes.push(describe(name, &config, source));
    }
    notes.push(
        "Filters are those of the decoder, in whitened pixels; a filter counts as localised and oriented if a Gabor function \
         explains half of its energy and one standard deviation of it covers at most a quarter of the patch."
            .into(),
    );
    Ok(Outcome { rows, report, notes })
}

fn train(config: &Config, images: &Images, seed: u64) -> Result<Run> {
    let rng = &mut Rng::seed_from_u64(seed);
    let eye = Eye::new(images, config.side, config.components, rng);
    let mut model = Topographic::new(config, rng)?;
    let mut training = Vec::new();
    let mut sums = [0.0; 3];
    let every = (config.steps / 100).max(1);
    model.train(
        config,
        |n| eye.look(images, n, rng),
        |step, criteria| {
            sums.iter_mut().zip(criteria).for_each(|(sum, c)| *sum += c / every as f32);
            if (step + 1).is_multiple_of(every) {
                training.push((step as f64, std::mem::take(&mut sums)));
            }
        },
    )?;
    let topography = Topography::measure(eye.picture(model.dictionary()), config.side, config.map, seed);
    let curves = |change, most| {
        let encode = |pictures: &DMatrix<f32>| model.encode(&eye.stimuli(pictures));
        invariance::curves(&topography.gabors, config.side, &model.pools, change, most, encode)
    };
    Ok(Run { shift: curves(Change::Shift, 4.0), turn: curves(Change::Turn, 1.0), topography, training })
}

fn measure(name: &str, runs: &[Run]) -> Vec<Row> {
    let over = |value: &dyn Fn(&Run) -> f64| median(&runs.iter().map(value).collect::<Vec<_>>());
    let row = |what: &str, unit, value: &dyn Fn(&Run) -> f64| {
        Row::new(format!("{name}: {what}"), over(value), unit)
    };
    let slower = |curves: &Curves| Curves::kept(&curves.pool) / Curves::kept(&curves.unit);
    vec![
        row("neighbours' orientation difference, share of a shuffled map's", "", &|run| {
            run.topography.disorder
        })
        .at_most(0.5),
        row("neighbours' orientation difference", "°", &|run| run.topography.map.difference().to_degrees()),
        row("localised, oriented filters", "%", &|run| 100.0 * run.topography.local),
        row("pinwheels", "", &|run| run.topography.map.pinwheels().len() as f64).at_least(1.0),
        row("pinwheels in a squared period", "", &|run| run.topography.map.pinwheel_density())
            .beside(std::f64::consts::PI, "visual cortex"),
        row("answer kept under shifts to 4 pixels, pooled over single unit's", "", &|run| slower(&run.shift))
            .at_least(1.0),
        row("answer kept under turns to 57°, pooled over single unit's", "", &|run| slower(&run.turn))
            .at_least(1.0),
    ]
}

fn show(report: &mut Report, name: &str, config: &Config, run: &Run) {
    let [rows, columns] = config.map;
    let mut heading = name.to_owned();
    heading[..1].make_ascii_uppercase();
    report.section(&heading);
    run.topography.show(
        report,
        &format!(
            "{} filters of {side}×{side} pixels on a torus of {rows}×{columns}: the decoder's, in whitened pixels.",
            rows * columns,
            side = config.side
        ),
    );
    let degrees = 180.0 / std::f32::consts::PI;
    report.figures(
        "What is left of the encoder's answer to a unit's favourite stimulus that is moved across its stripes, or turned: \
         the mean over units, and over the pools that they are in.",
        [
            orientation::invariance(&run.shift, "pixels", 1.0),
            orientation::invariance(&run.turn, "degrees", degrees),
        ],
    );
    let curve = |which: usize| run.training.iter().map(|(step, c)| (*step, f64::from(c[which]))).collect();
    report.figure(
        "Training: the parts of the energy of a patch.",
        Plot::new(Axis::linear("batch"), Axis::log("energy"))
            .size(Plot::FULL, 200)
            .with(Series::line("reconstruction", curve(0)))
            .with(Series::line("pools", curve(1)))
            .with(Series::line("encoder's error", curve(2))),
    );
}

fn describe(name: &str, config: &Config, source: &str) -> String {
    let Config { side, components, map: [rows, columns], window, stride, lambda, epsilon, alpha, .. } =
        config;
    let weights = config.sigma.map_or("flat".into(), |sigma| format!("Gaussian (σ {sigma})"));
    format!(
        "{name}: {rows}×{columns} units, {weights} pools of {window}×{window} every {stride}, λ {lambda}, ε {epsilon}, α {alpha}; \
         {side}×{side} patches from {source} at half size, whitened to {components} components, {} million of them shown.",
        number((config.batch * config.steps) as f64 / 1e6, 2)
    )
}
