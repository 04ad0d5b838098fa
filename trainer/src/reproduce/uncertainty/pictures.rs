//! A line with its bands, a pendulum as two maps, and how well intervals hold.

use super::{Example, SIZES, SLOW, Trained};
use crate::{
    predict::transitions::Transitions,
    report::{
        Figure, Report,
        colour::{self, BLUE, INK, MUTED, ORANGE, VERMILLION},
        plot::{Axis, Plot, Series},
        tiles::Raster,
    },
};
use forethought::feature::Angles;
use nalgebra::DMatrix;
use std::f32::consts::PI;

/// Points along the line, and along either edge of a map.
const POINTS: usize = 201;
const EDGE: usize = 61;

/// States that the pictures are made of.
pub(super) fn looked_at(name: &str) -> Transitions {
    let share = |k: usize, of: usize| k as f32 / (of - 1) as f32;
    let states = if name == "line" {
        DMatrix::from_fn(1, POINTS, |_, k| 8.0 * share(k, POINTS) - 4.0)
    } else {
        DMatrix::from_fn(2, EDGE * EDGE, |i, k| match i {
            0 => PI * (2.0 * share(k % EDGE, EDGE) - 1.0),
            _ => 8.0 * (1.0 - 2.0 * share(k / EDGE, EDGE)),
        })
    };
    let n = states.ncols();
    let (actions, angles) =
        if name == "line" { (DMatrix::zeros(0, n), Angles(0)) } else { (DMatrix::zeros(1, n), Angles(1)) };
    Transitions { angles, changes: DMatrix::zeros(states.nrows(), n), states, actions }
}

/// `sizes` are the ensembles of one seed, from few data to many.
pub(super) fn show(report: &mut Report, example: &Example, what: &str, sizes: &[Trained]) {
    report.section(&format!("The {}: {what}", example.name));
    let titled = |figure: Figure, n: usize| figure.titled(&format!("{n} transitions"));
    if example.name == "line" {
        report.figures(
            "Mean and 95 % bands: the inner one is the world's noise alone, the outer one adds what the members disagree by. Grey: data; \
             dashed: the true mean. The gap in the middle has no data, nor have the ends.",
            sizes.iter().zip(SIZES).map(|(trained, n)| titled(line(trained).into(), n)),
        );
    } else {
        report.figures(
            &format!(
                "Epistemic deviation of the next speed over angle (across) and speed (up), dark at 0.3 rad/s or more; there is data between the \
                 lines, at |ω| < {SLOW}."
            ),
            sizes.iter().zip(SIZES).map(|(t, n)| titled(map(t, |p| p.epistemic[1], 0.3).into(), n)),
        );
        report.figures(
            "Aleatoric deviation of the next speed, dark at 0.6 rad/s: the noise that was added grows from 0.1 hanging to 0.5 upright.",
            sizes.iter().zip(SIZES).map(|(t, n)| titled(map(t, |p| p.aleatoric[1], 0.6).into(), n)),
        );
    }
    let curves =
        sizes.iter().zip(SIZES).map(|(trained, n)| Series::line(&format!("{n}"), trained.curve.clone()));
    report.figure(
        "How many held-out transitions lie inside an interval, against how many should; one curve for each number of transitions.",
        Plot::new(Axis::linear("share that an interval promises").range(0.0, 1.0), Axis::linear("share inside"))
            .size(Plot::HALF, 300)
            .with(Series::dashed("", vec![(0.0, 0.0), (1.0, 1.0)]).colour(MUTED).weight(1.0))
            .with_all(curves),
    );
}

fn line(trained: &Trained) -> Plot {
    let curve = |value: &dyn Fn(&[f32], &super::Prediction) -> f32| {
        trained.shown.iter().map(|(x, p)| (f64::from(x[0]), f64::from(value(x, p)))).collect::<Vec<_>>()
    };
    let band = |variance: fn(&super::Prediction) -> f32, colour| {
        let edge = |sign: f32| curve(&|_, p| p.next[0] + sign * 1.96 * variance(p).sqrt());
        Series::band("", edge(-1.0), edge(1.0)).colour(colour)
    };
    let data = &trained.data;
    let points = (0..data.len().min(400))
        .map(|j| (f64::from(data.states[j]), f64::from(data.states[j] + data.changes[j])));
    Plot::new(Axis::linear("s").range(-4.0, 4.0), Axis::linear("s′").range(-6.0, 6.0))
        .size(Plot::THIRD, 260)
        .with(Series::dots("", points.collect()).colour(MUTED).weight(0.8))
        .with(band(|p| p.variance(0), ORANGE))
        .with(band(|p| p.aleatoric[0], BLUE))
        .with(Series::dashed("", curve(&|x, _| x[0] + (2.0 * x[0]).sin())).colour(INK).weight(1.0))
        .with(Series::line("", curve(&|_, p| p.next[0])).colour(VERMILLION))
}

fn map(trained: &Trained, variance: fn(&super::Prediction) -> f32, dark: f32) -> Plot {
    let values: Vec<_> = trained.shown.iter().map(|(_, p)| variance(p).sqrt() / dark).collect();
    Plot::new(Axis::angle("θ / rad"), Axis::linear("ω / rad/s").range(-8.0, 8.0))
        .size(Plot::THIRD, 240)
        .background(Raster::map(&values, EDGE, |v| colour::heat(v.clamp(0.0, 1.0))))
        .level(SLOW.into())
        .level((-SLOW).into())
}
