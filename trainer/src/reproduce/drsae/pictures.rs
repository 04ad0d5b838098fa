//! The pictures of one trained network: its two kinds of unit, a code as it unfolds, and the digits it takes for others.

use super::{CATEGORY, Digits, PART, Trained};
use crate::{
    mind::{self, Perceived},
    perceive::drsae::Epoch,
    report::{
        Figure, Report,
        colour::{self, BLUE, GREEN, INK, MUTED, VERMILLION},
        mistakes::mistakes,
        plot::{Axis, Plot, Series},
        svg::{Anchor, Svg},
        tiles::{self, Raster},
    },
    tasks::digits,
};
use anyhow::Result;
use nalgebra::DMatrix;

/// At most so many units of a kind are shown.
const SHOWN: usize = 100;

pub(super) fn show(report: &mut Report, trained: &Trained, digits: &Digits) -> Result<()> {
    let angles = trained.model.angles();
    report.section("Two kinds of unit").figure(
        &format!(
            "Angle between what makes a unit active, its row of E, and what it adds to the image, its column of D. Units below \
             {PART} rad stand for parts, units above {CATEGORY} rad for categories. (Network of {} units, T = {}, seed {}.)",
            trained.config.units, trained.config.iterations, trained.seed
        ),
        histogram(&angles),
    );
    let kind =
        |chosen: &dyn Fn(f32) -> bool| atoms(trained.model.dictionary(), &angles, digits.test.cols, chosen);
    report.figures(
        &format!(
            "Columns of the decoder D, red adds light and blue takes it away: at most {SHOWN} units with the smallest angles, \
             which are strokes, and as many with the largest, which are whole digits less what distinguishes them."
        ),
        [
            kind(&|angle| angle < PART).titled("parts"),
            kind(&|angle| angle > CATEGORY).titled("categories"),
        ],
    );
    report.section("How a code unfolds").paragraph(
        "One digit, looked at after each evaluation of the non-linearity: what its code stands for, and the units, each a column. \
         Units of parts answer first; units of categories grow slowly, win, and silence each other.",
    );
    report
        .figure("The exported file, stopped after t of its iterations.", unrolled(trained, digits, &angles)?);
    report.section("What it takes for something else").figure(
        "Test digits that are misclassified, each with what it is and what was seen.",
        mistakes(&digits.test, &digits.test_labels, &trained.seen),
    );
    report.section("How it was trained").figures(
        &format!(
            "Criteria and training error epoch by epoch; labels are used after the first {}.",
            trained.config.pretraining
        ),
        curves(trained),
    );
    Ok(())
}

fn histogram(angles: &[f32]) -> Plot {
    const BINS: usize = 40;
    let top = angles.iter().copied().fold(0.0, f32::max).max(1.6);
    let width = top / BINS as f32;
    let mut counts = [0usize; BINS];
    angles.iter().for_each(|a| counts[((a / width) as usize).min(BINS - 1)] += 1);
    let bars = counts.iter().enumerate().map(|(bin, &count)| {
        let (left, right, count) =
            (f64::from(width) * bin as f64, f64::from(width) * (bin + 1) as f64, count as f64);
        let colour = match left + 0.5 * f64::from(width) {
            middle if middle < PART.into() => BLUE,
            middle if middle > CATEGORY.into() => VERMILLION,
            _ => MUTED,
        };
        Series::band("", vec![(left, 0.0), (right, 0.0)], vec![(left, count), (right, count)]).colour(colour)
    });
    Plot::new(Axis::linear("angle / rad").range(0.0, top.into()), Axis::linear("units"))
        .size(Plot::FULL, 220)
        .with_all(bars)
}

/// Atoms of the units whose angle is as it should be, the most typical first.
fn atoms(dictionary: &DMatrix<f32>, angles: &[f32], width: usize, chosen: &dyn Fn(f32) -> bool) -> Figure {
    let mut units: Vec<_> = (0..angles.len()).filter(|&unit| chosen(angles[unit])).collect();
    // Those far from the middle come first, on either side.
    let middle = 0.5 * (PART + CATEGORY);
    units.sort_by(|&a, &b| (angles[b] - middle).abs().total_cmp(&(angles[a] - middle).abs()));
    units.truncate(SHOWN);
    let chosen = dictionary.select_columns(&units);
    Figure::raster(&tiles::dictionary(&chosen, width, 10, 1), "columns of the decoder")
}

/// Rows of the picture are iterations: what the code stands for, and the code.
fn unrolled(trained: &Trained, digits: &Digits, angles: &[f32]) -> Result<Svg> {
    const ROW: f64 = 34.0;
    const LEFT: f64 = 90.0;
    // The first test digit is as good as any.
    let image = digits.test.pixels.column(0);
    let perceived: Vec<Perceived> = (1..=trained.config.iterations)
        .map(|t| {
            let file = digits::export(&trained.model, t, digits.scale, trained.seed, digits.digest)?;
            Ok(mind::encoder(&file.parse()?)?(image.as_slice()))
        })
        .collect::<Result<_>>()?;
    let ever = |unit: &usize| perceived.iter().any(|seen| seen.code[*unit] > 0.0);
    let mut units: Vec<_> = (0..angles.len()).filter(ever).collect();
    units.sort_by(|&a, &b| angles[a].total_cmp(&angles[b]));
    let largest = tiles::largest(&perceived.iter().flat_map(|seen| seen.code.clone()).collect::<Vec<_>>());
    let mut svg = Svg::new(Plot::FULL, (ROW * perceived.len() as f64) as u32 + 40);
    svg.text((LEFT, 12.0), Anchor::Start, 11.5, BLUE, "parts");
    svg.text((Plot::FULL.into(), 12.0), Anchor::End, 11.5, VERMILLION, "categories");
    for (t, seen) in perceived.iter().enumerate() {
        let y = 20.0 + ROW * t as f64;
        svg.text((0.0, y + 20.0), Anchor::Start, 11.5, INK, &format!("t = {}", t + 1));
        if let Some(reconstruction) = &seen.reconstruction {
            svg.image((LEFT - 42.0, y), (32.0, 32.0), &Raster::grey(reconstruction, digits.test.cols));
        }
        let code: Vec<_> = units.iter().map(|&unit| seen.code[unit]).collect();
        let width = f64::from(Plot::FULL) - LEFT;
        svg.image(
            (LEFT, y),
            (width, 30.0),
            &Raster::map(&code, code.len(), |z| colour::heat((z / largest).sqrt())),
        );
    }
    Ok(svg)
}

fn curves(trained: &Trained) -> [Plot; 2] {
    let first = trained.config.pretraining;
    let points = |value: &dyn Fn(&Epoch) -> f32, from: usize| {
        let epochs = trained.curve.iter().filter(|epoch| epoch.number > from);
        epochs.map(|epoch| (epoch.number as f64, f64::from(value(epoch)))).collect::<Vec<_>>()
    };
    let plot = |y: Axis| {
        Plot::new(Axis::linear("epoch").range(0.0, trained.curve.len() as f64), y).size(Plot::HALF, 240)
    };
    [
        plot(Axis::log("criterion, mean per digit"))
            .with(Series::line("½‖x − D z‖²", points(&|e| e.reconstruction, 0)).colour(BLUE))
            .with(Series::line("‖z‖₁", points(&|e| e.l1, 0)).colour(GREEN))
            .with(Series::line("−log p(label)", points(&|e| e.classification, first)).colour(VERMILLION)),
        plot(Axis::log("training error / %"))
            .with(Series::line("", points(&|e| 100.0 * e.error.max(1e-6), first)).colour(VERMILLION)),
    ]
}
