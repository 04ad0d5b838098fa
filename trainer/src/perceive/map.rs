//! A map of preferred orientations: how smoothly it turns, and its pinwheels.
//!
//! ```text
//! |Δθ| = |arg e^{2i(θ − θ')}|/2 between neighbours, beside the same of shuffled maps
//! winding number round four neighbours = 1/2π Σ Δθ = 0 or ±½: a pinwheel
//! Λ = ΣP² / Σ|k|P² for P(k) the power spectrum of e^{2iθ}: the map's period
//! ```
//! The density of pinwheels, `count · Λ² / area`, is near π in the visual cortex of mammals (Kaschube et al., *Universality
//! in the evolution of orientation columns*, Science 2010) and π in Gaussian random fields of one wavelength.

use crate::worlds::Rng;
use rand::RngExt;
use std::f32::consts::{FRAC_PI_2, PI, TAU};

/// Orientations of the units of a sheet.
#[derive(Clone, Debug)]
pub struct Map {
    /// Rows of units.
    pub rows: usize,
    /// Units in a row.
    pub columns: usize,
    /// Whether the first row and column are neighbours of the last.
    pub wraps: bool,
    /// `θ` in `[0, π)`, row by row.
    pub orientation: Vec<f32>,
}

/// A point around which the orientation turns by half a turn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pinwheel {
    /// Its row: between two rows of units.
    pub row: f32,
    /// Its column.
    pub column: f32,
    /// Whether orientations turn anticlockwise as one walks around it anticlockwise.
    pub anticlockwise: bool,
}

impl Map {
    /// The unit at a place, wrapping if the map does.
    fn at(&self, row: usize, column: usize) -> Option<f32> {
        let (row, column) = if self.wraps { (row % self.rows, column % self.columns) } else { (row, column) };
        if row < self.rows && column < self.columns {
            self.orientation.get(row * self.columns + column).copied()
        } else {
            None
        }
    }

    fn places(&self) -> impl Iterator<Item = (usize, usize)> {
        let columns = self.columns;
        (0..self.rows * columns).map(move |unit| (unit / columns, unit % columns))
    }

    /// The mean `|Δθ|` between neighbours in rows and columns, in radians: 0 to π/2, and π/4 where there is no order.
    pub fn difference(&self) -> f64 {
        let (mut sum, mut count) = (0.0, 0);
        for (row, column) in self.places() {
            let here = self.orientation[row * self.columns + column];
            for there in [self.at(row + 1, column), self.at(row, column + 1)].into_iter().flatten() {
                sum += f64::from(turn(here, there).abs());
                count += 1;
            }
        }
        sum / f64::from(count.max(1))
    }

    /// The same units in random places.
    pub fn shuffled(&self, rng: &mut Rng) -> Self {
        let mut map = self.clone();
        for last in (1..map.orientation.len()).rev() {
            map.orientation.swap(last, rng.random_range(0..=last));
        }
        map
    }

    /// [`difference`](Self::difference) as a share of the median of that of 101 shuffled maps: 1 where there is no order.
    pub fn disorder(&self, rng: &mut Rng) -> f64 {
        let mut shuffled: Vec<f64> = (0..101).map(|_| self.shuffled(rng).difference()).collect();
        shuffled.sort_by(f64::total_cmp);
        self.difference() / shuffled[shuffled.len() / 2].max(f64::MIN_POSITIVE)
    }

    /// Every point around which four neighbours turn by half a turn.
    pub fn pinwheels(&self) -> Vec<Pinwheel> {
        let around = |(row, column): (usize, usize)| {
            // Anticlockwise on the screen, rows pointing down.
            let corners = [(row, column), (row + 1, column), (row + 1, column + 1), (row, column + 1)];
            let [a, b, c, d] = corners.map(|(row, column)| self.at(row, column));
            let (a, b, c, d) = (a?, b?, c?, d?);
            let winding = turn(a, b) + turn(b, c) + turn(c, d) + turn(d, a);
            (winding.abs() > FRAC_PI_2).then_some(Pinwheel {
                row: row as f32 + 0.5,
                column: column as f32 + 0.5,
                anticlockwise: winding > 0.0,
            })
        };
        self.places().filter_map(around).collect()
    }

