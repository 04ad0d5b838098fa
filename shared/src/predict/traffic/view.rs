//! How views of traffic are measured: the cells of a view, the cars and the lanes in it.
//!
//! A view is a grid around the car itself, as if filmed from above: rows across the road, columns along it, forward to the right,
//! its cells row by row. A cell holds the share of it that is covered.

use crate::artifact::{self, Artifact, ArtifactError};
use core::f32::consts::TAU;

/// Numbers in a state: place across the road in m from the centre of its first lane, heading in rad, speed in m/s.
pub const STATE: usize = 3;
/// Numbers in an action: acceleration in m/s², and rate of turning in rad/s.
pub const ACTION: usize = 2;

/// Cells, cars, lanes and time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Geometry {
    /// Columns of a view, along the road.
    pub along: usize,
    /// Rows of it, across the road; the car itself is in the middle.
    pub across: usize,
    /// Length and width of a cell, in m. No longer and no wider than a car: else where one is in it cannot be seen.
    pub cell: [f32; 2],
    /// Columns behind the car's own middle.
    pub behind: f32,
    /// Length and width of every car, in m.
    pub car: [f32; 2],
    /// Lanes side by side.
    pub lanes: usize,
    /// Width of each, in m.
    pub lane: f32,
    /// Width at which the lines between them are drawn, in m.
    pub line: f32,
    /// Seconds from one view to the next.
    pub dt: f32,
}

/// Numbers of a geometry in the tensor `predict.geometry`.
const NUMBERS: usize = 8;

impl Geometry {
    /// As it stands in the tensor `predict.geometry`, but for what the header has.
    pub fn numbers(&self) -> [f32; NUMBERS] {
        let ([length, width], [long, wide]) = (self.cell, self.car);
        [length, width, self.behind, long, wide, self.lane, self.line, self.dt]
    }

    /// Reads what is measured how.
    ///
    /// # Errors
    /// If the tensor `predict.geometry` is not there, or says what cannot be.
    pub fn load(artifact: &Artifact<'_>, settings: &artifact::Traffic) -> Result<Self, ArtifactError> {
        let stored = artifact.vector("predict", "geometry", NUMBERS)?;
        let what = "cells, cars, lanes, lines and the time from view to view must be larger than 0, and no cell larger than a car";
        let &[length, width, behind, long, wide, lane, line, dt] = stored else {
            return Err(ArtifactError::Setting { what });
        };
        let positive = [length, width, long, wide, lane, line, dt].iter().all(|number| *number > 0.0);
        if !positive || behind < 0.0 || length > long || width > wide {
            return Err(ArtifactError::Setting { what });
        }
        // Beyond that a car would cover more cells than there are: nothing would be found, slowly.
        if long > length * f32::from(settings.along) || wide > width * f32::from(settings.across) {
            return Err(ArtifactError::Setting { what: "a car must be smaller than a view" });
        }
        Ok(Self {
            along: settings.along.into(),
            across: settings.across.into(),
            cell: [length, width],
            behind,
            car: [long, wide],
            lanes: settings.lanes.into(),
            lane,
            line,
            dt,
        })
    }

    /// Cells in a view.
    pub fn cells(&self) -> usize {
        self.along * self.across
    }

    /// The middles and the widths of all that is no lane, across the road from the centre of the first lane: what is beyond the
    /// edges, as wide as view and road together, so that nobody sees across; and the lines between lanes.
    pub fn marks(&self) -> impl Iterator<Item = (f32, f32)> + use<> {
        let Self { lanes, lane, line, .. } = *self;
        let (low, high) = (-0.5 * lane, (lanes as f32 - 0.5) * lane);
        let [_, width] = self.cell;
        let beyond = 2.0 * self.across as f32 * width + (high - low);
        let lines = (1..lanes).map(move |right| ((right as f32 - 0.5) * lane, line));
        [(low - 0.5 * beyond, beyond), (high + 0.5 * beyond, beyond)].into_iter().chain(lines)
    }

    /// Radians of a lane's width, a metre.
    pub fn phase(&self) -> f32 {
        TAU / self.lane
    }
}
