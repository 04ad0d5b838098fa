//! A folder of PNG and JPEG files: whole, if they have one size, or patches of them, whatever their sizes.

use super::{images::Images, patches};
use crate::worlds::Rng;
use anyhow::{Context, Result, ensure};
use image::ImageReader;
use nalgebra::DMatrix;
use rand::{RngExt, seq::SliceRandom};
use std::path::{Path, PathBuf};

/// The folder's PNG and JPEG files by name; what else is there is left alone. A file is a folder of one.
pub fn list(folder: &Path) -> Result<Vec<PathBuf>> {
    if folder.is_file() {
        return Ok(vec![folder.to_owned()]);
    }
    let name = folder.display();
    let entries = folder.read_dir().with_context(|| format!("cannot read the folder {name}"))?;
    let mut files = entries
        .map(|entry| entry.map(|e| e.path()))
        .collect::<Result<Vec<_>, _>>()
        .with_context(|| format!("cannot read the folder {name}"))?;
    let picture = |path: &PathBuf| {
        let ending = path.extension().and_then(|e| e.to_str()).unwrap_or_default();
        ["png", "jpg", "jpeg"].iter().any(|known| known.eq_ignore_ascii_case(ending))
    };
    files.retain(picture);
    files.sort();
    ensure!(!files.is_empty(), "there is no PNG or JPEG file in the folder {name}; put some there");
    Ok(files)
}

/// Reads one image, found by its content, as grey: the luma of its sRGB values, transparency ignored.
pub fn read_image(path: &Path) -> Result<Images> {
    let read = || -> Result<_> { Ok(ImageReader::open(path)?.with_guessed_format()?.decode()?) };
    let picture = read()
        .with_context(|| format!("cannot read the image {}; mend it or take it away", path.display()))?
        .to_luma32f();
    let (cols, rows) = (picture.width() as usize, picture.height() as usize);
    Ok(Images { rows, cols, pixels: DMatrix::from_vec(rows * cols, 1, picture.into_raw()) })
}

/// Reads all images whole; they must have one size.
pub fn read(folder: &Path) -> Result<Images> {
    let files = list(folder)?;
    let mut size = None;
    let mut pixels = Vec::new();
    for file in &files {
        let image = read_image(file)?;
        let &mut (rows, cols) = size.get_or_insert((image.rows, image.cols));
        ensure!(
            (image.rows, image.cols) == (rows, cols),
            "{} has {}×{} pixels (rows × columns), but {} has {rows}×{cols}; bring all to one size or learn from patches",
            file.display(),
            image.rows,
            image.cols,
            files[0].display()
        );
        pixels.extend_from_slice(image.pixels.as_slice());
    }
    let (rows, cols) = size.unwrap_or_default();
    Ok(Images { rows, cols, pixels: DMatrix::from_vec(rows * cols, files.len(), pixels) })
}

/// `n` patches of `side × side` pixels from random places, every file being as likely as any other: a large photograph
/// counts no more than a small one. Only one image is in memory at a time.
pub fn sample(folder: &Path, side: usize, n: usize, rng: &mut Rng) -> Result<DMatrix<f32>> {
    ensure!(n > 0, "0 patches are asked for; ask for at least 1");
    let files = list(folder)?;
    let mut share = vec![0; files.len()];
    (0..n).for_each(|_| share[rng.random_range(0..files.len())] += 1);
    let mut columns = Vec::with_capacity(n);
    for (file, n) in files.iter().zip(share) {
        let image = read_image(file)?;
        patches::check(&image, side).with_context(|| format!("in {}", file.display()))?;
        columns.extend(patches::sample(&image, side, n, rng).column_iter().map(|c| c.into_owned()));
    }
    // So that any part of them is from all files.
    columns.shuffle(rng);
    Ok(DMatrix::from_columns(&columns))
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{GrayImage, Luma, Rgb, RgbImage};
    use rand::SeedableRng;
    use std::fs;

    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        let grey = GrayImage::from_fn(7, 5, |x, y| Luma([(10 * y + x) as u8]));
        grey.save(folder.path().join("a.png")).expect("written");
        fs::write(folder.path().join("notes.txt"), "no image").expect("written");
        folder
    }

    fn said<T: std::fmt::Debug>(result: Result<T>) -> String {
        format!("{:#}", result.expect_err("a complaint"))
    }

    #[test]
    fn png_and_jpeg_are_read_as_grey() {
        let folder = folder();
        let image = read(folder.path()).expect("an image");
        assert_eq!((image.rows, image.cols, image.len()), (5, 7, 1));
        assert_eq!(image.pixels[(7 + 3, 0)], 13.0 / 255.0);
        let green = RgbImage::from_pixel(7, 5, Rgb([0, 255, 0]));
        green.save(folder.path().join("b.JPG")).expect("written");
        let images = read(folder.path()).expect("images");
        let luma = images.pixels[(10, 1)];
        assert!(images.len() == 2 && (luma - 0.7152).abs() < 0.02, "{luma}");
    }

    #[test]
    fn patches_come_from_images_of_all_sizes() {
        let folder = folder();
        GrayImage::from_pixel(40, 30, Luma([255])).save(folder.path().join("b.png")).expect("written");
        let patches = sample(folder.path(), 5, 100, &mut Rng::seed_from_u64(1)).expect("patches");
        assert_eq!(patches.shape(), (25, 100));
        let white = patches.row(0).iter().filter(|&&v| v == 1.0).count();
        assert!((30..70).contains(&white), "{white} of 100 are from the larger image");
        assert_eq!(patches, sample(folder.path(), 5, 100, &mut Rng::seed_from_u64(1)).expect("patches"));
    }

    #[test]
    fn what_is_wrong_is_told_with_its_file() {
        let rng = &mut Rng::seed_from_u64(1);
        let folder = folder();
        assert!(said(list(&folder.path().join("nowhere"))).contains("cannot read the folder"));
        assert!(said(sample(folder.path(), 3, 0, rng)).contains("0 patches"));
        let large = said(sample(folder.path(), 6, 9, rng));
        assert!(large.contains("a.png") && large.contains("6×6 pixels does not fit"), "{large}");
        GrayImage::from_pixel(4, 5, Luma([0])).save(folder.path().join("b.png")).expect("written");
        let sizes = said(read(folder.path()));
        assert!(sizes.contains("b.png has 5×4 pixels") && sizes.contains("a.png has 5×7"), "{sizes}");
        fs::write(folder.path().join("b.png"), "no image").expect("written");
        assert!(said(read(folder.path())).contains("b.png; mend it"));
        fs::remove_file(folder.path().join("b.png")).expect("removed");
        fs::remove_file(folder.path().join("a.png")).expect("removed");
        assert!(said(list(folder.path())).contains("no PNG or JPEG file"));
    }
}
