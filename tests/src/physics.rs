//! Plants under both integrators: their steps against `f64`, their pullbacks against finite differences of that.

use crate::{
    Case, Failure,
    failure::{Golden, all_near, near},
    reference::{cos, sin, slope, wide},
    tiny::{self, Numbers},
    zero,
};
use forethought::{
    Zero,
    artifact::{Aligned, Artifact, Entry, Load, Model, Plant, write},
    predict::{
        ForwardModel,
        physics::{
            car::Car,
            cart_pole::{self, CartPole},
            integrate::RungeKutta,
            linear::Linear,
            mountain_car::MountainCar,
            quadrotor::Quadrotor,
            rocket::Rocket,
        },
    },
};

pub const CASES: &[Case] = &[
    Case { name: "physics: the cart-pole's check value", run: check_value },
    Case { name: "physics: the cart-pole matches f64, and its golden bits", run: cart_pole },
    Case { name: "physics: the same under Runge-Kutta", run: cart_pole_by_runge_kutta },
    Case { name: "physics: the quadrotor matches f64, and its golden bits", run: quadrotor },
    Case { name: "physics: the rocket matches f64, and its golden bits", run: rocket },
    Case { name: "physics: an empty tank gives no thrust and stays empty", run: empty_tank },
    Case { name: "physics: the car matches f64, and its golden bits", run: car },
    Case { name: "physics: the mountain car matches f64, and its golden bits", run: mountain_car },
    Case { name: "physics: a wall takes all speed", run: wall },
    Case { name: "physics: a linear plant is its matrices", run: linear },
];

/// `ẋ` of a plant, in `f64`.
type Rate<const NX: usize, const NU: usize> = fn(&[f64; NX], &[f64; NU]) -> [f64; NX];

/// The next state, in `f64`.
type Step<const NX: usize, const NU: usize> = dyn Fn(&[f64; NX], &[f64; NU]) -> [f64; NX];

/// Semi-implicit Euler: the components whose bit is set in `velocities` first.
fn semi_implicit<const NX: usize, const NU: usize>(
    rate: Rate<NX, NU>,
    velocities: usize,
    dt: f64,
) -> impl Fn(&[f64; NX], &[f64; NU]) -> [f64; NX] {
    move |x, u| {
        let mut x = *x;
        for half in [1, 0] {
            let rate = rate(&x, u);
            for (i, (x, rate)) in x.iter_mut().zip(rate).enumerate() {
                if velocities >> i & 1 == half {
                    *x += dt * rate;
                }
            }
        }
        x
    }
}

/// The classical Runge–Kutta method.
fn runge_kutta<const NX: usize, const NU: usize>(
    rate: Rate<NX, NU>,
    dt: f64,
) -> impl Fn(&[f64; NX], &[f64; NU]) -> [f64; NX] {
    move |x, u| {
        let ahead = |k: &[f64; NX], by: f64| core::array::from_fn(|i| x[i] + by * k[i]);
        let a = rate(x, u);
        let b = rate(&ahead(&a, 0.5 * dt), u);
        let c = rate(&ahead(&b, 0.5 * dt), u);
        let d = rate(&ahead(&c, dt), u);
        core::array::from_fn(|i| x[i] + dt / 6.0 * (a[i] + 2.0 * b[i] + 2.0 * c[i] + d[i]))
    }
}

/// Where a plant is tried.
#[derive(Clone, Copy)]
struct Range<const NX: usize, const NU: usize> {
    /// The middle of the states, and how far they may be from it.
    middle: [f32; NX],
    width: [f32; NX],
    /// The largest action.
    reach: [f32; NU],
}

impl<const NX: usize, const NU: usize> Zero for Range<NX, NU> {
    const ZERO: Self = Self { middle: [0.0; NX], width: [0.0; NX], reach: [0.0; NU] };
}

impl<const NX: usize, const NU: usize> Range<NX, NU> {
    fn draw(&self, numbers: &mut Numbers) -> ([f32; NX], [f32; NU]) {
        let x = core::array::from_fn(|i| self.middle[i] + self.width[i] * numbers.next());
        (x, self.reach.map(|reach| reach * numbers.next()))
    }
}

