//! What each structure of inhibition looks like after learning.

use super::{Run, SIDE, Topography};
use crate::{
    perceive::{
        gabor::Gabor,
        inhibition::{Structure, coactivation},
        pools::Tree,
        tree::rates,
    },
    report::{
        Figure, Report, colour,
        plot::{Axis, Plot, Series},
        tiles::{self, Raster},
        tree,
    },
};
use nalgebra::DMatrix;

/// One structure's section.
pub(super) fn show(report: &mut Report, name: &str, run: &Run, source: &str) {
    report.section(&format!("Structure: {name}"));
    let atoms = &run.atoms;
    match &run.structure {
        Structure::Tree(branching) => {
            let tree = Tree::balanced(branching).expect("it was learned with");
            let rates = rates(&run.codes);
            report.figure(
                &format!(
                    "Units on one branch are free together, all others inhibit each other. Learned from {source}; a line \
                     is as wide as the lower unit is often on."
                ),
                tree::fan(&tree, atoms, SIDE, 720, false, |node| rates[node]),
            );
            let on = |j: &usize| run.codes.column(*j).iter().filter(|z| **z != 0.0).count();
            let code = run.codes.column((0..run.codes.ncols()).max_by_key(on).unwrap_or(0));
            let strength = |node: usize| code[node].abs() / code.amax().max(f32::MIN_POSITIVE);
            report.figure(
                "What the image with most units switches on.",
                tree::fan(&tree, atoms, SIDE, 480, true, strength),
            );
        }
        Structure::Ring { radius, .. } => {
            report.figure(
                &format!(
                    "Units at most {radius} apart on the ring are free together, all others inhibit each other."
                ),
                tree::ring(atoms, SIDE, 760),
            );
        }
        Structure::Map { rows, cols, radius } => {
            let map = Topography::measure(atoms.clone(), SIDE, [*rows, *cols], 0);
            map.show(report, &format!("Units at most {radius} apart on the torus are free together."));
        }
        Structure::Learned(_) => learned(report, run),
    }
    report.figure(
        "Mean energy of a batch.",
        Plot::new(Axis::linear("batch"), Axis::linear("energy"))
            .size(Plot::HALF, 220)
            .with(Series::line("", run.curve.clone())),
    );
}

/// `S` and the co-activation, units in the order of their orientation; and some units with their partners.
fn learned(report: &mut Report, run: &Run) {
    let (atoms, s) = (&run.atoms, &run.coder.inhibition);
    let fits = Gabor::fit_all(atoms, SIDE);
    let mut order: Vec<usize> = (0..atoms.ncols()).collect();
    order.sort_by(|&a, &b| fits[a].orientation().total_cmp(&fits[b].orientation()));
    let mut together = coactivation(&run.codes);
    together.fill_diagonal(0.0);
    let picture = |m: &DMatrix<f32>, text: &str| {
        let sorted = m.select_rows(&order).select_columns(&order);
        Figure::raster(&Raster::matrix(&sorted, m.amax(), colour::heat).enlarged(2), text).titled(text)
    };
    report.figures(
        "Units in the order of their orientation; dark is much.",
        [picture(s, "inhibition S"), picture(&together, "co-activation")],
    );
    let tile = |unit: usize| Raster::signed(atoms.column(unit).as_slice(), SIDE).enlarged(2);
    let partners = |by: &DMatrix<f32>, text: &str| {
        let row = |&unit: &usize| {
            let mut others: Vec<usize> = (0..atoms.ncols()).filter(|&other| other != unit).collect();
            others.sort_by(|&a, &b| by[(unit, b)].total_cmp(&by[(unit, a)]));
            std::iter::once(unit).chain(others.into_iter().take(9)).map(tile).collect::<Vec<_>>()
        };
        let tiles: Vec<_> = order.iter().step_by((order.len() / 10).max(1)).flat_map(row).collect();
        Figure::raster(&Raster::mosaic(&tiles, 10, 2), text).titled(text)
    };
    report.figures(
        "Some units, each first in its row, and their partners.",
        [partners(s, "those it inhibits most"), partners(&together, "those it is on with most")],
    );
    let dictionary = tiles::dictionary(atoms, SIDE, 16, 3);
    report.figure("All filters.", Figure::raster(&dictionary, "a mosaic of filters"));
}
