//! Driving: a policy trained by backpropagation through the frozen stochastic model of its [neighbours](crate::predict::neighbours)
//! (Henaff, Canziani & LeCun, ICLR 2019).
//!
//! ```text
//! J(π) = 1/κ log mean exp(κ mean_t 0.99ᵗ (proximity_t + 0.2 lane_t + off_road_t)) + λ U,
//!        x_{t+1} = f(x_t, π(x_t), z),  z ~ N(0, I)
//! v_t = mean over components of the variance of x_t over roll-outs with dropout, same actions, same z
//! U = mean_t max(0, (v_t − μ_t)/σ_t − ½),    μ_t, σ_t of what experts do
//! ```
//! The outer mean is over starts and futures, of which the bad ones count for more (the entropic risk measure: Föllmer & Schied,
//! *Stochastic Finance*, 2002): nearly all of them are good, and nothing is learned from those.
//! The cost sees what the driver watches, and no goal: what keeps a car going is who comes from behind, and that nothing is
//! known of what follows where nobody drives as it does.

use super::{Config as Network, Head, Policy};
use crate::{
    export::{Tensors, WeightFile},
    network::lift,
    optim::{Adam, AdamConfig, Schedule},
    predict::neighbours::{ACTION, Batch, Masks, Neighbours, Windows},
    tape::{Tape, Var},
    worlds::{
        Rng,
        camera::normal,
        traffic::{
            around::{CRUISE, EACH, NEIGHBOURS, OWN, SIZE},
            car::{LENGTH, WIDTH},
            road::LANE,
        },
    },
};
use anyhow::Result;
use forethought::{
    artifact::{CostTerms, Header, Model, Planner, Provenance, Sensors, Sizes},
    feature::Angles,
};
use nalgebra::DMatrix;
use serde::{Deserialize, Serialize};

/// Hyper-parameters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Units of each hidden layer of the policy.
    pub hidden: usize,
    /// Starts in a batch.
    pub batch: usize,
    /// Steps of Adam.
    pub steps: usize,
    /// Steps that the model is unrolled. The paper's: 6 s are a lane change, and what comes of it.
    pub horizon: usize,
    /// `γ` of a step.
    pub discount: f32,
    /// Weight of being between lanes.
    pub lane: f32,
    /// Weight of being beyond the edge of the road.
    pub off_road: f32,
    /// `λ`, weight of the uncertainty cost; 0 leaves it out. The paper's.
    pub uncertainty: f32,
    /// Roll-outs with dropout whose variance is taken.
    pub rollouts: usize,
    /// Deviations of the car's own speed and place at the start from what they were, in m/s and m. An expert is rarely too
    /// fast for whoever is ahead, or too near; a policy that is still learning is, and must learn to get out of it.
    pub surprise: (f32, f32),
    /// `κ`: 0 is the mean over starts and futures; the larger, the more the worst count. At 10 so few of a batch are left that
    /// drivers learn to stand.
    pub risk: f32,
    /// Whether z is drawn from the prior; else it is left out, as in a deterministic model.
    pub stochastic: bool,
    /// Learning rate at the start; it falls to 0 along a half cosine.
    pub rate: f32,
    /// Largest norm of the gradient.
    pub clip: f32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            hidden: 48,
            batch: 32,
            steps: 500,
            horizon: 30,
            discount: 0.99,
            lane: 0.2,
            off_road: 1.0,
            uncertainty: 0.05,
            rollouts: 3,
            surprise: (4.0, 10.0),
            risk: 3.0,
            stochastic: true,
            rate: 2e-3,
            clip: 5.0,
        }
    }
}

/// The range of actions: acceleration in m/s², rate of turning in rad/s.
pub const LIMITS: [[f32; ACTION]; 2] = [[-6.0, -0.2], [4.0, 0.2]];

