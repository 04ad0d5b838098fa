//! Lists of points for curves: sampled series, steps, curves on a circle, long noisy ones made short.

use std::f64::consts::{PI, TAU};

/// A point of a curve. One that is not finite breaks the line.
pub type Point = (f64, f64);

/// A break in a line.
pub const BREAK: Point = (f64::NAN, f64::NAN);

/// Values at equal distances `dt`, the first at 0.
pub fn sampled(values: impl IntoIterator<Item = f32>, dt: f64) -> Vec<Point> {
    values.into_iter().enumerate().map(|(t, v)| (t as f64 * dt, f64::from(v))).collect()
}

/// Values that are held for `dt` each, as a staircase.
pub fn held(values: impl IntoIterator<Item = f32>, dt: f64) -> Vec<Point> {
    let stair = |(x, y): Point| [(x, y), (x + dt, y)];
    sampled(values, dt).into_iter().flat_map(stair).collect()
}

/// Breaks a curve wherever its `x`, an angle in `[−π, π)`, comes round, and leads both ends to the edge.
pub fn round_x(points: &[Point]) -> Vec<Point> {
    let mut out: Vec<Point> = Vec::with_capacity(points.len());
    for &(x, y) in points {
        if let Some(&(from, before)) = out.last()
            && (x - from).abs() > PI
        {
            let side = from.signum();
            // Where it would have gone without wrapping; `beyond` may be 0 if both points are on the edge.
            let beyond = (x + side * TAU - from).abs().max(1e-9);
            let share = ((PI - from.abs()) / beyond).clamp(0.0, 1.0);
            let edge = before + share * (y - before);
            out.extend([(side * PI, edge), BREAK, (-side * PI, edge)]);
        }
        out.push((x, y));
    }
    out
}

/// The same for a `y` that is an angle.
pub fn round_y(points: &[Point]) -> Vec<Point> {
    let swap = |&(x, y): &Point| (y, x);
    let swapped: Vec<_> = points.iter().map(swap).collect();
    round_x(&swapped).iter().map(swap).collect()
}

/// A long noisy curve as a few points: mean, smallest and largest of each bucket.
#[derive(Clone, Debug, Default)]
pub struct Thinned {
    /// Means.
    pub mean: Vec<Point>,
    /// Smallest values.
    pub low: Vec<Point>,
    /// Largest values.
    pub high: Vec<Point>,
}

/// Puts a curve into at most `buckets` buckets of equally many points; what is not finite is left out.
pub fn thinned(points: &[Point], buckets: usize) -> Thinned {
    let finite: Vec<_> = points.iter().filter(|p| p.0.is_finite() && p.1.is_finite()).collect();
    let mut out = Thinned::default();
    for bucket in finite.chunks(finite.len().div_ceil(buckets.max(1)).max(1)) {
        let n = bucket.len() as f64;
        let x = bucket.iter().map(|p| p.0).sum::<f64>() / n;
        let ys = || bucket.iter().map(|p| p.1);
        out.mean.push((x, ys().sum::<f64>() / n));
        out.low.push((x, ys().fold(f64::INFINITY, f64::min)));
        out.high.push((x, ys().fold(f64::NEG_INFINITY, f64::max)));
    }
    out
}
