//! Images like natural ones, made of dead leaves: opaque ellipses of all sizes that cover each other.
//!
//! Leaves whose radii have the density `r⁻³` look the same at every scale, as natural images do (Ruderman 1997; Lee,
//! Mumford & Huang 2001): power falls as `1/f²`, and differences of pixels are small but for the edges, where they are large.

use super::images::Images;
use crate::worlds::Rng;
use nalgebra::DMatrix;
use rand::RngExt;
use std::f32::consts::{PI, TAU};

/// What the images are like.
#[derive(Clone, Debug)]
pub struct DeadLeaves {
    /// Height in pixels.
    pub rows: usize,
    /// Width in pixels.
    pub cols: usize,
    /// Smallest radius in pixels.
    pub smallest: f32,
    /// Largest radius in pixels: a third of the image, so that it still holds many things.
    pub largest: f32,
    /// Largest contrast of a leaf's own texture, a grating, beside the 1 between black and white.
    pub texture: f32,
    /// Largest change of brightness across a leaf: it is lit from one side.
    pub shading: f32,
}

impl Default for DeadLeaves {
    /// Like the photographs: 256×384.
    fn default() -> Self {
        Self { rows: 256, cols: 384, smallest: 1.5, largest: 128.0, texture: 0.1, shading: 0.2 }
    }
}

/// One leaf, in pixels of the drawing.
struct Leaf {
    centre: (f32, f32),
    /// Half the length; half the width is `aspect` of it.
    radius: f32,
    aspect: f32,
    /// Direction of its length.
    along: (f32, f32),
    grey: f32,
    shading: (f32, f32),
    texture: f32,
    /// Waves of the texture: radians a pixel, across.
    waves: (f32, f32),
}

impl Leaf {
    fn random(config: &DeadLeaves, (rows, cols): (usize, usize), rng: &mut Rng) -> Self {
        // Twice the size: the drawing is halved at the end, which smooths the edges as a lens does.
        let (low, high) = (2.0 * config.smallest, 2.0 * config.largest);
        // Inverse of the distribution with density r⁻³ between them.
        let u: f32 = rng.random();
        let radius = (low.powi(-2) * (1.0 - u) + high.powi(-2) * u).powf(-0.5);
        let direction = |angle: f32| (angle.cos(), angle.sin());
        let scaled = |by: f32, (x, y): (f32, f32)| (by * x, by * y);
        let waves = TAU / rng.random_range(4.0..(4.0 + radius));
        let outside = high;
        Self {
            centre: (
                rng.random_range(-outside..cols as f32 + outside),
                rng.random_range(-outside..rows as f32 + outside),
            ),
            radius,
            aspect: rng.random_range(0.3..1.0),
            along: direction(rng.random_range(0.0..PI)),
            grey: rng.random(),
            shading: scaled(
                config.shading * rng.random_range(0.0..0.5) / radius,
                direction(rng.random_range(0.0..TAU)),
            ),
            texture: config.texture * rng.random_range(0.0..0.5f32),
            waves: scaled(waves, direction(rng.random_range(0.0..TAU))),
        }
    }

    /// Its brightness at a point relative to its centre, if it is there.
    fn at(&self, x: f32, y: f32) -> Option<f32> {
        let (c, s) = self.along;
        let (long, across) = (c * x + s * y, (c * y - s * x) / self.aspect);
        let inside = long * long + across * across <= self.radius * self.radius;
        let wave = || (self.waves.0 * x + self.waves.1 * y).sin();
        let light = || self.shading.0 * x + self.shading.1 * y;
        inside.then(|| (self.grey + light() + self.texture * wave()).clamp(0.0, 1.0))
    }
}

/// Makes `n` images.
pub fn generate(config: &DeadLeaves, n: usize, rng: &mut Rng) -> Images {
    let (rows, cols) = (2 * config.rows, 2 * config.cols);
    let pixels = DMatrix::from_iterator(rows * cols, n, (0..n).flat_map(|_| draw(config, (rows, cols), rng)));
    Images { rows, cols, pixels }.halved()
}

