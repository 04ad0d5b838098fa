//! Handwritten digits by adversarial losses, each as it is asked for. Does a classifier see the digit that was asked for, is
//! one sample as unlike another as real digits are, and has anything been learned by heart?

mod measure;
mod pictures;

use super::{Outcome, Setting, median};
use crate::{
    data::{
        digest,
        mnist::{Labelled, Mnist},
    },
    energy::gan::{Bound, Config, Gan, Loss},
    export::{WeightFile, write_file},
    perceive::stacked::{self, Supervised},
    report::{Report, duel::Duel},
    results::Row,
    tasks::digits::{self, CLASSES},
    worlds::Rng,
};
use anyhow::Result;
use forethought::artifact::{Provenance, Sensors};
use measure::{Judge, Quality};
use nalgebra::DMatrix;
use rand::{RngExt, SeedableRng};
use rayon::prelude::*;

/// A loss and its settings.
struct Game {
    name: &'static str,
    /// What its weight file is called.
    file: &'static str,
    config: Config,
    /// Whether it has to be seen as asked: the best of its kind on the seed on which settings were chosen.
    best: bool,
}

/// What is demanded of those, in per cent of all samples.
const DEMANDED: f64 = 90.0;
/// Pixels of a digit.
const PIXELS: usize = 28 * 28;
/// What a reading of an exported generator may be: a normal number is hardly ever beyond.
const RANGE: Sensors = Sensors { low: -8.0, high: 8.0 };
/// Shares of the training at which the generator is looked at.
const LOOKS: [f64; 6] = [0.01, 0.03, 0.1, 0.2, 0.5, 1.0];
/// Steps whose mean loss is one point of a curve.
const WINDOW: usize = 50;

fn games() -> Vec<Game> {
    let base = |loss, bound| Config {
        loss,
        bound,
        latent: 32,
        generator: vec![256, 256],
        critic: vec![256, 256],
        bright: true,
        loud: 4.0,
        batch: 64,
        ..Config::default()
    };
    let hinge = Config { steps: 8000, ..base(Loss::Hinge { margin: 10.0, pull: 0.1 }, Bound::Free) };
    // A critic of one number needs more units than one of 784, and more steps.
    let wasserstein = |bound| Config { critic: vec![512, 256], ..base(Loss::Wasserstein, bound) };
    let unit = wasserstein(Bound::Unit(1.0));
    let unit = Config { critic_steps: 2, steps: 8000, rates: [1e-3, 2e-3], memory: 0.9, ..unit };
    let clipped = Config { momentum: 0.0, memory: 0.9, ..wasserstein(Bound::Clip(0.02)) };
    let clipped = Config { critic_steps: 3, steps: 4000, rates: [5e-4, 1e-3], ..clipped };
    let small = Config { generator: vec![48, 48], ..hinge.clone() };
    vec![
        Game { name: "hinge", file: "hinge", config: hinge, best: true },
        Game { name: "Wasserstein, clipped", file: "clipped", config: clipped, best: false },
        Game { name: "Wasserstein, unit slope", file: "unit-slope", config: unit, best: true },
        Game { name: "hinge, small", file: "small", config: small, best: false },
    ]
}

/// What a training left.
struct Run {
    file: WeightFile,
    quality: Quality,
    losses: Duel,
    /// The same wishes at each look: what is made of them, one a column.
    strip: Vec<DMatrix<f32>>,
}

/// The real digits, and who judges the others.
struct Digits {
    train: Labelled,
    test: Labelled,
    digest: u32,
    judge: Judge,
}

impl Digits {
    fn read(setting: &Setting) -> Result<Self> {
        let Mnist { train, test } = Mnist::read(&setting.data.join("mnist"))?;
        let (train, test) = if setting.quick { (train.first(2000), test.first(1000)) } else { (train, test) };
        let mut config = stacked::Config::default();
        if setting.quick {
            config.tuning = Supervised { least: 50, epochs: 1.0, ..config.tuning };
        }
        let judge = Judge::new(&config, &train, &test, setting.seed)?;
        Ok(Self { digest: digest(&train.images.pixels), train, test, judge })
    }

    /// Some digits, and which they are: one 1 and nine 0s a column.
    fn batch(&self, n: usize, rng: &mut Rng) -> (DMatrix<f32>, Option<DMatrix<f32>>) {
        let chosen: Vec<_> = (0..n).map(|_| rng.random_range(0..self.train.labels.len())).collect();
        let label = |j: usize| usize::from(self.train.labels[chosen[j]]);
        let x = DMatrix::from_fn(CLASSES, n, |i, j| if i == label(j) { 1.0 } else { 0.0 });
        (self.train.images.pixels.select_columns(&chosen), Some(x))
    }
}

