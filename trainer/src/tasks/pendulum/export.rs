//! Packs the trained parts into a weight file.

use super::{ANGLES, Config, MEASURED, NAME, NX, Trained};
use crate::{
    export::{Tensors, WeightFile},
    perceive::unrolled::Unrolled,
    predict::{Learned, network::Network},
    worlds::{camera::SIDE, pendulum::MAX_TORQUE},
};
use anyhow::Result;
use forethought::artifact::{
    Classifier, CostTerms, Descent, Energy, Estimator, Gate, Header, Kind, Layers, Model, Planner,
    Provenance, Sensors, Sizes, Source, VERSION,
};
use std::f64::consts::PI;

/// Packs an agent.
pub fn export(config: &Config, trained: &Trained, model: Model, seed: u64) -> Result<WeightFile> {
    let (tensors, header) = collect(config, trained, model, seed);
    tensors.pack(header)
}

/// Packs an agent that does not know what is still to be paid after its horizon.
pub fn export_without_value(
    config: &Config,
    trained: &Trained,
    model: Model,
    seed: u64,
) -> Result<WeightFile> {
    let (mut tensors, header) = collect(config, trained, model, seed);
    tensors.drop_part("value");
    tensors.pack(header)
}

/// All that an agent knows.
fn collect(config: &Config, trained: &Trained, model: Model, seed: u64) -> (Tensors, Header<'static>) {
    let mut tensors = Tensors::default();
    let encoder = trained.encoder.export(trained.encoder.layers(), &mut tensors);
    trained.model.export(&mut tensors);
    trained.policy.export(&mut tensors);
    trained.value.export(&mut tensors);
    let estimator = filter(config, (&trained.process, &trained.noise), &mut tensors);
    tensors.vector("action", "low", &[-MAX_TORQUE]);
    tensors.vector("action", "high", &[MAX_TORQUE]);
    tensors.vector("action", "safe", &[0.0]);
    let objective = config.objective();
    tensors.vector("cost", "action", &objective.action);
    let planner = &config.planner;
    let header = Header {
        version: VERSION,
        kind: Kind::Agent,
        sizes: Sizes {
            observation: (SIDE * SIDE) as u32,
            code: config.encoder.units as u32,
            state: NX as u16,
            action: 1,
            latent: 0,
            hidden: config.model.hidden.max(config.policy.hidden) as u16,
            horizon: planner.horizon,
        },
        angles: ANGLES,
        sensors: Sensors { low: 0.0, high: 1.0 },
        encoder,
        classifier: Classifier::default(),
        energy: Some(Energy {
            source: Source::Reconstruction { sparsity: 0.0 },
            threshold: trained.threshold,
            rate: config.watch.rate,
            patience: config.watch.patience,
            frozen: if config.camera.noise > 0.0 { config.watch.frozen } else { 0 },
            descending: None,
        }),
        layers: Layers::default(),
        model,
        estimator,
        cost: CostTerms { terms: objective.terms.into_iter().collect(), ..CostTerms::default() },
        planner: Planner::Gradient(Descent {
            iterations: planner.iterations,
            momentum: planner.momentum,
            step: planner.step,
            tolerance: planner.tolerance,
        }),
        provenance: Provenance {
            trainer: env!("CARGO_PKG_VERSION"),
            task: NAME,
            seed,
            data: trained.log.digest,
        },
        tensors: Default::default(),
    };
    (tensors, header)
}

/// Packs the filter over the forward model alone: a tracker of what the read-out measures.
pub fn export_tracker(
    config: &Config,
    model: &Network,
    variances: (&[f32], &[f32]),
    (seed, data): (u64, u32),
) -> Result<WeightFile> {
    let mut tensors = Tensors::default();
    model.export(&mut tensors);
    let estimator = filter(config, variances, &mut tensors);
    let sizes = Sizes { state: NX as u16, action: 1, hidden: config.model.hidden as u16, ..Sizes::default() };
    let provenance = Provenance { trainer: env!("CARGO_PKG_VERSION"), task: NAME, seed, data };
    // Read-outs of cosine and sine lie well within.
    let sensors = Sensors { low: -10.0, high: 10.0 };
    tensors.pack(Header::model(sizes, ANGLES, sensors, Model::Network, provenance).tracker(estimator))
}

/// Adds the filter's variances, `Q` and `R`, and returns its settings.
fn filter(config: &Config, (process, noise): (&[f32], &[f32]), tensors: &mut Tensors) -> Estimator {
    // Before anything is seen: any angle, and the speeds of a reset.
    tensors.vector("estimate", "mean", &[0.0, 0.0]);
    tensors.vector("estimate", "prior", &[(PI * PI / 3.0) as f32, 1.0 / 3.0]);
    tensors.vector("estimate", "process", process);
    tensors.vector("estimate", "noise", noise);
    Estimator {
        measured: MEASURED.into_iter().collect(),
        gates: [Gate { features: MEASURED.len() as u16, limit: config.filter.gate }].into_iter().collect(),
        patience: config.filter.patience,
    }
}
