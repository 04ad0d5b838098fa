//! The search for `z*`: inference, while the weights stand still.
//!
//! A codebook is tried out. Otherwise proximal gradient descent: `z ← prox(z − η ∂C/∂z)`, which shrinks a sparse `z` and
//! brings one that has to stay in the ball back to it. Every sample has a step η of its own: longer after a step that
//! lowered its energy, shorter after one that would have raised it and is not taken. So no energy ever rises.

use super::{Batch, Latent, Limit};
use crate::{
    predict::transitions::Transitions,
    tape::{Tape, Var},
    worlds::{Rng, camera::normal},
};
use nalgebra::DMatrix;
use rand::RngExt;

/// What was found for each sample.
#[derive(Clone, Debug)]
pub struct Found {
    /// `z*`, one a column.
    pub z: DMatrix<f32>,
    /// Its energy, `C + R`.
    pub energy: Vec<f32>,
    /// Which codeword it is, where there are any.
    pub codeword: Vec<usize>,
}

impl Found {
    /// The mean energy.
    pub fn mean(&self) -> f32 {
        self.energy.iter().sum::<f32>() / self.energy.len().max(1) as f32
    }
}

impl Latent {
    /// Finds `z*` for every transition, from so many starts, the first of which is the encoder's proposal.
    pub fn search(&self, data: &Transitions, starts: usize, steps: usize, rng: &mut Rng) -> Found {
        if let Some(id) = self.codebook {
            let codebook = &self.params[id];
            return self.best(data, codebook.ncols(), |k| {
                DMatrix::from_fn(codebook.nrows(), data.len(), |row, _| codebook[(row, k)])
            });
        }
        let mut candidates = vec![self.proposal(data)];
        candidates.extend((1..starts).map(|_| self.random(data.len(), rng)));
        let many = data.repeat(candidates.len());
        let all: Vec<_> = candidates.iter().flat_map(|z| z.iter().copied()).collect();
        let mut z = DMatrix::from_vec(self.config.latent, many.len(), all);
        self.descend(&many, &mut z, steps);
        self.best(data, candidates.len(), |k| z.columns(k * data.len(), data.len()).into_owned())
    }

    /// What the encoder proposes, without any search.
    pub fn proposed(&self, data: &Transitions) -> Found {
        let Some(id) = self.codebook else {
            let z = self.proposal(data);
            let energy = self.energy(data, &z, false).0;
            return Found { z, energy, codeword: Vec::new() };
        };
        let scores = self.proposal(data);
        let codeword: Vec<_> = scores.column_iter().map(|column| column.imax()).collect();
        let z = self.params[id].select_columns(&codeword);
        let energy = self.energy(data, &z, false).0;
        Found { z, energy, codeword }
    }

    fn proposal(&self, data: &Transitions) -> DMatrix<f32> {
        let tape = Tape::new();
        tape.value(self.propose(&tape, Batch::on(&tape, data))).as_ref().clone()
    }

    /// Of so many candidates for every sample that of least energy.
    fn best(&self, data: &Transitions, candidates: usize, z: impl Fn(usize) -> DMatrix<f32>) -> Found {
        let mut found =
            Found { z: z(0), energy: vec![f32::INFINITY; data.len()], codeword: vec![0; data.len()] };
        for k in 0..candidates {
            let candidate = z(k);
            for (j, energy) in self.energy(data, &candidate, false).0.into_iter().enumerate() {
                if energy < found.energy[j] {
                    found.energy[j] = energy;
                    found.codeword[j] = k;
                    found.z.set_column(j, &candidate.column(j));
                }
            }
        }
        found
    }

    /// Anything that the limit allows.
    fn random(&self, n: usize, rng: &mut Rng) -> DMatrix<f32> {
        let nz = self.config.latent;
        let mut z = DMatrix::from_fn(nz, n, |_, _| normal(rng) as f32);
        for mut column in z.column_iter_mut() {
            match self.config.limit {
                Limit::None | Limit::Discrete { .. } => {}
                Limit::Sparse { .. } => {
                    let unit = rng.random_range(0..nz);
                    (0..nz).filter(|&i| i != unit).for_each(|i| column[i] = 0.0);
                }
                Limit::Noise { .. } => column /= column.norm().max(1.0),
            }
        }
        z
    }

