//! The recogniser: a mind that only perceives. A reading of the sensors goes in, the scores of classes come out, or,
//! without a classifier, the code itself.
//!
//! It answers where an [agent](crate::agent) acts, so that whatever runs agents runs it too. A reading that cannot be
//! trusted gives the agent's typed error and an answer that favours no class: zeros.

use crate::{
    Zero,
    agent::{Decision, Mind, Mode, Reading, SensorError, take},
    artifact::{Artifact, ArtifactError, Kind, Load, Sensors},
    perceive::{Encoder, classifier::Classifier},
};

/// An encoder `E`, and a classifier of its code if the artifact has one.
#[derive(Clone, Debug)]
pub struct Recogniser<'a, E, const NY: usize, const NC: usize, const NU: usize> {
    sensors: Sensors,
    observation: usize,
    encoder: E,
    classifier: Option<Classifier<'a>>,
}

/// The memory it works in. Nothing of it lasts from one reading to the next.
#[derive(Clone, Debug)]
pub struct State<S, const NY: usize, const NC: usize> {
    scratch: S,
    observation: [f32; NY],
    code: [f32; NC],
}

impl<S: Zero, const NY: usize, const NC: usize> Zero for State<S, NY, NC> {
    const ZERO: Self = Self { scratch: S::ZERO, observation: [0.0; NY], code: [0.0; NC] };
}

impl<'a, E: Encoder<NY, NC> + Load<'a>, const NY: usize, const NC: usize, const NU: usize> Mind<'a, 0, NU>
    for Recogniser<'a, E, NY, NC, NU>
{
    type State = State<E::Scratch, NY, NC>;

    fn load(artifact: &Artifact<'a>) -> Result<Self, ArtifactError> {
        artifact.check_kind(Kind::Perception)?;
        let sizes = artifact.sizes();
        sizes.check_observation::<NY, NC>()?;
        artifact.header().check_answer::<NU>()?;
        let classifier = if artifact.has("classify") { Some(Classifier::load(artifact)?) } else { None };
        let encoder = E::load(artifact)?;
        Ok(Self { sensors: artifact.header().sensors, observation: sizes.ny(), encoder, classifier })
    }

    fn step(
        &self,
        state: &mut Self::State,
        reading: Reading<'_>,
        _: Mode,
        decision: &mut Decision<NU>,
    ) -> Result<(), SensorError> {
        *decision = Decision::ZERO;
        // It knows of no state: to be told one is to be shown nothing.
        let Reading::Sensors(values) = reading else { return Err(SensorError::Missing) };
        let State { scratch, observation, code } = state;
        take(values, self.observation, self.sensors.low..=self.sensors.high, observation)?;
        self.encoder.encode(scratch, observation, code);
        match &self.classifier {
            Some(classifier) => classifier.score(code, &mut decision.action),
            None => decision.action.iter_mut().zip(code).for_each(|(output, unit)| *output = *unit),
        }
        Ok(())
    }

    fn estimate<'s>(&self, _: &'s Self::State) -> &'s [f32; 0] {
        &[]
    }
}
