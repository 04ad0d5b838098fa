//! The line above a plot: the name of its y axis and what each series is.

use super::{
    Mark, Plot, Series,
    pen::{Area, TEXT, pixels, rgb, segment, text},
};
use crate::report::colour::{INK, Ramp};
use plotters::{
    prelude::*,
    style::text_anchor::{HPos, VPos},
};

/// Height of a line of the legend, in pixels.
pub(super) const LINE: f64 = 17.0;
/// Length of a sample, and the gaps behind it and behind a text.
const SAMPLE: f64 = 20.0;
const GAPS: (f64, f64) = (6.0, 16.0);

/// What a sample shows.
enum Key<'a> {
    Series(&'a Series),
    Ramp(Ramp),
}

/// An entry and the place of its top left corner.
struct Entry<'a> {
    text: &'a str,
    key: Key<'a>,
    at: (f64, f64),
}

/// A legend, laid out.
pub(super) struct Legend<'a> {
    entries: Vec<Entry<'a>>,
    lines: usize,
}

impl<'a> Legend<'a> {
    /// Beside the name of the y axis, flush right, if all of it fits there; otherwise in lines of its own.
    pub(super) fn of(plot: &'a Plot, (left, right): (f64, f64)) -> Self {
        let ramps = plot.keys.iter().map(|(name, ramp)| (name.as_str(), Key::Ramp(*ramp)));
        let series = plot.series.iter().map(|s| (s.name.as_str(), Key::Series(s)));
        let mut entries: Vec<_> = series
            .chain(ramps)
            .filter(|(text, _)| !text.is_empty())
            .map(|(text, key)| Entry { text, key, at: (0.0, 0.0) })
            .collect();
        let total: f64 = entries.iter().map(Entry::width).sum();
        let beside = total - GAPS.1 <= right - text_width(&plot.axes.1.label) - GAPS.1;
        let mut lines = 1;
        let mut x = if beside { right + GAPS.1 - total } else { left };
        for entry in &mut entries {
            let overflows = x + entry.width() - GAPS.1 > right && x > left;
            if !beside && (lines == 1 || overflows) {
                (x, lines) = (left, lines + 1);
            }
            entry.at = (x, (lines - 1) as f64 * LINE);
            x += entry.width();
        }
        Self { entries, lines }
    }

    /// Height in pixels, with a little room below.
    pub(super) fn height(&self) -> f64 {
        self.lines as f64 * LINE + 10.0
    }

    /// Draws all entries.
    pub(super) fn draw<'b>(
        &self,
        area: &Area<'b>,
    ) -> Result<(), DrawingAreaErrorKind<<SVGBackend<'b> as DrawingBackend>::ErrorType>> {
        for entry in &self.entries {
            let (x, y) = (entry.at.0, entry.at.1 + 0.5 * LINE);
            match entry.key {
                Key::Series(series) => sample(area, series, (x, y))?,
                Key::Ramp(ramp) => {
                    let slices = 2 * SAMPLE as i32;
                    for i in 0..slices {
                        let colour = rgb(ramp(i as f32 / (slices - 1) as f32)).filled();
                        let from = x + f64::from(i) * SAMPLE / f64::from(slices);
                        let corners =
                            [(pixels(from), pixels(y - 5.0)), (pixels(from + 0.6), pixels(y + 5.0))];
                        area.draw(&Rectangle::new(corners, colour))?;
                    }
                }
            }
            let at = (pixels(x + SAMPLE + GAPS.0), pixels(y));
            text(area, entry.text, at, (HPos::Left, VPos::Center), INK)?;
        }
        Ok(())
    }
}

impl Entry<'_> {
    fn width(&self) -> f64 {
        SAMPLE + GAPS.0 + text_width(self.text) + GAPS.1
    }
}

/// A short piece of a series.
fn sample<'b>(
    area: &Area<'b>,
    series: &Series,
    (x, y): (f64, f64),
) -> Result<(), DrawingAreaErrorKind<<SVGBackend<'b> as DrawingBackend>::ErrorType>> {
    let colour = series.colour.unwrap_or(INK);
    match series.mark {
        Mark::Line { width, dashed: false } => {
            segment(area, (pixels(x), pixels(y)), (pixels(x + SAMPLE), pixels(y)), width, colour)
        }
        Mark::Line { width, dashed: true } => {
            let dashes = [(0.0, 4.0), (8.0, 12.0), (16.0, 20.0)];
            dashes.iter().try_for_each(|(from, to)| {
                segment(area, (pixels(x + from), pixels(y)), (pixels(x + to), pixels(y)), width, colour)
            })
        }
        Mark::Dots { radius } => {
            let centre = (pixels(x + SAMPLE - radius), pixels(y));
            area.draw(&Circle::new(centre, pixels(radius), rgb(colour).filled()))
        }
        Mark::Band { .. } => {
            let corners = [(pixels(x), pixels(y - 4.0)), (pixels(x + SAMPLE), pixels(y + 4.0))];
            area.draw(&Rectangle::new(corners, rgb(colour).mix(0.22).filled()))
        }
    }
}

/// About how wide a text will be in an ordinary sans-serif.
fn text_width(text: &str) -> f64 {
    let em = |c: char| match c {
        'i' | 'j' | 'l' | 'I' | '.' | ',' | ':' | ';' | '|' | '\'' | ' ' | '/' | 't' | 'f' | '(' | ')' => {
            0.29
        }
        'm' | 'w' | 'M' | 'W' => 0.85,
        c if c.is_uppercase() => 0.69,
        _ => 0.55,
    };
    TEXT * text.chars().map(em).sum::<f64>()
}
