//! Orientation maps: each unit in the colour of its angle, pinwheels as dots.

use super::{
    Figure, colour,
    plot::{Axis, Plot, Series},
    svg::{Anchor, Svg},
    tiles::Raster,
};
use crate::perceive::{invariance::Curves, map::Map};
use std::f32::consts::PI;

/// The map with its pinwheels, white where orientations turn with the walk around it and black where against, and a key.
pub fn map(map: &Map, width: u32) -> Figure {
    let unit = f64::from(width) / map.columns.max(1) as f64;
    let height = unit * map.rows as f64;
    let mut picture = Svg::new(width, height as u32 + 34);
    let colours = Raster::map(&map.orientation, map.columns, colour::orientation);
    picture.image((0.0, 0.0), (f64::from(width), height), &colours);
    for wheel in map.pinwheels() {
        let centre = (unit * f64::from(wheel.column + 0.5), unit * f64::from(wheel.row + 0.5));
        let radius = (0.22 * unit).clamp(1.6, 6.0);
        let (outer, inner) =
            if wheel.anticlockwise { (colour::INK, [255; 3]) } else { ([255; 3], colour::INK) };
        picture.disc(centre, radius + 1.2, outer);
        picture.disc(centre, radius, inner);
    }
    key(&mut picture, height + 17.0);
    picture.into()
}

/// Short bars in the colours of their own angles.
fn key(picture: &mut Svg, y: f64) {
    const BARS: usize = 8;
    for bar in 0..BARS {
        let angle = PI * bar as f32 / BARS as f32;
        let (sin, cos) = f64::from(angle).sin_cos();
        let x = 14.0 + 26.0 * bar as f64;
        picture.line(
            (x - 9.0 * cos, y + 9.0 * sin),
            (x + 9.0 * cos, y - 9.0 * sin),
            5.0,
            colour::orientation(angle),
        );
    }
    picture.text(
        (14.0 + 26.0 * BARS as f64, y + 4.0),
        Anchor::Start,
        11.0,
        colour::MUTED,
        "orientation of stripes",
    );
}

/// What units and pools keep of their answers.
pub fn invariance(curves: &Curves, label: &str, scale: f32) -> Plot {
    let points = |values: &[f32]| {
        let pairs = curves.change.iter().zip(values);
        pairs.map(|(&change, &value)| (f64::from(scale * change), f64::from(value))).collect()
    };
    Plot::new(Axis::linear(label), Axis::linear("share of the answer kept").range(0.0, 1.05))
        .size(Plot::HALF, 240)
        .with(Series::line("pooled", points(&curves.pool)))
        .with(Series::line("single unit", points(&curves.unit)))
}
