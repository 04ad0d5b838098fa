//! Traffic as a log has it: every car at every step. Simulated and recorded traffic are the same to whoever reads them.

use super::{
    DT,
    car::{Car, LENGTH},
    road::Road,
};

/// One episode; there is at least one car and one frame, and all frames hold the same cars.
#[derive(Clone, Debug, PartialEq)]
pub struct Recording {
    /// The road.
    pub road: Road,
    /// All cars, [`DT`] from one frame to the next.
    pub frames: Vec<Vec<Car>>,
}

impl Recording {
    /// What a car did between frame `t` and the next: mean acceleration and rate of turning.
    ///
    /// # Panics
    /// If there is no such frame or car.
    pub fn action(&self, t: usize, car: usize) -> [f32; 2] {
        self.frames[t][car].action(&self.frames[t + 1][car], DT)
    }

    /// Cars in a frame.
    pub fn cars(&self) -> usize {
        self.frames.first().map_or(0, Vec::len)
    }

    /// How far all cars came together, in km.
    pub fn kilometres(&self) -> f64 {
        let (Some(first), Some(last)) = (self.frames.first(), self.frames.last()) else { return 0.0 };
        first.iter().zip(last).map(|(first, last)| last.x - first.x).sum::<f64>() / 1000.0
    }

    /// How often a car's middle passed from a lane to another.
    pub fn lane_changes(&self) -> usize {
        let changed =
            |(before, after): (&Car, &Car)| self.road.lane_of(before.y) != self.road.lane_of(after.y);
        let pairs = self.frames.iter().zip(self.frames.iter().skip(1));
        pairs.map(|(before, after)| before.iter().zip(after).filter(|&pair| changed(pair)).count()).sum()
    }

    /// The free space between each car of a frame and the next ahead in its lane, in m.
    pub fn gaps(&self, t: usize) -> Vec<f64> {
        let cars = &self.frames[t];
        let lane = |car: &Car| self.road.lane_of(car.y);
        let gap = |car: &Car| {
            let ahead = cars.iter().filter(|other| other.x > car.x && lane(other) == lane(car));
            ahead.map(|other| other.x - car.x - LENGTH).min_by(f64::total_cmp)
        };
        cars.iter().filter_map(gap).collect()
    }
}
