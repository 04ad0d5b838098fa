//! `forethought train my.toml`: what it leaves behind, and one clear sentence for whatever is wrong with the user's data
//! and settings.

mod command;

use command::{complaint, forethought};
use forethought_trainer::{export::WeightFile, mind, tasks::perception::Config};
use image::{GrayImage, Luma};
use std::{fmt::Write, fs};
use tempfile::TempDir;

/// A folder for a task and its data.
struct Room(TempDir);

impl Room {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    /// Writes a file and gives its path.
    fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> String {
        let path = self.0.path().join(name);
        fs::write(&path, bytes).expect("a folder to write to");
        path.to_str().expect("UTF-8").to_owned()
    }

    /// Writes an image of one grey into the folder `photos`.
    fn photo(&self, name: &str, width: u32, height: u32) {
        let folder = self.0.path().join("photos");
        fs::create_dir_all(&folder).expect("a folder");
        let picture = GrayImage::from_fn(width, height, |x, y| Luma([(31 * x + 57 * y) as u8]));
        picture.save(folder.join(name)).expect("written");
    }

    /// The one sentence about a task, which must contain all `parts`.
    fn says(&self, data: &str, encoder: &str, parts: &[&str]) {
        let task = self
            .file("my.toml", format!("[data]\n{data}\n[encoder]\nkind = \"lista\"\nsteps = 2\n{encoder}\n"));
        let out = self.0.path().join("out");
        let text = complaint(&["train", &task, "--out", out.to_str().expect("UTF-8")]);
        for part in parts {
            assert!(text.contains(part), "`{part}` is missing in: {text}");
        }
        assert!(!out.exists(), "nothing is left behind");
    }
}

/// Two bumps a row, which is a class: whether the first is the higher one.
fn bumps(rows: usize) -> (String, String) {
    let (mut table, mut labels) = (String::new(), String::new());
    for i in 0..rows {
        let bump = |t: usize, centre: usize| (-0.3 * (t as f64 - centre as f64).powi(2)).exp();
        let class = i % 2;
        let (a, b) = ([1.0, 0.4][class], [0.4, 1.0][class]);
        let row: Vec<_> = (0..24)
            .map(|t| format!("{:.3}", a * bump(t, i * 7 % 9) + b * bump(t, 12 + i * 5 % 11)))
            .collect();
        writeln!(table, "{}", row.join(",")).expect("text");
        writeln!(labels, "{class}").expect("text");
    }
    (table, labels)
}

/// The percentage in the line that contains `what`.
fn share(said: &str, what: &str) -> Option<f64> {
    let line = said.lines().find(|line| line.contains(what))?;
    line.split_whitespace().nth_back(1)?.parse().ok()
}

/// A big-endian IDX file of bytes.
fn idx(dims: &[u32], bytes: &[u8]) -> Vec<u8> {
    let dims_be: Vec<u8> = dims.iter().flat_map(|d| d.to_be_bytes()).collect();
    [&[0, 0, 8, dims.len() as u8], &dims_be[..], bytes].concat()
}

#[test]
fn the_example_trains_on_signals_and_what_it_exports_runs() {
    let room = Room::new();
    let (table, _) = bumps(400);
    room.file("my-signals.csv", &table);
    let task = room.file("my-signals.toml", include_str!("../examples/my-signals.toml"));
    let out = room.0.path().join("out");
    let output = forethought(&["train", &task, "--out", out.to_str().expect("UTF-8")]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("energy that reconstructions miss"), "{said}");

    let file = WeightFile::read(&out.join("perception.fth")).expect("an artifact");
    let artifact = file.parse().expect("a readable artifact");
    assert_eq!((artifact.sizes().ny(), artifact.sizes().nc(), artifact.sizes().nu()), (24, 32, 32));
    let mut encode = mind::encoder(&artifact).expect("an encoder");
    let signal: Vec<f32> =
        table.lines().next().expect("a row").split(',').map(|v| v.parse().expect("a number")).collect();
    let seen = encode(&signal);
    let missed = seen
        .reconstruction
        .expect("a decoder")
        .iter()
        .zip(&signal)
        .map(|(a, b)| (a - b).powi(2))
        .sum::<f32>();
    let energy = signal.iter().map(|v| v * v).sum::<f32>();
    assert!(missed < 0.1 * energy, "{missed} of {energy} is missed");
    assert!(seen.code.iter().filter(|z| **z > 0.0).count() < 20, "{:?}", seen.code);

    let report = fs::read_to_string(out.join("report.html")).expect("a report");
    assert!(report.contains("The dictionary") && report.contains("How it was trained"));
    // The settings that it leaves behind are a task that trains the same from anywhere.
    let again = room.0.path().join("again");
    let settings = out.join("config.toml");
    let output =
        forethought(&["train", settings.to_str().expect("UTF-8"), "--out", again.to_str().expect("UTF-8")]);
    assert!(output.status.success());
    let file = WeightFile::read(&again.join("perception.fth")).expect("an artifact");
    let artifact = file.parse().expect("a readable artifact");
    let mut encode = mind::encoder(&artifact).expect("an encoder");
    assert_eq!(encode(&signal).code, seen.code, "the same seed gives the same weights");
}

