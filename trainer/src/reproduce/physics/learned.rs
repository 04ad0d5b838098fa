//! The pullbacks of learned models beside differences of what the same file predicts.

use super::super::Setting;
use crate::{
    data::log::Log,
    predict::{
        ensemble,
        latent::{self, Latent, Limit},
        network::{Config, Known, Network},
        residual::Physics,
        transitions::Transitions,
    },
    results::Row,
    worlds::{Rng, cart_pole::CartPole, pen::Pen, practice::Practice},
};
use anyhow::Result;
use forethought::{
    Zero,
    artifact::{Load, Provenance, Sensors},
    predict::{ForwardModel, Pullback, ensemble::Ensemble, network, physics, residual::Residual},
};
use rand::{RngExt, SeedableRng};

/// Units of a hidden layer.
const HIDDEN: usize = 32;
/// Units of a member's hidden layer, with those of its prior.
const MEMBER: usize = 48;
/// Members.
const MEMBERS: usize = 5;
/// Half the distance between two points of a difference, in typical values of what is moved. In single precision: shorter,
/// and the difference is rounding.
const STEP: f32 = 0.03;

/// A row for each kind of learned model, all of them trained for a short time: a slope is to be right wherever it is.
pub(super) fn rows(setting: &Setting) -> Result<Vec<Row>> {
    let rng = &mut Rng::seed_from_u64(setting.seed);
    let (points, steps) = if setting.quick { (5, 50) } else { (200, 1000) };
    let about = CartPole::ABOUT;
    let log = Log::practise(&mut CartPole::default(), 20, rng);
    let data = Transitions::of(&log.episodes, about.angles)?;
    let provenance = || Provenance {
        trainer: env!("CARGO_PKG_VERSION"),
        task: about.name,
        seed: setting.seed,
        data: log.digest,
    };
    let sensors = Sensors { low: -1e6, high: 1e6 };

    let config = Config { hidden: HIDDEN, one_step: steps, multi_step: 0, window: 1, ..Config::default() };
    let mut fit = |physics: Option<Physics>| {
        let known = Known { angles: about.angles, places: about.places.to_vec(), physics };
        let mut model = Network::new(&config, known, &log.episodes, rng)?;
        model.train(&config, &log.episodes, rng, |_, _, _, _| ())?;
        model.weight_file(sensors, provenance())
    };
    let constants: [f32; 5] =
        physics::cart_pole::Constants { pole: 0.15, ..physics::cart_pole::Constants::default() }.into();
    let (plain, corrected) = (fit(None)?, fit(Some(Physics::new(about.plant, &constants)?))?);

    let config = ensemble::Config { steps, members: MEMBERS, ..ensemble::Config::default() };
    let mut members = ensemble::Ensemble::new(&config, &data, rng)?;
    members.train(&data, rng, |_, _, _| ())?;
    let members = members.weight_file(&data, about.name, setting.seed)?;

    let config = latent::Config {
        steps,
        hidden: HIDDEN,
        latent: 2,
        limit: Limit::Noise { deviation: 0.2 },
        ..latent::Config::default()
    };
    let falls = Transitions::record(&mut Pen::default(), 2, 1000, rng)?;
    let mut pen = Latent::new(&config, &falls, rng);
    pen.train(&falls, rng, |_, _| ())?;
    let pen = pen.export(&falls, "pen", setting.seed, rng)?;

    let (plain, corrected, members, pen) =
        (plain.parse()?, corrected.parse()?, members.parse()?, pen.parse()?);
    Ok(vec![
        slopes("cart-pole, learned", &network::Network::<4, 1, 0, HIDDEN>::load(&plain)?, &data, points, rng),
        slopes(
            "cart-pole, physics with a learned residual",
            &Residual::<physics::cart_pole::CartPole, 4, 1, 0, HIDDEN>::load(&corrected)?,
            &data,
            points,
            rng,
        ),
        slopes(
            "cart-pole, mean of an ensemble",
            &Ensemble::<MEMBERS, 4, 1, 0, MEMBER>::load(&members)?,
            &data,
            points,
            rng,
        ),
        slopes(
            "pen, learned with its latent",
            &network::Network::<2, 2, 2, HIDDEN>::load(&pen)?,
            &falls,
            points,
            rng,
        ),
    ])
}

/// The largest error of pulled-back gradients at transitions of the data, with a latent from [−1, 1).
fn slopes<M: ForwardModel<NX, NU, NZ>, const NX: usize, const NU: usize, const NZ: usize>(
    name: &str,
    model: &M,
    data: &Transitions,
    points: usize,
    rng: &mut Rng,
) -> Row {
    let [of_state, _, of_action, _] = data.scales();
    let mut worst = 0.0_f64;
    for _ in 0..points {
        let drawn = data.draw(1, rng);
        let x: [f32; NX] = std::array::from_fn(|i| drawn.states[i]);
        let u: [f32; NU] = std::array::from_fn(|i| drawn.actions[i]);
        let z: [f32; NZ] = std::array::from_fn(|_| rng.random_range(-1.0..1.0));
        let g: [f32; NX] = std::array::from_fn(|_| rng.random_range(-1.0..1.0));
        let (mut trace, mut pulled) = (M::Trace::ZERO, Pullback::ZERO);
        model.step(&mut trace, &x, &u, &z, &mut [0.0; NX]);
        model.pullback(&trace, &g, &mut pulled);
        let next = |x: &[f32; NX], u: &[f32; NU], z: &[f32; NZ]| {
            let (mut trace, mut next) = (M::Trace::ZERO, [0.0; NX]);
            model.step(&mut trace, x, u, z, &mut next);
            next
        };
        let in_state = (0..NX).map(|i| slope(&g, x[i], STEP * of_state[i], |v| next(&with(x, i, v), &u, &z)));
        let in_action =
            (0..NU).map(|i| slope(&g, u[i], STEP * of_action[i], |v| next(&x, &with(u, i, v), &z)));
        let in_latent = (0..NZ).map(|i| slope(&g, z[i], STEP, |v| next(&x, &u, &with(z, i, v))));
        let truth: Vec<f64> = in_state.chain(in_action).chain(in_latent).collect();
        let found = pulled.x.iter().chain(&pulled.u).chain(&pulled.z).map(|v| f64::from(*v));
        let length = |values: &mut dyn Iterator<Item = f64>| values.map(|v| v * v).sum::<f64>().sqrt();
        let error = length(&mut found.zip(&truth).map(|(a, b)| a - b));
        worst = worst.max(error / length(&mut truth.iter().copied()));
    }
    Row::new(format!("{name}, largest error of a pullback"), worst, "of the gradient").at_most(1e-3)
}

/// The slope of `gᵀ f` at `at`, from four points, so that `h` may be long: the error is of order `h⁴`.
fn slope<const NX: usize>(g: &[f32; NX], at: f32, h: f32, f: impl Fn(f32) -> [f32; NX]) -> f64 {
    // What single numbers hold, not what was asked for.
    let pair = |h: f32| {
        let (low, high) = (at - h, at + h);
        // Differences before sums: a large component that hardly moves costs no digits of the others.
        let apart = f(high).into_iter().zip(f(low)).zip(g);
        let sum: f64 = apart.map(|((a, b), g)| (f64::from(a) - f64::from(b)) * f64::from(*g)).sum();
        sum / (f64::from(high) - f64::from(low))
    };
    (4.0 * pair(h) - pair(2.0 * h)) / 3.0
}

fn with<const N: usize>(mut values: [f32; N], i: usize, value: f32) -> [f32; N] {
    values[i] = value;
    values
}
