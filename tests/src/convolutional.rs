//! Convolution, pooling and local contrast normalisation, as the stages of one encoder.

use crate::{
    Case, Failure,
    failure::{Golden, all_near, refused},
    reference::{exp, tanh},
    tiny::{Numbers, weight},
    zero,
};
use forethought::{
    artifact::{
        self, Aligned, Artifact, ArtifactError, Entry, Header, Load, Provenance, STAGES, Sensors, Stage,
        Unit, write,
    },
    perceive::{
        Encoder,
        convolutional::{Convolutional, PARTS, memory},
        maps::Maps,
    },
};
use heapless::Vec;

pub const CASES: &[Case] = &[
    Case { name: "convolutional: every stage matches f64", run: stages },
    Case { name: "convolutional: what does not fit is refused", run: misfits },
    Case { name: "convolutional: golden bits", run: golden },
];

const IMAGE: Maps = Maps { rows: 9, cols: 8, channels: 2 };
const NY: usize = IMAGE.len();
/// The longest code: what the first convolution shows.
const NC: usize = 7 * 6 * 6;
/// The same with its window.
const NH: usize = NC + 3 * 3 * 2;

type Tiny<'a> = Convolutional<'a, NY, NC, NH>;

/// One of each kind, with windows that overlap and such that leave a rest.
const ALL: [Stage; 6] = [
    Stage::Normalise { side: 5, deviation: 1.2, floor: 0.3 },
    Stage::Convolve { filters: 6, side: 3, unit: Unit::Tanh },
    Stage::Pool { side: 2, stride: 2, features: 3, epsilon: 1e-4 },
    Stage::Convolve { filters: 5, side: 2, unit: Unit::Soft },
    Stage::Pool { side: 2, stride: 1, features: 0, epsilon: 1e-2 },
    Stage::Convolve { filters: 3, side: 1, unit: Unit::Rectified },
];

/// A pool takes no feature less than not at all; all else is any number.
fn number(part: &str, name: &str, row: usize, col: usize) -> f32 {
    let any = weight(part, name, row, col);
    if name == "pools" { any.abs() } else { any }
}

