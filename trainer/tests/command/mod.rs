//! Runs the binary as its users do.
#![allow(dead_code, reason = "not every test needs all of it")]

use std::{
    io::Write,
    process::{Command, Output, Stdio},
};

/// Runs the command.
pub fn forethought(args: &[&str]) -> Output {
    forethought_with(args, "")
}

/// Runs the command with an input.
pub fn forethought_with(args: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_forethought"))
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    child.stdin.take().expect("a pipe").write_all(input.as_bytes()).expect("the binary reads");
    child.wait_with_output().expect("the binary ends")
}

/// The one sentence of a failed command.
pub fn complaint(args: &[&str]) -> String {
    let output = forethought(args);
    assert!(!output.status.success(), "{args:?} must fail");
    assert!(output.stdout.is_empty(), "{args:?} must leave stdout to JSON");
    let text = String::from_utf8(output.stderr).expect("UTF-8");
    // What is wrong with an argument is followed by where to read about arguments.
    let text = text.replace("\n\nFor more information, try '--help'.", "");
    assert_eq!(text.trim_end().lines().count(), 1, "one sentence, not: {text}");
    text
}
