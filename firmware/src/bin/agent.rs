//! The agent, or a mind that only perceives or foresees: answers each observation that comes over the serial line.
#![no_std]
#![no_main]

#[path = "../on_panic/report.rs"]
mod on_panic;

/// The weight file in flash and the types of its sizes, written by build/agent.rs.
#[allow(dead_code)] // each binary takes what it needs
mod flashed {
    include!(concat!(env!("OUT_DIR"), "/agent.rs"));
}

use defmt::{Display2Format, error, info, warn};
use flashed::{ANSWER, Mind, REPLY_FRAME, REQUEST_FRAME, State, VALUES, WEIGHTS};
use forethought::{
    Zero,
    agent::{Decision, Mind as _, Mode},
    artifact::{Artifact, ArtifactError},
    link::{LinkError, PROTOCOL, Reading, Receiver, Reply, Request, Usage, encode},
};
use forethought_firmware::board;
use static_cell::ConstStaticCell;

/// The weight file was refused.
const BAD_WEIGHTS: i32 = 2;

#[board::entry]
fn main() -> ! {
    // In statics, so that the memory account shows them for what they are: never free.
    static STATE: ConstStaticCell<State> = ConstStaticCell::new(State::ZERO);
    static RECEIVER: ConstStaticCell<Receiver<REQUEST_FRAME>> = ConstStaticCell::new(Receiver::new());

    board::init();
    let (mind, checksum) = load().unwrap_or_else(|refused| {
        error!("{}", Display2Format(&refused));
        board::exit(BAD_WEIGHTS)
    });
    let mut device = Device { mind, checksum, state: STATE.take(), receiver: RECEIVER.take() };
    board::announce();
    loop {
        device.take(board::read_byte());
    }
}

// Not part of `main`, whose stack is never given back.
#[inline(never)]
fn load() -> Result<(Mind, u32), ArtifactError> {
    let artifact = Artifact::parse(&WEIGHTS.0)?;
    let mind = Mind::load(&artifact)?;
    let (sizes, checksum) = (artifact.sizes(), artifact.checksum());
    info!(
        "{=str}: agent {=u32:08x}, NY {=u32} NC {=u32} NX {=u16} NU {=u16} NZ {=u16} NH {=u16} H {=u16}",
        board::NAME,
        checksum,
        sizes.observation,
        sizes.code,
        sizes.state,
        sizes.action,
        sizes.latent,
        sizes.hidden,
        sizes.horizon,
    );
    Ok((mind, checksum))
}

/// The mind with all it remembers.
struct Device {
    mind: Mind,
    /// Which mind it is.
    checksum: u32,
    state: &'static mut State,
    receiver: &'static mut Receiver<REQUEST_FRAME>,
}

impl Device {
    /// Takes one byte from the world, and answers if it is the last one of a request.
    #[inline(never)] // as `load`
    fn take(&mut self, byte: u8) {
        if let Some(request) = self.receiver.push(byte) {
            send(&self.answer(request));
        }
    }

    fn answer(&mut self, request: Result<Request<VALUES>, LinkError>) -> Reply<ANSWER> {
        match request {
            Err(damage) => Reply::Error(damage),
            Ok(Request::Hello { protocol: PROTOCOL }) => {
                Reply::Hello { protocol: PROTOCOL, artifact: self.checksum }
            }
            Ok(Request::Hello { .. }) => Reply::Error(LinkError::Protocol),
            Ok(Request::Reset) => {
                *self.state = State::ZERO;
                Reply::Ready
            }
            Ok(Request::Observe { step, mode, reading }) => self.decide(step, mode, &reading),
            Ok(Request::Usage) => Reply::Usage(Usage {
                flash: board::flash_used() as u32,
                statics: board::static_ram() as u32,
                stack: board::stack_used() as u32,
            }),
        }
    }

    fn decide(&mut self, step: u32, mode: Mode, reading: &Reading<VALUES>) -> Reply<ANSWER> {
        let mut decision = Decision::ZERO;
        let before = board::instructions();
        let result = self.mind.step(self.state, reading.as_reading(), mode, &mut decision);
        let instructions = board::instructions() - before;
        if let Err(refused) = result {
            warn!("step {=u32}: {}", step, Display2Format(&refused));
        } else if decision.diagnostics.strange {
            warn!("step {=u32}: strange, with an energy of {=f32}", step, decision.diagnostics.energy);
        }
        Reply::Action {
            step,
            action: decision.action.into(),
            diagnostics: decision.diagnostics,
            refused: result.err(),
            instructions,
        }
    }
}

fn send(reply: &Reply<ANSWER>) {
    let mut buffer = [0; REPLY_FRAME];
    match encode(reply, &mut buffer) {
        Ok(frame) => board::write_bytes(frame),
        // REPLY_FRAME is too small. The world will miss the answer; the agent need not stop for it.
        Err(error) => error!("no answer sent: {}", Display2Format(&error)),
    }
}
