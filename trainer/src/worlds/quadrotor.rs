//! A quadrotor that is to hover: position, attitude (a Rodrigues vector), velocity, angular velocity. All of its state is seen.
//!
//! `cost = eᵀQe + uᵀRu` with the weights of TinyMPC's example, `e` the distance from hovering at the origin; it is charged before the step, and
//! the reward is its negative.

use super::{
    Rng, World,
    motion::{runge_kutta, shown},
    practice::{About, Practice, Pushes},
};
use forethought::{artifact::Plant, feature::Angles};
use nalgebra::{Matrix3, Matrix4, Vector3, Vector4};
use rand::RngExt;

/// Time step, in s.
pub const DT: f64 = 0.05;
/// Steps in an episode.
pub const EPISODE: usize = 100;

const GRAVITY: f64 = 9.81;
/// Upward acceleration per unit of a motor.
const THRUST: f64 = 4.204_286;
/// Angular acceleration about each axis per unit of each motor.
const MOMENTS: [[f64; 4]; 3] = [
    [-275.3546, -303.23404, 275.66263, 302.926],
    [-276.70703, 304.2784, 277.5695, -305.1409],
    [19.747711, -7.22364, -27.84376, 15.31969],
];
/// Moment of inertia about the upright axis, in those about the others.
const FLATNESS: f64 = 1.765;
/// Weights of the state.
const Q: [f64; 12] = [100.0, 100.0, 100.0, 4.0, 4.0, 400.0, 4.0, 4.0, 4.0, 2.0408163, 2.0408163, 4.0];
/// Weight of each motor.
const R: f64 = 4.0;

/// The plant.
#[derive(Clone, Debug, Default)]
pub struct Quadrotor {
    /// Position, attitude, velocity, angular velocity.
    pub x: [f64; 12],
    pushes: Pushes<4>,
}

/// `ẋ` under the motors' deviations from hover.
fn rate(x: &[f64; 12], u: &[f64; 4]) -> [f64; 12] {
    let part = |i: usize| Vector3::from_column_slice(&x[3 * i..3 * i + 3]);
    let (p, v, w) = (part(1), part(2), part(3));
    let cross = p.cross_matrix();
    // Cayley's transform: from the Rodrigues vector to the rotation.
    let rotation = Matrix3::identity() + (cross + cross * cross) * (2.0 / (1.0 + p.norm_squared()));
    let turned = (w + p.cross(&w) + p * p.dot(&w)) * 0.5;
    let fall = rotation.column(2) * (GRAVITY + THRUST * u.iter().sum::<f64>()) - Vector3::z() * GRAVITY;
    let inertia = Vector3::new(1.0, 1.0, FLATNESS);
    let gyroscopic = -w.cross(&inertia.component_mul(&w)).component_div(&inertia);
    let motors = Vector4::from(*u);
    let spin = Vector3::from_fn(|i, _| Vector4::from(MOMENTS[i]).dot(&motors)) + gyroscopic;
    let parts: [[f64; 3]; 4] = [v, turned, fall, spin].map(Into::into);
    std::array::from_fn(|i| parts[i / 3][i % 3])
}

impl World for Quadrotor {
    fn reset(&mut self, rng: &mut Rng) {
        let mut within = |reach: f64| rng.random_range(-reach..reach);
        let reach = [1.0, 1.0, 1.0, 0.15, 0.15, 0.15, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5];
        self.x = reach.map(&mut within);
    }

    fn state(&self) -> Vec<f32> {
        shown(&self.x, Self::ABOUT.angles)
    }

    fn step(&mut self, action: &[f32]) -> f64 {
        let limited = Self::ABOUT.limit(action);
        let u = std::array::from_fn(|i| f64::from(limited[i]));
        let state: f64 = self.x.iter().zip(Q).map(|(x, q)| q * x.powi(2)).sum();
        let effort: f64 = u.iter().map(|u| R * u.powi(2)).sum();
        runge_kutta(&mut self.x, |x| rate(x, &u), DT);
        -(state + effort)
    }

