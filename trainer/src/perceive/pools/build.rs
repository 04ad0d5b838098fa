//! How pools are laid out. Every construction is checked and answers one sentence.

use super::{Arrangement, Pools, Tree, sparse::Rows};
use anyhow::{Result, bail, ensure};

/// How much the units of a window count.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Weights {
    /// All the same: 1.
    Flat,
    /// `exp(−d²/2σ²)` at distance `d` from the window's centre.
    Gaussian {
        /// `σ`, in units of the map.
        sigma: f32,
    },
}

impl Pools {
    /// From the weights `w_ij` of each pool: its units `j` with their weights.
    pub fn weighted(units: usize, pools: &[Vec<(usize, f32)>]) -> Result<Self> {
        ensure!(units > 0, "pools need at least one unit");
        let mut homes = vec![Vec::new(); units];
        for (i, pool) in pools.iter().enumerate() {
            ensure!(!pool.is_empty(), "pool {i} has no unit: leave it out");
            for &(j, weight) in pool {
                ensure!(j < units, "pool {i} names unit {j}, but the units are 0 to {}", units - 1);
                ensure!(
                    weight > 0.0 && weight.is_finite(),
                    "the weight of unit {j} in pool {i} is {weight}: give a positive number, or leave the unit out"
                );
                ensure!(
                    homes[j].last().is_none_or(|&(last, _)| last != i),
                    "pool {i} names unit {j} twice: add the weights up"
                );
                homes[j].push((i, weight));
            }
        }
        if let Some(j) = homes.iter().position(Vec::is_empty) {
            bail!("unit {j} is in no pool, so nothing would keep it sparse: add it to one");
        }
        let even = pools.iter().all(|pool| pool.iter().all(|(_, weight)| *weight == pool[0].1));
        let disjoint = even && homes.iter().all(|homes| homes.len() == 1);
        Ok(Self {
            members: Rows::new(pools.iter().map(Vec::as_slice)),
            homes: Rows::new(homes.iter().map(Vec::as_slice)),
            arrangement: if disjoint { Arrangement::Disjoint } else { Arrangement::Overlapping },
        })
    }

    /// Groups of `size` neighbours that share no unit.
    pub fn disjoint(units: usize, size: usize) -> Result<Self> {
        ensure!(
            size > 0 && units.is_multiple_of(size),
            "{units} units do not make groups of {size}: choose a size that divides them"
        );
        Self::grid(&[units], &[size], &[size], true, Weights::Flat)
    }

    /// Windows of `window` units along a line, one every `stride`; those at the ends are cut off.
    pub fn line(units: usize, window: usize, stride: usize, weights: Weights) -> Result<Self> {
        Self::grid(&[units], &[window], &[stride], false, weights)
    }

    /// The same along a ring, which has no ends.
    pub fn ring(units: usize, window: usize, stride: usize, weights: Weights) -> Result<Self> {
        Self::grid(&[units], &[window], &[stride], true, weights)
    }

    /// Windows on a torus of units (rows, columns), numbered row by row.
    pub fn torus(
        shape: [usize; 2],
        window: [usize; 2],
        stride: [usize; 2],
        weights: Weights,
    ) -> Result<Self> {
        Self::grid(&shape, &window, &stride, true, weights)
    }

    /// Windows on a torus of three dimensions; the last number runs fastest.
    pub fn torus_3d(
        shape: [usize; 3],
        window: [usize; 3],
        stride: [usize; 3],
        weights: Weights,
    ) -> Result<Self> {
        Self::grid(&shape, &window, &stride, true, weights)
    }

    /// Windows on a grid of any dimension, which wraps around or is cut off at its edges; the last number runs fastest.
    pub fn grid(
        shape: &[usize],
        window: &[usize],
        stride: &[usize],
        wraps: bool,
        weights: Weights,
    ) -> Result<Self> {
        ensure!(
            shape.len() == window.len() && shape.len() == stride.len(),
            "a grid of {} dimensions needs as many numbers for window and stride",
            shape.len()
        );
        if let Weights::Gaussian { sigma } = weights {
            ensure!(
                sigma > 0.0 && sigma.is_finite(),
                "a Gaussian of σ = {sigma} is none: give a positive number"
            );
        }
        // A product of axes: pools so far, each with its units, their weights and nothing else.
        let mut units = 1;
        let mut pools = vec![vec![(0, 1.0)]];
        for ((&length, &window), &stride) in shape.iter().zip(window).zip(stride) {
            let axis = axis(length, window, stride, wraps, weights)?;
            let product = |pool: &Vec<(usize, f32)>, along: &Vec<(usize, f32)>| -> Vec<_> {
                pool.iter()
                    .flat_map(|&(j, w)| along.iter().map(move |&(k, v)| (j * length + k, w * v)))
                    .collect()
            };
            pools =
                pools.iter().flat_map(|pool| axis.iter().map(move |along| product(pool, along))).collect();
            units *= length;
        }
        Self::weighted(units, &pools)
    }

