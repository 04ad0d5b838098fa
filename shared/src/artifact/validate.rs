//! What a header may say: every rule with its sentence.

use super::{
    ArtifactError,
    header::{Header, Kind, Sensors, Sizes},
    settings::{
        ActiveSet, CostTerms, Descent, Energy, Estimator, Hidden, MEMBERS, Method, Model, Newton, Planner,
        Plant, Sampling, Source, Traffic, Tree, VIEWS,
    },
};
use crate::{
    feature::{Angles, Feature, Map},
    predict::traffic,
};

impl Header<'_> {
    /// Checks every setting against its range.
    pub(super) fn validate(&self) -> Result<(), ArtifactError> {
        let Sensors { low, high } = self.sensors;
        first_broken(&[(
            low.is_finite() && high.is_finite() && low < high,
            "a sensor's low end must be below its high end",
        )])?;
        match self.kind {
            Kind::Agent => self.validate_agent(),
            Kind::Perception => self.validate_perception(),
            Kind::Model => self.validate_model(),
            Kind::Tracker => self.validate_tracker(),
            Kind::Controller => self.validate_controller(),
            Kind::Watcher => self.validate_watcher(),
            Kind::Sentinel => self.validate_sentinel(),
            Kind::Generator => self.validate_generator(),
        }
    }

    fn validate_energy(&self) -> Result<(), ArtifactError> {
        let Some(Energy { source, threshold, rate, patience, descending, .. }) = self.energy else {
            return Ok(());
        };
        first_broken(&[
            (
                match source {
                    Source::Reconstruction { sparsity } => sparsity.is_finite() && sparsity >= 0.0,
                    Source::Autoencoder | Source::Critic => true,
                },
                "the price of a code must be a number of at least 0",
            ),
            (threshold.is_finite(), "the threshold of the energy must be a finite number"),
            ((0.0..1.0).contains(&rate), "the rate of false alarms must be at least 0 and less than 1"),
            (patience > 0, "the patience with strange observations must be at least one of them"),
            (
                descending.is_none_or(|d| d.steps > 0 && d.rate.is_finite() && d.rate > 0.0),
                "a descent in energy needs at least one step and a positive rate",
            ),
        ])
    }

    fn validate_layers(&self) -> Result<(), ArtifactError> {
        first_broken(&[(
            match self.layers.hidden {
                Hidden::Rectified { leak } => (0.0..=1.0).contains(&leak),
                Hidden::Tanh => true,
            },
            "the leak of rectified units must be from 0 to 1",
        )])
    }

    fn validate_sentinel(&self) -> Result<(), ArtifactError> {
        let Sizes { observation, code, state, action, latent, horizon, .. } = self.sizes;
        let encodes =
            self.energy.is_some_and(|energy| matches!(energy.source, Source::Reconstruction { .. }));
        first_broken(&[
            (self.energy.is_some(), "a sentinel needs an energy"),
            (observation > 0, "an observation needs at least one number"),
            ((code > 0) == encodes, "an energy has a code where it is that of an encoder, and only there"),
            (
                [state, action, latent, horizon] == [0; 4] && self.angles == Angles(0),
                "a sentinel has no state, action, latent variable or horizon",
            ),
        ])?;
        self.validate_layers()?;
        self.validate_energy()
    }

    fn validate_generator(&self) -> Result<(), ArtifactError> {
        let Sizes { observation, code, state, action, latent, horizon, .. } = self.sizes;
        first_broken(&[
            (observation > 0 && action > 0, "a generator needs at least one input and one output"),
            (
                code == 0 && [state, latent, horizon] == [0; 3] && self.angles == Angles(0),
                "a generator has no code, state, latent variable or horizon",
            ),
        ])?;
        self.validate_layers()
    }

    /// The state, and whether it is that of the forward model.
    fn validate_state(&self) -> Result<(), ArtifactError> {
        let Sizes { state, action, latent, .. } = self.sizes;
        let plant = match self.model {
            Model::Network | Model::Ensemble { .. } | Model::Absent | Model::Traffic(_) => None,
            Model::Physics(plant) | Model::Residual(plant) => Some(plant),
        };
        first_broken(&[
            (self.sizes.nx() > 0, "the state needs at least one component"),
            (self.sizes.nx() <= 64, "the state may have at most 64 components"),
            (
                self.angles.0.checked_shr(self.sizes.state.into()).unwrap_or(0) == 0,
                "an angle is past the end of the state",
            ),
            (
                plant.and_then(Plant::sizes).is_none_or(|sizes| sizes == (state, action)),
                "state and action must have as many components as the plant's",
            ),
            (
                match self.model {
                    Model::Ensemble { members } => (1..=MEMBERS).contains(&members.into()),
                    _ => true,
                },
                "an ensemble has 1 to 6 members",
            ),
            (latent == 0 || !matches!(self.model, Model::Physics(_)), "physics alone has no latent variable"),
            (
                self.model != Model::Absent
                    || (self.kind, &self.planner) == (Kind::Controller, &Planner::Reflex),
                "without a forward model a mind can only react: it is a controller without a planner",
            ),
            (
                !matches!(self.model, Model::Traffic(_)),
                "a model of traffic is for watching alone: it has no state that a filter or a planner could use",
            ),
        ])
    }

    fn validate_model(&self) -> Result<(), ArtifactError> {
        self.validate_state()?;
        let Sizes { code, horizon, .. } = self.sizes;
        let inputs = self.sizes.nx() + self.sizes.nu() + self.sizes.nz();
        first_broken(&[
            (code == 0 && horizon == 0, "a forward model alone has no code and no horizon"),
            (
                self.sizes.ny() == inputs,
                "a forward model's observation is its state, its action and its latent variable",
            ),
        ])
    }

    fn validate_watcher(&self) -> Result<(), ArtifactError> {
        let Model::Traffic(Traffic { along, across, past, lanes, fine, maps, .. }) = self.model else {
            return Err(ArtifactError::Setting { what: "a watcher needs a model of traffic" });
        };
        let Sizes { code, state, action, hidden, horizon, .. } = self.sizes;
        let cells = usize::from(along) * usize::from(across);
        let inputs = cells + self.sizes.nx() + self.sizes.nu() + self.sizes.nz();
        first_broken(&[
            (
                (state, action) == (traffic::STATE as u16, traffic::ACTION as u16),
                "a watcher's state has 3 components and its action 2",
            ),
            (
                [along, across].iter().all(|side| *side > 0 && side.is_multiple_of(4)),
                "a view must have rows and columns in fours",
            ),
            (
                self.sizes.ny() == inputs,
                "a watcher's observation is the cells of a view, its state, its action and its latent variable",
            ),
            ((1..=VIEWS).contains(&past), "a watcher remembers 1 to 8 views"),
            (lanes > 0, "the road needs at least one lane"),
            (fine > 0 && maps > 0 && hidden > 0, "a model of traffic needs maps and hidden units"),
            (
                [cells, fine.into(), maps.into(), hidden.into()].iter().all(|n| *n <= 4096),
                "a view may have at most 4096 cells, and a model of traffic as many maps and hidden units",
            ),
            (
                code == 0 && horizon == 0 && self.angles == Angles(0),
                "a watcher has no code, no horizon and no angles",
            ),
        ])
    }

    fn validate_perception(&self) -> Result<(), ArtifactError> {
        let Sizes { observation, code, state, action, latent, hidden, horizon } = self.sizes;
        first_broken(&[
            (observation > 0, "an observation needs at least one number"),
            (code > 0, "a code needs at least one unit"),
            (action > 0, "perception needs at least one output"),
            (
                [state, latent, hidden, horizon] == [0; 4] && self.angles == Angles(0),
                "perception has no state, latent variable, hidden layer or horizon",
            ),
            (
                self.has("classify") || u32::from(action) == code,
                "without a classifier the outputs are the code: as many as it has units",
            ),
        ])
    }

    fn validate_tracker(&self) -> Result<(), ArtifactError> {
        self.validate_state()?;
        self.validate_estimator()?;
        let Sizes { code, horizon, .. } = self.sizes;
        first_broken(&[
            (code == 0 && horizon == 0, "a filter alone has no code and no horizon"),
            (
                self.sizes.ny() == self.estimator.measured.len() + self.sizes.nu(),
                "a filter's observation is the measured features and the last action",
            ),
        ])
    }

    fn validate_estimator(&self) -> Result<(), ArtifactError> {
        let Estimator { measured, gates, patience } = &self.estimator;
        self.validate_features(measured.iter())?;
        first_broken(&[
            (
                gates.iter().all(|g| g.limit.is_finite() && g.limit > 0.0),
                "the filter's gates must be positive numbers",
            ),
            (
                gates.iter().map(|g| usize::from(g.features)).sum::<usize>() == measured.len(),
                "each measured feature needs one gate",
            ),
            (*patience > 0, "the filter's patience must be at least one observation"),
        ])
    }

    fn validate_features<'f>(
        &self,
        features: impl Iterator<Item = &'f Feature> + Clone,
    ) -> Result<(), ArtifactError> {
        first_broken(&[
            (features.clone().all(|f| f.index < self.sizes.state), "a feature is past the end of the state"),
            (
                features.clone().all(|f| f.map == Map::Value || self.angles.contains(f.index.into())),
                "the feature of an angle looks at a component that is none",
            ),
        ])
    }

    fn validate_agent(&self) -> Result<(), ArtifactError> {
        self.validate_state()?;
        self.validate_estimator()?;
        self.validate_energy()?;
        first_broken(&[(
            self.energy.is_none_or(|energy| matches!(energy.source, Source::Reconstruction { .. })),
            "an agent judges observations by what its own encoder and decoder miss",
        )])?;
        self.validate_acting()
    }

    fn validate_controller(&self) -> Result<(), ArtifactError> {
        self.validate_state()?;
        first_broken(&[
            (self.sizes.code == 0, "a controller has no code"),
            (self.sizes.ny() == self.sizes.nx(), "a controller's observation is the state"),
        ])?;
        self.validate_acting()
    }

    /// What is to be achieved, and how.
    fn validate_acting(&self) -> Result<(), ArtifactError> {
        let CostTerms { terms, obstacles } = &self.cost;
        self.validate_features(terms.iter().map(|t| &t.feature))?;
        let finite = |values: &[f32]| values.iter().all(|v| v.is_finite());
        first_broken(&[
            (self.sizes.nu() > 0, "the action needs at least one component"),
            (self.sizes.h() > 0 || self.planner == Planner::Reflex, "the horizon must be at least one step"),
            (
                terms.iter().all(|t| {
                    finite(&[t.target, t.weight, t.terminal]) && t.weight >= 0.0 && t.terminal >= 0.0
                }),
                "a cost needs finite targets and weights of at least 0",
            ),
            (
                obstacles.iter().all(|o| o.components.iter().all(|&i| i < self.sizes.state)),
                "an obstacle is past the end of the state",
            ),
            (
                obstacles.iter().all(|o| {
                    finite(&[o.weight, o.radius]) && finite(&o.centre) && o.radius > 0.0 && o.weight >= 0.0
                }),
                "an obstacle needs a finite place, a radius above 0 and a weight of at least 0",
            ),
        ])?;
        self.planner.validate()
    }
}

