//! The messages between world and agent, the same types on both ends.
//!
//! A frame is `COBS(postcard(message) · CRC-16) · 0x00`: postcard keeps messages small, CRC-16/IBM-SDLC finds damage,
//! COBS leaves the zero byte for the end of a frame, so a receiver that lost its place finds it again at the next one.

use crate::agent::{Diagnostics, Mode, SensorError};
use core::fmt;
use heapless::Vec;
use postcard::{
    ser_flavors::{Cobs, Slice, crc::CrcModifier},
    serialize_with_flavor,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// The version of these messages. Both ends say it in their hello.
pub const PROTOCOL: u16 = 1;

const CRC: crc::Crc<u16> = crc::Crc::<u16>::new(&crc::CRC_16_IBM_SDLC);

/// What the world says. `N` is the larger of `NY` and `NX`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Request<const N: usize> {
    /// First message: which protocol the world speaks.
    Hello {
        /// [`PROTOCOL`].
        protocol: u16,
    },
    /// A new episode begins: forget everything.
    Reset,
    /// Decide.
    Observe {
        /// Counts the steps; the answer repeats it.
        step: u32,
        /// Who decides.
        mode: Mode,
        /// What the world shows.
        reading: Reading<N>,
    },
    /// How much memory is used?
    Usage,
}

/// [`agent::Reading`](crate::agent::Reading) with its values.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Reading<const N: usize> {
    /// No reading arrived.
    Missing,
    /// The raw sensors.
    Sensors(Vec<f32, N>),
    /// The state itself.
    State(Vec<f32, N>),
}

impl<const N: usize> Reading<N> {
    /// As the agent takes it.
    pub fn as_reading(&self) -> crate::agent::Reading<'_> {
        match self {
            Self::Missing => crate::agent::Reading::Missing,
            Self::Sensors(values) => crate::agent::Reading::Sensors(values),
            Self::State(values) => crate::agent::Reading::State(values),
        }
    }
}

/// What the agent answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Reply<const NU: usize> {
    /// The answer to a hello.
    Hello {
        /// [`PROTOCOL`].
        protocol: u16,
        /// The checksum of the artifact that is flashed.
        artifact: u32,
    },
    /// The answer to a reset.
    Ready,
    /// A decision.
    Action {
        /// The step it answers.
        step: u32,
        /// The action.
        action: Vec<f32, NU>,
        /// How it came about.
        diagnostics: Diagnostics,
        /// Why the reading was refused and the action is the safe one.
        refused: Option<SensorError>,
        /// Instructions that the decision took.
        instructions: u64,
    },
    /// Memory in use.
    Usage(Usage),
    /// The last frame could not be understood.
    Error(LinkError),
}

/// Memory in use, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Code, constants and weights.
    pub flash: u32,
    /// Statics.
    pub statics: u32,
    /// Stack at its deepest so far.
    pub stack: u32,
}

/// Why a frame could not be understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum LinkError {
    /// It is longer than the receiver's buffer.
    TooLong,
    /// COBS, CRC-16 or the message itself is damaged.
    Damaged,
    /// The other side speaks another protocol version.
    Protocol,
}

impl fmt::Display for LinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => write!(f, "a frame is longer than the receiver's buffer"),
            Self::Damaged => write!(f, "a frame arrived damaged"),
            Self::Protocol => write!(f, "the other side speaks another protocol version than {PROTOCOL}"),
        }
    }
}

impl core::error::Error for LinkError {}

/// Writes `message` as one frame to the front of `buffer`; an error when it does not fit.
pub fn encode<'b>(message: &impl Serialize, buffer: &'b mut [u8]) -> Result<&'b mut [u8], LinkError> {
    let flavor = Cobs::try_new(Slice::new(buffer)).map_err(|_| LinkError::TooLong)?;
    serialize_with_flavor(message, CrcModifier::new(flavor, CRC.digest())).map_err(|_| LinkError::TooLong)
}

/// Collects bytes until a frame is whole. `L` is the longest frame.
#[derive(Clone, Debug)]
pub struct Receiver<const L: usize> {
    frame: Vec<u8, L>,
    overrun: bool,
}

impl<const L: usize> Default for Receiver<L> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const L: usize> Receiver<L> {
    /// An empty receiver.
    pub const fn new() -> Self {
        Self { frame: Vec::new(), overrun: false }
    }

    /// Takes one byte; at the end of a frame gives its message, or why there is none. Empty frames are skipped, so a
    /// sender may begin with a zero byte to end whatever noise came before.
    pub fn push<T: DeserializeOwned>(&mut self, byte: u8) -> Option<Result<T, LinkError>> {
        if byte != 0 {
            self.overrun |= self.frame.push(byte).is_err();
            return None;
        }
        let (overrun, empty) = (core::mem::take(&mut self.overrun), self.frame.is_empty());
        let message = if overrun { Err(LinkError::TooLong) } else { decode(&mut self.frame) };
        self.frame.clear();
        (!empty).then_some(message)
    }
}

/// Reads the message of a frame without its final zero. The checksum is that of all bytes before the last two, and the
/// message must fill them: were its own end believed, damage to that could not be found.
fn decode<T: DeserializeOwned>(frame: &mut [u8]) -> Result<T, LinkError> {
    let length = cobs::decode_in_place(frame).map_err(|_| LinkError::Damaged)?;
    let bytes = frame.get(..length).ok_or(LinkError::Damaged)?;
    let (body, checksum) = bytes.split_last_chunk().ok_or(LinkError::Damaged)?;
    if CRC.checksum(body) != u16::from_le_bytes(*checksum) {
        return Err(LinkError::Damaged);
    }
    match postcard::take_from_bytes(body) {
        Ok((message, [])) => Ok(message),
        _ => Err(LinkError::Damaged),
    }
}
