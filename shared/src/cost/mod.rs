//! The cost of a trajectory: quadratic in chosen features of the state and in the action, with soft limits, obstacles and
//! what is still to be paid at the end; with a price of what the model does not know, as a mean over what nobody can know.
//!
//! ```text
//! J = Σ_{t<H} [Σ_k w_k ρ_k(x_t)² + Σ_o obstacle_o(x_t) + Σ_j (r_j u_{t,j}² + l_j u_{t,j}) + Σ_i d_i epistemic_i(x_t, u_t)]
//!   + Σ_k w'_k ρ_k(x_H)² + Σ_o obstacle_o(x_H) + (x_H − goal)ᵀ P (x_H − goal) + V(x_H)
//! ```
//! `ρ_k = f_k(x) − target_k`, or only its part [above or below](crate::artifact::Side), or 1 until it is 0. `P` is a
//! Riccati matrix, where the plant is linear or nearly so; `V` is a learned value. `d` is a price of doubt, in units of the cost
//! per squared unit of the state: plans keep to where an [ensemble](crate::predict::ensemble) has seen enough to agree. With
//! [futures] `J` is the mean over several of them. Of `l`, `d`, `P`, `V` and futures an agent has what it needs.

pub mod futures;
pub mod table;
mod terms;
pub mod value;

use crate::{
    artifact::{Artifact, ArtifactError, CostTerms, Model, Planner},
    dense::Dense,
};
use futures::Futures;
use value::Value;

/// Targets and weights.
#[derive(Clone, Debug)]
pub struct Cost<'a, const NH: usize> {
    terms: CostTerms,
    /// `r`, one weight an action component.
    action: &'a [f32],
    /// `l`, one price an action component; empty for none.
    linear: &'a [f32],
    /// `d`, one price a component of the state; empty for none.
    doubt: &'a [f32],
    futures: Futures<'a>,
    /// `P` and the goal.
    riccati: Option<(Dense<'a>, &'a [f32])>,
    value: Option<Value<'a, NH>>,
}

/// Reads the tensor `doubt`, if there is one.
fn doubt<'a>(artifact: &Artifact<'a>) -> Result<&'a [f32], ArtifactError> {
    let header = artifact.header();
    if !header.has_tensor("cost", "doubt") {
        return Ok(&[]);
    }
    let doubt = artifact.vector("cost", "doubt", artifact.sizes().nx())?;
    let what = if doubt.iter().any(|&price| price < 0.0) {
        "a price of doubt must be at least 0"
    } else if !matches!(header.model, Model::Ensemble { .. }) {
        "a price of doubt needs an ensemble as forward model: no other knows what it does not know"
    } else if let Planner::Lq(_) = header.planner {
        "a linear-quadratic planner cannot weigh doubt: its problem is solved before"
    } else {
        return Ok(doubt);
    };
    Err(ArtifactError::Setting { what })
}

/// By how much a component is moved to see how the learned value bends.
const NUDGE: f32 = 0.02;

impl<'a, const NH: usize> Cost<'a, NH> {
    /// Reads the part `cost` of an artifact, and the part `value` if there is one.
    pub fn load(artifact: &Artifact<'a>) -> Result<Self, ArtifactError> {
        let (header, nx, nu) = (artifact.header(), artifact.sizes().nx(), artifact.sizes().nu());
        let action = artifact.vector("cost", "action", nu)?;
        if action.iter().any(|&r| r < 0.0) {
            return Err(ArtifactError::Setting { what: "an action's weight must be at least 0" });
        }
        let linear =
            if header.has_tensor("cost", "linear") { artifact.vector("cost", "linear", nu)? } else { &[] };
        let riccati = if header.has_tensor("cost", "riccati") {
            Some((artifact.matrix("cost", "riccati", nx, nx)?, artifact.vector("cost", "goal", nx)?))
        } else {
            None
        };
        Ok(Self {
            terms: header.cost.clone(),
            action,
            linear,
            doubt: doubt(artifact)?,
            futures: Futures::load(artifact)?,
            riccati,
            value: Value::load(artifact)?,
        })
    }

