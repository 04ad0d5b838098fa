//! Colours: a palette that the colour-blind can tell apart, and ramps for numbers.
//!
//! Lines carry these exact values; the style sheet selects on them to lighten lines in dark mode, so a value that
//! changes here changes in `style.css` too.

/// Red, green and blue.
pub type Rgb = [u8; 3];

/// Text and axes.
pub const INK: Rgb = [0x22, 0x22, 0x22];
/// Text and lines of less weight.
pub const MUTED: Rgb = [0x77, 0x77, 0x77];
/// Grid lines.
pub const GRID: Rgb = [0xE4, 0xE4, 0xE1];

/// Okabe and Ito's palette, in the order that series take it.
pub const BLUE: Rgb = [0x00, 0x72, 0xB2];
/// See [`BLUE`].
pub const VERMILLION: Rgb = [0xD5, 0x5E, 0x00];
/// See [`BLUE`].
pub const GREEN: Rgb = [0x00, 0x9E, 0x73];
/// See [`BLUE`].
pub const PURPLE: Rgb = [0xCC, 0x79, 0xA7];
/// See [`BLUE`].
pub const ORANGE: Rgb = [0xE6, 0x9F, 0x00];
/// See [`BLUE`].
pub const SKY: Rgb = [0x56, 0xB4, 0xE9];

/// Of Tol's muted palette, for plots of more than six series.
pub const WINE: Rgb = [0x88, 0x22, 0x55];
/// See [`WINE`].
pub const OLIVE: Rgb = [0x80, 0x80, 0x20];
/// Text's neighbour.
pub const SLATE: Rgb = [0x60, 0x70, 0x80];

/// The palette: series take these in turn.
pub const SERIES: [Rgb; 9] = [BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY, WINE, OLIVE, SLATE];

/// A map from a number to a colour.
pub type Ramp = fn(f32) -> Rgb;

/// Black at 0 to white at 1.
pub fn grey(v: f32) -> Rgb {
    ramp(v, &[[0, 0, 0], [255, 255, 255]])
}

/// White at 0 through blue to near black at 1: amounts, where nothing should look like nothing.
pub fn heat(v: f32) -> Rgb {
    ramp(v, &[[250, 250, 247], [186, 212, 232], [92, 155, 204], [24, 93, 158], [8, 29, 64]])
}

/// Blue at −1, white at 0, red at 1: signed values.
pub fn diverging(v: f32) -> Rgb {
    const STOPS: [Rgb; 7] = [
        [16, 66, 126],
        [67, 147, 195],
        [180, 212, 232],
        [248, 248, 246],
        [248, 198, 172],
        [214, 96, 77],
        [126, 8, 36],
    ];
    ramp(0.5 + 0.5 * v, &STOPS)
}

/// Violet at 0 through blue-green to orange at 1, all of medium lightness: lines in the order of time, on any ground.
pub fn time(v: f32) -> Rgb {
    ramp(v, &[[130, 80, 190], [60, 120, 200], [20, 150, 150], [110, 160, 60], [225, 140, 20]])
}

/// Once around a wheel of colours for an angle of stripes, 0 to π, at which they look the same again.
pub fn orientation(angle: f32) -> Rgb {
    const WHEEL: [Rgb; 7] = [
        [216, 64, 72],
        [230, 160, 40],
        [122, 178, 60],
        [32, 160, 140],
        [48, 108, 200],
        [140, 76, 180],
        [216, 64, 72],
    ];
    ramp((angle / std::f32::consts::PI).rem_euclid(1.0), &WHEEL)
}

/// Straight lines between stops; what is no number is a neutral grey.
fn ramp(v: f32, stops: &[Rgb]) -> Rgb {
    if v.is_nan() {
        return [128; 3];
    }
    let at = v.clamp(0.0, 1.0) * (stops.len() - 1) as f32;
    let i = (at as usize).min(stops.len() - 2);
    let share = at - i as f32;
    std::array::from_fn(|c| {
        let (a, b) = (f32::from(stops[i][c]), f32::from(stops[i + 1][c]));
        (a + share * (b - a)).round() as u8
    })
}

/// As SVG writes it.
pub fn hex([r, g, b]: Rgb) -> String {
    format!("#{r:02X}{g:02X}{b:02X}")
}
