//! What everything in a plot is drawn with.
//!
//! Plotters' SVG has whole pixels only, which turns curves into stairs: so it draws ten times as large, and the view box
//! brings it back to size. It does not know how wide a text will be either (no font is loaded): nothing here depends on
//! that but the gaps in the legend.

use crate::report::colour::Rgb;
use plotters::{
    coord::Shift,
    prelude::*,
    style::text_anchor::{HPos, Pos, VPos},
};

/// Drawn so many times as large as shown.
const SCALE: f64 = 10.0;
/// Size of texts, in pixels.
pub(super) const TEXT: f64 = 11.5;

pub(super) type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
pub(super) type Drawn<'a, T> = Result<T, DrawingAreaErrorKind<<SVGBackend<'a> as DrawingBackend>::ErrorType>>;

/// From pixels on the page to units of the drawing.
pub(super) fn pixels(value: f64) -> i32 {
    (value * SCALE).round() as i32
}

/// A colour for plotters.
pub(super) fn rgb([r, g, b]: Rgb) -> RGBColor {
    RGBColor(r, g, b)
}

/// A straight line in units of the drawing, its width in pixels.
pub(super) fn segment<'a>(
    area: &Area<'a>,
    from: (i32, i32),
    to: (i32, i32),
    width: f64,
    colour: Rgb,
) -> Drawn<'a, ()> {
    area.draw(&PathElement::new([from, to], rgb(colour).stroke_width(pixels(width) as u32)))
}

/// Text in units of the drawing.
pub(super) fn text<'a>(
    area: &Area<'a>,
    text: &str,
    at: (i32, i32),
    (h, v): (HPos, VPos),
    colour: Rgb,
) -> Drawn<'a, ()> {
    // The backend divides sizes by 1.24.
    let colour = rgb(colour);
    let style = TextStyle::from(("sans-serif", 1.24 * TEXT * SCALE)).color(&colour).pos(Pos::new(h, v));
    area.draw_text(text, &style, at)
}
