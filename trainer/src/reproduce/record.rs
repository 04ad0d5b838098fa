//! `RESULTS.md`: one section an experiment, replaced when that experiment runs again.

use super::{EXPERIMENTS, Experiment, Outcome};
use crate::{
    export::write_file,
    report::number,
    results::{Results, Row, significant},
};
use anyhow::{Context, Result};
use std::{collections::BTreeMap, fmt::Write, fs, io::ErrorKind, path::Path};

/// What stands above the sections.
const HEAD: &str = "# Results

Every number here was produced by the command above it; none is copied from elsewhere but those in the column
*reference*. Medians over three seeds where training is random.
";

/// Puts an experiment's section into the file at `path`, in the place of an older one.
pub fn record(path: &Path, experiment: &Experiment, results: &Results, outcome: &Outcome) -> Result<()> {
    let old = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
    };
    let new = section(experiment, results, outcome);
    write_file(path, splice(&old, experiment.name, &new).as_bytes())
}

/// The file with one section replaced or added; sections stand in the order of [`EXPERIMENTS`].
fn splice(file: &str, name: &str, section: &str) -> String {
    let place = |name: &str| EXPERIMENTS.iter().position(|e| e.name == name).unwrap_or(usize::MAX);
    let mut sections: BTreeMap<(usize, &str), &str> = file
        .split("\n## ")
        .skip(1)
        .map(|section| {
            let name = section.lines().next().unwrap_or_default();
            ((place(name), name), section.trim_end())
        })
        .collect();
    sections.insert((place(name), name), section.trim_end());
    let body: String = sections.values().map(|section| format!("\n## {section}\n")).collect();
    HEAD.to_owned() + &body
}

/// A section without the signs before its heading.
fn section(experiment: &Experiment, results: &Results, outcome: &Outcome) -> String {
    let Experiment { name, about, .. } = experiment;
    let mut text = format!("{name}\n{about}\n\n`forethought reproduce {name}");
    if results.seed != 0 {
        write!(text, " --seed {}", results.seed).expect("a string can always grow");
    }
    let minutes = number(results.seconds / 60.0, 1);
    write!(text, "`, {minutes} minutes\n\n").expect("a string can always grow");
    text += "| what | value | unit | reference | demanded | holds |\n|---|---:|---|---|---|---|\n";
    text.extend(results.rows.iter().map(line));
    text.extend(outcome.notes.iter().map(|note| format!("\n{note}\n")));
    text
}

fn line(row: &Row) -> String {
    let reference = match (row.reference, row.source) {
        (Some(value), Some(source)) => format!("{} ({source})", significant(value)),
        _ => String::new(),
    };
    let holds = row.holds.map_or("", |holds| if holds { "yes" } else { "**no**" });
    let (value, demand) = (significant(row.value), row.demand());
    let cells =
        [&row.what, &value, row.unit, &reference, &demand, holds].map(|cell| cell.replace('|', "\\|"));
    format!("| {} |\n", cells.join(" | "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_takes_the_place_of_the_older_one() {
        let once = splice("", "b", "b\nold\n");
        let twice = splice(&once, "a", "a\nother\n");
        let file = splice(&twice, "b", "b\nnew\n");
        assert!(file.starts_with(HEAD));
        assert!(file.contains("\n## a\nother\n") && file.contains("\n## b\nnew\n") && !file.contains("old"));
        assert_eq!(splice(&file, "b", "b\nnew\n"), file);
    }
}
