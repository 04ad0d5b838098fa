//! The forward model of driving in dense traffic: a conditional variational autoencoder, trained with z-dropout on sequences of views
//! and states together (Henaff, Canziani & LeCun, *Model-predictive policy learning with uncertainty regularization for driving in
//! dense traffic*, ICLR 2019).
//!
//! ```text
//! h  = enc(views, state) + A(u) + W_z z       what was seen, what is done, what cannot be known
//! a_i = out(dec(h) where car i is, car i, u, z)         how the others accelerate
//! w_i ← w_i + a_i dt,   p_i ← p_i + w_i dt − own way
//! ```
//! What is carried on from view to view are the [cars] that are [found](boxes) in them, not the views: redrawn each time,
//! those would blur cars, which are hardly longer than a cell. The [network] sees the cars [drawn](draw) with their motion.
//! The car's own way follows from state and action by kinematics, or is learned.
//!
//! There is no pullback: to plan through this model is the training of a driving policy, which is done on the host, where
//! gradients reach action and state through the same steps on a tape.

pub mod boxes;
pub mod cars;
pub mod draw;
pub mod network;
pub mod shuffle;
pub mod view;

pub use cars::{CARS, Car, Cars};
pub use network::memory;
pub use view::{ACTION, Geometry, STATE};

use crate::{
    Zero,
    artifact::{Artifact, ArtifactError, Load, Model, Own},
    math,
};
use network::Network;

/// What is around a car, and what it does itself.
#[derive(Clone, Debug)]
pub struct Scene {
    /// Its state.
    pub state: [f32; STATE],
    /// The others.
    pub cars: Cars,
}

impl Zero for Scene {
    const ZERO: Self = Self { state: [0.0; STATE], cars: Cars::new() };
}

/// The model. `NH` hold any hidden layer, `NM` what the network works in, as [`memory`] counts it.
#[derive(Clone, Debug)]
pub struct Traffic<'a, const NH: usize, const NM: usize> {
    geometry: Geometry,
    own: Own,
    network: Network<'a, NH>,
}

impl<'a, const NH: usize, const NM: usize> Load<'a> for Traffic<'a, NH, NM> {
    /// Reads the part `predict` of an artifact.
    fn load(artifact: &Artifact<'a>) -> Result<Self, ArtifactError> {
        let Model::Traffic(settings) = artifact.header().model else {
            return Err(ArtifactError::Kind { expected: "a model of traffic" });
        };
        let (nh, found) = (artifact.sizes().nh(), memory(&settings, artifact.sizes().nh()));
        if nh > NH {
            return Err(ArtifactError::TooLarge { what: "hidden units", capacity: NH, found: nh });
        }
        if found > NM {
            return Err(ArtifactError::TooLarge { what: "numbers in maps", capacity: NM, found });
        }
        Ok(Self {
            geometry: Geometry::load(artifact, &settings)?,
            own: settings.own,
            network: Network::load(artifact, &settings)?,
        })
    }
}

impl<const NH: usize, const NM: usize> Traffic<'_, NH, NM> {
    /// How views are measured.
    pub fn geometry(&self) -> &Geometry {
        &self.geometry
    }

    /// How the car's own way comes into predictions.
    pub fn own(&self) -> Own {
        self.own
    }

    /// The scene a step on, in its place. A model without a latent variable is given no z.
    pub fn step(&self, memory: &mut [f32; NM], scene: &mut Scene, action: &[f32; ACTION], z: &[f32]) {
        let Scene { state, cars } = scene;
        let change = self.network.step(&self.geometry, memory, (state, cars), (action, z));
        let dt = self.geometry.dt;
        let way = match self.own {
            Own::Known => drive(&self.geometry, state, action),
            Own::Learned => {
                state.iter_mut().zip(change).for_each(|(state, change)| *state += change);
                [0.0; 2]
            }
        };
        for Car { place, speed, push } in cars {
            for ((place, way), (speed, push)) in place.iter_mut().zip(way).zip(speed.iter_mut().zip(push)) {
                *speed += *push * dt;
                *place = *place + *speed * dt - way;
            }
        }
    }
}

/// Moves a car on that accelerates and turns at given rates for a step, along its mean heading at its mean speed, and tells
/// its way; its middle slips aside, as the front axle is half a car ahead of it. It does not roll back.
pub fn drive(geometry: &Geometry, state: &mut [f32; STATE], action: &[f32; ACTION]) -> [f32; 2] {
    let (dt, [long, _]) = (geometry.dt, geometry.car);
    let ([y, heading, speed], [acceleration, turning]) = (*state, *action);
    let (faster, turned) = (speed + acceleration * dt, turning * dt);
    let speed_then = if faster > 0.0 { faster } else { 0.0 };
    let heading_then = heading + turned;
    let (along, aside) = ((speed + speed_then) * (0.5 * dt), turned * (0.5 * long));
    let (sin, cos) = math::sin_cos(0.5 * (heading + heading_then));
    let way = [along * cos - aside * sin, along * sin + aside * cos];
    *state = [y + way[1], heading_then, speed_then];
    way
}
