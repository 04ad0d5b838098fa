//! Plots: curves, bands, markers and heat maps over two axes, with a legend.

mod draw;
mod legend;
mod pen;

pub use super::axis::Axis;
use super::{
    colour::{self, Ramp, Rgb},
    points::{Point, Thinned},
    tiles::Raster,
};

/// How a series is marked.
#[derive(Clone, Debug)]
enum Mark {
    Line { width: f64, dashed: bool },
    Dots { radius: f64 },
    Band { upper: Vec<Point> },
}

/// Numbers drawn as one curve, band or cloud.
#[derive(Clone, Debug)]
pub struct Series {
    /// The entry in the legend; without one, none.
    name: String,
    points: Vec<Point>,
    mark: Mark,
    colour: Option<Rgb>,
}

impl Series {
    fn new(name: &str, points: Vec<Point>, mark: Mark) -> Self {
        Self { name: name.to_owned(), points, mark, colour: None }
    }

    /// A line; broken where a point is not finite. An empty `name` stays out of the legend.
    pub fn line(name: &str, points: Vec<Point>) -> Self {
        Self::new(name, points, Mark::Line { width: 1.7, dashed: false })
    }

    /// A dashed line.
    pub fn dashed(name: &str, points: Vec<Point>) -> Self {
        Self::new(name, points, Mark::Line { width: 1.7, dashed: true })
    }

    /// A disc at each point.
    pub fn dots(name: &str, points: Vec<Point>) -> Self {
        Self::new(name, points, Mark::Dots { radius: 2.6 })
    }

    /// The area between two curves.
    pub fn band(name: &str, lower: Vec<Point>, upper: Vec<Point>) -> Self {
        Self::new(name, lower, Mark::Band { upper })
    }

    /// Sets the colour; otherwise the next one of the palette is taken.
    pub fn colour(mut self, colour: Rgb) -> Self {
        self.colour = Some(colour);
        self
    }

    /// Sets the width of a line or the radius of its dots, in pixels.
    pub fn weight(mut self, pixels: f64) -> Self {
        match &mut self.mark {
            Mark::Line { width, .. } => *width = pixels,
            Mark::Dots { radius } => *radius = pixels,
            Mark::Band { .. } => {}
        }
        self
    }

    /// All points, those of a band's upper edge too.
    fn all(&self) -> impl Iterator<Item = &Point> {
        let upper: &[Point] = if let Mark::Band { upper } = &self.mark { upper } else { &[] };
        self.points.iter().chain(upper)
    }
}

/// A plot under construction.
#[derive(Clone, Debug)]
pub struct Plot {
    axes: (Axis, Axis),
    size: (u32, u32),
    series: Vec<Series>,
    background: Option<Raster>,
    levels: Vec<f64>,
    /// What colours mean: entries of the legend beside those of the series.
    keys: Vec<(String, Ramp)>,
}

impl Plot {
    /// Width of a plot that takes the whole text width.
    pub const FULL: u32 = 760;
    /// Width of one of two plots side by side.
    pub const HALF: u32 = 370;
    /// Width of one of three.
    pub const THIRD: u32 = 240;

    /// Axes with nothing between them, 760 × 260 pixels.
    pub fn new(x: Axis, y: Axis) -> Self {
        Self {
            axes: (x, y),
            size: (Self::FULL, 260),
            series: vec![],
            background: None,
            levels: vec![],
            keys: vec![],
        }
    }

    /// Sets the size in pixels, labels and legend included.
    pub fn size(mut self, width: u32, height: u32) -> Self {
        self.size = (width.max(120), height.max(90));
        self
    }

    /// Width in pixels.
    pub fn width(&self) -> u32 {
        self.size.0
    }

    /// Adds a series.
    pub fn with(mut self, mut series: Series) -> Self {
        let taken = self.series.iter().filter(|s| !matches!(s.mark, Mark::Band { .. })).count();
        series.colour.get_or_insert(colour::SERIES[taken % colour::SERIES.len()]);
        self.series.push(series);
        self
    }

    /// Adds several series.
    pub fn with_all(self, series: impl IntoIterator<Item = Series>) -> Self {
        series.into_iter().fold(self, Self::with)
    }

    /// Adds a long noisy curve: its mean as a line, all it covers as a band.
    pub fn with_noisy(self, name: &str, thinned: Thinned, colour: Rgb) -> Self {
        self.with(Series::band("", thinned.low, thinned.high).colour(colour))
            .with(Series::line(name, thinned.mean).colour(colour))
    }

    /// Adds a thin horizontal line across the plot.
    pub fn level(mut self, y: f64) -> Self {
        self.levels.push(y);
        self
    }

    /// Puts a picture behind everything, from corner to corner of the axes: a heat map.
    pub fn background(mut self, raster: Raster) -> Self {
        self.background = Some(raster);
        self
    }

    /// Explains a ramp of colours in the legend.
    pub fn key(mut self, name: &str, ramp: Ramp) -> Self {
        self.keys.push((name.to_owned(), ramp));
        self
    }

    /// The SVG, complete in itself.
    pub fn svg(&self) -> String {
        draw::svg(self)
    }

    /// The ranges of both axes, in places.
    fn extents(&self) -> [(f64, f64); 2] {
        let (x, y) = &self.axes;
        let all = || self.series.iter().flat_map(Series::all);
        [x.extent(all().map(|p| x.place(p.0)), 0.0), y.extent(all().map(|p| y.place(p.1)), 0.06)]
    }
}
