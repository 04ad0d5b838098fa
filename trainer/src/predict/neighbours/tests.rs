use super::*;
use crate::{
    predict::variational::Progress,
    worlds::traffic::{self, Highway, recording::Recording},
};
use rand::SeedableRng;

fn recordings() -> Vec<Recording> {
    let config = traffic::Config { cars: 15, episode: 60, ..traffic::Config::default() };
    Highway::new(config).record(6, &mut Rng::seed_from_u64(1))
}

fn config() -> Config {
    Config { hidden: 32, horizon: 8, batch: 32, deterministic: 200, stochastic: 60, ..Config::default() }
}

#[test]
fn training_makes_the_model_better_than_constant_speeds_and_it_answers_to_the_action() {
    let (recordings, config, rng) = (recordings(), config(), &mut Rng::seed_from_u64(2));
    let windows = Windows::new(&recordings, config.horizon).expect("windows");
    let mut model = Neighbours::new(&config, recordings[0].road, windows.scales(rng), rng);
    let batch = windows.draw(200, rng);
    // Nearly what constant speeds are, as an untrained network says almost nothing.
    assert!((model.error(&batch, false, rng) - 1.0).abs() < 0.3);
    model.train_deterministic(&windows, rng, |_| ()).expect("trained");
    assert!(model.error(&batch, false, rng) < 0.7);
    assert!(model.answer(&batch, false, rng) > 50.0);
    let mut last = Progress { step: 0, error: 0.0, kl: 0.0 };
    model.train_stochastic(&windows, 0.5, rng, |progress| last = progress).expect("trained");
    assert!(last.step == 59 && last.error.is_finite());
}

#[test]
fn a_car_alone_moves_as_a_car_does() {
    let (recordings, config, rng) = (recordings(), config(), &mut Rng::seed_from_u64(3));
    let windows = Windows::new(&recordings, config.horizon).expect("windows");
    let model = Neighbours::new(&config, recordings[0].road, windows.scales(rng), rng);
    let tape = Tape::new();
    let mut x = DMatrix::zeros(SIZE, 1);
    // 24 m/s, half a radian to the side, one neighbour 10 m ahead that is 1 m/s faster.
    (x[1], x[2], x[OWN], x[OWN + 2]) = (0.5, 2.0, 10.0, 1.0);
    let there = DMatrix::from_fn(NEIGHBOURS, 1, |i, _| if i == 0 { 1.0 } else { 0.0 });
    let own = tape.constant(DMatrix::from_column_slice(2, 1, &[1.0, 0.0]));
    let others = tape.constant(DMatrix::zeros(2 * NEIGHBOURS, 1));
    let next =
        tape.value(model.moved(&tape, tape.constant(x), tape.constant(there), own, others)).clone_owned();
    let aside = 24.5 * 0.2 * 0.5f32.sin();
    assert!((next[0] - aside).abs() < 1e-4 && (next[2] - 3.0).abs() < 1e-6);
    // The neighbour gained 1 m/s at first and nothing in the end: half a metre a second.
    assert!((next[OWN] - 10.1).abs() < 1e-4 && (next[OWN + 1] + aside).abs() < 1e-4);
    assert!(next[OWN + 2].abs() < 1e-6);
}
