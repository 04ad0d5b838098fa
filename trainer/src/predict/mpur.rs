//! The forward model of driving in dense traffic: a conditional variational autoencoder with z-dropout, on sequences of
//! views and states together (Henaff, Canziani & LeCun, *Model-predictive policy learning with uncertainty regularization
//! for driving in dense traffic*, ICLR 2019).
//!
//! ```text
//! h  = enc(views, state)                          what was seen
//! z ~ N(μ, σ²), (μ, log σ²) = q(h, enc'(came))    in training; z ~ N(0, I) in use
//! h ← h + A(u) + W_z z,   h ← h + U(h)
//! a_i = out(dec(h) where car i is, car i, u, z)   how the others accelerate
//! w_i ← w_i + a_i dt,   p_i ← p_i + w_i dt − own way
//! next view = the boxes of all cars at p_i, the lines and verges at the car's own place
//! ```
//! The last view is not redrawn from view to view: each time that blurs cars, which are hardly longer than a cell.
//! The [cars in it](Cars) are carried on, with what the views before tell of their speeds, and drawn where they have
//! come to. A network that says nothing keeps all speeds. What comes into view later cannot be foreseen.
//!
//! The loss is the squared error of views, of states, and of places, plus `β KL(q ‖ N(0, I))`, over steps fed back into
//! themselves. z is drawn for [`hold`](Config::hold) steps: what somebody is about to do shows in no single step.
//! **z-dropout**: at every draw, with some probability, z is drawn from the prior instead and its KL term is dropped: so
//! the model cannot rely on z for what the action says already. Training starts from a deterministic model, the same
//! without z.
//!
//! The car's own channel is the same in every view: the model neither sees nor predicts it.
//!
//! Finding and following cars, drawing boxes and reading maps are the [kernels](forethought::predict::traffic) of the chip, which runs the
//! [exported](Mpur::export) model too, but not the posterior, which only training needs.

mod cars;
mod draw;
mod export;
mod layers;
mod train;
mod windows;

pub use cars::Cars;
pub use forethought::{
    artifact::Own,
    predict::traffic::{ACTION, CARS, STATE},
};
pub use windows::{Batch, Detour, Place, Windows};

use crate::{
    network::{Dense, Weights},
    tape::{ParameterSet, Tape, Var},
    worlds::{
        Rng,
        camera::normal,
        traffic::{road::Road, view::Grid},
    },
};
use cars::Track;
use draw::{draw, read};
use forethought::{
    perceive::maps::Maps,
    predict::traffic::{
        Geometry,
        draw::ENDLESS,
        network::{LOOKED, TOLD},
    },
};
use layers::Conv;
use nalgebra::DMatrix;
use serde::{Deserialize, Serialize};

/// Channels of a view that the model sees and predicts: what is no lane, and other cars.
pub const SEEN: usize = 2;
/// The row of other cars in views as the model sees them.
pub const OTHERS: usize = 1;
/// What is usual: a difference of speeds along the road and a speed across it in m/s, accelerations along and across it in m/s².
const USUAL: [f32; 4] = [5.0, 1.0, 1.0, 0.5];