impl Planner {
    fn validate(&self) -> Result<(), ArtifactError> {
        let tolerable = |tolerance: f32| {
            (
                tolerance.is_finite() && tolerance >= 0.0,
                "the planner's tolerance must be a number of at least 0",
            )
        };
        let positive = |what: f32| what.is_finite() && what > 0.0;
        match *self {
            Self::Reflex => Ok(()),
            Self::Gradient(Descent { momentum, step, tolerance, .. }) => first_broken(&[
                ((0.0..1.0).contains(&momentum), "the planner's momentum must be at least 0 and less than 1"),
                (positive(step), "the planner's first step must be a positive number"),
                tolerable(tolerance),
            ]),
            Self::Ilqr(Newton { damping, tolerance, .. }) => first_broken(&[
                (
                    damping.is_finite() && damping >= 0.0,
                    "the planner's damping must be a number of at least 0",
                ),
                tolerable(tolerance),
            ]),
            Self::Lq(ActiveSet { tolerance, .. }) => first_broken(&[tolerable(tolerance)]),
            Self::Sampling(Sampling { method, samples, deviation, correlation, .. }) => first_broken(&[
                (samples > 0, "the planner must draw at least one sample"),
                (positive(deviation), "the deviation of samples must be a positive number"),
                (
                    (0.0..1.0).contains(&correlation),
                    "the noise's correlation must be at least 0 and less than 1",
                ),
                match method {
                    Method::PathIntegral { temperature } => {
                        (positive(temperature), "the temperature of samples must be a positive number")
                    }
                    Method::CrossEntropy { elites } => (
                        (1..=samples).contains(&elites),
                        "the best of the samples must be at least one and not more than there are",
                    ),
                },
            ]),
            Self::Discrete(Tree { beam, actions, hold }) => first_broken(&[
                (beam > 0, "the planner must keep at least one state"),
                (actions > 0, "the planner needs at least one action to choose"),
                (hold > 0, "the planner must hold an action for at least one step"),
                (
                    u32::from(beam) * u32::from(actions) <= 1 << 16,
                    "the planner can weigh at most 65536 states after each decision: fewer states or fewer actions",
                ),
            ]),
        }
    }
}

/// The first rule that does not hold is the answer.
fn first_broken(rules: &[(bool, &'static str)]) -> Result<(), ArtifactError> {
    match rules.iter().find(|(holds, _)| !holds) {
        None => Ok(()),
        Some(&(_, what)) => Err(ArtifactError::Setting { what }),
    }
}
