//! Cars followed through the last views: how fast they came to where they are, and how fast that changed.

use super::{
    boxes::Found,
    view::{Geometry, STATE},
};
use crate::{artifact::Own, math};
use heapless::Vec;

/// Other cars that are followed; of more, those that are farthest away are left out.
pub const CARS: usize = 16;
/// How far a car may be from where it is expected in the next view, along and across the road, in m.
const GATE: [f32; 2] = [3.0, 1.5];

/// Another car.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Car {
    /// Its middle from the car's own, in m along and across the road.
    pub place: [f32; 2],
    /// How fast it came there since the last view, in m/s: over the road, or, where the car's own way is not known, beside
    /// the car.
    pub speed: [f32; 2],
    /// How fast that changed, in m/s².
    pub push: [f32; 2],
}

/// Those who are there, the nearest first.
pub type Cars = Vec<Car, CARS>;

/// Which of the cars found is the one expected at a place; it is taken from them.
pub fn take(found: &mut Found, place: [f32; 2]) -> Option<[f32; 2]> {
    // In units of the gate.
    let [long, wide] = GATE;
    nearest(found, place, [1.0 / long, 1.0 / wide], 1.0)
}

/// Takes the car that is nearest to a place, if it is nearer than `least`, both squared and in units of `scales`.
fn nearest(
    found: &mut Found,
    [x, y]: [f32; 2],
    [along, across]: [f32; 2],
    mut least: f32,
) -> Option<[f32; 2]> {
    let mut which = None;
    for (i, &[car_x, car_y]) in found.iter().enumerate() {
        let (dx, dy) = ((car_x - x) * along, (car_y - y) * across);
        let off = dx * dx + dy * dy;
        if off < least {
            (least, which) = (off, Some(i));
        }
    }
    // The last takes its place.
    let (i, last) = (which?, found.pop()?);
    Some(found.get_mut(i).map_or(last, |car| core::mem::replace(car, last)))
}

/// The way of the car itself in a step from one state to the next, in m along and across the road, as far as it is known.
pub fn way(own: Own, dt: f32, from: &[f32; STATE], to: &[f32; STATE]) -> [f32; 2] {
    let ([y, heading, speed], [y_then, heading_then, speed_then]) = (*from, *to);
    match own {
        Own::Known => {
            let (_, cos) = math::sin_cos(0.5 * (heading + heading_then));
            [0.5 * (speed + speed_then) * dt * cos, y_then - y]
        }
        Own::Learned => [0.0; 2],
    }
}

/// The cars in the newest of some views, the newest first, with the states of the car itself that belong to them. What was
/// found in the views is taken from it.
pub fn follow(geometry: &Geometry, own: Own, views: &mut [Found], states: &[[f32; STATE]], cars: &mut Cars) {
    cars.clear();
    let (Some((now, before)), Some((state, earlier))) = (views.split_first_mut(), states.split_first())
    else {
        return;
    };
    let [y, heading, speed] = *state;
    let aside = y - earlier.first().map_or(y, |&[y, ..]| y);
    // Until it is known better, as fast as the car itself along the road.
    let unknown = match own {
        Own::Known => [speed * math::sin_cos(heading).1, 0.0],
        Own::Learned => [0.0, -aside / geometry.dt],
    };
    while let Some(place) = nearest(now, [0.0; 2], [1.0; 2], f32::INFINITY) {
        let (mut at, mut step) = (place, [0.0, aside]);
        let (mut newest, mut oldest, mut known) = (unknown, unknown, 0_u16);
        let mut later = state;
        for (found, earlier) in before.iter_mut().zip(earlier) {
            let ([x, y], [dx, dy]) = (at, step);
            let Some([x_before, y_before]) = take(found, [x + dx, y + dy]) else { break };
            step = [x_before - x, y_before - y];
            let ([dx, dy], [along, across]) = (step, way(own, geometry.dt, earlier, later));
            oldest = [(along - dx) / geometry.dt, (across - dy) / geometry.dt];
            if known == 0 {
                newest = oldest;
            }
            known += 1;
            (at, later) = ([x_before, y_before], earlier);
        }
        let mut push = [0.0; 2];
        if known > 1 {
            let time = geometry.dt * f32::from(known - 1);
            for (push, (newest, oldest)) in push.iter_mut().zip(newest.iter().zip(oldest)) {
                *push = (newest - oldest) / time;
            }
        }
        if cars.push(Car { place, speed: newest, push }).is_err() {
            return;
        }
    }
}
