//! What goes wrong with a camera: faults to be noticed, injected into healthy frames.

use super::{
    Rng,
    camera::{SIDE, cover, place},
};
use rand::RngExt;

/// A kind of fault of a camera of [`SIDE`] × [`SIDE`] pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// One to three rows of pixels stand still at a brightness of their own.
    StuckRows,
    /// A square of half the edge of the frame is covered.
    Occlusion,
    /// The frame is the same again and again.
    Frozen,
    /// Everything is half as bright or less, or one and a half times as bright or more.
    Gain,
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::StuckRows, Self::Occlusion, Self::Frozen, Self::Gain];

    /// In words.
    pub fn name(self) -> &'static str {
        match self {
            Self::StuckRows => "stuck rows",
            Self::Occlusion => "occlusion",
            Self::Frozen => "frozen frame",
            Self::Gain => "wrong gain",
        }
    }

    /// One of its kind, for as long as it lasts.
    pub fn draw(self, rng: &mut Rng) -> Damage {
        match self {
            Self::StuckRows => {
                let rows = (0..rng.random_range(1..=3)).map(|_| rng.random_range(0..SIDE)).collect();
                Damage::StuckRows { rows, brightness: rng.random() }
            }
            Self::Occlusion => Damage::Occlusion(place(COVERED, rng)),
            Self::Frozen => Damage::Frozen { frame: None },
            Self::Gain if rng.random() => Damage::Gain(rng.random_range(0.2..0.5)),
            Self::Gain => Damage::Gain(rng.random_range(1.5..3.0)),
        }
    }
}

/// Edge of the square that an occlusion covers, in pixels.
const COVERED: usize = SIDE / 2;

/// A fault with its particulars.
#[derive(Clone, Debug)]
pub enum Damage {
    /// [`Fault::StuckRows`].
    StuckRows {
        /// Which.
        rows: Vec<usize>,
        /// Of all their pixels.
        brightness: f32,
    },
    /// [`Fault::Occlusion`]: the first row and column.
    Occlusion((usize, usize)),
    /// [`Fault::Frozen`].
    Frozen {
        /// The first frame that it met.
        frame: Option<Vec<f32>>,
    },
    /// [`Fault::Gain`]: the factor.
    Gain(f32),
}

impl Damage {
    /// Does to a frame what the fault does.
    ///
    /// # Panics
    /// If it has another number of pixels.
    pub fn apply(&mut self, pixels: &mut [f32]) {
        assert_eq!(pixels.len(), SIDE * SIDE, "a frame has {SIDE} × {SIDE} pixels");
        match self {
            Self::StuckRows { rows, brightness } => {
                rows.iter().for_each(|row| pixels[row * SIDE..][..SIDE].fill(*brightness));
            }
            Self::Occlusion(corner) => cover(pixels, *corner, COVERED),
            Self::Frozen { frame: Some(frame) } => pixels.copy_from_slice(frame),
            Self::Frozen { frame } => *frame = Some(pixels.to_vec()),
            Self::Gain(factor) => pixels.iter_mut().for_each(|p| *p = (*p * *factor).min(1.0)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::worlds::camera::Camera;
    use rand::SeedableRng;

    #[test]
    fn each_does_what_it_says_and_stays_in_range() {
        let rng = &mut Rng::seed_from_u64(1);
        let camera = Camera::default();
        for fault in Fault::ALL {
            for _ in 0..50 {
                let (mut damage, theta) = (fault.draw(rng), rng.random_range(-3.0..3.0));
                let (healthy, later) = (camera.film(theta, rng), camera.film(theta + 1.0, rng));
                let [mut first, mut second] = [healthy.clone(), later.clone()];
                damage.apply(&mut first);
                damage.apply(&mut second);
                assert!(first.iter().chain(&second).all(|p| (0.0..=1.0).contains(p)));
                let changed = second.iter().zip(&later).filter(|(a, b)| a != b).count();
                let most = match fault {
                    Fault::StuckRows => 3 * SIDE,
                    Fault::Occlusion => COVERED * COVERED,
                    Fault::Frozen | Fault::Gain => SIDE * SIDE,
                };
                assert!((1..=most).contains(&changed), "{fault:?} changed {changed} pixels");
                assert_eq!(fault == Fault::Frozen, first == second && first == healthy, "{fault:?}");
            }
        }
    }
}