    /// `branching[0]` trees in which every node of level `l` has `branching[l + 1]` children: [`Tree::balanced`]. `weight` of
    /// a level is the factor `w_g` of its nodes' norms.
    pub fn tree(branching: &[usize], weight: impl Fn(usize) -> f32) -> Result<Self> {
        Self::from_tree(Tree::balanced(branching)?, weight)
    }

    /// One pool for each node of any tree: the node and all its descendants.
    pub fn from_tree(tree: Tree, weight: impl Fn(usize) -> f32) -> Result<Self> {
        let mut pools = vec![Vec::new(); tree.nodes()];
        for node in 0..tree.nodes() {
            for above in tree.branch(node) {
                let weight = weight(tree.level(above));
                pools[above].push((node, weight * weight));
            }
        }
        let pools = Self::weighted(tree.nodes(), &pools)?;
        Ok(Self { arrangement: Arrangement::Tree(tree), ..pools })
    }

    /// A user's graph: one pool for each unit, of itself and the neighbours listed.
    pub fn graph(neighbours: &[Vec<usize>]) -> Result<Self> {
        let pool = |(unit, neighbours): (usize, &Vec<usize>)| {
            let mut pool = neighbours.clone();
            pool.push(unit);
            pool.sort_unstable();
            pool.dedup();
            pool.into_iter().map(|j| (j, 1.0)).collect()
        };
        Self::weighted(neighbours.len(), &neighbours.iter().enumerate().map(pool).collect::<Vec<_>>())
    }
}

