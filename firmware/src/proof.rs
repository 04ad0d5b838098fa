//! What the proofs of panic freedom do with a mind of any kind.

use core::hint::black_box;
use forethought::{
    Zero,
    agent::{Decision, Mind, Mode, Reading},
    artifact::{Artifact, ArtifactError},
};

/// Loads a mind, and asks it every kind of reading in both modes. Neither the file nor the values are known to the optimiser,
/// nor how many they are.
pub fn ask<M: Mind<'static, NX, NA>, const NX: usize, const NA: usize>(
    weights: &'static [u8],
    values: &[f32],
) -> Result<(), ArtifactError> {
    let artifact = Artifact::parse(black_box(weights))?;
    let mind = M::load(&artifact)?;
    let (mut state, mut decision) = (M::State::ZERO, Decision::ZERO);
    let values = black_box(values);
    for mode in [Mode::Plan, Mode::Policy] {
        for reading in [Reading::Sensors(values), Reading::State(values), Reading::Missing] {
            let _ = black_box(mind.step(&mut state, black_box(reading), black_box(mode), &mut decision));
        }
    }
    black_box((decision, mind.estimate(&state), mind.planned(&state)));
    Ok(())
}
