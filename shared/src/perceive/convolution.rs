//! Convolution: every filter at every place where its window lies inside the [maps](super::maps).
//!
//! ```text
//! s_k(p) = b_k + Σ_{c,q} w_k(c, q) x_c(p + q)
//! z_k(p) = max(s, 0)   or   sign(s)·max(|s|−θ_k, 0)   or   g_k tanh s   or   s
//! ```
//! The first two are one step of sparse coding, the third is the encoder of predictive sparse decomposition (Jarrett,
//! Kavukcuoglu, Ranzato & LeCun, ICCV 2009). A window is gathered once; then all filters share its inputs in the panels of
//! [`Dense`].

use super::{maps::Maps, prox::soft};
use crate::{dense::Dense, math};

/// Filters with their biases.
#[derive(Clone, Copy, Debug)]
pub struct Convolution<'a> {
    input: Maps,
    output: Maps,
    side: usize,
    w: Dense<'a>,
    bias: &'a [f32],
    unit: Unit<'a>,
}

/// What becomes of a filter's answer; one number a filter.
#[derive(Clone, Copy, Debug)]
pub enum Unit<'a> {
    /// `max(s, 0)`
    Rectified,
    /// The soft threshold at `θ_k`.
    Soft(&'a [f32]),
    /// `g_k tanh s`
    Tanh(&'a [f32]),
    /// `s` itself.
    Linear,
}

impl<'a> Convolution<'a> {
    /// Filters of `side × side` positions, one a row of `w`; `None` unless all sizes fit.
    pub fn new(input: Maps, side: usize, w: Dense<'a>, bias: &'a [f32], unit: Unit<'a>) -> Option<Self> {
        let output = input.windows(side, 1, w.rows())?;
        let gains = match unit {
            Unit::Rectified | Unit::Linear => w.rows(),
            Unit::Soft(per_filter) | Unit::Tanh(per_filter) => per_filter.len(),
        };
        let fits = w.cols() == input.window(side) && [bias.len(), gains] == [w.rows(); 2];
        fits.then_some(Self { input, output, side, w, bias, unit })
    }

    /// Writes the output's maps to the front of `y`. Behind them `y` needs room for a window, else nothing happens.
    pub fn run(&self, x: &[f32], y: &mut [f32]) {
        let Some((y, rest)) = y.split_at_mut_checked(self.output.len()) else { return };
        let Some((window, _)) = rest.split_at_mut_checked(self.w.cols()) else { return };
        let (row, run) = (self.input.cols * self.input.channels, self.side * self.input.channels);
        let y_rows = y.chunks_exact_mut((self.output.cols * self.output.channels).max(1));
        for (y_row, x) in y_rows.zip(runs(x, row)) {
            let places = y_row.chunks_exact_mut(self.output.channels.max(1));
            for (place, x) in places.zip(runs(x, self.input.channels)) {
                for (window, x) in window.chunks_exact_mut(run.max(1)).zip(runs(x, row)) {
                    window.iter_mut().zip(x).for_each(|(window, x)| *window = *x);
                }
                place.iter_mut().zip(self.bias).for_each(|(s, b)| *s = *b);
                self.w.add(window, place);
                match self.unit {
                    Unit::Rectified => place.iter_mut().for_each(|s| *s = if *s > 0.0 { *s } else { 0.0 }),
                    Unit::Soft(threshold) => {
                        place.iter_mut().zip(threshold).for_each(|(s, t)| *s = soft(*s, *t));
                    }
                    Unit::Tanh(gain) => place.iter_mut().zip(gain).for_each(|(s, g)| *s = g * math::tanh(*s)),
                    Unit::Linear => {}
                }
            }
        }
    }
}

/// `x` from its start, from `step` numbers later, from twice as many, and so on.
pub(super) fn runs(x: &[f32], step: usize) -> impl Iterator<Item = &[f32]> {
    (0..).map_while(move |i: usize| x.get(i.checked_mul(step)?..))
}
