//! The policy and the range of actions.

use crate::{
    Case, Failure,
    failure::{Golden, holds, near, refused, same_bits},
    reference::{self, wide},
    tiny::{self, NH, NU, NX, Numbers},
};
use forethought::{
    artifact::{Aligned, Artifact, ArtifactError, Entry, Model, Plant, write},
    math,
    policy::{Limits, Policy},
};

pub const CASES: &[Case] = &[
    Case { name: "policy: actions match f64", run: actions },
    Case { name: "policy: no state leads to an action outside its range", run: in_range },
    Case { name: "policy: projection onto the range", run: projection },
    Case { name: "policy: an empty range is refused", run: empty_range },
    Case { name: "policy: golden bits", run: golden },
];

fn actions() -> Result<(), Failure> {
    let mut numbers = Numbers(35);
    tiny::with(
        Model::Physics(Plant::Pendulum),
        |_| {},
        |artifact| {
            let policy = Policy::<NH>::load(artifact)?;
            for _ in 0..16 {
                let (x, mut u) = ([3.0 * numbers.next(), 8.0 * numbers.next()], [0.0; NU]);
                policy.act(&x, &mut u);
                let [o] = reference::network::<1>("policy", &wide(&x), None);
                near("action", 2.0 * reference::tanh(o), u[0], 4e-6)?;
            }
            Ok(())
        },
    )
}

/// Also the states that overflow the network's sums to infinity and NaN.
fn in_range() -> Result<(), Failure> {
    tiny::with(
        Model::Physics(Plant::Pendulum),
        |_| {},
        |artifact| {
            let policy = Policy::<NH>::load(artifact)?;
            for size in [0.0, 1e-40, 1.0, 1e10, 1e38, f32::MAX, f32::INFINITY, f32::NAN] {
                for x in [[size, 0.0], [0.0, size], [size, -size], [-size, size]] {
                    let mut u = [f32::NAN; NU];
                    policy.act(&x, &mut u);
                    holds("the action is in its range", (-2.0..=2.0).contains(&u[0]))?;
                }
            }
            Ok(())
        },
    )
}

/// Hands on the limits of an artifact that consists of nothing else.
fn with_limits<R>(
    low: [f32; 3],
    high: [f32; 3],
    then: impl FnOnce(Result<Limits<'_>, ArtifactError>) -> Result<R, Failure>,
) -> Result<R, Failure> {
    let mut header = tiny::header(Model::Network);
    header.sizes.action = 3;
    let (low, high) = (|row: usize, _| low[row], |row: usize, _| high[row]);
    let entries = [
        Entry { part: "action", name: "low", rows: 3, cols: 1, value: &low },
        Entry { part: "action", name: "high", rows: 3, cols: 1, value: &high },
    ];
    let mut buffer = Aligned([0; 512]);
    let length = write(header, &entries, &mut buffer.0)?;
    then(Limits::load(&Artifact::parse(&buffer.0[..length])?))
}

fn projection() -> Result<(), Failure> {
    with_limits([-1.0, 0.0, -0.1], [1.0, 2.0, 0.3], |limits| {
        let limits = limits?;
        let cases = [
            ([-5.0, -5.0, -5.0], [-1.0, 0.0, -0.1]),
            ([5.0, 5.0, 5.0], [1.0, 2.0, 0.3]),
            ([0.5, 0.5, 0.25], [0.5, 0.5, 0.25]),
            ([f32::INFINITY, f32::NEG_INFINITY, f32::INFINITY], [1.0, 0.0, 0.3]),
            // Zero has two signs and NaN many: the result must not depend on how a chip compares them.
            ([-0.0, -0.0, 0.0], [-0.0, 0.0, 0.0]),
            ([f32::NAN, -f32::NAN, f32::NAN], [-1.0, 0.0, -0.1]),
        ];
        for (mut u, expected) in cases {
            limits.project(&mut u);
            same_bits("projection", &expected, &u)?;
            limits.project(&mut u);
            same_bits("projection of a projection", &expected, &u)?;
        }
        same_bits(
            "clamped",
            &[0.0, -0.0, 2.0],
            &[math::clamp(-0.0, 0.0, 1.0), math::clamp(0.0, -1.0, -0.0), math::clamp(3.0, 1.0, 2.0)],
        )
    })
}

fn empty_range() -> Result<(), Failure> {
    let what = "an action's low end must be below its high end";
    for (low, high) in [(1.0, 1.0), (2.0, 1.0), (0.0, -0.0)] {
        with_limits([0.0, low, 0.0], [1.0, high, 1.0], |limits| {
            refused(ArtifactError::Setting { what }, limits)
        })?;
    }
    Ok(())
}

fn golden() -> Result<(), Failure> {
    let (mut numbers, mut golden) = (Numbers(36), Golden::default());
    tiny::with(
        Model::Physics(Plant::Pendulum),
        |_| {},
        |artifact| {
            let policy = Policy::<NH>::load(artifact)?;
            for _ in 0..32 {
                let (x, mut u) = (numbers.array::<NX>().map(|x| 8.0 * x), [0.0; NU]);
                policy.act(&x, &mut u);
                golden.add(&u);
            }
            golden.is("actions", 0xef45_5a5d)
        },
    )
}