/// Hyper-parameters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// How the car's own way comes into predictions.
    pub own: Own,
    /// Views that the model sees at once. Speeds of others are only in their differences: 4 span 0.6 s.
    pub past: usize,
    /// Maps of the encoder's first layer, at half the resolution of a view.
    pub fine: usize,
    /// Maps of `h`, at a quarter of it.
    pub maps: usize,
    /// Units of the small layers: of state, action, posterior, and of each car's and the state's outputs.
    pub hidden: usize,
    /// Numbers in z. The paper has 32; what a few cars may do is less.
    pub latent: usize,
    /// Steps for which z stays as it is drawn.
    pub hold: usize,
    /// `β`, weight of the KL divergence, where errors are in units of what copying and constant speeds cost. Larger: z
    /// carries less.
    pub kl: f32,
    /// Probability of z-dropout at a draw, in the second half of the training; 0 is an ordinary conditional VAE.
    pub dropout: f64,
    /// Largest `log σ²`.
    pub log_variance: f32,
    /// Weights of the errors of states and of places, beside the view's.
    pub weights: [f32; 2],
    /// Steps that are fed back.
    pub horizon: usize,
    /// Windows in a batch.
    pub batch: usize,
    /// Steps of Adam of the deterministic model, on half of the horizon but for the last fifth of them; 0 trains the stochastic
    /// one from nothing.
    pub deterministic: usize,
    /// Steps of Adam of the stochastic model.
    pub stochastic: usize,
    /// Learning rate at the start of each; it falls to 0 along a half cosine. The paper has 1e-4 for days of training.
    pub rate: f32,
    /// Largest norm of the gradient.
    pub clip: f32,
    /// The share of training windows in which the car itself makes a [`Detour`].
    pub detours: f64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            own: Own::Known,
            past: 4,
            fine: 16,
            maps: 32,
            hidden: 32,
            latent: 8,
            hold: 5,
            kl: 1e-3,
            dropout: 0.5,
            log_variance: 4.0,
            weights: [0.1, 1.0],
            horizon: 20,
            batch: 8,
            deterministic: 800,
            stochastic: 400,
            rate: 2e-3,
            clip: 5.0,
            detours: 0.5,
        }
    }
}

/// What is divided by what, so that the network sees numbers of about 1.
#[derive(Clone, Debug)]
pub struct Scales {
    /// Mean and deviation of states.
    pub state: [(f32, f32); STATE],
    /// Deviation of a state's change in a step.
    pub change: [f32; STATE],
    /// Deviation of actions.
    pub action: [f32; ACTION],
    /// What copying the last view and state costs, step by step: the units of losses.
    pub copying: Vec<Copying>,
}

/// Mean squared errors of copying the last view and state so many steps on.
#[derive(Clone, Copy, Debug)]
pub struct Copying {
    /// Of other cars in views.
    pub view: f32,
    /// Of states, component by component.
    pub state: [f32; STATE],
}

/// A batch of what is around cars and what they do themselves, on a tape: seen, or predicted.
#[derive(Clone, Copy, Debug)]
pub struct Scene {
    /// Places of others, as in [`Cars`].
    pub places: Var,
    /// Their speeds.
    pub speeds: Var,
    /// Their accelerations.
    pub pushes: Var,
    /// Who of them is there.
    pub there: Var,
    /// States, one a column.
    pub state: Var,
}

/// Where z comes from.
#[derive(Clone, Copy, Debug)]
pub enum Latent {
    /// There is none: the deterministic model.
    Absent,
    /// A given one, one a column.
    Given(Var),
}

/// What a batch of cars sees at a moment.
#[derive(Clone, Debug)]
pub struct Moment {
    /// Views: [`SEEN`] channels, one position a column, sample after sample.
    pub view: DMatrix<f32>,
    /// States, one a column.
    pub state: DMatrix<f32>,
}

/// The model and its parameters.
#[derive(Clone, Debug)]
pub struct Mpur {
    /// The weights.
    pub params: ParameterSet,
    config: Config,
    scales: Scales,
    /// How views are measured.
    geometry: Geometry,
    encoder: [Conv; 2],
    state: [Dense; 2],
    /// Of what came, for the posterior.
    future: [Conv; 2],
    posterior: [Dense; 3],
    latent: Dense,
    action: [Dense; 2],
    inner: Conv,
    decoder: [Conv; 2],
    /// Of a car: of the maps where it is and of what is told of it, of the action, of z.
    car: [Dense; 4],
    out: [Dense; 2],
}

