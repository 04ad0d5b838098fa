use super::*;
use crate::{
    mind,
    predict::variational::Progress,
    worlds::traffic::{
        self, Highway,
        car::{Car, LENGTH, WIDTH},
        recording::Recording,
        view::CHANNELS,
    },
};
use forethought::{
    agent::{Mode, Reading},
    artifact::Provenance,
    predict::traffic::{
        boxes::{Found, find},
        cars::take,
    },
};
use rand::{RngExt, SeedableRng};

const GRID: Grid = Grid { along: 16, across: 8, length: 4.0, width: 2.0, behind: 0.375 };

fn recordings() -> Vec<Recording> {
    let config = traffic::Config { cars: 10, episode: 40, ..traffic::Config::default() };
    Highway::new(config).record(4, &mut Rng::seed_from_u64(1))
}

fn config() -> Config {
    Config {
        fine: 4,
        maps: 6,
        hidden: 8,
        latent: 3,
        horizon: 4,
        batch: 4,
        deterministic: 400,
        stochastic: 20,
        ..Config::default()
    }
}

fn model(config: &Config, windows: &Windows<'_>, rng: &mut Rng) -> Mpur {
    Mpur::new(config, &GRID, Road { lanes: 4 }, windows.scales(config.detours, rng), rng)
}

#[test]
fn training_makes_views_and_states_better() {
    let (recordings, rng) = (recordings(), &mut Rng::seed_from_u64(2));
    for own in [Own::Known, Own::Learned] {
        let config = Config { own, ..config() };
        let windows = Windows::new(&recordings, GRID, config.past, config.horizon).expect("windows");
        let mut model = model(&config, &windows, rng);
        let places: Vec<_> = (0..100).map(|_| windows.draw_with_detours(0.5, rng)).collect();
        let batch = windows.batch(&places);
        let error = |model: &Mpur| {
            let last = model.forecast(&batch, None).pop().expect("a step");
            let truth = batch.next.last().expect("a step");
            let off = |a: &DMatrix<f32>, b: &DMatrix<f32>, row: usize| (a - b).row(row).norm_squared();
            (off(&last.view, &truth.view, OTHERS), off(&last.state, &truth.state, 2))
        };
        let before = error(&model);
        model.train_deterministic(&config, &windows, rng, |_| ()).expect("trained");
        let after = error(&model);
        match own {
            // Kinematics need no training.
            Own::Known => assert!(after.0 < 0.9 * before.0 && after.1 < 1e-3, "{after:?} after {before:?}"),
            Own::Learned => {
                assert!(after.0 < 0.9 * before.0 && after.1 < 0.7 * before.1, "{after:?} after {before:?}");
            }
        }
        let mut last = Progress { step: 0, error: 0.0, kl: 0.0 };
        model.train_stochastic(&config, &windows, rng, |progress| last = progress).expect("trained");
        assert!(last.step == 19 && last.error.is_finite());
    }
}

#[test]
fn an_untrained_model_keeps_speeds_and_draws_what_is_seen() {
    let (recordings, config, rng) = (recordings(), config(), &mut Rng::seed_from_u64(4));
    let windows = Windows::new(&recordings, GRID, config.past, config.horizon).expect("windows");
    let model = model(&config, &windows, rng);
    let places: Vec<_> = (0..100).map(|_| windows.draw_with_detours(0.5, rng)).collect();
    let batch = windows.batch(&places);
    // The cars that are found, drawn again, are the view, and so are the lines and verges.
    let tape = Tape::new();
    let scene = Scene::new(&tape, &model.look(&batch), &batch.states[0]);
    assert!((&*tape.value(model.view(&tape, scene)) - &batch.views[0]).amax() < 2e-3);
    // In a step nobody gets far from where they are expected.
    let error = |a: &DMatrix<f32>, b: &DMatrix<f32>| (a - b).norm_squared();
    let (first, truth) = (&model.forecast(&batch, None)[0], &batch.next[0]);
    assert!(error(&first.view, &truth.view) < 0.1 * error(&batch.views[0], &truth.view));
    assert!((&first.state - &truth.state).row(2).amax() < 1e-3);
    // Those who are followed are all that was to be seen, but for newcomers.
    let followed = &model.foreseeable(&batch)[0];
    assert!(error(&followed.view, &truth.view) < 0.05 * error(&batch.views[0], &truth.view));
}

