//! The trunk that forward models and policies share, and how a state enters it.

use crate::{
    Case, Failure,
    failure::{Golden, all_near, near},
    reference::{self, slope, wide},
    tiny::{self, NH, NX, Numbers},
};
use forethought::{
    artifact::{Model, Plant},
    feature::Angles,
    network::StateNetwork,
};

pub const CASES: &[Case] = &[
    Case { name: "network: a network of the state matches f64", run: forward },
    Case { name: "network: its pullback matches finite differences", run: pullback },
    Case { name: "network: the pullback of sine and cosine matches finite differences", run: angles },
    Case { name: "network: golden bits", run: golden },
];

fn forward() -> Result<(), Failure> {
    let mut numbers = Numbers(13);
    tiny::with(
        Model::Physics(Plant::Pendulum),
        |_| {},
        |artifact| {
            let network = StateNetwork::<NH>::load(artifact, "value", 1)?;
            for _ in 0..8 {
                let x = numbers.array().map(|x| 3.0 * x);
                let mut out = [0.0];
                network.forward(&x, &mut out);
                all_near("output", &reference::network::<1>("value", &wide(&x), None), &out, 2e-6)?;
            }
            Ok(())
        },
    )
}

fn pullback() -> Result<(), Failure> {
    let mut numbers = Numbers(14);
    tiny::with(
        Model::Physics(Plant::Pendulum),
        |_| {},
        |artifact| {
            let network = StateNetwork::<NH>::load(artifact, "value", 1)?;
            for _ in 0..8 {
                let x = numbers.array().map(|x| 3.0 * x);
                let trace = network.forward(&x, &mut [0.0]);
                let mut gx = [1.0; NX];
                network.pull(&trace, &[2.0], &mut gx);
                for (i, g) in gx.into_iter().enumerate() {
                    let value = |x: &[f64; NX]| reference::network::<1>("value", x, None)[0];
                    near("slope", 1.0 + 2.0 * slope(value, &wide(&x), i), g, 4e-6)?;
                }
            }
            Ok(())
        },
    )
}

/// Weighted sum of all that a lifted state consists of, and its slopes.
fn angles() -> Result<(), Failure> {
    const N: usize = 5;
    let angles = Angles(0b10110);
    let mut numbers = Numbers(15);
    for _ in 0..8 {
        let x: [f32; N] = numbers.array().map(|x| 4.0 * x);
        let (g_lifted, mut g_sines): ([f32; N], [f32; N]) = (numbers.array(), numbers.array());
        g_sines[3..].fill(0.0); // Three of five are angles.
        let (mut lifted, mut sines, mut gx) = ([0.0; N], [0.0; N], [0.0; N]);
        angles.lift(&x, &mut lifted, &mut sines);
        angles.pull((&lifted, &sines), (&g_lifted, &g_sines), &mut gx);
        let sum = |x: &[f64; N]| {
            let values = [x[0], reference::cos(x[1]), reference::cos(x[2]), x[3], reference::cos(x[4])];
            let sines = [reference::sin(x[1]), reference::sin(x[2]), reference::sin(x[4])];
            let along = |g: &[f32], values: &[f64]| -> f64 {
                g.iter().zip(values).map(|(g, value)| f64::from(*g) * value).sum()
            };
            along(&g_lifted, &values) + along(&g_sines, &sines)
        };
        for (i, g) in gx.into_iter().enumerate() {
            near("slope", slope(sum, &wide(&x), i), g, 1e-6)?;
        }
    }
    Ok(())
}

fn golden() -> Result<(), Failure> {
    let (mut numbers, mut golden) = (Numbers(16), Golden::default());
    tiny::with(
        Model::Physics(Plant::Pendulum),
        |_| {},
        |artifact| {
            let network = StateNetwork::<NH>::load(artifact, "value", 1)?;
            for _ in 0..8 {
                let (mut out, mut gx) = ([0.0], numbers.array());
                let trace = network.forward(&numbers.array::<NX>().map(|x| 5.0 * x), &mut out);
                network.pull(&trace, &[numbers.next()], &mut gx);
                golden.add(&out);
                golden.add(&gx);
            }
            golden.is("networks", 0x5130_bf2d)
        },
    )
}