pub(super) fn run(setting: &Setting) -> Result<Outcome> {
    let digits = Digits::read(setting)?;
    let games = games();
    let jobs: Vec<_> =
        setting.seeds().into_iter().flat_map(|seed| games.iter().map(move |game| (seed, game))).collect();
    let runs = jobs.par_iter().with_max_len(1).map(|&(seed, game)| train(game, &digits, seed, setting.quick));
    let runs = runs.collect::<Result<Vec<_>>>()?;
    let seeds: Vec<_> = runs.chunks(games.len()).collect();
    for (game, run) in games.iter().zip(seeds[0]) {
        write_file(&setting.out.join(format!("gan-digits/generator-{}.fth", game.file)), run.file.bytes())?;
    }
    let mut report = Report::new(
        "Digits, as they are asked for",
        "Energy-based and Wasserstein generative adversarial networks on MNIST, conditional on the digit",
    );
    pictures::show(&mut report, &games, seeds[0], &digits)?;
    Ok(Outcome {
        rows: rows(&games, &seeds, &digits.judge),
        report,
        notes: notes(&games, &digits, seeds.len()),
    })
}

fn train(game: &Game, digits: &Digits, seed: u64, quick: bool) -> Result<Run> {
    let started = std::time::Instant::now();
    let mut config = game.config.clone();
    if quick {
        config.steps = 60;
    }
    let rng = &mut Rng::seed_from_u64(seed);
    // Looking must not change what is learned.
    let eyes = &mut Rng::seed_from_u64(!seed);
    let (z, x) = measure::wishes(&config, pictures::STRIP, eyes);
    let mut gan = Gan::new(&config, (PIXELS, CLASSES), rng)?;
    let (mut losses, mut strip) = (Duel::new(WINDOW), Vec::new());
    let looks = LOOKS.map(|share| (share * config.steps as f64).ceil() as usize);
    gan.train(
        |n, rng| digits.batch(n, rng),
        rng,
        |step, gan, now| {
            losses.add(now);
            if looks.contains(&(step + 1)) {
                strip.push(gan.averaged.make(z.clone(), Some(&x)));
            }
        },
    )?;
    let provenance =
        Provenance { trainer: env!("CARGO_PKG_VERSION"), task: digits::NAME, seed, data: digits.digest };
    let file = gan.averaged.export(RANGE, provenance)?;
    let quality = digits.judge.quality(&file, &config, digits, eyes)?;
    eprintln!(
        "  {}, seed {seed}: {:.0} s, {:.1} % seen as asked, spread {:.0} %, reach {:.0} %, new {:.0} %",
        game.name,
        started.elapsed().as_secs_f64(),
        quality.seen,
        quality.spread,
        quality.reach,
        quality.new
    );
    Ok(Run { file, quality, losses, strip })
}

fn rows(games: &[Game], seeds: &[&[Run]], judge: &Judge) -> Vec<Row> {
    let mut rows =
        vec![Row::new("real test digits in which the classifier sees their label", judge.right, "%")];
    for (i, game) in games.iter().enumerate() {
        let middle = |value: &dyn Fn(&Quality) -> f64| {
            median(&seeds.iter().map(|runs| value(&runs[i].quality)).collect::<Vec<_>>())
        };
        let row = |what: &str, value: &dyn Fn(&Quality) -> f64| {
            Row::new(format!("{}: {what}", game.name), middle(value), "%")
        };
        let seen = row("the digit asked for is seen", &|q| q.seen);
        rows.extend([
            if game.best { seen.at_least(DEMANDED) } else { seen },
            row("the same of the digit that is seen least", &|q| q.least),
            row("spread of a digit's samples", &|q| q.spread),
            row("way from a test digit to the nearest sample", &|q| q.reach),
            row("way from a sample to the nearest training digit", &|q| q.new),
        ]);
    }
    rows
}

fn notes(games: &[Game], digits: &Digits, seeds: usize) -> Vec<String> {
    let config = &games[0].config;
    vec![
        format!(
            "MNIST, {} digits to learn from; medians over {seeds} seeds. Samples are made by the exported weight files, run by the kernels \
             of the chip: {} of each digit. Settings were chosen on seed 10.",
            digits.train.labels.len(),
            measure::EACH
        ),
        "The classifier is that of `reproduce stacked`, two convolutional layers of random filters tuned with all labels; it \
         never sees a sample before it judges."
            .into(),
        "Spread: mean distance between two samples of a digit, in per cent of that between two test digits of the same kind; less than \
         100 means that the samples are too much alike."
            .into(),
        format!(
            "Way from a test digit: mean distance of {0} test digits to the nearest of {0} samples, in per cent of that to the \
             nearest of {0} training digits; more than 100 means that there are digits which are not made, or not well. Way from a sample: \
             to the nearest of all training digits, in per cent of that of a test digit; near 0 it would be a copy.",
            measure::SOME
        ),
        format!(
            "Generators have z of {} dimensions, hidden layers of 256 and 256 units, the small one of 48 and 48; the critics of hinge losses are \
             autoencoders with layers of 256 units and a code of 256, those of Wasserstein losses have layers of 512 and 256; batches of {}; Adam with rates that fall to 0, and a running mean of the \
             generator's weights.",
            config.latent, config.batch
        ),
    ]
}