    /// `Λ`, the distance in units over which orientations repeat; infinite where they do not change. The square keeps to
    /// the spectrum's peak: pinwheels, where the angle jumps, add a long faint tail to it.
    pub fn period(&self) -> f64 {
        let (rows, columns) = (self.rows, self.columns);
        let field: Vec<(f32, f32)> = self.orientation.iter().map(|theta| (2.0 * theta).sin_cos()).collect();
        let share = 1.0 / field.len().max(1) as f32;
        let mean = field.iter().fold((0.0, 0.0), |(s, c), (sin, cos)| (s + share * sin, c + share * cos));
        let field: Vec<(f32, f32)> = field.iter().map(|(sin, cos)| (sin - mean.0, cos - mean.1)).collect();
        // Along the rows, then along the columns.
        let along: Vec<Vec<(f32, f32)>> = field.chunks(columns.max(1)).map(transform).collect();
        let (mut sum, mut waves) = (0.0f64, 0.0f64);
        for column in 0..columns {
            let line: Vec<(f32, f32)> = along.iter().map(|row| row[column]).collect();
            for (row, (im, re)) in transform(&line).into_iter().enumerate() {
                let cycles = |k: usize, n: usize| k.min(n - k) as f64 / n as f64;
                let power = f64::from(im * im + re * re).powi(2);
                sum += power;
                waves += power * cycles(row, rows).hypot(cycles(column, columns));
            }
        }
        sum / waves
    }

    /// Pinwheels in an area of `Λ²`.
    pub fn pinwheel_density(&self) -> f64 {
        let sides = if self.wraps {
            (self.rows, self.columns)
        } else {
            (self.rows.max(1) - 1, self.columns.max(1) - 1)
        };
        self.pinwheels().len() as f64 * self.period().powi(2) / (sides.0 * sides.1).max(1) as f64
    }
}

/// The short way from one orientation to another, in `(−π/2, π/2]`.
fn turn(from: f32, to: f32) -> f32 {
    let turn = (to - from).rem_euclid(PI);
    if turn > FRAC_PI_2 { turn - PI } else { turn }
}

/// The discrete Fourier transform of pairs (imaginary, real). A sheet is small: no fast one is needed.
fn transform(line: &[(f32, f32)]) -> Vec<(f32, f32)> {
    let n = line.len();
    let waves: Vec<(f32, f32)> = (0..n).map(|k| (-TAU * k as f32 / n as f32).sin_cos()).collect();
    let component = |k: usize| {
        line.iter().enumerate().fold((0.0, 0.0), |(im, re), (place, (b, a))| {
            let (sin, cos) = waves[k * place % n];
            (im + a * sin + b * cos, re + a * cos - b * sin)
        })
    };
    (0..n).map(component).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    fn map(rows: usize, columns: usize, wraps: bool, theta: impl Fn(f32, f32) -> f32) -> Map {
        let at = |unit| theta((unit / columns) as f32, (unit % columns) as f32).rem_euclid(PI);
        Map { rows, columns, wraps, orientation: (0..rows * columns).map(at).collect() }
    }

    #[test]
    fn a_wave_has_its_period_its_difference_and_no_pinwheel() {
        // Half a turn every 8 columns.
        let wave = map(16, 16, true, |_, column| PI * column / 8.0);
        assert!((wave.period() - 8.0).abs() < 1e-3);
        assert!((wave.difference() - std::f64::consts::PI / 16.0).abs() < 1e-5);
        assert!(wave.pinwheels().is_empty());
        assert!(wave.disorder(&mut Rng::seed_from_u64(1)) < 0.3);
    }

    #[test]
    fn a_pinwheel_is_found_with_its_sense() {
        for sense in [1.0, -1.0] {
            let wheel = map(8, 10, false, |row, column| 0.5 * sense * (3.3 - row).atan2(column - 4.6));
            let expected = Pinwheel { row: 3.5, column: 4.5, anticlockwise: sense > 0.0 };
            assert_eq!(wheel.pinwheels(), [expected]);
        }
    }

    #[test]
    fn on_a_torus_both_senses_balance() {
        let mut rng = Rng::seed_from_u64(2);
        let noise = map(12, 12, true, |_, _| 0.0);
        let noise = Map {
            orientation: noise.orientation.iter().map(|_| rng.random_range(0.0..PI)).collect(),
            ..noise
        };
        let wheels = noise.pinwheels();
        assert!(wheels.len() > 20);
        assert_eq!(wheels.iter().filter(|wheel| wheel.anticlockwise).count() * 2, wheels.len());
        // Without order neighbours differ as any two do.
        assert!((noise.disorder(&mut rng) - 1.0).abs() < 0.1);
        assert!((noise.difference() - std::f64::consts::FRAC_PI_4).abs() < 0.1);
    }

    #[test]
    fn waves_of_one_length_have_a_density_near_pi() {
        // A Gaussian random field: many waves of period 8 in random directions.
        let mut rng = Rng::seed_from_u64(3);
        let mut number = || rng.random_range(0.0..TAU);
        let waves: Vec<[f32; 2]> = (0..60).map(|_| [number(), number()]).collect();
        let field = map(96, 96, false, |row, column| {
            let sum = waves.iter().fold((0.0, 0.0), |(re, im), [way, phase]| {
                let (sin, cos) = (TAU / 8.0 * (row * way.sin() + column * way.cos()) + phase).sin_cos();
                (re + cos, im + sin)
            });
            0.5 * sum.1.atan2(sum.0)
        });
        let density = field.pinwheel_density();
        assert!((density - std::f64::consts::PI).abs() < 1.0, "{density}");
    }
}
