//! What a driver watches: the car itself, and the nearest cars ahead and behind in its lane and in the lanes beside it.
//!
//! ```text
//! x = (y, ψ, v) of the car itself, then for each of six neighbours (Δx, Δy, Δv, v_y)
//! ```
//! in m, rad and m/s. The car's place is that from the middle of the road, its speed is less [`CRUISE`]; Δx is how far ahead
//! a neighbour is, Δy how far towards the higher lanes, Δv how much faster along the road than the car, `v_y` its speed across
//! the road. A neighbour farther than [`SIGHT`] away, or none at all, is a car at the end of sight, in the middle of its lane,
//! as fast as the car itself: so is one in a lane that does not exist.

use super::{
    car::Car,
    road::{LANE, Road},
};

/// Neighbours: ahead and behind in the own lane, in the next lower one, in the next higher one.
pub const NEIGHBOURS: usize = 6;
/// Numbers of the car itself: place across the road, heading, speed.
pub const OWN: usize = 3;
/// Numbers of a neighbour: how far ahead and how far to the side, speeds along and across the road.
pub const EACH: usize = 4;
/// Numbers in all.
pub const SIZE: usize = OWN + NEIGHBOURS * EACH;
/// How far a driver sees, in m.
pub const SIGHT: f64 = 60.0;

/// The speed that others are measured from, in m/s: a usual one.
pub const CRUISE: f64 = 22.0;

/// Who the neighbours of car `of` are. A car counts to the lane in which its middle is.
pub fn neighbours(road: Road, cars: &[Car], of: usize) -> [Option<usize>; NEIGHBOURS] {
    let own = &cars[of];
    let mut nearest: [Option<(usize, f64)>; NEIGHBOURS] = [None; NEIGHBOURS];
    for (i, car) in cars.iter().enumerate().filter(|&(i, _)| i != of) {
        let ahead = car.x - own.x;
        let Some(slot) = slot(road, own.y, car.y, ahead) else { continue };
        if ahead.abs() < SIGHT && nearest[slot].is_none_or(|(_, distance)| ahead.abs() < distance) {
            nearest[slot] = Some((i, ahead.abs()));
        }
    }
    nearest.map(|found| found.map(|(i, _)| i))
}

/// The place among the neighbours of a car at `y`, so far `ahead` of one at `own`; none if it is farther aside.
pub fn slot(road: Road, own: f64, y: f64, ahead: f64) -> Option<usize> {
    let behind = usize::from(ahead < 0.0);
    match road.lane_of(y) as isize - road.lane_of(own) as isize {
        0 => Some(behind),
        -1 => Some(2 + behind),
        1 => Some(4 + behind),
        _ => None,
    }
}

/// Where a neighbour is taken to be that is not there.
pub fn absent(road: Road, own: &Car, slot: usize) -> [f32; EACH] {
    let lane = Road::centre(road.lane_of(own.y)) + [0.0, -LANE, LANE][slot / 2];
    let ahead = if slot.is_multiple_of(2) { SIGHT } else { -SIGHT };
    [ahead as f32, (lane - own.y) as f32, 0.0, 0.0]
}

/// The car itself.
pub fn own(road: Road, car: &Car) -> [f32; OWN] {
    [(car.y - middle(road)) as f32, car.heading as f32, (car.speed - CRUISE) as f32]
}

/// The middle of the road.
pub fn middle(road: Road) -> f64 {
    let (low, high) = road.edges();
    0.5 * (low + high)
}

/// A neighbour.
pub fn each(own: &Car, other: &Car) -> [f32; EACH] {
    let (sin, cos) = other.heading.sin_cos();
    let faster = other.speed * cos - own.speed * own.heading.cos();
    [other.x - own.x, other.y - own.y, faster, other.speed * sin].map(|v| v as f32)
}

/// Everything that car `of` watches.
pub fn watch(road: Road, cars: &[Car], of: usize) -> [f32; SIZE] {
    let car = &cars[of];
    let mut seen = [0.0; SIZE];
    let (own_part, others) = seen.split_at_mut(OWN);
    own_part.copy_from_slice(&own(road, car));
    for ((slot, neighbour), place) in
        neighbours(road, cars, of).into_iter().enumerate().zip(others.chunks_exact_mut(EACH))
    {
        let each = neighbour.map_or_else(|| absent(road, car, slot), |other| each(car, &cars[other]));
        place.copy_from_slice(&each);
    }
    seen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_of_each_lane_are_watched() {
        let road = Road { lanes: 4 };
        let at = |x: f64, lane: usize| Car { x, y: Road::centre(lane), speed: 20.0, ..Car::default() };
        let cars = [at(0.0, 1), at(30.0, 1), at(20.0, 1), at(-5.0, 2), at(100.0, 2), at(1.0, 3)];
        assert_eq!(neighbours(road, &cars, 0), [Some(2), None, None, None, None, Some(3)]);
        let seen = watch(road, &cars, 0);
        assert_eq!(seen[..OWN], [-2.0, 0.0, -2.0]);
        assert_eq!(seen[OWN..OWN + EACH], [20.0, 0.0, 0.0, 0.0]);
        // Nobody behind, nobody in the lower lane.
        assert_eq!(seen[OWN + EACH..OWN + 3 * EACH], [-60.0, 0.0, 0.0, 0.0, 60.0, -4.0, 0.0, 0.0]);
        assert_eq!(seen[OWN + 5 * EACH..], [-5.0, 4.0, 0.0, 0.0]);
    }

    #[test]
    fn at_the_edge_there_is_nobody_beyond() {
        let road = Road { lanes: 2 };
        let car = Car { speed: 20.0, ..Car::default() };
        let seen = watch(road, &[car, Car { x: 9.0, ..car }], 0);
        assert_eq!(seen[OWN + 2 * EACH..OWN + 3 * EACH], [60.0, -4.0, 0.0, 0.0]);
    }
}
