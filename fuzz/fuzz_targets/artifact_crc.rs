#![no_main]

use forethought::artifact::{CRC, MAGIC};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut bytes = bytes.to_vec();
    if bytes.len() < 16 {
        return;
    }
    let length = bytes.len() as u32;
    bytes[..4].copy_from_slice(&MAGIC);
    bytes[4..8].copy_from_slice(&length.to_le_bytes());
    let (body, checksum) = bytes.split_last_chunk_mut().expect("at least 16 bytes");
    *checksum = CRC.checksum(body).to_le_bytes();
    forethought_fuzz::parse_and_run(&bytes);
});
