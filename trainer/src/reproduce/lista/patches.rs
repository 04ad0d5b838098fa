//! Patches of photographs: how many iterations of FISTA one of LISTA's is worth (Gregor & LeCun 2010, section 5).

use super::{exported_codes, first_below};
use crate::{
    data::{
        images::Images,
        patches::{normalise_contrast, remove_mean, sample},
        photographs,
    },
    perceive::{
        coordinate_descent::{Order, coordinate_descent},
        inference::{L1, Settings, fista, objective},
        lcod::Lcod,
        lista::{Lista, Start},
        online::{Turns, from_samples},
        unrolled::{self, Config, Objective},
    },
    report::{
        Figure, Report, Row as Line, number,
        plot::{Axis, Plot, Series},
        tiles,
    },
    reproduce::{Setting, median},
    results::Row,
    worlds::Rng,
};
use anyhow::Result;
use forethought::artifact::Activation;
use nalgebra::DMatrix;
use rand::{RngExt, SeedableRng};

/// Pixels along the edge of a patch.
const SIDE: usize = 10;
/// Units, and how often the code is fed back.
const UNITS: [usize; 2] = [100, 400];
const ITERATIONS: [usize; 3] = [1, 3, 7];
/// `λ`, for patches whose pixels have variance 1.
const LAMBDA: f32 = 0.5;
/// Variance that counts as no contrast.
const FLAT: f32 = 1e-3;
/// Turns of coordinate descent.
const TURNS: usize = 20;

/// One dictionary and what was measured with it.
#[derive(Clone, Debug)]
pub struct Measured {
    dictionary: DMatrix<f32>,
    /// Mean objective above its optimum, and mean square error of the code as a share of its power, after each of FISTA's
    /// iterations.
    fista: Vec<[f64; 2]>,
    /// The same of LISTA for each of [`ITERATIONS`]: trained on the objective, and trained on codes.
    lista: [Vec<[f64; 2]>; 2],
    /// Error of the code after [`TURNS`] turns of LCoD, and turns that greedy coordinate descent needs for the same.
    lcod: (f64, usize),
    source: &'static str,
}

/// Both dictionaries of one seed.
pub fn run(setting: &Setting, seed: u64) -> Result<Vec<Measured>> {
    let (images, source) = photographs::read(&setting.data)?;
    UNITS.iter().map(|&units| measure(&images, source, units, seed, setting.quick)).collect()
}

fn draw(images: &Images, n: usize, rng: &mut Rng) -> DMatrix<f32> {
    let mut patches = sample(images, SIDE, n, rng);
    remove_mean(&mut patches);
    normalise_contrast(&mut patches, FLAT);
    patches
}

fn measure(images: &Images, source: &'static str, units: usize, seed: u64, quick: bool) -> Result<Measured> {
    let rng = &mut Rng::seed_from_u64(seed);
    let penalty = L1 { lambda: LAMBDA };
    let mut dictionary = from_samples(&draw(images, 2000, rng), units, rng);
    let turns = Turns {
        batch: 256,
        batches: if quick { 10 } else { 150 },
        memory: 30.0,
        iterations: if quick { 10 } else { 40 },
    };
    let mut places = Rng::seed_from_u64(seed + 1000);
    turns.learn(&mut dictionary, &penalty, |n| draw(images, n, &mut places), rng, |_, _| ());

    let y = draw(images, if quick { 50 } else { 500 }, rng);
    let settings = |iterations| Settings { iterations, tolerance: 0.0, start: None };
    let best = fista(&dictionary, &y, &penalty, &settings(if quick { 100 } else { 1500 }), |_, _| ());
    let mean = |values: Vec<f32>| values.iter().map(|&v| f64::from(v)).sum::<f64>() / y.ncols() as f64;
    let optimum = mean(objective(&dictionary, &y, &best, &penalty));
    let errors = |codes: &DMatrix<f32>| -> [f64; 2] {
        let gap = mean(objective(&dictionary, &y, codes, &penalty)) - optimum;
        [gap, f64::from((codes - &best).norm_squared() / best.norm_squared())]
    };
    let mut curve = Vec::new();
    fista(&dictionary, &y, &penalty, &settings(if quick { 20 } else { 300 }), |_, z| curve.push(errors(z)));

    // Codes to learn from, inferred once; the objective needs none, and gets fresh patches.
    let lesson = draw(images, if quick { 100 } else { 10_000 }, rng);
    let codes = fista(&dictionary, &lesson, &penalty, &settings(if quick { 20 } else { 150 }), |_, _| ());
    let steps = if quick { 2 } else { 500 };
    let training = Config {
        batch: 128,
        alone: 0,
        scales: 0,
        joint: steps,
        last: steps,
        rate: 1e-3,
        ..Config::default()
    };
    let mut batch = |fresh: bool, n: usize| {
        if fresh {
            return (draw(images, n, rng), DMatrix::zeros(units, n));
        }
        let chosen: Vec<_> = (0..n).map(|_| rng.random_range(0..lesson.ncols())).collect();
        (lesson.select_columns(&chosen), codes.select_columns(&chosen))
    };
    let depths = ITERATIONS.map(|t| t + 1);
    let mut lista = |objective: &Objective, fresh: bool| -> Result<Vec<[f64; 2]>> {
        let start = Start::Ista { lambda: LAMBDA };
        let mut encoder =
            Lista::of(dictionary.clone(), DMatrix::zeros(y.nrows(), 1), start, Activation::Soft);
        let mut found = Vec::new();
        unrolled::train(
            &mut encoder,
            &training,
            &depths,
            objective,
            |n| batch(fresh, n),
            |encoder, layers| {
                found.push(errors(&exported_codes(encoder, layers, &y, seed)?));
                Ok(())
            },
        )?;
        Ok(found)
    };
    let lasso = Objective::Lasso { dictionary: dictionary.clone(), lambda: LAMBDA };
    let lista = [lista(&lasso, true)?, lista(&Objective::Codes, false)?];

    let mut encoder = Lcod::new(&dictionary, DMatrix::zeros(y.nrows(), 1), LAMBDA);
    let mut error = 0.0;
    unrolled::train(
        &mut encoder,
        &training,
        &[TURNS],
        &Objective::Codes,
        |n| batch(false, n),
        |encoder, layers| {
            error = errors(&exported_codes(encoder, layers, &y, seed)?)[1];
            Ok(())
        },
    )?;
    let greedy = |turns| errors(&coordinate_descent(&dictionary, &y, LAMBDA, Order::Greedy, turns))[1];
    let needed = (TURNS..20 * TURNS).step_by(5).find(|&turns| greedy(turns) <= error);
    eprintln!("  seed {seed}: patches, {units} units");
    Ok(Measured { fista: curve, lista, lcod: (error, needed.unwrap_or(20 * TURNS)), dictionary, source })
}

