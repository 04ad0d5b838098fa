//! Logs of trajectories: episodes of states and actions, from a CSV file (gzip or plain) or recorded from a world.
//!
//! A CSV log has one transition a row and these columns, in any order: `episode`, `t`, the state's coordinates
//! `s0, s1, …`, the action `a0, …`, and the state after it `next_s0, …`. An angle is given by two coordinates, its
//! cosine and its sine, as simulators do.

use super::{digest, file};
use crate::worlds::{Rng, World, camera::normal, practice::Practice};
use anyhow::{Context, Result, bail, ensure};
use forethought::feature::Angles;
use rand::RngExt;
use std::{io::Read, path::Path};

/// One episode: `states[t]` is where action `actions[t]` was taken; there is one state more than actions.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Episode {
    /// States in the model's coordinates.
    pub states: Vec<Vec<f32>>,
    /// Actions.
    pub actions: Vec<Vec<f32>>,
}

/// Episodes, and a checksum of the data they came from.
#[derive(Clone, Debug, Default)]
pub struct Log {
    /// The episodes.
    pub episodes: Vec<Episode>,
    /// CRC-32 over all numbers: which data this is.
    pub digest: u32,
}

impl Log {
    /// Collects episodes.
    pub fn new(episodes: Vec<Episode>) -> Self {
        let rows = episodes.iter().flat_map(|e| e.states.iter().chain(&e.actions));
        let digest = digest(rows.flatten());
        Self { episodes, digest }
    }

    /// Reads a CSV log with `nx` state components of which `angles` are angles, and `nu` action components.
    pub fn read(path: &Path, nx: usize, angles: Angles, nu: usize) -> Result<Self> {
        Self::parse(file::open(path)?, nx, angles, nu)
            .with_context(|| format!("in the log {}", path.display()))
    }

    /// [`read`](Self::read) from text.
    pub fn parse(reader: impl Read, nx: usize, angles: Angles, nu: usize) -> Result<Self> {
        let mut csv = csv::Reader::from_reader(reader);
        let header = csv.headers().context("the first line must name the columns")?.clone();
        let column = |name: String| {
            let found = header.iter().position(|h| h.trim() == name);
            found.with_context(|| {
                format!("there is no column `{name}`: it needs episode, s0 …, a0 …, next_s0 …")
            })
        };
        let columns =
            |prefix: &str, n| (0..n).map(|i| column(format!("{prefix}{i}"))).collect::<Result<Vec<_>>>();
        let coordinates = nx + angles.count();
        let (episode, before) = (column("episode".into())?, columns("s", coordinates)?);
        let (action, after) = (columns("a", nu)?, columns("next_s", coordinates)?);

        let mut episodes: Vec<Episode> = Vec::new();
        let mut current = None;
        for row in csv.records() {
            let row = row.context("a row cannot be read")?;
            let line = row.position().map_or(0, csv::Position::line);
            let number = |&i: &usize| -> Result<f32> {
                let (text, name) = (&row[i], &header[i]);
                let value: f32 = text
                    .trim()
                    .parse()
                    .with_context(|| format!("line {line}, column {name}: `{text}` is no number"))?;
                ensure!(
                    value.is_finite(),
                    "line {line}, column {name}: {value} is not finite; remove the row"
                );
                Ok(value)
            };
            let numbers = |list: &[usize]| list.iter().map(number).collect::<Result<Vec<_>>>();
            if current.as_deref() != Some(&row[episode]) {
                current = Some(row[episode].to_owned());
                episodes
                    .push(Episode { states: vec![compose(angles, nx, &numbers(&before)?)], actions: vec![] });
            }
            if let Some(now) = episodes.last_mut() {
                now.actions.push(numbers(&action)?);
                now.states.push(compose(angles, nx, &numbers(&after)?));
            }
        }
        if episodes.is_empty() {
            bail!("there is no transition");
        }
        Ok(Self::new(episodes))
    }

    /// Records episodes from a world under mixed excitation, so that all of the state space is visited: random torques
    /// held for random times, noise, and torques along a velocity (which pump energy in) or against it.
    pub fn record(world: &mut dyn World, limits: (f32, f32), episodes: usize, rng: &mut Rng) -> Self {
        let (mid, half) = ((limits.0 + limits.1) / 2.0, (limits.1 - limits.0) / 2.0);
        let record = |_| {
            world.reset(rng);
            let style = rng.random_range(0..4);
            let mut episode = Episode { states: vec![world.state()], actions: vec![] };
            let (mut hold, mut held) = (0, 0.0);
            for _ in 0..world.episode() {
                if hold == 0 {
                    hold = rng.random_range(1..20);
                    held = rng.random_range(-1.0..1.0);
                }
                hold -= 1;
                let speed = world.state().last().map_or(0.0, |v| v.signum());
                let share: f32 = match style {
                    0 => rng.random_range(-1.0..1.0),
                    1 => held,
                    2 => 0.8 * speed + 0.4 * normal(rng) as f32,
                    _ => held - 0.5 * speed,
                };
                let action = mid + half * share.clamp(-1.0, 1.0);
                world.step(&[action]);
                episode.actions.push(vec![action]);
                episode.states.push(world.state());
            }
            episode
        };
        Self::new((0..episodes).map(record).collect())
    }

