//! The messages between world and agent, the same types on both ends.
//!
//! A frame is `COBS(postcard(message) · CRC-16) · 0x00`: postcard keeps messages small, CRC-16/IBM-SDLC finds damage,
//! COBS leaves the zero byte for the end of a frame, so a receiver that lost its place finds it again at the next one.

use crate::agent::{Diagnostics, Mode, SensorError};
use cobs::{CobsEncoder, DecodeResult, DecoderState};
use core::fmt;
use heapless::Vec;
use postcard::{
    ser_flavors::{Flavor, crc::CrcModifier},
    serialize_with_flavor,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// The version of these messages. Both ends say it in their hello.
///
/// Like every integer that a chip writes it has 32 bits. With a second width there are two encoders of numbers in the
/// firmware, and optimised for size their checks of indices are no longer inlined: a panic could be reached.
pub const PROTOCOL: u32 = 2;

const CRC: crc::Crc<u16> = crc::Crc::<u16>::new(&crc::CRC_16_IBM_SDLC);

/// What the world says. `N` is the larger of `NY` and `NX`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Request<const N: usize> {
    /// First message: which protocol the world speaks.
    Hello {
        /// [`PROTOCOL`].
        protocol: u32,
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
        protocol: u32,
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
    let stuffed = CrcModifier::new(Stuffed(CobsEncoder::new(buffer)), CRC.digest());
    let length = serialize_with_flavor(message, stuffed).map_err(|_| LinkError::TooLong)?;
    let frame = buffer.get_mut(..=length).ok_or(LinkError::TooLong)?;
    if let Some(end) = frame.last_mut() {
        *end = 0;
    }
    Ok(frame)
}

/// Bytes on their way through COBS; gives their number. Postcard's own flavor indexes, and could panic.
struct Stuffed<'b>(CobsEncoder<'b>);

impl Flavor for Stuffed<'_> {
    type Output = usize;

    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.0.push(&[byte]).map_err(|_| postcard::Error::SerializeBufferFull)
    }

    fn finalize(self) -> postcard::Result<usize> {
        Ok(self.0.finalize())
    }
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
    let bytes = unstuff(frame).ok_or(LinkError::Damaged)?;
    let (body, checksum) = bytes.split_last_chunk().ok_or(LinkError::Damaged)?;
    if CRC.checksum(body) != u16::from_le_bytes(*checksum) {
        return Err(LinkError::Damaged);
    }
    match postcard::take_from_bytes(body) {
        Ok((message, [])) => Ok(message),
        _ => Err(LinkError::Damaged),
    }
}

