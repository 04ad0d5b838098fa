//! A small grey camera that films a rod turning about the centre of its image.

use super::Rng;
use rand::RngExt;

/// Pixels along an edge.
pub const SIDE: usize = 16;

/// How the rod is filmed. Brightness is 0 (background) to 1 (rod).
#[derive(Clone, Debug)]
pub struct Camera {
    /// Standard deviation of the noise on each pixel; what falls outside `[0, 1]` is clipped.
    pub noise: f64,
    /// Chance that a square of [`PATCH`](Self::PATCH) × [`PATCH`](Self::PATCH) pixels is covered in a frame.
    pub occlusion: f64,
}

impl Default for Camera {
    fn default() -> Self {
        Self { noise: 0.02, occlusion: 0.0 }
    }
}

impl Camera {
    /// Edge of the square that an occlusion covers, in pixels.
    pub const PATCH: usize = 5;
    /// Length of the rod, in pixels.
    const LENGTH: f64 = 6.5;
    /// Half the width of the rod, in pixels.
    const RADIUS: f64 = 1.2;

    /// One frame, row by row from the top left; at θ = 0 the rod points to the top, at θ = π/2 to the left.
    pub fn film(&self, theta: f64, rng: &mut Rng) -> Vec<f32> {
        let mut frame = Self::render(theta);
        if self.noise > 0.0 {
            for pixel in &mut frame {
                *pixel = (f64::from(*pixel) + self.noise * normal(rng)).clamp(0.0, 1.0) as f32;
            }
        }
        if rng.random_bool(self.occlusion) {
            cover(&mut frame, place(Self::PATCH, rng), Self::PATCH);
        }
        frame
    }

    /// The frame without noise: brightness falls off linearly over one pixel at the edge of the rod.
    pub fn render(theta: f64) -> Vec<f32> {
        let centre = (SIDE as f64 - 1.0) / 2.0;
        // Image coordinates: x to the right, y down.
        let (tip_x, tip_y) = (-theta.sin() * Self::LENGTH, -theta.cos() * Self::LENGTH);
        let pixel = |row: usize, col: usize| {
            let (x, y) = (col as f64 - centre, row as f64 - centre);
            let along = ((x * tip_x + y * tip_y) / Self::LENGTH.powi(2)).clamp(0.0, 1.0);
            let distance = (x - along * tip_x).hypot(y - along * tip_y);
            (Self::RADIUS + 0.5 - distance).clamp(0.0, 1.0) as f32
        };
        (0..SIDE * SIDE).map(|i| pixel(i / SIDE, i % SIDE)).collect()
    }
}

/// Where a square of so many pixels an edge may be covered: its first row and column.
pub fn place(edge: usize, rng: &mut Rng) -> (usize, usize) {
    let mut corner = || rng.random_range(0..=SIDE - edge);
    (corner(), corner())
}

/// Darkens a square of a frame.
pub fn cover(frame: &mut [f32], (top, left): (usize, usize), edge: usize) {
    for row in top..top + edge {
        frame[row * SIDE + left..][..edge].fill(0.0);
    }
}

/// A standard normal number, by Box and Muller's transform.
pub fn normal(rng: &mut Rng) -> f64 {
    let radius: f64 = (-2.0 * (1.0 - rng.random::<f64>()).ln()).sqrt();
    radius * (std::f64::consts::TAU * rng.random::<f64>()).cos()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    /// Where the light of a frame is, relative to the centre: to the right, and up.
    fn direction(frame: &[f32]) -> (f64, f64) {
        let centre = (SIDE as f64 - 1.0) / 2.0;
        let moment = |f: &dyn Fn(usize) -> f64| {
            frame.iter().enumerate().map(|(i, &p)| f64::from(p) * f(i)).sum::<f64>()
        };
        (moment(&|i| (i % SIDE) as f64 - centre), moment(&|i| centre - (i / SIDE) as f64))
    }

    #[test]
    fn the_rod_points_where_theta_says() {
        for k in 0..16 {
            let theta = f64::from(k) * std::f64::consts::TAU / 16.0;
            let (right, up) = direction(&Camera::render(theta));
            let seen = (-right).atan2(up);
            let error = crate::worlds::pendulum::wrap(seen - theta).abs();
            assert!(error < 0.02, "θ = {theta} looks like {seen}");
        }
    }

    #[test]
    fn brightness_stays_in_range_and_noise_has_its_deviation() {
        let rng = &mut Rng::seed_from_u64(1);
        let camera = Camera { noise: 0.1, occlusion: 0.0 };
        let clean = Camera::render(1.0);
        let mut squares = Vec::new();
        for _ in 0..200 {
            let frame = camera.film(1.0, rng);
            assert!(frame.iter().all(|p| (0.0..=1.0).contains(p)));
            // Where nothing is clipped.
            let inner = frame.iter().zip(&clean).filter(|(_, c)| (0.4..0.6).contains(*c));
            squares.extend(inner.map(|(f, c)| f64::from(f - c).powi(2)));
        }
        let deviation = (squares.iter().sum::<f64>() / squares.len() as f64).sqrt();
        assert!((deviation - 0.1).abs() < 0.01, "{deviation}");
    }

    #[test]
    fn an_occlusion_darkens_one_patch_and_nothing_else() {
        let rng = &mut Rng::seed_from_u64(2);
        let (camera, clean) = (Camera { noise: 0.0, occlusion: 1.0 }, Camera::render(0.3));
        let mut hit = 0;
        for _ in 0..50 {
            let frame = camera.film(0.3, rng);
            let changed: Vec<_> = (0..frame.len()).filter(|&i| frame[i] != clean[i]).collect();
            assert!(changed.iter().all(|&i| frame[i] == 0.0));
            let spread = |f: fn(usize) -> usize| {
                let places = changed.iter().map(|&i| f(i));
                places.clone().max().unwrap_or(0) - places.min().unwrap_or(0)
            };
            assert!(spread(|i| i / SIDE) < Camera::PATCH && spread(|i| i % SIDE) < Camera::PATCH);
            hit += usize::from(!changed.is_empty());
        }
        assert!(
            hit > 10,
            "a patch that may lie anywhere covers some of the rod now and then, not {hit} times of 50"
        );
    }
}
