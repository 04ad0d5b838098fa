use super::*;
use rand::SeedableRng;

fn highway(config: Config, seed: u64) -> Highway {
    let mut highway = Highway::new(config);
    highway.reset(&mut Rng::seed_from_u64(seed));
    highway
}

#[test]
fn the_same_seed_gives_the_same_traffic() {
    let record = |seed| {
        let config = Config { episode: 60, ..Config::default() };
        Highway::new(config).record(2, &mut Rng::seed_from_u64(seed))
    };
    assert_eq!(record(7), record(7));
    assert_ne!(record(7), record(8));
}

#[test]
fn followers_never_touch_whoever_is_ahead() {
    // Dense traffic that nobody leaves his lane in, behind a car that brakes to a stop and starts again.
    let rules = Rules { gain: f64::INFINITY, ..Rules::default() };
    let config = Config { rules, density: (1.6, 1.6), lanes: 1, cars: 20, ego: 19, ..Config::default() };
    for seed in 0..20 {
        let mut highway = highway(config.clone(), seed);
        for step in 0..300 {
            let acceleration = if (50..120).contains(&step) { -4.0 } else { 2.0 };
            highway.advance(Some(Command { acceleration, steering: 0.0 }));
            assert!(
                highway.cars().iter().all(|car| !car.crashed && car.speed >= 0.0),
                "seed {seed}, step {step}"
            );
            let places = highway.cars().windows(2);
            assert!(places.into_iter().all(|pair| pair[1].x - pair[0].x > car::LENGTH));
        }
    }
}

#[test]
fn a_lane_is_changed_only_where_it_pays_and_the_new_follower_need_not_brake_hard() {
    let rules = Rules::default();
    let driver = |lane| Driver { desired: 25.0, exponent: 4.0, lane, since: 0.0 };
    let at = |x, lane, speed| Car { x, y: Road::centre(lane), speed, ..Car::default() };
    let pays = |cars: &[Car]| {
        let drivers: Vec<_> = cars.iter().map(|car| driver(Road { lanes: 2 }.lane_of(car.y))).collect();
        let order = Order::of(cars);
        let scene = road::Scene { road: Road { lanes: 2 }, cars, order: &order };
        rules.pays(scene, &drivers, 0, 1)
    };
    let (me, slow) = (at(0.0, 0, 22.0), at(30.0, 0, 15.0));
    assert!(pays(&[me, slow]), "nobody is in the other lane");
    assert!(!pays(&[me]), "there is nothing to gain");
    assert!(!pays(&[me, slow, at(-12.0, 1, 24.0)]), "the new follower would have to brake hard");
    assert!(pays(&[me, slow, at(-80.0, 1, 22.0)]), "the new follower is far");
    assert!(!pays(&[me, slow, at(25.0, 1, 15.0)]), "it is no better there");
}

#[test]
fn whoever_changes_comes_to_the_centre_of_the_lane_without_leaving_the_road() {
    let config = Config { episode: 100, ..Config::default() };
    let mut highway = Highway::new(config);
    let recordings = highway.record(4, &mut Rng::seed_from_u64(3));
    let changes: usize = recordings.iter().map(Recording::lane_changes).sum();
    assert!(changes > 10, "only {changes} lane changes");
    let cars = || recordings.iter().flat_map(|recording| recording.frames.iter().flatten());
    assert!(cars().all(|car| !recordings[0].road.is_off(car) && !car.crashed));
    let centred = |car: &&Car| (car.y - Road::centre(recordings[0].road.lane_of(car.y))).abs() < 0.1;
    assert!(cars().filter(centred).count() * 10 > cars().count() * 9);
}

#[test]
fn the_ego_car_obeys_and_what_happens_to_it_is_told() {
    let mut highway = highway(Config::default(), 1);
    let before = *highway.ego();
    let distance = highway.step(&[2.0, 0.0]);
    assert!((highway.ego().speed - before.speed - 0.4).abs() < 1e-9);
    assert!((distance - 0.2 * before.speed).abs() < 0.2);
    assert!(!highway.off_road());
    (0..20).for_each(|_| {
        highway.step(&[0.0, -0.1]);
    });
    assert!(highway.off_road(), "{:?}", highway.ego());

    // Without brakes it runs into somebody.
    highway.reset(&mut Rng::seed_from_u64(1));
    let crash = (0..200).position(|_| {
        highway.step(&[3.0, 0.0]);
        highway.ego().crashed
    });
    assert!(crash.is_some());
    (0..100).for_each(|_| {
        highway.step(&[3.0, 0.0]);
    });
    assert!(highway.ego().speed < 0.1, "a crashed car comes to rest");
}

#[test]
fn an_observation_is_the_view_and_the_state() {
    let mut highway = highway(Config::default(), 1);
    let seen = highway.observe(&mut Rng::seed_from_u64(0));
    assert_eq!(seen.len(), Grid::default().maps().len() + 3);
    assert_eq!(seen[seen.len() - 3..], highway.state());
}
