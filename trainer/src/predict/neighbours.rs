//! A stochastic model of what a driver [watches](crate::worlds::traffic::around), small enough that policies are trained
//! through it in minutes: the conditional VAE with z-dropout of [`mpur`](super::mpur), on places and speeds of the nearest
//! cars in place of pictures.
//!
//! ```text
//! (a, ω, a₁ … a₆) = B u + g(x, u, z)        changes of speeds and heading in a step
//! z ~ N(μ, σ²), (μ, log σ²) = q(x₀, ū, x_H − x₀)    in training; z ~ N(0, I) in use; one for a whole window
//! x' = x moved on at the mean of the speeds before and after
//! ```
//! What nobody sees lasts: who drives, and whom the car ahead is following. A z that were drawn anew at each step would average
//! out over the seconds in which it matters.
//! `g` has two hidden layers; dropout on them makes the model say where it is unsure. The neighbours are the same cars
//! throughout a roll-out: [`sorted`](Neighbours::sorted) says who of them is where, as a driver would see it then.

mod measure;
mod sort;
mod train;
mod windows;

pub use windows::{Batch, Windows, constant};

use crate::{
    network::{Input, Trunk, Weights},
    tape::{Id, ParameterSet, Tape, Var},
    worlds::{
        Rng,
        camera::normal,
        traffic::{
            DT,
            around::{CRUISE, EACH, NEIGHBOURS, OWN, SIZE},
            road::Road,
        },
    },
};
use nalgebra::DMatrix;
use rand::RngExt;
use serde::{Deserialize, Serialize};

/// Numbers in an action: acceleration and rate of turning.
pub const ACTION: usize = 2;
/// What changes by itself: speed and heading of the car, speeds along and across the road of each neighbour.
const CHANGES: usize = 2 + 2 * NEIGHBOURS;

/// Hyper-parameters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Units of each hidden layer of `g` and `q`.
    pub hidden: usize,
    /// Numbers in z.
    pub latent: usize,
    /// `β`, weight of a window's KL divergence beside its mean error in units of what standing still in speed costs. Larger: z
    /// carries less.
    pub kl: f32,
    /// Probability of z-dropout of a batch, from the middle of the training on; 0 is an ordinary conditional VAE.
    pub z_dropout: f64,
    /// Probability that a hidden unit is dropped, for the model to know what it does not know.
    pub dropout: f64,
    /// Steps that are fed back.
    pub horizon: usize,
    /// Windows in a batch.
    pub batch: usize,
    /// Steps of Adam of the deterministic model.
    pub deterministic: usize,
    /// Steps of Adam of the stochastic model, which starts from it.
    pub stochastic: usize,
    /// Learning rate at the start of each; it falls to 0 along a half cosine.
    pub rate: f32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            hidden: 96,
            latent: 8,
            kl: 1e-3,
            z_dropout: 0.5,
            dropout: 0.1,
            horizon: 20,
            batch: 64,
            deterministic: 800,
            stochastic: 1000,
            rate: 3e-3,
        }
    }
}

/// What numbers are divided by, so that the network sees values of about 1.
#[derive(Clone, Debug)]
pub struct Scales {
    /// Of what is watched.
    pub seen: [f32; SIZE],
    /// Of actions.
    pub action: [f32; ACTION],
    /// Of a step's changes.
    pub change: [f32; CHANGES],
    /// Mean square of the error of constant speeds, step by step: the units of losses.
    pub constant: Vec<[f32; SIZE]>,
}

/// The model and its parameters.
#[derive(Clone, Debug)]
pub struct Neighbours {
    /// The weights.
    pub params: ParameterSet,
    config: Config,
    scales: Scales,
    road: Road,
    next: Trunk<3>,
    own: Id,
    posterior: ParameterSet,
    propose: Trunk<3>,
}

/// Units that are dropped, layer by layer; the others are scaled up.
pub type Masks = [DMatrix<f32>; 2];

