//! Trying every sequence of actions, one after the other.

use super::{Search, Setting};
use crate::{
    control::Control,
    evaluate::episode_rng,
    export::{Tensors, WeightFile},
    mind,
    policy::Objective,
    results::Row,
    worlds::{cart_pole::CartPole, pendulum::Pendulum, practice::Practice, rocket::Rocket},
};
use anyhow::Result;
use forethought::{
    agent::{Mode, Reading},
    artifact::Term,
    cost::Cost,
    feature::Map,
};

/// Steps that an action is held for.
const HOLD: u16 = 2;

/// The least cost of all sequences, added up in the order of time as a planner does it.
struct Every<'a, F> {
    cost: Cost<'a, { mind::NH }>,
    model: F,
    actions: &'a [Vec<f32>],
}

impl<F: Fn(&[f32], &[f32]) -> Vec<f32>> Every<'_, F> {
    fn least(&self, x: &[f32], paid: f32, decisions: u16) -> f32 {
        if decisions == 0 {
            let mut end = [0.0; mind::NX];
            end[..x.len()].copy_from_slice(x);
            return paid + self.cost.terminal(&end);
        }
        let after = |u: &Vec<f32>| {
            let (mut x, mut paid) = (x.to_vec(), paid);
            for _ in 0..HOLD {
                paid += self.cost.stage(&x, u);
                x = (self.model)(&x, u);
            }
            self.least(&x, paid, decisions - 1)
        };
        self.actions.iter().map(after).fold(f32::INFINITY, f32::min)
    }
}

/// A plant, what is wanted of it, and what it may do.
struct Small {
    objective: Objective,
    actions: Vec<Vec<f32>>,
    horizon: u16,
}

impl Small {
    fn sequences(&self) -> usize {
        self.actions.len().pow(self.horizon.into())
    }

    fn export<W: Practice>(&self, beam: u16) -> Result<WeightFile> {
        let search = Search { beam, hold: HOLD, actions: self.actions.clone(), cells: Vec::new() };
        let mut tensors = Tensors::default();
        search.export(&mut tensors);
        let safe = vec![0.0; W::ABOUT.low.len()];
        let (planner, horizon, about) = (search.planner(), self.horizon, W::ABOUT);
        Control { body: about.into(), objective: &self.objective, safe: &safe, planner, horizon, tensors }
            .over_physics(about.plant, 0)
    }

    /// How often the planner's cost has other bits than the least of all; and by how much a beam of 8 costs more.
    fn rows<W: Practice>(&self, mut world: W, starts: usize) -> Result<[Row; 2]> {
        let whole = self.actions.len().pow(u32::from(self.horizon) - 1) as u16;
        let (file, narrow) = (self.export::<W>(whole)?, self.export::<W>(8)?);
        let (artifact, narrow) = (file.parse()?, narrow.parse()?);
        let every =
            Every { cost: Cost::load(&artifact)?, model: mind::model(&artifact)?, actions: &self.actions };
        let (mut differ, mut more) = (0, 0.0);
        for start in 0..starts {
            world.reset(&mut episode_rng(super::SEED, start));
            let state = world.state();
            let least = every.least(&state, 0.0, self.horizon);
            let cost = |artifact| -> Result<f32> {
                let (_, diagnostics, _) = mind::load(artifact)?.step(Reading::State(&state), Mode::Plan);
                Ok(diagnostics.cost)
            };
            differ += u32::from(cost(&artifact)?.to_bits() != least.to_bits());
            more += f64::from(cost(&narrow)? / least - 1.0);
        }
        let row = |what: &str, value, unit| {
            Row::new(format!("{}, {} sequences: {what}", W::ABOUT.name, self.sequences()), value, unit)
        };
        Ok([
            row("costs that are not the least of all", f64::from(differ), "").at_most(0.0),
            row("cost of a beam of 8 above the least", 100.0 * more / starts as f64, "%"),
        ])
    }
}

/// Three plants.
pub(super) fn rows(setting: &Setting) -> Result<Vec<Row>> {
    let term = |map, index, target, weight| Term {
        terminal: 10.0 * weight,
        ..Term::squared(map, index, target, weight)
    };
    let one = [-1.0, 0.0, 1.0];
    let (starts, horizon) = if setting.quick { (3, 5) } else { (20, 7) };
    let pendulum = Small {
        objective: Objective {
            terms: vec![term(Map::Angle, 0, 0.0, 1.0), term(Map::Value, 1, 0.0, 0.1)],
            action: vec![0.001],
        },
        actions: one.map(|u| vec![2.0 * u]).to_vec(),
        horizon,
    };
    let cart_pole = Small {
        objective: Objective {
            terms: vec![
                term(Map::Value, 0, 0.0, 0.5),
                term(Map::Cos, 2, 1.0, 1.0),
                term(Map::Sin, 2, 0.0, 1.0),
            ],
            action: vec![0.001],
        },
        actions: one.map(|u| vec![10.0 * u]).to_vec(),
        horizon,
    };
    let rocket = Small {
        objective: Objective {
            terms: vec![
                term(Map::Value, 0, 0.0, 0.01),
                term(Map::Value, 1, 0.0, 0.01),
                term(Map::Angle, 2, 0.0, 0.1),
            ],
            action: vec![0.001; 2],
        },
        actions: vec![vec![0.0, 0.0], vec![3.0, 0.0], vec![6.0, 0.0], vec![3.0, -0.5], vec![3.0, 0.5]],
        horizon: horizon - 2,
    };
    let small = [
        pendulum.rows(Pendulum::new(crate::worlds::camera::Camera::default()), starts)?,
        cart_pole.rows(CartPole::default(), starts)?,
        rocket.rows(Rocket::default(), starts)?,
    ];
    Ok(small.into_iter().flatten().collect())
}
