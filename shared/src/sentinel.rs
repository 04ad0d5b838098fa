//! The sentinel: a mind that only notices. A reading of the sensors goes in; its energy comes out, and what to think of it:
//! 0 familiar, 1 strange, 2 alarm. Behind them, if the artifact says so, the observation as it would be if it were
//! more familiar: without noise and damage.
//!
//! It answers where an [agent](crate::agent) acts, so that whatever runs agents runs it too. A reading that cannot be
//! trusted gives the agent's typed error and an alarm.

use crate::{
    Zero,
    agent::{Decision, Mind, Mode, Reading, SensorError, take},
    artifact::{Artifact, ArtifactError, Descending, Kind, Load, Sensors},
    energy::{Count, Energy, Gate, Verdict, descend},
};

/// An energy `E` and what is strange in its terms; its answers have `NA` numbers.
#[derive(Clone, Debug)]
pub struct Sentinel<E, const NY: usize, const NA: usize> {
    sensors: Sensors,
    observation: usize,
    energy: E,
    gate: Gate,
    descending: Option<Descending>,
}

/// What it remembers: the last observation, and how many were strange.
#[derive(Clone, Debug)]
pub struct State<S, const NY: usize> {
    scratch: S,
    observation: [f32; NY],
    count: Count,
}

impl<S: Zero, const NY: usize> Zero for State<S, NY> {
    const ZERO: Self = Self { scratch: S::ZERO, observation: [0.0; NY], count: Count::ZERO };
}

impl<'a, E: Energy<NY> + Load<'a>, const NY: usize, const NA: usize> Mind<'a, 0, NA> for Sentinel<E, NY, NA> {
    type State = State<E::Scratch, NY>;

    fn load(artifact: &Artifact<'a>) -> Result<Self, ArtifactError> {
        artifact.check_kind(Kind::Sentinel)?;
        let header = artifact.header();
        header.check_answer::<NA>()?;
        let settings = header.energy.ok_or(ArtifactError::Kind { expected: "an energy" })?;
        Ok(Self {
            sensors: header.sensors,
            observation: artifact.sizes().ny(),
            energy: E::load(artifact)?,
            gate: Gate::new(&settings),
            descending: settings.descending,
        })
    }

    fn step(
        &self,
        state: &mut Self::State,
        reading: Reading<'_>,
        _: Mode,
        decision: &mut Decision<NA>,
    ) -> Result<(), SensorError> {
        *decision = Decision::ZERO;
        set(&mut decision.action, [0.0, f32::from(Verdict::Alarm as u8)]);
        // It knows of no state: to be told one is to be shown nothing.
        let Reading::Sensors(values) = reading else { return Err(SensorError::Missing) };
        let State { scratch, observation, count } = state;
        let same = self.gate.repeats(values, observation);
        take(values, self.observation, self.sensors.low..=self.sensors.high, observation)?;
        let energy = self.energy.of(scratch, observation);
        let verdict = self.gate.judge(count, energy, same);
        decision.diagnostics.energy = energy;
        decision.diagnostics.strange = verdict != Verdict::Familiar;
        set(&mut decision.action, [energy, f32::from(verdict as u8)]);
        if let Some(descending) = self.descending {
            let mut y = *observation;
            descend(&self.energy, descending, self.sensors, scratch, &mut y);
            for (answer, y) in decision.action.iter_mut().skip(2).zip(&y) {
                *answer = *y;
            }
        }
        Ok(())
    }

    fn estimate<'s>(&self, _: &'s Self::State) -> &'s [f32; 0] {
        &[]
    }
}

fn set(target: &mut [f32], values: [f32; 2]) {
    for (target, value) in target.iter_mut().zip(values) {
        *target = value;
    }
}