/// An untrained driver, which keeps its speed and heading but for the middle of its range.
pub fn driver(config: &Config, model: &Neighbours, rng: &mut Rng) -> Policy {
    let network = Network { hidden: config.hidden, ..Network::default() };
    Policy::new(&network, Angles::default(), model.scales().seen.to_vec(), (&LIMITS[0], &LIMITS[1]), rng)
}

/// What is done where nothing is known: the car slows down and goes straight on.
const SAFE: [f32; ACTION] = [-1.0, 0.0];
/// No healthy number that a driver watches is larger.
const SENSIBLE: f32 = 1e3;

/// Packs a driver into a weight file, which drives in the world [`driving`](crate::worlds::traffic::driving): it only reacts.
pub fn export(policy: &Policy, config: &Config, seed: u64) -> Result<WeightFile> {
    let mut tensors = Tensors::default();
    policy.export(&mut tensors);
    let vectors = [("low", LIMITS[0]), ("high", LIMITS[1]), ("safe", SAFE)];
    vectors.iter().for_each(|(name, values)| tensors.vector("action", name, values));
    // What it was trained for is in its weights.
    tensors.vector("cost", "action", &[0.0; ACTION]);
    let sizes =
        Sizes { state: SIZE as u16, action: ACTION as u16, hidden: config.hidden as u16, ..Sizes::default() };
    let sensors = Sensors { low: -SENSIBLE, high: SENSIBLE };
    let provenance = Provenance { trainer: env!("CARGO_PKG_VERSION"), task: "driving", seed, data: 0 };
    let header = Header::model(sizes, Angles::default(), sensors, Model::Absent, provenance);
    tensors.pack(header.controller(0, CostTerms::default(), Planner::Reflex))
}

/// Where a driver has something to learn: with somebody this near ahead, in m. On an open road all is well.
const NEAR: f64 = 45.0;

/// Mean and deviation of the model's variance where experts drive, step by step.
#[derive(Clone, Debug)]
pub struct Calibration(Vec<(f32, f32)>);

/// Trains a driver through the frozen model, from where cars of the recordings are. `progress` sees the step, and the mean
/// cost and uncertainty cost.
pub fn train(
    policy: &mut Policy,
    config: &Config,
    model: &Neighbours,
    windows: &Windows<'_>,
    rng: &mut Rng,
    mut progress: impl FnMut(usize, f32, f32),
) -> Result<()> {
    let calibration =
        (config.uncertainty > 0.0).then(|| calibrate(config, model, &windows.draw(500, rng), rng));
    let rate = Schedule::Cosine {
        peak: config.rate,
        floor: 0.0,
        warm_up: config.steps as u64 / 10,
        total: config.steps as u64,
    };
    let mut adam = Adam::new(AdamConfig { rate, clip: Some(config.clip), ..AdamConfig::default() });
    let mut tape = Tape::new();
    for step in 0..config.steps {
        tape.clear();
        let start = windows.draw_behind(NEAR, config.batch, rng);
        let there = tape.constant(start.there.clone());
        let first = tape.constant(surprised(start.seen[0].clone(), config.surprise, rng));
        let mut x = first;
        let z = tape.constant(latent(config, model, config.batch, rng));
        let (mut costs, mut actions) = (Vec::new(), Vec::new());
        let mut discount = 1.0 / config.horizon as f32;
        for _ in 0..config.horizon {
            let seen = model.sorted(&tape, x, &start.there);
            let action = act(policy, &tape, seen);
            x = model.step((&tape, true), x, there, (action, z), None);
            costs.push(tape.scale(cost(&tape, config, model, x, there), discount));
            discount *= config.discount;
            actions.push(action);
        }
        let paid = tape.sum_rows(tape.stack(&costs));
        let price = tape.value(paid).mean();
        // The gradient of the risk is that of a mean with these weights.
        let weights = tape.constant(soft_max(&tape.value(paid), config.risk));
        let mut loss = tape.sum(tape.mul(paid, weights));
        let mut unsure = 0.0;
        if let Some(calibration) = &calibration {
            let variances = variances(&tape, config, model, (first, &start.there), (&actions, z), rng);
            let excess = variances.iter().zip(&calibration.0).map(|(&v, (mean, deviation))| {
                tape.mean(tape.relu(tape.offset(tape.scale(v, 1.0 / deviation), -mean / deviation - 0.5)))
            });
            let excess = tape.mean(tape.stack(&excess.collect::<Vec<_>>()));
            unsure = tape.scalar(excess);
            loss = tape.add(loss, tape.scale(excess, config.uncertainty));
        }
        progress(step, price, unsure);
        tape.backward(loss);
        adam.step(&mut policy.params, &tape)?;
    }
    Ok(())
}

