//! Caution: a price of what the model does not know, and the mean over what nobody can know.

use crate::{
    Case, Failure,
    ensemble::{Two, expected},
    failure::{Golden, holds, near, refused, same_bits},
    reference::{self, slope, wide},
    tensors::Tensor,
    tiny::{self, DESCENT, H, NH, NU, NX, NZ, Numbers, weight},
    zero,
};
use forethought::{
    Zero,
    artifact::{
        ActiveSet, Artifact, ArtifactError, Descent, Header, Load, Method, Model, Newton, Planner, Sampling,
    },
    cost::Cost,
    plan::{self, Rollout, gradient::Gradient, ilqr::Ilqr},
    predict::{ForwardModel, ensemble::Ensemble},
};

pub const CASES: &[Case] = &[
    Case { name: "caution: cost and gradient with doubt and futures match f64", run: adjoint },
    Case { name: "caution: a price of 0 is none, and a larger type changes no bit", run: bits },
    Case { name: "caution: what a file cannot mean is refused", run: refusals },
    Case { name: "caution: golden bits of every planner that weighs it", run: golden },
];

/// Steps imagined here: shorter than the memory.
const STEPS: usize = 5;
/// Futures of the tiny cost.
const FUTURES: u16 = 4;

type Plan<M, const NX: usize, const NU: usize> = Rollout<M, NX, NU, H>;
type Step = <Two<'static> as ForwardModel<NX, NU, NZ>>::Trace;
/// The same ensemble in a type that is too large for it.
type Larger<'a> = Ensemble<'a, 4, 3, 2, 2, 13>;
type LargerStep = <Larger<'static> as ForwardModel<3, 2, 2>>::Trace;

fn same(tensor: Tensor) -> Tensor {
    tensor
}

/// Without one of the tensors of the cost.
fn without(name: &'static str) -> impl Fn(Tensor) -> Tensor {
    move |tensor| if tensor.1 == name { ("left out", name, tensor.2, tensor.3) } else { tensor }
}

/// The mean cost over all futures of five actions, in `f64`.
fn reference_cost(cost: &Cost<'_, NH>, start: &[f64; NX], actions: &[f64; STEPS]) -> f64 {
    let state = |x: &[f64; NX]| {
        let angle = reference::wrap(x[0]);
        angle * angle + f64::from(0.1_f32) * x[1] * x[1]
    };
    let mut sum = 0.0;
    for k in 0..FUTURES {
        let mut x = *start;
        for (t, u) in actions.iter().enumerate() {
            let [z] = cost.futures().draw::<NZ>(k, t);
            let [next, _, epistemic] = expected(&[x[0], x[1], *u, f64::from(z)]);
            sum += state(&x) + f64::from(0.001_f32) * u * u + 3.0 * epistemic[0] + 0.5 * epistemic[1];
            x = next;
        }
        sum += state(&x);
    }
    sum / f64::from(FUTURES)
}

fn adjoint() -> Result<(), Failure> {
    let mut numbers = Numbers(90);
    tiny::with_caution(
        |_| {},
        same,
        &weight,
        |artifact| {
            let (model, cost) = (Two::load(artifact)?, Cost::<NH>::load(artifact)?);
            for _ in 0..4 {
                let start = [2.0 * numbers.next(), 2.0 * numbers.next()];
                let actions: [f32; STEPS] = numbers.array().map(|u| 2.0 * u);
                let mut rollout: Plan<Step, NX, NU> = zero();
                let mut gradient = [[0.0; NU]; H];
                rollout.imagine((&model, &cost), &start, STEPS, |t, _, u| *u = [actions[t]]);
                rollout.gradient((&model, &cost), &start, STEPS, &mut gradient);
                let sum = |actions: &[f64; STEPS]| reference_cost(&cost, &wide(&start), actions);
                near("cost", sum(&wide(&actions)), rollout.cost, 1e-4)?;
                for (t, g) in gradient.into_iter().take(STEPS).enumerate() {
                    near("slope", slope(sum, &wide(&actions), t), g[0], 2e-4)?;
                }
                // Whichever future came true last: the gradient is that of the plan.
                let mut again = [[0.0; NU]; H];
                rollout.gradient((&model, &cost), &start, STEPS, &mut again);
                same_bits("gradient", gradient.as_flattened(), again.as_flattened())?;
            }
            Ok(())
        },
    )
}

/// A plan's cost and gradient.
fn judged(artifact: &Artifact<'_>, start: &[f32; NX]) -> Result<[f32; H + 1], Failure> {
    let (model, cost) = (Two::load(artifact)?, Cost::<NH>::load(artifact)?);
    let (mut rollout, mut gradient): (Plan<Step, NX, NU>, _) = (zero(), [[0.0; NU]; H]);
    rollout.imagine((&model, &cost), start, H, |t, _, u| *u = [t as f32 - 2.0]);
    rollout.gradient((&model, &cost), start, H, &mut gradient);
    let mut all = [rollout.cost; H + 1];
    all[..H].copy_from_slice(gradient.as_flattened());
    Ok(all)
}

