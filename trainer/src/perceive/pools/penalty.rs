//! The group penalty as inference needs it: one sample at a time.

use super::{Arrangement, Pools, Tree, inverse};
use crate::perceive::inference::Penalty;
use forethought::perceive::prox;

/// `Ω(z) = λ Σ_i √(ε + Σ_j w_ij z_j²)`.
#[derive(Clone, Debug)]
pub struct GroupSparsity {
    /// Which units are pooled.
    pub pools: Pools,
    /// `λ`.
    pub lambda: f32,
    /// `ε`: rounds the corner where a pool is silent. With 0 silent pools are exactly silent, and the proximal operator of
    /// disjoint groups and of trees is exact.
    pub epsilon: f32,
    /// How often overlapping pools are reweighted within one proximal step: each time comes closer to the exact one. With
    /// few, inference settles where the exact step would still move; [`reweighted`](crate::perceive::reweighted) has no
    /// such error, and is for many samples at once.
    pub sweeps: usize,
}

impl GroupSparsity {
    /// `v_i` of one sample.
    fn pooled(&self, z: &[f32]) -> impl Iterator<Item = f32> {
        (0..self.pools.count()).map(|i| {
            let sum: f32 = self.pools.members(i).map(|(j, w)| w * z[j] * z[j]).sum();
            (self.epsilon + sum).sqrt()
        })
    }

    /// Each pool's group threshold; a pool's units share one weight here, `√w` of their norm.
    fn shrink_groups(&self, z: &mut [f32], t: f32) {
        let mut group = Vec::new();
        for i in 0..self.pools.count() {
            let Some((_, weight)) = self.pools.members(i).next() else { continue };
            group.clear();
            group.extend(self.pools.members(i).map(|(j, _)| z[j]));
            prox::group(&mut group, t * self.lambda * weight.sqrt());
            self.pools.members(i).zip(&group).for_each(|((j, _), &shrunk)| z[j] = shrunk);
        }
    }

    /// All pools of a tree in one exact pass; a pool's units share one weight here too.
    fn shrink_tree(&self, tree: &Tree, z: &mut [f32], t: f32) {
        let weight = |node| self.pools.members(node).next().map_or(0.0, |(_, w)| self.lambda * w.sqrt());
        let weights: Vec<f32> = (0..tree.nodes()).map(weight).collect();
        prox::tree(z, tree.parents(), &weights, t, &mut vec![0.0; z.len()]);
    }

    /// `u_j ← z_j / (1 + t λ Σ_i w_ij / v_i(u))`: the minimum of the parabola that touches the penalty at the last `u`.
    fn reweight(&self, z: &mut [f32], t: f32) {
        let mut u = z.to_vec();
        for _ in 0..self.sweeps {
            let pull: Vec<f32> = self.pooled(&u).map(inverse).collect();
            for (j, (u, z)) in u.iter_mut().zip(&*z).enumerate() {
                let sum: f32 = self.pools.homes(j).map(|(i, w)| w * pull[i]).sum();
                *u = z / (1.0 + t * self.lambda * sum);
            }
        }
        z.copy_from_slice(&u);
    }
}

impl Penalty for GroupSparsity {
    fn value(&self, z: &[f32]) -> f32 {
        self.lambda * self.pooled(z).sum::<f32>()
    }

