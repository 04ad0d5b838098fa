//! The messages between world and agent.

use crate::{
    Case, Failure,
    failure::{count, holds},
};
use forethought::{
    agent::{Diagnostics, Mode, SensorError},
    link::{LinkError, PROTOCOL, Reading, Receiver, Reply, Request, Usage, encode},
    plan::Status,
};

pub const CASES: &[Case] = &[
    Case { name: "link: every request arrives", run: requests },
    Case { name: "link: every reply arrives", run: replies },
    Case { name: "link: a changed bit is found", run: damage },
    Case { name: "link: a frame that is too long is refused, the next one arrives", run: too_long },
    Case { name: "link: the receiver finds its place after noise", run: noise },
    Case { name: "link: a message that does not fit is not sent", run: no_space },
    Case { name: "link: golden bytes", run: golden },
];

type In = Request<8>;
type Out = Reply<2>;

fn observe() -> In {
    let values = [0.0, -0.5, 1.5, f32::MAX, f32::MIN_POSITIVE];
    Request::Observe {
        step: 70_000,
        mode: Mode::Policy,
        reading: Reading::Sensors(values.into_iter().collect()),
    }
}

fn action() -> Out {
    Reply::Action {
        step: u32::MAX,
        action: [-2.0, 0.125].into_iter().collect(),
        diagnostics: Diagnostics {
            status: Status::BudgetSpent,
            iterations: 300,
            cost: 17.5,
            innovation: 0.25,
            outlier: true,
            energy: 0.5,
            strange: true,
        },
        refused: Some(SensorError::Length { expected: 8, found: 3 }),
        instructions: 1 << 40,
    }
}

fn requests() -> Result<(), Failure> {
    let messages = [
        Request::Hello { protocol: PROTOCOL },
        Request::Reset,
        observe(),
        Request::Observe { step: 0, mode: Mode::Plan, reading: Reading::Missing },
        Request::Observe {
            step: 1,
            mode: Mode::Plan,
            reading: Reading::State([3.0; 8].into_iter().collect()),
        },
        Request::Usage,
    ];
    let mut receiver = Receiver::<64>::new();
    for message in messages {
        let mut buffer = [0; 64];
        let frame = encode(&message, &mut buffer)?;
        let (end, start) = frame.split_last().ok_or(Failure::Claim { what: "a frame is not empty" })?;
        holds("a frame ends with its only zero", *end == 0 && !start.contains(&0))?;
        for byte in start {
            holds("a frame is not over before its end", receiver.push::<In>(*byte).is_none())?;
        }
        holds("what was sent arrives", receiver.push::<In>(0) == Some(Ok(message)))?;
    }
    Ok(())
}

fn replies() -> Result<(), Failure> {
    let messages = [
        Reply::Hello { protocol: PROTOCOL, artifact: 0xdead_beef },
        Reply::Ready,
        action(),
        Reply::Usage(Usage { flash: 100_000, statics: 1, stack: 0 }),
        Reply::Error(LinkError::TooLong),
        Reply::Error(LinkError::Damaged),
        Reply::Error(LinkError::Protocol),
    ];
    let mut receiver = Receiver::<64>::new();
    for message in messages {
        let mut buffer = [0; 64];
        let frame = encode(&message, &mut buffer)?;
        let arrived = frame.iter().find_map(|byte| receiver.push::<Out>(*byte));
        holds("what was sent arrives", arrived == Some(Ok(message)))?;
    }
    Ok(())
}

/// A changed bit may split a frame into two or make it run into the next; but no other message comes of it.
fn damage() -> Result<(), Failure> {
    let mut buffer = [0; 64];
    let frame = encode(&observe(), &mut buffer)?;
    for bit in 0..8 * frame.len() {
        frame[bit / 8] ^= 1 << (bit % 8);
        let mut receiver = Receiver::<64>::new();
        let mut damaged = 0;
        for byte in frame.iter().chain([&0]) {
            match receiver.push::<In>(*byte) {
                Some(Ok(_)) => return Err(Failure::Claim { what: "a damaged frame gives no message" }),
                Some(Err(error)) => {
                    holds("damage is called damage", error == LinkError::Damaged)?;
                    damaged += 1;
                }
                None => {}
            }
        }
        holds("damage is noticed", damaged > 0)?;
        frame[bit / 8] ^= 1 << (bit % 8);
    }
    Ok(())
}

fn too_long() -> Result<(), Failure> {
    let mut receiver = Receiver::<8>::new();
    for _ in 0..100 {
        holds("an endless frame gives nothing", receiver.push::<In>(1).is_none())?;
    }
    holds("a long frame is refused", receiver.push::<In>(0) == Some(Err(LinkError::TooLong)))?;
    let mut buffer = [0; 8];
    let frame = encode(&In::Reset, &mut buffer)?;
    let arrived = frame.iter().find_map(|byte| receiver.push::<In>(*byte));
    holds("the next frame arrives", arrived == Some(Ok(In::Reset)))
}

fn noise() -> Result<(), Failure> {
    let mut noise = crate::tiny::Numbers(37);
    let mut buffer = [0; 64];
    let frame = encode(&observe(), &mut buffer)?;
    let mut receiver = Receiver::<64>::new();
    for round in 0..100 {
        for _ in 0..round {
            let byte = (noise.next() * 128.0) as i8 as u8;
            let arrived = receiver.push::<In>(byte);
            holds("noise is no message", !matches!(arrived, Some(Ok(_))))?;
        }
        // The zero in front ends the noise.
        receiver.push::<In>(0);
        let arrived = frame.iter().find_map(|byte| receiver.push::<In>(*byte));
        holds("the frame after the noise arrives", arrived == Some(Ok(observe())))?;
    }
    for _ in 0..3 {
        holds("empty frames are skipped", receiver.push::<In>(0).is_none())?;
    }
    Ok(())
}

fn no_space() -> Result<(), Failure> {
    let mut buffer = [0; 64];
    let length = encode(&action(), &mut buffer)?.len();
    for space in 0..length {
        let result = encode(&action(), &mut buffer[..space]);
        holds("a small buffer is refused", result == Err(LinkError::TooLong))?;
    }
    count("length", length as u32, encode(&action(), &mut buffer[..length])?.len() as u32)
}

/// Both ends must agree on every byte: a change here is a change of [`PROTOCOL`].
fn golden() -> Result<(), Failure> {
    let mut buffer = [0; 64];
    let checksum = |frame: &[u8]| forethought::artifact::CRC.checksum(frame);
    let request = checksum(encode(&observe(), &mut buffer)?);
    let reply = checksum(encode(&action(), &mut buffer)?);
    for (what, expected, found) in [("request", 0x61f9_49d7, request), ("reply", 0xe9b0_c720, reply)] {
        if expected != found {
            return Err(Failure::Bits { what, expected, found });
        }
    }
    Ok(())
}
