//! Views of traffic as pictures.

use super::{
    colour::{BLUE, Rgb, VERMILLION},
    tiles::Raster,
};
use crate::worlds::traffic::view::{CHANNELS, EGO, MARKS, OTHERS};

/// Of what is no lane.
const VERGE: Rgb = [0x99, 0x99, 0x96];
/// Of an empty lane.
const LANE: Rgb = [0xF4, 0xF4, 0xF1];

/// A view of all three channels: what is no lane grey, other cars blue, the car itself red.
pub fn view(view: &[f32], along: usize) -> Raster {
    let pixels: Vec<_> = view
        .chunks_exact(CHANNELS)
        .map(|cell| {
            let inks = [(VERGE, cell[MARKS]), (BLUE, cell[OTHERS]), (VERMILLION, cell[EGO])];
            inks.into_iter().fold(LANE, |ground, (ink, share)| blend(ground, ink, share))
        })
        .collect();
    Raster::coloured(&pixels, along)
}

fn blend(ground: Rgb, ink: Rgb, share: f32) -> Rgb {
    let share = share.clamp(0.0, 1.0);
    std::array::from_fn(|c| (f32::from(ground[c]) * (1.0 - share) + f32::from(ink[c]) * share).round() as u8)
}