/// Draws from the top leaf down, until no ground is seen: what was drawn is never drawn over.
fn draw(config: &DeadLeaves, size: (usize, usize), rng: &mut Rng) -> Vec<f32> {
    let (rows, cols) = size;
    let mut picture = vec![f32::NAN; rows * cols];
    let mut bare = picture.len();
    while bare > 0 {
        let leaf = Leaf::random(config, size, rng);
        let (x, y) = leaf.centre;
        let span = |centre: f32, end: usize| {
            let clip = |v: f32| v.clamp(0.0, end as f32) as usize;
            clip((centre - leaf.radius).ceil())..clip((centre + leaf.radius).floor() + 1.0)
        };
        for row in span(y, rows) {
            for col in span(x, cols) {
                let pixel = &mut picture[row * cols + col];
                if pixel.is_nan()
                    && let Some(grey) = leaf.at(col as f32 - x, row as f32 - y)
                {
                    *pixel = grey;
                    bare -= 1;
                }
            }
        }
    }
    picture
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    /// Slope of the logarithm of power over the logarithm of frequency, from the Fourier transform along rows and
    /// columns of a window without edges. Along one axis a power of `1/f²` in the plane is `1/f²` on the axis itself.
    fn slope(images: &Images) -> f64 {
        let side = images.rows.min(images.cols);
        let frequencies: Vec<usize> =
            (0..6).map(|octave| 2usize << octave).filter(|&k| k <= side / 4).collect();
        let window = |i: usize| (std::f64::consts::PI * (i as f64 + 0.5) / side as f64).sin().powi(2);
        let power = |k: usize| {
            let mut total = 0.0;
            for image in images.pixels.column_iter() {
                let mean = f64::from(image.mean());
                for upright in [false, true] {
                    let (mut re, mut im) = (0.0, 0.0);
                    for row in 0..side {
                        for col in 0..side {
                            let along = if upright { row } else { col };
                            let (sin, cos) =
                                (std::f64::consts::TAU * (k * along) as f64 / side as f64).sin_cos();
                            let v = (f64::from(image[row * images.cols + col]) - mean)
                                * window(row)
                                * window(col);
                            re += v * cos;
                            im += v * sin;
                        }
                    }
                    total += re * re + im * im;
                }
            }
            total
        };
        let points: Vec<_> = frequencies.iter().map(|&k| ((k as f64).ln(), power(k).ln())).collect();
        let n = points.len() as f64;
        let mean = points.iter().fold((0.0, 0.0), |m, p| (m.0 + p.0 / n, m.1 + p.1 / n));
        let (xy, xx) = points
            .iter()
            .fold((0.0, 0.0), |s, p| (s.0 + (p.0 - mean.0) * (p.1 - mean.1), s.1 + (p.0 - mean.0).powi(2)));
        xy / xx
    }

    /// Kurtosis of the differences between neighbours; 3 for a Gaussian.
    fn kurtosis(images: &Images) -> f64 {
        let differences = images.pixels.as_slice().chunks_exact(images.cols);
        let differences: Vec<f64> =
            differences.flat_map(|row| row.windows(2).map(|w| f64::from(w[1] - w[0]))).collect();
        let moment = |p| differences.iter().map(|d| d.powi(p)).sum::<f64>() / differences.len() as f64;
        moment(4) / moment(2).powi(2)
    }

    #[test]
    fn power_falls_as_in_natural_images_and_edges_are_sparse() {
        let images = generate(&DeadLeaves::default(), 12, &mut Rng::seed_from_u64(1));
        assert_eq!((images.rows, images.cols, images.len()), (256, 384, 12));
        assert!(images.pixels.iter().all(|p| (0.0..=1.0).contains(p)));
        let (slope, kurtosis) = (slope(&images), kurtosis(&images));
        println!("slope {slope:.2}, kurtosis {kurtosis:.1}");
        assert!((slope + 2.0).abs() < 0.3, "slope {slope}");
        assert!(kurtosis > 6.0, "kurtosis {kurtosis}");
    }

    #[test]
    fn a_seed_repeats() {
        let config = DeadLeaves { rows: 20, cols: 30, largest: 10.0, ..DeadLeaves::default() };
        let make = |seed| generate(&config, 2, &mut Rng::seed_from_u64(seed));
        assert_eq!(make(1), make(1));
        assert_ne!(make(1), make(2));
        assert_ne!(make(1).pixels.column(0), make(1).pixels.column(1));
    }
}
