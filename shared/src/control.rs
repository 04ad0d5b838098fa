//! The controller: a state goes in, an action comes out. A planner looks ahead through a forward model, or a policy acts.
//!
//! Alone it is the mind of a plant that is fully observed; an [agent](crate::agent) is one behind eyes and a filter.

use crate::{
    Zero,
    agent::{Decision, Mind, Mode, Reading, SensorError, take},
    artifact::{Artifact, ArtifactError, Kind, Load, Sensors},
    cost::Cost,
    plan::Planner,
    policy::{Limits, Policy},
    predict::ForwardModel,
};

/// A planner `P` over a forward model `M`, and a policy, if there is one.
#[derive(Clone, Debug)]
pub struct Controller<
    'a,
    M,
    P,
    const NX: usize,
    const NU: usize,
    const NZ: usize,
    const NH: usize,
    const H: usize,
> {
    model: M,
    cost: Cost<'a, NH>,
    planner: P,
    policy: Option<Policy<'a, NH>>,
    safe: [f32; NU],
    sensors: Sensors,
    nx: usize,
}

impl<
    'a,
    M: ForwardModel<NX, NU, NZ> + Load<'a>,
    P: Planner<'a, M, NX, NU, NZ, NH, H>,
    const NX: usize,
    const NU: usize,
    const NZ: usize,
    const NH: usize,
    const H: usize,
> Load<'a> for Controller<'a, M, P, NX, NU, NZ, NH, H>
{
    /// Reads everything that acts, of a controller or of an agent.
    fn load(artifact: &Artifact<'a>) -> Result<Self, ArtifactError> {
        let sizes = artifact.sizes();
        sizes.check_state::<NX, NU, NZ>()?;
        sizes.check_horizon::<H>()?;
        let mut safe = [0.0; NU];
        let stored = artifact.vector("action", "safe", sizes.nu())?;
        for ((safe, stored), (low, high)) in safe.iter_mut().zip(stored).zip(Limits::load(artifact)?.iter()) {
            if !(low..=high).contains(stored) {
                return Err(ArtifactError::Setting {
                    what: "the safe action must be inside the action's range",
                });
            }
            *safe = *stored;
        }
        let planner = P::load(artifact)?;
        let practised =
            artifact.has("policy") || artifact.header().planner == crate::artifact::Planner::Reflex;
        Ok(Self {
            model: M::load(artifact)?,
            cost: Cost::load(artifact)?,
            planner,
            policy: if practised { Some(Policy::load(artifact)?) } else { None },
            safe,
            sensors: artifact.header().sensors,
            nx: sizes.nx(),
        })
    }
}

impl<
    'a,
    M: ForwardModel<NX, NU, NZ>,
    P: Planner<'a, M, NX, NU, NZ, NH, H>,
    const NX: usize,
    const NU: usize,
    const NZ: usize,
    const NH: usize,
    const H: usize,
> Controller<'a, M, P, NX, NU, NZ, NH, H>
{
    /// What is done where nothing is known.
    pub fn safe(&self) -> &[f32; NU] {
        &self.safe
    }

    /// The forward model.
    pub fn model(&self) -> &M {
        &self.model
    }

    /// Decides in state `x`. Without a policy practice is the safe action.
    pub fn decide(&self, state: &mut P::State, x: &[f32; NX], mode: Mode, decision: &mut Decision<NU>) {
        let practice = |x: &[f32; NX], u: &mut [f32; NU]| match &self.policy {
            Some(policy) => policy.act(x, u),
            None => *u = self.safe,
        };
        match mode {
            Mode::Policy => practice(x, &mut decision.action),
            Mode::Plan => {
                let outcome = self.planner.plan(state, (&self.model, &self.cost), x, practice);
                decision.diagnostics.status = outcome.status;
                decision.diagnostics.iterations = outcome.iterations;
                decision.diagnostics.cost = outcome.cost;
                // Where the model runs off there is no plan worth following: the action stays the safe one.
                if let Some(first) = outcome.action {
                    decision.action = first;
                }
            }
        }
    }

    /// The states that the last plan leads through.
    pub fn planned<'s>(&self, state: &'s P::State) -> &'s [[f32; NX]] {
        self.planner.planned(state)
    }
}

/// What a controller alone remembers.
#[derive(Clone, Debug)]
pub struct State<S, const NX: usize> {
    planner: S,
    x: [f32; NX],
}

impl<S: Zero, const NX: usize> Zero for State<S, NX> {
    const ZERO: Self = Self { planner: S::ZERO, x: [0.0; NX] };
}

impl<
    'a,
    M: ForwardModel<NX, NU, NZ> + Load<'a>,
    P: Planner<'a, M, NX, NU, NZ, NH, H>,
    const NX: usize,
    const NU: usize,
    const NZ: usize,
    const NH: usize,
    const H: usize,
> Mind<'a, NX, NU> for Controller<'a, M, P, NX, NU, NZ, NH, H>
{
    type State = State<P::State, NX>;

    fn load(artifact: &Artifact<'a>) -> Result<Self, ArtifactError> {
        artifact.check_kind(Kind::Controller)?;
        Load::load(artifact)
    }

    /// Its sensors show the state.
    fn step(
        &self,
        state: &mut Self::State,
        reading: Reading<'_>,
        mode: Mode,
        decision: &mut Decision<NU>,
    ) -> Result<(), SensorError> {
        *decision = Decision { action: self.safe, ..Decision::ZERO };
        let (values, range) = match reading {
            Reading::Missing => return Err(SensorError::Missing),
            Reading::Sensors(values) => (values, self.sensors.low..=self.sensors.high),
            Reading::State(values) => (values, f32::MIN..=f32::MAX),
        };
        take(values, self.nx, range, &mut state.x)?;
        self.decide(&mut state.planner, &state.x, mode, decision);
        Ok(())
    }

    fn estimate<'s>(&self, state: &'s Self::State) -> &'s [f32; NX] {
        &state.x
    }

    fn planned<'s>(&self, state: &'s Self::State) -> &'s [[f32; NX]] {
        self.planned(&state.planner)
    }
}
