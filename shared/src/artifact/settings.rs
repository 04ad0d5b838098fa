//! The settings of a mind's parts, as they stand in the [header](super::Header).

use super::{ArtifactError, header::fits};
use crate::feature::{Feature, Map};
use heapless::Vec;
use serde::{Deserialize, Serialize};

/// Most features that sensors measure, and most terms of a cost.
pub const FEATURES: usize = 16;
/// Most obstacles of a cost.
pub const OBSTACLES: usize = 8;
/// Most members of an ensemble.
pub const MEMBERS: usize = 6;
/// Most views that a watcher remembers.
pub const VIEWS: u16 = 8;
/// Most stages of a convolutional encoder.
pub const STAGES: usize = 8;

/// Which encoder it is, and how it runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Encoder {
    /// [`Lista`](crate::perceive::lista::Lista).
    Lista {
        /// Times that the code is fed back.
        iterations: u16,
        /// Its non-linearity.
        activation: Activation,
    },
    /// [`Convolutional`](crate::perceive::convolutional::Convolutional).
    Convolutional {
        /// Rows of the image.
        rows: u16,
        /// Columns of the image.
        cols: u16,
        /// Numbers a pixel has.
        channels: u16,
        /// From the image to the code.
        stages: Vec<Stage, STAGES>,
    },
    /// [`Psd`](crate::perceive::psd::Psd).
    Psd,
    /// [`Coupled`](crate::perceive::coupled::Coupled).
    Coupled {
        /// Steps that it takes.
        layers: u16,
    },
    /// [`Lamp`](crate::perceive::lamp::Lamp).
    Lamp {
        /// Steps that it takes.
        layers: u16,
    },
    /// [`Lcod`](crate::perceive::lcod::Lcod).
    CoordinateDescent {
        /// Units that may change, one after the other.
        iterations: u16,
    },
}

/// A stage of a convolutional encoder.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Stage {
    /// [`Normalisation`](crate::perceive::normalise::Normalisation).
    Normalise {
        /// Rows and columns of the window.
        side: u16,
        /// The window's deviation.
        deviation: f32,
        /// What a place's deviation is at least.
        floor: f32,
    },
    /// [`Convolution`](crate::perceive::convolution::Convolution).
    Convolve {
        /// How many filters.
        filters: u16,
        /// Rows and columns of a filter.
        side: u16,
        /// What becomes of a filter's answer.
        unit: Unit,
    },
    /// [`Pool`](crate::perceive::pool::Pool).
    Pool {
        /// Rows and columns of the window.
        side: u16,
        /// Positions from one window to the next.
        stride: u16,
        /// Pools of features; 0 where every feature is its own.
        features: u16,
        /// What stands under the root beside the squares.
        epsilon: f32,
    },
}

/// What becomes of a filter's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Unit {
    /// `max(s, 0)`.
    Rectified,
    /// `sign(s)·max(|s|−θ, 0)`.
    Soft,
    /// `g tanh s`.
    Tanh,
}

/// The non-linearity of a sparse code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Activation {
    /// `sign(v)·max(|v|−θ, 0)`.
    Soft,
    /// `max(v−θ, 0)`.
    Rectified,
}

/// How the [classifier](crate::perceive::classifier) of a code runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Classifier {
    /// Whether the code is brought to unit length before: then only its direction counts.
    pub normalise: bool,
}

/// How the [energy](crate::energy) of an observation is told, and what is done with it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Energy {
    /// Where it comes from.
    pub source: Source,
    /// The largest energy that is familiar.
    pub threshold: f32,
    /// For what share of familiar observations to be taken for strange ones the threshold was chosen.
    pub rate: f32,
    /// Strange observations in a row, of which the last raises the alarm.
    pub patience: u16,
    /// How often in a row an observation may be the one before over again, to the last bit, until it is strange; 0
    /// where sensors may well say the same thing twice.
    pub frozen: u16,
    /// How a sentinel makes observations more familiar, if it does.
    pub descending: Option<Descending>,
}

/// Where an [energy](crate::energy) comes from.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Source {
    /// [`Reconstruction`](crate::energy::reconstruction::Reconstruction): what encoder and decoder miss, and the price of the code.
    Reconstruction {
        /// `λ`, the price of a unit's activity.
        sparsity: f32,
    },
    /// [`Network`](crate::energy::network::Network): what an autoencoder misses.
    Autoencoder,
    /// [`Network`](crate::energy::network::Network): what a critic says.
    Critic,
}

/// How to [descend](crate::energy::descend) in energy.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Descending {
    /// Steps.
    pub steps: u16,
    /// `η`, the length of a step as a multiple of the slope.
    pub rate: f32,
}

