//! `RESULTS.md`: one table of every number, and below it what a reader must know of each experiment. What an experiment
//! has there is replaced when it runs again.

use super::{EXPERIMENTS, Experiment, Outcome};
use crate::{
    export::write_file,
    report::number,
    results::{Results, Row, significant},
};
use anyhow::{Context, Result};
use std::{collections::BTreeMap, fmt::Write, fs, io::ErrorKind, path::Path};

/// What stands above the table.
const HEAD: &str = "# Results

Every number here was produced by `forethought reproduce` with the name in the first column; none is copied from elsewhere but
those in the column *published or optimal*. Ours are medians over so many seeds; what is *demanded* of them decides whether the
command succeeds. Minutes are those of the whole command on two cores, mostly beside other work. Below the table: what was
counted how.

";

/// The head of the table.
const COLUMNS: &str =
    "| command | what | published or optimal | ours | unit | demanded | holds | seeds | minutes |
|---|---|---:|---:|---|---|---|---:|---:|
";

/// Puts an experiment's rows and notes into the file at `path`, in the place of older ones.
pub fn record(path: &Path, experiment: &Experiment, results: &Results, outcome: &Outcome) -> Result<()> {
    let old = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
    };
    let mut file = File::parse(&old);
    let rows = results.rows.iter().map(|row| line(experiment, results, row)).collect();
    let notes = format!(
        "{}\n{}",
        experiment.about,
        outcome.notes.iter().map(|n| format!("\n{n}\n")).collect::<String>()
    );
    file.parts.insert(File::key(experiment.name), Part { rows, notes });
    write_file(path, file.text().as_bytes())
}

/// What the file holds.
#[derive(Default)]
struct File {
    /// By the place of the experiment among [`EXPERIMENTS`], and its name.
    parts: BTreeMap<(usize, String), Part>,
}

/// What an experiment has in it.
#[derive(Default)]
struct Part {
    /// Lines of the table.
    rows: String,
    /// The section below it, without its heading.
    notes: String,
}

impl File {
    fn key(name: &str) -> (usize, String) {
        let place = EXPERIMENTS.iter().position(|e| e.name == name).unwrap_or(usize::MAX);
        (place, name.to_owned())
    }

    fn parse(text: &str) -> Self {
        let mut file = Self::default();
        let mut sections = text.split("\n## ");
        for line in sections.next().unwrap_or_default().lines() {
            // `| `name` | …` or `| `name --seed 3` | …`.
            let command = line.strip_prefix("| `").and_then(|rest| rest.split('`').next());
            if let Some(name) = command.and_then(|command| command.split(' ').next()) {
                let part = file.parts.entry(Self::key(name)).or_default();
                part.rows += line;
                part.rows += "\n";
            }
        }
        for section in sections {
            let (name, notes) = section.split_once('\n').unwrap_or((section, ""));
            notes.trim_end().clone_into(&mut file.parts.entry(Self::key(name)).or_default().notes);
        }
        file
    }

    fn text(&self) -> String {
        let rows: String = self.parts.values().map(|part| part.rows.as_str()).collect();
        let sections = self.parts.iter();
        let sections: String =
            sections.map(|((_, name), part)| format!("\n## {name}\n{}\n", part.notes.trim_end())).collect();
        format!("{HEAD}{COLUMNS}{rows}{sections}")
    }
}

fn line(experiment: &Experiment, results: &Results, row: &Row) -> String {
    let mut command = format!("`{}", experiment.name);
    if results.seed != 0 {
        write!(command, " --seed {}", results.seed).expect("a string can always grow");
    }
    command.push('`');
    let reference = match (row.reference, row.source) {
        (Some(value), Some(source)) => format!("{} ({source})", significant(value)),
        _ => String::new(),
    };
    let holds = row.holds.map_or("", |holds| if holds { "yes" } else { "**no**" });
    let cells = [
        &command,
        &row.what,
        &reference,
        &significant(row.value),
        row.unit,
        &row.demand(),
        holds,
        &experiment.seeds.to_string(),
        &number(results.seconds / 60.0, 1),
    ]
    .map(|cell| cell.replace('|', "\\|"));
    format!("| {} |\n", cells.join(" | "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Report;

    fn outcome(name: &str, value: f64, note: &str) -> (Results, Outcome) {
        let rows = vec![Row::new("a | b", value, "%").beside(2.0, "someone").at_most(3.0)];
        let results = Results { name: name.into(), seed: 0, seconds: 90.0, rows: rows.clone() };
        (results, Outcome { rows, report: Report::new("", ""), notes: vec![note.into()] })
    }

    #[test]
    fn what_runs_again_takes_the_place_of_what_it_said_before() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("RESULTS.md");
        let [first, second] = [&EXPERIMENTS[0], &EXPERIMENTS[1]];
        let run = |experiment: &Experiment, value, note| {
            let (results, outcome) = outcome(experiment.name, value, note);
            record(&path, experiment, &results, &outcome).expect("written");
            fs::read_to_string(&path).expect("read")
        };
        run(second, 1.0, "what it said first");
        run(first, 1.5, "other");
        let text = run(second, 4.0, "new");
        assert!(text.starts_with(HEAD) && !text.contains("said first"));
        let row = |experiment: &Experiment, value: &str, holds: &str| {
            let Experiment { name, seeds, .. } = experiment;
            format!(
                "| `{name}` | a \\| b | 2.00 (someone) | {value} | % | at most 3 | {holds} | {seeds} | 1.5 |\n"
            )
        };
        assert!(text.contains(&(row(first, "1.50", "yes") + &row(second, "4.00", "**no**"))), "{text}");
        assert!(text.ends_with(&format!("\n## {}\n{}\n\nnew\n", second.name, second.about)), "{text}");
        assert_eq!(run(second, 4.0, "new"), text);
    }
}
