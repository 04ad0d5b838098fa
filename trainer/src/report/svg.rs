//! Drawings that are no plots: a few shapes, written as SVG in pixels from the top left.

use super::{
    colour::{Rgb, hex},
    escape,
    tiles::Raster,
};
use std::fmt::Write;

/// What texts in pictures are set in: whatever plain sans-serif the reader's machine has.
pub const FONT: &str = "Helvetica Neue, Helvetica, Arial, Liberation Sans, sans-serif";

/// Where a text is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// At its start.
    Start,
    /// At its middle.
    Middle,
    /// At its end.
    End,
}

/// A drawing.
#[derive(Clone, Debug)]
pub struct Svg {
    size: (u32, u32),
    body: String,
}

impl Svg {
    /// An empty drawing.
    pub fn new(width: u32, height: u32) -> Self {
        Self { size: (width, height), body: String::new() }
    }

    /// Width in pixels.
    pub fn width(&self) -> u32 {
        self.size.0
    }

    /// A straight line with round ends.
    pub fn line(&mut self, from: (f64, f64), to: (f64, f64), width: f64, colour: Rgb) {
        let ((x1, y1), (x2, y2)) = (from, to);
        self.add(format_args!(
            "<line x1=\"{x1:.2}\" y1=\"{y1:.2}\" x2=\"{x2:.2}\" y2=\"{y2:.2}\" stroke=\"{}\" \
             stroke-width=\"{width}\" stroke-linecap=\"round\"/>",
            hex(colour)
        ));
    }

    /// A line through many points.
    pub fn curve(&mut self, points: impl IntoIterator<Item = (f64, f64)>, width: f64, colour: Rgb) {
        let points: Vec<_> = points.into_iter().map(|(x, y)| format!("{x:.2},{y:.2}")).collect();
        self.add(format_args!(
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"{width}\" stroke-linejoin=\"round\"/>",
            points.join(" "),
            hex(colour)
        ));
    }

    /// A disc.
    pub fn disc(&mut self, (x, y): (f64, f64), radius: f64, colour: Rgb) {
        self.add(format_args!(
            "<circle cx=\"{x:.2}\" cy=\"{y:.2}\" r=\"{radius}\" fill=\"{}\"/>",
            hex(colour)
        ));
    }

    /// A filled rectangle from its top left corner.
    pub fn rectangle(&mut self, (x, y): (f64, f64), (width, height): (f64, f64), colour: Rgb) {
        let (width, height) = (width.max(0.0), height.max(0.0));
        self.add(format_args!(
            "<rect x=\"{x:.2}\" y=\"{y:.2}\" width=\"{width:.2}\" height=\"{height:.2}\" fill=\"{}\"/>",
            hex(colour)
        ));
    }

    /// Text on a base line at `y`.
    pub fn text(&mut self, (x, y): (f64, f64), anchor: Anchor, size: f64, colour: Rgb, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        self.add(format_args!(
            "<text x=\"{x:.2}\" y=\"{y:.2}\" text-anchor=\"{anchor}\" font-size=\"{size}\" fill=\"{}\">{}</text>",
            hex(colour),
            escape(text)
        ));
    }

    /// A small picture, stretched to a rectangle without smoothing.
    pub fn image(&mut self, at: (f64, f64), size: (f64, f64), raster: &Raster) {
        self.add(format_args!("{}", image_tag(at, size, raster)));
    }

    /// The SVG.
    pub fn finish(&self) -> String {
        let ((width, height), body) = (self.size, &self.body);
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {width} {height}\" font-family=\"{FONT}\">\n{body}</svg>\n"
        )
    }

    fn add(&mut self, shape: std::fmt::Arguments<'_>) {
        writeln!(self.body, "{shape}").expect("a string can always grow");
    }
}

/// A picture as an SVG element.
pub(super) fn image_tag((x, y): (f64, f64), (width, height): (f64, f64), raster: &Raster) -> String {
    format!(
        "<image x=\"{x:.2}\" y=\"{y:.2}\" width=\"{width:.2}\" height=\"{height:.2}\" \
         preserveAspectRatio=\"none\" style=\"image-rendering:pixelated\" href=\"{}\"/>",
        raster.data_uri()
    )
}
