//! Topographic dictionary learning on photographs.

use super::{Outcome, Setting, topography::Study};
use crate::perceive::structured_dictionary::{Config, StructuredDictionary};
use anyhow::Result;

pub(super) fn run(setting: &Setting) -> Result<Outcome> {
    let config = if setting.quick { Config { batches: 20, ..Config::default() } } else { Config::default() };
    let study = Study {
        title: "Topographic dictionary learning",
        paper: "Mairal, Jenatton, Obozinski & Bach, JMLR 2011",
        filters: "dictionary",
        side: 12, // as in the paper
        components: 100,
        map: config.map,
        window: config.window,
        watched: &["criterion"],
        training: "The criterion on batches of patches.",
        note: ".".to_owned(),
    };
    let scale = (study.components as f32).sqrt().recip(); // patches of unit length on average
    study.run(setting, |lesson| {
        let mut model = StructuredDictionary::new(&config, lesson.pools, study.components, lesson.rng);
        let mut curve = Vec::new();
        let patches = |n: usize| (lesson.patches)(n) * scale;
        model.train(&config, patches, |step, criterion| curve.push((step as f64, f64::from(criterion))));
        Ok((model.dictionary, vec![curve]))
    })
}
