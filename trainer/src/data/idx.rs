//! IDX, the format of MNIST: two zero bytes, the type of the numbers, how many dimensions, each dimension as a
//! big-endian `u32`, then the numbers, the last dimension running fastest.

use super::file;
use anyhow::{Context, Result, bail, ensure};
use std::path::Path;

/// Numbers with their dimensions.
#[derive(Clone, Debug, PartialEq)]
pub struct Idx {
    /// The dimensions; their product is the number of numbers.
    pub dims: Vec<usize>,
    /// The numbers.
    pub values: Values,
}

/// The numbers of an IDX file.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// Type 0x08: bytes.
    U8(Vec<u8>),
    /// Type 0x0D: IEEE 754 binary32.
    F32(Vec<f32>),
}

impl Idx {
    /// Reads a file, gzip or plain.
    pub fn read(path: &Path) -> Result<Self> {
        Self::parse(&file::read(path)?).with_context(|| format!("in {}", path.display()))
    }

    /// Reads the bytes of a file that is not packed.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        const SHORT: &str = "the file ends within its header; copy it again";
        let (magic, rest) = bytes.split_first_chunk::<4>().context(SHORT)?;
        let [0, 0, kind, n] = *magic else {
            bail!("this is no IDX file: it begins with {magic:02x?} and not with 00 00");
        };
        let width = match kind {
            0x08 => 1,
            0x0d => 4,
            other => bail!("the numbers are of type 0x{other:02x}; use 0x08 (bytes) or 0x0d (f32)"),
        };
        let (dims, numbers) = rest.split_at_checked(usize::from(n) * 4).context(SHORT)?;
        let (dims, _) = dims.as_chunks::<4>();
        let dims: Vec<usize> = dims.iter().map(|&d| u32::from_be_bytes(d) as usize).collect();
        let needed = dims.iter().try_fold(width, |size: usize, &d| size.checked_mul(d));
        let shape = || dims.iter().map(usize::to_string).collect::<Vec<_>>().join("×");
        ensure!(
            needed == Some(numbers.len()),
            "{} bytes of numbers are there, but {} of {width} bytes need {}; copy the file again",
            numbers.len(),
            shape(),
            needed.map_or("more than there are".into(), |n| n.to_string()),
        );
        let values = match width {
            1 => Values::U8(numbers.to_vec()),
            _ => Values::F32(numbers.as_chunks().0.iter().map(|&v| f32::from_be_bytes(v)).collect()),
        };
        Ok(Self { dims, values })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SMALL: [u8; 18] = [0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 2, 7, 9];

    #[test]
    fn both_types_are_read() {
        let idx = Idx::parse(&SMALL).expect("an IDX file");
        assert_eq!(idx, Idx { dims: vec![1, 1, 2], values: Values::U8(vec![7, 9]) });
        let floats = [[0, 0, 0x0d, 1], [0, 0, 0, 1], 0.5f32.to_be_bytes()].concat();
        assert_eq!(Idx::parse(&floats).expect("an IDX file").values, Values::F32(vec![0.5]));
    }

    #[test]
    fn what_is_wrong_is_told() {
        let said = |bytes: &[u8]| Idx::parse(bytes).expect_err("no IDX file").to_string();
        assert!(said(b"PK\x03\x04 and so on").contains("no IDX file"));
        assert!(said(&SMALL[..3]).contains("ends within its header"));
        assert!(said(&SMALL[..10]).contains("ends within its header"));
        assert!(said(&SMALL[..17]).contains("1 bytes of numbers are there, but 1×1×2 of 1 bytes need 2"));
        assert!(said(&[0, 0, 9, 0, 0]).contains("type 0x09"));
        let huge = [&[0, 0, 8, 3][..], &[255; 12], &[0; 9]].concat();
        assert!(said(&huge).contains("9 bytes of numbers"));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..64), magic in any::<bool>()) {
            // Half of them begin like an IDX file.
            if magic && let [a, b, kind, n, ..] = &mut bytes[..] {
                (*a, *b, *kind, *n) = (0, 0, if *kind > 99 { 8 } else { 13 }, *n % 4);
            }
            let _ = Idx::parse(&bytes);
        }
    }
}
