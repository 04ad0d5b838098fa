//! The Kalman filter.

use crate::{
    Case, Failure,
    failure::{Golden, all_near, count, holds, near, same_bits},
    reference::{self, wide},
    tiny::{self, NH, NU, NX, NZ, Numbers, World},
};
use forethought::{
    Zero,
    artifact::{Load, Model, Plant},
    estimate::kalman::{Innovation, Kalman, State},
    math,
    predict::{network::Network, physics::pendulum::Pendulum},
};

pub const CASES: &[Case] = &[
    Case { name: "estimate: predict and update match the dense filter in f64", run: dense_filter },
    Case { name: "estimate: the covariance stays one for 1000 steps", run: covariance },
    Case { name: "estimate: the filter finds the speed that no sensor shows", run: speed },
    Case { name: "estimate: a missing feature is left out", run: missing },
    Case { name: "estimate: an outlier changes nothing", run: outlier },
    Case { name: "estimate: after too many outliers the filter believes the sensors", run: patience },
    Case { name: "estimate: a reading mends what a long outage did to the covariance", run: outage },
    Case { name: "estimate: a known state leaves the uncertainty of one step", run: known },
    Case { name: "estimate: golden bits", run: golden },
];

/// Cosine and sine of an angle, each a little wrong.
fn measure(theta: f32, numbers: &mut Numbers) -> [f32; 2] {
    let (sin, cos) = math::sin_cos(theta);
    [cos + 0.03 * numbers.next(), sin + 0.03 * numbers.next()]
}

fn update(filter: &Kalman<'_>, state: &mut State<NX>, measured: [f32; 2]) -> Innovation {
    filter.update(state, measured.into_iter().map(Some))
}

fn is_finite(state: &State<NX>) -> bool {
    state.x.iter().chain(state.p.iter()).all(|number| number.is_finite())
}

type Matrix = [[f64; 2]; 2];

fn product(a: Matrix, b: Matrix) -> Matrix {
    [0, 1].map(|i| [0, 1].map(|j| a[i][0] * b[0][j] + a[i][1] * b[1][j]))
}

fn transposed([[a, b], [c, d]]: Matrix) -> Matrix {
    [[a, c], [b, d]]
}

/// The filter as the textbook has it, with whole matrices.
struct Reference {
    x: [f64; 2],
    p: Matrix,
}

impl Reference {
    fn predict(&mut self, u: f64) {
        // ω' = ω + (15 sin θ + 3 u) Δt,  θ' = θ + ω' Δt
        let pull = 15.0 * reference::cos(self.x[0]) * 0.05;
        let f = [[1.0 + pull * 0.05, 0.05], [pull, 1.0]];
        self.x = reference::pendulum_step(&self.x, u);
        self.p = product(product(f, self.p), transposed(f));
        self.p[0][0] += f64::from(0.000_1_f32);
        self.p[1][1] += f64::from(0.01_f32);
    }

    /// Takes in the cosine, then the sine, and returns the normalised innovation squared.
    fn update(&mut self, measured: [f64; 2]) -> f64 {
        let r = f64::from(0.002_f32);
        let mut nis = 0.0;
        for (i, y) in measured.into_iter().enumerate() {
            let (sin, cos) = (reference::sin(self.x[0]), reference::cos(self.x[0]));
            let (innovation, h) = if i == 0 { (y - cos, -sin) } else { (y - sin, cos) };
            let s = h * self.p[0][0] * h + r;
            let k = [self.p[0][0] * h / s, self.p[1][0] * h / s];
            self.x = [self.x[0] + k[0] * innovation, self.x[1] + k[1] * innovation];
            let rest = [[1.0 - k[0] * h, 0.0], [-k[1] * h, 1.0]];
            self.p = product(product(rest, self.p), transposed(rest));
            self.p = [0, 1].map(|i| [0, 1].map(|j| self.p[i][j] + k[i] * r * k[j]));
            nis += innovation * innovation / s;
        }
        nis
    }
}