/// How [`Layers`](crate::layers::Layers) run.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Layers {
    /// What hidden units make of their sums.
    pub hidden: Hidden,
    /// Whether the outputs are squashed to the range from 0 to 1.
    pub sigmoid: bool,
}

impl Default for Layers {
    fn default() -> Self {
        Self { hidden: Hidden::Rectified { leak: 0.0 }, sigmoid: false }
    }
}

/// What a hidden unit of [`Layers`] makes of its sum `v`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Hidden {
    /// `max(v, leak·v)`.
    Rectified {
        /// What is left of negative sums, 0 to 1; with all of it the layer is linear.
        leak: f32,
    },
    /// `tanh v`.
    Tanh,
}

/// The forward models that a mind can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Model {
    /// [`Network`](crate::predict::network::Network).
    Network,
    /// A plant's equations alone.
    Physics(Plant),
    /// [`Residual`](crate::predict::residual::Residual): a plant's equations and a network that corrects them.
    Residual(Plant),
    /// [`Ensemble`](crate::predict::ensemble::Ensemble): learned models that know how far they can be trusted.
    Ensemble {
        /// How many.
        members: u16,
    },
    /// [`Absent`](crate::predict::absent::Absent): there is none, and the mind only reacts.
    Absent,
    /// [`Traffic`](crate::predict::traffic::Traffic): what a car sees around it. Only a watcher has it.
    Traffic(Traffic),
}

/// Settings of the model of [traffic](crate::predict::traffic); how cells, cars and lanes are measured is a tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Traffic {
    /// How the car's own way comes into predictions.
    pub own: Own,
    /// Cells of a view along the road, in fours.
    pub along: u16,
    /// Cells across it, in fours.
    pub across: u16,
    /// Views that are remembered, the newest among them.
    pub past: u16,
    /// Lanes of the road.
    pub lanes: u16,
    /// Maps at half the resolution of a view.
    pub fine: u16,
    /// Maps at a quarter of it.
    pub maps: u16,
}

/// How a car's own way comes into predictions of the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Own {
    /// By kinematics, from state and action.
    Known,
    /// It is learned, as in MPUR: others move beside the car, and why they do is for the network to find out.
    Learned,
}

/// The plants whose [equations](crate::predict::physics) are built in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Plant {
    /// [`Pendulum`](crate::predict::physics::pendulum::Pendulum).
    Pendulum,
    /// [`CartPole`](crate::predict::physics::cart_pole::CartPole).
    CartPole,
    /// [`Quadrotor`](crate::predict::physics::quadrotor::Quadrotor).
    Quadrotor,
    /// [`Linear`](crate::predict::physics::linear::Linear), of any sizes.
    Linear,
    /// [`Rocket`](crate::predict::physics::rocket::Rocket).
    Rocket,
    /// [`Car`](crate::predict::physics::car::Car).
    Car,
    /// [`MountainCar`](crate::predict::physics::mountain_car::MountainCar).
    MountainCar,
}

impl Plant {
    /// Components of its state and of its action, if it has sizes of its own.
    pub fn sizes(self) -> Option<(u16, u16)> {
        match self {
            Self::Pendulum => Some((2, 1)),
            Self::CartPole => Some((4, 1)),
            Self::Quadrotor => Some((12, 4)),
            Self::Linear => None,
            Self::Rocket => Some((7, 2)),
            Self::Car => Some((4, 2)),
            Self::MountainCar => Some((2, 1)),
        }
    }
}

/// Settings of the Kalman filter; its variances are tensors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimator {
    /// The features of the state that are measured, in the order of the read-out, sensor by sensor.
    pub measured: Vec<Feature, FEATURES>,
    /// One for each sensor.
    pub gates: Vec<Gate, FEATURES>,
    /// The last of this many observations in a row of which nothing was used starts the filter anew.
    pub patience: u16,
}

/// What one sensor measures, and when it is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Gate {
    /// How many of the measured features it shows.
    pub features: u16,
    /// It is refused as an outlier when its normalised innovation squared exceeds this.
    pub limit: f32,
}

/// The cost of a trajectory; the actions' weights are a tensor.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CostTerms {
    /// Quadratic terms of the state.
    pub terms: Vec<Term, FEATURES>,
    /// Places to keep away from.
    pub obstacles: Vec<Obstacle, OBSTACLES>,
}

/// One quadratic term, `weight · (f(x) − target)²`, or only where `f(x)` is on the wrong side of the target.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Term {
    /// What is looked at.
    pub feature: Feature,
    /// Where there is something to be paid.
    pub side: Side,
    /// What it should be.
    pub target: f32,
    /// Weight at every step of the horizon.
    pub weight: f32,
    /// Weight at the end of the horizon.
    pub terminal: f32,
}

