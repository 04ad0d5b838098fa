//! Draws a [`Plot`] by plotters.

use super::{
    Mark, Plot, Series,
    legend::{self, Legend},
    pen::{Area, Drawn, pixels, rgb, segment, text},
};
use crate::report::{
    colour::{GRID, INK, MUTED},
    points::Point,
    svg::{FONT, image_tag},
};
use plotters::{
    coord::types::RangedCoordf64,
    prelude::*,
    style::text_anchor::{HPos, VPos},
};
use std::ops::Range;

/// Room for the labels of the y axis; the same in every plot, so that plots above each other line up.
const LEFT: f64 = 42.0;
/// Room for the labels of the x axis, and for its name if it has one.
const BOTTOM: (f64, f64) = (21.0, 17.0);
/// Room on the right for half a label.
const RIGHT: f64 = 14.0;
/// Pixels for one tick.
const TICK: (f64, f64) = (72.0, 34.0);

type Chart<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;

/// The plot as SVG.
pub(super) fn svg(plot: &Plot) -> String {
    let (width, height) = plot.size;
    let mut drawing = String::new();
    let large = (pixels(width.into()) as u32, pixels(height.into()) as u32);
    let (across, down) = {
        let area = SVGBackend::with_string(&mut drawing, large).into_drawing_area();
        draw(plot, &area).expect("drawing to memory does not fail")
    };
    let shapes = drawing.split_once('>').map_or("", |(_, shapes)| shapes);
    let image = plot.background.as_ref().map_or(String::new(), |background| {
        let size = (f64::from(across.end - across.start), f64::from(down.end - down.start));
        image_tag((across.start.into(), down.start.into()), size, background)
    });
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {} {}\" \
         stroke-linejoin=\"round\" stroke-linecap=\"round\" font-family=\"{FONT}\">\n{image}{}",
        large.0,
        large.1,
        // A text's own family would override the one above.
        shapes.replace(" font-family=\"sans-serif\"", "")
    )
}

/// Draws everything but the background; returns where it belongs.
fn draw<'a>(plot: &Plot, area: &Area<'a>) -> Drawn<'a, (Range<i32>, Range<i32>)> {
    let (width, height) = (f64::from(plot.size.0), f64::from(plot.size.1));
    let legend = Legend::of(plot, (LEFT, width - RIGHT));
    let bottom = BOTTOM.0 + if plot.axes.0.label.is_empty() { 0.0 } else { BOTTOM.1 };
    let [(left, right), (low, high)] = plot.extents();
    let mut chart = ChartBuilder::on(area)
        .margin_top(pixels(legend.height()))
        .margin_right(pixels(RIGHT))
        .x_label_area_size(pixels(bottom))
        .y_label_area_size(pixels(LEFT))
        .build_cartesian_2d(left..right, low..high)?;
    let (across, down) = chart.plotting_area().get_pixel_range();

    let shown = (width - LEFT - RIGHT, height - legend.height() - bottom);
    let count = |shown: f64, tick: f64| (shown / tick).round().max(2.0) as usize;
    let x_ticks = plot.axes.0.ticks((left, right), count(shown.0, TICK.0));
    let y_ticks = plot.axes.1.ticks((low, high), count(shown.1, TICK.1));
    let x_pixel = |x: f64| chart.backend_coord(&(x, low)).0;
    let y_pixel = |y: f64| chart.backend_coord(&(left, y)).1;
    if plot.background.is_none() {
        for (y, _) in &y_ticks {
            segment(area, (across.start, y_pixel(*y)), (across.end, y_pixel(*y)), 1.0, GRID)?;
        }
    }
    for level in &plot.levels {
        let y = y_pixel(plot.axes.1.place(*level).clamp(low, high));
        segment(area, (across.start, y), (across.end, y), 1.0, MUTED)?;
    }
    segment(area, (across.start, down.end), (across.end, down.end), 1.0, INK)?;
    for (x, label) in &x_ticks {
        let x = x_pixel(*x);
        segment(area, (x, down.end), (x, down.end + pixels(4.0)), 1.0, INK)?;
        text(area, label, (x, down.end + pixels(7.0)), (HPos::Center, VPos::Top), INK)?;
    }
    for (y, label) in &y_ticks {
        text(area, label, (across.start - pixels(6.0), y_pixel(*y)), (HPos::Right, VPos::Center), INK)?;
    }
    let middle = (across.start + across.end) / 2;
    text(area, &plot.axes.0.label, (middle, pixels(height - 4.0)), (HPos::Center, VPos::Bottom), INK)?;
    text(area, &plot.axes.1.label, (0, pixels(legend::LINE * 0.5)), (HPos::Left, VPos::Center), INK)?;
    legend.draw(area)?;

    let empty = plot.background.is_none()
        && plot.series.iter().all(|s| pieces(plot, &s.points, [(left, right), (low, high)]).is_empty());
    if empty {
        let centre = (middle, (down.start + down.end) / 2);
        text(area, "no data", centre, (HPos::Center, VPos::Center), MUTED)?;
    }
    for series in &plot.series {
        draw_series(plot, &mut chart, series, [(left, right), (low, high)])?;
    }
    Ok((across, down))
}

fn draw_series<'b>(
    plot: &Plot,
    chart: &mut Chart<'_, 'b>,
    series: &Series,
    extents: [(f64, f64); 2],
) -> Drawn<'b, ()> {
    let colour = rgb(series.colour.unwrap_or(INK));
    let lines = pieces(plot, &series.points, extents);
    match &series.mark {
        Mark::Line { width, dashed: false } => {
            let style = colour.stroke_width(pixels(*width) as u32);
            chart.draw_series(lines.into_iter().map(|line| PathElement::new(line, style)))?;
        }
        Mark::Line { width, dashed: true } => {
            let style = colour.stroke_width(pixels(*width) as u32);
            for line in lines {
                chart.draw_series(DashedLineSeries::new(line, pixels(5.0), pixels(4.0), style))?;
            }
        }
        Mark::Dots { radius } => {
            let dots = lines.into_iter().flatten();
            chart.draw_series(dots.map(|p| Circle::new(p, pixels(*radius), colour.filled())))?;
        }
        Mark::Band { upper } => {
            // Both edges are broken at the same places, or the band has no meaning.
            let (lower, upper) = (lines, pieces(plot, upper, extents));
            let areas = lower.into_iter().zip(upper).map(|(mut lower, upper)| {
                lower.extend(upper.into_iter().rev());
                Polygon::new(lower, colour.mix(0.22))
            });
            chart.draw_series(areas)?;
        }
    }
    Ok(())
}

/// The unbroken pieces of a line, in places, kept within the axes.
fn pieces(plot: &Plot, points: &[Point], [(left, right), (low, high)]: [(f64, f64); 2]) -> Vec<Vec<Point>> {
    let (x, y) = &plot.axes;
    let placed: Vec<Point> = points.iter().map(|p| (x.place(p.0), y.place(p.1))).collect();
    let broken = |p: &Point| !(p.0.is_finite() && p.1.is_finite());
    let inside = |p: &Point| (p.0.clamp(left, right), p.1.clamp(low, high));
    let piece = |line: &[Point]| line.iter().map(inside).collect();
    placed.split(broken).filter(|line| !line.is_empty()).map(piece).collect()
}