    /// Records episodes of a plant that practises.
    pub fn practise(world: &mut impl Practice, episodes: usize, rng: &mut Rng) -> Self {
        let record = |_| {
            world.reset(rng);
            let mut episode = Episode { states: vec![world.state()], actions: vec![] };
            for _ in 0..world.episode() {
                let action = world.explore(rng);
                world.step(&action);
                episode.actions.push(action);
                episode.states.push(world.state());
            }
            episode
        };
        Self::new((0..episodes).map(record).collect())
    }

    /// The last `share` of the episodes are held out: `(training, held out)`.
    pub fn split(&self, share: f64) -> (&[Episode], &[Episode]) {
        let held = ((self.episodes.len() as f64 * share).round() as usize).clamp(1, self.episodes.len());
        self.episodes.split_at(self.episodes.len() - held)
    }
}

/// State from a log's coordinates: an angle from its cosine and sine.
pub fn compose(angles: Angles, nx: usize, coordinates: &[f32]) -> Vec<f32> {
    let mut rest = coordinates.iter().copied();
    let mut next = || rest.next().unwrap_or(f32::NAN);
    (0..nx)
        .map(|i| {
            let first = next();
            if angles.contains(i) { next().atan2(first) } else { first }
        })
        .collect()
}

/// A log's coordinates from the state: an angle as its cosine and sine.
pub fn coordinates(angles: Angles, x: &[f32]) -> Vec<f32> {
    let split = |(i, &v): (usize, &f32)| if angles.contains(i) { vec![v.cos(), v.sin()] } else { vec![v] };
    x.iter().enumerate().flat_map(split).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::worlds::{camera::Camera, pendulum::Pendulum};
    use flate2::{Compression, write::GzEncoder};
    use rand::SeedableRng;
    use std::{
        f32::consts::{FRAC_PI_4, PI},
        fs::File,
        io::Write,
    };

    const ANGLES: Angles = Angles(0b01);
    const TEXT: &str = "next_s2,episode,s0,s1,s2,a0,next_s0,next_s1\n\
                        0.5,0,1,0,0.25,-1,0,1\n\
                        0.75,0,0,1,0.5,2,0,-1\n\
                        0.125,1,-1,0,0,0,1,0\n";

    #[test]
    fn columns_are_found_by_name_and_episodes_by_number() {
        let log = Log::parse(TEXT.as_bytes(), 2, ANGLES, 1).expect("a log");
        let half_pi = std::f32::consts::FRAC_PI_2;
        assert_eq!(log.episodes.len(), 2);
        assert_eq!(log.episodes[0].states, [[0.0, 0.25], [half_pi, 0.5], [-half_pi, 0.75]]);
        assert_eq!(log.episodes[0].actions, [[-1.0], [2.0]]);
        assert_eq!(log.episodes[1].states.len(), 2);
    }

    #[test]
    fn gzip_and_plain_files_read_the_same() {
        let folder = tempfile::tempdir().expect("a folder");
        let (plain, packed) = (folder.path().join("log.csv"), folder.path().join("log.csv.gz"));
        std::fs::write(&plain, TEXT).expect("written");
        let mut encoder = GzEncoder::new(File::create(&packed).expect("a file"), Compression::fast());
        encoder.write_all(TEXT.as_bytes()).and_then(|()| encoder.finish().map(drop)).expect("packed");
        let read = |path| Log::read(path, 2, ANGLES, 1).expect("a log");
        assert_eq!(read(&plain).episodes, read(&packed).episodes);
        assert_eq!(read(&plain).digest, read(&packed).digest);
    }

    #[test]
    fn coordinates_and_states_are_inverse() {
        for x in [[3.0, -2.0], [-0.5, 8.0], [0.0, 0.0]] {
            let back = compose(ANGLES, 2, &coordinates(ANGLES, &x));
            assert!(back.iter().zip(&x).all(|(a, b)| (a - b).abs() < 1e-6), "{x:?} became {back:?}");
        }
    }

    #[test]
    fn a_recording_visits_the_whole_state_space_and_repeats() {
        let record = |seed| {
            let mut world = Pendulum::new(Camera::default());
            Log::record(&mut world, (-2.0, 2.0), 40, &mut Rng::seed_from_u64(seed))
        };
        let log = record(3);
        let states: Vec<_> = log.episodes.iter().flat_map(|e| &e.states).collect();
        let sector = |k: usize| states.iter().filter(|x| ((x[0] + PI) / FRAC_PI_4) as usize == k).count();
        assert!((0..8).all(|k| sector(k) > 100), "every eighth of the circle is visited");
        assert!(states.iter().any(|x| x[1] > 7.0) && states.iter().any(|x| x[1] < -7.0));
        assert_eq!(log.digest, record(3).digest);
        assert_ne!(log.digest, record(4).digest);
    }

    #[test]
    fn a_share_of_the_episodes_is_held_out() {
        let log = Log::new(vec![Episode::default(); 10]);
        assert_eq!((log.split(0.2).0.len(), log.split(0.2).1.len()), (8, 2));
        assert_eq!(log.split(0.0).1.len(), 1, "one at least");
    }
}