fn dense_filter() -> Result<(), Failure> {
    let mut numbers = Numbers(26);
    tiny::with(
        Model::Physics(Plant::Pendulum),
        |_| {},
        |artifact| {
            let filter = Kalman::load::<NX>(artifact)?;
            let (mut state, mut world) = (State::ZERO, World { x: [2.5, 0.0] });
            update(&filter, &mut state, measure(world.x[0], &mut numbers));
            for _ in 0..40 {
                // Each step starts from the same numbers: rounding errors do not pile up in the comparison.
                let [[a, b], [c, d]] = state.p.data.0;
                let mut expected =
                    Reference { x: wide(&state.x), p: transposed([wide(&[a, b]), wide(&[c, d])]) };
                let u = [2.0 * numbers.next()];
                world.step(&u);
                filter.predict(&Pendulum::default(), &mut state, &u);
                expected.predict(u[0].into());
                compare(&expected, &state)?;
                let measured = measure(world.x[0], &mut numbers);
                let innovation = update(&filter, &mut state, measured);
                let nis = expected.update(wide(&measured));
                holds("a healthy reading is accepted", innovation.accepted)?;
                near("normalised innovation squared", nis, innovation.nis, 1e-3 + 1e-3 * nis)?;
                compare(&expected, &state)?;
            }
            Ok(())
        },
    )
}

fn compare(expected: &Reference, state: &State<NX>) -> Result<(), Failure> {
    near("angle", 0.0, reference::wrap(expected.x[0] - f64::from(state.x[0])) as f32, 1e-5)?;
    near("speed", expected.x[1], state.x[1], 1e-4)?;
    let [[p00, p01], [p10, p11]] = expected.p;
    // nalgebra lies in columns.
    all_near("covariance", &[p00, p10, p01, p11], state.p.as_slice(), 1e-5 * (1.0 + p11))
}

fn covariance() -> Result<(), Failure> {
    let mut numbers = Numbers(27);
    tiny::with(
        Model::Physics(Plant::Pendulum),
        |_| {},
        |artifact| {
            let filter = Kalman::load::<NX>(artifact)?;
            let (mut state, mut world) = (State::ZERO, World { x: [3.0, 0.0] });
            for step in 0..1000 {
                // Now and then the camera is covered for a while.
                if step % 50 < 40 {
                    update(&filter, &mut state, measure(world.x[0], &mut numbers));
                }
                let u = [2.0 * numbers.next()];
                world.step(&u);
                filter.predict(&Pendulum::default(), &mut state, &u);
                let [[p00, p10], [p01, p11]] = state.p.data.0;
                holds("a variance is not negative", p00 >= 0.0 && p11 >= 0.0)?;
                let scale = p00 + p11;
                near("asymmetry of the covariance", 0.0, (p01 - p10) / scale, 1e-5)?;
                holds(
                    "the covariance has no negative eigenvalue",
                    p00 * p11 - p01 * p10 >= -1e-5 * scale * scale,
                )?;
            }
            Ok(())
        },
    )
}

fn speed() -> Result<(), Failure> {
    let mut numbers = Numbers(28);
    tiny::with(
        Model::Physics(Plant::Pendulum),
        |_| {},
        |artifact| {
            let filter = Kalman::load::<NX>(artifact)?;
            let (mut state, mut world) = (State::ZERO, World { x: [3.0, 4.0] });
            for _ in 0..30 {
                update(&filter, &mut state, measure(world.x[0], &mut numbers));
                filter.predict(&Pendulum::default(), &mut state, &[0.5]);
                world.step(&[0.5]);
            }
            near("angle", 0.0, math::wrap(world.x[0] - state.x[0]), 0.1)?;
            near("speed", world.x[1].into(), state.x[1], 0.5)
        },
    )
}

/// A filter that has seen the pendulum stand at 1 rad a few times.
fn settled(filter: &Kalman<'_>) -> State<NX> {
    let mut state = State::ZERO;
    let (sin, cos) = math::sin_cos(1.0);
    for _ in 0..3 {
        update(filter, &mut state, [cos, sin]);
    }
    state
}

fn missing() -> Result<(), Failure> {
    tiny::with(
        Model::Physics(Plant::Pendulum),
        |_| {},
        |artifact| {
            let filter = Kalman::load::<NX>(artifact)?;
            let before = settled(&filter);
            let mut state = before.clone();
            filter.update(&mut state, [None, None].into_iter());
            same_bits("estimate", &before.x, &state.x)?;
            same_bits("covariance", before.p.as_slice(), state.p.as_slice())?;
            filter.update(&mut state, [None, Some(0.9)].into_iter());
            holds("one feature moves the estimate", state.x[0] > before.x[0])?;
            holds("one feature narrows the estimate", state.p.data.0[0][0] < before.p.data.0[0][0])
        },
    )
}

