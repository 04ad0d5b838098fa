//! `forethought train my.toml` of an energy: what it leaves behind, and one clear sentence for whatever is wrong with the user's
//! data and settings.

mod command;

use command::{complaint, forethought, forethought_with};
use std::{fmt::Write, fs, path::Path};
use tempfile::TempDir;

/// A folder for a task and its data.
struct Room(TempDir);

impl Room {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    /// Writes a file and gives its path.
    fn file(&self, name: &str, text: &str) -> String {
        let path = self.0.path().join(name);
        fs::write(&path, text).expect("a folder to write to");
        path.to_str().expect("UTF-8").to_owned()
    }

    fn out(&self) -> String {
        self.0.path().join("out").to_str().expect("UTF-8").to_owned()
    }

    /// What is said of a task that trains.
    fn trains(&self, task: &str) -> String {
        let output = forethought(&["train", &self.file("anomaly.toml", task), "--out", &self.out()]);
        let said = String::from_utf8(output.stderr).expect("UTF-8");
        assert!(output.status.success(), "{said}");
        for file in ["sentinel.fth", "report.html", "config.toml"] {
            assert!(Path::new(&self.out()).join(file).exists(), "{file} is missing");
        }
        said
    }

    /// The one sentence about a task, which must contain all `parts`.
    fn says(&self, task: &str, parts: &[&str]) {
        let text = complaint(&["train", &self.file("anomaly.toml", task), "--out", &self.out()]);
        for part in parts {
            assert!(text.contains(part), "`{part}` is missing in: {text}");
        }
        assert!(!Path::new(&self.out()).exists(), "nothing is left behind");
    }
}

/// Rows of three sensors with units of their own: a temperature, a pressure that follows it, and a current. The pressure of a `broken`
/// machine does not follow.
fn rows(n: usize, broken: bool) -> String {
    let mut table = "temperature,pressure,current\n".to_owned();
    for i in 0..n {
        let phase = 0.37 * i as f64;
        let warmth = phase.sin();
        let follows = if broken { (1.7 * phase).cos() } else { warmth };
        let ripple = 0.02 * (13.0 * phase).sin();
        writeln!(
            table,
            "{:.4},{:.1},{:.6}",
            60.0 + 8.0 * warmth,
            101_000.0 + 900.0 * (follows + ripple),
            0.002 * warmth
        )
        .expect("text");
    }
    table
}

const TASK: &str = "[data]\nkind = \"signals\"\npath = \"healthy.csv\"\nheld_out = 0.3\n\
                    [watch]\nrate = 0.01\nstrange = \"faulty.csv\"\n";

/// The last number in the line that contains `what`.
fn value(said: &str, what: &str) -> f64 {
    let line = said.lines().find(|line| line.contains(what)).unwrap_or_else(|| panic!("{what}: {said}"));
    line.split_whitespace().last().and_then(|v| v.parse().ok()).unwrap_or_else(|| panic!("{line}"))
}

#[test]
fn every_method_notices_sensors_that_do_not_fit_each_other() {
    for energy in [
        "method = \"principal\"\ncomponents = 1",
        "method = \"narrow\"\nhidden = 12\ncode = 1\nsteps = 800",
        "method = \"denoising\"\nhidden = 16\nsteps = 800\nnoise = [0.1, 1.0]",
        "method = \"score\"\nhidden = 32\nsteps = 2000\nnoise = [0.05, 1.0]",
    ] {
        let room = Room::new();
        room.file("healthy.csv", &rows(3000, false));
        room.file("faulty.csv", &rows(400, true));
        let said = room.trains(&format!("{TASK}[energy]\n{energy}\n"));
        assert!(value(&said, "area under the curve") > 0.9, "{energy}: {said}");
        assert!(said.contains("false alarms on samples that had no part"), "{said}");

        // What was exported judges raw values.
        let weights = Path::new(&room.out()).join("sentinel.fth");
        let weights = weights.to_str().expect("UTF-8");
        let asked = "{\"observation\": [60, 101000, 0]}\n{\"observation\": [67, 100300, 0.00175]}\n";
        let answer = forethought_with(&["act", weights], asked);
        let answer = String::from_utf8(answer.stdout).expect("UTF-8");
        let verdicts: Vec<_> = answer.lines().collect();
        assert!(
            verdicts[0].contains("\"familiar\"") && verdicts[1].contains("\"strange\""),
            "{energy}: {answer}"
        );
    }
}

