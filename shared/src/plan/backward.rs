//! One step of dynamic programming on a quadratic model of what is still to be paid: the heart of [iLQR](super::ilqr).

use crate::{
    Zero, math,
    predict::{ForwardModel, Pullback},
};

/// The quadratic model of one step and all that follows, in the changes of state and action.
#[derive(Clone, Debug)]
pub(super) struct Stage<const NX: usize, const NU: usize> {
    /// `Q_x`.
    pub slope_x: [f32; NX],
    /// `Q_u`.
    pub slope_u: [f32; NU],
    /// `Q_xx`.
    pub bend_xx: [[f32; NX]; NX],
    /// `Q_ux`.
    pub bend_ux: [[f32; NX]; NU],
    /// `Q_uu`.
    pub bend_uu: [[f32; NU]; NU],
}

impl<const NX: usize, const NU: usize> Stage<NX, NU> {
    /// What follows a step of the model, pulled back through its Jacobians; the stage's own cost is yet to be added,
    /// all but what doubt about the step costs.
    pub fn of<M: ForwardModel<NX, NU, NZ>, const NZ: usize>(
        model: &M,
        trace: &M::Trace,
        (slope, bend): (&[f32; NX], &[[f32; NX]; NX]),
        doubt: &[f32],
    ) -> Self {
        let mut pulled = Pullback::ZERO;
        model.wary_pullback(trace, slope, doubt, &mut pulled);
        let (slope_x, slope_u) = (pulled.x, pulled.u);
        // Rows of the Jacobians, and of V_xx times them.
        let (mut f_x, mut f_u) = ([[0.0; NX]; NX], [[0.0; NU]; NX]);
        let (mut v_x, mut v_u) = ([[0.0; NX]; NX], [[0.0; NU]; NX]);
        for (i, (row_x, row_u)) in f_x.iter_mut().zip(&mut f_u).enumerate() {
            let mut unit = [0.0; NX];
            if let Some(one) = unit.get_mut(i) {
                *one = 1.0;
            }
            model.pullback(trace, &unit, &mut pulled);
            (*row_x, *row_u) = (pulled.x, pulled.u);
        }
        for ((v_x, v_u), row) in v_x.iter_mut().zip(&mut v_u).zip(bend) {
            for (b, (f_x, f_u)) in row.iter().zip(f_x.iter().zip(&f_u)) {
                add(v_x, *b, f_x);
                add(v_u, *b, f_u);
            }
        }
        let (mut bend_xx, mut bend_ux, mut bend_uu) = ([[0.0; NX]; NX], [[0.0; NX]; NU], [[0.0; NU]; NU]);
        for ((f_x, f_u), (v_x, v_u)) in f_x.iter().zip(&f_u).zip(v_x.iter().zip(&v_u)) {
            for (target, f) in bend_xx.iter_mut().zip(f_x) {
                add(target, *f, v_x);
            }
            for ((target_x, target_u), f) in bend_ux.iter_mut().zip(&mut bend_uu).zip(f_u) {
                add(target_x, *f, v_x);
                add(target_u, *f, v_u);
            }
        }
        Self { slope_x, slope_u, bend_xx, bend_ux, bend_uu }
    }
}

/// `target += factor · row`.
fn add<const N: usize>(target: &mut [f32; N], factor: f32, row: &[f32; N]) {
    for (t, r) in target.iter_mut().zip(row) {
        *t += factor * r;
    }
}

fn product<const N: usize>(a: &[f32; N], b: &[f32; N]) -> f32 {
    a.iter().zip(b).fold(0.0, |sum, (a, b)| sum + a * b)
}

/// How an action answers: `u + α k + K (x − x̂)`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gains<const NX: usize, const NU: usize> {
    /// `k`.
    pub open: [f32; NU],
    /// `K`.
    feedback: [[f32; NX]; NU],
}

impl<const NX: usize, const NU: usize> Gains<NX, NU> {
    /// Of an action that stands still.
    pub const ZERO: Self = Self { open: [0.0; NU], feedback: [[0.0; NX]; NU] };

