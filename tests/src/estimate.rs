//! The Kalman filter.

use crate::{
    Case, Failure,
    failure::{Golden, all_near, count, holds, near, same_bits},
    reference::{self, wide},
    tiny::{self, NH, NU, NX, NZ, Numbers, World},
    zero,
};
use forethought::{
    Zero,
    artifact::{Artifact, Gate, Header, Load, Model, Plant},
    estimate::{
        Filter, Innovation,
        kalman::{Kalman, State},
        steady::{self, Steady},
    },
    feature::{Feature, Map},
    math,
    predict::{ForwardModel, Pullback, network::Network, physics::pendulum::Pendulum},
};

pub const CASES: &[Case] = &[
    Case { name: "estimate: predict and update match the dense filter in f64", run: dense_filter },
    Case { name: "estimate: the covariance stays one for 1000 steps", run: covariance },
    Case { name: "estimate: the filter finds the speed that no sensor shows", run: speed },
    Case { name: "estimate: the covariance of an unstable plant stays symmetric", run: unstable },
    Case { name: "estimate: a missing feature is left out", run: missing },
    Case { name: "estimate: an outlier changes nothing", run: outlier },
    Case { name: "estimate: after too many outliers the filter believes the sensors", run: patience },
    Case { name: "estimate: a reading mends what a long outage did to the covariance", run: outage },
    Case { name: "estimate: a known state leaves the uncertainty of one step", run: known },
    Case { name: "estimate: a stuck sensor does not blind the other", run: stuck },
    Case { name: "estimate: sensors at different rates are the filter in f64", run: rates },
    Case { name: "estimate: nothing to see changes nothing", run: nothing },
    Case { name: "estimate: the steady filter is where the other one settles", run: settles },
    Case { name: "estimate: golden bits", run: golden },
    Case { name: "estimate: golden bits of the steady filter", run: golden_steady },
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
            let filter = Kalman::load(artifact)?;
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
                holds("a healthy reading is accepted", innovation.accepted())?;
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
            let filter = Kalman::load(artifact)?;
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

/// Two components that grow, and that feed each other.
struct Unstable;

impl ForwardModel<NX, NU, 0> for Unstable {
    type Trace = ();

    fn step(&self, (): &mut (), x: &[f32; NX], u: &[f32; NU], _: &[f32; 0], next: &mut [f32; NX]) {
        *next = [1.2 * x[0] + 0.3 * x[1], 1.1 * x[1] + u[0]];
    }

    fn pullback(&self, (): &(), g: &[f32; NX], out: &mut Pullback<NX, NU, 0>) {
        *out = Pullback { x: [1.2 * g[0], 0.3 * g[0] + 1.1 * g[1]], u: [g[1]], z: [] };
    }
}

fn unstable() -> Result<(), Failure> {
    with_wheel(|artifact| {
        let filter = Kalman::load(artifact)?;
        let mut state = State::ZERO;
        filter.know(&mut state, &[0.0, 0.0]);
        for step in 0..1000 {
            filter.predict(&Unstable, &mut state, &[0.0]);
            // The second component is never measured.
            let seen = (step % 3 != 0).then_some(0.0);
            filter.update(&mut state, [seen, None].into_iter());
            let [[p00, p10], [p01, p11]] = state.p.data.0;
            near("asymmetry of the covariance", 0.0, (p01 - p10) / (p00 + p11), 1e-6)?;
            holds("the covariance is bounded", p00 + p11 < 100.0)?;
        }
        Ok(())
    })
}

fn speed() -> Result<(), Failure> {
    let mut numbers = Numbers(28);
    tiny::with(
        Model::Physics(Plant::Pendulum),
        |_| {},
        |artifact| {
            let filter = Kalman::load(artifact)?;
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
            let filter = Kalman::load(artifact)?;
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
            let filter = Kalman::load(artifact)?;
            let before = settled(&filter);
            for measured in [[-1.0, 0.0], [f32::NAN, 0.5], [f32::INFINITY, 0.5], [0.5, f32::NEG_INFINITY]] {
                let mut state = before.clone();
                holds("an outlier is refused", !update(&filter, &mut state, measured).accepted())?;
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
            let filter = Kalman::load(artifact)?;
            let mut state = settled(&filter);
            let (sin, cos) = math::sin_cos(-2.0);
            let (near_sin, near_cos) = math::sin_cos(1.0);
            let mut refused = 0;
            while !update(&filter, &mut state, [cos, sin]).accepted() && refused < 100 {
                refused += 1;
            }
            count("refused readings before the new start", 3, refused)?;
            near("angle", -2.0, state.x[0], 1e-6)?;
            near("speed", 0.0, state.x[1], 0.0)?;
            holds("the next reading is accepted", update(&filter, &mut state, [cos, sin]).accepted())?;

            // A start that nothing has agreed with is given up at once, one that was seen right twice on the second outlier.
            for believed in [1, 2] {
                let mut state = State::ZERO;
                for _ in 0..believed {
                    update(&filter, &mut state, [-1.0, 0.0]);
                }
                for n in 1..=believed {
                    let expected = if n == believed { 1.0 } else { f64::from(state.x[0]) };
                    holds("an outlier", !update(&filter, &mut state, [near_cos, near_sin]).accepted())?;
                    near("angle", expected, state.x[0], 1e-6)?;
                }
            }

            // A reading that is accepted in between makes the filter patient again.
            let mut state = settled(&filter);
            for _ in 0..4 {
                holds("an outlier is refused", !update(&filter, &mut state, [cos, sin]).accepted())?;
                holds(
                    "a healthy reading is not",
                    update(&filter, &mut state, [near_cos, near_sin]).accepted(),
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
            let filter = Kalman::load(artifact)?;
            let mut state = State::ZERO;
            update(&filter, &mut state, [1.0, 0.0]);
            let (sin, cos) = math::sin_cos(0.5);
            for _ in 0..5 {
                for _ in 0..300 {
                    filter.predict(&Pendulum::default(), &mut state, &[0.0]);
                }
                holds("the covariance has overflowed", !is_finite(&state))?;
                for _ in 0..2 {
                    holds("a reading is believed", update(&filter, &mut state, [cos, sin]).accepted())?;
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
            let filter = Kalman::load(artifact)?;
            let mut state = settled(&filter);
            filter.know(&mut state, &[4.0, -1.0]);
            same_bits("estimate", &[math::wrap(4.0), -1.0], &state.x)?;
            same_bits("covariance", &[0.000_1, 0.0, 0.0, 0.01], state.p.as_slice())?;
            let (sin, cos) = math::sin_cos(4.02);
            holds("a reading refines it", update(&filter, &mut state, [cos, sin]).accepted())?;
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
            let filter = Kalman::load(artifact)?;
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
            golden.is("estimates", 0xf3ca_2f95)
        },
    )
}

/// A wheel on a bearing without friction: `θ' = θ + ω Δt, ω' = ω + u Δt`.
struct Wheel;

const DT: f32 = 0.1;

impl ForwardModel<NX, NU, 0> for Wheel {
    type Trace = ();

    fn step(&self, (): &mut (), x: &[f32; NX], u: &[f32; NU], _: &[f32; 0], next: &mut [f32; NX]) {
        *next = [x[0] + x[1] * DT, x[1] + u[0] * DT];
    }

    fn pullback(&self, (): &(), g: &[f32; NX], out: &mut Pullback<NX, NU, 0>) {
        *out = Pullback { x: [g[0], g[1] + g[0] * DT], u: [g[1] * DT], z: [] };
    }
}

/// The wheel's angle and its speed, each from its own sensor.
fn two_sensors(header: &mut Header<'static>) {
    let features = [Feature { index: 0, map: Map::Angle }, Feature { index: 1, map: Map::Value }];
    header.estimator.measured = features.into_iter().collect();
    header.estimator.gates = [Gate { features: 1, limit: 16.0 }; 2].into_iter().collect();
}

fn with_wheel(then: impl FnOnce(&Artifact<'_>) -> Result<(), Failure>) -> Result<(), Failure> {
    tiny::with(Model::Physics(Plant::Pendulum), two_sensors, then)
}

fn stuck() -> Result<(), Failure> {
    let mut numbers = Numbers(30);
    with_wheel(|artifact| {
        let filter = Kalman::load(artifact)?;
        let (mut state, mut x) = (State::ZERO, [0.0, 0.2]);
        for step in 0..60 {
            // From step 20 on the angle is stuck far away; the speed comes at every second step only.
            let angle = if step < 20 { x[0] + 0.02 * numbers.next() } else { 2.0 };
            let speed = (step % 2 == 0).then_some(x[1] + 0.02 * numbers.next());
            let found = filter.update(&mut state, [Some(angle), speed].into_iter());
            count("sensors that are refused", u32::from(step >= 20), found.refused.into())?;
            near("angle", x[0].into(), state.x[0], 0.15)?;
            near("speed", x[1].into(), state.x[1], 0.05)?;
            let u = [0.1 * numbers.next()];
            filter.predict(&Wheel, &mut state, &u);
            Wheel.step(&mut (), &{ x }, &u, &[], &mut x);
        }
        Ok(())
    })
}

/// The textbook's filter with the wheel's matrices; each measurement has its own row of `H`.
fn rates() -> Result<(), Failure> {
    let mut numbers = Numbers(31);
    with_wheel(|artifact| {
        let filter = Kalman::load(artifact)?;
        let mut state = State::ZERO;
        filter.know(&mut state, &[0.0, 0.5]);
        let (mut x, mut expected) = ([0.0, 0.5], Reference { x: [0.0, 0.5], p: diagonal(QUIET) });
        for step in 0..80 {
            let u = [numbers.next()];
            Wheel.step(&mut (), &{ x }, &u, &[], &mut x);
            filter.predict(&Wheel, &mut state, &u);
            let dt = f64::from(DT);
            let f = [[1.0, dt], [0.0, 1.0]];
            expected.x = [expected.x[0] + dt * expected.x[1], expected.x[1] + dt * f64::from(u[0])];
            expected.p = product(product(f, expected.p), transposed(f));
            for (i, q) in QUIET.into_iter().enumerate() {
                expected.p[i][i] += q;
            }
            let seen = [(step % 2 == 0, 0), (step % 7 == 0, 1)];
            let measured = seen.map(|(arrives, i)| arrives.then_some(x[i] + 0.02 * numbers.next()));
            filter.update(&mut state, measured.into_iter());
            for (i, y) in measured.into_iter().enumerate().filter_map(|(i, y)| Some((i, y?))) {
                let (s, p) = (expected.p[i][i] + NOISE, expected.p);
                let innovation = f64::from(y) - expected.x[i];
                for (row, p_h) in p.map(|row| row[i]).into_iter().enumerate() {
                    expected.x[row] += p_h / s * innovation;
                    expected.p[row] = [0, 1].map(|col| p[row][col] - p_h / s * p[i][col]);
                }
            }
            compare(&expected, &state)?;
        }
        Ok(())
    })
}

/// The tiny agent's variances.
const QUIET: [f64; 2] = [0.000_1_f32 as f64, 0.01_f32 as f64];
const NOISE: f64 = 0.002_f32 as f64;

fn diagonal([a, b]: [f64; 2]) -> Matrix {
    [[a, 0.0], [0.0, b]]
}

fn nothing() -> Result<(), Failure> {
    with_wheel(|artifact| {
        let filter = Kalman::load(artifact)?;
        let mut state = State::<NX>::ZERO;
        filter.update(&mut state, [None, None].into_iter());
        same_bits("covariance before anything is seen", &[0.0; 4], state.p.as_slice())?;
        filter.update(&mut state, [Some(1.0), None].into_iter());
        same_bits("covariance of the first reading", &[0.002, 0.0, 0.0, 4.0], state.p.as_slice())?;
        // A break between two outliers is no reason to believe what is not outlying.
        filter.know(&mut state, &[1.0, 0.0]);
        let mut refused = 0;
        while filter.update(&mut state, [Some(-1.0), None].into_iter()).refused != 0 && refused < 100 {
            filter.update(&mut state, [None, None].into_iter());
            refused += 1;
        }
        count("refused readings before the new start", 3, refused)
    })
}

/// The gains that the Kalman filter settles to, found by running it, as the weights of the steady filter.
fn settles() -> Result<(), Failure> {
    let mut numbers = Numbers(32);
    with_wheel(|artifact| {
        let filter = Kalman::load(artifact)?;
        let mut state = State::ZERO;
        filter.know(&mut state, &[0.0, 0.0]);
        for _ in 0..300 {
            filter.update(&mut state, [Some(0.0); 2].into_iter());
            filter.predict(&Wheel, &mut state, &[0.0]);
        }
        // The gain of one feature is what an innovation of 1 does to the estimate; with the other one missing.
        let far = |seen: [Option<f32>; 2]| {
            let mut moved = state.clone();
            let found = filter.update(&mut moved, seen.into_iter());
            (moved, found.nis)
        };
        let (first, nis) = far([Some(0.1), None]);
        let mut between = state.clone();
        filter.update(&mut between, [Some(0.0), None].into_iter());
        let mut second = between.clone();
        let found = filter.update(&mut second, [None, Some(0.1)].into_iter());
        let gain = |row: usize, col: usize| 10.0 * if col == 0 { first.x[row] } else { second.x[row] };
        let variance = [0.01 / nis, 0.01 / found.nis];

        let mut header = tiny::header(Model::Physics(Plant::Pendulum));
        two_sensors(&mut header);
        let weight = |part: &str, name: &str, row: usize, col: usize| match (part, name) {
            ("estimate", "gain") => gain(row, col),
            ("estimate", "innovation") => variance[row],
            _ => tiny::weight(part, name, row, col),
        };
        tiny::with_weights(header, &weight, |artifact| {
            let steady = Steady::load(artifact)?;
            let (mut one, mut other) = (state.clone(), zero::<steady::State<NX>>());
            steady.know(&mut other, &one.x);
            for step in 0..50 {
                let measured = numbers.array::<2>().map(|y| Some(0.05 * y));
                let expected = filter.update(&mut one, measured.into_iter());
                let found = steady.update(&mut other, measured.into_iter());
                near("normalised innovation squared", expected.nis.into(), found.nis, 1e-3)?;
                all_near("estimate", &wide(&one.x), &other.x, 1e-5)?;
                filter.predict(&Wheel, &mut one, &[0.3]);
                steady.predict(&Wheel, &mut other, &[0.3]);
                // An outlier moves neither.
                if step == 20 {
                    let before = other.x;
                    let found = steady.update(&mut other, [Some(2.5), None].into_iter());
                    count("the sensor that is refused", 1, found.refused.into())?;
                    same_bits("estimate", &before, &other.x)?;
                }
            }
            Ok(())
        })
    })
}

fn golden_steady() -> Result<(), Failure> {
    let (mut numbers, mut golden) = (Numbers(33), Golden::default());
    tiny::with(
        Model::Network,
        |_| {},
        |artifact| {
            let filter = Steady::load(artifact)?;
            let model = Network::<NX, NU, NZ, NH>::load(artifact)?;
            let (mut state, mut world) = (zero::<steady::State<NX>>(), World { x: [3.0, 0.0] });
            for step in 0..30 {
                let theta = if step % 10 == 7 { 0.0 } else { world.x[0] };
                let measured = measure(theta, &mut numbers).map(Some);
                golden.add(&[filter.update(&mut state, measured.into_iter()).nis]);
                golden.add(&state.x);
                let u = [2.0 * numbers.next()];
                world.step(&u);
                filter.predict(&model, &mut state, &u);
                golden.add(&state.x);
            }
            golden.is("estimates", 0xdb19_e25d)
        },
    )
}
