//! The example's closed loops.

use crate::{
    export::{Tensors, WeightFile},
    mind,
    plan::lq::{Condensed, Regulator},
    report::points::Point,
};
use anyhow::{Context, Result, ensure};
use forethought::{
    agent::{Mode, Reading},
    artifact::{ActiveSet, Header, Model, Planner, Plant, Provenance, Sensors, Sizes},
    feature::Angles,
    plan::Status,
};
use nalgebra::{DMatrix, DVector};
use serde::Deserialize;
use std::{fs, path::Path};

/// The time step, in s.
const DT: f64 = 0.05;

/// The file of the example.
#[derive(Deserialize)]
struct File {
    #[serde(rename = "A")]
    a: Vec<Vec<f64>>,
    #[serde(rename = "B")]
    b: Vec<Vec<f64>>,
    #[serde(rename = "Q_diag")]
    q: Vec<f64>,
    #[serde(rename = "R_diag")]
    r: Vec<f64>,
    x0: Vec<f64>,
    target: Vec<f64>,
    horizon: usize,
    steps: usize,
}

/// Plant, cost and start.
pub(super) struct Example {
    plant: Regulator,
    start: DVector<f64>,
    horizon: usize,
    steps: usize,
}

/// What a closed loop has cost, and what it did.
pub(super) struct Flight {
    pub cost: f64,
    /// How many plans have converged.
    pub converged: f64,
    /// Largest relative error of a plan's own cost.
    pub error: f64,
    solved: Vec<u32>,
    states: Vec<DVector<f64>>,
    actions: Vec<DVector<f64>>,
}

impl Example {
    pub fn read(data: &Path) -> Result<Self> {
        let path = data.join("quadrotor-20hz.json");
        let text = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let File { a, b, q, r, x0, target, horizon, steps } = serde_json::from_slice(&text)
            .with_context(|| format!("{} is not the example", path.display()))?;
        let (nx, nu) = (x0.len(), r.len());
        let fits = |rows: &[Vec<f64>], cols| rows.len() == nx && rows.iter().all(|row| row.len() == cols);
        ensure!(
            fits(&a, nx) && fits(&b, nu) && q.len() == nx && target.len() == nx,
            "{}: the sizes of matrices and vectors do not fit",
            path.display()
        );
        let plant = Regulator {
            a: DMatrix::from_fn(nx, nx, |i, j| a[i][j]),
            b: DMatrix::from_fn(nx, nu, |i, j| b[i][j]),
            q: q.into(),
            r: r.into(),
            goal: target.into(),
        };
        Ok(Self { plant, start: x0.into(), horizon, steps })
    }

    /// The controller for motors within ±`limit`.
    pub fn export(&self, limit: f32) -> Result<WeightFile> {
        let (nx, nu) = self.plant.b.shape();
        let mut tensors = Tensors::default();
        let cost = self.plant.export(self.horizon, &mut tensors)?;
        tensors.vector("action", "low", &vec![-limit; nu]);
        tensors.vector("action", "high", &vec![limit; nu]);
        tensors.vector("action", "safe", &vec![0.0; nu]);
        tensors.vector("trial", "start", self.start.map(|v| v as f32).as_slice());
        let sizes = Sizes { state: nx as u16, action: nu as u16, ..Sizes::default() };
        let header = Header::model(
            sizes,
            Angles(0),
            Sensors { low: -1000.0, high: 1000.0 },
            Model::Physics(Plant::Linear),
            Provenance { trainer: env!("CARGO_PKG_VERSION"), task: "hover", seed: 0, data: 0 },
        );
        let planner = Planner::Lq(ActiveSet { iterations: 7, tolerance: 1e-5 });
        tensors.pack(header.controller(self.horizon as u16, cost, planner))
    }

    /// Moves on and returns what that has cost.
    fn step(&self, x: &mut DVector<f64>, u: &DVector<f64>) -> f64 {
        let Regulator { a, b, q, r, goal } = &self.plant;
        let e = &*x - goal;
        let paid = e.dot(&q.component_mul(&e)) + u.dot(&r.component_mul(u));
        *x = a * &*x + b * u;
        paid
    }

    /// The planner in closed loop.
    pub fn fly(&self, file: &WeightFile) -> Result<Flight> {
        let artifact = file.parse()?;
        let mut mind = mind::load(&artifact)?;
        let Condensed { hessian, slope, rest } = self.plant.condense(self.horizon)?;
        let inverse = hessian.try_inverse().context("it is positive")?;
        let free = &rest - slope.transpose() * inverse * &slope;
        let mut x = self.start.clone();
        let mut flight = Flight {
            cost: 0.0,
            converged: 0.0,
            error: 0.0,
            solved: Vec::new(),
            states: Vec::new(),
            actions: Vec::new(),
        };
        for _ in 0..self.steps {
            let seen: Vec<f32> = x.iter().map(|v| *v as f32).collect();
            let (action, diagnostics, refused) = mind.step(Reading::State(&seen), Mode::Plan);
            ensure!(refused.is_none(), "a state was refused");
            // Where no limit matters the plan costs what the programme without limits does.
            if diagnostics.status == Status::Converged && diagnostics.iterations == 0 {
                let e = (&x - &self.plant.goal).push(1.0);
                let exact = e.dot(&(&free * &e));
                let error = (f64::from(diagnostics.cost) - exact).abs() / (1.0 + exact);
                flight.error = flight.error.max(error);
            }
            let u = DVector::from_iterator(action.len(), action.iter().map(|&u| f64::from(u)));
            flight.states.push(x.clone());
            flight.cost += self.step(&mut x, &u);
            flight.converged += f64::from(u8::from(diagnostics.status == Status::Converged));
            flight.solved.push(diagnostics.iterations);
            flight.actions.push(u);
        }
        Ok(flight)
    }

    /// The regulator without limits, whose actions are clipped.
    pub fn clipped(&self, limit: f64) -> Result<f64> {
        let Regulator { a, b, r, goal, .. } = &self.plant;
        let p = self.plant.riccati()?;
        let curvature = DMatrix::from_diagonal(r) + b.transpose() * &p * b;
        let gain = curvature.try_inverse().context("it is positive")? * b.transpose() * &p * a;
        let (mut x, mut sum) = (self.start.clone(), 0.0);
        for _ in 0..self.steps {
            let u = (-(&gain * (&x - goal))).map(|u| u.clamp(-limit, limit));
            sum += self.step(&mut x, &u);
        }
        Ok(sum)
    }
}

impl Flight {
    pub fn mean(&self) -> f64 {
        f64::from(self.solved.iter().sum::<u32>()) / self.solved.len().max(1) as f64
    }

    pub fn most(&self) -> f64 {
        self.solved.iter().max().copied().unwrap_or(0).into()
    }

    pub fn state(&self, i: usize) -> Vec<Point> {
        self.states.iter().enumerate().map(|(t, x)| (t as f64 * DT, x[i])).collect()
    }

    pub fn motor(&self, i: usize) -> Vec<Point> {
        self.actions.iter().enumerate().map(|(t, u)| (t as f64 * DT, u[i])).collect()
    }
}