    fn prox(&self, z: &mut [f32], t: f32) {
        match self.pools.arrangement() {
            Arrangement::Disjoint if self.epsilon == 0.0 => self.shrink_groups(z, t),
            Arrangement::Tree(tree) if self.epsilon == 0.0 => self.shrink_tree(tree, z, t),
            _ => self.reweight(z, t),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{perceive::pools::Weights, tape::check::random};

    /// `½‖u − z‖² + t Ω(u)`, in f64.
    fn objective(penalty: &GroupSparsity, z: &[f32], u: &[f64], t: f64) -> f64 {
        let near: f64 = u.iter().zip(z).map(|(u, &z)| 0.5 * (u - f64::from(z)).powi(2)).sum();
        let pool = |i| -> f64 {
            let sum: f64 = penalty.pools.members(i).map(|(j, w)| f64::from(w) * u[j] * u[j]).sum();
            (f64::from(penalty.epsilon) + sum).sqrt()
        };
        near + t * f64::from(penalty.lambda) * (0..penalty.pools.count()).map(pool).sum::<f64>()
    }

    /// The minimum by trying steps along each axis, from two starts: slow, but it knows nothing of the penalty.
    fn brute_force(penalty: &GroupSparsity, z: &[f32], t: f64) -> f64 {
        let search = |start: f64| {
            let mut u: Vec<f64> = z.iter().map(|&z| start * f64::from(z)).collect();
            let (mut best, mut step) = (objective(penalty, z, &u, t), 0.5);
            while step > 1e-7 {
                let before = best;
                // Along the axes, and towards zero pool by pool, where the axes alone are stuck at the corner.
                for j in 0..u.len() {
                    for way in [step, -step] {
                        u[j] += way;
                        let value = objective(penalty, z, &u, t);
                        if value < best { best = value } else { u[j] -= way }
                    }
                }
                for i in 0..penalty.pools.count() {
                    for factor in [0.0, 1.0 - step, 1.0 + step] {
                        let mut scaled = u.clone();
                        penalty.pools.members(i).for_each(|(j, _)| scaled[j] *= factor);
                        let value = objective(penalty, z, &scaled, t);
                        if value < best {
                            (best, u) = (value, scaled);
                        }
                    }
                }
                if before - best < 1e-9 {
                    step *= 0.5;
                }
            }
            best
        };
        search(1.0).min(search(0.05))
    }

    fn reached(penalty: &GroupSparsity, seed: u64, t: f32) -> (f64, f64) {
        let z = random(penalty.pools.units(), 1, seed);
        let mut u = z.as_slice().to_vec();
        penalty.prox(&mut u, t);
        let u: Vec<f64> = u.into_iter().map(f64::from).collect();
        (objective(penalty, z.as_slice(), &u, t.into()), brute_force(penalty, z.as_slice(), t.into()))
    }

    #[test]
    fn disjoint_groups_are_exact() {
        let pools = Pools::disjoint(9, 3).unwrap();
        let penalty = GroupSparsity { pools, lambda: 0.5, epsilon: 0.0, sweeps: 1 };
        for (seed, t) in [(1, 0.3), (2, 1.0), (3, 2.0)] {
            let (ours, best) = reached(&penalty, seed, t);
            assert!((ours - best).abs() < 1e-6, "{ours} {best}");
        }
    }

    #[test]
    fn trees_are_exact() {
        let pools = Pools::tree(&[2, 2, 2], |level| 1.0 + 0.5 * level as f32).unwrap();
        let penalty = GroupSparsity { pools, lambda: 0.3, epsilon: 0.0, sweeps: 1 };
        for (seed, t) in [(1, 0.3), (2, 1.0), (3, 2.0)] {
            let (ours, best) = reached(&penalty, seed, t);
            assert!((ours - best).abs() < 1e-6, "{ours} {best}");
        }
    }

    #[test]
    fn overlapping_pools_reach_the_minimum_by_reweighting() {
        let pools = Pools::ring(8, 4, 2, Weights::Gaussian { sigma: 1.0 }).unwrap();
        let penalty = GroupSparsity { pools, lambda: 0.5, epsilon: 1e-2, sweeps: 200 };
        for (seed, t) in [(1, 0.3), (2, 1.0), (3, 2.0)] {
            let (ours, best) = reached(&penalty, seed, t);
            assert!((ours - best).abs() < 1e-5, "{ours} {best}");
        }
    }

    #[test]
    fn every_sweep_lowers_the_objective() {
        let pools = Pools::torus([4, 4], [2, 2], [1, 1], Weights::Flat).unwrap();
        let mut penalty = GroupSparsity { pools, lambda: 1.0, epsilon: 1e-3, sweeps: 0 };
        let mut before = f64::INFINITY;
        for sweeps in 0..8 {
            penalty.sweeps = sweeps;
            let z = random(16, 1, 5);
            let mut u = z.as_slice().to_vec();
            penalty.prox(&mut u, 0.5);
            let u: Vec<f64> = u.into_iter().map(f64::from).collect();
            let now = objective(&penalty, z.as_slice(), &u, 0.5);
            assert!(now <= before + 1e-6);
            before = now;
        }
    }
}