impl Measured {
    /// FISTA's iterations for what LISTA reaches with one of [`ITERATIONS`]: on the objective, or on the code.
    fn worth(&self, measure: usize, depth: usize) -> f64 {
        let goal = self.lista[measure][depth][measure];
        let curve = self.fista.iter().map(|errors| errors[measure]);
        first_below(curve, goal).map_or(f64::INFINITY, |n| n as f64) / ITERATIONS[depth] as f64
    }
}

/// Rows and notes, and the section of the report.
pub fn show(seeds: &[Vec<Measured>], report: &mut Report) -> (Vec<Row>, Vec<String>) {
    const PUBLISHED: [f64; 2] = [18.0, 35.0];
    const SOURCE: &str = "Gregor & LeCun 2010, about";
    let mut rows = Vec::new();
    report.section("Patches of photographs").paragraph(&format!(
        "Patches of {SIDE}×{SIDE} pixels ({}), without mean, of unit contrast. A dictionary is learned first, λ = {LAMBDA}; then LISTA learns \
         to make its codes in 1, 3 or 7 iterations.",
        seeds[0][0].source
    ));
    let mut lines = Vec::new();
    for (i, units) in UNITS.into_iter().enumerate() {
        let middle = |value: &dyn Fn(&Measured) -> f64| {
            median(&seeds.iter().map(|measured| value(&measured[i])).collect::<Vec<_>>())
        };
        for (measure, what) in ["objective", "code"].into_iter().enumerate() {
            for (depth, t) in ITERATIONS.into_iter().enumerate() {
                let worth = middle(&|m| m.worth(measure, depth));
                let share = middle(&|m| m.lista[measure][depth][measure]);
                lines.push(Line::from([
                    format!("{units} units, trained and measured on the {what}"),
                    t.to_string(),
                    format!("{share:.4}"),
                    number(worth * t as f64, 0),
                    number(worth, 1),
                ]));
                if t == 1 {
                    let row = Row::new(
                        format!("{units} units: an iteration of LISTA, by {what}, T = 1"),
                        worth,
                        "of FISTA's",
                    );
                    rows.push(row.beside(PUBLISHED[i], SOURCE));
                }
            }
        }
        rows.push(Row::new(
            format!("{units} units: turns of greedy descent that {TURNS} of LCoD are worth"),
            middle(&|m| m.lcod.1 as f64),
            "turns",
        ));
    }
    report.table(
        &["dictionary and measure", "T", "gap or error", "FISTA needs", "that is, for each iteration"],
        lines,
    );
    let plot = |i: usize, measure: usize| {
        let median_of = |value: &dyn Fn(&Measured) -> f64| {
            median(&seeds.iter().map(|measured| value(&measured[i])).collect::<Vec<_>>())
        };
        let fista = (0..seeds[0][i].fista.len())
            .map(|t| ((t + 1) as f64, median_of(&|m| m.fista[t][measure])))
            .collect();
        let lista = ITERATIONS
            .into_iter()
            .enumerate()
            .map(|(depth, t)| (t as f64, median_of(&|m| m.lista[measure][depth][measure])))
            .collect::<Vec<_>>();
        let label = ["objective above its optimum", "error of the code, share of its power"][measure];
        let plot = Plot::new(Axis::log("iterations"), Axis::log(label))
            .size(Plot::HALF, 300)
            .with(Series::line("FISTA", fista))
            .with(Series::line("LISTA", lista.clone()))
            .with(Series::dots("", lista).colour(crate::report::colour::VERMILLION).weight(4.0));
        Figure::from(plot).titled(&format!("{} units", UNITS[i]))
    };
    report.figures(
        "The objective above its optimum: FISTA after each iteration, and LISTA trained on the objective. Medians over the seeds.",
        [plot(0, 0), plot(1, 0)],
    );
    report.figures("The error of the code: FISTA, and LISTA trained on codes.", [plot(0, 1), plot(1, 1)]);
    let mosaic = |i: usize, columns, pixel| {
        let raster = tiles::dictionary(&seeds[0][i].dictionary, SIDE, columns, pixel);
        Figure::raster(&raster, "a mosaic of the atoms of a dictionary")
    };
    report.figure("The dictionary of 100 units.", mosaic(0, 20, 3));
    report.figure("The dictionary of 400 units.", mosaic(1, 25, 2));
    let notes = vec![format!(
        "Patches: {SIDE}×{SIDE}, {}, λ = {LAMBDA}; optimum by 1,500 iterations of FISTA on 500 patches that nothing was trained on; LISTA's files \
         are run by the kernels of the chip.",
        seeds[0][0].source
    )];
    (rows, notes)
}
