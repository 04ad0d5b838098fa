//! The linear-quadratic planner: everything that does not depend on the state is computed here, in `f64`.
//!
//! A plant `x' = A x + B u`, a cost `Σ_{t<H} (eᵀQe + uᵀRu) + e_Hᵀ P e_H` of `e = x − goal`, `P` from the discrete algebraic
//! Riccati equation: what the optimal regulator without limits pays from there on. A goal that is no point of rest adds the
//! constant `d = A goal − goal` to every step; it is carried as a last component of the state that is always 1.

use crate::{estimate::steady, export::Tensors};
use anyhow::{Context, Result, ensure};
use forethought::{
    artifact::{CostTerms, Term},
    feature::Map,
};
use nalgebra::{DMatrix, DVector};

/// A plant and what is wanted of it.
#[derive(Clone, Debug)]
pub struct Regulator {
    /// `A`, NX×NX.
    pub a: DMatrix<f64>,
    /// `B`, NX×NU.
    pub b: DMatrix<f64>,
    /// Diagonal of `Q`, at least 0.
    pub q: DVector<f64>,
    /// Diagonal of `R`, above 0.
    pub r: DVector<f64>,
    /// Where the state should be.
    pub goal: DVector<f64>,
}

/// The quadratic programme of a horizon: `J(U) = Uᵀ H U + 2 Uᵀ F ẽ + ẽᵀ C ẽ`, `ẽ = (e, 1)`.
#[derive(Clone, Debug)]
pub struct Condensed {
    /// `H`, n×n.
    pub hessian: DMatrix<f64>,
    /// `F`, n×(NX+1).
    pub slope: DMatrix<f64>,
    /// `C`, (NX+1)×(NX+1).
    pub rest: DMatrix<f64>,
}

impl Regulator {
    /// `P`, by duality from the filter's equation.
    ///
    /// # Errors
    /// If some of the state that matters cannot be settled by the actions.
    pub fn riccati(&self) -> Result<DMatrix<f64>> {
        ensure!(self.r.iter().all(|r| *r > 0.0), "every action needs a weight above 0");
        let dual = steady::Plant {
            a: self.a.transpose(),
            h: self.b.transpose(),
            process: self.q.clone(),
            noise: self.r.clone(),
        };
        Ok(dual.settle().context("the actions cannot settle this plant")?.before)
    }

    /// Eliminates the states.
    pub fn condense(&self, horizon: usize) -> Result<Condensed> {
        let (nx, nu) = self.b.shape();
        let drift = &self.a * &self.goal - &self.goal;
        let mut a = self.a.clone().resize(nx + 1, nx + 1, 0.0);
        a.view_mut((0, nx), (nx, 1)).copy_from(&drift);
        a[(nx, nx)] = 1.0;
        let b = self.b.clone().resize(nx + 1, nu, 0.0);
        let q = DMatrix::from_diagonal(&self.q).resize(nx + 1, nx + 1, 0.0);
        let end = self.riccati()?.resize(nx + 1, nx + 1, 0.0);

        let n = nu * horizon;
        let mut hessian = DMatrix::zeros(n, n);
        for i in 0..n {
            hessian[(i, i)] = self.r[i % nu];
        }
        let (mut slope, mut rest) = (DMatrix::zeros(n, nx + 1), q.clone());
        // ẽ_t = free · ẽ_0 + forced · U
        let (mut free, mut forced) = (DMatrix::identity(nx + 1, nx + 1), DMatrix::zeros(nx + 1, n));
        for t in 0..horizon {
            free = &a * free;
            forced = &a * forced;
            forced.view_mut((0, t * nu), (nx + 1, nu)).copy_from(&b);
            let weight = if t + 1 == horizon { &end } else { &q };
            hessian += forced.transpose() * weight * &forced;
            slope += forced.transpose() * weight * &free;
            rest += free.transpose() * weight * &free;
        }
        Ok(Condensed { hessian, slope, rest })
    }

