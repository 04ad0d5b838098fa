//! Trees and rings of filters.

use super::{Figure, colour, svg::Svg, tiles::Raster};
use crate::perceive::pools::Tree;
use nalgebra::DMatrix;
use std::f64::consts::TAU;

/// A tree as a fan: levels are rings round the root, so that many leaves have room. The line to a node's parent is as wide as
/// its `strength`, 0 to 1; nodes of strength 0 have a hairline, and no picture if only what is `on` is shown.
pub fn fan(
    tree: &Tree,
    atoms: &DMatrix<f32>,
    side: usize,
    size: u32,
    on: bool,
    strength: impl Fn(usize) -> f32,
) -> Figure {
    let (edge, last) = (f64::from(size), tree.levels().saturating_sub(1).max(1));
    let (largest, angle) = (edge / 24.0, angles(tree));
    let radius = |level: usize| 0.5 * (edge - 1.2 * largest) * level as f64 / last as f64;
    // Filters shrink where a ring is crowded.
    let tile: Vec<f64> = (0..tree.levels())
        .map(|level| {
            let nodes = (0..tree.nodes()).filter(|&node| tree.level(node) == level).count();
            if level == 0 { largest } else { (1.1 * TAU * radius(level) / nodes as f64).min(largest) }
        })
        .collect();
    let place = |node: usize| {
        let radius = radius(tree.level(node));
        let (sin, cos) = angle[node].sin_cos();
        (0.5 * edge + radius * cos, 0.5 * edge + radius * sin)
    };
    let mut picture = Svg::new(size, size);
    for node in 0..tree.nodes() {
        if let Some(parent) = tree.parent(node) {
            let strength = f64::from(strength(node));
            let (width, line) = if strength > 0.0 {
                (0.8 + 6.0 * strength.sqrt(), colour::BLUE)
            } else {
                (0.5, colour::MUTED)
            };
            picture.line(place(node), place(parent), width, line);
        }
    }
    for node in (0..tree.nodes()).filter(|&node| !on || strength(node) > 0.0) {
        atom(&mut picture, atoms, node, side, place(node), tile[tree.level(node)]);
    }
    picture.into()
}

/// Filters in the order of their units round a ring.
pub fn ring(atoms: &DMatrix<f32>, side: usize, size: u32) -> Figure {
    let edge = f64::from(size);
    let tile = (4.2 * edge / atoms.ncols().max(1) as f64).min(edge / 8.0);
    let mut picture = Svg::new(size, size);
    for unit in 0..atoms.ncols() {
        let (sin, cos) = (TAU * unit as f64 / atoms.ncols() as f64).sin_cos();
        // Neighbours stand in two rows, so that they can be larger.
        let radius = 0.5 * edge - tile * (0.75 + 1.15 * (unit % 2) as f64);
        atom(&mut picture, atoms, unit, side, (0.5 * edge + radius * cos, 0.5 * edge + radius * sin), tile);
    }
    picture.into()
}

fn atom(picture: &mut Svg, atoms: &DMatrix<f32>, unit: usize, side: usize, (x, y): (f64, f64), tile: f64) {
    let raster = Raster::signed(atoms.column(unit).as_slice(), side);
    picture.image((x - 0.5 * tile, y - 0.5 * tile), (tile, tile), &raster);
}

/// Every leaf has its own angle, a node stands in the middle of its children.
fn angles(tree: &Tree) -> Vec<f64> {
    let leaves: Vec<usize> =
        in_order(tree).into_iter().filter(|&node| tree.children(Some(node)).next().is_none()).collect();
    let mut angle = vec![0.0; tree.nodes()];
    for (i, &leaf) in leaves.iter().enumerate() {
        angle[leaf] = TAU * i as f64 / leaves.len() as f64;
    }
    for node in (0..tree.nodes()).rev() {
        let children: Vec<f64> = tree.children(Some(node)).map(|child| angle[child]).collect();
        if !children.is_empty() {
            angle[node] = children.iter().sum::<f64>() / children.len() as f64;
        }
    }
    angle
}

/// Every node, its descendants right after it.
fn in_order(tree: &Tree) -> Vec<usize> {
    let mut waiting: Vec<usize> = tree.children(None).collect();
    let mut order = Vec::new();
    waiting.reverse();
    while let Some(node) = waiting.pop() {
        order.push(node);
        let children: Vec<usize> = tree.children(Some(node)).collect();
        waiting.extend(children.into_iter().rev());
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descendants_follow_their_node_and_stand_around_it() {
        let tree = Tree::balanced(&[1, 2, 2]).unwrap();
        assert_eq!(in_order(&tree), [0, 1, 3, 4, 2, 5, 6]);
        let angle = angles(&tree);
        assert!(angle[3] < angle[1] && angle[1] < angle[4] && angle[4] < angle[5]);
    }
}
