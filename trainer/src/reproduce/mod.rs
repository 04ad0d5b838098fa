//! Each claim of the lecture and of its papers as one command: `forethought reproduce NAME`.
//!
//! One experiment a file. It trains with the trainer's rooms, measures, puts the published or optimal value beside its
//! own, and draws what it has learned.

mod anomaly;
mod cart_pole;
mod caution;
mod contrast;
mod denoise;
mod discrete;
mod driving;
mod drsae;
mod forward_models;
mod gan_digits;
mod gan_modes;
mod golf_course;
mod ica;
mod inhibition;
mod kalman;
mod latent;
mod lista;
mod pendulum;
mod physics;
mod pinwheels;
mod planners;
mod psd;
mod quadrotor;
mod record;
mod rocket;
mod stacked;
mod structured_dictionary;
mod student_t;
mod topographic;
mod topography;
mod traffic;
mod traffic_model;
mod tree;
mod uncertainty;

use crate::{report::Report, results::Row};
use anyhow::{Context, Result};
use rayon::prelude::*;
use std::path::PathBuf;

pub use record::record;

/// What every experiment is told.
#[derive(Clone, Debug)]
pub struct Setting {
    /// The folder of the data sets.
    pub data: PathBuf,
    /// The first seed.
    pub seed: u64,
    /// The folder in which exported minds are left, to be looked at, asked and tried on chips.
    pub out: PathBuf,
    /// A short version that shows that everything works; its numbers claim nothing.
    pub quick: bool,
}

impl Setting {
    /// The seeds whose medians are reported: three, or the first alone in a quick run.
    pub fn seeds(&self) -> Vec<u64> {
        self.first_seeds(3)
    }

    /// `n` seeds where three are too few, or the first alone in a quick run.
    pub fn first_seeds(&self, n: usize) -> Vec<u64> {
        (self.seed..).take(if self.quick { 1 } else { n }).collect()
    }
}

/// What an experiment found.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What was measured.
    pub rows: Vec<Row>,
    /// The pictures.
    pub report: Report,
    /// What a reader of the numbers must know: settings, data, what was counted how. One sentence each.
    pub notes: Vec<String>,
}

/// One claim.
#[derive(Debug)]
pub struct Experiment {
    /// What the command calls it.
    pub name: &'static str,
    /// What it shows, in a few words.
    pub about: &'static str,
    /// Seeds whose medians are reported; 1 where nothing that matters is random, or where many episodes are counted instead.
    pub seeds: usize,
    /// Does it.
    pub run: fn(&Setting) -> Result<Outcome>,
}

