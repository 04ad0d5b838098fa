//! L2 pooling over space and features: the complex cells of group sparsity.
//!
//! ```text
//! v_g(p) = √(ε + Σ_c P_gc Σ_{q∈window(p)} x_c(q)²)
//! ```
//! `P` says how much a feature counts in a pool; without it every feature is a pool of its own. Kavukcuoglu, Ranzato,
//! Fergus & LeCun, CVPR 2009.

use super::{convolution::runs, maps::Maps};
use crate::{dense::Dense, math};

/// Windows and pools.
#[derive(Clone, Copy, Debug)]
pub struct Pool<'a> {
    input: Maps,
    output: Maps,
    side: usize,
    stride: usize,
    features: Option<Dense<'a>>,
    epsilon: f32,
}

impl<'a> Pool<'a> {
    /// Windows of `side × side` positions, `stride` apart; `None` unless all sizes fit.
    pub fn new(
        input: Maps,
        (side, stride): (usize, usize),
        features: Option<Dense<'a>>,
        epsilon: f32,
    ) -> Option<Self> {
        let fits = features.is_none_or(|pools| pools.cols() == input.channels);
        let pools = features.map_or(input.channels, |pools| pools.rows());
        let output = input.windows(side, stride, pools)?;
        fits.then_some(Self { input, output, side, stride, features, epsilon })
    }

    /// Writes the pools to the front of `y`. Behind them `y` needs room for one number a feature, else nothing happens.
    pub fn run(&self, x: &[f32], y: &mut [f32]) {
        let Some((y, rest)) = y.split_at_mut_checked(self.output.len()) else { return };
        let Some((energy, _)) = rest.split_at_mut_checked(self.input.channels) else { return };
        let (channels, row) = (self.input.channels, self.input.cols * self.input.channels);
        let y_rows = y.chunks_exact_mut((self.output.cols * self.output.channels).max(1));
        for (y_row, x) in y_rows.zip(runs(x, self.stride * row)) {
            let places = y_row.chunks_exact_mut(self.output.channels.max(1));
            for (place, x) in places.zip(runs(x, self.stride * channels)) {
                energy.fill(0.0);
                for x in runs(x, row).take(self.side) {
                    for x in x.chunks_exact(channels.max(1)).take(self.side) {
                        energy.iter_mut().zip(x).for_each(|(energy, x)| *energy += x * x);
                    }
                }
                place.fill(self.epsilon);
                match self.features {
                    Some(pools) => pools.add(energy, place),
                    None => place.iter_mut().zip(energy.iter()).for_each(|(v, energy)| *v += energy),
                }
                place.iter_mut().for_each(|v| *v = math::sqrt(*v));
            }
        }
    }
}
