//! `forethought inspect`: what is in an artifact, and what memory it needs on a chip.

use super::{answer, with_artifact};
use crate::mind;
use anyhow::Result;
use forethought::artifact::{Energy, Estimator, Header, Kind, Source};
use std::{fmt::Write, path::PathBuf, process::ExitCode};

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
            let p = header.provenance;
            let mut text = String::new();
            let what = match header.kind {
                Kind::Agent => "an agent",
                Kind::Controller => "a controller",
                Kind::Perception => "perception",
                Kind::Model => "a forward model",
                Kind::Sentinel => "a sentinel",
                Kind::Generator => "a generator",
                Kind::Tracker if header.has_steady_filter() => "a steady filter",
                Kind::Tracker => "a Kalman filter",
                Kind::Watcher => "a watcher of traffic",
            };
            writeln!(text, "{}: {what} for `{}`", self.artifact.display(), p.task)?;
            writeln!(text, "  trained by version {} with seed {} on data {:08x}", p.trainer, p.seed, p.data)?;
            writeln!(text, "  format {}, checksum {:08x}", header.version, artifact.checksum())?;
            describe(header, &mut text)?;
            writeln!(text, "  {:<24} {:>12} {:>10}", "tensor", "shape", "bytes")?;
            for tensor in &header.tensors {
                let (rows, cols) = tensor.shape();
                let (name, shape) = (format!("{}.{}", tensor.part, tensor.name), format!("{rows}×{cols}"));
                writeln!(text, "  {name:<24} {shape:>12} {:>10}", rows * cols * size_of::<f32>())?;
            }
            writeln!(text, "  flash: {} bytes of weights, beside the code", artifact.len())?;
            writeln!(text, "  RAM: {} bytes of state, beside the stack", mind::state_size(header))?;
            answer(&text)?;
            Ok(ExitCode::SUCCESS)
        })
    }
}

/// What is thought strange.
fn judged(energy: &Energy) -> String {
    let Energy { source, threshold, rate, patience, frozen, .. } = energy;
    format!(
        "energy {source:?}, strange above {threshold} (one familiar observation in {:.0}); alarm after {patience} in a row, frozen \
         after {frozen} repetitions",
        1.0 / rate
    )
}

/// What comes in, what goes out and what lies between.
fn describe(header: &Header<'_>, text: &mut String) -> std::fmt::Result {
    let (s, range) = (header.sizes, header.sensors);
    let sensors = format!("sensors from {} to {}", range.low, range.high);
    if header.kind == Kind::Agent {
        writeln!(
            text,
            "  sizes: NY {} observation, NC {} code, NX {} state, NU {} action, NZ {} latent, NH {} hidden, H {} horizon",
            s.observation, s.code, s.state, s.action, s.latent, s.hidden, s.horizon
        )?;
        writeln!(text, "  {sensors}")?;
        header.energy.iter().try_for_each(|energy| writeln!(text, "  {}", judged(energy)))?;
        return writeln!(
            text,
            "  encoder {:?}, model {:?}, planner {:?}",
            header.encoder, header.model, header.planner
        );
    }
    if header.kind == Kind::Controller {
        writeln!(
            text,
            "  sizes: NX {} state, NU {} action, NZ {} latent, NH {} hidden, H {} horizon",
            s.state, s.action, s.latent, s.hidden, s.horizon
        )?;
        writeln!(text, "  {sensors}")?;
        return writeln!(text, "  model {:?}, planner {:?}", header.model, header.planner);
    }
    if header.kind == Kind::Tracker {
        let Estimator { measured, gates, patience } = &header.estimator;
        writeln!(
            text,
            "  sizes: NX {} state, NU {} action; {} numbers go out",
            s.state,
            s.action,
            header.answer()
        )?;
        writeln!(text, "  {sensors}, from {} of them; patience {patience}", gates.len())?;
        let mut rest = measured.iter();
        for gate in gates {
            let shown: Vec<_> = rest
                .by_ref()
                .take(gate.features.into())
                .map(|f| format!("{:?} {}", f.map, f.index))
                .collect();
            writeln!(text, "    {}: gate {}", shown.join(", "), gate.limit)?;
        }
        return writeln!(text, "  model {:?}", header.model);
    }
    if matches!(header.kind, Kind::Model | Kind::Watcher) {
        writeln!(
            text,
            "  sizes: NX {} state, NU {} action, NZ {} latent, NH {} hidden; {} numbers go out",
            s.state,
            s.action,
            s.latent,
            s.hidden,
            header.answer()
        )?;
        return writeln!(text, "  {sensors}\n  model {:?}", header.model);
    }
    if let (Kind::Sentinel, Some(energy)) = (header.kind, &header.energy) {
        writeln!(
            text,
            "  sizes: NY {} observation, NC {} code; {} numbers go out",
            s.observation,
            s.code,
            header.answer()
        )?;
        writeln!(text, "  {sensors}\n  {}", judged(energy))?;
        return match energy.source {
            Source::Reconstruction { .. } => writeln!(text, "  encoder {:?}", header.encoder),
            Source::Autoencoder | Source::Critic => writeln!(text, "  layers {:?}", header.layers),
        };
    }
    if header.kind == Kind::Generator {
        writeln!(text, "  sizes: {} numbers go in, {} go out", s.observation, s.action)?;
        return writeln!(text, "  {sensors}\n  layers {:?}", header.layers);
    }
    let out = match (header.has("classify"), header.classifier.normalise) {
        (false, _) => "the code goes out as it is".to_owned(),
        (true, false) => format!("scores of {} classes go out", s.action),
        (true, true) => format!("scores of {} classes go out, by the code's direction alone", s.action),
    };
    writeln!(text, "  sizes: NY {} observation, NC {} code; {out}", s.observation, s.code)?;
    writeln!(text, "  {sensors}")?;
    writeln!(text, "  encoder {:?}", header.encoder)
}
