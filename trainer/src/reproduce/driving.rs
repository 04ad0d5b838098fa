//! Driving in dense traffic: policies trained through a learned stochastic model of the neighbours, and what each part of
//! that is good for.

mod road;

use super::{Outcome, Setting, median, per_seed};
use crate::{
    export::{WeightFile, write_file},
    policy::{Policy, driving},
    predict::neighbours::{Config, Neighbours, Windows},
    report::{
        Report,
        plot::{Axis, Plot, Series},
    },
    results::Row,
    worlds::{
        Rng, World,
        traffic::{self, driving::Driving},
    },
};
use anyhow::Result;
use rand::SeedableRng;
use road::{Drive, Driver};

/// Episodes of simulated traffic that models are learned from.
const EPISODES: usize = 60;
/// Drives of each policy, in traffic that nothing was learned from: drivers who rarely err cannot be told apart by few.
const DRIVES: usize = 2000;
/// Success of the paper's policy in its recorded traffic.
const PAPER: f64 = 74.8;

/// One seed: what every driver did, and how models answer to the action.
struct Trained {
    drives: Vec<(&'static str, Drive)>,
    /// Of the whole method.
    driver: WeightFile,
    errors: [f64; 3],
    answers: [f64; 3],
}

pub(super) fn run(setting: &Setting) -> Result<Outcome> {
    let (config, how) = settings(setting.quick);
    let runs = per_seed(setting, |seed| train(&config, &how, setting.quick, seed))?;
    let middle = |value: &dyn Fn(&Trained) -> f64| median(&runs.iter().map(value).collect::<Vec<_>>());
    let mut rows = Vec::new();
    let models = ["deterministic", "stochastic with z-dropout", "stochastic without"];
    for (i, name) in models.iter().enumerate() {
        rows.push(Row::new(
            format!("error after 4 s, {name} model"),
            middle(&|run| run.errors[i]),
            "of constant speeds",
        ));
        rows.push(Row::new(
            format!("answer of the speed to an acceleration, {name} model"),
            middle(&|run| run.answers[i]),
            "% of the true",
        ));
    }
    let names: Vec<_> = runs[0].drives.iter().map(|(name, _)| *name).collect();
    let good = |i: usize| middle(&|run| 100.0 * run.drives[i].1.good());
    let others: Vec<_> =
        (0..names.len()).filter(|&i| names[i] != FULL && names[i] != EXPERTS).map(good).collect();
    for (i, &name) in names.iter().enumerate() {
        let row = Row::new(format!("{name}: good drives"), good(i), "%");
        let row = if name == FULL {
            let best = others.iter().copied().fold(90.0, f64::max);
            row.beside(PAPER, "MPUR in I-80").at_least(best)
        } else {
            row
        };
        rows.push(row);
        rows.push(Row::new(
            format!("{name}: standard error"),
            middle(&|run| 100.0 * run.drives[i].1.error()),
            "%",
        ));
        rows.push(Row::new(
            format!("{name}: no collision, on the road"),
            middle(&|run| 100.0 * run.drives[i].1.safe()),
            "% of the drives",
        ));
        rows.push(Row::new(format!("{name}: distance"), middle(&|run| run.drives[i].1.distance()), "m"));
    }
    let notes = vec![
        format!(
            "Models are learned from {EPISODES} episodes of the native highway; {} drives of {} s of each policy in other episodes, \
             the same for all, in the midst of the platoon; medians of {} seeds. A drive ends at a collision or beyond the \
             edge of the road; its distance counts until then. A drive is good if it does not end early and comes at least half as far \
             as the simulator's own driver in the same traffic: as in the paper, where a car has to reach the end of the road. Else \
             whoever brakes and stands would be best.",
            drives(setting.quick),
            Driving::default().episode() as f64 * traffic::DT,
            runs.len(),
        ),
        "What a driver watches is no picture but places and speeds of the nearest cars, and the model is learned on that: latent, \
         with z-dropout. Its own car's speed and heading are learned as well."
            .into(),
        "The cost has no goal and no speed: what keeps a car going is who comes from behind, and the uncertainty cost, as nobody \
         of the data brakes on an open road. Range of the brakes, horizon, surprise, λ and κ were chosen on seeds 100 to 102 and other drives. \
         All trained drivers act as exported files, by the kernels of the chip; the first seed's is left as driver.fth."
            .into(),
    ];
    let mut report =
        Report::new("Driving in dense traffic", "Henaff, Canziani & LeCun, ICLR 2019, on the native highway");
    let colours = runs[0].drives.iter().fold(
        Plot::new(Axis::linear("time (s)"), Axis::linear("drives that go on (%)").range(0.0, 102.0)),
        |plot, (name, drive)| plot.with(Series::line(name, drive.survival())),
    );
    report
        .section("Drives")
        .figure("How many drives go on without a collision and on the road, of the first seed.", colours);
    write_file(&setting.out.join("driving/driver.fth"), runs[0].driver.bytes())?;
    Ok(Outcome { rows, report, notes })
}

const EXPERTS: &str = "the simulator's drivers";
const FULL: &str = "full";

const fn drives(quick: bool) -> usize {
    if quick { DRIVES / 40 } else { DRIVES }
}

fn settings(quick: bool) -> (Config, driving::Config) {
    if quick {
        let config = Config { deterministic: 40, stochastic: 40, batch: 16, ..Config::default() };
        (config, driving::Config { steps: 20, batch: 8, ..driving::Config::default() })
    } else {
        (Config::default(), driving::Config::default())
    }
}

fn train(config: &Config, how: &driving::Config, quick: bool, seed: u64) -> Result<Trained> {
    let rng = &mut Rng::seed_from_u64(seed);
    let recordings = traffic::Highway::new(traffic::Config::default())
        .record(if quick { EPISODES / 10 } else { EPISODES }, rng);
    // The last sixth is for the models' own errors.
    let (known, kept) = recordings.split_at(recordings.len() - (recordings.len() / 6).max(1));
    let (windows, kept) = (Windows::new(known, config.horizon)?, Windows::new(kept, config.horizon)?);
    let mut plain = Neighbours::new(config, recordings[0].road, windows.scales(rng), rng);
    plain.train_deterministic(&windows, rng, |_| ())?;
    let stochastic = |z_dropout| -> Result<Neighbours> {
        let mut model = plain.clone();
        model.train_stochastic(&windows, z_dropout, &mut Rng::seed_from_u64(seed), |_| ())?;
        Ok(model)
    };
    let (model, trusting) = (stochastic(config.z_dropout)?, stochastic(0.0)?);
    let batch = kept.draw(500, rng);
    let looks = [(&plain, false), (&model, true), (&trusting, true)];
    let error =
        |(model, drawn): (&Neighbours, bool)| model.error(&batch, drawn, &mut Rng::seed_from_u64(seed));
    let answer =
        |(model, drawn): (&Neighbours, bool)| model.answer(&batch, drawn, &mut Rng::seed_from_u64(seed));

    let count = drives(quick);
    let experts = road::drive(count, Driver::Expert, None)?;
    let nobody = road::drive(count, Driver::Nobody, Some(&experts))?;
    let test = |policy: &Policy, how: &driving::Config| -> Result<(Drive, WeightFile)> {
        let file = driving::export(policy, how, seed)?;
        Ok((road::drive(count, Driver::Mind(&file), Some(&experts))?, file))
    };
    let mut policy = driving::driver(how, &model, &mut Rng::seed_from_u64(seed));
    driving::imitate(&mut policy, how, &windows, rng)?;
    let (imitation, mut driver) = test(&policy, how)?;
    let mut drives = vec![("no action", nobody), ("imitation", imitation)];
    let variants = [
        ("deterministic model", &plain, driving::Config { stochastic: false, ..how.clone() }),
        ("without z-dropout", &trusting, how.clone()),
        ("without uncertainty cost", &model, driving::Config { uncertainty: 0.0, ..how.clone() }),
        (FULL, &model, how.clone()),
    ];
    for (name, model, how) in variants {
        // The same start and the same draws for all.
        let rng = &mut Rng::seed_from_u64(seed);
        let mut policy = driving::driver(&how, model, rng);
        driving::train(&mut policy, &how, model, &windows, rng, |_, _, _| ())?;
        let (drive, file) = test(&policy, &how)?;
        drives.push((name, drive));
        // The last one is the whole method's.
        driver = file;
    }
    drives.insert(0, (EXPERTS, experts));
    let told: Vec<_> =
        drives.iter().map(|(name, drive)| format!("{name} {:.1} %", 100.0 * drive.good())).collect();
    eprintln!("  seed {seed}: {}", told.join(", "));
    Ok(Trained { drives, driver, errors: looks.map(error), answers: looks.map(answer) })
}
