//! Any forward model but an ensemble, in one type: so the ladder of minds has no rung for each.

use crate::export::Tensors;
use anyhow::Context;
use forethought::{
    Zero,
    artifact::{Artifact, ArtifactError, Header, Load, Model, Plant, Provenance, Sensors, Sizes},
    feature::Angles,
    predict::{
        ForwardModel, Pullback,
        network::{self, Network},
        physics::{
            car::Car, cart_pole::CartPole, linear::Linear, mountain_car::MountainCar, pendulum::Pendulum,
            quadrotor::Quadrotor, rocket::Rocket,
        },
        residual::{self, Residual},
    },
};

/// The forward model that an artifact names.
#[derive(Clone, Debug)]
pub enum AnyModel<'a, const NX: usize, const NU: usize, const NZ: usize, const NH: usize> {
    /// [`Network`].
    Network(Network<'a, NX, NU, NZ, NH>),
    /// Physics alone.
    Physics(AnyPlant<'a>),
    /// [`Residual`].
    Residual(Residual<'a, AnyPlant<'a>, NX, NU, NZ, NH>),
}

/// What a step of whichever it is remembers.
#[derive(Clone, Debug)]
pub struct Trace<const NX: usize, const NH: usize> {
    network: network::Trace<NX, NH>,
    plant: PlantTrace,
    residual: residual::Trace<PlantTrace, NX, NH>,
}

impl<const NX: usize, const NH: usize> Zero for Trace<NX, NH> {
    const ZERO: Self = Self { network: Zero::ZERO, plant: Zero::ZERO, residual: Zero::ZERO };
}

impl<'a, const NX: usize, const NU: usize, const NZ: usize, const NH: usize> Load<'a>
    for AnyModel<'a, NX, NU, NZ, NH>
{
    fn load(artifact: &Artifact<'a>) -> Result<Self, ArtifactError> {
        Ok(match artifact.header().model {
            Model::Network => Self::Network(Load::load(artifact)?),
            Model::Physics(_) => Self::Physics(Load::load(artifact)?),
            Model::Residual(_) => Self::Residual(Load::load(artifact)?),
            Model::Ensemble { .. } | Model::Absent | Model::Traffic(_) => {
                return Err(ArtifactError::Kind { expected: "one forward model" });
            }
        })
    }
}

impl<const NX: usize, const NU: usize, const NZ: usize, const NH: usize> ForwardModel<NX, NU, NZ>
    for AnyModel<'_, NX, NU, NZ, NH>
{
    type Trace = Trace<NX, NH>;

    // One copy of every model's code, whichever planner and filter call it: they are many.
    #[inline(never)]
    fn step(
        &self,
        trace: &mut Self::Trace,
        x: &[f32; NX],
        u: &[f32; NU],
        z: &[f32; NZ],
        next: &mut [f32; NX],
    ) {
        match self {
            Self::Network(model) => model.step(&mut trace.network, x, u, z, next),
            Self::Physics(model) => model.step(&mut trace.plant, x, u, &[], next),
            Self::Residual(model) => model.step(&mut trace.residual, x, u, z, next),
        }
    }

    #[inline(never)]
    fn pullback(&self, trace: &Self::Trace, g: &[f32; NX], out: &mut Pullback<NX, NU, NZ>) {
        match self {
            Self::Network(model) => model.pullback(&trace.network, g, out),
            Self::Physics(model) => {
                let mut plain = Pullback::ZERO;
                model.pullback(&trace.plant, g, &mut plain);
                *out = Pullback { x: plain.x, u: plain.u, z: [0.0; NZ] };
            }
            Self::Residual(model) => model.pullback(&trace.residual, g, out),
        }
    }
}

/// Any plant, and what a step of it remembers.
macro_rules! plants {
    ($($name:ident: $field:ident, $nx:literal, $nu:literal;)*) => {
        /// The plant that an artifact names.
        #[derive(Clone, Copy, Debug)]
        pub enum AnyPlant<'a> {
            /// [`Linear`].
            Linear(Linear<'a>),
            $(#[doc = concat!("[`", stringify!($name), "`].")] $name($name),)*
        }

        /// What a step of whichever it is remembers.
        #[derive(Clone, Debug)]
        pub struct PlantTrace {
            $($field: <$name as ForwardModel<{ $nx }, { $nu }, 0>>::Trace,)*
        }

        impl Zero for PlantTrace {
            const ZERO: Self = Self { $($field: Zero::ZERO,)* };
        }

        impl<'a> Load<'a> for AnyPlant<'a> {
            fn load(artifact: &Artifact<'a>) -> Result<Self, ArtifactError> {
                match artifact.header().model {
                    $(Model::Physics(Plant::$name) | Model::Residual(Plant::$name) => {
                        $name::load(artifact).map(Self::$name)
                    })*
                    Model::Physics(Plant::Linear) | Model::Residual(Plant::Linear) => {
                        Linear::load(artifact).map(Self::Linear)
                    }
                    Model::Network | Model::Ensemble { .. } | Model::Absent | Model::Traffic(_) => {
                        Err(ArtifactError::Kind { expected: "a plant's physics" })
                    }
                }
            }
        }

        /// In a type of any size: a plant has sizes of its own, and what is beyond them stays zero.
        impl<const NX: usize, const NU: usize> ForwardModel<NX, NU, 0> for AnyPlant<'_> {
            type Trace = PlantTrace;

            fn step(
                &self,
                trace: &mut Self::Trace,
                x: &[f32; NX],
                u: &[f32; NU],
                z: &[f32; 0],
                next: &mut [f32; NX],
            ) {
                match self {
                    Self::Linear(plant) => plant.step(&mut (), x, u, z, next),
                    $(Self::$name(plant) => {
                        let mut own = [0.0; $nx];
                        plant.step(&mut trace.$field, &resize(x), &resize(u), z, &mut own);
                        *next = resize(&own);
                    })*
                }
            }

            fn pullback(&self, trace: &Self::Trace, g: &[f32; NX], out: &mut Pullback<NX, NU, 0>) {
                match self {
                    Self::Linear(plant) => plant.pullback(&(), g, out),
                    $(Self::$name(plant) => {
                        let mut own = Pullback::ZERO;
                        plant.pullback(&trace.$field, &resize(g), &mut own);
                        *out = Pullback { x: resize(&own.x), u: resize(&own.u), z: [] };
                    })*
                }
            }
        }

        impl AnyPlant<'static> {
            /// The plant with these constants, in the order of the weight file; a linear plant has none.
            ///
            /// # Errors
            /// If there are too many or too few, or one is out of its range.
            pub fn of(named: Plant, constants: &[f32]) -> anyhow::Result<Self> {
                let (state, action) = named.sizes().context("a linear plant is its matrices: it has no constants")?;
                let mut tensors = Tensors::default();
                tensors.vector("predict", "constants", constants);
                let file = tensors.pack(Header::model(
                    Sizes { state, action, ..Sizes::default() },
                    Angles(0),
                    Sensors { low: -1.0, high: 1.0 },
                    Model::Physics(named),
                    Provenance { trainer: "", task: "", seed: 0, data: 0 },
                ))?;
                let artifact = file.parse()?;
                match named {
                    $(Plant::$name => Ok($name::load(&artifact).map(Self::$name)?),)*
                    Plant::Linear => unreachable!("it has no sizes of its own"),
                }
            }
        }

        /// Bytes of RAM that a step of a plant remembers.
        pub fn plant_trace(plant: Plant) -> usize {
            match plant {
                Plant::Linear => 0,
                $(Plant::$name => size_of::<<$name as ForwardModel<{ $nx }, { $nu }, 0>>::Trace>(),)*
            }
        }
    };
}

plants! {
    Pendulum: pendulum, 2, 1;
    CartPole: cart_pole, 4, 1;
    Quadrotor: quadrotor, 12, 4;
    Rocket: rocket, 7, 2;
    Car: car, 4, 2;
    MountainCar: mountain_car, 2, 1;
}

/// The first numbers of a longer array, or zeros behind a shorter one.
fn resize<const FROM: usize, const TO: usize>(from: &[f32; FROM]) -> [f32; TO] {
    std::array::from_fn(|i| from.get(i).copied().unwrap_or(0.0))
}