fn outlier() -> Result<(), Failure> {
    tiny::with(
        Model::Physics(Plant::Pendulum),
        |_| {},
        |artifact| {
            let filter = Kalman::load::<NX>(artifact)?;
            let before = settled(&filter);
            for measured in [[-1.0, 0.0], [f32::NAN, 0.5], [f32::INFINITY, 0.5], [0.5, f32::NEG_INFINITY]] {
                let mut state = before.clone();
                holds("an outlier is refused", !update(&filter, &mut state, measured).accepted)?;
                same_bits("estimate", &before.x, &state.x)?;
                same_bits("covariance", before.p.as_slice(), state.p.as_slice())?;
            }
            Ok(())
        },
    )
}

fn patience() -> Result<(), Failure> {
    tiny::with(
        Model::Physics(Plant::Pendulum),
        |_| {},
        |artifact| {
            let filter = Kalman::load::<NX>(artifact)?;
            let mut state = settled(&filter);
            let (sin, cos) = math::sin_cos(-2.0);
            let mut refused = 0;
            while !update(&filter, &mut state, [cos, sin]).accepted && refused < 100 {
                refused += 1;
            }
            count("refused readings before the new start", 3, refused)?;
            near("angle", -2.0, state.x[0], 1e-6)?;
            near("speed", 0.0, state.x[1], 0.0)?;
            holds("the next reading is accepted", update(&filter, &mut state, [cos, sin]).accepted)?;

            // A reading that is accepted in between makes the filter patient again.
            let mut state = settled(&filter);
            let (near_sin, near_cos) = math::sin_cos(1.0);
            for _ in 0..4 {
                holds("an outlier is refused", !update(&filter, &mut state, [cos, sin]).accepted)?;
                holds(
                    "a healthy reading is not",
                    update(&filter, &mut state, [near_cos, near_sin]).accepted,
                )?;
            }
            Ok(())
        },
    )
}

/// Upright the model is unstable: without readings the covariance grows by half at every step, at last past what an
/// `f32` can hold.
fn outage() -> Result<(), Failure> {
    tiny::with(
        Model::Physics(Plant::Pendulum),
        |_| {},
        |artifact| {
            let filter = Kalman::load::<NX>(artifact)?;
            let mut state = State::ZERO;
            update(&filter, &mut state, [1.0, 0.0]);
            let (sin, cos) = math::sin_cos(0.5);
            for _ in 0..5 {
                for _ in 0..300 {
                    filter.predict(&Pendulum::default(), &mut state, &[0.0]);
                }
                holds("the covariance has overflowed", !is_finite(&state))?;
                for _ in 0..2 {
                    holds("a reading is believed", update(&filter, &mut state, [cos, sin]).accepted)?;
                    holds("the filter is finite", is_finite(&state))?;
                    near("angle", 0.5, state.x[0], 1e-3)?;
                }
                // Upright, so that the estimate stays there.
                filter.know(&mut state, &[0.0, 0.0]);
            }
            Ok(())
        },
    )
}

fn known() -> Result<(), Failure> {
    tiny::with(
        Model::Physics(Plant::Pendulum),
        |_| {},
        |artifact| {
            let filter = Kalman::load::<NX>(artifact)?;
            let mut state = settled(&filter);
            filter.know(&mut state, &[4.0, -1.0]);
            same_bits("estimate", &[math::wrap(4.0), -1.0], &state.x)?;
            same_bits("covariance", &[0.000_1, 0.0, 0.0, 0.01], state.p.as_slice())?;
            let (sin, cos) = math::sin_cos(4.02);
            holds("a reading refines it", update(&filter, &mut state, [cos, sin]).accepted)?;
            holds("the estimate moves towards the reading", state.x[0] > math::wrap(4.0))
        },
    )
}

fn golden() -> Result<(), Failure> {
    let (mut numbers, mut golden) = (Numbers(29), Golden::default());
    tiny::with(
        Model::Network,
        |_| {},
        |artifact| {
            let filter = Kalman::load::<NX>(artifact)?;
            let model = Network::<NX, NU, NZ, NH>::load(artifact)?;
            let (mut state, mut world) = (State::ZERO, World { x: [3.0, 0.0] });
            for step in 0..30 {
                let theta = if step % 10 == 7 { 0.0 } else { world.x[0] };
                let innovation = update(&filter, &mut state, measure(theta, &mut numbers));
                golden.add(&state.x);
                golden.add(state.p.as_slice());
                golden.add(&[innovation.nis]);
                let u = [2.0 * numbers.next()];
                world.step(&u);
                filter.predict(&model, &mut state, &u);
                golden.add(&state.x);
                golden.add(state.p.as_slice());
            }
            golden.is("estimates", 0x12dc_7324)
        },
    )
}
