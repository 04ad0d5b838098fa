//! The car by the cliff in gusty weather: a model with a latent variable knows that there are gusts, and nobody when.

use super::{EPISODES, Tried, Way, tabulate, try_out};
use crate::{
    data::log::Episode,
    export::Tensors,
    policy::Objective,
    predict::{
        latent::{Config, Latent, Limit, Sampled},
        transitions::Transitions,
    },
    report::{
        Figure, Report,
        colour::{BLUE, VERMILLION},
        plot::{Axis, Plot, Series},
    },
    reproduce::{Setting, per_seed},
    results::Row,
    worlds::{
        Rng, World,
        cliff_car::{CRUISE, CliffCar, EDGE},
        gusty::{CHANCE, Gusty, SHOVE},
        practice::Practice,
    },
};
use anyhow::Result;
use forethought::{
    artifact::{Side, Term},
    feature::Map,
};
use rand::SeedableRng;

/// Drives of a learner.
const DRIVES: usize = 800;
/// What the wind can be: with one codeword it is what it is on average.
const CODEWORDS: [usize; 2] = [1, 6];
/// Futures that a plan is judged by.
const FUTURES: [u16; 2] = [1, 16];
/// In place of the fall, which has no slope, a price that begins so many m from the edge, and what it is for a squared m.
const NEAR: f32 = 0.3;
const PRICE: f32 = 200.0;
const HORIZON: u16 = 15;

fn log(rng: &mut Rng) -> Result<Transitions> {
    let mut world = Gusty::default();
    let drive = |_| {
        world.reset(rng);
        let mut episode = Episode { states: vec![world.state()], actions: vec![] };
        while episode.actions.len() < world.episode() && !world.over() {
            let action = world.explore(rng);
            world.step(&action);
            episode.actions.push(action);
            episode.states.push(world.state());
        }
        episode
    };
    Transitions::of(&(0..DRIVES).map(drive).collect::<Vec<_>>(), CliffCar::ABOUT.angles)
}

/// The world's cost, and in place of the fall the price that rises towards the edge and beyond.
fn objective() -> Objective {
    let edge = Term { side: Side::Below, ..Term::squared(Map::Value, 1, NEAR - EDGE as f32, PRICE) };
    let terms = vec![
        Term::squared(Map::Value, 1, 0.0, 0.25),
        // 4 sin² ½ψ = 2 (1 − cos ψ) = (1 − cos ψ)² + sin² ψ
        Term::squared(Map::Cos, 2, 1.0, 1.0),
        Term::squared(Map::Sin, 2, 0.0, 1.0),
        Term::squared(Map::Value, 3, CRUISE as f32, 0.05),
        edge,
    ];
    let terms = terms.into_iter().map(|term| Term { terminal: term.weight, ..term });
    Objective { terms: terms.collect(), action: vec![0.02, 0.2] }
}

/// For the mean future, and for many.
fn train(setting: &Setting, seed: u64) -> Result<[Tried; 2]> {
    let rng = &mut Rng::seed_from_u64(seed);
    let data = log(rng)?;
    let objective = objective();
    let mut fly = |codewords: usize, futures: u16| {
        let limit = Limit::Discrete { codewords };
        let steps = if setting.quick { 200 } else { 5000 };
        let config = Config { limit, steps, ..Config::default() };
        let mut model = Latent::new(&config, &data, rng);
        model.train(&data, rng, |_, _| ())?;
        let mut tensors = Tensors::default();
        // A gust is over when it is over: what comes next is drawn anew.
        tensors.vector("cost", "futures", &[futures.into(), 1.0]);
        let name = format!("cliff-{futures}");
        let way =
            Way { name: &name, body: CliffCar::ABOUT, objective: &objective, horizon: HORIZON, tensors };
        let sampled = Sampled::new(&model, &data, rng);
        try_out(setting, way, (&sampled, (seed, data.digest())), Gusty::fallen)
    };
    let [one, many] = [0, 1].map(|i| fly(CODEWORDS[i], FUTURES[i]));
    Ok([one?, many?])
}

pub(super) fn run(setting: &Setting, rows: &mut Vec<Row>, report: &mut Report) -> Result<String> {
    let runs = per_seed(setting, |seed| train(setting, seed))?;
    let of = |i: usize| runs.iter().map(|run| &run[i]).collect::<Vec<_>>();
    let many = format!("for {} futures", FUTURES[1]);
    tabulate(rows, "falls off the cliff", ("for the mean future", &many), [&of(0), &of(1)]);
    let picture = |tried: &Tried| {
        let edge = vec![(0.0, -EDGE), (90.0, -EDGE)];
        let mut plot =
            Plot::new(Axis::linear("x / m").range(0.0, 90.0), Axis::linear("y / m").range(-2.0, 3.0))
                .size(Plot::HALF, 260)
                .with(Series::line("edge", edge).colour(VERMILLION));
        for path in &tried.paths {
            let points = path.iter().map(|x| (x[0].into(), x[1].into())).collect();
            plot = plot.with(Series::line("", points).colour(BLUE).weight(1.0));
        }
        Figure::svg(&plot.svg(), plot.width())
    };
    report.section("Gusts by a cliff").figures(
        "From left to right along the edge; the lane's middle is 0. Left: plans for the mean future. Right: plans for many.",
        runs[0].each_ref().map(picture),
    );
    Ok(format!(
        "Cliff: a gust comes in {} % of the steps and shoves the car by {} to {} m. A model with a latent variable learns from {DRIVES} drives of \
         a learner, with {} codewords, or with one: then it foresees the mean. {HORIZON} steps ahead, a codeword a step, {EPISODES} \
         episodes a seed. What the file writes of gusts is drawn by the planner, the same for all plans.",
        100.0 * CHANCE,
        SHOVE.start,
        SHOVE.end,
        CODEWORDS[1]
    ))
}
