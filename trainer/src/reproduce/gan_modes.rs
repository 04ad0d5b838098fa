//! The mode test of generative adversarial networks, with every loss: eight Gaussians on a ring, twenty-five on a grid.

mod pictures;

use super::{Outcome, Setting, median, per_seeds};
use crate::{
    energy::{
        gan::{Bound, Config, Gan, Loss},
        modes::{Modes, Quality, SAMPLES},
    },
    network::Unit,
    report::{Report, duel::Duel},
    results::Row,
    worlds::Rng,
};
use anyhow::Result;
use nalgebra::DMatrix;
use rand::SeedableRng;
use rayon::prelude::*;

/// One of the two mixtures.
struct Test {
    name: &'static str,
    modes: Modes,
    /// Half the side of what is drawn, in units of the mixture.
    window: f32,
    /// PacGAN4's modes and share of high quality (Lin et al. 2018).
    published: [f64; 2],
    /// What the best loss must reach.
    bounds: [f64; 2],
    games: Vec<Game>,
}

/// A loss and its settings.
struct Game {
    name: &'static str,
    config: Config,
    /// Whether it was the best on the seeds on which settings were chosen, and so has to reach the bounds.
    best: bool,
}

/// How often a generator is looked at while it learns.
const LOOKS: usize = 20;
/// Of these looks, those that are drawn.
const DRAWN: [usize; 6] = [0, 1, 3, 6, 11, 19];
/// Steps whose mean loss is one point of a curve.
const WINDOW: usize = 20;

/// What a training left.
struct Run {
    quality: Quality,
    /// The most modes that the playing generator covered at a look, less what it covers at the end.
    lost: f64,
    /// Deviation of the mean critic's loss of neighbouring windows, in the middle third.
    swing: f64,
    losses: Duel,
    strip: Vec<DMatrix<f32>>,
}

/// What differs between the mixtures, beside their games.
struct Tuning {
    /// Steps of the generator where the critic makes one to each of them; with two it is two thirds of that.
    steps: usize,
    /// Adam's rate.
    rate: f32,
    /// The same for critics whose weights are clipped.
    clipped: f32,
    /// The hinge's margin.
    margin: f32,
}

fn games(tuning: &Tuning) -> Vec<Game> {
    let base = |loss, bound| Config {
        loss,
        bound,
        latent: 2,
        generator: vec![128; 3],
        critic: vec![128; 3],
        unit: Unit::Relu,
        batch: 256,
        steps: tuning.steps,
        rates: [tuning.rate; 2],
        ..Config::default()
    };
    let wasserstein = |bound| {
        let steps = 2 * tuning.steps / 3;
        Config { critic_steps: 2, steps, ..base(Loss::Wasserstein, bound) }
    };
    let clipped = Config { rates: [tuning.clipped; 2], momentum: 0.0, ..wasserstein(Bound::Clip(0.3)) };
    let hinge = Loss::Hinge { margin: tuning.margin, pull: 0.1 };
    let game = |name, config| Game { name, config, best: false };
    let flat = base(Loss::NonSaturating, Bound::Flat(0.01));
    vec![
        game("original", base(Loss::Saturating, Bound::Free)),
        game("non-saturating", base(Loss::NonSaturating, Bound::Free)),
        Game { best: true, ..game("non-saturating, flat at data", flat) },
        game("hinge", Config { critic: vec![128, 128, 32], ..base(hinge, Bound::Free) }),
        game("Wasserstein, clipped", clipped),
        game("Wasserstein, unit slope", wasserstein(Bound::Unit(0.02))),
    ]
}

pub(super) fn ring(setting: &Setting) -> Result<Outcome> {
    let games = games(&Tuning { steps: 6000, rate: 2e-3, clipped: 1e-3, margin: 0.03 });
    let (modes, window) = (Modes::ring(), 1.5);
    run(setting, &Test { name: "ring", modes, window, published: [7.8, 95.9], bounds: [8.0, 95.0], games })
}

pub(super) fn grid(setting: &Setting) -> Result<Outcome> {
    let games = games(&Tuning { steps: 8000, rate: 3e-3, clipped: 2e-3, margin: 0.05 });
    let (modes, window) = (Modes::grid(), 5.5);
    run(setting, &Test { name: "grid", modes, window, published: [24.8, 93.6], bounds: [25.0, 90.0], games })
}

/// Seeds whose medians are reported.
const SEEDS: usize = 5;

