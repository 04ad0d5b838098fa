//! Files of the user's, gzip or plain: which of the two is told by their content, not by their name.

use anyhow::{Context, Result, ensure};
use flate2::read::MultiGzDecoder;
use std::{
    fs::File,
    io::{BufRead, BufReader, Read},
    path::Path,
};

/// Opens a file and unpacks it on the way if it is packed.
pub fn open(path: &Path) -> Result<Box<dyn Read>> {
    let name = path.display();
    let file = File::open(path).with_context(|| format!("cannot open {name}"))?;
    let mut file = BufReader::new(file);
    let start = file.fill_buf().with_context(|| format!("cannot read {name}"))?;
    ensure!(!start.is_empty(), "{name} is empty; copy it again");
    let packed = start.starts_with(&[0x1f, 0x8b]);
    Ok(if packed { Box::new(MultiGzDecoder::new(file)) } else { Box::new(file) })
}

/// All bytes of a file, unpacked.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let name = path.display();
    open(path)?
        .read_to_end(&mut bytes)
        .with_context(|| format!("{name} is cut short or damaged; copy it again"))?;
    ensure!(!bytes.is_empty(), "{name} is empty inside; pack it again");
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, write::GzEncoder};
    use std::io::Write;

    fn said(bytes: &[u8]) -> String {
        let mut file = tempfile::NamedTempFile::new().expect("a file");
        file.write_all(bytes).expect("written");
        read(file.path()).map_or_else(|e| format!("{e:#}"), |bytes| format!("{bytes:?}"))
    }

    #[test]
    fn packed_and_plain_files_read_the_same_and_broken_ones_are_told() {
        let pack = |bytes: &[u8]| {
            let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
            packer.write_all(bytes).and_then(|()| packer.finish()).expect("packed")
        };
        assert_eq!(said(b"abc"), "[97, 98, 99]");
        assert_eq!(said(&pack(b"abc")), "[97, 98, 99]");
        let packed = pack(&[7; 1000]);
        assert!(said(&packed[..packed.len() - 9]).contains("cut short"));
        assert!(said(b"").contains("is empty; copy it again"));
        assert!(said(&pack(b"")).contains("empty inside"));
    }
}