impl Mpur {
    /// An untrained model, in which everybody keeps their speed.
    pub fn new(config: &Config, grid: &Grid, road: Road, scales: Scales, rng: &mut Rng) -> Self {
        let Config { fine, maps, hidden, latent, .. } = *config;
        let half = Maps { rows: grid.across / 2, cols: grid.along / 2, channels: 0 };
        let quarter = Maps { rows: half.rows / 2, cols: half.cols / 2, channels: maps };
        let h = quarter.len();
        let mut params = ParameterSet::new();
        let p = &mut params;
        let at = |size: Maps, channels| Maps { channels, ..size };
        Self {
            encoder: [
                Conv::new(p, "enc1", at(half, 4 * LOOKED), fine, 1.0, rng),
                Conv::new(p, "enc2", at(quarter, 4 * fine), maps, 1.0, rng),
            ],
            state: [Dense::new(p, "s1", STATE, hidden, 1.0, rng), Dense::new(p, "s2", hidden, h, 0.5, rng)],
            future: [
                Conv::new(p, "came1", at(half, 4 * 3), fine, 1.0, rng),
                Conv::new(p, "came2", at(quarter, 4 * fine), fine, 1.0, rng),
            ],
            posterior: [
                Dense::new(p, "q_h", h, hidden, 0.5, rng),
                Dense::new(p, "q_came", fine * quarter.positions(), hidden, 1.0, rng),
                Dense::new(p, "q", hidden, 2 * latent, 0.3, rng),
            ],
            latent: Dense::new(p, "z", latent, h, 0.3, rng),
            action: [Dense::new(p, "u1", ACTION, hidden, 1.0, rng), Dense::new(p, "u2", hidden, h, 0.5, rng)],
            inner: Conv::new(p, "inner", quarter, maps, 0.5, rng),
            decoder: [
                Conv::new(p, "dec1", quarter, 4 * fine, 1.0, rng),
                Conv::new(p, "dec2", at(half, 2 * fine), hidden, 1.0, rng),
            ],
            car: [
                Dense::new(p, "c_there", hidden + TOLD, hidden, 1.0, rng),
                Dense::new(p, "c_u", ACTION, hidden, 0.5, rng),
                Dense::new(p, "c_z", latent, hidden, 0.5, rng),
                // Says nothing yet.
                Dense::new(p, "c", hidden, 2, 0.0, rng),
            ],
            out: [Dense::new(p, "o1", h, hidden, 1.0, rng), Dense::new(p, "o2", hidden, STATE, 0.3, rng)],
            params,
            config: config.clone(),
            scales,
            geometry: grid.geometry(road),
        }
    }

    /// How the model was made.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// A z of the prior for each sample of a batch.
    pub fn prior(&self, batch: usize, rng: &mut Rng) -> DMatrix<f32> {
        DMatrix::from_fn(self.config.latent, batch, |_, _| normal(rng) as f32)
    }

    /// What is seen in the views of a batch.
    pub fn look(&self, batch: &Batch) -> Cars {
        Cars::seen(&self.geometry, self.config.own, &batch.views, &batch.states)
    }

    /// The next scene for actions, one a column. A frozen model passes gradients on to actions and states but gets none itself.
    pub fn step(&self, tape: &Tape, frozen: bool, scene: Scene, action: Var, z: Latent) -> Scene {
        let weights = Weights { tape, params: &self.params, frozen };
        let seen = self.see(weights, scene);
        self.imagine(weights, scene, &seen, action, z)
    }

    /// What is seen of a scene: [`SEEN`] channels, one position a column.
    pub fn view(&self, tape: &Tape, scene: Scene) -> Var {
        tape.stack(&[self.marks(tape, scene.state), self.draw(tape, scene.places, scene.there)])
    }

    /// Numbers of cars, drawn where they are.
    fn draw(&self, tape: &Tape, places: Var, numbers: Var) -> Var {
        draw(tape, &self.geometry, (places, numbers), CARS, self.geometry.car)
    }

