//! What the report shows of a model: everything by the exported file, run by the kernels of the chip.

use super::{Config, Trained, act::Flown};
use crate::{
    data::log::Episode,
    mind,
    predict::open_loop::{self, Foresight},
    report::model::{Acting, Component, Growth, Map, ModelReport, Path},
};
use anyhow::Result;
use forethought::math;

/// Steps ahead that errors are shown for.
const AHEAD: [usize; 7] = [1, 2, 5, 10, 20, 50, 100];
/// Cells along an edge of a map.
const CELLS: usize = 24;
/// The most maps.
const MAPS: usize = 4;

/// Everything that the report shows; learning curves come from elsewhere.
pub fn portrait(config: &Config, trained: &Trained) -> Result<ModelReport> {
    let artifact = trained.file.parse()?;
    let model = mind::model(&artifact)?;
    let angles = config.angles();
    let (training, held_out) = trained.log.split(config.model.held_out);
    let spread = open_loop::deviations(training, angles);
    let longest = held_out.iter().map(|e| e.actions.len()).max().unwrap_or(0);
    let ahead = AHEAD.into_iter().filter(|steps| *steps <= longest);
    let growth = ahead.map(|steps| {
        let error = |model: &Foresight<'_>| {
            open_loop::relative(&open_loop::errors(model, (held_out, angles), (steps, 1)), &spread)
        };
        Growth { steps, model: error(&model), copy: error(&open_loop::copy) }
    });
    let columns: Vec<_> = config.state.iter().chain(&config.action).collect();
    let components = columns.iter().enumerate().map(|(i, column)| {
        let seen = || all(training, i);
        let error = |model: &Foresight<'_>| {
            (i < config.state.len()).then(|| one_step(model, held_out, i, column.angle))
        };
        let (low, high) = column.range();
        Component {
            name: column.label(),
            declared: (low, high),
            seen: (seen().fold(f32::MAX, f32::min), seen().fold(f32::MIN, f32::max)),
            error: error(&model),
            copy: error(&open_loop::copy),
        }
    });
    let provenance = artifact.header().provenance;
    Ok(ModelReport {
        name: provenance.task.to_owned(),
        seed: provenance.seed,
        steps: (steps(training), steps(held_out)),
        growth: growth.collect(),
        components: components.collect(),
        maps: maps(config, &model, training, held_out),
        paths: paths(config, &model, held_out),
        acting: trained.controller.as_ref().map(|(_, flown)| acting(config, flown)),
        curves: Vec::new(),
        settings: [
            ("hidden units", config.model.hidden.to_string()),
            ("longest training window", format!("{} steps", config.model.window)),
            ("episodes, or pieces of them", trained.log.episodes.len().to_string()),
            ("checksum of the log", format!("{:08x}", trained.log.digest)),
            ("checksum of the weight file", format!("{:08x}", artifact.checksum())),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .to_vec(),
    })
}

/// The first flight of each pilot, component by component.
fn acting(config: &Config, flown: &[Flown]) -> Acting {
    let nx = config.state.len();
    let columns = config.state.iter().chain(&config.action).enumerate();
    let moved = |i: usize, flight: &Flown| {
        let steps = flight.states.iter().zip(&flight.actions);
        steps.map(|(x, u)| if i < nx { x[i] } else { u[i - nx] }).collect()
    };
    Acting {
        costs: flown.iter().map(|flight| (flight.who.clone(), flight.cost)).collect(),
        flights: columns
            .map(|(i, column)| (column.label(), flown.iter().map(|flight| moved(i, flight)).collect()))
            .collect(),
    }
}

fn steps(episodes: &[Episode]) -> usize {
    episodes.iter().map(|e| e.actions.len()).sum()
}

/// A component of state and action, one behind the other, before each step.
fn component(x: &[f32], u: &[f32], i: usize) -> f32 {
    x.get(i).or_else(|| u.get(i - x.len())).copied().unwrap_or(f32::NAN)
}