    /// The action in state `x`, where the plan was in `before` and did `old`.
    pub fn act(&self, old: &[f32; NU], share: f32, x: &[f32; NX], before: &[f32; NX]) -> [f32; NU] {
        let mut off = [0.0; NX];
        for (off, (x, before)) in off.iter_mut().zip(x.iter().zip(before)) {
            *off = x - before;
        }
        let mut u = *old;
        for (u, (k, row)) in u.iter_mut().zip(self.open.iter().zip(&self.feedback)) {
            *u += share * k + product(row, &off);
        }
        u
    }

    /// Solves for `k` within `room` (how far each action may go down and up) by projected Newton steps, and for `K`; `false`
    /// where the curvature is not positive.
    pub fn find(&mut self, stage: &Stage<NX, NU>, room: &[(f32, f32); NU]) -> bool {
        let mut k = [0.0; NU];
        let mut held = [false; NU];
        let mut lower = [[0.0; NU]; NU];
        // What has no room is not there, or as good as that. Each step holds or frees at least one action, or is the last; how many
        // steps there may be must not depend on how large the type is.
        let movable = room.iter().filter(|(below, above)| below < above).count();
        let mut settled = false;
        for _ in 0..2 * movable + 2 {
            let slope = stage.press(&k, room, &mut held);
            if !factor(&stage.bend_uu, &held, &mut lower) {
                return false;
            }
            let mut step = [0.0; NU];
            for (step, (g, held)) in step.iter_mut().zip(slope.iter().zip(held)) {
                *step = if held { 0.0 } else { -g };
            }
            solve(&lower, &mut step);
            let mut moved = 0.0_f32;
            for (k, (step, (below, above))) in k.iter_mut().zip(step.iter().zip(room)) {
                let next = math::clamp(*k + step, *below, *above);
                moved = moved.max(math::abs(next - *k) / (above - below).max(f32::MIN_POSITIVE));
                *k = next;
            }
            if moved < 1e-6 {
                settled = true;
                break;
            }
        }
        if !settled {
            // Clipped Newton steps may go round in circles; one action after the other always descends.
            for _ in 0..SWEEPS {
                stage.sweep(&mut k, room);
            }
            stage.press(&k, room, &mut held);
            if !factor(&stage.bend_uu, &held, &mut lower) {
                return false;
            }
        }
        self.open = k;
        // Column by column of Q_ux.
        for j in 0..NX {
            let mut column = [0.0; NU];
            for (c, (row, held)) in column.iter_mut().zip(stage.bend_ux.iter().zip(held)) {
                *c = if held { 0.0 } else { -row.get(j).copied().unwrap_or(0.0) };
            }
            solve(&lower, &mut column);
            for (row, (c, held)) in self.feedback.iter_mut().zip(column.into_iter().zip(held)) {
                if let Some(target) = row.get_mut(j) {
                    *target = if held { 0.0 } else { c };
                }
            }
        }
        true
    }

    /// Slope and curvature, in the state before the step, of what is still to be paid under these gains.
    pub fn still_to_pay(&self, stage: &Stage<NX, NU>) -> ([f32; NX], [[f32; NX]; NX]) {
        let (mut slope, mut bend) = (stage.slope_x, stage.bend_xx);
        // Q_uu k and Q_uu K.
        let (mut pushed, mut fed) = ([0.0; NU], [[0.0; NX]; NU]);
        for ((pushed, fed), row) in pushed.iter_mut().zip(&mut fed).zip(&stage.bend_uu) {
            *pushed = product(row, &self.open);
            for (b, feedback) in row.iter().zip(&self.feedback) {
                add(fed, *b, feedback);
            }
        }
        let parts = self.open.iter().zip(&self.feedback).zip(stage.slope_u.iter().zip(&stage.bend_ux));
        for (((k, feedback), (q_u, q_ux)), (pushed, fed)) in parts.zip(pushed.iter().zip(&fed)) {
            add(&mut slope, pushed + q_u, feedback);
            add(&mut slope, *k, q_ux);
            for (row, (f, q)) in bend.iter_mut().zip(feedback.iter().zip(q_ux)) {
                add(row, *f, fed);
                add(row, *f, q_ux);
                add(row, *q, feedback);
            }
        }
        // Rounding must not bend it askew.
        let askew = bend;
        for (i, row) in bend.iter_mut().enumerate() {
            for (b, other) in row.iter_mut().zip(&askew) {
                *b = 0.5 * (*b + other.get(i).copied().unwrap_or(0.0));
            }
        }
        (slope, bend)
    }
}

