//! Caution: what a plan pays for what the model does not know, and what it gains by looking at many futures.

mod cliff;
mod gravel;

use super::{Outcome, Setting};
use crate::{
    control::Control,
    evaluate::{Flight, Score, View, episode_rng, fly},
    export::{Tensors, write_file},
    mind,
    policy::Objective,
    predict::Learned,
    report::Report,
    results::Row,
    tasks::model::act::Planners,
    worlds::{World, practice::About},
};
use anyhow::Result;
use forethought::agent::Mode;

/// What one way of planning comes to with one seed.
#[derive(Clone, Debug)]
struct Tried {
    /// Cost of each episode.
    costs: Vec<f64>,
    /// How many of them ended badly.
    ended: usize,
    /// States of the first few.
    paths: Vec<Vec<Vec<f32>>>,
}

/// Paths that are drawn.
const SHOWN: usize = 12;

/// Episodes with each seed.
const EPISODES: usize = 40;

/// A way of planning.
struct Way<'a> {
    /// Of its file.
    name: &'a str,
    body: About,
    objective: &'a Objective,
    horizon: u16,
    /// What it pays attention to.
    tensors: Tensors,
}

/// Flies a way of planning through a model; `bad` says how an episode ended, `origin` is the seed and the checksum of the log.
fn try_out<W: World + Default>(
    setting: &Setting,
    Way { name, body, objective, horizon, tensors }: Way<'_>,
    (model, origin): (&impl Learned, (u64, u32)),
    bad: impl Fn(&W) -> bool,
) -> Result<Tried> {
    // Both plan as a user's controller does.
    let planner = Planners::Gradient.into();
    let control = Control { body: body.into(), objective, safe: &[0.0, 0.0], planner, horizon, tensors };
    let file = control.over(model, 0, origin)?;
    let (seed, _) = origin;
    if seed == setting.seed {
        write_file(&setting.out.join(format!("caution/{name}.fth")), file.bytes())?;
    }
    let episodes = if setting.quick { 4 } else { EPISODES };
    let artifact = file.parse()?;
    let (mut mind, mut tried) = (mind::load(&artifact)?, Tried { costs: vec![], ended: 0, paths: vec![] });
    for episode in 0..episodes {
        let (mut world, mut rng) = (W::default(), episode_rng(seed, episode));
        world.reset(&mut rng);
        let Flight { total, mut states, .. } =
            fly(&mut *mind, &mut world, (View::State, Mode::Plan), &mut rng);
        tried.costs.push(-total);
        tried.ended += usize::from(bad(&world));
        if episode < SHOWN {
            states.push(world.state());
            tried.paths.push(states);
        }
    }
    let cost = tried.costs.iter().sum::<f64>() / episodes as f64;
    eprintln!("  {name}, seed {seed}: {} of {episodes} end badly, cost {cost:.1}", tried.ended);
    Ok(tried)
}

/// Of all seeds together: the share that ended badly in percent, and the cost.
fn summary(runs: &[&Tried]) -> (f64, Score) {
    let costs: Vec<_> = runs.iter().flat_map(|run| run.costs.iter().copied()).collect();
    let ended: usize = runs.iter().map(|run| run.ended).sum();
    (100.0 * ended as f64 / costs.len() as f64, Score::of(&costs))
}

/// Rows of a bold and a cautious way: the bold one's for comparison.
fn tabulate(rows: &mut Vec<Row>, what: &str, (bold, careful): (&str, &str), runs: [&[&Tried]; 2]) {
    let [(often, paid), (seldom, less)] = runs.map(summary);
    rows.extend([
        Row::new(format!("{what}, {bold}"), often, "% of episodes"),
        Row::new(format!("{what}, {careful}"), seldom, "% of episodes")
            .beside(often, "the other")
            .at_most(super::rounded(often / 3.0)),
        Row::new(format!("cost of an episode, {bold}"), paid.mean, ""),
        Row::new(format!("… its standard error, {bold}"), paid.error, ""),
        Row::new(format!("cost of an episode, {careful}"), less.mean, "")
            .beside(paid.mean, "the other")
            .at_most(super::rounded(paid.mean)),
        Row::new(format!("… its standard error, {careful}"), less.error, ""),
    ]);
}

pub(super) fn run(setting: &Setting) -> Result<Outcome> {
    let mut rows = Vec::new();
    let mut report =
        Report::new("Caution", "what is not known, and what nobody can know, in the cost of a plan");
    let notes = vec![
        gravel::run(setting, &mut rows, &mut report)?,
        cliff::run(setting, &mut rows, &mut report)?,
        "Settings were chosen on seeds 100 to 102; every seed learns its own model. Shares and costs are of all episodes of all seeds, in \
         the true world; both ways of planning have the same planner, cost and starts."
            .into(),
    ];
    Ok(Outcome { rows, report, notes })
}
