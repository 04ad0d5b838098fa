//! `forethought inspect`: what is in an artifact, and what memory it needs on a chip.

use super::with_artifact;
use crate::mind;
use anyhow::Result;
use std::{path::PathBuf, process::ExitCode};

/// Shows what is in an artifact.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The weight file.
    artifact: PathBuf,
}

impl Args {
    pub(super) fn run(self) -> Result<ExitCode> {
        with_artifact(&self.artifact, |artifact| {
            mind::load(artifact)?;
            let header = artifact.header();
            let (p, s) = (header.provenance, header.sizes);
            println!("{}: an agent for `{}`", self.artifact.display(), p.task);
            println!("  trained by version {} with seed {} on data {:08x}", p.trainer, p.seed, p.data);
            println!("  format {}, checksum {:08x}", header.version, artifact.checksum());
            println!(
                "  sizes: NY {} observation, NC {} code, NX {} state, NU {} action, NZ {} latent, NH {} hidden, H {} horizon",
                s.observation, s.code, s.state, s.action, s.latent, s.hidden, s.horizon
            );
            println!(
                "  encoder {:?}, model {:?}, planner {:?}",
                header.encoder, header.model, header.planner
            );
            println!("  {:<24} {:>12} {:>10}", "tensor", "shape", "bytes");
            for tensor in &header.tensors {
                let (rows, cols) = tensor.shape();
                let (name, shape) = (format!("{}.{}", tensor.part, tensor.name), format!("{rows}×{cols}"));
                println!("  {name:<24} {shape:>12} {:>10}", rows * cols * size_of::<f32>());
            }
            println!("  flash: {} bytes of weights, beside the code", artifact.len());
            println!("  RAM: {} bytes of state, beside the stack", mind::state_size(header));
            Ok(ExitCode::SUCCESS)
        })
    }
}
