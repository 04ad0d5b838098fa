//! What every experiment with a map of filters measures and shows, so that their numbers can be compared.

use super::{Outcome, Setting, median, per_seed};
use crate::{
    data::{images::Images, photographs},
    perceive::{
        gabor::Gabor,
        map::Map,
        pools::{Pools, Weights},
        topographic::Eye,
    },
    report::{
        Report, orientation,
        plot::{Axis, Plot, Series},
        tiles,
    },
    results::Row,
    worlds::Rng,
};
use anyhow::Result;
use nalgebra::DMatrix;
use rand::SeedableRng;

/// An experiment that learns a map of filters from patches of photographs.
pub struct Study<'a> {
    /// The method.
    pub title: &'a str,
    /// Where it is from.
    pub paper: &'a str,
    /// What its filters are called.
    pub filters: &'a str,
    /// Pixels along the edge of a patch.
    pub side: usize,
    /// Whitened components that are kept of it.
    pub components: usize,
    /// Rows and columns of units on the torus.
    pub map: [usize; 2],
    /// Rows and columns of a pool; there is one around every unit.
    pub window: usize,
    /// What is watched while it learns, as the axes of the plots say it.
    pub watched: &'a [&'a str],
    /// What the curves mean.
    pub training: &'a str,
    /// What else a reader must know.
    pub note: String,
}

/// What a method learns from.
pub struct Lesson<'a> {
    /// One pool around every unit.
    pub pools: Pools,
    /// So many whitened patches, one a column.
    pub patches: &'a mut dyn FnMut(usize) -> DMatrix<f32>,
    /// Of this seed.
    pub rng: &'a mut Rng,
}

/// Filters of whitened components, one a column, and a curve for all that was watched.
pub type Learnt = (DMatrix<f32>, Vec<Vec<(f64, f64)>>);

impl Study<'_> {
    /// Learns with each seed, measures and shows.
    pub fn run(
        &self,
        setting: &Setting,
        learn: impl Fn(Lesson<'_>) -> Result<Learnt> + Sync,
    ) -> Result<Outcome> {
        let Self { side, components, window, .. } = *self;
        let (images, source) = photographs::read(&setting.data)?;
        let images = images.halved(); // so that a patch shows more than one edge
        let runs = per_seed(setting, |seed| {
            let rng = &mut Rng::seed_from_u64(seed);
            let eye = Eye::new(&images, side, components, rng);
            let patches = &mut batches(&eye, &images, seed);
            let pools = Pools::torus(self.map, [window; 2], [1, 1], Weights::Flat)?;
            let (filters, curves) = learn(Lesson { pools, patches, rng })?;
            eprintln!("  seed {seed} has learnt its map");
            Ok((Topography::measure(eye.picture(&filters), side, self.map, seed), curves))
        })?;
        let (maps, curves): (Vec<_>, Vec<_>) = runs.into_iter().unzip();
        let mut report = Report::new(self.title, self.paper);
        let units = self.map[0] * self.map[1];
        report.section("The map");
        maps[0].show(
            &mut report,
            &format!("The {} of {units} units on a torus, learned from {source}.", self.filters),
        );
        let plots = self.watched.iter().enumerate().map(|(i, watched)| {
            Plot::new(Axis::linear("step"), Axis::linear(watched))
                .size(Plot::HALF, 240)
                .with_all(curves.iter().map(|curves| Series::line("", curves[i].clone())))
        });
        report.section("Training").figures(&format!("{} One curve a seed.", self.training), plots);
        let notes = vec![format!(
            "Patches of {side}×{side} pixels from {source} of half size, less their means and of equal contrast, whitened to \
             {components} components; {units} units on a torus, each in the middle of a pool of {window}×{window}{}",
            self.note
        )];
        Ok(Outcome { rows: Topography::rows(&maps), report, notes })
    }
}

