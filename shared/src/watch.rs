//! The watcher: a mind that watches traffic and foresees what comes next. It is shown a view of the others, its own state, what it
//! is about to do, and z, one behind the other as one reading: the cells row by row, [`STATE`] and [`ACTION`] numbers, and the
//! latent variable's. It remembers the cars of the last views, [finds](crate::predict::traffic::boxes) and
//! [follows](crate::predict::traffic::cars) them, and answers with the scene one [step](Traffic::step) on: its own state, and of each of
//! [`CARS`] others, the nearest first, place, speed and presence, 5 numbers. A car that is not there has zeros.
//!
//! It answers where an [agent](crate::agent) acts, so that whatever runs agents runs it too. A reading that cannot be trusted
//! gives the agent's typed error and zeros; and it forgets the views before, as speeds are between views that are one step
//! apart.

use crate::{
    Zero,
    agent::{Decision, Mind, Mode, Reading, SensorError, check},
    artifact::{Artifact, ArtifactError, Kind, Load, Model, Sensors},
    predict::traffic::{
        ACTION, CARS, STATE, Scene, Traffic,
        boxes::{Found, find},
        cars::follow,
    },
};

/// Numbers that are said of each car.
const SAID: usize = 5;
/// Numbers in an answer.
pub const ANSWER: usize = STATE + SAID * CARS;

/// A model of traffic, and how many views it remembers, at most `NV`.
#[derive(Clone, Debug)]
pub struct Watcher<'a, const NV: usize, const NH: usize, const NM: usize> {
    sensors: Sensors,
    past: usize,
    latent: usize,
    model: Traffic<'a, NH, NM>,
}

/// What it remembers, and the memory it works in.
#[derive(Clone, Debug)]
pub struct State<const NV: usize, const NM: usize> {
    /// Who was found in the last views, the newest first, and the states that belong to them.
    views: [Found; NV],
    states: [[f32; STATE]; NV],
    /// How many of them there are.
    known: usize,
    scene: Scene,
    memory: [f32; NM],
}

impl<const NV: usize, const NM: usize> Zero for State<NV, NM> {
    const ZERO: Self = Self {
        views: [const { Found::new() }; NV],
        states: [[0.0; STATE]; NV],
        known: 0,
        scene: Scene::ZERO,
        memory: [0.0; NM],
    };
}

impl<'a, const NV: usize, const NH: usize, const NM: usize> Mind<'a, STATE, ANSWER>
    for Watcher<'a, NV, NH, NM>
{
    type State = State<NV, NM>;

    fn load(artifact: &Artifact<'a>) -> Result<Self, ArtifactError> {
        artifact.check_kind(Kind::Watcher)?;
        let past = match artifact.header().model {
            Model::Traffic(settings) => usize::from(settings.past),
            _ => 0,
        };
        if past > NV {
            return Err(ArtifactError::TooLarge { what: "views to remember", capacity: NV, found: past });
        }
        Ok(Self {
            sensors: artifact.header().sensors,
            past,
            latent: artifact.sizes().nz(),
            model: Traffic::load(artifact)?,
        })
    }

    fn step(
        &self,
        state: &mut Self::State,
        reading: Reading<'_>,
        _: Mode,
        decision: &mut Decision<ANSWER>,
    ) -> Result<(), SensorError> {
        *decision = Decision::ZERO;
        let watched = self.watch(state, reading);
        if watched.is_err() {
            state.known = 0;
            state.scene = Scene::ZERO;
            return watched;
        }
        let own = state.scene.state.iter().copied();
        let others = state.scene.cars.iter().flat_map(|car| {
            let ([x, y], [along, across]) = (car.place, car.speed);
            [x, y, along, across, 1.0]
        });
        decision.action.iter_mut().zip(own.chain(others)).for_each(|(answer, said)| *answer = said);
        Ok(())
    }

    /// The car's own state a step on.
    fn estimate<'s>(&self, state: &'s Self::State) -> &'s [f32; STATE] {
        &state.scene.state
    }
}

impl<const NV: usize, const NH: usize, const NM: usize> Watcher<'_, NV, NH, NM> {
    /// Looks, and leaves the next scene in the state.
    fn watch(&self, state: &mut State<NV, NM>, reading: Reading<'_>) -> Result<(), SensorError> {
        // It needs more than a state: to be told one alone is to be asked nothing.
        let Reading::Sensors(values) = reading else { return Err(SensorError::Missing) };
        let geometry = self.model.geometry();
        let cells = geometry.cells();
        check(values, cells + STATE + ACTION + self.latent, f32::MIN..=f32::MAX)?;
        let (view, rest) = values.split_at_checked(cells).unwrap_or_default();
        check(view, cells, self.sensors.low..=self.sensors.high)?;
        let (own, rest) = rest.split_first_chunk().unwrap_or((&[0.0; STATE], &[]));
        let (action, z) = rest.split_first_chunk().unwrap_or((&[0.0; ACTION], &[]));

        let State { views, states, known, scene, memory } = state;
        // The place of cells that are found out is later that of maps.
        let (seen, mut found) = (memory.get_mut(..cells).unwrap_or_default(), Found::new());
        seen.iter_mut().zip(view).for_each(|(seen, cell)| *seen = *cell);
        find(geometry, seen, &mut found);
        let mut newest = (found, *own);
        for (found, own) in views.iter_mut().zip(states.iter_mut()).take(self.past) {
            core::mem::swap(found, &mut newest.0);
            core::mem::swap(own, &mut newest.1);
        }
        *known = (*known + 1).min(self.past);
        let mut rest = views.clone();
        let rest = rest.get_mut(..*known).unwrap_or_default();
        let states = states.get(..*known).unwrap_or_default();
        follow(geometry, self.model.own(), rest, states, &mut scene.cars);
        scene.state = *own;
        self.model.step(memory, scene, action, z);
        Ok(())
    }
}