/// Rounds of descent in one action after the other: the error shrinks by a fifth or more in each, unless actions nearly
/// stand for each other.
const SWEEPS: usize = 64;

impl<const NX: usize, const NU: usize> Stage<NX, NU> {
    /// The slope at `k`, and which actions it presses against their limits.
    fn press(&self, k: &[f32; NU], room: &[(f32, f32); NU], held: &mut [bool; NU]) -> [f32; NU] {
        let mut slope = self.slope_u;
        for (row, k) in self.bend_uu.iter().zip(k) {
            add(&mut slope, *k, row);
        }
        for (held, (k, ((below, above), g))) in held.iter_mut().zip(k.iter().zip(room.iter().zip(&slope))) {
            let room = *below < *above;
            *held = !room || (*k <= *below && *g > 0.0) || (*k >= *above && *g < 0.0);
        }
        slope
    }

    /// Moves each action to where it is best while the others stay (Gauss–Seidel).
    fn sweep(&self, k: &mut [f32; NU], room: &[(f32, f32); NU]) {
        for (i, ((row, slope), (below, above))) in
            self.bend_uu.iter().zip(&self.slope_u).zip(room).enumerate()
        {
            let slope = slope + product(row, k);
            if let (Some(k), Some(bend)) = (k.get_mut(i), row.get(i).filter(|bend| **bend > 0.0)) {
                *k = math::clamp(*k - slope / bend, *below, *above);
            }
        }
    }
}

/// Cholesky: `lower lowerᵀ` is the matrix with the rows and columns of what is held replaced by the identity's. `false`
/// where it is not positive.
fn factor<const N: usize>(matrix: &[[f32; N]; N], held: &[bool; N], lower: &mut [[f32; N]; N]) -> bool {
    *lower = [[0.0; N]; N];
    for i in 0..N {
        let fixed = held.get(i).copied().unwrap_or(false);
        let (done, rest) = lower.split_at_mut(i.min(N));
        let (Some(row), Some(source)) = (rest.first_mut(), matrix.get(i)) else { return false };
        for (j, (above, free)) in done.iter().zip(held).enumerate() {
            let entry = if fixed || *free { 0.0 } else { source.get(j).copied().unwrap_or(0.0) };
            let sum = row.iter().zip(above).take(j).fold(entry, |sum, (a, b)| sum - a * b);
            let pivot = above.get(j).copied().unwrap_or(1.0);
            if let Some(target) = row.get_mut(j) {
                *target = sum / pivot;
            }
        }
        let entry = if fixed { 1.0 } else { source.get(i).copied().unwrap_or(0.0) };
        let square = row.iter().take(i).fold(entry, |sum, a| sum - a * a);
        if square.is_nan() || square <= 0.0 || square.is_infinite() {
            return false;
        }
        if let Some(target) = row.get_mut(i) {
            *target = math::sqrt(square);
        }
    }
    true
}

