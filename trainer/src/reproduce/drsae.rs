//! The discriminative recurrent sparse autoencoder on MNIST (Rolfe & LeCun, ICLR 2013): errors beside the published ones,
//! the two kinds of unit, and what each criterion is worth when labels are many and when they are few.

mod pictures;

use super::{Outcome, Setting, median};
use crate::{
    data::{digest, images::Images, mnist::Mnist},
    evaluate,
    perceive::drsae::{Config, DrSae, Epoch, Phase, Samples},
    report::{Report, number},
    results::Row,
    tasks::digits::{self, CLASSES},
    worlds::Rng,
};
use anyhow::Result;
use nalgebra::DMatrix;
use rand::SeedableRng;
use rayon::prelude::*;

/// Units, iterations, and the published test error in per cent.
const PUBLISHED: [(usize, usize, f64); 3] = [(400, 11, 1.08), (200, 11, 1.21), (200, 2, 1.49)];
const SOURCE: &str = "Rolfe & LeCun 2013";
/// Labels that are left when labels are few.
const FEW: usize = 1000;
/// Angles, in radians, below which a unit stands for a part and above which it stands for a category.
const PART: f32 = 0.5;
const CATEGORY: f32 = 0.7;

/// The training set as the network takes it, and the test set as the chip does.
struct Digits {
    x: DMatrix<f32>,
    scale: f32,
    labels: Vec<u8>,
    digest: u32,
    test: Images,
    test_labels: Vec<u8>,
}

impl Digits {
    fn read(setting: &Setting) -> Result<Self> {
        let Mnist { train, test } = Mnist::read(&setting.data.join("mnist"))?;
        let (train, test) = if setting.quick { (train.first(3000), test.first(1000)) } else { (train, test) };
        let (x, scale) = digits::scaled(&train.images.pixels);
        let digest = digest(&train.images.pixels);
        Ok(Self { x, scale, labels: train.labels, digest, test: test.images, test_labels: test.labels })
    }

    fn samples(&self) -> Samples<'_> {
        Samples { x: &self.x, labels: &self.labels }
    }
}

/// A trained network with what it was trained by.
struct Trained {
    model: DrSae,
    config: Config,
    seed: u64,
    curve: Vec<Epoch>,
    /// What the exported file sees in the test images.
    seen: Vec<usize>,
    /// Test error in per cent.
    error: f64,
}

impl Trained {
    /// Exports and tests.
    fn new(model: DrSae, config: &Config, seed: u64, curve: Vec<Epoch>, digits: &Digits) -> Result<Self> {
        let file = digits::export(&model, config.iterations, digits.scale, seed, digits.digest)?;
        let seen = evaluate::classes(&file.parse()?, &digits.test.pixels)?;
        let error = 100.0 * digits::error(&seen, &digits.test_labels);
        Ok(Self { model, config: config.clone(), seed, curve, seen, error })
    }

    fn train(config: &Config, seed: u64, digits: &Digits) -> Result<Self> {
        let rng = &mut Rng::seed_from_u64(seed);
        let mut model = DrSae::new(config, &digits.x, CLASSES, rng);
        let mut curve = Vec::new();
        model.train(config, digits.samples(), rng, &mut |epoch| curve.push(epoch))?;
        let trained = Self::new(model, config, seed, curve, digits)?;
        eprintln!(
            "  {} units, T = {}, seed {seed}: {} % test error",
            config.units,
            config.iterations,
            number(trained.error, 2)
        );
        Ok(trained)
    }

    /// How many units stand for parts, and how many for categories.
    fn kinds(&self) -> [f64; 2] {
        let angles = self.model.angles();
        [
            angles.iter().filter(|a| **a < PART).count() as f64,
            angles.iter().filter(|a| **a > CATEGORY).count() as f64,
        ]
    }
}