    fn episode(&self) -> usize {
        EPISODE
    }
}

impl Practice for Quadrotor {
    const ABOUT: About = About {
        name: "quadrotor",
        plant: Plant::Quadrotor,
        state: &[
            "x (m)",
            "y (m)",
            "z (m)",
            "p₁",
            "p₂",
            "p₃",
            "v₁ (m/s)",
            "v₂ (m/s)",
            "v₃ (m/s)",
            "ω₁ (rad/s)",
            "ω₂ (rad/s)",
            "ω₃ (rad/s)",
        ],
        angles: Angles(0),
        places: &[0, 1, 2],
        low: &[-0.5; 4],
        high: &[0.5; 4],
        dt: DT,
    };

    fn exact(&self) -> Vec<f64> {
        self.x.to_vec()
    }

    fn place(&mut self, x: &[f64]) {
        self.x.copy_from_slice(x);
    }

    /// A pilot who holds the place roughly, while tilt, height and turn are pushed about.
    fn explore(&mut self, rng: &mut Rng) -> Vec<f32> {
        let [x, y, z, p1, p2, p3, v1, v2, v3, w1, w2, w3] = self.x;
        let [tilt1, tilt2, height, turn] = self.pushes.next(rng);
        let wanted = |place: f64, speed: f64, push: f64| {
            (-0.05 * place - 0.08 * speed + 0.12 * push).clamp(-0.25, 0.25)
        };
        let (to1, to2) = (-wanted(y, v2, tilt1), wanted(x, v1, tilt2));
        let asked = Vector4::new(
            -2.0 * z - 2.0 * v3 + 3.0 * height,
            -72.0 * (p1 - to1) - 8.4 * w1,
            -72.0 * (p2 - to2) - 8.4 * w2,
            -2.0 * p3 - 2.0 * w3 + 1.5 * turn,
        );
        // What each motor adds to lift and turning, and so what each has to do.
        let adds = Matrix4::from_fn(|row, motor| if row == 0 { THRUST } else { MOMENTS[row - 1][motor] });
        let motors = adds.try_inverse().map_or(Vector4::zeros(), |share| share * asked);
        let action: Vec<f32> = motors.iter().map(|u| (u + rng.random_range(-0.005..0.005)) as f32).collect();
        Self::ABOUT.limit(&action)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::worlds::tests::agrees;
    use forethought::{
        Zero,
        predict::{ForwardModel, Pullback, physics::quadrotor},
    };

    #[test]
    fn the_chips_physics_is_this_world_in_single_precision() {
        agrees(&quadrotor::Quadrotor::default(), Quadrotor::default(), 1e-5);
    }

    /// The matrices of TinyMPC's example are this plant's about hover; some of their entries stand here.
    #[test]
    fn about_hover_it_is_the_linear_example() {
        let model = quadrotor::Quadrotor::default();
        let (mut trace, mut row) = (Zero::ZERO, Pullback::<12, 4, 0>::ZERO);
        model.step(&mut trace, &[0.0; 12], &[0.0; 4], &[], &mut [0.0; 12]);
        let mut slope = |of: usize| {
            let g = std::array::from_fn(|i| if i == of { 1.0 } else { 0.0 });
            model.pullback(&trace, &g, &mut row);
            row
        };
        let near = |a: f32, b: f32| assert!((a - b).abs() < 2e-6 * b.abs().max(1.0), "{a} for {b}");
        let x = slope(0);
        for (i, a) in [(0, 1.0), (4, 0.024_525), (6, 0.05), (10, 0.000_204_375)] {
            near(x.x[i], a);
        }
        [-0.000_707, 0.000_777, 0.000_709, -0.000_78].into_iter().zip(x.u).for_each(|(b, u)| near(u, b));
        near(slope(6).x[10], 0.012_262_5);
        near(slope(3).x[9], 0.025);
        near(slope(2).u[0], 0.005_255_36);
        near(slope(9).u[1], -15.161_702);
    }
}
