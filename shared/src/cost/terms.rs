//! What is to be paid in a state: quadratic terms of its features, soft limits, obstacles.

use crate::artifact::{CostTerms, Obstacle, Side, Term};

impl Term {
    /// What is squared and paid: `target − f(x)` where there is something to be paid, otherwise 0; and `∂f/∂x` there.
    fn residual(&self, x: &[f32]) -> (f32, f32) {
        let (residual, slope) = self.feature.residual(x, self.target);
        let paid = match self.side {
            Side::Both => true,
            Side::Above => residual < 0.0,
            Side::Below => residual > 0.0,
            Side::Until => return (if residual > 0.0 { 1.0 } else { 0.0 }, 0.0),
        };
        if paid { (residual, slope) } else { (0.0, 0.0) }
    }

    /// What is to be paid in state `x`, with a weight: `weight · residual²`.
    pub fn paid(&self, x: &[f32], weight: f32) -> f32 {
        let (residual, _) = self.residual(x);
        weight * residual * residual
    }

    /// Adds its gradient to `gx`.
    pub fn slope(&self, x: &[f32], weight: f32, gx: &mut [f32]) {
        let (residual, slope) = self.residual(x);
        if let Some(g) = gx.get_mut(usize::from(self.feature.index)) {
            *g -= 2.0 * weight * residual * slope;
        }
    }
}

impl Obstacle {
    /// `max(1 − d²/radius², 0)` and its slope in both components.
    fn depth(&self, x: &[f32]) -> (f32, [f32; 2]) {
        let [cx, cy] = self.centre;
        let at = |component: u16| x.get(usize::from(component)).copied().unwrap_or(0.0);
        let [first, second] = self.components;
        let (dx, dy) = (at(first) - cx, at(second) - cy);
        let square = self.radius * self.radius;
        let depth = 1.0 - (dx * dx + dy * dy) / square;
        if depth > 0.0 { (depth, [-2.0 * dx / square, -2.0 * dy / square]) } else { (0.0, [0.0; 2]) }
    }
}

impl CostTerms {
    /// The sum of all.
    pub(super) fn paid(&self, x: &[f32], weight: impl Fn(&Term) -> f32) -> f32 {
        let terms = self.terms.iter().fold(0.0, |sum, term| sum + term.paid(x, weight(term)));
        self.obstacles.iter().fold(terms, |sum, obstacle| {
            let (depth, _) = obstacle.depth(x);
            sum + obstacle.weight * depth * depth
        })
    }

    /// Adds its gradient.
    pub(super) fn slope(&self, x: &[f32], weight: impl Fn(&Term) -> f32, gx: &mut [f32]) {
        for term in &self.terms {
            term.slope(x, weight(term), gx);
        }
        for obstacle in &self.obstacles {
            let (depth, slopes) = obstacle.depth(x);
            for (component, slope) in obstacle.components.into_iter().zip(slopes) {
                if let Some(g) = gx.get_mut(usize::from(component)) {
                    *g += 2.0 * obstacle.weight * depth * slope;
                }
            }
        }
    }

    /// Adds its Gauss–Newton curvature.
    pub(super) fn bend<const NX: usize>(
        &self,
        x: &[f32; NX],
        weight: impl Fn(&Term) -> f32,
        hx: &mut [[f32; NX]; NX],
    ) {
        let mut add = |row: u16, col: u16, curvature: f32| {
            if let Some(h) = hx.get_mut(usize::from(row)).and_then(|row| row.get_mut(usize::from(col))) {
                *h += curvature;
            }
        };
        for term in &self.terms {
            let (_, slope) = term.residual(x);
            add(term.feature.index, term.feature.index, 2.0 * weight(term) * slope * slope);
        }
        for obstacle in &self.obstacles {
            let (_, slopes) = obstacle.depth(x);
            for (row, a) in obstacle.components.into_iter().zip(slopes) {
                for (col, b) in obstacle.components.into_iter().zip(slopes) {
                    add(row, col, 2.0 * obstacle.weight * a * b);
                }
            }
        }
    }
}