impl Neighbours {
    /// An untrained model, in which everybody keeps their speed.
    pub fn new(config: &Config, road: Road, scales: Scales, rng: &mut Rng) -> Self {
        let mut params = ParameterSet::new();
        let input = |name, scale: &[f32]| Input { name, scale: scale.to_vec() };
        let inputs = [
            input("w_x", &scales.seen),
            input("w_u", &scales.action),
            input("w_z", &vec![1.0; config.latent]),
        ];
        let next = Trunk::new(&mut params, inputs, config.hidden, scales.change.to_vec(), rng);
        let own = params.add("own", DMatrix::zeros(2, ACTION));
        let mut posterior = ParameterSet::new();
        let inputs = [input("w_x", &scales.seen), input("w_u", &scales.action), input("w_c", &scales.change)];
        let outputs = vec![1.0; 2 * config.latent];
        let propose = Trunk::new(&mut posterior, inputs, config.hidden, outputs, rng);
        Self { params, config: config.clone(), scales, road, next, own, posterior, propose }
    }

    /// A z of the prior for each of a batch.
    pub fn prior(&self, batch: usize, rng: &mut Rng) -> DMatrix<f32> {
        DMatrix::from_fn(self.config.latent, batch, |_, _| normal(rng) as f32)
    }

    /// No z: the deterministic model.
    pub fn without(&self, batch: usize) -> DMatrix<f32> {
        DMatrix::zeros(self.config.latent, batch)
    }

    /// Units to drop for each of a batch.
    pub fn masks(&self, batch: usize, rng: &mut Rng) -> Masks {
        let keep = 1.0 - self.config.dropout;
        let hidden = self.config.hidden;
        std::array::from_fn(|_| {
            DMatrix::from_fn(
                hidden,
                batch,
                |_, _| if rng.random_bool(keep) { (1.0 / keep) as f32 } else { 0.0 },
            )
        })
    }

    /// What numbers are divided by.
    pub fn scales(&self) -> &Scales {
        &self.scales
    }

    /// The road.
    pub fn road(&self) -> Road {
        self.road
    }

    /// What a batch watches after an action, one a column. `there` is 1 for each neighbour that exists and 0 for others,
    /// which stay at the end of sight. A frozen model passes gradients on but gets none itself.
    pub fn step(
        &self,
        (tape, frozen): (&Tape, bool),
        x: Var,
        there: Var,
        (action, z): (Var, Var),
        masks: Option<&Masks>,
    ) -> Var {
        let weights = Weights { tape, params: &self.params, frozen };
        let change = self.next.forward_through(weights, [x, action, z], |layer, h| match masks {
            Some(masks) => tape.mul(h, tape.constant(masks[layer].clone())),
            None => h,
        });
        let by_action = tape.matmul(weights.get(self.own), action);
        let own = tape.add(tape.rows(change, 0, 2), by_action);
        self.moved(tape, x, there, own, tape.rows(change, 2, 2 * NEIGHBOURS))
    }

    /// Everybody moved on for a step in which speeds and heading change by so much.
    fn moved(&self, tape: &Tape, x: Var, there: Var, own: Var, others: Var) -> Var {
        let dt = DT as f32;
        let half = |x| tape.scale(x, 0.5);
        let (faster, turned) = (tape.rows(own, 0, 1), tape.rows(own, 1, 1));
        let (y, heading, speed) = (tape.rows(x, 0, 1), tape.rows(x, 1, 1), tape.rows(x, 2, 1));
        let mean_heading = tape.add(heading, half(turned));
        let mean_speed = tape.offset(tape.add(speed, half(faster)), CRUISE as f32);
        let aside = tape.scale(tape.mul(mean_speed, tape.sin(mean_heading)), dt);
        let mut parts = vec![tape.add(y, aside), tape.add(heading, turned), tape.add(speed, faster)];
        for i in 0..NEIGHBOURS {
            let row = |which| tape.rows(x, OWN + EACH * i + which, 1);
            let there = tape.rows(there, i, 1);
            let along = tape.mul(there, tape.sub(tape.rows(others, 2 * i, 1), faster));
            let across = tape.mul(there, tape.rows(others, 2 * i + 1, 1));
            let closer = tape.scale(tape.add(row(2), half(along)), dt);
            let sideways = tape.scale(tape.add(row(3), half(across)), dt);
            parts.push(tape.add(row(0), closer));
            parts.push(tape.add(row(1), tape.sub(sideways, aside)));
            parts.push(tape.add(row(2), along));
            parts.push(tape.add(row(3), across));
        }
        tape.stack(&parts)
    }
}

#[cfg(test)]
mod tests;
