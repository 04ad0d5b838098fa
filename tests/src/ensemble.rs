//! An ensemble: its mean, its variances and its pullback.

use crate::{
    Case, Failure,
    failure::{Golden, all_near, near, refused, same_bits},
    reference::{self, slope, wide},
    tiny::{self, NH, NU, NX, NZ, Numbers, weight},
    zero,
};
use forethought::{
    Zero,
    agent::{Decision, Mind, Mode, Reading},
    artifact::{ArtifactError, Load},
    forecast::Forecaster,
    predict::{ForwardModel, Pullback, ensemble::Ensemble, network::Network},
};

pub const CASES: &[Case] = &[
    Case { name: "ensemble: mean and variances match f64, in a larger type too", run: answer },
    Case { name: "ensemble: the mean's pullback matches finite differences", run: pullback },
    Case { name: "ensemble: no other model is one, and too many members do not fit", run: others },
    Case { name: "ensemble: golden bits", run: golden },
];

const MEMBERS: usize = 2;
/// The tiny ensemble.
pub type Two<'a> = Ensemble<'a, MEMBERS, NX, NU, NZ, NH>;
type Exact<'a> = Forecaster<Two<'a>, NX, NU, NZ, { 3 * NX }>;
type Larger<'a> = Forecaster<Ensemble<'a, 4, 5, 3, 2, 13>, 5, 3, 2, 15>;

/// State, action and latent, all within reach of the tiny model.
fn point(numbers: &mut Numbers) -> [f32; NX + NU + NZ] {
    [3.0, 6.0, 2.0, 1.0].map(|range| range * numbers.next())
}

/// Mean, aleatoric and epistemic variances of the next state in f64.
pub fn expected(at: &[f64; NX + NU + NZ]) -> [[f64; NX]; 3] {
    let [angle, speed, u, z] = *at;
    let outputs = ["predict 1", "predict 2"].map(|part| {
        let w = |name, row, col| f64::from(weight(part, name, row, col));
        let inputs = [
            ("w_x", 0, reference::cos(angle)),
            ("w_x", 1, speed),
            ("w_s", 0, reference::sin(angle)),
            ("w_u", 0, u),
            ("w_z", 0, z),
        ];
        let first: [f64; NH] = core::array::from_fn(|i| {
            let sum: f64 = inputs.iter().map(|(name, col, value)| w(name, i, *col) * value).sum();
            reference::tanh(w("b1", i, 0) + sum)
        });
        let layer = |name, bias, row, h: &[f64; NH]| {
            w(bias, row, 0) + (0..NH).map(|col| w(name, row, col) * h[col]).sum::<f64>()
        };
        let second: [f64; NH] = core::array::from_fn(|i| reference::tanh(layer("w_h", "b2", i, &first)));
        core::array::from_fn::<_, { 2 * NX }, _>(|i| layer("w_o", "b_o", i, &second))
    });
    let [a, b] = outputs;
    [
        core::array::from_fn(|i| at[i] + 0.5 * (a[i] + b[i])),
        core::array::from_fn(|i| 0.5 * (reference::exp(a[NX + i]) + reference::exp(b[NX + i]))),
        core::array::from_fn(|i| 0.25 * (a[i] - b[i]) * (a[i] - b[i])),
    ]
}

fn answer() -> Result<(), Failure> {
    let mut numbers = Numbers(70);
    tiny::with_ensemble(|artifact| {
        let (exact, larger) = (Exact::load(artifact)?, Larger::load(artifact)?);
        let (mut short, mut long) = (Decision::ZERO, Decision::ZERO);
        for _ in 0..8 {
            let asked = point(&mut numbers);
            exact.step(&mut zero(), Reading::Sensors(&asked), Mode::Plan, &mut short)?;
            all_near("answer", expected(&wide(&asked)).as_flattened(), &short.action, 1e-5)?;
            larger.step(&mut zero(), Reading::Sensors(&asked), Mode::Plan, &mut long)?;
            same_bits("the larger type's answer", &short.action, &long.action[..3 * NX])?;
            same_bits("nothing behind it", &[0.0; 9], &long.action[3 * NX..])?;
        }
        Ok(())
    })
}

fn pullback() -> Result<(), Failure> {
    let mut numbers = Numbers(71);
    tiny::with_ensemble(|artifact| {
        let model = Two::load(artifact)?;
        for _ in 0..8 {
            let (at @ [angle, speed, u, z], g) = (point(&mut numbers), numbers.array::<NX>());
            let (mut trace, mut pulled) = (zero(), Pullback::ZERO);
            model.step(&mut trace, &[angle, speed], &[u], &[z], &mut [0.0; NX]);
            model.pullback(&trace, &g, &mut pulled);
            let along = |at: &[f64; NX + NU + NZ]| {
                let [[a, b], ..] = expected(at);
                f64::from(g[0]) * a + f64::from(g[1]) * b
            };
            let found = [pulled.x[0], pulled.x[1], pulled.u[0], pulled.z[0]];
            for (i, found) in found.into_iter().enumerate() {
                near("slope", slope(along, &wide(&at), i), found, 4e-6)?;
            }
        }
        Ok(())
    })
}

fn others() -> Result<(), Failure> {
    let ensemble = ArtifactError::Kind { expected: "an ensemble as forward model" };
    tiny::with_model(|artifact| refused(ensemble, Two::load(artifact)))?;
    tiny::with_ensemble(|artifact| {
        let network = ArtifactError::Kind { expected: "a learned network as forward model" };
        refused(network, Network::<NX, NU, NZ, NH>::load(artifact))?;
        let many = ArtifactError::TooLarge { what: "members of an ensemble", capacity: 1, found: MEMBERS };
        refused(many, Ensemble::<1, NX, NU, NZ, NH>::load(artifact))
    })
}

fn golden() -> Result<(), Failure> {
    let (mut numbers, mut golden) = (Numbers(72), Golden::default());
    tiny::with_ensemble(|artifact| {
        let (mind, model) = (Exact::load(artifact)?, Two::load(artifact)?);
        let mut decision = Decision::ZERO;
        for _ in 0..8 {
            let (asked @ [angle, speed, u, z], g) = (point(&mut numbers), numbers.array::<NX>());
            mind.step(&mut zero(), Reading::Sensors(&asked), Mode::Plan, &mut decision)?;
            golden.add(&decision.action);
            let (mut trace, mut pulled) = (zero(), Pullback::ZERO);
            model.step(&mut trace, &[angle, speed], &[u], &[z], &mut [0.0; NX]);
            model.pullback(&trace, &g, &mut pulled);
            golden.add(&pulled.x);
            golden.add(&pulled.u);
            golden.add(&pulled.z);
        }
        golden.is("ensembles", 0x1bcd_cfe6)
    })
}
