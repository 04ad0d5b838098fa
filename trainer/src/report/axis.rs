//! Axes: what range they show, where their ticks are, and what stands beside those.

use super::number;
use std::f64::consts::PI;

/// How values are laid along an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scale {
    Linear,
    /// Equal ratios are equal lengths. The plot works with the decimal logarithm.
    Log,
    /// Radians, with ticks at parts of π.
    Angle,
}

/// An axis.
#[derive(Clone, Debug)]
pub struct Axis {
    /// What it shows, with its unit.
    pub(super) label: String,
    scale: Scale,
    range: Option<(f64, f64)>,
}

impl Axis {
    /// Equal differences are equal lengths.
    pub fn linear(label: &str) -> Self {
        Self { label: label.to_owned(), scale: Scale::Linear, range: None }
    }

    /// Equal ratios are equal lengths; what is not positive is left out.
    pub fn log(label: &str) -> Self {
        Self { scale: Scale::Log, ..Self::linear(label) }
    }

    /// An angle from −π to π.
    pub fn angle(label: &str) -> Self {
        Self { scale: Scale::Angle, range: Some((-PI, PI)), ..Self::linear(label) }
    }

    /// Shows exactly this range; what lies outside is drawn on the edge.
    pub fn range(mut self, low: f64, high: f64) -> Self {
        self.range = Some((low, high));
        self
    }

    /// Where a value lies on the axis before it is stretched to pixels; NaN where it has no place.
    pub(super) fn place(&self, value: f64) -> f64 {
        match self.scale {
            Scale::Log if value > 0.0 => value.log10(),
            Scale::Log => f64::NAN,
            Scale::Linear | Scale::Angle => value,
        }
    }

    /// The range in places: the one that was asked for, or what holds all `places` with `margin` on either side.
    pub(super) fn extent(&self, places: impl Iterator<Item = f64>, margin: f64) -> (f64, f64) {
        let asked = self.range.map(|(a, b)| (self.place(a), self.place(b)));
        if let Some((low, high)) = asked.filter(|(a, b)| a.is_finite() && b.is_finite() && a < b) {
            return (low, high);
        }
        let finite = places.filter(|v| v.is_finite());
        let (low, high) = finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| (a.min(v), b.max(v)));
        if low > high {
            return (0.0, 1.0);
        }
        // A range of no width, or too thin for the numbers on it, is opened up.
        let thin = 1e-9 * low.abs().max(high.abs()).max(1e-9);
        let room = if high - low > thin { margin * (high - low) } else { 0.5 * low.abs().max(1.0) };
        (low - room, high + room)
    }

    /// Places and texts of about `count` ticks.
    pub(super) fn ticks(&self, (low, high): (f64, f64), count: usize) -> Vec<(f64, String)> {
        match self.scale {
            Scale::Linear => linear_ticks(low, high, count),
            Scale::Angle => {
                let step = if count >= 5 { PI / 2.0 } else { PI };
                whole(low / step, high / step).map(|k| (k * step, angle(k * step))).collect()
            }
            Scale::Log => log_ticks(low, high, count),
        }
    }
}

/// Multiples of 1, 2 or 5 times a power of ten: about `count`, and at least two.
fn linear_ticks(low: f64, high: f64, count: usize) -> Vec<(f64, String)> {
    let rough = (high - low) / count.max(1) as f64;
    let power = 10f64.powf(rough.log10().floor());
    let fits = |step: &f64| *step <= 1.5 * rough && whole(low / step, high / step).count() >= 2;
    let step = [10.0, 5.0, 2.0, 1.0, 0.5, 0.2, 0.1].map(|m| m * power).into_iter().find(fits);
    let step = step.unwrap_or(0.1 * power);
    let decimals = (-(step * 1.001).log10().floor()).clamp(0.0, 9.0) as usize;
    whole(low / step, high / step).map(|k| (k * step, number(k * step, decimals))).collect()
}

/// Powers of ten, and between them 2 and 5, or 3, where there is room. Less than a decade is divided evenly.
fn log_ticks(low: f64, high: f64, count: usize) -> Vec<(f64, String)> {
    let every = ((high - low) / count.max(1) as f64).ceil().max(1.0);
    for between in [&[1.0, 2.0, 5.0][..], &[1.0, 3.0], &[1.0]] {
        let powers = whole(low.floor(), high).filter(|p| p.rem_euclid(every) == 0.0);
        let ticks = powers.flat_map(|power| between.iter().map(move |m| (power + f64::log10(*m), *m, power)));
        let ticks: Vec<_> = ticks.filter(|tick| (low..=high).contains(&tick.0)).collect();
        if (2..=count.max(3)).contains(&ticks.len()) {
            let plain = ticks.iter().all(|tick| (-3.0..=4.0).contains(&tick.2));
            return ticks.into_iter().map(|(place, m, power)| (place, power_text(m, power, plain))).collect();
        }
    }
    let even = linear_ticks(10f64.powf(low), 10f64.powf(high), count);
    even.into_iter().filter(|tick| tick.0 > 0.0).map(|(v, text)| (v.log10(), text)).collect()
}

/// `0.05`, `200`; or `5·10⁻⁵` where zeros would have to be counted.
fn power_text(m: f64, power: f64, plain: bool) -> String {
    if plain || power == 0.0 {
        return number(m * 10f64.powf(power), (-power).max(0.0) as usize);
    }
    let digit = |c| match c {
        '-' => '⁻',
        '1' => '¹',
        '2' => '²',
        '3' => '³',
        _ => char::from_u32('⁰' as u32 + c as u32 - '0' as u32).unwrap_or(c),
    };
    let exponent: String = power.to_string().chars().map(digit).collect();
    if m == 1.0 { format!("10{exponent}") } else { format!("{m}·10{exponent}") }
}

/// Parts of π.
fn angle(value: f64) -> String {
    let halves = (value / (PI / 2.0)).round() as i64;
    let sign = if halves < 0 { "−" } else { "" };
    match halves.abs() {
        0 => "0".into(),
        1 => format!("{sign}π/2"),
        2 => format!("{sign}π"),
        n if n % 2 == 0 => format!("{sign}{}π", n / 2),
        n => format!("{sign}{n}π/2"),
    }
}

/// Whole numbers in a range, with a little tolerance at both ends, and never too many.
fn whole(low: f64, high: f64) -> impl Iterator<Item = f64> {
    let (first, last) = ((low - 1e-6).ceil(), (high + 1e-6).floor());
    let n = if last >= first { (last - first + 1.0).min(100.0) as usize } else { 0 };
    (0..n).map(move |i| first + i as f64)
}
