//! Physics written by hand: what it computes, how its pullbacks, and those of learned models, agree with slopes, what becomes
//! of energy.

mod learned;

use super::{Outcome, Setting};
use crate::{
    report::{
        Figure, Report,
        plot::{Axis, Plot, Series},
    },
    results::Row,
    worlds::{
        Rng, camera::Camera, car::Car, cart_pole::CartPole, pendulum::Pendulum, practice::Practice,
        quadrotor::Quadrotor, rocket::Rocket,
    },
};
use anyhow::Result;
use forethought::{
    Zero,
    predict::{
        ForwardModel, Pullback,
        physics::{
            self, Dynamics,
            integrate::{RungeKutta, SemiImplicit},
        },
    },
};
use rand::{RngExt, SeedableRng};

pub(super) fn run(setting: &Setting) -> Result<Outcome> {
    let mut rows = vec![check_value()];
    let rng = &mut Rng::seed_from_u64(setting.seed);
    let points = if setting.quick { 5 } else { 200 };
    rows.extend([
        slopes(&physics::pendulum::Pendulum::default(), Pendulum::new(Camera::default()), points, rng),
        slopes(&physics::cart_pole::CartPole::default(), CartPole::default(), points, rng),
        slopes(&physics::quadrotor::Quadrotor::default(), Quadrotor::default(), points, rng),
        slopes(&physics::rocket::Rocket::default(), Rocket::default(), points, rng),
        slopes(&physics::car::Car::default(), Car::default(), points, rng),
    ]);
    rows.extend(learned::rows(setting)?);

    let steps = if setting.quick { 2_000 } else { 100_000 };
    let pendulum = physics::pendulum::Constants { max_speed: 100.0, ..Default::default() };
    let cart_pole = physics::cart_pole::Constants::default();
    let quadrotor = physics::quadrotor::Constants::default();
    // At hover no motor turns it: it goes on as a free body does.
    let mut turning = [0.0; 12];
    [turning[9], turning[10], turning[11]] = [0.6, -0.4, 1.0];
    let drifts = [
        Drift::of("pendulum", pendulum, ([2.0, 0.0], [0.0]), (swing, -15.0), steps),
        Drift::of("cart-pole", cart_pole, ([0.0, 0.0, 2.0, 0.0], [0.0]), (cart_and_pole, -0.49), steps),
        Drift::of("quadrotor, turning freely", quadrotor, (turning, [0.0; 4]), (spin, 0.0), steps),
    ];
    let mut report = Report::new("Physics by hand", "pullbacks and energy");
    report.section("Energy without friction or force");
    report.figures(
        "Error of the energy of plants that nobody pushes, as a share of what is above their lowest energy; the largest of every \
         hundredth part of the run. Of the pendulum semi-implicit Euler keeps the energy up to an error that goes round in circles, while \
         Runge–Kutta's small error grows. Where a force depends on the velocity, as in the cart-pole and in a turning body, nothing \
         bounds semi-implicit Euler: so the quadrotor has Runge–Kutta.",
        drifts.iter().map(|drift| {
            let plot = Plot::new(Axis::linear("thousand steps"), Axis::log("error of the energy").range(1e-6, 10.0))
                .size(Plot::THIRD, 260)
                .with(Series::line("semi-implicit Euler", drift.semi_implicit.clone()))
                .with(Series::line("Runge–Kutta", drift.runge_kutta.clone()));
            Figure::from(plot).titled(drift.name)
        }),
    );
    rows.extend(drifts.iter().flat_map(Drift::rows));
    let notes = vec![
        format!(
            "Slopes: the chip's pullback (f32) of random costates beside central differences of the world (f64), at {points} states \
                 that practice leads to; the error is that of the whole gradient, in its length. Of a learned model, trained for a short \
                 time and exported, they are beside differences over four points of what the same file predicts, in single precision."
        ),
        format!(
            "Energy: {steps} steps of the chip's kernels in f32 from one start; the pendulum's and the cart-pole's pole begin \
                 at 2 rad, the quadrotor turns about all axes."
        ),
    ];
    Ok(Outcome { rows, report, notes })
}

fn check_value() -> Row {
    let mut next = [0.0; 4];
    let mut trace = Zero::ZERO;
    physics::cart_pole::CartPole::default().step(&mut trace, &[0.1, -0.2, 0.3, 0.4], &[3.0], &[], &mut next);
    let truth = [0.096_773_44, -0.064_531_13, 0.321_153_99, 0.423_079_82];
    let worst = next.iter().zip(truth).map(|(x, truth)| (f64::from(*x) - truth).abs()).fold(0.0, f64::max);
    Row::new("cart-pole, error of the published step", worst, "").at_most(1e-6)
}

