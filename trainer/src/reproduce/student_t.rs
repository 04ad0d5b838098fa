//! Product of Student-t experts on photographs.

use super::{Outcome, Setting, topography::Study};
use crate::perceive::student_t::{Config, StudentT};
use anyhow::Result;

pub(super) fn run(setting: &Setting) -> Result<Outcome> {
    let config = if setting.quick { Config { steps: 60, ..Config::default() } } else { Config::default() };
    let study = Study {
        title: "Product of Student-t experts",
        paper: "Osindero, Welling & Hinton, Neural Computation 2006",
        filters: "filters",
        side: 14,
        components: 120, // the filters are about 1.7 times as many, as in the paper
        map: config.map,
        window: config.window,
        watched: &["energy difference", "accepted"],
        training: "How much higher the energy is where the walks end than at the patches they start from, and the share of \
                   walks accepted.",
        note: format!(
            ", in the first half of the steps of {0}×{0}; walks of {1} leaps.",
            config.first_window, config.leaps
        ),
    };
    study.run(setting, |lesson| {
        let mut model = StudentT::new(&config, lesson.pools, study.components, lesson.rng)?;
        model.fit_width(&(lesson.patches)(1000));
        let mut curves = vec![Vec::new(); 2];
        model.train(&config, lesson.patches, lesson.rng, |step, difference, accepted| {
            if step % 20 == 0 {
                for (curve, value) in curves.iter_mut().zip([difference, accepted]) {
                    curve.push((step as f64, f64::from(value)));
                }
            }
        });
        Ok((model.filters.transpose(), curves))
    })
}
