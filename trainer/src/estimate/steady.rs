//! The steady state of the Kalman filter of a linear plant `x' = A x + B u + w, y = H x + v`.
//!
//! The covariance before an observation settles to the solution of the discrete algebraic Riccati equation
//! ```text
//! P = A P Aᵀ − A P Hᵀ (H P Hᵀ + R)⁻¹ H P Aᵀ + Q
//! ```
//! which structure-preserving doubling finds (Chu, Fan, Lin & Wang 2004), squaring the number of iterations at every step:
//! ```text
//! W = (I + G P)⁻¹,  P ← P + Fᵀ P W F,  G ← G + F W G Fᵀ,  F ← F W F        from F = Aᵀ, G = Hᵀ R⁻¹ H, P = Q
//! ```
//! From it come the gains of the features taken in one after the other, which the chip runs.

use crate::export::Tensors;
use anyhow::{Context, Result, ensure};
use nalgebra::{DMatrix, DVector};

/// A linear plant and its noise.
#[derive(Clone, Debug)]
pub struct Plant {
    /// `A`: what becomes of the state in one step.
    pub a: DMatrix<f64>,
    /// `H`: one row for each measured feature.
    pub h: DMatrix<f64>,
    /// Diagonal of `Q`: variance that one step adds.
    pub process: DVector<f64>,
    /// Diagonal of `R`: variance of each measured feature.
    pub noise: DVector<f64>,
}

/// What the filter settles to.
#[derive(Clone, Debug)]
pub struct Steady {
    /// Covariance before an observation.
    pub before: DMatrix<f64>,
    /// Covariance after it.
    pub after: DMatrix<f64>,
    /// One column for each measured feature, taken in one after the other.
    pub gain: DMatrix<f64>,
    /// Variance of each feature's innovation then.
    pub innovation: DVector<f64>,
}

impl Plant {
    /// The Riccati equation's right side.
    pub fn riccati(&self, p: &DMatrix<f64>) -> DMatrix<f64> {
        let (_, _, after) = self.take_in(p);
        &self.a * after * self.a.transpose() + DMatrix::from_diagonal(&self.process)
    }

    /// Gains, variances of the innovations and the covariance left, of the features taken in one after the other.
    fn take_in(&self, before: &DMatrix<f64>) -> (DMatrix<f64>, DVector<f64>, DMatrix<f64>) {
        let (features, n) = self.h.shape();
        let (mut gain, mut innovation) = (DMatrix::zeros(n, features), DVector::zeros(features));
        let mut p = before.clone();
        for (i, (row, r)) in self.h.row_iter().zip(&self.noise).enumerate() {
            let h = row.transpose();
            let p_h = &p * &h;
            let s = h.dot(&p_h) + r;
            p -= &p_h * p_h.transpose() / s;
            gain.set_column(i, &(p_h / s));
            innovation[i] = s;
        }
        (gain, innovation, p)
    }

    /// Solves it.
    pub fn settle(&self) -> Result<Steady> {
        const DOUBLINGS: usize = 60;
        let n = self.a.nrows();
        ensure!(self.noise.iter().all(|r| *r > 0.0), "a measured feature needs a positive variance");
        let scaled = DMatrix::from_diagonal(&self.noise.map(|r| r.recip())) * &self.h;
        let mut f = self.a.transpose();
        let mut g = self.h.transpose() * scaled;
        let mut p = DMatrix::from_diagonal(&self.process);
        let singular = "the filter of this plant has no steady state";
        for _ in 0..DOUBLINGS {
            let w = (DMatrix::identity(n, n) + &g * &p).try_inverse().context(singular)?;
            // (I + P G)⁻¹ is the transpose of W, since P and G are symmetric.
            let grown = f.transpose() * w.transpose() * &p * &f;
            g += &f * &w * &g * f.transpose();
            f = &f * w * &f;
            p += &grown;
            p = 0.5 * (&p + p.transpose());
            if grown.amax() <= 1e-14 * p.amax() {
                break;
            }
        }
        let error = (self.riccati(&p) - &p).amax();
        ensure!(
            error <= 1e-8 * p.amax(),
            "{singular}: not everything that grows or is driven by noise is seen by the sensors"
        );
        let (gain, innovation, after) = self.take_in(&p);
        Ok(Steady { before: p, after, gain, innovation })
    }
}

