//! What variational models share: how a posterior is drawn from, what it costs, and where training is.

use crate::tape::{Tape, Var};

/// Where training is.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// Steps of Adam, of this stage.
    pub step: usize,
    /// Error, in units of what needs no model.
    pub error: f32,
    /// KL divergence of z at a step, in nats; 0 where z is absent or dropped.
    pub kl: f32,
}

/// `μ + σ ε`: gradients flow through a draw to what it is drawn from.
pub(super) fn drawn(tape: &Tape, (mean, log_variance): (Var, Var), noise: Var) -> Var {
    tape.add(mean, tape.mul(tape.exp(tape.scale(log_variance, 0.5)), noise))
}

/// `KL(N(μ, σ²) ‖ N(0, I)) = ½ Σ (μ² + σ² − 1 − log σ²)`, the mean of the batch.
pub(super) fn divergence(tape: &Tape, mean: Var, log_variance: Var) -> Var {
    let (_, batch) = tape.shape(mean);
    let spread = tape.sub(tape.exp(log_variance), tape.offset(log_variance, 1.0));
    tape.scale(tape.sum(tape.add(tape.square(mean), spread)), 0.5 / batch.max(1) as f32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use nalgebra::DMatrix;

    #[test]
    fn the_divergence_is_the_closed_form() {
        let tape = Tape::new();
        let mean = tape.constant(DMatrix::from_row_slice(1, 2, &[0.0, 2.0]));
        let log_variance = tape.constant(DMatrix::from_row_slice(1, 2, &[0.0, 0.5f32.ln()]));
        // The first sample is the prior itself.
        let expected = 0.5 * 0.5 * (4.0 + 0.5 - 1.0 - 0.5f32.ln());
        assert!((tape.scalar(divergence(&tape, mean, log_variance)) - expected).abs() < 1e-6);
    }
}
