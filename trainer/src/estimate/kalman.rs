//! The noise that the Kalman filter is to expect, measured on data that training has not seen.

use crate::{
    data::log::Episode,
    network::{columns, lift},
    predict::network::Network,
    tape::Tape,
};
use forethought::{feature::Angles, math};
use nalgebra::DMatrix;

/// Variance of each measured feature: `R`.
pub fn measurement_noise(read: &DMatrix<f32>, truth: &DMatrix<f32>) -> Vec<f32> {
    let error = read - truth;
    error.row_iter().map(|row| row.norm_squared() / row.len() as f32).collect()
}

/// Variance that one step of the model adds to each component of the state: `Q`.
///
/// Where the filter runs the errors of a model are not independent from step to step as the equations want them to be,
/// so the measured variance is taken `inflation` times, and never less than `floor`: a filter that is too sure of itself
/// stops listening.
pub fn process_noise(
    model: &Network,
    angles: Angles,
    episodes: &[Episode],
    inflation: f32,
    floor: f32,
) -> Vec<f32> {
    let tape = Tape::new();
    fn stack<'a>(rows: impl Iterator<Item = &'a Vec<f32>>) -> DMatrix<f32> {
        columns(&rows.map(Vec::as_slice).collect::<Vec<_>>())
    }
    let before = stack(episodes.iter().flat_map(|e| &e.states[..e.actions.len()]));
    let after = stack(episodes.iter().flat_map(|e| &e.states[1..]));
    let x = tape.constant(before);
    let u = tape.constant(stack(episodes.iter().flat_map(|e| &e.actions)));
    let predicted = model.step(&tape, true, x, lift(&tape, angles, x), u);
    let predicted = tape.value(predicted);
    let rows = predicted.row_iter().zip(after.row_iter()).enumerate();
    rows.map(|(i, (p, a))| {
        let square = |(p, a): (&f32, &f32)| {
            let error = p - a;
            if angles.contains(i) { math::wrap(error) } else { error }.powi(2)
        };
        let sum: f32 = p.iter().zip(a.iter()).map(square).sum();
        (inflation * sum / p.len() as f32).max(floor)
    })
    .collect()
}
