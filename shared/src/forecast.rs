//! The forecaster: a mind that is only a forward model. A state, an action and a latent variable go in, one behind the
//! other as one reading; the next state comes out, and behind it, where the model [knows](ForwardModel::uncertainty), its
//! aleatoric and its epistemic variances.
//!
//! It answers where an [agent](crate::agent) acts, so that whatever runs agents runs it too. A reading that cannot be
//! trusted gives the agent's typed error and zeros.

use crate::{
    Zero,
    agent::{Decision, Mind, Mode, Reading, SensorError, check},
    artifact::{Artifact, ArtifactError, Kind, Load, Sensors, Sizes},
    predict::ForwardModel,
};

/// A forward model `M`, whose answers have `NA` numbers.
#[derive(Clone, Debug)]
pub struct Forecaster<M, const NX: usize, const NU: usize, const NZ: usize, const NA: usize> {
    sensors: Sensors,
    sizes: Sizes,
    model: M,
}

/// The memory it works in. Nothing of it lasts from one reading to the next.
#[derive(Clone, Debug)]
pub struct State<T, const NX: usize> {
    trace: T,
    next: [f32; NX],
}

impl<T: Zero, const NX: usize> Zero for State<T, NX> {
    const ZERO: Self = Self { trace: T::ZERO, next: [0.0; NX] };
}

impl<
    'a,
    M: ForwardModel<NX, NU, NZ> + Load<'a>,
    const NX: usize,
    const NU: usize,
    const NZ: usize,
    const NA: usize,
> Mind<'a, NX, NA> for Forecaster<M, NX, NU, NZ, NA>
{
    type State = State<M::Trace, NX>;

    fn load(artifact: &Artifact<'a>) -> Result<Self, ArtifactError> {
        artifact.check_kind(Kind::Model)?;
        let sizes = artifact.sizes();
        sizes.check_state::<NX, NU, NZ>()?;
        artifact.header().check_answer::<NA>()?;
        Ok(Self { sensors: artifact.header().sensors, sizes, model: M::load(artifact)? })
    }

    fn step(
        &self,
        state: &mut Self::State,
        reading: Reading<'_>,
        _: Mode,
        decision: &mut Decision<NA>,
    ) -> Result<(), SensorError> {
        *decision = Decision::ZERO;
        // It needs more than a state: to be told one alone is to be asked nothing.
        let Reading::Sensors(values) = reading else { return Err(SensorError::Missing) };
        check(values, self.sizes.ny(), self.sensors.low..=self.sensors.high)?;
        let mut rest = values.iter();
        let x = front(&mut rest, self.sizes.nx());
        let u = front(&mut rest, self.sizes.nu());
        let z = front(&mut rest, self.sizes.nz());
        self.model.step(&mut state.trace, &x, &u, &z, &mut state.next);
        let nx = self.sizes.nx();
        let none = [0.0; NX];
        let (aleatoric, epistemic) = match self.model.uncertainty(&state.trace) {
            Some(known) => (&known.aleatoric, &known.epistemic),
            None => (&none, &none),
        };
        let said = [&state.next, aleatoric, epistemic].into_iter().flat_map(|part| part.iter().take(nx));
        for (answer, said) in decision.action.iter_mut().zip(said) {
            *answer = *said;
        }
        Ok(())
    }

    /// The next state.
    fn estimate<'s>(&self, state: &'s Self::State) -> &'s [f32; NX] {
        &state.next
    }
}

/// The first `n` of the numbers that are left; zeros behind them.
fn front<'v, const N: usize>(rest: &mut impl Iterator<Item = &'v f32>, n: usize) -> [f32; N] {
    let mut front = [0.0; N];
    for (target, value) in front.iter_mut().take(n).zip(rest) {
        *target = *value;
    }
    front
}
