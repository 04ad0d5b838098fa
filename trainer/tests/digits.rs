//! A recogniser of digits on the command line: what is said of it, what it answers, and one clear sentence for whatever
//! is wrong.

mod command;

use command::{complaint, forethought, forethought_with};
use forethought::artifact::{Activation, Encoder, Header, Provenance, Sensors};
use forethought_trainer::export::{Tensors, write_file};
use nalgebra::DMatrix;
use serde_json::Value;
use std::fs;
use tempfile::TempDir;

/// A folder for data and weight files.
struct Room(TempDir);

/// Units of the code: one for each class, and as many classes.
const CLASSES: usize = 10;

impl Room {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().expect("UTF-8").to_owned()
    }

    /// A mind whose unit `k` looks at pixel `k` alone; with a classifier it says which is the brightest.
    fn mind(&self, name: &str, task: &str, pixels: usize, classified: bool) -> String {
        let mut tensors = Tensors::default();
        let one = |row: usize, col: usize| f32::from(row == col);
        tensors.matrix("perceive", "w_e", DMatrix::from_fn(CLASSES, pixels, one));
        tensors.vector("perceive", "bias", &[0.0; CLASSES]);
        tensors.matrix("perceive", "s", DMatrix::zeros(CLASSES, CLASSES));
        tensors.vector("perceive", "threshold", &[0.1; CLASSES]);
        if classified {
            tensors.matrix("classify", "w", DMatrix::from_fn(CLASSES, CLASSES, one));
            tensors.vector("classify", "b", &[0.0; CLASSES]);
        }
        let provenance = Provenance { trainer: "0", task, seed: 0, data: 0 };
        let encoder = Encoder::Lista { iterations: 1, activation: Activation::Rectified };
        let sizes = (pixels as u32, CLASSES as u32, CLASSES as u16);
        let mut header = Header::perception(sizes, Sensors { low: 0.0, high: 1.0 }, encoder, provenance);
        header.classifier.normalise = true;
        let file = tensors.pack(header).expect("a good file");
        write_file(&self.0.path().join(name), file.bytes()).expect("a folder to write to");
        self.path(name)
    }

    /// Six digits to be tested on, the first four of which have the brightest pixel where their label says; the others
    /// have none.
    fn digits(&self) -> String {
        let mut images = vec![0; 6 * 28 * 28];
        let labels = [3, 1, 4, 1, 5, 9];
        for (image, label) in images.chunks_mut(28 * 28).zip(labels).take(4) {
            image[usize::from(label)] = 255;
        }
        let folder = self.0.path().join("data/mnist");
        fs::create_dir_all(&folder).expect("a folder");
        let idx = |name: &str, dims: &[u32], bytes: &[u8]| {
            let sizes: Vec<u8> = dims.iter().flat_map(|d| d.to_be_bytes()).collect();
            let file = [&[0, 0, 8, dims.len() as u8], &sizes[..], bytes].concat();
            fs::write(folder.join(name), file).expect("a folder to write to");
        };
        idx("t10k-images-idx3-ubyte", &[6, 28, 28], &images);
        idx("t10k-labels-idx1-ubyte", &[6], &labels);
        self.path("data")
    }
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).expect("UTF-8")
}

#[test]
fn eval_counts_what_is_right() {
    let room = Room::new();
    let (data, whole) = (room.digits(), room.mind("digits.fth", "digits", 28 * 28, true));
    let shown = |more: &[&str]| {
        let output = forethought(&[&["eval", &whole, "--data", &data, "--json"], more].concat());
        assert!(output.status.success(), "{}", text(output.stderr));
        let object: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        (object["rows"][0]["value"].as_f64(), object["rows"][1]["value"].as_f64())
    };
    assert_eq!(shown(&[]), (Some(6.0), Some(4.0)));
    assert_eq!(shown(&["--episodes", "5"]), (Some(5.0), Some(4.0)));
    assert_eq!(shown(&["--episodes", "3"]), (Some(3.0), Some(3.0)));
    // Half the size: pixels 2k and 2k + 1 of the first row have become pixel k.
    let half = room.mind("half.fth", "digits", 14 * 14, true);
    assert!(forethought(&["eval", &half, "--data", &data]).status.success());
}

