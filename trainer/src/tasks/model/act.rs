//! What a model is learned for: the section `[act]` of a task file says what is to be achieved, and
//! `forethought train my.toml --act plan|policy|both` exports a controller that does it.
//!
//! Policy and value are trained through the learned model, from the states of the log. What comes of it is flown in the model
//! from the starts of episodes held out, beside what the log's own pilot paid from there.

use super::{caution, data::Column};
use crate::{
    control::{Body, Control},
    data::log::Episode,
    export::{Tensors, WeightFile},
    mind,
    policy::{self, Objective, Policy, distilled},
    predict::{Learned, latent::Sampled, network::Network, transitions::Transitions},
    tasks::Progress,
    value::{Table, Value, table},
    worlds::Rng,
};
use anyhow::{Context, Result, bail, ensure};
use forethought::{
    agent::{Mode, Reading},
    artifact::{Artifact, Descent, Newton, Planner, Side, Term},
    cost::Cost,
    feature::{Angles, Map},
};
use rand::RngExt;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The section `[act]`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Steps that are planned ahead; what comes later is in the value.
    #[serde(default = "horizon")]
    pub horizon: u16,
    /// How it plans.
    #[serde(default)]
    pub planner: Planners,
    /// What is to be paid at every step, one section `[[act.cost]]` each.
    pub cost: Vec<Price>,
    /// What is done where nothing is known, by column of the action; 0 where that is in the range.
    #[serde(default)]
    pub safe: BTreeMap<String, f64>,
    /// How policy and value are learned.
    #[serde(default)]
    pub policy: policy::Config,
    /// With a section `[act.value]` the value of a state of at most three columns is not learned but computed, over the
    /// whole ranges of the columns: exact where the log has been everywhere, and believing the model where it has not.
    pub value: Option<table::Config>,
    /// What the controller takes care of: what its model does not know, or what nobody can know.
    #[serde(default)]
    pub caution: caution::Config,
    /// What the policy then learns of the planner.
    #[serde(default)]
    pub distillation: distilled::Config,
}

const fn horizon() -> u16 {
    20
}

/// The planners over a learned model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Planners {
    /// Descent from several starts: few instructions, and the choice where the model is rough.
    #[default]
    Gradient,
    /// Newton steps: exact where the model is smooth, and dear where the state is long.
    Ilqr,
}

impl From<Planners> for Planner {
    fn from(planner: Planners) -> Self {
        match planner {
            Planners::Gradient => {
                Self::Gradient(Descent { iterations: 10, momentum: 0.7, step: 0.3, tolerance: 1e-4 })
            }
            Planners::Ilqr => {
                Self::Ilqr(Newton { iterations: 10, trials: 8, damping: 1e-6, tolerance: 1e-4 })
            }
        }
    }
}

/// `weight · (column − target)²`, in the column's own unit.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// A column of state or action.
    pub column: String,
    /// What it should be; an action's is 0.
    #[serde(default)]
    pub target: f64,
    /// What a squared unit off the target costs at each step.
    pub weight: f64,
    /// The same at the end of the horizon.
    #[serde(default)]
    pub terminal: f64,
    /// `above` and `below`: only there is something to be paid, as at a limit.
    #[serde(default)]
    pub side: Sides,
}

/// Where there is something to be paid.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sides {
    /// On both sides of the target.
    #[default]
    Both,
    /// Above an upper limit.
    Above,
    /// Below a lower one.
    Below,
}

impl From<Sides> for Side {
    fn from(side: Sides) -> Self {
        match side {
            Sides::Both => Self::Both,
            Sides::Above => Self::Above,
            Sides::Below => Self::Below,
        }
    }
}

/// Who acts on the chip.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Act {
    /// The planner, which looks ahead at every step.
    Plan,
    /// The policy, which answers at once.
    Policy,
    /// The planner, with the policy as one of its starts; or the policy, whichever is asked.
    Both,
}

