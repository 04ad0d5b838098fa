//! A log with a hole: nobody has driven fast, and so nobody knows that the tyres would let go. The model goes on as it did below.

use super::{EPISODES, Tried, Way, tabulate, try_out};
use crate::{
    data::log::Log,
    export::Tensors,
    policy::Objective,
    predict::{
        ensemble::{Config, Ensemble},
        transitions::Transitions,
    },
    report::{
        Figure, Report,
        colour::{BLUE, MUTED, VERMILLION},
        plot::{Axis, Plot, Series},
    },
    reproduce::{Setting, per_seed},
    results::Row,
    worlds::{
        Rng, World,
        car::DT,
        gravel::{FAR, GRIP, Gravel},
        practice::Practice,
    },
};
use anyhow::Result;
use forethought::{artifact::Term, feature::Map};
use rand::SeedableRng;

/// Nothing faster is in the log, in m/s.
const SLOW: f32 = 5.0;
/// Drives of a learner.
const DRIVES: usize = 200;
/// What it costs at every step not to know the next state by a typical change.
const DOUBT: f32 = 30.0;
const HORIZON: u16 = 25;

/// What a learner saw who never drove fast.
fn log(rng: &mut Rng) -> Result<Transitions> {
    let log = Log::practise(&mut Gravel::default(), DRIVES, rng);
    let all = Transitions::of(&log.episodes, Gravel::ABOUT.angles)?;
    let slow = |j: &usize| all.states[(3, *j)].abs() < SLOW;
    Ok(all.select(&(0..all.len()).filter(slow).collect::<Vec<_>>()))
}

fn objective() -> Objective {
    let far = FAR as f32;
    let terms = [0, 1].map(|i| Term { terminal: 10.0 * far, ..Term::squared(Map::Value, i, 0.0, far) });
    Objective { terms: terms.to_vec(), action: vec![0.1, 1.0] }
}

/// Without a price of doubt and with it.
fn train(setting: &Setting, seed: u64) -> Result<[Tried; 2]> {
    let rng = &mut Rng::seed_from_u64(seed);
    let data = log(rng)?;
    let steps = if setting.quick { 200 } else { 2500 };
    let config = Config { steps, ..Config::default() };
    let mut model = Ensemble::new(&config, &data, rng)?;
    model.train(&data, rng, |_, _, _| ())?;
    let objective = objective();
    let fly = |price: f32, name: &str| {
        let mut tensors = Tensors::default();
        if price > 0.0 {
            tensors.vector("cost", "doubt", &model.doubt(price));
        }
        let way = Way { name, body: Gravel::ABOUT, objective: &objective, horizon: HORIZON, tensors };
        try_out(setting, way, (&model, (seed, data.digest())), Gravel::over)
    };
    Ok([fly(0.0, "gravel-bold")?, fly(DOUBT, "gravel-doubting")?])
}

pub(super) fn run(setting: &Setting, rows: &mut Vec<Row>, report: &mut Report) -> Result<String> {
    let runs = per_seed(setting, |seed| train(setting, seed))?;
    let of = |i: usize| runs.iter().map(|run| &run[i]).collect::<Vec<_>>();
    tabulate(rows, "skids on gravel", ("doubt is free", "doubt has a price"), [&of(0), &of(1)]);
    let end = 100.0 * DT;
    let picture = |tried: &Tried| {
        let level = |speed: f64| vec![(0.0, speed), (end, speed)];
        let mut plot = Plot::new(
            Axis::linear("time / s").range(0.0, end),
            Axis::linear("speed / (m/s)").range(-2.0, 8.0),
        )
        .size(Plot::HALF, 260)
        .with(Series::line("the tyres let go", level(GRIP)).colour(VERMILLION))
        .with(Series::dashed("the log ends", level(SLOW.into())).colour(MUTED));
        for path in &tried.paths {
            let points = path.iter().enumerate().map(|(t, x)| (t as f64 * DT, x[3].into())).collect();
            plot = plot.with(Series::line("", points).colour(BLUE).weight(1.0));
        }
        Figure::svg(&plot.svg(), plot.width())
    };
    report.section("A speed that nobody has driven at").figures(
        "To a goal 25 m away. Left: doubt is free. Right: it has a price.",
        runs[0].each_ref().map(picture),
    );
    Ok(format!(
        "Gravel: an ensemble of 5 learns from {DRIVES} drives, without what was driven at {SLOW} m/s or more; at {GRIP} m/s the tyres let \
         go, of which neither model nor cost knows. {HORIZON} steps ahead, {EPISODES} episodes a seed. The price of doubt is {DOUBT} at every \
         step for a typical change that is not known."
    ))
}