    /// Adds plant, cost and planner to a controller's tensors and returns the terms of the cost.
    pub fn export(&self, horizon: usize, tensors: &mut Tensors) -> Result<CostTerms> {
        let (nx, single) = (self.a.nrows(), |values: &DVector<f64>| values.map(|v| v as f32));
        let goal = single(&self.goal);
        tensors.matrix("predict", "a", self.a.map(|v| v as f32));
        tensors.matrix("predict", "b", self.b.map(|v| v as f32));
        tensors.vector("cost", "action", single(&self.r).as_slice());
        tensors.matrix("cost", "riccati", self.riccati()?.map(|v| v as f32));
        tensors.vector("cost", "goal", goal.as_slice());

        let Condensed { hessian, slope, rest } = self.condense(horizon)?;
        let factor = hessian.cholesky().context("the weights of the actions must be above 0")?;
        let plan = -factor.solve(&slope);
        // J without limits: C + Fᵀ (K, k), and (K, k) = −H⁻¹ F.
        let value = rest + slope.transpose() * &plan;
        let part = |of: &DMatrix<f64>, at, size| of.view(at, size).map(|v| v as f32);
        let n = plan.nrows();
        tensors.vector("plan", "goal", goal.as_slice());
        tensors.matrix("plan", "gain", part(&plan, (0, 0), (n, nx)));
        tensors.vector("plan", "offset", part(&plan, (0, nx), (n, 1)).as_slice());
        tensors.vector("plan", "inverse", factor.inverse().map(|v| v as f32).as_slice());
        tensors.matrix("plan", "value", part(&value, (0, 0), (nx, nx)));
        tensors.vector("plan", "slope", part(&value, (0, nx), (nx, 1)).as_slice());
        tensors.vector("plan", "rest", &[value[(nx, nx)] as f32]);

        let wanted = self.q.iter().zip(&goal).enumerate().filter(|(_, (q, _))| **q > 0.0);
        let terms =
            wanted.map(|(index, (q, goal))| Term::squared(Map::Value, index as u16, *goal, *q as f32));
        ensure!(
            self.q.iter().filter(|q| **q > 0.0).count() <= forethought::artifact::FEATURES,
            "too many weights"
        );
        Ok(CostTerms { terms: terms.collect(), ..CostTerms::default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cart() -> Regulator {
        Regulator {
            a: DMatrix::from_row_slice(2, 2, &[1.0, 0.1, 0.0, 0.9]),
            b: DMatrix::from_row_slice(2, 1, &[0.005, 0.1]),
            q: DVector::from_row_slice(&[1.0, 0.1]),
            r: DVector::from_row_slice(&[0.05]),
            goal: DVector::from_row_slice(&[0.5, 0.2]), // it drifts there: no point of rest
        }
    }

    /// The cost of a trajectory, step by step.
    fn cost(plant: &Regulator, x: &DVector<f64>, actions: &[f64]) -> f64 {
        let p = plant.riccati().unwrap();
        let (mut x, mut sum) = (x.clone(), 0.0);
        for &u in actions {
            let e = &x - &plant.goal;
            sum += e.dot(&plant.q.component_mul(&e)) + plant.r[0] * u * u;
            x = &plant.a * x + &plant.b * u;
        }
        let e = &x - &plant.goal;
        sum + e.dot(&(p * &e))
    }

    #[test]
    fn the_condensed_cost_is_that_of_the_trajectory() {
        let plant = cart();
        let Condensed { hessian, slope, rest } = plant.condense(4).unwrap();
        let x = DVector::from_row_slice(&[-0.7, 0.4]);
        let e = (&x - &plant.goal).push(1.0);
        for actions in [[0.0; 4], [1.0, -0.5, 0.3, 2.0]] {
            let u = DVector::from_row_slice(&actions);
            let found = u.dot(&(&hessian * &u)) + 2.0 * u.dot(&(&slope * &e)) + e.dot(&(&rest * &e));
            let expected = cost(&plant, &x, &actions);
            assert!((found - expected).abs() < 1e-10 * expected, "{found} for {expected}");
        }
    }

    /// One more step under the best action costs what the equation says.
    #[test]
    fn the_riccati_equation_holds() {
        let Regulator { a, b, q, r, .. } = cart();
        let p = cart().riccati().unwrap();
        let s = DMatrix::from_diagonal(&r) + b.transpose() * &p * &b;
        let k = s.try_inverse().unwrap() * b.transpose() * &p * &a;
        let right = DMatrix::from_diagonal(&q) + a.transpose() * &p * (&a - &b * k);
        assert!((right - &p).amax() < 1e-9 * p.amax());
    }

    #[test]
    fn a_plant_that_no_action_reaches_is_refused() {
        let mut plant = cart();
        plant.a[(0, 0)] = 1.1;
        plant.b.fill(0.0);
        assert!(plant.riccati().is_err());
    }
}
