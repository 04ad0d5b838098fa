//! The tracker: a mind that only keeps track of the state, a [filter](crate::estimate) over a forward model.
//!
//! A reading is the measured features and, behind them, the action that the world has been under since the reading
//! before. A feature that is NaN or out of the sensors' range is missing. The answer is the estimate and, if the filter
//! keeps them, the variance of each of its components.
//!
//! It answers where an [agent](crate::agent) acts, so that whatever runs agents runs it too. After a reading that cannot be
//! trusted the model moves on under the last action that was told.

use crate::{
    Zero,
    agent::{Decision, Mind, Mode, Reading, SensorError, check, take},
    artifact::{Artifact, ArtifactError, Kind, Load, Sensors},
    estimate::Filter,
    predict::ForwardModel,
};

/// A filter `F` over a forward model `M`, whose answers have `NA` numbers.
#[derive(Clone, Debug)]
pub struct Tracker<F, M, const NX: usize, const NU: usize, const NZ: usize, const NA: usize> {
    sensors: Sensors,
    /// Measured features, state and action.
    sizes: (usize, usize, usize),
    filter: F,
    model: M,
}

/// What it remembers.
#[derive(Clone, Debug)]
pub struct State<S, const NU: usize> {
    estimate: S,
    /// The action that the world is under, once something has been seen of it.
    last: Option<[f32; NU]>,
}

impl<S: Zero, const NU: usize> Zero for State<S, NU> {
    const ZERO: Self = Self { estimate: S::ZERO, last: None };
}

impl<
    'a,
    F: Filter<NX> + Load<'a>,
    M: ForwardModel<NX, NU, NZ> + Load<'a>,
    const NX: usize,
    const NU: usize,
    const NZ: usize,
    const NA: usize,
> Mind<'a, NX, NA> for Tracker<F, M, NX, NU, NZ, NA>
{
    type State = State<F::State, NU>;

    fn load(artifact: &Artifact<'a>) -> Result<Self, ArtifactError> {
        artifact.check_kind(Kind::Tracker)?;
        let header = artifact.header();
        header.sizes.check_state::<NX, NU, NZ>()?;
        header.check_answer::<NA>()?;
        Ok(Self {
            sensors: header.sensors,
            sizes: (header.estimator.measured.len(), header.sizes.nx(), header.sizes.nu()),
            filter: F::load(artifact)?,
            model: M::load(artifact)?,
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
        let result = self.take_in(state, reading, decision);
        let x = self.filter.estimate(&state.estimate).iter().take(self.sizes.1).copied();
        let variances = self.filter.variances(&state.estimate).take(self.sizes.1);
        for (answer, number) in decision.action.iter_mut().zip(x.chain(variances)) {
            *answer = number;
        }
        result
    }

    fn estimate<'s>(&self, state: &'s Self::State) -> &'s [f32; NX] {
        self.filter.estimate(&state.estimate)
    }
}

impl<
    F: Filter<NX>,
    M: ForwardModel<NX, NU, NZ>,
    const NX: usize,
    const NU: usize,
    const NZ: usize,
    const NA: usize,
> Tracker<F, M, NX, NU, NZ, NA>
{
    fn take_in(
        &self,
        state: &mut State<F::State, NU>,
        reading: Reading<'_>,
        decision: &mut Decision<NA>,
    ) -> Result<(), SensorError> {
        let action = self.action(reading);
        if let Some(last) = &mut state.last {
            if let Ok(action) = action {
                *last = action;
            }
            self.filter.predict(&self.model, &mut state.estimate, last);
        }
        let action = action?;
        match reading {
            Reading::Missing => (),
            Reading::State(values) => {
                let mut x = [0.0; NX];
                take(values, self.sizes.1, f32::MIN..=f32::MAX, &mut x)?;
                self.filter.know(&mut state.estimate, &x);
                state.last = Some(action);
            }
            Reading::Sensors(values) => {
                let range = self.sensors.low..=self.sensors.high;
                let healthy = |y: &f32| Some(*y).filter(|y| range.contains(y));
                let measured = values.iter().take(self.sizes.0).map(healthy);
                if measured.clone().flatten().next().is_some() {
                    state.last = Some(action);
                }
                let innovation = self.filter.update(&mut state.estimate, measured);
                decision.diagnostics.innovation = innovation.nis;
                decision.diagnostics.outlier = !innovation.accepted();
            }
        }
        Ok(())
    }

    /// The action of a reading that can be trusted; none is told with a state.
    fn action(&self, reading: Reading<'_>) -> Result<[f32; NU], SensorError> {
        let (features, _, actions) = self.sizes;
        let mut action = [0.0; NU];
        match reading {
            Reading::Missing => return Err(SensorError::Missing),
            Reading::State(_) => (),
            Reading::Sensors(values) => {
                let (expected, found) = ((features + actions) as u32, values.len() as u32);
                let rest = values.get(features..).unwrap_or_default();
                if rest.len() != actions {
                    return Err(SensorError::Length { expected, found });
                }
                check(rest, actions, f32::MIN..=f32::MAX).map_err(|error| match error {
                    SensorError::NonFinite { index } => {
                        SensorError::NonFinite { index: index + features as u32 }
                    }
                    error => error,
                })?;
                action.iter_mut().zip(rest).for_each(|(action, told)| *action = *told);
            }
        }
        Ok(action)
    }
}
