//! A planner over a plant's physics, from a weight file to the optimum that is known.

use forethought::{
    Zero,
    agent::{Decision, Mind, Mode, Reading},
    artifact::*,
    control::Controller,
    feature::{Angles, Feature, Map},
    plan::ilqr::Ilqr,
    predict::{ForwardModel, physics::cart_pole::CartPole},
};

const H: usize = 35;
type Swinging<'a> = Controller<'a, CartPole, Ilqr<'a>, 4, 1, 0, 0, H>;

fn term((index, map, target, weight): (u16, Map, f32, f32)) -> Term {
    Term { feature: Feature { index, map }, side: Side::Both, target, weight, terminal: 0.0 }
}

/// The cost of 100 steps from hanging still is at most 0.4 % above the least that is possible, 90.139.
#[test]
fn a_pole_is_swung_up_at_the_least_cost() {
    let terms = [
        (0, Map::Value, 0.0, 0.5),
        (1, Map::Value, 0.0, 0.05),
        (2, Map::Cos, 1.0, 1.0),
        (2, Map::Sin, 0.0, 1.0),
        (3, Map::Value, 0.0, 0.01),
    ];
    let cost = CostTerms { terms: terms.into_iter().map(term).collect(), ..CostTerms::default() };
    let newton = Newton { iterations: 15, trials: 6, damping: 1e-2, tolerance: 1e-6 };
    let sizes = Sizes { state: 4, action: 1, ..Sizes::default() };
    let provenance = Provenance { trainer: "by hand", task: "cart-pole", seed: 0, data: 0 };
    let sensors = Sensors { low: -100.0, high: 100.0 };
    let header = Header::model(sizes, Angles(0b0100), sensors, Model::Physics(Plant::CartPole), provenance)
        .controller(H as u16, cost, Planner::Ilqr(newton));
    let numbers = [
        ("action", "low", -10.0),
        ("action", "high", 10.0),
        ("action", "safe", 0.0),
        ("cost", "action", 0.001),
    ];
    let values = numbers.map(|(.., number)| move |_: usize, _: usize| number);
    let entries: Vec<_> = numbers
        .iter()
        .zip(&values)
        .map(|(&(part, name, _), value)| Entry { part, name, rows: 1, cols: 1, value })
        .collect();
    let mut buffer = Aligned([0; 4096]);
    let length = write(header, &entries, &mut buffer.0).unwrap();
    let artifact = Artifact::parse(&buffer.0[..length]).unwrap();
    let mind = <Swinging<'_> as Mind<'_, 4, 1>>::load(&artifact).unwrap();
    let (mut state, mut decision) = (<Swinging<'_> as Mind<'_, 4, 1>>::State::ZERO, Decision::ZERO);
    let (model, mut x, mut total) = (CartPole::default(), [0.0, 0.0, core::f32::consts::PI, 0.0], 0.0);
    for _ in 0..100 {
        mind.step(&mut state, Reading::State(&x), Mode::Plan, &mut decision).unwrap();
        let [force] = decision.action;
        let [at, speed, angle, spin] = x.map(f64::from);
        total += 0.5 * at * at
            + 0.05 * speed * speed
            + 2.0 * (1.0 - angle.cos())
            + 0.01 * spin * spin
            + 0.001 * f64::from(force).powi(2);
        let mut next = [0.0; 4];
        let mut trace = Zero::ZERO;
        model.step(&mut trace, &x, &decision.action, &[], &mut next);
        x = next;
    }
    assert!(total <= 90.5, "{total}");
}