impl Config {
    /// Whether the section makes sense of these columns.
    /// `known` says whether there are equations.
    pub fn check(&self, state: &[Column], action: &[Column], known: bool) -> Result<()> {
        ensure!(!action.is_empty(), "there is no section [[action]]: nothing can be done");
        ensure!(
            (1..=mind::H as u16).contains(&self.horizon),
            "act.horizon must be 1 to {} steps, not {}",
            mind::H,
            self.horizon
        );
        for price in &self.cost {
            let name = &price.column;
            let sound = |x: f64| x.is_finite() && x >= 0.0;
            ensure!(
                sound(price.weight) && sound(price.terminal),
                "[[act.cost]] of `{name}`: weight and terminal must be numbers of at least 0, not {} and {}",
                price.weight,
                price.terminal
            );
            if action.iter().any(|column| column.column == *name) {
                ensure!(
                    price.target == 0.0 && price.terminal == 0.0 && price.side == Sides::Both,
                    "[[act.cost]] of `{name}`: it is an action, which costs weight · {name}² and nothing else"
                );
                continue;
            }
            let column = state.iter().find(|column| column.column == *name);
            let column = column.with_context(|| {
                format!("[[act.cost]] names `{name}`, which is no column of a [[state]] or [[action]]")
            })?;
            ensure!(
                (column.low..=column.high).contains(&price.target),
                "[[act.cost]] of `{name}`: the target {} is outside {} to {}",
                price.target,
                column.low,
                column.high
            );
        }
        state.iter().try_for_each(|column| self.agrees(column))?;
        let wanted = |price: &Price| !action.iter().any(|column| column.column == price.column);
        ensure!(
            self.cost.iter().any(|price| wanted(price) && price.weight + price.terminal > 0.0),
            "no [[act.cost]] with a weight above 0 names a column of the state: nothing is to be achieved"
        );
        for (name, safe) in &self.safe {
            let column = action.iter().find(|column| column.column == *name);
            let column = column
                .with_context(|| format!("[act.safe] names `{name}`, which is no column of an [[action]]"))?;
            ensure!(
                (column.low..=column.high).contains(safe),
                "[act.safe]: {safe} is outside the {} to {} of `{name}`",
                column.low,
                column.high
            );
        }
        for column in action {
            ensure!(
                self.safe.contains_key(&column.column) || (column.low..=column.high).contains(&0.0),
                "0 is outside the range of `{0}`: say in [act.safe] what `{0}` is where nothing is known",
                column.column
            );
        }
        let policy = &self.policy;
        for (name, value) in [("hidden", policy.hidden), ("batch", policy.batch), ("horizon", policy.horizon)]
        {
            ensure!(value > 0, "act.policy.{name} must be at least 1");
        }
        ensure!(
            policy.hidden <= mind::NH,
            "act.policy.hidden must be at most {}, not {}",
            mind::NH,
            policy.hidden
        );
        if let Some(table) = &self.value {
            table.check("act.value", state.len(), action.len())?;
        }
        let sizes = [state.len(), action.len(), self.horizon.into(), policy.hidden];
        self.caution.check(sizes, self.planner, known)
    }

    /// Whether all that is wanted of a column can be had at once: one target, between a lower and an upper limit.
    fn agrees(&self, column: &Column) -> Result<()> {
        let name = &column.column;
        let of = |side| {
            let prices = self.prices(column).filter(move |price| price.side == side);
            prices.filter(|price| price.weight + price.terminal > 0.0).map(|price| price.target)
        };
        let targets: Vec<f64> = of(Sides::Both).collect();
        if let Some((first, rest)) = targets.split_first()
            && let Some(other) = rest.iter().find(|target| *target != first)
        {
            bail!("[[act.cost]] wants `{name}` to be {first} and {other} at once: leave one of them")
        }
        // An angle goes round: above 3 and below -3 is an arc.
        if column.angle {
            return Ok(());
        }
        let lowest = of(Sides::Below).fold(f64::NEG_INFINITY, f64::max);
        let highest = of(Sides::Above).fold(f64::INFINITY, f64::min);
        ensure!(
            lowest <= highest,
            "[[act.cost]] wants `{name}` to be at least {lowest} and at most {highest}, which nothing is: \
             side = \"below\" is paid below its target, side = \"above\" above it"
        );
        let Some(target) = targets.first() else { return Ok(()) };
        let (side, limit) = if *target < lowest { ("below", lowest) } else { ("above", highest) };
        ensure!(
            (lowest..=highest).contains(target),
            "[[act.cost]] wants `{name}` to be {target}, and pays for it {side} {limit}: move the target or the limit"
        );
        Ok(())
    }

    /// What a column costs.
    fn prices<'a>(&'a self, column: &'a Column) -> impl Iterator<Item = &'a Price> {
        self.cost.iter().filter(|price| price.column == column.column)
    }

