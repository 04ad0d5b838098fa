//! The problems, those who learn them, and what is counted on the way.

use crate::{
    interact::{
        Learner,
        actor_critic::{self, ActorCritic},
        life::Life,
        model_based::{self, ModelBased},
        score_function::{self, ScoreFunction},
    },
    network::columns,
    policy::{self, Objective, Stage},
    predict::network,
    tape::{Tape, Var},
    tasks::pendulum,
    worlds::{
        Rng, World,
        camera::Camera,
        cliff_car::{self, CliffCar},
        pendulum::{MAX_SPEED, Pendulum},
        practice::{About, Practice},
    },
};
use anyhow::Result;
use forethought::{artifact::Term, feature::Map};
use rand::SeedableRng;

/// Whoever learns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// [`ModelBased`].
    ModelBased,
    /// [`ActorCritic`].
    ActorCritic,
    /// [`ScoreFunction`].
    ScoreFunction,
}

/// All of them, in the order of the rows.
pub const METHODS: [Method; 3] = [Method::ModelBased, Method::ActorCritic, Method::ScoreFunction];

impl Method {
    /// Its name in rows and legends.
    pub fn name(self) -> &'static str {
        match self {
            Self::ModelBased => "model-based",
            Self::ActorCritic => "actor-critic",
            Self::ScoreFunction => "REINFORCE",
        }
    }
}

/// The cost of a batch of states and actions, as a row.
pub type Cost = fn(&Tape, Var, Var) -> Var;

/// A world to be mastered.
pub struct Problem<W> {
    /// What it is.
    pub about: About,
    /// The world.
    pub world: fn() -> W,
    /// What an episode is worth: it, and the sum of its rewards.
    pub score: fn(&W, f64) -> f64,
    /// What the score is.
    pub unit: &'static str,
    /// Solved when the mean score over the evaluation episodes is at least this.
    pub solved: f64,
    /// The range in which scores are drawn.
    pub shown: (f64, f64),
    /// Typical magnitude of each component of the state; infinite where it makes no difference.
    pub scale: Vec<f32>,
    /// What a step costs, as only the model-based one knows it.
    pub cost: Cost,
    /// Interactions after which each gives up, in the order of [`METHODS`].
    pub budget: [usize; 3],
    /// Settings.
    pub settings: Settings,
}

/// The settings of all three.
pub struct Settings {
    /// Of the model-based one.
    pub model_based: model_based::Config,
    /// Of the actor-critic.
    pub actor_critic: actor_critic::Config,
    /// Of REINFORCE.
    pub score_function: score_function::Config,
}

impl<W> Problem<W> {
    /// Short lives and short lessons, which show that everything works.
    pub fn quick(mut self) -> Self {
        let lessons = &mut self.settings.model_based;
        (lessons.model.one_step, lessons.model.multi_step, lessons.policy.steps) = (100, 30, 60);
        self.budget = [2 * lessons.first, 600, 2_000];
        self
    }
}

/// A model that is learned anew at every lesson, and so in few steps.
fn quick_model() -> network::Config {
    network::Config {
        hidden: 32,
        batch: 128,
        one_step: 1200,
        multi_step: 300,
        window: 4,
        ..network::Config::default()
    }
}

/// The pendulum: swing up and stand.
pub fn pendulum() -> Problem<Pendulum> {
    Problem {
        about: Pendulum::ABOUT,
        world: || Pendulum::new(Camera::default()),
        score: |_, total| total,
        unit: "mean return",
        solved: -160.0,
        shown: (-1500.0, 0.0),
        scale: vec![1.0, MAX_SPEED as f32],
        cost: pendulum_cost,
        budget: [6_000, 40_000, 1_000_000],
        settings: Settings {
            model_based: model_based::Config {
                members: 3,
                stretch: 50,
                first: 100,
                careful: 1.0,
                noise: 0.1,
                model: quick_model(),
                policy: policy::Config { steps: 1000, batch: 64, ..policy::Config::default() },
                foresight: 100,
            },
            actor_critic: actor_critic::Config { first: 400, ..actor_critic::Config::default() },
            score_function: score_function::Config::default(),
        },
    }
}

/// The car beside the cliff: come far, and do not fall.
pub fn cliff() -> Problem<CliffCar> {
    Problem {
        about: CliffCar::ABOUT,
        world: CliffCar::default,
        score: |world, _| if world.arrived() { 1.0 } else { 0.0 },
        unit: "share that arrives",
        solved: 0.95,
        shown: (0.0, 1.0),
        scale: vec![f32::INFINITY, 1.5, 1.0, 8.0],
        cost: cliff_cost,
        budget: [3_000, 40_000, 400_000],
        settings: Settings {
            model_based: model_based::Config {
                members: 3,
                stretch: 20,
                first: 20,
                careful: 0.2,
                noise: 0.05,
                model: quick_model(),
                policy: policy::Config { steps: 400, batch: 64, horizon: 20, ..policy::Config::default() },
                foresight: 100,
            },
            actor_critic: actor_critic::Config { first: 400, ..actor_critic::Config::default() },
            score_function: score_function::Config::default(),
        },
    }
}

