//! Traffic that is seen: cars are found, followed, drawn, and foreseen.

use crate::{
    Case, Failure,
    failure::{Golden, count, holds, near, refused, same_bits},
    tiny::{self, Numbers, weight},
    zero,
};
use forethought::{
    Zero,
    agent::{Decision, Mind, Mode, Reading, SensorError},
    artifact::{
        Aligned, Artifact, ArtifactError, Entry, Header, Own, Provenance, Traffic, WriteError, write,
    },
    perceive::maps::Maps,
    predict::traffic::{
        ACTION, Cars, Geometry, STATE,
        boxes::{Found, find},
        cars::follow,
        draw::{Lens, Pen},
        drive, memory,
    },
    watch::{self, ANSWER},
};

pub(crate) const CASES: &[Case] = &[
    Case { name: "watch: cars are found where they are, at the border too", run: finding },
    Case { name: "watch: cars are followed, their speeds and accelerations known", run: following },
    Case { name: "watch: what is drawn covers its area, what is read lies between", run: drawing },
    Case { name: "watch: who says nothing keeps speed, beside the car's own way", run: keeping },
    Case {
        name: "watch: a bad reading is answered with zeros, and the past is forgotten",
        run: bad_readings,
    },
    Case { name: "watch: other kinds and small types are refused", run: other_kinds },
    Case { name: "watch: golden bits", run: golden },
];

/// Views that a tiny watcher remembers.
const PAST: usize = 3;
/// Numbers in its latent variable, and units of its hidden layers.
const NZ: usize = 1;
const NH: usize = 4;
/// Numbers in its maps.
const NM: usize = 830;
const CELLS: usize = 32;
const READING: usize = CELLS + STATE + ACTION + NZ;

/// The watcher.
pub type Watcher<'a> = watch::Watcher<'a, PAST, NH, NM>;
/// Its weight file.
pub type Buffer = Aligned<[u8; 8192]>;

/// How it watches.
pub const SETTINGS: Traffic =
    Traffic { own: Own::Known, along: 8, across: 4, past: PAST as u16, lanes: 2, fine: 2, maps: 3 };

const GEOMETRY: Geometry = Geometry {
    along: 8,
    across: 4,
    cell: [4.0, 2.0],
    behind: 3.0,
    car: [5.0, 2.0],
    lanes: 2,
    lane: 4.0,
    line: 1.0,
    dt: 0.2,
};

/// Name, rows and columns of every tensor.
const TENSORS: [(&str, usize, usize); 30] = [
    ("geometry", 8, 1),
    ("w_enc1", 2, 216),
    ("b_enc1", 2, 1),
    ("w_enc2", 3, 72),
    ("b_enc2", 3, 1),
    ("w_inner", 3, 27),
    ("b_inner", 3, 1),
    ("w_dec1", 8, 27),
    ("b_dec1", 8, 1),
    ("w_dec2", NH, 36),
    ("b_dec2", NH, 1),
    ("w_s1", NH, STATE),
    ("b_s1", NH, 1),
    ("w_s2", 6, NH),
    ("w_u1", NH, ACTION),
    ("b_u1", NH, 1),
    ("w_u2", 6, NH),
    ("w_z", 6, NZ),
    ("b_h", 6, 1),
    ("w_around", NH, NH),
    ("w_told", NH, 8),
    ("w_car_u", NH, ACTION),
    ("w_car_z", NH, NZ),
    ("b_car", NH, 1),
    ("w_push", 2, NH),
    ("b_push", 2, 1),
    ("w_o1", NH, 6),
    ("b_o1", NH, 1),
    ("w_o2", STATE, NH),
    ("b_o2", STATE, 1),
];

/// The header of a tiny watcher's weight file.
pub fn header(settings: Traffic) -> Header<'static> {
    let provenance = Provenance { trainer: "by hand", task: "tiny", seed: 0, data: 0 };
    Header::watcher(settings, (NZ as u16, NH as u16), provenance)
}

