//! From the trained model to the weight file of a watcher: scales are folded into the weights, and biases that meet are added.

use super::{ACTION, Config, Mpur, Own, STATE, TOLD, USUAL};
use crate::{
    export::{Tensors, WeightFile},
    network::Dense,
};
use anyhow::{Context, Result};
use forethought::{
    artifact::{Header, Provenance, Traffic},
    predict::traffic::network::LOOKED,
};
use nalgebra::DMatrix;

/// `W diag(scales)`: what the inputs are divided by, by `1/scales`.
fn inputs(w: &DMatrix<f32>, scales: impl Fn(usize) -> f32) -> DMatrix<f32> {
    DMatrix::from_fn(w.nrows(), w.ncols(), |row, col| w[(row, col)] * scales(col))
}

/// `diag(scales) W`
fn outputs(w: &DMatrix<f32>, scales: &[f32]) -> DMatrix<f32> {
    DMatrix::from_fn(w.nrows(), w.ncols(), |row, col| w[(row, col)] * scales[row])
}

impl Mpur {
    /// The weight file of a watcher: of the stochastic model, or of the deterministic one, which has no z.
    ///
    /// # Errors
    /// If a size is larger than a weight file can say.
    pub fn export(&self, stochastic: bool, provenance: Provenance<'_>) -> Result<WeightFile> {
        let Config { own, past, fine, maps, hidden, latent, .. } = self.config;
        let size = |n: usize| u16::try_from(n).context("a weight file counts to 65535");
        let latent = if stochastic { latent } else { 0 };
        let settings = Traffic {
            own,
            along: size(self.geometry.along)?,
            across: size(self.geometry.across)?,
            past: size(past)?,
            lanes: size(self.geometry.lanes)?,
            fine: size(fine)?,
            maps: size(maps)?,
        };
        let header = Header::watcher(settings, (size(latent)?, size(hidden)?), provenance);
        self.tensors(latent).pack(header)
    }

    fn tensors(&self, latent: usize) -> Tensors {
        let scales = &self.scales;
        let mut tensors = Tensors::default();
        let mut matrix = |name: &str, w: DMatrix<f32>| tensors.matrix("predict", name, w);
        let geometry = self.geometry.numbers();
        matrix("geometry", DMatrix::from_column_slice(geometry.len(), 1, &geometry));

        let convolutions = [
            ("enc1", &self.encoder[0]),
            ("enc2", &self.encoder[1]),
            ("inner", &self.inner),
            ("dec1", &self.decoder[0]),
            ("dec2", &self.decoder[1]),
        ];
        for (name, layer) in convolutions {
            let (w, b) = layer.weights(&self.params);
            let w = match name {
                "enc1" => inputs(w, |col| match col % LOOKED {
                    channel @ 2.. => 1.0 / USUAL[channel - 2],
                    _ => 1.0,
                }),
                _ => w.clone(),
            };
            matrix(&format!("w_{name}"), w);
            matrix(&format!("b_{name}"), b.clone());
        }

        let of = |layer: &Dense| (&self.params[layer.w], &self.params[layer.b]);
        let ([(s1, s1_bias), (s2, s2_bias)], [(u1, u1_bias), (u2, u2_bias)]) =
            (self.state.each_ref().map(of), self.action.each_ref().map(of));
        let standardised = inputs(s1, |col| 1.0 / scales.state[col].1);
        let means = DMatrix::from_fn(STATE, 1, |row, _| scales.state[row].0);
        matrix("b_s1", s1_bias - &standardised * means);
        matrix("w_s1", standardised);
        matrix("w_s2", s2.clone());
        let action = |w: &DMatrix<f32>| inputs(w, |col| 1.0 / scales.action[col]);
        debug_assert_eq!(u1.ncols(), ACTION);
        matrix("w_u1", action(u1));
        matrix("b_u1", u1_bias.clone());
        matrix("w_u2", u2.clone());
        let [(around, around_bias), (of_action, action_bias), (of_latent, latent_bias), (push, push_bias)] =
            self.car.each_ref().map(of);
        let (z, z_bias) = of(&self.latent);
        // Without z its biases are not there either.
        let known = |sum: DMatrix<f32>, bias: &DMatrix<f32>| if latent > 0 { sum + bias } else { sum };
        matrix("w_z", z.columns(0, latent).into_owned());
        matrix("b_h", known(s2_bias + u2_bias, z_bias));

        let (seen, far) = (around.ncols() - TOLD, self.far());
        let told = inputs(&around.columns(seen, TOLD).into_owned(), |col| match col {
            0..4 => 1.0 / USUAL[col],
            4 | 5 => 1.0 / far[col - 4],
            _ => 1.0,
        });
        matrix("w_around", around.columns(0, seen).into_owned());
        matrix("w_told", told);
        matrix("w_car_u", action(of_action));
        matrix("w_car_z", of_latent.columns(0, latent).into_owned());
        matrix("b_car", known(around_bias + action_bias, latent_bias));
        matrix("w_push", outputs(push, &USUAL[2..]));
        matrix("b_push", outputs(push_bias, &USUAL[2..]));
        if self.config.own == Own::Learned {
            let [(o1, o1_bias), (o2, o2_bias)] = self.out.each_ref().map(of);
            matrix("w_o1", o1.clone());
            matrix("b_o1", o1_bias.clone());
            matrix("w_o2", outputs(o2, &scales.change));
            matrix("b_o2", outputs(o2_bias, &scales.change));
        }
        tensors
    }
}
