//! Drivers: how they follow, when they change lanes, and how they steer.
//!
//! Following is the intelligent driver model (Treiber, Hennecke & Helbing 2000):
//!
//! ```text
//! v̇ = a [1 − (v/v₀)^δ − (s*/s)²]      s* = s₀ + v T + v Δv/(2 √(a b))
//! ```
//!
//! Lane changes are MOBIL (Kesting, Treiber & Helbing 2007): change if the new follower need not brake harder than
//! `b_safe`, and if `ã − a + p (ã_n − a_n + ã_o − a_o) > Δa`: what the driver gains and, weighed by politeness, what the
//! new and the old follower gain.

use super::{
    car::{self, Car, Command, MAX_ACCELERATION},
    road::{Road, Scene},
};
use serde::{Deserialize, Serialize};

/// What all drivers have in common; the values are highway-env's.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rules {
    /// `a`: acceleration on an empty road, in m/s².
    pub acceleration: f64,
    /// `b`: comfortable braking, in m/s².
    pub braking: f64,
    /// `s₀`: distance to the car ahead at rest, from middle to middle, in m.
    pub distance: f64,
    /// `T`: time to the car ahead, in s.
    pub headway: f64,
    /// `δ`: how late acceleration fades on the way to the desired speed; each driver draws one from this range.
    pub exponent: (f64, f64),
    /// `p`: what others' gains weigh beside one's own; 0 is an egoist.
    pub politeness: f64,
    /// `Δa`: what a change must gain, in m/s².
    pub gain: f64,
    /// `b_safe`: the hardest braking that a change may ask of the new follower, in m/s².
    pub safe: f64,
    /// Time between two looks at the other lanes, in s.
    pub patience: f64,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            acceleration: 3.0,
            braking: 5.0,
            distance: 10.0,
            headway: 1.5,
            exponent: (3.5, 4.5),
            politeness: 0.0,
            gain: 0.2,
            safe: 2.0,
            patience: 1.0,
        }
    }
}

/// Time constant of the heading, in s.
const HEADING_TIME: f64 = 0.2;
/// Time constant of the place in the lane, in s.
const LATERAL_TIME: f64 = 0.6;

/// What is a driver's own.
#[derive(Clone, Copy, Debug)]
pub struct Driver {
    /// `v₀`: desired speed, in m/s.
    pub desired: f64,
    /// `δ`: see [`Rules::exponent`].
    pub exponent: f64,
    /// The lane in which they are or to which they change.
    pub lane: usize,
    /// Time since they looked at the other lanes, in s.
    pub since: f64,
}

impl Rules {
    /// The acceleration of a car behind `front`, or on an empty road.
    pub fn follow(&self, driver: &Driver, car: &Car, front: Option<&Car>) -> f64 {
        let free = 1.0 - (car.speed / driver.desired).powf(driver.exponent);
        let pressed =
            front.map_or(0.0, |front| (self.desired_gap(car, front) / (front.x - car.x).max(0.01)).powi(2));
        self.acceleration * (free - pressed)
    }

    /// `s*`, with the speed of `front` as it is along the car's own direction.
    fn desired_gap(&self, car: &Car, front: &Car) -> f64 {
        let faster = car.speed - front.speed * (car.heading - front.heading).cos();
        let dynamic = faster / (2.0 * (self.acceleration * self.braking).sqrt());
        self.distance + car.speed * (self.headway + dynamic)
    }

    /// Brings the lane that driver `i` wants up to date.
    pub(super) fn choose_lane(&self, scene: Scene<'_>, drivers: &mut [Driver], i: usize, dt: f64) {
        let (car, now) = (&scene.cars[i], scene.road.lane_of(scene.cars[i].y));
        drivers[i].since += dt;
        let wanted = drivers[i].lane;
        if now != wanted {
            // On the way: back, if somebody ahead is on the way to the same place.
            let taken = scene.ahead(i).any(|j| {
                let rival = &scene.cars[j];
                drivers[j].lane == wanted
                    && scene.road.lane_of(rival.y) != wanted
                    && rival.x - car.x < self.desired_gap(car, rival)
            });
            if taken {
                drivers[i].lane = now;
            }
        } else if drivers[i].since >= self.patience && !car.crashed {
            drivers[i].since = 0.0;
            for lane in scene.road.beside(now) {
                if car.speed > 1.0 && self.pays(scene, drivers, i, lane) {
                    drivers[i].lane = lane;
                }
            }
        }
    }

    /// MOBIL's two criteria for a change of car `i` to `lane`.
    pub(super) fn pays(&self, scene: Scene<'_>, drivers: &[Driver], i: usize, lane: usize) -> bool {
        let cars = scene.cars;
        let follow = |j: usize, front: Option<usize>| {
            self.follow(&drivers[j], &cars[j], front.map(|front| &cars[front]))
        };
        let gain = |j: Option<usize>, from, to| j.map_or(0.0, |j| follow(j, to) - follow(j, from));
        let new = scene.neighbours(i, lane);
        if new.behind.is_some_and(|j| follow(j, Some(i)) < -self.safe) {
            return false;
        }
        let old = scene.neighbours(i, scene.road.lane_of(cars[i].y));
        let others = if self.politeness == 0.0 {
            0.0
        } else {
            gain(new.behind, new.ahead, Some(i)) + gain(old.behind, Some(i), old.ahead)
        };
        gain(Some(i), old.ahead, new.ahead) + self.politeness * others >= self.gain
    }

    /// Follows whoever is ahead, in both lanes during a change, and steers to the centre of the lane.
    pub(super) fn drive(&self, scene: Scene<'_>, drivers: &[Driver], i: usize) -> Command {
        let (driver, car) = (&drivers[i], &scene.cars[i]);
        let behind = |lane| {
            let ahead = scene.neighbours(i, lane).ahead;
            self.follow(driver, car, ahead.map(|j| &scene.cars[j]))
        };
        let now = scene.road.lane_of(car.y);
        let mut acceleration = behind(now);
        if driver.lane != now {
            acceleration = acceleration.min(behind(driver.lane));
        }
        Command {
            acceleration: acceleration.clamp(-MAX_ACCELERATION, MAX_ACCELERATION),
            steering: steer(car, Road::centre(driver.lane)),
        }
    }
}

/// Two proportional controllers, one within the other: the distance to the centre of the lane asks for a speed across
/// the road and so for a heading, the heading for a rate of turning.
fn steer(car: &Car, centre: f64) -> f64 {
    let across = (centre - car.y) / LATERAL_TIME;
    let heading = (across / car.speed.max(0.01)).clamp(-1.0, 1.0).asin();
    let limit = std::f64::consts::FRAC_PI_4;
    car::steering((heading.clamp(-limit, limit) - car.heading) / HEADING_TIME, car.speed)
}
