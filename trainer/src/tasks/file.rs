//! Task files: TOML, in which paths count from where the file is.

use anyhow::{Context, Result, anyhow};
use serde::de::DeserializeOwned;
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Reads a task file; whatever `parse` finds wrong in its text is told with the file's name.
pub fn read<C>(path: &Path, parse: impl Fn(&str) -> Result<C>) -> Result<C> {
    let name = path.display();
    let text = fs::read_to_string(path).with_context(|| format!("cannot read the task {name}"))?;
    parse(&text).with_context(|| format!("in the task {name}"))
}

/// The settings in a text, or one sentence that begins with the line.
pub fn settings<C: DeserializeOwned>(text: &str) -> Result<C> {
    toml::from_str(text).map_err(|error| {
        let line = error.span().map(|span| 1 + text[..span.start].matches('\n').count());
        let line = line.map_or(String::new(), |line| format!("line {line}: "));
        anyhow!("{line}{}", error.message().replace('\n', " "))
    })
}

/// Where a path leads to that the task file `task` names.
pub fn located(task: &Path, path: &Path) -> Result<PathBuf> {
    let folder = task.parent().unwrap_or(Path::new(""));
    Ok(std::path::absolute(folder.join(path))?)
}