/// Trains a driver to do what the cars of the recordings do.
pub fn imitate(policy: &mut Policy, config: &Config, windows: &Windows<'_>, rng: &mut Rng) -> Result<()> {
    let steps = config.steps as u64;
    let rate = Schedule::Cosine { peak: config.rate, floor: 0.0, warm_up: steps / 20, total: steps };
    let mut adam = Adam::new(AdamConfig { rate, clip: Some(config.clip), ..AdamConfig::default() });
    // Errors in units of a typical action, and half as many samples as a batch of roll-outs has.
    let scales = windows.scales(rng).action;
    let mut tape = Tape::new();
    for _ in 0..config.steps {
        tape.clear();
        let batch = windows.draw(config.batch * config.horizon / 2, rng);
        let seen = tape.constant(batch.seen[0].clone());
        let action = act(policy, &tape, seen);
        let weights = DMatrix::from_iterator(ACTION, 1, scales.iter().map(|s| s.powi(-2)));
        let off = tape.sub(action, tape.constant(batch.actions[0].clone()));
        tape.backward(tape.weighted_square(off, tape.constant(weights)));
        adam.step(&mut policy.params, &tape)?;
    }
    Ok(())
}

/// `exp(κ J) / Σ exp(κ J)`.
fn soft_max(paid: &DMatrix<f32>, risk: f32) -> DMatrix<f32> {
    let most = paid.max();
    let weights = paid.map(|paid| (risk * (paid - most)).exp());
    &weights / weights.sum()
}

/// What a driver does about what it watches.
fn act(policy: &Policy, tape: &Tape, seen: Var) -> Var {
    let out = policy.outputs(tape, false, lift(tape, Angles::default(), seen));
    policy.head().best(tape, out)
}

/// Starts in which the car itself is faster or slower than it was, and farther ahead or behind; but not within others.
fn surprised(mut x: DMatrix<f32>, (faster, farther): (f32, f32), rng: &mut Rng) -> DMatrix<f32> {
    const APART: f32 = LENGTH as f32 + 3.0;
    for mut x in x.column_iter_mut() {
        let (faster, farther) = (faster * normal(rng) as f32, farther * normal(rng) as f32);
        x[2] += faster;
        // Those ahead and behind in the own lane come first.
        let farther = farther.min((x[OWN] - APART).max(0.0)).max((x[OWN + EACH] + APART).min(0.0));
        for i in 0..NEIGHBOURS {
            x[OWN + EACH * i] -= farther;
            x[OWN + EACH * i + 2] -= faster;
        }
    }
    x
}

fn latent(config: &Config, model: &Neighbours, batch: usize, rng: &mut Rng) -> DMatrix<f32> {
    if config.stochastic { model.prior(batch, rng) } else { model.without(batch) }
}

/// How unsure the model is of what experts do.
fn calibrate(config: &Config, model: &Neighbours, experts: &Batch, rng: &mut Rng) -> Calibration {
    let tape = Tape::new();
    let steps = experts.actions.iter().take(config.horizon);
    let actions: Vec<_> = steps.map(|action| tape.constant(action.clone())).collect();
    let z = tape.constant(latent(config, model, experts.len(), rng));
    let statistics = |v: Var| {
        let v = tape.value(v);
        (v.mean(), v.variance().sqrt().max(1e-6))
    };
    let first = tape.constant(experts.seen[0].clone());
    Calibration(
        variances(&tape, config, model, (first, &experts.there), (&actions, z), rng)
            .into_iter()
            .map(statistics)
            .collect(),
    )
}

