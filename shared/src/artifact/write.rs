use super::{ALIGN, CRC, DType, Header, MAGIC, PRELUDE, Tensor};
use crate::dense::Dense;
use core::fmt;

/// One tensor to be written: its name and where its numbers come from.
pub struct Entry<'a> {
    /// The part of the agent.
    pub part: &'a str,
    /// The tensor's name in it.
    pub name: &'a str,
    /// Rows.
    pub rows: usize,
    /// Columns; 1 for a vector.
    pub cols: usize,
    /// The number in a row and a column.
    pub value: &'a dyn Fn(usize, usize) -> f32,
}

/// Why a file could not be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteError {
    /// More tensors than a table holds.
    TooManyTensors,
    /// The buffer is too small.
    NoSpace,
}

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooManyTensors => write!(f, "an agent has at most {} tensors", super::TENSORS),
            Self::NoSpace => write!(f, "the weight file does not fit into the buffer"),
        }
    }
}

impl core::error::Error for WriteError {}

/// Writes a weight file to the front of `buffer` and returns its length. The header's table of tensors is made from
/// `entries`; what stands in it is replaced.
pub fn write<'a>(
    mut header: Header<'a>,
    entries: &[Entry<'a>],
    buffer: &mut [u8],
) -> Result<usize, WriteError> {
    header.tensors.clear();
    let mut offset = 0;
    for Entry { part, name, rows, cols, .. } in entries {
        let tensor = Tensor {
            part,
            name,
            dtype: DType::F32,
            rows: *rows as u32,
            cols: *cols as u32,
            offset: offset as u32,
        };
        header.tensors.push(tensor).map_err(|_| WriteError::TooManyTensors)?;
        offset = (offset + rows * cols * size_of::<f32>()).next_multiple_of(ALIGN);
    }
    buffer.fill(0);
    let space = buffer.get_mut(PRELUDE..).ok_or(WriteError::NoSpace)?;
    let header_len = postcard::to_slice(&header, space).map_err(|_| WriteError::NoSpace)?.len();
    let start = (PRELUDE + header_len).next_multiple_of(ALIGN);
    let end = start + offset;
    let total = end + size_of::<u32>();
    let file = buffer.get_mut(..total).ok_or(WriteError::NoSpace)?;
    for (tensor, entry) in header.tensors.iter().zip(entries) {
        let (rows, cols) = (entry.rows, entry.cols);
        for row in 0..rows {
            for col in 0..cols {
                let at = start + tensor.offset as usize + 4 * Dense::position(rows, cols, row, col);
                file[at..at + 4].copy_from_slice(&(entry.value)(row, col).to_le_bytes());
            }
        }
    }
    file[..4].copy_from_slice(&MAGIC);
    file[4..8].copy_from_slice(&(total as u32).to_le_bytes());
    file[8..12].copy_from_slice(&(header_len as u32).to_le_bytes());
    let checksum = CRC.checksum(&file[..end]);
    file[end..].copy_from_slice(&checksum.to_le_bytes());
    Ok(total)
}