#[test]
fn act_names_the_class() {
    let room = Room::new();
    let input = |pixel: usize| {
        let mut pixels = vec![0.0; 30];
        pixels[pixel] = 0.9;
        format!("{{\"observation\": {pixels:?}}}\n")
    };
    let lines = |name: &str, input: &str| -> Vec<Value> {
        let output = forethought_with(&["act", name], input);
        assert!(output.status.success(), "{}", text(output.stderr));
        text(output.stdout).lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    };
    let mind = room.mind("classes.fth", "classes", 30, true);
    let bad = "{\"observation\": [0.5]}\n{\"state\": [1]}\n{\"reset\": true}\n";
    let answers = lines(&mind, &(input(7) + bad + &input(2)));
    assert_eq!(answers[0]["class"], 7);
    assert_eq!(answers[0]["action"].as_array().expect("scores").len(), CLASSES);
    assert!(answers[0]["error"].is_null() && answers[0]["diagnostics"].is_null());
    assert!(answers[1]["error"].as_str().expect("an error").contains("has 1 values"));
    assert!(answers[1]["class"].is_null(), "a refused reading has no class");
    assert!(answers[2]["error"].as_str().expect("an error").contains("`observation`, not `state`"));
    assert_eq!(answers[3], serde_json::json!({}));
    assert_eq!(answers[4]["class"], 2);
    // Without a classifier the answer is the code.
    let coder = room.mind("code.fth", "code", 30, false);
    let answers = lines(&coder, &input(7));
    assert!((answers[0]["action"][7].as_f64().expect("a number") - 0.8).abs() < 1e-6);
    assert!(answers[0]["class"].is_null());
}

#[test]
fn inspect_says_what_goes_in_and_out() {
    let room = Room::new();
    let says = |name: &str, parts: &[&str]| {
        let said = text(forethought(&["inspect", name]).stdout);
        for part in parts {
            assert!(said.contains(part), "`{part}` is missing in: {said}");
        }
    };
    let mind = room.mind("classes.fth", "classes", 30, true);
    says(
        &mind,
        &["perception for `classes`", "NY 30", "scores of 10 classes", "direction", "from 0 to 1", "Lista"],
    );
    // Observation, code and the two vectors that LISTA works in.
    says(&mind, &["classify.w", "10×10", &format!("RAM: {} bytes", 4 * (30 + 3 * CLASSES))]);
    says(&room.mind("code.fth", "code", 30, false), &["the code goes out as it is"]);
}

#[test]
fn what_cannot_be_gets_one_sentence() {
    let room = Room::new();
    let says = |args: &[&str], parts: &[&str]| {
        let said = complaint(args);
        for part in parts {
            assert!(said.contains(part), "`{part}` is missing in: {said}");
        }
    };
    let digits = room.mind("digits.fth", "digits", 28 * 28, true);
    let nowhere = room.path("nowhere");
    says(&["eval", &digits, "--data", &nowhere], &["t10k-images-idx3-ubyte", "MNIST", "nowhere"]);
    let hil = ["hil", &digits, "--device", "qemu:mps2-an386", "--data", &nowhere];
    says(&hil, &["t10k-images-idx3-ubyte", "nowhere"]);
    let data = room.digits();
    let small = room.mind("small.fth", "digits", 100, true);
    says(&["eval", &small, "--data", &data], &["sees 100 numbers", "784", "196"]);
    let coder = room.mind("code.fth", "digits", 28 * 28, false);
    says(&["eval", &coder, "--data", &data], &["no classifier"]);
    let own = room.mind("own.fth", "gears", 30, true);
    says(&["eval", &own, "--data", &data], &["`gears`", "no world", "forethought act"]);
    says(&["eval", &digits, "--data", &data, "--episodes", "0"], &["--episodes"]);
}
