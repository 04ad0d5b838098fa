//! Futures: what may become of one plan, where the model has a latent variable for what cannot be known.
//!
//! ```text
//! J(u) = 1/K Σ_k J(u; z^k)      z^k_t = the codeword at the share  frac(r_⌊t/lasting⌋ + k/K)  of the codebook
//! ```
//! `r` is uniform in `[0, 1)` and drawn again whenever it is asked for, so all plans are judged by the same futures and `J` is a
//! function. Each future on its own is drawn from the codebook as often as its shares say; the `K` of them lie evenly over it (systematic
//! sampling), so that a codeword with a share of `1/K` is in one of them at every step.

use crate::{
    artifact::{Artifact, ArtifactError, Planner},
    random::{philox, uniform},
};

/// The most futures that one plan is judged by: each costs as much as a plan without any.
pub const MOST: u16 = 64;
/// Key of the random numbers.
const SEED: u32 = 0x00f0_7e5e;

/// How many futures there are and what they are drawn from; without any there is one, in which `z` is 0.
#[derive(Clone, Copy, Debug, Default)]
pub struct Futures<'a> {
    /// `K`, or 0 for none.
    count: u16,
    /// Steps that a codeword lasts.
    lasting: u16,
    /// Components of a codeword.
    nz: usize,
    codebook: &'a [f32],
    share: &'a [f32],
    /// The sum of the shares.
    total: f32,
}

impl<'a> Futures<'a> {
    /// Reads the tensor `futures` of the part `cost`, if there is one, and with it the part `latent`.
    pub(super) fn load(artifact: &Artifact<'a>) -> Result<Self, ArtifactError> {
        let header = artifact.header();
        if !header.has_tensor("cost", "futures") {
            return Ok(Self::default());
        }
        let refuse = |what| Err(ArtifactError::Setting { what });
        let [count, lasting] = artifact.vector("cost", "futures", 2)? else {
            return Err(ArtifactError::Header);
        };
        let whole = |number: f32, most: u16| {
            Some(number as u16).filter(|n| (1..=most).contains(n) && f32::from(*n) == number)
        };
        let (Some(count), Some(lasting)) = (whole(*count, MOST), whole(*lasting, u16::MAX)) else {
            return refuse("there must be 1 to 64 futures, in which a codeword lasts for 1 to 65535 steps");
        };
        if let Planner::Ilqr(_) | Planner::Lq(_) | Planner::Discrete(_) = header.planner {
            return refuse("only a gradient or a sampling planner can weigh several futures");
        }
        let nz = artifact.sizes().nz();
        if nz == 0 || !header.has("latent") {
            return refuse("several futures need a forward model with a latent variable and its codebook");
        }
        let share = artifact.vector_any("latent", "share")?;
        let codebook = artifact.vector("latent", "codebook", nz.saturating_mul(share.len()))?;
        let total = share.iter().fold(0.0, |sum, share| sum + share);
        if !(total > 0.0 && total.is_finite()) || share.iter().any(|&share| share < 0.0) {
            return refuse("the shares of a codebook must be at least 0, and one of them above");
        }
        Ok(Self { count, lasting, nz, codebook, share, total })
    }

    /// How many futures a plan is judged by: at least 1.
    pub fn count<const NZ: usize>(&self) -> u16 {
        // Without a latent variable nothing of this is compiled.
        if NZ == 0 { 1 } else { self.count.max(1) }
    }

    /// What cannot be known of step `t` of future `k`.
    pub fn draw<const NZ: usize>(&self, k: u16, t: usize) -> [f32; NZ] {
        let mut z = [0.0; NZ];
        if NZ == 0 || self.count == 0 {
            return z;
        }
        let block = t.checked_div(self.lasting.into()).unwrap_or(0) as u32;
        let [bits, _] = philox([block, 0], SEED);
        let mut place = uniform(bits) + f32::from(k) / f32::from(self.count);
        if place >= 1.0 {
            place -= 1.0;
        }
        let (mut rest, mut left, mut codeword) = (place * self.total, self.codebook, &[][..]);
        for share in self.share {
            let Some((this, others)) = left.split_at_checked(self.nz) else { break };
            left = others;
            // What never is, is not drawn, whatever rounding leaves at the end.
            if *share > 0.0 {
                codeword = this;
            }
            rest -= share;
            if rest < 0.0 {
                break;
            }
        }
        for (z, component) in z.iter_mut().zip(codeword) {
            *z = *component;
        }
        z
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CODEBOOK: [f32; 8] = [1.0, 10.0, 2.0, 20.0, 3.0, 30.0, 4.0, 40.0];
    const SHARE: [f32; 4] = [0.5, 0.0, 0.25, 0.25];

    fn of(count: u16, lasting: u16) -> Futures<'static> {
        Futures { count, lasting, nz: 2, codebook: &CODEBOOK, share: &SHARE, total: 1.0 }
    }

    #[test]
    fn at_every_step_all_futures_together_have_every_codeword_by_its_share() {
        for t in 0..100 {
            let mut often = [0_u32; 4];
            for k in 0..8 {
                let [a, b] = of(8, 1).draw(k, t);
                assert_eq!(b, 10.0 * a);
                often[a as usize - 1] += 1;
            }
            assert_eq!(often, [4, 0, 2, 2]);
        }
    }

    #[test]
    fn each_future_has_every_codeword_by_its_share_in_the_course_of_time() {
        for k in 0..3 {
            let mut often = [0_u32; 4];
            (0..4000).for_each(|t| often[of(3, 1).draw::<2>(k, t)[0] as usize - 1] += 1);
            assert!(often[0].abs_diff(2000) < 100 && often[1] == 0, "{often:?}");
            assert!(often[2].abs_diff(1000) < 90 && often[3].abs_diff(1000) < 90, "{often:?}");
        }
    }

    #[test]
    fn a_codeword_lasts_as_long_as_it_should_and_a_larger_type_changes_no_bit() {
        let (long, mut changes) = (of(4, 5), 0);
        for t in 1..200 {
            let [now, before] = [t, t - 1].map(|t| long.draw::<2>(1, t));
            assert!(t % 5 == 0 || now == before);
            changes += usize::from(now != before);
            assert_eq!(long.draw::<4>(1, t), [now[0], now[1], 0.0, 0.0]);
        }
        assert!(changes > 15, "{changes}");
        assert_eq!(Futures::default().draw::<2>(0, 3), [0.0; 2]);
        assert_eq!(
            (Futures::default().count::<2>(), of(4, 1).count::<2>(), of(4, 1).count::<0>()),
            (1, 4, 1)
        );
    }
}