fn run(setting: &Setting, test: &Test) -> Result<Outcome> {
    let runs = per_seeds(setting, SEEDS, |seed| {
        test.games.par_iter().map(|game| train(test, game, seed, setting.quick)).collect::<Result<Vec<_>>>()
    })?;
    let mut report = Report::new(
        &format!("The mode test: {}", test.name),
        "Generative adversarial networks as contrastive samplers of an energy",
    );
    pictures::show(&mut report, test, &runs);
    let config = &test.games[0].config;
    let notes = vec![
        format!(
            "Medians over {SEEDS} seeds; {SAMPLES} samples of the averaged generator; high quality is within 3σ of a mode (of the mixture \
             itself 98.9 % are), covered is a mode with at least one such sample; reverse KL of the shares nearest to each mode from equal \
             shares, in nats."
        ),
        format!(
            "Every network has hidden layers of 128 units, z is of {} dimensions, batches of {}; Adam with rates that fall to 0. Settings were \
             chosen on seed 10, some on 11 too; the last for hinge and, on the grid, for the Wasserstein losses on none.",
            config.latent, config.batch
        ),
        "Modes lost: the most that the playing generator covered at one of 20 looks, less what it covers at the end. Swing: the \
         deviation between neighbouring means over 20 steps of the critic's loss, in the middle third of the training; the losses have units of their \
         own."
            .into(),
    ];
    Ok(Outcome { rows: rows(test, &runs), report, notes })
}

fn train(test: &Test, game: &Game, seed: u64, quick: bool) -> Result<Run> {
    let started = std::time::Instant::now();
    let mut config = game.config.clone();
    if quick {
        config.steps = 100;
    }
    let (modes, unit) = test.modes.normalised();
    let rng = &mut Rng::seed_from_u64(seed);
    // Looking must not change what is learned.
    let eyes = &mut Rng::seed_from_u64(!seed);
    let mut gan = Gan::new(&config, (2, 0), rng)?;
    let (mut losses, mut strip, mut covered) = (Duel::new(WINDOW), Vec::new(), Vec::new());
    let every = config.steps / LOOKS;
    gan.train(
        |n, rng| (modes.draw(n, rng), None),
        rng,
        |step, gan, now| {
            losses.add(now);
            if (step + 1) % every == 0 {
                covered.push(modes.judge(&gan.generator.draw(SAMPLES, None, eyes)).covered);
                strip.push(gan.averaged.draw(600, None, eyes) * unit);
            }
        },
    )?;
    let quality = modes.judge(&gan.averaged.draw(SAMPLES, None, eyes));
    let last = covered.last().copied().unwrap_or(0);
    let lost = (covered.iter().copied().max().unwrap_or(0) - last) as f64;
    let means = &losses.means;
    let middle = &means[means.len() / 3..2 * means.len() / 3];
    let jumps = middle.windows(2).map(|pair| f64::from(pair[1].critic - pair[0].critic).powi(2));
    let swing = (jumps.sum::<f64>() / middle.len().saturating_sub(1).max(1) as f64).sqrt();
    let strip = DRAWN.iter().filter_map(|&look| strip.get(look).cloned()).collect();
    let seconds = started.elapsed().as_secs_f64();
    eprintln!(
        "  {} {}, seed {seed}: {seconds:.0} s, {} modes, {:.1} % of high quality, reverse KL {:.3}",
        test.name,
        game.name,
        quality.covered,
        100.0 * quality.high,
        quality.divergence
    );
    Ok(Run { quality, lost, swing, losses, strip })
}

fn rows(test: &Test, runs: &[Vec<Run>]) -> Vec<Row> {
    let mut rows = Vec::new();
    for (i, game) in test.games.iter().enumerate() {
        let middle =
            |value: &dyn Fn(&Run) -> f64| median(&runs.iter().map(|run| value(&run[i])).collect::<Vec<_>>());
        let what = |what: &str| format!("{}: {what}", game.name);
        let headline = |row: Row, k: usize| {
            let row = row.beside(test.published[k], "PacGAN4");
            if game.best { row.at_least(test.bounds[k]) } else { row }
        };
        let covered = Row::new(what("modes covered"), middle(&|r| r.quality.covered as f64), "");
        let high = Row::new(what("of high quality"), middle(&|r| 100.0 * r.quality.high), "%");
        rows.extend([
            headline(covered, 0),
            headline(high, 1),
            Row::new(what("reverse KL"), middle(&|r| r.quality.divergence), "nats"),
            Row::new(what("modes lost on the way"), middle(&|r| r.lost), ""),
            Row::new(what("swing of the critic's loss"), middle(&|r| r.swing), ""),
        ]);
    }
    rows
}
