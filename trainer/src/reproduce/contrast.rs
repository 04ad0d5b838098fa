//! What differs from reinforcement learning: the same problems with a learned model and a known cost, and with the world in
//! place of the model and the cost as a black box. What is counted is what was lived until it was learned, and how often it
//! ended in a crash.

mod pictures;
mod trial;

use super::{Outcome, Setting, median, rounded};
use crate::{report::Report, results::Row, worlds::World};
use anyhow::Result;
use rayon::prelude::*;
use trial::{EVALUATION, METHODS, Method, Problem, Run};

/// Lives of each method.
const SEEDS: u64 = 5;

/// All lives of one problem, method by method.
type Lives = [Vec<Run>; METHODS.len()];

pub(super) fn run(setting: &Setting) -> Result<Outcome> {
    let mut report = Report::new("The contrast", "learning in imagination, and by trial and error");
    let (mut rows, mut notes) = (Vec::new(), vec![note(setting)]);
    study(setting, trial::pendulum(), false, (&mut rows, &mut notes), &mut report)?;
    study(setting, trial::cliff(), true, (&mut rows, &mut notes), &mut report)?;
    Ok(Outcome { rows, report, notes })
}

/// One problem: its rows, its pictures. Where there is something to crash into, crashes count too.
fn study<W: World>(
    setting: &Setting,
    problem: Problem<W>,
    crashes: bool,
    (rows, notes): (&mut Vec<Row>, &mut Vec<String>),
    report: &mut Report,
) -> Result<()> {
    let problem = if setting.quick { problem.quick() } else { problem };
    let lives = live(setting, &problem)?;
    let name = problem.about.name;
    let middle = |method: usize, of: fn(&Run) -> usize| {
        median(&lives[method].iter().map(|run| of(run) as f64).collect::<Vec<_>>())
    };
    let interactions = |method| middle(method, |run| run.end().interactions);
    let falls = |method| middle(method, |run| run.end().crashes);
    for (k, method) in METHODS.iter().enumerate() {
        let row =
            |what: &str, value, unit| Row::new(format!("{name}: {}, {what}", method.name()), value, unit);
        let solved = lives[k].iter().filter(|run| run.solved).count();
        let share = row("solved", solved as f64 / lives[k].len() as f64, "of its lives");
        let ours = *method == Method::ModelBased && !setting.quick;
        rows.push(if ours { share.at_least(1.0) } else { share });
        let lived = row("until solved", interactions(k), "interactions");
        let times = rounded(interactions(1) / 5.0);
        let demanded = lived.clone().beside(interactions(1), "actor-critic").at_most(times);
        rows.push(if ours { demanded } else { lived });
        if crashes {
            let fell = row("until solved", falls(k), "crashes");
            let demanded = fell.clone().beside(falls(1), "actor-critic").at_most(falls(1));
            rows.push(if ours { demanded } else { fell });
        }
    }
    notes.push(format!(
        "{name}: solved is a {} of at least {}; who has not solved it gives up after {} interactions, which then count.",
        problem.unit,
        problem.solved,
        METHODS.map(|m| format!("{} ({})", problem.budget[m as usize], m.name())).join(", ")
    ));
    pictures::show(report, &problem, &lives, crashes);
    Ok(())
}

/// All lives of a problem, shared among the cores.
fn live<W: World>(setting: &Setting, problem: &Problem<W>) -> Result<Lives> {
    let seeds = setting.seed..setting.seed + if setting.quick { 1 } else { SEEDS };
    let mut lives = METHODS.map(|_| Vec::new());
    for (method, lives) in METHODS.iter().zip(&mut lives) {
        let one = |seed| trial::run(problem, *method, seed);
        *lives = seeds.clone().into_par_iter().map(one).collect::<Result<_>>()?;
        let ends = lives.iter().map(Run::end).map(|e| format!("{} ({})", e.interactions, e.crashes));
        let ends = ends.collect::<Vec<_>>().join(", ");
        eprintln!("  {}, {}: interactions (crashes) {ends}", problem.about.name, method.name());
    }
    Ok(lives)
}

fn note(setting: &Setting) -> String {
    let lives = if setting.quick { 1 } else { SEEDS };
    format!(
        "Medians over {lives} lives of each method, each until its best actions solve the problem in {EVALUATION} evaluation episodes, the \
         same for all; nobody learns from those, and they are not counted. All have networks of the same kind, with the same inputs. \
         The model-based one knows the cost and learns how the world moves, the others see rewards alone. Settings were \
         chosen on seeds from 100 on."
    )
}
