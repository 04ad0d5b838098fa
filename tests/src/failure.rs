use core::fmt;
use forethought::{
    agent::SensorError,
    artifact::{ArtifactError, CRC, WriteError},
    link::LinkError,
};

/// What was expected and what came.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Failure {
    /// A number is too far from its reference.
    Far {
        /// Of what.
        what: &'static str,
        /// Which one of them, counted from 0.
        index: usize,
        /// The reference.
        expected: f32,
        /// The number.
        found: f32,
        /// How far they may be apart.
        tolerance: f32,
    },
    /// A count differs.
    Count {
        /// Of what.
        what: &'static str,
        /// What it must be.
        expected: u32,
        /// What it is.
        found: u32,
    },
    /// Bits differ: of one number, or a CRC-32 over many.
    Bits {
        /// Of what.
        what: &'static str,
        /// The golden value.
        expected: u32,
        /// The bits.
        found: u32,
    },
    /// Something does not hold.
    Claim {
        /// What should be true.
        what: &'static str,
    },
    /// An artifact was refused that should not have been, or for another reason than it should have.
    Artifact(ArtifactError),
    /// An artifact could not be written.
    Write(WriteError),
    /// A reading was refused.
    Sensor(SensorError),
    /// A message was refused.
    Link(LinkError),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Far { what, index, expected, found, tolerance } => {
                write!(f, "{what} [{index}]: {found:e}, expected {expected:e} within {tolerance:e}")
            }
            Self::Count { what, expected, found } => write!(f, "{what}: {found}, expected {expected}"),
            Self::Bits { what, expected, found } => {
                write!(f, "{what}: {found:#010x}, expected {expected:#010x}")
            }
            Self::Claim { what } => write!(f, "it does not hold that {what}"),
            Self::Artifact(error) => write!(f, "artifact: {error}"),
            Self::Write(error) => write!(f, "writing: {error}"),
            Self::Sensor(error) => write!(f, "sensors: {error}"),
            Self::Link(error) => write!(f, "link: {error}"),
        }
    }
}

impl core::error::Error for Failure {}

impl From<ArtifactError> for Failure {
    fn from(error: ArtifactError) -> Self {
        Self::Artifact(error)
    }
}

impl From<WriteError> for Failure {
    fn from(error: WriteError) -> Self {
        Self::Write(error)
    }
}

impl From<SensorError> for Failure {
    fn from(error: SensorError) -> Self {
        Self::Sensor(error)
    }
}

impl From<LinkError> for Failure {
    fn from(error: LinkError) -> Self {
        Self::Link(error)
    }
}

/// `claim` holds.
pub fn holds(what: &'static str, claim: bool) -> Result<(), Failure> {
    if claim { Ok(()) } else { Err(Failure::Claim { what }) }
}

/// Two counts are the same.
pub fn count(what: &'static str, expected: u32, found: u32) -> Result<(), Failure> {
    if expected == found { Ok(()) } else { Err(Failure::Count { what, expected, found }) }
}

/// A number is within `tolerance` of its reference. NaN never is.
pub fn near(what: &'static str, expected: f64, found: f32, tolerance: f64) -> Result<(), Failure> {
    all_near(what, &[expected], &[found], tolerance)
}

/// All numbers are within `tolerance` of their references, and there are as many.
pub fn all_near(what: &'static str, expected: &[f64], found: &[f32], tolerance: f64) -> Result<(), Failure> {
    count(what, expected.len() as u32, found.len() as u32)?;
    for (index, (&expected, &found)) in expected.iter().zip(found).enumerate() {
        let distance = (f64::from(found) - expected).abs();
        if distance.is_nan() || distance > tolerance {
            let (expected, tolerance) = (expected as f32, tolerance as f32);
            return Err(Failure::Far { what, index, expected, found, tolerance });
        }
    }
    Ok(())
}

/// Two lists of numbers have the same bits.
pub fn same_bits(what: &'static str, expected: &[f32], found: &[f32]) -> Result<(), Failure> {
    count(what, expected.len() as u32, found.len() as u32)?;
    for (expected, found) in expected.iter().zip(found) {
        let (expected, found) = (expected.to_bits(), found.to_bits());
        if expected != found {
            return Err(Failure::Bits { what, expected, found });
        }
    }
    Ok(())
}

/// Loading ended with this error.
pub fn refused<T>(expected: ArtifactError, found: Result<T, ArtifactError>) -> Result<(), Failure> {
    match found {
        Err(error) if error == expected => Ok(()),
        Err(error) => Err(Failure::Artifact(error)),
        Ok(_) => Err(Failure::Claim { what: "a bad artifact is refused" }),
    }
}

/// A checksum over the bits of many numbers: each new one is the CRC-32 of the last and the next four bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Golden(u32);

impl Golden {
    /// Takes in whole words.
    pub fn word(&mut self, bits: u32) {
        let mut bytes = [0; 8];
        let (last, next) = bytes.split_at_mut(4);
        last.copy_from_slice(&self.0.to_le_bytes());
        next.copy_from_slice(&bits.to_le_bytes());
        self.0 = CRC.checksum(&bytes);
    }

    /// Takes in the bits of numbers.
    pub fn add(&mut self, numbers: &[f32]) {
        for number in numbers {
            self.word(number.to_bits());
        }
    }

    /// The checksum is the one that stands in the source: not one bit of any number has changed.
    pub fn is(self, what: &'static str, expected: u32) -> Result<(), Failure> {
        if self.0 == expected { Ok(()) } else { Err(Failure::Bits { what, expected, found: self.0 }) }
    }
}