/// Windows of one long signal, with what is healthy about each of them.
#[test]
fn windows_of_a_signal_are_judged_and_brought_nearer() {
    let room = Room::new();
    let signal = |wrong: f64| {
        let values = (0..4000).map(|t| {
            let t = f64::from(t);
            format!("{:.4}", 0.5 * (0.3 * t).sin() + wrong * (2.1 * t).sin() + 0.01 * (7.7 * t).sin())
        });
        values.collect::<Vec<_>>().join(",")
    };
    room.file("healthy.csv", &signal(0.0));
    room.file("faulty.csv", &signal(0.3));
    for energy in [
        "method = \"score\"\nhidden = 24\nsteps = 600",
        "method = \"sparse\"\natoms = 16\nsteps = 400\nprice = 0.05",
    ] {
        let said = room.trains(&format!(
            "[data]\nkind = \"signals\"\npath = \"healthy.csv\"\npatch = 12\npatches = 4000\nheld_out = 0.2\n\
             [watch]\nrate = 0.01\nstrange = \"faulty.csv\"\ndescend = {{ steps = 1, rate = 1.0 }}\n[energy]\n{energy}\n"
        ));
        assert!(value(&said, "area under the curve") > 0.9, "{energy}: {said}");
        assert!(said.contains("warning") && said.contains("room for 33"), "{said}");
        let weights = Path::new(&room.out()).join("sentinel.fth");
        let window: Vec<_> = (0..12).map(|t| format!("{:.3}", 0.5 * (0.3 * f64::from(t)).sin())).collect();
        let asked = format!("{{\"observation\": [{}]}}\n", window.join(","));
        let answer = forethought_with(&["act", weights.to_str().expect("UTF-8")], &asked);
        let answer = String::from_utf8(answer.stdout).expect("UTF-8");
        assert!(answer.contains("\"familiar\"") && answer.contains("\"nearest\""), "{energy}: {answer}");
    }
}

#[test]
fn one_clear_sentence_for_whatever_is_wrong() {
    let room = Room::new();
    room.file("healthy.csv", &rows(300, false));
    room.file("faulty.csv", "1,2\n3,4\n");
    let task = |data: &str, energy: &str, watch: &str| {
        format!(
            "[data]\nkind = \"signals\"\npath = \"healthy.csv\"\n{data}\n[energy]\n{energy}\n[watch]\n{watch}\n"
        )
    };
    let quick = "method = \"principal\"\ncomponents = 1";
    room.says(
        &task("", quick, ""),
        &["15 held-out samples", "one healthy sample in 1000", "watch.rate to 0.07"],
    );
    room.says(
        &task("", "method = \"principal\"\ncomponents = 3", "rate = 0.1"),
        &["energy.components", "less than the 3"],
    );
    room.says(&task("", "method = \"magic\"", ""), &["anomaly.toml", "magic", "principal"]);
    room.says(&task("", "method = \"score\"\nnoise = [1.0, 0.1]", ""), &["energy.noise", "smaller first"]);
    room.says(&task("", "method = \"narrow\"\ncode = 0", ""), &["energy.code", "at least 1"]);
    room.says(&task("", quick, "rate = 0"), &["watch.rate", "between 0 and 1"]);
    room.says(&task("", quick, "rate = 0.1\npatience = 0"), &["watch.patience"]);
    room.says(&task("", quick, "rate = 0.1\nstrange = \"faulty.csv\""), &["2 numbers", "a healthy one 3"]);
    room.says(&task("", quick, "rate = 0.1\nstrange = \"none.csv\""), &["none.csv"]);
    room.says(
        &task("", quick, "rate = 0.1\ndescend = { steps = 1, rate = 1.0 }"),
        &["watch.descend", "one unit"],
    );
    room.says(&task("", "method = \"sparse\"\nsteps = 2", "rate = 0.1"), &["sparse coding", "one unit"]);
    room.says(&task("preprocess = \"mean\"", quick, ""), &["data.preprocess", "standard units"]);
    room.says(&task("labels = \"l.csv\"", quick, ""), &["data.labels", "watch.strange"]);
    room.says(&task("patch = 9", quick, ""), &["windows of 9 values", "signals of 3"]);
    room.file("healthy.csv", &"1,2,3\n".repeat(300));
    room.says(&task("", quick, "rate = 0.1"), &["all samples", "the same"]);
}
