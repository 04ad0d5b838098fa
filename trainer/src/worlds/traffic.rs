//! A multi-lane highway: cars that follow each other (IDM), change lanes where that pays and harms nobody (MOBIL), and
//! steer as a bicycle does. One of them may be driven from outside.
//!
//! The drivers' parameters are highway-env's, so that its recorded traffic can be laid beside this one; the road is
//! straight, begins with a platoon of random density and has no end. Everything random is drawn at the start of an
//! episode: the same seed gives the same traffic to the last bit.
//!
//! - [`around`]: what a driver watches: itself and its neighbours;
//! - [`car`]: what a car is, the kinematic bicycle, collisions;
//! - [`driving`]: the highway as a world for a driver;
//! - [`driver`]: the intelligent driver model, MOBIL, and steering to the centre of a lane;
//! - [`road`]: lanes, and who is next to whom;
//! - [`recording`]: traffic as a log has it: every car at every step;
//! - [`view`]: what one car sees around it.

pub mod around;
pub mod car;
pub mod driver;
pub mod driving;
pub mod recording;
pub mod road;
pub mod view;

use super::{Rng, World};
use car::{Car, Command};
use driver::{Driver, Rules};
use rand::RngExt;
use recording::Recording;
use road::{Order, Road};
use serde::{Deserialize, Serialize};
use view::Grid;

/// Time step of actions, views and recordings, in s.
pub const DT: f64 = 0.2;
/// Steps of the physics and decisions of the drivers in a time step.
const SUB_STEPS: usize = 3;
/// Time step of the physics, in s.
const FINE: f64 = DT / SUB_STEPS as f64;

/// What an episode is made of.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Lanes, 4 m wide each.
    pub lanes: usize,
    /// Cars. 31 as in the recorded traffic.
    pub cars: usize,
    /// Which of them, counted from the rear, is the ego car: the one that [`World::step`] drives. By default the last
    /// of the platoon, as in the recorded traffic: it has all others before it and has to find its way through.
    pub ego: usize,
    /// Density of an episode, drawn between these two: at 1 there are about 20 m from a car to the next, whatever its
    /// lane.
    pub density: (f64, f64),
    /// Desired speeds of the drivers, which are their first speeds too, in m/s.
    pub speed: (f64, f64),
    /// Desired speed of the ego car while nobody drives it, in m/s.
    pub ego_speed: f64,
    /// How drivers drive.
    pub rules: Rules,
    /// What a car sees.
    pub grid: Grid,
    /// Steps of [`DT`] in an episode.
    pub episode: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            lanes: 4,
            cars: 31,
            ego: 0,
            density: (0.8, 1.6),
            speed: (21.0, 24.0),
            ego_speed: 25.0,
            rules: Rules::default(),
            grid: Grid::default(),
            episode: 200,
        }
    }
}

/// The highway and everyone on it.
#[derive(Clone, Debug)]
pub struct Highway {
    config: Config,
    road: Road,
    cars: Vec<Car>,
    drivers: Vec<Driver>,
    commands: Vec<Command>,
    order: Order,
}

impl Highway {
    /// An empty road until [`reset`](World::reset).
    ///
    /// # Panics
    /// Without a lane, or if the ego car is not among the cars.
    pub fn new(config: Config) -> Self {
        assert!(config.lanes > 0 && config.ego < config.cars, "a highway needs lanes and its ego car");
        let road = Road { lanes: config.lanes };
        let (cars, drivers, commands) = (Vec::new(), Vec::new(), Vec::new());
        Self { config, road, cars, drivers, commands, order: Order::default() }
    }

    /// Places given cars with drivers on the road.
    pub fn place(&mut self, cars: Vec<Car>, drivers: Vec<Driver>) {
        self.commands = vec![Command::default(); cars.len()];
        self.order = Order::of(&cars);
        (self.cars, self.drivers) = (cars, drivers);
    }

    /// All cars, from the rear of the starting platoon to its front.
    pub fn cars(&self) -> &[Car] {
        &self.cars
    }

