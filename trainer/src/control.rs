//! Packs a controller: a forward model, what is to be achieved, and the planner.

use crate::{
    export::{Tensors, WeightFile},
    policy::Objective,
    predict::Learned,
    worlds::practice::About,
};
use anyhow::Result;
use forethought::{
    artifact::{CostTerms, Header, Model, Planner, Plant, Provenance, Sensors, Sizes},
    feature::Angles,
};

/// What is controlled.
#[derive(Clone, Copy, Debug)]
pub struct Body<'a> {
    /// The world or task file.
    pub name: &'a str,
    /// Components of its state.
    pub components: usize,
    /// Those that are angles.
    pub angles: Angles,
    /// The range of its actions.
    pub low: &'a [f32],
    /// Its upper end.
    pub high: &'a [f32],
}

impl From<About> for Body<'_> {
    fn from(About { name, state, angles, low, high, .. }: About) -> Self {
        Self { name, components: state.len(), angles, low, high }
    }
}

/// What a controller does beside foreseeing.
#[derive(Clone, Debug)]
pub struct Control<'a> {
    /// What it acts on.
    pub body: Body<'a>,
    /// What is to be achieved.
    pub objective: &'a Objective,
    /// What is done where nothing is known.
    pub safe: &'a [f32],
    /// How it plans.
    pub planner: Planner,
    /// Steps that are planned ahead.
    pub horizon: u16,
    /// Whatever else it needs: the planner's tensors, prices of actions, constants of a plant that is not the default one.
    pub tensors: Tensors,
}

impl Control<'_> {
    /// Over the plant's own equations.
    pub fn over_physics(&self, plant: Plant, seed: u64) -> Result<WeightFile> {
        self.pack(Model::Physics(plant), (0, 0), self.tensors.clone(), (seed, 0))
    }

    /// Over a learned model; `hidden` are the most units of a hidden layer of what acts, `data` the checksum of its log.
    pub fn over(
        &self,
        model: &(impl Learned + ?Sized),
        hidden: usize,
        (seed, data): (u64, u32),
    ) -> Result<WeightFile> {
        let mut tensors = self.tensors.clone();
        model.export(&mut tensors);
        let (own, latent) = model.sizes();
        self.pack(model.kind(), (own.max(hidden), latent), tensors, (seed, data))
    }

    fn pack(
        &self,
        model: Model,
        (hidden, latent): (usize, usize),
        mut tensors: Tensors,
        (seed, data): (u64, u32),
    ) -> Result<WeightFile> {
        let Body { name, components, angles, low, high } = self.body;
        tensors.vector("action", "low", low);
        tensors.vector("action", "high", high);
        tensors.vector("action", "safe", self.safe);
        tensors.vector("cost", "action", &self.objective.action);
        let sizes = Sizes {
            state: components as u16,
            action: low.len() as u16,
            hidden: hidden as u16,
            latent: latent as u16,
            ..Sizes::default()
        };
        let provenance = Provenance { trainer: env!("CARGO_PKG_VERSION"), task: name, seed, data };
        // A plant's state is whatever it is: no sensor stands between.
        let sensors = Sensors { low: -1e6, high: 1e6 };
        let cost =
            CostTerms { terms: self.objective.terms.iter().copied().collect(), ..CostTerms::default() };
        let header = Header::model(sizes, angles, sensors, model, provenance);
        tensors.pack(header.controller(self.horizon, cost, self.planner))
    }
}
