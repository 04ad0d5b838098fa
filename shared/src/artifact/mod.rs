//! The weight file (`.fth`), read in place. `FORMAT.md` beside this file is the specification.

mod error;
mod header;
mod settings;
mod validate;
mod write;

pub use error::ArtifactError;
pub use header::*;
pub use settings::*;
pub use write::{Entry, WriteError, write};

use crate::{dense::Dense, feature::Angles};

/// The first bytes of every file.
pub const MAGIC: [u8; 4] = *b"FTH1";
/// The format this crate reads and writes.
pub const VERSION: u16 = 6;
/// Tensors start at multiples of this many bytes.
pub const ALIGN: usize = 16;
/// Magic, total length, header length.
pub const PRELUDE: usize = 12;

/// The checksum at the end of a file: CRC-32/ISO-HDLC over everything before it.
pub const CRC: crc::Crc<u32> = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC);

/// A validated weight file. Nothing of it is copied but the table of contents.
#[derive(Clone, Debug)]
pub struct Artifact<'a> {
    header: Header<'a>,
    /// The tensor section.
    tensors: &'a [u8],
    length: usize,
    checksum: u32,
}

impl<'a> Artifact<'a> {
    /// Checks the whole file: magic, lengths, checksum, version, table of contents, and that every number is finite.
    ///
    /// `bytes` must start at an address that is a multiple of [`ALIGN`].
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ArtifactError> {
        let (magic, rest) = bytes.split_first_chunk().ok_or(ArtifactError::Truncated)?;
        if *magic != MAGIC {
            return Err(ArtifactError::BadMagic);
        }
        let (total, rest) = rest.split_first_chunk().ok_or(ArtifactError::Truncated)?;
        let (header_len, _) = rest.split_first_chunk().ok_or(ArtifactError::Truncated)?;
        let (total, header_len) = (u32::from_le_bytes(*total), u32::from_le_bytes(*header_len));
        if usize::try_from(total) != Ok(bytes.len()) {
            return Err(ArtifactError::BadLength { stated: total, found: bytes.len() });
        }
        let (body, stored) = bytes.split_last_chunk().ok_or(ArtifactError::Truncated)?;
        let (stored, computed) = (u32::from_le_bytes(*stored), CRC.checksum(body));
        if stored != computed {
            return Err(ArtifactError::Checksum { stored, computed });
        }
        let header = usize::try_from(header_len)
            .ok()
            .and_then(|n| body.get(PRELUDE..)?.get(..n))
            .ok_or(ArtifactError::Header)?;
        let (version, _) = postcard::take_from_bytes::<u16>(header).map_err(|_| ArtifactError::Header)?;
        if version != VERSION {
            return Err(ArtifactError::Version { found: version });
        }
        let (header, rest) =
            postcard::take_from_bytes::<Header<'a>>(header).map_err(|_| ArtifactError::Header)?;
        if !rest.is_empty() {
            return Err(ArtifactError::Header);
        }
        header.validate()?;
        let start = (PRELUDE + header_len as usize).next_multiple_of(ALIGN);
        let tensors = body.get(start..).unwrap_or_default();
        let artifact = Self { header, tensors, length: bytes.len(), checksum: computed };
        for (index, tensor) in artifact.header.tensors.iter().enumerate() {
            let numbers = artifact.numbers(tensor)?;
            if !numbers.iter().all(|v| v.is_finite()) {
                return Err(ArtifactError::NonFinite { tensor: index });
            }
        }
        Ok(artifact)
    }

