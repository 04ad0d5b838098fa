//! The agent: perceive → estimate → plan or act by policy.
//!
//! Everything an agent knows is immutable and lies in flash; everything it remembers is one caller-owned
//! [`State`]. A reading that cannot be trusted gives a typed error and the safe action; the estimate then moves on with
//! the model alone, so one bad frame poisons nothing.

use crate::{
    Zero,
    artifact::{Artifact, ArtifactError, FEATURES, Kind, Load, Sensors},
    control::Controller,
    energy::{Count, Gate, Verdict, reconstruction::Judge},
    estimate::{
        Filter,
        kalman::{self, Kalman},
    },
    perceive::{Encoder, readout::ReadOut},
    plan::{Planner, Status},
    predict::ForwardModel,
};
use core::fmt;
use serde::{Deserialize, Serialize};

/// What the world shows at one step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Reading<'a> {
    /// No reading arrived.
    Missing,
    /// The raw sensors, `NY` numbers.
    Sensors(&'a [f32]),
    /// The state itself, `NX` numbers: for plants that are fully observed.
    State(&'a [f32]),
}

/// Who decides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Mode {
    /// The planner (system 2).
    #[default]
    Plan,
    /// The policy network (system 1).
    Policy,
}

/// Why a reading was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum SensorError {
    /// There was none.
    Missing,
    /// It has another number of values than the agent was trained with.
    Length {
        /// Values that the agent needs.
        expected: u32,
        /// Values that came.
        found: u32,
    },
    /// A value is NaN or infinite.
    NonFinite {
        /// Which value, counted from 0.
        index: u32,
    },
    /// A value is outside the sensors' range.
    OutOfRange {
        /// Which value, counted from 0.
        index: u32,
    },
    /// It is [strange](crate::energy), and those before it were.
    Strange,
}

impl fmt::Display for SensorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => write!(f, "the reading is missing"),
            Self::Length { expected, found } => {
                write!(f, "the reading has {found} values, the agent needs {expected}")
            }
            Self::NonFinite { index } => write!(f, "value {index} of the reading is not a finite number"),
            Self::OutOfRange { index } => {
                write!(f, "value {index} of the reading is outside the sensor's range")
            }
            Self::Strange => write!(f, "the sensors show again and again what they never showed in training"),
        }
    }
}

impl core::error::Error for SensorError {}

/// What the agent does, and how it came to it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Decision<const NU: usize> {
    /// The action, inside its range.
    pub action: [f32; NU],
    /// How it came about.
    pub diagnostics: Diagnostics,
}

impl<const NU: usize> Zero for Decision<NU> {
    const ZERO: Self = Self {
        action: [0.0; NU],
        diagnostics: Diagnostics {
            status: Status::NotPlanned,
            iterations: 0,
            cost: 0.0,
            innovation: 0.0,
            outlier: false,
            energy: 0.0,
            strange: false,
        },
    };
}

/// How a decision came about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Diagnostics {
    /// How planning ended.
    pub status: Status,
    /// Iterations of the planner.
    pub iterations: u32,
    /// What the plan costs over its horizon.
    pub cost: f32,
    /// Normalised innovation squared of the observation.
    pub innovation: f32,
    /// Whether the observation was left aside as an outlier.
    pub outlier: bool,
    /// [Energy](crate::energy) of the observation; 0 where none is told.
    pub energy: f32,
    /// Whether it was left aside because it looks like nothing that was seen in training.
    pub strange: bool,
}