/// Every experiment, in the order of the lecture.
pub const EXPERIMENTS: &[Experiment] = &[
    Experiment {
        name: "drsae",
        about: "discriminative recurrent sparse autoencoder: digits, parts and categories",
        seeds: 3,
        run: drsae::run,
    },
    Experiment {
        name: "topographic",
        about: "maps of filters by group sparsity: the lecture's and the paper's",
        seeds: 3,
        run: topographic::run,
    },
    Experiment {
        name: "pinwheels",
        about: "locally connected units on whole images: an orientation map with pinwheels",
        seeds: 3,
        run: pinwheels::run,
    },
    Experiment {
        name: "lista",
        about: "learned encoders against the iterations that they unroll",
        seeds: 3,
        run: lista::run,
    },
    Experiment {
        name: "psd",
        about: "predictive sparse decomposition: how well codes are predicted",
        seeds: 3,
        run: psd::run,
    },
    Experiment {
        name: "stacked",
        about: "convolutional layers stacked without labels, then tuned: digits with many and few labels",
        seeds: 3,
        run: stacked::run,
    },
    Experiment {
        name: "tree",
        about: "tree-structured sparse coding: use by level, pruning",
        seeds: 3,
        run: tree::run,
    },
    Experiment {
        name: "ica",
        about: "topographic independent component analysis: an encoder alone",
        seeds: 3,
        run: ica::run,
    },
    Experiment {
        name: "student-t",
        about: "product of Student-t experts: an energy alone",
        seeds: 3,
        run: student_t::run,
    },
    Experiment {
        name: "structured-dictionary",
        about: "topographic dictionary learning: a decoder alone",
        seeds: 3,
        run: structured_dictionary::run,
    },
    Experiment {
        name: "inhibition",
        about: "lateral inhibition: tree, ring, map and two ways of learning it",
        seeds: 3,
        run: inhibition::run,
    },
    Experiment {
        name: "physics",
        about: "physics by hand: check value, pullbacks (learned ones too) against slopes, energy under two integrators",
        seeds: 1,
        run: physics::run,
    },
    Experiment {
        name: "forward-models",
        about: "five plants: learned, physics with a learned residual, and a copy of the last state",
        seeds: 3,
        run: forward_models::run,
    },
    Experiment {
        name: "kalman",
        about: "the Kalman filter: its closed form, its consistency, pixels that are missing or wrong",
        seeds: 3,
        run: kalman::run,
    },
    Experiment {
        name: "latent",
        about: "a latent variable for what cannot be known: the pen, the penalty kick, and what limits z",
        seeds: 3,
        run: latent::run,
    },
    Experiment {
        name: "uncertainty",
        about: "ensembles and dropout: what cannot be known apart from what is not yet known",
        seeds: 3,
        run: uncertainty::run,
    },
    Experiment {
        name: "traffic",
        about: "the native highway beside recorded traffic: speeds, gaps, lane changes",
        seeds: 3,
        run: traffic::run,
    },
    Experiment {
        name: "traffic-model",
        about: "a stochastic model of driving in dense traffic, from the recorded log: errors, samples, response to actions",
        seeds: 3,
        run: traffic_model::run,
    },
    Experiment {
        name: "contrast",
        about: "imagination against trial and error: interactions and crashes until solved",
        seeds: 5,
        run: contrast::run,
    },
    Experiment {
        name: "pendulum",
        about: "the default agent: planner, policy, pixels, and the return against the horizon",
        seeds: 1,
        run: pendulum::run,
    },
    Experiment {
        name: "cart-pole",
        about: "swinging up a pole on a cart: iLQR and the gradient, by physics and by a learned model",
        seeds: 3,
        run: cart_pole::run,
    },
    Experiment {
        name: "quadrotor",
        about: "a quadrotor under limits: the linear-quadratic planner against the exact programme",
        seeds: 1,
        run: quadrotor::run,
    },
    Experiment {
        name: "discrete",
        about: "choosing from a few actions: dynamic programming against every sequence, and up a mountain",
        seeds: 1,
        run: discrete::run,
    },
    Experiment {
        name: "planners",
        about: "every planner on the same plants: by slopes, by chance, by choice",
        seeds: 3,
        run: planners::run,
    },
    Experiment {
        name: "rocket",
        about: "a rocket comes to the station and stays, on little more fuel than the best plan of the whole flight",
        seeds: 1,
        run: rocket::run,
    },
    Experiment {
        name: "caution",
        about: "plans that pay for what the model does not know, and plans for many futures: gravel, gusts by a cliff",
        seeds: 3,
        run: caution::run,
    },
    Experiment {
        name: "driving",
        about: "driving in dense traffic: a policy through a stochastic model, and without each of its parts",
        seeds: 3,
        run: driving::run,
    },
    Experiment {
        name: "gan-ring",
        about: "eight modes on a ring: what every adversarial loss covers, and how well",
        seeds: 5,
        run: gan_modes::ring,
    },
    Experiment {
        name: "gan-grid",
        about: "twenty-five modes on a grid, likewise",
        seeds: 5,
        run: gan_modes::grid,
    },
    Experiment {
        name: "gan-digits",
        about: "handwritten digits by adversarial losses, each as it is asked for",
        seeds: 3,
        run: gan_digits::run,
    },
    Experiment {
        name: "golf-course",
        about: "energies of the same points by every method: how smooth, and whether descent reaches the data",
        seeds: 3,
        run: golf_course::run,
    },
    Experiment {
        name: "anomaly",
        about: "a digit that was left out, a camera with faults: what every energy notices",
        seeds: 3,
        run: anomaly::run,
    },
    Experiment {
        name: "denoise",
        about: "patches of photographs: descent in the energies of several methods against FISTA, in dB",
        seeds: 3,
        run: denoise::run,
    },
];

impl Experiment {
    /// The experiment called `name`.
    pub fn named(name: &str) -> Result<&'static Self> {
        EXPERIMENTS.iter().find(|experiment| experiment.name == name).with_context(|| {
            let known: Vec<_> = EXPERIMENTS.iter().map(|experiment| experiment.name).collect();
            format!("there is no experiment `{name}`: choose one of {}, or `all`", known.join(", "))
        })
    }
}

/// Runs `f` for each of three seeds, on as many threads as there are cores.
pub fn per_seed<T: Send>(setting: &Setting, f: impl Fn(u64) -> Result<T> + Send + Sync) -> Result<Vec<T>> {
    per_seeds(setting, 3, f)
}

/// The same for `n` seeds.
pub fn per_seeds<T: Send>(
    setting: &Setting,
    n: usize,
    f: impl Fn(u64) -> Result<T> + Send + Sync,
) -> Result<Vec<T>> {
    setting.first_seeds(n).into_par_iter().map(f).collect()
}

/// A bound that is measured itself, to three places.
pub fn rounded(bound: f64) -> f64 {
    (bound * 1000.0).round() / 1000.0
}

/// The middle of some values; of an even number, the mean of the two in the middle.
///
/// # Panics
/// Without values.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let half = sorted.len() / 2;
    if sorted.len().is_multiple_of(2) { 0.5 * (sorted[half - 1] + sorted[half]) } else { sorted[half] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
    }

    #[test]
    fn every_experiment_has_its_own_name_and_an_unknown_one_is_told_them() {
        let names: std::collections::BTreeSet<_> = EXPERIMENTS.iter().map(|e| e.name).collect();
        assert_eq!(names.len(), EXPERIMENTS.len());
        let complaint = Experiment::named("perpetuum-mobile").unwrap_err().to_string();
        assert!(complaint.starts_with("there is no experiment `perpetuum-mobile`: choose one of "));
    }
}
