//! `forethought train my.toml` of a plant's log: what it leaves behind, and one clear sentence for whatever is wrong with the
//! user's log and settings.

mod command;

use command::{complaint, forethought};
use forethought::agent::{Mode, Reading};
use forethought_trainer::{export::WeightFile, mind};
use std::{fmt::Write, fs};
use tempfile::TempDir;

const TASK: &str = r#"
[data]
path = "log.csv"
episode = "run"
time = "t"

[[state]]
column = "angle"
unit = "rad"
angle = true
low = -3.2
high = 3.2

[[state]]
column = "speed"
unit = "rad/s"
low = -9
high = 9

[[action]]
column = "torque"
unit = "N m"
low = -2
high = 2

[model]
hidden = 8
one_step = 60
multi_step = 10
window = 4
batch = 32
"#;

/// A log of a pendulum that is pushed about.
fn log(episodes: usize) -> String {
    let mut text = "run,t,angle,speed,torque\n".to_owned();
    for run in 0..episodes {
        let (mut angle, mut speed) = (3.0 - 0.4 * run as f64, 0.5_f64);
        for step in 0..30 {
            let torque = 2.0 * (0.7 * (step + 3 * run) as f64).sin();
            let shown =
                (angle + std::f64::consts::PI).rem_euclid(std::f64::consts::TAU) - std::f64::consts::PI;
            writeln!(text, "{run},{:.2},{shown:.5},{speed:.5},{torque:.5}", 0.05 * step as f64)
                .expect("text");
            speed = (speed + 0.05 * (15.0 * angle.sin() + 3.0 * torque)).clamp(-8.0, 8.0);
            angle += 0.05 * speed;
        }
    }
    text
}

/// A folder with a task and its log.
struct Room(TempDir);

impl Room {
    fn new(task: &str, log: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("my.toml"), task).expect("written");
        fs::write(folder.path().join("log.csv"), log).expect("written");
        Self(folder)
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().expect("UTF-8").to_owned()
    }
}

/// The one sentence about a task and a log, which must contain all `parts`.
fn says(task: &str, log: &str, parts: &[&str]) {
    says_with(&[], task, log, parts);
}

/// The same with more on the command line.
fn says_with(more: &[&str], task: &str, log: &str, parts: &[&str]) {
    let room = Room::new(task, log);
    let (task, out) = (room.path("my.toml"), room.path("out"));
    let text = complaint(&[&["train", &task, "--out", &out], more].concat());
    for part in parts {
        assert!(text.contains(part), "`{part}` is missing in: {text}");
    }
    assert!(!room.0.path().join("out").exists(), "nothing is left behind");
}

/// The log with line `line` replaced.
fn with_line(line: usize, text: &str) -> String {
    let log = log(12);
    let mut lines: Vec<_> = log.lines().collect();
    lines[line - 1] = text;
    lines.join("\n")
}