    /// The lines between lanes and what is beyond the edges of the road, as seen from the car's own place.
    fn marks(&self, tape: &Tape, state: Var) -> Var {
        let batch = tape.shape(state).1;
        let y = tape.rows(state, 0, 1);
        let marks: Vec<_> = self.geometry.marks().collect();
        // Those of one width together.
        let strips = |marks: &[(f32, f32)]| {
            let ones = tape.constant(DMatrix::from_element(1, marks.len() * batch, 1.0));
            let places: Vec<_> = marks
                .iter()
                .flat_map(|&(middle, _)| [tape.scale(y, 0.0), tape.offset(tape.scale(y, -1.0), middle)])
                .collect();
            let places = tape.reshape(tape.stack(&places), 2);
            draw(tape, &self.geometry, (places, ones), marks.len(), [ENDLESS, marks[0].1])
        };
        let drawn = marks.chunk_by(|a, b| a.1 == b.1).map(strips);
        drawn.reduce(|a, b| tape.add(a, b)).expect("a road has edges")
    }

    /// Numbers of the car itself for each of the others around it.
    fn spread(&self, tape: &Tape, x: Var) -> Var {
        let rows = tape.shape(x).0;
        tape.reshape(tape.stack(&[x; CARS]), rows)
    }

    /// Speeds along the road beside the car's own, speeds across it, and accelerations, in what is usual.
    fn motion(&self, tape: &Tape, scene: Scene) -> Var {
        let along = tape.rows(scene.speeds, 0, 1);
        let along = match self.config.own {
            Own::Known => tape.sub(along, self.spread(tape, tape.rows(scene.state, 2, 1))),
            Own::Learned => along,
        };
        let motion = tape.stack(&[along, tape.rows(scene.speeds, 1, 1), scene.pushes]);
        tape.mul_col(motion, column(tape, USUAL.iter().map(|usual| 1.0 / usual)))
    }

    /// `h = enc(views, state)`, and what is below it.
    fn see(&self, weights: Weights<'_>, scene: Scene) -> Encoded {
        let tape = weights.tape;
        let motion = self.motion(tape, scene);
        let drawn = tape.mul_row(tape.stack(&[scene.there, motion]), scene.there);
        let views = tape.stack(&[self.marks(tape, scene.state), self.draw(tape, scene.places, drawn)]);
        let (fine, h) = self.encode(weights, &self.encoder, views, LOOKED);
        let state = self.standardised(tape, scene.state);
        let state = self.state[1].apply(weights, tape.relu(self.state[0].apply(weights, state)));
        let h = tape.add(h, tape.reshape(state, self.config.maps));
        Encoded { motion, fine, h }
    }

    /// Two layers of convolution, each on blocks of 2 × 2 of what is below it.
    fn encode(&self, weights: Weights<'_>, layers: &[Conv; 2], views: Var, channels: usize) -> (Var, Var) {
        let tape = weights.tape;
        let blocks = tape
            .space_to_depth(views, Maps { rows: self.geometry.across, cols: self.geometry.along, channels });
        let fine = tape.relu(layers[0].apply(weights, blocks));
        let blocks = tape.space_to_depth(fine, layers[0].maps_out());
        (fine, tape.relu(layers[1].apply(weights, blocks)))
    }

    /// `μ` and `log σ²` of the posterior, one sample a column, from what was seen and what came: 1, and the accelerations, of
    /// cars at some places.
    fn propose(
        &self,
        weights: Weights<'_>,
        seen: &Encoded,
        places: &DMatrix<f32>,
        came: DMatrix<f32>,
    ) -> (Var, Var) {
        let tape = weights.tape;
        let usual = column(tape, [1.0, 1.0 / USUAL[2], 1.0 / USUAL[3]].into_iter());
        let came = tape.mul_col(tape.constant(came), usual);
        let came = self.draw(tape, tape.constant(places.clone()), came);
        let (_, future) = self.encode(weights, &self.future, came, 3);
        let flat = |x: Var, layer: &Conv| tape.reshape(x, layer.maps_out().len());
        let (h, future) = (flat(seen.h, &self.encoder[1]), flat(future, &self.future[1]));
        let [of_h, of_came, last] = &self.posterior;
        let hidden = tape.relu(tape.add(of_h.apply(weights, h), of_came.apply(weights, future)));
        let both = last.apply(weights, hidden);
        let n = self.config.latent;
        let log_variance = tape.clamp(tape.rows(both, n, n), -20.0, self.config.log_variance);
        (tape.rows(both, 0, n), log_variance)
    }

