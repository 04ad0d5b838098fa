//! The best way up the mountain: a uniform-cost search in the world itself, in double precision, with a choice at every step.
//! (E. Dijkstra 1959.) Of the states in a cell the first that is reached cheapest goes on, so every route can be driven;
//! finer cells can only find cheaper ones.

use crate::worlds::{World, mountain_car::MountainCar, practice::Practice};
use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashSet},
};

/// Cells in a metre, and in a metre a step.
const FINENESS: [f64; 2] = [250.0, 2500.0];
/// The same in words.
pub const CELLS: &str = "0.004 m by 0.0004 m a step";

/// From a start to the goal.
#[derive(Clone, Debug)]
pub struct Route {
    /// What it costs.
    pub cost: f64,
    /// The states, the start first.
    pub states: Vec<Vec<f32>>,
    /// The throttle at each step.
    pub actions: Vec<Vec<f32>>,
}

impl Route {
    /// How long it takes.
    pub fn steps(&self) -> usize {
        self.actions.len()
    }
}

/// A state that was reached: from where, and by what.
struct Reached {
    x: [f64; 2],
    from: usize,
    action: f32,
}

/// The cheapest route from where a car is, where a step costs `step + effort · u²`.
///
/// # Panics
/// If the goal is out of reach.
pub fn route(car: &MountainCar, throttles: &[f32], [step, effort]: [f64; 2]) -> Route {
    let mut car = car.clone();
    let mut reached = vec![Reached { x: [car.x, car.v], from: 0, action: 0.0 }];
    // Costs of at least 0 are in the order of their bits.
    let mut open = BinaryHeap::from([Reverse((0.0_f64.to_bits(), 0))]);
    let mut closed = HashSet::new();
    while let Some(Reverse((bits, this))) = open.pop() {
        let (x, cost) = (reached[this].x, f64::from_bits(bits));
        car.place(&x);
        if car.over() {
            return trace(&reached, this, cost);
        }
        let cell = [0, 1].map(|i| (x[i] * FINENESS[i]).floor() as i32);
        if !closed.insert(cell) {
            continue;
        }
        for &action in throttles {
            car.place(&x);
            car.step(&[action]);
            reached.push(Reached { x: [car.x, car.v], from: this, action });
            let then = cost + step + effort * f64::from(action).powi(2);
            open.push(Reverse((then.to_bits(), reached.len() - 1)));
        }
    }
    unreachable!("the goal can be reached from everywhere in the valley")
}

fn trace(reached: &[Reached], mut at: usize, cost: f64) -> Route {
    let (mut states, mut actions) = (Vec::new(), Vec::new());
    while at != 0 {
        states.push(reached[at].x.map(|x| x as f32).to_vec());
        actions.push(vec![reached[at].action]);
        at = reached[at].from;
    }
    states.push(reached[0].x.map(|x| x as f32).to_vec());
    states.reverse();
    actions.reverse();
    Route { cost, states, actions }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::worlds::mountain_car::Engine;

    #[test]
    fn a_route_can_be_driven_and_costs_what_it_says() {
        let mut car = MountainCar::new(Engine::Discrete);
        let route = route(&car, &[-1.0, 0.0, 1.0], [1.0, 0.0]);
        let total: f64 = route.actions.iter().map(|u| car.step(u)).sum();
        assert!(car.over() && total == -route.cost, "{total} for {}", route.cost);
        // A car that always pushes the way it moves takes 119 from here.
        assert!((80.0..=119.0).contains(&route.cost), "{}", route.cost);
    }
}
