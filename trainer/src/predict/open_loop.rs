//! How far ahead a model can be trusted: it is shown a state and then nothing but actions.

use crate::data::log::{Episode, coordinates};
use forethought::feature::Angles;

/// A forward model: from a state and an action to the next state.
pub type Foresight<'a> = dyn Fn(&[f32], &[f32]) -> Vec<f32> + 'a;

/// A model that expects nothing to change.
pub fn copy(x: &[f32], _: &[f32]) -> Vec<f32> {
    x.to_vec()
}

/// The states that a model foresees from `states[from]` on, that one first.
pub fn imagined(model: &Foresight<'_>, episode: &Episode, from: usize, steps: usize) -> Vec<Vec<f32>> {
    let mut states = vec![episode.states[from].clone()];
    for u in &episode.actions[from..from + steps] {
        let next = model(&states[states.len() - 1], u);
        states.push(next);
    }
    states
}

/// Root mean square errors of each coordinate after so many steps, from every `stride`th state of the episodes. An angle has two
/// coordinates, its cosine and its sine.
pub fn errors(
    model: &Foresight<'_>,
    (episodes, angles): (&[Episode], Angles),
    (steps, stride): (usize, usize),
) -> Vec<f64> {
    let (mut squares, mut n) = (Vec::new(), 0.0);
    for episode in episodes {
        for from in (0..(episode.actions.len() + 1).saturating_sub(steps)).step_by(stride) {
            let actions = &episode.actions[from..from + steps];
            let end = actions.iter().fold(episode.states[from].clone(), |x, u| model(&x, u));
            let end = coordinates(angles, &end);
            let truth = coordinates(angles, &episode.states[from + steps]);
            squares.resize(end.len(), 0.0);
            for (square, (a, b)) in squares.iter_mut().zip(end.iter().zip(&truth)) {
                *square += f64::from(a - b).powi(2);
            }
            n += 1.0;
        }
    }
    squares.iter().map(|s| (s / n).sqrt()).collect()
}

/// Standard deviation of each coordinate: the error of a model that knows nothing but the mean.
pub fn deviations(episodes: &[Episode], angles: Angles) -> Vec<f64> {
    let all: Vec<_> = episodes.iter().flat_map(|e| &e.states).map(|x| coordinates(angles, x)).collect();
    let n = all.len() as f64;
    let deviation = |i: usize| {
        let mean = all.iter().map(|x| f64::from(x[i])).sum::<f64>() / n;
        (all.iter().map(|x| (f64::from(x[i]) - mean).powi(2)).sum::<f64>() / n).sqrt()
    };
    (0..all.first().map_or(0, Vec::len)).map(deviation).collect()
}

/// One number for all coordinates: the root mean square of their errors in standard deviations. What does not vary does not
/// count.
pub fn relative(errors: &[f64], deviations: &[f64]) -> f64 {
    let shares: Vec<_> =
        errors.iter().zip(deviations).filter(|(_, d)| **d > 1e-6).map(|(e, d)| (e / d).powi(2)).collect();
    (shares.iter().sum::<f64>() / shares.len().max(1) as f64).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn episode() -> Episode {
        // x moves by what u says, and the angle turns by half a radian.
        let states = (0..6).map(|t| vec![t as f32, 0.5 * t as f32]).collect();
        Episode { states, actions: vec![vec![1.0]; 5] }
    }

    #[test]
    fn a_right_model_has_no_error_and_a_copy_has_what_was_moved() {
        let (episodes, angles) = ([episode()], Angles(0b10));
        let right = |x: &[f32], u: &[f32]| vec![x[0] + u[0], x[1] + 0.5];
        for steps in [1, 3] {
            assert!(errors(&right, (&episodes, angles), (steps, 1)).iter().all(|e| *e < 1e-6));
            let copied = errors(&copy, (&episodes, angles), (steps, 1));
            assert!((copied[0] - steps as f64).abs() < 1e-6, "{copied:?}");
        }
        assert_eq!(imagined(&right, &episodes[0], 1, 4), episodes[0].states[1..]);
    }

    #[test]
    fn an_error_counts_in_deviations() {
        let spread = deviations(&[episode()], Angles(0));
        assert!((spread[0] - (35.0f64 / 12.0).sqrt()).abs() < 1e-9);
        assert!((relative(&[2.0, 0.0, 5.0], &[2.0, 3.0, 0.0]) - 0.5f64.sqrt()).abs() < 1e-12);
    }
}