/// The windows along one axis: for each, its units with their weights.
fn axis(
    length: usize,
    window: usize,
    stride: usize,
    wraps: bool,
    weights: Weights,
) -> Result<Vec<Vec<(usize, f32)>>> {
    ensure!(
        0 < window && window <= length,
        "a window of {window} does not fit along {length} units: choose 1 to {length}"
    );
    ensure!(
        0 < stride && stride <= window,
        "a stride of {stride} leaves units between windows of {window}: choose 1 to {window}"
    );
    let centre = (window - 1) as f32 / 2.0;
    let weight = |offset: usize| match weights {
        Weights::Flat => 1.0,
        Weights::Gaussian { sigma } => (-(offset as f32 - centre).powi(2) / (2.0 * sigma * sigma)).exp(),
    };
    let windows: Vec<_> = if wraps {
        // A stride that does not go into the length is evened out, lest two windows begin side by side.
        let count = length.div_ceil(stride);
        let along =
            |i: usize| (0..window).map(move |offset| ((i * length / count + offset) % length, offset));
        (0..count).map(|i| along(i).collect::<Vec<_>>()).collect()
    } else {
        // Windows begin before the first unit, so that every unit is in as many.
        let before = window - stride;
        let place =
            |start: usize, offset: usize| (start + offset).checked_sub(before).filter(|&j| j < length);
        let along = |start| (0..window).filter_map(move |offset| Some((place(start, offset)?, offset)));
        (0..length + before).step_by(stride).map(|start| along(start).collect()).collect()
    };
    let weighted = |window: Vec<(usize, usize)>| window.into_iter().map(|(j, offset)| (j, weight(offset)));
    Ok(windows.into_iter().map(|window| weighted(window).collect()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn units(pools: &Pools, pool: usize) -> Vec<usize> {
        pools.members(pool).map(|(j, _)| j).collect()
    }

    #[test]
    fn groups_share_no_unit() {
        let pools = Pools::disjoint(12, 4).unwrap();
        assert_eq!((pools.units(), pools.count()), (12, 3));
        assert_eq!(units(&pools, 1), [4, 5, 6, 7]);
        assert_eq!(*pools.arrangement(), Arrangement::Disjoint);
    }

    #[test]
    fn a_ring_wraps_and_a_line_is_cut_off() {
        let ring = Pools::ring(6, 3, 2, Weights::Flat).unwrap();
        assert_eq!(ring.count(), 3);
        assert_eq!(units(&ring, 2), [4, 5, 0]);
        let line = Pools::line(6, 3, 1, Weights::Flat).unwrap();
        assert_eq!(line.count(), 8);
        assert_eq!((units(&line, 0), units(&line, 3), units(&line, 7)), (vec![0], vec![1, 2, 3], vec![5]));
        assert!((0..6).all(|unit| line.homes(unit).count() == 3));
    }

    #[test]
    fn the_lectures_map() {
        let pools = Pools::torus([16, 16], [6, 6], [3, 3], Weights::Flat).unwrap();
        assert_eq!(pools.count(), 36);
        assert!((0..36).all(|pool| pools.members(pool).count() == 36));
        // 16 is no multiple of 3: windows begin at 0, 2, 5, 8, 10 and 13, and a unit is in two or three along an axis.
        assert!((0..256).all(|unit| [4, 6, 9].contains(&pools.homes(unit).count())));
        // The last window begins at row 13, column 13, and ends at row and column 2.
        let last = units(&pools, 35);
        assert!(last.contains(&(13 * 16 + 13)) && last.contains(&(2 * 16 + 2)) && last.contains(&0));
        assert!(!last.contains(&(3 * 16 + 3)) && !last.contains(&(12 * 16 + 13)));
    }

    #[test]
    fn three_dimensions_and_gaussian_weights() {
        let pools =
            Pools::torus_3d([4, 4, 4], [3, 3, 3], [2, 2, 2], Weights::Gaussian { sigma: 1.0 }).unwrap();
        assert_eq!((pools.count(), pools.units()), (8, 64));
        let weights: Vec<_> = pools.members(0).collect();
        assert_eq!(weights.len(), 27);
        // The middle counts 1; a corner, at distance √3, e^(−3/2).
        let weight_of = |unit| weights.iter().find(|(j, _)| *j == unit).map_or(0.0, |(_, w)| *w);
        assert!((weight_of(16 + 4 + 1) - 1.0).abs() < 1e-6);
        assert!((weight_of(0) - (-1.5f32).exp()).abs() < 1e-6);
    }

    #[test]
    fn a_node_holds_all_its_descendants() {
        let pools = Pools::tree(&[2, 3], |level| [2.0, 1.0][level]).unwrap();
        assert_eq!(units(&pools, 0), [0, 2, 3, 4]);
        assert_eq!(units(&pools, 1), [1, 5, 6, 7]);
        assert_eq!(units(&pools, 5), [5]);
        assert_eq!(pools.members(0).map(|(_, w)| w).collect::<Vec<_>>(), [4.0; 4]);
        assert_eq!(*pools.arrangement(), Arrangement::Tree(Tree::balanced(&[2, 3]).unwrap()));
    }

    #[test]
    fn a_graph_has_a_pool_for_each_unit() {
        let pools = Pools::graph(&[vec![1], vec![0, 2], vec![1]]).unwrap();
        assert_eq!((units(&pools, 0), units(&pools, 1)), (vec![0, 1], vec![0, 1, 2]));
    }

    #[test]
    fn what_cannot_be_built_is_told() {
        let said = |pools: Result<Pools>| pools.unwrap_err().to_string();
        assert!(said(Pools::disjoint(10, 4)).contains("choose a size that divides them"));
        assert!(said(Pools::ring(6, 8, 2, Weights::Flat)).contains("does not fit"));
        assert!(said(Pools::ring(6, 2, 3, Weights::Flat)).contains("leaves units between"));
        assert!(said(Pools::ring(6, 2, 1, Weights::Gaussian { sigma: 0.0 })).contains("positive number"));
        assert!(said(Pools::graph(&[vec![3], vec![], vec![]])).contains("names unit 3"));
        assert!(said(Pools::weighted(2, &[vec![(0, 1.0)]])).contains("unit 1 is in no pool"));
        assert!(said(Pools::weighted(1, &[vec![(0, -1.0)]])).contains("positive number"));
        assert!(said(Pools::weighted(1, &[vec![(0, 1.0), (0, 1.0)]])).contains("twice"));
    }
}