impl Term {
    /// `weight · (map(x_index) − target)²` at every step, on both sides, and nothing more at the end.
    pub const fn squared(map: Map, index: u16, target: f32, weight: f32) -> Self {
        Self { feature: Feature { index, map }, side: Side::Both, target, weight, terminal: 0.0 }
    }
}

/// Where a [term](Term) is to be paid: everywhere but at the target, or as a soft limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Side {
    /// On both sides of the target.
    #[default]
    Both,
    /// Above the target alone: an upper limit.
    Above,
    /// Below the target alone: a lower limit.
    Below,
    /// Until the target is reached from below, `weight` a step, however far it is: the price of time. It has no slope, so it
    /// says nothing to planners that follow one.
    Until,
}

/// A disc in the plane of two components of the state: inside it `weight · (1 − d²/radius²)²` is to be paid, `d` from
/// its centre, at every step and at the end.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Obstacle {
    /// The two components.
    pub components: [u16; 2],
    /// Where its centre is.
    pub centre: [f32; 2],
    /// Its radius.
    pub radius: f32,
    /// What its centre costs.
    pub weight: f32,
}

/// Which planner it is, and how it runs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Planner {
    /// [`Reflex`](crate::plan::reflex::Reflex): none; the policy acts.
    Reflex,
    /// [`Gradient`](crate::plan::gradient::Gradient).
    Gradient(Descent),
    /// [`Ilqr`](crate::plan::ilqr::Ilqr).
    Ilqr(Newton),
    /// [`Lq`](crate::plan::lq::Lq).
    Lq(ActiveSet),
    /// [`Sampling`](crate::plan::sampling::Sampling).
    Sampling(Sampling),
    /// [`Discrete`](crate::plan::discrete::Discrete).
    Discrete(Tree),
}

/// Settings of the [gradient](crate::plan::gradient) planner.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Descent {
    /// Trajectories that one decision may simulate and descend from, over all starts.
    pub iterations: u16,
    /// Share of the last direction that is kept, in `[0, 1)`.
    pub momentum: f32,
    /// First step along the gradient, as a share of each action's range.
    pub step: f32,
    /// Converged when an iteration lowers the cost by less than this share.
    pub tolerance: f32,
}

/// Settings of [iLQR](crate::plan::ilqr).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Newton {
    /// Backward passes of one descent, at most. A decision makes one descent; the first of a flight makes three.
    pub iterations: u16,
    /// Trajectories that a line search may try.
    pub trials: u16,
    /// What is added to the curvature in the actions at first, relative to it.
    pub damping: f32,
    /// Converged when an iteration lowers the cost by less than this share.
    pub tolerance: f32,
}

/// Settings of the [linear-quadratic](crate::plan::lq) planner; its matrices are tensors.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ActiveSet {
    /// Sets of held actions that one decision may try, at most; 0 for the plan without limits, clipped.
    pub iterations: u16,
    /// An action that is beyond its limit by less than this share of its range is clipped, and not held: so rounding does not
    /// move it to and fro.
    pub tolerance: f32,
}

/// Settings of the [discrete](crate::plan::discrete) planner; its actions are a tensor, and so are its cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tree {
    /// States that are kept after each decision, at most. Where there are never more, the plan is the best of all.
    pub beam: u16,
    /// Actions to choose from.
    pub actions: u16,
    /// Steps of the model that each is held for; the horizon counts decisions.
    pub hold: u16,
}

impl Tree {
    /// Whether the states that are kept fit a type.
    pub fn check_beam<const B: usize>(self) -> Result<(), ArtifactError> {
        fits("states in a beam", B, self.beam.into())
    }
}

/// Settings of the [sampling](crate::plan::sampling) planner.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sampling {
    /// What becomes of the samples.
    pub method: Method,
    /// Times that samples are drawn for one decision.
    pub iterations: u16,
    /// Trajectories that are drawn each time.
    pub samples: u16,
    /// Deviation of the first samples, as a share of each action's range.
    pub deviation: f32,
    /// Correlation of the noise from one step to the next, in `[0, 1)`.
    pub correlation: f32,
    /// Seed of the noise.
    pub seed: u32,
}

impl Sampling {
    /// How many of the best samples are remembered.
    pub fn elites(self) -> u16 {
        match self.method {
            Method::PathIntegral { .. } => 0,
            Method::CrossEntropy { elites } => elites,
        }
    }

    /// Whether they fit a type.
    pub fn check_elites<const E: usize>(self) -> Result<(), ArtifactError> {
        fits("samples to remember", E, self.elites().into())
    }
}

/// What becomes of sampled plans.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Method {
    /// Model-predictive path integral control: their mean, weighted by `exp(−cost/temperature)`.
    PathIntegral {
        /// In units of the cost.
        temperature: f32,
    },
    /// The cross-entropy method: mean and deviation of the best.
    CrossEntropy {
        /// How many are the best.
        elites: u16,
    },
}