/// A complete mind: something that turns readings into decisions.
pub trait Mind<'a, const NX: usize, const NU: usize>: Sized {
    /// What it remembers.
    type State: Zero;

    /// Reads all its parts from an artifact and checks that they fit together.
    fn load(artifact: &Artifact<'a>) -> Result<Self, ArtifactError>;

    /// One decision. After an error `decision` holds the safe action.
    fn step(
        &self,
        state: &mut Self::State,
        reading: Reading<'_>,
        mode: Mode,
        decision: &mut Decision<NU>,
    ) -> Result<(), SensorError>;

    /// Where the agent believes the world to be.
    fn estimate<'s>(&self, state: &'s Self::State) -> &'s [f32; NX];

    /// The states that its last plan leads through; a mind that does not plan has none.
    fn planned<'s>(&self, _: &'s Self::State) -> &'s [[f32; NX]] {
        &[]
    }
}

/// The whole loop over an encoder `E`, a forward model `M` and a planner `P`.
#[derive(Clone, Debug)]
pub struct Agent<
    'a,
    E,
    M,
    P,
    const NY: usize,
    const NC: usize,
    const NX: usize,
    const NU: usize,
    const NZ: usize,
    const NH: usize,
    const H: usize,
> {
    sensors: Sensors,
    sizes: (usize, usize),
    encoder: E,
    readout: ReadOut<'a>,
    /// What tells strange observations from familiar ones, if anything does.
    watch: Option<(Judge<'a>, Gate)>,
    filter: Kalman<'a>,
    control: Controller<'a, M, P, NX, NU, NZ, NH, H>,
}

/// What an agent remembers from step to step, and the memory it works in.
#[derive(Clone, Debug)]
pub struct State<S, P, const NY: usize, const NC: usize, const NX: usize, const NU: usize> {
    scratch: S,
    observation: [f32; NY],
    code: [f32; NC],
    count: Count,
    estimate: kalman::State<NX>,
    planner: P,
    /// The action that the world is under, if there was one.
    last: Option<[f32; NU]>,
}

impl<S: Zero, P: Zero, const NY: usize, const NC: usize, const NX: usize, const NU: usize> Zero
    for State<S, P, NY, NC, NX, NU>
{
    const ZERO: Self = Self {
        scratch: S::ZERO,
        observation: [0.0; NY],
        code: [0.0; NC],
        count: Count::ZERO,
        estimate: kalman::State::ZERO,
        planner: P::ZERO,
        last: None,
    };
}

impl<
    'a,
    E: Encoder<NY, NC> + Load<'a>,
    M: ForwardModel<NX, NU, NZ> + Load<'a>,
    P: Planner<'a, M, NX, NU, NZ, NH, H>,
    const NY: usize,
    const NC: usize,
    const NX: usize,
    const NU: usize,
    const NZ: usize,
    const NH: usize,
    const H: usize,
> Mind<'a, NX, NU> for Agent<'a, E, M, P, NY, NC, NX, NU, NZ, NH, H>
{
    type State = State<E::Scratch, P::State, NY, NC, NX, NU>;

    fn load(artifact: &Artifact<'a>) -> Result<Self, ArtifactError> {
        artifact.check_kind(Kind::Agent)?;
        let sizes = artifact.sizes();
        sizes.check_observation::<NY, NC>()?;
        Ok(Self {
            sensors: artifact.header().sensors,
            sizes: (sizes.ny(), sizes.nx()),
            control: Load::load(artifact)?,
            encoder: E::load(artifact)?,
            readout: ReadOut::load(artifact)?,
            watch: match &artifact.header().energy {
                Some(energy) => Some((Judge::load(artifact)?, Gate::new(energy))),
                None => None,
            },
            filter: Kalman::load(artifact)?,
        })
    }

    fn step(
        &self,
        state: &mut Self::State,
        reading: Reading<'_>,
        mode: Mode,
        decision: &mut Decision<NU>,
    ) -> Result<(), SensorError> {
        *decision = Decision { action: *self.control.safe(), ..Decision::ZERO };
        if let Some(u) = &state.last {
            self.filter.predict(self.control.model(), &mut state.estimate, u);
        }
        // The safe action is what the world is under if the reading is refused.
        if state.last.is_some() {
            state.last = Some(*self.control.safe());
        }
        match reading {
            Reading::Missing => return Err(SensorError::Missing),
            Reading::Sensors(values) => {
                let (low, high) = (self.sensors.low, self.sensors.high);
                let same =
                    self.watch.as_ref().is_some_and(|(_, gate)| gate.repeats(values, &state.observation));
                take(values, self.sizes.0, low..=high, &mut state.observation)?;
                self.perceive(state, same, &mut decision.diagnostics)?;
            }
            Reading::State(values) => {
                let mut x = [0.0; NX];
                take(values, self.sizes.1, f32::MIN..=f32::MAX, &mut x)?;
                self.filter.know(&mut state.estimate, &x);
            }
        }
        self.control.decide(&mut state.planner, &state.estimate.x, mode, decision);
        state.last = Some(decision.action);
        Ok(())
    }

    fn estimate<'s>(&self, state: &'s Self::State) -> &'s [f32; NX] {
        &state.estimate.x
    }

    fn planned<'s>(&self, state: &'s Self::State) -> &'s [[f32; NX]] {
        self.control.planned(&state.planner)
    }
}