pub(super) fn run(setting: &Setting) -> Result<Outcome> {
    let digits = Digits::read(setting)?;
    let settings = |units, iterations| {
        let config = Config { units, iterations, ..Config::default() };
        if setting.quick { Config { pretraining: 2, epochs: 3, ..config } } else { config }
    };
    // All seeds of all sizes side by side, the largest first.
    let jobs: Vec<_> = PUBLISHED
        .iter()
        .flat_map(|&(units, iterations, _)| {
            setting.seeds().into_iter().map(move |seed| (units, iterations, seed))
        })
        .collect();
    let (contrast, trained) = rayon::join(
        || Contrast::measure(&settings(200, 11), setting.seed, &digits),
        || {
            let jobs = jobs.par_iter().with_max_len(1);
            jobs.map(|&(units, iterations, seed)| Trained::train(&settings(units, iterations), seed, &digits))
                .collect::<Result<Vec<_>>>()
        },
    );
    let (contrast, trained) = (contrast?, trained?);

    let mut rows = Vec::new();
    let seeds = setting.seeds().len();
    for (&(units, iterations, published), runs) in PUBLISHED.iter().zip(trained.chunks(seeds)) {
        let errors: Vec<_> = runs.iter().map(|run| run.error).collect();
        let what = format!("test error, {units} units, T = {iterations}");
        let row = Row::new(what, median(&errors), "%").beside(published, SOURCE);
        rows.push(if units == 400 { row.at_most(1.3) } else { row });
    }
    let kinds: Vec<_> = trained[..seeds].iter().map(Trained::kinds).collect();
    for (kind, what) in
        ["units that stand for parts", "units that stand for categories"].into_iter().enumerate()
    {
        let counts: Vec<_> = kinds.iter().map(|kinds| kinds[kind]).collect();
        rows.push(Row::new(format!("{what}, of 400"), median(&counts), "units").at_least(1.0));
    }
    rows.extend(contrast.rows());

    let mut report =
        Report::new("A discriminative recurrent sparse autoencoder", "Rolfe & LeCun, ICLR 2013, on MNIST");
    report.section("Test errors").table(
        &["units", "T", "published / %", "here, seed by seed / %", "median / %"],
        PUBLISHED.iter().zip(trained.chunks(seeds)).map(|(&(units, iterations, published), runs)| {
            let errors: Vec<_> = runs.iter().map(|run| run.error).collect();
            let each: Vec<_> = errors.iter().map(|&e| number(e, 2)).collect();
            [
                units.to_string(),
                iterations.to_string(),
                number(published, 2),
                each.join(", "),
                number(median(&errors), 2),
            ]
        }),
    );
    contrast.show(&mut report);
    pictures::show(&mut report, &trained[0], &digits)?;

    let config = settings(400, 11);
    let notes = vec![
        format!(
            "MNIST without any augmentation, {} digits to learn from and {} to be tested on; settings were chosen on the last \
             10,000 of the training digits, which then were learned from as well.",
            digits.labels.len(),
            digits.test_labels.len()
        ),
        format!(
            "{} epochs without labels and {} on all criteria (the paper: 100 and many more), batches of {}, Adam at {}; medians \
             over {seeds} seeds.",
            config.pretraining, config.epochs, config.batch, config.rate
        ),
        "Test errors are those of the exported weight files, run by the kernels of the chip on raw pixels."
            .to_owned(),
        format!(
            "A unit stands for a part if the angle between its row of E and its column of D is below {PART} rad, for a \
             category if it is above {CATEGORY} rad."
        ),
    ];
    Ok(Outcome { rows, report, notes })
}

/// Test errors in per cent of the three ways to train, with all labels and with few.
struct Contrast {
    /// `[all, few]` labels of the autoencoder, the classifier, and both at once.
    errors: [(&'static str, [f64; 2]); 3],
    labels: usize,
    few: usize,
}

impl Contrast {
    /// Everyone may look at all images; what differs is who is told which labels, and what for.
    fn measure(config: &Config, seed: u64, digits: &Digits) -> Result<Self> {
        let all = digits.samples();
        let few = FEW.min(digits.labels.len() / 3);
        let images = digits.x.columns(0, few).into_owned();
        let some = Samples { x: &images, labels: &digits.labels[..few] };
        let rng = &mut Rng::seed_from_u64(seed);
        // As many steps as with all labels would be many epochs; these are enough for the error to settle.
        let patience = (config.epochs * 8).min(200);
        let start = DrSae::new(config, &digits.x, CLASSES, rng);
        let mut autoencoder = start.clone();
        autoencoder.run(config, (Phase::Unsupervised, config.pretraining), all, rng, &mut |_| ())?;
        let plain = Config { reconstruction: 0.0, sparsity: 0.0, ..config.clone() };
        let mut error = |from: &DrSae, config: &Config, phase, samples: Samples<'_>| -> Result<f64> {
            let epochs = match phase {
                _ if samples.labels.len() == few => patience,
                Phase::ReadOut => config.epochs.div_ceil(3),
                _ => config.epochs,
            };
            let mut model = from.clone();
            model.run(config, (phase, epochs), samples, rng, &mut |_| ())?;
            Ok(Trained::new(model, config, seed, Vec::new(), digits)?.error)
        };
        let mut both = |from: &DrSae, config: &Config, phase| -> Result<[f64; 2]> {
            Ok([error(from, config, phase, all)?, error(from, config, phase, some)?])
        };
        let errors = [
            ("autoencoder, then a linear classifier", both(&autoencoder, config, Phase::ReadOut)?),
            ("classifier alone", both(&start, &plain, Phase::Joint)?),
            ("autoencoder and classifier at once", both(&autoencoder, config, Phase::Joint)?),
        ];
        Ok(Self { errors, labels: digits.labels.len(), few })
    }

    fn rows(&self) -> impl Iterator<Item = Row> {
        let counts = [self.labels, self.few];
        (0..2).flat_map(move |i| {
            self.errors.iter().map(move |(how, errors)| {
                Row::new(format!("test error, {} labels: {how}", counts[i]), errors[i], "%")
            })
        })
    }

    fn show(&self, report: &mut Report) {
        report.section("What each criterion is worth").paragraph(
            "One seed, 200 units, T = 11. The autoencoder sees all images but no label, and a linear classifier is trained on \
             its codes. The classifier alone starts from the same weights and has neither reconstruction nor sparsity. Both at \
             once start from the autoencoder and are trained on all three criteria of those images whose labels are known.",
        );
        let headers = ["", "all labels: test error / %", &format!("{} labels: test error / %", self.few)];
        report.table(
            &headers,
            self.errors.iter().map(|(how, [all, few])| [how.to_string(), number(*all, 2), number(*few, 2)]),
        );
    }
}