/// The largest error of pulled-back gradients.
fn slopes<M: ForwardModel<NX, NU, 0>, W: Practice, const NX: usize, const NU: usize>(
    model: &M,
    mut world: W,
    points: usize,
    rng: &mut Rng,
) -> Row {
    let mut worst = 0.0_f64;
    for _ in 0..points {
        world.reset(rng);
        for _ in 0..rng.random_range(0..20) {
            let action = world.explore(rng);
            world.step(&action);
        }
        let exact = world.exact();
        // Well within the range: at its end the world's slope has two values.
        let u: [f32; NU] = std::array::from_fn(|i| {
            let share: f32 = rng.random_range(0.1..0.9);
            W::ABOUT.low[i] + share * (W::ABOUT.high[i] - W::ABOUT.low[i])
        });
        let x: [f32; NX] = std::array::from_fn(|i| exact[i] as f32);
        let g: [f32; NX] = std::array::from_fn(|_| rng.random_range(-1.0..1.0));
        let (mut trace, mut pulled) = (M::Trace::ZERO, Pullback::ZERO);
        model.step(&mut trace, &x, &u, &[], &mut [0.0; NX]);
        model.pullback(&trace, &g, &mut pulled);
        let mut along = |x: &[f64], u: &[f32]| -> f64 {
            world.place(x);
            world.step(u);
            world.exact().iter().zip(g).map(|(x, g)| x * f64::from(g)).sum()
        };
        let at = x.map(f64::from);
        let in_state = (0..NX).map(|i| {
            let mut moved = |by: f64| {
                let mut x = at;
                x[i] += by;
                along(&x, &u)
            };
            (moved(1e-5) - moved(-1e-5)) / 2e-5
        });
        let mut truth: Vec<f64> = in_state.collect();
        truth.extend((0..NU).map(|i| {
            // Actions are single: a step that they can hold, and what it really was.
            let mut moved = |by: f32| {
                let mut u = u;
                u[i] += by * (W::ABOUT.high[i] - W::ABOUT.low[i]);
                (along(&at, &u), f64::from(u[i]))
            };
            let ((above, high), (below, low)) = (moved(1e-3), moved(-1e-3));
            (above - below) / (high - low)
        }));
        let found = pulled.x.iter().chain(&pulled.u).map(|v| f64::from(*v));
        let square = |values: &mut dyn Iterator<Item = f64>| values.map(|v| v * v).sum::<f64>().sqrt();
        let error = square(&mut found.zip(&truth).map(|(a, b)| a - b));
        worst = worst.max(error / square(&mut truth.iter().copied()));
    }
    Row::new(format!("{}, largest error of a pullback", W::ABOUT.name), worst, "of the gradient")
        .at_most(1e-3)
}

/// Energy in motion and height.
type Energy<const NX: usize> = fn(&[f64; NX]) -> f64;

/// `½ω² + 15 cos θ`: of the pendulum over its moment of inertia.
fn swing(&[theta, omega]: &[f64; 2]) -> f64 {
    0.5 * omega.powi(2) + 15.0 * theta.cos()
}

fn cart_and_pole(x: &[f64; 4]) -> f64 {
    let mut world = CartPole::default();
    world.place(x);
    world.energy()
}

/// Of the quadrotor's turning alone, over its moment of inertia about an arm.
fn spin(&[.., w1, w2, w3]: &[f64; 12]) -> f64 {
    0.5 * (w1.powi(2) + w2.powi(2) + 1.765 * w3.powi(2))
}

/// What becomes of a plant's energy.
struct Drift {
    name: &'static str,
    semi_implicit: Vec<(f64, f64)>,
    runge_kutta: Vec<(f64, f64)>,
}

impl Drift {
    fn of<P: Dynamics<NX, NU> + Copy, const NX: usize, const NU: usize>(
        name: &'static str,
        plant: P,
        from: ([f32; NX], [f32; NU]),
        energy: (Energy<NX>, f64),
        steps: usize,
    ) -> Self {
        Self {
            name,
            semi_implicit: follow(&SemiImplicit(plant), from, energy, steps),
            runge_kutta: follow(&RungeKutta(plant), from, energy, steps),
        }
    }

    fn rows(&self) -> Vec<Row> {
        let largest = |part: &[(f64, f64)]| part.iter().map(|p| p.1).fold(0.0, f64::max);
        let row = |integrator: &str, drift: &[(f64, f64)]| {
            Row::new(
                format!("{}, {integrator}: largest error of the energy", self.name),
                100.0 * largest(drift),
                "%",
            )
        };
        // A bounded error is as large in the first half as in the second.
        let growth = |integrator: &str, drift: &[(f64, f64)]| {
            let (early, late) = drift.split_at(drift.len() / 2);
            let name = format!("{}, {integrator}: second half's largest error over the first's", self.name);
            Row::new(name, largest(late) / largest(early), "")
        };
        [("semi-implicit Euler", &self.semi_implicit), ("Runge–Kutta", &self.runge_kutta)]
            .iter()
            .flat_map(|(integrator, drift)| [row(integrator, drift), growth(integrator, drift)])
            .collect()
    }
}

/// The error of the energy along a run, the largest of each hundredth part, in shares of what is above the plant's lowest.
fn follow<M: ForwardModel<NX, NU, 0>, const NX: usize, const NU: usize>(
    model: &M,
    (start, u): ([f32; NX], [f32; NU]),
    (energy, lowest): (Energy<NX>, f64),
    steps: usize,
) -> Vec<(f64, f64)> {
    let (mut x, mut trace) = (start, M::Trace::ZERO);
    let first = energy(&x.map(f64::from));
    let part = steps / 100;
    (1..=100)
        .map(|k| {
            let mut worst = 0.0_f64;
            for _ in 0..part {
                let mut next = [0.0; NX];
                model.step(&mut trace, &x, &u, &[], &mut next);
                x = next;
                worst = worst.max((energy(&x.map(f64::from)) - first).abs() / (first - lowest));
            }
            ((k * part) as f64 / 1000.0, worst)
        })
        .collect()
}
