//! NPY, the file of one NumPy array: a magic number, a version, a Python dictionary that names the type, the order and
//! the shape, then the numbers (the format's specification is NumPy's NEP 1).

use anyhow::{Context, Result, bail, ensure};

/// The first bytes of every such file.
pub const MAGIC: &[u8] = b"\x93NUMPY";

/// An array, converted to `f32`.
#[derive(Clone, Debug, PartialEq)]
pub struct Npy {
    /// Its shape.
    pub shape: Vec<usize>,
    /// Its numbers, the last index running fastest, whatever the order in the file.
    pub values: Vec<f32>,
}

impl Npy {
    /// Reads the bytes of a file.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        const SHORT: &str = "the file ends within its header; save it again";
        let rest = bytes.strip_prefix(MAGIC).context("this is no NPY file; save it with numpy.save")?;
        let (&[major, _], rest) = rest.split_first_chunk().context(SHORT)?;
        let (length, rest) = match major {
            1 => rest.split_first_chunk().map(|(&n, rest)| (u16::from_le_bytes(n) as usize, rest)),
            2 | 3 => rest.split_first_chunk().map(|(&n, rest)| (u32::from_le_bytes(n) as usize, rest)),
            _ => bail!("the NPY format's version is {major}, but 1 to 3 are known; save it with numpy.save"),
        }
        .context(SHORT)?;
        let (header, numbers) = rest.split_at_checked(length).context(SHORT)?;
        let header = std::str::from_utf8(header).context("the header is no text; save the array again")?;
        let descr = entry(header, "descr")?;
        let convert = converter(descr.trim_matches(['\'', '"'])).with_context(|| {
            format!("numbers of the type {descr} are not read; save array.astype(\"float32\")")
        })?;
        let fortran = entry(header, "fortran_order")? == "True";
        let shape = entry(header, "shape")?.trim_matches(['(', ')']).split(',').map(str::trim);
        let shape = shape.filter(|n| !n.is_empty()).map(str::parse).collect::<Result<Vec<usize>, _>>();
        let shape = shape.context("the shape in the header is no list of numbers; save the array again")?;
        let (width, convert) = convert;
        let needed = shape.iter().try_fold(width, |size: usize, &n| size.checked_mul(n));
        ensure!(
            needed == Some(numbers.len()),
            "{} bytes of numbers are there, but the shape {shape:?} of type {descr} needs {}; save it again",
            numbers.len(),
            needed.map_or("more than there can be".into(), |n| n.to_string())
        );
        let values: Vec<f32> = numbers.chunks_exact(width).map(convert).collect();
        Ok(Self { values: if fortran { last_fastest(&values, &shape) } else { values }, shape })
    }
}

/// The text of an entry of the header's dictionary, up to the comma after it.
fn entry<'a>(header: &'a str, key: &str) -> Result<&'a str> {
    let found = [format!("'{key}':"), format!("\"{key}\":")]
        .iter()
        .find_map(|quoted| header.split_once(quoted.as_str()))
        .with_context(|| format!("the header does not name `{key}`; save the array again"))?;
    let value = found.1.trim_start();
    let end = if value.starts_with('(') { value.find(')').map(|i| i + 1) } else { value.find([',', '}']) };
    let end = end.with_context(|| format!("the header ends within `{key}`; save the array again"))?;
    Ok(value[..end].trim_end())
}

/// Bytes of a number, and how it is read from them.
type Converter = (usize, fn(&[u8]) -> f32);

/// How numbers of a type are read, if they are.
fn converter(descr: &str) -> Option<Converter> {
    /// One number from exactly its bytes.
    macro_rules! number {
        ($t:ty) => {
            Some((size_of::<$t>(), |bytes| {
                bytes.try_into().map_or(f32::NAN, |b| <$t>::from_le_bytes(b) as f32)
            }))
        };
    }
    match descr {
        "<f4" => number!(f32),
        "<f8" => number!(f64),
        "|u1" => number!(u8),
        "|i1" => number!(i8),
        "<u2" => number!(u16),
        "<i2" => number!(i16),
        "<u4" => number!(u32),
        "<i4" => number!(i32),
        "<u8" => number!(u64),
        "<i8" => number!(i64),
        _ => None,
    }
}

