//! A log with a hole: nobody has driven where, as it turns out, a pond is. The model says nothing of it.

use super::{PLANNER, Tried, tabulate, try_out};
use crate::{
    control::Control,
    data::log::Episode,
    export::{Tensors, write_file},
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
        pond::{ABOUT, FAR, GOAL, MEADOW, Pond, RADIUS, distance},
    },
};
use anyhow::Result;
use forethought::{artifact::Term, feature::Map};
use rand::SeedableRng;

/// Nothing is recorded within so many m of the middle of the pond.
const HOLE: f64 = 3.0;
/// Drives of a learner, and steps in one.
const DRIVES: usize = 400;
const STEPS: usize = 25;
/// What it costs at every step not to know the next state by a typical change.
const DOUBT: f32 = 30.0;
const HORIZON: u16 = 25;
const EPISODES: usize = 40;

/// What a learner saw, who never came near the pond.
fn log(rng: &mut Rng) -> Result<Transitions> {
    let mut world = Pond::default();
    let drive = |_| {
        world.anywhere(rng);
        let mut episode = Episode { states: vec![world.state()], actions: vec![] };
        for _ in 0..STEPS {
            let action = world.explore(rng);
            world.step(&action);
            episode.actions.push(action);
            episode.states.push(world.state());
        }
        episode
    };
    let all = Transitions::of(&(0..DRIVES).map(drive).collect::<Vec<_>>(), ABOUT.angles)?;
    let seen = |j: &usize| distance(all.states.column(*j).as_slice()) > HOLE;
    Ok(all.select(&(0..all.len()).filter(seen).collect::<Vec<_>>()))
}

fn objective() -> Objective {
    let [x, y] = GOAL.map(|place| place as f32);
    let far = FAR as f32;
    let squared = |i, target| Term { terminal: 10.0 * far, ..Term::squared(Map::Value, i, target, far) };
    Objective { terms: vec![squared(0, x), squared(1, y)], action: vec![0.1, 1.0] }
}

/// Without a price of doubt and with it.
fn train(setting: &Setting, seed: u64) -> Result<[Tried; 2]> {
    let rng = &mut Rng::seed_from_u64(seed);
    let data = log(rng)?;
    let config =
        Config { prior_width: 1.5, steps: if setting.quick { 200 } else { 2500 }, ..Config::default() };
    let mut model = Ensemble::new(&config, &data, rng)?;
    model.train(&data, rng, |_, _, _| ())?;
    let objective = objective();
    let fly = |price: f32, name: &str| {
        let mut tensors = Tensors::default();
        if price > 0.0 {
            tensors.vector("cost", "doubt", &model.doubt(price));
        }
        let control = Control {
            body: ABOUT.into(),
            objective: &objective,
            safe: &[0.0, 0.0],
            planner: PLANNER,
            horizon: HORIZON,
            tensors,
        };
        let file = control.over(&model, 0, (seed, data.digest()))?;
        if seed == setting.seed {
            write_file(&setting.out.join(format!("caution/pond-{name}.fth")), file.bytes())?;
        }
        let episodes = if setting.quick { 4 } else { EPISODES };
        let tried = try_out::<Pond>(&file, (episodes, seed), World::over)?;
        eprintln!("  pond, seed {seed}, {name}: {} of {episodes} in the pond", tried.ended);
        Ok::<_, anyhow::Error>(tried)
    };
    Ok([fly(0.0, "bold")?, fly(DOUBT, "doubting")?])
}

pub(super) fn run(setting: &Setting, rows: &mut Vec<Row>, report: &mut Report) -> Result<String> {
    let runs = per_seed(setting, |seed| train(setting, seed))?;
    let of = |i: usize| runs.iter().map(|run| &run[i]).collect::<Vec<_>>();
    tabulate(rows, "ends in the pond", ("doubt is free", "doubt has a price"), [&of(0), &of(1)]);
    let circle = |radius: f64| {
        (0..=64)
            .map(|i| std::f64::consts::TAU * f64::from(i) / 64.0)
            .map(|a| (radius * a.cos(), radius * a.sin()))
            .collect()
    };
    let picture = |tried: &Tried| {
        let mut plot =
            Plot::new(Axis::linear("x / m").range(-8.0, 10.0), Axis::linear("y / m").range(-7.0, 7.0))
                .size(Plot::HALF, 260)
                .with(Series::line("pond", circle(RADIUS)).colour(VERMILLION))
                .with(Series::dashed("nothing was recorded", circle(HOLE)).colour(MUTED));
        for path in &tried.paths {
            let points = path.iter().map(|x| (x[0].into(), x[1].into())).collect();
            plot = plot.with(Series::line("", points).colour(BLUE).weight(1.0));
        }
        Figure::svg(&plot.svg(), plot.width())
    };
    report.section("A pond that is on no map").figures(
        "From the left to the goal on the right, by a model that was never shown the middle. Left: doubt is free. Right: it has a price.",
        runs[0].each_ref().map(picture),
    );
    Ok(format!(
        "Pond: an ensemble of 5 learns from {DRIVES} drives of {STEPS} steps on a meadow of {0} m by {0} m, without what was driven \
         within {HOLE} m of its middle, where a pond of {RADIUS} m is; {HORIZON} steps ahead, {EPISODES} episodes a seed. The price of doubt is \
         {DOUBT} at every step for a typical change that is not known.",
        2.0 * MEADOW
    ))
}
