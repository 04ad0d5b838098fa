//! Learned encoders against the iterations that they unroll.
//!
//! On a random sparse problem, where the true code is known and anybody can repeat the numbers; and on patches of
//! photographs, with dictionaries learned from them.

mod gate;
mod patches;

use super::{Outcome, Setting, per_seed};
use crate::{mind, perceive::unrolled::Unrolled, report::Report};
use anyhow::Result;
use nalgebra::DMatrix;

pub(super) fn run(setting: &Setting) -> Result<Outcome> {
    let mut report = Report::new(
        "Learned encoders",
        "LISTA and its kin, layer by layer, against the iterations that they unroll",
    );
    let problems = per_seed(setting, |seed| gate::run(seed, setting.quick))?;
    let mut outcome = gate::show(&problems, &mut report);
    let images = per_seed(setting, |seed| patches::run(setting, seed))?;
    let (rows, notes) = patches::show(&images, &mut report);
    outcome.0.extend(rows);
    outcome.1.extend(notes);
    Ok(Outcome { rows: outcome.0, report, notes: outcome.1 })
}

/// The codes that an encoder's exported file gives, run by the kernels of the chip.
fn exported_codes<E: Unrolled>(
    encoder: &E,
    layers: usize,
    y: &DMatrix<f32>,
    seed: u64,
) -> Result<DMatrix<f32>> {
    let file = encoder.weight_file(layers, "lista", seed)?;
    let mut encode = mind::encoder(&file.parse()?)?;
    let codes: Vec<_> = y.column_iter().flat_map(|y| encode(y.as_slice()).code).collect();
    Ok(DMatrix::from_vec(encoder.sizes().1, y.ncols(), codes))
}

/// `10 log₁₀(‖z − ẑ‖²/‖z‖²)`, over all samples together.
fn nmse(found: &DMatrix<f32>, truth: &DMatrix<f32>) -> f64 {
    let share = (found - truth).norm_squared() / truth.norm_squared();
    10.0 * f64::from(share).log10()
}

/// The first place, counted from 1, at which a curve is as low as `goal`.
fn first_below(curve: impl IntoIterator<Item = f64>, goal: f64) -> Option<usize> {
    curve.into_iter().position(|value| value <= goal).map(|i| i + 1)
}