/// `v_t`, one a column, step by step.
fn variances(
    tape: &Tape,
    config: &Config,
    model: &Neighbours,
    (first, there): (Var, &DMatrix<f32>),
    (actions, z): (&[Var], Var),
    rng: &mut Rng,
) -> Vec<Var> {
    let mut rollouts: Vec<(Masks, Var)> =
        (0..config.rollouts).map(|_| (model.masks(there.ncols(), rng), first)).collect();
    let there = tape.constant(there.clone());
    let share = 1.0 / config.rollouts.max(1) as f32;
    let mut variances = Vec::new();
    for (k, &action) in actions.iter().enumerate() {
        for (masks, x) in &mut rollouts {
            *x = model.step((tape, true), *x, there, (action, z), Some(masks));
        }
        let sum =
            |parts: Vec<Var>| parts.into_iter().reduce(|a, b| tape.add(a, b)).expect("there are roll-outs");
        let mean = tape.scale(sum(rollouts.iter().map(|(_, x)| *x).collect()), share);
        let square = |(_, x): &(Masks, Var)| tape.square(tape.sub(*x, mean));
        let variance = sum(rollouts.iter().map(square).collect());
        // In units of what constant speeds err by, and the mean of all components.
        let units = &model.scales().constant[k.min(model.scales().constant.len() - 1)];
        let weights = units.iter().map(|square| share / square / SIZE as f32);
        let weights = tape.constant(DMatrix::from_iterator(SIZE, 1, weights));
        variances.push(tape.sum_rows(tape.mul_col(variance, weights)));
    }
    variances
}