#[test]
fn gradients_reach_actions_through_a_frozen_model() {
    let (recordings, rng) = (recordings(), &mut Rng::seed_from_u64(3));
    for own in [Own::Known, Own::Learned] {
        let config = Config { own, deterministic: 20, ..config() };
        let windows = Windows::new(&recordings, GRID, config.past, config.horizon).expect("windows");
        let mut model = model(&config, &windows, rng);
        model.train_deterministic(&config, &windows, rng, |_| ()).expect("trained");
        let batch = windows.batch(&[windows.draw(rng), windows.draw(rng)]);
        let (cars, z) = (model.look(&batch), model.prior(2, rng));
        let loss = |tape: &Tape, action: Var| {
            let mut scene = Scene::new(tape, &cars, &batch.states[0]);
            for _ in 0..3 {
                scene = model.step(tape, true, scene, action, Latent::Given(tape.constant(z.clone())));
            }
            let start = tape.constant(batch.states[0].clone());
            tape.add(
                tape.sum(tape.sub(scene.state, start)),
                tape.sum(tape.mul_row(scene.places, scene.there)),
            )
        };
        let tape = Tape::new();
        let action = tape.parameter(&batch.actions[0]);
        tape.backward(loss(&tape, action));
        let gradient = tape.gradient(action).clone_owned();
        let at = |entry: usize, by: f32| {
            let tape = Tape::new();
            let mut moved = batch.actions[0].clone();
            moved[entry] += by;
            f64::from(tape.scalar(loss(&tape, tape.constant(moved))))
        };
        // In units of the actions' scales; rectifiers bend within a step, so the directions are compared.
        let pairs: Vec<_> = (0..gradient.len())
            .map(|entry| {
                let scale = model.scales.action[entry % ACTION];
                let difference = (at(entry, 0.1 * scale) - at(entry, -0.1 * scale)) / 0.2;
                (f64::from(gradient[entry] * scale), difference)
            })
            .collect();
        let dot = |f: &dyn Fn(&(f64, f64)) -> f64| pairs.iter().map(f).sum::<f64>();
        let cosine = dot(&|p| p.0 * p.1) / (dot(&|p| p.0 * p.0) * dot(&|p| p.1 * p.1)).sqrt();
        assert!(cosine > 0.95, "{pairs:?}");
    }
}

#[test]
fn windows_hold_what_a_car_saw_and_did() {
    let recordings = recordings();
    let windows = Windows::new(&recordings, GRID, 4, 5).expect("windows");
    let detour = Detour::default();
    let places = [Place { episode: 1, car: 3, t: 7, detour }, Place { episode: 0, car: 0, t: 3, detour }];
    let batch = windows.batch(&places);
    assert_eq!((batch.views.len(), batch.actions.len(), batch.next.len(), batch.len()), (4, 5, 5, 2));
    let car = |t: usize| recordings[1].frames[t][3].state();
    assert_eq!(batch.states[0].column(0).as_slice(), car(7));
    assert_eq!(batch.next[4].state.column(0).as_slice(), car(12));
    assert_eq!(batch.actions[2].column(0).as_slice(), recordings[1].action(9, 3));
    // The view after a step is the newest view of the window that begins there.
    let later = windows.batch(&[Place { t: 8, ..places[0] }]);
    assert_eq!(later.views[0].as_slice(), &batch.next[0].view.as_slice()[..later.views[0].len()]);
    assert_eq!(later.views[1].as_slice(), &batch.views[0].as_slice()[..later.views[0].len()]);
    assert!(Windows::new(&recordings, GRID, 4, 50).is_err());
    assert!(Windows::new(&recordings, Grid { length: 8.0, ..GRID }, 4, 5).is_err());
    let drift = windows.constant_velocity(&places);
    assert_eq!((drift.len(), drift[4].state.column(0)[2]), (5, car(7)[2]));
}

#[test]
fn a_detour_is_what_the_actions_say() {
    let recordings = recordings();
    let windows = Windows::new(&recordings, GRID, 4, 5).expect("windows");
    let straight = Place { episode: 1, car: 3, t: 7, detour: Detour::default() };
    let faster = Place { detour: Detour { acceleration: 2.0, turning: 0.0 }, ..straight };
    let [a, b] = [straight, faster].map(|place| windows.batch(&[place]));
    assert!((b.actions[3][0] - a.actions[3][0] - 2.0).abs() < 1e-6);
    assert!((b.next[4].state[2] - a.next[4].state[2] - 2.0).abs() < 1e-4, "2 m/s² for a second");
    // Out and back: the heading is what it was, the place is not.
    let turned = windows.batch(&[Place { detour: Detour { acceleration: 0.0, turning: 0.1 }, ..straight }]);
    assert!((turned.next[4].state[1] - a.next[4].state[1]).abs() < 1e-3);
    assert!(turned.next[4].state[0] - a.next[4].state[0] > 0.1);
    assert!(turned.next[4].view != a.next[4].view);
}

