//! MNIST without one of its digits.

use super::energies::{LESSONS, Setup};
use crate::{
    data::mnist::{Labelled, Mnist},
    energy::auc,
    report::{Figure, Report, tiles::Raster},
    worlds::Rng,
};
use anyhow::Result;
use nalgebra::DMatrix;
use rand::SeedableRng;

pub(super) const SETUP: Setup =
    Setup { atoms: 256, price: 1.0, components: 32, hidden: 128, code: 16, noise: [0.1, 0.6], steps: 1500 };

/// Those that show the digit, or all others.
fn of(digits: &Labelled, digit: u8, it: bool) -> DMatrix<f32> {
    let chosen: Vec<_> = (0..digits.labels.len()).filter(|&i| (digits.labels[i] == digit) == it).collect();
    digits.images.pixels.select_columns(&chosen)
}

/// The area of every energy that was taught without `digit`.
pub(super) fn areas(mnist: &Mnist, digit: u8, seed: u64, quick: bool) -> Result<Vec<f64>> {
    let setup = if quick { Setup { steps: 20, atoms: 32, ..SETUP } } else { SETUP };
    let mut familiar = of(&mnist.train, digit, false);
    let [mut others, mut strange] = [false, true].map(|it| of(&mnist.test, digit, it));
    if quick {
        for part in [&mut familiar, &mut others, &mut strange] {
            *part = part.columns(0, part.ncols().min(500)).into_owned();
        }
    }
    let mut areas = Vec::new();
    for (k, (name, teach)) in LESSONS.iter().enumerate() {
        // Each has random numbers of its own, so that none depends on which others there are.
        let rng = &mut Rng::seed_from_u64(seed + 1000 * u64::from(digit) + 100_000 * k as u64);
        let energy = teach(&setup, &familiar, rng)?;
        let area = auc(&energy.of(&others, None), &energy.of(&strange, None));
        eprintln!("  without {digit}, seed {seed}, {name}: {area:.3}");
        areas.push(area);
    }
    Ok(areas)
}

/// Digits in a row of the picture.
const SHOWN: usize = 20;

/// What one energy thinks the strangest and the most familiar of a test set with a digit that it does not know.
pub(super) fn show(report: &mut Report, mnist: &Mnist, seed: u64, quick: bool) -> Result<()> {
    const DIGIT: u8 = 4;
    let setup = if quick { Setup { steps: 20, atoms: 32, ..SETUP } } else { SETUP };
    let familiar = of(&mnist.train, DIGIT, false);
    let (name, teach) = LESSONS[1];
    let energy = teach(&setup, &familiar, &mut Rng::seed_from_u64(seed))?;
    let row = |y: &DMatrix<f32>, strangest: bool| {
        let energies = energy.of(y, None);
        let mut order: Vec<usize> = (0..y.ncols()).collect();
        order.sort_by(|&a, &b| energies[a].total_cmp(&energies[b]));
        if strangest {
            order.reverse();
        }
        let tile = |&i: &usize| Raster::grey(y.column(i).as_slice(), mnist.test.images.cols);
        Raster::mosaic(&order.iter().take(SHOWN).map(tile).collect::<Vec<_>>(), SHOWN, 2)
    };
    let [others, strange] = [false, true].map(|it| of(&mnist.test, DIGIT, it));
    let rows = [
        ("never seen: the highest energies", row(&strange, true)),
        ("never seen: the lowest energies, which pass for something else", row(&strange, false)),
        ("familiar: the highest energies, which are oddly written", row(&others, true)),
        ("familiar: the lowest energies", row(&others, false)),
    ];
    report.figures(
        &format!("Test digits in the order of their energy ({name}), taught without the {DIGIT}."),
        rows.map(|(title, raster)| Figure::raster(&raster, title).titled(title)),
    );
    Ok(())
}
