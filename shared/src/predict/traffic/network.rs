//! The network: what was seen is encoded, what is done and what cannot be known are added, and decoded to maps that are read where
//! the cars are. Every car is told how it moves, and says how it accelerates.
//!
//! ```text
//! fine = r(C₁ blocks(views)),   h = r(C₂ blocks(fine)) + b + W_s r(W x + b) + W_u r(W u + b) + W_z z
//! h ← r(h + C₃ r(h)),   up = r(C₅ [positions(r(C₄ h)), fine])
//! a_i = W r(W_m up(p_i) + W_t told_i + W_u u + W_z z + b) + b,     r(v) = max(v, 0)
//! ```
//! All convolutions are 3 × 3 with a border of zeros, so that maps keep their size. Scales of inputs and outputs are folded into
//! the weights when the model is exported.

use super::{
    cars::{Car, Cars},
    draw::{ENDLESS, Lens, Pen},
    shuffle::{Layout, blocks, copy, positions},
    view::{ACTION, Geometry, STATE},
};
use crate::{
    artifact::{self, Artifact, ArtifactError, Own},
    dense::Dense,
    math,
    perceive::{
        convolution::{Convolution, Unit},
        maps::Maps,
    },
};

/// Rows and columns of a filter, and the border around what it sees.
const SIDE: usize = 3;
const BORDER: usize = 1;
/// Channels of what the encoder looks at: what is no lane, who is there, their speeds and accelerations.
pub const LOOKED: usize = 6;
/// Numbers that are told of a car itself: how it moves, where it is, and where in its lane.
pub const TOLD: usize = 8;

/// The shapes of all maps.
#[derive(Clone, Copy, Debug)]
struct Shapes {
    view: Maps,
    fine: Maps,
    h: Maps,
    up: Maps,
}

impl Shapes {
    fn new(settings: &artifact::Traffic, hidden: usize) -> Self {
        let artifact::Traffic { along, across, fine, maps, .. } = *settings;
        let (rows, cols) = (usize::from(across), usize::from(along));
        let half = Maps { rows: rows / 2, cols: cols / 2, channels: fine.into() };
        Self {
            view: Maps { rows, cols, channels: LOOKED },
            fine: half,
            h: Maps { rows: half.rows / 2, cols: half.cols / 2, channels: maps.into() },
            up: Maps { channels: hidden, ..half },
        }
    }

    /// What each convolution sees, and how many filters it has.
    fn layers(&self) -> [(Maps, usize); 5] {
        let Self { view, fine, h, up } = *self;
        let channels = |maps, channels| Maps { channels, ..maps };
        [
            (channels(fine, 4 * view.channels), fine.channels),
            (channels(h, 4 * fine.channels), h.channels),
            (h, h.channels),
            (h, 4 * fine.channels),
            (channels(fine, 2 * fine.channels), up.channels),
        ]
    }

    /// The most numbers that any convolution sees, and that it shows with its window.
    fn largest(&self) -> (usize, usize) {
        let start = (self.view.positions(), self.view.len());
        self.layers().into_iter().fold(start, |(seen, shown), (maps, filters)| {
            let shows = maps.positions() * filters + maps.window(SIDE);
            (seen.max(Layout::bordered(maps, BORDER).len()), shown.max(shows))
        })
    }
}

/// Numbers that the network works in, with so many hidden units.
pub fn memory(settings: &artifact::Traffic, hidden: usize) -> usize {
    let shapes = Shapes::new(settings, hidden);
    let (seen, shown) = shapes.largest();
    shapes.fine.len() + shapes.h.len() + seen + shown
}

/// Weights of `W₂ r(W₁ x + b₁)`; whoever adds it up has its own bias.
#[derive(Clone, Copy, Debug)]
struct Small<'a> {
    first: Dense<'a>,
    bias: &'a [f32],
    second: Dense<'a>,
}

impl Small<'_> {
    fn add<const NH: usize>(&self, x: &[f32], y: &mut [f32]) {
        let mut hidden = [0.0; NH];
        self.first.affine(self.bias, x, &mut hidden);
        rectify(&mut hidden);
        self.second.add(&hidden, y);
    }
}