#[inline(never)] // once in flash
fn with<R>(
    stages: &[Stage],
    code: usize,
    then: impl FnOnce(&Artifact<'_>) -> Result<R, Failure>,
) -> Result<R, Failure> {
    let encoder = artifact::Encoder::Convolutional {
        rows: IMAGE.rows as u16,
        cols: IMAGE.cols as u16,
        channels: IMAGE.channels as u16,
        stages: stages.iter().copied().collect(),
    };
    let provenance = Provenance { trainer: "tests", task: "maps", seed: 0, data: 0 };
    let sensors = Sensors { low: 0.0, high: 1.0 };
    let header = Header::perception((NY as u32, code as u32, code as u16), sensors, encoder, provenance);

    let mut shapes: Vec<(&str, &str, usize, usize), 16> = Vec::new();
    let mut add = |part, name, rows, cols| {
        let full = Failure::Claim { what: "there is room for a stage's tensors" };
        shapes.push((part, name, rows, cols)).map_err(|_| full)
    };
    let mut maps = IMAGE;
    for (stage, part) in stages.iter().zip(PARTS) {
        match *stage {
            Stage::Normalise { .. } => {}
            Stage::Convolve { filters, side, unit } => {
                add(part, "w", filters.into(), maps.window(side.into()))?;
                add(part, "bias", filters.into(), 1)?;
                match unit {
                    Unit::Rectified => {}
                    Unit::Soft => add(part, "threshold", filters.into(), 1)?,
                    Unit::Tanh => add(part, "gain", filters.into(), 1)?,
                }
            }
            Stage::Pool { features: 0, .. } => {}
            Stage::Pool { features, .. } => add(part, "pools", features.into(), maps.channels)?,
        }
        maps = memory(maps, &[*stage]).map_or(maps, |(output, _)| output);
    }
    let values: Vec<_, 16> = shapes
        .iter()
        .map(|&(part, name, ..)| move |row: usize, col: usize| number(part, name, row, col))
        .collect();
    let entries: Vec<Entry<'_>, 16> = shapes
        .iter()
        .zip(&values)
        .map(|(&(part, name, rows, cols), value)| Entry { part, name, rows, cols, value })
        .collect();
    let mut buffer = Aligned([0; 2560]);
    let length = write(header, &entries, &mut buffer.0)?;
    then(&Artifact::parse(&buffer.0[..length])?)
}

fn image(numbers: &mut Numbers) -> [f32; NY] {
    numbers.array::<NY>().map(f32::abs)
}

fn encode(stages: &[Stage], y: &[f32; NY]) -> Result<([f32; NC], usize), Failure> {
    let length = memory(IMAGE, stages).map_or(0, |(maps, _)| maps.len());
    with(stages, length, |artifact| {
        let mut code = [0.0; NC];
        Tiny::load(artifact)?.encode(&mut zero(), y, &mut code);
        Ok((code, length))
    })
}

/// A stack of maps in `f64`.
struct Stack {
    maps: Maps,
    numbers: [f64; NC],
}

impl Stack {
    fn at(&self, row: usize, col: usize, channel: usize) -> f64 {
        self.numbers[(row * self.maps.cols + col) * self.maps.channels + channel]
    }

    /// Maps of what `f` says of every row, column and channel.
    fn new(maps: Maps, mut f: impl FnMut(usize, usize, usize) -> f64) -> Self {
        let mut numbers = [0.0; NC];
        for (i, number) in numbers.iter_mut().take(maps.len()).enumerate() {
            let position = i / maps.channels;
            *number = f(position / maps.cols, position % maps.cols, i % maps.channels);
        }
        Self { maps, numbers }
    }

    /// The sum of `f` over the rows and columns of a window from its corner, and all channels.
    fn sum(&self, side: usize, mut f: impl FnMut(usize, usize, usize) -> f64) -> f64 {
        let channels = self.maps.channels;
        (0..side * side * channels).map(|i| f(i / channels / side, i / channels % side, i % channels)).sum()
    }

    fn through(&self, stage: &Stage, part: &str) -> Option<Self> {
        let number = |name, row, col| f64::from(number(part, name, row, col));
        let (maps, _) = memory(self.maps, &[*stage])?;
        Some(match *stage {
            Stage::Normalise { side, deviation, floor } => {
                let (deviation, floor) = (f64::from(deviation), f64::from(floor));
                let centred = Self::new(maps, |row, col, channel| {
                    self.at(row, col, channel) - self.around(side.into(), deviation, row, col, |x| x)
                });
                Self::new(maps, |row, col, channel| {
                    let energy = centred.around(side.into(), deviation, row, col, |x| x * x);
                    centred.at(row, col, channel) / root(energy).max(floor)
                })
            }
            Stage::Convolve { side, unit, .. } => {
                let side = usize::from(side);
                Self::new(maps, |row, col, filter| {
                    let s = number("bias", filter, 0)
                        + self.sum(side, |i, j, channel| {
                            let place = (i * side + j) * self.maps.channels + channel;
                            number("w", filter, place) * self.at(row + i, col + j, channel)
                        });
                    match unit {
                        Unit::Rectified => s.max(0.0),
                        // As the soft threshold does where the threshold is negative.
                        Unit::Soft => {
                            let t = number("threshold", filter, 0);
                            if s > t {
                                s - t
                            } else if s < -t {
                                s + t
                            } else {
                                0.0
                            }
                        }
                        Unit::Tanh => number("gain", filter, 0) * tanh(s),
                    }
                })
            }
            Stage::Pool { side, stride, features, epsilon } => {
                let stride = usize::from(stride);
                Self::new(maps, |row, col, pool| {
                    let energy = self.sum(side.into(), |i, j, channel| {
                        let share = match features {
                            0 if channel == pool => 1.0,
                            0 => 0.0,
                            _ => number("pools", pool, channel),
                        };
                        let x = self.at(row * stride + i, col * stride + j, channel);
                        share * x * x
                    });
                    root(f64::from(epsilon) + energy)
                })
            }
        })
    }

    /// The weighted mean of `f` over the window around a place, as far as it lies inside.
    fn around(&self, side: usize, deviation: f64, row: usize, col: usize, f: impl Fn(f64) -> f64) -> f64 {
        let (mut sum, mut mass) = (0.0, 0.0);
        for i in 0..self.maps.rows {
            for j in 0..self.maps.cols {
                let (down, right) = (row.abs_diff(i), col.abs_diff(j));
                if down.max(right) <= side / 2 {
                    let distance = (down * down + right * right) as f64;
                    let weight = exp(-0.5 * distance / (deviation * deviation));
                    let channels = self.maps.channels;
                    let mean = (0..channels).map(|c| f(self.at(i, j, c))).sum::<f64>() / channels as f64;
                    sum += weight * mean;
                    mass += weight;
                }
            }
        }
        sum / mass
    }
}

/// `√x` by Newton's method: `core` has none.
fn root(x: f64) -> f64 {
    if x == 0.0 { 0.0 } else { (0..60).fold(1.0, |root, _| 0.5 * (root + x / root)) }
}

fn stages() -> Result<(), Failure> {
    let y = image(&mut Numbers(70));
    let mut expected = Stack::new(IMAGE, |row, col, channel| {
        f64::from(y[(row * IMAGE.cols + col) * IMAGE.channels + channel])
    });
    for last in 0..ALL.len() {
        let through = expected.through(&ALL[last], PARTS[last]);
        expected = through.ok_or(Failure::Claim { what: "every stage fits" })?;
        let (code, length) = encode(&ALL[..=last], &y)?;
        all_near("maps", &expected.numbers[..length], &code[..length], 2e-5)?;
    }
    Ok(())
}

fn misfits() -> Result<(), Failure> {
    let load =
        |stages: &[Stage], code: usize| with(stages, code, |artifact| Ok(Tiny::load(artifact).map(drop)));
    let misfit = ArtifactError::Setting { what: "a stage's windows must fit into the maps that it sees" };
    for stage in [
        Stage::Convolve { filters: 1, side: 9, unit: Unit::Rectified },
        Stage::Convolve { filters: 1, side: 0, unit: Unit::Rectified },
        Stage::Pool { side: 2, stride: 0, features: 0, epsilon: 0.0 },
        Stage::Pool { side: 1, stride: 1, features: 0, epsilon: f32::NAN },
        Stage::Normalise { side: 4, deviation: 1.0, floor: 1.0 },
        Stage::Normalise { side: 17, deviation: 1.0, floor: 1.0 },
        Stage::Normalise { side: 3, deviation: 0.0, floor: 1.0 },
        Stage::Normalise { side: 3, deviation: 1.0, floor: f32::NAN },
    ] {
        refused(misfit, load(&[stage], NY)?)?;
    }
    let what = "the image must be the observation, and the last stage's maps the code";
    refused(ArtifactError::Setting { what }, load(&ALL, 4)?)?;
    let all: Vec<Stage, STAGES> = ALL[..2].iter().copied().collect();
    let large = ArtifactError::TooLarge { what: "numbers in a stage", capacity: NH - 1, found: NH };
    refused(
        large,
        with(&all, NC, |artifact| Ok(Convolutional::<NY, NC, { NH - 1 }>::load(artifact).map(drop)))?,
    )
}

fn golden() -> Result<(), Failure> {
    let (mut numbers, mut golden) = (Numbers(71), Golden::default());
    for last in 0..ALL.len() {
        let (code, length) = encode(&ALL[..=last], &image(&mut numbers))?;
        golden.add(&code[..length]);
    }
    golden.is("maps", 0xe3d4_a5ad)
}
