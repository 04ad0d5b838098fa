//! `forethought reproduce`: a claim of the lecture or of a paper, measured again.

use super::answer;
use crate::{
    export::write_file,
    reproduce::{EXPERIMENTS, Experiment, Setting, record},
    results::Results,
};
use anyhow::{Context, Result};
use std::{path::PathBuf, process::ExitCode, time::Instant};

/// Measures a published result again.
#[derive(Debug, clap::Args)]
#[command(after_help = list())]
pub struct Args {
    /// The experiment, or `all`.
    name: String,
    /// The folder of the data sets; what is not there is replaced by generated data, where that makes sense.
    #[arg(long, value_name = "DIR", default_value = "../shared/data")]
    data: PathBuf,
    /// The first seed of everything that is random.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// A short run that shows that everything works; its numbers claim nothing.
    #[arg(long)]
    quick: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    /// Folder for the report and the numbers of each experiment.
    #[arg(long, value_name = "DIR", default_value = "out/reproduce")]
    out: PathBuf,
    /// The file in which a full run replaces the experiment's section.
    #[arg(long, value_name = "FILE", default_value = "RESULTS.md")]
    results: PathBuf,
}

fn list() -> String {
    let lines = EXPERIMENTS.iter().map(|e| format!("\n  {:<22} {}", e.name, e.about));
    "Experiments:".to_owned() + &lines.collect::<String>()
}

impl Args {
    pub(super) fn run(self) -> Result<ExitCode> {
        let chosen = if self.name == "all" {
            EXPERIMENTS
        } else {
            std::slice::from_ref(Experiment::named(&self.name)?)
        };
        let mut hold = true;
        for experiment in chosen {
            let failed = || format!("reproduce {}", experiment.name);
            hold &= self.one(experiment).with_context(failed)?;
        }
        Ok(if hold { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    /// Runs one experiment and says whether its bounds hold. Those of a quick run are shown but not demanded.
    fn one(&self, experiment: &Experiment) -> Result<bool> {
        let started = Instant::now();
        eprintln!("{}: {}", experiment.name, experiment.about);
        let (data, out) = (self.data.clone(), self.out.clone());
        let setting = Setting { data, seed: self.seed, out, quick: self.quick };
        let outcome = (experiment.run)(&setting)?;
        let seconds = started.elapsed().as_secs_f64();
        let name = experiment.name.to_owned();
        let results = Results { name, seed: self.seed, seconds, rows: outcome.rows.clone() };
        let json = serde_json::to_string(&results)? + "\n";
        let file = |ending| self.out.join(format!("{}.{ending}", experiment.name));
        write_file(&file("html"), outcome.report.finish().as_bytes())?;
        write_file(&file("json"), json.as_bytes())?;
        if !self.quick {
            record(&self.results, experiment, &results, &outcome)?;
        }
        answer(&if self.json { json } else { results.table() })?;
        outcome.notes.iter().for_each(|note| eprintln!("  {note}"));
        eprintln!("  {:.1} minutes; pictures in {}", seconds / 60.0, file("html").display());
        Ok(results.hold() || self.quick)
    }
}