impl Steady {
    /// Adds what makes the filter a steady one.
    pub fn export(&self, tensors: &mut Tensors) {
        tensors.matrix("estimate", "gain", self.gain.map(|k| k as f32));
        tensors.matrix(
            "estimate",
            "innovation",
            DMatrix::from_column_slice(self.innovation.len(), 1, self.innovation.as_slice())
                .map(|s| s as f32),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A particle whose position is measured: `α` and `β` of the steady filter follow from the tracking index alone (Kalata 1984).
    #[test]
    fn the_alpha_beta_filters_closed_form() {
        let (dt, q, r) = (0.1, 0.3, 0.02);
        // Noise of the acceleration: Q = q Γ Γᵀ with Γ = (Δt²/2, Δt), here brought to a diagonal by other coordinates.
        let gamma = DVector::from_vec(vec![0.5 * dt * dt, dt]);
        let a = DMatrix::from_row_slice(2, 2, &[1.0, dt, 0.0, 1.0]);
        // y₁ along Γ, y₂ = position: x = T y with T = [Γ, e₁]
        let t = DMatrix::from_row_slice(2, 2, &[gamma[0], 1.0, gamma[1], 0.0]);
        let inverse = t.clone().try_inverse().unwrap();
        let plant = Plant {
            a: &inverse * a * &t,
            h: DMatrix::from_row_slice(1, 2, &[1.0, 0.0]) * &t,
            process: DVector::from_vec(vec![q, 0.0]),
            noise: DVector::from_vec(vec![r]),
        };
        let steady = plant.settle().unwrap();
        let k = &t * &steady.gain;
        let index = q.sqrt() * dt * dt / r.sqrt();
        let s = (4.0 + index - (8.0 * index + index * index).sqrt()) / 4.0;
        let alpha = 1.0 - s * s;
        let beta = 2.0 * (2.0 - alpha) - 4.0 * (1.0 - alpha).sqrt();
        assert!((k[0] - alpha).abs() < 1e-9, "{} for {alpha}", k[0]);
        assert!((k[1] - beta / dt).abs() < 1e-8, "{} for {}", k[1], beta / dt);
    }

    #[test]
    fn it_is_where_iterating_leads_and_one_by_one_is_all_at_once() {
        let plant = Plant {
            a: DMatrix::from_row_slice(3, 3, &[1.0, 0.1, 0.0, -0.2, 1.05, 0.1, 0.0, 0.3, 0.9]),
            h: DMatrix::from_row_slice(2, 3, &[1.0, 0.0, 0.0, 0.0, 0.5, 1.0]),
            process: DVector::from_vec(vec![0.01, 0.02, 0.0]),
            noise: DVector::from_vec(vec![0.1, 0.2]),
        };
        let steady = plant.settle().unwrap();
        let mut p = DMatrix::identity(3, 3);
        for _ in 0..300 {
            p = plant.riccati(&p);
            // Of an unstable plant what rounding makes asymmetric would grow.
            p = 0.5 * (&p + p.transpose());
        }
        assert!((&p - &steady.before).norm() < 1e-10);
        // x + k₁ν₁ + k₂(y₂ − h₂(x + k₁ν₁)) against x + K ν
        let s = &plant.h * &p * plant.h.transpose() + DMatrix::from_diagonal(&plant.noise);
        let all = &p * plant.h.transpose() * s.clone().try_inverse().unwrap();
        let (first, second) = (steady.gain.column(0), steady.gain.column(1));
        let combined = first - second * (plant.h.row(1) * first)[0];
        assert!((combined - all.column(0)).norm() < 1e-10);
        assert!((second - all.column(1)).norm() < 1e-10);
        assert!((steady.innovation.iter().product::<f64>() - s.determinant()).abs() < 1e-10);
    }

    #[test]
    fn what_no_sensor_sees_has_no_steady_state() {
        let plant = Plant {
            a: DMatrix::from_row_slice(2, 2, &[1.0, 0.0, 0.0, 1.1]),
            h: DMatrix::from_row_slice(1, 2, &[1.0, 0.0]),
            process: DVector::from_vec(vec![0.01, 0.01]),
            noise: DVector::from_vec(vec![0.1]),
        };
        let complaint = plant.settle().unwrap_err().to_string();
        assert!(complaint.starts_with("the filter of this plant has no steady state"), "{complaint}");
    }
}
