use super::{
    ArtifactError,
    settings::{Classifier, CostTerms, Encoder, Energy, Estimator, Layers, Model, Planner, Traffic},
};
use crate::{feature::Angles, predict::traffic, watch};
use heapless::Vec;
use serde::{Deserialize, Serialize};

/// Most tensors in a file.
pub const TENSORS: usize = 64;

/// Everything in a weight file but its tensors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Header<'a> {
    /// Format version, [`VERSION`](super::VERSION).
    pub version: u16,
    /// What kind of mind it is: which of the fields below it has a use for.
    pub kind: Kind,
    /// Its dimensions.
    pub sizes: Sizes,
    /// Components of the state that are angles.
    pub angles: Angles,
    /// What an observation may be.
    pub sensors: Sensors,
    /// How the encoder runs.
    pub encoder: Encoder,
    /// How the classifier runs, if there is one.
    pub classifier: Classifier,
    /// What tells strange observations from familiar ones, if anything does.
    pub energy: Option<Energy>,
    /// How the layers of an energy or of a generator run, if there are any.
    pub layers: Layers,
    /// Which forward model it is.
    pub model: Model,
    /// The Kalman filter's settings.
    pub estimator: Estimator,
    /// What is to be achieved.
    pub cost: CostTerms,
    /// The planner's settings.
    pub planner: Planner,
    /// Where the weights come from.
    #[serde(borrow)]
    pub provenance: Provenance<'a>,
    /// The table of tensors.
    #[serde(borrow)]
    pub tensors: Vec<Tensor<'a>, TENSORS>,
}

/// The kinds of mind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// [`Agent`](crate::agent::Agent): it perceives, estimates and acts.
    Agent,
    /// [`Recogniser`](crate::recognise::Recogniser): it perceives, and answers with the code or with the scores of
    /// classes. There is no state; the settings of model, filter, cost and planner are not looked at.
    Perception,
    /// [`Forecaster`](crate::forecast::Forecaster): a forward model, and nothing else is looked at.
    Model,
    /// [`Tracker`](crate::track::Tracker): a filter over a forward model, and nothing else is looked at.
    Tracker,
    /// [`Controller`](crate::control::Controller): it is shown the state and acts; encoder and filter are not looked at.
    Controller,
    /// [`Watcher`](crate::watch::Watcher): a model of traffic that is seen, and nothing else is looked at.
    Watcher,
    /// [`Sentinel`](crate::sentinel::Sentinel): an energy, and nothing else is looked at.
    Sentinel,
    /// [`Generator`](crate::generate::Generator): layers that make observations of random numbers.
    Generator,
}

/// Dimensions, in the order of the const generics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sizes {
    /// `NY`: numbers in an observation; of a forward model alone, those of state, action and latent variable; of a watcher,
    /// the cells of a view before them.
    pub observation: u32,
    /// `NC`: units of the code.
    pub code: u32,
    /// `NX`: components of the state.
    pub state: u16,
    /// `NU`: components of an action; of a recogniser, its classes, or the units of the code if it has no classifier.
    pub action: u16,
    /// `NZ`: components of the latent variable; 0 for a model without one.
    pub latent: u16,
    /// `NH`: units of a hidden layer, the largest of all networks.
    pub hidden: u16,
    /// `H`: steps that are planned ahead.
    pub horizon: u16,
}

impl Sizes {
    /// `NY`.
    pub fn ny(self) -> usize {
        self.observation as usize
    }

    /// `NC`.
    pub fn nc(self) -> usize {
        self.code as usize
    }

    /// `NX`.
    pub fn nx(self) -> usize {
        self.state.into()
    }

    /// `NU`.
    pub fn nu(self) -> usize {
        self.action.into()
    }

    /// `NZ`.
    pub fn nz(self) -> usize {
        self.latent.into()
    }

    /// `NH`.
    pub fn nh(self) -> usize {
        self.hidden.into()
    }

    /// `H`.
    pub fn h(self) -> usize {
        self.horizon.into()
    }

    /// Whether observation and code fit a type.
    pub fn check_observation<const NY: usize, const NC: usize>(self) -> Result<(), ArtifactError> {
        fits("sensor values", NY, self.ny())?;
        fits("code units", NC, self.nc())
    }

