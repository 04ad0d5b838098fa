//! Foreseen trajectories beside what came.

use super::{FAR, Subject};
use crate::{
    data::log::Episode,
    export::WeightFile,
    mind,
    predict::open_loop::{Foresight, imagined},
    report::{
        Figure, Report,
        plot::{Axis, Plot, Series},
    },
};
use anyhow::Result;

/// Adds a section for one plant: a held-out episode in four of its components.
pub fn show(
    report: &mut Report,
    subject: &Subject,
    held_out: &[Episode],
    files: &[WeightFile; 2],
) -> Result<()> {
    let about = subject.about;
    let [learned, corrected] = files;
    let (learned, corrected) = (mind::model(&learned.parse()?)?, mind::model(&corrected.parse()?)?);
    let Some(episode) = held_out.iter().find(|e| e.actions.len() >= FAR) else { return Ok(()) };
    let paths = |model: &Foresight<'_>| imagined(model, episode, 0, FAR);
    let (learned, corrected) = (paths(&learned), paths(&corrected));
    let truth = &episode.states[..=FAR];
    let shown = about.state.len().min(4);
    let every = about.state.len() / shown;
    let plots = (0..shown).map(|k| k * every).map(|i| {
        let curve = |states: &[Vec<f32>]| {
            // Angles go on where they are wrapped.
            let mut last = None;
            let unwrapped = states.iter().map(|x| {
                let value = f64::from(x[i]);
                let turns = last.map_or(0.0, |last: f64| ((last - value) / std::f64::consts::TAU).round());
                let value =
                    if about.angles.contains(i) { value + turns * std::f64::consts::TAU } else { value };
                last = Some(value);
                value
            });
            unwrapped.enumerate().map(|(t, v)| (t as f64 * about.dt, v)).collect::<Vec<_>>()
        };
        let name = |name: &'static str| if i == 0 { name } else { "" };
        Figure::from(
            Plot::new(Axis::linear("s"), Axis::linear(about.state[i]))
                .size(Plot::HALF, 220)
                .with(Series::line(name("what came"), curve(truth)).weight(3.5))
                .with(Series::line(name("learned"), curve(&learned)))
                .with(Series::dashed(name("physics + residual"), curve(&corrected))),
        )
    });
    report.section(about.name).figures(
        &format!("An episode that nobody has learned from: {FAR} steps ahead from its first state, knowing only the actions. The physics is wrong: {}.", subject.wrong),
        plots,
    );
    Ok(())
}
