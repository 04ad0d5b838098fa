use super::VERSION;
use core::fmt;

/// Why a weight file was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum ArtifactError {
    /// Shorter than the shortest file.
    Truncated,
    /// Not a weight file at all.
    BadMagic,
    /// The file has lost or gained bytes.
    BadLength {
        /// Bytes that the file says it has.
        stated: u32,
        /// Bytes that are there.
        found: usize,
    },
    /// The content has changed since it was written.
    Checksum {
        /// The checksum in the file.
        stored: u32,
        /// The checksum of its content.
        computed: u32,
    },
    /// Another format version.
    Version {
        /// The version in the file.
        found: u16,
    },
    /// The header cannot be decoded.
    Header,
    /// A tensor reaches past the end of the file.
    Extent {
        /// The offset at which it claims to start.
        offset: u32,
    },
    /// A tensor, or the file in memory, does not start at a multiple of 16 bytes.
    Misaligned,
    /// A weight is NaN or infinite.
    NonFinite {
        /// Which tensor of the table, counted from 0.
        tensor: usize,
    },
    /// A tensor that the agent needs is not there.
    Missing {
        /// The part of the agent.
        part: &'static str,
        /// The tensor's name in it.
        name: &'static str,
    },
    /// A tensor has the wrong shape.
    Shape {
        /// The part of the agent.
        part: &'static str,
        /// The tensor's name in it.
        name: &'static str,
        /// Rows and columns that the sizes in the header ask for.
        expected: (usize, usize),
        /// Rows and columns in the file.
        found: (usize, usize),
    },
    /// The artifact is larger than the type that should run it.
    TooLarge {
        /// What there is too much of.
        what: &'static str,
        /// What the type holds.
        capacity: usize,
        /// What the artifact has.
        found: usize,
    },
    /// A setting is outside its range.
    Setting {
        /// Which one, and what it must be.
        what: &'static str,
    },
    /// The artifact holds another kind of mind, encoder or model than the type that should run it.
    Kind {
        /// What the type runs.
        expected: &'static str,
    },
}

impl fmt::Display for ArtifactError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated => write!(f, "the weight file is too short to be one: export it again"),
            Self::BadMagic => write!(f, "not a Forethought weight file: it does not start with \"FTH1\""),
            Self::BadLength { stated, found } => {
                write!(f, "the weight file says it has {stated} bytes but {found} are there: copy it again")
            }
            Self::Checksum { stored, computed } => write!(
                f,
                "the weight file is damaged: its checksum is {computed:08x}, not {stored:08x}: copy it again"
            ),
            Self::Version { found } => write!(
                f,
                "the weight file has format version {found}, this program reads version {VERSION}: export it again"
            ),
            Self::Header => write!(f, "the weight file's header cannot be decoded: export it again"),
            Self::Extent { offset } => {
                write!(f, "a tensor at byte {offset} reaches past the end of the weight file")
            }
            Self::Misaligned => {
                write!(f, "a tensor, or the weight file in memory, is not aligned to 16 bytes")
            }
            Self::NonFinite { tensor } => {
                write!(f, "tensor {tensor} of the weight file holds NaN or infinity")
            }
            Self::Missing { part, name } => write!(f, "the weight file has no tensor {part}.{name}"),
            Self::Shape { part, name, expected: (er, ec), found: (fr, fc) } => {
                write!(f, "tensor {part}.{name} is {fr}×{fc}, the agent's sizes ask for {er}×{ec}")
            }
            Self::TooLarge { what, capacity, found } => write!(
                f,
                "the weight file has {found} {what}, this agent type holds {capacity}: build it with larger sizes"
            ),
            Self::Setting { what } => write!(f, "a setting of the weight file is out of range: {what}"),
            Self::Kind { expected } => {
                write!(f, "this agent type runs {expected}; the weight file holds another kind")
            }
        }
    }
}

impl core::error::Error for ArtifactError {}