#[test]
fn with_labels_a_classifier_is_exported() {
    let room = Room::new();
    let (table, labels) = bumps(400);
    room.file("table.csv", table);
    room.file("classes.csv", labels);
    let data = "kind = \"signals\"\npath = \"table.csv\"\npreprocess = \"mean\"";
    let drsae = "kind = \"drsae\"\nunits = 40\niterations = 3\npretraining = 3\nepochs = 20";
    let encoders = ["kind = \"lista\"\nunits = 48\nsteps = 800", drsae];
    for encoder in encoders {
        for (labels, outputs) in [("labels = \"classes.csv\"", Some(2)), ("", None)] {
            let task = room.file("task.toml", format!("[data]\n{data}\n{labels}\n[encoder]\n{encoder}\n"));
            let out = room.0.path().join("out");
            let output = forethought(&["train", &task, "--out", out.to_str().expect("UTF-8")]);
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{said}");
            assert!(share(&said, "reconstructions miss").expect("a line") < 30.0, "{said}");
            assert!(share(&said, "wrong class").is_none_or(|wrong| wrong < 10.0), "{said}");
            assert_eq!(share(&said, "wrong class").is_some(), outputs.is_some(), "{said}");
            let file = WeightFile::read(&out.join("perception.fth")).expect("an artifact");
            let sizes = file.parse().expect("a readable artifact").sizes();
            assert_eq!(sizes.nu(), outputs.unwrap_or(sizes.nc()));
        }
    }
}

#[test]
fn an_encoder_that_knows_no_labels_gets_a_classifier_too() {
    let room = Room::new();
    let (table, labels) = bumps(400);
    room.file("table.csv", table);
    room.file("classes.csv", labels);
    let task = room.file(
        "ica.toml",
        "[data]\nkind = \"signals\"\npath = \"table.csv\"\nlabels = \"classes.csv\"\npreprocess = \"whiten\"\n\
         components = 16\n[encoder]\nkind = \"ica\"\nmap = [4, 4]\nwindow = 3\nfirst_window = 3\nsteps = 50\nbatch = 200\n",
    );
    let out = room.0.path().join("out");
    let output = forethought(&["train", &task, "--out", out.to_str().expect("UTF-8")]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("wrong class"), "{said}");
    let file = WeightFile::read(&out.join("perception.fth")).expect("an artifact");
    let artifact = file.parse().expect("a readable artifact");
    assert_eq!((artifact.sizes().nc(), artifact.sizes().nu()), (16, 2));
}

