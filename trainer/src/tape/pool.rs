//! The energy of maps in windows of space: what L2 pooling takes the root of.

use forethought::perceive::maps::Maps;

use super::{Tape, Var};

impl Tape {
    /// `y_c(p) = Σ_q x_c(s p + q)²` over square windows of `side × side` positions, `stride = s` apart, of a batch of
    /// stacks of `maps`, one position a column.
    ///
    /// # Panics
    /// If `x` holds no stacks of `maps`, or no window fits.
    pub fn energy(&self, x: Var, maps: Maps, side: usize, stride: usize) -> Var {
        let batch = self.demand_maps("energy", x, maps);
        let pooled = maps.windows(side, stride, maps.channels);
        let pooled = pooled.unwrap_or_else(|| panic!("energy: no window of {side}x{side} fits {maps:?}"));
        let visit = move |f: &mut dyn FnMut(usize, usize)| {
            for row in 0..pooled.rows {
                for col in 0..pooled.cols {
                    let to = (row * pooled.cols + col) * maps.channels;
                    for i in 0..side {
                        for j in 0..side {
                            let position = (row * stride + i) * maps.cols + col * stride + j;
                            f(position * maps.channels, to);
                        }
                    }
                }
            }
        };
        let channels = maps.channels;
        self.record(
            &[x],
            |forward| {
                let x = forward.value(x).as_slice();
                let mut y = forward.scratch(channels, pooled.positions() * batch);
                y.fill(0.0);
                let samples = y.as_mut_slice().chunks_exact_mut(pooled.len()).zip(x.chunks_exact(maps.len()));
                for (y, x) in samples {
                    visit(&mut |from, to| {
                        let (y, x) = (&mut y[to..to + channels], &x[from..from + channels]);
                        y.iter_mut().zip(x).for_each(|(y, x)| *y += x * x);
                    });
                }
                y
            },
            move |backward| {
                let (x_value, y_bar) = (backward.value(x).as_slice(), backward.gradient.as_slice());
                let Some(x_bar) = backward.sum(x) else { return };
                let samples = x_bar.as_mut_slice().chunks_exact_mut(maps.len());
                let values = x_value.chunks_exact(maps.len()).zip(y_bar.chunks_exact(pooled.len()));
                for (x_bar, (x, y_bar)) in samples.zip(values) {
                    visit(&mut |from, to| {
                        let (x_bar, x) = (&mut x_bar[from..from + channels], &x[from..from + channels]);
                        let entries = x.iter().zip(&y_bar[to..to + channels]);
                        x_bar
                            .iter_mut()
                            .zip(entries)
                            .for_each(|(x_bar, (x, y_bar))| *x_bar += 2.0 * x * y_bar);
                    });
                }
            },
        )
    }

    /// The same numbers in the same order, `rows` to a column: from one position a column to one sample a column, and
    /// back.
    ///
    /// # Panics
    /// If that leaves a rest.
    pub fn reshape(&self, x: Var, rows: usize) -> Var {
        let (r, c) = self.shape(x);
        let entries = r * c;
        assert!(rows > 0 && entries.is_multiple_of(rows), "reshape: {r}x{c} into columns of {rows}");
        self.record(
            &[x],
            |forward| {
                let x = forward.value(x).as_slice();
                let mut y = forward.scratch(rows, entries / rows);
                y.as_mut_slice().copy_from_slice(x);
                y
            },
            move |backward| {
                let y_bar = backward.gradient.as_slice();
                backward.add(x, y_bar.iter().copied());
            },
        )
    }
}

#[cfg(test)]
mod tests {
    use super::super::check::{check_gradients, random};
    use super::*;

    const MAPS: Maps = Maps { rows: 5, cols: 6, channels: 3 };

    #[test]
    fn gradients() {
        let inputs = [random(3, 2 * MAPS.positions(), 1)];
        check_gradients(&inputs, |tape, v| tape.energy(v[0], MAPS, 2, 2));
        check_gradients(&inputs, |tape, v| tape.energy(v[0], MAPS, 3, 1));
        check_gradients(&inputs, |tape, v| tape.reshape(v[0], MAPS.len()));
    }

    #[test]
    fn windows_that_do_not_overlap_hold_all_energy_once() {
        let maps = Maps { rows: 4, cols: 6, channels: 3 };
        let x = random(3, 2 * 24, 1);
        let tape = Tape::new();
        let y = tape.energy(tape.constant(x.clone()), maps, 2, 2);
        assert_eq!(tape.shape(y), (3, 2 * 6));
        assert!((tape.value(y).sum() - x.norm_squared()).abs() < 1e-4);
    }
}
