//! Traffic that a watcher watches: the native highway, seen from one car, which is driven by its rules as the others are. What it
//! will do until the next view is told with each view, as a planner would ask; z is drawn from the prior and held for a second.

use super::{
    Rng, World,
    camera::normal,
    traffic::{
        Config, Highway,
        recording::Recording,
        view::{CHANNELS, Grid, OTHERS},
    },
};
use forethought::{
    artifact::{Artifact, ArtifactError, Model},
    predict::traffic::Geometry,
};
use rand::RngExt;

/// Steps that z is held for, as in training.
const HELD: usize = 5;
/// Steps in an episode.
const EPISODE: usize = 200;

/// The road of a watcher.
#[derive(Clone, Debug)]
pub struct Watched {
    highway: Highway,
    grid: Grid,
    recording: Option<Recording>,
    /// Whose eyes these are.
    car: usize,
    z: Vec<f32>,
    t: usize,
}

impl Watched {
    /// Where the watcher in an artifact is at home.
    pub fn of(artifact: &Artifact<'_>) -> Result<Self, ArtifactError> {
        let Model::Traffic(settings) = artifact.header().model else {
            return Err(ArtifactError::Kind { expected: "a model of traffic" });
        };
        let Geometry { along, across, cell: [length, width], behind, lanes, .. } =
            Geometry::load(artifact, &settings)?;
        let grid = Grid {
            along,
            across,
            length: length.into(),
            width: width.into(),
            behind: f64::from(behind) / along as f64,
        };
        // A frame more than there are steps: every step has an action.
        let highway = Highway::new(Config { lanes, grid, episode: EPISODE + 1, ..Config::default() });
        Ok(Self { highway, grid, recording: None, car: 0, z: vec![0.0; artifact.sizes().nz()], t: 0 })
    }
}

impl World for Watched {
    fn reset(&mut self, rng: &mut Rng) {
        let recording = self.highway.record(1, rng).pop();
        self.car = rng.random_range(0..recording.as_ref().map_or(1, Recording::cars));
        (self.recording, self.t) = (recording, 0);
    }

    fn state(&self) -> Vec<f32> {
        self.recording.iter().flat_map(|recording| recording.frames[self.t][self.car].state()).collect()
    }

    fn observe(&mut self, rng: &mut Rng) -> Vec<f32> {
        let Some(recording) = &self.recording else { return Vec::new() };
        if self.t.is_multiple_of(HELD) {
            self.z.fill_with(|| normal(rng) as f32);
        }
        let mut view = vec![0.0; self.grid.maps().len()];
        self.grid.draw(recording.road, &recording.frames[self.t], self.car, &mut view);
        let others = view.into_iter().skip(OTHERS).step_by(CHANNELS);
        let action = recording.action(self.t, self.car);
        others.chain(self.state()).chain(action).chain(self.z.iter().copied()).collect()
    }

    /// What a watcher says changes nothing.
    fn step(&mut self, _: &[f32]) -> f64 {
        self.t += 1;
        0.0
    }

    fn episode(&self) -> usize {
        EPISODE
    }
}
