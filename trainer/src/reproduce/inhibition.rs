//! Sparse coding by lateral inhibition: the energy during inference, who is on together, and the structures that emerge.

mod pictures;

use super::{
    Outcome, Setting, median, per_seed,
    topography::{Topography, batches},
};
use crate::{
    data::{images::Images, photographs},
    perceive::{
        inhibition::{Config, Inhibition, Learning, Rule, Structure, coactivation},
        topographic::Eye,
    },
    report::Report,
    results::Row,
    worlds::Rng,
};
use anyhow::Result;
use nalgebra::DMatrix;
use rand::SeedableRng;

/// Pixels along the edge of a patch.
const SIDE: usize = 12;
/// Whitened components that are kept of a patch.
const COMPONENTS: usize = 100;

/// The structures that are learned with.
fn structures() -> [(&'static str, Structure); 5] {
    let learned = |rule| Structure::Learned(Learning { rule, ..Learning::default() });
    [
        ("tree", Structure::Tree(vec![1, 10, 4, 2])),
        ("ring", Structure::Ring { units: 100, radius: 2 }),
        ("map", Structure::Map { rows: 12, cols: 12, radius: 3.2 }),
        ("learned by ascent", learned(Rule::Ascent)),
        ("learned under constraints", learned(Rule::Constrained)),
    ]
}

/// What one seed found for one structure.
struct Run {
    coder: Inhibition,
    /// Its atoms as whitened patches.
    atoms: DMatrix<f32>,
    structure: Structure,
    /// Mean energy of a batch, by batches.
    curve: Vec<(f64, f64)>,
    /// The share of the test patches' energy that is not reconstructed.
    missed: f64,
    /// Units that are on in a patch.
    active: f64,
    /// Co-activation of inhibited pairs beside that of free pairs.
    together: f64,
    /// Co-activation of inhibited pairs beside what it is when nothing is inhibited.
    relieved: f64,
    /// The largest rise of the energy in a step of inference, as a share of the energy at its start.
    rise: f64,
    codes: DMatrix<f32>,
}

pub(super) fn run(setting: &Setting) -> Result<Outcome> {
    let (images, source) = photographs::read(&setting.data)?;
    let images = images.halved(); // so that a patch shows more than one edge
    let mut rows = Vec::new();
    let mut report = Report::new(
        "Sparse coding by lateral inhibition",
        "Gregor, Szlam & LeCun, NIPS 2011, and the lecture",
    );
    let (mut rise, mut shown) = (0.0f64, Vec::new());
    for (name, structure) in structures() {
        eprintln!("  {name}");
        let mut config = Config { structure, ..Config::default() };
        if setting.quick {
            config.batches = 20;
        }
        let mut runs = per_seed(setting, |seed| one(&images, &config, seed))?;
        let over = |value: &dyn Fn(&Run) -> f64| median(&runs.iter().map(value).collect::<Vec<_>>());
        rise = runs.iter().fold(rise, |rise, run| rise.max(run.rise));
        let together = format!("{name}: co-activation of inhibited pairs beside free ones");
        let together = Row::new(together, over(&|run| run.together), "");
        let relieved = format!("{name}: co-activation of inhibited pairs beside the same without inhibition");
        let relieved = Row::new(relieved, over(&|run| run.relieved), "");
        // Ascent inhibits whoever fires together, so the pairs that it inhibits are not those that rarely do.
        let ascent =
            matches!(&config.structure, Structure::Learned(learning) if learning.rule == Rule::Ascent);
        rows.push(if ascent { together } else { together.at_most(0.2) });
        rows.push(relieved.at_most(0.5));
        rows.push(Row::new(format!("{name}: units on in a patch"), over(&|run| run.active), ""));
        rows.push(Row::new(
            format!("{name}: energy not reconstructed"),
            100.0 * over(&|run| run.missed),
            "%",
        ));
        if let Structure::Map { rows: height, cols, .. } = config.structure {
            let maps: Vec<_> = runs
                .iter()
                .zip(setting.seeds())
                .map(|(run, seed)| Topography::measure(run.atoms.clone(), SIDE, [height, cols], seed))
                .collect();
            // Inhibition says who may be on together, not who must: nothing is demanded of the map.
            let free = |row: Row| Row::new(format!("{name}: {}", row.what), row.value, row.unit);
            rows.extend(Topography::rows(&maps).into_iter().map(free));
        }
        shown.push((name, runs.swap_remove(0)));
    }
    rows.insert(
        0,
        Row::new("largest rise of the energy in a coordinate step, share of the energy", rise, "")
            .at_most(1e-6),
    );
    for (name, run) in &shown {
        pictures::show(&mut report, name, run, source);
    }
    let notes = vec![format!(
        "Patches of {SIDE}×{SIDE} pixels from {source} of half size, less their means, of equal contrast, whitened to {COMPONENTS} components. Co-activation is ⟨|z_i||z_j|⟩; a \
         pair is inhibited where S is at least half its largest value, free where it is 0 (learned: at most a tenth)."
    )];
    Ok(Outcome { rows, report, notes })
}

fn one(images: &Images, config: &Config, seed: u64) -> Result<Run> {
    let rng = &mut Rng::seed_from_u64(seed);
    let eye = Eye::new(images, SIDE, COMPONENTS, rng);
    let scale = (COMPONENTS as f32).sqrt().recip(); // patches of unit length on average
    let mut patches = batches(&eye, images, seed);
    let mut batch = |n| patches(n) * scale;
    let tests = batch(2000);
    let mut coder = Inhibition::new(config, COMPONENTS, rng)?;
    let mut curve = Vec::new();
    coder.train(config, batch, rng, |step, energy| curve.push((step as f64, f64::from(energy))));
    let codes = coder.infer(&tests);
    let missed = f64::from((&tests - &coder.dictionary * &codes).norm_squared() / tests.norm_squared());
    let active = codes.iter().filter(|z| **z != 0.0).count() as f64 / codes.ncols() as f64;
    let free = Inhibition { inhibition: &coder.inhibition * 0.0, ..coder.clone() };
    let (inhibited, relieved) = (coactivation(&codes), coactivation(&free.infer(&tests)));
    let s = &coder.inhibition;
    let strong = |v: f32| v >= 0.5 * s.amax();
    let together = mean(s, &inhibited, &strong) / mean(s, &inhibited, &|v| v <= 0.1 * s.amax());
    let relieved = mean(s, &inhibited, &strong) / mean(s, &relieved, &strong);
    let rise = (0..100).map(|sample| largest_rise(&coder, &tests, sample)).fold(0.0, f64::max);
    let atoms = eye.picture(&coder.dictionary);
    Ok(Run {
        coder,
        atoms,
        structure: config.structure.clone(),
        curve,
        missed,
        active,
        together,
        relieved,
        rise,
        codes,
    })
}

/// The mean co-activation of the pairs whose inhibition is `chosen`.
fn mean(inhibition: &DMatrix<f32>, together: &DMatrix<f32>, chosen: &dyn Fn(f32) -> bool) -> f64 {
    let pairs = (0..together.len()).filter(|&i| i / together.nrows() != i % together.nrows());
    let pairs: Vec<f64> = pairs.filter(|&i| chosen(inhibition[i])).map(|i| f64::from(together[i])).collect();
    pairs.iter().sum::<f64>() / pairs.len().max(1) as f64
}

/// By how much the energy of one sample rises in the worst step of its inference, as a share of where it began.
fn largest_rise(coder: &Inhibition, x: &DMatrix<f32>, sample: usize) -> f64 {
    let x = x.column(sample);
    let transposed = coder.dictionary.transpose();
    let gram = &transposed * &coder.dictionary;
    let mut drive = transposed * x;
    let mut z = vec![0.0; drive.len()];
    let start = coder.energy(x.as_slice(), &z);
    let (mut last, mut rise) = (start, 0.0f64);
    coder.descend(&gram, drive.as_mut_slice(), &mut z, |z| {
        let energy = coder.energy(x.as_slice(), z);
        rise = rise.max((energy - last) / start);
        last = energy;
    });
    rise
}