/// All weights. `NH` hold any hidden layer.
#[derive(Clone, Debug)]
pub(super) struct Network<'a, const NH: usize> {
    own: Own,
    shapes: Shapes,
    encoder: [Convolution<'a>; 2],
    inner: Convolution<'a>,
    decoder: [Convolution<'a>; 2],
    state: Small<'a>,
    action: Small<'a>,
    latent: Dense<'a>,
    bias: &'a [f32],
    /// Of a car: of the maps where it is and of what is told of it, of the action, of z; and what it says.
    around: Dense<'a>,
    told: Dense<'a>,
    car_action: Dense<'a>,
    car_latent: Dense<'a>,
    car_bias: &'a [f32],
    push: Dense<'a>,
    push_bias: &'a [f32],
    /// How the state changes, where it is learned.
    change: Option<(Small<'a>, &'a [f32])>,
}

/// What the network works in: maps of what was seen, `h`, and what a convolution sees and shows.
struct Memory<'m> {
    fine: &'m mut [f32],
    h: &'m mut [f32],
    seen: &'m mut [f32],
    shown: &'m mut [f32],
}

impl<'a, const NH: usize> Network<'a, NH> {
    pub(super) fn load(artifact: &Artifact<'a>, settings: &artifact::Traffic) -> Result<Self, ArtifactError> {
        let sizes = artifact.sizes();
        let (nz, nh) = (sizes.nz(), sizes.nh());
        let shapes = Shapes::new(settings, nh);
        let (h, hidden) = (shapes.h.len(), nh);
        let [enc1, enc2, inner, dec1, dec2] = shapes.layers();
        let matrix = |name, rows, cols| artifact.matrix("predict", name, rows, cols);
        let vector = |name, len| artifact.vector("predict", name, len);
        let convolution = |w, b, (maps, filters): (Maps, usize), unit| {
            let seen = Maps { rows: maps.rows + 2 * BORDER, cols: maps.cols + 2 * BORDER, ..maps };
            let (w, b) = (matrix(w, filters, maps.window(SIDE))?, vector(b, filters)?);
            let what = "a view must have rows and columns in fours";
            Convolution::new(seen, SIDE, w, b, unit).ok_or(ArtifactError::Setting { what })
        };
        let small = |[first, bias, second]: [&'static str; 3], inputs, outputs| {
            let (first, bias) = (matrix(first, hidden, inputs)?, vector(bias, hidden)?);
            let second = matrix(second, outputs, hidden)?;
            Ok::<_, ArtifactError>(Small { first, bias, second })
        };
        Ok(Self {
            own: settings.own,
            shapes,
            encoder: [
                convolution("w_enc1", "b_enc1", enc1, Unit::Rectified)?,
                convolution("w_enc2", "b_enc2", enc2, Unit::Rectified)?,
            ],
            inner: convolution("w_inner", "b_inner", inner, Unit::Linear)?,
            decoder: [
                convolution("w_dec1", "b_dec1", dec1, Unit::Rectified)?,
                convolution("w_dec2", "b_dec2", dec2, Unit::Rectified)?,
            ],
            state: small(["w_s1", "b_s1", "w_s2"], STATE, h)?,
            action: small(["w_u1", "b_u1", "w_u2"], ACTION, h)?,
            latent: matrix("w_z", h, nz)?,
            bias: vector("b_h", h)?,
            around: matrix("w_around", hidden, shapes.up.channels)?,
            told: matrix("w_told", hidden, TOLD)?,
            car_action: matrix("w_car_u", hidden, ACTION)?,
            car_latent: matrix("w_car_z", hidden, nz)?,
            car_bias: vector("b_car", hidden)?,
            push: matrix("w_push", 2, hidden)?,
            push_bias: vector("b_push", 2)?,
            change: match settings.own {
                Own::Known => None,
                Own::Learned => Some((small(["w_o1", "b_o1", "w_o2"], h, STATE)?, vector("b_o2", STATE)?)),
            },
        })
    }

    /// How each car accelerates, written over how it did; and how the state changes, where that is learned.
    pub(super) fn step(
        &self,
        geometry: &Geometry,
        memory: &mut [f32],
        (state, cars): (&[f32; STATE], &mut Cars),
        (action, z): (&[f32; ACTION], &[f32]),
    ) -> [f32; STATE] {
        let mut change = [0.0; STATE];
        let Some(memory) = &mut self.split(memory) else { return change };
        self.see(geometry, memory, (state, cars));
        self.action.add::<NH>(action, memory.h);
        self.latent.add(z, memory.h);
        if let Some(up) = self.decode(memory) {
            let lens = Lens::new(geometry, self.shapes.up);
            let mut common = [0.0; NH];
            self.car_action.affine(self.car_bias, action, &mut common);
            self.car_latent.add(z, &mut common);
            for car in cars.iter_mut() {
                let mut around = [0.0; NH];
                lens.read(up, self.shapes.up.channels, car.place, &mut around);
                let mut hidden = common;
                self.around.add(&around, &mut hidden);
                self.told.add(&self.told_of(geometry, state, car), &mut hidden);
                rectify(&mut hidden);
                self.push.affine(self.push_bias, &hidden, &mut car.push);
            }
        }
        if let Some((small, bias)) = &self.change {
            change.iter_mut().zip(*bias).for_each(|(change, bias)| *change = *bias);
            small.add::<NH>(memory.h, &mut change);
        }
        change
    }