    /// The road.
    pub fn road(&self) -> Road {
        self.road
    }

    /// The car that is driven from outside.
    pub fn ego(&self) -> &Car {
        &self.cars[self.config.ego]
    }

    /// Whether the ego car has left the road.
    pub fn off_road(&self) -> bool {
        self.road.is_off(self.ego())
    }

    /// Goes on for [`DT`]. With a command the ego car obeys it all that time, without one its own driver drives.
    pub fn advance(&mut self, ego: Option<Command>) {
        let driven = ego.map(|command| (self.config.ego, command.limited()));
        for _ in 0..SUB_STEPS {
            for i in 0..self.cars.len() {
                self.commands[i] = match driven {
                    Some((ego, command)) if ego == i => {
                        self.drivers[i].lane = self.road.lane_of(self.cars[i].y);
                        command
                    }
                    _ => self.decide(i),
                };
            }
            for (car, command) in self.cars.iter_mut().zip(&self.commands) {
                car.advance(*command, FINE);
            }
            self.order.update(&self.cars);
            self.order.collide(&mut self.cars);
        }
    }

    /// Goes through whole episodes that nobody drives and records them.
    pub fn record(&mut self, episodes: usize, rng: &mut Rng) -> Vec<Recording> {
        let mut record = || {
            self.reset(rng);
            let mut recording = Recording { road: self.road, frames: vec![self.cars.clone()] };
            for _ in 1..self.config.episode {
                self.advance(None);
                recording.frames.push(self.cars.clone());
            }
            recording
        };
        (0..episodes).map(|_| record()).collect()
    }

    /// What driver `i` does now.
    fn decide(&mut self, i: usize) -> Command {
        let rules = &self.config.rules;
        let scene = road::Scene { road: self.road, cars: &self.cars, order: &self.order };
        rules.choose_lane(scene, &mut self.drivers, i, FINE);
        rules.drive(scene, &self.drivers, i)
    }
}

impl World for Highway {
    /// A platoon on random lanes, every car so far ahead of the one before it as its speed and the density ask.
    fn reset(&mut self, rng: &mut Rng) {
        let Config { lanes, cars, ego, density, speed, ego_speed, ref rules, .. } = self.config;
        let density = rng.random_range(density.0..=density.1);
        let share = (-0.125 * lanes as f64).exp() / density;
        let mut x = 0.0;
        let mut draw = |i| {
            let desired = if i == ego { ego_speed } else { rng.random_range(speed.0..=speed.1) };
            x += (12.0 + desired) * share * rng.random_range(0.9..=1.1);
            let lane = rng.random_range(0..lanes);
            let car = Car { x, y: Road::centre(lane), speed: desired, ..Car::default() };
            let exponent = rng.random_range(rules.exponent.0..=rules.exponent.1);
            let wait = rng.random_range(0.0..rules.patience);
            (car, Driver { desired, exponent, lane, since: wait })
        };
        let (cars, drivers) = (0..cars).map(&mut draw).unzip();
        self.place(cars, drivers);
    }

    /// The ego car's [`state`](Car::state).
    fn state(&self) -> Vec<f32> {
        self.ego().state().to_vec()
    }

    /// The ego car's view, and its state behind it.
    fn observe(&mut self, _: &mut Rng) -> Vec<f32> {
        let mut seen = vec![0.0; self.config.grid.maps().len()];
        self.config.grid.draw(self.road, &self.cars, self.config.ego, &mut seen);
        seen.extend(self.state());
        seen
    }

    /// Drives the ego car with an acceleration and a rate of turning. The reward is how far it came along the road, in
    /// m; a crashed car comes to rest.
    fn step(&mut self, action: &[f32]) -> f64 {
        let before = self.ego().x;
        let command = self.ego().command(f64::from(action[0]), f64::from(action[1]));
        self.advance(Some(command));
        self.ego().x - before
    }

    fn episode(&self) -> usize {
        self.config.episode
    }
}

#[cfg(test)]
mod tests;
