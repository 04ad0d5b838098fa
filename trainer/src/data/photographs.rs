//! Natural photographs: the 24 of the Kodak suite if they are in the data folder, or else images made of dead leaves,
//! so that everything that learns from photographs runs everywhere, with its own numbers.

use super::{
    dead_leaves::{self, DeadLeaves},
    images::Images,
};
use crate::worlds::Rng;
use anyhow::Result;
use rand::SeedableRng;
use std::path::Path;

/// The photographs' file in the data folder: IDX, grey, 24 images of 256×384, sRGB bytes.
pub const FILE: &str = "kodak24-gray-256x384-idx3-ubyte.gz";

/// Reads the photographs or makes images like them, and says which it did. Brightness is the sRGB byte over 255.
pub fn read(data: &Path) -> Result<(Images, &'static str)> {
    let path = data.join(FILE);
    if path.exists() {
        return Ok((Images::read(&path)?, "Kodak photographs"));
    }
    let leaves = dead_leaves::generate(&DeadLeaves::default(), 24, &mut Rng::seed_from_u64(0));
    Ok((leaves, "dead leaves"))
}
