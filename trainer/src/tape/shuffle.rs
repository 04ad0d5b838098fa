//! Positions moved about: a border of zeros, and blocks of positions that become channels.
//!
//! A convolution after [`Tape::space_to_depth`] is one that moves two positions at a time; before
//! [`Tape::depth_to_space`] it is the up-sampling one of Shi et al. (CVPR 2016), whose filters never overlap unevenly.

use std::sync::Arc;

use forethought::{
    perceive::maps::Maps,
    predict::traffic::shuffle::{Layout, blocks},
};

use super::{Tape, Var};

/// Runs of numbers that are moved: how long they are, and where each begins in the stack before and after.
struct Runs {
    length: usize,
    places: Vec<(usize, usize)>,
    before: Maps,
    after: Maps,
}

impl Runs {
    /// A border of `border` zeros around each map.
    fn padding(before: Maps, border: usize) -> Self {
        let after = Maps { rows: before.rows + 2 * border, cols: before.cols + 2 * border, ..before };
        let (plain, bordered) = (Layout::plain(before), Layout::bordered(before, border));
        let places = (0..before.rows).map(|row| (plain.at(row, 0), bordered.at(row, 0))).collect();
        Self { length: before.cols * before.channels, places, before, after }
    }

    /// Blocks of 2 × 2 positions, row by row, as channels of one.
    fn blocks(before: Maps) -> Self {
        let even = before.rows.is_multiple_of(2) && before.cols.is_multiple_of(2);
        assert!(even, "space_to_depth: {before:?} has no whole blocks of 2x2");
        let after = Maps { rows: before.rows / 2, cols: before.cols / 2, channels: 4 * before.channels };
        // Both positions in a row of a block lie side by side, before and after.
        let places = blocks(Layout::plain(before), Layout::plain(after)).step_by(2).collect();
        Self { length: 2 * before.channels, places, before, after }
    }

    /// The way back.
    fn reversed(mut self) -> Self {
        self.places.iter_mut().for_each(|(from, to)| std::mem::swap(from, to));
        Self { before: self.after, after: self.before, ..self }
    }

    /// Every run of every sample: from where, to where.
    fn visit(&self, from: &[f32], to: &mut [f32], f: impl Fn(&[f32], &mut [f32])) {
        for (from, to) in from.chunks_exact(self.before.len()).zip(to.chunks_exact_mut(self.after.len())) {
            for &(a, b) in &self.places {
                f(&from[a..a + self.length], &mut to[b..b + self.length]);
            }
        }
    }

    /// As [`visit`](Self::visit), the other way.
    fn visit_back(&self, to: &mut [f32], from: &[f32], f: impl Fn(&mut [f32], &[f32])) {
        for (to, from) in to.chunks_exact_mut(self.before.len()).zip(from.chunks_exact(self.after.len())) {
            for &(a, b) in &self.places {
                f(&mut to[a..a + self.length], &from[b..b + self.length]);
            }
        }
    }
}

impl Tape {
    /// A border of `border` zeros around every map, so that a convolution keeps their size.
    ///
    /// # Panics
    /// If `x` holds no stacks of `maps`.
    pub fn pad(&self, x: Var, maps: Maps, border: usize) -> Var {
        self.shuffle("pad", x, Runs::padding(maps, border))
    }

    /// Blocks of 2 × 2 positions as channels of one: maps of half the size, four times as many.
    ///
    /// # Panics
    /// If `x` holds no stacks of `maps`, or their sides are odd.
    pub fn space_to_depth(&self, x: Var, maps: Maps) -> Var {
        self.shuffle("space_to_depth", x, Runs::blocks(maps))
    }

    /// The inverse of [`space_to_depth`](Self::space_to_depth), which makes `maps` again.
    ///
    /// # Panics
    /// If `x` holds no stacks that were made of `maps`.
    pub fn depth_to_space(&self, x: Var, maps: Maps) -> Var {
        self.shuffle("depth_to_space", x, Runs::blocks(maps).reversed())
    }

    fn shuffle(&self, operation: &str, x: Var, runs: Runs) -> Var {
        let batch = self.demand_maps(operation, x, runs.before);
        let runs = Arc::new(runs);
        self.record(
            &[x],
            |forward| {
                let mut y = forward.scratch(runs.after.channels, runs.after.positions() * batch);
                y.fill(0.0);
                runs.visit(forward.value(x).as_slice(), y.as_mut_slice(), |x, y| y.copy_from_slice(x));
                y
            },
            {
                let runs = runs.clone();
                move |backward| {
                    let y_bar = backward.gradient.as_slice();
                    let Some(x_bar) = backward.sum(x) else { return };
                    runs.visit_back(x_bar.as_mut_slice(), y_bar, |x_bar, y_bar| {
                        x_bar.iter_mut().zip(y_bar).for_each(|(x_bar, y_bar)| *x_bar += y_bar);
                    });
                }
            },
        )
    }
}

#[cfg(test)]
mod tests {
    use super::super::check::{check_gradients, random};
    use super::*;

    const MAPS: Maps = Maps { rows: 4, cols: 6, channels: 3 };
    const BLOCKS: Maps = Maps { rows: 2, cols: 3, channels: 12 };

    #[test]
    fn gradients() {
        let x = [random(3, 2 * MAPS.positions(), 1)];
        check_gradients(&x, |tape, v| tape.pad(v[0], MAPS, 1));
        check_gradients(&x, |tape, v| tape.space_to_depth(v[0], MAPS));
        check_gradients(&[random(12, 2 * BLOCKS.positions(), 1)], |tape, v| tape.depth_to_space(v[0], MAPS));
    }

    #[test]
    fn blocks_become_channels_and_positions_again() {
        let tape = Tape::new();
        let x = tape.constant(random(3, 2 * MAPS.positions(), 1));
        let blocks = tape.space_to_depth(x, MAPS);
        assert_eq!(*tape.value(tape.depth_to_space(blocks, MAPS)), *tape.value(x));
        // The second block of the first sample: positions 2, 3, 8 and 9.
        let (x, blocks) = (tape.value(x), tape.value(blocks));
        let expected: Vec<f32> =
            [2, 3, 8, 9].iter().flat_map(|&p| x.column(p).iter().copied().collect::<Vec<_>>()).collect();
        assert_eq!(blocks.column(1).as_slice(), expected);
    }

    #[test]
    fn a_border_is_zero_and_the_rest_is_kept() {
        let tape = Tape::new();
        let x = random(3, 2 * MAPS.positions(), 1);
        let y = tape.value(tape.pad(tape.constant(x.clone()), MAPS, 1)).clone_owned();
        assert_eq!(y.shape(), (3, 2 * 6 * 8));
        assert_eq!(y.column(9), x.column(0));
        assert!((y.sum() - x.sum()).abs() < 1e-4);
        assert!(y.column(7).iter().all(|v| *v == 0.0));
    }

    #[test]
    #[should_panic(expected = "no whole blocks of 2x2")]
    fn odd_maps_have_no_blocks() {
        let tape = Tape::new();
        let maps = Maps { rows: 3, ..MAPS };
        tape.space_to_depth(tape.constant(random(3, maps.positions(), 1)), maps);
    }
}