    /// `g(s, a, z) − s'`, under each point that stands for the noise.
    fn errors<'a>(&'a self, tape: &'a Tape, batch: Batch, z: Var) -> impl ExactSizeIterator<Item = Var> + 'a {
        self.noise().into_iter().map(move |offset| {
            let seen = tape.add_bias(z, tape.constant(offset));
            tape.sub(self.decode(tape, true, batch, seen), batch.changes)
        })
    }

    /// Energies of all samples, and if they are wanted `∂C/∂z`.
    pub(super) fn energy(
        &self,
        data: &Transitions,
        z: &DMatrix<f32>,
        slopes: bool,
    ) -> (Vec<f32>, Option<DMatrix<f32>>) {
        let tape = Tape::new();
        let batch = Batch::on(&tape, data);
        let latent = if slopes { tape.parameter(z) } else { tape.constant(z.clone()) };
        let errors = self.errors(&tape, batch, latent);
        let share = 0.5 / errors.len() as f32;
        let weights = self.weights.as_slice();
        let mut energy = vec![0.0; data.len()];
        let mut total = Vec::new();
        for error in errors {
            for (energy, error) in energy.iter_mut().zip(tape.value(error).column_iter()) {
                *energy += share * error.iter().zip(weights).map(|(e, w)| w * e * e).sum::<f32>();
            }
            total.push(tape.weighted_square(error, tape.constant(self.weights.clone())));
        }
        if let Limit::Sparse { price } = self.config.limit {
            for (energy, z) in energy.iter_mut().zip(z.column_iter()) {
                *energy += price * z.iter().map(|z| z.abs()).sum::<f32>();
            }
        }
        let slopes = slopes.then(|| {
            // The cost is a mean over samples; each wants its own.
            tape.backward(tape.scale(tape.sum(tape.stack(&total)), share * data.len() as f32));
            tape.gradient(latent).clone_owned()
        });
        (energy, slopes)
    }

    /// `∂C/∂x'` of all samples, with `z` where it is.
    pub fn slope(&self, data: &Transitions, z: &DMatrix<f32>) -> DMatrix<f32> {
        let tape = Tape::new();
        let batch = Batch::on(&tape, data);
        let errors = self.errors(&tape, batch, tape.constant(z.clone()));
        let share = 1.0 / errors.len() as f32;
        let mut slope = DMatrix::zeros(data.changes.nrows(), data.len());
        for error in errors {
            slope -= share * tape.value(error).as_ref();
        }
        for (mut row, weight) in slope.row_iter_mut().zip(self.weights.iter()) {
            row *= *weight;
        }
        slope
    }

    fn descend(&self, data: &Transitions, z: &mut DMatrix<f32>, steps: usize) {
        let mut lengths = vec![0.5_f32; data.len()];
        let (mut energy, mut slopes) = self.energy(data, z, true);
        for _ in 0..steps {
            let Some(slope) = &mut slopes else { return };
            let mut moved = &*z - scaled(slope, &lengths);
            moved.column_iter_mut().zip(&lengths).for_each(|(column, &length)| self.limit(column, length));
            let (there, new) = self.energy(data, &moved, true);
            let new = new.expect("slopes are wanted");
            for j in 0..data.len() {
                if there[j] <= energy[j] {
                    energy[j] = there[j];
                    lengths[j] *= 1.5;
                    z.set_column(j, &moved.column(j));
                    slope.set_column(j, &new.column(j));
                } else {
                    lengths[j] *= 0.3;
                }
            }
        }
    }

    /// The limit's proximal map.
    fn limit(&self, mut z: nalgebra::DVectorViewMut<'_, f32>, length: f32) {
        match self.config.limit {
            Limit::None | Limit::Discrete { .. } => {}
            Limit::Sparse { price } => {
                z.apply(|z| *z = forethought::perceive::prox::soft(*z, price * length));
            }
            Limit::Noise { .. } => {
                let norm = z.norm().max(1.0);
                z /= norm;
            }
        }
    }
}

fn scaled(slopes: &DMatrix<f32>, lengths: &[f32]) -> DMatrix<f32> {
    let mut scaled = slopes.clone();
    scaled.column_iter_mut().zip(lengths).for_each(|(mut column, length)| column *= *length);
    scaled
}