#[test]
fn cars_are_found_where_they_are() {
    let (grid, rng) = (Grid::default(), &mut Rng::seed_from_u64(1));
    let half = [0.5 * LENGTH, 0.5 * WIDTH].map(|half| half as f32 - 0.01);
    let (mut seen, mut wrong, mut nobody) = (0, 0, 0);
    for _ in 0..300 {
        // A platoon in each of three lanes, somewhere in them.
        let mut cars = vec![Car::default()];
        for lane in -1..=1 {
            let mut x = -70.0;
            for _ in 0..8 {
                x += 10.0 + rng.random_range(0.0..30.0);
                let y = 4.0 * f64::from(lane) + rng.random_range(-0.9..0.9);
                cars.push(Car { x, y, ..Car::default() });
            }
        }
        let mut view = vec![0.0; grid.maps().len()];
        grid.draw(Road { lanes: 4 }, &cars, 0, &mut view);
        let mut cells: Vec<_> = view.iter().skip(OTHERS).step_by(CHANNELS).copied().collect();
        let mut found = Found::new();
        find(&grid.geometry(Road { lanes: 4 }), &mut cells, &mut found);
        for car in &cars[1..] {
            let [x, y] = [car.x as f32, car.y as f32];
            if x < -48.0 - half[0] || x > 80.0 + half[0] || y.abs() > 8.0 + half[1] {
                continue;
            }
            let off = take(&mut found, [x, y]).map(|car| (car[0] - x).abs().max((car[1] - y).abs()));
            wrong += usize::from(off.is_none_or(|off| off > 0.02));
            seen += 1;
        }
        nobody += found.len();
    }
    // Here and there ends lie on the borders of cells, or one car's in another's.
    assert!(seen > 4000 && 1000 * wrong <= seen && 1000 * nobody <= seen, "{wrong}, {nobody} of {seen}");
}

/// What a watcher of the exported model answers, and what a step of the tape says, for the same windows.
#[test]
fn the_exported_model_answers_as_the_tape_does() {
    let (recordings, rng) = (recordings(), &mut Rng::seed_from_u64(6));
    for (own, stochastic) in [(Own::Known, true), (Own::Known, false), (Own::Learned, true)] {
        let config = Config { own, deterministic: 30, ..config() };
        let windows = Windows::new(&recordings, GRID, config.past, config.horizon).expect("windows");
        let mut model = model(&config, &windows, rng);
        model.train_deterministic(&config, &windows, rng, |_| ()).expect("trained");
        model.train_stochastic(&config, &windows, rng, |_| ()).expect("trained");
        let batch = windows.batch(&(0..20).map(|_| windows.draw(rng)).collect::<Vec<_>>());
        let (cars, z) = (model.look(&batch), model.prior(batch.len(), rng));
        assert!(cars.there.sum() > 20.0, "there is somebody to foresee");
        let tape = Tape::new();
        let scene = Scene::new(&tape, &cars, &batch.states[0]);
        let latent = if stochastic { Latent::Given(tape.constant(z.clone())) } else { Latent::Absent };
        let next = model.step(&tape, true, scene, tape.constant(batch.actions[0].clone()), latent);

        let provenance = Provenance { trainer: "", task: "traffic-model", seed: 0, data: 0 };
        let file = model.export(stochastic, provenance).expect("exported");
        let artifact = file.parse().expect("a weight file");
        let mut mind = mind::load(&artifact).expect("a watcher");
        let cells = GRID.along * GRID.across;
        for j in 0..batch.len() {
            mind.reset();
            let mut answer = Vec::new();
            for (view, state) in batch.views.iter().zip(&batch.states).rev() {
                let view = view.columns(j * cells, cells);
                let mut reading: Vec<_> = view.row(OTHERS).iter().copied().collect();
                reading.extend(state.column(j).iter().chain(batch.actions[0].column(j).iter()));
                reading.extend(z.column(j).iter().filter(|_| stochastic));
                let (said, _, refused) = mind.step(Reading::Sensors(&reading), Mode::Plan);
                assert_eq!(refused, None);
                answer = said;
            }
            let near = |said: f32, tape: f32, what: &str| {
                assert!((said - tape).abs() < 1e-4 * tape.abs().max(1.0), "{what}: {said} for {tape}");
            };
            let (state, others) = answer.split_at(STATE);
            state.iter().zip(&tape.value(next.state).column(j)).for_each(|(a, b)| near(*a, *b, "state"));
            let (places, speeds) = (tape.value(next.places), tape.value(next.speeds));
            for (said, column) in others.chunks_exact(5).zip(j * CARS..) {
                assert_eq!(said[4], cars.there[column]);
                if said[4] > 0.0 {
                    said.iter().zip(places.column(column).iter()).for_each(|(a, b)| near(*a, *b, "place"));
                    said[2..]
                        .iter()
                        .zip(speeds.column(column).iter())
                        .for_each(|(a, b)| near(*a, *b, "speed"));
                }
            }
        }
    }
}
