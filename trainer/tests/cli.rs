//! The command line as its users meet it: what it writes, what it says when something is wrong, and how it exits.

mod command;

use command::{complaint, forethought, forethought_with};
use std::{
    fs,
    path::{Path, PathBuf},
    sync::OnceLock,
};

/// An agent trained for a moment: good for nothing but to be read and run.
fn artifact() -> &'static Path {
    static ARTIFACT: OnceLock<PathBuf> = OnceLock::new();
    ARTIFACT.get_or_init(|| {
        let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join("agent");
        let config = Path::new(env!("CARGO_TARGET_TMPDIR")).join("short.toml");
        let settings = "[recording]\nepisodes = 10\n[encoder]\nsteps = 50\n[model]\none_step = 50\nmulti_step = 20\n\
                        [policy]\nsteps = 20\n[distillation]\nsteps = 5\n";
        fs::write(&config, settings).expect("a folder to write to");
        let (out, config) = (out.to_str().expect("UTF-8"), config.to_str().expect("UTF-8"));
        let output =
            forethought(&["train", "pendulum", "--config", config, "--out", out, "--episodes", "2", "--seed", "7"]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Path::new(out).join("agent.fth")
    })
}

fn artifact_name() -> &'static str {
    artifact().to_str().expect("UTF-8")
}

#[test]
fn training_leaves_artifact_report_and_settings() {
    let folder = artifact().parent().expect("a folder");
    let mut names: Vec<_> =
        fs::read_dir(folder).expect("the folder").map(|e| e.expect("entry").file_name()).collect();
    names.sort();
    assert_eq!(names, ["agent.fth", "config.toml", "report.html", "tracker.fth"]);
}

#[test]
fn the_written_settings_can_be_read_again() {
    let settings = fs::read_to_string(artifact().with_file_name("config.toml")).expect("settings");
    let config: forethought_trainer::tasks::pendulum::Config =
        toml::from_str(&settings).expect("valid settings");
    assert_eq!(config.encoder.steps, 50);
}

#[test]
fn eval_prints_json_on_stdout() {
    let output = forethought(&["eval", artifact_name(), "--episodes", "2", "--json"]);
    assert!(output.status.success());
    let object: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(object["episodes"], 2);
    assert_eq!(object["rows"].as_array().expect("rows").len(), 4);
}

#[test]
fn eval_check_fails_for_an_agent_that_cannot_fly() {
    let output = forethought(&["eval", artifact_name(), "--episodes", "2", "--check"]);
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn inspect_lists_tensors_and_memory() {
    let output = forethought(&["inspect", artifact_name()]);
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    for part in ["perceive.w_e", "predict.w_h", "policy.w_o", "value.table", "64×256", "RAM: "] {
        assert!(text.contains(part), "{part} is missing in {text}");
    }
}

#[test]
fn act_answers_every_line_and_survives_nonsense() {
    let input = "{\"state\": [1, 0, 0]}\nnonsense\n{\"state\": [1]}\n{\"state\": [1, null, 0]}\n{\"observation\": [0.5]}\n{}\n\
                 {\"reset\": true}\n\n{\"reset\": true, \"state\": [3.1, -0.5]}\n";
    let output = forethought_with(&["act", artifact_name(), "--mode", "policy"], input);
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let lines: Vec<serde_json::Value> =
        text.lines().map(|l| serde_json::from_str(l).expect("JSON")).collect();
    let error = |i: usize| lines[i]["error"].as_str().unwrap_or("");
    assert_eq!(lines.len(), 8, "{text}");
    assert!(lines[0]["action"][0].is_number() && error(0).is_empty());
    assert!(error(1).contains("must be a JSON object") && lines[1]["action"].is_null());
    assert!(error(2).contains("has 1 values"));
    assert!(error(3).contains("value 1") && lines[3]["action"][0] == 0.0);
    assert!(error(4).contains("the agent needs 256") && lines[4]["action"][0] == 0.0);
    assert!(error(5).contains("missing") && lines[5]["action"][0] == 0.0);
    assert_eq!(lines[6], serde_json::json!({}));
    assert!(lines[7]["action"][0].is_number() && error(7).is_empty());
}

#[test]
fn bad_input_gets_one_sentence() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let file = |name: &str, content: &[u8]| {
        let path = folder.join(name);
        fs::write(&path, content).expect("a folder to write to");
        path.to_str().expect("UTF-8").to_owned()
    };
    let says = |args: &[&str], parts: &[&str]| {
        let text = complaint(args);
        for part in parts {
            assert!(text.contains(part), "`{part}` is missing in: {text}");
        }
    };
    says(&["eval", "nowhere.fth"], &["nowhere.fth", "cannot read"]);
    says(
        &["eval", &file("plain.fth", b"this is a text of some length")],
        &["plain.fth", "not a Forethought weight file"],
    );
    let mut bytes = fs::read(artifact()).expect("an artifact");
    says(&["inspect", &file("cut.fth", &bytes[..1000])], &["cut.fth", "1000 are there"]);
    bytes[5000] ^= 1;
    says(&["inspect", &file("flipped.fth", &bytes)], &["flipped.fth", "damaged"]);
    says(&["train", "juggling"], &["juggling", "pendulum"]);
    says(&["train", "pendulum", "--data", "nowhere.csv"], &["nowhere.csv", "cannot open"]);
    let toml = file("wrong.toml", b"[encoder]\nunit = 3\n");
    let text =
        String::from_utf8(forethought(&["train", "pendulum", "--config", &toml]).stderr).expect("UTF-8");
    assert!(text.contains("wrong.toml") && text.contains("unit"), "{text}");
    let toml = file("zero.toml", b"[planner]\nhorizon = 0\n");
    says(&["train", "pendulum", "--config", &toml], &["planner.horizon"]);
    let log = |name: &str, rows: &str| {
        file(name, format!("episode,s0,s1,s2,a0,next_s0,next_s1,next_s2\n{rows}").as_bytes())
    };
    says(&["train", "pendulum", "--data", &log("empty.csv", "")], &["empty.csv", "no transition"]);
    says(
        &["train", "pendulum", "--data", &log("nan.csv", "0,1,0,NaN,0,1,0,0\n")],
        &["line 2", "s2", "not finite"],
    );
    says(&["train", "pendulum", "--data", &log("word.csv", "0,1,0,x,0,1,0,0\n")], &["line 2", "s2", "`x`"]);
    says(&["train", "pendulum", "--data", &log("one.csv", "0,1,0,0,0,1,0,0\n")], &["one episode"]);
    says(
        &["train", "pendulum", "--data", &log("short.csv", "0,1,0,0,0,1,0,0\n1,1,0,0,0,1,0,0\n")],
        &["window"],
    );
    says(
        &["train", "pendulum", "--data", &file("column.csv", b"episode,s0\n0,1\n")],
        &["column.csv", "`s1`"],
    );
    says(&["hil", artifact_name(), "--device", "qemu:toaster"], &["toaster", "mps2-an386"]);
    says(&["hil", artifact_name(), "--device", "serial:/nowhere"], &["/nowhere"]);
    says(&["bench", "toaster"], &["toaster", "mps2-an386"]);
    says(&["run", &file("no.elf", b"not an ELF")], &["no.elf"]);
}