fn bits() -> Result<(), Failure> {
    let start = [0.7, -1.0];
    let free = |part: &str, name: &str, row, col| match name {
        "doubt" => 0.0,
        _ => weight(part, name, row, col),
    };
    let asked = tiny::with_caution(|_| {}, same, &free, |artifact| judged(artifact, &start))?;
    let none = tiny::with_caution(|_| {}, without("doubt"), &weight, |artifact| judged(artifact, &start))?;
    same_bits("without doubt", &asked, &none)?;
    tiny::with_caution(
        |_| {},
        same,
        &weight,
        |artifact| {
            let wary = judged(artifact, &start)?;
            holds("doubt costs", wary[H] > none[H])?;
            let (model, cost) = (Larger::load(artifact)?, Cost::<13>::load(artifact)?);
            let (mut rollout, mut gradient): (Plan<LargerStep, 3, 2>, _) = (zero(), [[0.0; 2]; H]);
            let start = [start[0], start[1], 0.0];
            rollout.imagine((&model, &cost), &start, H, |t, _, u| *u = [t as f32 - 2.0, 0.0]);
            rollout.gradient((&model, &cost), &start, H, &mut gradient);
            same_bits("cost", &wary[H..], &[rollout.cost])?;
            same_bits("gradient", &wary[..H], &gradient.map(|[g, _]| g))
        },
    )
}

fn refusals() -> Result<(), Failure> {
    let check = |adjust: fn(&mut Header<'static>),
                 tensors: &dyn Fn(Tensor) -> Tensor,
                 weight: &dyn Fn(&str, &str, usize, usize) -> f32,
                 what| {
        tiny::with_caution(adjust, tensors, weight, |artifact| {
            refused(ArtifactError::Setting { what }, Cost::<NH>::load(artifact))
        })
    };
    let numbers = |name: &'static str, row: usize, number: f32| {
        move |part: &str, this: &str, r, col| {
            if (this, r) == (name, row) { number } else { weight(part, this, r, col) }
        }
    };
    let lq = |header: &mut Header<'static>| {
        header.planner = Planner::Lq(ActiveSet { iterations: 1, tolerance: 0.0 });
    };
    let network = |header: &mut Header<'static>| header.model = Model::Network;
    let ilqr = |header: &mut Header<'static>| header.planner = Planner::Ilqr(NEWTON);
    let many = "there must be 1 to 64 futures, in which a codeword lasts for 1 to 65535 steps";
    for (row, number) in [(0, 0.0), (0, 65.0), (0, 1.5), (1, 0.0), (1, 65536.0)] {
        check(|_| {}, &same, &numbers("futures", row, number), many)?;
    }
    check(|_| {}, &same, &numbers("doubt", 1, -0.1), "a price of doubt must be at least 0")?;
    check(
        |_| {},
        &same,
        &numbers("share", 0, -0.1),
        "the shares of a codebook must be at least 0, and one of them above",
    )?;
    check(
        network,
        &same,
        &weight,
        "a price of doubt needs an ensemble as forward model: no other knows what it does not know",
    )?;
    check(lq, &same, &weight, "a linear-quadratic planner cannot weigh doubt: its problem is solved before")?;
    for planner in [lq, ilqr] {
        check(
            planner,
            &without("doubt"),
            &weight,
            "only a gradient or a sampling planner can weigh several futures",
        )?;
    }
    let bare = |(part, name, rows, cols): Tensor| match part {
        "latent" => ("left out", name, rows, cols),
        _ => (part, name, rows, cols),
    };
    check(
        |_| {},
        &bare,
        &weight,
        "several futures need a forward model with a latent variable and its codebook",
    )
}

const NEWTON: Newton = Newton { iterations: 8, trials: 6, damping: 1e-2, tolerance: 1e-5 };
const DRAWN: Sampling = Sampling {
    method: Method::PathIntegral { temperature: 0.5 },
    iterations: 2,
    samples: 6,
    deviation: 0.3,
    correlation: 0.6,
    seed: 5,
};

/// Plans twice with what a file names, and takes down what came of it.
fn planned<'a, P: plan::Planner<'a, Two<'a>, NX, NU, NZ, NH, H>>(
    artifact: &Artifact<'a>,
    golden: &mut Golden,
) -> Result<(), Failure> {
    let (model, cost, planner) = (Two::load(artifact)?, Cost::<NH>::load(artifact)?, P::load(artifact)?);
    let mut state = P::State::ZERO;
    for x in [[1.5, -1.0], [1.4, -1.5]] {
        let outcome = planner.plan(&mut state, (&model, &cost), &x, |_, u| *u = [0.0]);
        golden.word(outcome.iterations);
        golden.add(&[outcome.cost]);
        golden.add(&outcome.action.unwrap_or_default());
        golden.add(planner.planned(&state).as_flattened());
    }
    Ok(())
}

fn golden() -> Result<(), Failure> {
    let mut golden = Golden::default();
    let descent = |header: &mut Header<'static>| {
        header.planner = Planner::Gradient(Descent { iterations: 6, ..DESCENT });
    };
    tiny::with_caution(descent, same, &weight, |file| planned::<Gradient<'_>>(file, &mut golden))?;
    let sampling = |header: &mut Header<'static>| header.planner = Planner::Sampling(DRAWN);
    tiny::with_caution(sampling, same, &weight, |file| {
        planned::<plan::sampling::Sampling<'_, 0>>(file, &mut golden)
    })?;
    let newton = |header: &mut Header<'static>| header.planner = Planner::Ilqr(NEWTON);
    tiny::with_caution(newton, without("futures"), &weight, |file| planned::<Ilqr<'_>>(file, &mut golden))?;
    golden.is("cautious plans", 0x79fe_8da6)
}
