//! The cost of a trajectory and its gradient.

use crate::{
    Case, Failure,
    failure::{Golden, near},
    reference::{self, slope, wide},
    tiny::{self, NH, NX, Numbers},
};
use forethought::{
    artifact::{Header, Model, Plant, Side, Term},
    cost::Cost,
    feature::{Feature, Map},
};

pub const CASES: &[Case] = &[
    Case { name: "cost: stage and terminal match f64", run: values },
    Case { name: "cost: gradients match finite differences", run: gradients },
    Case { name: "cost: golden bits", run: golden },
    Case { name: "cost: golden bits of a value in a table", run: golden_table },
];

/// One term of each map: index, map, target, weight, terminal weight.
const TERMS: [(u16, Map, f32, f32, f32); 4] = [
    (0, Map::Angle, 0.5, 1.0, 3.0),
    (1, Map::Value, -0.25, 0.1, 0.2),
    (0, Map::Cos, 1.0, 0.7, 0.0),
    (0, Map::Sin, 0.25, 0.3, 0.9),
];

fn terms(header: &mut Header<'_>) {
    let term = |(index, map, target, weight, terminal)| {
        let feature = Feature { index, map };
        Term { feature, side: Side::Both, target, weight, terminal }
    };
    header.cost.terms = TERMS.into_iter().map(term).collect();
}

fn reference_state(&[theta, omega]: &[f64; NX], weight: impl Fn(usize) -> f32) -> f64 {
    let residuals = [
        reference::wrap(0.5 - theta),
        -0.25 - omega,
        1.0 - reference::cos(theta),
        0.25 - reference::sin(theta),
    ];
    residuals.iter().enumerate().map(|(i, residual)| f64::from(weight(i)) * residual * residual).sum()
}

fn reference_stage(&[theta, omega, u]: &[f64; 3]) -> f64 {
    reference_state(&[theta, omega], |i| TERMS[i].3) + f64::from(0.001_f32) * u * u
}

fn reference_terminal(x: &[f64; NX]) -> f64 {
    reference_state(x, |i| TERMS[i].4) + reference::network::<1>("value", x, None)[0]
}

fn values() -> Result<(), Failure> {
    let mut numbers = Numbers(23);
    tiny::with(Model::Physics(Plant::Pendulum), terms, |artifact| {
        let cost = Cost::<NH>::load(artifact)?;
        for _ in 0..16 {
            let ([a, b, c], x) = (numbers.array().map(|x| 3.0 * x), numbers.array().map(|x| 3.0 * x));
            near("stage", reference_stage(&wide(&[a, b, c])), cost.stage(&[a, b], &[c]), 1e-5)?;
            near("terminal", reference_terminal(&wide(&x)), cost.terminal(&x), 1e-5)?;
        }
        Ok(())
    })
}

fn gradients() -> Result<(), Failure> {
    let mut numbers = Numbers(24);
    tiny::with(Model::Physics(Plant::Pendulum), terms, |artifact| {
        let cost = Cost::<NH>::load(artifact)?;
        for _ in 0..16 {
            let at @ [a, b, c] = numbers.array().map(|x| 2.5 * x);
            let (mut gx, mut gu) = ([0.0; NX], [0.0]);
            cost.stage_gradient(&[a, b], &[c], &mut gx, &mut gu);
            for (i, g) in gx.into_iter().chain(gu).enumerate() {
                near("stage", slope(reference_stage, &wide(&at), i), g, 1e-5)?;
            }
            let mut gx = [0.0; NX];
            cost.terminal_gradient(&[a, b], &mut gx);
            for (i, g) in gx.into_iter().enumerate() {
                near("terminal", slope(reference_terminal, &wide(&[a, b]), i), g, 3e-5)?;
            }
        }
        Ok(())
    })
}

fn golden() -> Result<(), Failure> {
    let (mut numbers, mut golden) = (Numbers(25), Golden::default());
    tiny::with(Model::Physics(Plant::Pendulum), terms, |artifact| {
        let cost = Cost::<NH>::load(artifact)?;
        for _ in 0..8 {
            let (x, u) = (numbers.array::<NX>().map(|x| 5.0 * x), numbers.array::<1>());
            let (mut gx, mut gu) = (numbers.array(), numbers.array::<1>());
            cost.stage_gradient(&x, &u, &mut gx, &mut gu);
            cost.terminal_gradient(&x, &mut gx);
            golden.add(&[cost.stage(&x, &u), cost.terminal(&x)]);
            golden.add(&gx);
            golden.add(&gu);
        }
        golden.is("costs", 0x851a_754b)
    })
}

fn golden_table() -> Result<(), Failure> {
    let (mut numbers, mut golden) = (Numbers(26), Golden::default());
    tiny::with_table(|artifact| {
        let cost = Cost::<NH>::load(artifact)?;
        for _ in 0..16 {
            // Around the circle more than once, and beyond the table's ends.
            let x = numbers.array::<NX>().map(|x| 8.0 * x);
            let (mut gx, mut hx) = (numbers.array(), [[0.0; NX]; NX]);
            cost.terminal_gradient(&x, &mut gx);
            cost.terminal_curvature(&x, &mut hx);
            golden.add(&[cost.terminal(&x)]);
            golden.add(&gx);
            hx.iter().for_each(|row| golden.add(row));
        }
        golden.is("costs with a table", 0xb3e6_d3a2)
    })
}
