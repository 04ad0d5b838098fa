//! The convolutional encoder: stages of [normalisation](super::normalise), [convolution] and
//! [pooling](super::pool), one after the other; the last maps are the code.

use super::{
    Encoder,
    convolution::{self, Convolution},
    maps::Maps,
    normalise::Normalisation,
    pool::Pool,
};
use crate::{
    Zero,
    artifact::{self, Artifact, ArtifactError, Load, STAGES, Stage},
};
use heapless::Vec;

/// Weights of the stages. `NH` numbers hold any stage's maps and what it works in, as [`memory`] counts them.
#[derive(Clone, Debug)]
pub struct Convolutional<'a, const NY: usize, const NC: usize, const NH: usize> {
    stages: Vec<Kernel<'a>, STAGES>,
}

#[derive(Clone, Debug)]
enum Kernel<'a> {
    Normalise(Normalisation),
    Convolve(Convolution<'a>),
    Pool(Pool<'a>),
}

/// Working memory: what a stage sees and what it shows.
#[derive(Clone, Copy, Debug)]
pub struct Scratch<const NH: usize> {
    seen: [f32; NH],
    shown: [f32; NH],
}

impl<const NH: usize> Zero for Scratch<NH> {
    const ZERO: Self = Self { seen: [0.0; NH], shown: [0.0; NH] };
}

/// The part of a weight file that holds a stage's tensors.
pub const PARTS: [&str; STAGES] =
    ["stage 1", "stage 2", "stage 3", "stage 4", "stage 5", "stage 6", "stage 7", "stage 8"];

/// What `stage` makes of `maps`, and how many numbers its output and working memory take.
fn through(stage: &Stage, maps: Maps) -> Option<(Maps, usize)> {
    let (output, work) = match *stage {
        Stage::Normalise { .. } => (maps, maps.positions().saturating_mul(2).saturating_sub(maps.len())),
        Stage::Convolve { filters, side, .. } => {
            (maps.windows(side.into(), 1, filters.into())?, maps.window(side.into()))
        }
        Stage::Pool { side, stride, features, .. } => {
            let features = if features == 0 { maps.channels } else { features.into() };
            (maps.windows(side.into(), stride.into(), features)?, maps.channels)
        }
    };
    Some((output, output.len().saturating_add(work)))
}

/// The last maps that stages make of an image, and `NH`; `None` where a stage's windows fit nowhere.
pub fn memory(image: Maps, stages: &[Stage]) -> Option<(Maps, usize)> {
    let start = (image, image.len());
    stages.iter().try_fold(start, |(maps, most), stage| {
        let (output, numbers) = through(stage, maps)?;
        Some((output, most.max(numbers)))
    })
}

impl<'a, const NY: usize, const NC: usize, const NH: usize> Load<'a> for Convolutional<'a, NY, NC, NH> {
    /// Reads one part of an artifact for each stage.
    fn load(artifact: &Artifact<'a>) -> Result<Self, ArtifactError> {
        let sizes = artifact.sizes();
        sizes.check_observation::<NY, NC>()?;
        let artifact::Encoder::Convolutional { rows, cols, channels, stages } = artifact.encoder() else {
            return Err(ArtifactError::Kind { expected: "a convolutional encoder" });
        };
        let image = Maps { rows: (*rows).into(), cols: (*cols).into(), channels: (*channels).into() };
        let misfit = ArtifactError::Setting { what: "a stage's windows must fit into the maps that it sees" };
        let (code, found) = memory(image, stages).ok_or(misfit)?;
        if found > NH {
            return Err(ArtifactError::TooLarge { what: "numbers in a stage", capacity: NH, found });
        }
        if (image.len(), code.len()) != (sizes.ny(), sizes.nc()) || image.is_empty() || code.is_empty() {
            let what = "the image must be the observation, and the last stage's maps the code";
            return Err(ArtifactError::Setting { what });
        }
        let mut kernels = Vec::new();
        let mut maps = image;
        for (stage, part) in stages.iter().zip(PARTS) {
            let (output, _) = through(stage, maps).ok_or(misfit)?;
            let kernel = Kernel::load(artifact, part, stage, maps, output)?.ok_or(misfit)?;
            // There are as many stages as fit.
            kernels.push(kernel).map_err(|_| misfit)?;
            maps = output;
        }
        Ok(Self { stages: kernels })
    }
}

impl<'a> Kernel<'a> {
    /// Reads a stage; `None` where its settings do not fit.
    fn load(
        artifact: &Artifact<'a>,
        part: &'static str,
        stage: &Stage,
        input: Maps,
        output: Maps,
    ) -> Result<Option<Self>, ArtifactError> {
        Ok(match *stage {
            Stage::Normalise { side, deviation, floor } => {
                Normalisation::new(input, side.into(), deviation, floor).map(Self::Normalise)
            }
            Stage::Convolve { filters, side, unit } => {
                let (filters, side) = (usize::from(filters), usize::from(side));
                let w = artifact.matrix(part, "w", filters, input.window(side))?;
                let bias = artifact.vector(part, "bias", filters)?;
                let unit = match unit {
                    artifact::Unit::Rectified => convolution::Unit::Rectified,
                    artifact::Unit::Soft => {
                        convolution::Unit::Soft(artifact.vector(part, "threshold", filters)?)
                    }
                    artifact::Unit::Tanh => convolution::Unit::Tanh(artifact.vector(part, "gain", filters)?),
                };
                Convolution::new(input, side, w, bias, unit).map(Self::Convolve)
            }
            Stage::Pool { side, stride, features, epsilon } => {
                let pools = if features == 0 {
                    None
                } else {
                    Some(artifact.matrix(part, "pools", output.channels, input.channels)?)
                };
                let windows = (side.into(), stride.into());
                let pool = Pool::new(input, windows, pools, epsilon).map(Self::Pool);
                if epsilon.is_finite() { pool } else { None }
            }
        })
    }
}

impl<const NY: usize, const NC: usize, const NH: usize> Encoder<NY, NC> for Convolutional<'_, NY, NC, NH> {
    type Scratch = Scratch<NH>;

    fn encode(&self, scratch: &mut Scratch<NH>, y: &[f32; NY], code: &mut [f32; NC]) {
        let Scratch { seen, shown } = scratch;
        let (mut seen, mut shown) = (seen, shown);
        seen.iter_mut().zip(y).for_each(|(seen, y)| *seen = *y);
        for stage in &self.stages {
            match stage {
                Kernel::Normalise(stage) => {
                    stage.run(seen, shown);
                    continue;
                }
                Kernel::Convolve(stage) => stage.run(seen, shown),
                Kernel::Pool(stage) => stage.run(seen, shown),
            }
            core::mem::swap(&mut seen, &mut shown);
        }
        code.iter_mut().zip(seen.iter()).for_each(|(code, seen)| *code = *seen);
    }
}
