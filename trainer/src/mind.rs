//! Runs any artifact on the host, with the kernels that run on the chip.
//!
//! A chip's agent has exactly the sizes of its artifact. The host cannot know them when it is compiled, so it keeps a
//! short ladder of types and takes the smallest that holds the artifact; the unused part stays zero and changes no bit.

use forethought::{
    Zero,
    agent::{self, Agent, Decision, Diagnostics, Mode, Reading, SensorError},
    artifact::{Artifact, ArtifactError, Model},
    perceive::lista::Lista,
    predict::{network::Network, physics::pendulum::Pendulum},
};

/// An agent of any size with its memory.
pub trait Mind {
    /// Forgets everything: a new episode.
    fn reset(&mut self);

    /// One decision: the action, how it came about, and why the reading was refused if it was.
    fn step(&mut self, reading: Reading<'_>, mode: Mode) -> (Vec<f32>, Diagnostics, Option<SensorError>);

    /// Where the agent believes the world to be.
    fn estimate(&self) -> Vec<f32>;

    /// The states that its last plan leads through.
    fn planned(&self) -> Vec<Vec<f32>>;
}

struct Running<'a, A: agent::Mind<'a, NX, NU>, const NX: usize, const NU: usize> {
    agent: A,
    state: Box<A::State>,
    nx: usize,
    nu: usize,
}

impl<'a, A: agent::Mind<'a, NX, NU>, const NX: usize, const NU: usize> Mind for Running<'a, A, NX, NU> {
    fn reset(&mut self) {
        *self.state = A::State::ZERO;
    }

    fn step(&mut self, reading: Reading<'_>, mode: Mode) -> (Vec<f32>, Diagnostics, Option<SensorError>) {
        let mut decision = Decision::ZERO;
        let refused = self.agent.step(&mut self.state, reading, mode, &mut decision).err();
        (decision.action[..self.nu].to_vec(), decision.diagnostics, refused)
    }

    fn estimate(&self) -> Vec<f32> {
        self.agent.estimate(&self.state)[..self.nx].to_vec()
    }

    fn planned(&self) -> Vec<Vec<f32>> {
        self.agent.planned(&self.state).iter().map(|x| x[..self.nx].to_vec()).collect()
    }
}

fn sized<'a, A: agent::Mind<'a, NX, NU> + 'a, const NX: usize, const NU: usize>(
    artifact: &Artifact<'a>,
) -> Result<Box<dyn Mind + 'a>, ArtifactError> {
    let sizes = artifact.sizes();
    let agent = A::load(artifact)?;
    Ok(Box::new(Running { agent, state: Box::new(A::State::ZERO), nx: sizes.nx(), nu: sizes.nu() }))
}

/// The pendulum's agents and others of their size.
type Small<'a, M> = Agent<'a, Lista<'a, 256, 64>, M, 256, 64, 2, 1, 0, 32, 40>;
/// Everything else.
type Large<'a, M> = Agent<'a, Lista<'a, 4096, 1024>, M, 4096, 1024, 16, 8, 16, 256, 128>;

/// Loads an artifact into the smallest type that holds it.
pub fn load<'a>(artifact: &Artifact<'a>) -> Result<Box<dyn Mind + 'a>, ArtifactError> {
    match artifact.header().model {
        Model::Pendulum => sized::<Small<'a, Pendulum>, 2, 1>(artifact),
        Model::Network => match sized::<Small<'a, Network<'a, 2, 1, 0, 32>>, 2, 1>(artifact) {
            Err(ArtifactError::TooLarge { .. }) => load_large(artifact),
            fits => fits,
        },
    }
}

/// Loads an artifact with a learned model into the largest type.
pub fn load_large<'a>(artifact: &Artifact<'a>) -> Result<Box<dyn Mind + 'a>, ArtifactError> {
    sized::<Large<'a, Network<'a, 16, 8, 16, 256>>, 16, 8>(artifact)
}
