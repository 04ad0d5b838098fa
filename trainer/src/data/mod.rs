//! Data: images, signals and logs of trajectories, and what is done to them before anything is trained.
//!
//! Whatever is wrong with a file is told in one sentence: what, where, and how to mend it.

pub mod dead_leaves;
pub mod file;
pub mod folder;
pub mod idx;
pub mod images;
pub mod log;
pub mod mnist;
pub mod npy;
pub mod patches;
pub mod photographs;
pub mod signals;
pub mod sparse;
pub mod traffic;
pub mod whitening;

/// CRC-32 over numbers: which data it is that something was trained on.
pub fn digest<'a>(numbers: impl IntoIterator<Item = &'a f32>) -> u32 {
    let crc = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC);
    let mut digest = crc.digest();
    numbers.into_iter().for_each(|v| digest.update(&v.to_le_bytes()));
    digest.finalize()
}