/// Every state and action before a step, and the state after it.
fn transitions(episodes: &[Episode]) -> impl Iterator<Item = (&[f32], &[f32], &[f32])> {
    episodes.iter().flat_map(|e| {
        e.states.windows(2).zip(&e.actions).map(|(pair, u)| (&pair[0][..], &u[..], &pair[1][..]))
    })
}

fn all(episodes: &[Episode], i: usize) -> impl Iterator<Item = f32> {
    transitions(episodes).map(move |(x, u, _)| component(x, u, i))
}

/// Root mean square error of one component, one step ahead.
fn one_step(model: &Foresight<'_>, episodes: &[Episode], i: usize, angle: bool) -> f64 {
    let errors = transitions(episodes).map(|(x, u, after)| {
        let error = model(x, u)[i] - after[i];
        f64::from(if angle { math::wrap(error) } else { error }).powi(2)
    });
    let (n, sum) = errors.fold((0.0, 0.0), |(n, sum), e| (n + 1.0, sum + e));
    (sum / f64::max(n, 1.0)).sqrt()
}

/// Where data is and where the model errs, over pairs of components: neighbours in the state, and the first of both.
fn maps(config: &Config, model: &Foresight<'_>, training: &[Episode], held_out: &[Episode]) -> Vec<Map> {
    let nx = config.state.len();
    let shown: Vec<usize> = (0..nx).filter(|i| !config.state[*i].place).collect();
    let neighbours = shown.windows(2).map(|pair| (pair[0], pair[1]));
    let with_action = shown.last().filter(|_| !config.action.is_empty()).map(|last| (*last, nx));
    let columns: Vec<_> = config.state.iter().chain(&config.action).collect();
    let scale: Vec<f64> = config
        .state
        .iter()
        .enumerate()
        .map(|(i, c)| one_step(&open_loop::copy, training, i, c.angle).max(1e-9))
        .collect();
    let map = |(i, j): (usize, usize)| {
        let ranges = [columns[i].range(), columns[j].range()];
        let cell = |x: &[f32], u: &[f32]| {
            let [column, row] = [(i, ranges[0]), (j, ranges[1])].map(|(k, (low, high))| {
                let share = (component(x, u, k) - low) / (high - low);
                ((share * CELLS as f32) as usize).min(CELLS - 1)
            });
            // The first row of a picture is its top.
            (CELLS - 1 - row) * CELLS + column
        };
        let mut count = vec![0.0_f32; CELLS * CELLS];
        for (x, u, _) in transitions(training) {
            count[cell(x, u)] += 1.0;
        }
        let mut error = vec![(0.0_f64, 0.0_f64); CELLS * CELLS];
        for (x, u, after) in transitions(held_out) {
            let next = model(x, u);
            let square = |k: usize| {
                let error = next[k] - after[k];
                let error = if columns[k].angle { math::wrap(error) } else { error };
                (f64::from(error) / scale[k]).powi(2)
            };
            let (sum, n) = &mut error[cell(x, u)];
            *sum += (0..nx).map(square).sum::<f64>() / nx as f64;
            *n += 1.0;
        }
        Map {
            axes: [i, j].map(|k| columns[k].label()),
            ranges,
            count,
            error: error.iter().map(|(sum, n)| (sum / n).sqrt() as f32).collect(),
        }
    };
    neighbours.take(MAPS - 1).chain(with_action).map(map).collect()
}

/// The beginning of a held-out episode: what came and what was foreseen.
fn paths(config: &Config, model: &Foresight<'_>, held_out: &[Episode]) -> Vec<Path> {
    let Some(episode) = held_out.iter().max_by_key(|e| e.actions.len()) else { return Vec::new() };
    let steps = episode.actions.len().min(100);
    let foreseen = open_loop::imagined(model, episode, 0, steps);
    let path = |(i, column): (usize, &super::Column)| {
        let of = |states: &[Vec<f32>]| {
            states.iter().map(|x| if column.angle { math::wrap(x[i]) } else { x[i] }).collect()
        };
        Path { name: column.label(), truth: of(&episode.states[..=steps]), model: of(&foreseen) }
    };
    config.state.iter().enumerate().map(path).collect()
}
