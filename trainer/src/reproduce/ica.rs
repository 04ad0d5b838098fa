//! Topographic independent component analysis on photographs.

use super::{Outcome, Setting, topography::Study};
use crate::perceive::ica::{Config, Ica};
use anyhow::Result;

pub(super) fn run(setting: &Setting) -> Result<Outcome> {
    let config = if setting.quick { Config { steps: 60, ..Config::default() } } else { Config::default() };
    let study = Study {
        title: "Topographic independent component analysis",
        paper: "Hyvärinen & Hoyer, Vision Research 2001",
        filters: "features",
        side: 16, // as in the paper
        components: config.map[0] * config.map[1],
        map: config.map,
        window: config.window,
        watched: &["criterion"],
        training: "The criterion ⟨Σ √(ε + Σ h y²)⟩ on batches of patches.",
        note: format!(", in the first half of the steps of {0}×{0}.", config.first_window),
    };
    study.run(setting, |lesson| {
        let mut ica = Ica::new(&config, lesson.pools, study.components, lesson.rng)?;
        let mut curve = Vec::new();
        ica.train(&config, lesson.patches, |step, criterion| {
            if step % 20 == 0 {
                curve.push((step as f64, f64::from(criterion)));
            }
        });
        Ok((ica.filters.transpose(), vec![curve]))
    })
}
