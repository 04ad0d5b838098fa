//! Random bits that are not remembered but computed again: they depend on nothing but a counter and a key.
//!
//! Philox 2×32 in 10 rounds. J. Salmon, M. Moraes, R. Dror & D. Shaw, *Parallel random numbers: as easy as 1, 2, 3*, SC 2011.

const MULTIPLIER: u32 = 0xd256_d193;
const WEYL: u32 = 0x9e37_79b9;

/// 64 random bits of a counter under a key.
pub(crate) fn philox([mut left, mut right]: [u32; 2], mut key: u32) -> [u32; 2] {
    for _ in 0..10 {
        let product = u64::from(MULTIPLIER) * u64::from(left);
        (left, right) = ((product >> 32) as u32 ^ key ^ right, product as u32);
        key = key.wrapping_add(WEYL);
    }
    [left, right]
}

/// The upper 24 of 32 random bits as a number in `[0, 1)`.
pub(crate) fn uniform(bits: u32) -> f32 {
    (bits >> 8) as f32 / 16_777_216.0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The known answers that come with Random123.
    #[test]
    fn philox_gives_its_known_answers() {
        assert_eq!(philox([0, 0], 0), [0xff1d_ae59, 0x6cd1_0df2]);
        assert_eq!(philox([u32::MAX; 2], u32::MAX), [0x2c3f_628b, 0xab4f_d7ad]);
        assert_eq!(philox([0x243f_6a88, 0x85a3_08d3], 0x1319_8a2e), [0xdd7c_e038, 0xf62a_4c12]);
    }

    #[test]
    fn uniform_numbers_are_below_one() {
        assert_eq!((uniform(0), uniform(1 << 31)), (0.0, 0.5));
        assert!(uniform(u32::MAX) < 1.0);
    }
}
