//! MNIST: 60,000 handwritten digits to learn from and 10,000 to be tested on, 28×28 pixels each.

use super::{images::Images, signals::read_labels};
use anyhow::{Context, Result, ensure};
use std::path::Path;

/// Images with what they show.
#[derive(Clone, Debug, PartialEq)]
pub struct Labelled {
    /// The images.
    pub images: Images,
    /// The class of each.
    pub labels: Vec<u8>,
}

/// The two parts of the data set.
#[derive(Clone, Debug)]
pub struct Mnist {
    /// To learn from.
    pub train: Labelled,
    /// To be tested on.
    pub test: Labelled,
}

impl Mnist {
    /// Reads the four files, gzip or plain, from a folder.
    pub fn read(folder: &Path) -> Result<Self> {
        Ok(Self { train: part(folder, "train")?, test: Self::read_test(folder)? })
    }

    /// Reads only what is to be tested on.
    pub fn read_test(folder: &Path) -> Result<Labelled> {
        part(folder, "t10k")
    }
}

fn part(folder: &Path, name: &str) -> Result<Labelled> {
    let find = |kind: &str| {
        let names = [format!("{name}-{kind}-ubyte.gz"), format!("{name}-{kind}-ubyte")];
        let found = names.iter().map(|n| folder.join(n)).find(|path| path.exists());
        found.with_context(|| {
            format!("there is no {} in {}; put MNIST's four files there", names[1], folder.display())
        })
    };
    Labelled::read(&find("images-idx3")?, &find("labels-idx1")?)
}

impl Labelled {
    /// Reads images and their labels from two IDX files.
    pub fn read(images: &Path, labels: &Path) -> Result<Self> {
        Self::new(Images::read(images)?, read_labels(labels)?)
            .with_context(|| format!("in {} and {}", images.display(), labels.display()))
    }

    /// Pairs images with labels.
    pub fn new(images: Images, labels: Vec<u8>) -> Result<Self> {
        ensure!(
            images.len() == labels.len(),
            "there are {} labels for {} images; each image needs one label",
            labels.len(),
            images.len()
        );
        Ok(Self { images, labels })
    }

    /// The first `n`, or all if there are fewer.
    pub fn first(&self, n: usize) -> Self {
        let labels = self.labels.iter().copied().take(n).collect();
        Self { images: self.images.first(n), labels }
    }
}