/// `b ← (lower lowerᵀ)⁻¹ b`.
fn solve<const N: usize>(lower: &[[f32; N]; N], b: &mut [f32; N]) {
    for (i, row) in lower.iter().enumerate() {
        let (done, rest) = b.split_at_mut(i.min(N));
        if let (Some(target), Some(pivot)) = (rest.first_mut(), row.get(i)) {
            *target = done.iter().zip(row).fold(*target, |sum, (b, l)| sum - l * b) / pivot;
        }
    }
    for i in (0..N).rev() {
        let (_, later) = lower.split_at((i + 1).min(N));
        let (head, tail) = b.split_at_mut((i + 1).min(N));
        let column = later.iter().map(|row| row.get(i).copied().unwrap_or(0.0));
        if let (Some(target), Some(pivot)) = (head.last_mut(), lower.get(i).and_then(|row| row.get(i))) {
            *target = column.zip(tail.iter()).fold(*target, |sum, (l, b)| sum - l * b) / pivot;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn positive(numbers: [[f32; 3]; 3]) -> [[f32; 3]; 3] {
        core::array::from_fn(|i| {
            core::array::from_fn(|j| product(&numbers[i], &numbers[j]) + if i == j { 0.2 } else { 0.0 })
        })
    }

    proptest! {
        /// The KKT conditions: a free action has no slope, a held one is pressed against its limit.
        #[test]
        fn the_step_within_limits_is_the_best(
            numbers in proptest::array::uniform3(proptest::array::uniform3(-1.0_f32..1.0)),
            slope_u in proptest::array::uniform3(-1.0_f32..1.0),
            bend_ux in proptest::array::uniform3(proptest::array::uniform2(-1.0_f32..1.0)),
            limits in proptest::array::uniform3((-0.8_f32..0.0, 0.01_f32..0.8)),
        ) {
            let stage = Stage::<2, 3> {
                slope_x: [0.0; 2],
                slope_u,
                bend_xx: [[0.0; 2]; 2],
                bend_ux,
                bend_uu: positive(numbers),
            };
            let mut gains = Gains::ZERO;
            prop_assert!(gains.find(&stage, &limits));
            for i in 0..3 {
                let slope = slope_u[i] + product(&stage.bend_uu[i], &gains.open);
                let (low, high) = limits[i];
                prop_assert!((low..=high).contains(&gains.open[i]));
                if gains.open[i] > low && gains.open[i] < high {
                    prop_assert!(slope.abs() < 1e-4, "{slope}");
                    // Its feedback answers a change of the state.
                    for (j, pulled) in bend_ux[i].into_iter().enumerate() {
                        let answer: f32 = (0..3).map(|k| stage.bend_uu[i][k] * gains.feedback[k][j]).sum();
                        prop_assert!((answer + pulled).abs() < 2e-3, "{answer} {pulled}");
                    }
                } else {
                    let pressed = if gains.open[i] == low { slope } else { -slope };
                    prop_assert!(pressed >= -1e-4);
                    prop_assert_eq!(gains.feedback[i], [0.0; 2]);
                }
            }
        }

        /// Of a type with room for a third action that is not there.
        #[test]
        fn a_larger_type_changes_no_bit(
            numbers in proptest::array::uniform3(proptest::array::uniform3(-1.0_f32..1.0)),
            slope_u in proptest::array::uniform2(-1.0_f32..1.0),
            limits in proptest::array::uniform2((-0.8_f32..0.0, 0.01_f32..0.8)),
        ) {
            let ([a, b, _], [s, t]) = (positive(numbers), slope_u);
            let (slope_x, bend_xx, bend_ux) = ([0.0], [[0.0]], [0.3]);
            let exact = Stage { slope_x, slope_u, bend_xx, bend_ux: [bend_ux; 2], bend_uu: [[a[0], a[1]], [b[0], b[1]]] };
            let large = Stage {
                slope_x,
                slope_u: [s, t, 0.0],
                bend_xx,
                bend_ux: [bend_ux, bend_ux, [0.0]],
                bend_uu: [[a[0], a[1], 0.0], [b[0], b[1], 0.0], [0.0; 3]],
            };
            let (mut of_exact, mut of_large) = (Gains::ZERO, Gains::ZERO);
            prop_assert!(of_exact.find(&exact, &limits));
            prop_assert!(of_large.find(&large, &[limits[0], limits[1], (0.0, 0.0)]));
            let [first, second] = of_exact.open.map(f32::to_bits);
            prop_assert_eq!([first, second, 0], of_large.open.map(f32::to_bits));
            let bits = |[k]: [f32; 1]| k.to_bits();
            let [first, second] = of_exact.feedback.map(bits);
            prop_assert_eq!([first, second, 0], of_large.feedback.map(bits));
        }
    }

    #[test]
    fn what_bends_downwards_is_refused() {
        let stage = Stage::<1, 2> {
            slope_x: [0.0],
            slope_u: [1.0, 1.0],
            bend_xx: [[0.0]],
            bend_ux: [[0.0]; 2],
            bend_uu: [[1.0, 2.0], [2.0, 1.0]],
        };
        let mut gains = Gains::ZERO;
        assert!(!gains.find(&stage, &[(-1.0, 1.0); 2]));
    }
}