    /// Decodes what comes next.
    fn imagine(&self, weights: Weights<'_>, scene: Scene, seen: &Encoded, action: Var, z: Latent) -> Scene {
        let tape = weights.tape;
        let maps = self.config.maps;
        let u = tape.mul_col(action, column(tape, self.scales.action.iter().map(|s| 1.0 / s)));
        let moved = self.action[1].apply(weights, tape.relu(self.action[0].apply(weights, u)));
        let mut h = tape.add(seen.h, tape.reshape(moved, maps));
        if let Latent::Given(z) = z {
            h = tape.add(h, tape.reshape(self.latent.apply(weights, z), maps));
        }
        let h = tape.relu(tape.add(h, self.inner.apply(weights, tape.relu(h))));

        let up = self.decoder[0].apply(weights, h);
        let half = Maps { channels: self.config.fine, ..self.encoder[0].maps_out() };
        let up = tape.relu(tape.depth_to_space(up, half));
        let up = tape.relu(self.decoder[1].apply(weights, tape.stack(&[up, seen.fine])));
        let around = read(tape, &self.geometry, self.decoder[1].maps_out(), (up, scene.places), CARS);
        let [of_there, of_action, of_latent, last] = &self.car;
        let told = tape.stack(&[around, self.told(tape, scene, seen.motion)]);
        let mut hidden = of_there.apply(weights, told);
        hidden = tape.add(hidden, self.spread(tape, of_action.apply(weights, u)));
        if let Latent::Given(z) = z {
            hidden = tape.add(hidden, self.spread(tape, of_latent.apply(weights, z)));
        }
        let pushes = last.apply(weights, tape.relu(hidden));
        let pushes = tape.mul_col(pushes, column(tape, [USUAL[2], USUAL[3]].into_iter()));
        let pushes = tape.mul_row(pushes, scene.there);

        let (state, way) = match self.config.own {
            Own::Known => {
                let (state, way) = self.drive(tape, scene.state, action);
                (state, Some(way))
            }
            Own::Learned => {
                let flat = tape.reshape(h, self.inner.maps_out().len());
                let change = self.out[1].apply(weights, tape.relu(self.out[0].apply(weights, flat)));
                let change = tape.mul_col(change, column(tape, self.scales.change.iter().copied()));
                (tape.add(scene.state, change), None)
            }
        };
        let dt = self.geometry.dt;
        let speeds = tape.add(scene.speeds, tape.scale(pushes, dt));
        let mut places = tape.add(scene.places, tape.scale(speeds, dt));
        if let Some(way) = way {
            places = tape.sub(places, self.spread(tape, way));
        }
        Scene { places, speeds, pushes, there: scene.there, state }
    }

    /// What is told of each car: how it moves, where it is, and where in its lane.
    fn told(&self, tape: &Tape, scene: Scene, motion: Var) -> Var {
        let y = self.spread(tape, tape.rows(scene.state, 0, 1));
        let phase = tape.add(tape.rows(scene.places, 1, 1), y);
        let phase = tape.scale(phase, self.geometry.phase());
        let far = self.far();
        let places = tape.mul_col(scene.places, column(tape, far.iter().map(|far| 1.0 / far)));
        tape.stack(&[motion, places, tape.sin(phase), tape.cos(phase)])
    }

    /// How far can be seen along and across the road, in m.
    fn far(&self) -> [f32; 2] {
        let Geometry { along, across, cell: [length, width], .. } = self.geometry;
        [0.5 * along as f32 * length, 0.5 * across as f32 * width]
    }

