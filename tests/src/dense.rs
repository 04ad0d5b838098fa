//! Matrix–vector products.

use crate::{
    Case, Failure,
    failure::{Golden, all_near, holds},
    tiny::Numbers,
};
use forethought::dense::{Dense, dot};

pub const CASES: &[Case] = &[
    Case { name: "dense: products match f64 for every mix of panels", run: every_mix_of_panels },
    Case { name: "dense: a row's sum does not depend on its panel", run: panels_change_no_bit },
    Case { name: "dense: the wrong number of weights is refused", run: wrong_count },
    Case { name: "dense: golden bits", run: golden },
];

const MOST: usize = 35;
const COLS: usize = 7;

/// The first `rows` rows of one matrix, in panel order.
fn packed(rows: usize) -> [f32; MOST * COLS] {
    let mut packed = [f32::NAN; MOST * COLS];
    let mut numbers = Numbers(3);
    for row in 0..rows {
        for col in 0..COLS {
            packed[Dense::position(rows, COLS, row, col)] = numbers.next();
        }
    }
    packed
}

/// The same weights in rows.
fn plain() -> [[f32; COLS]; MOST] {
    let mut numbers = Numbers(3);
    core::array::from_fn(|_| numbers.array())
}

fn dense(rows: usize, packed: &[f32]) -> Result<Dense<'_>, Failure> {
    Dense::new(rows, COLS, &packed[..rows * COLS])
        .ok_or(Failure::Claim { what: "the weights are as many as needed" })
}

fn every_mix_of_panels() -> Result<(), Failure> {
    let mut numbers = Numbers(4);
    let (x, g): ([f32; COLS], [f32; MOST]) = (numbers.array(), numbers.array());
    let weights = plain();
    for rows in 0..=MOST {
        let packed = packed(rows);
        let dense = dense(rows, &packed)?;
        let mut y = [0.25; MOST];
        dense.add(&x, &mut y);
        let mut product = [0.25; MOST];
        for (y, row) in product.iter_mut().zip(&weights).take(rows) {
            *y += row.iter().zip(&x).map(|(w, x)| f64::from(*w) * f64::from(*x)).sum::<f64>();
        }
        all_near("W x", &product, &y, 2e-6)?;

        let mut gx = [0.5; COLS];
        dense.pull(&g, &mut gx);
        let mut pulled = [0.5; COLS];
        for (row, g) in weights.iter().zip(&g).take(rows) {
            for (gx, w) in pulled.iter_mut().zip(row) {
                *gx += f64::from(*w) * f64::from(*g);
            }
        }
        all_near("Wᵀ g", &pulled, &gx, 6e-6)?;
    }
    Ok(())
}

fn panels_change_no_bit() -> Result<(), Failure> {
    let x: [f32; COLS] = Numbers(5).array();
    let weights = plain();
    for rows in 1..=MOST {
        let packed = packed(rows);
        let mut y = [0.125; MOST];
        dense(rows, &packed)?.add(&x, &mut y);
        for (y, row) in y.iter().zip(&weights).take(rows) {
            let sum = row.iter().zip(&x).fold(0.125, |sum, (w, x)| sum + w * x);
            holds("a row sums its columns in order", sum.to_bits() == y.to_bits())?;
        }
    }
    Ok(())
}

fn wrong_count() -> Result<(), Failure> {
    holds("five weights make no 2×3 matrix", Dense::new(2, 3, &[0.0; 5]).is_none())?;
    holds("sizes that overflow make no matrix", Dense::new(usize::MAX, 2, &[]).is_none())
}

fn golden() -> Result<(), Failure> {
    let (mut numbers, mut golden) = (Numbers(6), Golden::default());
    for rows in [1, 2, 3, 5, 8, 15, 16, 31, MOST] {
        let packed = packed(rows);
        let dense = dense(rows, &packed)?;
        let (mut y, mut gx) = (numbers.array::<MOST>(), numbers.array::<COLS>());
        dense.add(&gx, &mut y);
        dense.pull(&y, &mut gx);
        golden.add(&y);
        golden.add(&gx);
        golden.add(&[dot(&y, &packed[..rows])]);
    }
    golden.is("products", 0xcf34_c727)
}