/// Patches seen once, whitened once, and given out in turn: many thousand are as good as fresh ones.
pub fn batches(eye: &Eye, images: &Images, seed: u64) -> impl FnMut(usize) -> DMatrix<f32> {
    let patches = eye.look(images, PATCHES, &mut Rng::seed_from_u64(seed + 1000));
    let mut from = 0;
    move |n| {
        let start = if from + n > patches.ncols() { 0 } else { from };
        from = start + n;
        patches.columns(start, n).into_owned()
    }
}

/// Patches that an experiment learns from.
const PATCHES: usize = 50_000;

/// A map of filters, measured.
pub struct Topography {
    /// One filter a column, a square patch row by row from the top.
    pub filters: DMatrix<f32>,
    /// Side of a patch.
    pub side: usize,
    /// The Gabor function nearest to each filter.
    pub gabors: Vec<Gabor>,
    /// Preferred orientations.
    pub map: Map,
    /// Neighbours' mean difference in orientation, as a share of a shuffled map's.
    pub disorder: f64,
    /// The share of the filters that are mostly a Gabor function.
    pub oriented: f64,
    /// The share of the filters that are so and have faded well before the edges of their patch.
    pub local: f64,
}

impl Topography {
    /// Measures filters that lie on a torus of `shape` (rows, columns), row by row.
    pub fn measure(filters: DMatrix<f32>, side: usize, shape: [usize; 2], seed: u64) -> Self {
        Self::measure_on(filters, side, shape, true, seed)
    }

    /// The same on a torus or, if the map does not wrap, on a sheet with edges.
    pub fn measure_on(filters: DMatrix<f32>, side: usize, shape: [usize; 2], wraps: bool, seed: u64) -> Self {
        let gabors = Gabor::fit_all(&filters, side);
        let orientation = gabors.iter().map(Gabor::orientation).collect();
        let map = Map { rows: shape[0], columns: shape[1], wraps, orientation };
        let share = |holds: &dyn Fn(&Gabor) -> bool| {
            gabors.iter().filter(|fit| holds(fit)).count() as f64 / gabors.len().max(1) as f64
        };
        let (oriented, local) = (share(&|fit| fit.explained >= 0.5), share(&|fit| fit.is_local(side)));
        let disorder = map.disorder(&mut Rng::seed_from_u64(seed));
        Self { filters, side, gabors, map, disorder, oriented, local }
    }

    /// The rows of one experiment: medians over its seeds.
    pub fn rows(runs: &[Self]) -> Vec<Row> {
        let over = |value: &dyn Fn(&Self) -> f64| median(&runs.iter().map(value).collect::<Vec<_>>());
        vec![
            Row::new(
                "neighbours' orientation difference, share of a shuffled map's",
                over(&|run| run.disorder),
                "",
            )
            .at_most(0.5),
            Row::new(
                "oriented filters: a Gabor function explains half or more",
                100.0 * over(&|run| run.oriented),
                "%",
            )
            .at_least(80.0),
            Row::new("of all, those well within their patch too", 100.0 * over(&|run| run.local), "%")
                .at_least(50.0),
            Row::new("pinwheels", over(&|run| run.map.pinwheels().len() as f64), ""),
            Row::new("pinwheels in a squared period", over(&|run| run.map.pinwheel_density()), "")
                .beside(std::f64::consts::PI, "visual cortex"),
        ]
    }

    /// The filters and, beside them, their orientations with the pinwheels.
    pub fn show(&self, report: &mut Report, caption: &str) {
        let pixel = (720 / (self.map.columns * (self.side + 1))).max(2) as u32;
        let mosaic = tiles::dictionary(&self.filters, self.side, self.map.columns, pixel);
        report.figure(caption, crate::report::Figure::raster(&mosaic, "a mosaic of filters"));
        report.figure(
            &format!(
                "Each unit in the colour of its orientation; pinwheels are dots, white where orientations turn with the walk around \
                 them and black where against. Neighbours differ by {:.0} % of what they do in a shuffled map.",
                100.0 * self.disorder
            ),
            orientation::map(&self.map, 420),
        );
    }
}
