//! Images that were taken for something else.

use super::{
    colour::INK,
    plot::Plot,
    svg::{Anchor, Svg},
    tiles::Raster,
};
use crate::data::images::Images;

/// Every misclassified image, each with its label and with what was seen in it.
pub fn mistakes(images: &Images, labels: &[u8], seen: &[usize]) -> Svg {
    const COLUMNS: usize = 14;
    const PITCH: (f64, f64) = (54.0, 66.0);
    let wrong: Vec<_> = (0..images.len()).filter(|&i| seen[i] != usize::from(labels[i])).collect();
    let mut svg = Svg::new(Plot::FULL, (PITCH.1 * wrong.len().div_ceil(COLUMNS) as f64) as u32 + 4);
    for (place, &i) in wrong.iter().enumerate() {
        let corner = ((place % COLUMNS) as f64 * PITCH.0, (place / COLUMNS) as f64 * PITCH.1);
        let image = Raster::grey(images.pixels.column(i).as_slice(), images.cols);
        svg.image(corner, (46.0, 46.0), &image);
        let told = format!("{} → {}", labels[i], seen[i]);
        svg.text((corner.0 + 23.0, corner.1 + 58.0), Anchor::Middle, 11.0, INK, &told);
    }
    svg
}