    fn split<'m>(&self, memory: &'m mut [f32]) -> Option<Memory<'m>> {
        let (fine, rest) = memory.split_at_mut_checked(self.shapes.fine.len())?;
        let (h, rest) = rest.split_at_mut_checked(self.shapes.h.len())?;
        let (seen, shown) = rest.split_at_mut_checked(self.shapes.largest().0)?;
        Some(Memory { fine, h, seen, shown })
    }

    /// How a car moves: beside the car itself, where its own way is known.
    fn motion(&self, state: &[f32; STATE], car: &Car) -> [f32; 4] {
        let ([.., own], [along, across], [faster, aside]) = (*state, car.speed, car.push);
        let along = if self.own == Own::Known { along - own } else { along };
        [along, across, faster, aside]
    }

    fn told_of(&self, geometry: &Geometry, state: &[f32; STATE], car: &Car) -> [f32; TOLD] {
        let [along, across, faster, aside] = self.motion(state, car);
        let ([x, y], [own, ..]) = (car.place, *state);
        let (sin, cos) = math::sin_cos((y + own) * geometry.phase());
        [along, across, faster, aside, x, y, sin, cos]
    }

    /// Everybody with their motion is drawn, and encoded to `fine` and to `h`.
    fn see(
        &self,
        geometry: &Geometry,
        Memory { fine, h, seen, shown }: &mut Memory<'_>,
        (state, cars): (&[f32; STATE], &Cars),
    ) {
        let Shapes { view, .. } = self.shapes;
        let [(below, _), (above, _), ..] = self.shapes.layers();
        shown.iter_mut().take(view.len()).for_each(|cell| *cell = 0.0);
        let [own, ..] = *state;
        for (middle, width) in geometry.marks() {
            Pen::new(geometry, [ENDLESS, width]).add([0.0, middle - own], &[1.0], shown, LOOKED);
        }
        let pen = Pen::new(geometry, geometry.car);
        for car in cars {
            let [along, across, faster, aside] = self.motion(state, car);
            pen.add(car.place, &[0.0, 1.0, along, across, faster, aside], shown, LOOKED);
        }

        let [first, second] = &self.encoder;
        clear(seen);
        copy(blocks(Layout::plain(view), Layout::bordered(below, BORDER)), LOOKED, shown, seen);
        first.run(seen, shown);
        fine.iter_mut().zip(shown.iter()).for_each(|(fine, shown)| *fine = *shown);
        clear(seen);
        let channels = self.shapes.fine.channels;
        copy(blocks(Layout::plain(self.shapes.fine), Layout::bordered(above, BORDER)), channels, fine, seen);
        second.run(seen, shown);
        for (h, (shown, bias)) in h.iter_mut().zip(shown.iter().zip(self.bias)) {
            *h = shown + bias;
        }
        self.state.add::<NH>(state, h);
    }

    /// The maps that are read where cars are.
    fn decode<'m>(&self, Memory { fine, h, seen, shown }: &'m mut Memory<'_>) -> Option<&'m [f32]> {
        let Shapes { fine: below, h: above, up, .. } = self.shapes;
        let (plain, bordered) = (Layout::plain(above), Layout::bordered(above, BORDER));
        clear(seen);
        copy(positions(plain, bordered), above.channels, h, seen);
        rectify(seen);
        self.inner.run(seen, shown);
        h.iter_mut().zip(shown.iter()).for_each(|(h, more)| *h += more);
        rectify(h);

        let [first, second] = &self.decoder;
        copy(positions(plain, bordered), above.channels, h, seen);
        first.run(seen, shown);
        // What comes from above and what was seen, side by side at each position.
        let channels = below.channels;
        let half = |offset| Layout { stride: 2 * channels, offset, ..Layout::bordered(below, BORDER) };
        clear(seen);
        let coarse = Layout::plain(Maps { channels: 4 * channels, ..above });
        copy(blocks(half(0), coarse).map(|(to, from)| (from, to)), channels, shown, seen);
        copy(positions(Layout::plain(below), half(channels)), channels, fine, seen);
        second.run(seen, shown);
        shown.get(..up.len())
    }
}

fn clear(numbers: &mut [f32]) {
    numbers.iter_mut().for_each(|number| *number = 0.0);
}

/// `max(v, 0)`
fn rectify(numbers: &mut [f32]) {
    numbers.iter_mut().for_each(|v| *v = if *v > 0.0 { *v } else { 0.0 });
}
