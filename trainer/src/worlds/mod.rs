//! Worlds: what an agent lives in. The truth that models are trained on and plans are tried in.

pub mod camera;
pub mod car;
pub mod cart_pole;
pub mod cliff_car;
pub mod digits;
pub mod faults;
pub mod gravel;
pub mod gusty;
pub mod linear;
pub mod motion;
pub mod mountain_car;
pub mod noise;
pub mod pen;
pub mod penalty_kick;
pub mod pendulum;
pub mod practice;
pub mod quadrotor;
pub mod rocket;
pub mod tracked;
pub mod traffic;
pub mod watched;
pub mod wishes;

use forethought::artifact::{Artifact, ArtifactError, Model, Plant};
use rand_xoshiro::Xoshiro256PlusPlus;

/// The generator of all randomness: portable, so a seed gives the same numbers on every machine.
pub type Rng = Xoshiro256PlusPlus;

/// A world that shows something, is acted on, and goes on in discrete time.
pub trait World {
    /// A new episode from a random start.
    fn reset(&mut self, rng: &mut Rng);

    /// The true state in the model's coordinates, angles in `[−π, π)`.
    fn state(&self) -> Vec<f32>;

    /// What the sensors show: all of the state, unless a world says otherwise.
    fn observe(&mut self, _: &mut Rng) -> Vec<f32> {
        self.state()
    }

    /// Acts for one time step and returns the reward.
    fn step(&mut self, action: &[f32]) -> f64;

    /// Whether the episode has ended before its time: at a goal, or by a crash.
    fn over(&self) -> bool {
        false
    }

    /// Steps in an episode.
    fn episode(&self) -> usize;
}

/// Makes a world in which an agent or a controller flies, with its own sensors.
type Open = fn() -> Box<dyn World + Send>;

/// The worlds that they can fly in, by the names that their artifacts carry.
const WORLDS: [(&str, Open); 9] = [
    ("pendulum", || Box::new(pendulum::Pendulum::new(camera::Camera::default()))),
    ("cart-pole", || Box::<cart_pole::CartPole>::default()),
    ("quadrotor", || Box::<quadrotor::Quadrotor>::default()),
    ("rocket", || Box::<rocket::Rocket>::default()),
    (rocket::Rocket::RENDEZVOUS, || Box::new(rocket::Rocket::starting(rocket::Start::Rendezvous))),
    ("driving", || Box::<traffic::driving::Driving>::default()),
    ("car", || Box::<car::Car>::default()),
    ("mountain-car", || Box::new(mountain_car::MountainCar::new(mountain_car::Engine::Discrete))),
    ("mountain-car-continuous", || {
        Box::new(mountain_car::MountainCar::new(mountain_car::Engine::Continuous))
    }),
];

/// Their names, for whoever has asked for another.
pub fn names() -> String {
    WORLDS.map(|(name, _)| name).join(", ")
}

/// Where an agent or a controller flies: the world of its name; or, of a linear plant, the plant itself.
pub fn of<'a>(artifact: &Artifact<'a>) -> Result<Option<Box<dyn World + Send + 'a>>, ArtifactError> {
    let header = artifact.header();
    Ok(match header.model {
        Model::Physics(Plant::Linear) => Some(Box::new(linear::Linear::of(artifact)?)),
        _ => WORLDS.iter().find(|(name, _)| *name == header.provenance.task).map(|(_, open)| open() as _),
    })
}

impl<W: World + ?Sized> World for Box<W> {
    fn reset(&mut self, rng: &mut Rng) {
        (**self).reset(rng);
    }

    fn state(&self) -> Vec<f32> {
        (**self).state()
    }

    fn observe(&mut self, rng: &mut Rng) -> Vec<f32> {
        (**self).observe(rng)
    }

    fn step(&mut self, action: &[f32]) -> f64 {
        (**self).step(action)
    }

    fn over(&self) -> bool {
        (**self).over()
    }

    fn episode(&self) -> usize {
        (**self).episode()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::{practice::Practice, *};
    use forethought::{Zero, predict::ForwardModel};
    use rand::SeedableRng;

    /// Whether a chip's physics does what its world does, wherever practice leads: `tolerance` in each component.
    pub fn agrees<M: ForwardModel<NX, NU, 0>, W: Practice, const NX: usize, const NU: usize>(
        model: &M,
        mut world: W,
        tolerance: f64,
    ) {
        let rng = &mut Rng::seed_from_u64(5);
        for _ in 0..40 {
            world.reset(rng);
            for _ in 0..world.episode() {
                let action = world.explore(rng);
                let u = std::array::from_fn(|i| action[i]);
                let exact = world.exact();
                let x = std::array::from_fn(|i| exact[i] as f32);
                world.place(&x.map(f64::from));
                let (mut trace, mut next) = (M::Trace::ZERO, [0.0; NX]);
                model.step(&mut trace, &x, &u, &[], &mut next);
                world.step(&action);
                for (next, x) in next.into_iter().zip(world.exact()) {
                    assert!((f64::from(next) - x).abs() < tolerance * x.abs().max(1.0), "{next} for {x}");
                }
            }
        }
    }
}