    /// What is to be paid, in the model's units.
    fn objective(&self, state: &[Column], action: &[Column]) -> Objective {
        let terms = state.iter().enumerate().flat_map(|(i, column)| {
            self.prices(column).map(move |price| {
                let (scale, map) = (column.scale(), if column.angle { Map::Angle } else { Map::Value });
                let [weight, terminal] =
                    [price.weight, price.terminal].map(|weight| (weight / (scale * scale)) as f32);
                Term {
                    side: price.side.into(),
                    terminal,
                    ..Term::squared(map, i as u16, (price.target * scale) as f32, weight)
                }
            })
        });
        let effort = |column| self.prices(column).map(|price| price.weight as f32).sum();
        Objective { terms: terms.collect(), action: action.iter().map(effort).collect() }
    }

    /// Trains policy and value through the model of a task, or a more cautious one, and exports whoever is to act.
    pub fn train(
        &self,
        task: &super::Config,
        (act, model): (Act, &Network),
        (training, origin): (&[Episode], (&str, u64, u32)),
        (rng, progress): (&mut Rng, &mut Progress<'_>),
    ) -> Result<WeightFile> {
        let (angles, objective) = (task.angles(), self.objective(&task.state, &task.action));
        let ends = |end: fn(&Column) -> f64| task.action.iter().map(|column| end(column) as f32).collect();
        let (low, high): (Vec<_>, Vec<_>) = (ends(|column| column.low), ends(|column| column.high));
        let (caution, data) = (&self.caution, Transitions::of(training, angles)?);
        let (ensemble, latent, sampled);
        let mut tensors = Tensors::default();
        let model: &(dyn Learned + Sync) = if caution.doubt > 0.0 {
            ensemble = caution.ensemble(&data, rng, progress)?;
            tensors.vector("cost", "doubt", &ensemble.doubt(caution.doubt));
            &ensemble
        } else if caution.futures > 0 {
            latent = caution.latent(&data, rng, progress)?;
            sampled = Sampled::new(&latent, &data, rng);
            tensors.vector("cost", "futures", &[caution.futures.into(), caution.lasting.max(1).into()]);
            &sampled
        } else {
            model
        };
        let states: Vec<_> = training.iter().flat_map(|e| &e.states).collect();
        let typical = |i: usize| match angles.contains(i) {
            true => 1.0,
            false => states.iter().fold(0.0_f32, |most, x| most.max(x[i].abs())).max(1e-6),
        };
        let scale: Vec<_> = (0..task.state.len()).map(typical).collect();
        let start = |rng: &mut Rng| states[rng.random_range(0..states.len())].clone();
        let mut policy = Policy::new(&self.policy, angles, scale.clone(), (&low, &high), rng);
        let (mut value, usual) = match &self.value {
            Some(table) => {
                let range = |column: &Column| {
                    let scale = column.scale();
                    (column.low * scale) as f32..=(column.high * scale) as f32
                };
                let [state, action] =
                    [&task.state, &task.action].map(|list| list.iter().map(range).collect::<Vec<_>>());
                let space = table::Space { angles, state: &state, action: &action };
                let value = Value::Table(Table::solve(table, space, (model, &objective))?);
                // It discounts nothing, and so must the policy that is trained on it.
                (value, policy::Config { discount: 1.0, ..self.policy.clone() })
            }
            None => (Value::new(self.policy.hidden, angles, scale, rng), self.policy.clone()),
        };
        policy.train(&mut value, &usual, (model, &objective), rng, start, |step, cost| {
            progress("policy", step, self.policy.steps, &[("cost", cost)]);
        })?;
        if act != Act::Plan {
            let settings = (&self.distillation, &usual, self.horizon.into());
            policy.distil(&value, settings, (model, &objective), rng, start, |step, cost| {
                progress("distillation", step, self.distillation.steps, &[("cost", cost)]);
            })?;
            policy.export(&mut tensors);
        }
        if act != Act::Policy {
            value.export(&mut tensors);
        }
        let safe = |column: &Column| self.safe.get(&column.column).map_or(0.0, |&x| x as f32);
        let safe: Vec<_> = task.action.iter().map(safe).collect();
        let (name, seed, data) = origin;
        let control = Control {
            body: Body { name, components: task.state.len(), angles, low: &low, high: &high },
            objective: &objective,
            safe: &safe,
            planner: if act == Act::Policy { Planner::Reflex } else { self.planner.into() },
            horizon: if act == Act::Policy { 0 } else { self.horizon },
            tensors,
        };
        control.over(model, self.policy.hidden, (seed, data))
    }
}

/// What flights cost, and the first of them.
#[derive(Clone, Debug)]
pub struct Flown {
    /// Who acted, and where.
    pub who: String,
    /// The mean cost of a step, over all flights.
    pub cost: f64,
    /// The flight from the first start: states and actions.
    pub states: Vec<Vec<f32>>,
    /// One for each state.
    pub actions: Vec<Vec<f32>>,
}

/// Where a controller can be flown.
pub(super) trait Sky {
    /// What it is called.
    const NAME: &'static str;

