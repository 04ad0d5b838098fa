//! Who of the neighbours of a roll-out is where by now.

use super::Neighbours;
use crate::{
    tape::{Tape, Var},
    worlds::traffic::{
        around::{EACH, NEIGHBOURS, OWN, SIGHT, SIZE, absent, middle, slot},
        car::Car,
        road::Road,
    },
};
use nalgebra::DMatrix;

/// Where each entry of a column comes from: an entry of the same column, or a number.
#[derive(Clone, Copy)]
enum Origin {
    Entry(usize),
    Number(f32),
}

impl Neighbours {
    /// `x` with its neighbours where a driver looks for them: in a roll-out they are the same cars throughout, and after
    /// a lane change the one ahead is another. Gradients go to whoever is there.
    pub fn sorted(&self, tape: &Tape, x: Var, there: &DMatrix<f32>) -> Var {
        let columns = tape.shape(x).1;
        let origins: Vec<Origin> = {
            let x = tape.value(x);
            (0..columns)
                .flat_map(|j| order(self.road, &x.as_slice()[j * SIZE..][..SIZE], there.column(j).as_slice()))
                .collect()
        };
        let kept = origins.clone();
        tape.record(
            &[x],
            move |forward| {
                let x = forward.value(x).as_slice();
                let entry = |(i, origin): (usize, &Origin)| match origin {
                    Origin::Entry(place) => x[i - i % SIZE + place],
                    Origin::Number(number) => *number,
                };
                forward.collect((SIZE, columns), origins.iter().enumerate().map(entry))
            },
            move |backward| {
                let y_bar = backward.gradient.as_slice();
                let Some(x_bar) = backward.sum(x) else { return };
                let x_bar = x_bar.as_mut_slice();
                for (i, (y_bar, origin)) in y_bar.iter().zip(&kept).enumerate() {
                    if let Origin::Entry(place) = origin {
                        x_bar[i - i % SIZE + place] += y_bar;
                    }
                }
            },
        )
    }
}

/// Where the entries of what a driver watches come from.
fn order(road: Road, x: &[f32], there: &[f32]) -> [Origin; SIZE] {
    let y = f64::from(x[0]) + middle(road);
    let car = Car { y, ..Car::default() };
    let mut nearest: [Option<(usize, f32)>; NEIGHBOURS] = [None; NEIGHBOURS];
    for (i, (other, there)) in x[OWN..].chunks_exact(EACH).zip(there).enumerate() {
        let ahead = other[0];
        let Some(slot) = slot(road, y, y + f64::from(other[1]), f64::from(ahead)) else { continue };
        let near = *there > 0.0 && f64::from(ahead.abs()) < SIGHT;
        if near && nearest[slot].is_none_or(|(_, distance)| ahead.abs() < distance) {
            nearest[slot] = Some((i, ahead.abs()));
        }
    }
    let mut origins = std::array::from_fn(Origin::Entry);
    let places = origins[OWN..].chunks_exact_mut(EACH).zip(nearest).enumerate();
    for (slot, (place, found)) in places {
        match found {
            Some((i, _)) => {
                place.iter_mut().enumerate().for_each(|(k, p)| *p = Origin::Entry(OWN + EACH * i + k));
            }
            None => {
                place.iter_mut().zip(absent(road, &car, slot)).for_each(|(p, v)| *p = Origin::Number(v));
            }
        }
    }
    origins
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        predict::neighbours::{Config, Windows},
        worlds::{
            Rng,
            traffic::{self, Highway, around::watch},
        },
    };
    use rand::SeedableRng;

    #[test]
    fn after_a_lane_change_the_neighbours_are_others() {
        let rng = &mut Rng::seed_from_u64(1);
        let config = traffic::Config { cars: 10, episode: 40, ..traffic::Config::default() };
        let recordings = Highway::new(config).record(2, rng);
        let windows = Windows::new(&recordings, 5).expect("windows");
        let model = Neighbours::new(&Config::default(), recordings[0].road, windows.scales(rng), rng);
        let road = Road { lanes: 4 };
        let at = |x: f64, lane: usize| Car { x, y: Road::centre(lane), speed: 22.0, ..Car::default() };
        let mut cars = [at(0.0, 1), at(20.0, 1), at(30.0, 2), at(-30.0, 0)];
        let mut x = watch(road, &cars, 0);
        // The car is now in lane 2, and everybody else in the same place as before.
        cars[0].y = Road::centre(2);
        x[0] += 4.0;
        x[OWN..].chunks_exact_mut(EACH).for_each(|other| other[1] -= 4.0);
        let there = DMatrix::from_column_slice(NEIGHBOURS, 1, &[1.0, 0.0, 0.0, 1.0, 1.0, 0.0]);
        let tape = Tape::new();
        let leaf = tape.parameter(&DMatrix::from_column_slice(SIZE, 1, &x));
        let sorted = model.sorted(&tape, leaf, &there);
        assert_eq!(tape.value(sorted).as_slice(), watch(road, &cars, 0));
        // The one ahead is the one that was ahead in the higher lane.
        tape.backward(tape.sum(tape.rows(sorted, OWN, 1)));
        assert_eq!(tape.gradient(leaf)[OWN + 4 * EACH], 1.0);
        assert_eq!(tape.gradient(leaf).sum(), 1.0);
    }
}