/// Pendulum-v1's.
fn pendulum_cost(tape: &Tape, x: Var, u: Var) -> Var {
    pendulum::Config::default().objective().stage(tape, x, u)
}

/// The world's cost, and in place of the fall, which has no slope, a price that rises towards the edge: the policy pays for
/// coming close in imagination.
fn cliff_cost(tape: &Tape, x: Var, u: Var) -> Var {
    /// How far from the edge the price begins to be felt, in m.
    const NEAR: f32 = 0.1;
    let cruise = cliff_car::CRUISE as f32;
    let objective = Objective {
        terms: vec![
            Term::squared(Map::Value, 1, 0.0, 0.25),
            // 4 sin² ½ψ = 2 (1 − cos ψ) = (1 − cos ψ)² + sin² ψ
            Term::squared(Map::Cos, 2, 1.0, 1.0),
            Term::squared(Map::Sin, 2, 0.0, 1.0),
            Term::squared(Map::Value, 3, cruise, 0.05),
        ],
        action: vec![0.02, 0.2],
    };
    let beyond = tape.scale(tape.offset(tape.rows(x, 1, 1), cliff_car::EDGE as f32 - 0.3), -1.0 / NEAR);
    tape.add(objective.stage(tape, x, u), tape.scale(tape.softplus(beyond), 4.0))
}

/// What was seen of somebody at one time.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// Interactions so far.
    pub interactions: usize,
    /// Crashes so far.
    pub crashes: usize,
    /// Mean score of the evaluation episodes.
    pub score: f64,
}

/// One life: all looks, the last of them when it was solved or given up.
#[derive(Clone, Debug)]
pub struct Run {
    /// In order.
    pub looks: Vec<Look>,
    /// Whether it was solved.
    pub solved: bool,
}

impl Run {
    /// The last look.
    pub fn end(&self) -> Look {
        self.looks[self.looks.len() - 1]
    }
}

/// Lets one method live until the problem is solved, or until its budget is spent. Evaluation is not counted: nobody learns
/// from it.
pub fn run<W: World>(problem: &Problem<W>, method: Method, seed: u64) -> Result<Run> {
    let Settings { model_based, actor_critic, score_function } = &problem.settings;
    let (about, scale) = (problem.about, problem.scale.as_slice());
    let mut learner: Box<dyn Learner> = match method {
        Method::ModelBased => Box::new(ModelBased::new(model_based, about, problem.cost, scale, seed)),
        Method::ActorCritic => Box::new(ActorCritic::new(actor_critic, about, scale, seed)),
        Method::ScoreFunction => Box::new(ScoreFunction::new(score_function, about, scale, seed)),
    };
    let mut life = Life::new((problem.world)(), seed);
    let mut run = Run { looks: Vec::new(), solved: false };
    while !run.solved && life.interactions < problem.budget[method as usize] {
        learner.live(&mut life)?;
        let score = evaluate(problem, &*learner);
        run.looks.push(Look { interactions: life.interactions, crashes: life.ends, score });
        run.solved = score >= problem.solved;
    }
    Ok(run)
}

/// Episodes of an evaluation, the same for everybody.
pub const EVALUATION: usize = 100;

/// The mean score of the best actions that somebody knows, over seeded episodes lived side by side.
fn evaluate<W: World>(problem: &Problem<W>, learner: &dyn Learner) -> f64 {
    /// Of the starts.
    const SEED: u64 = 0x5eed;
    let rng = &mut Rng::seed_from_u64(SEED);
    let mut worlds: Vec<(W, f64)> = (0..EVALUATION).map(|_| ((problem.world)(), 0.0)).collect();
    worlds.iter_mut().for_each(|(world, _)| world.reset(rng));
    for _ in 0..worlds[0].0.episode() {
        let states: Vec<_> = worlds.iter().map(|(world, _)| world.state()).collect();
        let actions = learner.best(&columns(&states));
        for ((world, total), action) in worlds.iter_mut().zip(actions.column_iter()) {
            if !world.over() {
                *total += world.step(action.as_slice());
            }
        }
    }
    worlds.iter().map(|(world, total)| (problem.score)(world, *total)).sum::<f64>() / EVALUATION as f64
}