impl<
    'a,
    E: Encoder<NY, NC>,
    M: ForwardModel<NX, NU, NZ>,
    P: Planner<'a, M, NX, NU, NZ, NH, H>,
    const NY: usize,
    const NC: usize,
    const NX: usize,
    const NU: usize,
    const NZ: usize,
    const NH: usize,
    const H: usize,
> Agent<'a, E, M, P, NY, NC, NX, NU, NZ, NH, H>
{
    /// From the observation to the estimate: code, read-out, filter. What is strange is left aside, and refused when it
    /// has been strange for too long.
    fn perceive(
        &self,
        state: &mut State<E::Scratch, P::State, NY, NC, NX, NU>,
        same: bool,
        diagnostics: &mut Diagnostics,
    ) -> Result<(), SensorError> {
        self.encoder.encode(&mut state.scratch, &state.observation, &mut state.code);
        if let Some((judge, gate)) = &self.watch {
            diagnostics.energy = judge.of(&state.code, &state.observation, &mut [0.0; NY]);
            let verdict = gate.judge(&mut state.count, diagnostics.energy, same);
            diagnostics.strange = verdict != Verdict::Familiar;
            match verdict {
                Verdict::Familiar => (),
                Verdict::Strange => return Ok(()),
                Verdict::Alarm => return Err(SensorError::Strange),
            }
        }
        let mut features = [0.0; FEATURES];
        let n = self.readout.read(&state.code, &mut features);
        let measured = features.iter().take(n).map(|&y| Some(y));
        let innovation = self.filter.update(&mut state.estimate, measured);
        diagnostics.innovation = innovation.nis;
        diagnostics.outlier = !innovation.accepted();
        Ok(())
    }
}

/// Copies a reading after checking every value.
pub(crate) fn take(
    values: &[f32],
    expected: usize,
    range: core::ops::RangeInclusive<f32>,
    target: &mut [f32],
) -> Result<(), SensorError> {
    check(values, expected, range)?;
    for (target, value) in target.iter_mut().zip(values) {
        *target = *value;
    }
    Ok(())
}

/// Checks every value of a reading.
pub(crate) fn check(
    values: &[f32],
    expected: usize,
    range: core::ops::RangeInclusive<f32>,
) -> Result<(), SensorError> {
    if values.len() != expected {
        return Err(SensorError::Length { expected: expected as u32, found: values.len() as u32 });
    }
    let find = |wrong: &dyn Fn(&f32) -> bool| values.iter().position(wrong).map(|index| index as u32);
    if let Some(index) = find(&|v| !v.is_finite()) {
        return Err(SensorError::NonFinite { index });
    }
    if let Some(index) = find(&|v| !range.contains(v)) {
        return Err(SensorError::OutOfRange { index });
    }
    Ok(())
}
