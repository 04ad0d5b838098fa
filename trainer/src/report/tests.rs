//! What every report must have: text that stays text, tags that close, pictures that survive any numbers.

use super::{
    Figure, Report, Row, colour, escape, number,
    pendulum::{self, Frame, PendulumReport, Rollout, Tuning},
    plot::{Axis, Plot, Series},
    points::{self, BREAK},
    svg::Svg,
    tiles::{self, Raster},
};
use crate::evaluate::Flight;
use nalgebra::DMatrix;
use std::f64::consts::PI;

/// Fails unless every tag of an HTML or SVG text is closed in order.
fn assert_balanced(text: &str) {
    let mut open: Vec<&str> = Vec::new();
    let mut rest = text;
    while let Some((_, after)) = rest.split_once('<') {
        let (tag, next) = after.split_once('>').expect("a tag that ends");
        rest = next;
        let name = tag.split([' ', '\n']).next().unwrap_or_default();
        if let Some(closed) = name.strip_prefix('/') {
            assert_eq!(open.pop(), Some(closed), "closed out of order");
        } else if !(name.starts_with('!') || tag.ends_with('/') || matches!(name, "meta" | "img")) {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "never closed: {open:?}");
}

#[test]
fn text_stays_text() {
    let hostile = "<script>alert(\"go\")</script> & 'x'";
    assert_eq!(escape(hostile), "&lt;script&gt;alert(&quot;go&quot;)&lt;/script&gt; &amp; &#39;x&#39;");
    let drawing = {
        let mut svg = Svg::new(10, 10);
        svg.text((0.0, 0.0), super::svg::Anchor::Start, 10.0, colour::INK, hostile);
        svg
    };
    let plot =
        Plot::new(Axis::linear(hostile), Axis::log(hostile)).with(Series::line(hostile, vec![(0.0, 1.0)]));
    let mut report = Report::new(hostile, hostile);
    report.section(hostile).paragraph(hostile).table(&[hostile], [Row::new([hostile]).holds(true)]);
    report.figure(hostile, Figure::raster(&Raster::grey(&[0.0], 1), hostile).titled(hostile));
    report.figures(hostile, [Figure::from(plot), drawing.into()]);
    let html = report.finish();
    assert!(!html.contains("<script"));
    assert!(!html.contains("\"go\""));
    assert_balanced(&html);
}

#[test]
fn nothing_comes_from_elsewhere() {
    let mut report = Report::new("a", "b");
    report.figure(
        "c",
        Plot::new(Axis::linear("x"), Axis::linear("y")).with(Series::dots("d", vec![(1.0, 2.0)])),
    );
    let html = report.finish();
    let elsewhere = html.replace("http://www.w3.org/2000/svg", "");
    for link in ["http", "src=\"/", "@import", "url("] {
        assert!(!elsewhere.contains(link), "{link}");
    }
}

#[test]
fn tables_set_numbers_flush_right_and_mark_what_holds() {
    let mut report = Report::new("", "");
    report.table(
        &["who", "value", "share"],
        [Row::new(["a", "−1.5 ± 0.2", "12 %"]).holds(true), Row::new(["b", "2", ""]).holds(false)],
    );
    let html = report.finish();
    assert!(html.contains("<td>a</td><td class=\"number\">−1.5 ± 0.2</td><td class=\"number\">12 %</td>"));
    assert!(html.contains("✓") && html.contains("✗"));
    let mut plain = Report::new("", "");
    plain.table(&["who"], [["2 of the best"]]);
    assert!(!plain.finish().contains("<td class"));
}

#[test]
fn numbers_have_a_minus_and_no_negative_zero() {
    assert_eq!(number(-136.44, 1), "−136.4");
    assert_eq!(number(-0.04, 1), "0.0");
    assert_eq!(number(f64::NAN, 1), "–");
}

#[test]
fn mosaics_have_the_size_of_their_tiles_and_gaps() {
    let atoms = DMatrix::from_fn(256, 64, |r, c| (r as f32 - 128.0) * (c as f32 - 1.0));
    assert_eq!(tiles::dictionary(&atoms, 16, 8, 4).size(), (8 * 64 + 7, 8 * 64 + 7));
    let tile = Raster::grey(&[0.0, 0.5, 1.0, f32::NAN, 2.0], 2);
    assert_eq!(tile.size(), (2, 3));
    assert_eq!(tile.enlarged(3).size(), (6, 9));
    assert_eq!(Raster::mosaic(&vec![tile; 5], 3, 2).size(), (3 * 2 + 2 * 2, 2 * 3 + 2));
    // A PNG cannot be empty.
    for empty in [Raster::mosaic(&[], 3, 2), Raster::grey(&[], 0), Raster::strip(&[], 1.0)] {
        assert_eq!(empty.size(), (1, 1));
        assert!(empty.png().starts_with(b"\x89PNG"));
    }
}

#[test]
fn a_matrix_is_shown_as_it_is_written() {
    let m = DMatrix::from_row_slice(2, 3, &[0.0, 0.0, 1.0, 0.0, 0.0, 0.0]);
    let by_hand = Raster::grey(&[0.0, 0.0, 1.0, 0.0, 0.0, 0.0], 3);
    assert_eq!(Raster::matrix(&m, 1.0, colour::grey), by_hand);
}

#[test]
fn plots_survive_any_numbers() {
    let nan = f64::NAN;
    let cases = [
        vec![],
        vec![(0.0, 0.0)],
        vec![BREAK],
        vec![(nan, 1.0), (1.0, nan), (f64::INFINITY, f64::NEG_INFINITY)],
        vec![(0.0, 5.0), (1.0, 5.0)],
        vec![(0.0, -1.0), (1.0, 0.0), (2.0, 1e-30), (3.0, 1e30)],
        vec![(1e300, -1e300), (-1e300, 1e300)],
        vec![(1e9, 1e9), (1e9 + 1e-6, 1e9 + 1e-6)],
    ];
    let axes =
        [Axis::linear("x / s"), Axis::log("x"), Axis::angle("x / rad"), Axis::linear("x").range(3.0, 3.0)];
    for (points, axis) in cases.iter().flat_map(|points| axes.iter().map(move |axis| (points, axis))) {
        let points = || points.clone();
        let plot = Plot::new(axis.clone(), axis.clone())
            .with(Series::line("line", points()))
            .with(Series::dashed("dashed", points()))
            .with(Series::dots("dots", points()))
            .with(Series::band("band", points(), points().into_iter().take(1).collect()))
            .with_noisy("noisy", points::thinned(&points(), 3), colour::GREEN)
            .level(2.0);
        assert_balanced(&plot.svg());
    }
    let empty = Plot::new(Axis::linear("x"), Axis::linear("y")).svg();
    assert!(empty.contains("no data"));
}

#[test]
fn ticks_are_round_and_neither_none_nor_many() {
    for exponent in -8..9 {
        for (low, high) in [(0.0, 1.0), (-0.013, 0.011), (9.9, 10.2), (-7.0, 91.0)] {
            let scale = 10f64.powi(exponent);
            for count in 2..10 {
                let n = Axis::linear("").ticks((low * scale, high * scale), count).len();
                assert!(
                    (2..=2 * count + 2).contains(&n),
                    "{n} ticks of {count} in {low} to {high} e{exponent}"
                );
                let n = Axis::log("").ticks((low, high), count).len();
                assert!((1..=2 * count + 2).contains(&n), "{n} log ticks of {count} in {low} to {high}");
            }
        }
    }
    let labels = |axis: &Axis, range, n| axis.ticks(range, n).into_iter().map(|t| t.1).collect::<Vec<_>>();
    assert_eq!(labels(&Axis::angle(""), (-PI, PI), 5), ["−π", "−π/2", "0", "π/2", "π"]);
    assert_eq!(labels(&Axis::log(""), (-5.5, 0.5), 6), ["10⁻⁵", "10⁻⁴", "10⁻³", "10⁻²", "10⁻¹", "1"]);
    assert_eq!(labels(&Axis::linear(""), (-0.03, 0.03), 3), ["−0.02", "0.00", "0.02"]);
}

#[test]
fn circular_lines_break_at_the_edge_and_meet_it() {
    let out = points::round_x(&[(3.0, 0.0), (-3.0, 2.0)]);
    assert_eq!(out.len(), 5);
    assert!(out[2].0.is_nan());
    assert!((out[1].0 - PI).abs() < 1e-12 && (out[3].0 + PI).abs() < 1e-12);
    assert!((out[1].1 - 1.0).abs() < 1e-9, "halfway round at the edge");
    let upright = points::round_y(&[(0.0, 3.0), (1.0, -3.0)]);
    assert!(upright[2].1.is_nan() && (upright[1].0 - 0.5).abs() < 1e-9);
}

#[test]
fn thinning_keeps_means_and_extremes() {
    let noisy: Vec<_> = (0..1000).map(|i| (f64::from(i), f64::from(i % 2))).collect();
    let thin = points::thinned(&noisy, 100);
    assert_eq!((thin.mean.len(), thin.mean[3].1, thin.low[3].1, thin.high[3].1), (100, 0.5, 0.0, 1.0));
    assert!(points::thinned(&[BREAK], 10).mean.is_empty());
}

#[test]
fn the_pendulum_report_takes_nothing_and_nonsense() {
    assert_balanced(&pendulum::html(&PendulumReport::default()));
    let nan = vec![f32::NAN; 2];
    let nonsense = PendulumReport {
        atoms: DMatrix::from_element(256, 3, f32::NAN),
        frames: vec![Frame::default(), Frame { theta: f32::NAN, ..Frame::default() }],
        tuning: Tuning {
            angles: vec![0.0],
            codes: DMatrix::from_element(2, 1, f32::NAN),
            readout_error: vec![],
        },
        rollouts: vec![Rollout { truth: vec![vec![]], model: vec![nan.clone()] }],
        flight: Flight {
            states: vec![nan.clone(), vec![]],
            estimates: vec![nan.clone()],
            plans: vec![vec![nan]],
            ..Flight::default()
        },
        ..PendulumReport::default()
    };
    assert_balanced(&pendulum::html(&nonsense));
}
