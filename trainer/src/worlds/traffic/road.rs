//! Lanes, and who is next to whom.

use super::car::{Car, LENGTH, WIDTH};

/// Width of a lane, in m.
pub const LANE: f64 = 4.0;
/// How far beyond the edge of a lane a car's middle may be and still count as in the way there, in m.
const MARGIN: f64 = 1.0;

/// A straight road.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Road {
    /// Lanes side by side; the centre of the first is at `y = 0`.
    pub lanes: usize,
}

impl Road {
    /// The centre of a lane.
    pub fn centre(lane: usize) -> f64 {
        LANE * lane as f64
    }

    /// The edges of the road, in m.
    pub fn edges(self) -> (f64, f64) {
        (-0.5 * LANE, LANE * (self.lanes as f64 - 0.5))
    }

    /// The lane whose centre is nearest.
    pub fn lane_of(self, y: f64) -> usize {
        (y / LANE).round().clamp(0.0, self.lanes.saturating_sub(1) as f64) as usize
    }

    /// The lanes beside a lane.
    pub fn beside(self, lane: usize) -> impl Iterator<Item = usize> {
        let left = lane.checked_sub(1);
        let right = Some(lane + 1).filter(|&right| right < self.lanes);
        left.into_iter().chain(right)
    }

    /// Whether a corner of a car is beyond an edge.
    pub fn is_off(self, car: &Car) -> bool {
        let (low, high) = self.edges();
        let (sin, cos) = car.heading.sin_cos();
        let half = 0.5 * (LENGTH * sin.abs() + WIDTH * cos.abs());
        car.y - half < low || car.y + half > high
    }
}

/// The cars from the rear to the front. Few overtake in a step, so the order is mended, not made.
#[derive(Clone, Debug, Default)]
pub struct Order {
    /// Who is at a rank.
    cars: Vec<usize>,
    /// At which rank somebody is.
    ranks: Vec<usize>,
}

impl Order {
    /// The order of cars.
    pub fn of(cars: &[Car]) -> Self {
        let mut order = Self { cars: (0..cars.len()).collect(), ranks: vec![0; cars.len()] };
        order.update(cars);
        order
    }

    /// Mends the order: insertion sort.
    pub fn update(&mut self, cars: &[Car]) {
        for end in 1..self.cars.len() {
            let mut rank = end;
            while rank > 0 && cars[self.cars[rank]].x < cars[self.cars[rank - 1]].x {
                self.cars.swap(rank, rank - 1);
                rank -= 1;
            }
        }
        for (rank, &car) in self.cars.iter().enumerate() {
            self.ranks[car] = rank;
        }
    }

    /// Marks all cars that touch another.
    pub fn collide(&self, cars: &mut [Car]) {
        for (rank, &i) in self.cars.iter().enumerate() {
            for &j in &self.cars[rank + 1..] {
                if cars[j].x - cars[i].x > LENGTH + WIDTH {
                    break;
                }
                if cars[i].touches(&cars[j]) {
                    (cars[i].crashed, cars[j].crashed) = (true, true);
                }
            }
        }
    }
}

/// A moment on the road.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'a> {
    /// The road.
    pub road: Road,
    /// All cars.
    pub cars: &'a [Car],
    /// Their order.
    pub order: &'a Order,
}

/// Who is next in a lane.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Neighbours {
    /// The nearest ahead.
    pub ahead: Option<usize>,
    /// The nearest behind.
    pub behind: Option<usize>,
}

impl Scene<'_> {
    /// All cars ahead of car `i`, the nearest first.
    pub fn ahead(&self, i: usize) -> impl Iterator<Item = usize> {
        self.order.cars[self.order.ranks[i] + 1..].iter().copied()
    }

    /// The nearest cars before and behind car `i` that are in a lane, or almost.
    pub fn neighbours(&self, i: usize, lane: usize) -> Neighbours {
        let centre = Road::centre(lane);
        let within = |&j: &usize| (self.cars[j].y - centre).abs() <= 0.5 * LANE + MARGIN;
        let behind = self.order.cars[..self.order.ranks[i]].iter().rev().copied().find(within);
        Neighbours { ahead: self.ahead(i).find(within), behind }
    }
}
