//! Energies: low where observations are familiar, high where they are strange.
//!
//! ```text
//! F(y) = ½‖y − ȳ − D z(y)‖² + λ‖z(y)‖₁   reconstruction: what encoder and decoder miss
//! F(y) = ½‖y − net(y)‖²                  autoencoder
//! F(y) = net(y)                          a number that a network was taught: a critic
//! ```
//! A [`Gate`] says which energies are strange, and when enough is enough. [`descend`] goes from an observation to one that
//! is more familiar: it takes noise and damage off.

pub mod network;
pub mod reconstruction;

use crate::{
    Zero,
    artifact::{self, Sensors},
    math,
};

/// An energy of observations.
pub trait Energy<const NY: usize> {
    /// Working memory; after [`of`](Self::of) it holds what [`slope`](Self::slope) needs.
    type Scratch: Zero;

    /// `F(y)`.
    fn of(&self, scratch: &mut Self::Scratch, y: &[f32; NY]) -> f32;

    /// Writes `∂F/∂y` at the observation that [`of`](Self::of) was last asked about.
    fn slope(&self, scratch: &mut Self::Scratch, slope: &mut [f32; NY]);
}

/// Goes down from `y`, `y ← clamp(y − η ∂F/∂y)`, for a fixed number of steps, and stays within the range of the sensors. The energy
/// was asked about `y` last, and `scratch` is what that left.
pub fn descend<E: Energy<NY>, const NY: usize>(
    energy: &E,
    artifact::Descending { steps, rate }: artifact::Descending,
    sensors: Sensors,
    scratch: &mut E::Scratch,
    y: &mut [f32; NY],
) {
    let mut slope = [0.0; NY];
    for step in 0..steps {
        if step > 0 {
            energy.of(scratch, y);
        }
        energy.slope(scratch, &mut slope);
        for (y, slope) in y.iter_mut().zip(&slope) {
            *y = math::clamp(*y - rate * slope, sensors.low, sensors.high);
        }
    }
}

/// What is strange, and what is alarming.
#[derive(Clone, Copy, Debug)]
pub struct Gate {
    threshold: f32,
    patience: u16,
    frozen: u16,
}

/// What a gate remembers.
#[derive(Clone, Copy, Debug)]
pub struct Count {
    /// Strange observations in a row.
    strange: u32,
    /// Observations in a row that were the same as the one before.
    same: u32,
}

impl Zero for Count {
    const ZERO: Self = Self { strange: 0, same: 0 };
}

/// What a gate thinks of an observation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Verdict {
    /// As in training.
    #[default]
    Familiar,
    /// It is better not believed.
    Strange,
    /// So were those before it: something is wrong with the sensors or the world.
    Alarm,
}

impl Gate {
    /// With the settings of an artifact.
    pub fn new(settings: &artifact::Energy) -> Self {
        let &artifact::Energy { threshold, patience, frozen, .. } = settings;
        Self { threshold, patience, frozen }
    }

    /// Whether a reading is the last one over again, to the last bit: sensors that have noise do not say the same thing twice.
    /// Where they may, this is not asked.
    pub fn repeats(&self, values: &[f32], last: &[f32]) -> bool {
        self.frozen > 0 && values.iter().zip(last).all(|(value, last)| value.to_bits() == last.to_bits())
    }

    /// Judges an observation by its energy, and by whether it [repeats](Self::repeats) the one before.
    pub fn judge(&self, count: &mut Count, energy: f32, same: bool) -> Verdict {
        count.same = if same { count.same.saturating_add(1) } else { 0 };
        let frozen = self.frozen > 0 && count.same >= u32::from(self.frozen);
        // An energy that is no number is not below any threshold.
        let familiar = energy <= self.threshold && !frozen;
        count.strange = if familiar { 0 } else { count.strange.saturating_add(1) };
        match count.strange {
            0 => Verdict::Familiar,
            n if n < u32::from(self.patience) => Verdict::Strange,
            _ => Verdict::Alarm,
        }
    }
}