/// What a situation costs, one a column: whoever is near, being between lanes, being off the road.
///
/// ```text
/// proximity = Σ_i max(0, 1 − |Δx_i|/d) max(0, 1 − |Δy_i|/w),   d = a car and a second's way, w short of a lane
/// lane = sin²(π y/4 m)      off-road = max(0, |y| − (half the road − half a car) + 0.5 m)²
/// ```
pub fn cost(tape: &Tape, config: &Config, model: &Neighbours, x: Var, there: Var) -> Var {
    let y = tape.rows(x, 0, 1);
    // How far the car looks ahead is no way to make the cost small: no gradient.
    let way = tape.offset(tape.detach(tape.rows(x, 2, 1)), (CRUISE + LENGTH) as f32);
    let per_way = tape.unary(way, |way| 1.0 / way.max(LENGTH as f32), |_, _| 0.0);
    let hat = |distance: Var| tape.relu(tape.offset(tape.scale(distance, -1.0), 1.0));
    let near = |i: usize| {
        let row = |which| tape.abs(tape.rows(x, OWN + EACH * i + which, 1));
        let along = hat(tape.mul(row(0), per_way));
        let across = hat(tape.scale(row(1), 1.0 / (LANE - 0.5) as f32));
        tape.mul(tape.rows(there, i, 1), tape.mul(along, across))
    };
    let proximity = (0..NEIGHBOURS).map(near).reduce(|a, b| tape.add(a, b)).expect("there are neighbours");
    let lanes = model.road().lanes;
    // Centres of lanes are half a lane off the middle if their number is even.
    let offset = if lanes.is_multiple_of(2) { 0.5 * LANE } else { 0.0 } as f32;
    let phase = tape.scale(tape.offset(y, offset), std::f32::consts::PI / LANE as f32);
    let lane = tape.square(tape.sin(phase));
    let room = 0.5 * (lanes as f64 * LANE - WIDTH) - 0.5;
    let beyond = tape.square(tape.relu(tape.offset(tape.abs(y), -room as f32)));
    tape.add(proximity, tape.add(tape.scale(lane, config.lane), tape.scale(beyond, config.off_road)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{predict::neighbours, worlds::traffic};
    use forethought::agent::{Mode, Reading};
    use rand::SeedableRng;

    /// A model, and recordings that it is made for.
    fn model() -> Neighbours {
        let rng = &mut Rng::seed_from_u64(1);
        let config = traffic::Config { cars: 10, episode: 40, ..traffic::Config::default() };
        let recordings = traffic::Highway::new(config).record(2, rng);
        let windows = Windows::new(&recordings, 5).expect("windows");
        Neighbours::new(&neighbours::Config::default(), recordings[0].road, windows.scales(rng), rng)
    }

    fn costs(x: [f32; SIZE], there: f32) -> f32 {
        let tape = Tape::new();
        let x = tape.constant(DMatrix::from_column_slice(SIZE, 1, &x));
        let there = tape.constant(DMatrix::from_element(NEIGHBOURS, 1, there));
        tape.scalar(cost(&tape, &Config::default(), &model(), x, there))
    }

    #[test]
    fn near_cars_lines_and_the_verge_cost() {
        // In the middle of a lane, others far away.
        let mut x = [0.0; SIZE];
        x[0] = 2.0;
        x[OWN..].chunks_exact_mut(EACH).for_each(|other| other[0] = 60.0);
        assert!(costs(x, 1.0) < 1e-6);
        // On a line, beyond the edge.
        let aside = |y: f32| costs(std::array::from_fn(|i| if i == 0 { y } else { x[i] }), 1.0);
        assert!((aside(4.0) - 0.2).abs() < 1e-5 && aside(9.5) > 5.0);
        // Half of a car and a second's way behind somebody, who may not exist.
        x[OWN] = 13.5;
        assert!((costs(x, 1.0) - 0.5).abs() < 1e-5);
        assert!(costs(x, 0.0) < 1e-6);
    }

    #[test]
    fn the_worse_a_future_the_more_it_counts() {
        let paid = DMatrix::from_row_slice(1, 3, &[0.1, 0.4, 0.1]);
        assert!(soft_max(&paid, 0.0).iter().all(|w| (w - 1.0 / 3.0).abs() < 1e-6));
        let weights = soft_max(&paid, 3.0);
        assert!((weights[1] / weights[0] - 0.9_f32.exp()).abs() < 1e-5 && (weights.sum() - 1.0).abs() < 1e-6);
    }

    #[test]
    fn an_exported_driver_drives_as_it_was_trained() {
        let (model, rng) = (model(), &mut Rng::seed_from_u64(4));
        let config = Config::default();
        let policy = driver(&config, &model, rng);
        let file = export(&policy, &config, 4).expect("packed");
        let artifact = file.parse().expect("a weight file");
        let mut mind = crate::mind::load(&artifact).expect("a mind");
        let seen = DMatrix::from_fn(SIZE, 20, |_, _| 10.0 * normal(rng) as f32);
        let actions = policy.best(&seen);
        for (seen, expected) in seen.column_iter().zip(actions.column_iter()) {
            for mode in [Mode::Policy, Mode::Plan] {
                let (action, _, refused) = mind.step(Reading::State(seen.as_slice()), mode);
                assert!(refused.is_none());
                assert!(
                    action.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-4),
                    "{action:?} {expected}"
                );
            }
        }
        let (action, ..) = mind.step(Reading::State(&[f32::NAN; SIZE]), Mode::Policy);
        assert_eq!(action, SAFE);
    }

    #[test]
    fn surprises_leave_room_to_the_cars_ahead_and_behind() {
        let mut x = DMatrix::zeros(SIZE, 300);
        x.column_iter_mut().for_each(|mut x| (x[OWN], x[OWN + EACH]) = (12.0, -9.0));
        let x = surprised(x, (2.0, 20.0), &mut Rng::seed_from_u64(2));
        for x in x.column_iter() {
            assert!(x[OWN] > 7.9 && x[OWN + EACH] < -7.9 && (x[OWN] - x[OWN + EACH] - 21.0).abs() < 1e-4);
            assert_eq!(x[2], -x[OWN + 2]);
        }
    }
}