/// From Fortran's order, the first index running fastest, to C's.
fn last_fastest(values: &[f32], shape: &[usize]) -> Vec<f32> {
    let place = |i: usize| {
        let (mut rest, mut place, mut stride) = (i, 0, values.len());
        for &n in shape.iter().rev() {
            stride /= n;
            place += rest % n * stride;
            rest /= n;
        }
        place
    };
    (0..values.len()).map(|i| values[place(i)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn file(version: u8, descr: &str, fortran: &str, shape: &str, numbers: &[u8]) -> Vec<u8> {
        let header = format!("{{'descr': {descr}, 'fortran_order': {fortran}, 'shape': {shape}, }}\n");
        let length = header.len() as u32;
        let length = if version == 1 { &length.to_le_bytes()[..2] } else { &length.to_le_bytes()[..] };
        [MAGIC, &[version, 0], length, header.as_bytes(), numbers].concat()
    }

    #[test]
    fn types_versions_and_orders_are_read() {
        let read = |bytes: &[u8]| Npy::parse(bytes).expect("an array");
        let numbers: Vec<u8> = (0..6i16).flat_map(i16::to_le_bytes).collect();
        let array = read(&file(1, "'<i2'", "False", "(2, 3)", &numbers));
        assert_eq!(array, Npy { shape: vec![2, 3], values: vec![0.0, 1.0, 2.0, 3.0, 4.0, 5.0] });
        let array = read(&file(2, "'<i2'", "True", "(2, 3)", &numbers));
        assert_eq!(array.values, [0.0, 2.0, 4.0, 1.0, 3.0, 5.0]);
        let array = read(&file(2, "'|u1'", "True", "(2, 1, 2)", &[1, 2, 3, 4]));
        assert_eq!(array.values, [1.0, 3.0, 2.0, 4.0]);
        assert_eq!(read(&file(1, "'<f8'", "False", "(1,)", &0.5f64.to_le_bytes())).values, [0.5]);
        assert_eq!(read(&file(3, "'<f4'", "False", "()", &(-2.0f32).to_le_bytes())).values, [-2.0]);
    }

    #[test]
    fn what_is_wrong_is_told() {
        let said = |bytes: &[u8]| Npy::parse(bytes).expect_err("no array").to_string();
        assert!(said(b"PK\x03\x04").contains("no NPY file"));
        assert!(said(&file(9, "'<f4'", "False", "(1,)", &[])).contains("version is 9"));
        assert!(said(&file(1, "'>f4'", "False", "(1,)", &[0; 4])).contains("type '>f4' are not read"));
        assert!(said(&file(1, "[('x', '<f4')]", "False", "(1,)", &[0; 4])).contains("are not read"));
        assert!(said(&file(1, "'<f4'", "False", "(a,)", &[0; 4])).contains("no list of numbers"));
        let short = said(&file(1, "'<f4'", "False", "(2, 2)", &[0; 12]));
        assert!(short.contains("12 bytes of numbers") && short.contains("needs 16"), "{short}");
        let huge = said(&file(1, "'<f4'", "False", "(9999999999, 9999999999)", &[0; 12]));
        assert!(huge.contains("more than there can be"), "{huge}");
        assert!(said(&file(1, "'<f4'", "False", "(1,)", &[])[..20]).contains("ends within its header"));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..99), cut in 0..200usize) {
            let _ = Npy::parse(&bytes);
            let _ = Npy::parse(&[MAGIC, &bytes].concat());
            let whole = file(1, "'<f4'", "True", "(0, 5)", &bytes);
            let _ = Npy::parse(&whole[..cut.min(whole.len())]);
        }

        #[test]
        fn no_header_makes_it_panic(
            descr in "'?[<>|][a-z][1248]'?", shape in "\\(?[0-9, ]{0,9}\\)?", numbers in prop::collection::vec(any::<u8>(), 0..32)
        ) {
            let _ = Npy::parse(&file(1, &descr, "True", &shape, &numbers));
        }
    }
}
