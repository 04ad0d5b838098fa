//! Signals: a table of numbers, one sample a row, as CSV (gzip or plain) or as NPY.

use super::{
    file,
    idx::{Idx, Values},
    npy::{self, Npy},
};
use anyhow::{Context, Result, bail, ensure};
use nalgebra::DMatrix;
use std::path::Path;

/// Reads a table: CSV with or without a line of names, or NPY, whose first index counts the samples. In memory one
/// sample is a column.
pub fn read(path: &Path) -> Result<DMatrix<f32>> {
    let bytes = file::read(path)?;
    let table = if bytes.starts_with(npy::MAGIC) { from_npy(&bytes) } else { from_csv(&bytes) };
    table.with_context(|| format!("in {}", path.display()))
}

fn from_npy(bytes: &[u8]) -> Result<DMatrix<f32>> {
    let Npy { shape, values } = Npy::parse(bytes)?;
    let [samples, rest @ ..] = &shape[..] else { bail!("a single number is no table of signals") };
    ensure!(!values.is_empty(), "there is no number: the shape is {shape:?}");
    let length = values.len() / samples;
    if let Some(i) = values.iter().position(|v| !v.is_finite()) {
        let (row, col) = (i / length, i % length);
        bail!("row {row}, column {col} is {}, which is not finite; replace it or remove the row", values[i]);
    }
    ensure!(
        !rest.is_empty(),
        "the array has one dimension; a table has two, one signal a row: array.reshape(-1, length)"
    );
    Ok(DMatrix::from_vec(length, *samples, values))
}

fn from_csv(bytes: &[u8]) -> Result<DMatrix<f32>> {
    let mut csv = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(bytes);
    let (mut values, mut samples, mut first) = (Vec::new(), 0, None);
    for row in csv.records() {
        let row = row.context("a row is no text; is this a CSV or NPY file?")?;
        let line = row.position().map_or(0, csv::Position::line);
        let &mut (first_line, length) = first.get_or_insert((line, row.len()));
        ensure!(
            row.len() == length,
            "line {line} has {} values, but line {first_line} has {length}; all need the same number",
            row.len()
        );
        let numbers: Vec<_> = row.iter().map(|text| text.trim().parse::<f32>().ok()).collect();
        // A first line without any number names the columns.
        if line == first_line && numbers.iter().all(Option::is_none) {
            continue;
        }
        for (column, (number, text)) in numbers.iter().zip(&row).enumerate() {
            let column = column + 1;
            let value =
                number.with_context(|| format!("line {line}, column {column}: `{text}` is no number"))?;
            ensure!(
                value.is_finite(),
                "line {line}, column {column}: {value} is not finite; replace it or remove the row"
            );
            values.push(value);
        }
        samples += 1;
    }
    ensure!(samples > 0, "there is no row of numbers");
    Ok(DMatrix::from_vec(values.len() / samples, samples, values))
}

/// Reads labels, classes 0 to 255: an IDX file of one dimension of bytes, or a table of one number a row.
pub fn read_labels(path: &Path) -> Result<Vec<u8>> {
    let bytes = file::read(path)?;
    let text = std::str::from_utf8(&bytes).is_ok() && !bytes.starts_with(&[0, 0]);
    let table = text || bytes.starts_with(npy::MAGIC);
    let labels = if table { table_labels(&bytes) } else { idx_labels(&bytes) };
    labels.with_context(|| format!("in the labels {}", path.display()))
}

fn idx_labels(bytes: &[u8]) -> Result<Vec<u8>> {
    let idx = Idx::parse(bytes)?;
    let (Values::U8(labels), 1) = (idx.values, idx.dims.len()) else {
        bail!("labels are one dimension of bytes; is this the file of images?");
    };
    Ok(labels)
}

fn table_labels(bytes: &[u8]) -> Result<Vec<u8>> {
    let table = if bytes.starts_with(npy::MAGIC) {
        let Npy { shape, values } = Npy::parse(bytes)?;
        ensure!(shape.len() == 1 || shape[1..] == [1], "labels are one number a row, not {shape:?}");
        values
    } else {
        let table = from_csv(bytes)?;
        ensure!(table.nrows() == 1, "labels are one number a row, not {}", table.nrows());
        table.data.into()
    };
    let label = |(row, &value): (usize, &f32)| {
        ensure!(
            value.fract() == 0.0 && (0.0..=255.0).contains(&value),
            "label {row} is {value}; a class is a whole number from 0 to 255"
        );
        Ok(value as u8)
    };
    table.iter().enumerate().map(label).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn said<T: std::fmt::Debug>(result: Result<T>) -> String {
        format!("{:#}", result.expect_err("a complaint"))
    }

    #[test]
    fn a_table_is_read_with_names_or_without() {
        let expected = DMatrix::from_column_slice(2, 3, &[1.0, 2.0, 3.0, 4.5, -1.0, 0.0]);
        assert_eq!(from_csv(b"1,2\n3, 4.5\n\n-1,0\n").expect("a table"), expected);
        assert_eq!(from_csv(b"left,right\n1,2\n3,4.5\n-1,0").expect("a table"), expected);
    }

    #[test]
    fn what_is_wrong_with_a_table_is_told_with_its_line() {
        assert!(said(from_csv(b"1,2\n3\n")).contains("line 2 has 1 values, but line 1 has 2"));
        assert!(said(from_csv(b"a,b\n1,2\n3,NaN\n")).contains("line 3, column 2: NaN is not finite"));
        assert!(said(from_csv(b"1,2\n3,x\n")).contains("line 2, column 2: `x` is no number"));
        assert!(said(from_csv(b"1,\n3,4\n")).contains("line 1, column 2: `` is no number"));
        assert!(said(from_csv(b"a,b\n")).contains("no row of numbers"));
        assert!(said(from_csv(b"\xff\xfe,1\n")).contains("no text"));
    }

    #[test]
    fn what_is_wrong_with_an_array_is_told() {
        let npy = |shape: &str, values: &[f32]| {
            let header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}}}");
            let numbers: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
            from_npy(&[npy::MAGIC, &[1, 0, header.len() as u8, 0], header.as_bytes(), &numbers].concat())
        };
        let table = npy("(2, 1, 2)", &[1.0, 2.0, 3.0, 4.0]).expect("a table");
        assert_eq!(table, DMatrix::from_column_slice(2, 2, &[1.0, 2.0, 3.0, 4.0]));
        assert!(said(npy("(2, 2)", &[1.0, 2.0, 3.0, f32::NAN])).contains("row 1, column 1 is NaN"));
        assert!(said(npy("(2,)", &[1.0, 2.0])).contains("one dimension"));
        assert!(said(npy("()", &[1.0])).contains("single number"));
        assert!(said(npy("(0, 3)", &[])).contains("no number"));
    }

    #[test]
    fn labels_are_whole_numbers() {
        assert_eq!(table_labels(b"class\n3\n0\n255\n").expect("labels"), [3, 0, 255]);
        assert!(said(table_labels(b"3\n0.5\n")).contains("label 1 is 0.5"));
        assert!(said(table_labels(b"3,1\n")).contains("one number a row, not 2"));
        assert_eq!(idx_labels(&[0, 0, 8, 1, 0, 0, 0, 2, 4, 9]).expect("labels"), [4, 9]);
        let images = [0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 9];
        assert!(said(idx_labels(&images)).contains("is this the file of images?"));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..99), text in "[0-9.,ea\n\"-]{0,60}") {
            let _ = (from_csv(&bytes), from_csv(text.as_bytes()), table_labels(text.as_bytes()));
            let _ = (from_npy(&bytes), idx_labels(&bytes));
        }
    }
}