    /// Whether state, action and latent fit a type.
    pub fn check_state<const NX: usize, const NU: usize, const NZ: usize>(self) -> Result<(), ArtifactError> {
        fits("state components", NX, self.nx())?;
        fits("action components", NU, self.nu())?;
        fits("latent components", NZ, self.nz())
    }

    /// Whether the plan fits a type.
    pub fn check_horizon<const H: usize>(self) -> Result<(), ArtifactError> {
        fits("planned steps", H, self.h())
    }
}

pub(super) fn fits(what: &'static str, capacity: usize, found: usize) -> Result<(), ArtifactError> {
    if found <= capacity { Ok(()) } else { Err(ArtifactError::TooLarge { what, capacity, found }) }
}

/// The range of a healthy sensor; values outside are refused.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sensors {
    /// Smallest value.
    pub low: f32,
    /// Largest value.
    pub high: f32,
}

/// Where the weights come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provenance<'a> {
    /// Version of the trainer.
    pub trainer: &'a str,
    /// The world or task file.
    pub task: &'a str,
    /// The seed.
    pub seed: u64,
    /// CRC-32 of the data that the forward model was trained on.
    pub data: u32,
}

/// One entry of the table of tensors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tensor<'a> {
    /// The part of the agent: a room of this crate.
    pub part: &'a str,
    /// The tensor's name in it.
    pub name: &'a str,
    /// How numbers are stored.
    pub dtype: DType,
    /// Rows.
    pub rows: u32,
    /// Columns; 1 for a vector.
    pub cols: u32,
    /// Bytes from the start of the tensor section, a multiple of [`ALIGN`](super::ALIGN).
    pub offset: u32,
}

impl Tensor<'_> {
    /// Rows and columns.
    pub fn shape(&self) -> (usize, usize) {
        (self.rows as usize, self.cols as usize)
    }
}

/// How the numbers of a tensor are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DType {
    /// Little-endian IEEE 754 binary32.
    F32,
}

impl<'a> Header<'a> {
    /// Of a file that holds an encoder of `observation` numbers into `code` units, and a classifier if it has a part
    /// `classify`; `outputs` are its classes, or the units of the code without one.
    pub fn perception(
        (observation, code, outputs): (u32, u32, u16),
        sensors: Sensors,
        encoder: Encoder,
        provenance: Provenance<'a>,
    ) -> Self {
        Self {
            kind: Kind::Perception,
            sizes: Sizes { observation, code, action: outputs, ..Sizes::default() },
            sensors,
            encoder,
            ..Self::empty(provenance)
        }
    }

    /// Of a file that holds a forward model alone. The sizes that matter are those of state, action, latent variable
    /// and hidden layer.
    pub fn model(
        sizes: Sizes,
        angles: Angles,
        sensors: Sensors,
        model: Model,
        provenance: Provenance<'a>,
    ) -> Self {
        let Sizes { state, action, latent, .. } = sizes;
        let observation = u32::from(state) + u32::from(action) + u32::from(latent);
        Self {
            kind: Kind::Model,
            sizes: Sizes { observation, code: 0, horizon: 0, ..sizes },
            angles,
            sensors,
            model,
            ..Self::empty(provenance)
        }
    }

    /// Of a file that holds a filter over such a forward model: a steady one if it has a tensor `estimate.gain`.
    pub fn tracker(self, estimator: Estimator) -> Self {
        let observation = estimator.measured.len() as u32 + u32::from(self.sizes.action);
        Self { kind: Kind::Tracker, sizes: Sizes { observation, ..self.sizes }, estimator, ..self }
    }

    /// Of a file that holds a model of traffic, with so many numbers in its latent variable and units in its hidden layers.
    pub fn watcher(settings: Traffic, (latent, hidden): (u16, u16), provenance: Provenance<'a>) -> Self {
        let (state, action) = (traffic::STATE as u16, traffic::ACTION as u16);
        let cells = u32::from(settings.along) * u32::from(settings.across);
        let observation = cells + u32::from(state) + u32::from(action) + u32::from(latent);
        Self {
            kind: Kind::Watcher,
            sizes: Sizes { observation, state, action, latent, hidden, ..Sizes::default() },
            sensors: Sensors { low: 0.0, high: 1.0 },
            model: Model::Traffic(settings),
            ..Self::empty(provenance)
        }
    }