    /// The state of a car that accelerates and turns for a step, and its way, as [`Windows`] let cars go on detours.
    fn drive(&self, tape: &Tape, state: Var, action: Var) -> (Var, Var) {
        let Geometry { dt, car: [long, _], .. } = self.geometry;
        let [y, heading, speed] = [0, 1, 2].map(|row| tape.rows(state, row, 1));
        let [faster, turned] = [0, 1].map(|row| tape.scale(tape.rows(action, row, 1), dt));
        let (speed_then, heading_then) = (tape.relu(tape.add(speed, faster)), tape.add(heading, turned));
        let along = tape.scale(tape.add(speed, speed_then), 0.5 * dt);
        let aside = tape.scale(turned, 0.5 * long);
        let middle = tape.scale(tape.add(heading, heading_then), 0.5);
        let (sin, cos) = (tape.sin(middle), tape.cos(middle));
        let way = [
            tape.sub(tape.mul(along, cos), tape.mul(aside, sin)),
            tape.add(tape.mul(along, sin), tape.mul(aside, cos)),
        ];
        (tape.stack(&[tape.add(y, way[1]), heading_then, speed_then]), tape.stack(&way))
    }

    /// States with mean 0 and deviation 1.
    fn standardised(&self, tape: &Tape, state: Var) -> Var {
        let scales = &self.scales.state;
        let centred = tape.add_bias(state, column(tape, scales.iter().map(|s| -s.0)));
        tape.mul_col(centred, column(tape, scales.iter().map(|s| 1.0 / s.1)))
    }

    /// Views and states of a batch of windows, as many steps as it has actions; with a z for every [`hold`](Config::hold) steps, or
    /// without. Nothing is recorded for gradients.
    pub fn forecast(&self, batch: &Batch, latents: Option<&[DMatrix<f32>]>) -> Vec<Moment> {
        let mut tape = Tape::new();
        let (mut cars, mut state) = (self.look(batch), batch.states[0].clone());
        let mut step = |(k, action): (usize, &DMatrix<f32>)| {
            tape.clear();
            let scene = Scene::new(&tape, &cars, &state);
            let z = latents
                .map_or(Latent::Absent, |z| Latent::Given(tape.constant(z[k / self.config.hold].clone())));
            let next = self.step(&tape, true, scene, tape.constant(action.clone()), z);
            let value = |x: Var| tape.value(x).clone_owned();
            (cars.places, cars.speeds, cars.pushes) =
                (value(next.places), value(next.speeds), value(next.pushes));
            state = value(next.state);
            Moment { view: value(self.view(&tape, next)), state: state.clone() }
        };
        batch.actions.iter().enumerate().map(&mut step).collect()
    }

    /// What would be seen if only those cars were there that are in the last view, each where it truly went while it was in
    /// view: nobody can foresee more.
    pub fn foreseeable(&self, batch: &Batch) -> Vec<Moment> {
        let tracks = self.look(batch).followed(&self.geometry, &batch.next);
        let tape = Tape::new();
        let redrawn = |(track, truth): (&Track, &Moment)| {
            let (places, there) = (tape.constant(track.places.clone()), tape.constant(track.there.clone()));
            let mut view = truth.view.clone();
            view.set_row(OTHERS, &tape.value(self.draw(&tape, places, there)).row(0));
            Moment { view, state: truth.state.clone() }
        };
        tracks.iter().skip(1).zip(&batch.next).map(redrawn).collect()
    }

    /// How many z a window needs.
    pub fn draws(&self, batch: &Batch) -> usize {
        batch.actions.len().div_ceil(self.config.hold)
    }
}

impl Scene {
    /// Data on a tape.
    pub fn new(tape: &Tape, cars: &Cars, state: &DMatrix<f32>) -> Self {
        let constant = |m: &DMatrix<f32>| tape.constant(m.clone());
        Self {
            places: constant(&cars.places),
            speeds: constant(&cars.speeds),
            pushes: constant(&cars.pushes),
            there: constant(&cars.there),
            state: constant(state),
        }
    }
}

/// What was seen, encoded.
struct Encoded {
    /// How cars move, in what is usual.
    motion: Var,
    /// Maps at half the resolution.
    fine: Var,
    /// `h`.
    h: Var,
}

fn column(tape: &Tape, values: impl Iterator<Item = f32>) -> Var {
    let values: Vec<_> = values.collect();
    tape.constant(DMatrix::from_vec(values.len(), 1, values))
}

#[cfg(test)]
mod tests;
