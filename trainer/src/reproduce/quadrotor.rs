//! A quadrotor that hovers under limits: the linear-quadratic planner in closed loop, on the problem that TinyMPC has made
//! its example.

mod loops;

use super::{Outcome, Setting};
use crate::{
    export::write_file,
    report::{
        Report,
        plot::{Axis, Plot, Series},
    },
    results::Row,
};
use anyhow::Result;
use loops::Example;

/// The limits of the motors, the optimum under them, what is demanded, and the best of tinympc-rs.
const LIMITS: [(f64, f64, f64, f64); 2] = [(0.5, 4686.999, 4688.0, 4709.7), (2.0, 3660.249, 3661.0, 3686.9)];
const EXACT: &str = "exact programme at every step";
const PEER: &str = "tinympc-rs, the best of its settings";

pub(super) fn run(setting: &Setting) -> Result<Outcome> {
    let example = Example::read(&setting.data)?;
    let (mut rows, mut report) = (Vec::new(), Report::new("A quadrotor under limits", "TinyMPC's example"));
    for (limit, optimum, bound, peer) in LIMITS {
        let file = example.export(limit as f32)?;
        let name = format!("quadrotor-{limit}.fth");
        write_file(&setting.out.join(&name), file.bytes())?;
        let flight = example.fly(&file)?;
        let (clipped, shown) = (example.clipped(limit)?, format!("|u| ≤ {limit}"));
        rows.extend([
            Row::new(format!("{shown}: cost of 100 steps"), flight.cost, "")
                .beside(optimum, EXACT)
                .at_most(bound),
            Row::new(format!("{shown}: cost of 100 steps, the peer's"), flight.cost, "").beside(peer, PEER),
            Row::new(format!("{shown}: cost of the clipped regulator"), clipped, ""),
            Row::new(format!("{shown}: plans whose limits are all right"), flight.converged, "of 100"),
            Row::new(format!("{shown}: systems solved a plan, mean"), flight.mean(), ""),
            Row::new(format!("{shown}: systems solved a plan, most"), flight.most(), ""),
            Row::new(format!("{shown}: error of the plan's own cost"), flight.error, "relative")
                .at_most(1e-3),
        ]);
        report.section(&format!("Motors within ±{limit}")).figures(
            "Left: height and sideways place, in m. Right: the four motors, as deviations from hover.",
            [
                Plot::new(Axis::linear("time (s)"), Axis::linear("place (m)"))
                    .with(Series::line("height", flight.state(2)))
                    .with(Series::line("sideways", flight.state(1))),
                Plot::new(Axis::linear("time (s)"), Axis::linear("motor"))
                    .with_all((0..4).map(|i| Series::line(&format!("motor {}", i + 1), flight.motor(i)))),
            ],
        );
    }
    let notes = vec![
        "The 12-state linear quadrotor at 20 Hz, horizon 10 with the Riccati matrix behind it, 100 steps, Σ eᵀQe + uᵀRu. The plant runs \
         in f64, the planner is the chip's, in f32. The error of the plan's own cost is its largest distance, where no limit \
         matters, from that of the programme in f64."
            .into(),
        "The instructions on a chip: `forethought hil` with the exported quadrotor-0.5.fth and quadrotor-2.fth.".into(),
    ];
    Ok(Outcome { rows, report, notes })
}