#[test]
fn every_encoder_is_trained_exported_and_run() {
    let room = Room::new();
    room.file("table.csv", bumps(300).0);
    let small = "[encoder.dictionary]\nunits = 40\nbatch = 100\nbatches = 20\n";
    let short = "[encoder.training]\nlast = 100\n";
    let encoders = [
        ("mean", "psd", "units = 40\nsteps = 200\n".to_owned()),
        (
            "whiten",
            "topographic",
            "map = [6, 6]\nwindow = 3\nstride = 1\nlambda = 0.1\nsteps = 400\n".to_owned(),
        ),
        ("mean", "coupled", format!("{small}{short}")),
        ("whiten", "coupled", format!("{small}{short}[encoder.network]\nweights = \"analytic\"\n")),
        ("none", "lamp", format!("{small}{short}[encoder.network]\nlayers = 3\n")),
        ("mean", "lcod", format!("{small}{short}[encoder.network]\nsteps = 8\n")),
        (
            "mean",
            "tree",
            format!("[encoder.dictionary]\nbranching = [1, 6, 4]\nbatches = 40\nbatch = 100\n{short}"),
        ),
        (
            "mean",
            "structured-dictionary",
            format!("[encoder.dictionary]\nmap = [6, 6]\nbatches = 20\nbatch = 100\n{short}"),
        ),
        (
            "mean",
            "inhibition",
            format!(
                "[encoder.dictionary]\nstructure.ring = {{ units = 36, radius = 2 }}\nbatches = 20\nbatch = 100\n{short}"
            ),
        ),
        ("whiten", "student-t", "map = [5, 6]\nsteps = 20\n".to_owned()),
    ];
    for (preprocess, kind, settings) in encoders {
        let data = format!("kind = \"signals\"\npath = \"table.csv\"\npreprocess = \"{preprocess}\"");
        let task =
            room.file("task.toml", format!("[data]\n{data}\n[encoder]\nkind = \"{kind}\"\n{settings}"));
        let out = room.0.path().join("out");
        let output = forethought(&["train", &task, "--out", out.to_str().expect("UTF-8")]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{kind}: {said}");
        assert!(share(&said, "reconstructions miss").expect("a line") < 60.0, "{kind}: {said}");
    }
}

#[test]
fn photographs_of_different_sizes_are_learned_from_by_patches() {
    let room = Room::new();
    room.photo("a.png", 30, 20);
    room.photo("b.png", 25, 41);
    let task = room.file(
        "photos.toml",
        "[data]\nkind = \"images\"\npath = \"photos\"\npatch = 6\npatches = 500\npreprocess = \"whiten\"\n\
         [encoder]\nkind = \"lista\"\nunits = 20\nsteps = 30\n",
    );
    let out = room.0.path().join("out");
    let output = forethought(&["train", &task, "--out", out.to_str().expect("UTF-8")]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(out.join("perception.fth").exists());
}

#[test]
fn convolutions_are_learned_from_images_and_refuse_all_else() {
    let room = Room::new();
    room.photo("a.png", 30, 20);
    room.photo("b.png", 25, 41);
    let layer = "kind = \"convolutional\"\n[[encoder.layers]]\nfilters = 8\nsteps = 20\n";
    let task = |name: &str, data: &str, patch: usize| {
        room.file(name, format!("[data]\n{data}\npatch = {patch}\npatches = 300\n[encoder]\n{layer}"))
    };
    let images = "kind = \"images\"\npath = \"photos\"";
    let out = room.0.path().join("out");
    let output =
        forethought(&["train", &task("photos.toml", images, 12), "--out", out.to_str().expect("UTF-8")]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let file = WeightFile::read(&out.join("perception.fth")).expect("an artifact");
    let artifact = file.parse().expect("a readable artifact");
    // 8×8 places, pooled to 4×4, and 8 filters to 4.
    assert_eq!((artifact.sizes().ny(), artifact.sizes().nc()), (144, 64));

    let text = complaint(&["train", &task("odd.toml", images, 11)]);
    assert!(text.contains("leave a rest"), "{text}");
    let whitened = format!("{images}\npreprocess = \"whiten\"");
    let text = complaint(&["train", &task("white.toml", &whitened, 12)]);
    assert!(text.contains("data.preprocess"), "{text}");
    room.file("table.csv", bumps(20).0);
    let text = complaint(&["train", &task("signals.toml", "kind = \"signals\"\npath = \"table.csv\"", 12)]);
    assert!(text.contains("data.kind"), "{text}");
}

#[test]
fn bad_data_gets_one_sentence() {
    let room = Room::new();
    let idx_task = |bytes: &[u8], more: &str, parts: &[&str]| {
        room.file("images.idx", bytes);
        room.says(&format!("kind = \"idx\"\npath = \"images.idx\"\n{more}"), "", parts);
    };
    let images = idx(&[2, 3, 3], &[9; 18]);
    idx_task(b"", "", &["images.idx is empty"]);
    idx_task(b"\x89PNG and so on", "", &["images.idx", "no IDX file"]);
    idx_task(&images[..images.len() - 1], "", &["images.idx", "17 bytes", "2×3×3", "copy the file again"]);
    idx_task(&[0x1f, 0x8b, 8, 0, 0], "", &["images.idx", "cut short or damaged"]);
    idx_task(&images, "patch = 4", &["images.idx", "patch of 4×4 pixels does not fit", "3×3", "smaller"]);
    idx_task(&images, "patch = 2\npatches = 0", &["data.patches", "not 0"]);
    room.file("labels.idx", idx(&[1], &[7]));
    let labels = "labels = \"labels.idx\"";
    idx_task(&images, labels, &["1 labels", "labels.idx", "2 samples", "images.idx"]);
    room.file("labels.idx", &images);
    idx_task(&images, labels, &["labels.idx", "is this the file of images?"]);
    idx_task(&images, "labels = \"nowhere.idx\"", &["cannot open", "nowhere.idx"]);
    idx_task(&idx(&[1, 3, 3], &[9; 9]), "", &["one sample", "images.idx"]);

    let table = |text: &str, more: &str, parts: &[&str]| {
        room.file("table.csv", text);
        room.says(&format!("kind = \"signals\"\npath = \"table.csv\"\n{more}"), "", parts);
    };
    table("", "", &["table.csv is empty"]);
    table("1,2\n3,NaN\n", "", &["table.csv", "line 2, column 2", "not finite"]);
    table("1,2\n3,4,5\n", "", &["table.csv", "line 2 has 3 values", "line 1 has 2"]);
    table("1,2\n3,?\n", "", &["table.csv", "line 2, column 2: `?` is no number"]);
    table("1,2\n3,4\n", "patch = 3", &["table.csv", "windows of 3 values", "signals of 2"]);
    table("1,2\n1,2\n1,2\n", "", &["table.csv", "all samples", "nothing to learn"]);
    table("1,2\n1,2\n1,2\n", "preprocess = \"whiten\"", &["table.csv", "all samples", "nothing to learn"]);
    let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 1)}";
    let nan = [1.0f32.to_le_bytes(), f32::NAN.to_le_bytes()].concat();
    let npy = [b"\x93NUMPY\x01\x00", &[header.len() as u8, 0][..], header.as_bytes(), &nan].concat();
    room.file("table.npy", npy);
    room.says("kind = \"signals\"\npath = \"table.npy\"", "", &["table.npy", "row 1, column 0 is NaN"]);

    let photos = "kind = \"images\"\npath = \"photos\"";
    room.says(photos, "", &["cannot read the folder", "photos"]);
    fs::create_dir(room.0.path().join("photos")).expect("a folder");
    room.says(photos, "", &["no PNG or JPEG", "photos"]);
    room.photo("a.png", 8, 6);
    room.photo("b.png", 8, 7);
    room.says(photos, "", &["b.png has 7×8 pixels", "a.png has 6×8", "one size"]);
    room.says(&format!("{photos}\npatch = 7"), "", &["a.png", "7×7 pixels does not fit", "6×8"]);
    room.file("photos/c.jpg", "no image");
    room.says(&format!("{photos}\npatch = 3"), "", &["c.jpg", "cannot read the image"]);
}

#[test]
fn wrong_settings_get_one_sentence_that_names_the_key() {
    let room = Room::new();
    room.file("table.csv", bumps(20).0);
    let data = "kind = \"signals\"\npath = \"table.csv\"";
    let says =
        |more: &str, encoder: &str, parts: &[&str]| room.says(&format!("{data}\n{more}"), encoder, parts);
    says("held_out = 1.0", "", &["data.held_out", "not 1"]);
    says("patch = 0", "", &["data.patch"]);
    says("patch = 3\nlabels = \"x.csv\"", "", &["data.labels", "data.patch"]);
    says("epsilon = -1.0", "", &["data.epsilon"]);
    says("preproces = \"mean\"", "", &["my.toml", "line 4", "preproces", "preprocess"]);
    says("preprocess = \"zca\"", "", &["my.toml", "line 4", "zca", "whiten"]);
    says("", "units = 0", &["encoder.units"]);
    says("", "units = 5000", &["encoder.units", "1024", "5000"]);
    says("", "sparsity = -0.1", &["encoder.sparsity"]);
    says("", "unit = 3", &["my.toml", "unit", "units"]);
    let ica = format!(
        "[data]\n{data}\n[encoder]\nkind = \"ica\"\nmap = [4, 5]\nwindow = 3\nfirst_window = 3\nsteps = 2\n"
    );
    let text = complaint(&["train", &room.file("ica.toml", &ica)]);
    assert!(text.contains("data.preprocess = \"whiten\""), "{text}");
    let ica = ica.replace("[encoder]", "preprocess = \"whiten\"\ncomponents = 7\n[encoder]");
    let text = complaint(&["train", &room.file("ica.toml", &ica)]);
    assert!(text.contains("20 units") && text.contains("data.components"), "{text}");
    let task = room.file("my.toml", format!("[data]\n{data}\n[encoder]\nkind = \"lisp\"\n"));
    let text = complaint(&["train", &task]);
    assert!(text.contains("lisp") && text.contains("lista"), "{text}");
    let text = complaint(&["train", &task, "--data", "x.csv"]);
    assert!(text.contains("--data") && text.contains("my.toml"), "{text}");
    assert!(complaint(&["train", "nowhere.toml"]).contains("cannot read the task nowhere.toml"));
    assert!(complaint(&["train", "juggling"]).contains(".toml"));
}

#[test]
fn the_readmes_sample_is_a_task() {
    let readme = include_str!("../../README.md");
    let samples = readme.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next());
    let sample = samples.into_iter().find(|sample| sample.contains("[encoder]")).expect("a sample");
    Config::parse(sample).expect("valid settings");
}
