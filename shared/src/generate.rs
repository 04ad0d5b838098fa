//! The generator: a mind that only dreams. Random numbers go in, and with them what is asked for; an observation comes out
//! that could have been seen.
//!
//! ```text
//! y = G(z, c)          z ~ N(0, I),   c: a class, one of its numbers 1 and the others 0
//! ```
//! It answers where an [agent](crate::agent) acts, so that whatever runs agents runs it too. A reading that cannot be
//! trusted gives the agent's typed error and zeros.

use crate::{
    Zero,
    agent::{Decision, Mind, Mode, Reading, SensorError, check},
    artifact::{Artifact, ArtifactError, Kind, Sensors},
    layers::{Layers, Trace},
};

/// The layers; its answers have `NA` numbers.
#[derive(Clone, Debug)]
pub struct Generator<'a, const NH: usize, const NA: usize> {
    sensors: Sensors,
    asked: usize,
    layers: Layers<'a, NH>,
}

/// The memory it works in. Nothing of it lasts from one reading to the next.
#[derive(Clone, Debug)]
pub struct State<const NH: usize> {
    trace: Trace<NH>,
}

impl<const NH: usize> Zero for State<NH> {
    const ZERO: Self = Self { trace: Trace::ZERO };
}

impl<'a, const NH: usize, const NA: usize> Mind<'a, 0, NA> for Generator<'a, NH, NA> {
    type State = State<NH>;

    fn load(artifact: &Artifact<'a>) -> Result<Self, ArtifactError> {
        artifact.check_kind(Kind::Generator)?;
        let header = artifact.header();
        header.check_answer::<NA>()?;
        let (asked, outputs) = (artifact.sizes().ny(), artifact.sizes().nu());
        let layers = Layers::load(artifact, "generate", (asked, outputs))?;
        Ok(Self { sensors: header.sensors, asked, layers })
    }

    fn step(
        &self,
        state: &mut Self::State,
        reading: Reading<'_>,
        _: Mode,
        decision: &mut Decision<NA>,
    ) -> Result<(), SensorError> {
        *decision = Decision::ZERO;
        // It knows of no state: to be told one is to be asked nothing.
        let Reading::Sensors(values) = reading else { return Err(SensorError::Missing) };
        check(values, self.asked, self.sensors.low..=self.sensors.high)?;
        self.layers.forward(values, &mut state.trace, &mut decision.action);
        Ok(())
    }

    fn estimate<'s>(&self, _: &'s Self::State) -> &'s [f32; 0] {
        &[]
    }
}