    /// `d`, the price of what the model does not know.
    pub fn doubt(&self) -> &[f32] {
        self.doubt
    }

    /// What may become of a plan.
    pub fn futures(&self) -> &Futures<'a> {
        &self.futures
    }

    /// Cost of one step in state `x` under action `u`.
    pub fn stage(&self, x: &[f32], u: &[f32]) -> f32 {
        let effort = u.iter().zip(self.action).fold(0.0, |sum, (u, r)| sum + r * u * u);
        let price = u.iter().zip(self.linear).fold(effort, |sum, (u, l)| sum + l * u);
        self.terms.paid(x, |term| term.weight) + price
    }

    /// Cost of ending in state `x`.
    pub fn terminal<const NX: usize>(&self, x: &[f32; NX]) -> f32 {
        let value = self.value.as_ref().map_or(0.0, |value| value.of(x));
        // In order: what a larger type adds is zero at the end.
        let far =
            self.distance(x).map_or(0.0, |(e, pe)| e.iter().zip(pe).fold(0.0, |sum, (e, pe)| sum + e * pe));
        self.terms.paid(x, |term| term.terminal) + far + value
    }

    /// `e = x − goal` and `P e`, where there is a `P`.
    fn distance<const NX: usize>(&self, x: &[f32; NX]) -> Option<([f32; NX], [f32; NX])> {
        let (p, goal) = self.riccati.as_ref()?;
        let (mut e, mut pe) = ([0.0; NX], [0.0; NX]);
        for (e, (x, goal)) in e.iter_mut().zip(x.iter().zip(*goal)) {
            *e = x - goal;
        }
        p.add(&e, &mut pe);
        Some((e, pe))
    }

    /// Adds `∂stage/∂x` to `gx` and `∂stage/∂u` to `gu`.
    pub fn stage_gradient(&self, x: &[f32], u: &[f32], gx: &mut [f32], gu: &mut [f32]) {
        self.terms.slope(x, |term| term.weight, gx);
        for (g, (u, r)) in gu.iter_mut().zip(u.iter().zip(self.action)) {
            *g += 2.0 * r * u;
        }
        for (g, l) in gu.iter_mut().zip(self.linear) {
            *g += l;
        }
    }

    /// Adds `∂terminal/∂x` to `gx`.
    pub fn terminal_gradient<const NX: usize>(&self, x: &[f32; NX], gx: &mut [f32; NX]) {
        self.terms.slope(x, |term| term.terminal, gx);
        if let Some((_, pe)) = self.distance(x) {
            for (g, pe) in gx.iter_mut().zip(pe) {
                *g += 2.0 * pe;
            }
        }
        if let Some(value) = &self.value {
            value.slope(x, gx);
        }
    }

    /// Adds the Gauss–Newton curvature of a step to `hx`, and the curvature of each action component to `hu`.
    pub fn stage_curvature<const NX: usize, const NU: usize>(
        &self,
        x: &[f32; NX],
        hx: &mut [[f32; NX]; NX],
        hu: &mut [f32; NU],
    ) {
        self.terms.bend(x, |term| term.weight, hx);
        for (h, r) in hu.iter_mut().zip(self.action) {
            *h += 2.0 * r;
        }
    }

    /// Adds the curvature of ending in state `x` to `hx`: Gauss–Newton of what is quadratic; of the learned value the
    /// differences of its gradient, made symmetric.
    pub fn terminal_curvature<const NX: usize>(&self, x: &[f32; NX], hx: &mut [[f32; NX]; NX]) {
        self.terms.bend(x, |term| term.terminal, hx);
        if let Some((p, _)) = &self.riccati {
            for (k, row) in hx.iter_mut().enumerate() {
                // P is symmetric: its columns are its rows.
                p.add_column(k, 2.0, row);
            }
        }
        let Some(value) = &self.value else { return };
        for k in 0..NX {
            let (mut ahead, mut behind) = ([0.0; NX], [0.0; NX]);
            for (gradient, step) in [(&mut ahead, NUDGE), (&mut behind, -NUDGE)] {
                let mut moved = *x;
                if let Some(component) = moved.get_mut(k) {
                    *component += step;
                }
                value.slope(&moved, gradient);
            }
            for (i, (a, b)) in ahead.into_iter().zip(behind).enumerate() {
                let half = (a - b) / (4.0 * NUDGE);
                for (row, col) in [(i, k), (k, i)] {
                    if let Some(h) = hx.get_mut(row).and_then(|row| row.get_mut(col)) {
                        *h += half;
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifact::{Obstacle, Side, Term};
    use crate::feature::{Feature, Map};
    use proptest::prelude::*;

    /// Terms and effort alone.
    fn of(terms: CostTerms, action: &[f32]) -> Cost<'_, 4> {
        let futures = Futures::default();
        Cost { terms, action, linear: &[], doubt: &[], futures, riccati: None, value: None }
    }

    fn term() -> impl Strategy<Value = Term> {
        let map = prop_oneof![Just(Map::Value), Just(Map::Angle), Just(Map::Cos), Just(Map::Sin)];
        (0_u16..3, map, -1.0_f32..1.0, 0.0_f32..3.0, 0.0_f32..3.0).prop_map(
            |(index, map, target, weight, terminal)| Term {
                feature: Feature { index, map },
                side: Side::Both,
                target,
                weight,
                terminal,
            },
        )
    }

    /// `Σ w (f(x) − target)²`. Angles here stay clear of the jump at ±π.
    fn exact(terms: &[Term], x: &[f64; 3], weight: impl Fn(&Term) -> f32) -> f64 {
        let parts = terms.iter().map(|term| {
            let value = x[usize::from(term.feature.index)];
            let value = match term.feature.map {
                Map::Value | Map::Angle => value,
                Map::Cos => value.cos(),
                Map::Sin => value.sin(),
            };
            f64::from(weight(term)) * (f64::from(term.target) - value).powi(2)
        });
        parts.sum()
    }

    /// What stands beside the quadratic terms: a term on one side of its target, and obstacles.
    fn exact_limits(terms: &CostTerms, x: &[f64; 3]) -> f64 {
        let paid = terms.terms.iter().map(|term| {
            let above = x[usize::from(term.feature.index)] - f64::from(term.target);
            let paid = match term.side {
                Side::Both => true,
                Side::Above => above > 0.0,
                Side::Below => above < 0.0,
                Side::Until => return if above < 0.0 { f64::from(term.weight) } else { 0.0 },
            };
            if paid { f64::from(term.weight) * above * above } else { 0.0 }
        });
        let deep = terms.obstacles.iter().map(|obstacle| {
            let off = |k: usize| x[usize::from(obstacle.components[k])] - f64::from(obstacle.centre[k]);
            let near = 1.0 - (off(0).powi(2) + off(1).powi(2)) / f64::from(obstacle.radius).powi(2);
            f64::from(obstacle.weight) * near.max(0.0).powi(2)
        });
        paid.chain(deep).sum()
    }

    fn limit() -> impl Strategy<Value = Term> {
        let side = prop_oneof![Just(Side::Both), Just(Side::Above), Just(Side::Below), Just(Side::Until)];
        (0_u16..3, side, -1.0_f32..1.0, 0.0_f32..3.0).prop_map(|(index, side, target, weight)| Term {
            feature: Feature { index, map: Map::Value },
            side,
            target,
            weight,
            terminal: weight,
        })
    }

    fn obstacle() -> impl Strategy<Value = Obstacle> {
        let place = (-1.0_f32..1.0, -1.0_f32..1.0);
        (0_usize..3, place, 0.5_f32..3.0, 0.0_f32..3.0).prop_map(|(left_out, (a, b), radius, weight)| {
            let components = [[1, 2], [0, 2], [0, 1]][left_out];
            Obstacle { components, centre: [a, b], radius, weight }
        })
    }

    proptest! {
        #[test]
        fn limits_obstacles_prices_and_riccati_ends_match_finite_differences(
            terms in proptest::collection::vec(limit(), 0..4),
            obstacles in proptest::collection::vec(obstacle(), 0..4),
            x in proptest::array::uniform3(-2.0_f32..2.0),
            u in proptest::array::uniform2(-3.0_f32..3.0),
            linear in proptest::array::uniform2(-2.0_f32..2.0),
            goal in proptest::array::uniform3(-1.0_f32..1.0),
            root in proptest::array::uniform9(-1.0_f32..1.0),
        ) {
            let terms = CostTerms {
                terms: terms.into_iter().collect(),
                obstacles: obstacles.into_iter().collect(),
            };
            // Symmetric; its panels of rows are of 2 and of 1.
            let entry = |i: usize, j: usize| root[3 * i + j] + root[3 * j + i];
            let mut panels = [0.0; 9];
            for (i, j) in (0..9).map(|k| (k / 3, k % 3)) {
                panels[Dense::position(3, 3, i, j)] = entry(i, j);
            }
            let riccati = Some((Dense::new(3, 3, &panels).unwrap(), &goal[..]));
            let action = [0.0; 2];
            let cost = Cost { linear: &linear, riccati, ..of(terms.clone(), &action) };
            let price: f64 = u.iter().zip(linear).map(|(u, l)| f64::from(*u) * f64::from(l)).sum();
            let far = |x: &[f64; 3]| -> f64 {
                let e: [f64; 3] = core::array::from_fn(|i| x[i] - f64::from(goal[i]));
                (0..9).map(|k| e[k / 3] * f64::from(entry(k / 3, k % 3)) * e[k % 3]).sum()
            };
            let stage = |x: &[f64; 3]| exact_limits(&terms, x);
            let end = |x: &[f64; 3]| exact_limits(&terms, x) + far(x);
            let wide = x.map(f64::from);
            let close = |a: f32, b: f64, within: f64| (f64::from(a) - b).abs() < within * (1.0 + b.abs());
            prop_assert!(close(cost.stage(&x, &u), stage(&wide) + price, 1e-5));
            prop_assert!(close(cost.terminal(&x), end(&wide), 1e-5));
            let (mut gx, mut gu, mut g_end) = ([0.0; 3], [0.0; 2], [0.0; 3]);
            cost.stage_gradient(&x, &u, &mut gx, &mut gu);
            cost.terminal_gradient(&x, &mut g_end);
            prop_assert_eq!(gu, linear);
            let at = |f: &dyn Fn(&[f64; 3]) -> f64, i: usize, step: f64| {
                let mut moved = wide;
                moved[i] += step;
                f(&moved)
            };
            for i in 0..3 {
                let slope = |f: &dyn Fn(&[f64; 3]) -> f64| (at(f, i, 1e-5) - at(f, i, -1e-5)) / 2e-5;
                prop_assert!(close(gx[i], slope(&stage), 1e-3));
                prop_assert!(close(g_end[i], slope(&end), 1e-3));
            }
            // Of a Riccati end alone the curvature is its own, twice.
            let plain = Cost::<4> { terms: CostTerms::default(), ..cost };
            let mut bend = [[0.0; 3]; 3];
            plain.terminal_curvature(&x, &mut bend);
            for (i, row) in bend.into_iter().enumerate() {
                for (j, h) in row.into_iter().enumerate() {
                    prop_assert!(close(h, 2.0 * f64::from(entry(i, j)), 1e-5));
                }
            }
        }

        /// Gauss–Newton: the sum of `2 w ∇ρ ∇ρᵀ`, by the slopes of each residual.
        #[test]
        fn curvatures_are_of_gauss_and_newton(
            terms in proptest::collection::vec(limit(), 0..4),
            obstacles in proptest::collection::vec(obstacle(), 0..4),
            x in proptest::array::uniform3(-2.0_f32..2.0),
            action in proptest::array::uniform2(0.0_f32..2.0),
        ) {
            let (mut all, mut sum) = (CostTerms::default(), [[0.0_f64; 3]; 3]);
            let parts = terms.iter().map(|&term| CostTerms { terms: [term].into_iter().collect(), ..CostTerms::default() });
            let discs = obstacles
                .iter()
                .map(|&disc| CostTerms { obstacles: [disc].into_iter().collect(), ..CostTerms::default() });
            for part in parts.chain(discs) {
                // `ρ = √(cost)`, so `2 ∇ρ ∇ρᵀ = ∇c ∇cᵀ / 2c`.
                let (mut slope, paid) = ([0.0; 3], f64::from(part.paid(&x, |t| t.weight)));
                part.slope(&x, |t| t.weight, &mut slope);
                if paid > 1e-6 {
                    for (i, j) in (0..9).map(|k| (k / 3, k % 3)) {
                        sum[i][j] += f64::from(slope[i]) * f64::from(slope[j]) / (2.0 * paid);
                    }
                    all.terms.extend(part.terms);
                    all.obstacles.extend(part.obstacles);
                }
            }
            let cost = of(all, &action);
            let (mut hx, mut hu) = ([[0.0; 3]; 3], [0.0; 2]);
            cost.stage_curvature(&x, &mut hx, &mut hu);
            prop_assert_eq!(hu, action.map(|r| 2.0 * r));
            for (i, j) in (0..9).map(|k| (k / 3, k % 3)) {
                let (h, expected) = (f64::from(hx[i][j]), sum[i][j]);
                prop_assert!((h - expected).abs() < 1e-3 * (1.0 + expected.abs()), "{h} {expected}");
            }
        }

        #[test]
        fn gradients_match_finite_differences(
            terms in proptest::collection::vec(term(), 0..8),
            x in proptest::array::uniform3(-2.0_f32..2.0),
            u in proptest::array::uniform2(-3.0_f32..3.0),
            action in proptest::array::uniform2(0.0_f32..2.0),
        ) {
            let list = CostTerms { terms: terms.iter().copied().collect(), ..CostTerms::default() };
            let cost = of(list, &action);
            let effort: f64 =
                u.iter().zip(action).map(|(u, r)| f64::from(r) * f64::from(*u) * f64::from(*u)).sum();
            let stage = exact(&terms, &x.map(f64::from), |t| t.weight) + effort;
            prop_assert!((f64::from(cost.stage(&x, &u)) - stage).abs() < 1e-5 * (1.0 + stage));
            let (mut gx, mut gu, mut g_end) = ([0.5; 3], [0.5; 2], [0.5; 3]);
            cost.stage_gradient(&x, &u, &mut gx, &mut gu);
            cost.terminal_gradient(&x, &mut g_end);
            for i in 0..3 {
                let slope = |weight: &dyn Fn(&Term) -> f32| {
                    let at = |step: f64| {
                        let mut moved = x.map(f64::from);
                        moved[i] += step;
                        exact(&terms, &moved, weight)
                    };
                    0.5 + (at(1e-4) - at(-1e-4)) / 2e-4
                };
                prop_assert!((f64::from(gx[i]) - slope(&|t| t.weight)).abs() < 1e-4);
                prop_assert!((f64::from(g_end[i]) - slope(&|t| t.terminal)).abs() < 1e-4);
            }
            for (g, (u, r)) in gu.into_iter().zip(u.into_iter().zip(action)) {
                prop_assert!((g - 0.5 - 2.0 * r * u).abs() < 1e-5);
            }
        }
    }
}