#[test]
fn a_model_of_ones_own_plant() {
    for physics in ["", "[physics]\nplant = \"pendulum\"\nconstants = [14, 3.2, 8, 0.05]\n"] {
        let room = Room::new(&format!("{TASK}{physics}"), &log(12));
        let output = forethought(&["train", &room.path("my.toml"), "--out", &room.path("out")]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let file = WeightFile::read(room.path("out/model.fth").as_ref()).expect("a weight file");
        let artifact = file.parse().expect("a good one");
        let next = mind::model(&artifact).expect("a forward model")(&[3.0, 0.0], &[0.0]);
        assert!(next.len() == 2 && next.iter().all(|x| x.is_finite()));
        let report = fs::read_to_string(room.path("out/report.html")).expect("a report");
        assert!(report.contains("Where it has seen data") && report.contains("angle (rad)"));
    }
}

const ACT: &str = r#"
[act]
horizon = 5

[[act.cost]]
column = "angle"
weight = 1

[[act.cost]]
column = "speed"
weight = 0.1

[[act.cost]]
column = "torque"
weight = 0.001

[act.policy]
hidden = 4
steps = 20
batch = 8

[act.distillation]
steps = 5
"#;

#[test]
fn whoever_acts_on_it_is_exported_with_it() {
    let physics = "[physics]\nplant = \"pendulum\"\nconstants = [14, 3.2, 8, 0.05]\n";
    let table = "[act.value]\npoints = [8]\nsteps = [10, 5]\n";
    for (act, known, value, has) in [
        ("plan", "", "", [false, true]),
        ("policy", "", "", [true, false]),
        ("both", "", "", [true, true]),
        ("both", physics, "", [true, true]),
        ("both", "", table, [true, true]),
    ] {
        let room = Room::new(&format!("{TASK}{known}{ACT}{value}"), &log(12));
        let output = forethought(&["train", &room.path("my.toml"), "--act", act, "--out", &room.path("out")]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let file = WeightFile::read(room.path("out/controller.fth").as_ref()).expect("a weight file");
        let artifact = file.parse().expect("a good one");
        assert_eq!(["policy", "value"].map(|part| artifact.has(part)), has, "{act}");
        assert_eq!(artifact.header().has_tensor("value", "table"), !value.is_empty());
        let mut mind = mind::load(&artifact).expect("a mind");
        for mode in [Mode::Plan, Mode::Policy] {
            let (action, _, refused) = mind.step(Reading::State(&[3.0, 0.0]), mode);
            assert!(refused.is_none() && (-2.0..=2.0).contains(&action[0]), "{act}: {action:?}");
        }
        if !has[0] {
            let policy = complaint(&["act", &room.path("out/controller.fth"), "--mode", "policy"]);
            assert!(policy.contains("has no policy, only a planner"), "{policy}");
        }
        let report = fs::read_to_string(room.path("out/report.html")).expect("a report");
        assert!(report.contains("What acts through it") && report.contains("whoever flew for the log"));
    }
}

#[test]
fn a_cautious_one_has_a_model_that_knows_its_doubt_or_its_futures() {
    let doubt = "[act.caution]\ndoubt = 3\nensemble = { steps = 20, members = 2 }\n";
    let futures = "[act.caution]\nfutures = 4\nlatent = { steps = 20 }\n";
    for (caution, tensor, parts) in [(doubt, "doubt", [true, false]), (futures, "futures", [false, true])] {
        let room = Room::new(&format!("{TASK}{ACT}{caution}"), &log(12));
        let output =
            forethought(&["train", &room.path("my.toml"), "--act", "both", "--out", &room.path("out")]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let file = WeightFile::read(room.path("out/controller.fth").as_ref()).expect("a weight file");
        let artifact = file.parse().expect("a good one");
        assert!(artifact.header().has_tensor("cost", tensor));
        assert_eq!(["predict 2", "latent"].map(|part| artifact.has(part)), parts);
        let mut mind = mind::load(&artifact).expect("a mind");
        let (action, _, refused) = mind.step(Reading::State(&[3.0, 0.0]), Mode::Plan);
        assert!(refused.is_none() && (-2.0..=2.0).contains(&action[0]), "{action:?}");
    }
}

#[test]
fn caution_that_makes_no_sense_is_told() {
    let (log, task) = (log(12), format!("{TASK}{ACT}[act.caution]\n"));
    let physics = "[physics]\nplant = \"pendulum\"\nconstants = [14, 3.2, 8, 0.05]\n";
    says(&format!("{task}doubt = -1\n"), &log, &["act.caution.doubt must be a number of at least 0, not -1"]);
    says(&format!("{task}futures = 65\n"), &log, &["act.caution.futures must be at most 64, not 65"]);
    says(&format!("{task}futures = 4\ndoubt = 1\n"), &log, &["both doubt and futures: choose one"]);
    says(&format!("{task}doubt = 1\n{physics}"), &log, &["does not know the equations of [physics]"]);
    let newton = task.replace("horizon = 5", "horizon = 5\nplanner = \"ilqr\"");
    says(&format!("{newton}futures = 4\n"), &log, &["needs act.planner = \"gradient\""]);
    let far = task.replace("horizon = 5", "horizon = 50");
    says(&format!("{far}doubt = 1\n"), &log, &["at most 40 steps of act.horizon, not 50"]);
}

#[test]
fn aims_that_make_no_sense_are_told() {
    let (log, task) = (log(12), format!("{TASK}{ACT}"));
    let act = ["--act", "both"];
    says_with(&act, TASK, &log, &["--act needs a section [act]"]);
    says(&task.replace("horizon = 5", "horizon = 0"), &log, &["act.horizon must be 1 to 128 steps, not 0"]);
    says(
        &task.replace("\"speed\"\nweight = 0.1", "\"rate\"\nweight = 1"),
        &log,
        &["[[act.cost]] names `rate`", "no column"],
    );
    says(&task.replace("weight = 0.1", "weight = -1"), &log, &["`speed`", "at least 0, not -1"]);
    says(&task.replace("weight = 0.1", "weight = 1\ntarget = 20"), &log, &["target 20 is outside -9 to 9"]);
    let more = |price: &str| {
        task.replace("[act.policy]", &format!("[[act.cost]]\n{price}\nweight = 1\n[act.policy]"))
    };
    says(&more("column = \"angle\"\ntarget = 1"), &log, &["`angle` to be 0 and 1 at once", "leave one"]);
    let limit = |side: &str, target: i32| format!("column = \"speed\"\nside = \"{side}\"\ntarget = {target}");
    let limits = more(&format!("{}\nweight = 1\n[[act.cost]]\n{}", limit("below", 4), limit("above", 2)));
    says(&limits, &log, &["`speed` to be at least 4 and at most 2, which nothing is"]);
    says(&more(&limit("below", 3)), &log, &["`speed` to be 0, and pays for it below 3"]);
    says(
        &task.replace("weight = 0.001", "weight = 1\ntarget = 1"),
        &log,
        &["`torque`: it is an action", "nothing else"],
    );
    let idle = task.replace("weight = 1\n", "weight = 0\n").replace("weight = 0.1\n", "weight = 0\n");
    says(&idle, &log, &["nothing is to be achieved"]);
    says(&format!("{task}[act.safe]\ntorque = 3\n"), &log, &["[act.safe]: 3 is outside the -2 to 2"]);
    says(&format!("{task}[act.value]\npoints = [3]\n"), &log, &["act.value.points must be 4 to 1000, not 3"]);
    says(&format!("{task}[act.safe]\nfan = 0\n"), &log, &["[act.safe] names `fan`"]);
    says(
        &task.replace("low = -2\nhigh = 2", "low = 2\nhigh = -2"),
        &log,
        &["column `torque`", "low must be below high"],
    );
    says(
        &task.replace("low = -2\nhigh = 2", "low = 1\nhigh = 2"),
        &log,
        &["say in [act.safe] what `torque` is"],
    );
    assert!(complaint(&["train", "pendulum", "--act", "plan"]).contains("--act is for a task file"));
}

#[test]
fn degrees_become_radians() {
    let task = TASK.replace("\"rad\"", "\"deg\"").replace("3.2", "180");
    let room = Room::new(&task, &log(12));
    let output = forethought(&["train", &room.path("my.toml"), "--out", &room.path("out")]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_log_that_cannot_be_learned_from_is_told_by_its_line() {
    let renamed = log(12).replacen("speed", "velocity", 1);
    says(TASK, &renamed, &["log.csv", "line 1", "no column `speed`", "velocity"]);
    says(
        TASK,
        &with_line(9, "0,0.35,143.2,1,0"),
        &["line 9", "column angle", "143.2", "is the log in degrees?"],
    );
    says(TASK, &with_line(9, "0,0.35,1,170,0"), &["line 9", "column speed", "170 is outside -9 to 9 rad/s"]);
    says(TASK, &with_line(7, "0,0.25,1,NaN,0"), &["line 7", "column speed", "NaN", "remove the row"]);
    says(TASK, &with_line(7, "0,0.25,1,,0"), &["line 7", "column speed", "no number"]);
    says(TASK, &with_line(7, "0,0.25,1,fast,0"), &["line 7", "`fast` is no number"]);
    says(TASK, &with_line(7, "0,0.25,1"), &["line 7", "3 values", "5 columns"]);
    says(TASK, &format!("{}99,0,1,0,0\n", log(12)), &["line 362", "episode 99 has one row"]);
    says(TASK, &with_line(7, "0,0.45,1,0,0"), &["line 7", "the time step is 0.25", "split"]);
    says(TASK, &with_line(7, "0,0.10,1,0,0"), &["line 7", "the time goes from 0.2 to 0.1"]);
    says(TASK, "run,t,angle,speed,torque\n", &["no row"]);
}

#[test]
fn where_rows_are_missing_an_episode_may_begin() {
    let task = TASK.replace("time = \"t\"", "time = \"t\"\ngaps = \"split\"");
    let whole = log(12);
    let with_gap: String =
        whole.lines().enumerate().filter(|(i, _)| *i != 12).map(|(_, line)| format!("{line}\n")).collect();
    let room = Room::new(&task, &with_gap);
    let output = forethought(&["train", &room.path("my.toml"), "--out", &room.path("out")]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    says(TASK, &with_gap, &["line 13", "the time step is 0.1"]);
}

#[test]
fn settings_that_make_no_sense_are_told() {
    let log = log(12);
    says(&TASK.replace("low = -9", "low = 9"), &log, &["column `speed`", "low must be below high"]);
    says(&TASK.replace("\"rad\"", "\"turns\""), &log, &["`angle`", "\"rad\" or \"deg\""]);
    says(&TASK.replace("window = 4", "window = 64"), &log, &["training window of 64 steps"]);
    says(&TASK.replace("hidden = 8", "hidden = 0"), &log, &["model.hidden must be at least 1"]);
    says(&TASK.replace("hidden = 8", "hiden = 8"), &log, &["line 27", "hiden"]);
    let physics = "[physics]\nplant = \"car\"\nconstants = [2.7, 0, 0.1]\n";
    says(&format!("{TASK}{physics}"), &log, &["another state or action"]);
    let physics = "[physics]\nplant = \"pendulum\"\nconstants = [15, 0, 8, 0.05]\n";
    says(&format!("{TASK}{physics}"), &log, &["in [physics]", "must be above 0"]);
}

/// A cart on a track, in whole numbers as a shell has them: millimetres, and force. It is over at the buffers.
#[cfg(unix)]
const WORLD: &str = r#"
while read -r line; do
  over=false
  case "$line" in
    *reset*) seed=${line#*:}; x=$((${seed%?} % 200 * 20 - 2000)); v=0 ;;
    *) u=${line#*[}; u=${u%%]*}; case "$u" in *e*) u=0 ;; esac
       v=$((v * 9 / 10 + ${u%.*})); x=$((x + v / 2)) ;;
  esac
  if [ $x -gt 5000 ] || [ $x -lt -5000 ]; then over=true; fi
  echo "{\"state\": [$x, $v], \"over\": $over}"
done
"#;

#[cfg(unix)]
fn in_a_world(command: &str) -> String {
    format!(
        r#"
[world]
command = {command}
episodes = 12
steps = 30
flights = 3

[[state]]
column = "place"
low = -6000
high = 6000

[[state]]
column = "speed"
low = -1100
high = 1100

[[action]]
column = "force"
low = -100
high = 100

[model]
hidden = 8
one_step = 60
multi_step = 10
window = 4
batch = 32

[act]
horizon = 5

[[act.cost]]
column = "place"
weight = 1e-6

[act.policy]
hidden = 4
steps = 20
batch = 8

[act.distillation]
steps = 10
"#
    )
}

#[cfg(unix)]
#[test]
fn a_world_on_a_pipe_is_practised_in_and_flown_in() {
    let room = Room::new(&in_a_world(r#"["sh", "world.sh"]"#), "");
    fs::write(room.path("world.sh"), WORLD).expect("a program");
    let output = forethought(&["train", &room.path("my.toml"), "--act", "both", "--out", &room.path("out")]);
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}");
    assert!(told.contains("planner, in the world") && told.contains("policy, in the world"), "{told}");
    let report = fs::read_to_string(room.path("out/report.html")).expect("a report");
    assert!(report.contains("planner, in the world"));
}

#[cfg(unix)]
#[test]
fn a_world_that_does_not_answer_as_it_should_is_told() {
    for (program, expected) in [
        ("exit 3", "the world `sh` ended (exit status: 3) instead of answering {\"reset\":"),
        ("echo hello; cat", "line 1 of the world `sh` is `hello`, where {\"state\": [numbers]} is needed"),
        ("echo '{\"state\": [1]}'; cat", "has 1 numbers of state, but there are 2 sections [[state]]"),
        ("echo '{\"state\": [1, 9999]}'; cat", "column speed: 9999 is outside -1100 to 1100"),
    ] {
        let room = Room::new(&in_a_world(r#"["sh", "world.sh"]"#), "");
        fs::write(room.path("world.sh"), program).expect("a program");
        let told = complaint(&["train", &room.path("my.toml"), "--out", &room.path("out")]);
        assert!(told.contains(expected), "{told}");
        assert!(!fs::exists(room.path("out")).expect("a look"), "nothing is left behind");
    }
    let said = |task: &str| complaint(&["train", &Room::new(task, "").path("my.toml")]);
    let told = said(&in_a_world(r#"["no-such-program"]"#));
    assert!(told.contains("cannot start the world `no-such-program`: correct world.command"), "{told}");
    let told = said(&in_a_world("[]"));
    assert!(told.contains("world.command names no program"), "{told}");
    let told = said(&in_a_world(r#"["sh"]"#).replace("steps = 30", "steps = 0"));
    assert!(told.contains("world.steps must be at least 1"), "{told}");
    let told = said(&format!("{TASK}[world]\ncommand = [\"sh\"]\n"));
    assert!(told.contains("there are [data] and [world]: leave"), "{told}");
    let told = said(
        TASK.split_once("[[state]]").map(|(_, rest)| format!("[[state]]{rest}")).expect("a state").as_str(),
    );
    assert!(told.contains("there is no section [data], a log, or [world]"), "{told}");
}