    /// The table of contents and all settings.
    pub fn header(&self) -> &Header<'a> {
        &self.header
    }

    /// The file's checksum: which artifact this is.
    pub fn checksum(&self) -> u32 {
        self.checksum
    }

    /// Bytes of the file.
    pub fn len(&self) -> usize {
        self.length
    }

    /// Whether the file is empty; a parsed one never is.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// The sizes that it was trained with.
    pub fn sizes(&self) -> Sizes {
        self.header.sizes
    }

    /// Which components of the state are angles.
    pub fn angles(&self) -> Angles {
        self.header.angles
    }

    /// How the encoder runs.
    pub fn encoder(&self) -> &Encoder {
        &self.header.encoder
    }

    /// Whether it holds this kind of mind.
    pub fn check_kind(&self, kind: Kind) -> Result<(), ArtifactError> {
        let expected = match kind {
            Kind::Agent => "a whole agent",
            Kind::Controller => "a controller",
            Kind::Perception => "an encoder alone",
            Kind::Tracker => "a filter alone",
            Kind::Model => "a forward model alone",
            Kind::Watcher => "a watcher of traffic",
            Kind::Sentinel => "an energy alone",
            Kind::Generator => "a generator",
        };
        if self.header.kind == kind { Ok(()) } else { Err(ArtifactError::Kind { expected }) }
    }

    /// The matrix `part.name`, which must be `rows × cols`.
    pub fn matrix(
        &self,
        part: &'static str,
        name: &'static str,
        rows: usize,
        cols: usize,
    ) -> Result<Dense<'a>, ArtifactError> {
        let tensor = self.tensor(part, name)?;
        let wrong = ArtifactError::Shape { part, name, expected: (rows, cols), found: tensor.shape() };
        if tensor.shape() != (rows, cols) {
            return Err(wrong);
        }
        Dense::new(rows, cols, self.numbers(tensor)?).ok_or(wrong)
    }

    /// The vector `part.name` (a matrix of one column), which must have `len` entries.
    pub fn vector(
        &self,
        part: &'static str,
        name: &'static str,
        len: usize,
    ) -> Result<&'a [f32], ArtifactError> {
        let vector = self.vector_any(part, name)?;
        if vector.len() != len {
            let found = (vector.len(), 1);
            return Err(ArtifactError::Shape { part, name, expected: (len, 1), found });
        }
        Ok(vector)
    }

    /// The vector `part.name` of any length.
    pub fn vector_any(&self, part: &'static str, name: &'static str) -> Result<&'a [f32], ArtifactError> {
        let tensor = self.tensor(part, name)?;
        let (rows, cols) = tensor.shape();
        if cols != 1 {
            return Err(ArtifactError::Shape { part, name, expected: (rows, 1), found: (rows, cols) });
        }
        self.numbers(tensor)
    }

    /// Whether there is any tensor of `part`.
    pub fn has(&self, part: &str) -> bool {
        self.header.has(part)
    }

    fn tensor(&self, part: &'static str, name: &'static str) -> Result<&Tensor<'a>, ArtifactError> {
        let found = self.header.tensors.iter().find(|t| t.part == part && t.name == name);
        found.ok_or(ArtifactError::Missing { part, name })
    }

    /// The numbers of a tensor, where they lie.
    fn numbers(&self, tensor: &Tensor<'a>) -> Result<&'a [f32], ArtifactError> {
        let outside = ArtifactError::Extent { offset: tensor.offset };
        let (rows, cols) = tensor.shape();
        let start = usize::try_from(tensor.offset).map_err(|_| outside)?;
        let bytes = rows
            .checked_mul(cols)
            .and_then(|n| n.checked_mul(size_of::<f32>()))
            .and_then(|n| self.tensors.get(start..)?.get(..n))
            .ok_or(outside)?;
        if !start.is_multiple_of(ALIGN) {
            return Err(ArtifactError::Misaligned);
        }
        bytemuck::try_cast_slice(bytes).map_err(|_| ArtifactError::Misaligned)
    }
}

/// A part of a mind that can be read from an artifact.
pub trait Load<'a>: Sized {
    /// Reads it, and checks that the artifact holds this kind and that the shapes fit.
    fn load(artifact: &Artifact<'a>) -> Result<Self, ArtifactError>;
}

/// Bytes at an address that is a multiple of [`ALIGN`]: how a firmware embeds its weight file.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(16))]
pub struct Aligned<T: ?Sized>(pub T);