/// Writes the weight file and returns its length; `loud` is by how much its cars speak.
pub fn fill(header: Header<'_>, loud: f32, buffer: &mut [u8]) -> Result<usize, WriteError> {
    let values = TENSORS.map(|(name, ..)| {
        move |row: usize, col: usize| match name {
            "geometry" => GEOMETRY.numbers()[row],
            "w_push" | "b_push" => loud * weight("watch", name, row, col),
            _ => 0.3 * weight("watch", name, row, col),
        }
    });
    let entries: [Entry<'_>; TENSORS.len()] = core::array::from_fn(|i| {
        let (name, rows, cols) = TENSORS[i];
        Entry { part: "predict", name, rows, cols, value: &values[i] }
    });
    write(header, &entries, buffer)
}

#[inline(never)] // once in flash
fn with<R>(
    settings: Traffic,
    loud: f32,
    then: impl FnOnce(&Artifact<'_>) -> Result<R, Failure>,
) -> Result<R, Failure> {
    let mut buffer: Buffer = Aligned([0; _]);
    let length = fill(header(settings), loud, &mut buffer.0)?;
    then(&Artifact::parse(&buffer.0[..length])?)
}

/// The cells of a view of cars at some places.
fn view(places: &[[f32; 2]]) -> [f32; CELLS] {
    let mut cells = [0.0; CELLS];
    let pen = Pen::new(&GEOMETRY, GEOMETRY.car);
    places.iter().for_each(|place| pen.add(*place, &[1.0], &mut cells, 1));
    cells
}

fn found(places: &[[f32; 2]]) -> Found {
    let mut found = Found::new();
    find(&GEOMETRY, &mut view(places), &mut found);
    found
}

fn finding() -> Result<(), Failure> {
    let mut numbers = Numbers(80);
    for _ in 0..20 {
        // Half out of view behind and before, and somewhere in it.
        let places = [
            [-13.2 + numbers.next(), 0.9 * numbers.next()],
            [numbers.next(), -2.0 + 0.9 * numbers.next()],
            [10.0 + 2.0 * numbers.next(), 1.5 + 0.9 * numbers.next()],
            [21.0 + numbers.next(), -2.0 + 0.9 * numbers.next()],
        ];
        let found = found(&places);
        count("cars", places.len() as u32, found.len() as u32)?;
        for [x, y] in places {
            let off = |[a, b]: &[f32; 2]| (a - x).abs().max((b - y).abs());
            holds("each is found where it is", found.iter().any(|car| off(car) < 0.02))?;
        }
    }
    Ok(())
}

fn following() -> Result<(), Failure> {
    // The car itself drives straight on at 20 m/s, another is faster and faster, a third comes from nowhere.
    let states = [[0.0, 0.0, 20.0]; PAST];
    let mut views = [found(&[[6.0, 1.0], [-4.0, -2.0]]), found(&[[5.4, 1.0]]), found(&[[4.9, 1.0]])];
    let mut cars = Cars::new();
    follow(&GEOMETRY, Own::Known, &mut views, &states, &mut cars);
    count("cars", 2, cars.len() as u32)?;
    let [near_by, far] = [cars[0], cars[1]];
    let [x, y] = near_by.place;
    near("the nearest comes first", -4.0, x, 0.01)?;
    near("its place across the road", -2.0, y, 0.01)?;
    same_bits("of whom nothing else is known, as fast as the car", &[20.0, 0.0], &near_by.speed)?;
    same_bits("and no faster soon", &[0.0; 2], &near_by.push)?;
    near("the other's speed", 23.0, far.speed[0], 0.05)?;
    near("and acceleration", 2.5, far.push[0], 0.5)?;
    near("across the road nothing", 0.0, far.speed[1], 0.05)?;

    // Where its own way is not known, all is beside the car.
    let mut views = [found(&[[6.0, 1.0]]), found(&[[5.4, 1.0]]), found(&[])];
    follow(&GEOMETRY, Own::Learned, &mut views, &states, &mut cars);
    near("beside the car", 3.0, cars[0].speed[0], 0.05)
}

fn drawing() -> Result<(), Failure> {
    let mut numbers = Numbers(81);
    for _ in 0..20 {
        let place = [6.0 * numbers.next(), 2.5 * numbers.next()];
        let cells: f32 = view(&[place]).iter().sum();
        near("cells that a car covers", 1.25, cells, 1e-5)?;
        // A plane is read as it is between the middles of its positions.
        let maps = Maps { rows: 2, cols: 4, channels: 2 };
        let plane: [f32; 16] = core::array::from_fn(|i| match i % 2 {
            0 => (i / 2 % 4) as f32,
            _ => (i / 8) as f32,
        });
        let mut read = [0.0; 2];
        Lens::new(&GEOMETRY, maps).read(&plane, 2, place, &mut read);
        let [x, y] = place.map(f64::from);
        near("along", (x / 8.0 + 1.0).clamp(0.0, 3.0), read[0], 1e-5)?;
        near("across", (y / 4.0 + 0.5).clamp(0.0, 1.0), read[1], 1e-5)?;
    }
    Ok(())
}

/// A reading, and what the watcher says of it, in a state of its own.
fn watched<'a, M: Mind<'a, STATE, ANSWER>>(
    mind: &M,
    readings: &[[f32; READING]],
) -> Result<[f32; ANSWER], Failure> {
    let (mut state, mut decision): (M::State, _) = (zero(), Decision::ZERO);
    for reading in readings {
        mind.step(&mut state, Reading::Sensors(reading), Mode::Plan, &mut decision)?;
        same_bits("its own state comes first", mind.estimate(&state), &decision.action[..STATE])?;
    }
    Ok(decision.action)
}

fn reading(places: &[[f32; 2]], state: [f32; STATE], rest: [f32; ACTION + NZ]) -> [f32; READING] {
    let mut reading = [0.0; READING];
    let numbers = view(places).into_iter().chain(state).chain(rest);
    reading.iter_mut().zip(numbers).for_each(|(target, number)| *target = number);
    reading
}

fn keeping() -> Result<(), Failure> {
    let (state, action) = ([1.0, 0.02, 20.0], [1.5, -0.1]);
    let asked = |x: f32| reading(&[[x, 1.0]], state, [action[0], action[1], 0.4]);
    with(SETTINGS, 0.0, |artifact| {
        let mind = Watcher::load(artifact)?;
        let [y, heading, speed, x, across, along, aside, there, rest @ ..] =
            watched(&mind, &[asked(5.4), asked(6.0)])?;
        let mut then = state;
        let way = drive(&GEOMETRY, &mut then, &action);
        same_bits("by kinematics", &then, &[y, heading, speed])?;
        near("the mean heading is 0.01", (20.0 + 0.15) * 0.2, way[0], 1e-2)?;
        // It came 0.6 m nearer the front in a step, while the car went on; and goes on so.
        near("its speed", 20.0 + 3.0, along, 0.05)?;
        near("its place", 6.0 + 0.2 * f64::from(along) - f64::from(way[0]), x, 1e-3)?;
        near("across the road", 1.0 + 0.2 * f64::from(aside) - f64::from(way[1]), across, 1e-3)?;
        near("it is there", 1.0, there, 0.0)?;
        same_bits("and nobody else", &[0.0; ANSWER - STATE - 5], &rest)
    })
}

fn bad_readings() -> Result<(), Failure> {
    let healthy = reading(&[[6.0, 1.0]], [0.0, 0.0, 20.0], [0.0; 3]);
    let before = reading(&[[5.4, 1.0]], [0.0, 0.0, 20.0], [0.0; 3]);
    let (mut nan, mut high) = (healthy, healthy);
    (nan[CELLS + 1], high[3]) = (f32::NAN, 1.5);
    let length = SensorError::Length { expected: READING as u32, found: 3 };
    with(SETTINGS, 0.5, |artifact| {
        let mind = Watcher::load(artifact)?;
        let first = watched(&mind, &[healthy])?;
        holds("the view before tells something", watched(&mind, &[before, healthy])? != first)?;
        let (mut state, mut decision) = (zero(), Decision::ZERO);
        for (bad, error) in [
            (Reading::Missing, SensorError::Missing),
            (Reading::State(&healthy), SensorError::Missing),
            (Reading::Sensors(&healthy[..3]), length),
            (Reading::Sensors(&nan), SensorError::NonFinite { index: CELLS as u32 + 1 }),
            (Reading::Sensors(&high), SensorError::OutOfRange { index: 3 }),
        ] {
            mind.step(&mut state, Reading::Sensors(&before), Mode::Plan, &mut decision)?;
            let result = mind.step(&mut state, bad, Mode::Plan, &mut decision);
            holds("the reading is refused for the right reason", result == Err(error))?;
            same_bits("nothing is foreseen", &[0.0; ANSWER], &decision.action)?;
            mind.step(&mut state, Reading::Sensors(&healthy), Mode::Plan, &mut decision)?;
            same_bits("as if it were the first", &first, &decision.action)?;
        }
        Ok(())
    })
}

fn other_kinds() -> Result<(), Failure> {
    let watcher = ArtifactError::Kind { expected: "a watcher of traffic" };
    tiny::with_model(|artifact| refused(watcher, Watcher::load(artifact)))?;
    let too_large = |what, found| ArtifactError::TooLarge { what, capacity: found - 1, found };
    count("numbers in maps", NM as u32, memory(&SETTINGS, NH) as u32)?;
    with(SETTINGS, 0.5, |artifact| {
        let small = watch::Watcher::<PAST, NH, { NM - 1 }>::load(artifact);
        refused(too_large("numbers in maps", NM), small)?;
        let short = watch::Watcher::<{ PAST - 1 }, NH, NM>::load(artifact);
        refused(too_large("views to remember", PAST), short)?;
        refused(ArtifactError::Kind { expected: "a forward model alone" }, tiny::Forecaster::load(artifact))
    })
}

fn golden() -> Result<(), Failure> {
    type Larger<'a> = watch::Watcher<'a, 5, 7, 900>;
    let mut golden = Golden::default();
    for own in [Own::Known, Own::Learned] {
        let mut numbers = Numbers(82);
        with(Traffic { own, ..SETTINGS }, 0.5, |artifact| {
            let (mind, larger) = (Watcher::load(artifact)?, Larger::load(artifact)?);
            for _ in 0..4 {
                let start: [[f32; 2]; 3] =
                    core::array::from_fn(|i| [-9.0 + 8.0 * i as f32 + numbers.next(), 2.0 * numbers.next()]);
                let readings: [_; PAST + 1] = core::array::from_fn(|t| {
                    let places = start.map(|[x, y]| [x + 0.2 * t as f32, y]);
                    let [y, heading, speed, a, turning, z] = numbers.array();
                    reading(&places, [y, 0.05 * heading, 20.0 + speed], [a, 0.1 * turning, z])
                });
                let said = watched(&mind, &readings)?;
                holds("everybody is there", said.iter().filter(|n| **n == 1.0).count() >= 3)?;
                same_bits("in a larger type too", &said, &watched(&larger, &readings)?)?;
                golden.add(&said);
            }
            // Views of nothing that there is: as many cars as can be.
            let noise = core::array::from_fn(|_| numbers.next().abs());
            golden.add(&watched(&mind, &[noise, noise])?);
            Ok(())
        })?;
    }
    golden.is("scenes", 0xda20_3c88)
}