    /// How many flights there are.
    fn flights(&self) -> usize;

    /// Begins a flight: its start, and its steps at most.
    fn begin(&mut self, flight: usize) -> Result<(Vec<f32>, usize)>;

    /// What comes of an action, and whether the flight is over before its time.
    fn advance(&mut self, x: &[f32], u: &[f32]) -> Result<(Vec<f32>, bool)>;
}

/// Flies every way that a controller can act.
pub(super) fn fly<S: Sky>(artifact: &Artifact<'_>, sky: &mut S) -> Result<Vec<Flown>> {
    let (header, cost) = (artifact.header(), Cost::<{ mind::NH }>::load(artifact)?);
    let plans = (header.planner != Planner::Reflex).then_some(("planner", Mode::Plan));
    let acts = header.has("policy").then_some(("policy", Mode::Policy));
    let fly = |(who, mode)| -> Result<Flown> {
        let mut mind = mind::load(artifact)?;
        let (mut paid, mut steps, mut early) = (0.0, 0_usize, 0);
        let (mut states, mut actions) = (Vec::new(), Vec::new());
        for flight in 0..sky.flights() {
            mind.reset();
            let (mut x, most) = sky.begin(flight)?;
            for _ in 0..most {
                let (u, ..) = mind.step(Reading::State(&x), mode);
                paid += f64::from(cost.stage(&x, &u));
                steps += 1;
                let (next, over) = sky.advance(&x, &u)?;
                let before = std::mem::replace(&mut x, next);
                if flight == 0 {
                    states.push(before);
                    actions.push(u);
                }
                if over {
                    early += 1;
                    break;
                }
            }
        }
        let mut who = format!("{who}, in the {}", S::NAME);
        if early > 0 {
            who += &format!(", {early} of {} flights over early", sky.flights());
        }
        Ok(Flown { who, cost: paid / steps as f64, states, actions })
    };
    plans.into_iter().chain(acts).map(fly).collect()
}

/// The model that a task has learned, from the starts of held-out episodes, each flight as long as the episode was.
struct Imagined<'a, M> {
    model: M,
    angles: Angles,
    held_out: &'a [Episode],
}

/// The most steps of a flight: over a long one a learned model need not be right.
const LONGEST: usize = 200;

/// How long an episode is flown.
fn long(episode: &Episode) -> usize {
    episode.actions.len().min(LONGEST)
}

impl<M: Fn(&[f32], &[f32]) -> Vec<f32>> Sky for Imagined<'_, M> {
    const NAME: &'static str = "model";

    fn flights(&self) -> usize {
        self.held_out.len()
    }

    fn begin(&mut self, flight: usize) -> Result<(Vec<f32>, usize)> {
        let episode = &self.held_out[flight];
        Ok((episode.states[0].clone(), long(episode)))
    }

    fn advance(&mut self, x: &[f32], u: &[f32]) -> Result<(Vec<f32>, bool)> {
        let mut next = (self.model)(x, u);
        self.angles.wrap(&mut next);
        Ok((next, false))
    }
}

/// Flies in the model that the task has learned, every way that the controller can, and beside it what the log's own pilot did.
pub fn compare(artifact: &Artifact<'_>, model: &Artifact<'_>, held_out: &[Episode]) -> Result<Vec<Flown>> {
    let cost = Cost::<{ mind::NH }>::load(artifact)?;
    let steps = held_out.iter().map(long).sum::<usize>() as f64;
    let theirs = held_out.iter().flat_map(|e| e.states.iter().zip(&e.actions).take(long(e)));
    let shown = &held_out[0];
    let mut flown = vec![Flown {
        who: "whoever flew for the log".into(),
        cost: theirs.map(|(x, u)| f64::from(cost.stage(x, u))).sum::<f64>() / steps,
        states: shown.states[..long(shown)].to_vec(),
        actions: shown.actions[..long(shown)].to_vec(),
    }];
    let mut sky = Imagined { model: mind::model(model)?, angles: artifact.angles(), held_out };
    flown.extend(fly(artifact, &mut sky)?);
    Ok(flown)
}
