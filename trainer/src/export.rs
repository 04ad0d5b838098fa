//! From trained parameters to a weight file.

use anyhow::{Context, Result};
use forethought::artifact::{Artifact, Entry, Header, write};
use nalgebra::DMatrix;
use std::{fs, io::Write, path::Path};

/// Bytes of a weight file in aligned memory, ready to be parsed in place.
#[derive(Clone, Debug)]
pub struct WeightFile {
    words: Vec<u128>,
    length: usize,
}

impl WeightFile {
    /// Copies bytes to aligned memory.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let mut words = vec![0u128; bytes.len().div_ceil(size_of::<u128>())];
        bytemuck::cast_slice_mut(&mut words)[..bytes.len()].copy_from_slice(bytes);
        Self { words, length: bytes.len() }
    }

    /// Reads a file.
    pub fn read(path: &Path) -> Result<Self> {
        let bytes =
            fs::read(path).with_context(|| format!("cannot read the weight file {}", path.display()))?;
        Ok(Self::from_bytes(&bytes))
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        &bytemuck::cast_slice(&self.words)[..self.length]
    }

    /// Checks and opens it.
    pub fn parse(&self) -> Result<Artifact<'_>, forethought::artifact::ArtifactError> {
        Artifact::parse(self.bytes())
    }
}

/// The tensors of a mind, collected part by part.
#[derive(Clone, Debug, Default)]
pub struct Tensors {
    list: Vec<(&'static str, String, DMatrix<f32>)>,
}

impl Tensors {
    /// Adds the matrix `part.name`.
    pub fn matrix(&mut self, part: &'static str, name: &str, value: DMatrix<f32>) {
        self.list.push((part, name.to_owned(), value));
    }

    /// Adds the vector `part.name`.
    pub fn vector(&mut self, part: &'static str, name: &str, values: &[f32]) {
        self.matrix(part, name, DMatrix::from_column_slice(values.len(), 1, values));
    }

    /// Takes `part.name` out again, if it is there.
    pub fn take(&mut self, part: &str, name: &str) -> Option<DMatrix<f32>> {
        let place = self.list.iter().position(|(p, n, _)| *p == part && n == name)?;
        Some(self.list.remove(place).2)
    }

    /// Drops all tensors of a part.
    pub fn drop_part(&mut self, part: &str) {
        self.list.retain(|(other, ..)| *other != part);
    }

    /// Adds all tensors of another collection.
    pub fn append(&mut self, mut other: Self) {
        self.list.append(&mut other.list);
    }

    /// Whether `part.name` is there.
    pub fn contains(&self, part: &str, name: &str) -> bool {
        self.list.iter().any(|(p, n, _)| *p == part && n == name)
    }

    /// Packs everything into a weight file and proves that it can be read back.
    pub fn pack(&self, header: Header<'_>) -> Result<WeightFile> {
        type Value<'a> = Box<dyn Fn(usize, usize) -> f32 + 'a>;
        let values: Vec<Value<'_>> =
            self.list.iter().map(|(_, _, m)| Box::new(|row, col| m[(row, col)]) as Value<'_>).collect();
        let tensors = self.list.iter().zip(&values);
        let entries: Vec<_> = tensors
            .map(|((part, name, m), value)| Entry { part, name, rows: m.nrows(), cols: m.ncols(), value })
            .collect();
        let numbers: usize = self.list.iter().map(|(_, _, m)| m.len() * 4 + 64).sum();
        let mut buffer = vec![0; numbers + 8192];
        let length = write(header, &entries, &mut buffer)?;
        let file = WeightFile::from_bytes(&buffer[..length]);
        file.parse().context("what was trained cannot be exported")?;
        Ok(file)
    }
}

/// Writes a file whole or not at all: to a temporary name beside it, then renamed.
pub fn write_file(path: &Path, bytes: &[u8]) -> Result<()> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let written = (|| {
        fs::create_dir_all(folder)?;
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        #[cfg(unix)]
        fs::set_permissions(file.path(), std::os::unix::fs::PermissionsExt::from_mode(0o644))?;
        file.persist(path).map_err(|e| e.error)
    })();
    written.map(drop).with_context(|| format!("cannot write {}", path.display()))
}