/// Steps and pullbacks at some points; `golden` is the CRC of their bits.
fn agrees<M: ForwardModel<NX, NU, 0>, const NX: usize, const NU: usize>(
    model: &M,
    expected: &Step<NX, NU>,
    points: Range<NX, NU>,
    golden: u32,
) -> Result<(), Failure> {
    let (mut numbers, mut bits) = (Numbers(41), Golden::default());
    for _ in 0..16 {
        let (x, u) = points.draw(&mut numbers);
        let (g, mut trace, mut next, mut pulled) = (numbers.array(), zero::<M::Trace>(), [0.0; NX], zero());
        model.step(&mut trace, &x, &u, &[], &mut next);
        all_near("next state", &expected(&wide(&x), &wide(&u)), &next, 4e-6)?;
        model.pullback(&trace, &g, &mut pulled);
        let along = |next: [f64; NX]| next.iter().zip(&g).map(|(next, g)| next * f64::from(*g)).sum();
        for (i, found) in pulled.x.iter().enumerate() {
            near("slope in x", slope(|x| along(expected(x, &wide(&u))), &wide(&x), i), *found, 1e-5)?;
        }
        for (i, found) in pulled.u.iter().enumerate() {
            near("slope in u", slope(|u| along(expected(&wide(&x), u)), &wide(&u), i), *found, 1e-5)?;
        }
        bits.add(&next);
        bits.add(&pulled.x);
        bits.add(&pulled.u);
    }
    bits.is("plant", golden)
}

fn cart_pole_rate([_, v, theta, omega]: &[f64; 4], [force]: &[f64; 1]) -> [f64; 4] {
    let (sin, cos) = (sin(*theta), cos(*theta));
    let push = (force + 0.05 * omega * omega * sin) / 1.1;
    let turn = (9.8 * sin - cos * push) / (0.5 * (4.0 / 3.0 - 0.1 * cos * cos / 1.1));
    [*v, push - 0.05 * turn * cos / 1.1, *omega, turn]
}

const CART_POLE: Range<4, 1> = Range { width: [2.0, 3.0, 4.0, 6.0], reach: [10.0], ..Range::ZERO };

fn check_value() -> Result<(), Failure> {
    let mut next = [0.0; 4];
    CartPole::default().step(&mut zero(), &[0.1, -0.2, 0.3, 0.4], &[3.0], &[], &mut next);
    all_near("next state", &[0.096_773_44, -0.064_531_13, 0.321_153_99, 0.423_079_82], &next, 1e-6)
}

fn cart_pole() -> Result<(), Failure> {
    agrees(&CartPole::default(), &semi_implicit(cart_pole_rate, 0b1010, 0.05), CART_POLE, 0x9ecf_fec4)
}

fn cart_pole_by_runge_kutta() -> Result<(), Failure> {
    let plant = RungeKutta(cart_pole::Constants::default());
    agrees(&plant, &runge_kutta(cart_pole_rate, 0.05), CART_POLE, 0x4b67_db9c)
}

fn quadrotor_rate(
    &[_, _, _, p1, p2, p3, v1, v2, v3, w1, w2, w3]: &[f64; 12],
    &[a, b, c, d]: &[f64; 4],
) -> [f64; 12] {
    let (n, along) = (p1 * p1 + p2 * p2 + p3 * p3, p1 * w1 + p2 * w2 + p3 * w3);
    let lift = (9.81 + 4.204_286 * (a + b + c + d)) / (1.0 + n);
    [
        v1,
        v2,
        v3,
        0.5 * (w1 + p2 * w3 - p3 * w2 + p1 * along),
        0.5 * (w2 + p3 * w1 - p1 * w3 + p2 * along),
        0.5 * (w3 + p1 * w2 - p2 * w1 + p3 * along),
        lift * 2.0 * (p1 * p3 + p2),
        lift * 2.0 * (p2 * p3 - p1),
        lift * (1.0 - p1 * p1 - p2 * p2 + p3 * p3) - 9.81,
        -275.3546 * a - 303.23404 * b + 275.66263 * c + 302.926 * d - 0.765 * w2 * w3,
        -276.70703 * a + 304.2784 * b + 277.5695 * c - 305.1409 * d + 0.765 * w3 * w1,
        19.747711 * a - 7.22364 * b - 27.84376 * c + 15.31969 * d,
    ]
}

fn quadrotor() -> Result<(), Failure> {
    let width = [1.0, 1.0, 1.0, 0.5, 0.5, 0.5, 1.0, 1.0, 1.0, 2.0, 2.0, 2.0];
    let points = Range { width, reach: [0.02; 4], ..Range::ZERO };
    agrees(&Quadrotor::default(), &runge_kutta(quadrotor_rate, 0.05), points, 0x90ba_b9bd)
}

fn rocket_rate(&[_, _, theta, v, w, omega, fuel]: &[f64; 7], &[thrust, delta]: &[f64; 2]) -> [f64; 7] {
    let push = thrust / (1.0 + fuel);
    let (along, up) = (-push * sin(theta + delta), push * cos(theta + delta));
    [v, w, omega, along, up - 1.62, -0.5 * push * sin(delta), -thrust / 30.0]
}