/// Takes COBS off a frame, where it lies. Not `cobs::decode_in_place`: that one indexes, and could panic.
fn unstuff(frame: &mut [u8]) -> Option<&[u8]> {
    let (mut state, mut length) = (DecoderState::Idle, 0);
    for i in 0..frame.len() {
        if let DecodeResult::DataContinue(byte) = state.feed(*frame.get(i)?).ok()? {
            *frame.get_mut(length)? = byte;
            length += 1;
        }
    }
    let whole = matches!(state.feed(0), Ok(DecodeResult::DataComplete));
    frame.get(..length).filter(|_| whole)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Status;
    use proptest::prelude::*;
    use std::{format, vec};

    const LONGEST: usize = 512;

    fn values() -> impl Strategy<Value = Vec<f32, 64>> {
        // Every bit pattern but NaN, which is not equal to itself.
        let value = any::<u32>().prop_map(f32::from_bits).prop_filter("a number", |v| !v.is_nan());
        proptest::collection::vec(value, 0..=64).prop_map(|v| v.into_iter().collect())
    }

    fn reading() -> impl Strategy<Value = Reading<64>> {
        prop_oneof![
            Just(Reading::Missing),
            values().prop_map(Reading::Sensors),
            values().prop_map(Reading::State)
        ]
    }

    fn request() -> impl Strategy<Value = Request<64>> {
        let mode = prop_oneof![Just(Mode::Plan), Just(Mode::Policy)];
        prop_oneof![
            any::<u32>().prop_map(|protocol| Request::Hello { protocol }),
            Just(Request::Reset),
            (any::<u32>(), mode, reading()).prop_map(|(step, mode, reading)| Request::Observe {
                step,
                mode,
                reading
            }),
            Just(Request::Usage),
        ]
    }

    fn refused() -> impl Strategy<Value = Option<SensorError>> {
        prop_oneof![
            Just(None),
            Just(Some(SensorError::Missing)),
            any::<(u32, u32)>().prop_map(|(expected, found)| Some(SensorError::Length { expected, found })),
            any::<u32>().prop_map(|index| Some(SensorError::NonFinite { index })),
            any::<u32>().prop_map(|index| Some(SensorError::OutOfRange { index })),
            Just(Some(SensorError::Strange)),
        ]
    }

    fn reply() -> impl Strategy<Value = Reply<64>> {
        let status =
            prop_oneof![Just(Status::NotPlanned), Just(Status::Converged), Just(Status::BudgetSpent)];
        let number = || -1e9_f32..1e9;
        let diagnostics = (status, any::<u32>(), [number(), number(), number()], any::<[bool; 2]>())
            .prop_map(|(status, iterations, [cost, innovation, energy], [outlier, strange])| Diagnostics {
                status,
                iterations,
                cost,
                innovation,
                outlier,
                energy,
                strange,
            });
        let error =
            prop_oneof![Just(LinkError::TooLong), Just(LinkError::Damaged), Just(LinkError::Protocol)];
        prop_oneof![
            any::<(u32, u32)>().prop_map(|(protocol, artifact)| Reply::Hello { protocol, artifact }),
            Just(Reply::Ready),
            (any::<u32>(), values(), diagnostics, refused(), any::<u64>()).prop_map(
                |(step, action, diagnostics, refused, instructions)| {
                    Reply::Action { step, action, diagnostics, refused, instructions }
                }
            ),
            any::<(u32, u32, u32)>().prop_map(|(flash, statics, stack)| Reply::Usage(Usage {
                flash,
                statics,
                stack
            })),
            error.prop_map(Reply::Error),
        ]
    }

    fn frame(message: &impl Serialize) -> vec::Vec<u8> {
        encode(message, &mut [0; LONGEST]).unwrap().to_vec()
    }

    /// All that a receiver makes of some bytes.
    fn receive<T: DeserializeOwned>(bytes: &[u8]) -> vec::Vec<Result<T, LinkError>> {
        let mut receiver = Receiver::<LONGEST>::new();
        bytes.iter().filter_map(|byte| receiver.push(*byte)).collect()
    }

    proptest! {
        #[test]
        fn every_request_arrives(message in request()) {
            let frame = frame(&message);
            prop_assert_eq!(frame.iter().position(|byte| *byte == 0), Some(frame.len() - 1));
            prop_assert_eq!(receive(&frame), [Ok(message)]);
        }

        #[test]
        fn every_reply_arrives(message in reply()) {
            prop_assert_eq!(receive(&frame(&message)), [Ok(message)]);
        }

        #[test]
        fn noise_does_no_harm(
            noise in proptest::collection::vec(any::<u8>(), 0..2 * LONGEST),
            messages in proptest::collection::vec(request(), 1..4),
        ) {
            let mut bytes = noise;
            bytes.push(0);
            bytes.extend(messages.iter().flat_map(frame));
            let received = receive::<Request<64>>(&bytes);
            let last = &received[received.len() - messages.len()..];
            prop_assert!(last.iter().eq(&messages.into_iter().map(Ok).collect::<vec::Vec<_>>()));
        }

        #[test]
        fn a_message_longer_than_the_receivers_is_damage(count in 5_usize..64) {
            let message = Request::<64>::Observe {
                step: 1,
                mode: Mode::Plan,
                reading: Reading::Sensors((0..count).map(|i| i as f32).collect()),
            };
            prop_assert_eq!(receive::<Request<4>>(&frame(&message)), [Err(LinkError::Damaged)]);
        }
    }

    /// COBS can make one changed bit into several, so CRC-16 might let one in 65536 of those through: none of these.
    #[test]
    fn every_changed_bit_is_found() {
        for count in 0..64 {
            let message = Request::<64>::Observe {
                step: count,
                mode: Mode::Policy,
                reading: Reading::Sensors((0..count).map(|i| i as f32 * 0.37 - 4.0).collect()),
            };
            let mut frame = frame(&message);
            for bit in 0..8 * frame.len() {
                frame[bit / 8] ^= 1 << (bit % 8);
                // A frame whose end is gone runs on to the next zero.
                let received = receive::<Request<64>>(&[frame.as_slice(), &[0]].concat());
                let found = !received.is_empty() && received.iter().all(|r| *r == Err(LinkError::Damaged));
                assert!(found, "bit {bit} of the message with {count} values");
                frame[bit / 8] ^= 1 << (bit % 8);
            }
        }
    }

    #[test]
    fn bytes_behind_the_checksum_are_damage() {
        // A whole message with its checksum, and one byte more.
        let mut payload = vec![1];
        payload.extend(CRC.checksum(&payload).to_le_bytes());
        let framed = |payload: &[u8]| {
            let mut frame = vec![0; LONGEST];
            let length = cobs::encode(payload, &mut frame);
            frame.truncate(length);
            frame.push(0);
            frame
        };
        assert_eq!(receive::<Request<4>>(&framed(&payload)), [Ok(Request::Reset)]);
        payload.push(7);
        assert_eq!(receive::<Request<4>>(&framed(&payload)), [Err(LinkError::Damaged)]);
        // The checksum is right but the message ends before it.
        let mut payload = vec![1, 7];
        payload.extend(CRC.checksum(&payload).to_le_bytes());
        assert_eq!(receive::<Request<4>>(&framed(&payload)), [Err(LinkError::Damaged)]);
    }

    #[test]
    fn a_long_frame_is_refused_and_the_next_arrives() {
        let mut receiver = Receiver::<8>::new();
        let mut bytes = vec![9; 8];
        bytes.extend([0]);
        bytes.extend([9; 9]);
        bytes.extend([0]);
        bytes.extend(frame(&Request::<4>::Reset));
        let received: vec::Vec<_> = bytes.iter().filter_map(|b| receiver.push::<Request<4>>(*b)).collect();
        assert_eq!(received, [Err(LinkError::Damaged), Err(LinkError::TooLong), Ok(Request::Reset)]);
    }

    #[test]
    fn a_buffer_that_is_too_small_is_an_error() {
        let message = Request::<4>::Hello { protocol: PROTOCOL };
        let length = frame(&message).len();
        for space in 0..length {
            assert_eq!(encode(&message, &mut vec![0; space]), Err(LinkError::TooLong));
        }
        assert!(encode(&message, &mut vec![0; length]).is_ok());
    }

    #[test]
    fn every_error_has_its_sentence() {
        assert_eq!(format!("{}", LinkError::TooLong), "a frame is longer than the receiver's buffer");
        assert_eq!(format!("{}", LinkError::Damaged), "a frame arrived damaged");
        assert_eq!(
            format!("{}", LinkError::Protocol),
            "the other side speaks another protocol version than 2"
        );
    }
}