    /// Of a file that holds an energy alone: of `observation` numbers, with a code of `code` units behind an encoder, or `hidden`
    /// units in the widest of its layers.
    pub fn sentinel(
        (observation, code, hidden): (u32, u32, u16),
        sensors: Sensors,
        energy: Energy,
        provenance: Provenance<'a>,
    ) -> Self {
        Self {
            kind: Kind::Sentinel,
            sizes: Sizes { observation, code, hidden, ..Sizes::default() },
            sensors,
            energy: Some(energy),
            ..Self::empty(provenance)
        }
    }

    /// Of a file that holds a generator alone, from `asked` numbers to `outputs`.
    pub fn generator(
        (asked, outputs, hidden): (u32, u16, u16),
        sensors: Sensors,
        layers: Layers,
        provenance: Provenance<'a>,
    ) -> Self {
        Self {
            kind: Kind::Generator,
            sizes: Sizes { observation: asked, action: outputs, hidden, ..Sizes::default() },
            sensors,
            layers,
            ..Self::empty(provenance)
        }
    }

    fn empty(provenance: Provenance<'a>) -> Self {
        Self {
            version: super::VERSION,
            kind: Kind::Agent,
            sizes: Sizes::default(),
            angles: Angles(0),
            sensors: Sensors { low: -1.0, high: 1.0 },
            encoder: Encoder::Psd,
            classifier: Classifier::default(),
            energy: None,
            layers: Layers::default(),
            model: Model::Network,
            estimator: Estimator { measured: Vec::new(), gates: Vec::new(), patience: 0 },
            cost: CostTerms::default(),
            planner: Planner::Reflex,
            provenance,
            tensors: Vec::new(),
        }
    }

    /// Of a file that acts on a state that it is shown: model, cost, planner and policy.
    pub fn controller(self, horizon: u16, cost: CostTerms, planner: Planner) -> Self {
        let sizes = Sizes { observation: self.sizes.state.into(), horizon, ..self.sizes };
        Self { kind: Kind::Controller, sizes, cost, planner, ..self }
    }

    /// Numbers in an answer: an action, what a recogniser or a generator puts out, what a forward model says of the next state, what
    /// a tracker says of this one, what a watcher says of the next scene, or what a sentinel thinks.
    pub fn answer(&self) -> usize {
        match self.kind {
            Kind::Agent | Kind::Controller | Kind::Perception | Kind::Generator => self.sizes.nu(),
            // Energy and verdict, and the observation as it is after a descent.
            Kind::Sentinel => match self.energy.and_then(|energy| energy.descending) {
                Some(_) => 2 + self.sizes.ny(),
                None => 2,
            },
            // Behind the mean of an ensemble two variances.
            Kind::Model if matches!(self.model, Model::Ensemble { .. }) => 3 * self.sizes.nx(),
            Kind::Model => self.sizes.nx(),
            Kind::Tracker if self.has_steady_filter() => self.sizes.nx(),
            Kind::Tracker => 2 * self.sizes.nx(),
            Kind::Watcher => watch::ANSWER,
        }
    }

    /// Whether the filter of a tracker is a [steady](crate::estimate::steady) one.
    pub fn has_steady_filter(&self) -> bool {
        self.has_tensor("estimate", "gain")
    }

    /// Whether an answer fits a type.
    pub fn check_answer<const NA: usize>(&self) -> Result<(), ArtifactError> {
        fits("outputs", NA, self.answer())
    }

    /// Whether there is any tensor of `part`.
    pub fn has(&self, part: &str) -> bool {
        self.tensors.iter().any(|t| t.part == part)
    }

    /// Whether there is the tensor `part.name`.
    pub fn has_tensor(&self, part: &str, name: &str) -> bool {
        self.tensors.iter().any(|t| t.part == part && t.name == name)
    }
}