fn rocket() -> Result<(), Failure> {
    let mut points = Range { width: [5.0, 5.0, 3.0, 2.0, 2.0, 1.0, 1.0], reach: [6.0, 1.0], ..Range::ZERO };
    points.middle[6] = 2.0;
    agrees(&Rocket::default(), &runge_kutta(rocket_rate, 0.1), points, 0xd0de_f949)
}

fn empty_tank() -> Result<(), Failure> {
    let (mut trace, mut pulled, mut next) = (zero(), zero(), [0.0; 7]);
    let rocket = Rocket::default();
    rocket.step(&mut trace, &[0.0; 7], &[6.0, 0.3], &[], &mut next);
    all_near("falling", &[0.0, -0.0081, 0.0, 0.0, -0.162, 0.0, 0.0], &next, 1e-6)?;
    rocket.pullback(&trace, &[1.0; 7], &mut pulled);
    all_near("no use of thrust", &[0.0; 2], &pulled.u, 0.0)?;
    // The last drops burn within the step.
    rocket.step(&mut trace, &[0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.001], &[6.0, 0.0], &[], &mut next);
    rocket.pullback(&trace, &[0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0], &mut pulled);
    all_near("empty", &[0.0], &next[6..], 0.0)?;
    all_near("empty whatever was done", &[0.0; 2], &pulled.u, 0.0)
}

fn car_rate(&[_, _, heading, speed]: &[f64; 4], &[push, steering]: &[f64; 2]) -> [f64; 4] {
    let turn = speed * sin(steering) / cos(steering) / 2.7;
    [speed * cos(heading), speed * sin(heading), turn, push - 0.05 * speed]
}

fn car() -> Result<(), Failure> {
    let points = Range { width: [5.0, 5.0, 3.0, 10.0], reach: [3.0, 0.5], ..Range::ZERO };
    agrees(&Car::default(), &runge_kutta(car_rate, 0.1), points, 0x5c59_cd09)
}

fn mountain_car_rate(&[x, v]: &[f64; 2], &[u]: &[f64; 1]) -> [f64; 2] {
    [v, f64::from(0.001_f32) * u - f64::from(0.0025_f32) * cos(3.0 * x)]
}

fn mountain_car() -> Result<(), Failure> {
    let points = Range { middle: [-0.3, 0.0], width: [0.8, 0.06], reach: [1.0] };
    agrees(&MountainCar::default(), &semi_implicit(mountain_car_rate, 0b10, 1.0), points, 0xd17a_24fc)
}

fn wall() -> Result<(), Failure> {
    let (mut trace, mut pulled, mut next) = (zero(), zero(), [0.0; 2]);
    let car = MountainCar::default();
    car.step(&mut trace, &[-1.19, -0.06], &[-1.0], &[], &mut next);
    all_near("at the wall", &[-1.2, 0.0], &next, 1e-7)?;
    car.pullback(&trace, &[1.0; 2], &mut pulled);
    all_near("wherever it was", &[0.0; 2], &pulled.x, 0.0)?;
    all_near("whatever was done", &[0.0], &pulled.u, 0.0)?;
    // Where only the speed is stopped, the next place depends on the last alone.
    car.step(&mut trace, &[-0.5, 0.0699], &[1.0], &[], &mut next);
    all_near("at full speed", &[-0.43, 0.07], &next, 1e-7)?;
    car.pullback(&trace, &[1.0; 2], &mut pulled);
    all_near("only the place counts", &[1.0, 0.0], &pulled.x, 0.0)
}

fn linear() -> Result<(), Failure> {
    let mut header = tiny::header(Model::Physics(Plant::Linear));
    (header.sizes.state, header.sizes.action) = (3, 2);
    let weight = |part: &'static str, name| move |row, col| tiny::weight(part, name, row, col);
    let (a, b) = (weight("linear", "a"), weight("linear", "b"));
    let entries = [
        Entry { part: "predict", name: "a", rows: 3, cols: 3, value: &a },
        Entry { part: "predict", name: "b", rows: 3, cols: 2, value: &b },
    ];
    let mut buffer = Aligned([0; 640]);
    let length = write(header, &entries, &mut buffer.0)?;
    let plant = Linear::load(&Artifact::parse(&buffer.0[..length])?)?;
    let step = move |x: &[f64; 3], u: &[f64; 2]| {
        core::array::from_fn(|row| {
            let of_x = x.iter().enumerate().map(|(col, x)| f64::from(a(row, col)) * x);
            let of_u = u.iter().enumerate().map(|(col, u)| f64::from(b(row, col)) * u);
            of_x.chain(of_u).sum()
        })
    };
    agrees(&plant, &step, Range { width: [1.0; 3], reach: [1.0; 2], ..Range::ZERO }, 0x398c_2971)
}
