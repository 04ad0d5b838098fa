//! The pictures of the experiment.

use super::{ANSWER, Curve, DETOURS, Moment, SAMPLES, Test, Trained, window_error};
use crate::{
    predict::mpur::SEEN,
    report::{
        Figure, Report,
        plot::{Axis, Plot, Series},
        points::Point,
        tiles::Raster,
        traffic::view,
    },
    worlds::traffic::{
        DT,
        car::Car,
        road::Road,
        view::{CHANNELS, Grid},
    },
};

/// Steps that strips show.
const SHOWN: [usize; 5] = [0, 4, 9, 14, 19];
/// Windows that strips show.
const STRIPS: usize = 3;

pub(super) fn report(test: &Test, runs: &[Trained], grid: &Grid) -> Report {
    let mut report = Report::new(
        "A stochastic model of traffic",
        "Henaff, Canziani & LeCun, ICLR 2019, on recorded traffic",
    );
    let run = &runs[0];
    report.section("Frames").paragraph(
        "What a car sees 0.2, 1, 2, 3 and 4 s on, forward to the right: itself red, others blue, grey what is no lane. Each step is \
         predicted from what was predicted before it, with the recorded actions. Whoever comes into view later is foreseen by nobody.",
    );
    let n = test.batch.len();
    for i in busiest(test).into_iter().take(STRIPS) {
        let mut strips = vec![
            strip(&test.batch.next, i, n, grid, "as recorded"),
            strip(&run.deterministic, i, n, grid, "the deterministic model"),
        ];
        let sample =
            |(k, sample): (usize, &Vec<Moment>)| strip(sample, i, n, grid, &format!("sample {}", k + 1));
        strips.extend(run.stochastic[0].samples.iter().enumerate().take(3).map(sample));
        report.figures("A window in which much changes: as recorded, as predicted without z, and with three z of the prior.", strips);
    }
    report.section("Error").figure(
        "Squared error of other cars against time, of the first seed. Constant velocity is told where all cars are and how fast, or sees it. What comes of cars that are not in view yet is in all of them but the first.",
        Plot::new(Axis::linear("time (s)"), Axis::linear("squared error per cell"))
            .with(Series::line("copying", timed(&test.copied)))
            .with(Series::line("constant velocity, told", timed(&test.drifted[0])))
            .with(Series::line("constant velocity, seen", timed(&test.drifted[1])))
            .with(Series::line("deterministic", timed(&run.error)))
            .with(Series::line("a sample", timed(&run.stochastic[0].single)))
            .with(Series::dashed(&format!("mean of {SAMPLES}"), timed(&run.stochastic[0].mean)))
            .with(Series::dashed("not in view yet", timed(&test.hidden))),
    );
    report.section("Answers to actions").figures(
        &format!(
            "How much of the true change of the view a model shows when the car accelerates by 2 m/s² more (left) or turns out and \
             back (right): 1 is all of it, 0 is none. The table gives the values after {} s.",
            ANSWER as f64 * DT
        ),
        DETOURS.iter().enumerate().map(|(i, (name, _))| {
            Plot::new(Axis::linear(&format!("time (s), {name}")), Axis::linear("share of the true answer").range(-0.2, 1.2))
                .size(Plot::HALF, 260)
                .level(1.0)
                .with(Series::line("with z-dropout", timed(&run.stochastic[0].answers[i])))
                .with(Series::line("own way learned", timed(&run.stochastic[2].answers[i])))
                .with(Series::line("the same, no z-dropout", timed(&run.stochastic[3].answers[i])))
        }),
    );
    report
}

fn timed(curve: &Curve) -> Vec<Point> {
    curve.iter().enumerate().map(|(k, &v)| ((k + 1) as f64 * DT, v)).collect()
}

/// Windows in the order of how much copying the last view errs in them, the worst first.
fn busiest(test: &Test) -> Vec<usize> {
    let n = test.batch.len();
    let last = Moment { view: test.batch.views[0].clone(), state: test.batch.states[0].clone() };
    let copied = vec![last; test.batch.next.len()];
    let mut order: Vec<_> = (0..n).map(|i| (window_error(&copied, &test.batch.next, i, n), i)).collect();
    order.sort_by(|a, b| b.0.total_cmp(&a.0));
    order.into_iter().map(|(_, i)| i).collect()
}

/// Views of window `i` of `n`, one above the other.
fn strip(moments: &[Moment], i: usize, n: usize, grid: &Grid, title: &str) -> Figure {
    let frames: Vec<_> =
        SHOWN.iter().filter_map(|&k| moments.get(k)).map(|moment| frame(moment, i, n, grid)).collect();
    Figure::raster(&Raster::mosaic(&frames, 1, 1).enlarged(4), "predicted views").titled(title)
}

/// A view with the car itself put back.
fn frame(moment: &Moment, i: usize, n: usize, grid: &Grid) -> Raster {
    let length = moment.view.len() / n;
    let mut alone = vec![0.0; grid.maps().len()];
    grid.draw(Road { lanes: 1 }, &[Car::default()], 0, &mut alone);
    let seen = moment.view.as_slice()[i * length..][..length].chunks_exact(SEEN);
    for (cell, seen) in alone.chunks_exact_mut(CHANNELS).zip(seen) {
        cell[..SEEN].copy_from_slice(seen);
    }
    view(&alone, grid.along)
}
