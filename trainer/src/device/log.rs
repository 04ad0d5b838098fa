//! What a chip says: defmt frames, which only the ELF file they come from can turn into text.

use anyhow::{Context, Result};
use defmt_decoder::{DecodeError, StreamDecoder, Table};
use std::{
    fmt,
    io::{ErrorKind, Read},
};

/// One message of a chip.
pub struct Line {
    /// Its severity in capitals; none for what `defmt::println!` says.
    pub level: Option<String>,
    pub text: String,
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.level {
            Some(level) => write!(f, "{level} {}", self.text),
            None => f.write_str(&self.text),
        }
    }
}

/// The message formats of the firmware `elf`; none if it does not log.
pub fn formats(elf: &[u8]) -> Result<Option<Table>> {
    Table::parse(elf).context("cannot read the firmware's log formats")
}

/// Decodes `output` to its end, handing each message to `sink`.
pub fn decode(formats: &Table, mut output: impl Read, mut sink: impl FnMut(Line)) {
    let mut decoder = formats.new_stream_decoder();
    let mut chunk = [0; 1024];
    loop {
        match output.read(&mut chunk) {
            Ok(0) => return,
            Ok(length) => decoder.received(&chunk[..length]),
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(_) => return,
        }
        while let Some(line) = next_line(decoder.as_mut()) {
            sink(line);
        }
    }
}

/// The next whole frame, if there is one.
fn next_line(decoder: &mut dyn StreamDecoder) -> Option<Line> {
    match decoder.decode() {
        Ok(frame) => Some(Line {
            level: frame.level().map(|level| level.as_str().to_uppercase()),
            text: frame.display_message().to_string(),
        }),
        Err(DecodeError::UnexpectedEof) => None,
        Err(DecodeError::Malformed) => {
            Some(Line { level: Some("WARN".into()), text: "a log message was garbled on its way".into() })
        }
    }
}
