//! A forward model alone on the command line: what is said of it, what it answers, and one clear sentence for whatever is
//! wrong.

mod command;

use command::{complaint, forethought, forethought_with};
use forethought::{
    artifact::{Header, Model, Provenance, Sensors, Sizes},
    feature::Angles,
};
use forethought_trainer::export::{Tensors, write_file};
use nalgebra::DMatrix;
use serde_json::Value;

/// A model that adds 0.5 to its one state, whatever else it is told.
fn model(folder: &std::path::Path) -> String {
    let mut tensors = Tensors::default();
    for (name, cols) in [("w_x", 1), ("w_s", 0), ("w_u", 2), ("w_z", 1)] {
        tensors.matrix("predict", name, DMatrix::zeros(3, cols));
    }
    tensors.vector("predict", "b1", &[0.0; 3]);
    tensors.matrix("predict", "w_h", DMatrix::zeros(3, 3));
    tensors.vector("predict", "b2", &[0.0; 3]);
    tensors.matrix("predict", "w_o", DMatrix::zeros(1, 3));
    tensors.vector("predict", "b_o", &[0.5]);
    let sizes = Sizes { state: 1, action: 2, latent: 1, hidden: 3, ..Sizes::default() };
    let sensors = Sensors { low: -10.0, high: 10.0 };
    let provenance = Provenance { trainer: "0", task: "half", seed: 0, data: 0 };
    let header = Header::model(sizes, Angles(0), sensors, Model::Network, provenance);
    let path = folder.join("model.fth");
    write_file(&path, tensors.pack(header).expect("a good file").bytes()).expect("a folder to write to");
    path.to_str().expect("UTF-8").to_owned()
}

#[test]
fn a_model_is_asked_and_answers() {
    let folder = tempfile::tempdir().expect("a folder");
    let model = model(folder.path());
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    let said = text(forethought(&["inspect", &model]).stdout);
    for part in
        ["a forward model for `half`", "NX 1 state, NU 2 action, NZ 1 latent, NH 3 hidden", "predict.w_z"]
    {
        assert!(said.contains(part), "`{part}` is missing in: {said}");
    }
    let asked = "{\"observation\":[1.5,0,0,0]}\n{\"observation\":[1.5]}\n{\"state\":[1.5]}\n";
    let answers = text(forethought_with(&["act", &model], asked).stdout);
    let answers: Vec<Value> = answers.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(answers[0].to_string(), r#"{"next":[2.0]}"#);
    assert_eq!(answers[1]["error"], "the reading has 1 values, the agent needs 4");
    assert!(answers[2]["error"].as_str().expect("an error").contains("one behind the other"));
    assert!(complaint(&["eval", &model]).contains("has no world to act in"));
}
