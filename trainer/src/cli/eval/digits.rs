//! A recogniser of digits, asked about the test images.

use crate::{
    evaluate,
    results::{Results, Row},
    worlds::digits::Digits,
};
use anyhow::{Result, ensure};
use forethought::artifact::Artifact;
use std::{path::Path, time::Instant};

/// Errors that the default recogniser of whole digits may make, in percent of all test images.
const MOST: f64 = 1.3;
/// The test images.
const ALL: usize = 10_000;
/// Numbers of a whole digit.
const WHOLE: usize = 28 * 28;

/// Asks about the first `n` test images, or all.
pub fn recognise(artifact: &Artifact<'_>, data: &Path, n: Option<usize>) -> Result<Results> {
    let started = Instant::now();
    ensure!(
        artifact.has("classify"),
        "the weight file has no classifier: there is no class to be right or wrong"
    );
    let observation = artifact.sizes().ny();
    let world = Digits::read(data, observation)?;
    let digits = world.shown().first(n.unwrap_or(usize::MAX));
    let shown = digits.labels.len();
    let answers = evaluate::classes(artifact, &digits.images.pixels)?;
    let right = answers.iter().zip(&digits.labels).filter(|(answer, label)| **answer == usize::from(**label));
    let right = right.count();
    let share = |n: usize| 100.0 * n as f64 / shown as f64;
    let error = Row::new("test digits given a wrong class", share(shown - right), "%");
    let rows = vec![
        Row::new("test digits", shown as f64, "digits"),
        Row::new("given their class", right as f64, "digits"),
        // The bound is for whole digits, and means nothing on some of them.
        if observation == WHOLE && shown == ALL { error.at_most(MOST) } else { error },
    ];
    Ok(Results { name: "eval digits".to_owned(), seed: 0, seconds: started.elapsed().as_secs_f64(), rows })
}
