//! A picture as a piece of HTML.

use super::{escape, plot::Plot, svg::Svg, tiles::Raster};

/// A picture that can be placed in a report.
#[derive(Clone, Debug)]
pub struct Figure {
    html: String,
}

impl Figure {
    /// From an SVG drawing of the given width in pixels. It shrinks with the page but never grows.
    pub fn svg(svg: &str, width: u32) -> Self {
        Self { html: format!("<div class=\"panel\" style=\"width:{width}px\">\n{svg}</div>\n") }
    }

    /// A small picture at its own size; `text` says what it shows to those who cannot see it.
    pub fn raster(raster: &Raster, text: &str) -> Self {
        let (width, height) = raster.size();
        let (uri, text) = (raster.data_uri(), escape(text));
        let image = format!("<img src=\"{uri}\" width=\"{width}\" height=\"{height}\" alt=\"{text}\">\n");
        Self::svg(&image, width)
    }

    /// Several pictures of the same width, one above the other.
    pub fn stack<F: Into<Self>>(figures: impl IntoIterator<Item = F>) -> Self {
        let inner: String = figures.into_iter().map(|f| f.into().html).collect();
        Self { html: format!("<div class=\"stack\">\n{inner}</div>\n") }
    }

    /// The same with a short heading above it.
    pub fn titled(self, title: &str) -> Self {
        let Self { html } = self;
        Self { html: format!("<div class=\"titled\"><p>{}</p>\n{html}</div>\n", escape(title)) }
    }

    /// The HTML.
    pub fn html(&self) -> &str {
        &self.html
    }
}

impl From<Plot> for Figure {
    fn from(plot: Plot) -> Self {
        Self::svg(&plot.svg(), plot.width())
    }
}

impl From<Svg> for Figure {
    fn from(drawing: Svg) -> Self {
        Self::svg(&drawing.finish(), drawing.width())
    }
}
