//! What is strange: energies that were taught on familiar samples alone, asked about others. MNIST without one digit, and the
//! pendulum's camera with faults.

mod camera;
mod digits;
mod energies;

use super::{Outcome, Setting, median, per_seed};
use crate::{
    data::mnist::Mnist,
    report::{self, Report},
    results::Row,
    worlds::faults::Fault,
};
use anyhow::Result;
use energies::LESSONS;
use rayon::prelude::*;

/// A median over seeds.
fn middle<T>(runs: &[T], value: impl Fn(&T) -> f64) -> f64 {
    median(&runs.iter().map(value).collect::<Vec<_>>())
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

pub(super) fn run(setting: &Setting) -> Result<Outcome> {
    let mnist = Mnist::read(&setting.data.join("mnist"))?;
    let left_out: Vec<u8> = if setting.quick { vec![2] } else { (0..10).collect() };
    let each: Vec<(u64, u8)> = setting
        .seeds()
        .into_iter()
        .flat_map(|seed| left_out.iter().map(move |&digit| (seed, digit)))
        .collect();
    let areas = each
        .into_par_iter()
        .map(|(seed, digit)| digits::areas(&mnist, digit, seed, setting.quick))
        .collect::<Result<Vec<_>>>()?;
    // By seed, by digit, by energy.
    let areas: Vec<&[Vec<f64>]> = areas.chunks(left_out.len()).collect();
    let cameras = per_seed(setting, |seed| camera::watch(seed, setting.quick))?;

    let mut rows = Vec::new();
    for (k, (name, _)) in LESSONS.iter().enumerate() {
        let all = |run: &&[Vec<f64>]| mean(&run.iter().map(|areas| areas[k]).collect::<Vec<_>>());
        rows.push(Row::new(format!("left-out digits, area: {name}"), middle(&areas, all), ""));
    }
    for (k, (name, _)) in LESSONS.iter().enumerate() {
        let value = middle(&cameras, |run| 100.0 * mean(&run.noticed[k][..camera::VISIBLE.len()]));
        rows.push(Row::new(format!("camera, noticed: {name}"), value, "%"));
    }
    let chip = LESSONS.iter().position(|(name, _)| *name == camera::ON_CHIP).unwrap_or_default();
    for (f, fault) in camera::VISIBLE.iter().enumerate() {
        let value = middle(&cameras, |run| 100.0 * run.noticed[chip][f]);
        rows.push(Row::new(format!("{}, noticed by the chip's energy", fault.name()), value, "%"));
    }
    let last = |what: &str, value: &dyn Fn(&camera::Watched) -> f64| {
        Row::new(what.to_owned(), 100.0 * middle(&cameras, value), "%")
    };
    rows.extend([
        last("false alarms of the chip's energy", &|run| run.alarms[chip]).at_most(0.2),
        last("frozen frame, noticed as the one before over again", &|run| run.frozen).at_least(100.0),
        last("false alarms of that", &|run| run.frozen_alarms).at_most(0.0),
        last("frozen frame, noticed by the forward model's surprise", &|run| run.surprise[0]),
        last("the other faults, by that", &|run| mean(&run.surprise[1..])),
        last("false alarms of that surprise", &|run| run.surprise_alarms),
    ]);

    let mut report = Report::new(
        "What is strange",
        "Energies that were taught on familiar samples alone, asked about others",
    );
    report.section("A digit that was left out");
    report.paragraph(
        "Area under the curve of detections against false alarms: how often a digit that was left out of the training has a higher energy than a \
         test digit of the others. 0.5 is chance; below it the strange digit looks more familiar than the familiar ones, as the simple 1 does.",
    );
    let headers: Vec<String> = left_out.iter().map(|digit| format!("without {digit}")).collect();
    let headers: Vec<&str> =
        ["energy"].into_iter().chain(headers.iter().map(String::as_str)).chain(["mean"]).collect();
    report.table(
        &headers,
        LESSONS.iter().enumerate().map(|(k, (name, _))| {
            let by_digit = (0..left_out.len()).map(|d| middle(&areas, |run| run[d][k]));
            let all: Vec<f64> = by_digit
                .chain([middle(&areas, |run| mean(&run.iter().map(|areas| areas[k]).collect::<Vec<_>>()))])
                .collect();
            report::Row::new(std::iter::once((*name).to_owned()).chain(all.iter().map(|v| format!("{v:.3}"))))
        }),
    );
    digits::show(&mut report, &mnist, setting.seed, setting.quick)?;
    report.section("A camera with faults");
    report.paragraph(
        "Share of damaged frames of the pendulum's camera that are above the threshold which one healthy frame in a thousand exceeds. A frozen \
         frame is a healthy one: no energy of a single frame can notice it.",
    );
    let faults = camera::VISIBLE.map(Fault::name);
    let headers: Vec<&str> = ["energy"].into_iter().chain(faults).chain(["false alarms"]).collect();
    let percent = |v: f64, decimals| format!("{} %", report::number(100.0 * v, decimals));
    report.table(
        &headers,
        LESSONS.iter().enumerate().map(|(k, (name, _))| {
            let shares = (0..faults.len()).map(|f| percent(middle(&cameras, |run| run.noticed[k][f]), 1));
            let alarms = percent(middle(&cameras, |run| run.alarms[k]), 2);
            report::Row::new(std::iter::once((*name).to_owned()).chain(shares).chain([alarms]))
        }),
    );
    camera::show(&mut report, &cameras[0]);
    let notes = vec![
        format!(
            "Medians over seeds. Digits: each of ten is left out of the training in turn; the areas are over the whole test set, their mean over the ten. \
             {} steps for the networks, layers of {} units. Nothing but familiar samples was used; settings were \
             tried on seed 10 with the digits 1, 2 and 4.",
            digits::SETUP.steps,
            digits::SETUP.hidden
        ),
        format!(
            "Camera: {} healthy frames at random angles to learn from, as many for the threshold (0.1 % false alarms), as many to count false alarms on, and {} \
             damaged ones of each kind, each with particulars of its own: one to three stuck rows of any brightness, anywhere, dark ones beside the rod \
             included; a covered square of half the edge, anywhere; gains below 0.5 or above 1.5. \"Noticed\" is the mean over these three.",
            camera::FRAMES,
            camera::DAMAGED
        ),
        "A frozen frame is noticed by the chip's gate, which compares readings to the last bit: with noise on every pixel none comes twice. The forward \
         model's surprise is its energy F(x′ | x, u), with the state as it is read out of three frames in a row, of which the last is damaged: what stands still \
         while it should move."
            .into(),
    ];
    Ok(Outcome { rows, report, notes })
}
